//! Rows of cells, as spreadsheets and delimited text have them: empty rows part tables, what stands above a table is text, and each row becomes one line with the
//! places of its cells.

use std::sync::LazyLock;

use regex::Regex;

use super::builder::Builder;
use crate::{domain::document::Span, limits};

/// Widest column that rows are aligned to, in characters; a description that is longer pushes the rest of its row.
const ALIGNED_MAX: usize = 48;
/// Cells named in the warning about damaged part numbers.
const DAMAGED_NAMED_MAX: usize = 3;

/// Adds rows to the page at hand; `of` names them in warnings.
pub(super) fn add(builder: &mut Builder, of: &str, rows: &[Vec<String>]) {
    damaged(builder, of, rows);
    for block in rows.split(|row| row.iter().all(|cell| cell.trim().is_empty())) {
        if block.is_empty() {
            continue;
        }
        builder.blank();
        let filled = |row: &Vec<String>| row.iter().filter(|cell| !cell.trim().is_empty()).count();
        // A row of one cell above the others is a heading; among them it is a row like any other.
        let above = block.iter().take_while(|row| filled(row) == 1).count();
        for row in &block[..above] {
            row.iter().filter(|cell| !cell.trim().is_empty()).for_each(|cell| _ = builder.line(&one_line(cell)));
        }
        table(builder, of, &block[above..]);
        if builder.is_full() {
            return;
        }
    }
}

fn table(builder: &mut Builder, of: &str, rows: &[Vec<String>]) {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut columns: Vec<usize> =
        (0..width).filter(|column| rows.iter().any(|row| row.get(*column).is_some_and(|cell| !cell.trim().is_empty()))).collect();
    if columns.len() > limits::TABLE_COLUMNS_MAX {
        builder.warn(format!("{of} has {} columns; only the first {} were read", columns.len(), limits::TABLE_COLUMNS_MAX));
        columns.truncate(limits::TABLE_COLUMNS_MAX);
    }
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|column| row.get(*column).map_or_else(String::new, |cell| one_line(cell))).collect()).collect();
    let widths: Vec<usize> =
        (0..columns.len()).map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).min(ALIGNED_MAX)).collect();
    let mut places: Vec<Vec<Span>> = Vec::new();
    for row in &cells {
        places.push(builder.row(row, &widths));
        if builder.is_full() {
            return;
        }
    }
    if columns.len() > 1 {
        builder.table(places);
    }
}

fn one_line(cell: &str) -> String {
    cell.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A part number such as 12E34 that a spreadsheet took for a number is lost; only that it happened can be told.
fn damaged(builder: &mut Builder, of: &str, rows: &[Vec<String>]) {
    static POWER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[0-9](?:[.,][0-9]+)?E[+-]?[0-9]{2,3}$").ok());
    let Some(power) = POWER.as_ref() else { return };
    let mut found = rows.iter().flatten().map(|cell| cell.trim()).filter(|cell| power.is_match(cell)).peekable();
    if found.peek().is_none() {
        return;
    }
    let named: Vec<&str> = found.by_ref().take(DAMAGED_NAMED_MAX).collect();
    let more = if found.next().is_some() { ", …" } else { "" };
    builder.warn(format!(
        "{of} holds numbers that may be part numbers which a spreadsheet changed: {}{more}; ask the sender for the original",
        named.join(", ")
    ));
}
