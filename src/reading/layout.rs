//! The document as a reader sees it: lines, table cells with their column's head and their row's label, and the words just before and after a place.

use super::{parts, torn};
use crate::domain::document::{Document, Span, Table};

/// Characters looked at before and after a place.
const BEFORE_CHARS_MAX: usize = 160;
const AFTER_CHARS_MAX: usize = 80;
/// A line this long, in bytes, is prose that was wrapped: the sentence goes on in the next line.
const WRAPPED_BYTES_MIN: usize = 55;

/// A cell of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub table: usize,
    pub row: usize,
    pub column: usize,
}

/// Texts around a place, nearest first where there are several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Around<'a> {
    /// Head of the column or label of the row: what stands for the cell.
    pub label: Option<&'a str>,
    pub before: &'a str,
    pub after: &'a str,
}

pub(super) struct Layout<'a> {
    pub document: &'a Document,
    /// Those of the document, and those that lost their lines.
    pub tables: Vec<Table>,
    lines: Vec<Span>,
    /// By start.
    cells: Vec<(Span, Cell)>,
    /// By table: text of each column's head, empty where it has none.
    heads: Vec<Vec<String>>,
    /// By table: how many of its first rows are the head.
    head_rows: Vec<usize>,
    /// By table: whether it is a list of `label | value` rows.
    pairs: Vec<bool>,
}

impl<'a> Layout<'a> {
    pub fn new(document: &'a Document) -> Layout<'a> {
        let mut lines = Vec::new();
        let mut start = 0;
        for line in document.text.split_inclusive('\n') {
            lines.push(Span::new(start, start + line.trim_end_matches(['\n', '\r']).len()));
            start += line.len();
        }
        let tables: Vec<Table> = document.tables.iter().cloned().chain(torn::tables(document)).collect();
        let mut cells = Vec::new();
        for (table, of) in tables.iter().enumerate() {
            for (row, spans) in of.rows.iter().enumerate() {
                cells.extend(
                    spans.iter().enumerate().filter(|(_, span)| span.end > span.start).map(|(column, span)| (*span, Cell { table, row, column })),
                );
            }
        }
        cells.sort_by_key(|(span, _)| span.start);
        let mut layout = Layout { document, tables, lines, cells, heads: Vec::new(), head_rows: Vec::new(), pairs: Vec::new() };
        for table in 0..layout.tables.len() {
            let pairs = layout.look_for_pairs(table);
            layout.pairs.push(pairs);
            let (heads, rows) = layout.column_heads(table);
            layout.heads.push(heads);
            layout.head_rows.push(rows);
        }
        layout
    }

    /// Each column's head, and how many rows it takes. The first row is the head unless it holds a value itself, with those below it that hold none either, where the words of a
    /// head were broken into lines; a table without one that is as wide as the one before goes on with its heads (a table over two pages).
    fn column_heads(&self, table: usize) -> (Vec<String>, usize) {
        const ROWS_MAX: usize = 4;
        const BROKEN_CHARS_MAX: usize = 24;
        let rows = &self.tables[table].rows;
        let Some(first) = rows.first() else { return (Vec::new(), 0) };
        let none = vec![String::new(); first.len()];
        let text = |span: &Span| self.document.slice(*span).trim();
        let is_form = rows.iter().flatten().any(|span| text(span).starts_with([':', '：']));
        if self.pairs[table] || is_form {
            return (none, 0);
        }
        let is_head = |row: &&Vec<Span>| {
            row.iter().any(|span| !text(span).is_empty()) && !row.iter().any(|span| holds_a_value(text(span)) || parts::cell_is_part(text(span)))
        };
        let leading = rows.iter().take_while(is_head).count();
        if leading == 0 {
            return match table.checked_sub(1).and_then(|before| self.heads.get(before)) {
                Some(heads) if heads.len() == first.len() => (heads.clone(), 0),
                _ => (none, 0),
            };
        }
        let is_broken = leading <= ROWS_MAX
            && leading < rows.len()
            && rows[..leading].iter().flatten().all(|span| text(span).chars().count() <= BROKEN_CHARS_MAX);
        let count = if is_broken { leading } else { 1 };
        let words = |column: usize| {
            rows[..count].iter().filter_map(|row| row.get(column)).map(text).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        };
        ((0..first.len()).map(words).collect(), count)
    }

    /// Whether a table is a list of `label | value` rows, whose values are read like prose with a label.
    pub fn is_pairs(&self, table: usize) -> bool {
        self.pairs.get(table).copied().unwrap_or(false)
    }

    fn look_for_pairs(&self, table: usize) -> bool {
        let rows = &self.tables[table].rows;
        let labels =
            rows.iter().filter(|row| row.len() == 2 && !holds_a_value(self.document.slice(row[0])) && !self.document.slice(row[0]).trim().is_empty());
        let values = rows.iter().filter(|row| row.len() == 2 && holds_a_value(self.document.slice(row[1])));
        rows.iter().all(|row| row.len() == 2)
            && labels.count() == rows.len()
            && values.count() * 3 >= rows.len()
            && rows
                .first()
                .is_some_and(|row| holds_a_value(self.document.slice(row[1])) || rows.len() == 1 || self.document.slice(row[0]).ends_with(':'))
    }

    pub fn head(&self, cell: Cell) -> &str {
        self.heads.get(cell.table).and_then(|heads| heads.get(cell.column)).map_or("", String::as_str)
    }

    /// Rows of a table that hold values, as (row, cells).
    pub fn value_rows(&self, table: usize) -> impl Iterator<Item = (usize, &[Span])> {
        let rows = self.tables[table].rows.iter().enumerate();
        rows.skip(self.head_rows[table]).map(|(row, cells)| (row, cells.as_slice()))
    }

    pub fn columns(&self, table: usize) -> usize {
        self.heads[table].len()
    }

    /// The cell a place is in.
    pub fn cell(&self, span: Span) -> Option<(Span, Cell)> {
        let upto = self.cells.partition_point(|(cell, _)| cell.start <= span.start);
        self.cells[..upto].iter().rev().take(4).find(|(cell, _)| cell.contains(span)).copied()
    }

    /// Number of the line a place begins in, from 0.
    pub fn line_at(&self, at: u32) -> usize {
        self.lines.partition_point(|line| line.start <= at).saturating_sub(1)
    }

    pub fn line(&self, number: usize) -> &'a str {
        self.lines.get(number).map_or("", |span| self.document.slice(*span))
    }

    pub fn line_span(&self, number: usize) -> Span {
        self.lines.get(number).copied().unwrap_or(Span { start: 0, end: 0 })
    }

    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// What stands around a place; `stops` are places (other values) the words before and after do not reach across.
    pub fn around(&self, span: Span, stops: &[Span]) -> Around<'_> {
        let text = self.document.text.as_str();
        if let Some((cell_span, cell)) = self.cell(span) {
            let head = self.head(cell);
            let row = &self.tables[cell.table].rows[cell.row];
            // Without a head the nearest cell to the left that holds no value is the label (`PCN number | : 17 | Issue date | : 2026-09-22`).
            let left = row[..cell.column.min(row.len())].iter().rev().map(|span| self.document.slice(*span).trim());
            let label = if head.is_empty() { left.filter(|text| !text.is_empty()).find(|text| !holds_a_value(text)) } else { Some(head) };
            let (from, to) = (cell_span.start as usize, cell_span.end as usize);
            return Around { label, before: &text[from..span.start as usize], after: text.get(span.end as usize..to).unwrap_or("") };
        }
        let line = self.line_at(span.start);
        let before = self.before(span, stops, line);
        let label = if before.trim().is_empty() { self.label_above(line) } else { None };
        Around { label, before, after: self.after(span, stops) }
    }

    /// Back to the beginning of the sentence, or of the line where lines are not wrapped prose.
    fn before(&self, span: Span, stops: &[Span], line: usize) -> &'a str {
        let text = self.document.text.as_str();
        let mut from = self.line_span(line).start as usize;
        let mut above = line;
        while above > 0
            && !starts_with_label(self.line(above))
            && span.start as usize - from < BEFORE_CHARS_MAX
            && self.line(above - 1).len() >= WRAPPED_BYTES_MIN
            && !self.in_table(above - 1)
        {
            above -= 1;
            from = self.line_span(above).start as usize;
        }
        let stop = stops.iter().filter(|stop| stop.end <= span.start).map(|stop| stop.end as usize).max().unwrap_or(0);
        from = from.max(stop).max(text.floor_char_boundary((span.start as usize).saturating_sub(BEFORE_CHARS_MAX)));
        let window = &text[from..span.start as usize];
        sentence_ends(window).last().map_or(window, |end| &window[end..])
    }

    fn after(&self, span: Span, stops: &[Span]) -> &'a str {
        let text = self.document.text.as_str();
        let line = self.line_at(span.start);
        let mut to = self.line_span(line).end as usize;
        // A value at the end of its line ends it, unless the next one goes on in small letters.
        let ends = text[span.end as usize..to.max(span.end as usize)].trim().is_empty();
        let goes_on = !ends || self.line(line + 1).trim_start().starts_with(char::is_lowercase);
        if goes_on && self.line(line).len() >= WRAPPED_BYTES_MIN && !self.in_table(line) {
            to = to.max(self.line_span(line + 1).end as usize);
        }
        let stop = stops.iter().filter(|stop| stop.start >= span.end).map(|stop| stop.start as usize).min().unwrap_or(text.len());
        to = to.min(stop).min(text.ceil_char_boundary(span.end as usize + AFTER_CHARS_MAX)).max(span.end as usize);
        let window = &text[span.end as usize..to];
        let window = sentence_ends(window).next().map_or(window, |end| &window[..end]);
        &window[..next_label(window)]
    }

    fn in_table(&self, line: usize) -> bool {
        self.cell_in(self.line_span(line)).is_some()
    }

    fn cell_in(&self, span: Span) -> Option<Cell> {
        let at = self.cells.partition_point(|(cell, _)| cell.start < span.start);
        self.cells.get(at).filter(|(cell, _)| cell.start < span.end).map(|(_, cell)| *cell)
    }

    /// A short line without values right above a value is its label.
    fn label_above(&self, line: usize) -> Option<&str> {
        let above = self.line(line.checked_sub(1)?).trim();
        (!above.is_empty() && above.chars().count() <= 60 && !holds_a_value(above)).then_some(above)
    }
}

/// `Date: …`, `Last order date: …`: such a line goes on with no sentence from above.
pub(super) fn starts_with_label(line: &str) -> bool {
    line.split_once(':').map(|(label, rest)| (label.trim_end_matches('.'), rest)).is_some_and(|(label, _)| {
        (2..=40).contains(&label.trim().chars().count()) && label.split_whitespace().count() <= 5 && !label.contains(['.', ','])
    })
}

/// Where the label of the next value begins (`2027-03-31 Last delivery: 2027-09-30`), or the end: it does not speak for the value before it.
fn next_label(after: &str) -> usize {
    const CHARS_MAX: usize = 45;
    let Some(colon) = after.find([':', '：']) else { return after.len() };
    let is_clock = after[colon..].chars().nth(1).is_some_and(|c| c.is_ascii_digit()) && after[..colon].ends_with(|c: char| c.is_ascii_digit());
    let from =
        after[..colon].rfind([',', ';', '\n', '|', '(', '、', '，', '；']).map_or(0, |at| at + after[at..].chars().next().map_or(1, char::len_utf8));
    let label = after[from..colon].trim();
    let is_label = !is_clock && label.chars().any(char::is_alphabetic) && label.chars().count() <= CHARS_MAX;
    if is_label { from } else { after.len() }
}

/// Places right behind the ends of sentences. A full stop ends one where a blank and a capital or a digit follow and the word before it is no abbreviation (`No.`, `Rev.`).
fn sentence_ends(text: &str) -> impl Iterator<Item = usize> {
    text.char_indices().filter_map(|(at, c)| {
        let end = at + c.len_utf8();
        let ends = match c {
            '。' | '!' | '?' | ';' => true,
            '.' => {
                // At the very start it ends the sentence of the value before it.
                let word = if at == 0 { 4 } else { text[..at].chars().rev().take_while(|c| c.is_alphanumeric()).count() };
                let mut rest = text[end..].chars();
                let blank = rest.next().is_some_and(char::is_whitespace);
                blank && word > 3 && rest.find(|c| !c.is_whitespace() && !"-•*·–>".contains(*c)).is_some_and(|c| c.is_uppercase())
            }
            _ => false,
        };
        ends.then_some(end)
    })
}

/// Whether a text holds something that is looked for: a date, or a word of letters and digits.
pub(super) fn holds_a_value(text: &str) -> bool {
    text.split_whitespace().any(|word| word.bytes().filter(u8::is_ascii_digit).count() >= 2 && word.len() >= 4)
}
