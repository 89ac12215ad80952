//! `lastbuy demo`: a sample factory and sample notices through the whole pipeline, on the embedded default: no server, no account, no network.

use std::{net::TcpListener, path::Path};

use anyhow::Context as _;
use rust_embed::Embed;
use serde_json::{Value, json};

use super::{
    CommandResult, Context, Ended, cases,
    client::{self, Client},
    data, ingest, jobs, output,
};
use crate::{app, config::Config, domain::notice::Reading, factory, intake, reading::flat};

/// The day the sample world is set on, so that the demo shows the same figures on any day.
const AS_OF: jiff::civil::Date = jiff::civil::date(2026, 11, 23);

#[derive(Embed)]
#[folder = "assets/factory"]
struct SampleFactory;

#[derive(Embed)]
#[folder = "assets/notices"]
struct SampleNotices;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Go on serving the page afterwards, until Ctrl-C.
    #[arg(long)]
    serve: bool,
    #[arg(long)]
    json: bool,
}

/// One notice of the demo, after it went through.
struct Gone {
    file: String,
    source: String,
    event: String,
    job: Value,
    reading: Option<Reading>,
}

impl Gone {
    fn parts(&self) -> usize {
        self.reading.as_ref().map_or(0, |reading| reading.notices.iter().map(|notice| notice.parts.len()).sum())
    }
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    // Kept only where the operator named a place; it is removed when `temporary` goes.
    let temporary = if context.data_dir_given { None } else { Some(tempfile::Builder::new().prefix("lastbuy-demo-").tempdir()?) };
    let dir = temporary.as_ref().map_or_else(|| context.data_dir.clone(), |temporary| temporary.path().to_path_buf());
    let context =
        Context { config_file: context.config_file.clone(), data_dir: dir, data_dir_given: true, model: context.model.clone(), pinned_model: None };
    let mut config = context.config()?;
    config.as_of = Some(AS_OF);
    let client = start(args, &context, &config)?;
    let shown = show(args, &context, &client);
    let waited = if args.serve && shown.is_ok() {
        output::note(&format!("The page is on http://{}/ until you press Ctrl-C.", config.listen));
        client.wait_for_stop()
    } else {
        Ok(())
    };
    client.close()?;
    waited?;
    shown
}

fn start(args: &Args, context: &Context, config: &Config) -> anyhow::Result<Client> {
    let tcp = if args.serve {
        Some(TcpListener::bind(config.listen).with_context(|| format!("{} cannot be listened on: name another as server.listen", config.listen))?)
    } else {
        None
    };
    let runtime = client::runtime()?;
    let running = runtime.block_on(async { app::start(config, tcp, true) })?;
    Ok(Client::of(runtime, context, running))
}

fn show(args: &Args, context: &Context, client: &Client) -> CommandResult {
    let (factory, dataset) = import(context, client)?;
    if !args.json {
        output::print(&format!("Factory   {dataset}: {factory}"))?;
    }
    let gone = take_all(args, client)?;
    let cases = client.list("/v1/cases", usize::MAX)?;
    let cases: Vec<Value> = cases.into_iter().rev().collect();
    if args.json {
        output::json(&json!({ "dataset": dataset, "notices": gone.iter().map(as_json).collect::<Vec<_>>(), "cases": cases }))?;
        return Ok(Ended::Done);
    }
    output::print("\nWhat was read")?;
    output::print(&notices(&gone))?;
    if let Some(longest) = gone.iter().filter(|gone| is_done(&gone.job)).max_by_key(|gone| gone.parts()) {
        output::print(&way(client, longest))?;
    }
    output::print(&format!("\nWhat it means for the factory on {AS_OF}"))?;
    output::print(&cases::table(&cases))?;
    output::print(&format!("\nWhat needs a person\n{}", cases::needs_text(&cases)))?;
    let waiting: Vec<&Gone> = gone.iter().filter(|gone| !is_done(&gone.job)).collect();
    if !waiting.is_empty() {
        output::print("\nWaiting for a person before anything is computed")?;
        for gone in waiting {
            output::print(&output::hanging(&format!("  {}  ", gone.event), &format!("{}: {}", gone.file, jobs::reason(&gone.job))))?;
        }
    }
    if !args.serve {
        output::print(&closing(context, &cases))?;
    }
    Ok(Ended::Done)
}

/// The way of one notice through the pipeline, a line a step: what each kept.
fn way(client: &Client, gone: &Gone) -> String {
    let job = output::text(&gone.job, "/id");
    let result = |step: &str| client.get(&format!("/v1/jobs/{job}/results/{step}")).unwrap_or(Value::Null);
    let count = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
    let (document, matched) = (result("document"), result("match"));
    let matches: Vec<&Value> = matched.pointer("/cases/0/1").and_then(Value::as_array).into_iter().flatten().collect();
    let known = matches.iter().filter(|found| found.get("known").is_some()).count();
    let reading = gone.reading.as_ref();
    let tokens = reading.map_or(0, |reading| reading.provenance.tokens);
    let least = reading.and_then(|reading| reading.notices.iter().map(|notice| notice.confidence).reduce(f64::min)).unwrap_or_default();
    let steps = [
        ("intake", format!("{} on disk as {}, then acknowledged; its work is {job}", gone.file, gone.event)),
        (
            "document",
            format!(
                "{}, {} pages, {} tables, in a sandboxed child",
                output::text(&document, "/format"),
                count(&document, "/pages"),
                count(&document, "/tables")
            ),
        ),
        ("reading", format!("{} parts, {tokens} tokens through the model, least sure value {:.0} %", gone.parts(), least * 100.0)),
        ("case", format!("{} opened or joined", output::text(&gone.job, "/cases"))),
        ("match", format!("{known} of {} parts are in the factory's approved list, the others stay unknown", matches.len())),
        ("impact", format!("statement {}", output::text(&gone.job, "/assessments"))),
    ];
    let lines: Vec<String> = steps.iter().map(|(step, what)| format!("  {step:<9} {what}")).collect();
    format!("\nThe way of {}\n{}", gone.event, lines.join("\n"))
}

fn closing(context: &Context, cases: &[Value]) -> String {
    let worst = cases.iter().max_by_key(|case| {
        case.pointer("/headline/margin_at_risk/amount").and_then(Value::as_str).and_then(|amount| amount.parse::<rust_decimal::Decimal>().ok())
    });
    let id = worst.map_or_else(|| "C-1".to_owned(), |case| output::text(case, "/id"));
    let keep = "lastbuy demo --data-dir DIR keeps everything; then look closer:";
    let dir = if context.data_dir.starts_with(std::env::temp_dir()) { Path::new("DIR") } else { context.data_dir.as_path() };
    let dir = dir.display();
    format!(
        "\n{keep}\n  lastbuy --data-dir {dir} impact show {id}\n  lastbuy --data-dir {dir} impact show {id} --why margin_at_risk\n  lastbuy --data-dir {dir} replay --case {id}\n  lastbuy demo --serve shows the page."
    )
}

/// Imports the sample factory the way `data import` does.
fn import(context: &Context, client: &Client) -> anyhow::Result<(String, String)> {
    let dir = context.data_dir.join("sample");
    std::fs::create_dir_all(&dir)?;
    for name in SampleFactory::iter() {
        let file = SampleFactory::get(&name).with_context(|| format!("the sample file {name} is missing"))?;
        std::fs::write(dir.join(name.as_ref()), file.data)?;
    }
    let (sample, report) = factory::import(&[dir], &mut |_, _| {})?;
    let registered = data::register(client, context, &sample, &report)?;
    let text = format!(
        "{}, {} products, {} items, {} BOM lines, {} approved parts",
        sample.site.name,
        sample.products.len(),
        sample.items.len(),
        sample.bom.len(),
        sample.aml.len()
    );
    Ok((text, output::text(&registered, "/id")))
}

/// Hands every sample notice in and waits until each is through.
fn take_all(args: &Args, client: &Client) -> anyhow::Result<Vec<Gone>> {
    let mut names: Vec<String> = SampleNotices::iter().map(|name| name.into_owned()).filter(|name| is_notice(name)).collect();
    names.sort();
    let mut taken = Vec::new();
    for name in names {
        let file = SampleNotices::get(&name).with_context(|| format!("the sample notice {name} is missing"))?;
        let source = source(&name);
        let answer = ingest::take(client, source, &name, file.data.into_owned()).with_context(|| name.clone())?;
        taken.push((name, source.to_owned(), answer));
    }
    if !args.json {
        output::print(&format!("Notices   {} taken, each on disk before it was acknowledged", taken.len()))?;
    }
    let ids: Vec<String> = taken.iter().map(|(_, _, answer)| output::text(answer, "/job_id")).collect();
    let settled = ingest::wait(client, &ids)?;
    taken
        .into_iter()
        .zip(settled)
        .map(|((file, source, answer), job)| {
            let reading = client.get_bytes(&format!("/v1/jobs/{}/results/reading", output::text(&job, "/id"))).ok();
            let reading = reading.map(|bytes| serde_json::from_slice(&bytes)).transpose()?;
            Ok(Gone { file, source, event: output::text(&answer, "/event_id"), job, reading })
        })
        .collect()
}

/// Beside the notices lie a list of them and what is expected of each.
fn is_notice(name: &str) -> bool {
    !name.ends_with(".md") && !name.ends_with(".expected.json")
}

/// `x.siliconexpert.json` came from SiliconExpert; anything else is a file.
fn source(name: &str) -> &'static str {
    let named = name.strip_suffix(".json").and_then(|stem| stem.rsplit_once('.')).map(|(_, source)| source);
    named.and_then(|named| intake::sources().iter().find(|source| **source == named)).copied().unwrap_or("file")
}

fn is_done(job: &Value) -> bool {
    output::state(job.get("state")) == "done"
}

fn notices(gone: &[Gone]) -> String {
    let rows = gone
        .iter()
        .map(|gone| {
            let reading = gone.reading.as_ref();
            let kinds = reading.map(|reading| reading.notices.iter().map(|notice| notice.kind.as_str()).collect::<Vec<_>>().join(", "));
            vec![
                gone.event.clone(),
                gone.file.clone(),
                gone.source.clone(),
                reading.map_or_else(|| "–".to_owned(), |reading| reading.provenance.reader.clone()),
                kinds.unwrap_or_else(|| "–".to_owned()),
                gone.parts().to_string(),
                if is_done(&gone.job) { "passed".to_owned() } else { output::state(gone.job.get("state")) },
                output::text(&gone.job, "/cases"),
            ]
        })
        .collect();
    output::table(&["event", "notice", "source", "read by", "kind", "parts", "then", "case"], &[5], rows)
}

fn as_json(gone: &Gone) -> Value {
    json!({
        "file": gone.file,
        "source": gone.source,
        "event": gone.event,
        "job": output::text(&gone.job, "/id"),
        "state": output::state(gone.job.get("state")),
        "reason": jobs::reason(&gone.job),
        "reading": gone.reading.as_ref().map(flat),
        "doubts": gone.reading.as_ref().map(|reading| reading.all_doubts().collect::<Vec<_>>()),
        "cases": gone.job.get("cases"),
        "assessments": gone.job.get("assessments"),
    })
}
