//! The bill of materials in columns, the same in memory and in a dataset file: nodes by number, lines sorted by child, and both ways along them. `draft` makes
//! one, `layout` says where each column stands.

mod bytes;
mod draft;
mod layout;

use std::ops::Range;

use jiff::civil::Date;
use rust_decimal::{Decimal, prelude::ToPrimitive};

use self::layout::{Column, Layout};
pub(super) use self::{
    bytes::Bytes,
    draft::{Draft, grouped, parents_first},
    layout::{Counts, NONE},
};
use crate::domain::factory::{BomLine, FactoryData, Line};

/// Every line of every bill. A node is a name: a product's SKU and an item of the same number are one node.
#[derive(Clone)]
pub struct Bom {
    bytes: Bytes,
    /// First byte of the block within `bytes`.
    at: usize,
    counts: Counts,
    layout: Layout,
    decimals: Vec<(Decimal, f64)>,
    /// Nodes by their rank: what a walk in topological order looks up.
    by_rank: Vec<u32>,
}

impl Bom {
    /// Takes a block as it stands at `at`, after checking that every number in it leads somewhere. The error says what does not.
    pub(super) fn open(bytes: Bytes, at: usize, counts: Counts) -> Result<Bom, &'static str> {
        let layout = Layout::of(counts);
        if at.checked_add(layout.bytes).is_none_or(|end| end > bytes.len()) {
            return Err("the bill of materials is cut");
        }
        let mut bom = Bom { bytes, at, counts, layout, decimals: Vec::new(), by_rank: Vec::new() };
        let sixteen = |index: usize| <[u8; 16]>::try_from(bom.slice(layout.decimals.at + 16 * index, 16)).unwrap_or_default();
        bom.decimals = (0..layout.decimals.len)
            .map(|index| Decimal::deserialize(sixteen(index)))
            .map(|number| (number, number.to_f64().unwrap_or(0.0)))
            .collect();
        bom.check()?;
        bom.by_rank = bom.ranked().ok_or("the ranks in the bill of materials are no order")?;
        Ok(bom)
    }

    /// Nodes in the order of their ranks, which are 0, 1, 2 and so on, and `NONE` for those on a loop or below one.
    fn ranked(&self) -> Option<Vec<u32>> {
        let ranks = || (0..self.counts.nodes).map(|node| (node, self.view().rank(node))).filter(|(_, rank)| *rank != NONE);
        let mut by_rank = vec![NONE; ranks().count()];
        for (node, rank) in ranks() {
            let place = by_rank.get_mut(rank as usize).filter(|place| **place == NONE)?;
            *place = node;
        }
        Some(by_rank)
    }

    fn check(&self) -> Result<(), &'static str> {
        let (layout, nodes, lines) = (&self.layout, self.counts.nodes, self.counts.lines);
        let all = |column: Column, right: &dyn Fn(u32) -> bool| (0..column.len).all(|index| right(self.number(column, index)));
        let rising = |column: Column, last: usize| {
            (1..column.len).all(|index| self.number(column, index - 1) <= self.number(column, index))
                && (column.len == 0 || self.number(column, column.len - 1) as usize == last)
        };
        let text = |column: Column| std::str::from_utf8(self.slice(column.at, column.len)).ok();
        let ends =
            |ends: Column, of: Column| text(of).is_some_and(|text| rising(ends, text.len()) && all(ends, &|end| text.is_char_boundary(end as usize)));
        let right = [layout.up, layout.down].into_iter().all(|starts| rising(starts, lines as usize))
            && [layout.parent, layout.child, layout.by_name, layout.product_node, layout.item_node]
                .into_iter()
                .all(|column| all(column, &|node| node < nodes))
            && all(layout.below, &|line| line < lines)
            && all(layout.quantity, &|number| number < self.counts.decimals)
            && all(layout.scrap, &|number| number < self.counts.decimals || number == NONE)
            && all(layout.file, &|file| file < self.counts.files)
            && ends(layout.name_end, layout.names)
            && ends(layout.file_end, layout.file_names);
        if right { Ok(()) } else { Err("a number in the bill of materials leads nowhere") }
    }

    /// Whether every node leads to a row of tables of these lengths.
    pub(super) fn leads_into(&self, products: usize, items: usize) -> bool {
        let (view, nodes) = (self.view(), 0..self.counts.nodes);
        (self.counts.products as usize, self.counts.items as usize) == (products, items)
            && nodes.into_iter().all(|node| view.product(node).is_none_or(|row| row < products) && view.item(node).is_none_or(|row| row < items))
    }

    fn slice(&self, at: usize, len: usize) -> &[u8] {
        self.bytes.get(self.at + at..self.at + at + len).unwrap_or_default()
    }

    fn number(&self, column: Column, index: usize) -> u32 {
        let four = self.slice(column.at + 4 * index, 4);
        four.try_into().map_or(NONE, u32::from_le_bytes)
    }

    fn text(&self, ends: Column, of: Column, index: usize) -> &str {
        let end = self.number(ends, index) as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.number(ends, before) as usize);
        std::str::from_utf8(self.slice(of.at + start, end.saturating_sub(start))).unwrap_or_default()
    }

    /// The block, for its file.
    pub(super) fn block(&self) -> (&[u8], Counts) {
        (self.slice(0, self.layout.bytes), self.counts)
    }

    /// Number of lines.
    pub fn len(&self) -> usize {
        self.counts.lines as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn nodes(&self) -> usize {
        self.counts.nodes as usize
    }

    pub(super) fn name(&self, node: u32) -> &str {
        self.text(self.layout.name_end, self.layout.names, node as usize)
    }

    /// The item that a node is.
    pub(super) fn item(&self, node: u32) -> Option<usize> {
        self.view().item(node)
    }

    /// The columns for a walk: one look at where each begins, and not one for each number.
    pub(super) fn view(&self) -> View<'_> {
        let of = |column: Column| self.slice(column.at, 4 * column.len).as_chunks().0;
        let layout = &self.layout;
        View {
            product: of(layout.product),
            item: of(layout.item),
            rank: of(layout.rank),
            up: of(layout.up),
            down: of(layout.down),
            parent: of(layout.parent),
            child: of(layout.child),
            quantity: of(layout.quantity),
            scrap: of(layout.scrap),
            from: of(layout.from),
            to: of(layout.to),
            below: of(layout.below),
            decimals: &self.decimals,
            by_rank: &self.by_rank,
        }
    }

    /// The node of a row of the items.
    pub(super) fn node_of_item(&self, item: usize) -> Option<u32> {
        (item < self.layout.item_node.len).then(|| self.number(self.layout.item_node, item))
    }

    /// The node of a name for which `is_right` holds: as written, else of another case.
    pub(super) fn node(&self, name: &str, is_right: impl Fn(u32) -> bool) -> Option<u32> {
        let folded = || name.chars().flat_map(char::to_uppercase);
        let at = |place: usize| self.number(self.layout.by_name, place);
        let compared = |place: usize| self.name(at(place)).chars().flat_map(char::to_uppercase).cmp(folded());
        let (mut first, mut after) = (0, self.nodes());
        while first < after {
            let middle = first + (after - first) / 2;
            if compared(middle).is_lt() { first = middle + 1 } else { after = middle }
        }
        let mut found = None;
        for node in (first..self.nodes()).take_while(|place| compared(*place).is_eq()).map(at).filter(|node| is_right(*node)) {
            if self.name(node) == name {
                return Some(node);
            }
            found = found.or(Some(node));
        }
        found
    }

    /// First and last day a line is in force; `None` is open.
    pub(super) fn days(&self, line: u32) -> (Option<Date>, Option<Date>) {
        (of_day(self.number(self.layout.from, line as usize)), of_day(self.number(self.layout.to, line as usize)))
    }

    /// First days on which the lines in force may be others than the day before, ascending.
    pub fn changes(&self) -> Vec<Date> {
        (0..self.layout.changes.len).filter_map(|index| of_day(self.number(self.layout.changes, index))).collect()
    }

    /// A line as its file has it.
    fn line(&self, line: u32) -> BomLine {
        let of = |column| self.number(column, line as usize);
        let exact = |column| self.decimals.get(of(column) as usize).map(|(exact, _)| *exact);
        let (valid_from, valid_to) = self.days(line);
        BomLine {
            parent: self.name(of(self.layout.parent)).to_owned(),
            child: self.name(of(self.layout.child)).to_owned(),
            quantity: exact(self.layout.quantity).unwrap_or_default(),
            scrap: exact(self.layout.scrap),
            valid_from,
            valid_to,
            at: Line {
                file: self.text(self.layout.file_end, self.layout.file_names, of(self.layout.file) as usize).to_owned(),
                line: of(self.layout.number),
            },
        }
    }

    /// Every line, by child and within it as the files have them.
    pub fn lines(&self) -> impl Iterator<Item = BomLine> {
        (0..self.counts.lines).map(|line| self.line(line))
    }
}

/// Columns as they lie. `Bom::open` has seen that every number leads somewhere.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    product: &'a [[u8; 4]],
    item: &'a [[u8; 4]],
    rank: &'a [[u8; 4]],
    up: &'a [[u8; 4]],
    down: &'a [[u8; 4]],
    parent: &'a [[u8; 4]],
    child: &'a [[u8; 4]],
    quantity: &'a [[u8; 4]],
    scrap: &'a [[u8; 4]],
    from: &'a [[u8; 4]],
    to: &'a [[u8; 4]],
    below: &'a [[u8; 4]],
    decimals: &'a [(Decimal, f64)],
    by_rank: &'a [u32],
}

impl View<'_> {
    /// The product that a node is, the item.
    pub fn product(&self, node: u32) -> Option<usize> {
        known(of(self.product, node))
    }

    pub fn item(&self, node: u32) -> Option<usize> {
        known(of(self.item, node))
    }

    /// A node's place in an order that has every parent before its children; equal only for nodes on a loop, which an import refuses.
    pub fn rank(&self, node: u32) -> u32 {
        of(self.rank, node)
    }

    /// The node of a rank.
    pub fn at_rank(&self, rank: usize) -> Option<u32> {
        self.by_rank.get(rank).copied()
    }

    /// Lines with a node as their child.
    pub fn up(&self, node: u32) -> Range<u32> {
        of(self.up, node)..of(self.up, node + 1)
    }

    /// Lines with a node as their parent.
    pub fn down(&self, node: u32) -> impl Iterator<Item = u32> {
        (of(self.down, node)..of(self.down, node + 1)).map(|place| of(self.below, place))
    }

    pub fn parent(&self, line: u32) -> u32 {
        of(self.parent, line)
    }

    pub fn child(&self, line: u32) -> u32 {
        of(self.child, line)
    }

    /// Pieces of the child in one parent, without scrap.
    pub fn quantity(&self, line: u32) -> f64 {
        self.decimals.get(of(self.quantity, line) as usize).map_or(0.0, |(_, float)| *float)
    }

    /// Share lost on top; nothing where the line says nothing.
    pub fn scrap(&self, line: u32) -> f64 {
        self.decimals.get(of(self.scrap, line) as usize).map_or(0.0, |(_, float)| *float)
    }

    pub fn is_in_force(&self, line: u32, on: u32) -> bool {
        of(self.from, line) <= on && on <= of(self.to, line)
    }
}

fn of(column: &[[u8; 4]], index: u32) -> u32 {
    u32::from_le_bytes(column[index as usize])
}

impl PartialEq for Bom {
    fn eq(&self, other: &Bom) -> bool {
        self.len() == other.len() && self.lines().eq(other.lines())
    }
}

impl std::fmt::Debug for Bom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bom").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl From<FactoryData> for FactoryData<Bom> {
    fn from(data: FactoryData) -> FactoryData<Bom> {
        let mut draft = Draft::default();
        data.bom.iter().for_each(|line| draft.push(line));
        let bom = draft.finish(&data.products, &data.items);
        let FactoryData { products, items, bom: _, aml, demand, stock, rates, site } = data;
        FactoryData { products, items, bom, aml, demand, stock, rates, site }
    }
}

fn known(index: u32) -> Option<usize> {
    (index != NONE).then_some(index as usize)
}

/// A day as one number that rises with it; 0 is before and `u32::MAX` after every day.
pub(super) fn day(date: Date) -> u32 {
    let year = u32::try_from(i32::from(date.year()) + 10_000).unwrap_or(0);
    year * 512 + u32::from(date.month().unsigned_abs()) * 32 + u32::from(date.day().unsigned_abs())
}

fn of_day(day: u32) -> Option<Date> {
    let part = |number: u32| i8::try_from(number).ok();
    let year = i16::try_from(i32::try_from(day / 512).ok()? - 10_000).ok()?;
    Date::new(year, part(day / 32 % 16)?, part(day % 32)?).ok()
}
