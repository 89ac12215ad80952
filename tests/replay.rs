//! Replays: what they select, what they take over, what pinned ones leave alone, and what they say has changed.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

mod common;

use std::{io::Write, path::Path, time::Duration};

use common::{Server, json, lastbuy, ok, said, sample};
use jiff::civil::date;
use lastbuy::{
    domain::{
        event::{Arrival, Digest},
        id::{EventId, JobId},
        job::{Pins, Step, Subject},
        notice::Reading,
        time::At,
    },
    store::{Actor, Effects, Order, Outcome, Store},
};
use serde_json::Value;

const RELAY: &str = "notices/pellworm-relay.generic.json";

fn imported() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("folder");
    std::fs::write(dir.path().join("lastbuy.toml"), "[site]\nas_of = \"2026-11-23\"\n").expect("config");
    ok(lastbuy(dir.path()).args(["data", "import"]).arg(sample("factory")));
    dir
}

/// The sample factory without any stock of the relays.
fn without_relays_in_stock() -> tempfile::TempDir {
    let changed = tempfile::tempdir().expect("folder");
    for entry in std::fs::read_dir(sample("factory")).expect("sample") {
        let path = entry.expect("entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let kept: Vec<&str> =
            text.lines().filter(|line| path.file_name().is_some_and(|name| name != "stock.csv") || !line.contains(",PWR-")).collect();
        std::fs::write(changed.path().join(path.file_name().expect("name")), kept.join("\n")).expect("write");
    }
    changed
}

fn ingest(dir: &Path, source: &str, notice: &str) {
    ok(lastbuy(dir).args(["ingest", "--wait", "--source", source]).arg(sample(notice)));
}

fn case(dir: &Path) -> Value {
    json(lastbuy(dir).args(["cases", "show", "--json", "C-1"]))
}

/// The server's answer once it is what is waited for.
fn until(server: &Server, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..600 {
        let (_, found) = server.get(path);
        if is(&found) {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{path} did not come to what was waited for: {}", server.get(path).1);
}

fn changes<'a>(diff: &'a Value, subject: &str) -> Vec<&'a Value> {
    diff["changes"].as_array().expect("changes").iter().filter(|change| change["subject"] == subject).collect()
}

#[test]
fn a_replay_on_an_older_dataset_stands_beside_and_is_no_headline() {
    let dir = imported();
    ingest(dir.path(), "generic", RELAY);
    let first = case(dir.path());
    assert_eq!(first["latest"], "A-1", "{first}");
    let server = Server::start(dir.path());
    ok(lastbuy(dir.path()).args(["data", "import"]).arg(without_relays_in_stock().path()));
    let second = until(&server, "/v1/cases/C-1", |case| case["latest"] == "A-2");
    assert_ne!(first["headline"], second["headline"], "stock that is gone changed nothing");

    let planned = ok(lastbuy(dir.path()).args(["replay", "--case", "C-1", "--dataset", "D-1", "--dry-run"]));
    assert_eq!(planned.trim(), "C-1 would run from match");
    let replayed = json(lastbuy(dir.path()).args(["replay", "--case", "C-1", "--dataset", "D-1", "--diff", "--json"]));
    let diff = &replayed["diffs"][0];
    assert_eq!((&diff["case"], &diff["before"], &diff["after"]), (&Value::from("C-1"), &Value::from("A-2"), &Value::from("A-3")), "{replayed}");
    let basis = changes(diff, "basis");
    assert_eq!((basis.len(), &basis[0]["before"], &basis[0]["after"]), (1, &Value::from("D-2"), &Value::from("D-1")), "{diff}");
    let money = changes(diff, "money");
    assert!(money.iter().any(|change| change["difference"]["amount"].is_string()), "{diff}");
    // The case is as it was, to the last field; the assessment says what it held fast.
    assert_eq!(server.get("/v1/cases/C-1").1, second);
    let row = server.get("/v1/assessments/A-3/row").1;
    assert_eq!((&row["pins"]["dataset"], &row["case"]), (&Value::from("D-1"), &Value::from("C-1")));
    // On the dataset of then it comes to what was said then.
    let same = json(lastbuy(dir.path()).args(["impact", "diff", "A-1", "A-3", "--json"]));
    assert_eq!(same["changes"], Value::Array(Vec::new()), "{same}");
    assert!(ok(lastbuy(dir.path()).args(["impact", "diff", "A-1", "A-3"])).contains("says the same"));
    let shown = ok(lastbuy(dir.path()).args(["impact", "diff", "A-1", "A-2"]));
    assert!(shown.contains("dataset") && shown.contains("margin at risk"), "{shown}");
    // By event as well, from the stored reading, and the case still is as it was.
    let by_event = json(lastbuy(dir.path()).args(["replay", "--event", "E-1", "--dataset", "D-1", "--diff", "--json"]));
    assert_eq!((&by_event["selected"][0]["from"], &by_event["settled"][0]["state"]), (&Value::from("case"), &Value::from("done")), "{by_event}");
    assert_eq!(changes(&by_event["diffs"][0], "parts"), Vec::<&Value>::new());
    assert_eq!(server.get("/v1/cases/C-1").1, second);
    let missing = lastbuy(dir.path()).args(["replay", "--case", "C-1", "--dataset", "D-9"]).output().expect("run");
    assert_eq!(missing.status.code(), Some(3), "{}", said(&missing));
}

fn stored_reading(store: &Store) -> Reading {
    let digest = store.standing_result(EventId(1), Step::Reading).expect("read").expect("a reading");
    serde_json::from_slice(&store.blob(digest).expect("blob").expect("there")).expect("reading")
}

/// A replay of the first event that reads this, left for the server to go on with.
fn read_again(store: &Store, reading: &Reading, pins: Pins, now: At) -> JobId {
    let order = Order { pins, ..Order::now(Subject::Event(EventId(1)), Step::Reading) };
    let id = store.submit(&[order], &Actor("me".to_owned()), now).expect("submit").remove(0).expect("made");
    let lease = store.claim("me", now).expect("claim").expect("job");
    assert_eq!(lease.job.id, id);
    let effects = Effects { result: Some(serde_json::to_vec(reading).expect("JSON")), ..Effects::default() };
    store.finish(&lease, Outcome::Advance, effects, now).expect("finish");
    store.finish(&lease, Outcome::Release, Effects::default(), now).expect("release");
    id
}

#[test]
fn what_is_read_again_takes_the_place_of_what_was_read_and_a_what_if_does_not() {
    let dir = imported();
    ingest(dir.path(), "generic", RELAY);
    let before = case(dir.path());
    assert_eq!(before["parts"].as_array().map(Vec::len), Some(2));
    let now = At(lastbuy::clock::now_ms());
    let store = Store::open(dir.path()).expect("open");
    let first = stored_reading(&store);
    let mut second = first.clone();
    second.notices[0].parts.truncate(1);
    second.notices[0].last_time_buy.as_mut().expect("last-time buy").value = date(2027, 9, 30);
    let again = read_again(&store, &second, Pins::default(), now);
    drop(store);
    let mut server = Server::start(dir.path());
    until(&server, &format!("/v1/jobs/{again}"), |job| job["state"] == "done");
    let after = server.get("/v1/cases/C-1").1;
    // A later date and a part less: joined to what was read before, neither would show.
    assert_eq!((after["parts"].as_array().map(Vec::len), &after["last_time_buy"]), (Some(1), &Value::from("2027-09-30")), "{after}");
    assert_eq!((&after["latest"], &after["events"], &after["opened_at"]), (&Value::from("A-2"), &before["events"], &before["opened_at"]));
    let diff = json(lastbuy(dir.path()).args(["impact", "diff", "A-1", "A-2", "--json"]));
    assert!(changes(&diff, "parts").iter().any(|change| change["what"] == "PWR-K24-4C" && change["after"].is_null()), "{diff}");
    server.kill();

    // The first reading once more, as a what-if: the case stays, the assessment beside it has both parts.
    let store = Store::open(dir.path()).expect("open");
    let what_if = read_again(&store, &first, Pins { dataset: None, model: Some("ab".repeat(32)) }, At(now.0 + 60_000));
    drop(store);
    let server = Server::start(dir.path());
    let job = until(&server, &format!("/v1/jobs/{what_if}"), |job| job["state"] == "done");
    assert_eq!(job["assessments"], Value::from(vec!["A-3"]));
    assert_eq!(server.get("/v1/cases/C-1").1, after);
    let diff = json(lastbuy(dir.path()).args(["impact", "diff", "A-2", "A-3", "--json"]));
    assert!(changes(&diff, "parts").iter().any(|change| change["what"] == "PWR-K24-4C" && change["before"].is_null()), "{diff}");
    // And what the next replay takes over is what stands, not the what-if.
    drop(server);
    let store = Store::open(dir.path()).expect("open");
    assert_eq!(stored_reading(&store), second);
    assert!(store.check(true).expect("check").problems.is_empty());
}

#[test]
fn another_model_reads_for_the_replay_only() {
    let dir = imported();
    let models = dir.path().join("models");
    std::fs::create_dir(&models).expect("folder");
    let other = models.join("other.gguf");
    std::fs::copy(common::model(), &other).expect("copy");
    // Bytes after the last tensor change the checksum and nothing else.
    std::fs::OpenOptions::new().append(true).open(&other).expect("open").write_all(&[0; 32]).expect("append");
    let sum = lastbuy::llm::verify_model(&other).expect("model").sha256;
    ingest(dir.path(), "file", "notices/halvard-abkuendigung.txt");
    let cases = || lastbuy(dir.path()).args(["cases", "list", "--json"]).output().expect("run").stdout;
    let before = cases();

    let unknown = lastbuy(dir.path()).args(["replay", "--event", "E-1", "--model", "no-such-model"]).output().expect("run");
    assert_eq!(unknown.status.code(), Some(3), "{}", said(&unknown));
    assert!(said(&unknown).contains(&sum[..12]), "{}", said(&unknown));
    let late = lastbuy(dir.path()).args(["replay", "--event", "E-1", "--from", "case", "--model", "other.gguf"]).output().expect("run");
    assert_eq!(late.status.code(), Some(1), "{}", said(&late));
    assert!(said(&late).contains("read again"), "{}", said(&late));

    let replayed = json(lastbuy(dir.path()).args(["replay", "--event", "E-1", "--json", "--model", &sum[..10]]));
    let row = &replayed["selected"][0];
    assert_eq!((&row["from"], &replayed["pins"]["model"]), (&Value::from("reading"), &Value::from(sum.as_str())), "{replayed}");
    let store = Store::open(dir.path()).expect("open");
    let id: JobId = row["job"].as_str().expect("job").parse().expect("id");
    let job = store.job(id).expect("read").expect("job");
    let digest = job.result(Step::Reading).unwrap_or_else(|| panic!("nothing was read: {job:?}"));
    let reading: Reading = serde_json::from_slice(&store.blob(digest).expect("blob").expect("there")).expect("reading");
    assert_eq!(reading.provenance.model_sha256.as_ref(), Some(&sum));
    drop(store);
    assert_eq!(cases(), before);
}

fn accept(store: &Store, source: &str, number: i64) {
    let body = format!("{source} {number}").into_bytes();
    let arrival = Arrival {
        source: source.parse().expect("source"),
        content_type: "text/plain".to_owned(),
        file_name: None,
        dedupe_key: Digest::of(&body),
        headers: Vec::new(),
        body: body.into(),
        ignored: None,
    };
    store.accept(arrival, At(number * 24 * 3600 * 1000)).expect("accept");
}

#[test]
fn what_is_selected_is_what_was_asked_for() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    // One a day from 1970-01-02: E-1 and E-3 of one source, E-2 and E-4 of the other.
    for number in 1..=4 {
        accept(&store, if number % 2 == 1 { "generic" } else { "email" }, number);
    }
    let day = At(10 * 24 * 3600 * 1000);
    while let Some(lease) = store.claim("w", day).expect("claim") {
        let outcome = if lease.job.source.as_str() == "email" {
            Outcome::Dead { reason: "no text".to_owned() }
        } else {
            Outcome::Review { reason: "look".to_owned() }
        };
        store.finish(&lease, outcome, Effects::default(), day).expect("finish");
    }
    drop(store);
    let selected = |arguments: &[&str]| {
        let answer = json(lastbuy(dir.path()).args(["replay", "--dry-run", "--json"]).args(arguments));
        let rows = answer["selected"].as_array().expect("selected").clone();
        assert!(rows.iter().all(|row| row["from"] == "document" && row["job"].is_null()), "{answer}");
        rows.iter().map(|row| row["subject"]["event"].as_str().expect("event").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(selected(&["--event", "e-3"]), ["E-3"]);
    assert_eq!(selected(&["--source", "generic"]), ["E-1", "E-3"]);
    assert_eq!(selected(&["--since", "1970-01-03", "--until", "1970-01-05"]), ["E-2", "E-3"]);
    assert_eq!(selected(&["--since", "1970-01-03T00:00:00Z", "--source", "email"]), ["E-2", "E-4"]);
    assert_eq!(selected(&["--dead"]), ["E-2", "E-4"]);
    assert_eq!(selected(&["--dead", "--source", "email", "--until", "1970-01-04"]), ["E-2"]);
    assert_eq!(lastbuy(dir.path()).args(["replay", "--dry-run", "--dead", "--source", "generic"]).status().expect("run").code(), Some(3));
    assert_eq!(json(lastbuy(dir.path()).args(["jobs", "list", "--json"])).as_array().map(Vec::len), Some(4), "a dry run made jobs");

    let from = json(lastbuy(dir.path()).args(["replay", "--dead", "--from", "reading", "--dry-run", "--json"]));
    assert!(from["selected"][0]["refused"].as_str().is_some_and(|why| why.contains("document")), "{from}");
    // Put on the list for later: not waited for, and at its time behind what arrives.
    let later = json(lastbuy(dir.path()).args(["replay", "--dead", "--at", "2100-01-01", "--json"]));
    assert_eq!((later["jobs"].as_array().map(Vec::len), &later["priority"]), (Some(2), &Value::from("background")));
    let jobs = json(lastbuy(dir.path()).args(["jobs", "list", "--json", "--state", "scheduled", "--source", "email"]));
    assert_eq!(jobs[0]["state"]["scheduled"]["due"], "2100-01-01T00:00:00Z", "{jobs}");
    let id = jobs[0]["id"].as_str().expect("id");
    ok(lastbuy(dir.path()).args(["jobs", "cancel", id, "--reason", "not needed"]));
}
