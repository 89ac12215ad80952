//! `lastbuy replay`: work again on what arrived, beside the old results.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{CommandResult, Context, Ended, client::Client, diff, ingest, jobs, output};

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["event", "case", "source", "since", "until", "dead"])))]
#[command(
    after_help = "With --dataset or --model it is a \"what if\": its assessments stand beside the others, no case changes, and no headline.\n--model names a model that `lastbuy model list` finds, by name, file name or the beginning of its SHA-256; the notice is then read again."
)]
pub struct Args {
    /// One event.
    #[arg(long, value_name = "ID", conflicts_with_all = ["case", "source", "since", "until", "dead"])]
    event: Option<String>,
    /// One case: match and assess it again; from an earlier step, its notices.
    #[arg(long, value_name = "ID", conflicts_with_all = ["source", "since", "until", "dead"])]
    case: Option<String>,
    /// Everything of one source.
    #[arg(long)]
    source: Option<String>,
    /// From this moment on, RFC 3339 or a date.
    #[arg(long)]
    since: Option<String>,
    /// Before this moment.
    #[arg(long)]
    until: Option<String>,
    /// Everything given up.
    #[arg(long)]
    dead: bool,
    /// document, reading, case, match or impact; the stored reading is used again unless this says document or reading.
    #[arg(long, value_name = "STEP")]
    from: Option<String>,
    /// On this dataset instead of the one in force.
    #[arg(long, value_name = "VERSION")]
    dataset: Option<String>,
    /// Not before this moment, RFC 3339 or a date; the work is put on the list and not waited for.
    #[arg(long, value_name = "MOMENT", conflicts_with = "diff")]
    at: Option<String>,
    /// Only say what would run.
    #[arg(long, conflicts_with = "diff")]
    dry_run: bool,
    /// Show what changed in parts, dates and money against the case's headline before.
    #[arg(long)]
    diff: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    Client::during(context, !args.dry_run && args.at.is_none(), |client| act(args, context.pinned_model.as_deref(), client))
}

fn request(args: &Args, model: Option<&str>) -> Value {
    let mut request = Map::new();
    let asked = [
        ("event", args.event.as_deref()),
        ("case", args.case.as_deref()),
        ("source", args.source.as_deref()),
        ("since", args.since.as_deref()),
        ("until", args.until.as_deref()),
        ("from", args.from.as_deref()),
        ("dataset", args.dataset.as_deref()),
        ("at", args.at.as_deref()),
        ("model", model),
    ];
    for (key, value) in asked {
        if let Some(value) = value {
            request.insert(key.to_owned(), Value::String(value.to_owned()));
        }
    }
    request.insert("dead".to_owned(), Value::Bool(args.dead));
    request.insert("dry_run".to_owned(), Value::Bool(args.dry_run));
    Value::Object(request)
}

fn act(args: &Args, model: Option<&str>, client: &Client) -> CommandResult {
    let mut answer = client.post("/v1/replay", &request(args, model))?;
    let selected = rows(&answer, "selected");
    if selected.is_empty() {
        output::note("Nothing matches.");
        return Ok(Ended::Nothing);
    }
    let jobs: Vec<String> = rows(&answer, "jobs").iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    let waits = args.at.is_none();
    let settled = if waits { ingest::wait(client, &jobs)? } else { Vec::new() };
    let diffs = if args.diff { diffs(client, &answer, &settled)? } else { Vec::new() };
    let refused = selected.iter().any(|row| row.get("refused").is_some_and(Value::is_string));
    let ended = if refused && !args.dry_run { Ended::Failed } else { Ended::Done };
    if args.json {
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("settled".to_owned(), Value::Array(settled));
            if args.diff {
                fields.insert("diffs".to_owned(), Value::Array(diffs.iter().map(Diff::as_json).collect()));
            }
        }
        output::json(&answer)?;
        return Ok(ended);
    }
    for row in &selected {
        let about = row.get("subject").and_then(Value::as_object).and_then(|subject| subject.values().next()).cloned().unwrap_or_default();
        let (about, from) = (output::text(&about, ""), output::text(row, "/from"));
        match row.get("refused").and_then(Value::as_str) {
            Some(why) => output::print(&format!("{about} is not replayed: {why}"))?,
            None if args.dry_run => output::print(&format!("{about} would run from {from}"))?,
            None if !waits => {
                output::print(&format!("{about} will run from {from} at {} as {}", output::text(&answer, "/at"), output::text(row, "/job")))?;
            }
            None => {}
        }
    }
    for job in &settled {
        let [id, assessments] = ["/id", "/assessments"].map(|pointer| output::text(job, pointer));
        let reason = jobs::reason(job);
        let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
        output::print(&format!("{id}: {}{reason}, assessments {assessments}", output::state(job.get("state"))))?;
    }
    for diff in &diffs {
        output::print(&diff.text())?;
    }
    Ok(ended)
}

fn rows(answer: &Value, key: &str) -> Vec<Value> {
    answer.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// A case's headline before the replay, and the last assessment the replay made of it.
struct Diff {
    case: String,
    before: Option<String>,
    after: String,
    changes: Vec<crate::impact::Change>,
}

impl Diff {
    fn as_json(&self) -> Value {
        json!({ "case": self.case, "before": self.before, "after": self.after, "changes": self.changes })
    }

    fn text(&self) -> String {
        match &self.before {
            Some(before) => format!("\n{}\n{}", self.case, diff::text(before, &self.after, &self.changes)),
            None => format!("\n{}\nIt had no assessment before {}.", self.case, self.after),
        }
    }
}

fn diffs(client: &Client, answer: &Value, settled: &[Value]) -> anyhow::Result<Vec<Diff>> {
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    for id in settled.iter().flat_map(|job| rows(job, "assessments")) {
        let Some(id) = id.as_str() else { continue };
        let row = client.get(&format!("/v1/assessments/{id}/row"))?;
        newest.insert(output::text(&row, "/case"), id.to_owned());
    }
    let mut diffs = Vec::new();
    for (case, after) in newest {
        let before = answer.pointer(&format!("/before/{case}")).and_then(Value::as_str).map(str::to_owned);
        let changes = match &before {
            Some(before) => diff::between(client, before, &after)?,
            None => Vec::new(),
        };
        diffs.push(Diff { case, before, after, changes });
    }
    Ok(diffs)
}
