//! `lastbuy config`: what is in force, and whether it can be used.

use serde_json::json;

use super::{CommandResult, Context, Ended, output};
use crate::{app, config::DEFAULT};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the configuration in force; with --default the commented file to start from.
    Show {
        #[arg(long, conflicts_with = "json")]
        default: bool,
        #[arg(long)]
        json: bool,
    },
    /// Say whether the configuration can be used, and otherwise which key is wrong.
    Check,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    match &args.command {
        Command::Show { default: true, .. } => output::print(DEFAULT)?,
        Command::Show { json: as_json, .. } => {
            let config = context.config()?;
            if *as_json {
                output::json(&json!({ "data_dir": config.data_dir, "files": config.files, "config": config.written }))?;
            } else {
                let files: Vec<String> = config.files.iter().map(|file| file.display().to_string()).collect();
                let from = if files.is_empty() { "the defaults inside the program".to_owned() } else { files.join(", ") };
                output::print(&format!("# from {from}\n# data directory {}\n{}", config.data_dir.display(), config.show()))?;
            }
        }
        Command::Check => {
            let config = context.config()?;
            app::gate(&config)?;
            let mails = config.smtp.as_ref().map(|smtp| format!(", take mails on {}", smtp.listen)).unwrap_or_default();
            let folder = config.inbox.as_ref().map(|inbox| format!(", watch {}", inbox.folder.display())).unwrap_or_default();
            output::print(&format!(
                "The configuration is in order: it would listen on {}{mails}{folder}, data in {}.",
                config.listen,
                config.data_dir.display()
            ))?;
            if !config.listen.ip().is_loopback() && config.tls.is_none() {
                output::note(&format!(
                    "warning: {} can be reached from other machines and is not encrypted: name a certificate in [tls], or serve behind a proxy that has one",
                    config.listen
                ));
            }
        }
    }
    Ok(Ended::Done)
}
