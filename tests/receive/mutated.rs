//! The mail receiver against sessions that were damaged at random: every line is answered in the protocol's form, every connection ends, and what is on disk is what
//! was told. A seed makes each damage. `LASTBUY_SOAK` runs far more; `LASTBUY_DAMAGED=N` runs N for each seed; `LASTBUY_CORPUS=DIR` keeps what got a new answer.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use super::{
    Server, configure,
    damage::{Chance, Corpus, rounds},
    smtp_address,
};

const SESSIONS: [&[u8]; 4] = [
    b"EHLO client.example\r\nMAIL FROM:<pcn@acme.example> SIZE=60 BODY=8BITMIME\r\nRCPT TO:<pcn@plant.example>\r\nDATA\r\nMessage-ID: <1@acme.example>\r\nSubject: PDN\r\n\r\nAcme ends AX100-3.\r\n..dot\r\n.\r\nQUIT\r\n",
    b"EHLO client.example\r\nMAIL FROM:<> SMTPUTF8\r\nRCPT TO:<gr\xC3\xB6\xC3\x9Fe@notices.example>\r\nBDAT 20\r\nSubject: PDN-2\r\n\r\nxyBDAT 4 LAST\r\nend.RSET\r\nNOOP\r\nQUIT\r\n",
    b"HELO a\r\nVRFY x\r\nHELP\r\nEXPN x\r\nAUTH PLAIN AAAA\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<nobody@elsewhere.example>\r\nDATA\r\nQUIT\r\n",
    b"EHLO a\r\nSTARTTLS\r\n\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03",
];

/// Says a session as a client does, who waits for the answer to DATA; what was answered until the connection ended.
fn say(address: &str, session: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("connect");
    let mut answers = Vec::new();
    let mut rest = session;
    while let Some(at) = rest.windows(6).position(|window| window.eq_ignore_ascii_case(b"data\r\n")) {
        let (now, later) = rest.split_at(at + 6);
        rest = later;
        if stream.write_all(now).is_err() {
            break;
        }
        // 354, or whatever else it says; nothing at all where this is the middle of a mail.
        stream.set_read_timeout(Some(Duration::from_millis(20))).expect("timeout");
        let mut piece = [0; 4096];
        while !answers.windows(4).any(|window| window == b"354 ") {
            match stream.read(&mut piece) {
                Ok(read) if read > 0 => answers.extend_from_slice(&piece[..read]),
                _ => break,
            }
        }
    }
    // The server may have closed already; what it said is read all the same.
    let _ = stream.write_all(rest);
    let _ = stream.shutdown(Shutdown::Write);
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return answers,
            Ok(read) => answers.extend_from_slice(&piece[..read]),
            Err(error) => {
                let is_late = matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
                assert!(!is_late, "the connection is not closed after {:?}", String::from_utf8_lossy(session));
                return answers;
            }
        }
    }
}

/// Events that were told with 250; the sentence about a form that is not the protocol's.
fn told(answers: &[u8]) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(answers).map_err(|_| "an answer is not UTF-8".to_owned())?;
    let mut events = Vec::new();
    for line in text.split_inclusive("\r\n") {
        let (code, rest) = line.split_at_checked(3).ok_or_else(|| format!("'{line}' is no answer"))?;
        let is_answer = line.ends_with("\r\n") && line.len() <= 514 && code.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with([' ', '-']);
        if !is_answer {
            return Err(format!("'{line}' is no answer"));
        }
        if let Some((event, _)) = line.strip_prefix("250 2.0.0 E-").and_then(|rest| rest.split_once(' ')) {
            events.push(event.to_owned());
        }
    }
    Ok(events)
}

#[test]
fn damaged_sessions_are_answered_and_what_is_told_is_on_disk() {
    let dir = tempfile::tempdir().expect("folder");
    configure(dir.path(), 0, "mails_per_minute = 0\nidle_seconds = 5");
    let log = dir.path().join("log.txt");
    // A copy of what the server says stays in a file.
    let words = ["bash", "-c", "exec \"$@\" 2> >(tee \"$0\" >&2)"].map(str::to_owned);
    let server = Server::start_under(&[&words[..], &[log.display().to_string()]].concat(), dir.path());
    let address = smtp_address(&server);
    let rounds = rounds(120, 5000);
    let mut all_told = BTreeSet::new();
    std::thread::scope(|scope| {
        let of_seed = |(at, seed): (usize, &&[u8])| {
            let (address, seed) = (address.clone(), seed.to_vec());
            scope.spawn(move || {
                let mut corpus = Corpus::new(&format!("smtp/{at}"), vec![seed]);
                let mut events = Vec::new();
                for round in 0..rounds {
                    let session = corpus.next(&mut Chance::of(at, round));
                    let answers = say(&address, &session);
                    let found =
                        told(&answers).unwrap_or_else(|why| panic!("seed {at}, round {round}: {why} to {:?}", String::from_utf8_lossy(&session)));
                    events.extend(found);
                    corpus.note(&session, &String::from_utf8_lossy(&answers));
                }
                events
            })
        };
        let threads: Vec<_> = SESSIONS.iter().enumerate().map(of_seed).collect();
        for thread in threads {
            all_told.extend(thread.join().expect("a seed's sessions"));
        }
    });
    let clean = told(&say(&address, SESSIONS[0])).expect("answers");
    assert_eq!(clean.len(), 1, "a whole mail is no longer taken");
    all_told.extend(clean);
    let on_disk: BTreeSet<String> = {
        let output = super::common::ok(super::common::lastbuy(dir.path()).args(["events", "list", "--limit", "100000", "--json"]));
        let events: serde_json::Value = serde_json::from_str(&output).expect("JSON");
        events.as_array().expect("events").iter().map(|event| event["id"].as_str().expect("id").trim_start_matches("E-").to_owned()).collect()
    };
    assert_eq!(on_disk, all_told, "what was told with 250 and what is on disk differ");
    assert!(on_disk.len() > 5, "hardly a damaged mail was taken: {on_disk:?}");
    let said = std::fs::read_to_string(&log).expect("log");
    assert!(!said.contains("panic"), "{said}");
    println!("{} sessions, {} mails on disk", rounds * SESSIONS.len() as u64, on_disk.len());
}
