//! What reading a notice costs, and how right it is, beside the usual way: the same model writes the whole answer as JSON, held by a grammar, nothing kept between
//! documents. `packaging/bench.sh read` runs it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot be made must fail at once, and prints what it found"
)]

mod acknowledge;
mod generate;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use lastbuy::{
    child::Program,
    document::{self, Extractor, Input},
    domain::{document::Document, maker::MakerAliases},
    llm::{self, Engine},
    reading::{Reader, SiteKnowledge, flat, measure},
};
use serde_json::Value;

/// Text of a notice that generation can hold in its context beside what it writes.
const TEXT_BYTES_MAX: usize = 6000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.first().map(String::as_str) {
        Some(document::CHILD_ROLE) => return document::child_main(),
        Some(llm::CHILD_ROLE) => return llm::child_main(),
        Some(count) => compare(count.strip_prefix("--documents=").and_then(|count| count.parse().ok()).expect("--documents=N")),
        None => compare(12),
    }
    ExitCode::SUCCESS
}

struct Case {
    document: Document,
    label: Value,
}

fn compare(count: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = root.join("models").join(llm::DEFAULT_MODEL_FILE);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let built = if cfg!(debug_assertions) { "with debug assertions, as the development profile has them" } else { "as a release" };
    println!("built {built}; {threads} threads; {count} documents of tests/data/reading/dev, spread over its families");
    let cases = cases(&root.join("tests/data/reading/dev"), count);

    let begin = Instant::now();
    let engine = Engine::start(Program::this(), &model, threads).expect("the default model");
    let reader = Reader::new(Some(Arc::new(engine)), MakerAliases::default());
    let mut read = Figures::default();
    for (number, case) in cases.iter().enumerate() {
        let started = Instant::now();
        let reading = reader.read("file", &case.document, &SiteKnowledge::default()).expect("read");
        read.add(started.elapsed().as_secs_f64(), reading.provenance.tokens as usize, &case.label, &flat(&reading));
        if number == 0 {
            println!("cold start to the first answer: {:.2} s", begin.elapsed().as_secs_f64());
        }
    }
    drop(reader);
    read.print("Lastbuy");
    acknowledge::compare(&model, &cases.iter().map(|case| case.document.text.as_str()).collect::<Vec<_>>());
    let mut generated = Figures::default();
    generate::all(&model, threads, &cases, |case, seconds, tokens, json| generated.add(seconds, tokens, &case.label, json));
    generated.print("generation of the whole JSON under a grammar");
}

/// Every n-th document whose text fits, as it is extracted.
fn cases(dir: &Path, count: usize) -> Vec<Case> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).expect("folder").map(|entry| entry.expect("entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension != "json"));
    paths.sort();
    let extractor = Extractor::new(Program::this());
    let every = (paths.len() / count).max(1);
    let cases = paths.iter().step_by(every).filter_map(|path| {
        let bytes = std::fs::read(path).expect("document");
        let name = path.file_name().expect("name").to_string_lossy();
        let input = Input { source: "file", content_type: "application/octet-stream", file_name: Some(&name), bytes: &bytes };
        let label = serde_json::from_slice(&std::fs::read(path.with_extension("json")).expect("label")).expect("JSON");
        Some(Case { document: extractor.extract(&input).ok()?, label })
    });
    cases.filter(|case| case.document.text.len() <= TEXT_BYTES_MAX).take(count).collect()
}

#[derive(Default)]
struct Figures {
    seconds: Vec<f64>,
    tokens: usize,
    right: usize,
    labelled: usize,
    read: usize,
}

impl Figures {
    fn add(&mut self, seconds: f64, tokens: usize, label: &Value, read: &Value) {
        self.seconds.push(seconds);
        self.tokens += tokens;
        for field in measure::FIELDS {
            let compared = measure::compare(field, label, read, &MakerAliases::default());
            self.right += compared.both();
            self.labelled += compared.labelled.len();
            self.read += compared.read.len();
        }
    }

    fn print(&mut self, what: &str) {
        self.seconds.sort_by(f64::total_cmp);
        let (count, sum) = (self.seconds.len().max(1), self.seconds.iter().sum::<f64>());
        println!(
            "{what}: median {:.2} s a notice, {:.1} notices a minute, {} tokens evaluated a notice; F1 of all values {:.3}",
            self.seconds.get(count / 2).copied().unwrap_or(0.0),
            count as f64 * 60.0 / sum,
            self.tokens / count,
            2.0 * self.right as f64 / (self.labelled + self.read).max(1) as f64
        );
    }
}
