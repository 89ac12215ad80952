//! Work that is asked for: a replay of an event from any step, or of a case. It takes over what the steps before came to, and alters none of it.

use serde::{Deserialize, Serialize};

use super::{
    Actor, ReadError, Store, WriteError,
    act::{Done, Halt, append_job, new_job, refused},
    draft::Draft,
    record::Act,
    retain::gone,
};
use crate::{
    domain::{
        case::CaseState,
        event::Digest,
        id::{CaseId, EventId, JobId},
        job::{Job, JobState, Pins, Priority, Step, Subject},
        time::At,
    },
    limits,
};

/// What the jobs about an event came to: of each step the newest result that passed (a doubtful reading is not among them until a person resolved it), and the
/// cases the event joined. Jobs with pins add nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub results: Vec<(Step, Digest)>,
    pub cases: Vec<CaseId>,
}

impl Standing {
    pub fn result(&self, step: Step) -> Option<Digest> {
        self.results.iter().find(|(of, _)| *of == step).map(|(_, digest)| *digest)
    }

    /// Takes over what a job came to so far.
    pub fn take(&mut self, job: &Job) {
        let passed = |step: Step| step < job.step || job.state == JobState::Done;
        for (step, digest) in job.results.iter().filter(|(step, _)| passed(*step)) {
            self.results.retain(|(of, _)| of != step);
            self.results.push((*step, *digest));
        }
        self.results.sort();
        if passed(Step::Case) && !job.cases.is_empty() {
            self.cases.clone_from(&job.cases);
        }
    }
}

/// Work that is asked for.
#[derive(Debug, Clone)]
pub struct Order {
    pub subject: Subject,
    /// The results of the steps before it are taken over.
    pub from: Step,
    pub priority: Priority,
    /// Scheduled for then, where that is later than now.
    pub not_before: Option<At>,
    pub pins: Pins,
}

impl Order {
    /// At once, for a person who waits, on what is in force.
    pub fn now(subject: Subject, from: Step) -> Order {
        Order { subject, from, priority: Priority::Asked, not_before: None, pins: Pins::default() }
    }
}

impl Store {
    /// A job about a case, or again about an event from `from` on, reusing the results of the steps before it: at once, for a person who waits.
    pub fn enqueue(&self, subject: Subject, from: Step, by: &Actor, now: At) -> Result<JobId, WriteError> {
        let by = by.clone();
        self.write(0, move |draft| append(draft, &Order::now(subject, from), &by, now))
    }

    /// Many jobs, in the order asked for: each with its number, or with the reason why there is none. A write of `limits::ORDERS_PER_WRITE_MAX` of them is
    /// there whole or not at all.
    pub fn submit(&self, orders: &[Order], by: &Actor, now: At) -> Result<Vec<Result<JobId, String>>, WriteError> {
        let mut made = Vec::with_capacity(orders.len());
        for some in orders.chunks(limits::ORDERS_PER_WRITE_MAX) {
            let (some, by) = (some.to_vec(), by.clone());
            made.extend(self.write(0, move |draft| some.iter().map(|order| told(append(draft, order, &by, now))).collect::<Result<Vec<_>, _>>())?);
        }
        Ok(made)
    }

    /// Jobs for those of the cases that are open, have no statement of the dataset in force, and that no job at work or in line is going to give one. Looked at
    /// and made in one write, so that a case whose own job is on its way gets no second one.
    pub fn reassess(&self, cases: &[CaseId], by: &Actor, now: At) -> Result<Vec<JobId>, WriteError> {
        let mut made = Vec::new();
        for some in cases.chunks(limits::ORDERS_PER_WRITE_MAX) {
            let (some, by) = (some.to_vec(), by.clone());
            made.extend(self.write(0, move |draft| {
                let mut jobs = Vec::new();
                for case in some {
                    if is_due(draft, case)? {
                        let order = Order { priority: Priority::Background, ..Order::now(Subject::Case(case), Step::Match) };
                        jobs.push(append(draft, &order, &by, now)?);
                    }
                }
                Ok(jobs)
            })?);
        }
        Ok(made)
    }

    /// The job an order would come to, or the reason why there can be none. Writes nothing.
    pub fn plan(&self, order: &Order, now: At) -> Result<Result<Job, String>, ReadError> {
        told(plan(&self.shared.draft(), order, now)).map_err(|halt| match halt {
            Halt::Refused(error) => ReadError(error.to_string()),
            Halt::Broken(error) => ReadError(error.to_string()),
        })
    }
}

/// A refusal as its sentence; trouble stays trouble.
fn told<T>(done: Result<T, Halt>) -> Result<Result<T, String>, Halt> {
    match done {
        Ok(value) => Ok(Ok(value)),
        Err(Halt::Refused(WriteError::Refused(why) | WriteError::Stale(why))) => Ok(Err(why)),
        Err(halt) => Err(halt),
    }
}

fn is_due(draft: &Draft<'_>, id: CaseId) -> Done<bool> {
    let (Some(case), Some(active)) = (draft.case(id)?, draft.state.active) else { return Ok(false) };
    let latest = match case.latest {
        Some(latest) => draft.assessment(latest)?,
        None => None,
    };
    if case.state != CaseState::Open || latest.is_some_and(|row| row.dataset == active) {
        return Ok(false);
    }
    for subject in case.events.iter().map(|event| Subject::Event(*event)).chain([Subject::Case(id)]) {
        if draft.newest_job(subject)?.is_some_and(|job| !job.state.is_settled()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes the job and appends it.
fn append(draft: &mut Draft<'_>, order: &Order, by: &Actor, now: At) -> Done<JobId> {
    let job = plan(draft, order, now)?;
    let id = job.id;
    append_job(draft, job, Act::Made, &by.0, now)?;
    Ok(id)
}

/// The job an order comes to, or why there can be none.
fn plan(draft: &Draft<'_>, order: &Order, now: At) -> Done<Job> {
    if let Some(dataset) = order.pins.dataset
        && draft.dataset(dataset)?.is_none()
    {
        return refused(format!("dataset {dataset} is not in the store: `lastbuy data list` shows which are"));
    }
    if order.pins.model.is_some() && order.from > Step::Reading {
        return refused(format!(
            "a model is only asked when the notice is read again: replay from reading or document, not from {}",
            order.from.as_str()
        ));
    }
    let mut job = match order.subject {
        Subject::Event(id) => about_event(draft, id, order, now)?,
        Subject::Case(id) => about_case(draft, id, order, now)?,
    };
    job.pins = order.pins.clone();
    if let Some(due) = order.not_before
        && due > now
    {
        job.state = JobState::Scheduled { due, reason: "asked for later".to_owned() };
    }
    Ok(job)
}

fn about_event(draft: &Draft<'_>, id: EventId, order: &Order, now: At) -> Done<Job> {
    let Some(event) = draft.event(id)? else { return refused(format!("event {id} is not in the log")) };
    // What lies in quarantine is put to work when a person says so.
    if let Some(why) = event.ignored.as_ref().filter(|_| !event.is_quarantined()) {
        return refused(format!("event {id} is kept on record only: {why}"));
    }
    if let Some(at) = draft.expired(id)? {
        return refused(gone(id, at));
    }
    let standing = draft.standing(id)?;
    let (mut results, mut cases) = (Vec::new(), Vec::new());
    for step in Step::ALL.into_iter().filter(|step| *step < order.from) {
        match standing.result(step) {
            Some(digest) => results.push((step, digest)),
            // The case step's result is the list of cases.
            None if step == Step::Case && !standing.cases.is_empty() => {}
            None => return refused(format!("{id} has no result of step {} that passed: replay it from there or before", step.as_str())),
        }
        if step == Step::Case {
            cases.clone_from(&standing.cases);
        }
    }
    Ok(Job { results, cases, ..new_job(draft, order.subject, event.source, order.from, order.priority, now) })
}

fn about_case(draft: &Draft<'_>, id: CaseId, order: &Order, now: At) -> Done<Job> {
    if draft.case(id)?.is_none() {
        return refused(format!("case {id} is not in the store"));
    }
    if order.from < Step::Match {
        return refused(format!("case {id} can be replayed from match; to read again, replay the events it came from"));
    }
    let source = match "case".parse() {
        Ok(source) => source,
        Err(error) => return refused(format!("{error}")),
    };
    // Matching costs little and its result may be of another dataset, so a case always begins there.
    let mut job = new_job(draft, order.subject, source, Step::Match, order.priority, now);
    job.cases.push(id);
    Ok(job)
}
