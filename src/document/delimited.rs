//! Delimited text (CSV, TSV): the delimiter is the one by which most lines have equally many cells. Quoted cells may hold delimiters and line breaks.

use super::{builder::Builder, cells};

const DELIMITERS: [u8; 4] = [b';', b',', b'\t', b'|'];
/// Records looked at to find the delimiter.
const LOOKED_AT: usize = 200;

/// Adds the text as a page of one table or several; false where it is no delimited text. `is_named` says that its name or media type calls it one.
pub(super) fn add(builder: &mut Builder, name: &str, text: &str, is_named: bool) -> bool {
    let Some(delimiter) = delimiter(text, is_named) else { return false };
    builder.page(name);
    // Empty lines part tables, and the reader passes over them: each part is read by itself, unless a quoted cell runs across.
    let rows: Vec<Vec<String>> = records(text, delimiter).collect();
    cells::add(builder, name, &rows);
    true
}

fn records(text: &str, delimiter: u8) -> impl Iterator<Item = Vec<String>> {
    // Spreadsheets in some countries say the delimiter in a first line of their own.
    let text = text.strip_prefix("sep=").and_then(|rest| rest.split_once('\n')).map_or(text, |(_, rest)| rest);
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let mut line_before = 0;
    reader.into_records().flatten().flat_map(move |record| {
        let line = record.position().map_or(0, csv::Position::line);
        let has_gap = line_before > 0 && line > line_before + 1;
        line_before = line + record.iter().map(|cell| cell.matches('\n').count() as u64).sum::<u64>();
        let row: Vec<String> = record.iter().map(|cell| unwrapped(cell).to_owned()).collect();
        has_gap.then(Vec::new).into_iter().chain([row])
    })
}

/// `="00123"` keeps a spreadsheet from taking a part number for a number.
fn unwrapped(cell: &str) -> &str {
    cell.trim().strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(cell)
}

fn delimiter(text: &str, is_named: bool) -> Option<u8> {
    if let Some(said) = text.strip_prefix("sep=").and_then(|rest| rest.bytes().next()).filter(|said| DELIMITERS.contains(said)) {
        return Some(said);
    }
    let scored = DELIMITERS.into_iter().filter_map(|delimiter| {
        let widths: Vec<usize> = records(text, delimiter).filter(|row| !row.is_empty()).take(LOOKED_AT).map(|row| row.len()).collect();
        let most =
            widths.iter().copied().filter(|width| *width > 1).max_by_key(|width| (widths.iter().filter(|other| *other == width).count(), *width))?;
        let alike = widths.iter().filter(|width| **width == most).count();
        // Without a name that says so, prose with a comma in every line must not be torn apart; tabs and bars are seen by `text` as well.
        let is_table = is_named || (matches!(delimiter, b';' | b',') && most >= 3 && alike >= 3 && alike == widths.len());
        is_table.then_some((alike * 100 / widths.len().max(1), most, delimiter))
    });
    scored.max().map(|(.., delimiter)| delimiter)
}

#[cfg(test)]
mod tests {
    use super::delimiter;

    #[test]
    fn the_delimiter_is_what_cuts_lines_alike() {
        assert_eq!(delimiter("Part;Preis\nAX1;1,50\nAX2;2,75\n", true), Some(b';'));
        assert_eq!(delimiter("a\tb,c\nd\te\n", true), Some(b'\t'));
        assert_eq!(delimiter("sep=|\na|b\n", false), Some(b'|'));
        assert_eq!(delimiter("Part,Maker,Date\n\"A,1\",B,C\nD,E,F\n", false), Some(b','));
        assert_eq!(delimiter("Dear customer,\nwe end parts AX1, AX2 and AX3,\nas told before, in May,\n", false), None);
    }
}
