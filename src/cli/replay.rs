//! `lastbuy replay`: work again on what arrived, beside the old results.

use serde_json::{Map, Value};

use super::{CommandResult, Context, Ended, client::Client, ingest, output};

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["event", "case", "source", "since", "until", "dead"])))]
pub struct Args {
    /// One event.
    #[arg(long, value_name = "ID", conflicts_with_all = ["case", "source", "since", "until", "dead"])]
    event: Option<String>,
    /// One case: match and assess it again.
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
    /// Only say what would run.
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    let client = Client::connect(context, !args.dry_run)?;
    let ended = act(args, &client);
    client.close()?;
    ended
}

fn act(args: &Args, client: &Client) -> CommandResult {
    let mut request = Map::new();
    for (key, value) in
        [("event", &args.event), ("case", &args.case), ("source", &args.source), ("since", &args.since), ("until", &args.until), ("from", &args.from)]
    {
        if let Some(value) = value {
            request.insert(key.to_owned(), Value::String(value.clone()));
        }
    }
    request.insert("dead".to_owned(), Value::Bool(args.dead));
    request.insert("dry_run".to_owned(), Value::Bool(args.dry_run));
    let mut answer = client.post("/v1/replay", &Value::Object(request))?;
    let selected = answer.get("selected").and_then(Value::as_array).map_or(0, Vec::len);
    if selected == 0 {
        output::note("Nothing matches.");
        return Ok(Ended::Nothing);
    }
    let jobs: Vec<String> =
        answer.get("jobs").and_then(Value::as_array).into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    let settled = ingest::wait(client, &jobs)?;
    if args.json {
        answer["settled"] = Value::Array(settled);
        output::json(&answer)?;
    } else if args.dry_run {
        for row in answer.get("selected").and_then(Value::as_array).into_iter().flatten() {
            let about = row.get("subject").and_then(Value::as_object).and_then(|subject| subject.values().next()).cloned().unwrap_or_default();
            output::print(&format!("{} would run from {}", output::text(&about, ""), output::text(row, "/from")))?;
        }
    } else {
        for job in &settled {
            let [id, assessments] = ["/id", "/assessments"].map(|pointer| output::text(job, pointer));
            output::print(&format!("{id}: {}, assessments {assessments}", output::state(job.get("state"))))?;
        }
    }
    Ok(Ended::Done)
}
