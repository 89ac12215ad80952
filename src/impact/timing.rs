//! When an answer's amounts fall: profit by fiscal year, the most cash it ties up, and its present value. An amount that is spread is split into whole minor
//! units whose sum is the amount, so that every year's column adds up to the total to the cent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    exposure::fiscal_year,
    reporting::{Reporting, decimal, float},
    requirement::Calendar,
    statement::QuarterLoss,
};
use crate::domain::{
    factory::{Month, Site},
    money::Money,
};

/// Against the plan before the notice, in one fiscal year; negative is a loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct YearProfit {
    pub year: String,
    pub profit: Money,
}

/// Months counted from that of the statement's day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum When {
    At(usize),
    /// In equal parts, both ends included.
    Over(usize, usize),
}

/// Amounts by month; positive is a cost or a payment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Flows(BTreeMap<usize, Money>);

impl Flows {
    pub fn add(&mut self, amount: Money, when: When) -> Result<(), String> {
        let (first, last) = match when {
            When::At(month) => (month, month),
            When::Over(first, last) => (first, last.max(first)),
        };
        for (month, part) in (first..=last).zip(split(amount, &vec![1.0; last - first + 1])?) {
            self.put(month, part)?;
        }
        Ok(())
    }

    pub fn merge(&mut self, other: &Flows) -> Result<(), String> {
        other.0.iter().try_for_each(|(month, amount)| self.put(*month, *amount))
    }

    pub fn put(&mut self, month: usize, amount: Money) -> Result<(), String> {
        let sum = self.0.entry(month).or_insert_with(|| Money::zero(amount.currency()));
        *sum = sum.plus(amount).map_err(|error| error.to_string())?;
        Ok(())
    }

    pub fn months(&self) -> impl Iterator<Item = (usize, Money)> {
        self.0.iter().map(|(month, amount)| (*month, *amount))
    }

    pub fn negated(&self) -> Result<Flows, String> {
        let turned = |(month, amount): (usize, Money)| Ok((month, Money::zero(amount.currency()).minus(amount).map_err(|error| error.to_string())?));
        self.months().map(turned).collect::<Result<BTreeMap<usize, Money>, String>>().map(Flows)
    }

    /// Sum, and sum discounted, in floating point: for the simulation alone.
    pub fn floating(&self, rate: f64) -> (f64, f64) {
        self.months().fold((0.0, 0.0), |(sum, present), (month, amount)| {
            let amount = float(amount.amount());
            (sum + amount, present + amount * libm::exp(-rate * month as f64 / 12.0))
        })
    }

    /// With the sign turned: what these costs do to profit.
    pub fn profit_by_year(&self, reporting: &Reporting<'_>, calendar: Calendar, year_starts: i8) -> Result<Vec<YearProfit>, String> {
        let mut years: BTreeMap<i16, Money> = BTreeMap::new();
        for (month, cost) in &self.0 {
            let year = years.entry(fiscal_year(calendar.month(*month), year_starts)).or_insert_with(|| reporting.zero());
            *year = year.minus(*cost).map_err(|error| error.to_string())?;
        }
        Ok(years.into_iter().filter(|(_, profit)| !profit.is_zero()).map(|(year, profit)| YearProfit { year: format!("FY{year}"), profit }).collect())
    }

    /// By fiscal quarter; quarters without an amount are left out.
    pub fn by_quarter(&self, calendar: Calendar, year_starts: i8) -> Result<Vec<QuarterLoss>, String> {
        let mut quarters: Vec<QuarterLoss> = Vec::new();
        for (month, amount) in &self.0 {
            let month = calendar.month(*month);
            // Months since the fiscal year began.
            let into = (month.month - year_starts).rem_euclid(12);
            let quarter = format!("FY{} Q{}", fiscal_year(month, year_starts), into / 3 + 1);
            match quarters.last_mut().filter(|last| last.quarter == quarter) {
                Some(last) => last.lost = last.lost.plus(*amount).map_err(|error| error.to_string())?,
                None => {
                    let first = (0..into % 3).fold(month, |month, _| previous(month));
                    quarters.push(QuarterLoss { quarter, first, last: first.next().next(), lost: *amount });
                }
            }
        }
        quarters.retain(|quarter| !quarter.lost.is_zero());
        Ok(quarters)
    }

    /// The largest sum of payments up to the end of a month, never under 0.
    pub fn peak(&self, reporting: &Reporting<'_>) -> Result<Money, String> {
        let (mut sum, mut peak) = (reporting.zero(), reporting.zero());
        for amount in self.0.values() {
            sum = sum.plus(*amount).map_err(|error| error.to_string())?;
            if sum.minor() > peak.minor() {
                peak = sum;
            }
        }
        Ok(peak)
    }

    /// −Σ payment · e^(−r · month ÷ 12), rounded once. `rate` is a year's cost of capital, continuously, as in `c·e^(rT)`.
    pub fn present_value(&self, reporting: &Reporting<'_>, rate: f64) -> Result<Money, String> {
        let mut sum = rust_decimal::Decimal::ZERO;
        for (month, amount) in &self.0 {
            let discounted = amount.amount().checked_mul(decimal(libm::exp(-rate * *month as f64 / 12.0))?);
            sum = discounted.and_then(|amount| sum.checked_sub(amount)).ok_or("a present value is too large to be held exactly")?;
        }
        reporting.money(sum)
    }
}

fn previous(month: Month) -> Month {
    if month.month == 1 { Month { year: month.year - 1, month: 12 } } else { Month { year: month.year, month: month.month - 1 } }
}

/// In proportion to `weights`, each part in whole minor units; the parts sum to the amount. Nothing where there are no weights.
pub(super) fn split(amount: Money, weights: &[f64]) -> Result<Vec<Money>, String> {
    let total: f64 = weights.iter().sum();
    let (mut so_far, mut left) = (0.0, amount);
    let mut parts = Vec::with_capacity(weights.len());
    for (place, weight) in weights.iter().enumerate() {
        so_far += weight;
        let part = if place + 1 == weights.len() {
            left
        } else {
            let share = decimal(if total > 0.0 { so_far / total } else { 0.0 })?;
            let given = amount.minus(left).map_err(|error| error.to_string())?;
            let target = amount.amount().checked_mul(share).ok_or("an amount is too large to be spread")?;
            Money::round(target, amount.currency()).and_then(|target| target.minus(given)).map_err(|error| error.to_string())?
        };
        left = left.minus(part).map_err(|error| error.to_string())?;
        parts.push(part);
    }
    Ok(parts)
}

/// Share of a carrying cost that is not the price of capital, which a present value already charges (domain.md, section 7: no double count).
pub(super) fn not_capital(site: &Site) -> f64 {
    match (site.holding_rate.map(float), site.discount_rate.map(float)) {
        (Some(holding), Some(capital)) if holding > 0.0 => ((holding - capital) / holding).max(0.0),
        (Some(_), _) => 1.0,
        (None, _) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::money::{Currency, Rates};

    fn eur(minor: i64) -> Money {
        Money::round(Decimal::new(minor, 2), Currency::EUR).expect("money")
    }

    #[test]
    fn cash_and_present_value_follow_the_months() {
        let rates = Rates::default();
        let reporting = Reporting { rates: &rates, currency: Currency::EUR, as_of: date(2027, 3, 1) };
        let mut flows = Flows::default();
        flows.add(eur(100_000), When::At(0)).expect("flow");
        flows.add(eur(-40_000), When::Over(0, 11)).expect("flow");
        flows.add(eur(30_000), When::At(12)).expect("flow");
        // 1,000 less a month's 33.33 at once; 600 after a year, and then 300 more.
        assert_eq!(flows.peak(&reporting), Ok(eur(96_667)));
        let years = flows.profit_by_year(&reporting, Calendar::new(date(2027, 3, 1)), 4).expect("years");
        let shown: Vec<(&str, i64)> = years.iter().map(|year| (year.year.as_str(), year.profit.minor())).collect();
        assert_eq!(shown, [("FY2027", -96_667), ("FY2028", 6_667)]);
        let mut late = Flows::default();
        late.add(eur(100_000), When::At(24)).expect("flow");
        // 1,000 · e^(−0.2).
        assert_eq!(late.present_value(&reporting, 0.1), Ok(eur(-81_873)));
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_amount(minor in -10_000_000_000_i64..10_000_000_000, weights in prop::collection::vec(0.0_f64..10.0, 1..60)) {
            let parts = split(eur(minor), &weights).expect("parts");
            prop_assert_eq!(parts.iter().map(|part| part.minor()).sum::<i64>(), minor);
            let total: f64 = weights.iter().sum();
            if total > 0.1 {
                for (part, weight) in parts.iter().zip(&weights) {
                    prop_assert!((part.minor() as f64 - minor as f64 * weight / total).abs() < 1.0 + 1e-8 * minor.abs() as f64);
                }
            }
        }
    }
}
