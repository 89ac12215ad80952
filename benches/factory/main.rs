//! `packaging/bench.sh factory`: import, cold open and where-used on a factory of a million BOM lines, the last beside SQLite with a recursive query on the same
//! lines in the same run.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a measurement that cannot be set up must fail at once, and prints what it found")]

mod plant;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use jiff::civil::date;
use lastbuy::factory::{Factory, built_in_aliases, import, read_dataset, write_dataset};

/// Parts asked together: a long notice.
const PARTS: usize = 300;
/// Times each question is asked; median and best are told, which lie apart where the machine has other work.
const TIMES: usize = 25;

fn main() {
    let lines =
        std::env::args().find_map(|arg| arg.strip_prefix("--lines=").map(str::to_owned)).map_or(1_000_000, |lines| lines.parse().expect("--lines=N"));
    let dir = tempfile::tempdir().expect("folder");
    let plant = plant::write(dir.path(), lines);
    println!("{} products, {} items, {} BOM lines", plant.products, plant.items, plant.lines);

    forget_peak();
    let before = memory_mib("VmRSS:");
    let (started, began, mut ended) = (Instant::now(), on_cpu(), 0);
    let (data, report) = import(&[dir.path().to_owned()], &mut |done, _| ended = done).expect("import");
    let took = started.elapsed();
    assert_eq!((report.refused, data.bom.len()), (0, plant.lines), "{:?}", report.problems.first());
    let rows: u64 = report.files.iter().map(|(_, read, _)| read).sum();
    println!(
        "import: {rows} rows ({} MiB) in {:.2} s (CPU {:.2} s), {:.0} rows/s; peak memory {:.0} MiB ({before:.0} before)",
        ended >> 20,
        took.as_secs_f64(),
        (on_cpu() - began).as_secs_f64(),
        rows as f64 / took.as_secs_f64(),
        memory_mib("VmHWM:")
    );

    let file = dir.path().join("plant.dataset");
    let started = Instant::now();
    let checksum = write_dataset(&data, &file).expect("written");
    println!("dataset file: {} MiB, written and synced in {:.2} s", fs::metadata(&file).expect("file").len() >> 20, started.elapsed().as_secs_f64());
    drop(data);
    forget_pages(&file);
    let (started, began) = (Instant::now(), on_cpu());
    let factory = Factory::new(read_dataset(&file, checksum).expect("read"), built_in_aliases());
    let (took, cpu) = (started.elapsed(), on_cpu() - began);
    println!("opened cold (pages dropped, checksum verified, indexes made): {:.3} s (CPU {:.3} s)   goal 1 s", took.as_secs_f64(), cpu.as_secs_f64());

    let on = date(2027, 1, 15);
    let item = |number: &str| factory.item(number).expect("item");
    let ask = |numbers: &[String]| {
        let started = Instant::now();
        let reached: f64 = numbers.iter().flat_map(|number| factory.pieces_per_product(item(number), on)).map(|(_, pieces)| pieces).sum();
        (started.elapsed(), reached)
    };
    let shown = |number: &String| {
        let started = Instant::now();
        let used = factory.where_used(item(number), on);
        (started.elapsed(), used.paths_in_all as f64)
    };
    let sample = plant.sample(PARTS);
    let (one, worst, many) = (vec![plant.part(plant.parts / 2)], vec![plant.part(0)], sample);
    let (listed, ways) = timed(|| shown(&worst[0]));
    println!("where-used of the most used part with its paths: {listed} ({ways} paths counted)   goal 5 ms");
    let sqlite = Sqlite::ask(dir.path(), &[&one, &worst, &many]);
    let questions = [("one part", "5 ms", &one), ("the most used part", "5 ms", &worst), ("300 parts", "200 ms", &many)];
    for (at, (name, goal, numbers)) in questions.into_iter().enumerate() {
        let (ours, reached) = timed(|| ask(numbers));
        match sqlite.as_ref().and_then(|answers| answers.get(at)) {
            Some((theirs, same)) => {
                assert!((reached - same).abs() <= 1e-6 * reached, "{name}: {reached} here, {same} there");
                let times = theirs.as_secs_f64() / ours.median.as_secs_f64();
                println!("where-used of {name}: {ours}   goal {goal}; SQLite {}: {times:.0} times   goal 50", millis(*theirs));
            }
            None => println!("where-used of {name}: {ours}   goal {goal}; SQLite SKIPPED: python3 with sqlite3 is not here"),
        }
    }
}

struct Timed {
    median: Duration,
    best: Duration,
    /// Of one answer on the processor, which other work on the machine does not lengthen so much.
    cpu: Duration,
}

impl std::fmt::Display for Timed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (best {}, CPU {})", millis(self.median), millis(self.best), millis(self.cpu))
    }
}

fn millis(took: Duration) -> String {
    format!("{:.3} ms", took.as_secs_f64() * 1e3)
}

/// Of `TIMES` answers, after one that warms.
fn timed(ask: impl Fn() -> (Duration, f64)) -> (Timed, f64) {
    let (_, answer) = ask();
    let before = on_cpu();
    let mut times: Vec<Duration> = (0..TIMES).map(|_| ask().0).collect();
    let cpu = (on_cpu() - before) / TIMES as u32;
    times.sort_unstable();
    (Timed { median: times[TIMES / 2], best: times[0], cpu }, answer)
}

/// Time and sum of pieces, for each question.
struct Sqlite;

impl Sqlite {
    /// The same questions by a recursive query, over integer keys, a covering index and a factor computed beforehand: as fast as SQLite can be asked.
    fn ask(dir: &Path, questions: &[&Vec<String>]) -> Option<Vec<(Duration, f64)>> {
        let texts: Vec<String> = questions.iter().map(|numbers| numbers.join(",")).collect();
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/factory/sqlite.py");
        let output = Command::new("python3").arg(script).arg(dir).args(texts).output().ok().filter(|output| output.status.success())?;
        let text = String::from_utf8(output.stdout).ok()?;
        text.lines()
            .map(|line| line.split_once(' ').and_then(|(seconds, sum)| Some((Duration::from_secs_f64(seconds.parse().ok()?), sum.parse().ok()?))))
            .collect()
    }
}

/// Time of this thread on the processor.
fn on_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("schedstat");
    Duration::from_nanos(stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("nanoseconds"))
}

fn memory_mib(key: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with(key)).expect("memory");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).expect("KiB") / 1024.0
}

fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("peak");
}

fn forget_pages(path: &Path) {
    let file = File::open(path).expect("file");
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("dropped");
}
