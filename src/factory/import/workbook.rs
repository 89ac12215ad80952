//! A sheet of an XLSX workbook as records, cell by cell and never as a whole; and the sheet's own word on what each cell is.

use std::{
    fs::File,
    io::{BufReader, Read, Seek},
};

use calamine::{DataRef, Reader, Xlsx};

use super::{
    files::Source,
    records::{CellKind, Record, RecordError},
};
use crate::limits;

/// Hands every row that says anything to `take`.
pub(super) fn each(source: &Source, take: &mut dyn FnMut(&Record<'_>, u64) -> Result<(), RecordError>) -> Result<(), RecordError> {
    let file = BufReader::new(File::open(&source.path).map_err(RecordError::Io)?);
    read(file, source.sheet.as_deref(), source.bytes, take)
}

fn stop<E: std::fmt::Display>(error: E) -> RecordError {
    let what: String = error.to_string().chars().filter(|c| !c.is_control()).take(200).collect();
    RecordError::Stopped(0, format!("the workbook cannot be read ({what}): save it again as XLSX without a password, or as CSV"))
}

fn read<R: Read + Seek>(
    mut file: R,
    sheet: Option<&str>,
    bytes: u64,
    take: &mut dyn FnMut(&Record<'_>, u64) -> Result<(), RecordError>,
) -> Result<(), RecordError> {
    let mut unpacked = 0_u64;
    let mut archive = zip::ZipArchive::new(&mut file).map_err(stop)?;
    for at in 0..archive.len() {
        unpacked = unpacked.saturating_add(archive.by_index_raw(at).map_err(stop)?.size());
    }
    if unpacked > limits::FACTORY_WORKBOOK_BYTES_MAX {
        let what = format!("the workbook unpacks to more than {} bytes: save the sheet as CSV", limits::FACTORY_WORKBOOK_BYTES_MAX);
        return Err(RecordError::Stopped(0, what));
    }
    drop(archive);
    file.rewind().map_err(RecordError::Io)?;
    let mut book = Xlsx::new(file).map_err(stop)?;
    let names = book.sheet_names();
    let name = match sheet {
        Some(wanted) => names.iter().find(|name| name.trim().eq_ignore_ascii_case(wanted)),
        None => names.first(),
    };
    let Some(name) = name.cloned() else {
        return Err(RecordError::Stopped(0, format!("the workbook has no sheet '{}'; it has {}", sheet.unwrap_or("1"), names.join(", "))));
    };
    let mut cells = book.worksheet_cells_reader(&name).map_err(stop)?;
    let mut row = Row::default();
    while let Some(cell) = cells.next_cell().map_err(stop)? {
        let (at, column) = cell.get_position();
        if at != row.at {
            row.hand_over(bytes, take)?;
            row.at = at;
        }
        if (column as usize) < limits::FACTORY_COLUMNS_MAX {
            row.put(column as usize, cell.get_value());
        }
    }
    row.hand_over(bytes, take)
}

#[derive(Default)]
struct Row {
    at: u32,
    cells: Vec<u8>,
    ends: Vec<usize>,
    kinds: Vec<CellKind>,
}

impl Row {
    fn put(&mut self, column: usize, value: &DataRef<'_>) {
        while self.ends.len() < column {
            self.ends.push(self.cells.len());
            self.kinds.push(CellKind::Text);
        }
        if self.ends.len() > column {
            return;
        }
        let (text, kind) = shown(value);
        self.cells.extend_from_slice(text.as_bytes());
        self.ends.push(self.cells.len());
        self.kinds.push(kind);
    }

    fn hand_over(&mut self, bytes: u64, take: &mut dyn FnMut(&Record<'_>, u64) -> Result<(), RecordError>) -> Result<(), RecordError> {
        if !self.cells.is_empty() {
            let line = self.at + 1;
            let record = Record { line, last_line: line, bytes: &self.cells, ends: &self.ends, kinds: Some(&self.kinds) };
            // How far a packed sheet is read nobody knows; the bar stands in the middle until it is over.
            take(&record, bytes / 2)?;
        }
        self.cells.clear();
        self.ends.clear();
        self.kinds.clear();
        Ok(())
    }
}

/// A cell as text in plain form.
fn shown(value: &DataRef<'_>) -> (String, CellKind) {
    match value {
        DataRef::Empty => (String::new(), CellKind::Text),
        DataRef::String(text) => (text.clone(), CellKind::Text),
        DataRef::SharedString(text) => ((*text).to_owned(), CellKind::Text),
        DataRef::Int(number) => (number.to_string(), CellKind::Number),
        DataRef::Float(number) => (float(*number), CellKind::Number),
        DataRef::Bool(value) => (if *value { "yes" } else { "no" }.to_owned(), CellKind::Text),
        DataRef::DateTime(moment) if moment.is_datetime() => {
            let (year, month, day, ..) = moment.to_ymd_hms_milli();
            (format!("{year:04}-{month:02}-{day:02}"), CellKind::Day)
        }
        DataRef::DateTime(moment) => (float(moment.as_f64()), CellKind::Number),
        DataRef::DateTimeIso(text) => (text.chars().take(10).collect(), CellKind::Day),
        DataRef::DurationIso(text) => (text.clone(), CellKind::Text),
        DataRef::Error(error) => (error.to_string(), CellKind::Text),
    }
}

/// Excel keeps fifteen digits; what is behind them is the float's and not the person's.
fn float(number: f64) -> String {
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    if rounded != 0.0 && !(1e-15..1e15).contains(&rounded.abs()) { format!("{rounded:E}").replace("E", "E+") } else { rounded.to_string() }
}

#[cfg(test)]
mod tests {
    use super::float;

    #[test]
    fn numbers_are_shown_as_they_were_typed() {
        for (number, same) in [(0.1 + 0.2, "0.3"), (1_234_567.0, "1234567"), (0.000213, "0.000213"), (1.5e17, "1.5E+17"), (-2.5, "-2.5"), (0.0, "0")]
        {
            assert_eq!(float(number), same);
        }
    }
}
