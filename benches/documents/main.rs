//! What reading a document costs, measured on the machine it runs on; `packaging/bench.sh documents` runs it. Each kind of document is measured by a process of its
//! own (this program again), so that the memory of its children can be told apart.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot be made must fail at once, and prints what it found"
)]

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use lastbuy::{
    child::Program,
    document::{self, Extractor, Input},
};

/// Kinds, and the fixtures of each.
const KINDS: [(&str, &[&str]); 4] = [
    ("PDF", &["three-hundred.pdf", "three-hundred-bare.pdf", "two-column-prose.pdf", "merged-header.pdf", "three-pages.pdf", "wide.pdf"]),
    ("HTML", &["layout.html", "chinese.html", "nested-tables.html", "table-spans.html", "label-value.html"]),
    ("MSG", &["large-body.msg", "attachments.msg", "embedded.msg", "html.msg", "rtf-html.msg"]),
    ("XLSX", &["three-hundred.xlsx", "parts.xlsx", "merged.xlsx", "label-over-value.xlsx"]),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [role] if *role == document::CHILD_ROLE => return document::child_main(),
        ["--kind", kind, seconds] => of_kind(kind, Duration::from_secs(seconds.parse().expect("seconds"))),
        [] => measure(5),
        [seconds] => measure(seconds.strip_prefix("--seconds=").and_then(|seconds| seconds.parse().ok()).expect("--seconds=N")),
        _ => panic!("{words:?} is not understood: --seconds=5"),
    }
    ExitCode::SUCCESS
}

fn this() -> PathBuf {
    std::env::current_exe().expect("this program")
}

fn measure(seconds: u64) {
    let built = if cfg!(debug_assertions) { "with debug assertions, as the development profile has them" } else { "as a release" };
    println!("built {built}; {} cores", std::thread::available_parallelism().map_or(0, usize::from));
    start_up();
    for (kind, _) in KINDS {
        let status = Command::new(this()).args(["--kind", kind, &seconds.to_string()]).status().expect("this program again");
        assert!(status.success(), "{kind}");
    }
}

fn read(extractor: &Extractor, name: &str, bytes: &[u8]) -> usize {
    let input = Input { source: "file", content_type: "application/octet-stream", file_name: Some(name), bytes };
    extractor.extract(&input).expect(name).pages.len()
}

/// What the child's start adds to a document: a letter read by a new child, and by one that is there.
fn start_up() {
    let letter = b"Acme ends AX100-3 on 31 March 2027.\n";
    let (mut new, mut there) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        let extractor = Extractor::new(Program::at(this()));
        for times in [&mut new, &mut there] {
            let begun = Instant::now();
            read(&extractor, "letter.txt", letter);
            times.push(begun.elapsed());
        }
    }
    // What was no plain text costs its child; the next one is started at once and is there when, a little later, the next document comes.
    let extractor = Extractor::new(Program::at(this()));
    let after = (0..50).map(|_| {
        read(&extractor, "page.html", b"<html><body><p>Acme ends AX100-3.</p></body></html>");
        std::thread::sleep(Duration::from_millis(20));
        let begun = Instant::now();
        read(&extractor, "letter.txt", letter);
        begun.elapsed()
    });
    let after = median(after.collect());
    let (new, there) = (median(new), median(there));
    println!("a letter 20 ms after a page whose child was ended: {}", ms(after));
    println!("a letter: by a new child {}, by one that is there {}: its start costs {}", ms(new), ms(there), ms(new.saturating_sub(there)));
}

fn of_kind(kind: &str, seconds: Duration) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents");
    let (_, names) = KINDS.iter().find(|(known, _)| *known == kind).expect("a kind");
    let files: Vec<(&str, PathBuf, Vec<u8>)> =
        names.iter().map(|name| (*name, folder.join(name), std::fs::read(folder.join(name)).expect(name))).collect();
    let extractor = Extractor::new(Program::at(this()));
    let (documents, pages, took) = repeat(seconds, || files.iter().map(|(name, _, bytes)| read(&extractor, name, bytes)).sum(), files.len());
    drop(extractor);
    let per_second = pages as f64 / took.as_secs_f64();
    println!(
        "{kind}: {per_second:.0} pages/s, {:.0} documents/s, {:.2} ms a document; peak memory of a child {:.1} MiB",
        documents as f64 / took.as_secs_f64(),
        took.as_secs_f64() * 1e3 / documents as f64,
        children_peak_kib() as f64 / 1024.0
    );
    if kind != "PDF" {
        return;
    }
    if Command::new("pdftotext").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        println!("     pdftotext is not installed (poppler-utils): no comparison");
        return;
    }
    let theirs = repeat(
        seconds,
        || {
            for (name, path, _) in &files {
                let status = Command::new("pdftotext").arg("-layout").arg(path).arg("-").stdout(Stdio::null()).status().expect("pdftotext");
                assert!(status.success(), "{name}");
            }
            pages / (documents / files.len())
        },
        files.len(),
    );
    let theirs = theirs.1 as f64 / theirs.2.as_secs_f64();
    println!("     pdftotext -layout on the same files: {theirs:.0} pages/s; ours / theirs = {:.2}", per_second / theirs);
}

/// Goes through all files until the time is over; documents, pages and time.
fn repeat(seconds: Duration, mut all: impl FnMut() -> usize, files: usize) -> (usize, usize, Duration) {
    let begun = Instant::now();
    let (mut documents, mut pages) = (0, 0);
    while documents == 0 || begun.elapsed() < seconds {
        pages += all();
        documents += files;
    }
    (documents, pages, begun.elapsed())
}

/// Highest resident memory of any child that has ended.
fn children_peak_kib() -> i64 {
    // SAFETY: zeroed is a valid rusage, and getrusage only writes to it.
    #[allow(unsafe_code, reason = "getrusage has no safe form in std")]
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    usage.ru_maxrss
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
