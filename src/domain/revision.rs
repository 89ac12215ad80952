//! What each notice did to the case it joined: opened it, said the same again, revised it, or took it back. Kept as the result of the case step, and shown beside the
//! case, so that a person sees what a revision changed.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    case::{Case, CaseState, NamedReplacement},
    notice::{Notice, NoticeKind},
    part::normal_mpn,
};
use crate::limits;

/// Result of the case step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResult {
    /// The cases as they would be, where a replay with pins told them anew; otherwise the job names the cases themselves.
    pub as_they_would_be: Option<Vec<Case>>,
    pub told: Vec<Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    Opened,
    /// It says what was known.
    Copy,
    /// It says something else, or more.
    Revision,
    Retraction,
}

/// What one notice did to one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The case's keys: when a notice opens a case, the case has no number yet.
    pub keys: Vec<String>,
    pub effect: Effect,
    pub kind: NoticeKind,
    pub issue_date: Option<Date>,
    pub changes: Vec<Change>,
}

/// One thing that a notice changed, in words: `last-time buy`, `part AX100-3`, `part AX100-3, replacement`. `None`: it was not known, or is no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub what: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Told {
    /// What `notice` made of a case that was `before` and is `after`.
    pub fn of(before: Option<&Case>, after: &Case, notice: &Notice) -> Told {
        let mut changes = before.map(|before| changes(before, after)).unwrap_or_default();
        let issue_date = notice.issue_date.as_ref().map(|date| date.value);
        if let Some(before) = before.filter(|before| supersedes(before.issue_date, issue_date)) {
            changes.extend(unlisted(before, notice));
        }
        let effect = match before {
            _ if notice.kind == NoticeKind::Retraction => Effect::Retraction,
            None => Effect::Opened,
            Some(_) if changes.is_empty() => Effect::Copy,
            Some(_) => Effect::Revision,
        };
        let all = changes.len();
        if all > limits::CASE_CHANGES_KEPT_MAX {
            changes.truncate(limits::CASE_CHANGES_KEPT_MAX);
            changes.push(Change { what: format!("and {} changes more", all - limits::CASE_CHANGES_KEPT_MAX), before: None, after: None });
        }
        Told { keys: after.keys.clone(), effect, kind: notice.kind, issue_date, changes }
    }
}

/// Whether a notice of the second date is a newer revision of one of the first.
pub fn supersedes(known: Option<Date>, issued: Option<Date>) -> bool {
    matches!((known, issued), (Some(known), Some(issued)) if issued > known)
}

/// What differs between two states of a case.
pub fn changes(before: &Case, after: &Case) -> Vec<Change> {
    let mut changes = Changes(Vec::new());
    changes.note("kind", Some(before.kind.as_str().to_owned()), Some(after.kind.as_str().to_owned()));
    changes.note("state", Some(state(&before.state)), Some(state(&after.state)));
    changes.note("maker", before.maker.clone(), after.maker.clone());
    changes.date("issue date", before.issue_date, after.issue_date);
    changes.date("last-time buy", before.last_time_buy, after.last_time_buy);
    changes.date("last-time ship", before.last_time_ship, after.last_time_ship);
    for part in &after.parts {
        let of = |what: &str| format!("part {}, {what}", part.mpn);
        match before.parts.iter().find(|known| normal_mpn(&known.mpn) == normal_mpn(&part.mpn)) {
            Some(known) => {
                changes.date(&of("last-time buy"), known.last_time_buy, part.last_time_buy);
                changes.date(&of("last-time ship"), known.last_time_ship, part.last_time_ship);
                changes.note(&of("replacement"), replacement(&known.replacement), replacement(&part.replacement));
            }
            None => changes.note(&format!("part {}", part.mpn), None, Some("added".to_owned())),
        }
    }
    changes.0
}

/// Parts that a revision with a list of its own no longer lists. They stay in the case: a revision that only mends one line is as usual as one that frees a part.
fn unlisted<'a>(before: &'a Case, notice: &'a Notice) -> impl Iterator<Item = Change> + 'a {
    let is_listed = |mpn: &str| notice.parts.iter().any(|part| normal_mpn(&part.mpn.value) == normal_mpn(mpn));
    let gone = before.parts.iter().filter(move |part| !notice.parts.is_empty() && !is_listed(&part.mpn));
    gone.map(|part| Change {
        what: format!("part {}", part.mpn),
        before: Some("listed".to_owned()),
        after: Some("not listed in this revision; it stays in the case until a person decides".to_owned()),
    })
}

struct Changes(Vec<Change>);

impl Changes {
    fn note(&mut self, what: &str, before: Option<String>, after: Option<String>) {
        if before != after {
            self.0.push(Change { what: what.to_owned(), before, after });
        }
    }

    fn date(&mut self, what: &str, before: Option<Date>, after: Option<Date>) {
        self.note(what, before.map(|date| date.to_string()), after.map(|date| date.to_string()));
    }
}

/// A state as people say it.
pub fn state(state: &CaseState) -> String {
    match state {
        CaseState::Open => "open".to_owned(),
        CaseState::Decided { answer, by, .. } => format!("decided by {by}: {answer}"),
        CaseState::Closed { reason, .. } => format!("closed: {reason}"),
    }
}

fn replacement(named: &NamedReplacement) -> Option<String> {
    match named {
        NamedReplacement::Unsaid => None,
        NamedReplacement::None => Some("there is none".to_owned()),
        NamedReplacement::Named(named) => Some(named.join(", ")),
    }
}
