//! What pages and lists cost with many cases in the store: each asked over HTTP from the real server, the first time and again. `packaging/bench.sh pages` runs it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot be made must fail at once, and prints what it found"
)]

mod fill;

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// What a page may take on the server.
const GOAL: Duration = Duration::from_millis(200);
/// How often each is asked after the first time.
const AGAIN: usize = 20;

fn main() {
    let mut cases = 10_000;
    for word in std::env::args().skip(1).filter(|word| word != "--bench") {
        match word.split_once('=') {
            Some(("--cases", number)) => cases = number.parse().expect("--cases=N"),
            _ => panic!("'{word}' is not understood: --cases=10000"),
        }
    }
    let dir = tempfile::tempdir().expect("folder");
    let built = if cfg!(debug_assertions) { "the development profile" } else { "a release" };
    let start = Instant::now();
    lastbuy(dir.path(), &["data", "import", "assets/factory"]);
    lastbuy(dir.path(), &["ingest", "--wait", "--source", "siliconexpert", "assets/notices/radar.siliconexpert.json"]);
    fill::cases(dir.path(), cases);
    println!("{cases} cases, events and statements in {:.1} s; built as {built}; data in {}", start.elapsed().as_secs_f64(), dir.path().display());
    let start = Instant::now();
    let server = Server::start(dir.path());
    println!("served after {}", ms(start.elapsed()));
    println!("{:<44} {:>10} {:>10} {:>10} {:>9}", "", "first", "median", "slowest", "kB");
    let last = format!("/cases/C-{cases}");
    let mut over = Vec::new();
    for path in [
        "/",
        "/cases",
        "/cases?state=all&q=AX9&order=risk&page=3",
        "/cases/C-1",
        &last,
        "/review",
        "/events",
        "/parts",
        "/datasets",
        "/settings",
        "/v1/cases",
        "/v1/cases?state=closed",
        "/v1/cases?maker=nobody",
        "/v1/cases/C-1",
        "/v1/jobs?state=review",
        "/v1/calendar.ics",
        "/api/v1/dashboard/risk-metrics",
        "/metrics",
    ] {
        let (first, bytes) = server.get(path);
        let mut times: Vec<Duration> = (0..AGAIN).map(|_| server.get(path).0).collect();
        times.sort_unstable();
        let (median, slowest) = (times[AGAIN / 2], times[AGAIN - 1]);
        let mark = if first.max(slowest) > GOAL { "  over the goal" } else { "" };
        over.extend((!mark.is_empty()).then_some(path));
        println!("{path:<44} {:>10} {:>10} {:>10} {:>9}{mark}", ms(first), ms(median), ms(slowest), bytes.div_ceil(1000));
    }
    println!("goal: {}; over it: {}", ms(GOAL), if over.is_empty() { "none".to_owned() } else { over.join(", ") });
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastbuy"));
    command.arg("--data-dir").arg(dir).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn lastbuy(dir: &Path, words: &[&str]) {
    let output = command(dir).args(words).output().expect("the program starts");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

struct Server {
    child: Child,
    url: String,
    agent: ureq::Agent,
}

impl Server {
    fn start(dir: &Path) -> Server {
        // Without a user, whoever reaches a loopback address may read.
        let mut child = command(dir).args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("server");
        let mut said = BufReader::new(child.stderr.take().expect("stderr"));
        let url = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).expect("stderr") > 0, "the server ended before it served");
            if let Some((_, rest)) = line.split_once("serving on ") {
                break rest.split_whitespace().next().expect("an address").trim_end_matches('/').to_owned();
            }
        };
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).build().into();
        Server { child, url, agent }
    }

    fn get(&self, path: &str) -> (Duration, usize) {
        let start = Instant::now();
        let mut answer =
            self.agent.get(format!("{}{path}", self.url)).header("accept", "text/html").call().unwrap_or_else(|error| panic!("{path}: {error}"));
        let bytes = answer.body_mut().with_config().limit(64 << 20).read_to_vec().expect("body").len();
        (start.elapsed(), bytes)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
