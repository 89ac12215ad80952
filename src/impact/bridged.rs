//! Answers that take a project: until it is in place a bridge buy serves, where one can still be ordered.

use super::{
    Exposed, World,
    affected::{name, waits_for_qualification},
    answers::{AFTERMARKET, COMPLEX_SUBSTITUTE, EXTENSION, REDESIGN, REDESIGN_SYSTEM, SIMPLE_SUBSTITUTE, lost_until, order},
    buying,
    course::Takeover,
    draft::Draft,
    ledger::Class,
    reporting::float,
    requirement::{weeks_after, weeks_before},
    stranded,
    survey::{self, AnswerCost, Row},
    timing::When,
    why,
};
use crate::domain::case::NamedReplacement;

/// What the project is done once for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Item,
    Assembly,
    Product,
}

/// What must be known before the project can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// A part that might take over: named by the notice, or in the approved list and not qualified.
    Candidate,
    /// Somebody's offer, entered in `site.toml`.
    Offer,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Project {
    name: &'static str,
    /// In `site.toml`, under `answers`.
    pub key: &'static str,
    pub row: Option<Row>,
    per: Per,
    needs: Needs,
    /// Name of its cost line, and the start of the sentence about it.
    work: &'static str,
}

impl Project {
    /// Whether its pieces have a price of their own.
    pub fn priced(&self) -> bool {
        self.per == Per::Item
    }
}

pub(super) const PROJECTS: [Project; 6] = [
    Project {
        name: SIMPLE_SUBSTITUTE,
        key: "simple_substitute",
        row: Some(survey::NORMAL_SUBSTITUTE),
        per: Per::Item,
        needs: Needs::Candidate,
        work: "qualification",
    },
    Project {
        name: COMPLEX_SUBSTITUTE,
        key: "complex_substitute",
        row: Some(survey::COMPLEX_SUBSTITUTE),
        per: Per::Item,
        needs: Needs::Nothing,
        work: "qualification",
    },
    Project { name: AFTERMARKET, key: "aftermarket", row: Some(survey::AFTERMARKET), per: Per::Item, needs: Needs::Offer, work: "start of making" },
    Project { name: EXTENSION, key: "extension_of_production", row: None, per: Per::Item, needs: Needs::Offer, work: "extension" },
    Project {
        name: REDESIGN,
        key: "redesign_assembly",
        row: Some(survey::REDESIGN_NEXT_HIGHER_ASSEMBLY),
        per: Per::Assembly,
        needs: Needs::Nothing,
        work: "redesign",
    },
    Project { name: REDESIGN_SYSTEM, key: "redesign_system", row: None, per: Per::Product, needs: Needs::Nothing, work: "redesign" },
];

pub(super) fn draft(world: &World<'_>, items: &[Exposed], project: Project) -> Result<Draft, String> {
    let mut draft = Draft::new(world, project.name, project.key, Some(world.reporting.zero()));
    let cost = survey::cost_of(world.site(), &world.reporting, project.key, project.row);
    let short: Vec<&Exposed> = items.iter().filter(|exposed| exposed.short()).collect();
    if short.is_empty() {
        draft.say(match project.per {
            Per::Item => "Stock and open orders serve everything to the horizon; no other part is needed.",
            Per::Assembly | Per::Product => "Stock and open orders serve everything to the horizon; nothing has to be redesigned.",
        });
        return Ok(draft);
    }
    require(world, &short, project, &mut draft);
    let subjects = subjects(world, &short, project.per);
    draft.weeks(cost.weeks);
    let months = cost.weeks.map_or(0, |weeks| world.plan.calendar.index(weeks_after(world.input.as_of, weeks)));
    draft.once(world, project.work, cost.times(subjects.len().max(1)), &cost.from, When::Over(0, months))?;
    let mut work = project.work.to_owned();
    work.get_mut(..1).map(str::make_ascii_uppercase);
    let place = match cost.weeks {
        Some(weeks) => format!("in place about {}", weeks_after(world.input.as_of, weeks)),
        None => "in place after an unknown time, so what must bridge it is unknown".to_owned(),
    };
    draft.say(&format!("{work} of {}, {place}.", why::some_of(&subjects)));
    if project.per != Per::Item
        && let Some(weeks) = cost.weeks
    {
        let ending: Vec<usize> = items.iter().map(|exposed| exposed.affected.item).collect();
        let stranded = stranded::of_redesign(world, &subjects, weeks_after(world.input.as_of, weeks), &ending)?;
        draft.strand(stranded, "stock stranded by it", months)?;
    }
    for exposed in short {
        bridge(world, exposed, &cost, &mut draft)?;
        if project.per == Per::Item {
            price_difference(world, exposed, &cost, &mut draft)?;
        }
    }
    Ok(draft)
}

fn require(world: &World<'_>, short: &[&Exposed], project: Project, draft: &mut Draft) {
    match project.needs {
        Needs::Nothing => {}
        Needs::Offer if world.site().answers.contains_key(project.key) => {}
        Needs::Offer => {
            draft.answer.feasible = false;
            draft.say(&format!("Nobody has offered it: enter [answers.{}] in site.toml once somebody does.", project.key));
        }
        Needs::Candidate => {
            for exposed in short {
                let found = candidates(world, exposed);
                let item = world.item(exposed);
                if found.is_empty() {
                    draft.answer.feasible = false;
                    draft.say(&format!(
                        "No candidate for {item} is known: the notice names no replacement, and aml.csv lists no source that waits for qualification."
                    ));
                } else {
                    draft.say(&format!("To be qualified for {item}: {}.", why::some_of(&found)));
                }
            }
        }
    }
}

/// Parts that might take over an item, none of them qualified yet.
fn candidates(world: &World<'_>, exposed: &Exposed) -> Vec<String> {
    let (factory, case) = (world.input.factory, world.input.case);
    let ours = &exposed.affected;
    let named = ours.parts.iter().filter_map(|part| match &case.parts.get(*part)?.replacement {
        NamedReplacement::Named(names) => Some(names.clone()),
        NamedReplacement::Unsaid | NamedReplacement::None => None,
    });
    let mut found: Vec<String> = named.flatten().collect();
    let listed = factory.sources(ours.item).into_iter().filter(|source| !ours.sources.contains(source));
    found.extend(listed.filter(|source| waits_for_qualification(world.input, *source)).map(|source| name(&factory.data.aml[source])));
    found.dedup();
    found
}

fn subjects(world: &World<'_>, short: &[&Exposed], per: Per) -> Vec<String> {
    let mut subjects: Vec<String> = match per {
        Per::Item => short.iter().map(|exposed| world.item(exposed).to_owned()).collect(),
        Per::Assembly => short.iter().flat_map(|exposed| exposed.assemblies.iter().cloned()).collect(),
        Per::Product => short.iter().flat_map(|exposed| world.skus(&exposed.users)).collect(),
    };
    subjects.sort();
    subjects.dedup();
    subjects
}

/// What serves one item until the project is in place, and the last day on which that works out.
fn bridge(world: &World<'_>, exposed: &Exposed, cost: &AnswerCost, draft: &mut Draft) -> Result<(), String> {
    let item = world.item(exposed);
    let Some(weeks) = cost.weeks else {
        draft.line(Class::WriteDown, &format!("bridge buy, {item}"), None, "how long it must last is unknown", When::At(0))?;
        draft.answer.cash = None;
        draft.lost.unknown.extend(exposed.users.iter().copied());
        return Ok(());
    };
    let ready = weeks_after(world.input.as_of, weeks);
    draft.course.leg(exposed.affected.item).takeover = Takeover::After(weeks);
    if exposed.orderable(world) {
        let bridge = buying::buy(world, exposed, Some(ready))?;
        order(world, exposed, &bridge, "bridge buy", draft)?;
        if let Some(quantity) = bridge.planned().filter(|quantity| *quantity > 0.0) {
            draft.say(&format!("Bridge buy of {} pieces of {item}.", why::pieces(quantity)));
        }
    } else {
        draft.say(&format!("{item} cannot be ordered any more to bridge the time."));
        draft.lost.merge(lost_until(world, exposed, Some(ready)));
    }
    // Without a bridge buy it must be in place when the cover ends; with one it must be ordered in time.
    let from_stock = exposed.runs_out.map(|day| weeks_before(day, weeks));
    match (exposed.affected.last_time_buy, from_stock) {
        (Some(order), Some(stock)) if stock > order => {
            draft.last_day(Some(stock), format!("the day {item} runs out, less {} weeks", why::pieces(weeks)));
        }
        (Some(order), _) => draft.last_day(Some(order), format!("last-time-buy date of {item}, for the bridge buy")),
        (None, _) => draft.last_day(None, format!("unknown: no last-time-buy date of {item}, for the bridge buy")),
    }
    Ok(())
}

/// What the pieces of a substitute cost more than those they replace, from the day it is in place.
fn price_difference(world: &World<'_>, exposed: &Exposed, cost: &AnswerCost, draft: &mut Draft) -> Result<(), String> {
    let (Some(weeks), Some(price)) = (cost.weeks, &exposed.price) else { return Ok(()) };
    let (calendar, item) = (world.plan.calendar, world.item(exposed));
    let ready = weeks_after(world.input.as_of, weeks);
    let before = exposed.requirement.before(calendar, ready).pieces();
    let pieces = (exposed.requirement.pieces() - before.max(exposed.cover.pieces())).max(0.0);
    let last = exposed.requirement.last_day(calendar).map_or(0, |day| calendar.index(day));
    let first = calendar.index(ready).max(exposed.runs_out.map_or(0, |day| calendar.index(day)));
    let what = format!("price difference, {item}");
    let Some(factor) = cost.price_factor else {
        if pieces > 0.0 {
            draft.say("What its pieces cost is unknown: site.toml gives no price_factor for it.");
            draft.line(Class::PriceVariance, &what, None, format!("{} pieces at an unknown price", why::pieces(pieces)), When::Over(first, last))?;
        }
        return Ok(());
    };
    let more = factor.checked_sub(rust_decimal::Decimal::ONE).and_then(|more| more.checked_mul(price.amount)).ok_or("a price is too large")?;
    let from = format!("{} pieces × {} × ({} price_factor {factor} − 1)", why::pieces(pieces), price.input.value, cost.from);
    let amount = Some(world.reporting.extended(pieces, more)?).filter(|_| exposed.products_without_demand.is_empty());
    let leg = draft.course.leg(exposed.affected.item);
    (leg.difference, leg.difference_when) = (float(more), When::Over(first, last));
    draft.line(Class::PriceVariance, &what, amount, from, When::Over(first, last))
}
