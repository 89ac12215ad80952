//! `lastbuy data`: the factory's data, in versioned, immutable imports.

use std::path::PathBuf;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{CommandResult, Context, Ended, client::Client, output};
use crate::{
    clock,
    domain::factory::FactoryData,
    factory::{self, Bom, ImportReport},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read factory files into a new dataset and put it in force; open cases are assessed again by themselves.
    Import {
        /// Folders or files: products.csv, items.csv, bom.csv, aml.csv, demand.csv, stock.csv, rates.csv, site.toml.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Read factory files and report, storing nothing.
    Check {
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Datasets, newest first.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Put another dataset in force.
    Use {
        #[arg(id = "dataset", value_name = "VERSION")]
        version: String,
    },
    /// Write template files into a folder.
    Template { dir: PathBuf },
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    match &args.command {
        Command::Import { paths, json } => {
            let (data, report) = read(paths)?;
            if !report.unusable.is_empty() {
                show(*json, &report, &data, None)?;
                anyhow::bail!("no line of {} could be taken: nothing was imported", report.unusable.join(", "));
            }
            let client = Client::connect(context, false)?;
            let registered = register(&client, context, &data, &report);
            client.close()?;
            let id = output::text(&registered?, "/id");
            show(*json, &report, &data, Some(&id))?;
            Ok(Ended::Done)
        }
        Command::Check { paths, json } => {
            let (data, report) = read(paths)?;
            show(*json, &report, &data, None)?;
            Ok(if report.refused == 0 && report.unusable.is_empty() { Ended::Done } else { Ended::Failed })
        }
        Command::List { json } => {
            let client = Client::connect(context, false)?;
            let datasets = client.list("/v1/datasets", usize::MAX);
            client.close()?;
            output::rows(
                *json,
                &datasets?,
                "No dataset yet: `lastbuy data template DIR` shows the files, `lastbuy data import DIR` reads them.",
                |datasets| {
                    let rows = datasets.iter().map(|row| {
                        ["/id", "/imported_at", "/by", "/products", "/items", "/bom_lines", "/refused_lines", "/active"]
                            .map(|pointer| output::text(row, pointer))
                            .to_vec()
                    });
                    output::table(
                        &["dataset", "imported", "by", "products", "items", "BOM lines", "refused lines", "in force"],
                        &[3, 4, 5, 6],
                        rows.collect(),
                    )
                },
            )
        }
        Command::Use { version } => {
            let client = Client::connect(context, false)?;
            let used = client.post(&format!("/v1/datasets/{version}/use"), &json!({}));
            client.close()?;
            used?;
            output::print(&format!("{version} is in force"))?;
            Ok(Ended::Done)
        }
        Command::Template { dir } => {
            for path in factory::write_templates(dir).with_context(|| format!("templates cannot be written to {}", dir.display()))? {
                output::print(&path.display().to_string())?;
            }
            Ok(Ended::Done)
        }
    }
}

fn read(paths: &[PathBuf]) -> anyhow::Result<(FactoryData<Bom>, ImportReport)> {
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {elapsed}")?);
    let read = factory::import(paths, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    Ok(read?)
}

/// Writes the dataset file and has the store take it in.
pub fn register(client: &Client, context: &Context, data: &FactoryData<Bom>, report: &ImportReport) -> anyhow::Result<Value> {
    let dir = context.data_dir.join("datasets");
    std::fs::create_dir_all(&dir)?;
    let file = format!("{}-{}.dataset", clock::now_ms(), std::process::id());
    let checksum = factory::write_dataset(data, &dir.join(&file)).with_context(|| format!("{} cannot be written", dir.join(&file).display()))?;
    client.post(
        "/v1/datasets",
        &json!({
            "file": file, "checksum": checksum, "products": data.products.len(), "items": data.items.len(),
            "bom_lines": data.bom.len(), "refused_lines": report.refused,
        }),
    )
}

fn show(as_json: bool, report: &ImportReport, data: &FactoryData<Bom>, id: Option<&str>) -> anyhow::Result<()> {
    if as_json {
        return output::json(&json!({ "dataset": id, "report": report }));
    }
    let rows = report.files.iter().map(|(name, read, taken)| vec![name.clone(), read.to_string(), taken.to_string()]).collect();
    output::print(&output::table(&["file", "lines", "taken"], &[1, 2], rows))?;
    for problem in &report.problems {
        let column = problem.column.as_deref().map(|column| format!(", {column}")).unwrap_or_default();
        let kind = if problem.refused { "refused" } else { "doubtful" };
        let line = if problem.line == 0 { String::new() } else { format!(" line {}", problem.line) };
        output::print(&format!("{kind}: {}{line}{column}: {}", problem.file, problem.what))?;
    }
    for (reason, count) in &report.not_kept {
        output::print(&format!("and {count} more: {reason}"))?;
    }
    let dataset = id.map(|id| format!("Dataset {id} is in force: ")).unwrap_or_default();
    output::print(&format!(
        "{dataset}{} products, {} items, {} BOM lines, {} approved parts; {} lines refused, {} doubtful.",
        data.products.len(),
        data.items.len(),
        data.bom.len(),
        data.aml.len(),
        report.refused,
        report.doubtful
    ))
}
