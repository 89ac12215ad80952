//! What readers ask. They see every group that was committed (`view`).

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use super::{
    JobFilter, ReadError, Store,
    draft::{self, DraftError, hashed, key, number},
    record::Record,
    trees::Which,
};
use crate::{
    domain::{
        case::{AssessmentRow, Case, DatasetRow},
        event::{Digest, Event},
        id::{AssessmentId, CaseId, DatasetId, EventId, JobId},
        job::{Job, JobState, Step},
    },
    limits,
};

type Result<T> = std::result::Result<T, ReadError>;
/// What a record tells of the thing with this id.
type Told<I, T> = fn(I, Record) -> std::result::Result<T, DraftError>;

fn broken(error: impl std::fmt::Display) -> ReadError {
    ReadError(error.to_string())
}

/// Cases as they were read, each with the row that says where it stands in the log.
#[derive(Debug, Default)]
pub struct KnownCases {
    rows: BTreeMap<CaseId, (Vec<u8>, Arc<Case>)>,
    /// Newest first, and how many changes of cases there were before they were read.
    all: Option<(u64, Arc<[Arc<Case>]>)>,
}

impl Store {
    /// Things of a tree keyed by number, newest first, below `before`.
    fn newest<I, T>(&self, tree: Which, before: Option<u64>, limit: usize, id: fn(u64) -> I, told: Told<I, T>) -> Result<Vec<T>> {
        let end = before.map_or(Bound::Unbounded, |before| Bound::Excluded(key(before).to_vec()));
        let rows = self.shared.view.range_back(tree, (Bound::Unbounded, end)).take(limit.min(limits::LIST_ROWS_MAX));
        rows.map(|row| {
            let (found, raw) = row.map_err(broken)?;
            Ok(told(id(number(&found)), self.shared.record_at(&raw).map_err(ReadError)?)?)
        })
        .collect()
    }

    /// Numbers at the end of keys with a prefix, newest first, below `before`.
    pub(super) fn numbers(&self, tree: Which, prefix: &[u8], before: Option<u64>) -> impl Iterator<Item = Result<u64>> + use<> {
        let end = [prefix, &key(before.unwrap_or(u64::MAX))].concat();
        let length = prefix.len();
        let rows = self.shared.view.range_back(tree, (Bound::Included(prefix.to_vec()), Bound::Excluded(end)));
        rows.map(move |row| row.map(|(found, _)| number(&found[length..])).map_err(broken))
    }

    pub fn event(&self, id: EventId) -> Result<Option<Event>> {
        Ok(self.shared.draft().event(id)?)
    }

    /// Newest first, from `before` (exclusive) on.
    pub fn events(&self, before: Option<EventId>, limit: usize) -> Result<Vec<Event>> {
        self.newest(Which::Events, before.map(|id| id.0), limit, EventId, draft::of_event)
    }

    pub fn job(&self, id: JobId) -> Result<Option<Job>> {
        Ok(self.shared.draft().job(id)?)
    }

    /// Newest first. Looks through the jobs of the subject where one is asked for, and otherwise through all, which tell their state without being read.
    pub fn jobs(&self, filter: &JobFilter, before: Option<JobId>, limit: usize) -> Result<Vec<Job>> {
        let draft = self.shared.draft();
        let limit = limit.min(limits::LIST_ROWS_MAX);
        let before = before.map_or(u64::MAX, |before| before.0);
        let in_state = |name: &str| filter.states.is_empty() || filter.states.iter().any(|state| state == name);
        let takes = |job: &Job| in_state(job.state.name()) && filter.source.as_ref().is_none_or(|source| *source == job.source);
        let mut found = Vec::new();
        if let Some(subject) = filter.subject {
            let ids = draft.jobs_about(subject)?.into_iter().rev().filter(|id| id.0 < before);
            for id in ids {
                if found.len() >= limit {
                    break;
                }
                found.extend(draft.job(id)?.filter(&takes));
            }
            return Ok(found);
        }
        // As many as the queue counts: whoever asks for the few that are held need not wait for a look at all.
        let mut left: u64 = draft.state.counts().iter().filter(|(state, _)| in_state(state)).map(|(_, count)| count).sum();
        let numbers: Vec<u8> = JobState::NAMES.iter().zip(1..).filter(|(name, _)| in_state(name)).map(|(_, number)| number).collect();
        let mut rows = self.shared.view.range_back(Which::Jobs, (Bound::Unbounded, Bound::Excluded(key(before).to_vec())));
        while left > 0 && found.len() < limit {
            let Some(row) = rows.next() else { break };
            let (id, raw) = row.map_err(broken)?;
            if raw.last().is_some_and(|state| numbers.contains(state)) {
                left -= 1;
                let job = draft::of_job(JobId(number(&id)), self.shared.record_at(&raw).map_err(ReadError)?)?;
                found.extend(Some(job).filter(&takes));
            }
        }
        Ok(found)
    }

    /// Jobs by state name; states without jobs are absent.
    pub fn job_counts(&self) -> Result<BTreeMap<String, u64>> {
        Ok(self.shared.state().counts())
    }

    /// The newest result of a step that passed, of the jobs without pins about an event: what a replay takes over.
    pub fn standing_result(&self, event: EventId, step: Step) -> Result<Option<Digest>> {
        Ok(self.shared.draft().standing(event)?.result(step))
    }

    /// The cases an event joined.
    pub fn standing_cases(&self, event: EventId) -> Result<Vec<CaseId>> {
        Ok(self.shared.draft().standing(event)?.cases)
    }

    pub fn case(&self, id: CaseId) -> Result<Option<Case>> {
        Ok(self.shared.draft().case(id)?)
    }

    pub fn cases(&self, before: Option<CaseId>, limit: usize) -> Result<Vec<Case>> {
        self.newest(Which::Cases, before.map(|id| id.0), limit, CaseId, draft::of_case)
    }

    /// Every case, newest first, at most `limit`, which is the same for all who share `known`. One whose row is still the one that `known` was read from is taken from
    /// there, so whoever keeps `known` reads only what changed, and nothing where no case did.
    pub fn all_cases(&self, known: &mut KnownCases, limit: usize) -> Result<Arc<[Arc<Case>]>> {
        let changes = self.shared.view.cases_changed();
        if let Some((at, all)) = &known.all
            && *at == changes
        {
            return Ok(Arc::clone(all));
        }
        let mut all = Vec::with_capacity(known.rows.len());
        let mut now = BTreeMap::new();
        for row in self.shared.view.range_back(Which::Cases, (Bound::Unbounded, Bound::Unbounded)).take(limit) {
            let (found, raw) = row.map_err(broken)?;
            let id = CaseId(number(&found));
            let (raw, case) = match known.rows.remove(&id) {
                Some((same, case)) if same == raw => (same, case),
                _ => {
                    let case = draft::of_case(id, self.shared.record_at(&raw).map_err(ReadError)?)?;
                    (raw, Arc::new(case))
                }
            };
            all.push(Arc::clone(&case));
            now.insert(id, (raw, case));
        }
        known.rows = now;
        let all: Arc<[Arc<Case>]> = all.into();
        known.all = Some((changes, Arc::clone(&all)));
        Ok(all)
    }

    pub fn case_by_key(&self, case_key: &str) -> Result<Option<CaseId>> {
        let raw = self.shared.view.get(Which::CaseKeys, &hashed(case_key)).map_err(broken)?;
        Ok(raw.map(|raw| CaseId(number(&raw))))
    }

    pub fn assessment(&self, id: AssessmentId) -> Result<Option<AssessmentRow>> {
        Ok(self.shared.draft().assessment(id)?)
    }

    pub fn assessments(&self, case: Option<CaseId>, before: Option<AssessmentId>, limit: usize) -> Result<Vec<AssessmentRow>> {
        let before = before.map(|id| id.0);
        let Some(case) = case else { return self.newest(Which::Assessments, before, limit, AssessmentId, draft::of_assessment) };
        let ids = self.numbers(Which::CaseAssessments, &key(case.0), before).take(limit.min(limits::LIST_ROWS_MAX));
        ids.map(|id| self.assessment(AssessmentId(id?))).filter_map(Result::transpose).collect()
    }

    /// Newest first.
    pub fn datasets(&self) -> Result<Vec<DatasetRow>> {
        let active = self.shared.state().active;
        let mut rows: Vec<DatasetRow> = self.newest(Which::Datasets, None, limits::LIST_ROWS_MAX, DatasetId, draft::of_dataset)?;
        rows.iter_mut().for_each(|row| row.active = Some(row.id) == active);
        Ok(rows)
    }

    pub fn active_dataset(&self) -> Result<Option<DatasetRow>> {
        let draft = self.shared.draft();
        let Some(id) = draft.state.active else { return Ok(None) };
        Ok(draft.dataset(id)?.map(|row| DatasetRow { active: true, ..row }))
    }

    /// Bytes of a body or a result, checked against its digest.
    pub fn blob(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.shared.body(digest).map_err(ReadError)
    }
}
