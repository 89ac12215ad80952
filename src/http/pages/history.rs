//! The assessments of a case, newest first, and what changed from each to the next.

use super::{Shell, board::answer_name, statement, visible};
use crate::{
    domain::{case::Case, id::AssessmentId},
    http::{Service, problem::Problem},
    impact, limits,
};

pub struct Entry {
    pub id: String,
    pub made: String,
    pub as_of: String,
    pub dataset: String,
    pub margin: String,
    pub answer: String,
    pub cost: String,
    /// A replay that held something fast: it stands beside the others and changed nothing.
    pub what_if: bool,
    pub shown: bool,
    pub changes: Vec<Change>,
}

pub struct Change {
    pub what: String,
    pub before: String,
    pub after: String,
}

/// Assessments that are told apart from the one before.
const COMPARED: usize = 5;

pub fn history(service: &Service, case: &Case, shown: Option<AssessmentId>, p: &Shell) -> Result<Vec<Entry>, Problem> {
    let language = p.language;
    let rows = service.store.assessments(Some(case.id), None, limits::PAGE_HISTORY_MAX)?;
    let mut entries = Vec::new();
    let mut newer: Option<impact::Assessment> = None;
    for (index, row) in rows.iter().enumerate() {
        let assessment = if index <= COMPARED { statement::stored(service, row)? } else { None };
        if let (Some(newer), Some(older)) = (&newer, &assessment) {
            let last: Option<&mut Entry> = entries.last_mut();
            if let Some(last) = last {
                last.changes = impact::diff(older, newer).into_iter().map(change).collect();
            }
        }
        newer = assessment;
        let unknown = || language.t("words.unknown").to_owned();
        entries.push(Entry {
            id: row.id.to_string(),
            made: language.moment(row.made_at),
            as_of: language.date(row.as_of),
            dataset: row.dataset.to_string(),
            margin: row.headline.margin_at_risk.map_or_else(unknown, |margin| language.whole_money(margin)),
            answer: row.headline.best_answer.as_deref().map_or_else(|| "–".to_owned(), |name| answer_name(language, name)),
            cost: row.headline.best_cost.map_or_else(unknown, |cost| language.whole_money(cost)),
            what_if: !row.pins.is_empty(),
            shown: Some(row.id) == shown,
            changes: Vec::new(),
        });
    }
    Ok(entries)
}

fn change(change: impact::Change) -> Change {
    let told = |value: Option<String>| value.map_or_else(|| "–".to_owned(), |value| visible::line(&value));
    Change { what: visible::line(&change.what), before: told(change.before), after: told(change.after) }
}
