//! Lines and tables from words with places. Words on one height are a line; wide gaps cut a line into segments; lines of several segments, one under another, whose
//! segments line up are a table. Two columns of running text are read one after the other.

use super::{
    builder::Builder,
    columns::{self, Segment},
};
use crate::domain::document::Span;

/// A word and its box, in points, the origin at the bottom left.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
    pub(super) height: f32,
}

impl Word {
    pub(super) fn is_placed(&self) -> bool {
        let finite = [self.left, self.right, self.bottom, self.height].iter().all(|number| number.is_finite());
        finite && !self.text.trim().is_empty()
    }

    fn middle(&self) -> f32 {
        self.bottom + self.height / 2.0
    }
}

/// A gap this many times the height of the writing parts two segments: more than justified text stretches a blank, less than the padding of a table.
const SEGMENT_GAP: f32 = 0.9;
/// Below this the words were one, cut by a change of face.
const JOINED_GAP: f32 = 0.08;
/// Lines further apart than this many heights are paragraphs.
const PARAGRAPH_PITCH: f32 = 1.9;
/// Rows further apart than this many heights are two tables; so are rows that part like paragraphs and much wider than the rows before them.
const TABLE_PITCH: f32 = 4.0;
const WIDER_PITCH: f32 = 1.6;

struct Line {
    middle: f32,
    height: f32,
    cells: Vec<(String, Segment)>,
}

/// Adds a page's words to the page at hand.
pub(super) fn add(builder: &mut Builder, words: Vec<Word>) {
    let lines = lines(words);
    let mut at = 0;
    while at < lines.len() {
        if at > 0 && lines[at - 1].middle - lines[at].middle > PARAGRAPH_PITCH * lines[at].height.max(lines[at - 1].height) {
            builder.blank();
        }
        let taken = block(builder, &lines[at..]);
        if taken == 0 {
            builder.line(&joined(&lines[at]));
        }
        at += taken.max(1);
    }
}

fn joined(line: &Line) -> String {
    line.cells.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("   ")
}

/// Groups words into lines from top to bottom, and cuts lines into segments.
fn lines(mut words: Vec<Word>) -> Vec<Line> {
    words.sort_by(|a, b| b.middle().total_cmp(&a.middle()));
    let mut grouped: Vec<Vec<Word>> = Vec::new();
    let mut middle = f32::INFINITY;
    for word in words {
        match grouped.last_mut() {
            Some(line) if middle - word.middle() < 0.5 * word.height.min(line[0].height).max(1.0) => line.push(word),
            _ => {
                middle = word.middle();
                grouped.push(vec![word]);
            }
        }
    }
    grouped.into_iter().map(segments).collect()
}

fn segments(mut words: Vec<Word>) -> Line {
    words.sort_by(|a, b| a.left.total_cmp(&b.left));
    let height = words.iter().map(|word| word.height).fold(1.0, f32::max);
    let middle = words.iter().map(Word::middle).sum::<f32>() / words.len().max(1) as f32;
    let mut cells: Vec<(String, Segment)> = Vec::new();
    for word in words {
        match cells.last_mut() {
            Some((text, segment)) if word.left - segment.end < SEGMENT_GAP * word.height => {
                if word.left - segment.end >= JOINED_GAP * word.height {
                    text.push(' ');
                }
                text.push_str(word.text.trim());
                segment.end = segment.end.max(word.right);
            }
            _ => cells.push((word.text.trim().to_owned(), Segment { start: word.left, end: word.right })),
        }
    }
    Line { middle, height, cells }
}

/// Adds the table or the columns that these lines begin with; returns how many lines that took, zero where they begin with neither.
fn block(builder: &mut Builder, lines: &[Line]) -> usize {
    let mut end = extent(lines);
    while end >= 2 {
        let rows: Vec<Vec<Segment>> = lines[..end].iter().map(|line| line.cells.iter().map(|(_, segment)| *segment).collect()).collect();
        let Some(grid) = columns::grid(&rows) else { return 0 };
        // A line over several columns is a heading or the text below: the table ends before it.
        if let Some(across) = (0..end).find(|row| rows[*row].len() == 1 && crosses(rows[*row][0], &rows)) {
            end = across;
            continue;
        }
        let cells: Vec<Vec<String>> = lines[..end]
            .iter()
            .zip(&grid)
            .map(|(line, row)| {
                row.iter().map(|cell| line.cells[cell.clone()].iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(" ")).collect()
            })
            .collect();
        let width = grid.first().map_or(0, Vec::len);
        if columns::is_prose(&cells.iter().map(|row| row.iter().map(|cell| cell.chars().count()).collect()).collect::<Vec<_>>()) {
            return side_by_side(builder, &cells, width);
        }
        let widths: Vec<usize> = (0..width).map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
        let table: Vec<Vec<Span>> = cells.iter().map(|row| builder.row(row, &widths)).collect();
        builder.table(table);
        return end;
    }
    0
}

/// How many lines from the first may be rows of one table: the last of them has several segments, and at most two lines in a row have one.
fn extent(lines: &[Line]) -> usize {
    if lines.first().is_none_or(|first| first.cells.len() < 2) {
        return 0;
    }
    let mut last = 0;
    let mut before = f32::INFINITY;
    for (at, pair) in lines.windows(2).enumerate() {
        let (pitch, height) = (pair[0].middle - pair[1].middle, pair[0].height.max(pair[1].height));
        if pitch > TABLE_PITCH * height || (pitch > PARAGRAPH_PITCH * height && pitch > WIDER_PITCH * before) {
            break;
        }
        before = pitch;
        if pair[1].cells.len() >= 2 {
            last = at + 1;
        } else if at + 1 - last > 2 {
            break;
        }
    }
    last + 1
}

/// Whether a segment spans a gap that parts the segments of other rows.
fn crosses(segment: Segment, rows: &[Vec<Segment>]) -> bool {
    rows.iter().flat_map(|row| row.windows(2)).any(|pair| segment.start < pair[0].end && segment.end > pair[1].start)
}

/// Two or more columns of running text: each is read to its end. Short ones stay as they are.
fn side_by_side(builder: &mut Builder, cells: &[Vec<String>], width: usize) -> usize {
    const ROWS_MIN: usize = 4;
    if cells.len() < ROWS_MIN {
        return 0;
    }
    for column in 0..width {
        cells.iter().map(|row| row[column].as_str()).filter(|cell| !cell.is_empty()).for_each(|cell| _ = builder.line(cell));
        builder.blank();
    }
    cells.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::{Document, Format};

    /// Words of a page given as (left, baseline, text), every character 5 points wide and 10 high.
    fn read(words: &[(f32, f32, &str)]) -> Document {
        let mut builder = Builder::default();
        builder.page("page 1");
        let mut placed = Vec::new();
        for (left, bottom, text) in words {
            let mut left = *left;
            for word in text.split(' ') {
                let right = left + 5.0 * word.chars().count() as f32;
                placed.push(Word { text: word.to_owned(), left, right, bottom: *bottom, height: 10.0 });
                left = right + 5.0;
            }
        }
        add(&mut builder, placed);
        builder.finish(Format::Pdf).expect("document")
    }

    fn table(document: &Document, number: usize) -> Vec<Vec<&str>> {
        document.tables[number].rows.iter().map(|row| row.iter().map(|cell| document.slice(*cell)).collect()).collect()
    }

    #[test]
    fn a_table_between_two_paragraphs() {
        let document = read(&[
            (50., 700., "Acme ends the parts listed below on the dates given there."),
            (50., 670., "Part number"),
            (150., 670., "Replacement"),
            (250., 670., "Last order"),
            (50., 652., "AX100-3"),
            (150., 652., "AX200-3"),
            (250., 652., "2027-03-31"),
            (50., 634., "AX100-5"),
            (250., 634.5, "2027-04-30"),
            (50., 604., "Orders after these dates are not taken by any of our sales offices."),
        ]);
        assert_eq!(
            table(&document, 0),
            [["Part number", "Replacement", "Last order"], ["AX100-3", "AX200-3", "2027-03-31"], ["AX100-5", "", "2027-04-30"]]
        );
        assert_eq!(
            document.text,
            "Acme ends the parts listed below on the dates given there.\n\nPart number  Replacement  Last order\nAX100-3      AX200-3      2027-03-31\n\
             AX100-5                   2027-04-30\n\nOrders after these dates are not taken by any of our sales offices.\n"
        );
    }

    #[test]
    fn columns_of_running_text_are_read_one_after_the_other() {
        let left = "this column of the page is written in long lines of text";
        let right = "and the other column goes on with more of the same prose";
        let rows: Vec<(f32, f32, &str)> =
            (0..5).flat_map(|row| [(40., 700. - 12. * row as f32, left), (400., 700. - 12. * row as f32, right)]).collect();
        let document = read(&rows);
        assert_eq!(document.text, format!("{0}\n{0}\n{0}\n{0}\n{0}\n\n{1}\n{1}\n{1}\n{1}\n{1}\n", left, right));
        assert!(document.tables.is_empty());
    }

    #[test]
    fn a_heading_across_ends_the_table_above_it() {
        let document = read(&[
            (50., 700., "AX1"),
            (150., 700., "May"),
            (50., 688., "AX2"),
            (150., 688., "June"),
            (50., 676., "Parts of the second family"),
            (50., 664., "BX1"),
            (150., 664., "July"),
            (50., 652., "BX2"),
            (150., 652., "August"),
        ]);
        assert_eq!(document.tables.len(), 2);
        assert_eq!(table(&document, 1), [["BX1", "July"], ["BX2", "August"]]);
    }

    #[test]
    fn a_word_cut_by_a_change_of_face_is_one_word() {
        let word = |text: &str, left: f32, right: f32| Word { text: text.to_owned(), left, right, bottom: 700.0, height: 10.0 };
        let mut builder = Builder::default();
        add(
            &mut builder,
            vec![word("AX100", 50., 75.), word("-3", 75.2, 85.), word("ends", 90., 110.), word("NaN", f32::NAN, 1.)]
                .into_iter()
                .filter(Word::is_placed)
                .collect(),
        );
        assert_eq!(builder.text(), "AX100-3 ends\n");
    }
}
