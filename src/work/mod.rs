//! The loop: claims jobs one after another and takes each through its steps, committing every step's result before the next begins. Only the store decides
//! who may work (leases with epochs); a worker that was overtaken drops what it has and goes on.
//!
//! Woken by commits of the store and by the next retry that is due. Stopped between steps: a job in hand is handed back unharmed.

mod assess;
mod backups;
mod case;
mod document;
mod model;
mod parts;
mod read;
mod retain;
mod sweep;

pub use backups::{Schedule, back_up, scheduled};
pub use model::Models;
pub use read::{Knowledge, site_knowledge};
pub use retain::retain;
pub use sweep::Swept;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::civil::Date;

use crate::{
    clock,
    datasets::{Datasets, Opened},
    document::Extractor,
    domain::{
        event::{Digest, Event},
        job::{Job, JobState, Step, Subject},
        time::At,
    },
    limits, meter,
    store::{Effects, Lease, Outcome, Store, WriteError},
};

/// Tells the workers to stop; cheap to ask.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    pub fn now(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The loop cannot go on; the process must end.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error("the store takes no more writes: {0}")]
    Store(WriteError),
}

/// What a step comes to, before it is committed.
struct Done {
    outcome: Outcome,
    effects: Effects,
}

impl Done {
    fn advance(effects: Effects) -> Done {
        Done { outcome: Outcome::Advance, effects }
    }

    fn result(result: Vec<u8>) -> Done {
        Done::advance(Effects { result: Some(result), ..Effects::default() })
    }

    fn dead(reason: impl Into<String>) -> Done {
        Done { outcome: Outcome::Dead { reason: reason.into() }, effects: Effects::default() }
    }

    fn wait(ms: i64, reason: &str) -> Done {
        Done { outcome: Outcome::Snooze { until: now().plus_ms(ms), reason: reason.to_owned() }, effects: Effects::default() }
    }

    fn failed(error: impl std::fmt::Display) -> Done {
        let mut error = error.to_string();
        error.truncate(error.floor_char_boundary(limits::ERROR_BYTES_MAX));
        Done { outcome: Outcome::Failed { error }, effects: Effects::default() }
    }
}

/// Everything the steps need. Shared by the workers.
pub struct Worker {
    pub store: Arc<Store>,
    pub datasets: Arc<Datasets>,
    pub extractor: Extractor,
    pub models: Models,
    /// The day figures are computed for; `None` is the day of the clock.
    pub as_of: Option<Date>,
    pub knowledge: Knowledge,
    pub swept: Swept,
}

impl Worker {
    /// Works until told to stop. `name` tells workers apart in the log.
    pub fn run(&self, name: &str, stop: &Stop, runtime: &tokio::runtime::Handle) -> Result<(), WorkError> {
        let mut seen = 0;
        while !stop.asked() {
            self.sweep()?;
            if self.work_one(name, stop)? {
                continue;
            }
            let wait = Duration::from_millis(limits::WORK_WAIT_MS_MAX);
            seen = runtime.block_on(async { tokio::time::timeout(wait, self.store.changed(seen)).await }).unwrap_or(seen);
        }
        Ok(())
    }

    /// Works on one job until it is done, waits, or the loop is told to stop. `false`: there was none.
    pub fn work_one(&self, name: &str, stop: &Stop) -> Result<bool, WorkError> {
        let Some(mut lease) = go_on(self.store.claim(name, now()))?.flatten() else { return Ok(false) };
        loop {
            if stop.asked() {
                go_on(self.store.finish(&lease, Outcome::Release, Effects::default(), now()))?;
                return Ok(true);
            }
            let step = lease.job.step;
            let began = Instant::now();
            let done = self.with_heartbeat(&lease, || self.step(&lease.job));
            told(&lease.job, step, &done.outcome, began.elapsed());
            let advances = matches!(done.outcome, Outcome::Advance);
            match self.store.finish(&lease, done.outcome, done.effects, now()) {
                Ok(written) => match written.job {
                    Some(job) if advances && matches!(job.state, JobState::Leased { .. }) => lease.job = job,
                    _ => return Ok(true),
                },
                // Another worker has the job now, or a case changed under this step: the first ends our part, the second means to look again.
                Err(WriteError::Stale(why)) => match self.still_ours(&lease) {
                    Some(job) => {
                        tracing::debug!(job = %job.id, step = step.as_str(), why, "looking again");
                        lease.job = job;
                    }
                    None => return Ok(true),
                },
                Err(error) => {
                    go_on::<()>(Err(error))?;
                    return Ok(true);
                }
            }
        }
    }

    fn still_ours(&self, lease: &Lease) -> Option<Job> {
        let job = self.store.job(lease.job.id).ok().flatten()?;
        (job.epoch == lease.epoch && matches!(job.state, JobState::Leased { .. })).then_some(job)
    }

    /// Runs a step while another thread keeps the lease: a long reading must not look like a dead worker.
    fn with_heartbeat(&self, lease: &Lease, step: impl FnOnce() -> Done) -> Done {
        let (over, is_over) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let pause = Duration::from_millis(limits::LEASE_MS.unsigned_abs() / 3);
                while is_over.recv_timeout(pause) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    if let Err(error) = self.store.extend(lease, now()) {
                        tracing::warn!(job = %lease.job.id, %error, "the lease could not be kept");
                        return;
                    }
                }
            });
            let done = step();
            drop(over);
            done
        })
    }

    fn step(&self, job: &Job) -> Done {
        // A panic is a failed attempt: were it to end the process, the same notice would end it again after each start.
        let result = std::panic::catch_unwind(AssertUnwindSafe(|| match job.step {
            Step::Document => self.document_step(job),
            Step::Reading => self.reading_step(job),
            Step::Case => self.case_step(job),
            Step::Match => self.match_step(job),
            Step::Impact => self.impact_step(job),
        }));
        result.unwrap_or_else(|_| Err(format!("step {} panicked; its message is in the log", job.step.as_str()))).unwrap_or_else(Done::failed)
    }

    /// The event a job is about.
    fn event(&self, job: &Job) -> Result<Event, String> {
        let Subject::Event(id) = job.subject else { return Err(format!("job {} is about a case and has no event to read", job.id)) };
        self.store.event(id).map_err(|error| error.to_string())?.ok_or_else(|| format!("event {id} is not in the log"))
    }

    /// The dataset a job works on: the pinned one, or the one in force.
    fn dataset(&self, job: &Job) -> Result<Option<Opened>, String> {
        match job.pins.dataset {
            Some(id) => match self.datasets.get(id).map_err(|error| error.to_string())? {
                Some(opened) => Ok(Some(opened)),
                None => Err(format!("dataset {id}, to which the replay is pinned, is not in the store")),
            },
            None => self.datasets.active().map_err(|error| error.to_string()),
        }
    }

    /// An earlier step's result.
    fn earlier<T: serde::de::DeserializeOwned>(&self, job: &Job, step: Step) -> Result<T, String> {
        let digest = job.result(step).ok_or_else(|| format!("job {} has no result of step {}: replay it from there", job.id, step.as_str()))?;
        self.result(digest, step)
    }

    fn result<T: serde::de::DeserializeOwned>(&self, digest: Digest, step: Step) -> Result<T, String> {
        let bytes = self.store.blob(digest).map_err(|error| error.to_string())?.ok_or_else(|| format!("blob {digest} is missing"))?;
        serde_json::from_slice(&bytes).map_err(|error| format!("the result of step {} cannot be read back: {error}", step.as_str()))
    }

    /// The day figures are computed for.
    pub fn as_of(&self) -> Date {
        self.as_of.unwrap_or_else(|| now().date())
    }
}

/// One line a step, by which a notice is followed from its arrival to its assessment: the event (or case) and the job stand in each.
fn told(job: &Job, step: Step, outcome: &Outcome, took: Duration) {
    let outcome = match outcome {
        Outcome::Advance => "done",
        Outcome::Review { .. } => "review",
        Outcome::Failed { .. } => "failed",
        Outcome::Snooze { .. } => "snoozed",
        Outcome::Dead { .. } => "dead",
        Outcome::Release => "released",
    };
    meter::step(step.as_str(), outcome, took);
    let subject = match job.subject {
        Subject::Event(id) => id.to_string(),
        Subject::Case(id) => id.to_string(),
    };
    tracing::info!(subject, job = %job.id, step = step.as_str(), outcome, ms = took.as_millis(), "a step ended");
}

fn now() -> At {
    At(clock::now_ms())
}

fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|error| format!("a step's result cannot be written: {error}"))
}

/// Sorts what ends the loop from what does not: a poisoned store ends it, a busy or stale one is met again on the next round.
fn go_on<T>(result: Result<T, WriteError>) -> Result<Option<T>, WorkError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error @ WriteError::Poisoned(_)) => Err(WorkError::Store(error)),
        Err(error) => {
            tracing::warn!(%error, "a write was not done");
            Ok(None)
        }
    }
}
