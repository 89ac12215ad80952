//! A process made to be killed: this test program, run again, with senders and workers on one store. It prints what was acknowledged once it was, line by line.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use jiff::civil::date;
use lastbuy::{
    clock,
    domain::{
        case::{Case, CasePart, CaseState, Headline, NamedReplacement},
        event::{Arrival, Digest},
        id::{CaseId, DatasetId},
        job::{JobState, Step},
        notice::NoticeKind,
        time::At,
    },
    store::{CaseWrite, Effects, Lease, NewAssessment, Outcome, Store, WriteError},
};

use crate::history::History;

/// A child has a copy of every lock this process holds between its fork and its exec, so nobody has a store open in this process while another is started.
pub static FORKING: RwLock<()> = RwLock::new(());

/// Who sends, each to a source of its own, and waits for each answer.
pub const SENDERS: usize = 4;
/// How the victim ends when its store is poisoned.
pub const POISONED: i32 = 3;

/// The bytes of one delivery: its own, incompressible, small and large.
pub fn body(sender: usize, number: u64) -> Vec<u8> {
    let length = match number % 13 {
        7 => (1 << 20) + 100,
        3 | 9 => 64 << 10,
        _ => 2 << 10,
    };
    let mut dice = crate::Dice(number * 64 + sender as u64);
    let mut bytes = format!("sender {sender} number {number} ").into_bytes();
    while bytes.len() < length {
        bytes.extend(dice.roll().to_le_bytes());
    }
    bytes
}

pub fn arrival(sender: usize, number: u64) -> Arrival {
    Arrival {
        source: format!("s{sender}").parse().expect("source"),
        content_type: "application/octet-stream".to_owned(),
        file_name: None,
        dedupe_key: Digest::of(format!("{sender} {number}").as_bytes()),
        headers: vec![("x-number".to_owned(), number.to_string())],
        body: body(sender, number).into(),
        ignored: None,
    }
}

/// A case with many parts.
pub fn case(key: &str, parts: usize) -> Case {
    let part = |number| CasePart {
        mpn: format!("PART-{number:05}"),
        replacement: NamedReplacement::Unsaid,
        last_time_buy: Some(date(2027, 3, 31)),
        last_time_ship: None,
    };
    Case {
        id: CaseId(0),
        keys: vec![key.to_owned()],
        kind: NoticeKind::Pdn,
        maker: Some("Acme".to_owned()),
        notice_id: None,
        issue_date: None,
        last_time_buy: None,
        last_time_ship: None,
        parts: (0..parts).map(part).collect(),
        events: Vec::new(),
        made_by: None,
        state: CaseState::Open,
        opened_at: At(0),
        changed_at: At(0),
        latest: None,
        headline: None,
    }
}

/// What one step brings: a case at the case step, an assessment at the impact step, a result at every one.
pub fn effects(lease: &Lease) -> Effects {
    let job = lease.job.id;
    let mut effects =
        Effects { result: Some(format!("{{\"job\": \"{job}\", \"step\": \"{}\"}}", lease.job.step.as_str()).into_bytes()), ..Effects::default() };
    match lease.job.step {
        Step::Case => effects.cases.push(CaseWrite::New(case(&case_key(job.0), 60))),
        Step::Impact => effects.assessments.push(NewAssessment {
            case: lease.job.cases[0],
            dataset: DatasetId(1),
            as_of: date(2026, 11, 23),
            headline: Headline {
                margin_at_risk: None,
                runs_out: None,
                best_answer: None,
                best_cost: None,
                known_parts: 0,
                unknown_parts: 1,
                needs: Vec::new(),
            },
            body: format!("{{\"assessment of\": \"{job}\"}}").into_bytes(),
        }),
        _ => {}
    }
    effects
}

pub fn case_key(job: u64) -> String {
    format!("case of job {job}")
}

fn now() -> At {
    At(clock::now_ms())
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever listened may be gone; then nobody counts on it.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Does nothing unless it is started as a victim.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os("LASTBUY_VICTIM") else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let from: Vec<u64> = std::env::var("LASTBUY_VICTIM_FROM").expect("where to begin").split(',').map(|text| text.parse().expect("number")).collect();
    let workers = number("LASTBUY_VICTIM_WORKERS").expect("workers");
    let events = number("LASTBUY_VICTIM_EVENTS").unwrap_or(u64::MAX);
    // Ends the line that the test program began.
    say("");
    let store = match Store::open(Path::new(&dir)) {
        Ok(store) => store,
        Err(error) => {
            say(&format!("shut {error}"));
            std::process::exit(POISONED);
        }
    };
    say("open");
    let sending = Arc::new(AtomicU64::new(from.len() as u64));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (sender, from) in from.into_iter().enumerate() {
            let (store, sending) = (Arc::clone(&store), Arc::clone(&sending));
            scope.spawn(move || {
                for number in from..from.saturating_add(events) {
                    send(&store, sender, number);
                }
                sending.fetch_sub(1, Ordering::SeqCst);
            });
        }
        for worker in 0..workers {
            let (store, sending, over) = (Arc::clone(&store), Arc::clone(&sending), &over);
            scope.spawn(move || {
                let name = format!("worker-{worker}");
                while !over.load(Ordering::SeqCst) {
                    match answered(store.claim(&name, now())) {
                        Some(lease) => work(&store, lease),
                        None if sending.load(Ordering::SeqCst) == 0 => over.store(true, Ordering::SeqCst),
                        None => std::thread::sleep(Duration::from_millis(1)),
                    }
                }
            });
        }
    });
    say("all");
}

fn send(store: &Store, sender: usize, number: u64) {
    loop {
        match store.accept(arrival(sender, number), now()) {
            // Too many at once, or no space: a sender comes again.
            Err(WriteError::Busy(_)) => std::thread::sleep(Duration::from_millis(5)),
            answer => {
                let taken = answered(answer);
                say(&format!("took {sender} {number} {} {}", taken.event.0, taken.job.expect("job").0));
                return;
            }
        }
    }
}

fn work(store: &Store, mut lease: Lease) {
    let job = lease.job.id.0;
    say(&format!("claimed {job} {} {}", lease.epoch, lease.job.source));
    // Some jobs fail once, so that retries are among what is interrupted.
    if job % 11 == 5 && lease.job.errors.is_empty() {
        answered(store.finish(&lease, Outcome::Failed { error: "made to fail".to_owned() }, Effects::default(), now()));
        return;
    }
    loop {
        let step = lease.job.step;
        let written = answered(store.finish(&lease, Outcome::Advance, effects(&lease), now())).job.expect("job");
        say(&format!("step {job} {}", step.as_str()));
        if written.state == JobState::Done {
            say(&format!("done {job}"));
            return;
        }
        lease.job = written;
    }
}

/// What the store said, or the end of the process when it says that it must end.
fn answered<T>(answer: Result<T, WriteError>) -> T {
    match answer {
        Ok(value) => value,
        Err(WriteError::Poisoned(why)) => {
            say(&format!("poisoned {why}"));
            // Time for the others to be acknowledged what must not be any more.
            std::thread::sleep(Duration::from_millis(100));
            std::process::exit(POISONED);
        }
        Err(error) => panic!("the store refused a victim: {error}"),
    }
}

/// How a victim is started.
pub struct Plan<'a> {
    pub dir: &'a Path,
    pub workers: usize,
    /// Deliveries of each sender; `None` is without end.
    pub events: Option<u64>,
    pub failpoint: Option<String>,
    /// A program that runs it, with its arguments: strace.
    pub under: Vec<String>,
}

impl<'a> Plan<'a> {
    pub fn new(dir: &'a Path) -> Plan<'a> {
        Plan { dir, workers: 1, events: None, failpoint: None, under: Vec::new() }
    }

    pub fn start(&self, history: &History) -> Victim {
        let this = std::env::current_exe().expect("this test");
        let mut words: Vec<PathBuf> = self.under.iter().map(PathBuf::from).collect();
        words.push(this);
        let mut command = Command::new(words.remove(0));
        command.args(words).args(["victim::victim", "--exact", "--nocapture", "--test-threads=1"]);
        command.env("LASTBUY_VICTIM", self.dir).env("LASTBUY_VICTIM_FROM", history.next_numbers().map(|number| number.to_string()).join(","));
        command.env("LASTBUY_VICTIM_WORKERS", self.workers.to_string()).env_remove("LASTBUY_FAILPOINT");
        if let Some(events) = self.events {
            command.env("LASTBUY_VICTIM_EVENTS", events.to_string());
        }
        if let Some(failpoint) = &self.failpoint {
            command.env("LASTBUY_FAILPOINT", failpoint);
        }
        let forking = FORKING.write().unwrap_or_else(PoisonError::into_inner);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("victim");
        drop(forking);
        let stdout = child.stdout.take().expect("stdout");
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                // A line cut short by the kill has no end and says nothing.
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Victim { child, lines }
    }
}

pub struct Victim {
    child: Child,
    lines: Receiver<String>,
}

impl Victim {
    /// Lets it run for a time, or until it ends, and gives its lines to the history.
    pub fn run_for(&mut self, time: Duration, history: &mut History) -> Result<(), String> {
        let until = Instant::now() + time;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => history.hear(&line)?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
    }

    /// Waits for the end, hearing what it said until then; it is killed if it takes longer than a minute.
    pub fn end(mut self, history: &mut History) -> Result<ExitStatus, String> {
        self.run_for(Duration::from_secs(60), history)?;
        let late = self.child.try_wait().expect("wait").is_none();
        std::thread::sleep(Duration::from_millis(if late { 50 } else { 0 }));
        if self.child.try_wait().expect("wait").is_none() {
            self.kill();
        }
        Ok(self.child.wait().expect("wait"))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
    }
}
