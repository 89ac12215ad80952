//! The state of the projections as the writer sees it: what was committed, and over it the changes of the group being prepared. The same code that prepares a
//! group applies one out of the log, so the two cannot differ.
//!
//! A record is applied by itself: which rows it sets and which it takes away follow from the record alone, whatever rows are there. So records may be applied
//! again over rows that later ones left, in order and to the last of these, and the outcome is the same; an opening after a kill relies on it (`project`).

use std::{
    collections::{HashMap, HashSet},
    ops::Bound,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    codec::{CodecError, decode, encode},
    log::{Found, Group, Kind, Place, Position, Reader},
    order::Standing,
    record::{Act, Record, Stood},
    retain::{Hold, of_hold},
    state::State,
    trees::{Changes, Which},
    view::View,
};
use crate::{
    domain::{
        case::{AssessmentRow, Case, DatasetRow},
        event::{Digest, Event},
        id::{AssessmentId, CaseId, DatasetId, EventId, JobId},
        job::{Job, JobState, Priority, Step, Subject},
        rule::Rules,
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
    #[error("{0}: run lastbuy doctor --deep")]
    Log(String),
}

type Result<T> = std::result::Result<T, DraftError>;

pub(super) struct Draft<'a> {
    base: &'a View,
    reader: &'a Reader,
    changes: Changes,
    /// What goes to the log.
    pub group: Group,
    pub state: State,
    /// Jobs this draft changed.
    jobs: HashMap<JobId, Job>,
    /// Digests of the bodies that came, written or known already.
    pub came: HashSet<Digest>,
    /// What people are told of; `None`: of nothing.
    pub rules: Option<&'a Rules>,
    /// What follows this group in the log goes to a new file.
    pub roll: bool,
}

/// What a prepared group changes.
pub(super) struct Prepared {
    pub group: Group,
    pub changes: Changes,
    pub state: State,
    pub roll: bool,
}

impl<'a> Draft<'a> {
    /// Over what was committed, for a group at the end of the log.
    pub fn new(base: &'a View, reader: &'a Reader, state: State, group: Group) -> Draft<'a> {
        Draft { base, reader, changes: Changes::default(), group, state, jobs: HashMap::new(), came: HashSet::new(), rules: None, roll: false }
    }

    /// For who only looks, or applies what is in the log: nothing is added to its group.
    pub fn looking(base: &'a View, reader: &'a Reader, state: State) -> Draft<'a> {
        let group = Group::new(state.position, state.record + 1, state.link);
        Draft::new(base, reader, state, group)
    }

    /// The group with everything that follows from it; `None`: nothing is to be written.
    pub fn prepared(mut self) -> Result<Option<Prepared>> {
        if self.group.is_empty() {
            return Ok(None);
        }
        let (begins, ends) = (self.group.begins(), self.group.ends());
        let (first, next, link) = (self.group.first(), self.group.next(), self.group.link());
        self.passed(first, begins, next, link, ends)?;
        Ok(Some(Prepared { group: self.group, changes: self.changes, state: self.state, roll: self.roll }))
    }

    /// The state after a whole group, with its row.
    fn passed(&mut self, first: u64, begins: Position, next: u64, link: Digest, ends: Position) -> Result<()> {
        let due = self.state.indexed.file != begins.file || begins.offset >= self.state.indexed.offset + limits::LOG_INDEX_BYTES;
        if next > first && due {
            self.state.indexed = begins;
            self.changes.insert(Which::Log, key(first).to_vec(), Some(encode(&begins)?));
        }
        (self.state.record, self.state.link, self.state.position) = (next - 1, link, ends);
        self.changes.insert(Which::State, STATE.to_vec(), Some(encode(&self.state)?));
        Ok(())
    }

    // ---- rows ----

    fn raw(&self, which: Which, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.changes.of(which).get(key) {
            Some(change) => Ok(change.clone()),
            None => Ok(self.base.get(which, key)?),
        }
    }

    pub fn put(&mut self, which: Which, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.changes.insert(which, key.into(), Some(value.into()));
    }

    pub fn remove(&mut self, which: Which, key: impl Into<Vec<u8>>) {
        self.changes.insert(which, key.into(), None);
    }

    /// The first key of a tree at or after `from`.
    pub fn first_from(&self, which: Which, from: &[u8]) -> Result<Option<Vec<u8>>> {
        let own = self.changes.of(which);
        let changed =
            own.range::<[u8], _>((Bound::Included(from), Bound::Unbounded)).filter(|(_, value)| value.is_some()).map(|(key, _)| key.clone()).next();
        let below = self.base.first_from(which, from, |key| own.contains_key(key))?;
        Ok([changed, below].into_iter().flatten().min())
    }

    pub fn number(&self, which: Which, key: &[u8]) -> Result<Option<u64>> {
        Ok(self.raw(which, key)?.map(|raw| number(&raw)))
    }

    fn value<T: DeserializeOwned>(&self, which: Which, key: &[u8]) -> Result<Option<T>> {
        Ok(self.raw(which, key)?.map(|raw| decode(&raw)).transpose()?)
    }

    fn set<T: Serialize>(&mut self, which: Which, key: impl Into<Vec<u8>>, value: &T) -> Result<()> {
        let row = encode(value)?;
        if row.len() > limits::SLED_VALUE_BYTES_MAX {
            return Err(CodecError(format!("a row of {} bytes for {} is over the limit", row.len(), which.name())).into());
        }
        self.put(which, key, row);
        Ok(())
    }

    /// The record a row stands for.
    pub fn record(&self, which: Which, key: &[u8]) -> Result<Option<Record>> {
        let Some(raw) = self.raw(which, key)? else { return Ok(None) };
        let place = Place::at_head(&raw)?;
        match self.group.find(place) {
            Some(record) => Ok(Some(record?)),
            None => self.reader.record(place).map(Some).map_err(DraftError::Log),
        }
    }

    pub fn job(&self, id: JobId) -> Result<Option<Job>> {
        if let Some(job) = self.jobs.get(&id) {
            return Ok(Some(job.clone()));
        }
        self.record(Which::Jobs, &key(id.0))?.map(|record| of_job(id, record)).transpose()
    }

    pub fn event(&self, id: EventId) -> Result<Option<Event>> {
        self.record(Which::Events, &key(id.0))?.map(|record| of_event(id, record)).transpose()
    }

    pub fn case(&self, id: CaseId) -> Result<Option<Case>> {
        self.record(Which::Cases, &key(id.0))?.map(|record| of_case(id, record)).transpose()
    }

    pub fn assessment(&self, id: AssessmentId) -> Result<Option<AssessmentRow>> {
        self.record(Which::Assessments, &key(id.0))?.map(|record| of_assessment(id, record)).transpose()
    }

    pub fn dataset(&self, id: DatasetId) -> Result<Option<DatasetRow>> {
        self.record(Which::Datasets, &key(id.0))?.map(|record| of_dataset(id, record)).transpose()
    }

    /// Who holds an event against retention.
    pub fn hold(&self, event: EventId) -> Result<Option<Hold>> {
        self.record(Which::Holds, &key(event.0))?.map(|record| of_hold(event, record)).transpose()
    }

    pub fn event_by_dedupe(&self, dedupe: Digest) -> Result<Option<EventId>> {
        Ok(self.number(Which::Dedupe, &dedupe.0)?.map(EventId))
    }

    pub fn case_by_key(&self, case_key: &str) -> Result<Option<CaseId>> {
        Ok(self.number(Which::CaseKeys, &hashed(case_key))?.map(CaseId))
    }

    pub fn place(&self, digest: Digest) -> Result<Option<Place>> {
        Ok(self.raw(Which::Bodies, &digest.0)?.map(|raw| Place::from_bytes(&raw)).transpose()?)
    }

    /// The jobs about a subject, in the order they were made.
    pub fn jobs_about(&self, subject: Subject) -> Result<Vec<JobId>> {
        let prefix = subject_key(subject);
        let changed =
            self.changes.of(Which::SubjectJobs).range(prefix.clone()..).map(|(found, _)| found).take_while(|found| found.starts_with(&prefix));
        let mut ids: Vec<JobId> = changed.map(|found| JobId(number(&found[prefix.len()..]))).collect();
        if let Subject::Event(event) = subject
            && let Some(raw) = self.raw(Which::Events, &key(event.0))?
        {
            ids.extend(raw.get(Place::BYTES..).map(number).filter(|job| *job > 0).map(JobId));
        }
        for found in self.base.with_prefix(Which::SubjectJobs, &prefix) {
            ids.push(JobId(number(&found?.0[prefix.len()..])));
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// When the bytes of an event were given up.
    pub fn expired(&self, event: EventId) -> Result<Option<At>> {
        self.value(Which::Expired, &key(event.0))
    }

    /// What the jobs about an event came to.
    pub fn standing(&self, event: EventId) -> Result<Standing> {
        Ok(self.value(Which::Standing, &key(event.0))?.unwrap_or_default())
    }

    /// The newest job without pins about a subject.
    pub fn newest_job(&self, subject: Subject) -> Result<Option<Job>> {
        for id in self.jobs_about(subject)?.into_iter().rev() {
            let job = self.job(id)?;
            if job.as_ref().is_some_and(|job| job.pins.is_empty()) {
                return Ok(job);
            }
        }
        Ok(None)
    }

    // ---- the log ----

    /// Appends a record and applies it, with the messages that the site's rules want told of it.
    pub fn append(&mut self, record: &Record) -> Result<()> {
        // Looked at before it is applied, because what changed shows only beside what was.
        let happened = match self.rules {
            Some(_) => self.happened(record)?,
            None => None,
        };
        let (_, place) = self.group.record(record)?;
        self.apply(record, place)?;
        match happened {
            Some((happened, mark)) => self.tell(&happened, &mark).map(drop),
            None => Ok(()),
        }
    }

    /// Keeps a body for the records that name it, unless it is there already.
    pub fn keep(&mut self, digest: Digest, bytes: &[u8]) -> Result<()> {
        self.came.insert(digest);
        if self.place(digest)?.is_none() {
            let place = self.group.body(digest, bytes)?;
            self.put(Which::Bodies, digest.0, place.to_bytes());
        }
        Ok(())
    }

    /// Applies a group as the log holds it.
    pub fn apply_group(&mut self, group: &Found) -> Result<()> {
        let mut records = self.reader.records(group);
        let (mut next, mut link) = (group.first, group.before);
        for entry in &group.entries {
            match entry.kind {
                Kind::Body => self.put(Which::Bodies, entry.digest.0, entry.place.to_bytes()),
                Kind::Record => {
                    let Some(stored) = records.next() else { break };
                    let stored = stored.map_err(DraftError::Log)?;
                    self.apply(&stored.record().map_err(DraftError::Log)?, stored.place)?;
                    (next, link) = (stored.number + 1, stored.link);
                }
            }
        }
        self.passed(group.first, group.begins, next, link, group.ends)
    }

    /// Rows changed so far, and the state; for who applies.
    pub fn into_changes(self) -> (Changes, State) {
        (self.changes, self.state)
    }

    pub fn changed(&self) -> usize {
        self.changes.len()
    }

    /// What a record does to the projections; the only place that changes them.
    fn apply(&mut self, record: &Record, place: Place) -> Result<()> {
        let place = place.to_bytes();
        match record {
            Record::Arrived { event, job } => {
                self.state.event = self.state.event.max(event.id);
                self.put(Which::Events, key(event.id.0), [&place[..], &key(job.map_or(0, |job| job.0))].concat());
                self.put(Which::Dedupe, event.dedupe_key.0, key(event.id.0));
            }
            Record::Repeated { .. } | Record::Noted { .. } => {}
            Record::Job { job, before, act, .. } => {
                self.put(Which::Jobs, key(job.id.0), [&place[..], &[state_number(&job.state)]].concat());
                self.apply_job(job, before.as_ref(), *act)?;
            }
            Record::Case { case, .. } => {
                self.state.case = self.state.case.max(case.id);
                for case_key in &case.keys {
                    self.put(Which::CaseKeys, hashed(case_key), key(case.id.0));
                }
                self.put(Which::Cases, key(case.id.0), place);
            }
            Record::Assessed { row, .. } => {
                self.state.assessment = self.state.assessment.max(row.id);
                self.put(Which::CaseAssessments, [key(row.case.0), key(row.id.0)].concat(), []);
                self.put(Which::Assessments, key(row.id.0), place);
            }
            Record::Dataset { row, .. } => {
                self.state.dataset = self.state.dataset.max(row.id);
                self.put(Which::Datasets, key(row.id.0), place);
            }
            Record::Activated { dataset, .. } => self.state.active = Some(*dataset),
            Record::KeysForgotten { through, .. } => self.apply_forgotten(*through)?,
            Record::Held { event, .. } => self.put(Which::Holds, key(event.0), place),
            Record::HoldEnded { event, .. } => self.remove(Which::Holds, key(event.0)),
            Record::Expired { event, mark } => self.set(Which::Expired, key(event.0), &mark.at)?,
            Record::Dropped { bodies, .. } => bodies.iter().for_each(|digest| self.remove(Which::Bodies, digest.0)),
            Record::Message { message, before, act, .. } => {
                self.put(Which::Messages, key(message.id.0), place);
                self.apply_message(message, before.as_ref(), *act, place);
            }
            Record::User { user, act, .. } => self.apply_user(user, *act, place),
            Record::Token { token, .. } => self.apply_token(token, place),
            Record::Decision { decision, .. } => self.apply_decision(decision, place),
            Record::Corrected { correction, .. } => self.apply_correction(correction, place),
            Record::Keyed { key, .. } => self.apply_keyed(*key, place),
            Record::Scenario { scenario, .. } => self.apply_scenario(scenario, place),
        }
        Ok(())
    }

    fn apply_job(&mut self, job: &Job, before: Option<&Stood>, act: Act) -> Result<()> {
        self.state.job = self.state.job.max(job.id);
        self.state.count(before, job);
        if act == Act::Claimed {
            self.state.serve(job);
        }
        match before {
            Some(before) => {
                if let Some((tree, queue_key)) = queue(job, before.step, &before.state) {
                    self.remove(tree, queue_key);
                }
            }
            None if act == Act::Arrived => {}
            None => {
                self.put(Which::SubjectJobs, [subject_key(job.subject), key(job.id.0).to_vec()].concat(), []);
            }
        }
        if let Some((tree, queue_key)) = queue(job, job.step, &job.state) {
            self.put(tree, queue_key, []);
        }
        self.apply_standing(job)?;
        self.jobs.insert(job.id, job.clone());
        Ok(())
    }

    /// What a passed step of a job without pins came to is what replays of its event take over.
    fn apply_standing(&mut self, job: &Job) -> Result<()> {
        let Subject::Event(event) = job.subject else { return Ok(()) };
        if !job.pins.is_empty() || (job.results.is_empty() && job.cases.is_empty()) {
            return Ok(());
        }
        let before = self.standing(event)?;
        let mut standing = before.clone();
        standing.take(job);
        if standing == before { Ok(()) } else { self.set(Which::Standing, key(event.0), &standing) }
    }

    /// Forgets the keys of the events after those forgotten before. A key that a later delivery took over is that one's.
    fn apply_forgotten(&mut self, through: EventId) -> Result<()> {
        for id in self.state.forgotten.0 + 1..=through.0 {
            if let Some(event) = self.event(EventId(id))?
                && self.event_by_dedupe(event.dedupe_key)? == Some(event.id)
            {
                self.remove(Which::Dedupe, event.dedupe_key.0);
            }
        }
        self.state.forgotten = through;
        Ok(())
    }
}

// ---- what a record tells of what its row stands for ----

pub(super) fn elsewhere<T>(what: &dyn std::fmt::Display) -> Result<T> {
    Err(DraftError::Log(format!("the row of {what} names a record of something else")))
}

pub(super) fn of_job(id: JobId, record: Record) -> Result<Job> {
    match record {
        Record::Job { job, .. } if job.id == id => Ok(*job),
        _ => elsewhere(&id),
    }
}

pub(super) fn of_event(id: EventId, record: Record) -> Result<Event> {
    match record {
        Record::Arrived { event, .. } if event.id == id => Ok(*event),
        _ => elsewhere(&id),
    }
}

pub(super) fn of_case(id: CaseId, record: Record) -> Result<Case> {
    match record {
        Record::Case { case, .. } if case.id == id => Ok(*case),
        _ => elsewhere(&id),
    }
}

pub(super) fn of_assessment(id: AssessmentId, record: Record) -> Result<AssessmentRow> {
    match record {
        Record::Assessed { row, .. } if row.id == id => Ok(*row),
        _ => elsewhere(&id),
    }
}

pub(super) fn of_dataset(id: DatasetId, record: Record) -> Result<DatasetRow> {
    match record {
        Record::Dataset { row, .. } if row.id == id => Ok(*row),
        _ => elsewhere(&id),
    }
}

// ---- keys ----

/// The only key of `Which::State`.
pub(super) const STATE: &[u8] = b"state";

/// Numbers sort as bytes.
pub(super) fn key(id: u64) -> [u8; 8] {
    id.to_be_bytes()
}

pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Times sort as bytes, before 1970 as well.
pub(super) fn time_key(at: At) -> [u8; 8] {
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

/// State name, zero byte; a number follows.
pub(super) fn state_prefix(state: &str) -> Vec<u8> {
    [state.as_bytes(), &[0]].concat()
}

/// A state in a row of `Which::Jobs`: its place among the names, from 1.
fn state_number(state: &JobState) -> u8 {
    JobState::NAMES.iter().zip(1..).find(|(name, _)| **name == state.name()).map_or(0, |(_, number)| number)
}

/// Beginning of the keys of the ready jobs of a priority at a step; the source's name, a zero byte and the number follow.
pub(super) fn lane(priority: Priority, step: Step) -> [u8; 2] {
    [priority as u8, step as u8]
}

/// The queue a job stands in at a step in a state.
fn queue(job: &Job, step: Step, state: &JobState) -> Option<(Which, Vec<u8>)> {
    let id = key(job.id.0);
    match state {
        JobState::Ready => Some((Which::Ready, [lane(job.priority, step).as_slice(), job.source.as_str().as_bytes(), &[0], &id].concat())),
        JobState::Scheduled { due, .. } => Some((Which::Scheduled, [time_key(*due), id].concat())),
        JobState::Leased { until, .. } => Some((Which::Leases, [time_key(*until), id].concat())),
        _ => None,
    }
}
