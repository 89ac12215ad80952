//! The audit trail: who did what, filters and pages, and that no change to it goes unseen, in an export or in the store.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

mod common;

use std::{collections::BTreeSet, fs, path::Path};

use common::{json, lastbuy, ok, said, sample};
use lastbuy::{
    domain::{
        event::{Arrival, Digest},
        job::JobState,
        time::At,
    },
    store::{Actor, AuditCheck, AuditFilter, AuditFrom, Effects, Outcome, Store},
};
use serde_json::Value;

fn accept(store: &Store, number: usize) {
    let body = number.to_string().into_bytes();
    let arrival = Arrival {
        source: "generic".parse().expect("source"),
        content_type: "text/plain".to_owned(),
        file_name: None,
        dedupe_key: Digest::of(&body),
        headers: Vec::new(),
        body: body.into(),
        ignored: None,
    };
    store.accept(arrival, At(1_000 * number as i64)).expect("accept");
}

/// Some arrivals, a job that fails and is cancelled, and a case whose record is too large for a tree.
fn made(dir: &Path) -> std::sync::Arc<Store> {
    let store = Store::open(dir).expect("open");
    (0..12).for_each(|number| accept(&store, number));
    let lease = store.claim("worker-1", At(20_000)).expect("claim").expect("job");
    store.finish(&lease, Outcome::Failed { error: "the child died".to_owned() }, Effects::default(), At(21_000)).expect("finish");
    let cancelled = JobState::Cancelled { reason: "sent by mistake".to_owned() };
    store.settle(lease.job.id, cancelled, None, &Actor("uid:1000".to_owned()), At(22_000)).expect("settle");
    store.note("thing.done", "T-1", &"x".repeat(500), &Actor("uid:1000".to_owned()), At(23_000)).expect("note");
    store
}

fn everything(store: &Store) -> Vec<lastbuy::store::SealedEntry> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = store.audit(&AuditFilter::default(), AuditFrom::After(after), 7).expect("page");
        all.extend(page.entries);
        match page.next {
            Some(next) => after = next,
            None => return all,
        }
    }
}

#[test]
fn every_record_is_told_in_order_and_verifies() {
    let dir = tempfile::tempdir().expect("folder");
    let store = made(dir.path());
    let all = everything(&store);
    assert_eq!(all.iter().map(|sealed| sealed.entry.record).collect::<Vec<_>>(), (1..=all.len() as u64).collect::<Vec<_>>());
    assert_eq!(all.len() as u64, store.check(true).expect("check").records);
    let mut check = AuditCheck::default();
    all.iter().for_each(|sealed| check.entry(sealed).expect("sound"));
    assert_eq!((check.gaps, check.last), (0, Some(all.len() as u64)));
    let backwards = store.audit(&AuditFilter::default(), AuditFrom::Before(None), 1000).expect("page").entries;
    assert!(backwards.iter().rev().eq(all.iter()));
    // Reopened, the trail goes on where it was.
    drop(store);
    let store = Store::open(dir.path()).expect("reopen");
    accept(&store, 99);
    let longer = everything(&store);
    assert_eq!(longer[..all.len()], all);
    let mut check = AuditCheck::default();
    longer.iter().for_each(|sealed| check.entry(sealed).expect("sound"));
}

#[test]
fn filters_find_who_what_and_on_which_object() {
    let dir = tempfile::tempdir().expect("folder");
    let store = made(dir.path());
    let acts = |filter: AuditFilter| {
        let page = store.audit(&filter, AuditFrom::After(0), 100).expect("page");
        page.entries.into_iter().map(|sealed| sealed.entry.act).collect::<Vec<_>>()
    };
    assert_eq!(acts(AuditFilter { by: Some("uid:".to_owned()), ..AuditFilter::default() }), ["job.cancelled", "thing.done"]);
    assert_eq!(acts(AuditFilter { act: Some("job.failed".to_owned()), ..AuditFilter::default() }), ["job.failed"]);
    let about = AuditFilter { object: Some("E-1".to_owned()), ..AuditFilter::default() };
    assert_eq!(acts(about), ["event.received", "job.made", "job.claimed", "job.failed", "job.cancelled"]);
    let time = AuditFilter { since: Some(At(21_000)), until: Some(At(23_000)), ..AuditFilter::default() };
    assert_eq!(acts(time), ["job.failed", "job.cancelled"]);
    let failed =
        store.audit(&AuditFilter { act: Some("job.failed".to_owned()), ..AuditFilter::default() }, AuditFrom::Before(None), 1).expect("page");
    let entry = &failed.entries[0].entry;
    assert_eq!((entry.by.as_str(), entry.object.as_str()), ("worker-1", "J-1"));
    assert!(entry.detail.as_ref().is_some_and(|detail| detail.contains("the child died")), "{entry:?}");
}

/// Somebody who can write the log can keep every checksum right; the chain still tells.
#[test]
fn a_record_that_was_changed_breaks_the_chain_whatever_its_checksums_say() {
    let dir = tempfile::tempdir().expect("folder");
    drop(made(dir.path()));
    let path = dir.path().join("log/00000001.log");
    let mut log = fs::read(&path).expect("log");
    let number =
        |log: &[u8], at: usize, length: usize| log[at..at + length].iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)) as usize;
    // The second group, as the top of `store::log` describes it.
    let first = 32;
    let group = first + 60 + number(&log, first + 8, 8) + 37 * number(&log, first + 4, 4);
    let (entries, payload) = (number(&log, group + 4, 4), number(&log, group + 8, 8));
    let table = group + 60 + payload;
    let (mut at, mut row) = (group + 60, table);
    while log[row] != b'R' {
        (at, row) = (at + number(&log, row + 1, 4), row + 37);
    }
    let record = at..at + number(&log, row + 1, 4);
    let last = record.end - 1;
    log[last] ^= 1;
    let envelope = crc32fast::hash(&log[record.start + 11..record.end]);
    log[record.start + 7..record.start + 11].copy_from_slice(&envelope.to_le_bytes());
    let digest = Digest::of(&log[record]);
    log[row + 5..row + 37].copy_from_slice(&digest.0);
    let sum = [&log[16..32], &log[group..group + 56], &log[table..table + 37 * entries]].concat();
    let sum = crc32fast::hash(&sum);
    log[group + 56..group + 60].copy_from_slice(&sum.to_le_bytes());
    fs::write(&path, log).expect("write");
    let error = Store::open(dir.path()).err().expect("a forged log was opened").to_string();
    assert!(error.contains("does not follow the one before"), "{error}");
    let output = lastbuy(dir.path()).args(["audit", "verify"]).output().expect("run");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("does not follow the one before"), "{}", said(&output));
}

#[test]
fn an_export_is_verified_without_the_store_and_every_forgery_is_named() {
    let dir = tempfile::tempdir().expect("folder");
    drop(made(dir.path()));
    let exported = ok(lastbuy(dir.path()).args(["audit", "export"]));
    let lines: Vec<&str> = exported.lines().collect();
    let elsewhere = tempfile::tempdir().expect("folder");
    let file = elsewhere.path().join("trail.jsonl");
    let verify = |text: &str, more: &[&str]| {
        fs::write(&file, text).expect("write");
        let output =
            lastbuy(&elsewhere.path().join("no-store")).args(["audit", "verify", "--json", "--file"]).arg(&file).args(more).output().expect("run");
        (output.status.code(), serde_json::from_slice::<Value>(&output.stdout).unwrap_or(Value::Null))
    };
    let (code, found) = verify(&exported, &[]);
    assert_eq!((code, &found["sound"], &found["checked"]["entries"]), (Some(0), &Value::Bool(true), &Value::from(lines.len())), "{found}");
    assert!(!elsewhere.path().join("no-store").exists(), "checking a file made a store");
    let head = found["checked"]["head"].as_str().expect("head").to_owned();

    let forged = exported.replacen("\"by\":\"uid:1000\"", "\"by\":\"uid:1001\"", 1);
    assert_ne!(forged, exported);
    let at = lines.iter().position(|line| line.contains("uid:1000")).expect("an act of a person") + 1;
    let (code, found) = verify(&forged, &[]);
    assert_eq!(code, Some(1));
    assert!(found["problem"].as_str().is_some_and(|problem| problem.contains(&format!("record {at} "))), "{found}");

    // One line taken out is a gap that is told; with the numbers closed up it is a broken link.
    let without: Vec<&str> = lines.iter().enumerate().filter(|(number, _)| *number != 4).map(|(_, line)| *line).collect();
    assert_eq!(verify(&without.join("\n"), &[]).1["checked"]["gaps"], 1);
    let closed = without.join("\n").replacen("\"record\":6,", "\"record\":5,", 1);
    assert!(verify(&closed, &[]).1["problem"].as_str().is_some_and(|problem| problem.contains("record 5 ")));

    // A tail that was cut off is sound in itself; the noted head shows it.
    let cut = lines[..lines.len() - 2].join("\n");
    assert_eq!(verify(&cut, &[]).0, Some(0));
    let (code, found) = verify(&cut, &["--head", &head]);
    assert_eq!((code, &found["sound"]), (Some(1), &Value::Bool(false)), "{found}");
    assert_eq!(verify(&exported, &["--head", &head]).0, Some(0));
    // The store itself, by the same check.
    ok(lastbuy(dir.path()).args(["audit", "verify", "--head", &head]));
}

#[test]
fn acts_of_people_at_the_command_line_are_on_record() {
    let dir = tempfile::tempdir().expect("folder");
    fs::write(dir.path().join("lastbuy.toml"), "[site]\nas_of = \"2026-11-23\"\n").expect("config");
    ok(lastbuy(dir.path()).args(["data", "import"]).arg(sample("factory")));
    let case = json(lastbuy(dir.path()).args(["cases", "add", "--json", "--maker", "Acme", "--last-time-buy", "2027-05-31", "NEVER-BOUGHT-7"]));
    let id = case["id"].as_str().expect("id").to_owned();
    ok(lastbuy(dir.path()).args(["cases", "decide", &id, "Do nothing"]));
    let uid = format!("uid:{}", rustix::process::geteuid().as_raw());
    let rows = json(lastbuy(dir.path()).args(["audit", "list", "--json", "--by", "uid:"]));
    let acts: Vec<&str> = rows.as_array().expect("rows").iter().rev().filter_map(|row| row["act"].as_str()).collect();
    assert_eq!(acts, ["dataset.imported", "dataset.activated", "case.opened", "job.made", "decision.approved", "case.decided"]);
    assert!(rows.as_array().expect("rows").iter().all(|row| row["by"] == uid.as_str()));
    let of_case = json(lastbuy(dir.path()).args(["audit", "list", "--json", "--object", &id.to_lowercase()]));
    let acts: BTreeSet<&str> = of_case.as_array().expect("rows").iter().filter_map(|row| row["act"].as_str()).collect();
    for act in ["case.opened", "case.assessed", "case.decided", "assessment.made", "job.advanced"] {
        assert!(acts.contains(act), "{act} is not in {acts:?}");
    }
    let two = json(lastbuy(dir.path()).args(["audit", "list", "--json", "--limit", "2"]));
    assert_eq!(two.as_array().map(Vec::len), Some(2));
    assert_eq!(lastbuy(dir.path()).args(["audit", "list", "--by", "nobody"]).status().expect("run").code(), Some(3));
    let cef = ok(lastbuy(dir.path()).args(["audit", "export", "--format", "cef", "--act", "case."]));
    assert!(
        cef.lines().count() >= 3 && cef.lines().all(|line| line.starts_with("CEF:0|Lastbuy|lastbuy|") && line.contains(" cs3Label=link cs3=")),
        "{cef}"
    );
}
