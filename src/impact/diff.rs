//! What changed from one assessment of a case to another: on what they stand, in parts, dates, money and the answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Assessment, PartStatement};
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
}

impl Subject {
    pub fn as_str(self) -> &'static str {
        match self {
            Subject::Basis => "basis",
            Subject::Parts => "parts",
            Subject::Dates => "dates",
            Subject::Money => "money",
            Subject::Answer => "answer",
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

/// Every difference, by subject; empty: the two say the same.
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
    changes.add(Subject::Answer, "best answer", before.headline.best_answer.as_ref(), after.headline.best_answer.as_ref());
    both(
        &before.answers,
        &after.answers,
        |answer| answer.name.clone(),
        |name, before, after| {
            let can = |feasible: bool| if feasible { "can be chosen" } else { "cannot be chosen" };
            changes.add(Subject::Answer, name, before.map(|answer| can(answer.feasible)), after.map(|answer| can(answer.feasible)));
        },
    );
    changes.0
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
        },
    );
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
        let difference = before.zip(after).and_then(|(before, after)| after.minus(before).ok());
        let known = self.0.len();
        self.add(Subject::Money, what, before, after);
        if let Some(change) = self.0.get_mut(known) {
            change.difference = difference;
        }
    }
}
