//! What an acknowledgement costs, measured on the machine it runs on; `packaging/bench.sh ingest` runs it. Servers are processes of their own (this program again),
//! so that their memory, their writes to disk and their start can be told apart from the senders'.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot be made must fail at once, and prints what it found"
)]

mod arrivals;
mod jobs;
mod server;

use std::{
    io::Write,
    path::PathBuf,
    time::{Duration, Instant},
};

/// What to measure, from the command line.
struct Plan {
    seconds: Duration,
    jobs: Vec<u64>,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--serve", dir] => server::serve(&PathBuf::from(dir)),
        ["--answer"] => server::answer(),
        ["--hold", dir, jobs] => jobs::hold(&PathBuf::from(dir), jobs.parse().expect("a number")),
        ["--open", dir] => jobs::open(&PathBuf::from(dir)),
        _ => measure(&plan(&words)),
    }
}

fn plan(words: &[&str]) -> Plan {
    let mut plan = Plan { seconds: Duration::from_secs(5), jobs: vec![1_000, 100_000, 1_000_000] };
    for word in words {
        match word.split_once('=') {
            Some(("--seconds", seconds)) => plan.seconds = Duration::from_secs(seconds.parse().expect("--seconds=N")),
            Some(("--jobs", jobs)) => plan.jobs = jobs.split(',').map(|jobs| jobs.parse().expect("--jobs=N,N")).collect(),
            _ => panic!("'{word}' is not understood: --seconds=5 --jobs=1000,100000,1000000"),
        }
    }
    plan
}

fn measure(plan: &Plan) {
    let built = if cfg!(debug_assertions) { "with debug assertions, as the development profile has them" } else { "as a release" };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("built {built}; {cores} cores; data in {}", std::env::temp_dir().display());
    let sync = raw_sync();
    arrivals::measure(plan.seconds, sync);
    jobs::measure(&plan.jobs);
}

/// Median of the disk's own: 4 KiB appended, `fdatasync`.
fn raw_sync() -> Duration {
    let mut file = tempfile::NamedTempFile::new().expect("file");
    let mut times = Vec::new();
    for _ in 0..500 {
        file.write_all(&[7; 4096]).expect("write");
        let start = Instant::now();
        file.as_file().sync_data().expect("fdatasync");
        times.push(start.elapsed());
    }
    println!("raw fdatasync after 4 KiB: median {}, p99 {}", ms(quantile(&mut times, 0.5)), ms(quantile(&mut times, 0.99)));
    quantile(&mut times, 0.5)
}

fn quantile(times: &mut [Duration], q: f64) -> Duration {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * q).round() as usize]
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
