//! What each write does, against a draft. Everything is checked before the first record is appended, so a refused act leaves nothing behind.

use super::{
    Accepted, Actor, CaseWrite, Effects, Lease, Outcome, WriteError, Written,
    draft::{ASSESSMENT, CASE, DATASET, Draft, DraftError, EVENT, JOB},
    record::{Act, Mark, Record},
};
use crate::{
    domain::{
        case::{AssessmentRow, Case, DatasetRow},
        event::{Arrival, Digest, Event, Source},
        id::{AssessmentId, CaseId, DatasetId, EventId, JobId},
        job::{AfterError, Job, JobError, JobState, Step, Subject, after_error},
        time::At,
    },
    limits,
};

/// Why an act was not done.
pub(super) enum Halt {
    /// The act is not allowed; others of its group go on.
    Refused(WriteError),
    /// The store itself is in trouble; nothing of the group is committed.
    Broken(DraftError),
}

impl From<DraftError> for Halt {
    fn from(error: DraftError) -> Halt {
        Halt::Broken(error)
    }
}

type Done<T> = Result<T, Halt>;

fn refused<T>(why: impl Into<String>) -> Done<T> {
    Err(Halt::Refused(WriteError::Refused(why.into())))
}

fn stale<T>(why: impl Into<String>) -> Done<T> {
    Err(Halt::Refused(WriteError::Stale(why.into())))
}

/// Work on an event goes before nothing and after nothing; 0 is kept for what a person waits for.
const PRIORITY: u8 = 1;
const PRIORITY_ASKED: u8 = 0;

pub(super) fn accept(draft: &mut Draft<'_>, arrival: Arrival, now: At) -> Done<Accepted> {
    if let Some(event) = draft.event_by_dedupe(arrival.dedupe_key)? {
        let job = draft.newest_job(Subject::Event(event))?;
        draft.append(&Record::Repeated { event, at: now })?;
        return Ok(Accepted { event, job, duplicate: true });
    }
    let body = Digest::of(&arrival.body);
    let event = Event {
        id: EventId(draft.next(EVENT)?),
        source: arrival.source,
        received_at: now,
        content_type: arrival.content_type,
        file_name: arrival.file_name,
        dedupe_key: arrival.dedupe_key,
        headers: arrival.headers,
        body,
        body_bytes: arrival.body.len() as u64,
        ignored: arrival.ignored,
    };
    draft.bodies.insert(body, arrival.body.to_vec());
    let (id, source, ignored) = (event.id, event.source.clone(), event.ignored.is_some());
    draft.append(&Record::Arrived(Box::new(event)))?;
    if ignored {
        return Ok(Accepted { event: id, job: None, duplicate: false });
    }
    let job = new_job(draft, Subject::Event(id), source, Step::Document, PRIORITY, now)?;
    let made = job.id;
    append_job(draft, job, Act::Made, "sender", now)?;
    Ok(Accepted { event: id, job: Some(made), duplicate: false })
}

fn new_job(draft: &mut Draft<'_>, subject: Subject, source: Source, step: Step, priority: u8, now: At) -> Done<Job> {
    Ok(Job {
        id: JobId(draft.next(JOB)?),
        subject,
        source,
        priority,
        step,
        state: JobState::Ready,
        epoch: 0,
        attempts: 0,
        created_at: now,
        changed_at: now,
        results: Vec::new(),
        cases: Vec::new(),
        assessments: Vec::new(),
        errors: Vec::new(),
    })
}

fn append_job(draft: &mut Draft<'_>, mut job: Job, act: Act, by: &str, now: At) -> Done<()> {
    job.changed_at = now;
    Ok(draft.append(&Record::Job { job: Box::new(job), act, mark: Mark { at: now, by: by.to_owned() } })?)
}

pub(super) fn enqueue(draft: &mut Draft<'_>, subject: Subject, from: Step, by: &Actor, now: At) -> Done<JobId> {
    let job = match subject {
        Subject::Event(id) => {
            let Some(event) = draft.event(id)? else { return refused(format!("event {id} is not in the log")) };
            if let Some(why) = event.ignored {
                return refused(format!("event {id} is kept on record only: {why}"));
            }
            let earlier = match draft.newest_job(subject)? {
                Some(job) => draft.job(job)?,
                None => None,
            };
            let mut job = new_job(draft, subject, event.source, from, PRIORITY_ASKED, now)?;
            for step in Step::ALL.into_iter().filter(|step| *step < from) {
                let Some(earlier) = &earlier else {
                    return refused(format!("no job about {id} is there to take results from: replay it from document"));
                };
                match earlier.result(step) {
                    Some(digest) => job.results.push((step, digest)),
                    // The case step's result is the job's list of cases.
                    None if step == Step::Case && !earlier.cases.is_empty() => {}
                    None => {
                        return refused(format!("{} about {id} has no result of step {}: replay it from there or before", earlier.id, step.as_str()));
                    }
                }
                if step == Step::Case {
                    job.cases.clone_from(&earlier.cases);
                }
            }
            job
        }
        Subject::Case(id) => {
            if draft.case(id)?.is_none() {
                return refused(format!("case {id} is not in the store"));
            }
            if from < Step::Match {
                return refused(format!("case {id} can be replayed from match; to read again, replay the event it came from"));
            }
            let source = "case".parse().map_err(|_| Halt::Refused(WriteError::Refused("'case' is not a source name".to_owned())))?;
            // Matching costs little and its result may be of another dataset, so a case always begins there.
            let mut job = new_job(draft, subject, source, Step::Match, PRIORITY_ASKED, now)?;
            job.cases.push(id);
            job
        }
    };
    let id = job.id;
    append_job(draft, job, Act::Made, &by.0, now)?;
    Ok(id)
}

pub(super) fn claim(draft: &mut Draft<'_>, worker: &str, now: At) -> Done<Option<Lease>> {
    let Some(id) = draft.claimable(now)? else { return Ok(None) };
    let Some(mut job) = draft.job(id)? else { return refused(format!("{id} stands in a queue but is not in the store: run lastbuy doctor --deep")) };
    job.epoch += 1;
    job.state = JobState::Leased { epoch: job.epoch, until: now.plus_ms(limits::LEASE_MS) };
    job.changed_at = now;
    append_job(draft, job.clone(), Act::Claimed, worker, now)?;
    Ok(Some(Lease { epoch: job.epoch, job }))
}

/// The job as it is now, if the lease still holds.
fn held(draft: &Draft<'_>, lease: &Lease) -> Done<Job> {
    match draft.job(lease.job.id)? {
        Some(job) if job.epoch == lease.epoch && matches!(job.state, JobState::Leased { .. }) => Ok(job),
        Some(job) => stale(format!("the lease on {} (epoch {}) is over: it is {} in epoch {}", job.id, lease.epoch, job.state.name(), job.epoch)),
        None => stale(format!("{} is not in the store", lease.job.id)),
    }
}

pub(super) fn extend(draft: &mut Draft<'_>, lease: &Lease, now: At) -> Done<()> {
    let mut job = held(draft, lease)?;
    job.state = JobState::Leased { epoch: job.epoch, until: now.plus_ms(limits::LEASE_MS) };
    append_job(draft, job, Act::Extended, "worker", now)
}

pub(super) fn finish(draft: &mut Draft<'_>, lease: &Lease, outcome: Outcome, effects: Effects, now: At) -> Done<Written> {
    let mut job = held(draft, lease)?;
    check_cases(draft, &effects.cases)?;
    for assessment in &effects.assessments {
        if draft.case(assessment.case)?.is_none() {
            return refused(format!("case {} is not in the store", assessment.case));
        }
    }
    let by = job.id.to_string();
    let mut written = Written::default();
    for write in effects.cases {
        let id = write_case(draft, write, &by, now)?;
        if !job.cases.contains(&id) {
            job.cases.push(id);
        }
        written.cases.push(id);
    }
    for new in effects.assessments {
        let id = AssessmentId(draft.next(ASSESSMENT)?);
        let body = Digest::of(&new.body);
        draft.bodies.insert(body, new.body);
        let row = AssessmentRow { id, case: new.case, dataset: new.dataset, as_of: new.as_of, made_at: now, headline: new.headline.clone(), body };
        draft.append(&Record::Assessed(Box::new(row)))?;
        if let Some(mut case) = draft.case(new.case)? {
            case.latest = Some(id);
            case.headline = Some(new.headline);
            append_case(draft, case, &by, now)?;
        }
        job.assessments.push(id);
        written.assessments.push(id);
    }
    if let Some(result) = effects.result {
        keep_result(draft, &mut job, result);
    }
    let act = apply_outcome(&mut job, outcome, now);
    job.changed_at = now;
    append_job(draft, job.clone(), act, "worker", now)?;
    written.job = Some(job);
    Ok(written)
}

fn keep_result(draft: &mut Draft<'_>, job: &mut Job, result: Vec<u8>) {
    let digest = Digest::of(&result);
    draft.bodies.insert(digest, result);
    job.results.retain(|(step, _)| *step != job.step);
    job.results.push((job.step, digest));
}

fn apply_outcome(job: &mut Job, outcome: Outcome, now: At) -> Act {
    match outcome {
        Outcome::Advance => {
            job.attempts = 0;
            job.state = match job.step.next() {
                Some(next) => {
                    job.step = next;
                    JobState::Leased { epoch: job.epoch, until: now.plus_ms(limits::LEASE_MS) }
                }
                None => JobState::Done,
            };
            Act::Advanced
        }
        Outcome::Review { reason } => {
            job.state = JobState::Review { reason: bounded(reason) };
            Act::Reviewed
        }
        Outcome::Failed { error } => {
            job.attempts += 1;
            let message = bounded(error);
            job.errors.push(JobError { at: now, step: job.step, attempt: job.attempts, message: message.clone() });
            if job.errors.len() > limits::JOB_ERRORS_KEPT_MAX {
                job.errors.remove(0);
            }
            match after_error(now, job.id, job.attempts) {
                AfterError::RetryAt(due) => {
                    job.state = JobState::Scheduled { due };
                    Act::Failed
                }
                AfterError::GiveUp => {
                    job.state = JobState::Dead { reason: bounded(format!("given up after {} attempts; the last error: {message}", job.attempts)) };
                    Act::GivenUp
                }
            }
        }
        Outcome::Dead { reason } => {
            job.state = JobState::Dead { reason: bounded(reason) };
            Act::GivenUp
        }
        Outcome::Release => {
            job.state = JobState::Ready;
            Act::Released
        }
    }
}

fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(limits::ERROR_BYTES_MAX));
    text
}

/// Whether every case may be written as asked; new keys must be free and changed cases unchanged since they were read.
fn check_cases(draft: &Draft<'_>, writes: &[CaseWrite]) -> Done<()> {
    for write in writes {
        let (case, own) = match write {
            CaseWrite::New(case) => (case, None),
            CaseWrite::Change { case, expected } => match draft.case(case.id)? {
                Some(stored) if stored.changed_at == *expected => (case, Some(case.id)),
                Some(_) => return stale(format!("case {} was changed meanwhile", case.id)),
                None => return stale(format!("case {} is not in the store", case.id)),
            },
        };
        for key in &case.keys {
            match draft.case_by_key(key)? {
                Some(other) if Some(other) != own => return stale(format!("'{key}' is case {other} already")),
                _ => {}
            }
        }
    }
    Ok(())
}

pub(super) fn put_case(draft: &mut Draft<'_>, write: CaseWrite, by: &Actor, now: At) -> Done<CaseId> {
    check_cases(draft, std::slice::from_ref(&write))?;
    write_case(draft, write, &by.0, now)
}

fn write_case(draft: &mut Draft<'_>, write: CaseWrite, by: &str, now: At) -> Done<CaseId> {
    let case = match write {
        CaseWrite::New(mut case) => {
            case.id = CaseId(draft.next(CASE)?);
            case
        }
        CaseWrite::Change { case, .. } => case,
    };
    let id = case.id;
    append_case(draft, case, by, now)?;
    Ok(id)
}

/// Two changes within one millisecond must differ, because `changed_at` tells whether a case was changed since it was read.
fn append_case(draft: &mut Draft<'_>, mut case: Case, by: &str, now: At) -> Done<()> {
    let before = draft.case(case.id)?.map(|stored| stored.changed_at.plus_ms(1));
    case.changed_at = before.map_or(now, |before| before.max(now));
    Ok(draft.append(&Record::Case { case: Box::new(case), mark: Mark { at: now, by: by.to_owned() } })?)
}

pub(super) fn settle(draft: &mut Draft<'_>, id: JobId, to: JobState, corrected: Option<Vec<u8>>, by: &Actor, now: At) -> Done<Job> {
    let Some(mut job) = draft.job(id)? else { return refused(format!("job {id} is not in the store")) };
    if !matches!(to, JobState::Ready | JobState::Cancelled { .. }) || matches!(job.state, JobState::Leased { .. }) || !job.state.may_become(&to) {
        return refused(format!("job {id} is {} and cannot become {}", job.state.name(), to.name()));
    }
    if let Some(corrected) = corrected {
        keep_result(draft, &mut job, corrected);
        if let Some(next) = job.step.next() {
            job.step = next;
        }
    }
    job.attempts = 0;
    job.state = to;
    job.changed_at = now;
    append_job(draft, job.clone(), Act::Settled, &by.0, now)?;
    Ok(job)
}

pub(super) fn add_dataset(draft: &mut Draft<'_>, mut row: DatasetRow, by: &Actor, now: At) -> Done<DatasetId> {
    row.id = DatasetId(draft.next(DATASET)?);
    row.active = false;
    let id = row.id;
    draft.append(&Record::Dataset { row: Box::new(row), mark: Mark { at: now, by: by.0.clone() } })?;
    Ok(id)
}

pub(super) fn activate_dataset(draft: &mut Draft<'_>, id: DatasetId, by: &Actor, now: At) -> Done<()> {
    if draft.dataset(id)?.is_none() {
        return refused(format!("dataset {id} is not in the store: `lastbuy data list` shows which are"));
    }
    if draft.active_dataset()? != Some(id) {
        draft.append(&Record::Activated { dataset: id, mark: Mark { at: now, by: by.0.clone() } })?;
    }
    Ok(())
}

/// At the opening of the store nobody can hold a lease: jobs whose holder is gone are ready again, with no attempt counted.
pub(super) fn rescue(draft: &mut Draft<'_>, ids: Vec<JobId>, now: At) -> Done<()> {
    for id in ids {
        if let Some(mut job) = draft.job(id)?
            && matches!(job.state, JobState::Leased { .. })
        {
            job.state = JobState::Ready;
            append_job(draft, job, Act::Rescued, "start", now)?;
        }
    }
    Ok(())
}
