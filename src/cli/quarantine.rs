//! `lastbuy quarantine`: deliveries that were refused for what they hold and kept for a person to look at.

use serde_json::{Value, json};

use super::{CommandResult, Context, Ended, client::Client, output};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Newest first, with the reason.
    List {
        #[arg(long)]
        json: bool,
    },
    /// One event with its reason; `lastbuy events raw ID` prints what was sent.
    Show {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// Read it all the same.
    Release { id: String },
    /// Give it up; the record and what was sent stay.
    Drop {
        id: String,
        /// Why; kept with the job that is cancelled.
        #[arg(long)]
        reason: String,
    },
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    Client::during(context, false, |client| act(&args.command, client))
}

fn act(command: &Command, client: &Client) -> CommandResult {
    match command {
        Command::List { json } => {
            let answer = client.get("/v1/quarantine")?;
            let items = answer.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            if answer.get("looked_through_all") == Some(&Value::Bool(false)) {
                output::note("Older events were not looked through.");
            }
            output::rows(*json, &items, "Nothing is in quarantine.", table)
        }
        Command::Show { id, json } => {
            let event = client.get(&format!("/v1/events/{id}"))?;
            if *json {
                output::json(&event)?;
            } else {
                output::print(&table(std::slice::from_ref(&event)))?;
            }
            Ok(Ended::Done)
        }
        Command::Release { id } => {
            let answer = client.post(&format!("/v1/quarantine/{id}/release"), &json!({}))?;
            output::print(&format!("{id} is released as {}", output::text(&answer, "/job_id")))?;
            Ok(Ended::Done)
        }
        Command::Drop { id, reason } => {
            client.post(&format!("/v1/quarantine/{id}/drop"), &json!({ "reason": reason }))?;
            output::print(&format!("{id} is given up"))?;
            Ok(Ended::Done)
        }
    }
}

fn table(events: &[Value]) -> String {
    let rows =
        events.iter().map(|event| ["/id", "/received_at", "/source", "/body_bytes", "/ignored"].map(|pointer| output::text(event, pointer)).to_vec());
    output::table(&["event", "received", "source", "bytes", "reason"], &[3], rows.collect())
}
