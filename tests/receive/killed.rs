//! Mails sent with a client library over STARTTLS while the server is killed with SIGKILL and started again: every mail that was answered 250 is in the log
//! once, under the event that the answer named, and nothing else is. `LASTBUY_SOAK=1` sends a thousand.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use lettre::{
    Message, SmtpTransport, Transport as _,
    message::header::ContentType,
    transport::smtp::client::{Certificate, Tls, TlsParameters},
};
use serde_json::Value;

use super::{Server, common, configure, tls};

const KILLS: usize = 5;

/// A port that was free a moment ago; the server keeps it over all its lives.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn client(port: u16) -> SmtpTransport {
    let authority = Certificate::from_pem(&std::fs::read(tls("ca.pem")).expect("ca.pem")).expect("a certificate");
    let parameters = TlsParameters::builder("localhost".to_owned()).add_root_certificate(authority).build().expect("TLS");
    SmtpTransport::builder_dangerous("127.0.0.1").port(port).tls(Tls::Required(parameters)).timeout(Some(Duration::from_secs(20))).build()
}

fn mail(number: usize) -> Message {
    Message::builder()
        .message_id(Some(message_id(number)))
        .from("pcn@acme.example".parse().expect("from"))
        .to("pcn@plant.example".parse().expect("to"))
        .subject(format!("Product discontinuance PDN-{number:05}"))
        .header(ContentType::TEXT_PLAIN)
        .body(format!("Acme ends AX100-{number}.\r\n.\r\nLast time buy date: 2027-03-31.\r\n..Größe: 3×3 mm.\r\n"))
        .expect("mail")
}

fn message_id(number: usize) -> String {
    format!("<{number}@acme.example>")
}

/// Sends until the answer is 250; the answer's text.
fn send(port: u16, number: usize) -> String {
    let until = Instant::now() + Duration::from_secs(120);
    let (client, mail) = (client(port), mail(number));
    loop {
        match client.send(&mail) {
            Ok(response) => return response.message().collect::<Vec<_>>().join(" "),
            Err(error) => {
                assert!(!error.is_permanent(), "mail {number} was refused for good: {error}");
                assert!(Instant::now() < until, "mail {number} was not taken in two minutes: {error}");
                std::thread::yield_now();
            }
        }
    }
}

/// Every event of the log.
fn events(server: &Server) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let before = all.last().map(|event| format!("&before={}", event["id"].as_str().expect("id"))).unwrap_or_default();
        let (_, page) = server.get(&format!("/v1/events?limit=500{before}"));
        let items = page["items"].as_array().expect("items");
        if items.is_empty() {
            return all;
        }
        all.extend(items.iter().cloned());
    }
}

#[test]
fn the_clients_view_and_the_log_agree_mail_by_mail() {
    let all = if std::env::var_os("LASTBUY_SOAK").is_some() { 1000 } else { 150 };
    let (dir, port) = (tempfile::tempdir().expect("folder"), free_port());
    configure(dir.path(), port, "mails_per_minute = 0");
    let server = Mutex::new(Server::start(dir.path()));
    let (next, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let answers: Mutex<BTreeMap<usize, String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= all {
                        return;
                    }
                    let answer = send(port, number);
                    answers.lock().expect("answers").insert(number, answer);
                    taken.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            // By turns: from outside, wherever the three clients are when another sixth of the mails is in; and by itself, where something is on disk and
            // its sender was not told yet.
            for kill in 1..=KILLS {
                if kill % 2 == 1 {
                    while taken.load(Ordering::Relaxed) < kill * all / (KILLS + 1) {
                        std::thread::yield_now();
                    }
                    server.lock().expect("server").kill();
                } else {
                    while server.lock().expect("server").child.try_wait().expect("wait").is_none() {
                        std::thread::yield_now();
                    }
                }
                let by_itself = ["env".to_owned(), format!("LASTBUY_FAILPOINT=answered:{}", 20 + 7 * kill)];
                let started = Server::start_under(if kill % 2 == 1 && kill < KILLS { &by_itself } else { &[] }, dir.path());
                *server.lock().expect("server") = started;
            }
        });
    });
    let mut server = server.into_inner().expect("server");
    let answers = answers.into_inner().expect("answers");
    assert_eq!(answers.len(), all);
    let mut logged: BTreeMap<String, String> = BTreeMap::new();
    for event in events(&server) {
        let id = event["headers"].as_array().expect("headers").iter().find(|header| header[0] == "message-id").expect("Message-ID")[1].clone();
        let earlier = logged.insert(id.as_str().expect("text").to_owned(), event["id"].as_str().expect("id").to_owned());
        assert_eq!(earlier, None, "{id} is in the log twice");
    }
    assert_eq!(logged.len(), all, "the log holds other mails than were answered");
    let mut repeated = 0;
    for (number, answer) in &answers {
        let event = &logged[&message_id(*number)];
        assert!(answer.split_whitespace().any(|word| word == event), "mail {number} is {event}, the client was told '{answer}'");
        repeated += usize::from(answer.contains("known already"));
    }
    println!("{all} mails, {KILLS} kills, {repeated} told as known already");
    server.kill();
    // What is on disk is what was sent, dots and all.
    let first = logged[&message_id(0)].clone();
    let raw = common::ok(common::lastbuy(dir.path()).args(["events", "raw", &first]));
    let sent = String::from_utf8(mail(0).formatted()).expect("UTF-8");
    let body = |text: &str| text.split_once("\r\n\r\n").expect("a head").1.trim_end().to_owned();
    assert_eq!(body(&raw), body(&sent));
    let doctor = common::json(common::lastbuy(dir.path()).args(["doctor", "--deep", "--json"]));
    assert_eq!(doctor["ok"], Value::Bool(true), "{doctor}");
}

#[test]
fn a_retry_after_a_lost_answer_is_told_as_known() {
    let (dir, port) = (tempfile::tempdir().expect("folder"), free_port());
    configure(dir.path(), port, "");
    // The first write notes that the server started; the second is the mail, and then the process dies before it can answer.
    let mut server = Server::start_under(&["env".to_owned(), "LASTBUY_FAILPOINT=answered:2".to_owned()], dir.path());
    let lost = client(port).send(&mail(1)).expect_err("no answer");
    assert!(!lost.is_permanent(), "{lost}");
    assert!(!server.child.wait().expect("wait").success());
    let server = Server::start(dir.path());
    let answer = send(port, 1);
    assert!(answer.contains("E-1 was known already"), "{answer}");
    assert_eq!(events(&server).len(), 1);
}
