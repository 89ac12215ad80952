//! STUB of the store's public face. See the brief.
use std::{path::Path, sync::Arc};

use jiff::civil::Date;

use crate::domain::{
    case::{AssessmentRow, Case, DatasetRow, Headline},
    event::{Arrival, Digest, Event, Source},
    id::{AssessmentId, CaseId, DatasetId, EventId, JobId},
    job::{Job, JobState, Step, Subject},
    time::At,
};

/// The store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{0}")]
    Other(String),
}

/// A write was not done. Nothing of it is in the log.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The writer's queue or the disk is full: later again (HTTP 503 with Retry-After).
    #[error("{0}")]
    Busy(String),
    /// The lease's epoch is not the present one, the case changed meanwhile, a key is taken: nothing was done, look again.
    #[error("{0}")]
    Stale(String),
    /// The state does not allow it.
    #[error("{0}")]
    Refused(String),
    /// The store is poisoned after a failed sync; the process must end.
    #[error("{0}")]
    Poisoned(String),
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(pub String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    pub event: EventId,
    /// `None` for an ignored arrival.
    pub job: Option<JobId>,
    pub duplicate: bool,
}

/// A job held under a lease.
#[derive(Debug, Clone)]
pub struct Lease {
    pub job: Job,
    pub epoch: u64,
}

/// What happens to the job when a step ends.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The step is done: go on with the next one under the same lease, or be done after the last.
    Advance,
    /// A person must look first. When resolved, the job goes on with the step after the present one.
    Review { reason: String },
    /// The attempt failed; the store applies `job::after_error`.
    Failed { error: String },
    /// It can never succeed.
    Dead { reason: String },
    /// Hand back unharmed (shutdown): ready again, no attempt counted.
    Release,
}

/// What a step brought, committed in one transaction with its outcome.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    /// The step's result, JSON, kept as a blob and named in `Job::results`.
    pub result: Option<Vec<u8>>,
    /// New cases (their `id` is ignored; the store gives one) and changed ones.
    pub cases: Vec<CaseWrite>,
    pub assessments: Vec<NewAssessment>,
}

#[derive(Debug, Clone)]
pub enum CaseWrite {
    New(Case),
    /// Refused as stale unless the stored case's `changed_at` is still `expected`.
    Change {
        case: Case,
        expected: At,
    },
}

#[derive(Debug, Clone)]
pub struct NewAssessment {
    pub case: CaseId,
    pub dataset: DatasetId,
    pub as_of: Date,
    pub headline: Headline,
    /// JSON of the assessment.
    pub body: Vec<u8>,
}

/// Ids given to what a write brought, in its order.
#[derive(Debug, Clone, Default)]
pub struct Written {
    pub job: Option<Job>,
    pub cases: Vec<CaseId>,
    pub assessments: Vec<AssessmentId>,
}

#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// State names; empty is all.
    pub states: Vec<String>,
    pub source: Option<Source>,
    pub subject: Option<Subject>,
}

/// An act of a person or a client on the log, for the audit trail.
#[derive(Debug, Clone)]
pub struct Actor(pub String);

pub struct Store;

impl Store {
    pub fn open(_dir: &Path) -> Result<Arc<Store>, OpenError> {
        todo!()
    }

    // ---- writes: each returns when it is durable. They block; from async code call through `spawn_blocking` or use the `_async` form. ----

    pub fn accept(&self, _arrival: Arrival, _now: At) -> Result<Accepted, WriteError> {
        todo!()
    }
    pub async fn accept_async(&self, _arrival: Arrival, _now: At) -> Result<Accepted, WriteError> {
        todo!()
    }
    /// A job about a case, or again about an event from `from` on, reusing the results of the steps before it.
    pub fn enqueue(&self, _subject: Subject, _from: Step, _by: &Actor, _now: At) -> Result<JobId, WriteError> {
        todo!()
    }
    /// The next job that is ready (or scheduled and due, or whose lease lapsed), or `None`.
    pub fn claim(&self, _worker: &str, _now: At) -> Result<Option<Lease>, WriteError> {
        todo!()
    }
    pub fn extend(&self, _lease: &Lease, _now: At) -> Result<(), WriteError> {
        todo!()
    }
    pub fn finish(&self, _lease: &Lease, _outcome: Outcome, _effects: Effects, _now: At) -> Result<Written, WriteError> {
        todo!()
    }
    /// A person's act on a job: `Ready` resolves a review (with the corrected step result) or retries a dead one; `Cancelled` cancels.
    pub fn settle(&self, _job: JobId, _to: JobState, _corrected: Option<Vec<u8>>, _by: &Actor, _now: At) -> Result<Job, WriteError> {
        todo!()
    }
    pub fn put_case(&self, _write: CaseWrite, _by: &Actor, _now: At) -> Result<CaseId, WriteError> {
        todo!()
    }
    /// Records an imported dataset (its file is in `datasets_dir`, already synced).
    pub fn add_dataset(&self, _row: DatasetRow, _by: &Actor, _now: At) -> Result<DatasetId, WriteError> {
        todo!()
    }
    pub fn activate_dataset(&self, _id: DatasetId, _by: &Actor, _now: At) -> Result<(), WriteError> {
        todo!()
    }

    // ---- reads ----

    pub fn event(&self, _id: EventId) -> Result<Option<Event>, ReadError> {
        todo!()
    }
    /// Newest first, from `before` (exclusive) on.
    pub fn events(&self, _before: Option<EventId>, _limit: usize) -> Result<Vec<Event>, ReadError> {
        todo!()
    }
    pub fn job(&self, _id: JobId) -> Result<Option<Job>, ReadError> {
        todo!()
    }
    pub fn jobs(&self, _filter: &JobFilter, _before: Option<JobId>, _limit: usize) -> Result<Vec<Job>, ReadError> {
        todo!()
    }
    /// Jobs by state name.
    pub fn job_counts(&self) -> Result<std::collections::BTreeMap<String, u64>, ReadError> {
        todo!()
    }
    pub fn case(&self, _id: CaseId) -> Result<Option<Case>, ReadError> {
        todo!()
    }
    pub fn cases(&self, _before: Option<CaseId>, _limit: usize) -> Result<Vec<Case>, ReadError> {
        todo!()
    }
    pub fn case_by_key(&self, _key: &str) -> Result<Option<CaseId>, ReadError> {
        todo!()
    }
    pub fn assessment(&self, _id: AssessmentId) -> Result<Option<AssessmentRow>, ReadError> {
        todo!()
    }
    pub fn assessments(&self, _case: Option<CaseId>, _before: Option<AssessmentId>, _limit: usize) -> Result<Vec<AssessmentRow>, ReadError> {
        todo!()
    }
    pub fn datasets(&self) -> Result<Vec<DatasetRow>, ReadError> {
        todo!()
    }
    pub fn active_dataset(&self) -> Result<Option<DatasetRow>, ReadError> {
        todo!()
    }
    /// Bytes of a body or a result, checked against its digest.
    pub fn blob(&self, _digest: Digest) -> Result<Option<Vec<u8>>, ReadError> {
        todo!()
    }
    /// Where dataset files live.
    pub fn datasets_dir(&self) -> std::path::PathBuf {
        todo!()
    }
    /// Waits until something was committed after `seen` (a commit counter), and returns the new counter.
    pub async fn changed(&self, _seen: u64) -> u64 {
        todo!()
    }
    /// Log, blobs and projections verified; sentences of what is wrong. `deep` rebuilds the projections and compares.
    pub fn check(&self, _deep: bool) -> Result<Check, ReadError> {
        todo!()
    }
    /// Every record committed is durable; the writer stops; the lock is released.
    pub fn close(&self) -> Result<(), WriteError> {
        todo!()
    }
}

#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Check {
    pub records: u64,
    pub blobs: u64,
    pub problems: Vec<String>,
}
