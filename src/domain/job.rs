//! The work on one event, and the only table of what may follow what.
//!
//! ```text
//!                 ┌─────────────── it is due ──────────────┐
//!                 ▼                                        │
//!   arrival ──▶ ready ──claim──▶ leased ──error, snooze──▶ scheduled ◀── asked for later
//!                 ▲ ▲              │ │ │ └─ too many errors, or hopeless ──▶ dead ──┐
//!                 │ └ lease lapsed,┘ │ └─ a person must look ──▶ review ──┐         │
//!                 │   handed back,   └─ last step finished ──▶ done       │         │
//!                 │   step is full                                        │         │
//!                 └──────────────── resolved, or retried by a person ◀────┴─────────┘
//!
//!   ready, scheduled, leased, review, dead ── cancelled by a person ──▶ cancelled
//! ```
//! A killed process leaves its job leased; at start, and while running, lapsed leases go back to ready. Each claim raises the epoch, and a finish that carries
//! an older epoch is refused, so a step's effects happen once. A leased job is cancelled cooperatively: its worker is not interrupted, but whatever it finishes
//! is refused.
//!
//! Who goes first: the smaller priority; within one priority the sources take turns, one job each; within one source the older job. Priorities are strict: as
//! long as notices arrive faster than they can be worked on, background work waits.

use serde::{Deserialize, Serialize};

use super::{
    event::{Digest, Source},
    id::{AssessmentId, CaseId, DatasetId, EventId, JobId},
    time::At,
};
use crate::limits;

/// What a job works through, in order. Each step's result is kept, so work resumes at the step it was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Bytes to text with layout.
    Document,
    /// Text to notices.
    Reading,
    /// Notices to cases.
    Case,
    /// Parts to the factory's items.
    Match,
    /// Cases to assessments.
    Impact,
}

impl Step {
    pub const ALL: [Step; 5] = [Step::Document, Step::Reading, Step::Case, Step::Match, Step::Impact];

    pub fn next(self) -> Option<Step> {
        Step::ALL.into_iter().find(|step| *step > self)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Step::Document => "document",
            Step::Reading => "reading",
            Step::Case => "case",
            Step::Match => "match",
            Step::Impact => "impact",
        }
    }
}

impl std::str::FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Step, String> {
        Step::ALL
            .into_iter()
            .find(|step| step.as_str() == text)
            .ok_or_else(|| format!("'{text}' is not a step: one of document, reading, case, match, impact"))
    }
}

/// How many jobs may be in each step at the same time; a step that is not named takes as many as there are workers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtOnce(pub std::collections::BTreeMap<Step, u32>);

impl AtOnce {
    pub fn of(&self, step: Step) -> Option<u32> {
        self.0.get(&step).copied()
    }
}

/// Who waits for a job; the smaller goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// A person asked for this one and waits.
    Asked,
    /// A notice arrived.
    Arrived,
    /// Nobody waits: replays of many, open cases after another dataset came into force.
    Background,
}

impl Priority {
    pub const ALL: [Priority; 3] = [Priority::Asked, Priority::Arrived, Priority::Background];
}

/// What a replay holds fast instead of what is in force. A job with pins asks "what if": its assessments stand beside the others and it changes no case, so
/// the case's headline stays that of the newest job without pins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pins {
    pub dataset: Option<DatasetId>,
    /// SHA-256 of the model file, in lower-case hexadecimal.
    pub model: Option<String>,
}

impl Pins {
    pub fn is_empty(&self) -> bool {
        *self == Pins::default()
    }
}

/// What a job is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Event(EventId),
    /// Match and assess a case again: the dataset changed, a person asked, or the case was made by hand.
    Case(CaseId),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Subject::Event(id) => id.fmt(f),
            Subject::Case(id) => id.fmt(f),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Ready,
    /// Not before `due`; the reason is a failed attempt's error, a step's wish to wait, or that it was asked for later.
    Scheduled {
        due: At,
        reason: String,
    },
    Leased {
        epoch: u64,
        until: At,
    },
    Review {
        reason: String,
    },
    Done,
    Dead {
        reason: String,
    },
    Cancelled {
        reason: String,
    },
}

impl JobState {
    /// Every name, in the order of the variants.
    pub const NAMES: [&str; 7] = ["ready", "scheduled", "leased", "review", "done", "dead", "cancelled"];

    pub fn name(&self) -> &'static str {
        match self {
            JobState::Ready => "ready",
            JobState::Scheduled { .. } => "scheduled",
            JobState::Leased { .. } => "leased",
            JobState::Review { .. } => "review",
            JobState::Done => "done",
            JobState::Dead { .. } => "dead",
            JobState::Cancelled { .. } => "cancelled",
        }
    }

    /// Whether `to` may follow; the table behind the picture above.
    pub fn may_become(&self, to: &JobState) -> bool {
        use JobState::{Cancelled, Dead, Done, Leased, Ready, Review, Scheduled};
        matches!(
            (self, to),
            (Ready, Leased { .. })
                | (Scheduled { .. } | Review { .. } | Dead { .. } | Leased { .. }, Ready)
                | (Leased { .. }, Leased { .. } | Scheduled { .. } | Review { .. } | Done | Dead { .. })
                | (Ready | Scheduled { .. } | Leased { .. } | Review { .. } | Dead { .. }, Cancelled { .. })
        )
    }

    /// Nothing follows by itself.
    pub fn is_settled(&self) -> bool {
        !matches!(self, JobState::Ready | JobState::Scheduled { .. } | JobState::Leased { .. })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    pub at: At,
    pub step: Step,
    pub attempt: u32,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub subject: Subject,
    pub source: Source,
    pub priority: Priority,
    pub pins: Pins,
    pub step: Step,
    pub state: JobState,
    /// Raised by every claim.
    pub epoch: u64,
    /// Failed attempts of the present step.
    pub attempts: u32,
    /// Times that its holder was gone in the present step: the process ended, or let the lease lapse. Nobody could say why, so it is no failed attempt; a job that
    /// ends every process that takes it up is given up all the same, after `limits::ORPHANED_MAX`.
    pub orphaned: u32,
    pub created_at: At,
    pub changed_at: At,
    /// Results of the steps done so far: the digest of each step's JSON, kept as a blob.
    pub results: Vec<(Step, Digest)>,
    pub cases: Vec<CaseId>,
    pub assessments: Vec<AssessmentId>,
    /// The newest errors, oldest first, at most `limits::JOB_ERRORS_KEPT_MAX`; the audit trail has every one.
    pub errors: Vec<JobError>,
}

impl Job {
    pub fn result(&self, step: Step) -> Option<Digest> {
        self.results.iter().rev().find(|(of, _)| *of == step).map(|(_, digest)| *digest)
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterError {
    RetryAt(At),
    GiveUp,
}

/// Retry as a pure function: doubling from `RETRY_FIRST_MS` to `RETRY_CAP_MS`, lengthened by up to a quarter by job and attempt so that a burst does not come
/// back as a burst, and `GiveUp` after `ATTEMPTS_MAX`. `attempts` counts the failed one.
pub fn after_error(now: At, job: JobId, attempts: u32) -> AfterError {
    if attempts >= limits::ATTEMPTS_MAX {
        return AfterError::GiveUp;
    }
    let doublings = attempts.saturating_sub(1).min(30);
    let delay = (limits::RETRY_FIRST_MS << doublings).min(limits::RETRY_CAP_MS);
    // Fibonacci hashing: neighbouring numbers fall far apart, and the same numbers always in the same place.
    let mixed = (job.0 ^ (u64::from(attempts) << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let spread = (mixed >> 33).cast_signed() % (delay / 4 + 1);
    AfterError::RetryAt(now.plus_ms(delay + spread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_back_off_and_end() {
        let delays: Vec<i64> = (1..limits::ATTEMPTS_MAX)
            .map(|attempts| match after_error(At(0), JobId(7), attempts) {
                AfterError::RetryAt(at) => at.0,
                AfterError::GiveUp => panic!("gave up at attempt {attempts}"),
            })
            .collect();
        assert!(delays.windows(2).all(|pair| pair[0] < pair[1]), "{delays:?}");
        assert_eq!(after_error(At(0), JobId(7), limits::ATTEMPTS_MAX), AfterError::GiveUp);
    }

    #[test]
    fn a_burst_does_not_come_back_as_a_burst() {
        let delay = limits::RETRY_FIRST_MS;
        let mut tenths = [0; 10];
        for job in 1..=1000 {
            let AfterError::RetryAt(At(at)) = after_error(At(0), JobId(job), 1) else { panic!("gave up at once") };
            assert!((delay..=delay + delay / 4).contains(&at), "job {job} comes back after {at} ms");
            tenths[usize::try_from((at - delay) * 10 / (delay / 4 + 1)).expect("tenth")] += 1;
        }
        assert!(tenths.iter().all(|jobs| (50..200).contains(jobs)), "{tenths:?}");
    }

    #[test]
    fn what_is_final_stays_final() {
        let done = JobState::Done;
        let cancelled = JobState::Cancelled { reason: String::new() };
        for to in [JobState::Ready, JobState::Leased { epoch: 1, until: At(1) }, JobState::Done, cancelled.clone()] {
            assert!(!done.may_become(&to));
            assert!(!cancelled.may_become(&to));
        }
    }
}
