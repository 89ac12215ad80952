//! The command line: one file a command, and the only place that prints. Reading a command is reading its file; this one only says which there are.
//!
//! Commands that need the store speak HTTP to the running server through `<data-dir>/admin.sock`; where none runs, the same server is started inside this
//! process for as long as the command lasts (`client`), so there is one way to do a thing.

mod audit;
mod backup;
mod cases;
mod cef;
mod client;
mod compact;
mod config;
mod data;
mod demo;
mod diff;
mod doctor;
mod eval;
mod events;
mod impact;
pub mod impact_export;
mod impact_risk_text;
pub mod impact_text;
mod ingest;
mod jobs;
pub mod ltb;
mod model;
mod notify;
mod output;
mod quarantine;
mod read;
mod release;
mod replay;
mod review;
mod serve;
mod service;
mod token;
mod transfer;
mod update;
mod user;
mod where_used;

use std::{os::unix::fs::MetadataExt, path::PathBuf, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, parser::ValueSource};

use crate::{
    config::{Config, SYSTEM_DATA_DIR},
    intake,
};

/// What a discontinued component means for this factory: dates, demand, margin at risk and the last-time buy, on one machine, without internet.
#[derive(Debug, Parser)]
#[command(name = "lastbuy", version, propagate_version = true)]
struct Cli {
    /// Configuration file; `lastbuy config show` prints what is in force.
    #[arg(long, global = true, env = "LASTBUY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the log, the bodies and the datasets are kept.
    #[arg(long, global = true, env = "LASTBUY_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Model file, instead of the configured or found one; for `replay`, the model to read with this time.
    #[arg(long, global = true, env = "LASTBUY_MODEL", value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a sample factory and sample notices through the whole pipeline, in a temporary data directory.
    Demo(demo::Args),
    /// Run the appliance: take notices, work on them, show what they mean.
    Serve(serve::Args),
    /// Take files as if they had come by webhook; prints event ids.
    Ingest(ingest::Args),
    /// Read a file and print the notices in it with their evidence; nothing is stored.
    Read(read::Args),
    /// Score the reading of a folder of labelled documents.
    Eval(eval::Args),
    /// What arrived.
    Events(events::Args),
    /// The work on what arrived.
    Jobs(jobs::Args),
    /// Deliveries that were refused for what they hold: list, show, release, drop.
    Quarantine(quarantine::Args),
    /// Work again on what arrived, from any step.
    Replay(replay::Args),
    /// The factory's data.
    Data(data::Args),
    /// Where a part is used.
    WhereUsed(where_used::Args),
    /// Obsolescence matters.
    Cases(cases::Args),
    /// Readings that wait for a person.
    Review(review::Args),
    /// Who may sign in.
    User(user::Args),
    /// Keys by which programs act for a user.
    Token(token::Args),
    /// Profit-and-loss statements and how each figure came about.
    Impact(impact::Args),
    /// The last-time-buy calculator.
    Ltb(ltb::Args),
    /// Model files.
    Model(model::Args),
    /// What people were told, and what could not be told.
    Notify(notify::Args),
    /// Who did what to which object and when.
    Audit(audit::Args),
    /// Copies of everything the store keeps.
    Backup(backup::Args),
    /// Make a signed bundle for the other side of an air gap: notices that arrived here, or reports.
    Export(transfer::Export),
    /// Take a signed bundle from the other side of an air gap: notices into the queue, or with --to reports into a folder.
    Import(transfer::Import),
    /// A newer release without internet: check a signed bundle, or put it in this one's place.
    Update(update::Args),
    /// Give back the room of what is no longer needed; the server must not run.
    Compact(compact::Args),
    /// The configuration in force.
    Config(config::Args),
    /// Check the installation, and with --deep every record and body.
    Doctor(doctor::Args),
    /// What a release is made with: man page, completions, the models in the program.
    #[command(hide = true)]
    Release(release::Args),
}

/// How a command ended, other than by an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Done,
    /// Nothing matched: exit code 3.
    Nothing,
    /// It ran, and what it checked is not in order: exit code 1, already explained.
    Failed,
}

type CommandResult = anyhow::Result<Ended>;

/// What every command gets.
struct Context {
    config_file: Option<PathBuf>,
    data_dir: PathBuf,
    /// Named by the operator, not our default.
    data_dir_given: bool,
    model: Option<PathBuf>,
    /// What `replay --model` names.
    pinned_model: Option<String>,
}

impl Context {
    fn config(&self) -> anyhow::Result<Config> {
        let mut config = Config::load(self.config_file.as_deref(), self.data_dir.clone(), intake::sources())?;
        if let Some(model) = &self.model {
            config.written.model.file = model.display().to_string();
        }
        Ok(config)
    }
}

pub fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let mut cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    // A model named on the line of a replay is for that replay; the program's own is what the environment says.
    let pins = matches!(cli.command, Command::Replay(_)) && matches.value_source("model") == Some(ValueSource::CommandLine);
    let pinned = if pins { std::mem::replace(&mut cli.model, std::env::var_os("LASTBUY_MODEL").map(PathBuf::from)) } else { None };
    let context = Context {
        pinned_model: pinned.map(|model| model.to_string_lossy().into_owned()),
        config_file: cli.config,
        data_dir_given: cli.data_dir.is_some(),
        data_dir: cli.data_dir.unwrap_or_else(default_data_dir),
        model: cli.model,
    };
    match run(cli.command, &context) {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Failed) => ExitCode::from(1),
        Ok(Ended::Nothing) => ExitCode::from(3),
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::from(client::exit_code(&error))
        }
    }
}

fn run(command: Command, context: &Context) -> CommandResult {
    match command {
        Command::Demo(args) => demo::run(&args, context),
        Command::Serve(args) => serve::run(&args, context),
        Command::Ingest(args) => ingest::run(&args, context),
        Command::Read(args) => read::run(&args, context),
        Command::Eval(args) => eval::run(&args, context),
        Command::Events(args) => events::run(&args, context),
        Command::Jobs(args) => jobs::run(&args, context),
        Command::Quarantine(args) => quarantine::run(&args, context),
        Command::Replay(args) => replay::run(&args, context),
        Command::Data(args) => data::run(&args, context),
        Command::WhereUsed(args) => where_used::run(&args, context),
        Command::Cases(args) => cases::run(&args, context),
        Command::Review(args) => review::run(&args, context),
        Command::User(args) => user::run(&args, context),
        Command::Token(args) => token::run(&args, context),
        Command::Impact(args) => impact::run(&args, context),
        Command::Ltb(args) => output::ltb(&args),
        Command::Model(args) => model::run(&args, context),
        Command::Notify(args) => notify::run(&args, context),
        Command::Audit(args) => audit::run(&args, context),
        Command::Backup(args) => backup::run(&args, context),
        Command::Export(args) => transfer::export(&args, context),
        Command::Import(args) => transfer::import(&args, context),
        Command::Update(args) => update::run(&args, context),
        Command::Compact(args) => compact::run(&args, context),
        Command::Config(args) => config::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Release(args) => release::run(&args),
    }
}

/// The system's data directory for root and for the user that it belongs to, the user's data folder for everybody else.
fn default_data_dir() -> PathBuf {
    let system = PathBuf::from(SYSTEM_DATA_DIR);
    let user = rustix::process::geteuid();
    if user.is_root() || system.metadata().is_ok_and(|metadata| metadata.uid() == user.as_raw()) {
        return system;
    }
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    data.or(home).unwrap_or_else(|| PathBuf::from(".")).join("lastbuy")
}
