//! Events posted while the server is killed with SIGKILL at random and started again: whatever was answered 202 is in the log once and ends as exactly one
//! assessment (or waits for a person, or is given up with a reason), and nothing else exists. `LASTBUY_SOAK=1` runs the long form.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use common::Server;
use serde_json::{Value, json};

/// Parts of the sample factory's AML, with their makers.
fn parts() -> Vec<(String, String)> {
    let mut reader = csv::Reader::from_path(common::sample("factory/aml.csv")).expect("aml.csv");
    let head = reader.headers().expect("header").clone();
    let column = |name: &str| head.iter().position(|field| field == name).expect("column");
    let (maker, mpn) = (column("maker"), column("mpn"));
    reader.records().map(|row| row.expect("row")).map(|row| (row[maker].to_owned(), row[mpn].to_owned())).collect()
}

/// A structured notice of its own number about one part.
/// The sample factory without the simulation: what is looked at here is that each event ends once, and not what five hundred matters on the same boards come to.
fn without_trials() -> tempfile::TempDir {
    let factory = tempfile::tempdir().expect("folder");
    for file in std::fs::read_dir(common::sample("factory")).expect("sample") {
        let file = file.expect("file");
        let text = std::fs::read_to_string(file.path()).expect("text");
        std::fs::write(factory.path().join(file.file_name()), text.replace("trials = 4000", "trials = 0")).expect("written");
    }
    let site = std::fs::read_to_string(factory.path().join("site.toml")).expect("site");
    assert!(site.contains("trials = 0"), "{site}");
    factory
}

fn structured(number: usize, parts: &[(String, String)]) -> Value {
    let (maker, mpn) = &parts[number % parts.len()];
    json!({
        "manufacturer": maker, "notice_id": format!("CRASH-{number:04}"), "notice_type": "PDN", "issue_date": "2026-10-01",
        "last_time_buy": "2027-04-30", "last_time_ship": "2027-10-29", "affected_parts": [mpn],
    })
}

/// A mail of its own number; what it says is plain.
fn prose(number: usize, parts: &[(String, String)]) -> Value {
    let (maker, mpn) = &parts[number % parts.len()];
    json!({
        "from": format!("pcn@{}.example", maker.to_lowercase().replace(' ', "")),
        "subject": format!("Product Discontinuance Notice PDN-{number:04}"),
        "text": format!(
            "{maker}\n\nProduct Discontinuance Notice PDN-{number:04}\nIssue date: 2026-10-01\n\n{maker} announces the discontinuance of the following product.\n\nAffected part number: {mpn}\n\nLast time buy date: 2027-04-30\nLast time ship date: 2027-10-29\n\nKind regards\nProduct Change Management\n"
        ),
    })
}

struct Plan {
    structured: usize,
    prose: usize,
    kills: usize,
}

fn plan() -> Plan {
    if std::env::var_os("LASTBUY_SOAK").is_some() {
        Plan { structured: 480, prose: 20, kills: 20 }
    } else {
        Plan { structured: 120, prose: 4, kills: 6 }
    }
}

#[test]
fn every_acknowledged_event_ends_once() {
    let plan = plan();
    let dir = tempfile::tempdir().expect("folder");
    let factory = without_trials();
    common::ok(common::lastbuy(dir.path()).args(["data", "import"]).arg(factory.path()));
    let parts = parts();
    let server = Arc::new(Mutex::new(Server::start(dir.path())));
    let over = Arc::new(AtomicBool::new(false));
    let killer = {
        let (server, over, dir) = (Arc::clone(&server), Arc::clone(&over), dir.path().to_path_buf());
        std::thread::spawn(move || {
            // The pauses are spread by the clock's low digits: every run kills elsewhere.
            for kill in 0..plan.kills {
                let spread = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("clock").subsec_nanos() % 900;
                std::thread::sleep(Duration::from_millis(u64::from(100 + spread)));
                let mut server = server.lock().expect("server");
                server.kill();
                *server = Server::start(&dir);
                drop(server);
                if over.load(Ordering::Relaxed) && kill + 1 == plan.kills {
                    break;
                }
            }
        })
    };
    let mut acknowledged: BTreeMap<String, String> = BTreeMap::new();
    let all = plan.structured + plan.prose;
    for number in 0..all {
        let is_prose = number % (all / plan.prose) == 0 && number / (all / plan.prose) < plan.prose;
        let (path, body) = if is_prose { ("/v1/hooks/email", prose(number, &parts)) } else { ("/v1/hooks/generic", structured(number, &parts)) };
        let answer = post_until_accepted(&server, path, body.to_string().as_bytes());
        let earlier =
            acknowledged.insert(answer["event_id"].as_str().expect("event id").to_owned(), answer["job_id"].as_str().expect("job id").to_owned());
        assert_eq!(earlier, None, "two deliveries were given one event");
    }
    over.store(true, Ordering::Relaxed);
    killer.join().expect("killer");
    let server = server.lock().expect("server");
    let jobs = settled_jobs(&server, all);
    let events = list(&server, "/v1/events");
    assert_eq!(events.len(), all, "the log holds other events than were acknowledged");
    let logged: BTreeSet<&str> = events.iter().map(|event| event["id"].as_str().expect("id")).collect();
    assert!(acknowledged.keys().all(|id| logged.contains(id.as_str())));
    assert_eq!(jobs.len(), all, "an event has no job, or more than one");
    let mut assessments = BTreeSet::new();
    for job in &jobs {
        let of: Vec<&str> = job["assessments"].as_array().expect("assessments").iter().map(|id| id.as_str().expect("id")).collect();
        match state(job).as_str() {
            "done" => assert_eq!(of.len(), 1, "{job}"),
            "review" | "dead" => {
                let reason = job["state"].as_object().and_then(|state| state.values().next()).map(|state| state["reason"].to_string());
                assert!(of.is_empty() && reason.is_some_and(|reason| reason.len() > 2), "{job}");
            }
            other => panic!("a job ended as {other}: {job}"),
        }
        for id in of {
            assert!(assessments.insert(id.to_owned()), "{id} belongs to two jobs");
        }
    }
    let stored: BTreeSet<String> = list(&server, "/v1/assessments").iter().map(|row| row["id"].as_str().expect("id").to_owned()).collect();
    assert_eq!(stored, assessments, "assessments that no event led to");
    let structured_done = jobs.iter().filter(|job| job["source"] == "generic" && state(job) == "done").count();
    assert_eq!(structured_done, plan.structured, "a structured notice did not pass");
    println!("{all} events, {} kills: {} assessments, {} wait or are given up", plan.kills, assessments.len(), all - assessments.len());
    drop(server);
}

/// Posts until the answer is 202, as a sender does; a repeat of what was on disk already is told as a duplicate.
fn post_until_accepted(server: &Mutex<Server>, path: &str, body: &[u8]) -> Value {
    for _ in 0..600 {
        let url = server.lock().expect("server").url.clone();
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20))).build().into();
        if let Ok(mut response) = agent.post(format!("{url}{path}")).header("content-type", "application/json").send(body) {
            let status = response.status().as_u16();
            let text = response.body_mut().read_to_string().unwrap_or_default();
            if status == 202 {
                return serde_json::from_str(&text).expect("JSON");
            }
            assert_eq!(status, 503, "{text}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not accepted for 30 seconds");
}

fn settled_jobs(server: &Server, all: usize) -> Vec<Value> {
    let mut last = 0;
    let mut still = 0;
    loop {
        let jobs = list(server, "/v1/jobs");
        let settled = jobs.iter().filter(|job| matches!(state(job).as_str(), "done" | "review" | "dead" | "cancelled")).count();
        if settled == all {
            return jobs;
        }
        still = if settled > last { 0 } else { still + 1 };
        last = settled;
        assert!(still < 1200, "only {settled} of {all} jobs settled and nothing moves");
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn state(job: &Value) -> String {
    match &job["state"] {
        Value::String(name) => name.clone(),
        other => other.as_object().and_then(|state| state.keys().next().cloned()).unwrap_or_default(),
    }
}

fn list(server: &Server, path: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut before = String::new();
    loop {
        let (status, answer) = server.get(&format!("{path}?limit=1000{before}"));
        assert_eq!(status, 200, "{answer}");
        rows.extend(answer["items"].as_array().expect("items").clone());
        match answer["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return rows,
        }
    }
}
