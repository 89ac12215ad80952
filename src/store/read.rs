//! What readers ask. Reads go to the trees directly and see every group that was committed.

use std::{collections::BTreeMap, ops::Bound};

use serde::de::DeserializeOwned;

use super::{
    JobFilter, ReadError, Store,
    draft::{ACTIVE, hashed, key, number, state_prefix, subject_key, unpack},
    order::Standing,
    trees::Which,
};
use crate::{
    domain::{
        case::{AssessmentRow, Case, DatasetRow},
        event::{Digest, Event},
        id::{AssessmentId, CaseId, DatasetId, EventId, JobId},
        job::{Job, Step},
    },
    limits,
};

type Result<T> = std::result::Result<T, ReadError>;

fn broken(error: impl std::fmt::Display) -> ReadError {
    ReadError(error.to_string())
}

impl Store {
    fn value<T: DeserializeOwned>(&self, tree: Which, key: &[u8]) -> Result<Option<T>> {
        let raw = self.shared.trees.get(tree).get(key).map_err(broken)?;
        raw.map(|raw| self.unpacked(&raw)).transpose()
    }

    fn unpacked<T: DeserializeOwned>(&self, raw: &[u8]) -> Result<T> {
        unpack(raw, &|digest| self.shared.body(digest).ok().flatten()).map_err(broken)
    }

    /// Values of a tree keyed by number, newest first, below `before`.
    fn newest<T: DeserializeOwned>(&self, tree: Which, before: Option<u64>, limit: usize) -> Result<Vec<T>> {
        let end = before.map_or(Bound::Unbounded, |before| Bound::Excluded(key(before).to_vec()));
        let rows = self.shared.trees.get(tree).range::<Vec<u8>, _>((Bound::Unbounded, end)).rev();
        rows.take(limit.min(limits::LIST_ROWS_MAX)).map(|row| self.unpacked(&row.map_err(broken)?.1)).collect()
    }

    /// Numbers at the end of keys with a prefix, newest first, below `before`.
    fn numbers(&self, tree: Which, prefix: &[u8], before: Option<u64>) -> impl Iterator<Item = Result<u64>> + use<> {
        let end = [prefix, &key(before.unwrap_or(u64::MAX))].concat();
        let length = prefix.len();
        let rows = self.shared.trees.get(tree).range::<Vec<u8>, _>((Bound::Included(prefix.to_vec()), Bound::Excluded(end))).rev();
        rows.map(move |row| row.map(|(found, _)| number(&found[length..])).map_err(broken))
    }

    pub fn event(&self, id: EventId) -> Result<Option<Event>> {
        self.value(Which::Events, &key(id.0))
    }

    /// Newest first, from `before` (exclusive) on.
    pub fn events(&self, before: Option<EventId>, limit: usize) -> Result<Vec<Event>> {
        self.newest(Which::Events, before.map(|id| id.0), limit)
    }

    pub fn job(&self, id: JobId) -> Result<Option<Job>> {
        self.value(Which::Jobs, &key(id.0))
    }

    /// Newest first. Looks through the index of the subject or of the states where one is asked for, and through all jobs otherwise.
    pub fn jobs(&self, filter: &JobFilter, before: Option<JobId>, limit: usize) -> Result<Vec<Job>> {
        let before = before.map(|id| id.0);
        let limit = limit.min(limits::LIST_ROWS_MAX);
        let prefixes: Vec<(Which, Vec<u8>)> = match filter.subject {
            Some(subject) => vec![(Which::SubjectJobs, subject_key(subject))],
            None if filter.states.is_empty() => vec![(Which::Jobs, Vec::new())],
            None => filter.states.iter().map(|state| (Which::JobStates, state_prefix(state))).collect(),
        };
        let mut found = Vec::new();
        for (tree, prefix) in prefixes {
            let mut taken = 0;
            for id in self.numbers(tree, &prefix, before) {
                if taken == limit {
                    break;
                }
                let Some(job) = self.job(JobId(id?))? else { continue };
                let state = filter.states.is_empty() || filter.states.iter().any(|state| state == job.state.name());
                if state && filter.source.as_ref().is_none_or(|source| *source == job.source) {
                    found.push(job);
                    taken += 1;
                }
            }
        }
        found.sort_by_key(|job| std::cmp::Reverse(job.id));
        // A job that moved from one state to another while they were read.
        found.dedup_by_key(|job| job.id);
        found.truncate(limit);
        Ok(found)
    }

    /// Jobs by state name; states without jobs are absent.
    pub fn job_counts(&self) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        for row in self.shared.trees.get(Which::Counts).iter() {
            let (state, raw) = row.map_err(broken)?;
            let count: i64 = self.unpacked(&raw)?;
            if count != 0 {
                counts.insert(String::from_utf8_lossy(&state).into_owned(), count.unsigned_abs());
            }
        }
        Ok(counts)
    }

    /// The newest result of a step that passed, of the jobs without pins about an event: what a replay takes over.
    pub fn standing_result(&self, event: EventId, step: Step) -> Result<Option<Digest>> {
        Ok(self.standing(event)?.result(step))
    }

    /// The cases an event joined.
    pub fn standing_cases(&self, event: EventId) -> Result<Vec<CaseId>> {
        Ok(self.standing(event)?.cases)
    }

    fn standing(&self, event: EventId) -> Result<Standing> {
        Ok(self.value(Which::Standing, &key(event.0))?.unwrap_or_default())
    }

    pub fn case(&self, id: CaseId) -> Result<Option<Case>> {
        self.value(Which::Cases, &key(id.0))
    }

    pub fn cases(&self, before: Option<CaseId>, limit: usize) -> Result<Vec<Case>> {
        self.newest(Which::Cases, before.map(|id| id.0), limit)
    }

    pub fn case_by_key(&self, case_key: &str) -> Result<Option<CaseId>> {
        Ok(self.value::<u64>(Which::CaseKeys, &hashed(case_key))?.map(CaseId))
    }

    pub fn assessment(&self, id: AssessmentId) -> Result<Option<AssessmentRow>> {
        self.value(Which::Assessments, &key(id.0))
    }

    pub fn assessments(&self, case: Option<CaseId>, before: Option<AssessmentId>, limit: usize) -> Result<Vec<AssessmentRow>> {
        let before = before.map(|id| id.0);
        let Some(case) = case else { return self.newest(Which::Assessments, before, limit) };
        let ids = self.numbers(Which::CaseAssessments, &key(case.0), before).take(limit.min(limits::LIST_ROWS_MAX));
        ids.map(|id| self.assessment(AssessmentId(id?))).filter_map(Result::transpose).collect()
    }

    /// Newest first.
    pub fn datasets(&self) -> Result<Vec<DatasetRow>> {
        let active = self.active_id()?;
        let mut rows: Vec<DatasetRow> = self.newest(Which::Datasets, None, limits::LIST_ROWS_MAX)?;
        rows.iter_mut().for_each(|row| row.active = Some(row.id) == active);
        Ok(rows)
    }

    pub fn active_dataset(&self) -> Result<Option<DatasetRow>> {
        let Some(id) = self.active_id()? else { return Ok(None) };
        let row: Option<DatasetRow> = self.value(Which::Datasets, &key(id.0))?;
        Ok(row.map(|row| DatasetRow { active: true, ..row }))
    }

    fn active_id(&self) -> Result<Option<DatasetId>> {
        Ok(self.value::<u64>(Which::Meta, ACTIVE)?.map(DatasetId))
    }

    /// Bytes of a body or a result, checked against its digest.
    pub fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.shared.body(digest).map_err(ReadError)
    }
}
