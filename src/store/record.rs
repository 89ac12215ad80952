//! What the log holds. Every record carries the whole new state of what it changes, so that applying records in order, from the first, gives the projections
//! again. Append-only: a kind is never removed or changed, only added after the last.

use serde::{Deserialize, Serialize};

use crate::domain::{
    case::{AssessmentRow, Case, DatasetRow},
    event::{Digest, Event},
    id::{DatasetId, EventId},
    job::Job,
    time::At,
};

/// Who did it and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub at: At,
    /// `sender`, `worker-1`, `uid:1000`, `start`.
    pub by: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// Something arrived.
    Arrived(Box<Event>),
    /// The same delivery again; nothing follows from it.
    Repeated {
        event: EventId,
        at: At,
    },
    /// A job was made or changed state; `act` says by what: `arrived`, `claimed`, `advanced`, `failed`, `review`, …
    Job {
        job: Box<Job>,
        act: Act,
        mark: Mark,
    },
    /// A case was made or changed.
    Case {
        case: Box<Case>,
        mark: Mark,
    },
    Assessed(Box<AssessmentRow>),
    Dataset {
        row: Box<DatasetRow>,
        mark: Mark,
    },
    Activated {
        dataset: DatasetId,
        mark: Mark,
    },
    /// The record itself is larger than a value may be; these bytes are its envelope.
    Elsewhere(Digest),
}

/// What moved a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Made,
    Claimed,
    Extended,
    Advanced,
    Failed,
    Reviewed,
    GivenUp,
    Released,
    Settled,
    /// Its holder was gone when the store opened.
    Rescued,
}
