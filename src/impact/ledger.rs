//! An answer as the controller books it, by fiscal quarter: IFRS or US GAAP (domain.md, section 7).
//!
//! An order is inventory on receipt and no expense; until then what is paid for it is a prepayment. What it holds beyond the forecast is written down to its
//! salvage: accrued when the order is placed, because it cannot be cancelled, and turned into a write-down when it arrives. When part of that is used after all,
//! IFRS takes the write-down back, at most to cost (IAS 2.33); under US GAAP the lower amount is the new cost (ASC 330-10-35-14), and the piece is cheaper when it is
//! used. Cost of capital is no cost of inventory and stands below the profit. Every row adds up to the cent, and in every quarter
//!
//! ```text
//! profit − cash = change of inventory and prepayments − change of accrued losses
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    World,
    draft::Finished,
    exposure::{Loss, fiscal_year},
    timing::{Flows, When},
    why::{FigureInput, some_of},
};
use crate::domain::{
    factory::{Month, Standard},
    money::Money,
};

/// One answer in the books of the site, against the plan before the notice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accounting {
    pub answer: String,
    pub standard: Standard,
    /// `FY2027 Q3`, in order; the columns of every row.
    pub quarters: Vec<String>,
    /// Effects on profit, a cost negative; rows without an amount are left out.
    pub lines: Vec<AccountingLine>,
    /// Sum of `lines`, before the cost of capital.
    pub profit: AccountingLine,
    /// What the answer's cost counts for capital and the profit does not hold: `profit` and this come to the cost with its sign turned.
    pub capital: AccountingLine,
    /// Beside it; `None` where a payment is unknown.
    pub cash: Option<AccountingLine>,
    /// At the end of each quarter; the total is the last one.
    pub inventory: AccountingLine,
    /// Accrued losses on firm orders, likewise.
    pub accrued: AccountingLine,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountingLine {
    pub name: String,
    pub amounts: Vec<Money>,
    pub total: Money,
}

/// What a cost is in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Contribution,
    PriceVariance,
    Carrying,
    Project,
    AccruedLoss,
    WriteDown,
    Reversal,
    /// Of stock written down in earlier periods, and what its pieces are dearer for when they are used.
    PriorReversal,
    PriorUsed,
    Stranded,
    Penalties,
    /// Beside the profit.
    Capital,
}

impl Class {
    fn name(self, standard: Standard) -> &'static str {
        match (self, standard) {
            (Class::Contribution, _) => "contribution lost",
            (Class::PriceVariance, _) => "material: price differences and spot premium",
            (Class::Carrying, _) => "storage, insurance and shrink of the order",
            (Class::Project, _) => "projects, qualification, papers",
            (Class::AccruedLoss, _) => "accrued loss on firm orders",
            (Class::WriteDown, _) => "write-down of the excess over forecast",
            (Class::Reversal, Standard::Ifrs) => "reversal of the write-down",
            (Class::Reversal, Standard::UsGaap) => "material: written-down pieces used",
            (Class::PriorReversal, _) => "reversal of earlier write-downs",
            (Class::PriorUsed, _) => "material: stock at its restored cost used",
            (Class::Stranded, _) => "write-down of stranded stock",
            (Class::Penalties, _) => "penalties",
            (Class::Capital, _) => "cost of capital, not in profit",
        }
    }
}

/// What inventory is carried at, given its cost, what it was carried at before and what it brings now.
pub fn carried_at(standard: Standard, cost: Money, before: Money, brings: Money) -> Money {
    let most = match standard {
        Standard::Ifrs => cost,
        Standard::UsGaap => before,
    };
    if brings.minor() < most.minor() { brings } else { most }
}

/// An order in the books. Months count from that of the statement's day.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order {
    pub price: Money,
    /// Of what is expected to be left over, at cost and written down to salvage.
    pub left_at_cost: Money,
    pub written_down: Money,
    /// Of what it holds beyond the forecast, at cost and at salvage.
    pub excess_at_cost: Money,
    pub excess_at_salvage: Money,
    pub received: usize,
    pub first: usize,
    pub last: usize,
}

/// Amounts of one answer by class and month; positive is a cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Books {
    classes: BTreeMap<Class, Flows>,
    orders: Vec<Order>,
    /// Other stock that leaves, as changes of its carried amount.
    inventory: Flows,
}

impl Books {
    /// Carrying and write-downs come by `carrying` and `order`, which know more of them.
    pub fn add(&mut self, class: Class, amount: Money, when: When) -> Result<(), String> {
        if matches!(class, Class::Carrying | Class::WriteDown) {
            return Ok(());
        }
        self.entry(class, amount, when)
    }

    /// An amount whatever its class.
    pub fn entry(&mut self, class: Class, amount: Money, when: When) -> Result<(), String> {
        self.classes.entry(class).or_default().add(amount, when)
    }

    /// A change of what other stock is carried at.
    pub fn stock(&mut self, amount: Money, when: When) -> Result<(), String> {
        self.inventory.add(amount, when)
    }

    /// Of a carrying cost, what is paid, and the rest, which is the price of capital.
    pub fn carrying(&mut self, held: Money, paid: Money, when: When) -> Result<(), String> {
        self.classes.entry(Class::Carrying).or_default().add(paid, when)?;
        let capital = self.classes.entry(Class::Capital).or_default();
        capital.add(held, when)?;
        capital.add(negated(paid)?, when)
    }

    /// Stock of the plan that is written down and sold: it leaves the inventory at its cost.
    pub fn salvage(&mut self, written_down: Option<Money>, brings: Money, when: When) -> Result<(), String> {
        let cost = minus(written_down.unwrap_or_else(|| Money::zero(brings.currency())), brings)?;
        self.inventory.add(negated(cost)?, when)
    }

    pub fn order(&mut self, order: Order) {
        self.orders.push(order);
    }

    /// Sum of a class, in minor units.
    pub fn total(&self, class: Class) -> i64 {
        self.classes.get(&class).map_or(0, |flows| flows.months().map(|(_, amount)| amount.minor()).sum())
    }

    /// What is written down of all orders in expectation, in minor units.
    pub fn written_down(&self) -> i64 {
        self.orders.iter().map(|order| order.written_down.minor()).sum()
    }

    pub fn lost(&mut self, loss: &Loss) -> Result<(), String> {
        let contribution = self.classes.entry(Class::Contribution).or_default();
        contribution.merge(&loss.by_month)?;
        contribution.merge(&loss.penalties_by_month.negated()?)?;
        self.classes.entry(Class::Penalties).or_default().merge(&loss.penalties_by_month)
    }
}

/// Months gathered to fiscal quarters.
struct Quarters {
    /// Year and quarter of each month, and the columns.
    of_month: Vec<usize>,
    names: Vec<String>,
}

impl Quarters {
    fn new(world: &World<'_>, months: usize) -> Quarters {
        let (calendar, starts) = (world.plan.calendar, world.site().fiscal_year_starts);
        let mut columns: Vec<(i16, i8)> = Vec::new();
        let mut of_month = Vec::with_capacity(months);
        for month in 0..months {
            let quarter = fiscal_quarter(calendar.month(month), starts);
            if columns.last() != Some(&quarter) {
                columns.push(quarter);
            }
            of_month.push(columns.len() - 1);
        }
        Quarters { of_month, names: columns.into_iter().map(|(year, quarter)| format!("FY{year} Q{quarter}")).collect() }
    }

    fn line(&self, name: &str, flows: &Flows, zero: Money) -> Result<AccountingLine, String> {
        let mut line = AccountingLine { name: name.to_owned(), amounts: vec![zero; self.names.len()], total: zero };
        for (month, amount) in flows.months() {
            let cell = self.of_month.get(month).and_then(|quarter| line.amounts.get_mut(*quarter)).ok_or("an amount lies past the horizon")?;
            *cell = plus(*cell, amount)?;
            line.total = plus(line.total, amount)?;
        }
        Ok(line)
    }

    /// Sums up to the end of each quarter.
    fn balance(&self, name: &str, flows: &Flows, zero: Money) -> Result<AccountingLine, String> {
        let mut line = self.line(name, flows, zero)?;
        let mut sum = zero;
        for cell in &mut line.amounts {
            sum = plus(sum, *cell)?;
            *cell = sum;
        }
        Ok(line)
    }
}

/// Fiscal year and quarter, 1 to 4.
fn fiscal_quarter(month: Month, starts: i8) -> (i16, i8) {
    (fiscal_year(month, starts), (month.month - starts).rem_euclid(12) / 3 + 1)
}

/// The answer in the books; `None` where its cost is unknown.
pub(super) fn accounting(world: &World<'_>, finished: &Finished) -> Result<Option<Accounting>, String> {
    if finished.answer.total_cost.is_none() {
        return Ok(None);
    }
    let (standard, zero) = (world.site().accounting, world.reporting.zero());
    let mut classes = finished.books.classes.clone();
    let (mut inventory, mut accrued) = (finished.books.inventory.clone(), Flows::default());
    for order in &finished.books.orders {
        enter(order, standard, &mut classes, &mut inventory, &mut accrued)?;
    }
    let all = classes.values().chain([&inventory, &accrued]).chain(&finished.payments);
    let months: BTreeSet<usize> = all.flat_map(|flows| flows.months().map(|(month, _)| month)).collect();
    let quarters = Quarters::new(world, months.last().map_or(0, |last| last + 1));
    let capital = classes.remove(&Class::Capital).unwrap_or_default();
    let mut profit = Flows::default();
    let mut lines = Vec::new();
    for (class, flows) in &classes {
        let effect = flows.negated()?;
        profit.merge(&effect)?;
        let line = quarters.line(class.name(standard), &effect, zero)?;
        if line.amounts.iter().any(|amount| !amount.is_zero()) {
            lines.push(line);
        }
    }
    let cash = finished.payments.as_ref().map(|payments| quarters.line("cash", &payments.negated()?, zero)).transpose()?;
    Ok(Some(Accounting {
        answer: finished.answer.name.clone(),
        standard,
        lines,
        profit: quarters.line("profit against the plan", &profit, zero)?,
        capital: quarters.line(Class::Capital.name(standard), &capital.negated()?, zero)?,
        cash,
        inventory: quarters.balance("inventory and prepayments", &inventory, zero)?,
        accrued: quarters.balance("accrued losses", &accrued, zero)?,
        quarters: quarters.names,
    }))
}

/// How the profit of an answer is made up, for `--why`.
pub(super) fn explain(world: &mut World<'_>, of: &Accounting) {
    let from = |line: &AccountingLine| {
        let quarters = of.quarters.iter().zip(&line.amounts).filter(|(_, amount)| !amount.is_zero());
        some_of(&quarters.map(|(quarter, amount)| format!("{quarter} {}", amount.grouped())).collect::<Vec<_>>())
    };
    let rows = of.lines.iter().chain([&of.capital]).chain(&of.cash);
    let inputs = rows.map(|line| FigureInput::new(&line.name, line.total.grouped(), from(line))).collect();
    let name = of.answer.to_lowercase().replace([' ', '-'], "_");
    let formula =
        "sum of the lines by fiscal quarter, by site.toml accounting; with the cost of capital it is the answer's cost with its sign turned";
    world.notes.figure(format!("accounting:{name}"), of.profit.total.grouped(), formula, inputs);
}

/// Books an order from placing it to its last piece.
fn enter(order: &Order, standard: Standard, classes: &mut BTreeMap<Class, Flows>, inventory: &mut Flows, accrued: &mut Flows) -> Result<(), String> {
    let mut cost = |class: Class, amount: Money, month: usize| classes.entry(class).or_default().put(month, amount);
    inventory.put(0, order.price)?;
    let used = minus(order.price, order.left_at_cost)?;
    inventory.add(negated(used)?, When::Over(order.first, order.last))?;
    // The excess, when the order can no longer be taken back.
    let excess = minus(order.excess_at_cost, carried_at(standard, order.excess_at_cost, order.excess_at_cost, order.excess_at_salvage))?;
    if order.received > 0 {
        cost(Class::AccruedLoss, excess, 0)?;
        accrued.put(0, excess)?;
        cost(Class::AccruedLoss, negated(excess)?, order.received)?;
        accrued.put(order.received, negated(excess)?)?;
    }
    cost(Class::WriteDown, excess, order.received)?;
    inventory.put(order.received, negated(excess)?)?;
    // At the end, what is left over after all: more is written down, or less was needed.
    let end = order.last.max(order.received);
    let more = minus(order.written_down, excess)?;
    let class = if more.minor() > 0 { Class::WriteDown } else { Class::Reversal };
    cost(class, more, end)?;
    inventory.put(end, negated(more)?)?;
    let salvage = minus(order.left_at_cost, order.written_down)?;
    inventory.put(order.last, negated(salvage)?)
}

fn plus(left: Money, right: Money) -> Result<Money, String> {
    left.plus(right).map_err(|error| error.to_string())
}

fn minus(left: Money, right: Money) -> Result<Money, String> {
    left.minus(right).map_err(|error| error.to_string())
}

pub(super) fn negated(amount: Money) -> Result<Money, String> {
    minus(Money::zero(amount.currency()), amount)
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::money::Currency;

    #[test]
    fn a_write_down_is_taken_back_under_one_standard_and_not_under_the_other() {
        let eur = |whole: i64| Money::round(Decimal::from(whole), Currency::EUR).expect("money");
        // domain.md, section 7: cost 500, 450 → 450; later 520 → IFRS 500, US GAAP 450.
        for (standard, later) in [(Standard::Ifrs, 500), (Standard::UsGaap, 450)] {
            let written_down = carried_at(standard, eur(500), eur(500), eur(450));
            assert_eq!(written_down, eur(450));
            assert_eq!(carried_at(standard, eur(500), written_down, eur(520)), eur(later));
        }
    }

    #[test]
    fn fiscal_quarters_begin_with_the_fiscal_year() {
        let quarter = |month, starts| fiscal_quarter(Month { year: 2027, month }, starts);
        assert_eq!(quarter(1, 1), (2027, 1));
        assert_eq!(quarter(12, 1), (2027, 4));
        assert_eq!(quarter(4, 4), (2028, 1));
        assert_eq!(quarter(3, 4), (2027, 4));
        assert_eq!(quarter(1, 10), (2027, 2));
    }
}
