//! Stock of other parts that is of no use any more: once the products it serves end, or once the board around it is designed anew.

use std::{collections::HashMap, rc::Rc};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    World, cover,
    exposure::Lost,
    prior,
    reporting::{decimal, float},
    why,
};
use crate::domain::money::Money;

/// Written down to salvage; `None` where a price or the salvage is unknown.
pub(super) struct Stranded {
    pub written_down: Option<Money>,
    pub salvage: Option<Money>,
    pub from: String,
}

/// An item with stock on hand that goes into nothing but what lies under the roots it was looked for.
pub(super) struct Captive {
    item: usize,
    on_hand: f64,
    /// In earlier periods, in the item's currency.
    written_down: Decimal,
    /// Pieces in a unit of each product.
    uses: Vec<(usize, f64)>,
}

/// Captive items by the numbers of their roots; looked for once, because the sensitivities ask again and again.
pub(super) type Captives = HashMap<Vec<String>, Rc<Vec<Captive>>>;

/// Stock of parts that go into ended products and no other, beyond what is built before the end.
pub(super) fn of_products(world: &World<'_>, ended: &[usize], lost: &Lost) -> Result<Stranded, String> {
    let built = |product: usize| world.plan.demand(product).map_or(0.0, |demand| (demand.units() - lost.of_product(product)).max(0.0));
    let captives = captives(world, &world.skus(ended));
    let left = left_over(&captives, built);
    stranded(world, &left, Decimal::ZERO, "no stock is used by these products alone and left over", "beyond what is built")
}

/// Stock of parts that stand on redesigned assemblies and nowhere else, beyond what is built until the new design is in place. Not counted are the parts that end
/// themselves, and assemblies that are built already: they are used up as they are.
pub(super) fn of_redesign(world: &World<'_>, roots: &[String], ready: Date, ending: &[usize]) -> Result<Stranded, String> {
    let calendar = world.plan.calendar;
    let built = |product: usize| world.plan.demand(product).map_or(0.0, |demand| demand.units_before(calendar, ready));
    let captives = captives(world, roots);
    let mut left = left_over(&captives, built);
    left.retain(|(captive, _)| !ending.contains(&captive.item));
    let reused = world.site().redesign_reuse_ratio.unwrap_or(Decimal::ZERO);
    stranded(world, &left, reused, "no stock is used by it alone and left over", &format!("beyond what is built until {ready}"))
}

/// Items with what is left of their stock.
fn left_over(captives: &[Captive], built: impl Fn(usize) -> f64) -> Vec<(&Captive, f64)> {
    let left = captives.iter().map(|captive| {
        let used: f64 = captive.uses.iter().map(|(product, per_unit)| built(*product) * per_unit).sum();
        (captive, captive.on_hand - used)
    });
    left.filter(|(_, left)| *left > 1e-6).collect()
}

fn stranded(world: &World<'_>, left: &[(&Captive, f64)], reused: Decimal, nothing: &str, beyond: &str) -> Result<Stranded, String> {
    let data = &world.input.factory.data;
    let (mut cost, mut salvage) = (Some(world.reporting.zero()), Some(world.reporting.zero()));
    let mut unknown = Vec::new();
    let lost_share = Decimal::ONE.checked_sub(reused).ok_or("redesign_reuse_ratio is too large")?;
    for (captive, left) in left {
        let row = &data.items[captive.item];
        let price = row.unit_cost.map(|cost| world.reporting.price(&row.item, cost, row.currency, &why::at(&row.at)));
        let (Some(Ok(price)), Some(ratio)) = (price, world.site().salvage_ratio) else {
            unknown.push(row.item.clone());
            (cost, salvage) = (None, None);
            continue;
        };
        let pieces = decimal(*left)?.checked_mul(lost_share).ok_or("a stock is too large")?;
        let brings = price.amount.checked_mul(ratio).ok_or("a salvage value is too large")?;
        let loses = price.amount.checked_sub(brings).unwrap_or(Decimal::ZERO);
        let of = |price: Decimal| world.reporting.money(pieces.checked_mul(price).ok_or("a stock is worth too much to be held exactly")?);
        let add = |sum: Option<Money>, amount: Money| sum.map(|sum| sum.plus(amount)).transpose().map_err(|error| error.to_string());
        // What was written down before is not written down again.
        let before = prior::on_left(captive.written_down, captive.on_hand, *left * float(lost_share))?;
        let before = world.reporting.price(&row.item, before, row.currency, &why::at(&row.at))?;
        let written_down = of(loses)?.minus(world.reporting.money(before.amount)?).map_err(|error| error.to_string())?;
        cost = add(cost, if written_down.minor() < 0 { world.reporting.zero() } else { written_down })?;
        salvage = add(salvage, of(brings)?)?;
    }
    let names: Vec<String> = left.iter().map(|(captive, _)| data.items[captive.item].item.clone()).collect();
    let from = match (names.is_empty(), unknown.is_empty()) {
        (true, _) => nothing.to_owned(),
        (_, true) => {
            let kept = if reused.is_zero() {
                String::new()
            } else {
                format!(", {} of it used on (site.toml redesign_reuse_ratio)", why::grouped(&reused.to_string()))
            };
            format!("stock of {} {beyond}, at items.csv unit_cost less salvage{kept}", why::some_of(&names))
        }
        (_, false) => format!("no unit_cost in items.csv, or no salvage_ratio in site.toml: {}", why::some_of(&unknown)),
    };
    Ok(Stranded { written_down: cost, salvage, from })
}

/// Items with stock under the roots all of whose uses lie under them, in the order of the factory's file.
fn captives(world: &World<'_>, roots: &[String]) -> Rc<Vec<Captive>> {
    if let Some(found) = world.captives.borrow().get(roots) {
        return Rc::clone(found);
    }
    let (factory, on) = (world.input.factory, world.input.as_of);
    let data = &factory.data;
    let items = factory.captives(roots, on);
    let captive = |item: usize| {
        let rows = || world.stock.get(data.items[item].item.as_str()).into_iter().flatten();
        let on_hand: f64 = rows().map(|row| float(row.on_hand).max(0.0)).sum();
        let written_down: Decimal = rows().map(|row| cover::written_down(row, &data.items[item])).sum();
        (on_hand > 0.0).then(|| Captive { item, on_hand, written_down, uses: factory.pieces_per_product(item, on) })
    };
    let found = Rc::new(items.into_iter().filter_map(captive).collect::<Vec<_>>());
    world.captives.borrow_mut().insert(roots.to_vec(), Rc::clone(&found));
    found
}
