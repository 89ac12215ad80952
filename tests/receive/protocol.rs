//! The protocol over raw sockets: what no client library would send, and what a slow or hostile one does.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use super::{Server, common, configure, smtp_address};

struct Raw {
    stream: BufReader<TcpStream>,
}

impl Raw {
    /// Connects and reads the greeting.
    fn connect(address: &str) -> Raw {
        let mut raw = Raw::silent(address);
        assert_eq!(raw.read(), "220");
        raw
    }

    fn silent(address: &str) -> Raw {
        let stream = TcpStream::connect(address).expect("connect");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
        Raw { stream: BufReader::new(stream) }
    }

    fn send(&mut self, bytes: &[u8]) {
        // The server may have closed already; what it said is read all the same.
        let _ = self.stream.get_mut().write_all(bytes);
    }

    /// One whole answer, its lines joined.
    fn answer(&mut self) -> String {
        let mut answer = String::new();
        loop {
            let before = answer.len();
            if self.stream.read_line(&mut answer).unwrap_or(0) == 0 || answer.as_bytes().get(before + 3) != Some(&b'-') {
                return answer;
            }
        }
    }

    /// The code of one answer; empty where the connection is closed.
    fn read(&mut self) -> String {
        self.answer().chars().take(3).collect()
    }

    /// The codes of the answers to these lines, said one by one.
    fn say(&mut self, lines: &[&str]) -> Vec<String> {
        lines
            .iter()
            .map(|line| {
                self.send(format!("{line}\r\n").as_bytes());
                self.read()
            })
            .collect()
    }
}

const BEGIN: [&str; 4] = ["EHLO client.example", "MAIL FROM:<pcn@acme.example>", "RCPT TO:<pcn@plant.example>", "DATA"];

fn start(more: &str) -> (tempfile::TempDir, Server, String) {
    let dir = tempfile::tempdir().expect("folder");
    configure(dir.path(), 0, more);
    let server = Server::start(dir.path());
    let address = smtp_address(&server);
    (dir, server, address)
}

fn count(server: &Server) -> usize {
    server.get("/v1/events").1["items"].as_array().expect("items").len()
}

#[test]
fn mails_come_in_by_every_way_the_protocol_has() {
    let (_dir, server, address) = start("");
    let mut raw = Raw::connect(&address);
    raw.send(b"EHLO client.example\r\n");
    let extensions = raw.answer();
    for extension in ["SIZE 41943040", "8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING", "STARTTLS"] {
        assert!(extensions.contains(extension), "{extensions}");
    }
    // A group of commands in one packet gets its answers in order.
    raw.send(b"MAIL FROM:<a@acme.example> BODY=8BITMIME\r\nRCPT TO:<nobody@plant.example>\r\nRCPT TO:<PCN@Plant.Example>\r\nDATA\r\n");
    assert_eq!([raw.read(), raw.read(), raw.read(), raw.read()], ["250", "550", "250", "354"]);
    raw.send(b"Message-ID: <1@acme.example>\r\nSubject: PDN\r\n\r\nAcme ends AX100-3.\r\n.");
    raw.send(b"\r\n");
    let answer = raw.answer();
    assert!(answer.starts_with("250 2.0.0 E-1 is on disk"), "{answer}");
    // The same mail in pieces, by BDAT: the same event.
    let (one, two) = ("Message-ID: <1@acme.example>\r\nSubject: PDN\r\n\r\n", "Acme ends AX100-3.\r\n");
    raw.send(format!("MAIL FROM:<>\r\nRCPT TO:<any@notices.example>\r\nBDAT {}\r\n{one}BDAT {} LAST\r\n{two}", one.len(), two.len()).as_bytes());
    assert_eq!([raw.read(), raw.read(), raw.read()], ["250", "250", "250"]);
    let answer = raw.answer();
    assert!(answer.starts_with("250 2.0.0 E-1 was known already"), "{answer}");
    // An address in UTF-8; and a mail by the oldest greeting.
    assert_eq!(raw.say(&["MAIL FROM:<jürgen@acme.example> SMTPUTF8", "RCPT TO:<größe@notices.example>", "RSET"]), ["250", "250", "250"]);
    assert_eq!(
        raw.say(&["HELO client.example", "MAIL FROM:<>", "RCPT TO:<pcn@plant.example>", "DATA", "Subject: x\r\n\r\ny\r\n."]),
        ["250", "250", "250", "354", "250"]
    );
    assert_eq!(raw.say(&["QUIT"]), ["221"]);
    assert_eq!(raw.read(), "", "QUIT closes");
    assert_eq!(count(&server), 2);
    let event = &server.get("/v1/events/E-1").1;
    let text = event.to_string();
    for known in ["smtp-peer", "127.0.0.1", "a@acme.example", "PCN@Plant.Example", "client.example"] {
        assert!(text.contains(known), "{known} is not in {text}");
    }
}

#[test]
fn nothing_can_be_smuggled_behind_a_mail() {
    let (_dir, server, address) = start("");
    for (number, fake_end) in ["\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r\r\n", "\r.\r\n", "\r\n.\0\r\n"].iter().enumerate() {
        let mut raw = Raw::connect(&address);
        assert_eq!(raw.say(&BEGIN), ["250", "250", "250", "354"]);
        raw.send(format!("Subject: {number}\r\n\r\ntext{fake_end}MAIL FROM:<evil@acme.example>\r\nRCPT TO:<pcn@plant.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n").as_bytes());
        assert_eq!(raw.read(), "250");
        assert_eq!(raw.say(&["QUIT"]), ["221"], "more than one mail was taken behind {fake_end:?}");
    }
    assert_eq!(count(&server), 7);

    // A mail that does not wait for 354, and one whose DATA is refused: its text is not read as commands.
    let mut raw = Raw::connect(&address);
    assert_eq!(raw.say(&BEGIN[..3]), ["250", "250", "250"]);
    raw.send(b"DATA\r\nSubject: early\r\n\r\nx\r\n.\r\n");
    assert_eq!((raw.read(), raw.read()), ("554".to_owned(), String::new()));
    let mut raw = Raw::connect(&address);
    assert_eq!(raw.say(&["EHLO a", "MAIL FROM:<>", "RCPT TO:<nobody@plant.example>"]), ["250", "250", "550"]);
    raw.send(b"DATA\r\nRCPT TO:<pcn@plant.example>\r\nDATA\r\nSubject: early\r\n\r\nx\r\n.\r\n");
    assert_eq!((raw.read(), raw.read()), ("554".to_owned(), String::new()));

    // What stands behind STARTTLS in the clear is never taken for what comes encrypted.
    let mut raw = Raw::connect(&address);
    assert_eq!(raw.say(&["EHLO a"]), ["250"]);
    raw.send(b"STARTTLS\r\nMAIL FROM:<evil@acme.example>\r\n");
    assert_eq!((raw.read(), raw.read()), ("554".to_owned(), String::new()));
    assert_eq!(count(&server), 7);
}

#[test]
fn what_never_will_be_right_is_5xx_and_everything_else_4xx() {
    let (_dir, server, address) = start("mails_per_minute = 4\nconnections_per_peer = 2\nidle_seconds = 1");
    let mut raw = Raw::connect(&address);
    assert_eq!(raw.say(&["EHLO a", "MAIL FROM:<a@b.example> SIZE=50000000"]), ["250", "552"]);
    assert_eq!(raw.say(&["MAIL FROM:<>", "RCPT TO:<x@elsewhere.example>", "DATA"]), ["250", "550", "554"]);
    assert_eq!(raw.say(&["RSET", "MAIL FROM:<>", "RCPT TO:<pcn@plant.example>", "DATA", "."]), ["250", "250", "250", "354", "554"]);
    // A BDAT without a mail is passed over with its bytes.
    raw.send(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
    assert_eq!((raw.read(), raw.read()), ("503".to_owned(), "250".to_owned()));
    assert_eq!(raw.say(&[&"x".repeat(5000), "NO\tOP", "NOOP\nNOOP"]), ["500", "500", "500"]);
    // The third connection of one peer is put off; then places are free again.
    let _second = Raw::connect(&address);
    assert_eq!(Raw::silent(&address).read(), "421");
    drop(raw);
    drop(_second);
    // One that says nothing, and one that stops within a mail, are told and closed.
    let mut raw = connect_when_free(&address);
    assert_eq!((raw.read(), raw.read()), ("421".to_owned(), String::new()));
    let mut raw = connect_when_free(&address);
    assert_eq!(raw.say(&BEGIN), ["250", "250", "250", "354"]);
    raw.send(b"Subject: half a mail\r\n\r\n");
    assert_eq!((raw.read(), raw.read()), ("421".to_owned(), String::new()));
    // Three mails were begun; one more is in the minute's share, the next is put off.
    let mut raw = connect_when_free(&address);
    assert_eq!(raw.say(&["EHLO a", "MAIL FROM:<>", "RSET", "MAIL FROM:<>"]), ["250", "250", "250", "450"]);
    // A prober is cut off.
    let codes = raw.say(&["X"; 25]);
    assert_eq!((codes[0].as_str(), codes[24].as_str()), ("500", ""));
    assert_eq!(count(&server), 0);
}

/// Places of closed connections are given back a moment later.
fn connect_when_free(address: &str) -> Raw {
    for _ in 0..1000 {
        let mut raw = Raw::silent(address);
        if raw.read() == "220" {
            return raw;
        }
        std::thread::yield_now();
    }
    panic!("no place came free");
}

#[test]
fn more_than_the_limit_is_refused_in_bounded_memory() {
    let (_dir, server, address) = start("");
    let mut raw = Raw::connect(&address);
    assert_eq!(raw.say(&BEGIN), ["250", "250", "250", "354"]);
    let line = [vec![b'x'; 65_534], b"\r\n".to_vec()].concat();
    for _ in 0..700 {
        raw.send(&line);
    }
    raw.send(b".\r\n");
    assert_eq!(raw.read(), "552");
    assert_eq!(raw.say(&["BDAT 99999999 LAST"]), ["552"]);
    assert_eq!(count(&server), 0);
}

#[test]
fn strangers_and_the_unencrypted_are_turned_away_and_a_stop_is_told() {
    let (_dir, _server, address) = start("peers = [\"10.0.0.0/8\"]");
    assert_eq!(Raw::silent(&address).read(), "554");
    let (_dir, mut server, address) = start("require_tls = true");
    let mut raw = Raw::connect(&address);
    assert_eq!(raw.say(&["EHLO a", "MAIL FROM:<>"]), ["250", "530"]);
    // Whoever waits for the next command is told; the server ends well.
    server.signal(libc::SIGTERM);
    assert_eq!((raw.read(), raw.read()), ("421".to_owned(), String::new()));
    assert_eq!(server.child.wait().expect("wait").code(), Some(0));
}

#[test]
fn a_mail_that_is_coming_in_when_the_server_stops_is_taken() {
    let (dir, mut server, address) = start("");
    let mut raw = Raw::connect(&address);
    assert_eq!(raw.say(&BEGIN), ["250", "250", "250", "354"]);
    raw.send(b"Subject: PDN\r\n\r\nAcme ends ");
    server.signal(libc::SIGTERM);
    // The listener is closed first: from then on the server is stopping.
    while TcpStream::connect(&address).is_ok() {
        std::thread::yield_now();
    }
    raw.send(b"AX100-3.\r\n.\r\n");
    assert_eq!((raw.read(), raw.read()), ("250".to_owned(), "421".to_owned()));
    assert_eq!(server.child.wait().expect("wait").code(), Some(0));
    let events = common::json(common::lastbuy(dir.path()).args(["events", "list", "--json"]));
    assert_eq!(events.as_array().map(Vec::len), Some(1), "{events}");
}

/// A small file system in memory, which only root may mount.
struct Disk(tempfile::TempDir);

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn a_disk_nearly_full_puts_mails_off() {
    let disk = Disk(tempfile::tempdir().expect("folder"));
    let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=256m", "tmpfs"]).arg(disk.0.path()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: a tmpfs cannot be mounted here");
        return;
    }
    configure(disk.0.path(), 0, "");
    let server = Server::start(disk.0.path());
    let mut raw = Raw::connect(&smtp_address(&server));
    assert_eq!(raw.say(&BEGIN), ["250", "250", "250", "354"]);
    raw.send(b"Subject: PDN\r\n\r\nAcme ends AX100-3.\r\n.\r\n");
    let answer = raw.answer();
    assert!(answer.starts_with("452 4.3.1"), "{answer}");
    assert_eq!(raw.say(&["NOOP"]), ["250"], "the connection goes on");
    assert_eq!(count(&server), 0);
}
