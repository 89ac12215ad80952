//! The store: one ordered log that everything else is a projection of, and the queue of work on what arrived.
//!
//! # What an acknowledgement means
//! A write that returned `Ok` is on the medium: its records and the bodies they name were appended to the log in one write, and `fdatasync` returned. It then
//! survives a killed process and a power cut, provided the medium keeps what `fdatasync` returned for. A write that returned an error is not in the log; one whose
//! process was killed before it returned is there whole or not at all. Nothing else has to survive: the projections in sled are brought after the log by a thread
//! of their own, readers see what is not there yet over what is (`view`), and they are made anew where they cannot be believed (`project`).
//!
//! - *Killed process:* the next opening cuts off a group that was not whole, which nobody was told of, applies what sled lacks, and puts jobs that were held back
//!   to ready.
//! - *Power cut:* the same, and the projections are made anew from the log, because nothing of sled's is synced while it works.
//! - *Full disk:* while less than `limits::DISK_RESERVE_BYTES` is free, arrivals are refused as busy; work in hand goes on and reads are served.
//! - *Failing disk:* after the first failed write or sync the store is poisoned: nothing more is written, every waiter is told, and the process must end. A sync is
//!   never tried again, because the kernel may have dropped what could not be written. A read that fails is an error, never the end of the log.
//! - *Compaction, upgrade, restore:* the new log is whole and on the medium before it takes the place of the present one; killed at any point, the next opening
//!   finds the one or the other (`swap`).
//! - *Retention:* records are never removed; bodies are, when no record needs them (`retain`, `needed`, `garbage`).
//! - *Damage:* a log that ends before what was acknowledged or applied, or has a broken group before a whole one, is refused and not touched; every group and record
//!   has a checksum and a link, every body its BLAKE3, looked at whenever it is read; `check` looks at all of them and makes the projections anew to compare.
//!   Damage to sled's files costs the time of making them anew and no data; they are kept aside for a person to look at.
//!
//! # On disk
//! ```text
//! <data-dir>/lock       held exclusively while open        <data-dir>/format     "lastbuy store 1"; a newer one is refused and not touched
//! <data-dir>/log/       records and bodies, see `log`      <data-dir>/datasets/  one file each, written by `factory`
//! <data-dir>/db/        sled 0.34.7: the queue and every index; its trees are listed in `trees`, what it holds follows from the log
//! <data-dir>/rebuilt/, replaced/, swap, check/             only while the store is compacted, upgraded, restored or checked, see `swap`
//! <data-dir>/db.damaged-<time>/                            the last database that was of no use, kept for a person to look at
//! ```
//! Records are bincode in an envelope, see `codec` and `record`. Rows of sled hold places in the log, numbers, or nothing.
//!
//! # Who may do what
//! One thread appends to the log (`writer`), in groups, one brings sled after it (`project`); everybody may read. Workers `claim` a job for a time under an epoch
//! and `finish` each step under it; a finish with an older epoch is refused, so the effects of a step happen once. `act` holds what each write does, `queue` who
//! gets which job, `outbox` what people are told, `order` what is asked for again, `keys` how long a delivery is known, `draft` the state each is prepared against and what a record changes.
//! `audit` tells the log as who did what.

mod access;
mod act;
mod audit;
mod backup;
mod check;
mod codec;
mod compact;
mod decision;
mod digest;
mod draft;
mod failpoint;
mod garbage;
mod keyed;
mod keys;
mod log;
mod needed;
mod open;
mod order;
mod outbox;
mod project;
mod queue;
mod read;
mod record;
mod records;
mod restore;
mod retain;
mod review;
mod rewrite;
mod scenario;
mod slots;
mod space;
mod state;
mod swap;
mod told;
mod trees;
mod upgrade;
mod view;
mod writer;

pub use access::{NewToken, UserChange};
pub use backup::{BackupError, Manifest, inspect};
pub use compact::{CompactError, Compacted};
pub use garbage::Collected;
pub use keyed::Keyed;
pub use outbox::{Delivery, MessageFilter, MessageLease};
pub use read::KnownCases;
pub use restore::{Restored, restore};
pub use retain::{Expirable, Expiring, Hold, Kept, Retention};
pub use review::Reviewed;
pub use scenario::KeptScenario;
pub use space::Growth;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::civil::Date;

use self::{
    act::Halt,
    draft::Draft,
    open::Layout,
    project::Projector,
    writer::{Shared, Writer},
};
pub use self::{
    audit::{AuditCheck, AuditEntry, AuditFilter, AuditFrom, AuditPage, BrokenLink, SealedEntry},
    order::Order,
};
use crate::{
    domain::{
        case::{Case, DatasetRow, Headline},
        event::{Arrival, Digest, Source},
        id::{AssessmentId, CaseId, DatasetId, EventId, JobId},
        job::{AtOnce, Job, JobState, Subject},
        rule::Rules,
        time::At,
    },
    limits,
};

/// The store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("another process uses {path}; stop it, or name another data directory")]
    InUse { path: PathBuf },
    #[error("{path} was written in format {theirs}, this program knows up to {ours}; nothing was touched. Use the newer program")]
    Format { path: PathBuf, theirs: u16, ours: u16 },
    #[error("{path} was written in format {theirs} and cannot be upgraded to {ours}: {why}; the store is as it was")]
    Upgrade { path: PathBuf, theirs: u16, ours: u16, why: String },
    #[error("the store in {path} is damaged: {why}")]
    Damaged { path: PathBuf, why: String },
    #[error("{path}: {what}: {source}")]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
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
    /// Who holds it.
    pub worker: String,
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
    /// Not before this moment, with no attempt counted; between `limits::SNOOZE_MS_MIN` and `SNOOZE_MS_MAX` from now.
    Snooze { until: At, reason: String },
    /// It can never succeed.
    Dead { reason: String },
    /// Hand back unharmed (shutdown): ready again, no attempt counted.
    Release,
}

/// What a step brought, committed in one transaction with its outcome.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    /// The step's result, JSON, kept as a body and named in `Job::results`.
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

/// What the site decides about the store.
#[derive(Debug, Clone)]
pub struct Options {
    pub at_once: AtOnce,
    /// Days for which a delivery is known again by its key.
    pub keys_kept_days: u32,
    /// Who is told of what.
    pub rules: Rules,
}

impl Default for Options {
    fn default() -> Options {
        Options { at_once: AtOnce::default(), keys_kept_days: limits::KEYS_KEPT_DAYS, rules: Rules::default() }
    }
}

#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// State names; empty is all.
    pub states: Vec<String>,
    pub source: Option<Source>,
    pub subject: Option<Subject>,
}

/// Who acts, for the audit trail: `uid:1000`, `system: …`.
#[derive(Debug, Clone)]
pub struct Actor(pub String);

/// What `Store::check` found.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Check {
    pub records: u64,
    pub blobs: u64,
    /// Sentences; empty is good.
    pub problems: Vec<String>,
}

/// How far long work has come, in what it counts.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub what: &'static str,
    pub done: u64,
    pub total: u64,
}

pub struct Store {
    shared: Arc<Shared>,
    /// `None` once closed.
    writer: Mutex<Option<(Writer, Projector, File)>>,
    dir: PathBuf,
    datasets_dir: PathBuf,
    space: Mutex<Space>,
    options: Options,
    /// Held by what must not meet another of its kind: backup, retention, garbage collection.
    upkeep: Mutex<()>,
}

/// Free space as it was last looked at.
struct Space {
    looked_at: At,
    free: u64,
}

impl Store {
    /// Opens or makes the store in a data directory and takes it for this process alone.
    pub fn open(dir: &Path) -> Result<Arc<Store>, OpenError> {
        Store::open_with(dir, Options::default())
    }

    pub fn open_with(dir: &Path, options: Options) -> Result<Arc<Store>, OpenError> {
        let opened = open::open(dir)?;
        // Set once, before anybody writes.
        let _ = opened.shared.rules.set(options.rules.clone());
        let failed = |what: &'static str, source: std::io::Error| OpenError::Io { what, path: dir.to_path_buf(), source };
        let writer = Writer::start(Arc::clone(&opened.shared), opened.log, opened.mark).map_err(|error| failed("the writer cannot start", error))?;
        let projector = Projector::start(Arc::clone(&opened.shared)).map_err(|error| failed("the projector cannot start", error))?;
        let store = Store {
            shared: opened.shared,
            writer: Mutex::new(Some((writer, projector, opened.lock))),
            dir: dir.to_path_buf(),
            datasets_dir: Layout::of(dir).datasets,
            space: Mutex::new(Space { looked_at: At(i64::MIN), free: u64::MAX }),
            options,
            upkeep: Mutex::new(()),
        };
        store.rescue().map_err(|why| OpenError::Damaged { path: dir.to_path_buf(), why })?;
        Ok(Arc::new(store))
    }

    fn rescue(&self) -> Result<(), String> {
        let filter = JobFilter { states: vec!["leased".to_owned()], ..JobFilter::default() };
        loop {
            let held = self.jobs(&filter, None, limits::LIST_ROWS_MAX).map_err(|error| error.to_string())?;
            if held.is_empty() {
                return self.rescue_messages(At(crate::clock::now_ms()));
            }
            let ids: Vec<JobId> = held.iter().map(|job| job.id).collect();
            tracing::info!(jobs = ids.len(), "jobs that were in hand when the last process ended are ready again");
            self.write(0, move |draft| queue::rescue(draft, ids, At(crate::clock::now_ms()))).map_err(|error| error.to_string())?;
        }
    }

    // ---- writes: each returns when it is durable. They block; async code uses `accept_async`, or `spawn_blocking`. ----

    fn send<T: Send + 'static>(
        &self,
        bytes: usize,
        act: impl FnOnce(&mut Draft<'_>) -> Result<T, Halt> + Send + 'static,
        answer: impl FnOnce(Result<T, WriteError>) + Send + 'static,
    ) -> Result<(), WriteError> {
        match self.writer.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some((writer, ..)) => writer.send(bytes, act, answer),
            None => Err(WriteError::Poisoned("the store is closed".to_owned())),
        }
    }

    /// A write that waits for its answer.
    fn write<T: Send + 'static>(&self, bytes: usize, act: impl FnOnce(&mut Draft<'_>) -> Result<T, Halt> + Send + 'static) -> Result<T, WriteError> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        // Nobody waits any more where the receiver is gone; the write is done all the same.
        self.send(bytes, act, move |result| drop(sender.send(result)))?;
        let answer = receiver.recv().unwrap_or_else(|_| Err(self.lost()));
        failpoint::pass("answered");
        answer
    }

    /// The writer dropped a command without an answer: it failed before.
    fn lost(&self) -> WriteError {
        WriteError::Poisoned(self.poisoned().unwrap_or_else(|| "the store's writer is gone".to_owned()))
    }

    /// Takes a delivery: bytes and event on disk, a job made. A repeat of a known delivery changes nothing and tells the first one's ids.
    pub fn accept(&self, arrival: Arrival, now: At) -> Result<Accepted, WriteError> {
        self.check_space(now)?;
        let (by, body) = (sender(&arrival), Digest::of(&arrival.body));
        self.write(arrival.body.len(), move |draft| act::accept(draft, arrival, body, &by, now))
    }

    /// The same without blocking; `by` is the person who handed it in, where one did.
    pub async fn accept_async(&self, arrival: Arrival, by: Option<Actor>, now: At) -> Result<Accepted, WriteError> {
        self.check_space(now)?;
        let (by, body) = (by.unwrap_or_else(|| sender(&arrival)), Digest::of(&arrival.body));
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.send(arrival.body.len(), move |draft| act::accept(draft, arrival, body, &by, now), move |result| drop(sender.send(result)))?;
        let answer = receiver.await.unwrap_or_else(|_| Err(self.lost()));
        failpoint::pass("answered");
        answer
    }

    fn check_space(&self, now: At) -> Result<(), WriteError> {
        let mut space = self.space.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0.saturating_sub(space.looked_at.0) >= limits::SPACE_LOOK_MS {
            let free = self.free_bytes().map_err(|error| WriteError::Busy(format!("free space of {} is not known: {error}", self.dir.display())))?;
            *space = Space { looked_at: now, free };
        }
        if space.free >= limits::DISK_RESERVE_BYTES {
            return Ok(());
        }
        let (free, reserve) = (space.free >> 20, limits::DISK_RESERVE_BYTES >> 20);
        Err(WriteError::Busy(format!(
            "only {free} MiB are free on {}, {reserve} are kept in reserve: nothing new is taken until there is more",
            self.dir.display()
        )))
    }

    /// Takes the turn of those whose work must not meet.
    fn upkeep(&self) -> Result<std::sync::MutexGuard<'_, ()>, WriteError> {
        match self.upkeep.try_lock() {
            Ok(alone) => Ok(alone),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => {
                Err(WriteError::Busy("a backup, retention or a garbage collection is at work; try again when it is done".to_owned()))
            }
        }
    }

    /// Keeps a lease for another `limits::LEASE_MS`.
    pub fn extend(&self, lease: &Lease, now: At) -> Result<(), WriteError> {
        let lease = lease.clone();
        self.write(0, move |draft| queue::extend(draft, &lease, now))
    }

    /// Ends a step: its outcome and all its effects, or nothing.
    pub fn finish(&self, lease: &Lease, outcome: Outcome, effects: Effects, now: At) -> Result<Written, WriteError> {
        failpoint::pass("finishing");
        let (lease, at_once) = (lease.clone(), self.options.at_once.clone());
        let bytes = effects.result.as_ref().map_or(0, Vec::len) + effects.assessments.iter().map(|new| new.body.len()).sum::<usize>();
        self.write(bytes, move |draft| act::finish(draft, &lease, outcome, effects, &at_once, now))
    }

    /// A person's act on a job: `Ready` resolves a review (with the corrected step result; without one the step is done again), retries a dead one, or does not
    /// wait for a scheduled one; `Cancelled` gives it up. A job in hand is cancelled too: what its worker finishes is then refused as stale.
    pub fn settle(&self, job: JobId, to: JobState, corrected: Option<Vec<u8>>, by: &Actor, now: At) -> Result<Job, WriteError> {
        let by = by.clone();
        self.write(corrected.as_ref().map_or(0, Vec::len), move |draft| act::settle(draft, job, to, corrected, &by, now))
    }

    pub fn put_case(&self, write: CaseWrite, by: &Actor, now: At) -> Result<CaseId, WriteError> {
        let by = by.clone();
        self.write(0, move |draft| act::put_case(draft, write, &by, now))
    }

    /// Records an imported dataset (its file is in `datasets_dir`, already synced).
    pub fn add_dataset(&self, row: DatasetRow, by: &Actor, now: At) -> Result<DatasetId, WriteError> {
        let by = by.clone();
        self.write(0, move |draft| act::add_dataset(draft, row, &by, now))
    }

    pub fn activate_dataset(&self, id: DatasetId, by: &Actor, now: At) -> Result<(), WriteError> {
        let by = by.clone();
        self.write(0, move |draft| act::activate_dataset(draft, id, &by, now))
    }

    /// Puts on record an act that changes nothing else in the store. `act` is what was acted on, a dot, what was done: `server.started`.
    pub fn note(&self, act: &str, object: &str, detail: &str, by: &Actor, now: At) -> Result<(), WriteError> {
        let (act, object, detail, by) = (act.to_owned(), object.to_owned(), detail.to_owned(), by.clone());
        self.write(0, move |draft| act::note(draft, act, object, detail, &by, now))
    }

    // ---- the store itself; what readers ask is in `read` and `check` ----

    /// Where dataset files live.
    pub fn datasets_dir(&self) -> PathBuf {
        self.datasets_dir.clone()
    }

    /// Why nothing more is written, once that is so.
    pub fn poisoned(&self) -> Option<String> {
        self.shared.poison.get().cloned()
    }

    /// Waits until something was committed after `seen` (a commit counter), and returns the new counter.
    pub async fn changed(&self, seen: u64) -> u64 {
        let mut commits = self.shared.commits.subscribe();
        // The sender lives as long as `shared`, so waiting cannot fail while `self` is here.
        commits.wait_for(|commits| *commits > seen).await.map_or(seen, |commits| *commits)
    }

    /// Every record committed is durable; the writer stops; the lock is released. What was written can still be read through this handle, so the database is let
    /// go with the last one only: another opening waits for that, and then says the directory is in use.
    pub fn close(&self) -> Result<(), WriteError> {
        self.close_keeping_lock().map(drop)
    }

    /// Closes; the data directory stays taken as long as the lock is kept. `None`: it was closed already.
    fn close_keeping_lock(&self) -> Result<Option<File>, WriteError> {
        let Some((writer, projector, lock)) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(None) };
        writer.close();
        projector.close(&self.shared, &Layout::of(&self.dir).db);
        self.poisoned().map_or(Ok(Some(lock)), |why| Err(WriteError::Poisoned(why)))
    }
}

/// Who hands in a delivery when no person does.
fn sender(arrival: &Arrival) -> Actor {
    Actor(format!("source:{}", arrival.source))
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the store was not closed in order");
        }
    }
}
