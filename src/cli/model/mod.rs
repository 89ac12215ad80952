//! `lastbuy model`: which models there are, and putting another in place of the one in use.

mod trial;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{
    CommandResult, Context, Ended,
    client::{Client, escape},
    output::{self, Bar},
};
use crate::{app, child::Program, llm, store::Progress};

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
    /// Copy a GGUF file into the data directory, once it was loaded in the sandbox. It is used only after `model use`.
    Add {
        file: PathBuf,
        /// The licence under which you may use it, where the file names none.
        #[arg(long)]
        licence: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Read what people confirmed here with this model and with the one in use, and tell what would be read better and worse.
    Trial {
        /// Name, file name or beginning of the SHA-256.
        name: String,
        /// Cases, newest first.
        #[arg(long, default_value_t = crate::limits::TRIAL_CASES_MAX)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// Read with this model from now on; a running server takes it up with its next notice.
    Use {
        /// Name, file name or beginning of the SHA-256.
        name: String,
        /// Also a model that was never tried here.
        #[arg(long)]
        untried: bool,
        #[arg(long)]
        json: bool,
    },
    /// Measure how fast a model is here, beside the one in use.
    Bench {
        /// Name, file name or beginning of the SHA-256; without it only the one in use.
        name: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Take one of the site's own models away, never the one in use.
    Remove {
        /// Name, file name or beginning of the SHA-256.
        name: String,
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
    match &args.command {
        Command::List { json } => list(context, *json),
        Command::Add { file, licence, json } => add(context, file, licence.as_deref(), *json),
        Command::Trial { name, limit, json } => trial::run(context, name, *limit, *json),
        Command::Use { name, untried, json } => {
            let answer = act(context, name, "use", &json!({ "untried": untried }))?;
            told(*json, &answer, "is in use from now on")
        }
        Command::Bench { name, json } => bench(context, name.as_deref(), *json),
        Command::Remove { name, json } => {
            let answer = act(context, name, "remove", &json!({}))?;
            told(*json, &answer, "was removed")
        }
        Command::Verify { file, json } => verify(context, file.as_ref(), *json),
    }
}

/// An act of the server's on one model.
fn act(context: &Context, name: &str, act: &str, body: &Value) -> anyhow::Result<Value> {
    // Found here first: a name may hold what a path may not.
    let model = app::shelf(&context.config()?).named(name)?;
    Client::during(context, false, |client| client.post(&format!("/v1/models/{}/{act}", escape(&model.sha256)), body))
}

fn told(as_json: bool, model: &Value, what: &str) -> CommandResult {
    if as_json {
        output::json(model)?;
    } else {
        output::print(&format!("{} {what} (SHA-256 {})", output::text(model, "/path"), output::text(model, "/sha256")))?;
    }
    Ok(Ended::Done)
}

/// Looks at the files alone, so that it also answers where no store can be opened.
fn list(context: &Context, as_json: bool) -> CommandResult {
    let shelf = app::shelf(&context.config()?);
    let in_use = shelf.in_use()?.and_then(|path| path.canonicalize().ok());
    let row = |model: llm::ModelInfo| {
        let is_in_use = in_use.is_some() && model.path.canonicalize().ok() == in_use;
        let mut row = serde_json::to_value(model)?;
        row["in_use"] = json!(is_in_use);
        Ok(row)
    };
    let models = shelf.list().into_iter().map(row).collect::<Result<Vec<Value>, serde_json::Error>>()?;
    output::rows(as_json, &models, "No model was found: models/README.md says where the default one comes from.", |models| {
        let cells = |model: &Value| {
            let mut cells = ["/name", "/bytes", "/architecture", "/quantisation", "/context_tokens", "/licence", "/path"]
                .map(|pointer| output::text(model, pointer))
                .to_vec();
            cells.insert(0, if model["in_use"] == true { "in use".to_owned() } else { String::new() });
            cells
        };
        output::table(&["", "model", "bytes", "architecture", "stored as", "context", "licence", "file"], &[2, 5], models.iter().map(cells).collect())
    })
}

fn add(context: &Context, file: &std::path::Path, licence: Option<&str>, as_json: bool) -> CommandResult {
    let config = context.config()?;
    let shelf = app::shelf(&config);
    let bar = Bar::of_bytes();
    let added = shelf.add(file, licence, &mut |copied| bar.show(Progress { what: "copied", done: copied.bytes, total: copied.of }));
    bar.done();
    let model = added?;
    Client::during(context, false, |client| client.post("/v1/models", &json!({ "sha256": model.sha256 })))?;
    if as_json {
        output::json(&serde_json::to_value(&model)?)?;
        return Ok(Ended::Done);
    }
    let said = |value: Option<String>| value.unwrap_or_else(|| "not said".to_owned());
    let template = model.chat_template.as_ref().map_or_else(
        || "none".to_owned(),
        |template| format!("{} characters, not used: questions are asked as plain text", template.chars().count()),
    );
    output::print(&format!(
        "{} was added, and loads; it is not in use yet\n  file           {}\n  SHA-256        {}\n  licence        {}\n  architecture   {}\n  parameters     {}\n  stored as      {}\n  context        {}\n  chat template  {template}",
        model.name,
        model.path.display(),
        model.sha256,
        said(model.licence.clone()),
        said(model.architecture.clone()),
        said(model.parameters.map(|count| count.to_string())),
        said(model.quantisation.clone()),
        said(model.context_tokens.map(|tokens| format!("{tokens} tokens"))),
    ))?;
    output::note(&format!("Next: `lastbuy model trial {0}`, then `lastbuy model use {0}`.", model.weights()));
    Ok(Ended::Done)
}

fn bench(context: &Context, name: Option<&str>, as_json: bool) -> CommandResult {
    let config = context.config()?;
    let (shelf, threads) = (app::shelf(&config), app::model_threads(&config));
    let mut models = vec![llm::verify_model(&app::model_file(&config)?)?];
    if let Some(name) = name {
        let model = shelf.named(name)?;
        if model.sha256 != models[0].sha256 {
            models.insert(0, model);
        }
    }
    let last = models.len() - 1;
    let mut rows = Vec::new();
    for (number, model) in models.iter().enumerate() {
        output::note(&format!("Measuring {} with {threads} threads.", model.weights()));
        let speed = llm::measure(Program::this(), model, threads)?;
        let mut row = serde_json::to_value(speed)?;
        row["model"] = json!(model.weights());
        row["sha256"] = json!(model.sha256);
        row["threads"] = json!(threads);
        row["in_use"] = json!(number == last);
        rows.push(row);
    }
    output::rows(as_json, &rows, "", |rows| {
        let figure = |row: &Value, key: &str, digits: usize| row[key].as_f64().map_or_else(|| "–".to_owned(), |figure| format!("{figure:.digits$}"));
        let cells = |row: &Value| {
            let name = output::text(row, "/model") + if row["in_use"] == true { " (in use)" } else { "" };
            let memory = row["memory_bytes"].as_u64().map_or_else(|| "–".to_owned(), |bytes| (bytes >> 20).to_string());
            vec![name, figure(row, "load_seconds", 2), figure(row, "prompt_tokens_per_second", 0), figure(row, "questions_per_second", 1), memory]
        };
        output::table(&["model", "loaded in s", "prompt tokens/s", "questions/s", "memory in MiB"], &[1, 2, 3, 4], rows.iter().map(cells).collect())
    })
}

fn verify(context: &Context, file: Option<&PathBuf>, as_json: bool) -> CommandResult {
    let path = match file {
        Some(path) => path.clone(),
        None => app::model_file(&context.config()?)?,
    };
    let model = llm::verify_model(&path)?;
    if as_json {
        output::json(&json!({ "model": model, "expected_sha256": llm::DEFAULT_MODEL_SHA256 }))?;
    } else if model.is_default {
        output::print(&format!("{} is the default model, unchanged (SHA-256 {})", path.display(), model.sha256))?;
    } else {
        output::print(&format!("{} is a model of its own, not the default one (SHA-256 {})", path.display(), model.sha256))?;
    }
    Ok(Ended::Done)
}
