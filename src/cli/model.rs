//! `lastbuy model`: model files.

use std::path::PathBuf;

use serde_json::json;

use super::{CommandResult, Context, Ended, output};
use crate::{app, llm};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Models that are found, in the order they would be used.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Read a model file whole and compare it with its known checksum.
    Verify {
        /// The file; without it the one in use.
        file: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    let config = context.config()?;
    match &args.command {
        Command::List { json: as_json } => {
            let models = llm::find_models(&app::model_dirs(&config)).into_iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
            output::rows(*as_json, &models, "No model was found: models/README.md says where the default one comes from.", |models| {
                let rows = models
                    .iter()
                    .map(|model| ["/name", "/bytes", "/licence", "/context_tokens", "/path"].map(|pointer| output::text(model, pointer)).to_vec());
                output::table(&["model", "bytes", "licence", "context", "file"], &[1, 3], rows.collect())
            })
        }
        Command::Verify { file, json: as_json } => {
            let path = match file {
                Some(path) => path.clone(),
                None => app::model_file(&config)?,
            };
            let model = llm::verify_model(&path)?;
            if *as_json {
                output::json(&json!({ "model": model, "expected_sha256": llm::DEFAULT_MODEL_SHA256 }))?;
            } else if model.is_default {
                output::print(&format!("{} is the default model, unchanged (SHA-256 {})", path.display(), model.sha256))?;
            } else {
                output::print(&format!("{} is a model of its own, not the default one (SHA-256 {})", path.display(), model.sha256))?;
            }
            Ok(Ended::Done)
        }
    }
}
