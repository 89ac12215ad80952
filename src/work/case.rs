//! Step 3: notices to cases. The same notice by another vector, and a revision of it, join its case; where two tell different dates the newer revision
//! counts, and between equals the earliest last-time buy, until a person decides.

use jiff::civil::Date;

use super::{Done, Worker, json, now};
use crate::{
    domain::{
        case::{Case, CasePart, CaseState, NamedReplacement, case_keys},
        event::Event,
        id::{CaseId, EventId},
        job::{Job, Step},
        notice::{AffectedPart, Notice, NoticeKind, Reading, Replacement},
        part::normal_mpn,
    },
    store::{CaseWrite, Effects},
};

impl Worker {
    pub(super) fn case_step(&self, job: &Job) -> Result<Done, String> {
        let event = self.event(job)?;
        let reading: Reading = self.earlier(job, Step::Reading)?;
        if !job.pins.is_empty() {
            return Ok(Done::result(json(&self.as_they_would_be(&event, &reading)?)?));
        }
        let mut effects = Effects::default();
        for (keys, notice) in self.matters(&reading) {
            effects.cases.push(match self.existing(&keys)? {
                Some(case) => {
                    let expected = case.changed_at;
                    // Read again: what the notice said before must not stay in the case.
                    let told =
                        if case.events.contains(&event.id) { self.retold(&case, event.id, &[notice])? } else { joined(case, notice, event.id) };
                    CaseWrite::Change { case: told, expected }
                }
                None => CaseWrite::New(opened(keys, notice, event.id)),
            });
        }
        Ok(Done::advance(effects))
    }

    /// The notices of a reading that a case can be about, each matter once, with their keys. A notice without parts and without a number of its own has nothing
    /// a case could be about; the event and its reading remain.
    fn matters<'a>(&self, reading: &'a Reading) -> Vec<(Vec<String>, &'a Notice)> {
        let mut matters: Vec<(Vec<String>, &Notice)> = Vec::new();
        for notice in &reading.notices {
            let keys = self.keys(notice);
            if !keys.is_empty() && !matters.iter().any(|(earlier, _)| earlier.iter().any(|key| keys.contains(key))) {
                matters.push((keys, notice));
            }
        }
        matters
    }

    /// For a replay with pins, which changes no case: the cases as they would be with this reading. A notice that is of no known case is of the event's only one,
    /// whose number or parts were read otherwise; where there is none or are several, nothing stands to compare with and it is left out.
    fn as_they_would_be(&self, event: &Event, reading: &Reading) -> Result<Vec<Case>, String> {
        let standing = self.store.standing_cases(event.id).map_err(|error| error.to_string())?;
        let mut found: Vec<(Case, Vec<&Notice>)> = Vec::new();
        for (keys, notice) in self.matters(reading) {
            let case = match (self.existing(&keys)?, standing.as_slice()) {
                (Some(case), _) => Some(case),
                (None, [only]) => self.store.case(*only).map_err(|error| error.to_string())?,
                (None, _) => None,
            };
            let Some(case) = case else { continue };
            match found.iter_mut().find(|(other, _)| other.id == case.id) {
                Some((_, notices)) => notices.push(notice),
                None => found.push((case, vec![notice])),
            }
        }
        found.into_iter().map(|(case, notices)| self.retold(&case, event.id, &notices)).collect()
    }

    /// The case as its notices tell it, in the order they arrived, with `notices` as what `event` says now. A case made by hand, or one with a notice whose
    /// reading is no longer kept, has more than its notices: there they only join it.
    fn retold(&self, case: &Case, event: EventId, notices: &[&Notice]) -> Result<Case, String> {
        let only_joined = || notices.iter().fold(case.clone(), |case, notice| joined(case, notice, event));
        if case.made_by.is_some() {
            return Ok(only_joined());
        }
        let mut events = case.events.clone();
        if !events.contains(&event) {
            events.push(event);
        }
        let mut told: Option<Case> = None;
        let mut tell = |notice: &Notice, of: EventId| {
            told = Some(match told.take() {
                Some(told) => joined(told, notice, of),
                None => opened(case.keys.clone(), notice, of),
            });
        };
        for of in &events {
            if *of == event {
                notices.iter().for_each(|notice| tell(notice, event));
                continue;
            }
            let Some(digest) = self.store.standing_result(*of, Step::Reading).map_err(|error| error.to_string())? else { return Ok(only_joined()) };
            if self.store.blob(digest).map_err(|error| error.to_string())?.is_none() {
                // Given up by retention.
                return Ok(only_joined());
            }
            let reading: Reading = self.result(digest, Step::Reading)?;
            let of_the_case = self.matters(&reading).into_iter().filter(|(keys, _)| keys.iter().any(|key| case.keys.contains(key)));
            of_the_case.for_each(|(_, notice)| tell(notice, *of));
        }
        let Some(told) = told else { return Ok(case.clone()) };
        // What a person decided stays; that this notice withdrew the matter does not stay when it no longer says so.
        let state = match (&told.state, &case.state) {
            (CaseState::Closed { reason, .. }, CaseState::Closed { reason: before, .. }) if reason == before => case.state.clone(),
            (CaseState::Open, CaseState::Closed { reason, .. }) if *reason == withdrawn(event) => CaseState::Open,
            (CaseState::Open, _) => case.state.clone(),
            _ => told.state.clone(),
        };
        Ok(Case {
            id: case.id,
            keys: case.keys.clone(),
            made_by: None,
            events,
            state,
            opened_at: case.opened_at,
            changed_at: case.changed_at,
            latest: case.latest,
            headline: case.headline.clone(),
            ..told
        })
    }

    fn keys(&self, notice: &Notice) -> Vec<String> {
        let maker = notice.maker.as_ref().map(|maker| self.datasets.aliases().key(&maker.value));
        let mpns: Vec<String> = notice.parts.iter().map(|part| part.mpn.value.clone()).collect();
        case_keys(maker.as_deref(), notice.notice_id.as_ref().map(|id| id.value.as_str()), &mpns)
    }

    fn existing(&self, keys: &[String]) -> Result<Option<Case>, String> {
        for key in keys {
            let found: Option<CaseId> = self.store.case_by_key(key).map_err(|error| error.to_string())?;
            if let Some(id) = found {
                return self.store.case(id).map_err(|error| error.to_string());
            }
        }
        Ok(None)
    }
}

fn opened(keys: Vec<String>, notice: &Notice, event: EventId) -> Case {
    let at = now();
    Case {
        id: CaseId(0),
        keys,
        kind: notice.kind,
        maker: notice.maker.as_ref().map(|maker| maker.value.clone()),
        notice_id: notice.notice_id.as_ref().map(|id| id.value.clone()),
        issue_date: notice.issue_date.as_ref().map(|date| date.value),
        last_time_buy: notice.last_time_buy.as_ref().map(|date| date.value),
        last_time_ship: notice.last_time_ship.as_ref().map(|date| date.value),
        parts: notice.parts.iter().map(part).collect(),
        events: vec![event],
        made_by: None,
        state: CaseState::Open,
        opened_at: at,
        changed_at: at,
        latest: None,
        headline: None,
    }
}

/// The case after another notice about it.
fn joined(mut case: Case, notice: &Notice, event: EventId) -> Case {
    let issued = notice.issue_date.as_ref().map(|date| date.value);
    let newer = matches!((case.issue_date, issued), (Some(old), Some(new)) if new > old);
    let found = |date: &Option<crate::domain::notice::Found<Date>>| date.as_ref().map(|date| date.value);
    case.last_time_buy = counts(case.last_time_buy, found(&notice.last_time_buy), newer);
    case.last_time_ship = counts(case.last_time_ship, found(&notice.last_time_ship), newer);
    if newer || case.issue_date.is_none() {
        case.issue_date = issued.or(case.issue_date);
    }
    if notice.kind == NoticeKind::Retraction {
        case.state = CaseState::Closed { reason: withdrawn(event), at: now() };
    } else if case.kind == NoticeKind::Other || newer {
        case.kind = notice.kind;
    }
    if case.maker.is_none() {
        case.maker = notice.maker.as_ref().map(|maker| maker.value.clone());
    }
    for new in notice.parts.iter().map(part) {
        let key = normal_mpn(&new.mpn);
        match case.parts.iter_mut().find(|old| normal_mpn(&old.mpn) == key) {
            Some(old) => {
                old.last_time_buy = counts(old.last_time_buy, new.last_time_buy, newer);
                old.last_time_ship = counts(old.last_time_ship, new.last_time_ship, newer);
                if new.replacement != NamedReplacement::Unsaid {
                    old.replacement = new.replacement;
                }
            }
            None => case.parts.push(new),
        }
    }
    if !case.events.contains(&event) {
        case.events.push(event);
    }
    case
}

fn withdrawn(event: EventId) -> String {
    format!("withdrawn by the maker, {event}")
}

/// Which of two dates counts: a newer revision's, otherwise the earlier.
fn counts(old: Option<Date>, new: Option<Date>, newer: bool) -> Option<Date> {
    match (old, new) {
        (Some(_), Some(new)) if newer => Some(new),
        (Some(old), Some(new)) => Some(old.min(new)),
        (old, new) => old.or(new),
    }
}

fn part(affected: &AffectedPart) -> CasePart {
    CasePart {
        mpn: affected.mpn.value.clone(),
        replacement: match &affected.replacement {
            Replacement::Unsaid => NamedReplacement::Unsaid,
            Replacement::None(_) => NamedReplacement::None,
            Replacement::Named(named) => NamedReplacement::Named(named.iter().map(|found| found.value.clone()).collect()),
        },
        last_time_buy: affected.last_time_buy.as_ref().map(|date| date.value),
        last_time_ship: affected.last_time_ship.as_ref().map(|date| date.value),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::counts;

    #[test]
    fn a_revision_counts_and_otherwise_the_earliest_date() {
        let (march, june) = (Some(date(2027, 3, 31)), Some(date(2027, 6, 30)));
        assert_eq!(counts(march, june, true), june);
        assert_eq!(counts(june, march, false), march);
        assert_eq!(counts(march, june, false), march);
        assert_eq!(counts(None, june, false), june);
        assert_eq!(counts(march, None, true), march);
    }
}
