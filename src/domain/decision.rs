//! What a factory decides about a case, from the proposal to its end.
//!
//! ```text
//!   propose ──▶ proposed ──approve──▶ approved ──done──▶ done
//!      │           │  └──refuse──▶ refused    │            │
//!      │           └──────────── reopen ──────┴── reopen ──┴──▶ reopened
//!      └─ where nobody asks for four eyes ──▶ approved
//! ```
//! After what is not proposed another proposal may follow; it is a decision of its own number.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    id::{AssessmentId, CaseId},
    time::At,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Waits for a second person.
    Proposed,
    Approved,
    Refused,
    /// Carried out; its case is closed.
    Done,
    /// Taken back; its case is open.
    Reopened,
}

impl Stage {
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Proposed => "proposed",
            Stage::Approved => "approved",
            Stage::Refused => "refused",
            Stage::Done => "done",
            Stage::Reopened => "reopened",
        }
    }

    /// Whether `to` may follow; the table behind the picture above.
    pub fn may_become(self, to: Stage) -> bool {
        use Stage::{Approved, Done, Proposed, Refused, Reopened};
        matches!((self, to), (Proposed, Approved | Refused | Reopened) | (Approved, Done | Reopened) | (Done, Reopened))
    }
}

/// Who did a step and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    pub by: String,
    pub at: At,
    pub note: Option<String>,
}

/// Another answer for one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductAnswer {
    pub product: String,
    pub answer: String,
    pub reason: Option<String>,
}

/// What a person wants decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Name of one of the assessment's answers.
    pub answer: String,
    pub reason: Option<String>,
    /// Who sees it through.
    pub owner: Option<String>,
    pub due: Option<Date>,
    pub products: Vec<ProductAnswer>,
    /// The statement it rests on.
    pub assessment: Option<AssessmentId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub case: CaseId,
    /// From 1, within its case.
    pub number: u32,
    pub proposal: Proposal,
    pub stage: Stage,
    /// Whether a second person was asked for when it was proposed.
    pub four_eyes: bool,
    /// Every step, the first being the proposal; the last is the present stage's.
    pub steps: Vec<(Stage, Signed)>,
}

impl Decision {
    /// Who proposed it.
    pub fn proposed_by(&self) -> &str {
        self.steps.first().map_or("", |(_, signed)| signed.by.as_str())
    }

    /// The answer as a line, with its reason.
    pub fn line(&self) -> String {
        self.proposal.reason.as_ref().map_or_else(|| self.proposal.answer.clone(), |reason| format!("{}: {reason}", self.proposal.answer))
    }
}

/// The person behind an actor of the log: a token acts for its user.
pub fn person(actor: &str) -> &str {
    actor.split_once(" token:").map_or(actor, |(user, _)| user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_user() {
        assert_eq!(person("user:erp token:T-3"), person("user:erp"));
        assert_ne!(person("user:erp"), person("user:erp2"));
    }

    #[test]
    fn nothing_follows_what_is_refused_or_reopened_and_nothing_is_approved_twice() {
        use Stage::{Approved, Done, Proposed, Refused, Reopened};
        let all = [Proposed, Approved, Refused, Done, Reopened];
        let count = all.iter().flat_map(|from| all.iter().filter(|to| from.may_become(**to))).count();
        assert_eq!(count, 6);
        assert!(all.iter().all(|to| !Refused.may_become(*to) && !Reopened.may_become(*to) && !to.may_become(Proposed) && !to.may_become(*to)));
    }
}
