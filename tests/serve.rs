//! The appliance as its operator meets it: hostile deliveries are refused in bounded memory and leave no trace in the queue; SIGTERM ends it in order.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

mod common;

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use common::Server;
use serde_json::Value;

fn counts(server: &Server) -> (usize, usize) {
    let rows = |path: &str| server.get(path).1["items"].as_array().expect("items").len();
    (rows("/v1/events"), rows("/v1/jobs"))
}

fn refused(answer: &(u16, Value), status: u16) {
    assert_eq!(answer.0, status, "{}", answer.1);
    for key in ["code", "title", "detail", "status"] {
        assert!(answer.1.get(key).is_some(), "no '{key}' in {}", answer.1);
    }
}

/// Resident memory of a process, in KiB.
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("number")
}

#[test]
fn hostile_deliveries_are_refused_and_leave_no_job() {
    let dir = tempfile::tempdir().expect("folder");
    let mut server = Server::start(dir.path());
    let before = resident_kib(server.child.id());

    refused(&server.post("/v1/hooks/generic", "application/json", b"{\"affected_parts\": [\"X1\""), 400);
    refused(&server.post("/v1/hooks/generic", "application/json", b"{\"manufacturer\": \"\xff\xfe\"}"), 400);
    refused(&server.post("/v1/hooks/siliconexpert", "image/png", b"{}"), 415);
    refused(&server.post("/v1/hooks/telex", "application/json", b"{}"), 404);
    refused(&server.post("/api/v1/webhooks/commercial-radar", "application/json", b"{\"alert_type\": \"PDN\"}"), 400);
    refused(&server.get("/v1/nothing"), 404);

    // 100 MB without a length: cut off long before the end.
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connect");
    stream
        .write_all(b"POST /v1/hooks/generic HTTP/1.1\r\nhost: lastbuy\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        .expect("head");
    let chunk = vec![b' '; 1 << 20];
    let mut sent = 0;
    while sent < 100 && stream.write_all(b"100000\r\n").and_then(|()| stream.write_all(&chunk)).and_then(|()| stream.write_all(b"\r\n")).is_ok() {
        sent += 1;
    }
    let mut answer = Vec::new();
    // The server answers at once and then takes no more than it must to let the sender read it; a reset after the answer is as good as a close.
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).expect("timeout");
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 413") || (answer.is_empty() && sent < 100), "{sent} MiB were taken, then: {answer}");
    // 100 MB that say so at once.
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connect");
    stream
        .write_all(b"POST /v1/hooks/generic HTTP/1.1\r\nhost: lastbuy\r\ncontent-type: application/json\r\ncontent-length: 100000000\r\n\r\n")
        .expect("head");
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).expect("answer");
    assert!(answer[..read].starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer[..read]));

    let grown = resident_kib(server.child.id()).saturating_sub(before);
    assert!(grown < 64 << 10, "memory grew by {grown} KiB");
    assert_eq!(counts(&server), (0, 0), "a refused delivery left a trace");

    // And the log still takes what is right, once.
    let body = br#"{"manufacturer": "Acme", "notice_id": "N-1", "notice_type": "PDN", "affected_parts": ["AX100-3"]}"#;
    let (status, first) = server.post("/v1/hooks/generic", "application/json", body);
    assert_eq!((status, &first["duplicate"]), (202, &Value::Bool(false)), "{first}");
    let (status, again) = server.post("/v1/hooks/generic", "application/json", body);
    assert_eq!((status, &again["duplicate"], &again["event_id"]), (202, &Value::Bool(true), &first["event_id"]), "{again}");
    assert_eq!(counts(&server), (1, 1));
    server.kill();
    let doctor = common::json(common::lastbuy(dir.path()).args(["doctor", "--deep", "--json"]));
    assert_eq!(doctor["ok"], Value::Bool(true), "{doctor}");
}

#[test]
fn sigterm_ends_it_in_order() {
    let dir = tempfile::tempdir().expect("folder");
    let mut server = Server::start(dir.path());
    let body =
        br#"{"subject": "Product discontinuance PDN-77", "text": "Acme ends AX100-3. Last time buy date: 2027-03-31.", "from": "pcn@acme.example"}"#;
    assert_eq!(server.post("/v1/hooks/email", "application/json", body).0, 202);
    server.signal(libc::SIGTERM);
    assert_eq!(server.child.wait().expect("wait").code(), Some(0));
    // Nothing is lost: the next start takes the job up where it was.
    let server = Server::start(dir.path());
    assert_eq!(counts(&server), (1, 1));
}

#[test]
fn a_crash_of_the_model_costs_one_retry_not_the_server() {
    let dir = tempfile::tempdir().expect("folder");
    let mut server = Server::start(dir.path());
    let body = |number: usize| {
        format!(
            r#"{{"subject": "Product discontinuance PDN-{number}", "text": "{}Acme ends AX100-3. Last time buy date: 2027-03-31.", "from": "pcn@acme.example"}}"#,
            "A line of a long letter that says nothing about any part. ".repeat(40)
        )
    };
    assert_eq!(server.post("/v1/hooks/email", "application/json", body(1).as_bytes()).0, 202);
    let mut killed = 0;
    let job = loop {
        if killed == 0
            && let Some(pid) = model_child(server.child.id())
        {
            // SAFETY: sends a signal to a process that was seen a moment ago.
            #[allow(unsafe_code, reason = "kill(2) has no safe form in std")]
            let sent = unsafe { libc::kill(pid, libc::SIGKILL) };
            killed += i32::from(sent == 0);
        }
        let (_, jobs) = server.get("/v1/jobs");
        let job = jobs["items"][0].clone();
        if job["state"].as_str() == Some("done") || job["state"].get("review").is_some() || job["state"].get("dead").is_some() {
            break job;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    assert_eq!(killed, 1, "the model's child was never seen");
    assert!(job["state"].get("dead").is_none(), "{job}");
    assert!(server.child.try_wait().expect("wait").is_none(), "the server died with the child");
}

/// The child of the server that holds the model.
fn model_child(server: u32) -> Option<libc::pid_t> {
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: libc::pid_t = entry.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent: u32 = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        (parent == server && line.split(|byte| *byte == 0).any(|argument| argument == b"child-llm")).then_some(pid)
    })
}
