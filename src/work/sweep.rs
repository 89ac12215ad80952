//! When another dataset comes into force, open cases are matched and assessed again by themselves. What is due is derived from what is stored: an open case
//! whose headline is of another dataset (or missing) and that no waiting job will assess. A crash in between only means to look once more.

use std::sync::{Mutex, PoisonError};

use super::{WorkError, Worker, go_on, now};
use crate::{
    domain::{
        id::{CaseId, DatasetId},
        time::At,
    },
    limits,
    store::Actor,
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
        match self.without_statement(active.id) {
            Ok(cases) => {
                if go_on(self.store.reassess(&cases, &Actor("system: another dataset is in force".to_owned()), now()))?.is_none() {
                    self.swept.forget();
                }
            }
            Err(error) => {
                tracing::error!(error, "open cases could not be listed for re-assessment; trying again");
                self.swept.forget();
            }
        }
        Ok(())
    }

    /// Open cases whose newest statement is of another dataset, or missing; which of them need a job is the store's to say.
    fn without_statement(&self, active: DatasetId) -> Result<Vec<CaseId>, String> {
        let mut open = Vec::new();
        self.each_open_case(|case| open.push((case.id, case.latest)))?;
        let mut cases = Vec::new();
        for (case, latest) in open {
            let of = match latest {
                Some(id) => self.store.assessment(id).map_err(|error| error.to_string())?.map(|row| row.dataset),
                None => None,
            };
            if of != Some(active) {
                cases.push(case);
            }
        }
        cases.sort();
        Ok(cases)
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
