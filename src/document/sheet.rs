//! Workbooks (XLSX, XLSM, XLSB, XLS, ODS): a page for each sheet that is shown, cells as the sheet stores them, dates as days. Sheets are taken cell by cell where
//! the format allows it, because what a file says about its own size may be a lie.

use std::{collections::BTreeMap, io::Cursor};

use calamine::{Data, Dimensions, Error, Ods, Reader, SheetVisible, Sheets, Xls, Xlsb, Xlsx};

use super::{builder::Builder, cells};
use crate::limits;

/// Which of the forms a workbook has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Xlsx,
    Xlsb,
    Xls,
    Ods,
}

fn open(form: Form, bytes: &[u8]) -> Result<Sheets<Cursor<&[u8]>>, Error> {
    let bytes = Cursor::new(bytes);
    Ok(match form {
        Form::Xlsx => Sheets::Xlsx(Xlsx::new(bytes)?),
        Form::Xlsb => Sheets::Xlsb(Xlsb::new(bytes)?),
        Form::Xls => Sheets::Xls(Xls::new(bytes)?),
        Form::Ods => Sheets::Ods(Ods::new(bytes)?),
    })
}

/// Adds the sheets of a workbook.
pub(super) fn add(builder: &mut Builder, name: Option<&str>, form: Form, bytes: &[u8]) -> Result<(), String> {
    let damaged = |why: String| {
        if why.to_lowercase().contains("password") {
            return "the workbook is protected by a password; save it without one".to_owned();
        }
        let why: String = why.chars().filter(|c| !c.is_control()).take(100).collect();
        format!("the workbook is damaged ({why}); save it again, or as CSV")
    };
    let mut book = open(form, bytes).map_err(|error| damaged(error.to_string()))?;
    let all = book.sheets_metadata().to_vec();
    let has_shown = all.iter().any(|sheet| sheet.visible == SheetVisible::Visible);
    let mut failed = None;
    let mut read = 0;
    for (number, sheet) in all.iter().enumerate() {
        let of = name.map_or_else(|| format!("sheet {}", sheet.name), |name| format!("{name}, sheet {}", sheet.name));
        if number >= limits::SHEETS_MAX {
            builder.warn(format!("the workbook has {} sheets; only the first {} were read", all.len(), limits::SHEETS_MAX));
            break;
        }
        if has_shown && sheet.visible != SheetVisible::Visible {
            builder.warn(format!("{of} is hidden and was not read"));
            continue;
        }
        match rows(&mut book, &sheet.name) {
            Ok((rows, is_cut)) => {
                read += 1;
                if rows.is_empty() {
                    continue;
                }
                builder.page(of.clone());
                cells::add(builder, &of, &rows);
                if is_cut {
                    builder.warn(format!("{of} has more than {} cells; what follows was not read", limits::SHEET_CELLS_MAX));
                }
            }
            Err(why) => {
                builder.warn(format!("{of} was not read: {}", damaged(why.clone())));
                failed.get_or_insert(why);
            }
        }
        if builder.is_full() {
            break;
        }
    }
    match failed {
        Some(why) if read == 0 => Err(damaged(why)),
        _ => Ok(()),
    }
}

/// The rows of a sheet from its first to its last used one, each from column A on, and whether there were too many cells.
fn rows(book: &mut Sheets<Cursor<&[u8]>>, sheet: &str) -> Result<(Vec<Vec<String>>, bool), String> {
    let mut found = Cells::default();
    let merged = match book {
        Sheets::Xlsx(book) => {
            let merged = book.merge_cells_by_sheet_name(sheet).unwrap_or_default();
            let mut reader = book.worksheet_cells_reader(sheet).map_err(|error| error.to_string())?;
            while let Some(cell) = reader.next_cell().map_err(|error| error.to_string())? {
                if !found.take(cell.get_position(), Data::from(cell.get_value().clone())) {
                    break;
                }
            }
            merged
        }
        other => {
            let range = other.worksheet_range(sheet).map_err(|error| error.to_string())?;
            let (row, column) = range.start().unwrap_or_default();
            for (of_row, of_column, value) in range.used_cells() {
                if !found.take((row + of_row as u32, column + of_column as u32), value.clone()) {
                    break;
                }
            }
            match other {
                Sheets::Xls(book) => book.merge_cells_by_sheet_name(sheet).unwrap_or_default(),
                _ => Vec::new(),
            }
        }
    };
    found.spread(&merged);
    Ok((found.rows(), found.is_cut))
}

#[derive(Default)]
struct Cells {
    rows: BTreeMap<u32, BTreeMap<u32, String>>,
    count: usize,
    is_cut: bool,
}

impl Cells {
    /// False where the sheet has had its number.
    fn take(&mut self, (row, column): (u32, u32), value: Data) -> bool {
        let text = shown(&value);
        if !text.trim().is_empty() {
            self.count += 1;
            self.rows.entry(row).or_default().insert(column, text);
        }
        self.is_cut = self.count > limits::SHEET_CELLS_MAX;
        !self.is_cut
    }

    /// A cell merged over several rows holds for each of them that says anything.
    fn spread(&mut self, merged: &[Dimensions]) {
        for area in merged.iter().take(limits::SHEET_CELLS_MAX).filter(|area| area.end.0 > area.start.0) {
            let Some(text) = self.rows.get(&area.start.0).and_then(|row| row.get(&area.start.1)).cloned() else { continue };
            for (_, row) in self.rows.range_mut(area.start.0 + 1..=area.end.0) {
                self.count += 1;
                if self.count > limits::SHEET_CELLS_MAX {
                    self.is_cut = true;
                    return;
                }
                row.entry(area.start.1).or_insert_with(|| text.clone());
            }
        }
    }

    /// Columns are those that are used anywhere, in order; rows that are not there stand as one empty row, because they part tables.
    fn rows(&self) -> Vec<Vec<String>> {
        let used: Vec<u32> = self
            .rows
            .values()
            .flat_map(|row| row.keys().copied())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .take(limits::TABLE_COLUMNS_MAX + 1)
            .collect();
        let mut rows = Vec::new();
        let mut before = None;
        for (at, row) in &self.rows {
            if before.is_some_and(|before| at - before > 1) {
                rows.push(Vec::new());
            }
            before = Some(*at);
            rows.push(used.iter().map(|column| row.get(column).cloned().unwrap_or_default()).collect());
        }
        rows
    }
}

/// A cell as text. Times are kept where there are any; a number is written out as far as a spreadsheet itself would.
fn shown(value: &Data) -> String {
    match value {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number_shown(*number),
        Data::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(moment) if moment.is_duration() => number_shown(moment.as_f64()),
        Data::DateTime(moment) => {
            let (year, month, day, hour, minute, ..) = moment.to_ymd_hms_milli();
            let time = if hour == 0 && minute == 0 { String::new() } else { format!(" {hour:02}:{minute:02}") };
            format!("{year:04}-{month:02}-{day:02}{time}")
        }
        Data::Error(error) => error.to_string(),
    }
}

fn number_shown(number: f64) -> String {
    if number != 0.0 && (number.abs() >= 1e15 || number.abs() < 1e-9) {
        let text = format!("{number:E}");
        return if text.contains("E-") { text } else { text.replace('E', "E+") };
    }
    // Fifteen digits are what a spreadsheet keeps; more show how numbers are stored (0.1 + 0.2).
    let digits = 15usize.saturating_sub(number.abs().log10().max(0.0).floor() as usize + 1);
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::number_shown;

    #[test]
    fn numbers_as_a_spreadsheet_shows_them() {
        for (number, shown) in [
            (0.0, "0"),
            (100.0, "100"),
            (0.1 + 0.2, "0.3"),
            (1e22, "1E+22"),
            (1.23e45, "1.23E+45"),
            (-2.5, "-2.5"),
            (123_456_789_012.0, "123456789012"),
        ] {
            assert_eq!(number_shown(number), shown);
        }
    }
}
