//! A what-if of a case that a person kept: what was moved, and what would follow.

use serde::{Deserialize, Serialize};

use super::{
    case::Headline,
    event::Digest,
    id::{AssessmentId, CaseId},
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    pub case: CaseId,
    /// From 1, within its case.
    pub number: u32,
    /// As its maker calls it; no two of a case have the same.
    pub name: String,
    /// The statement whose inputs were moved.
    pub compared_with: AssessmentId,
    /// Inputs by name and where they were moved to, as `GET /v1/cases/{id}/what-if` takes them.
    pub moved: Vec<(String, String)>,
    pub headline: Headline,
    /// Digest of the JSON of the statement as it would be.
    pub body: Digest,
}
