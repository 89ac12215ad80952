//! The answers side by side: what each costs against the plan before the notice, and what margin is lost all the same.
//!
//! The pieces themselves are in that plan at their price, and contribution is after variable cost. So an order costs what it adds: holding, left-over pieces
//! written down to their salvage, and a difference in price; what must be paid for it at once is shown beside, as cash.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    Exposed, World,
    affected::name,
    buying::{self, Buy},
    exposure::{Loss, Lost, lost_units, unserved},
    reporting::Price,
    requirement::weeks_after,
    survey::{self, AnswerCost},
    why::{self, FigureInput, rounded},
};
use crate::domain::money::Money;

pub const APPROVED_ALTERNATE: &str = "Approved alternate";
pub const LAST_TIME_BUY: &str = "Last-time buy";
pub const REDESIGN: &str = "Redesign the assembly";
pub const DO_NOTHING: &str = "Do nothing";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub name: String,
    /// Whether it can be chosen today.
    pub feasible: bool,
    /// Sum of `lines`; `None` where one of them is unknown.
    pub total_cost: Option<Money>,
    /// Until it is in place; `None` where unknown.
    pub weeks: Option<f64>,
    /// What it means, or why it cannot be chosen, in sentences.
    pub why: String,
    pub margin_lost: Option<Money>,
    /// To be paid at once, beside the profit and loss: it is inventory until used.
    pub cash: Option<Money>,
    pub lines: Vec<CostLine>,
}

/// One line of an answer's cost; `None` is unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostLine {
    pub name: String,
    pub amount: Option<Money>,
    pub from: String,
}

/// The answer while it is put together.
struct Draft {
    answer: Answer,
    lost: Lost,
}

impl Draft {
    fn new(name: &str, cash: Option<Money>) -> Draft {
        let answer = Answer {
            name: name.to_owned(),
            feasible: true,
            total_cost: None,
            weeks: Some(0.0),
            why: String::new(),
            margin_lost: None,
            cash,
            lines: Vec::new(),
        };
        Draft { answer, lost: Lost::default() }
    }

    fn say(&mut self, sentence: &str) {
        if !self.answer.why.is_empty() {
            self.answer.why.push(' ');
        }
        self.answer.why.push_str(sentence);
    }

    fn line(&mut self, name: &str, amount: Option<Money>, from: impl Into<String>) {
        // A cost of nothing is said where it is a result, not where it is a matter of course.
        if amount.is_none_or(|amount| !amount.is_zero()) {
            self.answer.lines.push(CostLine { name: name.to_owned(), amount, from: from.into() });
        }
    }

    fn weeks(&mut self, weeks: Option<f64>) {
        self.answer.weeks = self.answer.weeks.zip(weeks).map(|(left, right)| rounded(left.max(right)));
    }

    fn once(&mut self, world: &World<'_>, what: &str, cost: Result<Price, String>, from: &str) -> Result<(), String> {
        match cost {
            Ok(price) => self.line(what, Some(world.reporting.money(price.amount)?), price.input.from),
            Err(error) => {
                self.line(what, None, from);
                self.say(&format!("Its cost is unknown: {error}."));
            }
        }
        Ok(())
    }

    /// Adds what is lost, sums up and leaves the figure that explains it.
    fn finish(mut self, world: &mut World<'_>) -> Result<(Answer, Loss), String> {
        let loss = world.value(&self.lost)?;
        self.answer.margin_lost = loss.margin;
        self.answer.lines.push(CostLine {
            name: "margin still lost".to_owned(),
            amount: loss.margin,
            from: "contribution of units not served".to_owned(),
        });
        if self.lost.products().iter().any(|product| world.margins.get(product).is_some_and(|margin| !margin.penalty.is_zero())) {
            self.line("penalties", loss.penalties, "penalty_per_unit of products.csv, units not served");
        }
        let mut total = Some(world.reporting.zero());
        for line in &self.answer.lines {
            total = match (total, line.amount) {
                (Some(total), Some(amount)) => Some(total.plus(amount).map_err(|error| error.to_string())?),
                _ => None,
            };
        }
        self.answer.total_cost = total;
        let inputs = self.answer.lines.iter().map(|line| FigureInput::new(&line.name, world.shown(line.amount), &line.from)).collect();
        let name = format!("answer_cost:{}", self.answer.name.to_lowercase().replace([' ', '-'], "_"));
        world.notes.figure(name, world.shown(total), "sum of the lines, against the plan before the notice", inputs);
        Ok((self.answer, loss))
    }
}

/// The four answers, in the order that decides between equal costs, and the loss of doing nothing.
pub(super) fn answers(world: &mut World<'_>, items: &[Exposed], orders: &[Buy]) -> Result<(Vec<Answer>, Loss), String> {
    let alternate = approved_alternate(world, items)?.finish(world)?.0;
    let order = last_time_buy(world, items, orders)?.finish(world)?.0;
    let redesign = redesign(world, items)?.finish(world)?.0;
    let (nothing, loss) = do_nothing(world, items)?.finish(world)?;
    Ok((vec![alternate, order, redesign, nothing], loss))
}

/// The least total cost among the feasible answers whose cost is known; between equals the first.
pub(super) fn best(answers: &[Answer]) -> Option<(&Answer, Money)> {
    answers.iter().filter(|answer| answer.feasible).filter_map(|answer| Some((answer, answer.total_cost?))).min_by_key(|(_, cost)| cost.minor())
}

/// Units lost until a day, or to the horizon, when only the cover serves.
fn lost_until(world: &World<'_>, exposed: &Exposed, day: Option<jiff::civil::Date>) -> Lost {
    let calendar = world.plan.calendar;
    let requirement = day.map_or_else(|| exposed.requirement.clone(), |day| exposed.requirement.before(calendar, day));
    let mut lost = lost_units(&requirement, &unserved(&requirement, &exposed.cover, calendar, &world.margins));
    if day.is_none() || !lost.products().is_empty() {
        lost.unknown.extend(exposed.products_without_demand.iter().copied());
    }
    lost
}

/// Weeks until an alternate delivers, and what taking it into use costs.
fn switch_weeks(world: &World<'_>, exposed: &Exposed) -> (f64, AnswerCost) {
    let cost = survey::cost_of(world.site(), &world.reporting, "approved_alternate", survey::ADMINISTRATIVE_SUBSTITUTE);
    (cost.weeks.max(exposed.lead_time(world).unwrap_or(0.0)), cost)
}

/// The first day that is not served when nobody buys ahead or redesigns: an alternate takes over in time while the ending part can still be ordered.
pub(super) fn first_unserved(world: &World<'_>, exposed: &Exposed) -> Option<jiff::civil::Date> {
    match exposed.affected.alternate {
        None => exposed.runs_out,
        Some(_) if exposed.orderable(world) => None,
        Some(_) => exposed.runs_out.filter(|day| *day < weeks_after(world.input.as_of, switch_weeks(world, exposed).0)),
    }
}

/// Takes each item that an alternate can carry over to it: a price difference for what the cover does not serve, and, where the ending part cannot be ordered
/// any more, what is lost until the alternate is there.
fn switch(world: &World<'_>, items: &[&Exposed], draft: &mut Draft) -> Result<(), String> {
    let mut cost = None;
    for exposed in items.iter().filter(|exposed| exposed.short()) {
        let Some(alternate) = exposed.affected.alternate else { continue };
        let entry = &world.input.factory.data.aml[alternate];
        let (weeks, papers) = switch_weeks(world, exposed);
        draft.weeks(Some(weeks));
        cost.get_or_insert(papers);
        if !exposed.orderable(world) {
            draft.lost.merge(lost_until(world, exposed, Some(weeks_after(world.input.as_of, weeks))));
        }
        let pieces = (exposed.requirement.pieces() - exposed.cover.pieces()).max(0.0);
        let item = world.item(exposed);
        let what = format!("price difference, {item}");
        let theirs = entry.unit_price.map(|price| world.reporting.price(&name(entry), price, entry.currency, &why::at(&entry.at)));
        let known = exposed.products_without_demand.is_empty();
        match (theirs, &exposed.price) {
            (Some(Ok(theirs)), Some(ours)) if known => {
                let difference = theirs.amount.checked_sub(ours.amount).unwrap_or(Decimal::ZERO);
                let from = format!("({} − {}) × {} pieces of {}", theirs.input.value, ours.input.value, why::pieces(pieces), name(entry));
                draft.line(&what, Some(world.reporting.extended(pieces, difference)?), from);
            }
            (theirs, _) => {
                let reason = match theirs {
                    Some(Err(error)) => error,
                    None => format!("{} has no unit_price in {}", name(entry), why::at(&entry.at)),
                    Some(Ok(_)) if !known => format!("what {item} needs is unknown"),
                    Some(Ok(_)) => exposed.no_price(world),
                };
                draft.line(&what, None, reason.clone());
                draft.say(&format!("The price difference is unknown: {reason}."));
            }
        }
    }
    if let Some(papers) = cost {
        draft.once(world, "taking the alternate into use", papers.times(1), &papers.from)?;
    }
    Ok(())
}

fn approved_alternate(world: &World<'_>, items: &[Exposed]) -> Result<Draft, String> {
    let mut draft = Draft::new(APPROVED_ALTERNATE, None);
    let (carried, alone): (Vec<&Exposed>, Vec<&Exposed>) =
        items.iter().filter(|exposed| exposed.short()).partition(|exposed| exposed.affected.alternate.is_some());
    if carried.is_empty() && alone.is_empty() {
        draft.answer.feasible = items.iter().any(|exposed| exposed.affected.alternate.is_some());
        draft.say("Stock and open orders serve everything to the horizon; no alternate has to take over.");
        return Ok(draft);
    }
    for exposed in &alone {
        draft.answer.feasible = false;
        let item = world.item(exposed);
        let reasons = &exposed.affected.no_alternate;
        let reason = if reasons.is_empty() { "no other source is approved".to_owned() } else { why::some_of(reasons) };
        draft.say(&format!("{item} has no active qualified alternate: {reason}."));
        draft.lost.merge(lost_until(world, exposed, None));
    }
    switch(world, &carried, &mut draft)?;
    for exposed in &carried {
        if let Some(alternate) = exposed.affected.alternate {
            let entry = &world.input.factory.data.aml[alternate];
            let sentence = format!("{} takes over {}.", name(entry), world.item(exposed));
            draft.say(&sentence);
        }
    }
    Ok(draft)
}

/// What the orders of several items cost, line by line.
fn order(world: &World<'_>, exposed: &Exposed, buy: &Buy, kind: &str, draft: &mut Draft) -> Result<(), String> {
    let item = world.item(exposed);
    let (price, held) = buy.amounts(world, exposed.price.as_ref())?;
    draft.answer.cash = match (draft.answer.cash, price) {
        (Some(sum), Some(price)) => Some(sum.plus(price).map_err(|error| error.to_string())?),
        _ => None,
    };
    let Some(quantity) = buy.planned() else {
        draft.line(&format!("{kind}, {item}"), None, "the quantity is unknown");
        draft.lost.unknown.extend(exposed.products_without_demand.iter().copied());
        return Ok(());
    };
    let carrying = if world.site().holding_rate.is_some() { "holding" } else { "cost of capital" };
    let from = format!("{} pieces, first used after {:.2} years, used up after {:.2}", why::pieces(quantity), buy.first, buy.last);
    if quantity > 0.0 {
        draft.line(&format!("{carrying}, {item}"), held, from);
    }
    let salvage = world.site().salvage_ratio;
    let written_down = match (buy.leftover, exposed.price.as_ref(), salvage) {
        (Some(left), _, _) if left < 1e-6 => Some(world.reporting.zero()),
        (Some(left), Some(price), Some(ratio)) => {
            let loss = Decimal::ONE.checked_sub(ratio).and_then(|lost| price.amount.checked_mul(lost)).ok_or("a write-down is too large")?;
            Some(world.reporting.extended(left, loss)?)
        }
        _ => None,
    };
    let left = buy.leftover.map_or_else(|| "unknown".to_owned(), why::pieces);
    draft.line(&format!("left over, {item}"), written_down, format!("{left} pieces expected, written down to salvage"));
    if buy.spot > 0.0
        && let (Some(spot), Some(price)) = (world.spot_price(exposed), exposed.price.as_ref())
    {
        let more = spot.checked_sub(price.amount).unwrap_or(Decimal::ZERO);
        draft.line(
            &format!("spot purchases, {item}"),
            Some(world.reporting.extended(buy.spot, more)?),
            format!("{} pieces expected short", why::pieces(buy.spot)),
        );
    }
    draft.lost.merge(buy.lost.clone());
    Ok(())
}

fn last_time_buy(world: &World<'_>, items: &[Exposed], orders: &[Buy]) -> Result<Draft, String> {
    let mut draft = Draft::new(LAST_TIME_BUY, Some(world.reporting.zero()));
    if let Some(own) = world.site().answers.get("last_time_buy").cloned() {
        let from = "site.toml [answers.last_time_buy]";
        let cost = world.reporting.price("last_time_buy", own.cost, own.currency, from);
        draft.once(world, "placing the order", cost, from)?;
    }
    for (exposed, buy) in items.iter().zip(orders) {
        let item = world.item(exposed);
        if !exposed.orderable(world) {
            let date = exposed.affected.last_time_buy.map_or_else(String::new, |date| date.to_string());
            draft.say(&format!("The last-time-buy date of {item} ({date}) has passed."));
            draft.answer.feasible &= !exposed.short();
            draft.lost.merge(lost_until(world, exposed, None));
            continue;
        }
        order(world, exposed, buy, "last-time buy", &mut draft)?;
        match (buy.quantity, buy.deterministic) {
            (Some(quantity), _) if quantity > 0.0 => draft.say(&format!("Buy {} pieces of {item}.", why::pieces(quantity))),
            (Some(_), _) if exposed.short() => {
                draft.say(&format!("A further piece of {item} is worth less than it costs by the end: none is bought."));
            }
            (None, Some(quantity)) => {
                draft.say(&format!("{} pieces of {item} at the forecast, without a margin for its uncertainty.", why::pieces(quantity)));
            }
            (None, None) => draft.say(&format!("How much of {item} to buy is unknown.")),
            _ => {}
        }
        if exposed.short() {
            draft.weeks(exposed.lead_time(world));
        }
    }
    Ok(draft)
}

/// The assemblies around the parts are designed anew, each once; until then a bridge buy serves, where one can still be ordered.
fn redesign(world: &World<'_>, items: &[Exposed]) -> Result<Draft, String> {
    let mut draft = Draft::new(REDESIGN, Some(world.reporting.zero()));
    let cost = survey::cost_of(world.site(), &world.reporting, "redesign_assembly", survey::REDESIGN_NEXT_HIGHER_ASSEMBLY);
    let ready = weeks_after(world.input.as_of, cost.weeks);
    let short: Vec<&Exposed> = items.iter().filter(|exposed| exposed.short()).collect();
    let mut assemblies: Vec<String> = short.iter().flat_map(|exposed| exposed.assemblies.iter().cloned()).collect();
    assemblies.sort();
    assemblies.dedup();
    if short.is_empty() {
        draft.say("Stock and open orders serve everything to the horizon; nothing has to be redesigned.");
        return Ok(draft);
    }
    draft.weeks(Some(cost.weeks));
    let count = assemblies.len().max(1);
    draft.once(world, "redesign", cost.times(count), &cost.from)?;
    draft.say(&format!("Redesign of {}, in place about {ready}.", why::some_of(&assemblies)));
    for exposed in short {
        let item = world.item(exposed);
        if exposed.orderable(world) {
            let bridge = buying::buy(world, exposed, Some(ready))?;
            order(world, exposed, &bridge, "bridge buy", &mut draft)?;
            if let Some(quantity) = bridge.planned().filter(|quantity| *quantity > 0.0) {
                draft.say(&format!("Bridge buy of {} pieces of {item}.", why::pieces(quantity)));
            }
        } else {
            draft.say(&format!("{item} cannot be ordered any more to bridge the time."));
            draft.lost.merge(lost_until(world, exposed, Some(ready)));
        }
    }
    Ok(draft)
}

/// Nobody buys ahead or redesigns. Approved alternates still carry what they can, so this then comes to the same as taking them.
fn do_nothing(world: &World<'_>, items: &[Exposed]) -> Result<Draft, String> {
    let mut draft = Draft::new(DO_NOTHING, None);
    let (carried, alone): (Vec<&Exposed>, Vec<&Exposed>) = items.iter().partition(|exposed| exposed.affected.alternate.is_some());
    for exposed in &alone {
        draft.lost.merge(lost_until(world, exposed, None));
    }
    switch(world, &carried, &mut draft)?;
    draft.answer.weeks = Some(0.0);
    if carried.iter().any(|exposed| exposed.short()) {
        draft.say("The approved alternate carries the demand all the same, so this comes to the same as taking it into use in time.");
    }
    if alone.iter().any(|exposed| exposed.short()) {
        draft.say("Stock and open orders are used up; what they do not serve is lost.");
    } else if carried.iter().all(|exposed| !exposed.short()) {
        draft.say("Stock and open orders serve everything to the horizon.");
    }
    Ok(draft)
}
