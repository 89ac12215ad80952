//! `lastbuy review`: readings that wait for a person, the person's answers, and corrections as labelled cases for `eval`.

use std::{collections::HashSet, path::PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{CommandResult, Context, Ended, client::Client, ingest, output};
use crate::{domain::notice::Reading, limits, reading::flat};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// What waits, newest first.
    List {
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// Each doubtful value with the places in the text that could be meant.
    Show {
        job: String,
        /// Values that are not doubtful as well.
        #[arg(long)]
        all: bool,
        #[arg(long)]
        json: bool,
    },
    /// Confirm or correct; the work goes on at once. FIELD is a field as `show` names it, FIELD@MPN that of one part, 2:FIELD that of the second notice.
    Resolve {
        job: String,
        /// It is right as it was read.
        #[arg(long, value_name = "FIELD")]
        confirm: Vec<String>,
        /// A value that stands in the document.
        #[arg(long, value_name = "FIELD=VALUE")]
        set: Vec<String>,
        /// A place of the text, in bytes as `show --json` tells them, with its value where the place could mean two things.
        #[arg(long, value_name = "FIELD=START..END[=VALUE]")]
        pick: Vec<String>,
        /// The notice does not say.
        #[arg(long, value_name = "FIELD")]
        unsaid: Vec<String>,
        /// A part that is none of the notice's: affected_parts@MPN.
        #[arg(long, value_name = "FIELD@MPN")]
        remove: Vec<String>,
        /// Everything else is right as it was read.
        #[arg(long)]
        confirm_rest: bool,
        #[arg(long)]
        note: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Corrected documents with their labels, for `lastbuy eval`.
    Export { dir: PathBuf },
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    Client::during(context, matches!(args.command, Command::Resolve { .. }), |client| act(&args.command, client))
}

fn act(command: &Command, client: &Client) -> CommandResult {
    match command {
        Command::List { limit, json } => output::rows(*json, &client.list("/v1/reviews", *limit)?, "Nothing waits for a person.", table),
        Command::Show { job, all, json } => {
            let review = client.get(&format!("/v1/reviews/{job}"))?;
            if *json {
                output::json(&review)?;
            } else {
                output::print(&shown(&review, *all))?;
            }
            Ok(Ended::Done)
        }
        Command::Resolve { job, confirm, set, pick, unsaid, remove, confirm_rest, note, json: as_json } => {
            let mut answers = Vec::new();
            for (fields, mode) in [(confirm, "confirm"), (unsaid, "unsaid"), (remove, "remove")] {
                for field in fields {
                    answers.push(with(named(field)?, mode, Value::Bool(true)));
                }
            }
            for text in set {
                let (field, value) = text.split_once('=').with_context(|| format!("'{text}' is not FIELD=VALUE"))?;
                answers.push(with(named(field)?, "value", json!(value)));
            }
            for text in pick {
                answers.push(picked(text)?);
            }
            // What was looked at is the present reading, which the answer names; a change in between is told.
            let reading = client.get(&format!("/v1/reviews/{job}"))?["reading"].clone();
            let body = json!({ "reading": reading, "answers": answers, "confirm_rest": confirm_rest, "note": note });
            let answer = client.post(&format!("/v1/reviews/{job}"), &body)?;
            ingest::wait(client, std::slice::from_ref(job))?;
            if *as_json {
                output::json(&answer)?;
            } else {
                let changes = answer.pointer("/correction/changes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                output::print(&changed(changes))?;
            }
            Ok(Ended::Done)
        }
        Command::Export { dir } => export(client, dir),
    }
}

/// `2:last_time_buy@AX100-3`: which field of which notice and part.
fn named(text: &str) -> anyhow::Result<Value> {
    let (notice, field) = match text.split_once(':') {
        Some((number, field)) => {
            let number: usize = number.parse().with_context(|| format!("'{number}' in '{text}' is not the number of a notice"))?;
            anyhow::ensure!(number > 0, "notices are counted from 1");
            (number - 1, field)
        }
        None => (0, text),
    };
    let (field, part) = field.split_once('@').map_or((field, None), |(field, part)| (field, Some(part)));
    Ok(json!({ "notice": notice, "field": field, "part": part }))
}

fn with(mut answer: Value, member: &str, value: Value) -> Value {
    answer[member] = value;
    answer
}

fn picked(text: &str) -> anyhow::Result<Value> {
    let wrong = || format!("'{text}' is not FIELD=START..END or FIELD=START..END=VALUE");
    let (field, rest) = text.split_once('=').with_context(wrong)?;
    let (place, value) = rest.split_once('=').map_or((rest, None), |(place, value)| (place, Some(value)));
    let (start, end) = place.split_once("..").with_context(wrong)?;
    let (start, end): (u32, u32) = (start.parse().with_context(wrong)?, end.parse().with_context(wrong)?);
    let answer = with(named(field)?, "pick", json!({ "start": start, "end": end }));
    Ok(value.map_or(answer.clone(), |value| with(answer, "value", json!(value))))
}

fn table(reviews: &[Value]) -> String {
    let rows = reviews.iter().map(|review| ["/job", "/event", "/source", "/since", "/reason"].map(|pointer| output::text(review, pointer)).to_vec());
    output::table(&["job", "event", "source", "since", "why"], &[], rows.collect())
}

fn shown(review: &Value, all: bool) -> String {
    let mut out = format!("{} of {}, {}\n", output::text(review, "/job"), output::text(review, "/event"), output::text(review, "/state"));
    let several = review["notices"].as_u64().is_some_and(|notices| notices > 1);
    for field in review["fields"].as_array().into_iter().flatten() {
        let doubts = field["doubts"].as_array().map(Vec::as_slice).unwrap_or_default();
        if doubts.is_empty() && !all {
            continue;
        }
        let notice = if several { format!("{}:", field["notice"].as_u64().unwrap_or(0) + 1) } else { String::new() };
        let part = field["part"].as_str().map_or_else(String::new, |part| format!("@{part}"));
        let sure = field["confidence"].as_f64().map_or_else(String::new, |sure| format!(" ({:.0} %)", sure * 100.0));
        out.push_str(&format!("\n{notice}{}{part}: {}{sure}\n", output::text(field, "/field"), output::text(field, "/value")));
        for doubt in doubts {
            out.push_str(&output::hanging("  doubt: ", doubt.as_str().unwrap_or_default()));
            out.push('\n');
        }
        if let Some(spot) = field.get("spot").filter(|spot| spot.is_object()) {
            out.push_str(&format!("  read at {}\n", place(spot)));
        }
        for choice in field["choices"].as_array().into_iter().flatten() {
            let read_as = choice["read_as"].as_str().map_or_else(String::new, |role| format!(", read as {role}"));
            let sure = choice["probability"].as_f64().map_or_else(String::new, |sure| format!(" ({:.0} %)", sure * 100.0));
            out.push_str(&format!("  could be {}{sure}{read_as}: {}\n", output::text(choice, "/value"), place(choice)));
        }
    }
    out
}

fn place(spot: &Value) -> String {
    let flat = |pointer: &str| output::text(spot, pointer).split_whitespace().collect::<Vec<_>>().join(" ");
    let around = |pointer: &str, end: bool| {
        let text = flat(pointer);
        let skip = if end { text.chars().count().saturating_sub(40) } else { 0 };
        text.chars().skip(skip).take(40).collect::<String>()
    };
    let (span, page, line) = (spot.pointer("/place/span"), output::text(spot, "/place/page"), output::text(spot, "/place/line"));
    let at = |end: &str| span.and_then(|span| span.get(end)).and_then(Value::as_u64).unwrap_or(0);
    format!("{page}, line {line}, {}..{}: …{} [{}] {}…", at("start"), at("end"), around("/before", true), flat("/printed"), around("/after", false))
}

fn changed(changes: &[Value]) -> String {
    let cells = |change: &Value| ["/field", "/part", "/before", "/after", "/how"].map(|pointer| output::text(change, pointer)).to_vec();
    output::table(&["field", "part", "before", "after", "how"], &[], changes.iter().map(cells).collect())
}

/// One file a corrected event, its newest correction, with its flat label beside it.
fn export(client: &Client, dir: &std::path::Path) -> CommandResult {
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let (mut seen, mut written) = (HashSet::new(), 0);
    for correction in client.list("/v1/corrections", limits::EVAL_EXPORT_MAX)? {
        let (job, event) = (output::text(&correction, "/job"), output::text(&correction, "/event"));
        if !seen.insert(event.clone()) {
            continue;
        }
        let document = client.get(&format!("/v1/jobs/{job}/results/document"));
        let Ok(document) = document else {
            output::note(&format!("{event}: its bytes were given up by retention"));
            continue;
        };
        let extension = match document["format"].as_str() {
            Some("mail") => "eml",
            Some("html") => "html",
            Some("pdf") => "pdf",
            Some("text") => "txt",
            other => {
                output::note(&format!("{event}: a {} is left out, `lastbuy eval` takes text, mails, pages and PDF", other.unwrap_or("document")));
                continue;
            }
        };
        let reading: Reading = serde_json::from_value(client.get(&format!("/v1/jobs/{job}/results/reading"))?)?;
        let bytes = client.get_bytes(&format!("/v1/events/{event}/raw"))?;
        let (file, label) = (dir.join(format!("{event}.{extension}")), dir.join(format!("{event}.json")));
        std::fs::write(&file, bytes).with_context(|| format!("{} cannot be written", file.display()))?;
        std::fs::write(&label, format!("{:#}\n", flat(&reading))).with_context(|| format!("{} cannot be written", label.display()))?;
        written += 1;
    }
    output::print(&format!("{written} corrected documents with their labels are in {}", dir.display()))?;
    Ok(if written == 0 { Ended::Nothing } else { Ended::Done })
}
