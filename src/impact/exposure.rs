//! What is not served, and what that loses. Scarce pieces of one item go to the highest contribution per piece first, so that for one item no other
//! allocation loses less; several scarce items are weighed together in `allocation`.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::{
    cover::Cover,
    reporting::{Margin, Reporting, decimal, float},
    requirement::{Calendar, Requirement, rank},
    timing::{Flows, split},
};
use crate::domain::{
    factory::{DemandKind, Month},
    money::Money,
};

/// Units of a product in a month and of a kind.
pub(super) type Key = (usize, usize, u8);

/// Units that are not made.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Lost {
    units: BTreeMap<Key, f64>,
    /// Products of which it is unknown what they lose, because their demand is.
    pub unknown: BTreeSet<usize>,
}

impl Lost {
    pub fn add(&mut self, key: Key, units: f64) {
        if units > 1e-9 {
            *self.units.entry(key).or_default() += units;
        }
    }

    /// A unit that waits for two items is lost once.
    pub fn merge(&mut self, other: Lost) {
        for (key, units) in other.units {
            let here = self.units.entry(key).or_default();
            *here = here.max(units);
        }
        self.unknown.extend(other.unknown);
    }

    /// Units of one product.
    pub fn of_product(&self, product: usize) -> f64 {
        self.units.range((product, 0, 0)..(product + 1, 0, 0)).map(|(_, units)| units).sum()
    }

    pub fn products(&self) -> BTreeSet<usize> {
        self.units.keys().map(|(product, _, _)| *product).chain(self.unknown.iter().copied()).collect()
    }
}

/// What of a requirement a cover does not serve, as pieces by slice. A supply serves its month and later ones; a committed order waits for a supply that comes
/// within the horizon, because delayed is not lost.
pub(super) fn unserved(requirement: &Requirement, cover: &Cover, calendar: Calendar, margins: &BTreeMap<usize, Margin>) -> Vec<f64> {
    let mut there: Vec<(usize, f64)> = cover.supplies.iter().map(|supply| (calendar.index(supply.day), supply.pieces)).collect();
    let mut left: Vec<f64> = requirement.slices.iter().map(|slice| slice.pieces).collect();
    let value = |at: usize| {
        let slice = &requirement.slices[at];
        // An unknown contribution comes last: what it then lacks is told as unknown, and not made to look served.
        margins.get(&slice.product).and_then(Margin::lost_per_unit).map_or(f64::NEG_INFINITY, |lost| float(lost) / slice.per_unit)
    };
    let mut order: Vec<(f64, usize)> = (0..left.len()).filter(|at| left[*at] > 0.0).map(|at| (value(at), at)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, at) in order {
        let slice = &requirement.slices[at];
        // The latest supply that is early enough: earlier ones stay free for those who cannot wait.
        for (month, pieces) in there.iter_mut().rev() {
            if slice.kind != DemandKind::Committed && *month > slice.month {
                continue;
            }
            let taken = left[at].min(*pieces);
            left[at] -= taken;
            *pieces -= taken;
        }
        if left[at] <= 1e-9 * slice.pieces {
            left[at] = 0.0;
        }
    }
    left
}

/// Pieces by slice as units of products.
pub(super) fn lost_units(requirement: &Requirement, unserved: &[f64]) -> Lost {
    let mut lost = Lost::default();
    for (slice, pieces) in requirement.slices.iter().zip(unserved) {
        if slice.per_unit > 0.0 {
            lost.add((slice.product, slice.month, rank(slice.kind)), pieces / slice.per_unit);
        }
    }
    lost
}

/// Units not made, in money of the reporting currency.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loss {
    /// By product: units, contribution (`None`: unknown), penalties.
    pub products: Vec<(usize, f64, Option<Money>, Money)>,
    /// Contribution lost by fiscal year, of the products where it is known.
    pub years: Vec<(String, Money)>,
    /// Contribution; `None` where that of one product is unknown.
    pub margin: Option<Money>,
    /// The part of it that is known.
    pub margin_known: Money,
    pub penalties: Option<Money>,
    /// Known contribution and penalties together.
    pub by_month: Flows,
    pub penalties_by_month: Flows,
}

/// Values units once a product and fiscal year, rounds there, and only adds from then on, so that every table sums to the same total.
pub(super) fn value(
    lost: &Lost,
    margins: &BTreeMap<usize, Margin>,
    reporting: &Reporting<'_>,
    calendar: Calendar,
    year_starts: i8,
) -> Result<Loss, String> {
    let add = |left: Money, right: Money| left.plus(right).map_err(|error| error.to_string());
    let mut loss = Loss {
        products: Vec::new(),
        years: Vec::new(),
        margin: None,
        margin_known: reporting.zero(),
        penalties: Some(reporting.zero()),
        by_month: Flows::default(),
        penalties_by_month: Flows::default(),
    };
    let mut by_year: BTreeMap<i16, Money> = BTreeMap::new();
    let mut all_known = true;
    for product in lost.products() {
        let units = lost.of_product(product);
        let contribution = margins.get(&product).and_then(Margin::lost_per_unit).filter(|_| !lost.unknown.contains(&product));
        let penalty = margins.get(&product).map_or(Decimal::ZERO, |margin| margin.penalty);
        let penalties = reporting.extended(units, penalty)?;
        let mut of_product = reporting.zero();
        if let Some(contribution) = contribution {
            let mut years: BTreeMap<i16, f64> = BTreeMap::new();
            let (mut months, mut weights) = (Vec::new(), Vec::new());
            for ((_, month, _), units) in lost.units.range((product, 0, 0)..(product + 1, 0, 0)) {
                *years.entry(fiscal_year(calendar.month(*month), year_starts)).or_default() += units;
                months.push(*month);
                weights.push(*units);
            }
            for (month, part) in months.iter().zip(split(penalties, &weights)?) {
                loss.by_month.put(*month, part)?;
                loss.penalties_by_month.put(*month, part)?;
            }
            for (year, units) in years {
                let of_year: Vec<usize> = (0..months.len()).filter(|at| fiscal_year(calendar.month(months[*at]), year_starts) == year).collect();
                let amount = reporting.money(decimal(units)?.checked_mul(contribution).ok_or("a margin is too large to be held exactly")?)?;
                of_product = add(of_product, amount)?;
                let sum = by_year.entry(year).or_insert_with(|| reporting.zero());
                *sum = add(*sum, amount)?;
                let weights: Vec<f64> = of_year.iter().map(|at| weights[*at]).collect();
                for (at, part) in of_year.iter().zip(split(amount, &weights)?) {
                    loss.by_month.put(months[*at], part)?;
                }
            }
            loss.margin_known = add(loss.margin_known, of_product)?;
        }
        all_known &= contribution.is_some();
        loss.penalties = match loss.penalties {
            Some(sum) if contribution.is_some() => Some(add(sum, penalties)?),
            _ => None,
        };
        loss.products.push((product, units, contribution.map(|_| of_product), penalties));
    }
    loss.years = by_year.into_iter().map(|(year, amount)| (format!("FY{year}"), amount)).collect();
    loss.margin = all_known.then_some(loss.margin_known);
    Ok(loss)
}

/// A fiscal year carries the number of the calendar year it ends in.
pub(super) fn fiscal_year(month: Month, starts: i8) -> i16 {
    if starts > 1 && month.month >= starts { month.year + 1 } else { month.year }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::impact::{cover::Supply, requirement::Slice};

    fn margins(of: &[Option<i64>]) -> BTreeMap<usize, Margin> {
        of.iter()
            .enumerate()
            .map(|(product, contribution)| {
                let contribution = contribution.map(Decimal::from);
                (product, Margin { contribution, penalty: Decimal::ZERO, inputs: Vec::new(), missing: None })
            })
            .collect()
    }

    fn slice(product: usize, month: usize, units: f64, per_unit: f64) -> Slice {
        Slice { product, month, kind: DemandKind::Forecast, units, per_unit, pieces: units * per_unit, sd: None }
    }

    fn cover(supplies: &[(usize, f64)], calendar: Calendar) -> Cover {
        let supplies = supplies.iter().map(|(month, pieces)| Supply { day: calendar.days(*month).0, pieces: *pieces }).collect();
        Cover { supplies, ..Cover::default() }
    }

    #[test]
    fn scarce_pieces_go_to_the_highest_contribution_per_piece() {
        let calendar = Calendar::new(date(2027, 1, 1));
        // X takes 2 pieces and earns 10 (5 a piece); Y takes 1 and earns 9 (9 a piece). 100 pieces for 60 X and 60 Y: Y gets 60, X gets 40 pieces = 20 units.
        let requirement = Requirement { slices: vec![slice(0, 0, 60.0, 2.0), slice(1, 0, 60.0, 1.0)] };
        let left = unserved(&requirement, &cover(&[(0, 100.0)], calendar), calendar, &margins(&[Some(10), Some(9)]));
        assert_eq!(left, [80.0, 0.0]);
        assert_eq!(lost_units(&requirement, &left).of_product(0), 40.0);
    }

    #[test]
    fn a_late_supply_serves_later_months_and_the_backlog_that_waits() {
        let calendar = Calendar::new(date(2027, 1, 1));
        let mut committed = slice(0, 0, 10.0, 1.0);
        committed.kind = DemandKind::Committed;
        let requirement = Requirement { slices: vec![committed, slice(1, 0, 10.0, 1.0), slice(1, 2, 10.0, 1.0)] };
        let left = unserved(&requirement, &cover(&[(2, 20.0)], calendar), calendar, &margins(&[Some(1), Some(5)]));
        assert_eq!(left, [0.0, 10.0, 0.0]);
    }

    #[test]
    fn fiscal_years_end_in_the_year_of_their_number() {
        let month = |year, month| Month { year, month };
        assert_eq!(fiscal_year(month(2026, 12), 1), 2026);
        assert_eq!(fiscal_year(month(2026, 9), 10), 2026);
        assert_eq!(fiscal_year(month(2026, 10), 10), 2027);
    }

    prop_compose! {
        fn case()(slices in prop::collection::vec((0_usize..4, 0_usize..6, 1.0_f64..100.0, 1_u8..5), 1..12),
                  supplies in prop::collection::vec((0_usize..6, 0.0_f64..200.0), 0..5),
                  earns in prop::collection::vec(0_i64..50, 4))
            -> (Requirement, Vec<(usize, f64)>, BTreeMap<usize, Margin>) {
            let mut supplies = supplies;
            supplies.sort_by_key(|supply| supply.0);
            let slices = slices.into_iter().map(|(product, month, units, per)| slice(product, month, units, f64::from(per))).collect();
            (Requirement { slices }, supplies, margins(&earns.into_iter().map(Some).collect::<Vec<_>>()))
        }
    }

    fn worth(requirement: &Requirement, left: &[f64], margins: &BTreeMap<usize, Margin>) -> f64 {
        let lost = lost_units(requirement, left);
        margins.iter().map(|(product, margin)| lost.of_product(*product) * margin.contribution.map_or(0.0, float)).sum()
    }

    proptest! {
        #[test]
        fn what_is_served_and_unserved_is_the_requirement((requirement, supplies, margins) in case()) {
            let calendar = Calendar::new(date(2027, 1, 1));
            let left = unserved(&requirement, &cover(&supplies, calendar), calendar, &margins);
            let served = requirement.pieces() - left.iter().sum::<f64>();
            let there: f64 = supplies.iter().map(|supply| supply.1).sum();
            prop_assert!(left.iter().zip(&requirement.slices).all(|(left, slice)| (0.0..=slice.pieces).contains(left)));
            prop_assert!(served <= there + 1e-6);
            // Where all is there from the start, nothing stays unserved while pieces are left.
            if supplies.iter().all(|supply| supply.0 == 0) {
                prop_assert!((served - there.min(requirement.pieces())).abs() < 1e-6);
            }
        }

        #[test]
        fn more_supply_never_loses_more((requirement, mut supplies, margins) in case(), month in 0_usize..6, more in 0.0_f64..100.0) {
            let calendar = Calendar::new(date(2027, 1, 1));
            let before = unserved(&requirement, &cover(&supplies, calendar), calendar, &margins);
            supplies.push((month, more));
            supplies.sort_by_key(|supply| supply.0);
            let after = unserved(&requirement, &cover(&supplies, calendar), calendar, &margins);
            prop_assert!(worth(&requirement, &after, &margins) <= worth(&requirement, &before, &margins) + 1e-6);
        }

        #[test]
        fn a_unit_is_lost_once(units in prop::collection::vec((0_usize..3, 0_usize..3, 0.0_f64..50.0), 1..20)) {
            let (mut all, mut most) = (Lost::default(), 0.0_f64);
            for (product, month, units) in &units {
                let mut one = Lost::default();
                one.add((*product, *month, 0), *units);
                most = most.max(*units);
                all.merge(one.clone());
                let before = all.clone();
                all.merge(one);
                prop_assert_eq!(&before, &all);
            }
            prop_assert!(all.units.values().all(|lost| *lost <= most));
        }
    }
}
