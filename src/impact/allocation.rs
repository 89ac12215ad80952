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
    let most = units.keys().map(|(product, ..)| value(*product)).fold(0.0, f64::max);
    // What earns nothing, or an unknown amount, is lost first, but not without need.
    let least = if most > 0.0 { most * 1e-6 } else { 1.0 };
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let lost: BTreeMap<Key, (Variable, f64)> =
        units.into_iter().map(|(key, units)| (key, (problem.add_var(value(key.0).max(least), (0.0, units)), units))).collect();
    for exposed in scarce {
        let of_item = variables(&mut problem, exposed, &lost);
        limit(&mut problem, world, exposed, &of_item);
    }
    let solution = problem.solve().ok()?.into_solution().ok()?;
    let mut result = Lost::default();
    for (key, (variable, units)) in lost {
        // The solver is right to about seven digits; six places make a whole number whole again.
        let rounded = libm::round(solution.var_value(variable) * 1e6) / 1e6;
        result.add(key, rounded.clamp(0.0, units));
    }
    Some(result)
}

/// For each slice of an item what is lost of it: the unit itself, or, where the item's ending source carries less of the use than another's, a part of it.
fn variables<'a>(problem: &mut Problem, exposed: &'a Exposed, lost: &BTreeMap<Key, (Variable, f64)>) -> Vec<(&'a Slice, Variable)> {
    let mut of_item = Vec::new();
    for slice in wanted(exposed) {
        let Some((whole, units)) = lost.get(&key(slice)) else { continue };
        let variable = if slice.units >= units * (1.0 - 1e-12) {
            *whole
        } else {
            let part = problem.add_var(0.0, (0.0, slice.units));
            problem.add_constraint([(part, 1.0), (*whole, -1.0)], ComparisonOp::Le, 0.0);
            part
        };
        of_item.push((slice, variable));
    }
    of_item
}

/// What must be lost of an item, by the end of each month and in all.
fn limit(problem: &mut Problem, world: &World<'_>, exposed: &Exposed, of_item: &[(&Slice, Variable)]) {
    let calendar = world.plan.calendar;
    let there = |month: usize| -> f64 {
        exposed.cover.supplies.iter().filter(|supply| calendar.index(supply.day) <= month).map(|supply| supply.pieces).sum()
    };
    let mut at_least = |of: Vec<&(&Slice, Variable)>, there: f64| {
        let needed: f64 = of.iter().map(|(slice, _)| slice.pieces).sum();
        if needed > there {
            let mut sum = LinearExpr::empty();
            for (slice, variable) in of {
                sum.add(*variable, slice.per_unit);
            }
            problem.add_constraint(sum, ComparisonOp::Ge, needed - there);
        }
    };
    let months: BTreeSet<usize> = of_item.iter().map(|(slice, _)| slice.month).collect();
    for month in months {
        at_least(of_item.iter().filter(|(slice, _)| slice.kind != DemandKind::Committed && slice.month <= month).collect(), there(month));
    }
    at_least(of_item.iter().collect(), exposed.cover.pieces());
}
