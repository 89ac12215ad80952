//! `lastbuy user`: who may sign in.

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
    /// Let somebody sign in; a password is made and printed once, unless one comes on standard input.
    Add {
        name: String,
        /// viewer, engineer, controller, approver or admin.
        #[arg(long)]
        role: String,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
        /// No password: only tokens act for this user.
        #[arg(long, conflicts_with = "password_stdin")]
        machine: bool,
        /// May do nothing from this day on.
        #[arg(long, value_name = "YYYY-MM-DD")]
        expires: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// By name.
    List {
        #[arg(long)]
        json: bool,
    },
    /// End every session of a user and let none begin; with --undo the contrary.
    Disable {
        name: String,
        #[arg(long)]
        undo: bool,
    },
    /// Give a user another password; made and printed once, unless one comes on standard input.
    Password {
        name: String,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give a user another role; who is signed in signs in again.
    Role { name: String, role: String },
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    Client::during(context, false, |client| act(&args.command, client))
}

/// The password on standard input, where it is asked for.
fn given(from_stdin: bool) -> anyhow::Result<Option<String>> {
    if !from_stdin {
        return Ok(None);
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn act(command: &Command, client: &Client) -> CommandResult {
    match command {
        Command::Add { name, role, password_stdin, machine, expires, json: as_json } => {
            let password = given(*password_stdin)?;
            let body = json!({ "name": name, "role": role, "password": password, "machine": machine, "expires": expires });
            let user = client.post("/v1/users", &body)?;
            if *as_json {
                output::json(&user)?;
            } else {
                output::print(&format!("{name} may sign in as {role}"))?;
                made(&user)?;
            }
            Ok(Ended::Done)
        }
        Command::List { json } => {
            output::rows(*json, &client.list("/v1/users", crate::limits::LIST_ROWS_MAX)?, "No user yet: `lastbuy user add NAME --role admin`.", table)
        }
        Command::Disable { name, undo } => {
            let what = if *undo { "enable" } else { "disable" };
            client.post(&format!("/v1/users/{}/{what}", escape(name)), &json!({}))?;
            output::print(&format!("{name} is {what}d"))?;
            Ok(Ended::Done)
        }
        Command::Password { name, password_stdin } => {
            let password = given(*password_stdin)?;
            let user = client.post(&format!("/v1/users/{}/password", escape(name)), &json!({ "password": password }))?;
            output::print(&format!("{name} has another password, and every session of {name} is over"))?;
            made(&user)?;
            Ok(Ended::Done)
        }
        Command::Role { name, role } => {
            client.post(&format!("/v1/users/{}/role", escape(name)), &json!({ "role": role }))?;
            output::print(&format!("{name} is {role}"))?;
            Ok(Ended::Done)
        }
    }
}

/// A password that was made here.
fn made(user: &Value) -> anyhow::Result<()> {
    match user.get("password").and_then(Value::as_str) {
        Some(password) => output::print(&format!("password, told this once: {password}")),
        None => Ok(()),
    }
}

fn table(users: &[Value]) -> String {
    let rows = users.iter().map(|user| {
        let state = match (user["disabled"].as_bool(), user["active"].as_bool()) {
            (Some(true), _) => "disabled",
            (_, Some(false)) => "expired",
            _ => "active",
        };
        let signs_in = if user["has_password"] == Value::Bool(true) { "by password" } else { "by token only" };
        vec![output::text(user, "/name"), output::text(user, "/role"), state.to_owned(), signs_in.to_owned(), output::text(user, "/expires")]
    });
    output::table(&["name", "role", "state", "signs in", "until"], &[], rows.collect())
}
