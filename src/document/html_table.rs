//! HTML tables: of data, with rows and cells; or for layout, which dissolve into what their cells hold.

use std::collections::BTreeMap;

use super::{
    builder::{Builder, clean},
    dom::{Id, Page},
    html::{Block, Walk},
};
use crate::{domain::document::Span, limits};

/// Longest cell of a table of data, in characters; longer ones are columns of a page.
const CELL_CHARS_MAX: usize = 400;
/// Columns are padded to their widest cell, but no wider than this, in characters.
const PADDED_CHARS_MAX: usize = 48;

/// A cell of a table of data: what it says, and over how many columns and rows.
pub(super) struct Cell {
    text: String,
    columns: usize,
    rows: usize,
}

/// A cell as it stands in the page.
struct Raw {
    blocks: Vec<Block>,
    columns: usize,
    rows: usize,
}

impl Raw {
    fn holds_table(&self) -> bool {
        self.blocks.iter().any(|block| matches!(block, Block::Table(_)))
    }

    fn text(&self) -> String {
        let lines = self.blocks.iter().filter_map(|block| match block {
            Block::Line(line) => Some(line.trim()),
            _ => None,
        });
        lines.collect::<Vec<_>>().join(" ")
    }

    fn is_empty(&self) -> bool {
        !self.blocks.iter().any(|block| !matches!(block, Block::Gap))
    }
}

/// What a table element becomes.
pub(super) fn blocks(walk: &mut Walk<'_>, page: &Page, table: Id, depth: usize) -> Vec<Block> {
    let mut out = Vec::new();
    let mut rows = Vec::new();
    gather(walk, page, table, depth, &mut out, &mut rows);
    let filled = |row: &Vec<Raw>| row.iter().filter(|cell| !cell.is_empty()).count();
    let is_data = rows.iter().filter(|row| filled(row) >= 2).count() >= 2
        && rows.iter().flatten().all(|cell| !cell.holds_table() && cell.text().chars().count() <= CELL_CHARS_MAX);
    if is_data {
        let cell = |raw: Raw| Cell { text: raw.text(), columns: raw.columns, rows: raw.rows };
        out.push(Block::Table(rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect()));
        return out;
    }
    for row in rows {
        dissolve(row, &mut out);
    }
    out
}

/// Rows of a table and of its groups; captions and what stands in a table without being a row come first, as lines.
fn gather(walk: &mut Walk<'_>, page: &Page, of: Id, depth: usize, out: &mut Vec<Block>, rows: &mut Vec<Vec<Raw>>) {
    let seen = walk.seen;
    for id in page.children(of).filter(|id| !seen.is_hidden(*id)) {
        match page.name(id) {
            Some("thead" | "tbody" | "tfoot") => gather(walk, page, id, depth, out, rows),
            Some("tr") => {
                let cells = page.children(id).filter(|cell| matches!(page.name(*cell), Some("td" | "th")) && !seen.is_hidden(*cell));
                let span = |cell: Id, name: &str| page.attribute(cell, name).and_then(|span| span.trim().parse::<usize>().ok()).unwrap_or(1);
                let raw = |cell: Id| Raw {
                    columns: span(cell, "colspan").clamp(1, limits::TABLE_COLUMNS_MAX),
                    // HTML bounds it at 65534; a span over the rest of the table is written as 0.
                    rows: match span(cell, "rowspan") {
                        0 => usize::MAX,
                        rows => rows,
                    },
                    blocks: walk.blocks(cell, depth + 1),
                };
                rows.push(cells.map(raw).collect());
            }
            Some("caption") => out.extend(walk.blocks(id, depth + 1)),
            _ => {}
        }
    }
}

/// A row of a table for layout: one line where every cell is one, otherwise what each cell holds, in order.
fn dissolve(row: Vec<Raw>, out: &mut Vec<Block>) {
    let is_line = |cell: &Raw| cell.is_empty() || (matches!(cell.blocks[..], [Block::Line(_)]) && cell.text().chars().count() <= CELL_CHARS_MAX);
    let filled = row.iter().filter(|cell| !cell.is_empty()).count();
    if filled > 1 && row.iter().all(is_line) {
        let cells: Vec<String> = row.iter().filter(|cell| !cell.is_empty()).map(Raw::text).collect();
        out.push(Block::Line(cells.join("   ")));
        return;
    }
    for cell in row {
        out.extend(cell.blocks);
    }
}

/// Adds a table of data: one line a row. A cell over several rows is printed once and counts in each; one over several columns fills the first.
pub(super) fn add(builder: &mut Builder, rows: &[Vec<Cell>]) {
    let Some(laid) = lay(rows) else {
        // Too wide for a grid: its text is kept.
        for row in rows {
            builder.line(&row.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join("   "));
        }
        return;
    };
    let columns = laid.iter().map(Vec::len).max().unwrap_or(0);
    let text = |slot: &Slot| match slot {
        Slot::Here(row, cell) => rows[*row][*cell].text.as_str(),
        Slot::Above | Slot::Empty => "",
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let of_column = laid.iter().filter_map(|row| row.get(column));
            of_column.map(|slot| clean(text(slot)).chars().count()).max().unwrap_or(0).min(PADDED_CHARS_MAX)
        })
        .collect();
    let mut table: Vec<Vec<Span>> = Vec::new();
    for row in &laid {
        let printed: Vec<&str> = (0..columns).map(|column| row.get(column).map_or("", text)).collect();
        if printed.iter().all(|cell| cell.trim().is_empty()) && !row.iter().any(|slot| matches!(slot, Slot::Above)) {
            continue;
        }
        let mut places = builder.row(&printed, &widths);
        for (column, place) in places.iter_mut().enumerate() {
            if matches!(row.get(column), Some(Slot::Above))
                && let Some(above) = table.last().and_then(|above| above.get(column))
            {
                *place = *above;
            }
        }
        table.push(places);
    }
    builder.table(table);
}

/// What stands at one row and column.
enum Slot {
    /// The cell of this row and number.
    Here(usize, usize),
    /// The same as in the row above.
    Above,
    Empty,
}

/// Places cells in columns, as browsers do; `None` where that takes more than `limits::TABLE_COLUMNS_MAX`.
fn lay(rows: &[Vec<Cell>]) -> Option<Vec<Vec<Slot>>> {
    let mut laid = Vec::with_capacity(rows.len());
    // Columns that a cell of an earlier row still covers, with the rows left.
    let mut covered: BTreeMap<usize, usize> = BTreeMap::new();
    for (number, row) in rows.iter().enumerate() {
        let mut slots: Vec<Slot> = Vec::new();
        let mut next: BTreeMap<usize, usize> = BTreeMap::new();
        let mut cells = row.iter().enumerate().peekable();
        loop {
            let column = slots.len();
            if let Some(left) = covered.remove(&column) {
                slots.push(Slot::Above);
                if left > 1 {
                    next.insert(column, left - 1);
                }
                continue;
            }
            let Some((at, cell)) = cells.next() else {
                if covered.is_empty() {
                    break;
                }
                slots.push(Slot::Empty);
                continue;
            };
            if column >= limits::TABLE_COLUMNS_MAX {
                return None;
            }
            for part in 0..cell.columns.min(limits::TABLE_COLUMNS_MAX - column) {
                if part > 0 && covered.contains_key(&(column + part)) {
                    break;
                }
                slots.push(if part == 0 { Slot::Here(number, at) } else { Slot::Empty });
                if cell.rows > 1 {
                    next.insert(column + part, cell.rows - 1);
                }
            }
        }
        covered = next;
        laid.push(slots);
    }
    Some(laid)
}
