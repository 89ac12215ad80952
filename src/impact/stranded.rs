//! Stock of other parts that is of no use once the products it serves end.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{World, exposure::Lost, reporting::float, why};
use crate::domain::money::Money;

/// Written down to salvage; `None` where a price or the salvage is unknown.
pub(super) struct Stranded {
    pub written_down: Option<Money>,
    pub salvage: Option<Money>,
    pub from: String,
}

/// Stock on hand of parts that go into ended products and no other, beyond what is built before the end.
pub(super) fn of_products(world: &World<'_>, ended: &[usize], lost: &Lost) -> Result<Stranded, String> {
    let (factory, on) = (world.input.factory, world.input.as_of);
    let data = &factory.data;
    let mut pieces: BTreeMap<usize, f64> = BTreeMap::new();
    for item in factory.items_below(ended, on) {
        let rows = world.stock.get(data.items[item].item.as_str()).into_iter().flatten();
        let on_hand: f64 = rows.map(|row| float(row.on_hand).max(0.0)).sum();
        if on_hand <= 0.0 {
            continue;
        }
        let uses = factory.pieces_per_product(item, on);
        if uses.iter().any(|(product, _)| !ended.contains(product)) {
            continue;
        }
        let built = |product: usize| world.plan.demand(product).map_or(0.0, |demand| (demand.units() - lost.of_product(product)).max(0.0));
        let used: f64 = uses.iter().map(|(product, per_unit)| built(*product) * per_unit).sum();
        if on_hand - used > 1e-6 {
            pieces.insert(item, on_hand - used);
        }
    }
    let (mut cost, mut salvage) = (Some(world.reporting.zero()), Some(world.reporting.zero()));
    let mut unknown = Vec::new();
    for (item, left) in &pieces {
        let row = &data.items[*item];
        let price = row.unit_cost.map(|cost| world.reporting.price(&row.item, cost, row.currency, &why::at(&row.at)));
        let (Some(Ok(price)), Some(ratio)) = (price, world.site().salvage_ratio) else {
            unknown.push(row.item.clone());
            (cost, salvage) = (None, None);
            continue;
        };
        let brings = price.amount.checked_mul(ratio).ok_or("a salvage value is too large")?;
        let loses = price.amount.checked_sub(brings).unwrap_or(Decimal::ZERO);
        let add = |sum: Option<Money>, amount: Money| sum.map(|sum| sum.plus(amount)).transpose().map_err(|error| error.to_string());
        cost = add(cost, world.reporting.extended(*left, loses)?)?;
        salvage = add(salvage, world.reporting.extended(*left, brings)?)?;
    }
    let names: Vec<String> = pieces.keys().map(|item| data.items[*item].item.clone()).collect();
    let from = match (names.is_empty(), unknown.is_empty()) {
        (true, _) => "no stock is used by these products alone and left over".to_owned(),
        (_, true) => format!("stock of {} beyond what is built, at items.csv unit_cost less salvage", why::some_of(&names)),
        (_, false) => format!("no unit_cost in items.csv, or no salvage_ratio in site.toml: {}", why::some_of(&unknown)),
    };
    Ok(Stranded { written_down: cost, salvage, from })
}
