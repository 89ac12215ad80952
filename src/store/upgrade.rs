//! Formats: a store of an older one is made anew in the present one when it is opened, step by step, and takes the old one's place when it is whole (`swap`).
//! A step turns the bytes of a record of its format into those of the next; it holds the frozen types it needs. Projections follow from the log.
//!
//! No store of another format has been released, so there is no step yet. Every released format gets a frozen store in `tests/stores/`, and the tests open it.

use std::path::Path;

use super::{
    blob::{self, Location, sync_dir},
    codec::{decode, decode_as},
    draft::INLINE,
    open::{self, Layout},
    rebuild::{Rebuild, copy_log},
    record::{FIRST_LINK, Mark, Record, split},
    swap,
    trees::{Trees, Which},
    writer::FORMAT,
};
use crate::domain::{event::Digest, time::At};

/// From one format to the next.
pub(super) struct Step {
    pub from: u16,
    pub what: &'static str,
    /// The digest of the body that holds a record, where the log does not hold it itself.
    pub elsewhere: fn(&[u8]) -> Result<Option<Digest>, String>,
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

    /// A record of the older format, as its log holds it, in the present one.
    pub fn record(&self, stored: &[u8], large: &dyn Fn(Digest) -> Option<Vec<u8>>) -> Result<Record, String> {
        let (_, kept) = split(stored).map_err(|error| error.to_string())?;
        let mut envelope = kept.to_vec();
        if let Some(first) = self.0.first()
            && let Some(digest) = (first.elsewhere)(kept)?
        {
            envelope = large(digest).ok_or_else(|| format!("its bytes, body {digest}, are missing"))?;
        }
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
    open::remove_partial_snapshots(&layout.db).map_err(|error| error.to_string())?;
    let old = open::open_sled(dir, &layout.db).map_err(|error| error.to_string())?;
    let trees = Trees::open(&old).map_err(|error| error.to_string())?;
    let large = |digest: Digest| {
        let raw = trees.get(Which::Blobs).get(digest.0).ok().flatten()?;
        blob::read(&layout.segments, digest, &place(theirs, &raw).ok()?).ok()
    };
    let rebuilt = swap::rebuilt(dir);
    let mut new = Rebuild::new(&rebuilt, &|_| None)?;
    for row in trees.get(Which::Blobs).iter() {
        let (found, raw) = row.map_err(|error| error.to_string())?;
        let digest = Digest(found.as_ref().try_into().map_err(|_| "the index of bodies has a key that is no digest".to_owned())?);
        let bytes = blob::read(&layout.segments, digest, &place(theirs, &raw)?).map_err(|error| format!("body {digest}: {error}"))?;
        new.body(digest, &bytes)?;
    }
    copy_log(&trees, u64::MAX, &mut |offset, stored| {
        let record = chain.record(&stored, &large).map_err(|error| format!("record {offset}: {error}"))?;
        new.append(&record)
    })?;
    // The chain of the audit trail is made anew with the records; that it was, and where the one before ended, is on record.
    let last = trees.get(Which::Log).last().map_err(|error| error.to_string())?;
    let head = last.map_or(Ok(FIRST_LINK), |(_, stored)| split(&stored).map(|(link, _)| link)).map_err(|error| error.to_string())?;
    let detail = format!("from format {theirs} to {FORMAT}; the links before are new, the last one was {head}");
    let mark = Mark { at: At(crate::clock::now_ms()), by: "system: upgrade".to_owned() };
    new.append(&Record::Noted { act: "store.upgraded".to_owned(), object: "store".to_owned(), detail, mark })?;
    let records = new.finish()? - 1;
    if records != trees.get(Which::Log).len() as u64 {
        return Err(format!("{records} records were taken over, {} were there", trees.get(Which::Log).len()));
    }
    drop((trees, old));
    let put = open::write_format(&rebuilt.join("format"), FORMAT)
        .and_then(|()| sync_dir(&rebuilt))
        .and_then(|()| swap::commit(dir))
        .and_then(|()| swap::settle(dir));
    put.map_err(|error| format!("the new store cannot take the old one's place: {error}"))?;
    tracing::info!(records, "the store is in the present format");
    Ok(())
}

/// Where a body is, by the index of an older store. Its type has not changed since format 1.
fn place(theirs: u16, raw: &[u8]) -> Result<Location, String> {
    match raw.split_first() {
        Some((&INLINE, envelope)) => decode_as(theirs, envelope).map_err(|error| error.to_string()),
        _ => Err("the index of bodies has an unknown form".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::event::Arrival,
        store::{Actor, Store, blob::Segments, codec, record},
    };

    /// A format that never was: the present one under another number. It exercises what a real step will use.
    pub(super) const FROM_ZERO: Step = Step {
        from: 0,
        what: "from the test's own format",
        elsewhere: |stored| match decode_as(0, stored).map_err(|error| error.to_string())? {
            Record::Elsewhere(digest) => Ok(Some(digest)),
            _ => Ok(None),
        },
        envelope: |envelope| codec::encode(&decode_as::<Record>(0, envelope).map_err(|error| error.to_string())?).map_err(|error| error.to_string()),
    };

    fn zero(mut envelope: Vec<u8>) -> Vec<u8> {
        envelope[1..3].copy_from_slice(&0_u16.to_le_bytes());
        envelope
    }

    /// Rewrites a closed store as one of format 0: every record, the bodies that are records, and the index of bodies.
    fn age(dir: &Path) {
        let layout = Layout::of(dir);
        let db = open::open_sled(dir, &layout.db).expect("sled");
        let trees = Trees::open(&db).expect("trees");
        let mut segments = Segments::open(&layout.segments).expect("segments");
        let index = trees.get(Which::Blobs);
        let large = |digest: Digest| {
            let raw = index.get(digest.0).expect("index")?;
            blob::read(&layout.segments, digest, &place(FORMAT, &raw).expect("place")).ok()
        };
        for row in trees.get(Which::Log).iter() {
            let (offset, stored) = row.expect("row");
            let (record, elsewhere) = record::read(&stored, &large).expect("record");
            let mut envelope = zero(codec::encode(&record).expect("encode"));
            if elsewhere.is_some() {
                let digest = Digest::of(&envelope);
                let location = segments.append(digest, &envelope).expect("append");
                index.insert(digest.0, [&[INLINE][..], &codec::encode(&location).expect("encode")].concat()).expect("index");
                envelope = zero(codec::encode(&Record::Elsewhere(digest)).expect("encode"));
            }
            let envelope = [&stored[..32], &envelope].concat();
            trees.get(Which::Log).insert(offset, envelope).expect("insert");
        }
        segments.sync().expect("sync");
        for row in index.iter() {
            let (digest, raw) = row.expect("row");
            index.insert(digest, [&[INLINE][..], &zero(raw[1..].to_vec())].concat()).expect("insert");
        }
        db.flush().expect("flush");
        open::write_format(&layout.format, 0).expect("format");
    }

    fn filled(dir: &Path) -> Vec<crate::domain::event::Event> {
        let store = Store::open(dir).expect("open");
        for number in 0..50_u32 {
            // Some records are too large for the log itself.
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
        let segment = dir.path().join("segments/00000001.seg");
        let mut bytes = std::fs::read(&segment).expect("segment");
        bytes[45] ^= 1;
        std::fs::write(&segment, bytes).expect("damage");
        let error = Store::open(dir.path()).err().expect("upgraded a damaged store").to_string();
        assert!(error.contains("damaged") && error.contains("as it was"), "{error}");
        assert_eq!(std::fs::read_to_string(dir.path().join("format")).expect("format"), "lastbuy store 0\n");
    }
}
