//! The state of the projections as the writer sees it: what sled holds, and over it the changes of the group being prepared. The same code that prepares a
//! group rebuilds everything from the log over an empty base, so the two cannot differ.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    blob::Location,
    codec::{CodecError, decode, encode},
    order::Standing,
    record::{Act, FIRST_LINK, Record, link, split},
    retain::Hold,
    trees::{Changes, Trees, Which},
};
use crate::{
    domain::{
        case::{AssessmentRow, Case, DatasetRow},
        event::{Digest, Event, Source},
        id::{AssessmentId, CaseId, DatasetId, EventId, JobId},
        job::{Job, JobState, Priority, Step, Subject},
        time::At,
    },
    limits,
};

/// Something is wrong with what is stored, or with reading it.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("the database cannot be read: {0}")]
    Sled(#[from] sled::Error),
}

type Result<T> = std::result::Result<T, DraftError>;

/// Bytes by digest, for values that are too large for a tree.
pub(super) type LargeValues<'a> = &'a dyn Fn(Digest) -> Option<Vec<u8>>;

/// What a tree holds: the envelope itself, or where it is.
pub(super) const INLINE: u8 = 0;
pub(super) const ELSEWHERE: u8 = 1;
const KEPT_BYTES_MAX: usize = limits::SLED_VALUE_BYTES_MAX - 64;

pub(super) struct Draft<'a> {
    base: Option<&'a Trees>,
    large: LargeValues<'a>,
    changes: Changes,
    /// Bodies to be written before the group commits: those that arrived, results, and values too large for a tree.
    pub bodies: BTreeMap<Digest, Vec<u8>>,
}

impl<'a> Draft<'a> {
    pub fn new(base: Option<&'a Trees>, large: LargeValues<'a>) -> Draft<'a> {
        Draft { base, large, changes: BTreeMap::new(), bodies: BTreeMap::new() }
    }

    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Changes and bodies, to be written.
    pub fn into_parts(self) -> (Changes, BTreeMap<Digest, Vec<u8>>) {
        (self.changes, self.bodies)
    }

    // ---- raw ----

    fn raw(&self, tree: Which, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if let Some(change) = self.changes.get(&(tree, key.to_vec())) {
            return Ok(change.clone());
        }
        match self.base {
            Some(base) => Ok(base.get(tree).get(key)?.map(|value| value.to_vec())),
            None => Ok(None),
        }
    }

    fn put(&mut self, tree: Which, key: Vec<u8>, value: Vec<u8>) {
        self.changes.insert((tree, key), Some(value));
    }

    fn remove(&mut self, tree: Which, key: Vec<u8>) {
        self.changes.insert((tree, key), None);
    }

    /// The first key of a tree at or after `from`.
    pub fn first_from(&self, tree: Which, from: &[u8]) -> Result<Option<Vec<u8>>> {
        let changes = self.changes.range((tree, from.to_vec())..).take_while(|((of, _), _)| *of == tree);
        let changed = changes.filter(|(_, value)| value.is_some()).map(|((_, key), _)| key.clone()).next();
        let Some(base) = self.base else { return Ok(changed) };
        for row in base.get(tree).range(from..) {
            let (key, _) = row?;
            if self.changes.contains_key(&(tree, key.to_vec())) {
                continue;
            }
            return Ok(Some(match changed {
                Some(changed) if changed.as_slice() < key.as_ref() => changed,
                _ => key.to_vec(),
            }));
        }
        Ok(changed)
    }

    // ---- values ----

    pub fn value<T: DeserializeOwned>(&self, tree: Which, key: &[u8]) -> Result<Option<T>> {
        let Some(raw) = self.raw(tree, key)? else { return Ok(None) };
        Ok(Some(unpack(&raw, &|digest| self.bodies.get(&digest).cloned().or_else(|| (self.large)(digest)))?))
    }

    pub fn set<T: Serialize>(&mut self, tree: Which, key: Vec<u8>, value: &T) -> Result<()> {
        let envelope = encode(value)?;
        let packed = if envelope.len() <= KEPT_BYTES_MAX {
            [&[INLINE][..], &envelope].concat()
        } else {
            let digest = Digest::of(&envelope);
            self.bodies.insert(digest, envelope);
            [&[ELSEWHERE][..], &digest.0].concat()
        };
        self.put(tree, key, packed);
        Ok(())
    }

    pub fn job(&self, id: JobId) -> Result<Option<Job>> {
        self.value(Which::Jobs, &key(id.0))
    }

    pub fn event(&self, id: EventId) -> Result<Option<Event>> {
        self.value(Which::Events, &key(id.0))
    }

    pub fn case(&self, id: CaseId) -> Result<Option<Case>> {
        self.value(Which::Cases, &key(id.0))
    }

    pub fn assessment(&self, id: AssessmentId) -> Result<Option<AssessmentRow>> {
        self.value(Which::Assessments, &key(id.0))
    }

    pub fn dataset(&self, id: DatasetId) -> Result<Option<DatasetRow>> {
        self.value(Which::Datasets, &key(id.0))
    }

    pub fn active_dataset(&self) -> Result<Option<DatasetId>> {
        self.value::<u64>(Which::Meta, ACTIVE).map(|id| id.map(DatasetId))
    }

    pub fn event_by_dedupe(&self, dedupe: Digest) -> Result<Option<EventId>> {
        self.value::<u64>(Which::Dedupe, &dedupe.0).map(|id| id.map(EventId))
    }

    pub fn case_by_key(&self, case_key: &str) -> Result<Option<CaseId>> {
        self.value::<u64>(Which::CaseKeys, &hashed(case_key)).map(|id| id.map(CaseId))
    }

    pub fn location(&self, digest: Digest) -> Result<Option<Location>> {
        self.value(Which::Blobs, &digest.0)
    }

    pub fn set_location(&mut self, digest: Digest, location: &Location) -> Result<()> {
        self.set(Which::Blobs, digest.0.to_vec(), location)
    }

    pub fn forget_location(&mut self, digest: Digest) {
        self.remove(Which::Blobs, digest.0.to_vec());
    }

    /// The jobs about a subject, in the order they were made.
    pub fn jobs_about(&self, subject: Subject) -> Result<Vec<JobId>> {
        let prefix = subject_key(subject);
        let changed = self.changes.range((Which::SubjectJobs, prefix.clone())..);
        let changed =
            changed.map(|((tree, found), _)| (*tree, found)).take_while(|(tree, found)| *tree == Which::SubjectJobs && found.starts_with(&prefix));
        let mut ids: Vec<JobId> = changed.map(|(_, found)| JobId(number(&found[prefix.len()..]))).collect();
        if let Some(base) = self.base {
            for found in base.get(Which::SubjectJobs).scan_prefix(&prefix).keys() {
                ids.push(JobId(number(&found?[prefix.len()..])));
            }
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// Who holds an event against retention.
    pub fn hold(&self, event: EventId) -> Result<Option<Hold>> {
        self.value(Which::Holds, &key(event.0))
    }

    /// When the bytes of an event were given up.
    pub fn expired(&self, event: EventId) -> Result<Option<At>> {
        self.value(Which::Expired, &key(event.0))
    }

    /// Jobs held in a step.
    pub fn held(&self, step: Step) -> Result<i64> {
        Ok(self.value(Which::Meta, &held_key(step))?.unwrap_or(0))
    }

    /// The source that was last served within a priority.
    pub fn turn(&self, priority: Priority) -> Result<Option<Source>> {
        self.value(Which::Meta, &turn_key(priority))
    }

    /// What the jobs about an event came to.
    pub fn standing(&self, event: EventId) -> Result<Standing> {
        Ok(self.value(Which::Standing, &key(event.0))?.unwrap_or_default())
    }

    /// The last event whose key was forgotten; 0 before any.
    pub fn forgotten(&self) -> Result<EventId> {
        Ok(EventId(self.value(Which::Meta, FORGOTTEN)?.unwrap_or(0)))
    }

    /// The newest job without pins about a subject.
    pub fn newest_job(&self, subject: Subject) -> Result<Option<JobId>> {
        self.value::<u64>(Which::NewestJob, &subject_key(subject)).map(|id| id.map(JobId))
    }

    /// The next number of a kind; counts up from 1.
    pub fn next(&mut self, counter: &'static [u8]) -> Result<u64> {
        let next = self.value::<u64>(Which::Meta, counter)?.unwrap_or(0) + 1;
        self.set(Which::Meta, counter.to_vec(), &next)?;
        Ok(next)
    }

    // ---- the log ----

    /// Appends a record and applies it.
    pub fn append(&mut self, record: &Record) -> Result<()> {
        let offset = self.next(OFFSET)?;
        let envelope = encode(record)?;
        let before = self.raw(Which::Log, &key(offset - 1))?;
        let before = before.map_or(Ok(FIRST_LINK), |before| split(&before).map(|(link, _)| link))?;
        let link = link(before, Digest::of(&envelope));
        let kept = if envelope.len() <= KEPT_BYTES_MAX {
            envelope
        } else {
            let digest = Digest::of(&envelope);
            self.bodies.insert(digest, envelope);
            encode(&Record::Elsewhere(digest))?
        };
        self.put(Which::Log, key(offset).to_vec(), [&link.0[..], &kept].concat());
        self.apply(record)
    }

    /// Takes a record over from another log as it stands there, and applies it.
    pub fn replay(&mut self, offset: u64, stored: Vec<u8>, record: &Record) -> Result<()> {
        self.put(Which::Log, key(offset).to_vec(), stored);
        self.set(Which::Meta, OFFSET.to_vec(), &offset)?;
        self.apply(record)
    }

    /// What a record does to the projections; the only place that changes them.
    pub fn apply(&mut self, record: &Record) -> Result<()> {
        match record {
            Record::Arrived(event) => {
                self.at_least(EVENT, event.id.0)?;
                self.set(Which::Events, key(event.id.0).to_vec(), event)?;
                self.set(Which::Dedupe, event.dedupe_key.0.to_vec(), &event.id.0)
            }
            Record::Repeated { .. } | Record::Elsewhere(_) | Record::Noted { .. } => Ok(()),
            Record::Job { job, act, .. } => self.apply_job(job, *act),
            Record::Case { case, .. } => {
                self.at_least(CASE, case.id.0)?;
                for case_key in &case.keys {
                    self.set(Which::CaseKeys, hashed(case_key).to_vec(), &case.id.0)?;
                }
                self.set(Which::Cases, key(case.id.0).to_vec(), case)
            }
            Record::Assessed { row, .. } => {
                self.at_least(ASSESSMENT, row.id.0)?;
                self.put(Which::CaseAssessments, [key(row.case.0), key(row.id.0)].concat(), Vec::new());
                self.set::<AssessmentRow>(Which::Assessments, key(row.id.0).to_vec(), row)
            }
            Record::Dataset { row, .. } => {
                self.at_least(DATASET, row.id.0)?;
                self.set(Which::Datasets, key(row.id.0).to_vec(), row)
            }
            Record::Activated { dataset, .. } => self.set(Which::Meta, ACTIVE.to_vec(), &dataset.0),
            Record::KeysForgotten { through, .. } => self.apply_forgotten(*through),
            Record::Held { event, reason, mark } => {
                self.set(Which::Holds, key(event.0).to_vec(), &Hold { event: *event, by: mark.by.clone(), at: mark.at, reason: reason.clone() })
            }
            Record::HoldEnded { event, .. } => {
                self.remove(Which::Holds, key(event.0).to_vec());
                Ok(())
            }
            Record::Expired { event, mark } => self.set(Which::Expired, key(event.0).to_vec(), &mark.at),
        }
    }

    fn apply_job(&mut self, job: &Job, act: Act) -> Result<()> {
        self.at_least(JOB, job.id.0)?;
        let old = self.job(job.id)?;
        self.apply_held(old.as_ref(), job)?;
        if act == Act::Claimed {
            self.set(Which::Meta, turn_key(job.priority), &job.source)?;
        }
        if let Some(old) = old {
            if let Some((tree, queue_key)) = queue(&old) {
                self.remove(tree, queue_key);
            }
            self.count(old.state.name(), -1)?;
            self.remove(Which::JobStates, state_key(&old));
        } else {
            self.put(Which::SubjectJobs, [subject_key(job.subject), key(job.id.0).to_vec()].concat(), Vec::new());
            if job.pins.is_empty() {
                self.set(Which::NewestJob, subject_key(job.subject), &job.id.0)?;
            }
        }
        if let Some((tree, queue_key)) = queue(job) {
            self.put(tree, queue_key, Vec::new());
        }
        self.count(job.state.name(), 1)?;
        self.put(Which::JobStates, state_key(job), Vec::new());
        self.apply_standing(job)?;
        self.set(Which::Jobs, key(job.id.0).to_vec(), job)
    }

    /// How many jobs are held in each step.
    fn apply_held(&mut self, old: Option<&Job>, new: &Job) -> Result<()> {
        let step = |job: &Job| matches!(job.state, JobState::Leased { .. }).then_some(job.step);
        let (left, entered) = (old.and_then(step), step(new));
        if left == entered {
            return Ok(());
        }
        for (step, by) in [(left, -1), (entered, 1)] {
            if let Some(step) = step {
                let held = self.held(step)? + by;
                self.set(Which::Meta, held_key(step), &held)?;
            }
        }
        Ok(())
    }

    /// What a passed step of a job without pins came to is what replays of its event take over.
    fn apply_standing(&mut self, job: &Job) -> Result<()> {
        let Subject::Event(event) = job.subject else { return Ok(()) };
        if !job.pins.is_empty() {
            return Ok(());
        }
        let before = self.standing(event)?;
        let mut standing = before.clone();
        standing.take(job);
        if standing == before { Ok(()) } else { self.set(Which::Standing, key(event.0).to_vec(), &standing) }
    }

    /// Forgets the keys of the events after those forgotten before. A key that a later delivery took over is that one's.
    fn apply_forgotten(&mut self, through: EventId) -> Result<()> {
        for id in self.forgotten()?.0 + 1..=through.0 {
            if let Some(event) = self.event(EventId(id))?
                && self.event_by_dedupe(event.dedupe_key)? == Some(event.id)
            {
                self.remove(Which::Dedupe, event.dedupe_key.0.to_vec());
            }
        }
        self.set(Which::Meta, FORGOTTEN.to_vec(), &through.0)
    }

    fn count(&mut self, state: &'static str, by: i64) -> Result<()> {
        let now = self.value::<i64>(Which::Counts, state.as_bytes())?.unwrap_or(0) + by;
        self.set(Which::Counts, state.as_bytes().to_vec(), &now)
    }

    /// Keeps a counter at or past a number that was given out: on a rebuild the records tell the counters.
    fn at_least(&mut self, counter: &'static [u8], given: u64) -> Result<()> {
        if self.value::<u64>(Which::Meta, counter)?.unwrap_or(0) < given {
            self.set(Which::Meta, counter.to_vec(), &given)?;
        }
        Ok(())
    }
}

/// A stored value from what a tree holds of it.
pub(super) fn unpack<T: DeserializeOwned>(raw: &[u8], large: LargeValues<'_>) -> std::result::Result<T, CodecError> {
    match raw.split_first() {
        Some((&INLINE, envelope)) => decode(envelope),
        Some((&ELSEWHERE, digest)) => {
            let digest = Digest(digest.try_into().map_err(|_| CodecError("a reference to a large value is damaged".to_owned()))?);
            decode(&large(digest).ok_or_else(|| CodecError(format!("the large value {digest} is missing")))?)
        }
        _ => Err(CodecError("a stored value has an unknown form".to_owned())),
    }
}

pub(super) const OFFSET: &[u8] = b"offset";
pub(super) const EVENT: &[u8] = b"event";
pub(super) const JOB: &[u8] = b"job";
pub(super) const CASE: &[u8] = b"case";
pub(super) const ASSESSMENT: &[u8] = b"assessment";
pub(super) const DATASET: &[u8] = b"dataset";
pub(super) const ACTIVE: &[u8] = b"active dataset";
const FORGOTTEN: &[u8] = b"keys forgotten through";

fn held_key(step: Step) -> Vec<u8> {
    format!("held in {}", step.as_str()).into_bytes()
}

fn turn_key(priority: Priority) -> Vec<u8> {
    [&b"turn "[..], &[priority as u8]].concat()
}

/// Numbers sort as bytes.
pub(super) fn key(id: u64) -> [u8; 8] {
    id.to_be_bytes()
}

pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Times sort as bytes, before 1970 as well.
fn time_key(at: At) -> [u8; 8] {
    (at.0.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

pub(super) fn time(bytes: &[u8]) -> i64 {
    (number(bytes) ^ (1 << 63)).cast_signed()
}

/// Case keys may be long; their digest is the tree's key.
pub(super) fn hashed(text: &str) -> [u8; 32] {
    Digest::of(text.as_bytes()).0
}

pub(super) fn subject_key(subject: Subject) -> Vec<u8> {
    match subject {
        Subject::Event(id) => [&b"E"[..], &key(id.0)].concat(),
        Subject::Case(id) => [&b"C"[..], &key(id.0)].concat(),
    }
}

/// State name, zero byte, number.
pub(super) fn state_prefix(state: &str) -> Vec<u8> {
    [state.as_bytes(), &[0]].concat()
}

fn state_key(job: &Job) -> Vec<u8> {
    [state_prefix(job.state.name()), key(job.id.0).to_vec()].concat()
}

/// Beginning of the keys of the ready jobs of a priority at a step; the source's name, a zero byte and the number follow.
pub(super) fn lane(priority: Priority, step: Step) -> [u8; 2] {
    [priority as u8, step as u8]
}

/// The queue a job stands in by its state.
fn queue(job: &Job) -> Option<(Which, Vec<u8>)> {
    let id = key(job.id.0);
    match &job.state {
        JobState::Ready => Some((Which::Ready, [lane(job.priority, job.step).as_slice(), job.source.as_str().as_bytes(), &[0], &id].concat())),
        JobState::Scheduled { due, .. } => Some((Which::Scheduled, [time_key(*due), id].concat())),
        JobState::Leased { until, .. } => Some((Which::Leases, [time_key(*until), id].concat())),
        _ => None,
    }
}
