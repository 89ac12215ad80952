//! What the model asks of a store, so that another engine can be held to the same suite: implement `Engine` for it and call `model::hold`.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
};

use lastbuy::{
    domain::{
        event::Arrival,
        id::{EventId, JobId},
        job::{Job, JobState, Step, Subject},
        time::At,
    },
    store::{Accepted, Actor, Effects, Lease, Outcome, Store, WriteError},
};

use crate::victim::FORKING;

/// A durable log with a queue. Every call returns when its effect is durable.
pub trait Engine: Sized {
    /// A new and empty one in a folder.
    fn make(dir: &Path) -> Self;
    /// Ends in order and begins again over the same data.
    fn reopen(self) -> Self;
    /// Begins again over what a process killed at this moment would have left.
    fn crash(self) -> Self;
    fn accept(&self, arrival: Arrival, now: At) -> Result<Accepted, WriteError>;
    fn claim(&self, worker: &str, now: At) -> Result<Option<Lease>, WriteError>;
    fn extend(&self, lease: &Lease, now: At) -> Result<(), WriteError>;
    fn finish(&self, lease: &Lease, outcome: Outcome, effects: Effects, now: At) -> Result<Option<Job>, WriteError>;
    fn settle(&self, job: JobId, to: JobState, now: At) -> Result<Job, WriteError>;
    fn replay(&self, event: EventId, from: Step, now: At) -> Result<JobId, WriteError>;
    fn job(&self, id: JobId) -> Option<Job>;
    /// The bytes of an event.
    fn body(&self, id: EventId) -> Option<Vec<u8>>;
    /// Events, cases and assessments there are.
    fn sizes(&self) -> (usize, usize, usize);
    /// Problems it finds in itself.
    fn problems(&self) -> Vec<String>;
}

/// Ours.
pub struct Ours {
    store: Arc<Store>,
    dir: PathBuf,
}

impl Ours {
    fn open(dir: PathBuf) -> Ours {
        let store = Store::open(&dir).unwrap_or_else(|error| panic!("the store does not open: {error}"));
        Ours { store, dir }
    }

    fn actor() -> Actor {
        Actor("model".to_owned())
    }
}

/// Nobody may be started while a store is open in this process.
pub fn without_forks<T>(work: impl FnOnce() -> T) -> T {
    let _open = FORKING.read().unwrap_or_else(PoisonError::into_inner);
    work()
}

impl Engine for Ours {
    fn make(dir: &Path) -> Ours {
        Ours::open(dir.join("0"))
    }

    fn reopen(self) -> Ours {
        self.store.close().expect("close");
        let dir = self.dir.clone();
        drop(self);
        Ours::open(dir)
    }

    /// A killed process leaves the files as they are, without what it had in memory only: a copy of them, while nothing is under way, is that.
    fn crash(self) -> Ours {
        let number: u64 = self.dir.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok()).expect("a numbered folder");
        let next = self.dir.with_file_name((number + 1).to_string());
        crate::damage::copy(&self.dir, &next);
        let old = self.dir.clone();
        drop(self);
        std::fs::remove_dir_all(old).expect("remove");
        Ours::open(next)
    }

    fn accept(&self, arrival: Arrival, now: At) -> Result<Accepted, WriteError> {
        self.store.accept(arrival, now)
    }

    fn claim(&self, worker: &str, now: At) -> Result<Option<Lease>, WriteError> {
        self.store.claim(worker, now)
    }

    fn extend(&self, lease: &Lease, now: At) -> Result<(), WriteError> {
        self.store.extend(lease, now)
    }

    fn finish(&self, lease: &Lease, outcome: Outcome, effects: Effects, now: At) -> Result<Option<Job>, WriteError> {
        self.store.finish(lease, outcome, effects, now).map(|written| written.job)
    }

    fn settle(&self, job: JobId, to: JobState, now: At) -> Result<Job, WriteError> {
        self.store.settle(job, to, None, &Ours::actor(), now)
    }

    fn replay(&self, event: EventId, from: Step, now: At) -> Result<JobId, WriteError> {
        self.store.enqueue(Subject::Event(event), from, &Ours::actor(), now)
    }

    fn job(&self, id: JobId) -> Option<Job> {
        self.store.job(id).expect("job")
    }

    fn body(&self, id: EventId) -> Option<Vec<u8>> {
        let event = self.store.event(id).expect("event")?;
        self.store.blob(event.body).expect("body")
    }

    fn sizes(&self) -> (usize, usize, usize) {
        let rows = 1000;
        let assessments = self.store.assessments(None, None, rows).expect("assessments").len();
        (self.store.events(None, rows).expect("events").len(), self.store.cases(None, rows).expect("cases").len(), assessments)
    }

    fn problems(&self) -> Vec<String> {
        self.store.check(true).expect("check").problems
    }
}
