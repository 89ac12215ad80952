//! What an event says, structured, every value with its place in the text and a confidence.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::document::Place;

/// What kind of notice it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NoticeKind {
    /// Product discontinuance: the part ends.
    Pdn,
    /// Product change: the part goes on, changed.
    Pcn,
    /// Not recommended for new designs.
    Nrnd,
    Other,
    /// Withdraws an earlier notice.
    #[serde(rename = "retraction")]
    Retraction,
}

impl NoticeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            NoticeKind::Pdn => "PDN",
            NoticeKind::Pcn => "PCN",
            NoticeKind::Nrnd => "NRND",
            NoticeKind::Other => "OTHER",
            NoticeKind::Retraction => "retraction",
        }
    }
}

/// A value copied from the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found<T> {
    pub value: T,
    /// As it stands in the text.
    pub printed: String,
    pub place: Place,
    /// Probability that role and value are right, 0 to 1.
    pub confidence: f64,
    /// Computed from the text by code (a relative or month-only date), not printed there.
    pub inferred: bool,
}

/// A date that is neither issue, last-time buy nor last-time ship, or is only inferred.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherDate {
    /// What it is, in a word: `effective`, `form revision`, `last time buy`, `none`.
    pub role: String,
    pub date: Found<Date>,
}

/// What the notice says about replacements of one part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// It says nothing.
    Unsaid,
    /// It says there is none; the place says where.
    None(Place),
    Named(Vec<Found<String>>),
}

/// One part the notice ends or changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AffectedPart {
    pub mpn: Found<String>,
    pub replacement: Replacement,
    /// Where the notice gives this part dates of its own.
    pub last_time_buy: Option<Found<Date>>,
    pub last_time_ship: Option<Found<Date>>,
}

/// Why a person must look before anything is computed. Sentences name the field and what is doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// The field's key in the flat form: `notice_type`, `last_time_buy`, `affected_parts`, …
    pub field: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub kind: NoticeKind,
    pub kind_confidence: f64,
    pub maker: Option<Found<String>>,
    pub notice_id: Option<Found<String>>,
    pub issue_date: Option<Found<Date>>,
    pub last_time_buy: Option<Found<Date>>,
    pub last_time_ship: Option<Found<Date>>,
    pub inferred_dates: Vec<OtherDate>,
    pub other_dates: Vec<OtherDate>,
    pub parts: Vec<AffectedPart>,
    /// ISO 639-1.
    pub language: String,
    /// Probability that the whole notice is read right.
    pub confidence: f64,
    /// Empty: it passes without a person.
    pub doubts: Vec<Doubt>,
}

impl Notice {
    /// A notice of which only the kind is known.
    pub fn of_kind(kind: NoticeKind, kind_confidence: f64) -> Notice {
        Notice {
            kind,
            kind_confidence,
            maker: None,
            notice_id: None,
            issue_date: None,
            last_time_buy: None,
            last_time_ship: None,
            inferred_dates: Vec::new(),
            other_dates: Vec::new(),
            parts: Vec::new(),
            language: "en".to_owned(),
            confidence: kind_confidence,
            doubts: Vec::new(),
        }
    }

    /// The date that counts for a decision: the earliest last-time buy named, for the notice or any part of it.
    pub fn earliest_last_time_buy(&self) -> Option<Date> {
        let of_parts = self.parts.iter().filter_map(|part| part.last_time_buy.as_ref());
        self.last_time_buy.iter().chain(of_parts).map(|found| found.value).min()
    }
}

/// How a reading came about, so that it can be told apart from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// `structured` where code read a feed, otherwise the model's name.
    pub reader: String,
    /// SHA-256 of the model file, and of the adapter where there is one.
    pub model_sha256: Option<String>,
    pub adapter_sha256: Option<String>,
    /// Version of prompt and scoring.
    pub prompt_version: u32,
    /// Version of this program.
    pub program: String,
    /// Tokens the model evaluated.
    pub tokens: u32,
}

/// All that one document says. Stored as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub notices: Vec<Notice>,
    pub provenance: Provenance,
    /// Doubts about the document as a whole: no text layer, parts cut, instructions to the reader.
    pub doubts: Vec<Doubt>,
}

impl Reading {
    /// Whether it may go on without a person.
    pub fn passes(&self) -> bool {
        self.doubts.is_empty() && self.notices.iter().all(|notice| notice.doubts.is_empty())
    }

    /// Every reason for a person to look, in order.
    pub fn all_doubts(&self) -> impl Iterator<Item = &Doubt> {
        self.doubts.iter().chain(self.notices.iter().flat_map(|notice| &notice.doubts))
    }
}
