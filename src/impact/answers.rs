//! The answers side by side: what each costs against the plan before the notice, and what margin is lost all the same.
//!
//! The pieces themselves are in that plan at their price, and contribution is after variable cost. So an order costs what it adds: holding, left-over pieces
//! written down to their salvage, and a difference in price; what must be paid for it at once is shown beside, as cash.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    Exposed, World,
    affected::name,
    allocation, bridged,
    buying::Buy,
    course::Takeover,
    draft::{Draft, Finished},
    exposure::{Lost, lost_units, unserved},
    ledger::{Class, Order},
    reporting::float,
    requirement::{weeks_after, weeks_before},
    simulation::AnswerRisk,
    stranded,
    survey::{self, AnswerCost},
    timing::{When, YearProfit},
    why,
};
use crate::domain::money::Money;

pub const APPROVED_ALTERNATE: &str = "Approved alternate";
pub const LAST_TIME_BUY: &str = "Last-time buy";
pub const SIMPLE_SUBSTITUTE: &str = "Simple substitute";
pub const COMPLEX_SUBSTITUTE: &str = "Complex substitute";
pub const AFTERMARKET: &str = "Aftermarket maker";
pub const EXTENSION: &str = "Extension of production";
pub const SPOT: &str = "Spot market";
pub const REDESIGN: &str = "Redesign the assembly";
pub const REDESIGN_SYSTEM: &str = "Redesign the system";
pub const END_PRODUCT: &str = "End the product";
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
    /// Of success, 0 to 1, where the site gives it; `None` is unknown.
    #[serde(default)]
    pub probability: Option<f64>,
    #[serde(default)]
    pub probability_from: String,
    /// The last day on which it can still be chosen; `None`: there is none, or it is unknown, as `last_day_from` says.
    #[serde(default)]
    pub last_day: Option<Date>,
    #[serde(default)]
    pub last_day_from: String,
    /// `total_cost` with its sign turned, by fiscal year; years without an effect are left out. `None` where a line is unknown.
    #[serde(default)]
    pub profit_by_year: Option<Vec<YearProfit>>,
    /// Present value of all payments beyond the plan, negative is a loss; `None` where a line or the discount rate is unknown.
    #[serde(default)]
    pub npv: Option<Money>,
    /// The most that is paid out beyond the plan at the end of any month.
    #[serde(default)]
    pub peak_cash: Option<Money>,
    /// By simulation; `None` where it was left out or a line is unknown.
    #[serde(default)]
    pub risk: Option<AnswerRisk>,
}

/// One line of an answer's cost; `None` is unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostLine {
    pub name: String,
    pub amount: Option<Money>,
    pub from: String,
}

/// The answers, in the order that decides between equal costs; doing nothing is the last.
pub(super) fn answers(world: &mut World<'_>, items: &[Exposed], orders: &[Buy]) -> Result<Vec<Finished>, String> {
    let mut all = vec![approved_alternate(world, items)?.finish(world)?, last_time_buy(world, items, orders)?.finish(world)?];
    for project in bridged::PROJECTS {
        all.push(bridged::draft(world, items, project)?.finish(world)?);
    }
    all.push(spot(world, items)?.finish(world)?);
    all.push(end_product(world, items)?.finish(world)?);
    all.push(do_nothing(world, items)?.finish(world)?);
    Ok(all)
}

/// Units lost until a day, or to the horizon, when only the cover serves.
pub(super) fn lost_until(world: &World<'_>, exposed: &Exposed, day: Option<Date>) -> Lost {
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
    let cost = survey::cost_of(world.site(), &world.reporting, "approved_alternate", Some(survey::ADMINISTRATIVE_SUBSTITUTE));
    (cost.weeks.unwrap_or(0.0).max(exposed.lead_time(world).unwrap_or(0.0)), cost)
}

/// The first day that is not served when nobody buys ahead or redesigns: an alternate takes over in time while the ending part can still be ordered.
pub(super) fn first_unserved(world: &World<'_>, exposed: &Exposed) -> Option<Date> {
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
        let runs_out = exposed.runs_out;
        let from = format!("the day {} runs out, less the {} weeks until the alternate delivers", world.item(exposed), why::pieces(weeks));
        draft.last_day(runs_out.map(|day| weeks_before(day, weeks)), from);
        let when = exposed.after_run_out(world);
        let pieces = (exposed.requirement.pieces() - exposed.cover.pieces()).max(0.0);
        let item = world.item(exposed);
        let what = format!("price difference, {item}");
        let leg = draft.course.leg(exposed.affected.item);
        leg.takeover = if exposed.orderable(world) { Takeover::InTime } else { Takeover::After(weeks) };
        let theirs = entry.unit_price.map(|price| world.reporting.price(&name(entry), price, entry.currency, &why::at(&entry.at)));
        let known = exposed.products_without_demand.is_empty();
        match (theirs, &exposed.price) {
            (Some(Ok(theirs)), Some(ours)) if known => {
                let difference = theirs.amount.checked_sub(ours.amount).unwrap_or(Decimal::ZERO);
                (leg.difference, leg.difference_when) = (float(difference), when);
                let from = format!("({} − {}) × {} pieces of {}", theirs.input.value, ours.input.value, why::pieces(pieces), name(entry));
                draft.line(Class::PriceVariance, &what, Some(world.reporting.extended(pieces, difference)?), from, when)?;
            }
            (theirs, _) => {
                let reason = match theirs {
                    Some(Err(error)) => error,
                    None => format!("{} has no unit_price in {}", name(entry), why::at(&entry.at)),
                    Some(Ok(_)) if !known => format!("what {item} needs is unknown"),
                    Some(Ok(_)) => exposed.no_price(world),
                };
                draft.line(Class::PriceVariance, &what, None, reason.clone(), when)?;
                draft.say(&format!("The price difference is unknown: {reason}."));
            }
        }
    }
    if let Some(papers) = cost {
        draft.once(world, "taking the alternate into use", papers.times(1), &papers.from, When::At(0))?;
    }
    Ok(())
}

fn approved_alternate(world: &World<'_>, items: &[Exposed]) -> Result<Draft, String> {
    let mut draft = Draft::new(world, APPROVED_ALTERNATE, "approved_alternate", None);
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

/// What the order of one item costs, line by line. The order is paid at once and saves what the plan would have bought later; what is left over brings its
/// salvage at the end.
pub(super) fn order(world: &World<'_>, exposed: &Exposed, buy: &Buy, kind: &str, draft: &mut Draft) -> Result<(), String> {
    let item = world.item(exposed);
    let (price, held) = buy.amounts(world, exposed.price.as_ref())?;
    draft.answer.cash = match (draft.answer.cash, price) {
        (Some(sum), Some(price)) => Some(sum.plus(price).map_err(|error| error.to_string())?),
        _ => None,
    };
    let (first, last) = buy.months;
    let Some(quantity) = buy.planned() else {
        draft.line(Class::WriteDown, &format!("{kind}, {item}"), None, "the quantity is unknown", When::At(0))?;
        draft.lost.unknown.extend(exposed.products_without_demand.iter().copied());
        return Ok(());
    };
    let carrying = if world.site().holding_rate.is_some() { "holding" } else { "cost of capital" };
    let from = format!("{} pieces, first used after {:.2} years, used up after {:.2}", why::pieces(quantity), buy.first, buy.last);
    if quantity > 0.0 {
        draft.book(Class::Carrying, &format!("{carrying}, {item}"), held, from, When::Over(0, last))?;
        draft.pay_carrying(world, held, When::Over(0, last))?;
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
    draft.book(
        Class::WriteDown,
        &format!("left over, {item}"),
        written_down,
        format!("{left} pieces expected, written down to salvage"),
        When::At(last),
    )?;
    let left_at_cost = match (buy.leftover, exposed.price.as_ref()) {
        (Some(left), Some(price)) => Some(world.reporting.extended(left, price.amount)?),
        _ => None,
    };
    let leg = draft.course.leg(exposed.affected.item);
    (leg.order, leg.order_last, leg.spot) = (quantity, last, true);
    if let (Some(price), Some(left_at_cost), Some(written_down)) = (price, left_at_cost, written_down)
        && quantity > 0.0
    {
        let received = exposed.lead_time(world).map_or(0, |weeks| world.plan.calendar.index(weeks_after(world.input.as_of, weeks)));
        let (excess_at_cost, excess_at_salvage) = buy.excess_amounts(world, exposed.price.as_ref())?;
        draft.books.order(Order { price, left_at_cost, written_down, excess_at_cost, excess_at_salvage, received, first, last });
    }
    let less = |left: Option<Money>, right: Option<Money>| left.zip(right).and_then(|(left, right)| left.minus(right).ok());
    draft.pay(price, When::At(0))?;
    draft.pay(less(left_at_cost, price), When::Over(first, last))?;
    draft.pay(less(written_down, left_at_cost), When::At(last))?;
    if buy.spot > 0.0
        && let (Some(spot), Some(price)) = (world.spot_price(exposed), exposed.price.as_ref())
    {
        let more = spot.checked_sub(price.amount).unwrap_or(Decimal::ZERO);
        let from = format!("{} pieces expected short", why::pieces(buy.spot));
        let amount = world.reporting.extended(buy.spot, more)?;
        draft.line(Class::PriceVariance, &format!("spot purchases, {item}"), Some(amount), from, When::At(last))?;
    }
    draft.lost.merge(buy.lost.clone());
    Ok(())
}

fn last_time_buy(world: &World<'_>, items: &[Exposed], orders: &[Buy]) -> Result<Draft, String> {
    let mut draft = Draft::new(world, LAST_TIME_BUY, "last_time_buy", Some(world.reporting.zero()));
    draft.course.order_fails = true;
    if let Some(own) = world.site().answers.get("last_time_buy").cloned() {
        let from = "site.toml [answers.last_time_buy]";
        let cost = world.reporting.price("last_time_buy", own.cost, own.currency, from);
        draft.once(world, "placing the order", cost, from, When::At(0))?;
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
    for exposed in items.iter().filter(|exposed| exposed.short()) {
        let (day, item) = (exposed.affected.last_time_buy, world.item(exposed));
        draft.last_day(day, day.map_or_else(|| format!("unknown: no last-time-buy date of {item}"), |_| format!("last-time-buy date of {item}")));
    }
    Ok(draft)
}

/// What the cover does not serve is bought on the open market as it is needed.
fn spot(world: &World<'_>, items: &[Exposed]) -> Result<Draft, String> {
    let mut draft = Draft::new(world, SPOT, "spot", None);
    draft.answer.last_day_from = "none: as long as somebody offers the part".to_owned();
    let short: Vec<&Exposed> = items.iter().filter(|exposed| exposed.short()).collect();
    if short.is_empty() {
        draft.say("Stock and open orders serve everything to the horizon; nothing has to be bought.");
        return Ok(draft);
    }
    for exposed in &short {
        let item = world.item(exposed);
        let pieces = (exposed.requirement.pieces() - exposed.cover.pieces()).max(0.0);
        let what = format!("spot premium, {item}");
        match (world.spot_price(exposed), &exposed.price) {
            (Some(spot), Some(price)) if exposed.products_without_demand.is_empty() => {
                let more = spot.checked_sub(price.amount).ok_or("a spot price is too large")?;
                let factor = world.site().spot_price_factor.unwrap_or_default();
                let from = format!("{} pieces × {} × (site.toml spot_price_factor {factor} − 1)", why::pieces(pieces), price.input.value);
                let leg = draft.course.leg(exposed.affected.item);
                (leg.takeover, leg.difference, leg.difference_when) = (Takeover::InTime, float(more), exposed.after_run_out(world));
                draft.line(Class::PriceVariance, &what, Some(world.reporting.extended(pieces, more)?), from, exposed.after_run_out(world))?;
            }
            (None, Some(_)) => {
                draft.answer.feasible = false;
                draft.line(Class::PriceVariance, &what, None, "site.toml has no spot_price_factor", When::At(0))?;
            }
            (_, None) => draft.line(Class::PriceVariance, &what, None, exposed.no_price(world), When::At(0))?,
            _ => draft.line(Class::PriceVariance, &what, None, format!("what {item} needs is unknown"), When::At(0))?,
        }
    }
    let tests = survey::cost_of(world.site(), &world.reporting, "spot", None);
    draft.once(world, "tests for counterfeits", tests.times(short.len()), &tests.from, When::At(0))?;
    draft.weeks(tests.weeks);
    let sentence = if draft.answer.feasible {
        "What is missing is bought on the open market when it is needed; whether it is offered, and genuine, is not certain."
    } else {
        "This site does not reckon with a spot market: site.toml has no spot_price_factor."
    };
    draft.say(sentence);
    Ok(draft)
}

/// The products stop when the part runs out: what doing nothing loses, and what of their other parts is then of no use.
fn end_product(world: &World<'_>, items: &[Exposed]) -> Result<Draft, String> {
    let mut draft = Draft::new(world, END_PRODUCT, "end_product", None);
    draft.answer.last_day_from = "none: a product can be ended on any day".to_owned();
    let short: Vec<&Exposed> = items.iter().filter(|exposed| exposed.short()).collect();
    let mut ended: Vec<usize> = short.iter().flat_map(|exposed| exposed.users.iter().copied()).collect();
    ended.sort_unstable();
    ended.dedup();
    if ended.is_empty() {
        draft.say("Stock and open orders serve everything to the horizon; no product has to end.");
        return Ok(draft);
    }
    let (lost, doubt) = allocation::lost_together(world, &short);
    draft.lost.merge(lost);
    if let Some(doubt) = doubt {
        draft.say(doubt);
    }
    let end = short.iter().filter_map(|exposed| exposed.runs_out).min().map_or(0, |day| world.plan.calendar.index(day));
    let stranded = stranded::of_products(world, &ended, &draft.lost)?;
    draft.strand(stranded, "stock stranded with it", end)?;
    if let Some(own) = world.site().answers.get("end_product") {
        let from = "site.toml [answers.end_product]";
        draft.once(world, "ending it", world.reporting.price("end_product", own.cost, own.currency, from), from, When::At(end))?;
    }
    draft.say(&format!("{} is built while the parts last and then ends.", why::some_of(&world.skus(&ended))));
    Ok(draft)
}

/// Nobody buys ahead or redesigns. Approved alternates still carry what they can, so this then comes to the same as taking them.
fn do_nothing(world: &World<'_>, items: &[Exposed]) -> Result<Draft, String> {
    let mut draft = Draft::new(world, DO_NOTHING, "do_nothing", None);
    let (carried, alone): (Vec<&Exposed>, Vec<&Exposed>) = items.iter().partition(|exposed| exposed.affected.alternate.is_some());
    let (lost, doubt) = allocation::lost_together(world, &alone);
    draft.lost.merge(lost);
    switch(world, &carried, &mut draft)?;
    draft.answer.weeks = Some(0.0);
    (draft.answer.last_day, draft.answer.last_day_from) = (None, "none: nothing has to be done for it".to_owned());
    if carried.iter().any(|exposed| exposed.short()) {
        draft.say("The approved alternate carries the demand all the same, so this comes to the same as taking it into use in time.");
    }
    if alone.iter().any(|exposed| exposed.short()) {
        draft.say("Stock and open orders are used up; what they do not serve is lost.");
    } else if carried.iter().all(|exposed| !exposed.short()) {
        draft.say("Stock and open orders serve everything to the horizon.");
    }
    if let Some(doubt) = doubt {
        draft.say(doubt);
    }
    Ok(draft)
}
