//! What purchasing needs to place the last-time buy: how many of which item, by when, at what price.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::{
    domain::money::Money,
    impact::{Assessment, LAST_TIME_BUY},
};

/// One item to order.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub item: String,
    pub description: String,
    /// The first ending source, `maker MPN`.
    pub maker_part: String,
    pub quantity: f64,
    /// Of one piece, in the reporting currency; `None` is unknown, here and below.
    pub unit_price: Option<Decimal>,
    pub amount: Option<Money>,
    pub order_by: Option<Date>,
    /// Which rule the quantity comes from.
    pub basis: &'static str,
}

/// Empty where the last-time buy is not possible, or no piece of it is worth buying.
pub fn orders(assessment: &Assessment) -> Vec<Order> {
    let possible = assessment.answers.iter().any(|answer| answer.name == LAST_TIME_BUY && answer.feasible);
    let mut orders = Vec::new();
    for item in assessment.items.iter().filter(|_| possible) {
        let buy = &item.last_time_buy;
        let (quantity, basis) = match (buy.quantity, buy.deterministic) {
            (Some(quantity), _) => (quantity, "newsvendor"),
            (None, Some(quantity)) => (quantity, "forecast without its uncertainty"),
            (None, None) => continue,
        };
        if quantity <= 0.0 {
            continue;
        }
        let parts = assessment.parts.iter().filter(|part| part.items.contains(&item.item));
        let price = item.unit_price.as_deref().and_then(|price| price.rsplit_once(' ')).map(|(amount, _)| amount.replace(',', ""));
        orders.push(Order {
            item: item.item.clone(),
            description: item.description.clone(),
            maker_part: item.sources.first().cloned().unwrap_or_default(),
            quantity,
            unit_price: price.and_then(|price| price.parse().ok()),
            amount: buy.cost,
            order_by: parts.filter_map(|part| part.last_time_buy).min(),
            basis,
        });
    }
    orders
}
