//! Step 3: notices to cases. The same notice by another vector, and a revision of it, join its case; where two tell different dates the newer revision
//! counts, and between equals the earliest last-time buy, until a person decides.

use jiff::civil::Date;

use super::{Done, Worker, json, now};
use crate::{
    domain::{
        case::{Case, CasePart, CaseState, NamedReplacement, WITHDRAWN, case_keys},
        event::Event,
        id::{CaseId, EventId},
        job::{Job, Step},
        notice::{AffectedPart, Notice, NoticeKind, Reading, Replacement},
        part::normal_mpn,
        revision::{CaseResult, Told, supersedes},
    },
    store::{CaseWrite, Effects},
};

impl Worker {
    pub(super) fn case_step(&self, job: &Job) -> Result<Done, String> {
        let event = self.event(job)?;
        let reading: Reading = self.earlier(job, Step::Reading)?;
        if !job.pins.is_empty() {
            let as_they_would_be = Some(self.as_they_would_be(&event, &reading)?);
            return Ok(Done::result(json(&CaseResult { as_they_would_be, told: Vec::new() })?));
        }
        let mut effects = Effects::default();
        let mut all_told = Vec::new();
        for (keys, notice) in self.matters(&reading) {
            let existing = match self.existing(&keys)? {
                // Its own number is one more of the case's, so that a copy of the retraction joins it as well.
                None if notice.kind == NoticeKind::Retraction => {
                    self.withdrawn_by(notice)?.map(|case| Case { keys: [&case.keys[..], &keys].concat(), ..case })
                }
                existing => existing,
            };
            let (write, told) = match existing {
                // Read again: what the notice said before must not stay in the case.
                Some(case) if case.events.contains(&event.id) => {
                    let (now, told) = self.retold(&case, event.id, &[notice])?;
                    (CaseWrite::Change { case: now, expected: case.changed_at }, told)
                }
                Some(case) => {
                    let now = joined(case.clone(), notice, event.id);
                    let told = vec![Told::of(Some(&case), &now, notice)];
                    (CaseWrite::Change { case: now, expected: case.changed_at }, told)
                }
                None => {
                    let now = opened(keys, notice, event.id);
                    let told = vec![Told::of(None, &now, notice)];
                    (CaseWrite::New(now), told)
                }
            };
            effects.cases.push(write);
            all_told.extend(told);
        }
        effects.result = Some(json(&CaseResult { as_they_would_be: None, told: all_told })?);
        Ok(Done::advance(effects))
    }

    /// The case that a retraction under a number of its own takes back: the only one of its maker that is not closed and has every part it lists.
    fn withdrawn_by(&self, notice: &Notice) -> Result<Option<Case>, String> {
        let key = |maker: &str| self.datasets.aliases().key(maker);
        let Some(maker) = notice.maker.as_ref().map(|maker| key(&maker.value)).filter(|_| !notice.parts.is_empty()) else { return Ok(None) };
        let mut found: Vec<Case> = Vec::new();
        self.each_case(|case| {
            let has = |mpn: &str| case.parts.iter().any(|part| normal_mpn(&part.mpn) == normal_mpn(mpn));
            let is_closed = matches!(case.state, CaseState::Closed { .. });
            if !is_closed && case.maker.as_deref().map(key) == Some(maker.clone()) && notice.parts.iter().all(|part| has(&part.mpn.value)) {
                found.push(case.clone());
            }
        })?;
        Ok(if found.len() == 1 { found.pop() } else { None })
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
        found.into_iter().map(|(case, notices)| Ok(self.retold(&case, event.id, &notices)?.0)).collect()
    }

    /// The case as its notices tell it, in the order they arrived, with `notices` as what `event` says now, and what they change in what was told before them. A case
    /// made by hand, or one with a notice whose reading is no longer kept, has more than its notices: there they only join it.
    fn retold(&self, case: &Case, event: EventId, notices: &[&Notice]) -> Result<(Case, Vec<Told>), String> {
        let only_joined = || {
            notices.iter().fold((case.clone(), Vec::new()), |(case, mut told), notice| {
                let now = joined(case.clone(), notice, event);
                told.push(Told::of(Some(&case), &now, notice));
                (now, told)
            })
        };
        if case.made_by.is_some() {
            return Ok(only_joined());
        }
        let mut events = case.events.clone();
        if !events.contains(&event) {
            events.push(event);
        }
        let (mut told, mut changed): (Option<Case>, Vec<Told>) = (None, Vec::new());
        let mut tell = |notice: &Notice, of: EventId| {
            let now = match &told {
                Some(told) => joined(told.clone(), notice, of),
                None => opened(case.keys.clone(), notice, of),
            };
            if of == event {
                changed.push(Told::of(told.as_ref(), &now, notice));
            }
            told = Some(now);
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
        let Some(told) = told else { return Ok((case.clone(), changed)) };
        // What a person decided stays; that this notice withdrew the matter does not stay when it no longer says so.
        let state = match (&told.state, &case.state) {
            (CaseState::Closed { reason, .. }, CaseState::Closed { reason: before, .. }) if reason == before => case.state.clone(),
            (CaseState::Open, CaseState::Closed { reason, .. }) if reason.starts_with(&withdrawn(event)) => CaseState::Open,
            (CaseState::Open, _) => case.state.clone(),
            (CaseState::Closed { .. }, CaseState::Closed { .. }) => case.state.clone(),
            (_, CaseState::Decided { .. }) => taken_back(&case.state, event),
            _ => told.state.clone(),
        };
        let told = Case {
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
        };
        Ok((told, changed))
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
        // A retraction that comes before what it takes back: the notice itself, when it comes late, must not open a matter.
        state: if notice.kind == NoticeKind::Retraction { taken_back(&CaseState::Open, event) } else { CaseState::Open },
        opened_at: at,
        changed_at: at,
        latest: None,
        headline: None,
    }
}

/// The case after another notice about it.
fn joined(mut case: Case, notice: &Notice, event: EventId) -> Case {
    let issued = notice.issue_date.as_ref().map(|date| date.value);
    let newer = supersedes(case.issue_date, issued);
    let found = |date: &Option<crate::domain::notice::Found<Date>>| date.as_ref().map(|date| date.value);
    case.last_time_buy = counts(case.last_time_buy, found(&notice.last_time_buy), newer);
    case.last_time_ship = counts(case.last_time_ship, found(&notice.last_time_ship), newer);
    if newer || case.issue_date.is_none() {
        case.issue_date = issued.or(case.issue_date);
    }
    if notice.kind == NoticeKind::Retraction {
        case.state = taken_back(&case.state, event);
    } else {
        if matches!(case.kind, NoticeKind::Other | NoticeKind::Retraction) || newer {
            case.kind = notice.kind;
        }
        // A notice that is newer than the retraction ends the part after all.
        let is_withdrawn = matches!(&case.state, CaseState::Closed { reason, .. } if reason.starts_with(WITHDRAWN));
        if newer && is_withdrawn && notice.kind != NoticeKind::Other {
            case.state = CaseState::Open;
        }
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
    format!("{WITHDRAWN} ({event})")
}

/// The state after a retraction. That somebody had decided is told: what was ordered may have to be cancelled.
fn taken_back(state: &CaseState, event: EventId) -> CaseState {
    match state {
        CaseState::Closed { .. } => state.clone(),
        CaseState::Open => CaseState::Closed { reason: withdrawn(event), at: now() },
        CaseState::Decided { answer, by, .. } => {
            CaseState::Closed { reason: format!("{}; {by} had decided for {answer}: see what was ordered", withdrawn(event)), at: now() }
        }
    }
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
