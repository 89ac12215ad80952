//! `lastbuy read`: reading only, nothing stored.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;

use super::{CommandResult, Context, Ended, output};
use crate::{
    app,
    child::Program,
    document::{Extractor, Input},
    domain::notice::{AffectedPart, Found, Notice, Reading, Replacement},
    limits,
    reading::{SiteKnowledge, flat},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    file: PathBuf,
    /// Read it as this source would send it.
    #[arg(long, default_value = "file")]
    source: String,
    /// One flat object, in the shape of evaluation labels.
    #[arg(long)]
    flat: bool,
    /// Everything, with evidence.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    let config = context.config()?;
    let size = std::fs::metadata(&args.file).with_context(|| format!("{} cannot be opened", args.file.display()))?.len();
    anyhow::ensure!(size <= limits::BODY_BYTES_MAX as u64, "{} is larger than the limit of {} bytes", args.file.display(), limits::BODY_BYTES_MAX);
    let bytes = std::fs::read(&args.file).with_context(|| format!("{} cannot be read", args.file.display()))?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let input = Input { source: &args.source, content_type: "application/octet-stream", file_name: name.as_deref(), bytes: &bytes };
    let document = Extractor::new(Program::this()).extract(&input)?;
    let reading = app::reader(&config)?.read(&args.source, &document, &SiteKnowledge::default())?;
    if args.flat {
        output::json(&flat(&reading))?;
    } else if args.json {
        output::json(&json!({ "reading": reading, "warnings": document.warnings }))?;
    } else {
        output::print(&text(&reading))?;
        document.warnings.iter().for_each(|warning| output::note(&format!("note: {warning}")));
    }
    Ok(if reading.notices.is_empty() { Ended::Nothing } else { Ended::Done })
}

/// A reading as a person reads it: each value with what was printed, where, and how sure.
pub fn text(reading: &Reading) -> String {
    let mut out = String::new();
    for (number, notice) in reading.notices.iter().enumerate() {
        if reading.notices.len() > 1 {
            out.push_str(&format!("Notice {} of {}\n", number + 1, reading.notices.len()));
        }
        out.push_str(&notice_text(notice));
        out.push('\n');
    }
    let model = reading.provenance.model_sha256.as_deref().map(|sha| format!(", model {}", &sha[..sha.len().min(12)])).unwrap_or_default();
    out.push_str(&format!("Read by {}{model}; {} tokens\n", reading.provenance.reader, reading.provenance.tokens));
    if reading.passes() {
        out.push_str("No doubt: passes without a person.\n");
    } else {
        out.push_str("Needs a person:\n");
        for doubt in reading.all_doubts() {
            out.push_str(&format!("  {}: {}\n", doubt.field, doubt.reason));
        }
    }
    out
}

fn notice_text(notice: &Notice) -> String {
    let mut rows = vec![vec!["notice type".to_owned(), notice.kind.as_str().to_owned(), String::new(), percent(notice.kind_confidence)]];
    let mut add = |name: &str, found: Option<(String, String, f64)>| {
        if let Some((value, place, confidence)) = found {
            rows.push(vec![name.to_owned(), value, place, percent(confidence)]);
        }
    };
    add("manufacturer", notice.maker.as_ref().map(|found| cell(found, found.value.clone())));
    add("notice id", notice.notice_id.as_ref().map(|found| cell(found, found.value.clone())));
    for (name, date) in [("issued", &notice.issue_date), ("last-time buy", &notice.last_time_buy), ("last-time ship", &notice.last_time_ship)] {
        add(name, date.as_ref().map(|found| cell(found, found.value.to_string())));
    }
    for other in notice.inferred_dates.iter().chain(&notice.other_dates) {
        let inferred = if other.date.inferred { " (inferred)" } else { "" };
        add(&format!("date: {}{inferred}", other.role), Some(cell(&other.date, other.date.value.to_string())));
    }
    for part in &notice.parts {
        add("part", Some(cell(&part.mpn, part_text(part))));
    }
    output::table(&["", "value", "where", "sure"], &[3], rows) + "\n"
}

fn part_text(part: &AffectedPart) -> String {
    let mut text = part.mpn.value.clone();
    match &part.replacement {
        Replacement::Unsaid => {}
        Replacement::None(_) => text.push_str(" → no replacement"),
        Replacement::Named(named) => {
            text.push_str(" → ");
            text.push_str(&named.iter().map(|found| found.value.as_str()).collect::<Vec<_>>().join(", "));
        }
    }
    if let Some(date) = &part.last_time_buy {
        text.push_str(&format!(", buy by {}", date.value));
    }
    text
}

fn cell<T>(found: &Found<T>, value: String) -> (String, String, f64) {
    let printed = if found.printed == value { String::new() } else { format!(" “{}”", found.printed) };
    (format!("{value}{printed}"), format!("{}, line {}", found.place.page, found.place.line), found.confidence)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
