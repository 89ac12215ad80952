//! What a person confirmed or corrected in a reading, as the log keeps it.

use serde::{Deserialize, Serialize};

use super::{
    event::Digest,
    id::{EventId, JobId},
};

/// How a value was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It is right as it was read.
    Confirmed,
    /// By its place in the text.
    Picked,
    /// Typed, and found in the text.
    Typed,
    /// The notice does not say.
    Unsaid,
    /// It is none of the notice's.
    Removed,
}

/// One value, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Number of the notice within the document, from 0.
    pub notice: u32,
    /// The field's key in the flat form.
    pub field: String,
    /// The part it is about, where it is one of several.
    pub part: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
    pub how: How,
}

/// One review of one reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    pub job: JobId,
    pub event: EventId,
    /// Digests of the reading as it was and as it is, both kept.
    pub before: Digest,
    pub after: Digest,
    pub changes: Vec<Change>,
    pub note: Option<String>,
}
