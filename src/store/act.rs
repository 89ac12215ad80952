//! What each write does, against a draft. Everything is checked before the first record is appended, so a refused act leaves nothing behind.

use super::{
    Accepted, Actor, CaseWrite, Effects, Lease, Outcome, WriteError, Written,
    draft::{Draft, DraftError},
    queue::{apply_outcome, held},
    record::{Act, CaseAct, Mark, Record, Stood},
    retain::gone,
};
use crate::{
    domain::{
        case::{AssessmentRow, Case, DatasetRow},
        event::{Arrival, Digest, Event, Source},
        id::{AssessmentId, CaseId, DatasetId, EventId, JobId},
        job::{AtOnce, Job, JobState, Pins, Priority, Step, Subject},
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

pub(super) type Done<T> = Result<T, Halt>;

pub(super) fn refused<T>(why: impl Into<String>) -> Done<T> {
    Err(Halt::Refused(WriteError::Refused(why.into())))
}

pub(super) fn stale<T>(why: impl Into<String>) -> Done<T> {
    Err(Halt::Refused(WriteError::Stale(why.into())))
}

/// `body` is the digest of the arrival's body.
pub(super) fn accept(draft: &mut Draft<'_>, arrival: Arrival, body: Digest, by: &Actor, now: At) -> Done<Accepted> {
    if let Some(event) = draft.event_by_dedupe(arrival.dedupe_key)? {
        let job = draft.newest_job(Subject::Event(event))?.map(|job| job.id);
        draft.append(&Record::Repeated { event, mark: mark(&by.0, now) })?;
        return Ok(Accepted { event, job, duplicate: true });
    }
    draft.keep(body, &arrival.body)?;
    let event = Event {
        id: EventId(draft.state.event.0 + 1),
        source: arrival.source,
        by: by.0.clone(),
        received_at: now,
        content_type: arrival.content_type,
        file_name: arrival.file_name,
        dedupe_key: arrival.dedupe_key,
        headers: arrival.headers,
        body,
        body_bytes: arrival.body.len() as u64,
        ignored: arrival.ignored,
    };
    let id = event.id;
    let job = event.ignored.is_none().then(|| new_job(draft, Subject::Event(id), event.source.clone(), Step::Document, Priority::Arrived, now));
    let made = job.as_ref().map(|job| job.id);
    draft.append(&Record::Arrived { event: Box::new(event), job: made })?;
    if let Some(job) = job {
        append_job(draft, job, Act::Arrived, &by.0, now)?;
    }
    Ok(Accepted { event: id, job: made, duplicate: false })
}

/// Its number is taken when it is appended.
pub(super) fn new_job(draft: &Draft<'_>, subject: Subject, source: Source, step: Step, priority: Priority, now: At) -> Job {
    Job {
        id: JobId(draft.state.job.0 + 1),
        subject,
        source,
        priority,
        pins: Pins::default(),
        step,
        state: JobState::Ready,
        epoch: 0,
        attempts: 0,
        orphaned: 0,
        created_at: now,
        changed_at: now,
        results: Vec::new(),
        cases: Vec::new(),
        assessments: Vec::new(),
        errors: Vec::new(),
    }
}

pub(super) fn mark(by: &str, now: At) -> Mark {
    Mark { at: now, by: by.to_owned() }
}

/// The one way a job changes; the table of what may follow what holds for every caller.
pub(super) fn append_job(draft: &mut Draft<'_>, mut job: Job, act: Act, by: &str, now: At) -> Done<()> {
    let old = draft.job(job.id)?;
    if let Some(old) = &old
        && !old.state.may_become(&job.state)
    {
        return refused(format!("job {} is {} and cannot become {}", job.id, old.state.name(), job.state.name()));
    }
    job.changed_at = now;
    let before = old.as_ref().map(Stood::of);
    Ok(draft.append(&Record::Job { job: Box::new(job), before, act, mark: mark(by, now) })?)
}

pub(super) fn finish(draft: &mut Draft<'_>, lease: &Lease, outcome: Outcome, effects: Effects, at_once: &AtOnce, now: At) -> Done<Written> {
    let mut job = held(draft, lease)?;
    if !job.pins.is_empty() && !effects.cases.is_empty() {
        return refused(format!("{} is a replay with pins and changes no case", job.id));
    }
    check_cases(draft, &effects.cases)?;
    for assessment in &effects.assessments {
        if draft.case(assessment.case)?.is_none() {
            return refused(format!("case {} is not in the store", assessment.case));
        }
        // Another dataset came into force while this was computed: the step is done again, so that no case is left with a statement of the old one.
        if job.pins.dataset.is_none()
            && let Some(active) = draft.state.active
            && active != assessment.dataset
        {
            return stale(format!("{active} is in force, not {}", assessment.dataset));
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
        let id = AssessmentId(draft.state.assessment.0 + 1);
        let body = Digest::of(&new.body);
        draft.keep(body, &new.body)?;
        let row = AssessmentRow {
            id,
            case: new.case,
            job: job.id,
            dataset: new.dataset,
            as_of: new.as_of,
            made_at: now,
            pins: job.pins.clone(),
            headline: new.headline.clone(),
            body,
        };
        draft.append(&Record::Assessed { row: Box::new(row), mark: mark(&by, now) })?;
        if job.pins.is_empty()
            && let Some(mut case) = draft.case(new.case)?
        {
            case.latest = Some(id);
            case.headline = Some(new.headline);
            append_case(draft, case, &by, now)?;
        }
        job.assessments.push(id);
        written.assessments.push(id);
    }
    if let Some(result) = effects.result {
        keep_result(draft, &mut job, &result)?;
    }
    let act = apply_outcome(draft, &mut job, outcome, at_once, now)?;
    job.changed_at = now;
    append_job(draft, job.clone(), act, &lease.worker, now)?;
    written.job = Some(job);
    Ok(written)
}

fn keep_result(draft: &mut Draft<'_>, job: &mut Job, result: &[u8]) -> Done<()> {
    let digest = Digest::of(result);
    draft.keep(digest, result)?;
    job.results.retain(|(step, _)| *step != job.step);
    job.results.push((job.step, digest));
    Ok(())
}

pub(super) fn bounded(mut text: String) -> String {
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
            case.id = CaseId(draft.state.case.0 + 1);
            case
        }
        CaseWrite::Change { case, .. } => case,
    };
    let id = case.id;
    append_case(draft, case, by, now)?;
    Ok(id)
}

/// Two changes within one millisecond must differ, because `changed_at` tells whether a case was changed since it was read.
pub(super) fn append_case(draft: &mut Draft<'_>, mut case: Case, by: &str, now: At) -> Done<()> {
    let before = draft.case(case.id)?;
    case.changed_at = before.as_ref().map_or(now, |before| before.changed_at.plus_ms(1).max(now));
    let act = CaseAct::of(before.as_ref(), &case);
    Ok(draft.append(&Record::Case { case: Box::new(case), act, mark: mark(by, now) })?)
}

pub(super) fn settle(draft: &mut Draft<'_>, id: JobId, to: JobState, corrected: Option<Vec<u8>>, by: &Actor, now: At) -> Done<Job> {
    let Some(mut job) = draft.job(id)? else { return refused(format!("job {id} is not in the store")) };
    let act = match (&job.state, &to) {
        (_, JobState::Cancelled { .. }) => Act::Cancelled,
        (JobState::Review { .. } | JobState::Dead { .. } | JobState::Scheduled { .. }, JobState::Ready) if corrected.is_some() => Act::Corrected,
        (JobState::Review { .. } | JobState::Dead { .. } | JobState::Scheduled { .. }, JobState::Ready) => Act::Retried,
        _ => return refused(format!("job {id} is {} and cannot become {} by a person's act", job.state.name(), to.name())),
    };
    if let (Subject::Event(event), JobState::Ready) = (job.subject, &to)
        && let Some(at) = draft.expired(event)?
    {
        return refused(gone(event, at));
    }
    if let Some(corrected) = corrected {
        keep_result(draft, &mut job, &corrected)?;
        if let Some(next) = job.step.next() {
            job.step = next;
        }
    }
    (job.attempts, job.orphaned) = (0, 0);
    job.state = to;
    job.changed_at = now;
    append_job(draft, job.clone(), act, &by.0, now)?;
    Ok(job)
}

pub(super) fn add_dataset(draft: &mut Draft<'_>, mut row: DatasetRow, by: &Actor, now: At) -> Done<DatasetId> {
    row.id = DatasetId(draft.state.dataset.0 + 1);
    row.active = false;
    let id = row.id;
    draft.append(&Record::Dataset { row: Box::new(row), mark: mark(&by.0, now) })?;
    Ok(id)
}

pub(super) fn activate_dataset(draft: &mut Draft<'_>, id: DatasetId, by: &Actor, now: At) -> Done<()> {
    if draft.dataset(id)?.is_none() {
        return refused(format!("dataset {id} is not in the store: `lastbuy data list` shows which are"));
    }
    if draft.state.active != Some(id) {
        draft.append(&Record::Activated { dataset: id, mark: mark(&by.0, now) })?;
    }
    Ok(())
}

pub(super) fn note(draft: &mut Draft<'_>, act: String, object: String, detail: String, by: &Actor, now: At) -> Done<()> {
    Ok(draft.append(&Record::Noted { act, object, detail: bounded(detail), mark: mark(&by.0, now) })?)
}
