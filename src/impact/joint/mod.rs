//! Several ending parts on the same boards, of one notice or of several open cases, decided together (domain.md, section 5: decide for the board, not part by part).
//!
//! What ties the parts together: a redesign of a board is paid once, whichever parts ask for it; what is bought for life of a part is stranded when a sibling's
//! redesign replaces every board it stands on; a unit that waits for two parts is lost once; and all orders are paid from one budget. Each part may take its own
//! answer. Costs are those of the answers' lines, at the forecast; `trials` plays what was chosen.

mod trials;

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    AnswerRisk, Exposed, Input, OpenCase, World,
    answers::{DO_NOTHING, END_PRODUCT, LAST_TIME_BUY, REDESIGN, answers},
    assess::exposed_items,
    buying,
    course::Course,
    draft::Finished,
    exposure::Lost,
    ledger::Class,
    requirement::weeks_after,
    stranded, survey,
    why::{FigureInput, some_of},
};
use crate::{
    domain::{id::CaseId, money::Money, notice::NoticeKind, part::PartName},
    limits,
};

/// The parts decided one by one, and together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joint {
    pub parts: Vec<JointPart>,
    /// What the part-by-part choice costs in all, once what ties the parts together is counted.
    pub cost_apart: Money,
    pub cost_together: Money,
    /// To be paid at once for all orders.
    pub cash_apart: Money,
    pub cash_together: Money,
    pub budget: Option<Money>,
    /// What makes the difference, in sentences; empty where there is none.
    pub why: Vec<String>,
    /// Both in the same trials; `None` where there is no simulation.
    #[serde(default)]
    pub risk_apart: Option<AnswerRisk>,
    #[serde(default)]
    pub risk_together: Option<AnswerRisk>,
}

/// One item of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JointPart {
    pub case: CaseId,
    pub item: String,
    /// The least costly answer of this part alone, within what the budget leaves.
    pub apart: String,
    pub together: String,
}

/// One item and the answers that are possible for it at a known cost.
struct Unit {
    case: CaseId,
    item: String,
    exposed: Exposed,
    options: Vec<Choice>,
}

struct Choice {
    name: String,
    /// Without the loss, and for a redesign or an end without what is shared.
    own: i64,
    lost: Lost,
    cash: i64,
    /// Of an order to the horizon: pieces, and what is written down of them in expectation.
    bought: Option<(f64, i64)>,
    /// All of it, alone.
    alone: i64,
    /// As it is played.
    course: Course,
    probability: Option<f64>,
}

/// What a choice for every unit comes to, in minor units.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cost {
    total: i64,
    cash: i64,
    /// Bought for life and stranded by a sibling's redesign.
    stranded: i64,
    /// Redesigns paid once instead of by every part.
    shared: i64,
}

/// `None` where fewer than two parts run short on boards or products in common, or nothing can be compared.
pub(super) fn joint(world: &mut World<'_>, items: &[Exposed], others: &[OpenCase<'_>]) -> Result<Option<Joint>, String> {
    let mut units = Vec::new();
    for exposed in items.iter().filter(|exposed| exposed.short()) {
        units.extend(unit(world, exposed)?);
    }
    if units.is_empty() {
        return Ok(None);
    }
    let own = units.len();
    let open: Vec<PartName> = parts_of(world.input).chain(world.input.other_open_parts.iter().cloned()).collect();
    for other in others.iter().filter(|other| other.case.kind == NoticeKind::Pdn && other.matches.len() == other.case.parts.len()) {
        let input = Input { case: other.case, matches: other.matches, other_open_parts: &open, ..*world.input };
        let mut theirs = World::new(&input, &super::WhatIf::default());
        theirs.site = world.site.clone();
        for exposed in exposed_items(&mut theirs).iter().filter(|exposed| exposed.short()) {
            let known = units.iter().any(|unit| unit.exposed.affected.item == exposed.affected.item);
            let tied = world.site().order_budget.is_some() || units[..own].iter().any(|unit| tied(&unit.exposed, exposed));
            if known || !tied || units.len() >= limits::JOINT_PARTS_MAX {
                continue;
            }
            if let Some(found) = unit(&mut theirs, exposed)? {
                // Demand and margins of their products are asked of our world from now on.
                world.plan.requirement(exposed.affected.item, exposed.affected.share, &mut super::why::Notes::default());
                theirs.margins.iter().for_each(|(product, margin)| {
                    world.margins.entry(*product).or_insert_with(|| margin.clone());
                });
                units.push(found);
            }
        }
    }
    let any_tied =
        world.site().order_budget.is_some() || (1..units.len()).any(|one| units[..one].iter().any(|other| tied(&other.exposed, &units[one].exposed)));
    if units.len() < 2 || !any_tied {
        return Ok(None);
    }
    decide(world, &units)
}

fn parts_of<'a>(input: &'a Input<'_>) -> impl Iterator<Item = PartName> + 'a {
    input.case.parts.iter().map(|part| PartName { maker: input.case.maker.clone(), mpn: part.mpn.clone() })
}

/// Whether two items stand on a board together, or go into a product together.
fn tied(one: &Exposed, other: &Exposed) -> bool {
    one.assemblies.iter().any(|board| other.assemblies.contains(board)) || one.users.iter().any(|product| other.users.contains(product))
}

/// `None` where no answer for it is possible at a known cost.
fn unit(world: &mut World<'_>, exposed: &Exposed) -> Result<Option<Unit>, String> {
    let notes = std::mem::take(&mut world.notes);
    let alone = std::slice::from_ref(exposed);
    let finished = buying::buy(world, exposed, None).and_then(|buy| answers(world, alone, std::slice::from_ref(&buy)));
    world.notes = notes;
    let options: Vec<Choice> = finished?.into_iter().filter_map(option).collect();
    let unit = Unit { case: world.input.case.id, item: world.item(exposed).to_owned(), exposed: exposed.clone(), options };
    Ok((!unit.options.is_empty()).then_some(unit))
}

fn option(finished: Finished) -> Option<Choice> {
    let answer = &finished.answer;
    let total = answer.total_cost.filter(|_| answer.feasible)?.minor();
    let lost = finished.loss.margin?.minor() + finished.loss.penalties?.minor();
    let shared: i64 = match answer.name.as_str() {
        REDESIGN => finished.books.total(Class::Project) + finished.books.total(Class::Stranded),
        END_PRODUCT => finished.books.total(Class::Stranded),
        _ => 0,
    };
    let pieces: f64 = finished.course.legs.iter().map(|leg| leg.order).sum();
    Some(Choice {
        own: total - lost - shared,
        bought: (answer.name == LAST_TIME_BUY && pieces > 0.0).then(|| (pieces, finished.books.written_down())),
        cash: answer.cash.map_or(0, Money::minor),
        alone: total,
        course: finished.course,
        probability: finished.answer.probability,
        name: finished.answer.name,
        lost: finished.lost,
    })
}

fn decide(world: &mut World<'_>, units: &[Unit]) -> Result<Option<Joint>, String> {
    let budget = world.site().order_budget.map(|budget| world.reporting.money(budget)).transpose()?;
    let limit = budget.map(Money::minor);
    let table = Table::new(world, units);
    let apart = apart(units, limit);
    let Some(cost_apart) = table.cost(&apart)? else { return Ok(None) };
    let together = best(&table, units, limit, &apart)?;
    let Some(cost_together) = table.cost(&together)? else { return Ok(None) };
    let (risk_apart, risk_together) = trials::risks(&table, [&apart, &together])?.map(|[apart, together]| (apart, together)).unzip();
    let money = |minor: i64| world.reporting.money(rust_decimal::Decimal::new(minor, world.reporting.currency.places()));
    let name = |choice: &[usize], unit: usize| units[unit].options[choice[unit]].name.clone();
    let parts = units
        .iter()
        .enumerate()
        .map(|(at, unit)| JointPart { case: unit.case, item: unit.item.clone(), apart: name(&apart, at), together: name(&together, at) })
        .collect();
    let mut why = Vec::new();
    if cost_together.total < cost_apart.total {
        if cost_together.shared > cost_apart.shared {
            why.push(format!(
                "A redesign that serves several parts is paid once: {} less.",
                money(cost_together.shared - cost_apart.shared)?.grouped()
            ));
        }
        if cost_apart.stranded > cost_together.stranded {
            let less = money(cost_apart.stranded - cost_together.stranded)?.grouped();
            why.push(format!("What one part would be bought for life is not stranded by another's redesign: {less} less."));
        }
        if why.is_empty() {
            why.push("Units that wait for several parts are lost once, so that saving one part alone saves nothing.".to_owned());
        }
    }
    if let Some(limit) = limit.filter(|limit| cost_apart.cash > *limit) {
        why.push(format!("Part by part the orders need {}, more than the budget of {}.", money(cost_apart.cash)?.grouped(), money(limit)?.grouped()));
    }
    let joint = Joint {
        parts,
        cost_apart: money(cost_apart.total)?,
        cost_together: money(cost_together.total)?,
        cash_apart: money(cost_apart.cash)?,
        cash_together: money(cost_together.cash)?,
        budget,
        why,
        risk_apart,
        risk_together,
    };
    explain(world, &joint);
    Ok(Some(joint))
}

/// Each part takes its own least costly answer, in their order, within what the budget leaves.
fn apart(units: &[Unit], limit: Option<i64>) -> Vec<usize> {
    let mut left = limit;
    let mut choice = Vec::with_capacity(units.len());
    for unit in units {
        let affordable = |option: &&Choice| left.is_none_or(|left| option.cash <= left);
        let index = |option: &Choice| unit.options.iter().position(|other| std::ptr::eq(other, option)).unwrap_or(0);
        let best = unit.options.iter().filter(affordable).min_by_key(|option| option.alone);
        let cheapest = || unit.options.iter().min_by_key(|option| option.cash);
        let taken = best.or_else(cheapest).map_or(0, index);
        left = left.map(|left| left - unit.options[taken].cash);
        choice.push(taken);
    }
    choice
}

/// Every combination where they are few; otherwise from several beginnings one part after another to the least, until no change of one part, or of all parts
/// that have an answer to that answer, is less. The part-by-part choice is one of the beginnings, so that the result is never worse.
fn best(table: &Table<'_, '_>, units: &[Unit], limit: Option<i64>, apart: &[usize]) -> Result<Vec<usize>, String> {
    let cost = |choice: &[usize]| -> Result<i64, String> {
        let cost = table.cost(choice)?;
        Ok(cost.map_or(i64::MAX, |cost| if limit.is_some_and(|limit| cost.cash > limit) { i64::MAX } else { cost.total }))
    };
    let mut best = (cost(apart)?, apart.to_vec());
    let combinations = units.iter().try_fold(1_usize, |product, unit| product.checked_mul(unit.options.len()));
    if combinations.is_some_and(|combinations| combinations <= limits::JOINT_COMBINATIONS_MAX) {
        let mut choice = vec![0; units.len()];
        loop {
            let total = cost(&choice)?;
            if total < best.0 {
                best = (total, choice.clone());
            }
            let Some(next) = (0..units.len()).find(|at| choice[*at] + 1 < units[*at].options.len()) else { return Ok(best.1) };
            choice[..next].fill(0);
            choice[next] += 1;
        }
    }
    let mut beginnings = vec![apart.to_vec()];
    for name in [REDESIGN, LAST_TIME_BUY, END_PRODUCT, DO_NOTHING] {
        let of = |(unit, alone): (&Unit, &usize)| unit.options.iter().position(|option| option.name == name).unwrap_or(*alone);
        beginnings.push(units.iter().zip(apart).map(of).collect());
    }
    for mut choice in beginnings {
        let mut here = cost(&choice)?;
        loop {
            let before = here;
            for at in 0..units.len() {
                for option in 0..units[at].options.len() {
                    let kept = std::mem::replace(&mut choice[at], option);
                    let total = cost(&choice)?;
                    if total < here {
                        here = total;
                    } else {
                        choice[at] = kept;
                    }
                }
            }
            if here == before {
                break;
            }
        }
        if here < best.0 {
            best = (here, choice);
        }
    }
    Ok(best.1)
}

/// What the cost of a combination is computed from.
struct Table<'a, 'w> {
    world: &'a World<'w>,
    units: &'a [Unit],
    redesign: survey::AnswerCost,
    ready: Option<Date>,
    ending: Vec<usize>,
}

impl<'a, 'w> Table<'a, 'w> {
    fn new(world: &'a World<'w>, units: &'a [Unit]) -> Table<'a, 'w> {
        let redesign = survey::cost_of(world.site(), &world.reporting, "redesign_assembly", Some(survey::REDESIGN_NEXT_HIGHER_ASSEMBLY));
        let ready = redesign.weeks.map(|weeks| weeks_after(world.input.as_of, weeks));
        Table { world, units, redesign, ready, ending: units.iter().map(|unit| unit.exposed.affected.item).collect() }
    }

    /// `None` where a part of it is unknown.
    fn cost(&self, choice: &[usize]) -> Result<Option<Cost>, String> {
        let world = self.world;
        let mut cost = Cost { total: 0, cash: 0, stranded: 0, shared: 0 };
        let (mut lost, mut redesigned, mut ended) = (Lost::default(), BTreeSet::new(), BTreeSet::new());
        let mut boards_apart = 0;
        for (unit, chosen) in self.units.iter().zip(choice) {
            let option = &unit.options[*chosen];
            cost.total += option.own;
            cost.cash += option.cash;
            lost.merge(option.lost.clone());
            match option.name.as_str() {
                REDESIGN => {
                    boards_apart += unit.exposed.assemblies.len();
                    redesigned.extend(unit.exposed.assemblies.iter().cloned());
                }
                END_PRODUCT => ended.extend(unit.exposed.users.iter().copied()),
                _ => {}
            }
        }
        let loss = world.value(&lost)?;
        let (Some(margin), Some(penalties)) = (loss.margin, loss.penalties) else { return Ok(None) };
        cost.total += margin.minor() + penalties.minor();
        if !ended.is_empty() {
            let ended: Vec<usize> = ended.into_iter().collect();
            let Some(written_down) = stranded::of_products(world, &ended, &lost)?.written_down else { return Ok(None) };
            cost.total += written_down.minor();
        }
        if redesigned.is_empty() {
            return Ok(Some(cost));
        }
        let boards: Vec<String> = redesigned.iter().cloned().collect();
        let project = |boards: usize| -> Result<Option<i64>, String> {
            self.redesign.times(boards).ok().map(|price| world.reporting.money(price.amount).map(Money::minor)).transpose()
        };
        let (Some(project_once), Some(project_apart), Some(ready)) = (project(boards.len())?, project(boards_apart)?, self.ready) else {
            return Ok(None);
        };
        cost.shared = project_apart - project_once;
        let Some(siblings) = stranded::of_redesign(world, &boards, ready, &self.ending)?.written_down else { return Ok(None) };
        cost.total += project_once + siblings.minor();
        for (unit, chosen) in self.units.iter().zip(choice) {
            let Some((pieces, written_down)) = unit.options[*chosen].bought else { continue };
            if unit.exposed.assemblies.iter().all(|board| redesigned.contains(board)) {
                cost.stranded += (self.left_at(&unit.exposed, pieces, ready)? - written_down).max(0);
            }
        }
        cost.total += cost.stranded;
        Ok(Some(cost))
    }

    /// What an order loses of its price when nothing of the item is needed from a day on.
    fn left_at(&self, exposed: &Exposed, pieces: f64, ready: Date) -> Result<i64, String> {
        let world = self.world;
        let needed = exposed.requirement.before(world.plan.calendar, ready).pieces();
        let left = (exposed.cover.until(ready) + pieces - needed).clamp(0.0, pieces);
        let (Some(price), Some(ratio)) = (&exposed.price, world.site().salvage_ratio) else { return Ok(0) };
        let loses = price.amount.checked_mul(rust_decimal::Decimal::ONE - ratio).ok_or("a write-down is too large")?;
        Ok(world.reporting.extended(left, loses)?.minor())
    }
}

fn explain(world: &mut World<'_>, joint: &Joint) {
    let mut inputs: Vec<FigureInput> = joint
        .parts
        .iter()
        .map(|part| FigureInput::new(format!("{} of {}", part.item, part.case), part.together.clone(), format!("alone: {}", part.apart)))
        .collect();
    inputs.push(FigureInput::new("part by part", joint.cost_apart.grouped(), "each part's least costly answer, with what ties them together"));
    inputs.push(FigureInput::new("cash at once", joint.cash_together.grouped(), "all orders"));
    for (what, risk) in [("part by part", &joint.risk_apart), ("together", &joint.risk_together)] {
        if let Some(risk) = risk {
            let value = format!("{} to {}, median {}", risk.cost.p10.grouped(), risk.cost.p90.grouped(), risk.cost.p50.grouped());
            inputs.push(FigureInput::new(format!("{what}, cost from P10 to P90"), value, "simulation, the same trials"));
            inputs.push(FigureInput::new(format!("{what}, CVaR of present value"), risk.npv.cvar.grouped(), "simulation, the same trials"));
        }
    }
    if let Some(budget) = joint.budget {
        inputs.push(FigureInput::new("budget", budget.grouped(), "site.toml order_budget"));
    }
    let formula =
        "least over the combinations of Σ own costs + loss, each unit once + redesigns, each board once + stock stranded; orders within the budget";
    world.notes.figure("joint_cost", joint.cost_together.grouped(), formula, inputs);
    if joint.cost_together.minor() < joint.cost_apart.minor() {
        let changed: Vec<String> =
            joint.parts.iter().filter(|part| part.apart != part.together).map(|part| format!("{}: {}", part.item, part.together)).collect();
        world.notes.need(format!(
            "Decide these parts together: {} instead of {} part by part ({})",
            joint.cost_together.grouped(),
            joint.cost_apart.grouped(),
            some_of(&changed)
        ));
    }
}
