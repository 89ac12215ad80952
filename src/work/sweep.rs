//! When another dataset comes into force, open cases are matched and assessed again by themselves. What is due is derived from what is stored: an open case
//! whose headline is of another dataset (or missing) and that no waiting job will assess. A crash in between only means to look once more.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use super::{WorkError, Worker, go_on, now};
use crate::{
    domain::{
        id::{CaseId, DatasetId},
        job::{Priority, Step, Subject},
        time::At,
    },
    limits,
    store::{Actor, JobFilter, Order},
};

impl Worker {
    /// What is done beside the jobs: keys that were kept long enough, a pinned model nobody needs, and, once per dataset in force and start of the process, open
    /// cases that must be assessed again.
    pub(super) fn sweep(&self) -> Result<(), WorkError> {
        self.models.rest(now());
        if self.swept.claim_keys(now()) {
            go_on(self.store.forget_keys(now()))?;
        }
        let Ok(Some(active)) = self.store.active_dataset() else { return Ok(()) };
        if !self.swept.claim(active.id) {
            return Ok(());
        }
        match self.due(active.id) {
            Ok(cases) => {
                let orders: Vec<Order> =
                    cases.into_iter().map(|case| Order { priority: Priority::Background, ..Order::now(Subject::Case(case), Step::Match) }).collect();
                go_on(self.store.submit(&orders, &Actor("system: another dataset is in force".to_owned()), now()))?;
            }
            Err(error) => {
                tracing::error!(error, "open cases could not be listed for re-assessment; trying again");
                self.swept.forget();
            }
        }
        Ok(())
    }

    fn due(&self, active: DatasetId) -> Result<Vec<CaseId>, String> {
        let waiting = self.cases_with_waiting_jobs()?;
        let mut open = Vec::new();
        self.each_open_case(|case| open.push((case.id, case.latest)))?;
        let mut due = Vec::new();
        for (case, latest) in open {
            let of = match latest {
                Some(id) => self.store.assessment(id).map_err(|error| error.to_string())?.map(|row| row.dataset),
                None => None,
            };
            if of != Some(active) && !waiting.contains(&case) {
                due.push(case);
            }
        }
        due.sort();
        Ok(due)
    }

    /// Cases a job before its match step, or one about the case itself, is still going to assess.
    fn cases_with_waiting_jobs(&self) -> Result<HashSet<CaseId>, String> {
        let mut cases = HashSet::new();
        let filter = JobFilter { states: ["ready", "scheduled", "leased"].map(str::to_owned).to_vec(), ..JobFilter::default() };
        let mut before = None;
        loop {
            let page = self.store.jobs(&filter, before, limits::LIST_ROWS_MAX).map_err(|error| error.to_string())?;
            for job in page.iter().filter(|job| job.step <= Step::Match && job.pins.is_empty()) {
                match job.subject {
                    Subject::Case(case) => {
                        cases.insert(case);
                    }
                    Subject::Event(_) => cases.extend(&job.cases),
                }
            }
            match page.last() {
                Some(last) if page.len() == limits::LIST_ROWS_MAX => before = Some(last.id),
                _ => return Ok(cases),
            }
        }
    }
}

/// What was swept for last, so that of all workers one looks.
#[derive(Default)]
pub struct Swept {
    dataset: Mutex<Option<DatasetId>>,
    keys_at: Mutex<Option<At>>,
}

impl Swept {
    fn claim_keys(&self, now: At) -> bool {
        let mut last = self.keys_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| now.0.saturating_sub(last.0) >= limits::KEYS_SWEEP_MS);
        if due {
            *last = Some(now);
        }
        due
    }

    fn claim(&self, id: DatasetId) -> bool {
        let mut swept = self.dataset.lock().unwrap_or_else(PoisonError::into_inner);
        swept.replace(id) != Some(id)
    }

    fn forget(&self) {
        *self.dataset.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
