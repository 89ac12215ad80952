//! `lastbuy jobs`: the work on what arrived.

use serde_json::{Value, json};

use super::{
    CommandResult, Context, Ended,
    client::{Client, escape},
    output,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Newest first.
    List {
        /// Only those in this state: ready, scheduled, leased, review, done, dead or cancelled.
        #[arg(long)]
        state: Option<String>,
        /// Only those of this source; `case` are those about a case.
        #[arg(long)]
        source: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// One job with its steps, results and errors.
    Show {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// Put a dead job, or one that waits for a person or for its time, back to work.
    Retry { id: String },
    /// Give a job up; one that is being worked on is dropped when its step ends.
    Cancel {
        id: String,
        /// Why; kept with the job.
        #[arg(long)]
        reason: String,
    },
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    Client::during(context, false, |client| act(&args.command, client))
}

fn act(command: &Command, client: &Client) -> CommandResult {
    match command {
        Command::List { state, source, limit, json } => {
            let asked = [("state", state), ("source", source)].map(|(key, value)| value.as_ref().map(|value| format!("{key}={}", escape(value))));
            let path = format!("/v1/jobs?{}", asked.into_iter().flatten().collect::<Vec<_>>().join("&"));
            output::rows(*json, &client.list(&path, *limit)?, "No job matches.", table)
        }
        Command::Show { id, json } => {
            let job = client.get(&format!("/v1/jobs/{id}"))?;
            if *json {
                output::json(&job)?;
            } else {
                output::print(&table(std::slice::from_ref(&job)))?;
                for result in job.get("results").and_then(Value::as_array).into_iter().flatten() {
                    output::print(&format!("result of {}: {}", output::text(result, "/0"), output::text(result, "/1")))?;
                }
                for error in job.get("errors").and_then(Value::as_array).into_iter().flatten() {
                    let [at, step, attempt, message] = ["/at", "/step", "/attempt", "/message"].map(|pointer| output::text(error, pointer));
                    output::print(&format!("{at} {step}, attempt {attempt}: {message}"))?;
                }
            }
            Ok(Ended::Done)
        }
        Command::Retry { id } => {
            client.post(&format!("/v1/jobs/{id}/retry"), &json!({}))?;
            output::print(&format!("{id} is ready again"))?;
            Ok(Ended::Done)
        }
        Command::Cancel { id, reason } => {
            client.post(&format!("/v1/jobs/{id}/cancel"), &json!({ "reason": reason }))?;
            output::print(&format!("{id} is cancelled"))?;
            Ok(Ended::Done)
        }
    }
}

fn table(jobs: &[Value]) -> String {
    let rows = jobs.iter().map(|job| {
        let subject = job.get("subject").and_then(Value::as_object).and_then(|subject| subject.values().next()).map(|id| output::text(id, ""));
        vec![
            output::text(job, "/id"),
            subject.unwrap_or_default(),
            output::text(job, "/source"),
            output::text(job, "/step"),
            output::state(job.get("state")),
            output::text(job, "/cases"),
            output::text(job, "/assessments"),
            reason(job),
        ]
    });
    output::table(&["job", "about", "source", "step", "state", "cases", "assessments", "reason"], &[], rows.collect())
}

/// Why a job waits for a person or is given up.
pub fn reason(job: &Value) -> String {
    let state = job.get("state").and_then(Value::as_object).and_then(|state| state.values().next());
    state.and_then(|state| state.get("reason")).and_then(Value::as_str).unwrap_or_default().to_owned()
}
