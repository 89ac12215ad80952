//! Formats: a store of an older one is made anew in the present one when it is opened, step by step, and takes the old one's place when it is whole (`swap`).
//! A step turns the bytes of a record of its format into those of the next; it holds the frozen types it needs. Projections follow from the log.
//!
//! No store of another format has been released, so there is no step yet. Every released format gets a frozen store in `tests/stores/`, and the tests open it.

use std::path::Path;

use super::{
    codec::decode,
    log::{Kind, Position, Reader, sync_dir},
    open::{self, Layout},
    record::{Mark, Record},
    rewrite::Rewrite,
    swap,
    writer::FORMAT,
};
use crate::domain::time::At;

/// From one format to the next.
pub(super) struct Step {
    pub from: u16,
    pub what: &'static str,
    /// A record's envelope in this format to the one in the next.
    pub envelope: fn(&[u8]) -> Result<Vec<u8>, String>,
}

#[cfg(not(test))]
const STEPS: &[Step] = &[];
#[cfg(test)]
const STEPS: &[Step] = &[tests::FROM_ZERO];

/// The steps from an older format to the present one, in order.
pub(super) struct Chain(Vec<&'static Step>);

impl Chain {
    pub fn from(theirs: u16) -> Result<Chain, String> {
        if theirs > FORMAT {
            return Err(format!("it has format {theirs}, this program knows up to {FORMAT}: use the newer program"));
        }
        let step = |from| STEPS.iter().find(|step| step.from == from).ok_or_else(|| format!("this program has no step from format {from}"));
        (theirs..FORMAT).map(step).collect::<Result<_, _>>().map(Chain)
    }

    /// Nothing is to be done: it is the present format.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A record of the older format in the present one.
    pub fn record(&self, envelope: &[u8]) -> Result<Record, String> {
        let mut envelope = envelope.to_vec();
        for step in &self.0 {
            envelope = (step.envelope)(&envelope).map_err(|error| format!("{}: {error}", step.what))?;
        }
        decode(&envelope).map_err(|error| error.to_string())
    }
}

/// Makes the store in a data directory anew in the present format. Killed at any point, it is the old one or the new one. The lock is held.
pub(super) fn run(dir: &Path, theirs: u16) -> Result<(), String> {
    let chain = Chain::from(theirs)?;
    let layout = Layout::of(dir);
    tracing::info!(dir = %dir.display(), theirs, ours = FORMAT, "the store is of an older format and is made anew");
    // How groups lie in files has not changed since format 1.
    let old = open::open_log(dir, &layout.log).map_err(|error| error.to_string())?;
    let reader = Reader::new(&layout.log);
    let rebuilt = swap::rebuilt(dir);
    let mut new = Rewrite::new(&rebuilt)?;
    for group in reader.groups(old.id(), Position::START, old.end()) {
        let group = group?;
        let mut records = reader.records(&group);
        for entry in &group.entries {
            match entry.kind {
                Kind::Record => {
                    let Some(stored) = records.next() else { break };
                    let stored = stored?;
                    new.append(&chain.record(&stored.envelope).map_err(|error| format!("record {}: {error}", stored.number))?)?;
                }
                Kind::Body => match reader.body(entry.digest, entry.place) {
                    Ok(bytes) => new.body(entry.digest, &bytes)?,
                    // Its room was given back: it is needed no more. A body that is zeros itself has their digest.
                    Err(_) if reader.occupied(entry.place).is_ok_and(|occupied| occupied == 0) => {}
                    Err(error) => return Err(format!("body {}: {error}", entry.digest)),
                },
            }
        }
    }
    // The chain of the audit trail is made anew with the records; that it was, and where the one before ended, is on record.
    let detail = format!("from format {theirs} to {FORMAT}; the links before are new, the last one was {}", old.link());
    let mark = Mark { at: At(crate::clock::now_ms()), by: "system: upgrade".to_owned() };
    new.append(&Record::Noted { act: "store.upgraded".to_owned(), object: "store".to_owned(), detail, mark })?;
    let records = new.finish()?.0 - 1;
    if records != old.next() - 1 {
        return Err(format!("{records} records were taken over, {} were there", old.next() - 1));
    }
    let put = open::write_format(&rebuilt.join("format"), FORMAT)
        .and_then(|()| sync_dir(&rebuilt))
        .and_then(|()| swap::commit(dir))
        .and_then(|()| swap::settle(dir));
    put.map_err(|error| format!("the new store cannot take the old one's place: {error}"))?;
    tracing::info!(records, "the store is in the present format");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::event::{Arrival, Digest},
        store::{
            Actor, Store,
            codec::{self, decode_as},
            log::{Group, Log},
        },
    };

    /// A format that never was: the present one under another number. It exercises what a real step will use.
    pub(super) const FROM_ZERO: Step = Step {
        from: 0,
        what: "from the test's own format",
        envelope: |envelope| codec::encode(&decode_as::<Record>(0, envelope).map_err(|error| error.to_string())?).map_err(|error| error.to_string()),
    };

    /// Rewrites a closed store as one of format 0: every record.
    fn age(dir: &Path) {
        let layout = Layout::of(dir);
        let old = open::open_log(dir, &layout.log).unwrap_or_else(|error| panic!("{error}"));
        let reader = Reader::new(&layout.log);
        let aged = dir.join("aged");
        std::fs::create_dir(&aged).expect("folder");
        let mut log = Log::create(&aged).expect("log");
        for group in reader.groups(old.id(), Position::START, old.end()) {
            let group = group.expect("group");
            let mut aged: Group = log.begin().expect("begin");
            let mut records = reader.records(&group);
            for entry in &group.entries {
                match entry.kind {
                    Kind::Body => drop(aged.body(entry.digest, &reader.body(entry.digest, entry.place).expect("body")).expect("body")),
                    Kind::Record => {
                        let mut envelope = records.next().expect("record").expect("record").envelope;
                        envelope[1..3].copy_from_slice(&0_u16.to_le_bytes());
                        aged.envelope(&envelope).expect("record");
                    }
                }
            }
            log.append(aged).expect("append");
        }
        std::fs::remove_dir_all(&layout.log).expect("remove");
        std::fs::rename(aged, &layout.log).expect("rename");
        open::write_format(&layout.format, 0).expect("format");
    }

    fn filled(dir: &Path) -> Vec<crate::domain::event::Event> {
        let store = Store::open(dir).expect("open");
        for number in 0..50_u32 {
            // Some records are large.
            let headers = (0..number % 5 * 4).map(|at| (format!("x-{at}"), "long ".repeat(80))).collect();
            let body = format!("notice {number}").into_bytes();
            let arrival = Arrival {
                source: "generic".parse().expect("source"),
                content_type: "text/plain".to_owned(),
                file_name: None,
                dedupe_key: Digest::of(&body),
                headers,
                body: body.into(),
                ignored: None,
            };
            let event = store.accept(arrival, At(i64::from(number))).expect("accept").event;
            if number % 7 == 0 {
                store.hold(event, "why", &Actor("me".to_owned()), At(100)).expect("hold");
            }
        }
        store.events(None, 100).expect("events")
    }

    #[test]
    fn an_older_store_is_made_anew_and_stays_whole() {
        let dir = tempfile::tempdir().expect("folder");
        let events = filled(dir.path());
        age(dir.path());
        // What a killed attempt would leave.
        std::fs::create_dir_all(swap::rebuilt(dir.path()).join("db")).expect("leftover");
        let store = Store::open(dir.path()).expect("upgraded");
        assert_eq!(std::fs::read_to_string(dir.path().join("format")).expect("format"), format!("lastbuy store {FORMAT}\n"));
        assert_eq!(store.events(None, 100).expect("events"), events);
        assert_eq!(store.holds(None, 100).expect("holds").len(), 8);
        for event in &events {
            assert!(store.blob(event.body).expect("blob").is_some());
        }
        assert_eq!(store.check(true).expect("check").problems, Vec::<String>::new());
        assert!(!dir.path().join("replaced").exists() && !swap::rebuilt(dir.path()).exists());
        drop(store);
        assert_eq!(Store::open(dir.path()).expect("again").events(None, 100).expect("events"), events);
    }

    #[test]
    fn an_older_store_that_is_damaged_stays_as_it_was() {
        let dir = tempfile::tempdir().expect("folder");
        filled(dir.path());
        age(dir.path());
        let file = dir.path().join("log/00000001.log");
        let mut bytes = std::fs::read(&file).expect("file");
        bytes[95] ^= 1;
        std::fs::write(&file, bytes).expect("damage");
        let error = Store::open(dir.path()).err().expect("upgraded a damaged store").to_string();
        assert!(error.contains("damaged") && error.contains("as it was"), "{error}");
        assert_eq!(std::fs::read_to_string(dir.path().join("format")).expect("format"), "lastbuy store 0\n");
    }
}
