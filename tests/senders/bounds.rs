//! Rates, slow senders, and secrets whose form is wrong.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::{
    Server, common, configure,
    request::{Request, answers},
    signing::now_s,
};

#[test]
fn a_sender_that_sends_too_much_is_told_to_come_again() {
    let dir = tempfile::tempdir().expect("folder");
    let keys = configure(dir.path(), "per_minute = 2");
    let server = Server::start(dir.path());
    for (source, status) in [("postmark", 503), ("siliconexpert", 429)] {
        let request: Request = keys.good(source, "PDN-1", now_s());
        assert!((0..2).all(|_| answers(&server, &request).0 < 300), "{source}");
        let (answered, headers, said) = answers(&server, &request);
        assert_eq!(answered, status, "{source}: {said}");
        let seconds: u64 = headers["retry-after"].to_str().expect("text").parse().expect("seconds");
        assert!((1..=60).contains(&seconds));
    }
}

/// A body in small pieces, for ever: the answer comes at once, and the connection is not kept open for what is never looked at.
#[test]
fn what_comes_after_an_early_answer_is_not_read_for_ever() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connect");
    stream.set_read_timeout(Some(Duration::from_millis(20))).expect("timeout");
    stream
        .write_all(b"POST /v1/hooks/telex HTTP/1.1\r\nhost: lastbuy\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        .expect("head");
    let (begun, mut answer) = (Instant::now(), Vec::new());
    loop {
        let mut piece = [0; 4096];
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&piece[..read]),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
        if stream.write_all(b"1\r\nx\r\n").is_err() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(45), "the connection is still read");
    }
    assert!(answer.starts_with(b"HTTP/1.1 404"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn no_secret_is_in_the_log_and_no_other_site_is_let_in() {
    let dir = tempfile::tempdir().expect("folder");
    let keys = configure(dir.path(), "");
    let config = std::fs::read_to_string(dir.path().join("lastbuy.toml")).expect("configuration");
    std::fs::write(dir.path().join("lastbuy.toml"), format!("{config}\n[log]\nlevel = \"trace\"\n")).expect("configuration");
    let log = dir.path().join("log.txt");
    // A copy of what the server says stays in a file.
    let words = ["bash", "-c", "exec \"$@\" 2> >(tee \"$0\" >&2)"].map(str::to_owned);
    let words = [&words[..], &[log.display().to_string()]].concat();
    let mut server = Server::start_under(&words, dir.path());
    for source in ["sendgrid", "mailgun", "postmark", "mandrill", "cloudmailin", "standard-webhooks", "generic"] {
        let good = keys.good(source, "PDN-1", now_s());
        let (_, headers, _) = answers(&server, &good);
        for name in ["access-control-allow-origin", "access-control-allow-credentials"] {
            assert!(headers.get(name).is_none(), "{source}: {name}");
        }
        for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin"), ("cache-control", "no-store")] {
            assert_eq!(headers[name], value, "{source}");
        }
        answers(&server, &good.unsigned());
    }
    server.signal(libc::SIGTERM);
    server.child.wait().expect("wait");
    let said = std::fs::read_to_string(&log).expect("log");
    assert!(said.contains("TRACE") && said.contains("stopped"), "{said}");
    for (source, secret) in keys.secrets() {
        for line in secret.lines().filter(|_| source != "sendgrid") {
            let secret = line.rsplit(':').next().expect("a secret").trim_start_matches("whsec_");
            assert!(!said.contains(secret), "the secret of {source} is in the log");
        }
    }
}

#[test]
fn a_secret_of_the_wrong_form_is_told_before_it_matters() {
    for (source, secret, says) in [
        ("postmark", "a password without its user", "user:password"),
        ("sendgrid", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", "public key"),
        ("sendgrid", "-----BEGIN PUBLIC KEY-----\nMFkw", "PEM"),
        ("generic", "whpk_AAAAAAAAAAAAAAAAAAAA", "32"),
        ("generic", "whsk_AAAAAAAAAAAAAAAAAAAA", "belongs to the sender"),
        ("generic", "whsec_!!!!!!!!!!!!!!!!!!!", "not base64"),
        ("generic", "short", "shorter than 16"),
        ("mandrill", "a webhook key of mandrill", "mandrill_url"),
    ] {
        let dir = tempfile::tempdir().expect("folder");
        let file = dir.path().join("secret");
        std::fs::write(&file, secret).expect("secret");
        std::fs::write(dir.path().join("lastbuy.toml"), format!("[intake.secret_files]\n{source} = \"{}\"\n", file.display()))
            .expect("configuration");
        let output = common::lastbuy(dir.path()).args(["config", "check"]).output().expect("run");
        let said = common::said(&output);
        assert!(!output.status.success() && said.contains(says), "{source} {secret}: {said}");
        assert!(!said.contains("!!!!") && !said.contains("AAAA"), "the secret is told: {said}");
    }
    // From the environment, and checked in the same way.
    let dir = tempfile::tempdir().expect("folder");
    let check =
        |secret: &str| common::lastbuy(dir.path()).args(["config", "check"]).env("LASTBUY_SECRET_STANDARD_WEBHOOKS", secret).output().expect("run");
    assert!(check("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").status.success());
    assert!(!check("short").status.success());
}
