//! The ways from an item up to products: how many pieces one unit of each product takes, and which ways they go.

use std::{cell::RefCell, ops::Range};

use jiff::civil::Date;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use super::bom::{Bom, day};
use crate::{
    domain::factory::{FactoryData, Item},
    limits,
};

/// One way from a product down to an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UsePath {
    /// SKU first, the item last.
    pub nodes: Vec<String>,
    /// Product of the quantities per level, without scrap and yield.
    pub quantity: f64,
    /// First and last day on which every line of the way is in force; `None` is open.
    pub valid_from: Option<Date>,
    pub valid_to: Option<Date>,
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
    /// How many there are, shown or not; counted without listing them, and at most what 64 bits hold.
    pub paths_in_all: u64,
}

/// One line of a where-used tree: the item itself, or a node that takes the one it stands below.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TreeLine {
    /// 0 for the item.
    pub level: usize,
    pub number: String,
    pub is_product: bool,
    /// Pieces of the node it stands below in one of this; 1 for the item.
    pub quantity: f64,
    pub scrap: f64,
    pub valid_from: Option<Date>,
    pub valid_to: Option<Date>,
    /// Pieces of the item in one good unit of this, by every way.
    pub pieces: f64,
    /// It stands further up already, with what takes it.
    pub is_repeated: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UseTree {
    /// Depth first; at most `limits::TREE_LINES_MAX`.
    pub lines: Vec<TreeLine>,
    pub lines_in_all: usize,
}

thread_local! {
    /// By node, its place among those found, from 1; all zero between two questions. One question in a large factory needs no large table of its own.
    static PLACES: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// An item and everything above it on a day.
struct Above<'a> {
    bom: &'a Bom,
    places: Vec<u32>,
    /// By falling rank: a node stands before everything that takes it.
    nodes: Vec<Node>,
    /// Lines by which a node is taken, and the parent; those of one node stand together.
    taken: Vec<(u32, u32)>,
}

struct Node {
    node: u32,
    rank: u32,
    taken: Range<usize>,
}

impl<'a> Above<'a> {
    fn of(bom: &'a Bom, start: u32, on: Date) -> Above<'a> {
        let (view, on) = (bom.view(), day(on));
        let mut places = PLACES.take();
        places.resize(bom.nodes().max(places.len()), 0);
        places[start as usize] = 1;
        let mut above = Above { bom, places, nodes: vec![Node { node: start, rank: view.rank(start), taken: 0..0 }], taken: Vec::new() };
        let mut at = 0;
        while at < above.nodes.len() {
            let Node { node, rank, .. } = above.nodes[at];
            let first = above.taken.len();
            for line in view.up(node).filter(|line| view.is_in_force(*line, on)) {
                let parent = view.parent(line);
                let parent_rank = view.rank(parent);
                // The import refuses loops; should one be there all the same, its nodes share the last rank, no walk passes between them, and every walk ends.
                if parent_rank < rank {
                    above.taken.push((line, parent));
                    if std::mem::replace(&mut above.places[parent as usize], 1) == 0 {
                        above.nodes.push(Node { node: parent, rank: parent_rank, taken: 0..0 });
                    }
                }
            }
            above.nodes[at].taken = first..above.taken.len();
            at += 1;
        }
        above.nodes.sort_unstable_by_key(|node| std::cmp::Reverse(node.rank));
        above.nodes.iter().zip(1_u32..).for_each(|(node, place)| above.places[node.node as usize] = place);
        above
    }

    /// Lines by which a node is taken on the day, with the parent's place among `nodes`.
    fn uses(&self, node: &Node) -> impl Iterator<Item = (u32, usize)> {
        self.taken[node.taken.clone()].iter().map(|(line, parent)| (*line, self.places[*parent as usize] as usize - 1))
    }

    /// Pieces of the item for one good unit of each node, by place. A node's sum is complete before it is passed on, and the order of additions, and so rounding,
    /// is always the same.
    fn pieces(&self, yields: &[f64]) -> Vec<f64> {
        let view = self.bom.view();
        let mut pieces = vec![0.0; self.nodes.len()];
        pieces[0] = 1.0;
        for (place, node) in self.nodes.iter().enumerate() {
            // More of a node must be started than is needed of it where some turn out bad.
            let good: f64 = pieces[place] / view.item(node.node).and_then(|item| yields.get(item)).unwrap_or(&1.0);
            pieces[place] = good;
            for (line, parent) in self.uses(node) {
                pieces[parent] += good * view.quantity(line) * (1.0 + view.scrap(line));
            }
        }
        pieces
    }

    /// How many ways lead from each node up to products, by place; counted without listing them.
    fn ways(&self) -> Vec<u64> {
        let view = self.bom.view();
        let mut ways = vec![0_u64; self.nodes.len()];
        for (place, node) in self.nodes.iter().enumerate().rev() {
            let own = u64::from(view.product(node.node).is_some());
            ways[place] = self.uses(node).fold(own, |sum, (_, parent)| sum.saturating_add(ways[parent]));
        }
        ways
    }

    fn products(&self, yields: &[f64]) -> Vec<(usize, f64)> {
        let (view, pieces) = (self.bom.view(), self.pieces(yields));
        let mut found: Vec<_> = self.nodes.iter().zip(pieces).filter_map(|(node, pieces)| Some((view.product(node.node)?, pieces))).collect();
        found.sort_unstable_by_key(|(product, _)| *product);
        found
    }

    /// Lists ways up to products until there are enough to show. Steps that lead to no product are not taken, so the work is that of the paths listed.
    fn list(&self, ways: &[u64], place: usize, lines: &mut Vec<u32>, paths: &mut Vec<UsePath>) {
        if paths.len() >= limits::PATHS_SHOWN_MAX || lines.len() >= limits::BOM_LEVELS_MAX {
            return;
        }
        let node = &self.nodes[place];
        if self.bom.view().product(node.node).is_some() {
            paths.push(self.path(node.node, lines));
        }
        for (line, parent) in self.uses(node).filter(|(_, parent)| ways[*parent] > 0) {
            lines.push(line);
            self.list(ways, parent, lines, paths);
            lines.pop();
        }
    }

    /// The way from a product down the lines, which were taken on the way up.
    fn path(&self, top: u32, lines: &[u32]) -> UsePath {
        let view = self.bom.view();
        let below = lines.iter().rev().map(|line| view.child(*line));
        let days = lines.iter().map(|line| self.bom.days(*line));
        UsePath {
            nodes: std::iter::once(top).chain(below).map(|node| self.bom.name(node).to_owned()).collect(),
            quantity: lines.iter().fold(1.0, |quantity, line| quantity * view.quantity(*line)),
            valid_from: days.clone().filter_map(|(from, _)| from).max(),
            valid_to: days.filter_map(|(_, to)| to).min(),
        }
    }
}

impl Drop for Above<'_> {
    fn drop(&mut self) {
        self.nodes.iter().for_each(|node| self.places[node.node as usize] = 0);
        PLACES.set(std::mem::take(&mut self.places));
    }
}

/// Good pieces per piece started, by item; 1 where the file says nothing.
pub(super) fn yields(items: &[Item]) -> Vec<f64> {
    items.iter().map(|item| item.yield_ratio.and_then(|ratio| ratio.to_f64()).unwrap_or(1.0)).collect()
}

pub(super) fn pieces_per_product(data: &FactoryData<Bom>, yields: &[f64], item: usize, on: Date) -> Vec<(usize, f64)> {
    data.bom.node_of_item(item).map_or_else(Vec::new, |node| Above::of(&data.bom, node, on).products(yields))
}

pub(super) fn where_used(data: &FactoryData<Bom>, yields: &[f64], item: usize, on: Date) -> WhereUsed {
    let mut used = WhereUsed { item: data.items[item].item.clone(), products: Vec::new(), paths: Vec::new(), paths_in_all: 0 };
    let Some(start) = data.bom.node_of_item(item) else { return used };
    let above = Above::of(&data.bom, start, on);
    let ways = above.ways();
    above.list(&ways, 0, &mut Vec::new(), &mut used.paths);
    let named = |(product, pieces): (usize, f64)| ProductUse { product, sku: data.products[product].sku.clone(), pieces };
    used.products = above.products(yields).into_iter().map(named).collect();
    used.paths_in_all = ways.first().copied().unwrap_or(0);
    used
}

/// Everything above an item, each node with what takes it the first time it comes.
pub(super) fn tree(data: &FactoryData<Bom>, yields: &[f64], item: usize, on: Date) -> UseTree {
    let bom = &data.bom;
    let Some(start) = bom.node_of_item(item) else { return UseTree { lines: Vec::new(), lines_in_all: 0 } };
    let above = Above::of(bom, start, on);
    let pieces = above.pieces(yields);
    let view = bom.view();
    let lines_in_all = 1 + above.taken.len();
    let (mut lines, mut told) = (Vec::new(), vec![false; above.nodes.len()]);
    // What is still to be told, the next one last: level, place, and the line by which it takes the one below.
    let mut open: Vec<(usize, usize, Option<u32>)> = vec![(0, 0, None)];
    while let Some((level, place, line)) = open.pop().filter(|_| lines.len() < limits::TREE_LINES_MAX) {
        let node = &above.nodes[place];
        let is_repeated = std::mem::replace(&mut told[place], true);
        let (valid_from, valid_to) = line.map_or((None, None), |line| bom.days(line));
        lines.push(TreeLine {
            level,
            number: bom.name(node.node).to_owned(),
            is_product: view.product(node.node).is_some(),
            quantity: line.map_or(1.0, |line| view.quantity(line)),
            scrap: line.map_or(0.0, |line| view.scrap(line)),
            valid_from,
            valid_to,
            pieces: pieces[place],
            is_repeated,
        });
        if !is_repeated {
            let taken: Vec<_> = above.uses(node).map(|(line, parent)| (level + 1, parent, Some(line))).collect();
            open.extend(taken.into_iter().rev());
        }
    }
    UseTree { lines, lines_in_all }
}

/// Names of what takes an item directly on a day, each once, in the order of the names.
pub(super) fn parents(bom: &Bom, item: usize, on: Date) -> Vec<&str> {
    let Some(node) = bom.node_of_item(item) else { return Vec::new() };
    let view = bom.view();
    let lines = view.up(node).filter(|line| view.is_in_force(*line, day(on)));
    let mut names: Vec<&str> = lines.map(|line| bom.name(view.parent(line))).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Items below nodes all of whose uses lead through these nodes. Taken from the top down, an item is kept where each parent is a root or was kept: one pass, because
/// every parent comes before its children.
pub(super) fn captives(bom: &Bom, roots: &[String], on: Date) -> Vec<usize> {
    let (view, on) = (bom.view(), day(on));
    let roots: Vec<u32> = roots.iter().filter_map(|root| bom.node(root, |_| true)).collect();
    let (mut seen, mut held) = (vec![false; bom.nodes()], vec![false; bom.nodes()]);
    let mut open = roots.clone();
    roots.iter().for_each(|node| held[*node as usize] = true);
    let mut below = Vec::new();
    while let Some(node) = open.pop() {
        let children = view.down(node).filter(|line| view.is_in_force(*line, on)).map(|line| view.child(line));
        for child in children.filter(|child| !std::mem::replace(&mut seen[*child as usize], true)) {
            below.push(child);
            open.push(child);
        }
    }
    below.sort_unstable_by_key(|node| view.rank(*node));
    let mut items = Vec::new();
    for node in below.into_iter().filter(|node| !roots.contains(node)) {
        let mut uses = view.up(node).filter(|line| view.is_in_force(*line, on));
        if uses.all(|line| held[view.parent(line) as usize]) {
            held[node as usize] = true;
            items.extend(view.item(node));
        }
    }
    items.sort_unstable();
    items
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use jiff::civil::date;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::{
        domain::{
            factory::{BomLine, Line, Product},
            maker::MakerAliases,
            money::{Currency, Rates},
        },
        factory::Factory,
    };

    /// Parent, child, quantity in tenths, scrap in hundredths, first and last day as days of January 2027.
    type PlanLine = (usize, usize, i64, Option<i64>, Option<i8>, Option<i8>);

    /// Nodes are numbered; line ends point from a smaller to a larger number, so that there is no cycle.
    #[derive(Debug, Clone)]
    struct Plan {
        /// By node: whether it is a product, and its yield in hundredths where it is an item with one.
        nodes: Vec<(bool, Option<i64>)>,
        lines: Vec<PlanLine>,
    }

    const DAY: i8 = 15;

    fn plan() -> impl Strategy<Value = Plan> {
        let line = (
            0_usize..9,
            0_usize..9,
            1_i64..40,
            proptest::option::of(0_i64..50),
            proptest::option::weighted(0.2, 1_i8..29),
            proptest::option::weighted(0.2, 1_i8..29),
        );
        let node = (any::<bool>(), proptest::option::of(40_i64..=100));
        (proptest::collection::vec(node, 9), proptest::collection::vec(line, 0..30)).prop_map(|(nodes, lines)| {
            let down = |(one, other, quantity, scrap, from, to): PlanLine| (one.min(other), one.max(other), quantity, scrap, from, to);
            Plan { nodes, lines: lines.into_iter().filter(|line| line.0 != line.1).map(down).collect() }
        })
    }

    impl Plan {
        fn data(&self) -> FactoryData {
            let at = || Line { file: "bom.csv".into(), line: 2 };
            let january = |day: i8| date(2027, 1, day);
            let product = |(number, _): (usize, _)| product(&format!("N{number}"));
            let item = |(number, (_, good)): (usize, &(bool, Option<i64>))| Item {
                yield_ratio: good.map(|good| Decimal::new(good, 2)),
                ..item(&format!("N{number}"))
            };
            let line = |(parent, child, quantity, scrap, from, to): &PlanLine| BomLine {
                parent: format!("N{parent}"),
                child: format!("N{child}"),
                quantity: Decimal::new(*quantity, 1),
                scrap: scrap.map(|scrap| Decimal::new(scrap, 2)),
                valid_from: from.map(january),
                valid_to: to.map(january),
                at: at(),
            };
            FactoryData {
                products: self.nodes.iter().enumerate().filter(|(_, (sold, _))| *sold).map(product).collect(),
                items: self.nodes.iter().enumerate().map(item).collect(),
                bom: self.lines.iter().map(line).collect(),
                ..empty()
            }
        }

        /// Every way from a node down to another, by plain listing: node numbers, pieces with scrap and yield, plain quantity.
        fn ways(&self, from: usize, to: usize) -> Vec<(Vec<usize>, f64, f64)> {
            let good = self.nodes[from].1.map_or(1.0, |good| good as f64 / 100.0);
            let mut ways = if from == to { vec![(vec![to], 1.0 / good, 1.0)] } else { Vec::new() };
            for (parent, child, quantity, scrap, first, last) in &self.lines {
                if *parent == from && first.is_none_or(|first| first <= DAY) && last.is_none_or(|last| DAY <= last) {
                    let quantity = *quantity as f64 / 10.0;
                    let with_loss = quantity * (1.0 + scrap.unwrap_or(0) as f64 / 100.0) / good;
                    for (nodes, pieces, plain) in self.ways(*child, to) {
                        ways.push(([vec![from], nodes].concat(), pieces * with_loss, plain * quantity));
                    }
                }
            }
            ways
        }
    }

    fn empty() -> FactoryData {
        let site = toml::from_str("name = \"Plant\"\nreporting_currency = \"EUR\"").expect("site");
        FactoryData { products: vec![], items: vec![], bom: vec![], aml: vec![], demand: vec![], stock: vec![], rates: Rates::default(), site }
    }

    fn product(sku: &str) -> Product {
        Product {
            sku: sku.into(),
            name: String::new(),
            price: None,
            variable_cost: None,
            contribution: None,
            contribution_ratio: None,
            currency: Currency::EUR,
            end_of_production: None,
            penalty_per_unit: None,
            at: Line { file: "products.csv".into(), line: 2 },
        }
    }

    fn item(number: &str) -> Item {
        Item {
            item: number.into(),
            description: String::new(),
            kind: String::new(),
            unit_cost: None,
            currency: Currency::EUR,
            lead_time_weeks: None,
            moq: None,
            order_multiple: None,
            yield_ratio: None,
            shelf_life_months: None,
            at: Line { file: "items.csv".into(), line: 2 },
        }
    }

    fn line(parent: &str, child: &str) -> BomLine {
        let at = Line { file: "bom.csv".into(), line: 2 };
        BomLine { parent: parent.into(), child: child.into(), quantity: Decimal::TWO, scrap: None, valid_from: None, valid_to: None, at }
    }

    fn factory(data: FactoryData) -> Factory {
        Factory::new(data, MakerAliases::default())
    }

    proptest! {
        #[test]
        fn one_pass_gives_what_listing_every_path_gives(plan in plan()) {
            let factory = factory(plan.data());
            let day = date(2027, 1, DAY);
            for item in 0..plan.nodes.len() {
                let found: HashMap<String, f64> =
                    factory.pieces_per_product(item, day).into_iter().map(|(product, pieces)| (factory.data.products[product].sku.clone(), pieces)).collect();
                let mut listed_paths = Vec::new();
                for product in (0..plan.nodes.len()).filter(|node| plan.nodes[*node].0) {
                    let ways = plan.ways(product, item);
                    let listed: f64 = ways.iter().map(|(_, pieces, _)| pieces).sum();
                    match found.get(&format!("N{product}")) {
                        Some(pieces) => prop_assert!((pieces - listed).abs() <= 1e-9 * listed, "{} in {}: {} listed {}", item, product, pieces, listed),
                        None => prop_assert!(ways.is_empty(), "{} in {}: missing, listed {}", item, product, listed),
                    }
                    listed_paths.extend(ways.into_iter().map(|(nodes, _, plain)| (nodes.iter().map(|node| format!("N{node}")).collect::<Vec<_>>(), plain)));
                }
                let where_used = factory.where_used(item, day);
                prop_assert_eq!(where_used.products.len(), found.len());
                prop_assert_eq!(where_used.paths_in_all, listed_paths.len() as u64);
                prop_assert_eq!(where_used.paths.len(), listed_paths.len().min(limits::PATHS_SHOWN_MAX));
                for path in &where_used.paths {
                    prop_assert!(listed_paths.iter().any(|(nodes, plain)| *nodes == path.nodes && (plain - path.quantity).abs() <= 1e-9 * plain), "{:?}", path);
                }
            }
        }
    }

    /// Thirty levels, two lines each: a thousand million ways. None may be listed where they lead to no product, and few where they do.
    #[test]
    fn ways_are_counted_and_not_walked() {
        let level = |at: usize| [format!("L{at}"), format!("A{at}"), format!("B{at}")];
        let items = (0..=30).flat_map(level).map(|name| item(&name)).collect();
        let bom = (0..30).flat_map(|at| {
            let ([top, a, b], [below, ..]) = (level(at), level(at + 1));
            [line(&top, &a), line(&top, &b), line(&a, &below), line(&b, &below)]
        });
        let data = FactoryData { items, bom: bom.collect(), ..empty() };
        let deepest = 3 * 30;
        let day = date(2027, 1, 1);
        assert_eq!(factory(data.clone()).where_used(deepest, day).paths_in_all, 0);
        let used = factory(FactoryData { products: vec![product("L0")], ..data }).where_used(deepest, day);
        assert_eq!((used.paths_in_all, used.paths.len()), (1 << 30, limits::PATHS_SHOWN_MAX));
        assert_eq!(used.products[0].pieces, 8_f64.powi(30), "2 ways of 2 × 2 pieces a level");
    }

    #[test]
    fn a_loop_ends_every_walk() {
        let data = FactoryData {
            products: vec![product("P")],
            items: ["A", "B"].map(item).to_vec(),
            bom: vec![line("P", "A"), line("A", "B"), line("B", "A")],
            ..empty()
        };
        let used = factory(data).where_used(1, date(2027, 1, 1));
        assert_eq!((used.products.len(), used.paths_in_all), (0, 0), "the import refuses loops; here only the end of the walk counts");
    }
}
