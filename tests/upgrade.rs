//! Stores of released formats are opened for ever; damaged and newer ones are told and left alone.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

#[path = "common/stored.rs"]
mod stored;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use lastbuy::{
    domain::{id::CaseId, time::At},
    store::{OpenError, Store},
};
use stored::{accept, body, bytes, decide, me, sound, work_off};

fn frozen(format: u16) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/stores/v{format}"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("folder");
    for entry in fs::read_dir(from).expect("folder") {
        let entry = entry.expect("entry");
        if entry.file_type().expect("type").is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copy");
        }
    }
}

/// Every file with its bytes.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("folder") {
        let entry = entry.expect("entry");
        if entry.file_type().expect("type").is_dir() {
            found.extend(contents(&entry.path()));
        } else {
            found.insert(entry.path(), fs::read(entry.path()).expect("file"));
        }
    }
    found
}

/// What the frozen stores hold: one of everything, small.
fn fill(store: &Store) {
    accept(store, 1, 200, At(1000));
    let first = work_off(store, 2, At(2000));
    // Its case is large.
    accept(store, 2, 4000, At(3000));
    work_off(store, 300, At(4000));
    decide(store, first, At(5000));
    accept(store, 3, 100, At(6000));
    let held = accept(store, 4, 100, At(7000)).event;
    store.hold(held, "a court asked", &me(), At(8000)).expect("hold");
}

#[test]
fn freeze_the_present_format() {
    if std::env::var_os("LASTBUY_FREEZE_STORE").is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    fill(&store);
    store.close().expect("close");
    drop(store);
    let format = fs::read_to_string(dir.path().join("format")).expect("format");
    let number = format.trim().rsplit(' ').next().expect("number").parse().expect("number");
    fs::remove_file(dir.path().join("lock")).expect("lock");
    let _ = fs::remove_dir_all(frozen(number));
    copy(dir.path(), &frozen(number));
}

#[test]
fn a_store_of_every_released_format_opens_and_is_whole() {
    let mut opened = 0;
    for format in 1.. {
        if !frozen(format).exists() {
            break;
        }
        let dir = tempfile::tempdir().expect("folder");
        copy(&frozen(format), dir.path());
        let store = Store::open(dir.path()).unwrap_or_else(|error| panic!("format {format}: {error}"));
        sound(&store);
        let events = store.events(None, 10).expect("events");
        assert_eq!(events.iter().map(|event| event.received_at.0).collect::<Vec<_>>(), [7000, 6000, 3000, 1000]);
        assert_eq!(body(&store, events[2].id), Some(bytes(2, 4000)));
        assert_eq!(store.case(CaseId(2)).expect("case").expect("there").parts.len(), 300);
        assert_eq!(store.assessments(None, None, 10).expect("assessments").len(), 2);
        assert_eq!(store.job_counts().expect("counts"), BTreeMap::from([("done".to_owned(), 2), ("ready".to_owned(), 2)]));
        assert_eq!(store.holds(None, 10).expect("holds")[0].reason, "a court asked");
        // It is a store like any other.
        assert!(store.accept(stored::arrival("key 1", b"x"), At(9000)).expect("accept").duplicate);
        work_off(&store, 1, At(9000));
        sound(&store);
        opened += 1;
    }
    assert!(opened > 0, "no frozen store was found");
}

#[test]
fn a_damaged_frozen_store_is_told_and_the_rest_is_read() {
    let dir = tempfile::tempdir().expect("folder");
    copy(&frozen(1), dir.path());
    let file = dir.path().join("log/00000001.log");
    let mut bytes = fs::read(&file).expect("log");
    // In the bytes of the first event.
    bytes[100] ^= 1;
    fs::write(&file, bytes).expect("damage");
    let store = Store::open(dir.path()).expect("open");
    let problems = store.check(true).expect("check").problems;
    assert!(problems.iter().any(|problem| problem.contains("damaged")), "{problems:?}");
    let first = store.events(None, 10).expect("events").pop().expect("event");
    assert!(store.blob(first.body).is_err(), "damaged bytes were handed out");
    assert_eq!(store.case(CaseId(1)).expect("case").expect("there").parts.len(), 2);
}

#[test]
fn a_store_no_step_leads_from_is_refused_and_not_touched() {
    for (text, newer) in [("lastbuy store 9\n", true), ("lastbuy store 0\n", false)] {
        let dir = tempfile::tempdir().expect("folder");
        copy(&frozen(1), dir.path());
        fs::write(dir.path().join("format"), text).expect("format");
        fs::write(dir.path().join("lock"), "").expect("lock");
        let before = contents(dir.path());
        let error = Store::open(dir.path()).err().expect("refused");
        assert_eq!(matches!(error, OpenError::Format { theirs: 9, .. }), newer, "{error}");
        assert_eq!(matches!(error, OpenError::Upgrade { theirs: 0, .. }), !newer, "{error}");
        assert_eq!(contents(dir.path()), before, "{error}");
    }
}

/// The known hole of sled: it does not open over a damaged snapshot. What it held follows from the log.
#[test]
fn a_damaged_snapshot_is_kept_aside_and_rebuilt() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    fill(&store);
    drop(store);
    // sled writes its snapshot when it opens.
    drop(Store::open(dir.path()).expect("open"));
    let snapshots: Vec<PathBuf> = contents(&dir.path().join("db"))
        .into_keys()
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap.")))
        .collect();
    assert!(!snapshots.is_empty(), "sled wrote no snapshot: this test tests nothing");
    for path in &snapshots {
        let mut bytes = fs::read(path).expect("snapshot");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xFF;
        fs::write(path, bytes).expect("damage");
    }
    let damaged = without_stamp(&dir.path().join("db"));
    let store = Store::open(dir.path()).expect("opens all the same");
    sound(&store);
    assert_eq!(store.events(None, 10).expect("events").len(), 4);
    let aside: Vec<PathBuf> = fs::read_dir(dir.path())
        .expect("folder")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("db.damaged-")))
        .collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(without_stamp(&aside[0]), damaged, "what is kept is not what was damaged");
}

/// The files of a database; the stamp of trust says that it was opened since.
fn without_stamp(db: &Path) -> Vec<Vec<u8>> {
    contents(db).into_iter().filter(|(path, _)| !path.ends_with("trusted")).map(|(_, bytes)| bytes).collect()
}
