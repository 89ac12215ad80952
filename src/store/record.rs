//! What the log holds. Every record carries the whole new state of what it changes, so that applying records in order, from the first, gives the projections
//! again. Append-only once a format is released: a kind is then never removed or changed, only added after the last.
//!
//! Records are chained, which makes the log an audit trail: link = BLAKE3(link of the record before, or 32 zeros │ BLAKE3(envelope)). The log keeps the link before
//! each group and the digests of its records (`log`); every other link follows.

use serde::{Deserialize, Serialize};

use crate::domain::{
    access::{Token, User},
    case::{AssessmentRow, Case, DatasetRow},
    decision::Decision,
    event::{Digest, Event},
    id::{DatasetId, EventId, JobId},
    job::{Job, JobState, Step, Subject},
    message::{Message, MessageState},
    review::Correction,
    scenario::Scenario,
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
    /// Something arrived; `job` is the number of the job that follows, `None` for what is only kept.
    Arrived {
        event: Box<Event>,
        job: Option<JobId>,
    },
    /// The same delivery again; nothing follows from it.
    Repeated {
        event: EventId,
        mark: Mark,
    },
    /// A job was made or changed state; `act` says by what.
    Job {
        job: Box<Job>,
        /// Where it stood before; `None`: it was made.
        before: Option<Stood>,
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
    /// Bodies that no record needed left the index; what comes again is written again.
    Dropped {
        bodies: Vec<Digest>,
        mark: Mark,
    },
    /// A message was made or changed state; `act` says by what.
    Message {
        message: Box<Message>,
        /// Its state before; `None`: it was made.
        before: Option<MessageState>,
        act: MessageAct,
        mark: Mark,
    },
    /// A user was added or changed. What is kept of the password is a body.
    User {
        user: Box<User>,
        act: UserAct,
        mark: Mark,
    },
    /// A token was made, revoked, or is in use.
    Token {
        token: Box<Token>,
        act: TokenAct,
        mark: Mark,
    },
    /// A decision about a case was proposed, or went a step on.
    Decision {
        decision: Box<Decision>,
        mark: Mark,
    },
    /// A person confirmed or corrected a reading.
    Corrected {
        correction: Box<Correction>,
        mark: Mark,
    },
    /// A request with a key of its own was begun, or came to its end.
    Keyed {
        key: Digest,
        /// Of what was asked for.
        request: Digest,
        outcome: KeyedOutcome,
        mark: Mark,
    },
    /// A person kept a what-if of a case.
    Scenario {
        scenario: Box<Scenario>,
        mark: Mark,
    },
}

impl Record {
    /// Bodies that must be there because of this record; `expired` tells of an event whether its bytes were given up.
    pub fn needs(&self, expired: impl Fn(EventId) -> bool) -> Vec<Digest> {
        match self {
            Record::Arrived { event, .. } if expired(event.id) => Vec::new(),
            Record::Arrived { event, .. } => vec![event.body],
            Record::Job { job, .. } => match job.subject {
                Subject::Event(event) if expired(event) => Vec::new(),
                Subject::Event(_) | Subject::Case(_) => job.results.iter().map(|(_, digest)| *digest).collect(),
            },
            // What a factory decided on stays on record after the notice itself is gone.
            Record::Assessed { row, .. } => vec![row.body],
            Record::Corrected { correction, .. } if expired(correction.event) => Vec::new(),
            Record::Corrected { correction, .. } => vec![correction.before, correction.after],
            Record::Keyed { outcome: KeyedOutcome::Answered { body, .. }, .. } => vec![*body],
            Record::User { user, .. } => user.password.into_iter().collect(),
            Record::Scenario { scenario, .. } => vec![scenario.body],
            Record::Repeated { .. }
            | Record::Case { .. }
            | Record::Dataset { .. }
            | Record::Activated { .. }
            | Record::KeysForgotten { .. }
            | Record::Noted { .. }
            | Record::Held { .. }
            | Record::HoldEnded { .. }
            | Record::Expired { .. }
            | Record::Dropped { .. }
            | Record::Message { .. }
            | Record::Token { .. }
            | Record::Decision { .. }
            | Record::Keyed { .. } => Vec::new(),
        }
    }
}

/// Where a job stood: with it a record alone says which rows it takes away, whatever they are when it is applied again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stood {
    pub step: Step,
    /// Without its reason.
    pub state: JobState,
}

impl Stood {
    pub fn of(job: &Job) -> Stood {
        let mut state = job.state.clone();
        match &mut state {
            JobState::Scheduled { reason, .. } | JobState::Review { reason } | JobState::Dead { reason } | JobState::Cancelled { reason } => {
                reason.clear();
            }
            JobState::Ready | JobState::Leased { .. } | JobState::Done => {}
        }
        Stood { step: job.step, state }
    }
}

/// What moved a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// With the event it is about.
    Arrived,
    /// Asked for.
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
            Act::Arrived | Act::Made => "made",
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

/// What moved a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageAct {
    Made,
    /// Quiet hours are over.
    Due,
    Claimed,
    Delivered,
    Failed,
    GivenUp,
    /// Given up, and nothing more goes to its destination.
    Disabled,
    Released,
    /// Its sender was gone when the store opened.
    Rescued,
    /// By a person.
    Retried,
    /// Told in a digest.
    Gathered,
}

impl MessageAct {
    pub fn name(self) -> &'static str {
        match self {
            MessageAct::Made => "made",
            MessageAct::Due => "due",
            MessageAct::Claimed => "claimed",
            MessageAct::Delivered => "delivered",
            MessageAct::Failed => "failed",
            MessageAct::GivenUp => "given_up",
            MessageAct::Disabled => "disabled",
            MessageAct::Released => "released",
            MessageAct::Rescued => "rescued",
            MessageAct::Retried => "retried",
            MessageAct::Gathered => "gathered",
        }
    }
}

/// What changed about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserAct {
    Added,
    Role,
    Password,
    Disabled,
    Enabled,
}

impl UserAct {
    pub fn name(self) -> &'static str {
        match self {
            UserAct::Added => "added",
            UserAct::Role => "role_changed",
            UserAct::Password => "password_changed",
            UserAct::Disabled => "disabled",
            UserAct::Enabled => "enabled",
        }
    }
}

/// What happened to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenAct {
    Added,
    Revoked,
    /// Told once a day at most.
    Used,
}

impl TokenAct {
    pub fn name(self) -> &'static str {
        match self {
            TokenAct::Added => "added",
            TokenAct::Revoked => "revoked",
            TokenAct::Used => "used",
        }
    }
}

/// What became of a request with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyedOutcome {
    Begun,
    Answered {
        status: u16,
        body: Digest,
    },
    /// It may be sent again.
    Failed,
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
