//! `lastbuy ingest`: files by the path a webhook takes.

use std::{io::Read, path::PathBuf, time::Duration};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::{
    CommandResult, Context, Ended,
    client::{Client, escape},
    output,
};
use crate::{intake, limits};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files to take; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Take them as if this source had sent them (siliconexpert, email, cloudevents, generic, …).
    #[arg(long, default_value = "file")]
    source: String,
    /// Wait until each is read, matched and assessed, or needs a person.
    #[arg(long)]
    wait: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    let bodies = args.files.iter().map(|path| body(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let (answers, refused) = Client::during(context, args.wait, |client| take_all(args, bodies, client))?;
    if args.json {
        output::json(&Value::Array(answers))?;
    } else {
        for answer in &answers {
            let duplicate = if answer.get("duplicate") == Some(&Value::Bool(true)) { " (known already)" } else { "" };
            output::print(&format!("{}{duplicate}", output::text(answer, "/event_id")))?;
        }
    }
    Ok(if refused { Ended::Failed } else { Ended::Done })
}

/// What each file was answered, and whether one was refused.
fn take_all(args: &Args, bodies: Vec<Vec<u8>>, client: &Client) -> anyhow::Result<(Vec<Value>, bool)> {
    let mut answers = Vec::new();
    let mut refused = false;
    for (path, bytes) in args.files.iter().zip(bodies) {
        match take(client, &args.source, &file_name(path), bytes) {
            Ok(answer) => answers.push(answer),
            Err(error) => {
                refused = true;
                output::note(&format!("{}: {error:#}", path.display()));
            }
        }
    }
    if args.wait {
        let jobs: Vec<String> = answers.iter().filter_map(|answer| answer.get("job_id")?.as_str().map(str::to_owned)).collect();
        wait(client, &jobs)?;
    } else if client.is_own() && !answers.is_empty() {
        output::note("On disk. No server runs here: `lastbuy serve` will work on it, or use --wait.");
    }
    Ok((answers, refused))
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn body(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = limits::BODY_BYTES_MAX as u64 + 1;
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
        file.take(most).read_to_end(&mut bytes).with_context(|| format!("{} cannot be read", path.display()))?;
    }
    anyhow::ensure!(bytes.len() as u64 != most, "{} is larger than the limit of {} bytes", path.display(), limits::BODY_BYTES_MAX);
    Ok(bytes)
}

/// Hands one body in; the answer is that of a webhook.
pub fn take(client: &Client, source: &str, file_name: &str, bytes: Vec<u8>) -> anyhow::Result<Value> {
    let path = format!("/v1/ingest?source={}&file_name={}", escape(source), escape(file_name));
    client.post_bytes(&path, intake::content_type_of(file_name), bytes)
}

/// Shows a progress bar until every job is done or waits for a person.
pub fn wait(client: &Client, jobs: &[String]) -> anyhow::Result<Vec<Value>> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} notices  {elapsed}  {msg}")?;
    let bar = ProgressBar::new(jobs.len() as u64).with_style(style);
    let mut settled = Vec::new();
    for id in jobs {
        loop {
            let job = client.get(&format!("/v1/jobs/{id}"))?;
            let state = output::state(job.get("state"));
            if matches!(state.as_str(), "done" | "review" | "dead" | "cancelled") {
                settled.push(job);
                bar.inc(1);
                break;
            }
            bar.set_message(format!("{id}: {}", output::text(&job, "/step")));
            client.pause(Duration::from_millis(50));
        }
    }
    bar.finish_and_clear();
    Ok(settled)
}
