//! Tables that lost their lines: a portal's page copied into one run of words, `Model LTB Last Ship Alt AX1 13-Apr-2026 30-Aug-2026 BX1 AX2 …`, or rows whose cells are parted by
//! slashes. They are found by their values, which come again and again in one order, and their heads by the words of heads before the first of them.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use super::{dates, part_roles::NONE_THERE, parts};
use crate::domain::document::{Document, Span, Table};

/// Words a head is made of.
static HEAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)\b(?:(?:(?:last|final)[\s-]*(?:time[\s-]*)?(?:buy|orders?|purchase|ship(?:ment)?s?|deliver(?:y|ies)?)|LTB|LTS|LTD|LTO)(?:\s+date)?",
        r"|(?:(?:affected|discontinued|obsolete|old)\s+)?(?:models?|parts?|products?|types?|items?|MPNs?|P/?N|devices?)(?:\s*(?:numbers?|no\.?|#|names?|codes?))?",
        r"|(?:alt(?:ernat(?:e|ive))?s?|replacements?|substitutes?|successors?|suggested|recommended|new)(?:\s+(?:model|part|product|type|device|item)s?)?(?:\s*(?:numbers?|no\.?|#))?",
        r"|status|lifecycle|description|package|qty|quantity|moq|reason|remarks?|notes?)(?:\b|$)"
    ))
    .ok()
});

/// Longest run of words between two values that can be a cell.
const CELL_WORDS_MAX: usize = 3;
const CELLS_MAX: usize = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Part,
    Date,
    /// Words that say there is none.
    None,
    Words,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    span: Span,
    kind: Kind,
}

/// The tables of a document that are written out as none.
pub(super) fn tables(document: &Document) -> Vec<Table> {
    let days = dates::find(&document.text, None);
    let mut values: Vec<Item> = days
        .iter()
        .filter(|date| matches!(date.precision, dates::Precision::Day | dates::Precision::Swappable(_)))
        .map(|date| Item { span: date.span, kind: Kind::Date })
        .collect();
    let taken: Vec<Span> = days.iter().map(|date| date.span).collect();
    values.extend(parts::find(document, &taken, &HashSet::new()).into_iter().map(|part| Item { span: part.span, kind: Kind::Part }));
    let in_table = |item: &Item| document.tables.iter().flat_map(|table| table.rows.iter().flatten()).any(|cell| cell.contains(item.span));
    if values.len() < 4 {
        return Vec::new();
    }
    values.retain(|item| !in_table(item));
    values.sort_by_key(|item| item.span.start);
    let mut tables = Vec::new();
    let mut run: Vec<Item> = Vec::new();
    for value in values {
        let between = run.last().map(|last| Span { start: last.span.end, end: value.span.start });
        match between.map(|between| cell_between(document, between)) {
            Some(Some(cell)) => run.extend(cell),
            Some(None) => tables.extend(table(document, &std::mem::take(&mut run))),
            None => {}
        }
        run.push(value);
    }
    // Behind the last value may stand, as the last cell, that there is none.
    if let Some(last) = run.last() {
        let rest = &document.text[last.span.end as usize..];
        let word = rest.trim_start_matches([' ', '/', '|', '\t']).split_whitespace().next().unwrap_or("");
        let start = last.span.end as usize + rest.find(word).unwrap_or(0);
        if !word.is_empty() && NONE_THERE.as_ref().is_some_and(|regex| regex.is_match(word)) {
            run.push(Item { span: Span::new(start, start + word.len()), kind: Kind::None });
        }
    }
    tables.extend(table(document, &run));
    tables
}

/// The cell that the words between two values are, if there are any; `None` where they are too many to be one.
fn cell_between(document: &Document, between: Span) -> Option<Option<Item>> {
    let text = document.slice(between);
    let words = text.trim_matches(|c: char| c.is_whitespace() || "/|,;".contains(c));
    if text.contains("\n\n") || words.split_whitespace().count() > CELL_WORDS_MAX || words.contains([':', '.', '\n']) {
        return None;
    }
    if words.is_empty() {
        return Some(None);
    }
    let start = between.start as usize + text.find(words).unwrap_or(0);
    let kind = if NONE_THERE.as_ref().is_some_and(|regex| regex.is_match(words)) { Kind::None } else { Kind::Words };
    Some(Some(Item { span: Span::new(start, start + words.len()), kind }))
}

/// A run of values as a table, if it is at least two rows of one order that begins with a part and holds a date or a second part, under a head of as many words.
fn table(document: &Document, run: &[Item]) -> Option<Table> {
    let first = run.iter().position(|item| item.kind == Kind::Part)?;
    let run = &run[first..];
    let is_date_there = run.iter().any(|item| item.kind == Kind::Date);
    let (cells, rows) = (2..=CELLS_MAX.min(run.len() / 2)).find_map(|cells| {
        let alike = |at: usize| {
            let (own, model) = (run[at].kind, run[at % cells].kind);
            own == model
                || !at.is_multiple_of(cells) && matches!((own, model), (Kind::None, Kind::Part) | (Kind::Part, Kind::None) | (Kind::None, Kind::Date))
        };
        let upto = (0..run.len()).take_while(|at| alike(*at)).count();
        // All of it, but for what follows the last row.
        (upto / cells >= 2 && run.len() - upto / cells * cells < cells).then_some((cells, upto / cells))
    })?;
    if !is_date_there || run[..cells].iter().all(|item| item.kind == Kind::Part) {
        return None;
    }
    let head = head(document, run[0].span.start, cells)?;
    let rows = (0..rows).map(|row| run[row * cells..(row + 1) * cells].iter().map(|item| item.span).collect());
    Some(Table { rows: std::iter::once(head).chain(rows).collect() })
}

/// The last words of heads before the first value, one for each column.
fn head(document: &Document, before: u32, cells: usize) -> Option<Vec<Span>> {
    const BYTES: usize = 200;
    let from = document.text.floor_char_boundary((before as usize).saturating_sub(BYTES));
    let window = &document.text[from..before as usize];
    let found: Vec<Span> = HEAD.as_ref()?.find_iter(window).map(|word| Span::new(from + word.start(), from + word.end())).collect();
    let head = found.get(found.len().checked_sub(cells)?..)?.to_vec();
    // Nothing but blanks and signs stands between them, and between them and the first value.
    let ends = head.iter().skip(1).map(|span| span.start).chain([before]);
    let is_whole =
        head.iter().zip(ends).all(|(word, next)| document.slice(Span { start: word.end, end: next }).chars().all(|c| !c.is_alphanumeric()));
    is_whole.then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Vec<Vec<String>>> {
        let document = Document::plain(text);
        tables(&document)
            .iter()
            .map(|table| table.rows.iter().map(|row| row.iter().map(|span| document.slice(*span).to_owned()).collect()).collect())
            .collect()
    }

    #[test]
    fn values_in_one_order_are_a_table() {
        let rows = read(
            "Parts Affected: Model Status LTB Last Ship Alt AX100-3 Obsolete 13-Apr-2026 30-Aug-2026 BX100-3 AX200-3 Obsolete 13-Apr-2026 30-Aug-2026 None Comments: none",
        );
        assert_eq!(rows[0][0], ["Model", "Status", "LTB", "Last Ship", "Alt"]);
        assert_eq!(rows[0][2], ["AX200-3", "Obsolete", "13-Apr-2026", "30-Aug-2026", "None"]);
        let rows = read(
            "Product / Replacement / Last order / Last delivery\nAX100-3 / BX100-3 / 2027.4.30 / 2027.10.29\nAX200-3 / BX200-3 / 2027.4.30 / 2027.10.29\n",
        );
        assert_eq!(rows[0][1], ["AX100-3", "BX100-3", "2027.4.30", "2027.10.29"]);
    }

    #[test]
    fn sentences_and_lists_are_none() {
        for text in [
            "AX100-3, AX200-3, AX300-3 end on 2027-04-30. AX400-3 ends on 2027-05-30.",
            "Last order: 2027-04-30 Last ship: 2027-10-29 AX100-3 2027-04-30",
            "Model AX100-3 AX200-3 AX300-3 AX400-3",
        ] {
            assert_eq!(read(text).len(), 0, "{text}");
        }
    }
}
