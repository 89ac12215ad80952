//! The ways from an item up to products: how many pieces one unit of each product takes, and which ways they go.

use jiff::civil::Date;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use super::{
    bom::{Bom, day},
    climb::{climb, uses},
};
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

/// An item and everything above it on a day.
struct Above<'a> {
    bom: &'a Bom,
    on: u32,
    /// Each after everything it takes, the item first, with the pieces of the item for one good unit.
    nodes: Vec<(u32, f64)>,
}

impl<'a> Above<'a> {
    fn of(bom: &'a Bom, yields: &[f64], start: u32, on: u32) -> Above<'a> {
        let mut nodes = Vec::new();
        climb(bom, yields, start, on, |node, pieces| nodes.push((node, pieces)));
        Above { bom, on, nodes }
    }

    fn uses(&self, node: u32) -> impl Iterator<Item = (u32, u32)> {
        uses(self.bom.view(), node, self.on)
    }

    /// Where a node stands in a table by rank. Of nodes without a rank only the first can be there, because no walk leads to one.
    fn place(&self, node: u32) -> usize {
        (self.bom.view().rank(node) as usize).min(self.bom.nodes())
    }

    /// A table by `place`.
    fn table<T: Clone + Default>(&self) -> Vec<T> {
        vec![T::default(); self.bom.nodes() + 1]
    }

    /// How many ways lead from each node up to products, by place; counted without listing them.
    fn ways(&self) -> Vec<u64> {
        let (view, mut ways) = (self.bom.view(), self.table());
        for (node, _) in self.nodes.iter().rev() {
            let own = u64::from(view.product(*node).is_some());
            ways[self.place(*node)] = self.uses(*node).fold(own, |sum: u64, (_, parent)| sum.saturating_add(ways[self.place(parent)]));
        }
        ways
    }

    fn products(&self) -> Vec<(usize, f64)> {
        let view = self.bom.view();
        by_product(self.nodes.iter().filter_map(|(node, pieces)| Some((view.product(*node)?, *pieces))).collect())
    }

    /// Lists ways up to products until there are enough to show. Steps that lead to no product are not taken, so the work is that of the paths listed.
    fn list(&self, ways: &[u64], node: u32, lines: &mut Vec<u32>, paths: &mut Vec<UsePath>) {
        if paths.len() >= limits::PATHS_SHOWN_MAX || lines.len() >= limits::BOM_LEVELS_MAX {
            return;
        }
        if self.bom.view().product(node).is_some() {
            paths.push(self.path(node, lines));
        }
        for (line, parent) in self.uses(node).filter(|(_, parent)| ways[self.place(*parent)] > 0) {
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

fn by_product(mut found: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    found.sort_unstable_by_key(|(product, _)| *product);
    found
}

/// Good pieces per piece started, by item; 1 where the file says nothing.
pub(super) fn yields(items: &[Item]) -> Vec<f64> {
    items.iter().map(|item| item.yield_ratio.and_then(|ratio| ratio.to_f64()).unwrap_or(1.0)).collect()
}

pub(super) fn pieces_per_product(data: &FactoryData<Bom>, yields: &[f64], item: usize, on: Date) -> Vec<(usize, f64)> {
    let mut found = Vec::new();
    if let Some(start) = data.bom.node_of_item(item) {
        let view = data.bom.view();
        climb(&data.bom, yields, start, day(on), |node, pieces| found.extend(view.product(node).map(|product| (product, pieces))));
    }
    by_product(found)
}

pub(super) fn where_used(data: &FactoryData<Bom>, yields: &[f64], item: usize, on: Date) -> WhereUsed {
    let mut used = WhereUsed { item: data.items[item].item.clone(), products: Vec::new(), paths: Vec::new(), paths_in_all: 0 };
    let Some(start) = data.bom.node_of_item(item) else { return used };
    let above = Above::of(&data.bom, yields, start, day(on));
    let ways = above.ways();
    above.list(&ways, start, &mut Vec::new(), &mut used.paths);
    let named = |(product, pieces): (usize, f64)| ProductUse { product, sku: data.products[product].sku.clone(), pieces };
    used.products = above.products().into_iter().map(named).collect();
    used.paths_in_all = ways[above.place(start)];
    used
}

/// Everything above an item, each node with what takes it the first time it comes.
pub(super) fn tree(data: &FactoryData<Bom>, yields: &[f64], item: usize, on: Date) -> UseTree {
    let bom = &data.bom;
    let Some(start) = bom.node_of_item(item) else { return UseTree { lines: Vec::new(), lines_in_all: 0 } };
    let above = Above::of(bom, yields, start, day(on));
    let view = bom.view();
    let lines_in_all = 1 + above.nodes.iter().map(|(node, _)| above.uses(*node).count()).sum::<usize>();
    let (mut lines, mut told, mut pieces) = (Vec::new(), above.table::<bool>(), above.table::<f64>());
    above.nodes.iter().for_each(|(node, of_node)| pieces[above.place(*node)] = *of_node);
    // What is still to be told, the next one last: level, node, and the line by which it takes the one below.
    let mut open: Vec<(usize, u32, Option<u32>)> = vec![(0, start, None)];
    while let Some((level, node, line)) = open.pop().filter(|_| lines.len() < limits::TREE_LINES_MAX) {
        let place = above.place(node);
        let is_repeated = std::mem::replace(&mut told[place], true);
        let (valid_from, valid_to) = line.map_or((None, None), |line| bom.days(line));
        lines.push(TreeLine {
            level,
            number: bom.name(node).to_owned(),
            is_product: view.product(node).is_some(),
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

    /// Nodes of a plan with lines in any direction that lie on a loop or below one: from some node above them a walk down comes back to where it was.
    fn below_loops(plan: &Plan) -> Vec<bool> {
        let count = plan.nodes.len();
        let reaches = |from: usize| {
            let (mut seen, mut open) = (vec![false; count], vec![from]);
            while let Some(node) = open.pop() {
                for (_, child, ..) in plan.lines.iter().filter(|(parent, ..)| *parent == node) {
                    if !std::mem::replace(&mut seen[*child], true) {
                        open.push(*child);
                    }
                }
            }
            seen
        };
        let reached: Vec<Vec<bool>> = (0..count).map(reaches).collect();
        (0..count).map(|node| (0..count).any(|above| reached[above][above] && (above == node || reached[above][node]))).collect()
    }

    proptest! {
        /// The import refuses loops; in a graph that has some all the same, every walk ends, and what no loop touches is as if there were none.
        #[test]
        fn with_loops_the_rest_is_as_without_them(plan in plan(), turned in proptest::collection::vec(any::<bool>(), 30), again in 0_usize..2) {
            let mut looped = plan;
            for (line, _) in looped.lines.iter_mut().zip(turned).filter(|(_, turned)| *turned) {
                (line.0, line.1) = (line.1, line.0);
            }
            let bad = below_loops(&looped);
            let mut rest = looped.clone();
            rest.lines.retain(|(parent, child, ..)| !(bad[*parent] && bad[*child]));
            let (with, without, day) = (factory(looped.data()), factory(rest.data()), date(2027, 1, DAY));
            for item in (0..bad.len()).chain(0..again) {
                let (one, other) = (with.where_used(item, day), without.where_used(item, day));
                prop_assert_eq!(one.paths_in_all, other.paths_in_all);
                prop_assert!(one.products.is_sorted_by_key(|used| used.product));
                prop_assert_eq!(one.products.iter().map(|used| used.product).collect::<Vec<_>>(), other.products.iter().map(|used| used.product).collect::<Vec<_>>());
                for (one, other) in one.products.iter().zip(&other.products) {
                    prop_assert!((one.pieces - other.pieces).abs() <= 1e-9 * other.pieces, "{}: {} and {}", item, one.pieces, other.pieces);
                }
                let pieces: Vec<(usize, f64)> = one.products.iter().map(|used| (used.product, used.pieces)).collect();
                prop_assert_eq!(with.pieces_per_product(item, day), pieces);
                let tree = with.where_used_tree(item, day);
                prop_assert_eq!(tree.lines_in_all, tree.lines.len());
                for line in tree.lines.iter().filter(|line| line.is_product) {
                    prop_assert!(one.products.iter().any(|used| used.sku == line.number && used.pieces == line.pieces), "{:?}", line);
                }
            }
        }
    }
}
