//! `lastbuy token`: keys by which programs act for a user.

use serde_json::{Value, json};

use super::{CommandResult, Context, Ended, client::Client, output};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token; it is printed once and kept nowhere.
    Add {
        /// What it is for.
        name: String,
        /// For whom it acts; it may do no more than this user.
        #[arg(long)]
        user: String,
        /// read, ingest, work, review, decide, data, notify, audit or upkeep; repeat it for more.
        #[arg(long = "scope", required = true)]
        scopes: Vec<String>,
        /// Good until this day.
        #[arg(long, value_name = "YYYY-MM-DD")]
        expires: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Newest first.
    List {
        #[arg(long)]
        json: bool,
    },
    /// End a token.
    Revoke { id: String },
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    Client::during(context, false, |client| act(&args.command, client))
}

fn act(command: &Command, client: &Client) -> CommandResult {
    match command {
        Command::Add { name, user, scopes, expires, json: as_json } => {
            let token = client.post("/v1/tokens", &json!({ "name": name, "user": user, "scopes": scopes, "expires": expires }))?;
            if *as_json {
                output::json(&token)?;
            } else {
                output::note(&format!("{} may {} for {user}. It is told this once:", output::text(&token, "/id"), scopes.join(", ")));
                output::print(&output::text(&token, "/token"))?;
            }
            Ok(Ended::Done)
        }
        Command::List { json } => output::rows(*json, &client.list("/v1/tokens", crate::limits::LIST_ROWS_MAX)?, "No token.", table),
        Command::Revoke { id } => {
            client.post(&format!("/v1/tokens/{id}/revoke"), &json!({}))?;
            output::print(&format!("{id} is revoked"))?;
            Ok(Ended::Done)
        }
    }
}

fn table(tokens: &[Value]) -> String {
    let rows = tokens.iter().map(|token| {
        let state = match (token["revoked"].as_bool(), token["active"].as_bool()) {
            (Some(true), _) => "revoked",
            (_, Some(false)) => "expired",
            _ => "active",
        };
        let text = |pointer: &str| output::text(token, pointer);
        vec![text("/id"), text("/name"), text("/user"), text("/scopes"), state.to_owned(), text("/expires"), text("/used_at")]
    });
    output::table(&["token", "for", "user", "may", "state", "until", "used on"], &[], rows.collect())
}
