//! A bill of materials while it is imported: names as numbers, thirty-two bytes a line, then put into columns.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use rust_decimal::Decimal;

use super::{Bom, Bytes, Counts, NONE, day, layout::Layout};
use crate::domain::factory::{BomLine, Item, Line, Product};

/// A line with everything as numbers: nodes by first mention, decimals and files by their place in the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::factory) struct DraftLine {
    pub parent: u32,
    pub child: u32,
    pub quantity: u32,
    pub scrap: u32,
    pub from: u32,
    pub to: u32,
    file: u32,
    pub number: u32,
}

#[derive(Default)]
pub(in crate::factory) struct Draft {
    names: Numbered<Arc<str>>,
    decimals: Numbered<[u8; 16]>,
    files: Numbered<Arc<str>>,
    pub lines: Vec<DraftLine>,
}

/// Values by number, and their numbers.
struct Numbered<T> {
    of: HashMap<T, u32>,
    values: Vec<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Numbered<T> {
        Numbered { of: HashMap::new(), values: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    fn of<Q: ?Sized + Eq + Hash>(&mut self, value: &Q) -> u32
    where
        T: std::borrow::Borrow<Q> + for<'a> From<&'a Q>,
    {
        if let Some(number) = self.of.get(value) {
            return *number;
        }
        self.add(T::from(value))
    }

    fn add(&mut self, value: T) -> u32 {
        let next = u32::try_from(self.values.len()).unwrap_or(NONE);
        let number = *self.of.entry(value.clone()).or_insert(next);
        if number == next {
            self.values.push(value);
        }
        number
    }
}

impl DraftLine {
    /// All of a line but where it stands. Decimals of one value in two writings are two.
    pub fn meaning(&self) -> [u32; 6] {
        [self.parent, self.child, self.quantity, self.scrap, self.from, self.to]
    }
}

impl Draft {
    /// Keeps the lines for which `is_kept` holds.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&Draft, &DraftLine) -> bool) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.retain(|line| is_kept(self, line));
        self.lines = lines;
    }

    pub fn push(&mut self, line: &BomLine) {
        let mut decimal = |number: Decimal| self.decimals.add(number.serialize());
        let (quantity, scrap) = (decimal(line.quantity), line.scrap.map_or(NONE, &mut decimal));
        self.lines.push(DraftLine {
            parent: self.names.of(line.parent.as_str()),
            child: self.names.of(line.child.as_str()),
            quantity,
            scrap,
            from: line.valid_from.map_or(0, day),
            to: line.valid_to.map_or(NONE, day),
            file: self.files.of(line.at.file.as_str()),
            number: line.at.line,
        });
    }

    pub fn names(&self) -> &[Arc<str>] {
        &self.names.values
    }

    pub fn at(&self, line: &DraftLine) -> Line {
        let file = self.files.values.get(line.file as usize).map_or_else(String::new, |name| name.to_string());
        Line { file, line: line.number }
    }

    /// Lines, by the name of their file.
    pub fn by_file(&self) -> HashMap<String, u64> {
        let mut counts = vec![0; self.files.values.len()];
        self.lines.iter().for_each(|line| counts[line.file as usize] += 1);
        self.files.values.iter().map(|name| name.to_string()).zip(counts).collect()
    }

    /// Ends of every line.
    pub fn edges(&self) -> Vec<(u32, u32)> {
        self.lines.iter().map(|line| (line.parent, line.child)).collect()
    }

    /// Into columns. The tables are those the dataset keeps: nodes lead to their rows.
    pub fn finish(mut self, products: &[Product], items: &[Item]) -> Bom {
        // Products and items first, in the order of their files, so that ranks do not depend on the order of lines more than they must.
        let mut nodes: Numbered<Arc<str>> = Numbered::default();
        let of_product: Vec<u32> = products.iter().map(|row| nodes.of(row.sku.as_str())).collect();
        let of_item: Vec<u32> = items.iter().map(|row| nodes.of(row.item.as_str())).collect();
        let named: Vec<u32> = std::mem::take(&mut self.names).values.into_iter().map(|name| nodes.add(name)).collect();
        let node = |name: u32| named.get(name as usize).copied().unwrap_or(0);
        for line in &mut self.lines {
            (line.parent, line.child) = (node(line.parent), node(line.child));
        }
        let count = nodes.values.len();
        let (mut product, mut item) = (vec![NONE; count], vec![NONE; count]);
        for (table, nodes) in [(&mut product, &of_product), (&mut item, &of_item)] {
            nodes.iter().zip(0_u32..).for_each(|(node, row)| table[*node as usize] = row);
        }
        let by_rank = parents_first(count, &self.edges());
        let mut rank = vec![NONE; count];
        by_rank.iter().zip(0_u32..).for_each(|(node, place)| rank[*node as usize] = place);
        let mut folded: Vec<(String, u32)> = nodes.values.iter().map(|name| name.to_uppercase()).zip(0_u32..).collect();
        folded.sort_unstable();
        let by_name = folded.into_iter().map(|(_, node)| node).collect();
        let mut changes: Vec<u32> = self.lines.iter().flat_map(|line| [(line.from != 0).then_some(line.from), after(line.to)]).flatten().collect();
        changes.sort_unstable();
        changes.dedup();

        let lines = std::mem::take(&mut self.lines);
        let (up, by_child) = grouped(count, lines.iter().map(|line| line.child));
        let column = |of: fn(&DraftLine) -> u32| by_child.iter().map(|line| lines.get(*line as usize).map_or(NONE, of)).collect::<Vec<u32>>();
        let parent = column(|line| line.parent);
        let (down, below) = grouped(count, parent.iter().copied());
        let (name_end, names) = texts(&nodes.values);
        let (file_end, file_names) = texts(&self.files.values);
        let size = |len: usize| u32::try_from(len).unwrap_or(NONE);
        let counts = Counts {
            products: size(products.len()),
            items: size(items.len()),
            nodes: size(count),
            lines: size(lines.len()),
            changes: size(changes.len()),
            decimals: size(self.decimals.values.len()),
            files: size(file_end.len()),
            names: size(names.len()),
            file_names: size(file_names.len()),
        };
        let columns = [of_product, of_item, product, item, rank, by_name, name_end, up, down, parent];
        let of_lines: [fn(&DraftLine) -> u32; 7] =
            [|line| line.child, |line| line.quantity, |line| line.scrap, |line| line.from, |line| line.to, |line| line.file, |line| line.number];
        let mut bytes = Vec::with_capacity(Layout::of(counts).bytes);
        let mut put = |column: &[u32]| column.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        columns.iter().for_each(|numbers| put(numbers));
        of_lines.into_iter().for_each(|of| put(&column(of)));
        put(&below);
        put(&changes);
        self.decimals.values.iter().for_each(|number| bytes.extend_from_slice(number));
        file_end.iter().for_each(|end| bytes.extend_from_slice(&end.to_le_bytes()));
        bytes.extend_from_slice(names.as_bytes());
        bytes.extend_from_slice(file_names.as_bytes());
        Bom { bytes: Bytes::Owned(Arc::new(bytes)), at: 0, counts, layout: Layout::of(counts), decimals: self.numbers(), by_rank }
    }

    fn numbers(&self) -> Vec<(Decimal, f64)> {
        use rust_decimal::prelude::ToPrimitive;
        self.decimals.values.iter().map(|bytes| Decimal::deserialize(*bytes)).map(|number| (number, number.to_f64().unwrap_or(0.0))).collect()
    }
}

/// The day after the last one in force.
fn after(last: u32) -> Option<u32> {
    if last == NONE { None } else { super::of_day(last)?.tomorrow().ok().map(day) }
}

/// Indices grouped by a number below `count`, in their order within a group: where each group starts, with the end of the last, and the indices.
pub(in crate::factory) fn grouped(count: usize, of: impl Iterator<Item = u32> + Clone) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; count + 1];
    let mut all = 0;
    for group in of.clone() {
        starts[group as usize + 1] += 1;
        all += 1;
    }
    for group in 0..count {
        starts[group + 1] += starts[group];
    }
    let (mut next, mut sorted) = (starts.clone(), vec![0_u32; all]);
    for (index, group) in (0_u32..).zip(of) {
        sorted[next[group as usize] as usize] = index;
        next[group as usize] += 1;
    }
    (starts, sorted)
}

fn texts(values: &[Arc<str>]) -> (Vec<u32>, String) {
    let mut text = String::new();
    let ends = values.iter().map(|value| {
        text.push_str(value);
        u32::try_from(text.len()).unwrap_or(NONE)
    });
    (ends.collect(), text)
}

/// Nodes in an order that has every parent before its children (Kahn). Nodes on a cycle, and below one, are not in it.
pub(in crate::factory) fn parents_first(count: usize, edges: &[(u32, u32)]) -> Vec<u32> {
    let mut parents = vec![0_u32; count];
    edges.iter().for_each(|(_, child)| parents[*child as usize] += 1);
    let (starts, lines) = grouped(count, edges.iter().map(|(parent, _)| *parent));
    let mut order: Vec<u32> = (0_u32..).take(count).filter(|node| parents[*node as usize] == 0).collect();
    let mut at = 0;
    while at < order.len() {
        let node = order[at] as usize;
        for line in &lines[starts[node] as usize..starts[node + 1] as usize] {
            let child = edges[*line as usize].1;
            parents[child as usize] -= 1;
            if parents[child as usize] == 0 {
                order.push(child);
            }
        }
        at += 1;
    }
    order
}
