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

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::{
        domain::{
            factory::{Item, Line, Product},
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
