//! What the parts decided one by one and together come to in the trials of the simulation: the same demand, luck and time for both, so that their difference is theirs.

use std::collections::BTreeSet;

use super::{Choice, Table, Unit};
use crate::impact::{
    END_PRODUCT, Exposed, REDESIGN,
    ledger::negated,
    simulation::{AnswerRisk, CourseModel, LegModel, Model, play_within_limits},
    stranded::{self, Stranded},
    timing::{Flows, When},
};

/// By choice; `None` where the site leaves the simulation out, or something is unknown.
pub(super) fn risks(table: &Table<'_, '_>, choices: [&[usize]; 2]) -> Result<Option<[AnswerRisk; 2]>, String> {
    let exposed: Vec<&Exposed> = table.units.iter().map(|unit| &unit.exposed).collect();
    let Some(mut model) = Model::without_courses(table.world, &exposed).filter(|model| model.trials > 0) else { return Ok(None) };
    for choice in choices {
        let Some(course) = course(table, &model, choice)? else { return Ok(None) };
        model.courses.push(course);
    }
    let Some(played) = play_within_limits(table.world, model)? else { return Ok(None) };
    Ok(<[AnswerRisk; 2]>::try_from(played).ok())
}

fn course(table: &Table<'_, '_>, model: &Model, choice: &[usize]) -> Result<Option<CourseModel>, String> {
    let world = table.world;
    let chosen: Vec<(&Unit, &Choice)> = table.units.iter().zip(choice).map(|(unit, chosen)| (unit, &unit.options[*chosen])).collect();
    let of = |name: &'static str| chosen.iter().filter(move |(_, option)| option.name == name);
    let boards: BTreeSet<&String> = of(REDESIGN).flat_map(|(unit, _)| &unit.exposed.assemblies).collect();
    let (mut costs, mut payments) = (Flows::default(), Flows::default());
    for (_, option) in chosen.iter().filter(|(_, option)| option.name != REDESIGN) {
        costs.merge(&option.course.costs)?;
        payments.merge(&option.course.payments)?;
    }
    let mut ready = None;
    if !boards.is_empty() {
        let boards: Vec<String> = boards.iter().map(|board| (*board).clone()).collect();
        let (Some(weeks), Some(day), Ok(project)) = (table.redesign.weeks, table.ready, table.redesign.times(boards.len())) else { return Ok(None) };
        let month = world.plan.calendar.index(day);
        ready = Some((weeks, month));
        let project = world.reporting.money(project.amount)?;
        costs.add(project, When::Over(0, month))?;
        payments.add(project, When::Over(0, month))?;
        if !strand(stranded::of_redesign(world, &boards, day, &table.ending)?, month, &mut costs, &mut payments)? {
            return Ok(None);
        }
    }
    if of(END_PRODUCT).count() > 1 {
        // Stock stranded with a product is in what each part says of its end; it is stranded once.
        let end = of(END_PRODUCT).filter_map(|(unit, _)| unit.exposed.runs_out).min().map_or(0, |day| world.plan.calendar.index(day));
        let (mut lost, mut ended) = (super::Lost::default(), BTreeSet::new());
        for (unit, option) in of(END_PRODUCT) {
            lost.merge(option.lost.clone());
            ended.extend(unit.exposed.users.iter().copied());
            let (mut cost, mut payment) = (Flows::default(), Flows::default());
            let alone = stranded::of_products(world, &unit.exposed.users, &option.lost)?;
            if !strand(alone, end, &mut cost, &mut payment)? {
                return Ok(None);
            }
            costs.merge(&cost.negated()?)?;
            payments.merge(&payment.negated()?)?;
        }
        let ended: Vec<usize> = ended.into_iter().collect();
        if !strand(stranded::of_products(world, &ended, &lost)?, end, &mut costs, &mut payments)? {
            return Ok(None);
        }
    }
    let redesigned = |unit: &Unit| unit.exposed.assemblies.iter().all(|board| boards.contains(board));
    let legs = chosen
        .iter()
        .enumerate()
        .map(|(at, (unit, option))| {
            let leg = LegModel::of(world, at, &unit.exposed, &option.course, option.probability, &model.discount);
            match ready {
                // Bought for life and stranded by a sibling's redesign: needed no longer than until then.
                Some((weeks, month)) if option.bought.is_some() && redesigned(unit) => leg.until(world, weeks, month),
                _ => leg,
            }
        })
        .collect();
    Ok(Some(CourseModel::joint(&costs, &payments, legs, world)))
}

/// Adds what is written down and what it still brings; whether both are known.
fn strand(stranded: Stranded, month: usize, costs: &mut Flows, payments: &mut Flows) -> Result<bool, String> {
    let (Some(written_down), Some(salvage)) = (stranded.written_down, stranded.salvage) else { return Ok(false) };
    costs.add(written_down, When::At(month))?;
    payments.add(negated(salvage)?, When::At(month))?;
    Ok(true)
}
