//! Plain text: lines as they are, form feeds as page borders, and tables where lines are cut into cells by `|`, tabs or wide gaps.

use std::ops::Range;

use super::{
    builder::{Builder, clean},
    columns::{self, Segment},
};
use crate::domain::document::Span;

/// Adds the text as one page, or several where it holds form feeds.
pub(super) fn add(builder: &mut Builder, name: &str, text: &str) {
    let parts: Vec<&str> = text.split('\u{C}').filter(|part| !part.trim().is_empty()).collect();
    for (number, part) in parts.iter().enumerate() {
        if parts.len() > 1 {
            builder.page(format!("{name}, page {}", number + 1));
        } else {
            builder.page(name);
        }
        lines(builder, part);
    }
}

/// Adds lines to the page at hand, and the tables among them.
pub(super) fn lines(builder: &mut Builder, text: &str) {
    let mut block = Block::default();
    for line in text.lines().flat_map(|line| line.split('\r')) {
        let as_sent = clean(line);
        let line = as_sent.trim_end();
        if line.is_empty() {
            block.end(builder);
            builder.blank();
            continue;
        }
        // A cell that was broken goes on in the next line, under itself.
        let cut = Cut::of(&as_sent).or_else(|| block.goes_on(&as_sent).then_some(Cut::Gaps));
        let is_rule = cut.is_none() && line.chars().all(|c| matches!(c, '-' | '=' | '+' | '|' | '_' | ':' | ' ' | '\t' | '\u{2500}'..='\u{257F}'));
        let continues = is_rule || cut == block.cut;
        if !continues {
            block.end(builder);
        }
        let place = builder.line(line);
        if is_rule || cut.is_none() || place.start == place.end {
            continue;
        }
        block.cut = cut;
        block.rows.push((place, line.to_owned()));
    }
    block.end(builder);
}

fn is_bar(c: char) -> bool {
    matches!(c, '|' | '\u{2502}' | '\u{2503}' | '\u{2551}')
}

/// By what a line is cut into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Bars,
    Tabs,
    Gaps,
}

impl Cut {
    fn of(line: &str) -> Option<Cut> {
        let says = |c: char| !c.is_whitespace() && !matches!(c, '-' | '=' | '+' | '_' | ':' | '|' | '\u{2500}'..='\u{257F}');
        if !line.contains(says) {
            return None;
        }
        // A tab at the end stands before an empty cell; one at the beginning only indents.
        let line = line.trim_start().trim_end_matches(' ');
        if line.trim_end().trim_matches(is_bar).contains(is_bar) {
            Some(Cut::Bars)
        } else if line.contains('\t') {
            Some(Cut::Tabs)
        } else if line.trim_end().contains("  ") {
            Some(Cut::Gaps)
        } else {
            None
        }
    }
}

/// Lines one under another that are cut alike.
#[derive(Default)]
struct Block {
    cut: Option<Cut>,
    rows: Vec<(Span, String)>,
}

impl Block {
    /// Whether a line holds nothing but words that begin where a cell of the row above does, not the first one.
    fn goes_on(&self, line: &str) -> bool {
        let Some((_, above)) = self.rows.last().filter(|_| self.cut == Some(Cut::Gaps)) else { return false };
        let runs = gaps(line);
        let [(_, only)] = runs.as_slice() else { return false };
        gaps(above).iter().skip(usize::from(!above.starts_with(' '))).any(|(_, segment)| segment.start == only.start)
    }

    /// Notes the table these lines make, if they do, and starts anew.
    fn end(&mut self, builder: &mut Builder) {
        let rows = std::mem::take(&mut self.rows);
        let cells = match self.cut.take() {
            Some(cut) if rows.len() > 1 => match cut {
                Cut::Bars => even(rows.iter().map(|(_, line)| between(line, is_bar, true)).collect()),
                Cut::Tabs => even(rows.iter().map(|(_, line)| between(line, |c| c == '\t', false)).collect()),
                Cut::Gaps => aligned(&rows),
            },
            _ => None,
        };
        let Some(cells) = cells else { return };
        let place = |of: Span, cell: &Range<usize>| Span::new(of.start as usize + cell.start, of.start as usize + cell.end);
        let placed = rows.iter().zip(cells).map(|((span, _), row)| row.iter().map(|cell| place(*span, cell)).collect()).collect();
        builder.table(placed);
    }
}

/// Cells between separators, trimmed; with `framed`, what stands outside the first and last separator is no cell where it is empty.
fn between(line: &str, is_separator: impl Fn(char) -> bool, framed: bool) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let mut start = 0;
    for (at, c) in line.char_indices().filter(|(_, c)| is_separator(*c)).chain([(line.len(), ' ')]) {
        cells.push(trimmed(line, start..at));
        start = (at + c.len_utf8()).min(line.len());
    }
    if framed && cells.len() > 2 {
        if cells.last().is_some_and(Range::is_empty) {
            cells.pop();
        }
        if cells.first().is_some_and(Range::is_empty) {
            cells.remove(0);
        }
    }
    cells
}

fn trimmed(line: &str, range: Range<usize>) -> Range<usize> {
    let text = &line[range.clone()];
    let start = range.start + (text.len() - text.trim_start().len());
    start..(start + text.trim().len())
}

/// Rows of cells, made equally long, without columns that are empty throughout.
fn even(mut rows: Vec<Vec<Range<usize>>>) -> Option<Vec<Vec<Range<usize>>>> {
    let width = rows.iter().map(Vec::len).max().filter(|width| *width <= crate::limits::TABLE_COLUMNS_MAX)?;
    for row in &mut rows {
        let end = row.last().map_or(0, |last| last.end);
        row.resize(width, end..end);
    }
    let filled: Vec<usize> = (0..width).filter(|column| rows.iter().any(|row| !row[*column].is_empty())).collect();
    if filled.len() < 2 {
        return None;
    }
    unless_prose(rows.into_iter().map(|row| filled.iter().map(|column| row[*column].clone()).collect()).collect())
}

/// Cells of lines cut by wide gaps.
fn aligned(rows: &[(Span, String)]) -> Option<Vec<Vec<Range<usize>>>> {
    let cut: Vec<Vec<(Range<usize>, Segment)>> = rows.iter().map(|(_, line)| gaps(line)).collect();
    let segments: Vec<Vec<Segment>> = cut.iter().map(|row| row.iter().map(|(_, segment)| *segment).collect()).collect();
    let grid = columns::grid(&segments)?;
    let cells: Vec<Vec<Range<usize>>> = grid
        .iter()
        .zip(&cut)
        .map(|(row, cut)| {
            row.iter()
                .map(|cell| match (cut.get(cell.start), cell.is_empty()) {
                    (Some((first, _)), false) => first.start..cut[cell.end - 1].0.end,
                    _ => 0..0,
                })
                .collect()
        })
        .collect();
    unless_prose(cells)
}

fn unless_prose(cells: Vec<Vec<Range<usize>>>) -> Option<Vec<Vec<Range<usize>>>> {
    let lengths: Vec<Vec<usize>> = cells.iter().map(|row| row.iter().map(Range::len).collect()).collect();
    (!columns::is_prose(&lengths)).then_some(cells)
}

/// Runs of text two or more blanks apart: bytes, and columns on a screen.
fn gaps(line: &str) -> Vec<(Range<usize>, Segment)> {
    let mut runs: Vec<(Range<usize>, Segment)> = Vec::new();
    let mut column = 0.0;
    let mut blanks = 2;
    for (at, c) in line.char_indices() {
        let width = if is_wide(c) { 2.0 } else { 1.0 };
        if c == ' ' {
            blanks += 1;
        } else {
            let end = at + c.len_utf8();
            match runs.last_mut() {
                Some((range, segment)) if blanks < 2 => {
                    range.end = end;
                    segment.end = column + width;
                }
                _ => runs.push((at..end, Segment { start: column, end: column + width })),
            }
            blanks = 0;
        }
        column += width;
    }
    runs
}

/// Characters two columns wide in a fixed-pitch face (East Asian Width W and F).
fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::{Document, Format};

    fn read(text: &str) -> Document {
        let mut builder = Builder::default();
        add(&mut builder, "text", text);
        builder.finish(Format::Text).expect("document")
    }

    fn tables(text: &str) -> Vec<Vec<Vec<String>>> {
        let document = read(text);
        let cell = |cell: &Span| document.slice(*cell).to_owned();
        document.tables.iter().map(|table| table.rows.iter().map(|row| row.iter().map(cell).collect()).collect()).collect()
    }

    #[test]
    fn aligned_columns_are_a_table_with_its_holes() {
        let found = tables(
            "Affected products\n\nPart       Replacement   LTB\n---------  ------------  ----------\nAX100-3    AX200-3       2027-03-31\nAX100-5                  2027-04-30\n\nRegards",
        );
        assert_eq!(found, [[["Part", "Replacement", "LTB"], ["AX100-3", "AX200-3", "2027-03-31"], ["AX100-5", "", "2027-04-30"]]]);
    }

    #[test]
    fn a_broken_cell_goes_on_under_itself() {
        let rows =
            tables("Part      Description    Order by\nAX100-3   grey patch     2027-04-30\n          cable\nAX200-3   red patch      2027-04-30\n");
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0][2], ["", "cable", ""]);
        assert_eq!(rows[0][3], ["AX200-3", "red patch", "2027-04-30"]);
    }

    #[test]
    fn bars_and_tabs_are_tables_too() {
        let found = tables("| Part | New | \n|---|---|\n| AX100-3 | |\n| AX1|AX2|\nPart\t\tNew\nAX7\t\tAX8\n");
        assert_eq!(found, [vec![["Part", "New"], ["AX100-3", ""], ["AX1", "AX2"]], vec![["Part", "New"], ["AX7", "AX8"]]]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(
            tables("製品名    後継品\nAX100-3   AX200-3\nAX100     なし\n"),
            [[["製品名", "後継品"], ["AX100-3", "AX200-3"], ["AX100", "なし"]]]
        );
    }

    #[test]
    fn running_text_is_no_table() {
        let text = "We end the part in May.  Please place your orders before that day comes.\nThey are final.  No order is taken after the last day of the month of May.\n";
        assert!(tables(text).is_empty());
        assert_eq!(read(text).text, text);
    }

    #[test]
    fn pages_end_at_form_feeds_and_line_ends_are_one_kind() {
        let document = read("one\r\ntwo\rthree\u{C}\n\nfour\n");
        assert_eq!(document.text, "one\ntwo\nthree\nfour\n");
        assert_eq!(document.pages.iter().map(|page| page.name.as_str()).collect::<Vec<_>>(), ["text, page 1", "text, page 2"]);
        assert_eq!(document.place(Span::new(14, 18)).line, 1);
    }
}
