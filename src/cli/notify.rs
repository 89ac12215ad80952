//! `lastbuy notify`: what people were told, and what could not be told.

use std::time::Duration;

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
    /// Messages, newest first; `--state dead` lists those that were given up.
    List {
        /// Only those in this state: pending, deferred, scheduled, sending, delivered, dead or gathered.
        #[arg(long)]
        state: Option<String>,
        /// Only those for this destination.
        #[arg(long)]
        destination: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// One message with every failed attempt.
    Show {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// Send a dead message again, or one that waits for its time now; its destination is enabled again.
    Retry {
        id: String,
        #[arg(long)]
        json: bool,
    },
    /// Send a test message to a destination and say what came of it; the destination is enabled again.
    Test {
        destination: String,
        #[arg(long)]
        json: bool,
    },
}

/// How long the end of a test is waited for: an attempt at its limit, with head-room.
const TEST_WAIT: Duration = Duration::from_secs(crate::limits::DELIVERY_SECONDS_MAX + 5);
const LOOK: Duration = Duration::from_millis(100);

pub fn run(args: &Args, context: &Context) -> CommandResult {
    Client::during(context, false, |client| act(&args.command, client))
}

fn act(command: &Command, client: &Client) -> CommandResult {
    match command {
        Command::List { state, destination, limit, json } => {
            let asked =
                [("state", state), ("destination", destination)].map(|(key, value)| value.as_ref().map(|value| format!("{key}={}", escape(value))));
            let path = format!("/v1/messages?{}", asked.into_iter().flatten().collect::<Vec<_>>().join("&"));
            output::rows(*json, &client.list(&path, *limit)?, "No message matches.", table)
        }
        Command::Show { id, json } => {
            let message = client.get(&format!("/v1/messages/{}", escape(id)))?;
            if *json {
                output::json(&message)?;
            } else {
                show(&message)?;
            }
            Ok(Ended::Done)
        }
        Command::Retry { id, json } => {
            let message = client.post(&format!("/v1/messages/{}/retry", escape(id)), &json!({}))?;
            if *json {
                output::json(&message)?;
            } else {
                output::print(&format!("{id} goes out again"))?;
            }
            Ok(Ended::Done)
        }
        Command::Test { destination, json } => test(client, destination, *json),
    }
}

fn test(client: &Client, destination: &str, as_json: bool) -> CommandResult {
    let mut message = client.post(&format!("/v1/destinations/{}/test", escape(destination)), &json!({}))?;
    let id = output::text(&message, "/id");
    if client.is_own() {
        if as_json {
            output::json(&message)?;
        } else {
            output::print(&format!("{id} waits: it goes out when `lastbuy serve` runs"))?;
        }
        return Ok(Ended::Done);
    }
    let (until, mut tried) = (std::time::Instant::now() + TEST_WAIT, false);
    while !tried && std::time::Instant::now() < until {
        client.pause(LOOK);
        message = client.get(&format!("/v1/messages/{id}"))?;
        let errors = message.get("errors").and_then(Value::as_array).is_some_and(|errors| !errors.is_empty());
        tried = errors || matches!(output::state(message.get("state")).as_str(), "delivered" | "dead");
    }
    let delivered = output::state(message.get("state")) == "delivered";
    if as_json {
        output::json(&message)?;
    } else if delivered {
        output::print(&format!("{id} was delivered to {destination}"))?;
    } else if tried {
        show(&message)?;
    } else {
        output::print(&format!("{id} was not tried yet: messages before it in the line of {destination} wait; `lastbuy notify list` shows them"))?;
    }
    Ok(if delivered { Ended::Done } else { Ended::Failed })
}

fn show(message: &Value) -> anyhow::Result<()> {
    output::print(&table(std::slice::from_ref(message)))?;
    output::print(&format!("known to the receiver as {}, made at {}", output::text(message, "/stable_id"), output::text(message, "/made_at")))?;
    for error in message.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let [at, attempt, said] = ["/at", "/attempt", "/error"].map(|pointer| output::text(error, pointer));
        output::print(&format!("{at}, attempt {attempt}: {said}"))?;
    }
    Ok(())
}

fn table(messages: &[Value]) -> String {
    let rows = messages.iter().map(|message| {
        let happened = message.get("happened").and_then(Value::as_object).and_then(|happened| happened.iter().next());
        let (on, data) = happened.map_or((String::new(), &Value::Null), |(on, data)| (on.clone(), data));
        let object = ["/about/case", "/job"].map(|pointer| output::text(data, pointer)).into_iter().find(|text| !text.is_empty());
        vec![
            output::text(message, "/id"),
            output::text(message, "/destination"),
            on,
            object.unwrap_or_default(),
            output::text(message, "/severity"),
            output::state(message.get("state")),
            super::jobs::reason(message),
        ]
    });
    output::table(&["message", "destination", "what", "about", "severity", "state", "reason"], &[], rows.collect())
}
