//! What a job costs from claim to finish with few and many of them in the store; memory, and the start after SIGKILL.

use std::{
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use lastbuy::{
    clock,
    domain::{
        event::{Arrival, Digest},
        job::JobState,
        time::At,
    },
    store::{Effects, Outcome, Store, WriteError},
};

use crate::{ms, quantile, server::Process};

/// Jobs worked through for one figure.
const WORKED: usize = 200;
/// How long a filled store is left alone.
const REST: Duration = Duration::from_secs(5);
/// Senders that fill a store; they share groups.
const SENDERS: usize = 256;

pub fn measure(sizes: &[u64]) {
    println!("\njobs in the store: claim to done for one, five steps, median and p99; resident; start after SIGKILL; database and log on disk");
    for size in sizes {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().to_str().expect("path");
        let mut holding = Process::start(&["--hold", path, &size.to_string()]);
        let worked = holding.line();
        let resident = holding.resident() >> 20;
        drop(holding);
        let mut opening = Process::start(&["--open", path]);
        let opened = opening.line();
        let again = opening.resident() >> 20;
        println!(
            "{size:>8}: {worked}; {resident} MiB, {again} MiB after the start; {opened}; {} and {} MiB",
            size_of(dir.path(), "db") >> 20,
            size_of(dir.path(), "log") >> 20
        );
    }
}

fn size_of(dir: &Path, part: &str) -> u64 {
    let entries = std::fs::read_dir(dir.join(part)).expect("folder");
    entries.map(|entry| entry.expect("entry").metadata().expect("metadata").len()).sum()
}

fn now() -> At {
    At(clock::now_ms())
}

/// Fills a store, works through some of it, says what that cost, and waits to be killed.
pub fn hold(dir: &Path, jobs: u64) {
    let store = Store::open(dir).expect("open");
    let next = AtomicU64::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..SENDERS.min(jobs as usize) {
            scope.spawn(|| fill(&store, &next, jobs));
        }
    });
    let filled = jobs as f64 / start.elapsed().as_secs_f64();
    // What was filled in goes to the database a little later; the figure is for a store at rest.
    std::thread::sleep(REST);
    let mut times: Vec<Duration> = (0..WORKED).map(|_| work(&store)).collect();
    println!("{}, {} (filled at {filled:.0} a second)", ms(quantile(&mut times, 0.5)), ms(quantile(&mut times, 0.99)));
    std::io::stdout().flush().expect("stdout");
    loop {
        std::thread::park();
    }
}

fn fill(store: &Arc<Store>, next: &AtomicU64, jobs: u64) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= jobs {
            return;
        }
        let body = format!("{{\"notice\": {number}}}").into_bytes();
        let arrival = Arrival {
            source: "generic".parse().expect("source"),
            content_type: "application/json".to_owned(),
            file_name: None,
            dedupe_key: Digest::of(&body),
            headers: Vec::new(),
            body: body.into(),
            ignored: None,
        };
        while let Err(error) = store.accept(arrival.clone(), now()) {
            assert!(matches!(error, WriteError::Busy(_)), "{error}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// One job, from claim to done.
fn work(store: &Store) -> Duration {
    let start = Instant::now();
    let mut lease = store.claim("bench", now()).expect("claim").expect("a job");
    loop {
        let effects = Effects { result: Some(format!("{{\"of\": \"{}\"}}", lease.job.id).into_bytes()), ..Effects::default() };
        let job = store.finish(&lease, Outcome::Advance, effects, now()).expect("finish").job.expect("job");
        if job.state == JobState::Done {
            return start.elapsed();
        }
        lease.job = job;
    }
}

pub fn open(dir: &Path) {
    let start = Instant::now();
    let store = Store::open(dir).expect("open");
    let opened = start.elapsed();
    let event = store.events(None, 1).expect("events").len();
    assert_eq!(event, 1);
    println!("{}", ms(opened));
    std::io::stdout().flush().expect("stdout");
    loop {
        std::thread::park();
    }
}
