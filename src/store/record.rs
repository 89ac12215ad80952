//! What the log holds. Every record carries the whole new state of what it changes, so that applying records in order, from the first, gives the projections
//! again. Append-only once a format is released: a kind is then never removed or changed, only added after the last.
//!
//! Under each offset the log holds a link of the audit trail's chain and the record's envelope:
//! ```text
//! link (32) │ envelope, see `codec`            link = BLAKE3(link of the record before, or 32 zeros │ BLAKE3(envelope))
//! ```
//! A record too large for a tree is a body, and the log holds the envelope of `Elsewhere` with its digest; the link is that of the record itself.

use serde::{Deserialize, Serialize};

use super::{
    codec::{CodecError, decode},
    draft::LargeValues,
};
use crate::domain::{
    case::{AssessmentRow, Case, DatasetRow},
    event::{Digest, Event},
    id::{DatasetId, EventId},
    job::{Job, Subject},
    time::At,
};

/// Who did it and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub at: At,
    /// `source:generic`, `worker-1`, `uid:1000`, `system: …`.
    pub by: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// Something arrived.
    Arrived(Box<Event>),
    /// The same delivery again; nothing follows from it.
    Repeated {
        event: EventId,
        mark: Mark,
    },
    /// A job was made or changed state; `act` says by what.
    Job {
        job: Box<Job>,
        act: Act,
        mark: Mark,
    },
    /// A case was made or changed.
    Case {
        case: Box<Case>,
        act: CaseAct,
        mark: Mark,
    },
    Assessed {
        row: Box<AssessmentRow>,
        mark: Mark,
    },
    Dataset {
        row: Box<DatasetRow>,
        mark: Mark,
    },
    Activated {
        dataset: DatasetId,
        mark: Mark,
    },
    /// The record itself is larger than a value may be; this is the digest of its envelope.
    Elsewhere(Digest),
    /// Deliveries up to this event are no longer known again by their keys.
    KeysForgotten {
        through: EventId,
        mark: Mark,
    },
    /// An act that changes nothing in the projections and belongs on record: the server started, a backup was made.
    Noted {
        /// `server.started`; what acted on, a dot, what was done.
        act: String,
        object: String,
        detail: String,
        mark: Mark,
    },
    /// The bytes of an event are kept whatever retention says.
    Held {
        event: EventId,
        reason: String,
        mark: Mark,
    },
    HoldEnded {
        event: EventId,
        mark: Mark,
    },
    /// The bytes of an event, and what its jobs read in them, are needed no longer on its account. The event's own record stays where it is.
    Expired {
        event: EventId,
        mark: Mark,
    },
}

impl Record {
    /// Bodies that must be there because of this record; `expired` tells of an event whether its bytes were given up.
    pub fn needs(&self, expired: impl Fn(EventId) -> bool) -> Vec<Digest> {
        match self {
            Record::Arrived(event) if expired(event.id) => Vec::new(),
            Record::Arrived(event) => vec![event.body],
            Record::Job { job, .. } => match job.subject {
                Subject::Event(event) if expired(event) => Vec::new(),
                Subject::Event(_) | Subject::Case(_) => job.results.iter().map(|(_, digest)| *digest).collect(),
            },
            // What a factory decided on stays on record after the notice itself is gone.
            Record::Assessed { row, .. } => vec![row.body],
            Record::Elsewhere(digest) => vec![*digest],
            Record::Repeated { .. }
            | Record::Case { .. }
            | Record::Dataset { .. }
            | Record::Activated { .. }
            | Record::KeysForgotten { .. }
            | Record::Noted { .. }
            | Record::Held { .. }
            | Record::HoldEnded { .. }
            | Record::Expired { .. } => Vec::new(),
        }
    }
}

/// What moved a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Made,
    Claimed,
    Extended,
    Advanced,
    Failed,
    Snoozed,
    Reviewed,
    GivenUp,
    Released,
    /// Its time came.
    Due,
    /// Its holder let the lease lapse.
    Lapsed,
    /// Its holder was gone when the store opened.
    Rescued,
    /// By a person: back to work as it is.
    Retried,
    /// By a person: back to work with another result of its step.
    Corrected,
    /// By a person.
    Cancelled,
}

impl Act {
    pub fn name(self) -> &'static str {
        match self {
            Act::Made => "made",
            Act::Claimed => "claimed",
            Act::Extended => "extended",
            Act::Advanced => "advanced",
            Act::Failed => "failed",
            Act::Snoozed => "snoozed",
            Act::Reviewed => "sent_to_review",
            Act::GivenUp => "given_up",
            Act::Released => "released",
            Act::Due => "due",
            Act::Lapsed => "lapsed",
            Act::Rescued => "rescued",
            Act::Retried => "retried",
            Act::Corrected => "corrected",
            Act::Cancelled => "cancelled",
        }
    }
}

/// What changed about a case, most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaseAct {
    Opened,
    Decided,
    Closed,
    Reopened,
    /// Another assessment became its headline.
    Assessed,
    Changed,
}

impl CaseAct {
    pub fn name(self) -> &'static str {
        match self {
            CaseAct::Opened => "opened",
            CaseAct::Decided => "decided",
            CaseAct::Closed => "closed",
            CaseAct::Reopened => "reopened",
            CaseAct::Assessed => "assessed",
            CaseAct::Changed => "changed",
        }
    }

    pub fn of(before: Option<&Case>, after: &Case) -> CaseAct {
        use crate::domain::case::CaseState;
        let Some(before) = before else { return CaseAct::Opened };
        if before.state != after.state {
            return match after.state {
                CaseState::Decided { .. } => CaseAct::Decided,
                CaseState::Closed { .. } => CaseAct::Closed,
                CaseState::Open => CaseAct::Reopened,
            };
        }
        if before.latest == after.latest { CaseAct::Changed } else { CaseAct::Assessed }
    }
}

/// Before the first record.
pub(super) const FIRST_LINK: Digest = Digest([0; 32]);

/// The link that follows `previous`; `record` is the digest of the record's envelope.
pub(super) fn link(previous: Digest, record: Digest) -> Digest {
    Digest::of(&[previous.0, record.0].concat())
}

/// What the log holds under an offset: link and envelope.
pub(super) fn split(stored: &[u8]) -> Result<(Digest, &[u8]), CodecError> {
    let (link, envelope) = stored.split_first_chunk::<32>().ok_or_else(|| CodecError("it is shorter than its link".to_owned()))?;
    Ok((Digest(*link), envelope))
}

/// A record out of the log with its link and its own envelope, wherever that is.
pub(super) fn unchain(stored: &[u8], large: LargeValues<'_>) -> Result<(Digest, Vec<u8>, Record), CodecError> {
    let (link, envelope) = split(stored)?;
    match decode(envelope)? {
        Record::Elsewhere(digest) => {
            let envelope = large(digest).ok_or_else(|| CodecError(format!("its bytes, body {digest}, are missing")))?;
            let record = decode(&envelope)?;
            Ok((link, envelope, record))
        }
        record => Ok((link, envelope.to_vec(), record)),
    }
}

/// A record out of the log, and the digest of its bytes where they are a body.
pub(super) fn read(stored: &[u8], large: LargeValues<'_>) -> Result<(Record, Option<Digest>), CodecError> {
    let (_, envelope, record) = unchain(stored, large)?;
    let is_body = split(stored)?.1 != envelope;
    Ok((record, is_body.then(|| Digest::of(&envelope))))
}
