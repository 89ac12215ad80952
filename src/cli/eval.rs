//! `lastbuy eval`: how right readings are, against labels beside the documents.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{CommandResult, Context, Ended, output};
use crate::{
    app,
    child::Program,
    document::{Extractor, Input},
    domain::{maker::MakerAliases, notice::Reading},
    reading::{
        Reader, SiteKnowledge, flat,
        measure::{self, Claim, FIELDS},
    },
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder with `NAME.json` labels beside `NAME.txt`, `.eml`, `.pdf` or `.html`.
    dir: PathBuf,
    /// Also list what each document was read wrong in.
    #[arg(long)]
    differences: bool,
    #[arg(long)]
    json: bool,
    /// Leave the model's answers out: what is left is the words' evidence alone.
    #[arg(long)]
    model_off: bool,
    /// Instead of reading, print the questions that the documents put, with the answers that the labels make right, as JSON lines for models/train.sh.
    #[arg(long, conflicts_with_all = ["differences", "json", "model_off"])]
    lessons: bool,
}

/// One document after it was read.
struct Scored {
    name: String,
    passed: bool,
    label: Value,
    read: Value,
    doubts: Vec<String>,
    claims: Vec<Claim>,
    seconds: f64,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    let config = context.config()?;
    let pairs = pairs(&args.dir)?;
    if pairs.is_empty() {
        output::note(&format!("{} holds no NAME.json beside a NAME.txt, .eml, .pdf or .html.", args.dir.display()));
        return Ok(Ended::Nothing);
    }
    let (reader, extractor) = (app::reader(&config)?, Extractor::new(Program::this()));
    if args.lessons {
        return print_lessons(&reader, &extractor, &pairs);
    }
    let reader = if args.model_off { reader.leaving_answers_out() } else { reader };
    let bar = ProgressBar::new(pairs.len() as u64).with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} documents  {elapsed}  {msg}")?);
    let mut scored = Vec::new();
    for (document, label) in &pairs {
        bar.set_message(document.display().to_string());
        scored.push(read(&reader, &extractor, document, label)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let aliases = app::aliases(&config)?;
    let all: Vec<&Scored> = scored.iter().collect();
    let rows: Vec<Value> = FIELDS.iter().map(|field| row(field, &all, &aliases)).collect();
    let (languages, layouts) = (by(&scored, "language", &aliases), by(&scored, "layout", &aliases));
    let not_in_text: usize = scored.iter().map(|scored| scored.claims.iter().filter(|claim| !claim.in_text).count()).sum();
    let wrong = |scored: &Scored| measure::differences(&scored.label, &scored.read, &aliases);
    let passed: Vec<&Scored> = scored.iter().filter(|scored| scored.passed).collect();
    let passed_wrong: Vec<&&Scored> = passed.iter().filter(|scored| !wrong(scored).is_empty()).collect();
    let mut seconds: Vec<f64> = scored.iter().map(|scored| scored.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    let documents = |with: &dyn Fn(&Scored) -> bool| scored.iter().filter(|scored| with(scored)).count();
    if args.json {
        let list = scored.iter().map(|scored| {
            let differences: Vec<String> = wrong(scored).into_iter().map(|(_, difference)| difference).collect();
            json!({ "document": scored.name, "passed": scored.passed, "doubts": scored.doubts, "differences": differences, "seconds": scored.seconds })
        });
        output::json(&json!({
            "documents": scored.len(), "right": documents(&|scored| wrong(scored).is_empty()), "passed_unseen": passed.len(),
            "passed_unseen_wrong": passed_wrong.len(), "seconds_median": median, "values_not_in_text": not_in_text, "fields": rows,
            "by_language": languages, "by_layout": layouts, "list": list.collect::<Vec<_>>(),
        }))?;
        return Ok(Ended::Done);
    }
    let cells = |row: &Value| {
        ["/field", "/labelled", "/read", "/right", "/precision", "/recall", "/f1", "/calibration_error"]
            .map(|pointer| output::text(row, pointer))
            .to_vec()
    };
    output::print(&output::table(
        &["field", "labelled", "read", "right", "precision", "recall", "F1", "calibration error"],
        &[1, 2, 3, 4, 5, 6, 7],
        rows.iter().map(cells).collect(),
    ))?;
    for (what, groups) in [("language", &languages), ("layout", &layouts)].into_iter().filter(|(_, groups)| groups.len() > 1) {
        let cells = |group: &Value| ["/of", "/documents", "/right", "/f1"].map(|pointer| output::text(group, pointer)).to_vec();
        output::print(&output::table(
            &[what, "documents", "right in every field", "F1 of all values"],
            &[1, 2, 3],
            groups.iter().map(cells).collect(),
        ))?;
    }
    output::print(&format!(
        "{} documents, {} right in every field; {} pass without a person, {} of them wrong; median {median:.2} s a document; {not_in_text} values that are not in the text",
        scored.len(),
        documents(&|scored| wrong(scored).is_empty()),
        passed.len(),
        passed_wrong.len()
    ))?;
    for scored in scored.iter().filter(|scored| args.differences || scored.passed && !wrong(scored).is_empty()) {
        output::print(&format!("{} ({})", scored.name, if scored.passed { "passed" } else { "waits" }))?;
        for (_, difference) in wrong(scored) {
            output::print(&format!("  {difference}"))?;
        }
        for doubt in scored.doubts.iter().filter(|_| args.differences) {
            output::print(&format!("  doubt: {doubt}"))?;
        }
    }
    Ok(Ended::Done)
}

fn print_lessons(reader: &Reader, extractor: &Extractor, pairs: &[(PathBuf, PathBuf)]) -> CommandResult {
    for (path, label) in pairs {
        let bytes = std::fs::read(path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let input = Input { source: "file", content_type: "application/octet-stream", file_name: Some(&name), bytes: &bytes };
        let document = extractor.extract(&input)?;
        for lesson in reader.lessons(&document, &label_of(label)?)? {
            output::print(&serde_json::to_string(&json!({ "document": name, "lesson": lesson }))?)?;
        }
    }
    Ok(Ended::Done)
}

fn label_of(path: &Path) -> anyhow::Result<Value> {
    serde_json::from_slice(&std::fs::read(path)?).with_context(|| format!("{} is not a label", path.display()))
}

/// Documents with their labels, by name.
fn pairs(dir: &Path) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let mut pairs = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("{} cannot be listed", dir.display()))? {
        let document = entry?.path();
        let is_document =
            document.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| ["txt", "eml", "pdf", "html"].contains(&extension));
        let label = document.with_extension("json");
        if is_document && label.exists() {
            pairs.push((document, label));
        }
    }
    pairs.sort();
    Ok(pairs)
}

fn read(reader: &Reader, extractor: &Extractor, document: &Path, label: &Path) -> anyhow::Result<Scored> {
    let name = document.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let label = label_of(label)?;
    let bytes = std::fs::read(document)?;
    let begin = std::time::Instant::now();
    let input = Input { source: "file", content_type: "application/octet-stream", file_name: Some(&name), bytes: &bytes };
    let read = extractor.extract(&input).map_err(|error| error.to_string()).and_then(|document| {
        let reading = reader.read("file", &document, &SiteKnowledge::default()).map_err(|error| error.to_string())?;
        Ok((measure::claims(&document, &reading), reading))
    });
    let seconds = begin.elapsed().as_secs_f64();
    // What cannot be read at all waits for a person too.
    Ok(match read {
        Ok((claims, reading)) => Scored { name, passed: reading.passes(), label, doubts: doubts(&reading), read: flat(&reading), claims, seconds },
        Err(why) => Scored { name, passed: false, label, doubts: vec![why], read: Value::Null, claims: Vec::new(), seconds },
    })
}

fn doubts(reading: &Reading) -> Vec<String> {
    reading.all_doubts().map(|doubt| format!("{}: {}", doubt.field, doubt.reason)).collect()
}

/// One field over all documents.
fn row(field: &str, scored: &[&Scored], aliases: &MakerAliases) -> Value {
    let (mut labelled, mut read, mut right) = (0, 0, 0);
    let mut sure = Vec::new();
    for scored in scored {
        let compared = measure::compare(field, &scored.label, &scored.read, aliases);
        labelled += compared.labelled.len();
        read += compared.read.len();
        right += compared.both();
        let claims = scored.claims.iter().filter(|claim| claim.field == field);
        sure.extend(claims.map(|claim| (claim.confidence, claim.is_right(&scored.label, aliases))));
    }
    let error = measure::calibration_error(&sure).map(|error| (error * 1000.0).round() / 1000.0);
    let share = |of: usize| if of == 0 { Value::Null } else { json!((right as f64 / of as f64 * 1000.0).round() / 1000.0) };
    let f1 = if labelled + read == 0 { Value::Null } else { json!((2.0 * right as f64 / (labelled + read) as f64 * 1000.0).round() / 1000.0) };
    json!({ "field": field, "labelled": labelled, "read": read, "right": right, "precision": share(read), "recall": share(labelled), "f1": f1, "calibration_error": error, "reliability": reliability(&sure) })
}

/// How often what is said with a confidence is right, as `[{"values": 41, "confidence": 0.97, "right": 1.0}]`.
fn reliability(sure: &[(f64, bool)]) -> Vec<Value> {
    let round = |share: f64| (share * 1000.0).round() / 1000.0;
    measure::reliability(sure)
        .iter()
        .map(|bin| json!({ "values": bin.values, "confidence": round(bin.confidence), "right": round(bin.right) }))
        .collect()
}

/// Documents apart by a key of their labels; documents without it are in none.
fn by(scored: &[Scored], key: &str, aliases: &MakerAliases) -> Vec<Value> {
    let mut groups: BTreeMap<&str, Vec<&Scored>> = BTreeMap::new();
    for one in scored {
        if let Some(of) = one.label[key].as_str() {
            groups.entry(of).or_default().push(one);
        }
    }
    let summary = |(of, group): (&str, Vec<&Scored>)| {
        let rows: Vec<Value> = FIELDS.iter().map(|field| row(field, &group, aliases)).collect();
        let sum = |key: &str| rows.iter().filter_map(|row| row[key].as_u64()).sum::<u64>();
        let values = sum("labelled") + sum("read");
        let f1 = (values > 0).then(|| (2000.0 * sum("right") as f64 / values as f64).round() / 1000.0);
        let right = group.iter().filter(|scored| measure::differences(&scored.label, &scored.read, aliases).is_empty()).count();
        json!({ "of": of, "documents": group.len(), "right": right, "f1": f1, "fields": rows })
    };
    groups.into_iter().map(summary).collect()
}
