//! The store beside a plain model of what it promises, through random acts of senders, workers and people, with ends of the process among them. The model does not say
//! which job a claim gives (that is the store's to choose) but whether it may: nobody of the same priority and source stood before it, and nobody of a better
//! priority was ready.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use lastbuy::{
    domain::{
        id::{CaseId, EventId, JobId},
        job::{JobState, Priority, Step},
        time::At,
    },
    limits,
    store::{Effects, Lease, Outcome, WriteError},
};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    engine::{Engine, Ours, without_forks},
    soak,
    victim::{SENDERS, arrival, body, effects},
};

/// Deliveries that differ, of each sender: few, so that repeats are common.
const DELIVERIES: u64 = 40;

#[derive(Debug, Clone)]
enum Act {
    Accept {
        sender: usize,
        number: u64,
    },
    Claim,
    Extend(usize),
    Advance(usize),
    Fail(usize),
    GiveUp(usize),
    Review(usize),
    Release(usize),
    /// Finishes under a lease that is over.
    Stale(usize),
    Resolve(usize),
    Cancel(usize),
    Replay {
        event: usize,
        from: usize,
    },
    /// Milliseconds pass.
    Wait(i64),
    Reopen,
    Crash,
}

fn acts() -> impl Strategy<Value = Act> {
    let which = 0..64_usize;
    prop_oneof![
        12 => (0..SENDERS, 0..DELIVERIES).prop_map(|(sender, number)| Act::Accept { sender, number }),
        14 => Just(Act::Claim),
        2 => which.clone().prop_map(Act::Extend),
        24 => which.clone().prop_map(Act::Advance),
        5 => which.clone().prop_map(Act::Fail),
        1 => which.clone().prop_map(Act::GiveUp),
        2 => which.clone().prop_map(Act::Review),
        2 => which.clone().prop_map(Act::Release),
        3 => which.clone().prop_map(Act::Stale),
        4 => which.clone().prop_map(Act::Resolve),
        1 => which.clone().prop_map(Act::Cancel),
        3 => (which, 0..5_usize).prop_map(|(event, from)| Act::Replay { event, from }),
        6 => prop_oneof![1..2000_i64, limits::LEASE_MS..limits::LEASE_MS * 2, limits::RETRY_CAP_MS..limits::RETRY_CAP_MS * 2].prop_map(Act::Wait),
        1 => Just(Act::Reopen),
        1 => Just(Act::Crash),
    ]
}

/// A job as the store must show it.
#[derive(Debug, Clone, PartialEq)]
struct Expected {
    source: String,
    priority: Priority,
    step: Step,
    state: JobState,
    epoch: u64,
    attempts: u32,
    orphaned: u32,
    errors: usize,
    cases: usize,
    assessments: usize,
    results: BTreeSet<Step>,
}

impl Expected {
    /// What is due, and what its holder left: the latter not without end.
    fn back_in_line(&mut self) {
        if matches!(self.state, JobState::Leased { .. }) {
            self.orphaned += 1;
            if self.orphaned == limits::ORPHANED_MAX {
                self.state = JobState::Dead { reason: "its holder was gone too often".to_owned() };
                return;
            }
        }
        self.state = JobState::Ready;
    }
}

struct Held<E> {
    engine: E,
    now: At,
    events: BTreeMap<(usize, u64), (EventId, JobId)>,
    jobs: BTreeMap<JobId, Expected>,
    leases: Vec<Lease>,
    /// Leases that are over.
    over: Vec<Lease>,
    cases: usize,
    assessments: usize,
    last_event: u64,
    last_job: u64,
}

type Kept = Result<(), TestCaseError>;

impl<E: Engine> Held<E> {
    fn new(engine: E) -> Held<E> {
        Held {
            engine,
            now: At(1_700_000_000_000),
            events: BTreeMap::new(),
            jobs: BTreeMap::new(),
            leases: Vec::new(),
            over: Vec::new(),
            cases: 0,
            assessments: 0,
            last_event: 0,
            last_job: 0,
        }
    }

    fn act(&mut self, act: &Act) -> Kept {
        match act {
            Act::Accept { sender, number } => self.accept(*sender, *number),
            Act::Claim => self.claim(),
            Act::Extend(at) => self.extend(*at),
            Act::Advance(at) => self.advance(*at),
            Act::Fail(at) => self.finish(*at, Outcome::Failed { error: "made to fail".to_owned() }),
            Act::GiveUp(at) => self.finish(*at, Outcome::Dead { reason: "hopeless".to_owned() }),
            Act::Review(at) => self.finish(*at, Outcome::Review { reason: "two dates".to_owned() }),
            Act::Release(at) => self.finish(*at, Outcome::Release),
            Act::Stale(at) => self.stale(*at),
            Act::Resolve(at) => self.settle(*at, JobState::Ready),
            Act::Cancel(at) => self.settle(*at, JobState::Cancelled { reason: "not wanted".to_owned() }),
            Act::Replay { event, from } => self.replay(*event, Step::ALL[*from]),
            Act::Wait(millis) => {
                self.now = self.now.plus_ms(*millis);
                Ok(())
            }
            Act::Reopen | Act::Crash => Ok(()),
        }
    }

    fn accept(&mut self, sender: usize, number: u64) -> Kept {
        let taken = self.engine.accept(arrival(sender, number), self.now).map_err(|error| TestCaseError::fail(error.to_string()))?;
        if let Some((event, _)) = self.events.get(&(sender, number)) {
            prop_assert!(taken.duplicate);
            prop_assert_eq!(taken.event, *event);
            return Ok(());
        }
        prop_assert!(!taken.duplicate);
        prop_assert!(taken.event.0 > self.last_event, "events are numbered in their order");
        self.last_event = taken.event.0;
        let job = taken.job.expect("a job");
        self.events.insert((sender, number), (taken.event, job));
        self.made(job)
    }

    /// A new job, as the store shows it, with what must be so of every new one.
    fn made(&mut self, id: JobId) -> Kept {
        let job = self.engine.job(id).expect("the job that was made");
        prop_assert!(id.0 > self.last_job);
        prop_assert_eq!((&job.state, job.epoch, job.attempts), (&JobState::Ready, 0, 0));
        self.last_job = id.0;
        let results = job.results.iter().map(|(step, _)| *step).collect();
        self.jobs.insert(
            id,
            Expected {
                source: job.source.to_string(),
                priority: job.priority,
                step: job.step,
                state: JobState::Ready,
                epoch: 0,
                attempts: 0,
                orphaned: 0,
                errors: 0,
                cases: job.cases.len(),
                assessments: 0,
                results,
            },
        );
        Ok(())
    }

    fn claim(&mut self) -> Kept {
        let claimed = self.engine.claim("model", self.now).map_err(|error| TestCaseError::fail(error.to_string()))?;
        self.overdue_join_the_line();
        let may = |job: &Expected| job.state == JobState::Ready;
        let Some(lease) = claimed else {
            let left: Vec<_> = self.jobs.iter().filter(|(_, job)| may(job)).collect();
            prop_assert!(left.is_empty(), "nothing was given out, and these could be: {:?}", left);
            return Ok(());
        };
        let id = lease.job.id;
        let job = self.jobs.get(&id).expect("a job that was made");
        prop_assert!(may(job), "{id} was given out as {:?}", job.state);
        for (other, before) in self.jobs.iter().filter(|(_, job)| job.state == JobState::Ready) {
            if job.state == JobState::Ready {
                prop_assert!(before.priority >= job.priority, "{other} of a better priority stood before {id}");
                prop_assert!(*other >= id || before.priority != job.priority || before.source != job.source, "{other} stood before {id}");
            }
        }
        let job = self.jobs.get_mut(&id).expect("it is there");
        prop_assert!(lease.epoch > job.epoch);
        let JobState::Leased { epoch, until } = &lease.job.state else { panic!("{:?}", lease.job.state) };
        prop_assert!(*until > self.now);
        prop_assert_eq!(*epoch, lease.epoch);
        job.epoch = lease.epoch;
        job.state = lease.job.state.clone();
        self.leases.push(lease);
        Ok(())
    }

    /// A claim first puts what is due and what was let lapse into the line.
    fn overdue_join_the_line(&mut self) {
        let mut overdue: Vec<(bool, At, JobId)> = Vec::new();
        for (id, job) in &self.jobs {
            match &job.state {
                JobState::Scheduled { due, .. } if *due <= self.now => overdue.push((false, *due, *id)),
                JobState::Leased { until, .. } if *until <= self.now => overdue.push((true, *until, *id)),
                _ => {}
            }
        }
        overdue.sort();
        for (_, _, id) in overdue.into_iter().take(limits::PROMOTED_PER_CLAIM_MAX) {
            self.jobs.get_mut(&id).expect("job").back_in_line();
            self.end_leases(|lease| lease.job.id == id);
        }
    }

    fn end_leases(&mut self, which: impl Fn(&Lease) -> bool) {
        let (over, on) = mem::take(&mut self.leases).into_iter().partition(which);
        self.leases = on;
        self.over.extend::<Vec<Lease>>(over);
    }

    fn extend(&mut self, at: usize) -> Kept {
        let Some(lease) = pick(&self.leases, at).cloned() else { return Ok(()) };
        self.engine.extend(&lease, self.now).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let shown = self.engine.job(lease.job.id).expect("job").state;
        prop_assert!(matches!(&shown, JobState::Leased { until, .. } if *until > self.now), "{shown:?}");
        self.jobs.get_mut(&lease.job.id).expect("job").state = shown;
        Ok(())
    }

    fn advance(&mut self, at: usize) -> Kept {
        let Some(lease) = pick(&self.leases, at).cloned() else { return Ok(()) };
        let id = lease.job.id;
        let mut brought = effects(&lease);
        // A job that begins behind the case step, or goes back to it, has its case already.
        if lease.job.step == Step::Case && !lease.job.cases.is_empty() {
            brought.cases.clear();
        }
        let (cases, assessments) = (brought.cases.len(), brought.assessments.len());
        let job =
            self.engine.finish(&lease, Outcome::Advance, brought, self.now).map_err(|error| TestCaseError::fail(error.to_string()))?.expect("job");
        let expected = self.jobs.get_mut(&id).expect("job");
        expected.results.insert(expected.step);
        (expected.cases, expected.assessments) = (expected.cases + cases, expected.assessments + assessments);
        (self.cases, self.assessments) = (self.cases + cases, self.assessments + assessments);
        (expected.attempts, expected.orphaned) = (0, 0);
        match expected.step.next() {
            Some(next) => {
                expected.step = next;
                prop_assert!(matches!(&job.state, JobState::Leased { epoch, .. } if *epoch == lease.epoch), "{:?}", job.state);
                expected.state = job.state.clone();
                self.leases.iter_mut().filter(|lease| lease.job.id == id).for_each(|lease| lease.job = job.clone());
            }
            None => {
                expected.state = JobState::Done;
                self.end_leases(|lease| lease.job.id == id);
            }
        }
        Ok(())
    }

    fn finish(&mut self, at: usize, outcome: Outcome) -> Kept {
        let Some(lease) = pick(&self.leases, at).cloned() else { return Ok(()) };
        let id = lease.job.id;
        let job =
            self.engine.finish(&lease, outcome.clone(), Effects::default(), self.now).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let state = job.expect("job").state;
        let expected = self.jobs.get_mut(&id).expect("job");
        match (&outcome, &state) {
            (Outcome::Failed { .. }, JobState::Scheduled { due, .. }) => {
                prop_assert!(*due > self.now && *due <= self.now.plus_ms(limits::RETRY_CAP_MS * 2), "a retry at {due:?}, now {:?}", self.now);
                prop_assert!(expected.attempts + 1 < limits::ATTEMPTS_MAX);
            }
            (Outcome::Failed { .. }, JobState::Dead { .. }) => prop_assert_eq!(expected.attempts + 1, limits::ATTEMPTS_MAX),
            (Outcome::Dead { .. }, JobState::Dead { .. })
            | (Outcome::Review { .. }, JobState::Review { .. })
            | (Outcome::Release, JobState::Ready) => {}
            other => prop_assert!(false, "{other:?}"),
        }
        if matches!(outcome, Outcome::Failed { .. }) {
            expected.attempts += 1;
            expected.errors = (expected.errors + 1).min(limits::JOB_ERRORS_KEPT_MAX);
        }
        expected.state = state;
        self.end_leases(|lease| lease.job.id == id);
        Ok(())
    }

    fn stale(&mut self, at: usize) -> Kept {
        let Some(lease) = pick(&self.over, at).cloned() else { return Ok(()) };
        let finished = self.engine.finish(&lease, Outcome::Advance, effects(&lease), self.now);
        prop_assert!(matches!(finished, Err(WriteError::Stale(_))), "{finished:?}");
        let extended = self.engine.extend(&lease, self.now);
        prop_assert!(matches!(extended, Err(WriteError::Stale(_))), "{extended:?}");
        Ok(())
    }

    fn settle(&mut self, at: usize, to: JobState) -> Kept {
        let ids: Vec<JobId> = self.jobs.keys().copied().collect();
        let Some(id) = pick(&ids, at).copied() else { return Ok(()) };
        let settled = self.engine.settle(id, to.clone(), self.now);
        let expected = self.jobs.get_mut(&id).expect("job");
        // Only its holder may hand a job back; a person may cancel it all the same, and what its holder finishes is then stale.
        let held = matches!(expected.state, JobState::Leased { .. });
        let may = expected.state.may_become(&to) && !(held && to == JobState::Ready);
        match settled {
            Ok(_) if may => {
                (expected.state, expected.attempts, expected.orphaned) = (to, 0, 0);
                self.end_leases(|lease| lease.job.id == id);
            }
            Err(WriteError::Refused(_)) if !may => {}
            other => prop_assert!(false, "{id}, {:?}, to {to:?}: {other:?}", expected.state),
        }
        Ok(())
    }

    fn replay(&mut self, at: usize, from: Step) -> Kept {
        let events: Vec<EventId> = self.events.values().map(|(event, _)| *event).collect();
        let Some(event) = pick(&events, at).copied() else { return Ok(()) };
        match self.engine.replay(event, from, self.now) {
            Ok(id) => self.made(id),
            // It takes the results of the steps before from an earlier job, which may not have them.
            Err(WriteError::Refused(why)) => {
                prop_assert!(from > Step::Document, "{why}");
                Ok(())
            }
            Err(error) => Err(TestCaseError::fail(error.to_string())),
        }
    }

    /// Ends the process, in order or not: nobody holds a lease any more.
    fn restarted(mut self, end: fn(E) -> E) -> Held<E> {
        self.engine = end(self.engine);
        self.over.append(&mut self.leases);
        self.jobs.values_mut().filter(|job| matches!(job.state, JobState::Leased { .. })).for_each(Expected::back_in_line);
        self
    }

    /// Everything there is, compared.
    fn compare(&self) -> Kept {
        prop_assert_eq!(self.engine.problems(), Vec::<String>::new());
        prop_assert_eq!(self.engine.sizes(), (self.events.len(), self.cases, self.assessments));
        for ((sender, number), (event, _)) in &self.events {
            prop_assert!(self.engine.body(*event) == Some(body(*sender, *number)), "the bytes of {event} are others");
        }
        for (id, expected) in &self.jobs {
            let job = self.engine.job(*id).expect("job");
            let shown = Expected {
                source: job.source.to_string(),
                priority: job.priority,
                step: job.step,
                // What is said about it is the store's.
                state: if matches!((&job.state, &expected.state), (JobState::Dead { .. }, JobState::Dead { .. })) {
                    expected.state.clone()
                } else {
                    job.state
                },
                epoch: job.epoch,
                attempts: job.attempts,
                orphaned: job.orphaned,
                errors: job.errors.len(),
                cases: job.cases.iter().collect::<BTreeSet<&CaseId>>().len(),
                assessments: job.assessments.len(),
                results: job.results.iter().map(|(step, _)| *step).collect(),
            };
            prop_assert_eq!(&shown, expected, "{}", id);
        }
        Ok(())
    }
}

fn pick<T>(from: &[T], at: usize) -> Option<&T> {
    if from.is_empty() { None } else { from.get(at % from.len()) }
}

/// In memory where that can be: what is held to the model is what is done, not how fast a disk syncs it.
fn memory_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("folder")
}

/// Holds an engine to the model through `cases` lives of up to `acts_max` acts each; returns how many acts were done.
pub fn hold<E: Engine>(cases: u32, acts_max: usize) -> usize {
    let done = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() });
    let lives = prop::collection::vec(acts(), acts_max * 9 / 10..acts_max);
    let held = runner.run(&lives, |life| {
        without_forks(|| {
            let folder = memory_folder();
            let mut held = Held::new(E::make(folder.path()));
            for act in &life {
                held.act(act)?;
                held = match act {
                    Act::Reopen => held.restarted(E::reopen),
                    Act::Crash => held.restarted(E::crash),
                    _ => held,
                };
                if matches!(act, Act::Reopen | Act::Crash) {
                    held.compare()?;
                }
                done.set(done.get() + 1);
            }
            held.compare()
        })
    });
    held.unwrap_or_else(|broken| panic!("{broken}"));
    done.get()
}

#[test]
fn the_store_is_what_a_plain_model_says() {
    let (cases, acts) = if soak() { (400, 500) } else { (24, 500) };
    let done = hold::<Ours>(cases, acts);
    assert!(done >= 10_000, "{done} acts");
    println!("{done} acts in {cases} lives");
}
