//! What each notice of a case did to it, from the results of the case step. Retention may have given up an old one; its event is named all the same.

use serde::Serialize;

use super::problem::Problem;
use crate::{
    domain::{
        case::Case,
        id::EventId,
        job::Step,
        revision::{CaseResult, Change, Effect, Told},
        time::At,
    },
    limits,
    store::Store,
};

#[derive(Debug, Serialize)]
pub struct Row {
    pub event: EventId,
    pub source: String,
    pub received_at: At,
    /// In a few words.
    pub is: String,
    /// `None`: what was read in it is no longer kept.
    pub told: Option<Told>,
}

/// In the order they arrived, at most the newest `limits::LIST_ROWS_MAX`.
pub fn of(store: &Store, case: &Case) -> Result<Vec<Row>, Problem> {
    let from = case.events.len().saturating_sub(limits::LIST_ROWS_MAX);
    let mut rows = Vec::new();
    for id in case.events.iter().skip(from) {
        let Some(event) = store.event(*id)? else { continue };
        let told = match store.standing_result(*id, Step::Case)? {
            Some(digest) => store.blob(digest)?.and_then(|bytes| serde_json::from_slice::<CaseResult>(&bytes).ok()),
            None => None,
        };
        let told = told.and_then(|result| result.told.into_iter().find(|told| told.keys.iter().any(|key| case.keys.contains(key))));
        let is = name(told.as_ref());
        rows.push(Row { event: *id, source: event.source.to_string(), received_at: event.received_at, is, told });
    }
    Ok(rows)
}

fn name(told: Option<&Told>) -> String {
    let Some(told) = told else { return "no longer kept".to_owned() };
    let dated = told.issue_date.map(|date| format!(" of {date}")).unwrap_or_default();
    let kind = told.kind.as_str();
    match told.effect {
        Effect::Opened => format!("the first notice, {kind}{dated}"),
        Effect::Copy => format!("a copy, {kind}{dated}"),
        Effect::Revision => format!("a revision, {kind}{dated}"),
        Effect::Retraction => format!("a retraction{dated}"),
    }
}

/// A change as a person reads it.
pub fn sentence(change: &Change) -> String {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{}: {before} → {after}", change.what),
        (None, Some(after)) => format!("{}: {after}", change.what),
        (Some(before), None) => format!("{}: no longer {before}", change.what),
        (None, None) => change.what.clone(),
    }
}
