//! `lastbuy events`: what arrived.

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
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    let client = Client::connect(context, false)?;
    let ended = act(&args.command, &client);
    client.close()?;
    ended
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
                output::json(&serde_json::json!({ "event": event, "jobs": jobs }))?;
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
    }
}
