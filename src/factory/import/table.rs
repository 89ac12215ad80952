//! One factory table: its columns in one list (header, whether a cell may be empty, parser), and the reading of a file by that list.

use std::{
    fs::File,
    io::{BufRead, BufReader},
};

use super::{
    ImportError,
    files::{Kind, Source, Sources},
    number::shown,
    records::{Record, RecordError, Records},
    report::{Fault, Findings},
};
use crate::factory::bom::Draft;
use crate::{
    domain::{factory::Line, money::Currency},
    limits,
};

/// One column: its header, whether a cell may be empty, and how a cell becomes a field of the row.
pub(super) struct Column<R> {
    pub name: &'static str,
    need: Need,
    set: fn(&mut R, &str) -> Result<(), String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// The column must be there, and every cell filled.
    Required,
    /// An empty cell, or no such column, is unknown.
    Optional,
    /// Optional, and money: where it is filled, the line must name its currency.
    Money,
}

pub(super) const fn must<R>(name: &'static str, set: fn(&mut R, &str) -> Result<(), String>) -> Column<R> {
    Column { name, need: Need::Required, set }
}

pub(super) const fn may<R>(name: &'static str, set: fn(&mut R, &str) -> Result<(), String>) -> Column<R> {
    Column { name, need: Need::Optional, set }
}

pub(super) const fn money<R>(name: &'static str, set: fn(&mut R, &str) -> Result<(), String>) -> Column<R> {
    Column { name, need: Need::Money, set }
}

/// Puts a cell that could be read into its field.
pub(super) fn put<T>(field: &mut T, cell: Result<T, String>) -> Result<(), String> {
    *field = cell?;
    Ok(())
}

/// The column that names the currency of a line's money.
pub(super) const CURRENCY: &str = "currency";

/// A row of a factory file.
pub(super) trait Table: Sized + 'static {
    const COLUMNS: &'static [Column<Self>];

    /// A row before its cells are read. Required fields hold placeholders that every taken line overwrites; the currency of a line without money is `reporting`,
    /// and nothing stands in it.
    fn blank(reporting: Currency, at: Line) -> Self;

    fn at(&self) -> &Line;

    /// The name other files refer to this row by.
    fn name(&self) -> Option<&str> {
        None
    }

    /// What only the whole row shows.
    fn check(&self, _faults: &mut Vec<Fault>) {}
}

/// Reads tables one after the other, telling progress over all of them.
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    reporting: Currency,
    progress: &'a mut dyn FnMut(u64, u64),
    done: u64,
}

/// Lines between two tellings of progress.
const PROGRESS_LINES: u64 = 1024;

impl<'a> Reader<'a> {
    pub fn new(sources: &'a Sources, reporting: Currency, progress: &'a mut dyn FnMut(u64, u64)) -> Reader<'a> {
        Reader { sources, reporting, progress, done: 0 }
    }

    /// The rows of a file that are right by themselves; what is not goes to `findings`. An absent file has no rows.
    pub fn read<R: Table>(&mut self, kind: Kind, findings: &mut Findings) -> Result<Vec<R>, ImportError> {
        let mut rows = Vec::new();
        self.read_each(kind, findings, &mut |row| rows.push(row))?;
        Ok(rows)
    }

    /// The bills of materials, which are too many to be kept as rows.
    pub fn read_bom(&mut self, findings: &mut Findings) -> Result<Draft, ImportError> {
        let mut draft = Draft::default();
        self.read_each(Kind::Bom, findings, &mut |line| draft.push(&line))?;
        Ok(draft)
    }

    fn read_each<R: Table>(&mut self, kind: Kind, findings: &mut Findings, take: &mut dyn FnMut(R)) -> Result<(), ImportError> {
        let Some(source) = self.sources.get(kind) else { return Ok(()) };
        findings.lines_read(kind, &source.name, 0);
        let mut trimmed = Trimmed::default();
        let ended = match open(source)? {
            Ok((input, delimiter)) => self.read_records(kind, source, Records::new(input, delimiter), take, &mut trimmed, findings),
            Err(what) => Err(RecordError::Stopped(0, what)),
        };
        trimmed.tell(&source.name, findings);
        match ended {
            Ok(()) => {}
            Err(RecordError::Stopped(line, what)) => findings.refuse_rest(&source.name, line, what),
            Err(RecordError::Io(error)) => return Err(ImportError::Unreadable { path: source.path.clone(), source: error }),
        }
        self.done += source.bytes;
        (self.progress)(self.done, self.sources.bytes());
        Ok(())
    }

    fn read_records<R: Table>(
        &mut self,
        kind: Kind,
        source: &Source,
        mut records: Records<impl BufRead>,
        take: &mut dyn FnMut(R),
        trimmed: &mut Trimmed,
        findings: &mut Findings,
    ) -> Result<(), RecordError> {
        let header = loop {
            let Some(record) = records.next()? else {
                return Err(RecordError::Stopped(0, format!("the file is empty: expected a header line with {}", column_names::<R>())));
            };
            if !is_comment(&record) {
                break Header::read::<R>(&record, &source.name, findings).map_err(|what| RecordError::Stopped(record.line, what))?;
            }
        };
        let mut lines = 0_u64;
        loop {
            let bytes = records.bytes_read();
            let Some(record) = records.next()? else { break };
            if is_comment(&record) || record.cells().all(|cell| cell.trim_ascii().is_empty()) {
                continue;
            }
            if lines == limits::FACTORY_LINES_MAX as u64 {
                let what = format!("the file has more than {} lines: nothing from this line on was read", limits::FACTORY_LINES_MAX);
                return Err(RecordError::Stopped(record.line, what));
            }
            lines += 1;
            findings.lines_read(kind, &source.name, lines);
            if lines.is_multiple_of(PROGRESS_LINES) {
                (self.progress)(self.done + bytes, self.sources.bytes());
            }
            let at = Line { file: source.name.clone(), line: record.line };
            match header.row::<R>(&record, self.reporting, at.clone(), trimmed) {
                Ok(row) => {
                    if record.last_line > record.line {
                        let what = format!(
                            "a cell runs over lines {} to {}: if a quotation mark is missing there, lines are lost in it",
                            record.line, record.last_line
                        );
                        findings.doubt(&at, None, what);
                    }
                    take(row);
                }
                Err((row, faults)) => {
                    if let Some(name) = row.name().filter(|name| !name.is_empty()) {
                        findings.refuse_name(kind, name);
                    }
                    findings.refuse(&at, faults);
                }
            }
        }
        Ok(())
    }
}

/// A file and its delimiter, standing after a byte order mark; or the sentence why it is none to read.
fn open(source: &Source) -> Result<Result<(impl BufRead + use<>, u8), String>, ImportError> {
    let unreadable = |error| ImportError::Unreadable { path: source.path.clone(), source: error };
    if source.bytes > limits::FACTORY_FILE_BYTES_MAX {
        return Ok(Err(format!("the file is larger than {} bytes: nothing of it was read", limits::FACTORY_FILE_BYTES_MAX)));
    }
    let mut input = BufReader::with_capacity(2 * limits::FACTORY_LINE_BYTES_MAX, File::open(&source.path).map_err(unreadable)?);
    let start = input.fill_buf().map_err(unreadable)?;
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"\xD0\xCF\x11\xE0") {
        return Ok(Err("it is a workbook, not a CSV file: save the sheet as \"CSV UTF-8\"".to_owned()));
    }
    if start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF") || start.contains(&0) {
        return Ok(Err("it is not UTF-8 (it looks like UTF-16): save it as \"CSV UTF-8\"".to_owned()));
    }
    let mark = if start.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let delimiter = delimiter(&start[mark..]);
    input.consume(mark);
    Ok(delimiter.map(|delimiter| (input, delimiter)))
}

/// Comma, or semicolon where the header line has only those.
fn delimiter(start: &[u8]) -> Result<u8, String> {
    let header = start.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"# ")).unwrap_or_default();
    let has = |delimiter| header.contains(&delimiter);
    match (has(b','), has(b';')) {
        (true, true) => Err("the header line has commas and semicolons: separate all cells by one of them".to_owned()),
        (false, true) => Ok(b';'),
        (true, false) => Ok(b','),
        (false, false) if has(b'\t') => Err("cells are separated by tabs: save the file with commas or semicolons".to_owned()),
        (false, false) => Ok(b','),
    }
}

/// A comment is a line that begins with `# `; `#NAME?` is a damaged cell.
fn is_comment(record: &Record<'_>) -> bool {
    record.cells().next().is_some_and(|cell| cell.starts_with(b"# ") || cell == b"#")
}

fn column_names<R: Table>() -> String {
    R::COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// Blanks around cells are cut, and that is told once for the file.
#[derive(Default)]
struct Trimmed {
    cells: u64,
    first: Option<(u32, &'static str)>,
}

impl Trimmed {
    fn count(&mut self, line: u32, column: &'static str) {
        self.cells += 1;
        self.first.get_or_insert((line, column));
    }

    fn tell(self, file: &str, findings: &mut Findings) {
        if let Some((line, column)) = self.first {
            let what = match self.cells {
                1 => "the value had blanks around it, which were cut".to_owned(),
                cells => format!("{cells} values of this file, this one first, had blanks around them, which were cut"),
            };
            findings.doubt(&Line { file: file.to_owned(), line }, Some(column), what);
        }
    }
}

/// Where each column of the table stands in the file.
struct Header {
    /// By column of the table.
    places: Vec<Option<usize>>,
    width: usize,
}

impl Header {
    /// Names are compared without regard to case and blanks around them; their order is free. A sentence where the file cannot be read by it.
    fn read<R: Table>(record: &Record<'_>, file: &str, findings: &mut Findings) -> Result<Header, String> {
        let cells: Vec<String> = record.cells().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        let mut places: Vec<Option<usize>> = vec![None; R::COLUMNS.len()];
        let mut unknown: Vec<String> = Vec::new();
        for (place, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            match R::COLUMNS.iter().position(|column| column.name.eq_ignore_ascii_case(cell)) {
                Some(column) if places[column].is_some() => {
                    return Err(format!("the column {} stands twice in the header: remove one", R::COLUMNS[column].name));
                }
                Some(column) => places[column] = Some(place),
                None => unknown.push(format!("'{}'", shown(cell))),
            }
        }
        let wanted = |(column, place): &(&Column<R>, &Option<usize>)| column.need == Need::Required && place.is_none();
        let missing: Vec<&str> = R::COLUMNS.iter().zip(&places).filter(wanted).map(|(column, _)| column.name).collect();
        if !missing.is_empty() {
            let all = column_names::<R>();
            return Err(format!("the header lacks {}: the first line must name the columns, which are {all}", missing.join(", ")));
        }
        if !unknown.is_empty() {
            let more = unknown.len().saturating_sub(limits::NAMES_TOLD_MAX);
            unknown.truncate(limits::NAMES_TOLD_MAX);
            let and = if more > 0 { format!(" and {more} more") } else { String::new() };
            let what = format!("columns that are not read: {}{and}; the columns are {}", unknown.join(", "), column_names::<R>());
            findings.doubt(&Line { file: file.to_owned(), line: record.line }, None, what);
        }
        Ok(Header { places, width: cells.len() })
    }

    /// The row of a record, or what is wrong with it and the row as far as it could be read.
    fn row<R: Table>(&self, record: &Record<'_>, reporting: Currency, at: Line, trimmed: &mut Trimmed) -> Result<R, (R, Vec<Fault>)> {
        let mut row = R::blank(reporting, at);
        let mut faults = Vec::new();
        if record.len() < self.width || (self.width..record.len()).any(|place| !record.cell(place).trim_ascii().is_empty()) {
            let (found, wanted) = (record.len(), self.width);
            let why = if found < wanted { "the line is cut" } else { "a separator inside a value needs quotation marks around the value" };
            faults.push(Fault { column: None, what: format!("the line has {found} cells where the header has {wanted}: {why}") });
            return Err((row, faults));
        }
        let (mut has_money, mut has_currency) = (false, false);
        for (column, place) in R::COLUMNS.iter().zip(&self.places) {
            let Some(place) = place else { continue };
            let Ok(cell) = std::str::from_utf8(record.cell(*place)) else {
                faults.push(Fault::in_column(column.name, "the cell is not UTF-8: save the file as \"CSV UTF-8\""));
                continue;
            };
            let value = cell.trim();
            if value.len() != cell.len() && !value.is_empty() {
                trimmed.count(record.line, column.name);
            }
            if value.is_empty() {
                if column.need == Need::Required {
                    faults.push(Fault::in_column(column.name, "the cell is empty and must be filled: an empty cell is unknown, not zero"));
                }
                continue;
            }
            has_money |= column.need == Need::Money;
            has_currency |= column.name == CURRENCY;
            if let Err(what) = (column.set)(&mut row, value) {
                faults.push(Fault::in_column(column.name, what));
            }
        }
        if has_money && !has_currency {
            faults.push(Fault::in_column(CURRENCY, "the line holds an amount and no currency: write the currency, for example EUR"));
        }
        if faults.is_empty() {
            row.check(&mut faults);
        }
        if faults.is_empty() { Ok(row) } else { Err((row, faults)) }
    }
}
