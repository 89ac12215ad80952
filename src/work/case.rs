//! Step 3: notices to cases. The same notice by another vector, and a revision of it, join its case; where two tell different dates the newer revision
//! counts, and between equals the earliest last-time buy, until a person decides.

use jiff::civil::Date;

use super::{Done, Worker, now};
use crate::{
    domain::{
        case::{Case, CasePart, CaseState, NamedReplacement, case_keys},
        event::Event,
        id::CaseId,
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
        let mut effects = Effects::default();
        let mut planned: Vec<Vec<String>> = Vec::new();
        for notice in &reading.notices {
            let keys = self.keys(notice);
            // A notice without parts and without a number of its own has nothing a case could be about; the event and its reading remain.
            // The same matter twice in one document is one case.
            if keys.is_empty() || planned.iter().any(|earlier| earlier.iter().any(|key| keys.contains(key))) {
                continue;
            }
            effects.cases.push(match self.existing(&keys)? {
                Some(case) => {
                    let expected = case.changed_at;
                    CaseWrite::Change { case: joined(case, notice, &event), expected }
                }
                None => CaseWrite::New(opened(keys.clone(), notice, &event)),
            });
            planned.push(keys);
        }
        Ok(Done::advance(effects))
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

fn opened(keys: Vec<String>, notice: &Notice, event: &Event) -> Case {
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
        events: vec![event.id],
        made_by: None,
        state: CaseState::Open,
        opened_at: at,
        changed_at: at,
        latest: None,
        headline: None,
    }
}

/// The case after another notice about it.
fn joined(mut case: Case, notice: &Notice, event: &Event) -> Case {
    let issued = notice.issue_date.as_ref().map(|date| date.value);
    let newer = matches!((case.issue_date, issued), (Some(old), Some(new)) if new > old);
    let found = |date: &Option<crate::domain::notice::Found<Date>>| date.as_ref().map(|date| date.value);
    case.last_time_buy = counts(case.last_time_buy, found(&notice.last_time_buy), newer);
    case.last_time_ship = counts(case.last_time_ship, found(&notice.last_time_ship), newer);
    if newer || case.issue_date.is_none() {
        case.issue_date = issued.or(case.issue_date);
    }
    if notice.kind == NoticeKind::Retraction {
        case.state = CaseState::Closed { reason: format!("withdrawn by the maker, {}", event.id), at: now() };
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
    if !case.events.contains(&event.id) {
        case.events.push(event.id);
    }
    case
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
