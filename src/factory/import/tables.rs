//! The seven tables: which columns each has, how each cell is read, and what must hold within one line.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    cell, number,
    number::{whole, within},
    report::Fault,
    table::{CURRENCY, Column, Table, as_day, as_id, as_month, as_number, may, money, must, put},
};
use crate::{
    domain::{
        factory::{AmlEntry, BomLine, Demand, DemandKind, Item, Line, Month, Product, Stock},
        money::{Currency, Rate},
    },
    limits,
};

impl Table for Product {
    const COLUMNS: &'static [Column<Product>] = &[
        as_id(must("sku", |row, cell| put(&mut row.sku, cell::number(cell)))),
        may("name", |row, cell| put(&mut row.name, cell::text(cell))),
        money("price", |row, cell| put(&mut row.price, within(number::AMOUNT, cell).map(Some))),
        money("variable_cost", |row, cell| put(&mut row.variable_cost, within(number::AMOUNT, cell).map(Some))),
        money("contribution", |row, cell| put(&mut row.contribution, within(number::SIGNED_AMOUNT, cell).map(Some))),
        as_number(may("contribution_ratio", |row, cell| put(&mut row.contribution_ratio, within(number::SHARE, cell).map(Some)))),
        may(CURRENCY, |row, cell| put(&mut row.currency, cell::currency(cell))),
        as_day(may("end_of_production", |row, cell| put(&mut row.end_of_production, cell::last_day(cell)))),
        money("penalty_per_unit", |row, cell| put(&mut row.penalty_per_unit, within(number::AMOUNT, cell).map(Some))),
    ];

    fn blank(reporting: Currency, at: Line) -> Product {
        Product {
            sku: String::new(),
            name: String::new(),
            price: None,
            variable_cost: None,
            contribution: None,
            contribution_ratio: None,
            currency: reporting,
            end_of_production: None,
            penalty_per_unit: None,
            at,
        }
    }

    fn at(&self) -> &Line {
        &self.at
    }

    fn name(&self) -> Option<&str> {
        Some(&self.sku)
    }

    /// The margin may be given in three forms; those that are given must agree, to the last place each is written with.
    fn check(&self, faults: &mut Vec<Fault>) {
        let half = |scale: u32| Decimal::new(5, scale + 1);
        let minor = half(self.currency.places());
        let by_cost = self.price.zip(self.variable_cost).map(|(price, cost)| ("price less variable_cost", price - cost, Decimal::ZERO));
        let by_ratio = self
            .price
            .zip(self.contribution_ratio)
            .map(|(price, ratio)| ("price times contribution_ratio", price * ratio, price * half(ratio.scale())));
        let given = self.contribution.map(|contribution| ("contribution", contribution, minor));
        let forms: Vec<_> = [given, by_cost, by_ratio].into_iter().flatten().collect();
        for (at, (left_name, left, left_slack)) in forms.iter().enumerate() {
            for (right_name, right, right_slack) in &forms[at + 1..] {
                if (*left - *right).abs() > *left_slack + *right_slack {
                    let what = format!(
                        "the margin is given in two forms that disagree: {left_name} is {}, {right_name} is {}; keep one form",
                        left.normalize(),
                        right.normalize()
                    );
                    faults.push(Fault::in_column(if self.contribution.is_some() { "contribution" } else { "contribution_ratio" }, what));
                    return;
                }
            }
        }
    }
}

impl Table for Item {
    const COLUMNS: &'static [Column<Item>] = &[
        as_id(must("item", |row, cell| put(&mut row.item, cell::number(cell)))),
        may("description", |row, cell| put(&mut row.description, cell::text(cell))),
        may("type", |row, cell| put(&mut row.kind, cell::text(cell))),
        money("unit_cost", |row, cell| put(&mut row.unit_cost, within(number::AMOUNT, cell).map(Some))),
        may(CURRENCY, |row, cell| put(&mut row.currency, cell::currency(cell))),
        as_number(may("lead_time_weeks", |row, cell| put(&mut row.lead_time_weeks, within(number::WEEKS, cell).map(Some)))),
        as_number(may("moq", |row, cell| put(&mut row.moq, within(number::SOME, cell).map(Some)))),
        as_number(may("order_multiple", |row, cell| put(&mut row.order_multiple, within(number::SOME, cell).map(Some)))),
        as_number(may("yield", |row, cell| put(&mut row.yield_ratio, within(number::YIELD, cell).map(Some)))),
        as_number(may("shelf_life_months", |row, cell| put(&mut row.shelf_life_months, whole(cell, limits::SHELF_LIFE_MONTHS_MAX).map(Some)))),
    ];
    const MEASURED: Option<(&'static str, &'static [&'static str])> = Some(("item", &[]));

    fn blank(reporting: Currency, at: Line) -> Item {
        Item {
            item: String::new(),
            description: String::new(),
            kind: String::new(),
            unit_cost: None,
            currency: reporting,
            lead_time_weeks: None,
            moq: None,
            order_multiple: None,
            yield_ratio: None,
            shelf_life_months: None,
            at,
        }
    }

    fn at(&self) -> &Line {
        &self.at
    }

    fn name(&self) -> Option<&str> {
        Some(&self.item)
    }
}

impl Table for BomLine {
    const COLUMNS: &'static [Column<BomLine>] = &[
        as_id(must("parent", |row, cell| put(&mut row.parent, cell::number(cell)))),
        as_id(must("child", |row, cell| put(&mut row.child, cell::number(cell)))),
        as_number(must("quantity", |row, cell| put(&mut row.quantity, within(number::PER_PARENT, cell)))),
        as_number(may("scrap", |row, cell| put(&mut row.scrap, within(number::SCRAP, cell).map(Some)))),
        as_day(may("valid_from", |row, cell| put(&mut row.valid_from, cell::day(cell).map(Some)))),
        as_day(may("valid_to", |row, cell| put(&mut row.valid_to, cell::last_day(cell)))),
    ];
    const MEASURED: Option<(&'static str, &'static [&'static str])> = Some(("child", &["quantity"]));

    fn blank(_reporting: Currency, at: Line) -> BomLine {
        BomLine { parent: String::new(), child: String::new(), quantity: Decimal::ZERO, scrap: None, valid_from: None, valid_to: None, at }
    }

    fn at(&self) -> &Line {
        &self.at
    }

    fn check(&self, faults: &mut Vec<Fault>) {
        if let (Some(from), Some(to)) = (self.valid_from, self.valid_to)
            && from > to
        {
            faults.push(Fault::in_column("valid_to", format!("the line ends on {to}, before it begins on {from}: it would never be in force")));
        }
    }
}

impl Table for AmlEntry {
    const COLUMNS: &'static [Column<AmlEntry>] = &[
        as_id(must("item", |row, cell| put(&mut row.item, cell::number(cell)))),
        must("maker", |row, cell| put(&mut row.maker, cell::maker(cell))),
        as_id(must("mpn", |row, cell| put(&mut row.mpn, cell::number(cell)))),
        as_number(may("preference", |row, cell| put(&mut row.preference, whole(cell, limits::AML_PREFERENCE_MAX).map(Some)))),
        must("qualified", |row, cell| put(&mut row.qualified, cell::yes_or_no(cell))),
        may("lifecycle", |row, cell| put(&mut row.lifecycle, cell::text(cell).map(Some))),
        as_number(may("share", |row, cell| put(&mut row.share, within(number::SHARE, cell).map(Some)))),
        money("unit_price", |row, cell| put(&mut row.unit_price, within(number::AMOUNT, cell).map(Some))),
        may(CURRENCY, |row, cell| put(&mut row.currency, cell::currency(cell))),
    ];

    fn blank(reporting: Currency, at: Line) -> AmlEntry {
        AmlEntry {
            item: String::new(),
            maker: String::new(),
            mpn: String::new(),
            preference: None,
            qualified: false,
            lifecycle: None,
            share: None,
            unit_price: None,
            currency: reporting,
            at,
        }
    }

    fn at(&self) -> &Line {
        &self.at
    }
}

impl Table for Demand {
    const COLUMNS: &'static [Column<Demand>] = &[
        as_id(must("sku", |row, cell| put(&mut row.sku, cell::number(cell)))),
        as_month(must("period", |row, cell| put(&mut row.period, cell::month(cell)))),
        as_number(must("quantity", |row, cell| put(&mut row.quantity, within(number::QUANTITY, cell)))),
        as_number(may("cv", |row, cell| put(&mut row.cv, within(number::CV, cell).map(Some)))),
        must("kind", |row, cell| put(&mut row.kind, cell::demand_kind(cell))),
    ];

    fn blank(_reporting: Currency, at: Line) -> Demand {
        let period = Month::of(Date::constant(1970, 1, 1));
        Demand { sku: String::new(), period, quantity: Decimal::ZERO, cv: None, kind: DemandKind::Forecast, at }
    }

    fn at(&self) -> &Line {
        &self.at
    }
}

impl Table for Stock {
    const COLUMNS: &'static [Column<Stock>] = &[
        as_id(must("item", |row, cell| put(&mut row.item, cell::number(cell)))),
        may("maker", |row, cell| put(&mut row.maker, cell::maker(cell).map(Some))),
        as_id(may("mpn", |row, cell| put(&mut row.mpn, cell::number(cell).map(Some)))),
        as_number(must("on_hand", |row, cell| put(&mut row.on_hand, within(number::QUANTITY, cell)))),
        as_number(must("on_order", |row, cell| put(&mut row.on_order, within(number::QUANTITY, cell)))),
        as_day(may("due", |row, cell| put(&mut row.due, cell::day(cell).map(Some)))),
        may("location", |row, cell| put(&mut row.location, cell::text(cell).map(Some))),
        as_number(may("written_down", |row, cell| put(&mut row.written_down, within(number::AMOUNT, cell).map(Some)))),
    ];
    const MEASURED: Option<(&'static str, &'static [&'static str])> = Some(("item", &["on_hand", "on_order"]));

    fn blank(_reporting: Currency, at: Line) -> Stock {
        Stock {
            item: String::new(),
            maker: None,
            mpn: None,
            on_hand: Decimal::ZERO,
            on_order: Decimal::ZERO,
            due: None,
            location: None,
            written_down: None,
            at,
        }
    }

    fn at(&self) -> &Line {
        &self.at
    }
}

/// A rate and its line; the dataset keeps the rate alone.
#[derive(Debug, Clone)]
pub(super) struct RateRow {
    pub rate: Rate,
    pub at: Line,
}

impl Table for RateRow {
    const COLUMNS: &'static [Column<RateRow>] = &[
        as_day(must("date", |row, cell| put(&mut row.rate.date, cell::day(cell)))),
        must("from", |row, cell| put(&mut row.rate.from, cell::currency(cell))),
        must("to", |row, cell| put(&mut row.rate.to, cell::currency(cell))),
        as_number(must("rate", |row, cell| put(&mut row.rate.rate, within(number::RATE, cell)))),
    ];

    fn blank(reporting: Currency, at: Line) -> RateRow {
        RateRow { rate: Rate { date: Date::constant(1970, 1, 1), from: reporting, to: reporting, rate: Decimal::ZERO }, at }
    }

    fn at(&self) -> &Line {
        &self.at
    }

    fn check(&self, faults: &mut Vec<Fault>) {
        if self.rate.from == self.rate.to {
            faults.push(Fault::in_column("to", "a currency needs no rate to itself: remove the line"));
        }
    }
}
