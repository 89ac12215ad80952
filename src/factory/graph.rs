//! The bill of materials as a graph: how many pieces of an item one unit of each product takes, and the ways it goes there.

use std::collections::{BinaryHeap, HashMap};

use jiff::civil::Date;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::{
    domain::factory::{BomLine, FactoryData},
    limits,
};

/// One way from a product down to an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UsePath {
    /// SKU first, the item last.
    pub nodes: Vec<String>,
    /// Product of the quantities per level, without scrap and yield.
    pub quantity: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductUse {
    /// Index into `FactoryData::products`.
    pub product: usize,
    pub sku: String,
    /// Pieces of the item for one good unit of the product: every path, with scrap and yield, on the day asked.
    pub pieces: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhereUsed {
    pub item: String,
    pub products: Vec<ProductUse>,
    /// At most `limits::PATHS_SHOWN_MAX`.
    pub paths: Vec<UsePath>,
    pub paths_in_all: u64,
}

/// Nodes are names: a product's SKU and an item of the same number are one node.
pub(super) struct Graph {
    /// By node: the product it is, the item it is.
    products: Vec<Option<usize>>,
    items: Vec<Option<usize>>,
    names: Vec<String>,
    node_of_item: Vec<usize>,
    /// By node: its BOM lines as a child, and the parent's node.
    uses: Vec<Vec<(usize, usize)>>,
    /// By node: its place in the order, parents before children.
    rank: Vec<usize>,
}

impl Graph {
    /// The import refuses cycles; should one be there all the same, its nodes share the last rank, no walk passes between them, and every walk ends.
    pub fn new(data: &FactoryData) -> Graph {
        let mut nodes: HashMap<&str, usize> = HashMap::new();
        let mut names: Vec<String> = Vec::new();
        let mut node = |name| {
            *nodes.entry(name).or_insert_with(|| {
                names.push(str::to_owned(name));
                names.len() - 1
            })
        };
        let product_nodes: Vec<usize> = data.products.iter().map(|product| node(&product.sku)).collect();
        let node_of_item: Vec<usize> = data.items.iter().map(|item| node(&item.item)).collect();
        let ends: Vec<(usize, usize)> = data.bom.iter().map(|line| (node(&line.parent), node(&line.child))).collect();
        let count = names.len();
        let (mut products, mut items) = (vec![None; count], vec![None; count]);
        product_nodes.iter().enumerate().for_each(|(index, node)| products[*node] = Some(index));
        node_of_item.iter().enumerate().for_each(|(index, node)| items[*node] = Some(index));
        let mut uses = vec![Vec::new(); count];
        ends.iter().enumerate().for_each(|(line, (parent, child))| uses[*child].push((line, *parent)));
        let mut rank = vec![usize::MAX; count];
        parents_first(count, &ends).into_iter().enumerate().for_each(|(place, node)| rank[node] = place);
        Graph { products, items, names, node_of_item, uses, rank }
    }

    pub fn pieces_per_product(&self, data: &FactoryData, item: usize, on: Date) -> Vec<(usize, f64)> {
        let above = self.pieces_above(data, item, on);
        let mut found: Vec<(usize, f64)> = above.into_iter().filter_map(|(node, pieces)| Some((self.products[node]?, pieces))).collect();
        found.sort_by_key(|(product, _)| *product);
        found
    }

    /// BOM lines in force on a day that have the node as child, with the parent's node.
    fn uses<'a>(&'a self, data: &'a FactoryData, node: usize, on: Date) -> impl Iterator<Item = (&'a BomLine, usize)> + 'a {
        let lines = self.uses[node].iter().map(|(line, parent)| (&data.bom[*line], *parent));
        lines.filter(move |(line, parent)| in_force(line.valid_from, line.valid_to, on) && self.rank[*parent] < self.rank[node])
    }

    /// Pieces of the item for one good unit of each node above it, and of itself. The node with the highest rank is taken first: everything below it has been, so
    /// its sum is complete before it is passed on. Order, and so rounding, is always the same.
    fn pieces_above(&self, data: &FactoryData, item: usize, on: Date) -> HashMap<usize, f64> {
        let start = self.node_of_item[item];
        let mut per_started: HashMap<usize, f64> = HashMap::from([(start, 1.0)]);
        let mut waiting = BinaryHeap::from([(self.rank[start], start)]);
        let mut per_good = HashMap::new();
        while let Some((_, node)) = waiting.pop() {
            let Some(pieces) = per_started.remove(&node) else { continue };
            // More of a node must be started than is needed of it where some turn out bad.
            let good = pieces / self.items[node].and_then(|item| data.items[item].yield_ratio).and_then(|ratio| ratio.to_f64()).unwrap_or(1.0);
            per_good.insert(node, good);
            for (line, parent) in self.uses(data, node, on) {
                let scrap = line.scrap.and_then(|scrap| scrap.to_f64()).unwrap_or(0.0);
                let per_parent = good * line.quantity.to_f64().unwrap_or(0.0) * (1.0 + scrap);
                match per_started.get_mut(&parent) {
                    Some(sum) => *sum += per_parent,
                    None => {
                        per_started.insert(parent, per_parent);
                        waiting.push((self.rank[parent], parent));
                    }
                }
            }
        }
        per_good
    }

    pub fn where_used(&self, data: &FactoryData, item: usize, on: Date) -> WhereUsed {
        let start = self.node_of_item[item];
        let ways = self.ways_up(data, item, on);
        let mut paths = Vec::new();
        self.walk(data, on, &ways, &mut vec![start], 1.0, &mut paths);
        let products = self.pieces_per_product(data, item, on);
        WhereUsed {
            item: data.items[item].item.clone(),
            products: products.into_iter().map(|(product, pieces)| ProductUse { product, sku: data.products[product].sku.clone(), pieces }).collect(),
            paths,
            paths_in_all: ways.get(&start).copied().unwrap_or(0),
        }
    }

    /// By node at or above the item: how many ways lead from it up to products, counted without listing them.
    fn ways_up(&self, data: &FactoryData, item: usize, on: Date) -> HashMap<usize, u64> {
        let mut above: Vec<usize> = self.pieces_above(data, item, on).into_keys().collect();
        above.sort_unstable_by_key(|node| self.rank[*node]);
        let mut ways: HashMap<usize, u64> = HashMap::with_capacity(above.len());
        for node in above {
            let own = u64::from(self.products[node].is_some());
            let sum = self.uses(data, node, on).fold(own, |sum, (_, parent)| sum.saturating_add(ways.get(&parent).copied().unwrap_or(0)));
            ways.insert(node, sum);
        }
        ways
    }

    /// Lists ways up to products until there are enough to show. Steps that lead to no product are not taken, so the work is that of the paths listed.
    fn walk(&self, data: &FactoryData, on: Date, ways: &HashMap<usize, u64>, way: &mut Vec<usize>, quantity: f64, paths: &mut Vec<UsePath>) {
        let Some(&node) = way.last() else { return };
        if paths.len() >= limits::PATHS_SHOWN_MAX || way.len() > limits::BOM_LEVELS_MAX {
            return;
        }
        if self.products[node].is_some() {
            paths.push(UsePath { nodes: way.iter().rev().map(|node| self.names[*node].clone()).collect(), quantity });
        }
        for (line, parent) in self.uses(data, node, on) {
            if ways.get(&parent).is_some_and(|ways| *ways > 0) {
                way.push(parent);
                self.walk(data, on, ways, way, quantity * line.quantity.to_f64().unwrap_or(0.0), paths);
                way.pop();
            }
        }
    }
}

fn in_force(from: Option<Date>, to: Option<Date>, on: Date) -> bool {
    from.is_none_or(|from| from <= on) && to.is_none_or(|to| on <= to)
}

/// Nodes in an order that has every parent before its children (Kahn). Nodes on a cycle, and below one, are not in it.
pub(super) fn parents_first(count: usize, ends: &[(usize, usize)]) -> Vec<usize> {
    let mut parents = vec![0_usize; count];
    let mut children = vec![Vec::new(); count];
    for (parent, child) in ends {
        parents[*child] += 1;
        children[*parent].push(*child);
    }
    let mut order: Vec<usize> = (0..count).filter(|node| parents[*node] == 0).collect();
    let mut at = 0;
    while at < order.len() {
        for child in &children[order[at]] {
            parents[*child] -= 1;
            if parents[*child] == 0 {
                order.push(*child);
            }
        }
        at += 1;
    }
    order
}
