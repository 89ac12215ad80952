//! The bill of materials as a graph: how many pieces of an item one unit of each product takes, and the ways it goes there.

use std::collections::HashMap;

use jiff::civil::Date;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::{domain::factory::FactoryData, limits};

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
    /// Pieces of the item per product, every path, with scrap and yield, on the day asked.
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
    /// The import refuses cycles; should one be there all the same, its nodes keep the rank they are met in and every walk still ends.
    pub fn new(data: &FactoryData, _items: &HashMap<String, usize>) -> Graph {
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
        Graph { products, items, names, node_of_item, rank: ranks(count, &ends), uses }
    }

    pub fn pieces_per_product(&self, data: &FactoryData, item: usize, on: Date) -> Vec<(usize, f64)> {
        let above = self.pieces_above(data, item, on);
        let mut found: Vec<(usize, f64)> = above.into_iter().filter_map(|(node, pieces)| Some((self.products[node]?, pieces))).collect();
        found.sort_by_key(|(product, _)| *product);
        found
    }

    /// Pieces of the item in one unit of each node above it. Nodes are taken from the lowest rank upwards, so each is complete before it is passed on.
    fn pieces_above(&self, data: &FactoryData, item: usize, on: Date) -> HashMap<usize, f64> {
        let start = self.node_of_item[item];
        let mut pieces: HashMap<usize, f64> = HashMap::from([(start, 1.0)]);
        let mut waiting = std::collections::BinaryHeap::from([(self.rank[start], start)]);
        let mut done = HashMap::new();
        while let Some((_, node)) = waiting.pop() {
            let Some(here) = pieces.remove(&node) else { continue };
            // More of a node must be started than is needed of it where some turn out bad.
            let started = here / self.items[node].and_then(|item| data.items[item].yield_ratio).and_then(|ratio| ratio.to_f64()).unwrap_or(1.0);
            for (line, parent) in &self.uses[node] {
                let bom = &data.bom[*line];
                if !in_force(bom.valid_from, bom.valid_to, on) || self.rank[*parent] >= self.rank[node] {
                    continue;
                }
                let scrap = bom.scrap.and_then(|scrap| scrap.to_f64()).unwrap_or(0.0);
                let per_parent = started * bom.quantity.to_f64().unwrap_or(0.0) * (1.0 + scrap);
                match pieces.get_mut(parent) {
                    Some(sum) => *sum += per_parent,
                    None => {
                        pieces.insert(*parent, per_parent);
                        waiting.push((self.rank[*parent], *parent));
                    }
                }
            }
            done.insert(node, here);
        }
        done
    }

    pub fn where_used(&self, data: &FactoryData, item: usize, on: Date) -> WhereUsed {
        let products = self.pieces_per_product(data, item, on);
        let mut paths = Vec::new();
        let mut way = vec![self.node_of_item[item]];
        self.walk(data, on, &mut way, 1.0, &mut paths);
        WhereUsed {
            item: data.items[item].item.clone(),
            products: products.into_iter().map(|(product, pieces)| ProductUse { product, sku: data.products[product].sku.clone(), pieces }).collect(),
            paths,
            paths_in_all: self.count_paths(data, item, on),
        }
    }

    /// Lists ways up to products until there are enough to show.
    fn walk(&self, data: &FactoryData, on: Date, way: &mut Vec<usize>, quantity: f64, paths: &mut Vec<UsePath>) {
        let Some(&node) = way.last() else { return };
        if paths.len() >= limits::PATHS_SHOWN_MAX || way.len() > limits::BOM_LEVELS_MAX {
            return;
        }
        if self.products[node].is_some() {
            paths.push(UsePath { nodes: way.iter().rev().map(|node| self.names[*node].clone()).collect(), quantity });
        }
        for (line, parent) in &self.uses[node] {
            let bom = &data.bom[*line];
            if in_force(bom.valid_from, bom.valid_to, on) && self.rank[*parent] < self.rank[node] {
                way.push(*parent);
                self.walk(data, on, way, quantity * bom.quantity.to_f64().unwrap_or(0.0), paths);
                way.pop();
            }
        }
    }

    /// Ways from products down to the item, counted without listing them.
    fn count_paths(&self, data: &FactoryData, item: usize, on: Date) -> u64 {
        let start = self.node_of_item[item];
        let mut ways: HashMap<usize, u64> = HashMap::from([(start, 1)]);
        let mut waiting = std::collections::BinaryHeap::from([(self.rank[start], start)]);
        let mut to_products = 0_u64;
        while let Some((_, node)) = waiting.pop() {
            let Some(here) = ways.remove(&node) else { continue };
            if self.products[node].is_some() {
                to_products = to_products.saturating_add(here);
            }
            for (line, parent) in &self.uses[node] {
                let bom = &data.bom[*line];
                if in_force(bom.valid_from, bom.valid_to, on) && self.rank[*parent] < self.rank[node] {
                    let sum = ways.entry(*parent).or_insert_with(|| {
                        waiting.push((self.rank[*parent], *parent));
                        0
                    });
                    *sum = sum.saturating_add(here);
                }
            }
        }
        to_products
    }
}

fn in_force(from: Option<Date>, to: Option<Date>, on: Date) -> bool {
    from.is_none_or(|from| from <= on) && to.is_none_or(|to| on <= to)
}

/// Parents before children (Kahn); what is left in a cycle comes last.
fn ranks(count: usize, ends: &[(usize, usize)]) -> Vec<usize> {
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
    let mut rank = vec![usize::MAX; count];
    order.iter().enumerate().for_each(|(place, node)| rank[*node] = place);
    rank
}
