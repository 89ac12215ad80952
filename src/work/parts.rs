//! Step 4: the parts of each case to the factory's items. Not found is "unknown" with suggestions, never zero.

use serde::{Deserialize, Serialize};

use super::{Done, Worker, json};
use crate::{
    datasets::Opened,
    domain::{
        case::Case,
        id::{CaseId, DatasetId},
        job::{Job, Step, Subject},
        revision::CaseResult,
    },
    factory::PartMatch,
};

/// Result of this step: on which dataset, and for each case the matches in the order of its parts. `None` before the first import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Matched {
    pub dataset: Option<DatasetId>,
    pub cases: Vec<(CaseId, Vec<PartMatch>)>,
}

impl Worker {
    pub(super) fn match_step(&self, job: &Job) -> Result<Done, String> {
        let Some(opened) = self.dataset(job)? else {
            return Ok(Done::result(json(&Matched { dataset: None, cases: Vec::new() })?));
        };
        let mut cases = Vec::new();
        for case in self.cases(job)? {
            let matches = matches(&opened, &case);
            cases.push((case.id, matches));
        }
        Ok(Done::result(json(&Matched { dataset: Some(opened.row.id), cases })?))
    }

    /// The cases a job is about: as they are, or, where a replay with pins told them anew, as they would be.
    pub(super) fn cases(&self, job: &Job) -> Result<Vec<Case>, String> {
        if job.result(Step::Case).is_some()
            && let CaseResult { as_they_would_be: Some(cases), .. } = self.earlier(job, Step::Case)?
        {
            return Ok(cases);
        }
        let ids: Vec<CaseId> = match job.subject {
            Subject::Case(id) => vec![id],
            Subject::Event(_) => job.cases.clone(),
        };
        ids.into_iter()
            .map(|id| self.store.case(id).map_err(|error| error.to_string())?.ok_or_else(|| format!("case {id} is not in the store")))
            .collect()
    }
}

pub(super) fn matches(opened: &Opened, case: &Case) -> Vec<PartMatch> {
    case.parts.iter().map(|part| opened.factory.find_part(case.maker.as_deref(), &part.mpn)).collect()
}
