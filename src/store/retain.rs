//! Retention: how long the bytes of what arrived are kept, and the hold of a lawyer against it.
//!
//! The log itself never shrinks: its order, its checksums and everything derived from it stay verifiable. What retention gives up are bodies: the bytes of an
//! event and what its jobs read in them, by appending a record that says so. The event's record stays as its tombstone (who sent what when, how many bytes with
//! which digest, and its key, so that the same delivery is still a repeat), and so do its cases, decisions and assessments. An event goes when all of this holds:
//!
//! - it is older than the site keeps events, or all bodies together are larger than the site allows and it is the oldest;
//! - nobody holds it;
//! - its jobs are done, dead or cancelled, and none waits for a person;
//! - the cases it belongs to are decided or closed.
//!
//! The bytes leave the disk when garbage is collected (`garbage`) or the store compacted.

use std::ops::Bound;

use serde::Serialize;

use super::{
    Actor, ReadError, Store, WriteError,
    act::{self, Done, refused},
    draft::{Draft, DraftError, elsewhere, key, number, of_event},
    needed,
    record::Record,
    trees::Which,
};
use crate::{
    domain::{
        case::CaseState,
        event::{Digest, Event},
        id::EventId,
        job::{JobState, Subject},
        time::At,
    },
    limits,
};

/// How long bodies are kept. `None` is for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    pub days: Option<u32>,
    /// Of all bodies that events need, together.
    pub bytes: Option<u64>,
}

impl Retention {
    pub fn is_off(&self) -> bool {
        *self == Retention::default()
    }
}

/// A hold on an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    pub event: EventId,
    pub by: String,
    pub at: At,
    pub reason: String,
}

/// What retention says about one event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    pub hold: Option<Hold>,
    /// When its bytes were given up.
    pub expired_at: Option<At>,
}

/// An event that may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expirable {
    pub event: EventId,
    pub received_at: At,
    /// Of its body and of what its jobs read; bytes that another event needs as well are counted for both.
    pub bytes: u64,
    /// `age` or `size`.
    pub rule: &'static str,
}

/// What a round of retention would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Expiring {
    /// Oldest first; at most `limits::EXPIRED_AT_ONCE_MAX`.
    pub events: Vec<Expirable>,
    /// There are more than were listed.
    pub more: bool,
    /// Events a rule meets that must stay, by the reason.
    pub staying: std::collections::BTreeMap<String, u64>,
    /// Bytes of the bodies that events need now.
    pub bytes: u64,
}

/// What the record of a hold tells of it.
pub(super) fn of_hold(id: EventId, record: Record) -> Result<Hold, DraftError> {
    match record {
        Record::Held { event, reason, mark } if event == id => Ok(Hold { event, by: mark.by, at: mark.at, reason }),
        _ => elsewhere(&id),
    }
}

impl Store {
    /// Keeps an event's bytes whatever retention says, until `release`.
    pub fn hold(&self, event: EventId, reason: &str, by: &Actor, now: At) -> Result<(), WriteError> {
        let (reason, by) = (reason.to_owned(), by.clone());
        self.write(0, move |draft| hold(draft, event, reason, &by, now))
    }

    pub fn release(&self, event: EventId, by: &Actor, now: At) -> Result<(), WriteError> {
        let by = by.clone();
        self.write(0, move |draft| release(draft, event, &by, now))
    }

    /// Oldest event first, above `after`.
    pub fn holds(&self, after: Option<EventId>, limit: usize) -> Result<Vec<Hold>, ReadError> {
        let from = key(after.map_or(0, |after| after.0 + 1));
        let rows = self.shared.view.range(Which::Holds, (Bound::Included(from.to_vec()), Bound::Unbounded)).take(limit.min(limits::LIST_ROWS_MAX));
        rows.map(|row| {
            let (found, raw) = row.map_err(|error| ReadError(error.to_string()))?;
            Ok(of_hold(EventId(number(&found)), self.shared.record_at(&raw).map_err(ReadError)?)?)
        })
        .collect()
    }

    pub fn kept(&self, event: EventId) -> Result<Kept, ReadError> {
        let draft = self.shared.draft();
        Ok(Kept { hold: draft.hold(event)?, expired_at: draft.expired(event)? })
    }

    /// What `expire` would give up now. Looks at every event, oldest first.
    pub fn expiring(&self, retention: Retention, now: At) -> Result<Expiring, ReadError> {
        self.expiring_at_most(retention, now, limits::EXPIRED_AT_ONCE_MAX).map_err(ReadError)
    }

    fn expiring_at_most(&self, retention: Retention, now: At, most: usize) -> Result<Expiring, String> {
        let draft = self.shared.draft();
        let expired = needed::expired(&self.shared)?;
        let too_old = retention.days.map(|days| now.plus_ms(-i64::from(days) * 24 * 3600 * 1000));
        let mut found = Expiring::default();
        if retention.bytes.is_some() {
            self.each_event(|event| {
                if !expired.contains(&event.id) {
                    found.bytes += bytes(&draft, &event).map_err(|error| error.to_string())?;
                }
                Ok(true)
            })?;
        }
        let mut over = retention.bytes.map_or(0, |most| found.bytes.saturating_sub(most));
        self.each_event(|event| {
            if expired.contains(&event.id) {
                return Ok(true);
            }
            let rule = match too_old {
                Some(too_old) if event.received_at < too_old => "age",
                _ if over > 0 => "size",
                // Events are in the order they came, but a clock may have been set wrong for a while: the next one may still be older.
                _ => return Ok(true),
            };
            if let Some(why) = stays(&draft, &event).map_err(|error| error.to_string())? {
                *found.staying.entry(why.to_owned()).or_default() += 1;
                return Ok(true);
            }
            if found.events.len() == most {
                found.more = true;
                return Ok(false);
            }
            let bytes = bytes(&draft, &event).map_err(|error| error.to_string())?;
            over = over.saturating_sub(bytes);
            found.events.push(Expirable { event: event.id, received_at: event.received_at, bytes, rule });
            Ok(true)
        })?;
        Ok(found)
    }

    fn each_event(&self, mut act: impl FnMut(Event) -> Result<bool, String>) -> Result<(), String> {
        for row in self.shared.view.all(Which::Events) {
            let (found, raw) = row.map_err(|error| error.to_string())?;
            let record = self.shared.record_at(&raw)?;
            if !act(of_event(EventId(number(&found)), record).map_err(|error| error.to_string())?)? {
                break;
            }
        }
        Ok(())
    }

    /// Gives up the bytes of the events that may go, at most `limits::EXPIRED_AT_ONCE_MAX`; ask again while `more` is told. What changed since it was looked at
    /// is looked at again under the writer, so nothing goes that must stay.
    pub fn expire(&self, retention: Retention, by: &Actor, now: At) -> Result<Expiring, WriteError> {
        // A backup or a collection must not see an event's bytes go while it runs.
        let _alone = self.upkeep()?;
        let mut found = self.expiring_at_most(retention, now, limits::EXPIRED_AT_ONCE_MAX).map_err(WriteError::Busy)?;
        let (events, by) = (found.events.iter().map(|event| event.event).collect::<Vec<_>>(), by.clone());
        if !events.is_empty() {
            let gone = self.write(0, move |draft| expire(draft, events, &by, now))?;
            found.events.retain(|event| gone.contains(&event.event));
        }
        Ok(found)
    }
}

fn hold(draft: &mut Draft<'_>, event: EventId, reason: String, by: &Actor, now: At) -> Done<()> {
    if reason.trim().is_empty() || reason.len() > limits::ERROR_BYTES_MAX {
        return refused(format!("a hold says why, in at most {} bytes", limits::ERROR_BYTES_MAX));
    }
    if draft.event(event)?.is_none() {
        return refused(format!("event {event} is not in the log"));
    }
    if let Some(at) = draft.expired(event)? {
        return refused(gone(event, at));
    }
    if let Some(held) = draft.hold(event)? {
        return refused(format!("event {event} is held already, by {} since {}: {}", held.by, held.at, held.reason));
    }
    Ok(draft.append(&Record::Held { event, reason, mark: act::mark(&by.0, now) })?)
}

fn release(draft: &mut Draft<'_>, event: EventId, by: &Actor, now: At) -> Done<()> {
    if draft.hold(event)?.is_none() {
        return refused(format!("event {event} is not held"));
    }
    Ok(draft.append(&Record::HoldEnded { event, mark: act::mark(&by.0, now) })?)
}

fn expire(draft: &mut Draft<'_>, events: Vec<EventId>, by: &Actor, now: At) -> Done<Vec<EventId>> {
    let mut gone = Vec::with_capacity(events.len());
    for id in events {
        let Some(event) = draft.event(id)? else { continue };
        if draft.expired(id)?.is_none() && stays(draft, &event)?.is_none() {
            draft.append(&Record::Expired { event: id, mark: act::mark(&by.0, now) })?;
            gone.push(id);
        }
    }
    Ok(gone)
}

/// Why nothing can be done with an event any more that needs its bytes.
pub(super) fn gone(event: EventId, at: At) -> String {
    format!("the bytes of {event} were given up by retention at {at}; its record, its cases and their assessments are still there")
}

/// Why an event must stay; `None`: it may go.
fn stays(draft: &Draft<'_>, event: &Event) -> Result<Option<&'static str>, DraftError> {
    if draft.hold(event.id)?.is_some() {
        return Ok(Some("held"));
    }
    let jobs = draft.jobs_about(Subject::Event(event.id))?;
    if jobs.is_empty() && event.is_quarantined() {
        return Ok(Some("in quarantine"));
    }
    for id in jobs {
        let Some(job) = draft.job(id)? else { continue };
        match job.state {
            JobState::Done | JobState::Dead { .. } | JobState::Cancelled { .. } => {}
            JobState::Review { .. } => return Ok(Some("a job waits for a person")),
            JobState::Ready | JobState::Scheduled { .. } | JobState::Leased { .. } => return Ok(Some("a job is not finished")),
        }
        for id in job.cases {
            if draft.case(id)?.is_some_and(|case| case.state == CaseState::Open) {
                return Ok(Some("a case is open"));
            }
        }
    }
    Ok(None)
}

/// Bytes of an event's body and of what its jobs read in it.
fn bytes(draft: &Draft<'_>, event: &Event) -> Result<u64, DraftError> {
    let mut digests: Vec<Digest> = Vec::new();
    for id in draft.jobs_about(Subject::Event(event.id))? {
        if let Some(job) = draft.job(id)? {
            digests.extend(job.results.iter().map(|(_, digest)| *digest));
        }
    }
    digests.sort();
    digests.dedup();
    let mut bytes = event.body_bytes;
    for digest in digests.into_iter().filter(|digest| *digest != event.body) {
        bytes += draft.place(digest)?.map_or(0, |place| u64::from(place.length));
    }
    Ok(bytes)
}
