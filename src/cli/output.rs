//! Printing: tables for people, JSON for programs, errors as sentences.

use std::io::{IsTerminal, Write};

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::{CommandResult, Ended, client::Problem, ltb};
use crate::store::Progress;

/// Writes to standard output.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

pub fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}

pub fn json(value: &Value) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// A remark for the person at the terminal; not part of the result.
pub fn note(text: &str) {
    // Nobody to tell when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

pub fn error(error: &anyhow::Error) {
    note(&format!("error: {error:#}"));
    if let Some(problem) = error.downcast_ref::<Problem>() {
        for suggestion in &problem.suggestions {
            note(&format!("  did you mean: {suggestion}"));
        }
    }
}

pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe))
}

/// A plain table: no frame, a line under the head; right-aligned columns are named.
pub fn table(head: &[&str], right: &[usize], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─')))
        .set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        // A pipe has no width to fit; lines stay whole.
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(head.iter().map(Cell::new));
    for row in rows {
        table.add_row(row.into_iter().enumerate().map(|(column, text)| {
            let cell = Cell::new(text);
            if right.contains(&column) { cell.set_alignment(CellAlignment::Right) } else { cell }
        }));
    }
    table.to_string()
}

/// Columns of running text.
const TEXT_COLUMNS: usize = 110;

/// Breaks running text at blanks; each line begins with `indent`.
pub fn wrapped(text: &str, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = indent.to_owned();
    for word in text.split_whitespace() {
        let empty = line.trim().is_empty();
        if !empty && line.chars().count() + 1 + word.chars().count() > TEXT_COLUMNS {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            line.push_str(word);
        } else {
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.push(line);
    lines.join("\n")
}

/// A text beside what begins its first line.
pub fn hanging(begins: &str, text: &str) -> String {
    let indent = " ".repeat(begins.trim_start_matches('\n').chars().count());
    format!("{begins}{}", wrapped(text, &indent).trim_start())
}

/// Text of a JSON member; a dash where there is none.
pub fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}

/// Money as the API writes it; `unknown` where there is none.
pub fn money(value: Option<&Value>) -> String {
    value
        .and_then(|value| serde_json::from_value::<crate::domain::money::Money>(value.clone()).ok())
        .map_or_else(|| "unknown".to_owned(), crate::domain::money::Money::grouped)
}

/// Name of a state that the API writes as a word or as an object with one key.
pub fn state(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Object(fields)) => fields.keys().next().cloned().unwrap_or_default(),
        _ => "–".to_owned(),
    }
}

/// The rows of a list command: a table for people, an array for programs, exit code 3 when there are none.
pub fn rows(as_json: bool, rows: &[Value], empty: &str, table: impl FnOnce(&[Value]) -> String) -> CommandResult {
    if as_json {
        json(&Value::Array(rows.to_vec()))?;
    } else if rows.is_empty() {
        note(empty);
    } else {
        print(&table(rows))?;
    }
    Ok(if rows.is_empty() { Ended::Nothing } else { Ended::Done })
}

/// How far long work has come, on standard error of a terminal.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn of_bytes() -> Bar {
        Bar::new("{bar:30} {bytes} of about {total_bytes}, {eta}")
    }

    pub fn of_rows() -> Bar {
        Bar::new("{bar:30} {pos} of {len} {msg}, {eta}")
    }

    fn new(template: &str) -> Bar {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Bar(ProgressBar::new(0).with_style(style))
    }

    pub fn show(&self, progress: Progress) {
        self.0.set_length(progress.total.max(progress.done));
        self.0.set_position(progress.done);
        self.0.set_message(progress.what);
    }

    pub fn done(&self) {
        self.0.finish_and_clear();
    }
}

/// The calculator needs neither store nor configuration.
pub fn ltb(args: &ltb::Args) -> CommandResult {
    let mut out = std::io::stdout().lock();
    ltb::run(args, &mut out).map_err(anyhow::Error::msg)?;
    Ok(Ended::Done)
}
