//! Corrections of readings by people. The corrected reading takes the place of the job's, what was changed is a record, and the job goes on: one write.

use super::{
    Actor, ReadError, Store, WriteError,
    act::{Done, mark, refused, settle, stale},
    draft::{Draft, DraftError, elsewhere, key},
    log::Place,
    record::{Mark, Record},
    trees::Which,
};
use crate::{
    domain::{
        event::Digest,
        id::JobId,
        job::{Job, JobState, Step, Subject},
        review::{Change, Correction},
        time::At,
    },
    limits,
};

/// A review to be kept.
#[derive(Debug, Clone)]
pub struct Reviewed {
    pub job: JobId,
    /// Digest of the reading that was looked at; another one meanwhile is refused as stale.
    pub before: Digest,
    /// The corrected reading, JSON.
    pub after: Vec<u8>,
    pub changes: Vec<Change>,
    pub note: Option<String>,
}

impl Store {
    /// Keeps a person's correction of a reading that waits; its job goes on with the step after reading.
    pub fn correct(&self, reviewed: Reviewed, by: &Actor, now: At) -> Result<Job, WriteError> {
        let by = by.clone();
        self.write(reviewed.after.len(), move |draft| correct(draft, reviewed, &by, now))
    }

    /// The correction of a job's reading, with who made it and when.
    pub fn correction(&self, job: JobId) -> Result<Option<(Correction, String, At)>, ReadError> {
        Ok(self.shared.draft().correction(job)?.map(|(correction, mark)| (correction, mark.by, mark.at)))
    }

    /// Newest job first, below `before`.
    pub fn corrections(&self, before: Option<JobId>, limit: usize) -> Result<Vec<(Correction, String, At)>, ReadError> {
        let jobs = self.numbers(Which::Corrections, &[], before.map(|job| job.0)).take(limit.min(limits::LIST_ROWS_MAX));
        jobs.map(|job| self.correction(JobId(job?))).filter_map(Result::transpose).collect()
    }
}

fn correct(draft: &mut Draft<'_>, reviewed: Reviewed, by: &Actor, now: At) -> Done<Job> {
    let id = reviewed.job;
    let Some(job) = draft.job(id)? else { return refused(format!("there is no job {id}")) };
    let Subject::Event(event) = job.subject else { return refused(format!("{id} is about a case and has no reading")) };
    if !matches!(job.state, JobState::Review { .. }) || job.step != Step::Reading {
        return refused(format!("{id} is {} at step {}: no reading waits for a person", job.state.name(), job.step.as_str()));
    }
    if job.result(Step::Reading) != Some(reviewed.before) {
        return stale(format!("{id} was read again meanwhile: look at it anew"));
    }
    let after = Digest::of(&reviewed.after);
    let correction = Correction { job: id, event, before: reviewed.before, after, changes: reviewed.changes, note: reviewed.note };
    draft.keep(after, &reviewed.after)?;
    let settled = settle(draft, id, JobState::Ready, Some(reviewed.after), by, now)?;
    draft.append(&Record::Corrected { correction: Box::new(correction), mark: mark(&by.0, now) })?;
    Ok(settled)
}

impl Draft<'_> {
    fn correction(&self, job: JobId) -> Result<Option<(Correction, Mark)>, DraftError> {
        let told = |record| match record {
            Record::Corrected { correction, mark } if correction.job == job => Ok((*correction, mark)),
            _ => elsewhere(&job),
        };
        self.record(Which::Corrections, &key(job.0))?.map(told).transpose()
    }

    /// What a correction's record does to the projections; part of `Draft::apply`.
    pub(super) fn apply_correction(&mut self, correction: &Correction, place: [u8; Place::BYTES]) {
        self.put(Which::Corrections, key(correction.job.0), place);
    }
}
