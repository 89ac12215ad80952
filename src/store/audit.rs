//! The audit trail: the log told as who did what to which object and when. Nothing is kept beside the log, so nothing can be missing from it, and every record is
//! chained to the one before (`record`): a record that is changed, taken out or put in breaks its link or the next one.
//!
//! An entry can be sealed with its record's own bytes. Whoever has sealed entries can check them without the store: the link from the bytes, the readable
//! fields from the record in them, and that nothing is missing between two entries. What no chain can show is that its newest end was cut off; note a link
//! elsewhere from time to time, and check that it is still there.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    ReadError, Store,
    codec::decode,
    log::Stored,
    record::{Act, FIRST_LINK, KeyedOutcome, Record, link},
};
use crate::{
    domain::{
        case::{Case, CaseState},
        decision::Decision,
        event::Digest,
        job::{Job, JobState, Pins},
        message::{Message, MessageState},
        review::{Correction, How},
        time::At,
    },
    limits,
};

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Number of the record in the log, from 1.
    pub record: u64,
    pub at: At,
    /// `uid:1000`, `source:generic`, `worker-1`, `J-4`, `system: …`.
    pub by: String,
    /// What was acted on, a dot, what was done: `job.cancelled`.
    pub act: String,
    pub object: String,
    /// What the object is about: a job's event or case, an assessment's case.
    pub about: Option<String>,
    pub detail: Option<String>,
    pub link: Digest,
}

/// An entry with what is needed to check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedEntry {
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// Link of the record before; of the first record 32 zero bytes.
    pub previous: Digest,
    /// The record's envelope, base64: `link` = BLAKE3(`previous` │ BLAKE3(these bytes)).
    pub bytes: String,
}

/// Which entries. Empty is all.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// The actor, or how it begins: `uid:`.
    pub by: Option<String>,
    /// The act, or how it begins: `case.`.
    pub act: Option<String>,
    /// Exactly this object, or what is about it.
    pub object: Option<String>,
    pub since: Option<At>,
    /// Not included.
    pub until: Option<At>,
}

/// Where a page begins and which way it goes.
#[derive(Debug, Clone, Copy)]
pub enum AuditFrom {
    /// Newest first, below this record.
    Before(Option<u64>),
    /// Oldest first, above this record.
    After(u64),
}

#[derive(Debug, Clone, Default)]
pub struct AuditPage {
    pub entries: Vec<SealedEntry>,
    /// Where the next page begins; `None` at the end. A page may be empty and have a next one: it looked through `limits::AUDIT_SCAN_MAX` records in vain.
    pub next: Option<u64>,
}

impl Store {
    pub fn audit(&self, filter: &AuditFilter, from: AuditFrom, limit: usize) -> Result<AuditPage, ReadError> {
        let mut records: Box<dyn Iterator<Item = Result<Stored, String>>> = match from {
            AuditFrom::Before(before) => Box::new(self.shared.records_back(before)),
            AuditFrom::After(after) => Box::new(self.shared.records(after.saturating_add(1)).map_err(ReadError)?),
        };
        let (mut page, limit) = (AuditPage::default(), limit.min(limits::LIST_ROWS_MAX));
        for _ in 0..limits::AUDIT_SCAN_MAX {
            let Some(stored) = records.next() else { return Ok(AuditPage { next: None, ..page }) };
            let stored = stored.map_err(ReadError)?;
            page.next = Some(stored.number);
            let entry = told(stored.number, stored.link, &stored.record().map_err(ReadError)?);
            if filter.takes(&entry) {
                page.entries.push(SealedEntry { entry, previous: stored.previous, bytes: BASE64_STANDARD.encode(&stored.envelope) });
                if page.entries.len() == limit {
                    break;
                }
            }
        }
        Ok(page)
    }
}

impl AuditFilter {
    fn takes(&self, entry: &AuditEntry) -> bool {
        self.by.as_ref().is_none_or(|by| entry.by.starts_with(by))
            && self.act.as_ref().is_none_or(|act| entry.act.starts_with(act))
            && self.object.as_ref().is_none_or(|object| entry.object == *object || entry.about.as_ref() == Some(object))
            && self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
    }
}

fn told(record: u64, link: Digest, what: &Record) -> AuditEntry {
    let entry = |at: At, by: &str, act: &str, object: String, about: Option<String>, detail: Option<String>| AuditEntry {
        record,
        at,
        by: by.to_owned(),
        act: act.to_owned(),
        object,
        about,
        detail,
        link,
    };
    match what {
        Record::Arrived { event, .. } => {
            let name = event.file_name.as_deref().unwrap_or("no file name");
            let ignored = event.ignored.as_ref().map_or_else(String::new, |why| format!(", not worked on: {why}"));
            let detail = format!("{}, {}, {} bytes, BLAKE3 {}{ignored}", event.source, name, event.body_bytes, event.body);
            entry(event.received_at, &event.by, "event.received", event.id.to_string(), None, Some(detail))
        }
        Record::Repeated { event, mark } => entry(mark.at, &mark.by, "event.repeated", event.to_string(), None, None),
        Record::Job { job, act, mark, .. } => {
            entry(mark.at, &mark.by, &format!("job.{}", act.name()), job.id.to_string(), Some(job.subject.to_string()), Some(of_job(job, *act)))
        }
        Record::Case { case, act, mark } => entry(mark.at, &mark.by, &format!("case.{}", act.name()), case.id.to_string(), None, Some(of_case(case))),
        Record::Assessed { row, mark } => {
            let detail = format!("on {} as of {} by {}{}", row.dataset, row.as_of, row.job, of_pins(&row.pins));
            entry(mark.at, &mark.by, "assessment.made", row.id.to_string(), Some(row.case.to_string()), Some(detail))
        }
        Record::Dataset { row, mark } => {
            let detail = format!(
                "{}, {} products, {} items, {} BOM lines, {} lines refused",
                row.file, row.products, row.items, row.bom_lines, row.refused_lines
            );
            entry(mark.at, &mark.by, "dataset.imported", row.id.to_string(), None, Some(detail))
        }
        Record::Activated { dataset, mark } => entry(mark.at, &mark.by, "dataset.activated", dataset.to_string(), None, None),
        Record::Held { event, reason, mark } => entry(mark.at, &mark.by, "event.held", event.to_string(), None, Some(reason.clone())),
        Record::HoldEnded { event, mark } => entry(mark.at, &mark.by, "event.released", event.to_string(), None, None),
        Record::Expired { event, mark } => entry(mark.at, &mark.by, "event.expired", event.to_string(), None, None),
        Record::KeysForgotten { through, mark } => entry(mark.at, &mark.by, "keys.forgotten", through.to_string(), None, None),
        Record::Noted { act, object, detail, mark } => entry(mark.at, &mark.by, act, object.clone(), None, Some(detail.clone())),
        Record::Message { message, act, mark, .. } => {
            let (act, about) = (format!("message.{}", act.name()), message.happened.object());
            entry(mark.at, &mark.by, &act, message.id.to_string(), Some(about), Some(of_message(message)))
        }
        Record::User { user, act, mark } => {
            let until = user.expires.map_or_else(String::new, |expires| format!(", until {expires}"));
            entry(mark.at, &mark.by, &format!("user.{}", act.name()), user.name.clone(), None, Some(format!("{}{until}", user.role.as_str())))
        }
        Record::Decision { decision, mark } => {
            let act = format!("decision.{}", decision.stage.as_str());
            entry(mark.at, &mark.by, &act, decision.case.to_string(), None, Some(of_decision(decision)))
        }
        Record::Scenario { scenario, mark } => {
            let moved: Vec<String> = scenario.moved.iter().map(|(input, to)| format!("{input} {to}")).collect();
            let detail = format!("'{}' beside {}: {}", scenario.name, scenario.compared_with, moved.join(", "));
            entry(mark.at, &mark.by, "scenario.kept", scenario.case.to_string(), None, Some(detail))
        }
        Record::Corrected { correction, mark } => {
            let job = correction.job.to_string();
            entry(mark.at, &mark.by, "reading.corrected", job, Some(correction.event.to_string()), Some(of_correction(correction)))
        }
        Record::Keyed { key, outcome, mark, .. } => {
            let (act, detail) = match outcome {
                KeyedOutcome::Begun => ("request.begun", None),
                KeyedOutcome::Answered { status, .. } => ("request.answered", Some(format!("status {status}"))),
                KeyedOutcome::Failed => ("request.failed", None),
            };
            entry(mark.at, &mark.by, act, key.to_string(), None, detail)
        }
        Record::Token { token, act, mark } => {
            let scopes = token.scopes.iter().map(|act| act.as_str()).collect::<Vec<_>>().join(" ");
            let detail = format!("'{}' of {}, may {scopes}", token.name, token.user);
            entry(mark.at, &mark.by, &format!("token.{}", act.name()), token.id.to_string(), Some(token.user.clone()), Some(detail))
        }
        Record::Dropped { bodies, mark } => {
            let named: Vec<String> = bodies.iter().map(ToString::to_string).collect();
            entry(mark.at, &mark.by, "bodies.dropped", "store".to_owned(), None, Some(named.join(" ")))
        }
    }
}

fn of_job(job: &Job, act: Act) -> String {
    let step = job.step.as_str();
    let last_error = || job.errors.last().map_or_else(String::new, |error| format!(": {}", error.message));
    match (act, &job.state) {
        (Act::Failed, JobState::Scheduled { due, .. }) => format!("{step}, again at {due}{}", last_error()),
        (_, JobState::Scheduled { due, reason }) => format!("{step}, not before {due}: {reason}{}", of_pins(&job.pins)),
        (_, JobState::Review { reason } | JobState::Dead { reason } | JobState::Cancelled { reason }) => format!("{step}: {reason}"),
        (_, JobState::Leased { epoch, .. }) => format!("{step}, epoch {epoch}"),
        (Act::Arrived | Act::Made, _) => format!("from {step}{}", of_pins(&job.pins)),
        (_, state) => format!("{step}, {}", state.name()),
    }
}

fn of_message(message: &Message) -> String {
    let what = format!("{} to '{}' by rule '{}'", message.happened.on().as_str(), message.destination, message.rule);
    let error = || message.errors.last().map_or("", |attempt| attempt.error.as_str());
    match &message.state {
        MessageState::Deferred { due } => format!("{what}, not before {due}"),
        MessageState::Scheduled { due } => format!("{what}, again at {due}: {}", error()),
        MessageState::Dead { reason } => format!("{what}: {reason}"),
        MessageState::Sending { epoch, .. } => format!("{what}, epoch {epoch}"),
        MessageState::Gathered { into } => format!("{what}, told in {into}"),
        MessageState::Pending | MessageState::Delivered { .. } => what,
    }
}

fn of_decision(decision: &Decision) -> String {
    let owner = decision.proposal.owner.as_ref().map_or_else(String::new, |owner| format!(", by {owner}"));
    let due = decision.proposal.due.map_or_else(String::new, |due| format!(", until {due}"));
    let note = decision.steps.last().and_then(|(_, signed)| signed.note.as_ref()).map_or_else(String::new, |note| format!("; {note}"));
    format!("number {}, {}{owner}{due}{note}", decision.number, decision.line())
}

fn of_correction(correction: &Correction) -> String {
    let dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let told = correction.changes.iter().take(limits::NAMES_TOLD_MAX).map(|change| match change.how {
        How::Confirmed => format!("{} confirmed", change.field),
        _ => format!("{} {} to {}", change.field, dash(&change.before), dash(&change.after)),
    });
    let more = correction.changes.len().saturating_sub(limits::NAMES_TOLD_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", told.collect::<Vec<_>>().join("; "))
}

fn of_pins(pins: &Pins) -> String {
    let dataset = pins.dataset.map(|dataset| format!(", pinned to {dataset}"));
    let model = pins.model.as_ref().map(|model| format!(", pinned to the model {model}"));
    [dataset, model].into_iter().flatten().collect()
}

fn of_case(case: &Case) -> String {
    let name = format!(
        "{} {}, {} parts",
        case.maker.as_deref().unwrap_or("maker unknown"),
        case.notice_id.as_deref().unwrap_or("without number"),
        case.parts.len()
    );
    match &case.state {
        CaseState::Open => name,
        CaseState::Decided { answer, .. } => format!("{name}; decided: {answer}"),
        CaseState::Closed { reason, .. } => format!("{name}; closed: {reason}"),
    }
}

/// Where the trail is not what was written; a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BrokenLink(pub String);

/// Checks sealed entries one after another, oldest first.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AuditCheck {
    pub entries: u64,
    pub first: Option<u64>,
    pub last: Option<u64>,
    /// Link of the last one: note it elsewhere.
    pub head: Option<Digest>,
    /// Places where records were left out: an extract. Across them nothing is proven.
    pub gaps: u64,
}

impl AuditCheck {
    /// One line of an export.
    pub fn line(&mut self, line: &str) -> Result<(), BrokenLink> {
        let at = self.entries + 1;
        let sealed = serde_json::from_str(line).map_err(|error| BrokenLink(format!("line {at} is no entry of an audit trail: {error}")))?;
        self.entry(&sealed)
    }

    pub fn entry(&mut self, sealed: &SealedEntry) -> Result<(), BrokenLink> {
        let SealedEntry { entry, previous, bytes } = sealed;
        let number = entry.record;
        let broken = |what: &str| Err(BrokenLink(format!("record {number} ({} {}, {}): {what}", entry.act, entry.object, entry.at)));
        let Ok(bytes) = BASE64_STANDARD.decode(bytes) else { return broken("its bytes are not base64") };
        match (self.last, self.head) {
            (Some(last), _) if number <= last => return broken(&format!("it stands after record {last}, out of order")),
            (Some(last), Some(head)) if number == last + 1 => {
                if *previous != head {
                    return broken(&format!("it does not follow record {last}: one of the two was changed, or is of another trail"));
                }
            }
            (Some(_), _) => self.gaps += 1,
            (None, _) if number == 1 && *previous != FIRST_LINK => return broken("it is the first and follows another"),
            (None, _) => {}
        }
        if link(*previous, Digest::of(&bytes)) != entry.link {
            return broken("its link is not that of its bytes: it was changed");
        }
        let record = match decode(&bytes) {
            Ok(record) => record,
            Err(error) => return broken(&format!("its bytes are no record: {error}")),
        };
        let written = told(number, entry.link, &record);
        if written != *entry {
            return broken(&format!(
                "what it says is not what its bytes say: {} {} by {} at {}",
                written.act, written.object, written.by, written.at
            ));
        }
        self.entries += 1;
        self.first.get_or_insert(number);
        (self.last, self.head) = (Some(number), Some(entry.link));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{codec::encode, record::Mark};

    fn trail(length: u64) -> Vec<SealedEntry> {
        let mut previous = FIRST_LINK;
        let seal = |record| {
            let mark = Mark { at: At(1000), by: "uid:1".to_owned() };
            let what = Record::Noted { act: "thing.done".to_owned(), object: format!("T-{record}"), detail: String::new(), mark };
            let bytes = encode(&what).expect("encode");
            let own = link(previous, Digest::of(&bytes));
            let sealed = SealedEntry { entry: told(record, own, &what), previous, bytes: BASE64_STANDARD.encode(bytes) };
            previous = own;
            sealed
        };
        (1..=length).map(seal).collect()
    }

    fn check(trail: &[SealedEntry]) -> Result<AuditCheck, BrokenLink> {
        let mut check = AuditCheck::default();
        trail.iter().try_for_each(|sealed| check.line(&serde_json::to_string(sealed).expect("JSON")))?;
        Ok(check)
    }

    #[test]
    fn a_whole_trail_is_sound_and_an_extract_says_that_it_is_one() {
        let whole = trail(20);
        let found = check(&whole).expect("sound");
        assert_eq!((found.entries, found.first, found.last, found.gaps, found.head), (20, Some(1), Some(20), 0, Some(whole[19].entry.link)));
        let extract: Vec<SealedEntry> = whole.into_iter().filter(|sealed| sealed.entry.record % 3 != 0).collect();
        assert_eq!(check(&extract).expect("sound").gaps, 6);
    }

    #[test]
    fn the_first_broken_link_is_named_whatever_was_done_to_it() {
        let sound = trail(9);
        let another = trail(12);
        let says = |change: &dyn Fn(&mut Vec<SealedEntry>), part: &str| {
            let mut forged = sound.clone();
            change(&mut forged);
            let error = check(&forged).expect_err("a forged trail passed").to_string();
            assert!(error.contains(part), "{error}");
        };
        says(&|trail| trail[4].entry.by = "uid:2".to_owned(), "record 5 (thing.done T-5");
        says(&|trail| trail[4].bytes.clone_from(&another[5].bytes), "record 5");
        says(&|trail| trail[4].entry.at = At(2000), "record 5");
        says(&|trail| trail.swap(4, 5), "record 5");
        says(&|trail| trail.insert(5, trail[4].clone()), "record 5");
        says(&|trail| trail[8].previous = FIRST_LINK, "record 9 (thing.done T-9, 1970-01-01T00:00:01Z): it does not follow record 8");
        // Changed together with its own link, it breaks the next one.
        says(
            &|trail| {
                trail[4].bytes.clone_from(&another[5].bytes);
                let bytes = BASE64_STANDARD.decode(&trail[4].bytes).expect("base64");
                let own = link(trail[4].previous, Digest::of(&bytes));
                trail[4].entry = told(5, own, &decode(&bytes).expect("record"));
            },
            "record 6",
        );
    }
}
