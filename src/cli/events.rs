//! `lastbuy events`: what arrived.

use serde_json::{Value, json};

use super::{CommandResult, Context, Ended, client::Client, output};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Newest first.
    List {
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// One event and the jobs about it.
    Show {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// The bytes as they arrived.
    Raw { id: String },
    /// Every event as JSON lines, newest first.
    Export,
    /// Keep an event's bytes whatever retention says: a legal hold.
    Hold {
        id: String,
        /// Why; kept on record.
        #[arg(long)]
        reason: String,
    },
    /// End a hold.
    Release { id: String },
    /// Events that are held, oldest first.
    Held {
        #[arg(long)]
        json: bool,
    },
    /// Give up the bytes of events as the configured retention says, now, and collect what no record needs any more.
    Expire {
        /// Only say what would go, and what stays and why.
        #[arg(long)]
        dry_run: bool,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    Client::during(context, false, |client| act(&args.command, client))
}

fn act(command: &Command, client: &Client) -> CommandResult {
    match command {
        Command::List { limit, json } => {
            let events = client.list("/v1/events", *limit)?;
            output::rows(*json, &events, "No event yet: post one to /v1/hooks/…, or `lastbuy ingest FILE`.", |events| {
                let rows = events.iter().map(|event| {
                    ["/id", "/received_at", "/source", "/file_name", "/body_bytes", "/ignored"].map(|pointer| output::text(event, pointer)).to_vec()
                });
                output::table(&["event", "received", "source", "file", "bytes", "ignored because"], &[4], rows.collect())
            })
        }
        Command::Show { id, json } => {
            let event = client.get(&format!("/v1/events/{id}"))?;
            let jobs = client.list(&format!("/v1/jobs?event={id}"), 100)?;
            if *json {
                output::json(&json!({ "event": event, "jobs": jobs }))?;
            } else {
                output::json(&event)?;
                for job in &jobs {
                    output::print(&format!(
                        "job {}: {} at step {}",
                        output::text(job, "/id"),
                        output::state(job.get("state")),
                        output::text(job, "/step")
                    ))?;
                }
            }
            Ok(Ended::Done)
        }
        Command::Raw { id } => {
            output::bytes(&client.get_bytes(&format!("/v1/events/{id}/raw"))?)?;
            Ok(Ended::Done)
        }
        Command::Export => {
            let events = client.list("/v1/events", usize::MAX)?;
            for event in &events {
                output::print(&event.to_string())?;
            }
            Ok(if events.is_empty() { Ended::Nothing } else { Ended::Done })
        }
        Command::Hold { id, reason } => {
            client.post(&format!("/v1/events/{id}/hold"), &json!({ "reason": reason }))?;
            output::print(&format!("{id} is held"))?;
            Ok(Ended::Done)
        }
        Command::Release { id } => {
            client.post(&format!("/v1/events/{id}/release"), &json!({}))?;
            output::print(&format!("{id} is no longer held"))?;
            Ok(Ended::Done)
        }
        Command::Held { json } => {
            let holds = holds(client)?;
            output::rows(*json, &holds, "No event is held.", |holds| {
                let rows = holds.iter().map(|hold| ["/event", "/at", "/by", "/reason"].map(|pointer| output::text(hold, pointer)).to_vec());
                output::table(&["event", "since", "by", "reason"], &[], rows.collect())
            })
        }
        Command::Expire { dry_run, json } => expire(client, *dry_run, *json),
    }
}

fn holds(client: &Client) -> anyhow::Result<Vec<Value>> {
    let (mut rows, mut path) = (Vec::new(), "/v1/holds".to_owned());
    loop {
        let mut page = client.get(&path)?;
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            rows.extend(items);
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => path = format!("/v1/holds?after={next}"),
            None => return Ok(rows),
        }
    }
}

/// Round after round until nothing is left to go; a dry run is one.
fn expire(client: &Client, dry_run: bool, as_json: bool) -> CommandResult {
    let mut events: Vec<Value> = Vec::new();
    let mut round;
    loop {
        round = client.post("/v1/retention", &json!({ "dry_run": dry_run }))?;
        events.extend(round.get_mut("events").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default());
        if dry_run || round.get("more") != Some(&Value::Bool(true)) {
            break;
        }
    }
    let more = round.get("more") == Some(&Value::Bool(true));
    let bytes: u64 = events.iter().filter_map(|event| event.get("bytes").and_then(Value::as_u64)).sum();
    if as_json {
        round["events"] = Value::Array(events);
        round["bytes"] = json!(bytes);
        output::json(&round)?;
        return Ok(Ended::Done);
    }
    if round.pointer("/rules/days") == Some(&Value::Null) && round.pointer("/rules/bytes") == Some(&Value::Null) {
        output::note("Retention is off: set keep_days or keep_mib in [retention].");
    }
    if dry_run && !events.is_empty() {
        let rows = events.iter().map(|event| ["/event", "/received_at", "/bytes", "/rule"].map(|pointer| output::text(event, pointer)).to_vec());
        output::print(&output::table(&["event", "received", "bytes", "rule"], &[2], rows.collect()))?;
    }
    let verb = if dry_run { "would be given up" } else { "were given up" };
    output::print(&format!("{}{} events of {bytes} bytes {verb}", if more { "the first " } else { "" }, events.len()))?;
    for (why, count) in round.get("staying").and_then(Value::as_object).into_iter().flatten() {
        output::print(&format!("{count} stay: {why}"))?;
    }
    if let Some(garbage) = round.get("garbage").filter(|garbage| garbage.is_object()) {
        let [bodies, bytes, freed] = ["/bodies", "/bytes", "/freed_bytes"].map(|pointer| output::text(garbage, pointer));
        output::print(&format!("{bodies} bodies of {bytes} bytes were no longer needed; {freed} bytes went back to the file system"))?;
    }
    Ok(Ended::Done)
}
