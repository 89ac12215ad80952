//! Every sender over real HTTP: signed rightly and wrongly, too old, again, incomplete, too large, and again after our 503, each with the answer that its documentation
//! asks for. What is taken is looked at in the log; what is refused for its content, in the quarantine.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a skipped test says so, and a run of damaged deliveries what it saw")]

#[path = "../common/mod.rs"]
mod common;

mod bounds;
mod content;
#[path = "../common/damage.rs"]
mod damage;
mod exports;
mod mutated;
mod one_case;
mod request;
mod signing;
mod subscription;

use std::path::Path;

use common::Server;
use request::{Request, answers, post};
use serde_json::Value;
use signing::Keys;

/// A server whose sources all have their secrets.
struct Site {
    dir: tempfile::TempDir,
    server: Server,
    keys: Keys,
}

impl Site {
    fn start() -> Site {
        let dir = tempfile::tempdir().expect("folder");
        let keys = configure(dir.path(), "");
        let server = Server::start(dir.path());
        Site { dir, server, keys }
    }

    fn events(&self) -> Vec<Value> {
        self.server.get("/v1/events").1["items"].as_array().expect("items").clone()
    }

    /// The job once nothing more is done about it by itself.
    fn settled(&self, said: &Value) -> Value {
        let path = format!("/v1/jobs/{}", said["job_id"].as_str().unwrap_or_else(|| panic!("no job in {said}")));
        let until = std::time::Instant::now() + std::time::Duration::from_secs(120);
        loop {
            let (_, job) = self.server.get(&path);
            let is_over = job["state"] == "done" || job["state"].get("review").is_some() || job["state"].get("dead").is_some();
            if is_over {
                return job;
            }
            assert!(std::time::Instant::now() < until, "not settled: {job}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn quarantine(&self) -> Vec<Value> {
        let output = common::lastbuy(self.dir.path()).args(["quarantine", "list", "--json"]).output().expect("run");
        // 3: there is nothing in it.
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", common::said(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

/// Writes the secrets and the configuration.
fn configure(dir: &Path, more: &str) -> Keys {
    let keys = Keys::new();
    let mut files = String::new();
    for (source, secret) in keys.secrets() {
        let path = dir.join(format!("{source}.secret"));
        std::fs::write(&path, secret).expect("secret");
        files.push_str(&format!("{source} = \"{}\"\n", path.display()));
    }
    let certificate = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/senders/sns/SimpleNotificationService-test.pem");
    let text = format!(
        "[intake]\nmandrill_url = \"{}\"\nses_topics = [\"{}\"]\nses_certificate_files = [\"{}\"]\ncloudevents_batches = true\ncloudevents_origins = [\"plm.example\"]\n{more}\n[intake.secret_files]\n{files}",
        signing::MANDRILL_URL,
        signing::TOPIC,
        certificate.display()
    );
    std::fs::write(dir.join("lastbuy.toml"), text).expect("configuration");
    keys
}

/// What each sender sends, and what it is answered. `None`: the sender has no such thing.
struct Manners {
    source: &'static str,
    taken: u16,
    stale: Option<u16>,
    unauthorised: u16,
    incomplete: u16,
    too_large: u16,
}

const MANNERS: [Manners; 17] = [
    Manners { source: "sendgrid", taken: 200, stale: Some(503), unauthorised: 401, incomplete: 200, too_large: 413 },
    Manners { source: "mailgun", taken: 200, stale: Some(401), unauthorised: 401, incomplete: 406, too_large: 406 },
    Manners { source: "postmark", taken: 200, stale: None, unauthorised: 401, incomplete: 403, too_large: 403 },
    Manners { source: "ses", taken: 200, stale: Some(403), unauthorised: 403, incomplete: 200, too_large: 413 },
    Manners { source: "mandrill", taken: 200, stale: None, unauthorised: 401, incomplete: 200, too_large: 413 },
    Manners { source: "cloudmailin", taken: 200, stale: None, unauthorised: 401, incomplete: 200, too_large: 413 },
    Manners { source: "standard-webhooks", taken: 202, stale: Some(401), unauthorised: 401, incomplete: 400, too_large: 413 },
    Manners { source: "cloudevents", taken: 202, stale: Some(401), unauthorised: 401, incomplete: 400, too_large: 413 },
    direct("siliconexpert"),
    direct("generic"),
    direct("email"),
    direct("accuris"),
    direct("z2data"),
    direct("commercial-radar"),
    direct("inbound-email"),
    direct("component-alert"),
    direct("email-forward"),
];

/// A sender that reads problems.
const fn direct(source: &'static str) -> Manners {
    Manners { source, taken: 202, stale: Some(401), unauthorised: 401, incomplete: 400, too_large: 413 }
}

#[test]
fn every_sender_is_answered_as_its_documentation_asks() {
    let site = Site::start();
    let now = signing::now_s();
    let mut taken = 0;
    let mut refused = 0;
    for manners in MANNERS {
        let Manners { source, .. } = manners;
        let good = site.keys.good(source, "PDN-1", now);
        // Unsigned and wrongly signed: refused, with no trace.
        assert_eq!(post(&site.server, &good.clone().unsigned()).0, manners.unauthorised, "{source} unsigned");
        // The key of SNS is a file, and the same for all; what is changed there is in `content`.
        if source != "ses" {
            assert_eq!(post(&site.server, &Keys::new().good(source, "PDN-1", now)).0, manners.unauthorised, "{source} signed by somebody else");
        }
        if let Some(status) = manners.stale {
            let (answered, said) = post(&site.server, &site.keys.good(source, "PDN-1", now - 4 * 24 * 3600));
            assert_eq!(answered, status, "{source} four days ago: {said}");
        }
        assert_eq!(site.events().len(), taken + refused, "{source}: what was refused left a trace");

        let (status, said) = post(&site.server, &good);
        assert_eq!((status, &said["duplicate"]), (manners.taken, &Value::Bool(false)), "{source}: {said}");
        taken += 1;
        // The same again, as after a lost answer: known, and nothing new.
        let (status, again) = post(&site.server, &good);
        assert_eq!((status, &again["duplicate"], &again["event_id"]), (manners.taken, &Value::Bool(true), &said["event_id"]), "{source}: {again}");
        // Signed anew, as a retry may be.
        let (status, again) = post(&site.server, &site.keys.good(source, "PDN-1", now + 1));
        assert_eq!((status, &again["duplicate"]), (manners.taken, &Value::Bool(true)), "{source} signed anew: {again}");

        // Rightly signed and incomplete: the answer that ends it, and the delivery in quarantine.
        let (status, said) = post(&site.server, &site.keys.incomplete(source, now));
        assert_eq!(status, manners.incomplete, "{source}: {said}");
        refused += 1;
        assert_eq!(site.events().len(), taken + refused, "{source}");
        let held = site.quarantine();
        assert_eq!((held.len(), held[0]["source"].as_str()), (refused, Some(source)), "{held:?}");

        assert_eq!(request::too_large(&site.server, source), manners.too_large, "{source}");
    }
    assert_eq!(taken, MANNERS.len());
}

#[test]
fn a_retry_after_our_503_is_taken_once() {
    let disk = tempfile::tempdir().expect("folder");
    let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=640m", "tmpfs"]).arg(disk.path()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: a tmpfs cannot be mounted here");
        return;
    }
    let keys = configure(disk.path(), "");
    let server = Server::start(disk.path());
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![1; 140 << 20]).expect("ballast");
    let now = signing::now_s();
    // Free space is looked at once a second.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while post(&server, &keys.good("generic", "PDN-0", now)).0 != 503 {
        assert!(std::time::Instant::now() < until, "the disk is full and deliveries are taken");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let requests: Vec<(u16, Request)> = MANNERS.iter().map(|manners| (manners.taken, keys.good(manners.source, "PDN-1", now))).collect();
    for (_, request) in &requests {
        let (status, headers, said) = answers(&server, request);
        assert_eq!(status, 503, "{}: {said}", request.source);
        assert!(headers.get("retry-after").is_some(), "{}", request.source);
    }
    std::fs::remove_file(&ballast).expect("ballast");
    while post(&server, &keys.good("generic", "PDN-9", now)).0 == 503 {
        assert!(std::time::Instant::now() < until, "there is room and deliveries are not taken");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    for (taken, request) in &requests {
        let (status, said) = post(&server, request);
        assert_eq!((status, &said["duplicate"]), (*taken, &Value::Bool(false)), "{}: {said}", request.source);
    }
    drop(server);
    let _ = std::process::Command::new("umount").arg("--lazy").arg(disk.path()).status();
}
