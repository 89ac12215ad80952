//! `lastbuy data`: the factory's data, in versioned, immutable imports.

use std::path::PathBuf;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{CommandResult, Context, Ended, client::Client, output};
use crate::{
    clock,
    domain::factory::FactoryData,
    factory::{self, Bom, DatasetDiff, Days, ImportOptions, ImportReport, Mapping, Mark, RowDiff},
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
        #[command(flatten)]
        files: Files,
        #[arg(long)]
        json: bool,
    },
    /// Read factory files and report every line that is refused or doubtful, storing nothing.
    Check {
        #[command(flatten)]
        files: Files,
        #[arg(long)]
        json: bool,
    },
    /// Datasets, newest first.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Put another dataset in force, such as an earlier one; open cases are assessed again by themselves.
    Use {
        #[arg(value_name = "VERSION")]
        dataset: String,
    },
    /// What differs between two datasets, row by row.
    Diff {
        before: String,
        after: String,
        #[arg(long)]
        json: bool,
    },
    /// Write a dataset as the plain files into an empty folder; they import as the same data.
    Export {
        dir: PathBuf,
        /// Without it the one in force.
        #[arg(long)]
        dataset: Option<String>,
    },
    /// Write template files into a folder.
    Template { dir: PathBuf },
}

/// Which files, and how they are written.
#[derive(Debug, clap::Args)]
struct Files {
    /// Folders or files: products.csv, items.csv, bom.csv, aml.csv, demand.csv, stock.csv, rates.csv (each also as .xlsx), site.toml; with a mapping its exports.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What the columns of another system's exports are: sap, odoo, oracle, or a TOML file of your own (ours are in assets/mappings).
    #[arg(long, value_name = "NAME|FILE")]
    mapping: Option<String>,
    /// Decimal mark of numbers in text files: point (1,234.5) or comma (1.234,5); without it a point and no marks of thousands, or as the mapping says.
    #[arg(long, value_name = "MARK")]
    decimal: Option<Mark>,
    /// How days are written, for example DD.MM.YYYY; without it YYYY-MM-DD, or as the mapping says.
    #[arg(long, value_name = "FORM")]
    days: Option<Days>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    match &args.command {
        Command::Import { files, json } => {
            let (data, report) = read(files)?;
            if !report.unusable.is_empty() {
                show(*json, &report, &data, None)?;
                anyhow::bail!("no line of {} could be taken: nothing was imported", report.unusable.join(", "));
            }
            let registered = Client::during(context, false, |client| import(client, context, &data, &report))?;
            show(*json, &report, &data, Some(&registered))?;
            Ok(Ended::Done)
        }
        Command::Check { files, json } => {
            let (data, report) = read(files)?;
            show(*json, &report, &data, None)?;
            Ok(if report.refused == 0 && report.unusable.is_empty() { Ended::Done } else { Ended::Failed })
        }
        Command::List { json } => {
            let datasets = Client::during(context, false, |client| client.list("/v1/datasets", usize::MAX));
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
        Command::Use { dataset } => {
            let used = Client::during(context, false, |client| client.post(&format!("/v1/datasets/{dataset}/use"), &json!({})));
            used?;
            output::print(&format!("{dataset} is in force"))?;
            Ok(Ended::Done)
        }
        Command::Diff { before, after, json } => {
            let rows = Client::during(context, false, |client| client.list("/v1/datasets", usize::MAX));
            let rows = rows?;
            let found = factory::diff_datasets(&open(context, &rows, Some(before))?, &open(context, &rows, Some(after))?)?;
            if *json {
                output::json(&json!(found))?;
            } else {
                show_diff(&found)?;
            }
            Ok(if found.is_empty() { Ended::Nothing } else { Ended::Done })
        }
        Command::Export { dir, dataset } => {
            let rows = Client::during(context, false, |client| client.list("/v1/datasets", usize::MAX));
            let data = open(context, &rows?, dataset.as_deref())?;
            for path in factory::export_dataset(&data, dir).with_context(|| format!("the dataset cannot be written to {}", dir.display()))? {
                output::print(&path.display().to_string())?;
            }
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

fn read(files: &Files) -> anyhow::Result<(FactoryData<Bom>, ImportReport)> {
    let mapping = files.mapping.as_deref().map(Mapping::named).transpose().map_err(anyhow::Error::msg)?;
    let options = ImportOptions { mapping, decimal: files.decimal, days: files.days };
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {elapsed}, {eta} left")?;
    let bar = ProgressBar::new(0).with_style(style);
    let read = factory::import_with(&files.paths, &options, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    Ok(read?)
}

/// A dataset from its file; without a name the one in force.
fn open(context: &Context, rows: &[Value], named: Option<&str>) -> anyhow::Result<FactoryData<Bom>> {
    let is_wanted = |row: &&Value| match named {
        Some(id) => output::text(row, "/id").eq_ignore_ascii_case(id),
        None => row.get("active").and_then(Value::as_bool) == Some(true),
    };
    let row = rows.iter().find(is_wanted).with_context(|| match named {
        Some(id) => format!("there is no dataset {id}: `lastbuy data list` shows which are"),
        None => "there is no factory data yet: `lastbuy data import DIR` reads it".to_owned(),
    })?;
    let checksum = output::text(row, "/checksum").parse()?;
    Ok(factory::read_dataset(&context.data_dir.join("datasets").join(output::text(row, "/file")), checksum)?)
}

fn show_diff(diff: &DatasetDiff) -> anyhow::Result<()> {
    for (table, rows) in diff.tables.iter().filter(|(_, table)| table.added + table.removed + table.changed > 0) {
        output::print(&format!("{table}: {} added, {} removed, {} changed", rows.added, rows.removed, rows.changed))?;
        for row in &rows.rows {
            output::print(&match row {
                RowDiff::Added { key, .. } => format!("  + {key}"),
                RowDiff::Removed { key, .. } => format!("  - {key}"),
                RowDiff::Changed { key, fields } => {
                    let text = |value: &Value| output::text(value, "");
                    let fields: Vec<String> =
                        fields.iter().map(|field| format!("{} {} → {}", field.field, text(&field.before), text(&field.after))).collect();
                    format!("  ~ {key}: {}", fields.join(", "))
                }
            })?;
        }
        let shown = rows.rows.len() as u64;
        let all = rows.added + rows.removed + rows.changed;
        if all > shown {
            output::print(&format!("  … and {} more", all - shown))?;
        }
    }
    if diff.is_empty() { output::print("The two datasets hold the same.") } else { Ok(()) }
}

/// What the store says of the new dataset, and what it means for the parts of open cases.
fn import(client: &Client, context: &Context, data: &FactoryData<Bom>, report: &ImportReport) -> anyhow::Result<Value> {
    let rows = client.list("/v1/datasets", usize::MAX)?;
    let before = rows.iter().find(|row| row.get("active").and_then(Value::as_bool) == Some(true)).map(|row| output::text(row, "/id"));
    let registered = register(client, context, data, report)?;
    let id = output::text(&registered, "/id");
    let turned = before.map(|before| client.get(&format!("/v1/datasets/{id}/turned?before={before}"))).transpose()?;
    Ok(json!({ "id": id, "turned": turned }))
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

fn show(as_json: bool, report: &ImportReport, data: &FactoryData<Bom>, registered: Option<&Value>) -> anyhow::Result<()> {
    let id = registered.map(|registered| output::text(registered, "/id"));
    let turned = registered.and_then(|registered| registered.get("turned"));
    if as_json {
        return output::json(&json!({ "dataset": id, "report": report, "turned": turned }));
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
    for note in &report.notes {
        output::print(note)?;
    }
    for (way, now) in [("known", "known now, and was not"), ("unknown", "unknown now, and was known")] {
        let parts = turned.and_then(|turned| turned.get(way)).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for part in parts {
            let maker = part.get("maker").and_then(Value::as_str).map(|maker| format!("{maker} ")).unwrap_or_default();
            output::print(&format!("{maker}{} of {} is {now}", output::text(part, "/mpn"), output::text(part, "/case")))?;
        }
        let more = turned.and_then(|turned| turned.get(format!("{way}_in_all"))?.as_u64()).unwrap_or(0).saturating_sub(parts.len() as u64);
        if more > 0 {
            output::print(&format!("and {more} more parts that are {now}"))?;
        }
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
