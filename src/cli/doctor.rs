//! `lastbuy doctor`: is the installation in order?

use serde_json::json;

use super::{CommandResult, Context, Ended, client::Client, output};
use crate::{app, llm, store::Store};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Verify every record and body, and rebuild what is derived from the log to compare; the server must not run.
    #[arg(long)]
    deep: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    let mut findings: Vec<(String, Result<String, String>)> = Vec::new();
    let config = context.config();
    findings.push((
        "configuration".to_owned(),
        config.as_ref().map(|config| format!("in order, {}", config.listen)).map_err(|error| format!("{error:#}")),
    ));
    if let Ok(config) = &config {
        let model = app::model_file(config).map_err(|error| error.to_string());
        let model = model.and_then(|path| llm::verify_model(&path).map_err(|error| error.to_string()));
        findings.push((
            "model".to_owned(),
            model.map(|model| format!("{}{}", model.name, if model.is_default { ", the default one, unchanged" } else { ", not the default one" })),
        ));
    }
    for aside in kept_aside(context) {
        let detail = "an opening found the database damaged, kept it here and made it anew from the log; delete it once `doctor --deep` is content";
        findings.push((format!("{aside} is kept"), Ok(detail.to_owned())));
    }
    findings.push(("store".to_owned(), if args.deep { deep(context) } else { shallow(context) }));
    let failed = findings.iter().any(|(_, found)| found.is_err());
    if args.json {
        let rows: Vec<_> = findings
            .iter()
            .map(|(what, found)| json!({ "what": what, "ok": found.is_ok(), "detail": found.as_ref().unwrap_or_else(|detail| detail) }))
            .collect();
        output::json(&json!({ "ok": !failed, "findings": rows }))?;
    } else {
        for (what, found) in &findings {
            match found {
                Ok(detail) => output::print(&format!("ok    {what}: {detail}"))?,
                Err(detail) => output::print(&format!("WRONG {what}: {detail}"))?,
            }
        }
    }
    Ok(if failed { Ended::Failed } else { Ended::Done })
}

/// Copies of damaged databases that openings kept.
fn kept_aside(context: &Context) -> Vec<String> {
    let names = std::fs::read_dir(&context.data_dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut found: Vec<String> = names.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with("db.damaged-")).collect();
    found.sort();
    found
}

fn shallow(context: &Context) -> Result<String, String> {
    let client = Client::connect(context, false).map_err(|error| format!("{error:#}"))?;
    let counts = client.get("/v1/jobs/counts").map_err(|error| format!("{error:#}"));
    client.close().map_err(|error| format!("{error:#}"))?;
    Ok(format!("answers; jobs by state {}", counts?))
}

fn deep(context: &Context) -> Result<String, String> {
    let store = Store::open(&context.data_dir).map_err(|error| error.to_string())?;
    let check = store.check(true);
    store.close().map_err(|error| error.to_string())?;
    let check = check.map_err(|error| error.to_string())?;
    if check.problems.is_empty() {
        Ok(format!("{} records and {} bodies verified, projections rebuilt and equal", check.records, check.blobs))
    } else {
        Err(check.problems.join("; "))
    }
}
