//! Looks for open cases whose last-time buy comes near. That nobody is told twice of one step is the store's promise; what is remembered here only saves looking.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use jiff::civil::Date;
use tokio::runtime::Handle;

use super::{Settings, now};
use crate::{
    domain::{
        case::{Case, CaseState},
        id::CaseId,
        time::At,
    },
    limits,
    store::{Store, WriteError},
};

pub(super) fn run(store: &Store, settings: &Settings, stop: &AtomicBool, runtime: &Handle) -> Result<(), WriteError> {
    let mut watch = Watch { told: HashSet::new(), newest: CaseId(0) };
    let mut looked_at = At(i64::MIN);
    while !stop.load(Ordering::Acquire) {
        let now = now();
        // A new case is looked at when it is opened, the others by the clock: a revision may bring a date nearer.
        let all = now.0.saturating_sub(looked_at.0) >= limits::REMIND_MS;
        if all {
            looked_at = now;
        }
        match watch.look(store, settings, all, now) {
            Err(error @ WriteError::Poisoned(_)) => return Err(error),
            Err(error) => tracing::warn!(%error, "cases near their last-time buy could not all be told of; again in a moment"),
            Ok(()) => {}
        }
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(limits::WORK_WAIT_MS_MAX)).await });
    }
    Ok(())
}

/// What was looked at.
struct Watch {
    /// Case, date and step that were told of.
    told: HashSet<(CaseId, Date, u32)>,
    /// Cases up to this one were all looked at.
    newest: CaseId,
}

impl Watch {
    /// Looks through all cases, or through those that are new.
    fn look(&mut self, store: &Store, settings: &Settings, all: bool, now: At) -> Result<(), WriteError> {
        let today = settings.as_of.unwrap_or_else(|| now.local(&settings.zone).date());
        let (mut before, mut newest) = (None, self.newest);
        let limit = if all { limits::LIST_ROWS_MAX } else { limits::NEW_CASES_LOOKED_AT };
        loop {
            let page = store.cases(before, limit).map_err(|error| WriteError::Busy(error.to_string()))?;
            for case in &page {
                if !all && case.id <= self.newest {
                    self.newest = newest;
                    return Ok(());
                }
                newest = newest.max(case.id);
                self.remind(store, settings, case, today, now)?;
            }
            let Some(last) = page.last() else {
                self.newest = newest;
                return Ok(());
            };
            before = Some(last.id);
        }
    }

    fn remind(&mut self, store: &Store, settings: &Settings, case: &Case, today: Date, now: At) -> Result<(), WriteError> {
        let Some((date, days)) = days_left(case, today).filter(|_| case.state == CaseState::Open) else { return Ok(()) };
        for step in settings.rules.steps(days) {
            if !self.told.contains(&(case.id, date, step)) {
                store.remind(case.id, step, days, now)?;
                self.told.insert((case.id, date, step));
            }
        }
        Ok(())
    }
}

/// The earliest last-time buy of a case and the days until then; negative: it is over.
fn days_left(case: &Case, today: Date) -> Option<(Date, i32)> {
    let date = case.last_time_buy()?;
    today.until(date).ok().map(|span| (date, span.get_days()))
}
