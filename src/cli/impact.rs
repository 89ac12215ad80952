//! `lastbuy impact`: profit-and-loss statements and how each figure came about.

use std::path::PathBuf;

use super::{CommandResult, Context, Ended, client::Client, diff, impact_export, impact_text, output};
use crate::{
    domain::case::Case,
    impact::Assessment,
    report::{self, Report},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// One statement: of an assessment, or the newest of a case (C-2).
    Show {
        id: String,
        /// Which inputs and which formula made this figure, for example margin_at_risk.
        #[arg(long, value_name = "FIGURE")]
        why: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// What changed from one assessment to another, in parts, dates and money.
    Diff {
        before: String,
        after: String,
        #[arg(long)]
        json: bool,
    },
    /// A statement as a file: of an assessment, or the newest of a case (C-2).
    Export {
        id: String,
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
        /// Where it is written; without it, to standard output.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Newest first.
    List {
        /// Only those of one case.
        #[arg(long, value_name = "ID")]
        case: Option<String>,
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// The whole statement, as stored.
    Json,
    /// One figure a row, for a spreadsheet.
    Csv,
    /// The purchase request for the last-time buy, as CSV.
    Order,
    /// A workbook: summary, by period, parts and where used, answers, purchase request, why; its totals are formulas.
    Xlsx,
    /// One file to read and print: on its first sheet what a controller and a buyer must know.
    Html,
}

pub fn run(args: &Args, context: &Context) -> CommandResult {
    Client::during(context, false, |client| act(&args.command, client))
}

fn act(command: &Command, client: &Client) -> CommandResult {
    match command {
        Command::Show { id, why, json } => {
            let body = statement(client, id)?;
            if *json && why.is_none() {
                output::json(&serde_json::from_slice(&body)?)?;
                return Ok(Ended::Done);
            }
            let assessment: Assessment = serde_json::from_slice(&body)?;
            let text = match why {
                Some(figure) => impact_text::why_text(&assessment, figure).map_err(anyhow::Error::msg)?,
                None => impact_text::text(&assessment),
            };
            output::print(&text)?;
            Ok(Ended::Done)
        }
        Command::Export { id, format, output: file } => match exported(client, id, *format)? {
            Some(bytes) => {
                impact_export::write(&bytes, file.as_deref(), matches!(format, Format::Xlsx))?;
                Ok(Ended::Done)
            }
            None => {
                output::note("Nothing to order: the last-time buy is not possible, or no piece of it is worth buying.");
                Ok(Ended::Nothing)
            }
        },
        Command::Diff { before, after, json } => {
            let changes = diff::between(client, before, after)?;
            if *json {
                output::json(&diff::as_json(before, after, &changes))?;
            } else {
                output::print(&diff::text(before, after, &changes))?;
            }
            Ok(Ended::Done)
        }
        Command::List { case, limit, json } => {
            let path = case.as_ref().map_or_else(|| "/v1/assessments".to_owned(), |case| format!("/v1/assessments?case={case}"));
            output::rows(*json, &client.list(&path, *limit)?, "No assessment yet.", |rows| {
                let rows = rows.iter().map(|row| {
                    let mut cells = ["/id", "/case", "/dataset", "/as_of", "/made_at"].map(|pointer| output::text(row, pointer)).to_vec();
                    cells.push(output::money(row.pointer("/headline/margin_at_risk")));
                    cells.push(output::text(row, "/headline/best_answer"));
                    cells.push(pins(row));
                    cells
                });
                output::table(&["assessment", "case", "dataset", "as of", "made", "margin at risk", "best answer", "what if"], &[5], rows.collect())
            })
        }
    }
}

/// The file's bytes; `None` where there is nothing to order.
fn exported(client: &Client, id: &str, format: Format) -> anyhow::Result<Option<Vec<u8>>> {
    let body = statement(client, id)?;
    if matches!(format, Format::Json) {
        let statement: serde_json::Value = serde_json::from_slice(&body)?;
        return Ok(Some(format!("{statement:#}\n").into_bytes()));
    }
    let assessment: Assessment = serde_json::from_slice(&body)?;
    // What the matter is called, as the case says it now.
    let case = || -> anyhow::Result<Option<Case>> { Ok(serde_json::from_value(client.get(&format!("/v1/cases/{}", assessment.case))?).ok()) };
    Ok(match format {
        Format::Json => None,
        Format::Csv => Some(impact_export::csv(&assessment)?.into_bytes()),
        Format::Order => impact_export::order(&assessment)?.map(String::into_bytes),
        Format::Xlsx => Some(report::workbook(&Report::of(&assessment, case()?.as_ref()))?),
        Format::Html => Some(report::page(&Report::of(&assessment, case()?.as_ref()))?.into_bytes()),
    })
}

/// The stored bytes of an assessment, or of the newest one of a case.
fn statement(client: &Client, id: &str) -> anyhow::Result<Vec<u8>> {
    if !id.starts_with(['C', 'c']) {
        return Ok(client.get_bytes(&format!("/v1/assessments/{id}"))?.to_vec());
    }
    let case = client.get(&format!("/v1/cases/{id}"))?;
    let newest = case.get("latest").and_then(serde_json::Value::as_str);
    let id = newest.ok_or_else(|| anyhow::anyhow!("{id} has no assessment yet: import factory data, or look at `lastbuy jobs list`"))?;
    Ok(client.get_bytes(&format!("/v1/assessments/{id}"))?.to_vec())
}

/// What a replay held fast, where it did; such an assessment is never its case's headline.
fn pins(row: &serde_json::Value) -> String {
    let pinned = |pointer: &str| row.pointer(pointer).and_then(serde_json::Value::as_str);
    let model = pinned("/pins/model").map(|sum| format!("model {}", sum.chars().take(12).collect::<String>()));
    [pinned("/pins/dataset").map(|dataset| format!("dataset {dataset}")), model].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
