//! Several scarce items at once. Giving each to the highest contribution per piece is then wrong (domain.md, section 4: greedy on one item earns 100 where 900 can
//! be earned), so the units that are not made are found together, by a linear programme:
//!
//! ```text
//! minimise   Σ contribution · lost                         over products, months and kinds of demand
//! so that    Σ pieces · lost ≥ needed until t − there by t  for each item and month t, of demand that cannot wait
//!            Σ pieces · lost ≥ needed − there               for each item, committed orders included: they wait
//! ```
//! The sets of demand that a supply can serve lie one inside the other, so these sums are all that an allocation by piece has to meet.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem, Variable};

use super::{
    Exposed, World,
    answers::lost_until,
    exposure::{Key, Lost},
    reporting::{Margin, float},
    requirement::{Slice, rank},
};
use crate::{domain::factory::DemandKind, limits};

/// Units lost to the horizon when only the covers serve, each unit once; and a sentence where the items could not be weighed together.
pub(super) fn lost_together(world: &World<'_>, items: &[&Exposed]) -> (Lost, Option<&'static str>) {
    let mut apart = Lost::default();
    for exposed in items {
        apart.merge(lost_until(world, exposed, None));
    }
    let scarce: Vec<&Exposed> = items.iter().copied().filter(|exposed| exposed.runs_out.is_some()).collect();
    if scarce.len() < 2 || !share_a_product(&scarce) {
        return (apart, None);
    }
    if scarce.iter().map(|exposed| exposed.requirement.slices.len()).sum::<usize>() > limits::ALLOCATION_SLICES_MAX {
        let sentence = "Too many products, months and parts to be weighed together: each part goes to the highest contribution per piece, so the loss is an upper bound.";
        return (apart, Some(sentence));
    }
    match solve(world, &scarce) {
        Some(mut lost) => {
            lost.unknown = apart.unknown;
            (lost, None)
        }
        None => {
            let sentence = "The linear programme over the scarce parts has no reliable solution: each goes to the highest contribution per piece, so the loss is an upper bound.";
            (apart, Some(sentence))
        }
    }
}

fn share_a_product(scarce: &[&Exposed]) -> bool {
    let mut seen = BTreeSet::new();
    scarce.iter().flat_map(|exposed| exposed.requirement.products()).any(|product| !seen.insert(product))
}

fn wanted(exposed: &Exposed) -> impl Iterator<Item = &Slice> {
    exposed.requirement.slices.iter().filter(|slice| slice.units > 0.0 && slice.per_unit > 0.0)
}

fn key(slice: &Slice) -> Key {
    (slice.product, slice.month, rank(slice.kind))
}

fn solve(world: &World<'_>, scarce: &[&Exposed]) -> Option<Lost> {
    let mut units: BTreeMap<Key, f64> = BTreeMap::new();
    for slice in scarce.iter().flat_map(|exposed| wanted(exposed)) {
        let most = units.entry(key(slice)).or_default();
        *most = most.max(slice.units);
    }
    let value = |product: usize| world.margins.get(&product).and_then(Margin::lost_per_unit).map_or(0.0, float);
    let rows: Vec<(f64, f64)> = units.iter().map(|(key, units)| (value(key.0), *units)).collect();
    let place: BTreeMap<Key, usize> = units.keys().enumerate().map(|(at, key)| (*key, at)).collect();
    let calendar = world.plan.calendar;
    let items: Vec<Scarce> = scarce
        .iter()
        .map(|exposed| Scarce {
            supplies: exposed.cover.supplies.iter().map(|supply| (calendar.index(supply.day), supply.pieces)).collect(),
            needs: wanted(exposed)
                .filter_map(|slice| {
                    let waits = slice.kind == DemandKind::Committed;
                    Some(Need { row: *place.get(&key(slice))?, month: slice.month, units: slice.units, per_unit: slice.per_unit, waits })
                })
                .collect(),
        })
        .collect();
    let mut result = Lost::default();
    for (key, lost) in units.keys().zip(programme(&rows, &items)?) {
        result.add(*key, lost);
    }
    Some(result)
}

/// A scarce item: month and pieces of what is there, and what needs it.
pub(super) struct Scarce {
    pub supplies: Vec<(usize, f64)>,
    pub needs: Vec<Need>,
}

pub(super) struct Need {
    /// Whose unit it is.
    pub row: usize,
    pub month: usize,
    pub units: f64,
    pub per_unit: f64,
    /// Whether a later supply serves it as well.
    pub waits: bool,
}

/// Units lost of each row, given what a unit is worth and how many there are. `None` where the solver has no reliable solution.
pub(super) fn programme(rows: &[(f64, f64)], items: &[Scarce]) -> Option<Vec<f64>> {
    let most = rows.iter().map(|(value, _)| *value).fold(0.0, f64::max);
    // What earns nothing, or an unknown amount, is lost first, but not without need.
    let least = if most > 0.0 { most * 1e-6 } else { 1.0 };
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let lost: Vec<(Variable, f64)> = rows.iter().map(|(value, units)| (problem.add_var(value.max(least), (0.0, *units)), *units)).collect();
    for item in items {
        let of_item = variables(&mut problem, item, &lost);
        limit(&mut problem, item, &of_item);
    }
    let solution = problem.solve().ok()?.into_solution().ok()?;
    // The solver is right to about seven digits; six places make a whole number whole again.
    Some(lost.into_iter().map(|(variable, units)| (libm::round(solution.var_value(variable) * 1e6) / 1e6).clamp(0.0, units)).collect())
}

/// For each need of an item what is lost of it: the unit itself, or, where the item's ending source carries less of the use than another's, a part of it.
fn variables<'a>(problem: &mut Problem, item: &'a Scarce, lost: &[(Variable, f64)]) -> Vec<(&'a Need, Variable)> {
    let mut of_item = Vec::new();
    for need in &item.needs {
        let Some((whole, units)) = lost.get(need.row) else { continue };
        let variable = if need.units >= units * (1.0 - 1e-12) {
            *whole
        } else {
            let part = problem.add_var(0.0, (0.0, need.units));
            problem.add_constraint([(part, 1.0), (*whole, -1.0)], ComparisonOp::Le, 0.0);
            part
        };
        of_item.push((need, variable));
    }
    of_item
}

/// What must be lost of an item, by the end of each month and in all.
fn limit(problem: &mut Problem, item: &Scarce, of_item: &[(&Need, Variable)]) {
    let there = |month: usize| -> f64 { item.supplies.iter().filter(|(from, _)| *from <= month).map(|(_, pieces)| pieces).sum() };
    let mut at_least = |of: Vec<&(&Need, Variable)>, there: f64| {
        let needed: f64 = of.iter().map(|(need, _)| need.units * need.per_unit).sum();
        if needed > there {
            let mut sum = LinearExpr::empty();
            for (need, variable) in of {
                sum.add(*variable, need.per_unit);
            }
            problem.add_constraint(sum, ComparisonOp::Ge, needed - there);
        }
    };
    let months: BTreeSet<usize> = of_item.iter().map(|(need, _)| need.month).collect();
    for month in months {
        at_least(of_item.iter().filter(|(need, _)| !need.waits && need.month <= month).collect(), there(month));
    }
    at_least(of_item.iter().collect(), item.supplies.iter().map(|(_, pieces)| pieces).sum());
}
