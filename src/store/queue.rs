//! Who gets which job: the line of ready jobs, what is due, leases and their ends.

use super::{
    Lease, Outcome, ReadError, Store, WriteError,
    act::{Done, append_job, bounded, refused, stale},
    draft::{Draft, DraftError, lane, number, time},
    failpoint,
    record::Act,
    trees::Which,
};
use crate::{
    domain::{
        id::JobId,
        job::{AfterError, AtOnce, Job, JobError, JobState, Priority, Step, after_error},
        time::At,
    },
    limits,
};

/// What may be claimed.
enum Overdue {
    /// Its time came.
    Due(JobId),
    /// Its holder let the lease lapse.
    Lapsed(JobId),
}

impl Draft<'_> {
    /// Whether a claim would find a job at `now`.
    pub fn has_work(&self, at_once: &AtOnce, now: At) -> Result<bool, DraftError> {
        Ok(self.overdue(now)?.is_some() || self.next_ready(at_once)?.is_some())
    }

    /// A scheduled job that is due, or a held one whose lease lapsed.
    fn overdue(&self, now: At) -> Result<Option<Overdue>, DraftError> {
        for (tree, kind) in [(Which::Scheduled, Overdue::Due as fn(JobId) -> Overdue), (Which::Leases, Overdue::Lapsed)] {
            if let Some(found) = self.first_from(tree, &[])?
                && time(&found) <= now.0
            {
                return Ok(Some(kind(JobId(number(&found[8..])))));
            }
        }
        Ok(None)
    }

    fn has_room(&self, at_once: &AtOnce, step: Step) -> bool {
        at_once.of(step).is_none_or(|most| self.state.held(step) < i64::from(most))
    }

    /// The next in line: the smallest priority that has a job at a step with room; there the first source after the one last served, in the order of names and
    /// from the last to the first again; there the oldest job. Two look-ups a step, however long the line is.
    fn next_ready(&self, at_once: &AtOnce) -> Result<Option<JobId>, DraftError> {
        let open: Vec<Step> = Step::ALL.into_iter().filter(|step| self.has_room(at_once, *step)).collect();
        for priority in Priority::ALL {
            let served = self.state.turn(priority);
            // Whether the round begins again, then the source with its zero byte and the number: compared as they stand, the least is next.
            let mut next: Option<(bool, Vec<u8>)> = None;
            for step in &open {
                let lane = lane(priority, *step);
                // Past every key of the source last served, whose name is followed by a zero byte.
                let after = served.map(|served| [&lane[..], served.as_str().as_bytes(), &[1]].concat());
                let found = match self.in_lane(lane, after.as_deref().unwrap_or(&lane))? {
                    Some(key) => Some((false, key)),
                    None if after.is_some() => self.in_lane(lane, &lane)?.map(|key| (true, key)),
                    None => None,
                };
                if let Some(found) = found
                    && next.as_ref().is_none_or(|next| found < *next)
                {
                    next = Some(found);
                }
            }
            if let Some((_, key)) = next {
                return Ok(Some(JobId(number(&key[key.len() - 8..]))));
            }
        }
        Ok(None)
    }

    /// The first key of a lane at or after `from`, without the lane.
    fn in_lane(&self, lane: [u8; 2], from: &[u8]) -> Result<Option<Vec<u8>>, DraftError> {
        Ok(self.first_from(Which::Ready, from)?.and_then(|key| key.strip_prefix(&lane).map(<[u8]>::to_vec)))
    }
}

impl Store {
    /// Of the jobs that are first in their line (priority, step, source), the one that came first: nobody has waited longer.
    pub fn oldest_ready(&self) -> Result<Option<Job>, ReadError> {
        let draft = self.shared.draft();
        let mut oldest: Option<u64> = None;
        for (priority, step) in Priority::ALL.into_iter().flat_map(|priority| Step::ALL.into_iter().map(move |step| (priority, step))) {
            let lane = lane(priority, step);
            let mut from = lane.to_vec();
            while let Some(key) = draft.in_lane(lane, &from)? {
                let id = number(&key[key.len() - 8..]);
                oldest = Some(oldest.map_or(id, |oldest| oldest.min(id)));
                // Past every key of this source, whose name is followed by a zero byte.
                from = [&lane[..], &key[..key.len() - 9], &[1]].concat();
            }
        }
        oldest.map_or(Ok(None), |id| Ok(draft.job(JobId(id))?))
    }

    /// The next job in line, or `None`; see `domain::job` for who goes first. What is due, and what its holder let lapse, joins the line first.
    pub fn claim(&self, worker: &str, now: At) -> Result<Option<Lease>, WriteError> {
        // Looked at here first, so that idle workers do not keep the writer busy.
        match self.shared.draft().has_work(&self.options.at_once, now) {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(error) => return Err(WriteError::Busy(error.to_string())),
        }
        let (worker, at_once) = (worker.to_owned(), self.options.at_once.clone());
        let claimed = self.write(0, move |draft| claim(draft, &worker, &at_once, now));
        failpoint::pass("claimed");
        claimed
    }
}

fn claim(draft: &mut Draft<'_>, worker: &str, at_once: &AtOnce, now: At) -> Done<Option<Lease>> {
    // What is due stands in line with the others, so that neither waits for the other to run dry.
    for _ in 0..limits::PROMOTED_PER_CLAIM_MAX {
        let (job, act) = match draft.overdue(now)? {
            Some(Overdue::Due(id)) => (Job { state: JobState::Ready, ..queued(draft, id)? }, Act::Due),
            Some(Overdue::Lapsed(id)) => orphaned(queued(draft, id)?, Act::Lapsed),
            None => break,
        };
        append_job(draft, job, act, "system: queue", now)?;
    }
    let Some(id) = draft.next_ready(at_once)? else { return Ok(None) };
    let mut job = queued(draft, id)?;
    job.epoch += 1;
    job.state = leased(job.epoch, now);
    job.changed_at = now;
    append_job(draft, job.clone(), Act::Claimed, worker, now)?;
    Ok(Some(Lease { epoch: job.epoch, job, worker: worker.to_owned() }))
}

fn queued(draft: &Draft<'_>, id: JobId) -> Done<Job> {
    match draft.job(id)? {
        Some(job) => Ok(job),
        None => refused(format!("{id} stands in a queue but is not in the store: run lastbuy doctor --deep")),
    }
}

fn leased(epoch: u64, now: At) -> JobState {
    JobState::Leased { epoch, until: now.plus_ms(limits::LEASE_MS) }
}

/// The job as it is now, if the lease still holds.
pub(super) fn held(draft: &Draft<'_>, lease: &Lease) -> Done<Job> {
    match draft.job(lease.job.id)? {
        Some(job) if job.epoch == lease.epoch && matches!(job.state, JobState::Leased { .. }) => Ok(job),
        Some(job) => stale(format!("the lease on {} (epoch {}) is over: it is {} in epoch {}", job.id, lease.epoch, job.state.name(), job.epoch)),
        None => stale(format!("{} is not in the store", lease.job.id)),
    }
}

pub(super) fn extend(draft: &mut Draft<'_>, lease: &Lease, now: At) -> Done<()> {
    let mut job = held(draft, lease)?;
    job.state = leased(job.epoch, now);
    append_job(draft, job, Act::Extended, &lease.worker, now)
}

/// Moves a held job on by what its step came to.
pub(super) fn apply_outcome(draft: &Draft<'_>, job: &mut Job, outcome: Outcome, at_once: &AtOnce, now: At) -> Done<Act> {
    Ok(match outcome {
        Outcome::Advance => {
            (job.attempts, job.orphaned) = (0, 0);
            job.state = match job.step.next() {
                Some(next) => {
                    job.step = next;
                    // Where the next step is full the job stands in line for it, and its worker is free for another.
                    if draft.has_room(at_once, next) { leased(job.epoch, now) } else { JobState::Ready }
                }
                None => JobState::Done,
            };
            Act::Advanced
        }
        Outcome::Review { reason } => {
            job.state = JobState::Review { reason: bounded(reason) };
            Act::Reviewed
        }
        Outcome::Snooze { until, reason } => {
            let due = until.clamp(now.plus_ms(limits::SNOOZE_MS_MIN), now.plus_ms(limits::SNOOZE_MS_MAX));
            job.state = JobState::Scheduled { due, reason: bounded(reason) };
            Act::Snoozed
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
                    job.state = JobState::Scheduled { due, reason: message };
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
    })
}

/// A job whose holder is gone: ready again, or given up where that happened too often. With what is to be put on record.
fn orphaned(mut job: Job, act: Act) -> (Job, Act) {
    job.orphaned += 1;
    if job.orphaned < limits::ORPHANED_MAX {
        job.state = JobState::Ready;
        return (job, act);
    }
    let reason = format!(
        "given up: {} times the process ended, or the step hung, while {} was in step {}; it may be what ends the process. Retry it when that is known",
        job.orphaned,
        job.id,
        job.step.as_str()
    );
    job.state = JobState::Dead { reason };
    (job, Act::GivenUp)
}

/// At the opening of the store nobody can hold a lease: jobs whose holder is gone are ready again, with no attempt counted.
pub(super) fn rescue(draft: &mut Draft<'_>, ids: Vec<JobId>, now: At) -> Done<()> {
    for id in ids {
        if let Some(job) = draft.job(id)?
            && matches!(job.state, JobState::Leased { .. })
        {
            let (job, act) = orphaned(job, Act::Rescued);
            append_job(draft, job, act, "system: start", now)?;
        }
    }
    Ok(())
}
