//! Which cells stand under each other. Lines are cut into segments by wide gaps; this finds the columns those segments belong to. Text and PDF share it: the one
//! measures in characters, the other in points.

use std::ops::Range;

use crate::limits;

/// A run of text on one line, from where to where.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Segment {
    pub(super) start: f32,
    pub(super) end: f32,
}

/// For each row and column the row's segments that stand in it; an empty range is an empty cell. `None` where the rows are no table.
pub(super) fn grid(rows: &[Vec<Segment>]) -> Option<Vec<Vec<Range<usize>>>> {
    let most = rows.iter().map(Vec::len).max()?;
    if rows.len() < 2 || !(2..=limits::TABLE_COLUMNS_MAX).contains(&most) {
        return None;
    }
    // The fullest rows show the columns best. A single one may be a line of prose that was cut by chance, so at least two must agree.
    for count in (2..=most).rev() {
        let full: Vec<&Vec<Segment>> = rows.iter().filter(|row| row.len() == count).collect();
        if full.len() < 2 {
            continue;
        }
        let columns = rivers(full.iter().copied().flatten());
        if (count..=limits::TABLE_COLUMNS_MAX).contains(&columns.len()) {
            return Some(rows.iter().map(|row| assign(row, &columns)).collect());
        }
    }
    // Not aligned, as in a mail written in a proportional face: only the count can tell.
    let is_even = most >= 3 && rows.iter().all(|row| row.len() == most);
    is_even.then(|| rows.iter().map(|row| (0..row.len()).map(|at| at..at + 1).collect()).collect())
}

/// What is left between the gaps that run through every row.
fn rivers<'a>(segments: impl Iterator<Item = &'a Segment>) -> Vec<Segment> {
    let mut sorted: Vec<Segment> = segments.copied().collect();
    sorted.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut columns: Vec<Segment> = Vec::new();
    for segment in sorted {
        match columns.last_mut() {
            Some(last) if segment.start < last.end => last.end = last.end.max(segment.end),
            _ => columns.push(segment),
        }
    }
    columns
}

/// Each segment to the column it covers most, from left to right.
fn assign(row: &[Segment], columns: &[Segment]) -> Vec<Range<usize>> {
    let mut cells = vec![0..0; columns.len()];
    let mut leftmost = 0;
    for (at, segment) in row.iter().enumerate() {
        let cover = |column: &Segment| segment.end.min(column.end) - segment.start.max(column.start);
        let best = (leftmost..columns.len()).max_by(|a, b| cover(&columns[*a]).total_cmp(&cover(&columns[*b])).then(b.cmp(a))).unwrap_or(leftmost);
        cells[best] = if cells[best].is_empty() { at..at + 1 } else { cells[best].start..at + 1 };
        leftmost = best;
    }
    cells
}

/// Whether rows of cells of these lengths, in characters, are running text in columns: a table has at least one column of short cells.
pub(super) fn is_prose(rows: &[Vec<usize>]) -> bool {
    const PROSE_CHARS_MIN: usize = 28;
    let columns = rows.first().map_or(0, Vec::len);
    (0..columns).all(|column| {
        let filled: Vec<usize> = rows.iter().filter_map(|row| row.get(column).copied()).filter(|length| *length > 0).collect();
        filled.iter().sum::<usize>() / filled.len().max(1) >= PROSE_CHARS_MIN
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(segments: &[(f32, f32)]) -> Vec<Segment> {
        segments.iter().map(|(start, end)| Segment { start: *start, end: *end }).collect()
    }

    #[test]
    fn empty_cells_keep_their_column() {
        let rows = [row(&[(0., 4.), (10., 21.), (25., 28.)]), row(&[(0., 7.), (10., 17.), (25., 35.)]), row(&[(0., 7.), (25., 35.)])];
        assert_eq!(grid(&rows).expect("table")[2], [0..1, 0..0, 1..2]);
    }

    #[test]
    fn a_header_alone_may_be_full() {
        let rows = [row(&[(0., 4.), (10., 21.), (25., 28.)]), row(&[(0., 7.), (10., 17.)]), row(&[(0., 7.), (25., 35.)])];
        assert_eq!(grid(&rows).expect("table"), [[0..1, 1..2, 2..3], [0..1, 1..2, 0..0], [0..1, 0..0, 1..2]]);
    }

    #[test]
    fn prose_with_wide_gaps_is_no_table() {
        assert_eq!(grid(&[row(&[(0., 30.), (32., 70.)]), row(&[(0., 50.), (52., 70.)])]), None);
        assert_eq!(grid(&[row(&[(0., 30.), (32., 70.)])]), None);
        assert_eq!(grid(&[]), None);
    }

    #[test]
    fn rows_of_one_count_are_a_table_without_alignment() {
        let rows = [row(&[(0., 10.), (12., 30.), (32., 40.)]), row(&[(0., 25.), (27., 31.), (33., 40.)])];
        assert_eq!(grid(&rows).expect("table")[1], [0..1, 1..2, 2..3]);
    }
}
