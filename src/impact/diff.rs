//! What changed from one assessment of a case to another: on what they stand, in parts, dates, money, what the simulation says of it, and the answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answer, Assessment, PartStatement, Spread, why::pieces};
use crate::domain::{money::Money, part::normal_mpn};

/// What a change is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// What the assessments stand on: dataset, day, formulas. Why figures differ.
    Basis,
    Parts,
    Dates,
    Money,
    Answer,
    /// How amounts spread over the trials, and how likely the line stands.
    Risk,
}

impl Subject {
    pub fn as_str(self) -> &'static str {
        match self {
            Subject::Basis => "basis",
            Subject::Parts => "parts",
            Subject::Dates => "dates",
            Subject::Money => "money",
            Subject::Answer => "answer",
            Subject::Risk => "risk",
        }
    }
}

/// One difference. `None` is what the assessment does not know or does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub subject: Subject,
    /// Which part, date or figure: `last-time buy of LM317T`, `margin at risk`.
    pub what: String,
    pub before: Option<String>,
    pub after: Option<String>,
    /// After minus before, where both are known and of one currency.
    pub difference: Option<Money>,
}

/// Every difference, those of one subject together; empty: the two say the same.
pub fn diff(before: &Assessment, after: &Assessment) -> Vec<Change> {
    let mut changes = Changes::default();
    changes.add(Subject::Basis, "dataset", Some(before.dataset), Some(after.dataset));
    changes.add(Subject::Basis, "as of", Some(before.as_of), Some(after.as_of));
    changes.add(Subject::Basis, "formula version", Some(before.formula_version), Some(after.formula_version));
    changes.add(Subject::Basis, "currency", Some(before.currency), Some(after.currency));
    changes.add(Subject::Basis, "kind of notice", Some(before.kind.as_str()), Some(after.kind.as_str()));
    parts(before, after, &mut changes);
    changes.add(Subject::Dates, "runs out", before.headline.runs_out, after.headline.runs_out);
    both(
        &before.items,
        &after.items,
        |item| item.item.clone(),
        |name, before, after| {
            changes.add(
                Subject::Dates,
                &format!("item {name} runs out"),
                before.and_then(|item| item.runs_out),
                after.and_then(|item| item.runs_out),
            );
        },
    );
    money(before, after, &mut changes);
    risk(before, after, &mut changes);
    answer(before, after, &mut changes);
    let mut changes = changes.0;
    changes.sort_by_key(|change| change.subject);
    changes
}

fn parts(before: &Assessment, after: &Assessment, changes: &mut Changes) {
    let items = |part: &PartStatement| if part.items.is_empty() { "unknown".to_owned() } else { part.items.join(", ") };
    both(
        &before.parts,
        &after.parts,
        |part| normal_mpn(&part.mpn),
        |_, before, after| {
            let Some(mpn) = after.or(before).map(|part| part.mpn.as_str()) else { return };
            match (before, after) {
                (Some(before), Some(after)) => changes.add(Subject::Parts, &format!("items of {mpn}"), Some(items(before)), Some(items(after))),
                _ => changes.add(Subject::Parts, mpn, before.map(|_| "affected"), after.map(|_| "affected")),
            }
            let (buy, ship) = (|part: &PartStatement| part.last_time_buy, |part: &PartStatement| part.last_time_ship);
            changes.add(Subject::Dates, &format!("last-time buy of {mpn}"), before.and_then(buy), after.and_then(buy));
            changes.add(Subject::Dates, &format!("last-time ship of {mpn}"), before.and_then(ship), after.and_then(ship));
        },
    );
}

fn money(before: &Assessment, after: &Assessment, changes: &mut Changes) {
    changes.money("margin at risk", before.headline.margin_at_risk, after.headline.margin_at_risk);
    changes.money("cost of the best answer", before.headline.best_cost, after.headline.best_cost);
    changes.money("financial risk", before.financial_risk.amount, after.financial_risk.amount);
    both(
        &before.products,
        &after.products,
        |product| product.sku.clone(),
        |sku, before, after| {
            changes.money(
                &format!("margin lost on {sku}"),
                before.and_then(|product| product.margin_lost),
                after.and_then(|product| product.margin_lost),
            );
            changes.money(&format!("penalties on {sku}"), before.and_then(|product| product.penalties), after.and_then(|product| product.penalties));
        },
    );
    both(
        &before.items,
        &after.items,
        |item| item.item.clone(),
        |name, before, after| {
            let what = format!("last-time buy of item {name}");
            changes.money(&what, before.and_then(|item| item.last_time_buy.cost), after.and_then(|item| item.last_time_buy.cost));
        },
    );
    both(
        &before.answers,
        &after.answers,
        |answer| answer.name.clone(),
        |name, before, after| {
            changes.money(&format!("cost of: {name}"), before.and_then(|answer| answer.total_cost), after.and_then(|answer| answer.total_cost));
            changes.money(&format!("npv at the forecast of: {name}"), before.and_then(|answer| answer.npv), after.and_then(|answer| answer.npv));
            changes.money(&format!("peak cash of: {name}"), before.and_then(|answer| answer.peak_cash), after.and_then(|answer| answer.peak_cash));
        },
    );
    let (apart, together) = (before.joint.as_ref(), after.joint.as_ref());
    changes.money("parts decided one by one", apart.map(|joint| joint.cost_apart), together.map(|joint| joint.cost_apart));
    changes.money("parts decided together", apart.map(|joint| joint.cost_together), together.map(|joint| joint.cost_together));
}

/// What the simulations say; an assessment without one knows nothing of it.
fn risk(before: &Assessment, after: &Assessment, changes: &mut Changes) {
    let (old, new) = (before.simulation.as_ref(), after.simulation.as_ref());
    changes.add(Subject::Risk, "trials", old.map(|of| of.trials), new.map(|of| of.trials));
    let (apart, together) = (before.joint.as_ref(), after.joint.as_ref());
    for (what, is_joint) in [("parts decided one by one", false), ("parts decided together", true)] {
        let npv = |joint: Option<&super::Joint>| {
            let risk = joint.and_then(|joint| if is_joint { joint.risk_together.as_ref() } else { joint.risk_apart.as_ref() });
            risk.map(|risk| risk.npv.clone())
        };
        changes.spread(&format!("npv of {what}"), npv(apart).as_ref(), npv(together).as_ref());
    }
    changes.spread("loss when nothing is done", old.map(|of| &of.loss), new.map(|of| &of.loss));
    both(
        &before.answers,
        &after.answers,
        |answer| answer.name.clone(),
        |name, before, after| {
            let (old, new) = (before.and_then(|answer| answer.risk.as_ref()), after.and_then(|answer| answer.risk.as_ref()));
            changes.spread(&format!("npv of: {name}"), old.map(|risk| &risk.npv), new.map(|risk| &risk.npv));
            changes.spread(&format!("simulated cost of: {name}"), old.map(|risk| &risk.cost), new.map(|risk| &risk.cost));
            let share = |risk: &super::AnswerRisk| format!("{} %", pieces(100.0 * risk.line_down_probability));
            changes.add(Subject::Risk, &format!("probability that the line stands under: {name}"), old.map(share), new.map(share));
            let weeks = |risk: &super::AnswerRisk| pieces(risk.line_down_weeks);
            changes.add(Subject::Risk, &format!("weeks the line stands under: {name}"), old.map(weeks), new.map(weeks));
            let cost = |risk: &super::AnswerRisk| risk.line_down_cost;
            changes.amount(Subject::Risk, &format!("cost of a standing line under: {name}"), old.and_then(cost), new.and_then(cost));
            let limit = |risk: &super::AnswerRisk| Some(if risk.within_limit? { "kept" } else { "exceeded" });
            changes.add(Subject::Risk, &format!("risk limit under: {name}"), old.and_then(limit), new.and_then(limit));
        },
    );
}

fn answer(before: &Assessment, after: &Assessment, changes: &mut Changes) {
    both(
        &before.answers,
        &after.answers,
        |answer| answer.name.clone(),
        |name, before, after| {
            changes.add(Subject::Dates, &format!("last day of: {name}"), before.map(last_day), after.map(last_day));
            let can = |answer: &Answer| if answer.feasible { "can be chosen" } else { "cannot be chosen" };
            changes.add(Subject::Answer, name, before.map(can), after.map(can));
        },
    );
    let (old, new) = (&before.headline.best_answer, &after.headline.best_answer);
    changes.add(Subject::Answer, "best answer", old.as_ref(), new.as_ref());
    if old != new {
        changes.add(Subject::Answer, "why it is the best", before.choice.as_ref(), after.choice.as_ref());
        if let Some(old) = old {
            changes.add(Subject::Answer, "why it is another", None, Some(why_another(old, before, after)));
        }
    }
    for (one, other) in before.joint.iter().flat_map(|joint| &joint.parts).filter_map(|part| {
        let same = after.joint.as_ref()?.parts.iter().find(|other| (other.case, &other.item) == (part.case, &part.item))?;
        Some((part, same))
    }) {
        changes.add(Subject::Answer, &format!("together, {} of {}", one.item, one.case), Some(&one.together), Some(&other.together));
    }
}

fn last_day(answer: &Answer) -> String {
    answer.last_day.map_or_else(|| if answer.last_day_from.starts_with("none") { "none" } else { "unknown" }.to_owned(), |day| day.to_string())
}

/// What became of the answer that was the best: it cannot be chosen, its cost is unknown, its tail is too long, or another gains more.
fn why_another(best: &str, before: &Assessment, after: &Assessment) -> String {
    let of = |assessment: &Assessment, name: &str| assessment.answers.iter().find(|answer| answer.name == name).cloned();
    let Some(now) = of(after, best) else { return format!("{best} is no longer among the answers.") };
    if !now.feasible {
        return format!("{best} can no longer be chosen: {}", now.why);
    }
    if now.total_cost.is_none() {
        let unknown: Vec<&str> = now.lines.iter().filter(|line| line.amount.is_none()).map(|line| line.name.as_str()).collect();
        return format!("What {best} costs is no longer known: {}.", unknown.join(", "));
    }
    let exceeds = |answer: &Answer| answer.risk.as_ref().and_then(|risk| risk.within_limit) == Some(false);
    if exceeds(&now) && !of(before, best).is_some_and(|before| exceeds(&before)) {
        let tail = now.risk.map_or_else(String::new, |risk| format!(", its CVaR is {}", risk.npv.cvar.grouped()));
        return format!("{best} no longer keeps the risk limit{tail}.");
    }
    let Some(new) = &after.headline.best_answer else { return format!("No answer is the best any more, {best} neither.") };
    // The measure by which the newer assessment chose, and the older one's by the same.
    let simulated = now.risk.is_some() && of(after, new).is_some_and(|answer| answer.risk.is_some());
    let gain = |answer: &Answer| match (&answer.risk, simulated) {
        (Some(risk), true) => Some(risk.npv.mean),
        (_, true) => None,
        (_, false) => answer.npv.or_else(|| answer.total_cost.and_then(|cost| Money::zero(cost.currency()).minus(cost).ok())),
    };
    let moved = |name: &str| {
        let shown = |assessment: &Assessment| of(assessment, name).as_ref().and_then(gain).map_or_else(|| "unknown".to_owned(), Money::grouped);
        format!("{name} went from {} to {}", shown(before), shown(after))
    };
    let measure = if simulated { "Expected present value" } else { "Value at the forecast" };
    format!("{measure}: {}, {}.", moved(best), moved(new))
}

/// Each row of both lists once, by its key: the old one and the new one of the same key.
fn both<T>(before: &[T], after: &[T], key: impl Fn(&T) -> String, mut visit: impl FnMut(&str, Option<&T>, Option<&T>)) {
    let mut rows: BTreeMap<String, (Option<&T>, Option<&T>)> = BTreeMap::new();
    before.iter().for_each(|row| rows.entry(key(row)).or_default().0 = Some(row));
    after.iter().for_each(|row| rows.entry(key(row)).or_default().1 = Some(row));
    rows.iter().for_each(|(key, (before, after))| visit(key, *before, *after));
}

#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add<T: ToString>(&mut self, subject: Subject, what: &str, before: Option<T>, after: Option<T>) {
        let (before, after) = (before.map(|value| value.to_string()), after.map(|value| value.to_string()));
        if before != after {
            self.0.push(Change { subject, what: what.to_owned(), before, after, difference: None });
        }
    }

    fn money(&mut self, what: &str, before: Option<Money>, after: Option<Money>) {
        self.amount(Subject::Money, what, before, after);
    }

    /// Each of its numbers that differs.
    fn spread(&mut self, what: &str, before: Option<&Spread>, after: Option<&Spread>) {
        let (before, after) = (before.map(Spread::numbers), after.map(Spread::numbers));
        for (at, name) in Spread::NAMES.into_iter().enumerate() {
            self.amount(Subject::Risk, &format!("{name} of {what}"), before.map(|of| of[at]), after.map(|of| of[at]));
        }
    }

    fn amount(&mut self, subject: Subject, what: &str, before: Option<Money>, after: Option<Money>) {
        let difference = before.zip(after).and_then(|(before, after)| after.minus(before).ok());
        let known = self.0.len();
        self.add(subject, what, before, after);
        if let Some(change) = self.0.get_mut(known) {
            change.difference = difference;
        }
    }
}
