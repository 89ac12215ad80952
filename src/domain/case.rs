//! One obsolescence matter, gathering notices and their revisions, and what its newest assessment comes to.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    event::Digest,
    id::{AssessmentId, CaseId, DatasetId, EventId, JobId},
    job::Pins,
    money::Money,
    notice::NoticeKind,
    part::PartName,
    time::At,
};

/// What is known about replacements of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedReplacement {
    Unsaid,
    None,
    Named(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CasePart {
    /// As printed.
    pub mpn: String,
    pub replacement: NamedReplacement,
    pub last_time_buy: Option<Date>,
    pub last_time_ship: Option<Date>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    Open,
    /// A person chose an answer.
    Decided {
        answer: String,
        by: String,
        at: At,
    },
    Closed {
        reason: String,
        at: At,
    },
}

impl CaseState {
    pub fn name(&self) -> &'static str {
        match self {
            CaseState::Open => "open",
            CaseState::Decided { .. } => "decided",
            CaseState::Closed { .. } => "closed",
        }
    }
}
/// How the reason begins for which a retraction closes a case.
pub const WITHDRAWN: &str = "withdrawn by the maker";

/// What a manager reads first. `None` is unknown, and never shown as zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headline {
    /// Contribution lost to the horizon when nothing is done.
    pub margin_at_risk: Option<Money>,
    /// First day that cannot be served; `None` with `known_parts > 0` means: not before the horizon.
    pub runs_out: Option<Date>,
    /// Name of the best answer.
    pub best_answer: Option<String>,
    pub best_cost: Option<Money>,
    pub known_parts: u32,
    pub unknown_parts: u32,
    /// What a person must supply or decide, in sentences.
    pub needs: Vec<String>,
}

impl Case {
    /// The earliest last-time buy that is known of the case or one of its parts.
    pub fn last_time_buy(&self) -> Option<Date> {
        self.parts.iter().filter_map(|part| part.last_time_buy).chain(self.last_time_buy).min()
    }

    /// The parts that it ends while it is open: an alternate of another case among them carries nothing.
    pub fn ended_parts(&self) -> impl Iterator<Item = PartName> {
        let ends = self.state == CaseState::Open && self.kind == NoticeKind::Pdn;
        self.parts.iter().filter(move |_| ends).map(|part| PartName { maker: self.maker.clone(), mpn: part.mpn.clone() })
    }

    /// How people call the matter: `PDN 2610-CAP`, `PCN QP-C-0926`. A number that names its kind itself is not told twice.
    pub fn title(&self) -> String {
        let (kind, id) = (self.kind.as_str(), self.notice_id.as_deref().unwrap_or_default());
        if id.to_uppercase().starts_with(kind) { id.to_owned() } else { format!("{kind} {id}").trim_end().to_owned() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    pub id: CaseId,
    /// What makes another notice the same matter; see `work::case`. Unique over all cases.
    pub keys: Vec<String>,
    pub kind: NoticeKind,
    pub maker: Option<String>,
    pub notice_id: Option<String>,
    pub issue_date: Option<Date>,
    pub last_time_buy: Option<Date>,
    pub last_time_ship: Option<Date>,
    pub parts: Vec<CasePart>,
    /// In the order they arrived; empty for a case made by hand.
    pub events: Vec<EventId>,
    /// Who made it by hand, or `None` where a notice did.
    pub made_by: Option<String>,
    pub state: CaseState,
    pub opened_at: At,
    pub changed_at: At,
    pub latest: Option<AssessmentId>,
    pub headline: Option<Headline>,
}

/// What makes two notices one matter: the maker's own number for it, whatever its revision, or, where it names none, the very same parts. `maker_key` is
/// `MakerAliases::key`.
pub fn case_keys(maker_key: Option<&str>, notice_id: Option<&str>, mpns: &[String]) -> Vec<String> {
    let maker = maker_key.unwrap_or("?");
    let folded: String = unrevised(notice_id.unwrap_or("")).chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    if !folded.is_empty() {
        return vec![format!("notice {maker} {folded}")];
    }
    let mut parts: Vec<String> = mpns.iter().map(|mpn| super::part::normal_mpn(mpn)).collect();
    parts.sort();
    parts.dedup();
    if parts.is_empty() { Vec::new() } else { vec![format!("parts {maker} {}", Digest::of(parts.join("\n").as_bytes()))] }
}

/// A notice's number without the mark of its revision: `PDN-26-14 Rev. B` is `PDN-26-14`. Only what is marked as a revision in words is one.
fn unrevised(notice_id: &str) -> &str {
    let words: Vec<&str> = notice_id.split_whitespace().collect();
    let is_mark = |word: &str| matches!(word.trim_matches(['(', '.', ':']).to_ascii_lowercase().as_str(), "rev" | "revision" | "version" | "ver");
    let at = match words.as_slice() {
        [.., number, mark, level] if is_mark(mark) && level.len() <= 3 => Some((number, *mark)),
        [.., number, mark]
            if mark.len() <= 6 && mark.to_ascii_lowercase().strip_prefix("rev").is_some_and(|level| level.trim_start_matches('.').len() <= 2) =>
        {
            Some((number, *mark))
        }
        _ => None,
    };
    at.and_then(|(_, mark)| notice_id.rfind(mark)).map_or(notice_id, |at| notice_id[..at].trim_end_matches([' ', ',', ';', '(', '-']))
}

/// One line of the list of assessments; the assessment itself is a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessmentRow {
    pub id: AssessmentId,
    pub case: CaseId,
    /// The job that made it.
    pub job: JobId,
    pub dataset: DatasetId,
    pub as_of: Date,
    pub made_at: At,
    /// Not empty: a replay's "what if", which never becomes the case's headline.
    pub pins: Pins,
    pub headline: Headline,
    /// Digest of the assessment's JSON.
    pub body: Digest,
}

/// One import of the factory's data, as the log holds it; the data is in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetRow {
    pub id: DatasetId,
    pub imported_at: At,
    pub by: String,
    /// Name within `datasets/`.
    pub file: String,
    pub checksum: Digest,
    pub products: u32,
    pub items: u32,
    pub bom_lines: u32,
    pub refused_lines: u32,
    pub active: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_has_the_key_of_its_notice() {
        let key = |id: &str| case_keys(Some("acme"), Some(id), &[]);
        for revision in ["pdn 26/14", "PDN-26-14 Rev. B", "PDN-26-14, Rev B", "PDN-26-14 RevB", "PDN-26-14 (Revision 2", "PDN-26-14 Version 2"] {
            assert_eq!(key(revision), key("PDN-26-14"), "{revision}");
        }
        for other in ["PDN-26-15", "PDN-26-14B", "REV-26-14", "PDN-26-14 Reverse", "Rev B"] {
            assert_ne!(key(other), key("PDN-26-14"), "{other}");
        }
    }
}
