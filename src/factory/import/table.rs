//! One factory table: its columns in one list (header, whether a cell may be empty, what it holds, parser), and the reading of its files by that list.

use super::{
    ImportError,
    dialect::Dialect,
    files::{Kind, Source, Sources},
    header::Header,
    input,
    levels::Expanded,
    mapping::same,
    records::{Record, RecordError},
    report::{Fault, Findings},
    units::Units,
};
use crate::{
    domain::{
        factory::{AmlEntry, BomLine, Demand, Item, Line, Product, Stock},
        money::Currency,
    },
    factory::bom::Draft,
    limits,
};

/// One column: its header, whether a cell may be empty, and how a cell becomes a field of the row.
pub(super) struct Column<R> {
    pub name: &'static str,
    pub need: Need,
    pub form: Form,
    pub set: fn(&mut R, &str) -> Result<(), String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// The column must be there, and every cell filled.
    Required,
    /// An empty cell, or no such column, is unknown.
    Optional,
    /// Optional, and money: where it is filled, the line must name its currency.
    Money,
}

/// What a column's cells are, where a file may write them in its own way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// A part number, which a spreadsheet may take for something else.
    Id,
    Number,
    Day,
    Month,
}

const fn column<R>(name: &'static str, need: Need, form: Form, set: fn(&mut R, &str) -> Result<(), String>) -> Column<R> {
    Column { name, need, form, set }
}

pub(super) const fn must<R>(name: &'static str, set: fn(&mut R, &str) -> Result<(), String>) -> Column<R> {
    column(name, Need::Required, Form::Text, set)
}

pub(super) const fn may<R>(name: &'static str, set: fn(&mut R, &str) -> Result<(), String>) -> Column<R> {
    column(name, Need::Optional, Form::Text, set)
}

pub(super) const fn money<R>(name: &'static str, set: fn(&mut R, &str) -> Result<(), String>) -> Column<R> {
    column(name, Need::Money, Form::Number, set)
}

pub(super) const fn as_id<R>(of: Column<R>) -> Column<R> {
    column(of.name, of.need, Form::Id, of.set)
}

pub(super) const fn as_number<R>(of: Column<R>) -> Column<R> {
    column(of.name, of.need, Form::Number, of.set)
}

pub(super) const fn as_day<R>(of: Column<R>) -> Column<R> {
    column(of.name, of.need, Form::Day, of.set)
}

pub(super) const fn as_month<R>(of: Column<R>) -> Column<R> {
    column(of.name, of.need, Form::Month, of.set)
}

/// Puts a cell that could be read into its field.
pub(super) fn put<T>(field: &mut T, cell: Result<T, String>) -> Result<(), String> {
    *field = cell?;
    Ok(())
}

/// The column that names the currency of a line's money.
pub(super) const CURRENCY: &str = "currency";
/// The column that names the unit of a line's quantities; not kept, for the dataset holds them in the item's own.
pub(super) const UNIT: &str = "unit";

/// A row of a factory file.
pub(super) trait Table: Sized + 'static {
    const COLUMNS: &'static [Column<Self>];
    /// The column of the item whose unit counts, and those that hold quantities of it.
    const MEASURED: Option<(&'static str, &'static [&'static str])> = None;

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

pub(super) fn column_names<R: Table>() -> Vec<&'static str> {
    R::COLUMNS.iter().map(|column| column.name).collect()
}

/// Names of the columns of a table, for mappings.
pub(super) fn columns_of(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Products => column_names::<Product>(),
        Kind::Items => column_names::<Item>(),
        Kind::Bom => column_names::<BomLine>(),
        Kind::Aml => column_names::<AmlEntry>(),
        Kind::Demand => column_names::<Demand>(),
        Kind::Stock => column_names::<Stock>(),
        Kind::Rates => column_names::<super::tables::RateRow>(),
        Kind::Site => Vec::new(),
    }
}

/// Reads tables one after the other, telling progress over all of them.
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    reporting: Currency,
    dialect: Dialect,
    units: Units,
    expanded: Expanded,
    progress: &'a mut dyn FnMut(u64, u64),
    done: u64,
}

/// Lines between two tellings of progress.
const PROGRESS_LINES: u64 = 1024;

impl<'a> Reader<'a> {
    pub fn new(sources: &'a Sources, reporting: Currency, dialect: Dialect, progress: &'a mut dyn FnMut(u64, u64)) -> Reader<'a> {
        Reader { sources, reporting, dialect, units: Units::default(), expanded: Expanded::default(), progress, done: 0 }
    }

    /// The rows of a table's files that are right by themselves; what is not goes to `findings`. An absent file has no rows.
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
        let sources = self.sources;
        for source in sources.of(kind) {
            let mut reading = Reading { kind, source, reader: self, header: Sought::default(), lines: 0, findings, take };
            let mut told = Vec::new();
            let is_heading = |cell: &str| match &source.map {
                None => cell.eq_ignore_ascii_case(UNIT) || R::COLUMNS.iter().any(|column| column.name.eq_ignore_ascii_case(cell)),
                Some(map) => R::COLUMNS.iter().any(|column| map.headings(column.name).iter().any(|heading| same(heading, cell))),
            };
            let ended = input::each(source, &is_heading, &mut |what| told.push(what), &mut |record, bytes| reading.record(record, bytes));
            let ended = reading.end(ended);
            for what in told {
                findings.doubt(&Line { file: source.name.clone(), line: 0 }, None, what);
            }
            match ended {
                Ok(()) => {}
                Err(RecordError::Stopped(line, what)) => findings.refuse_rest(&source.name, line, what),
                Err(RecordError::Io(error)) => return Err(ImportError::Unreadable { path: source.path.clone(), source: error }),
            }
            self.done += source.bytes;
            (self.progress)(self.done, self.sources.bytes());
        }
        Ok(())
    }
}

/// A file while it is read.
struct Reading<'r, 'a, R> {
    kind: Kind,
    source: &'r Source,
    reader: &'r mut Reader<'a>,
    header: Sought,
    lines: u64,
    findings: &'r mut Findings,
    take: &'r mut dyn FnMut(R),
}

/// The header, or the lines in which it was not found and why.
#[derive(Default)]
struct Sought {
    found: Option<Header>,
    /// Lines above the header, cell by cell: they may name the top of an indented list.
    above: Vec<Vec<String>>,
    why: Option<(u32, String)>,
}

impl<R: Table> Reading<'_, '_, R> {
    fn record(&mut self, record: &Record<'_>, bytes: u64) -> Result<(), RecordError> {
        if record.cells().all(|cell| cell.trim_ascii().is_empty()) || (self.source.map.is_none() && is_comment(record)) {
            return Ok(());
        }
        let Some(header) = &mut self.header.found else { return self.seek_header(record) };
        if !header.is_wanted(record) {
            return Ok(());
        }
        if self.lines == limits::FACTORY_LINES_MAX as u64 {
            let what = format!("the file has more than {} lines: nothing from this line on was read", limits::FACTORY_LINES_MAX);
            return Err(RecordError::Stopped(record.line, what));
        }
        self.lines += 1;
        if self.lines.is_multiple_of(PROGRESS_LINES) {
            let (done, of_file) = (self.reader.done, bytes.min(self.source.bytes));
            (self.reader.progress)(done + of_file, self.reader.sources.bytes());
        }
        let at = Line { file: self.source.name.clone(), line: record.line };
        let row = header.row::<R>(record, at.clone(), self.reader.dialect, &mut self.reader.units, &mut self.reader.expanded);
        match row {
            Ok(None) => {}
            Ok(Some(row)) => {
                if record.last_line > record.line {
                    let (first, last) = (record.line, record.last_line);
                    let what = format!("a cell runs over lines {first} to {last}: if a quotation mark is missing there, lines are lost in it");
                    self.findings.doubt(&at, None, what);
                }
                (self.take)(row);
            }
            Err((row, faults)) => {
                if let Some(name) = row.name().filter(|name| !name.is_empty()) {
                    self.findings.refuse_name(self.kind, name);
                }
                self.findings.refuse(&at, faults);
            }
        }
        Ok(())
    }

    fn seek_header(&mut self, record: &Record<'_>) -> Result<(), RecordError> {
        let read = Header::read::<R>(record, self.source, self.reader.reporting, &self.header.above, self.findings);
        match (read, &self.source.map) {
            (Ok(header), _) => self.header.found = Some(header),
            (Err(what), None) => return Err(RecordError::Stopped(record.line, what)),
            (Err(what), Some(_)) => {
                self.header.above.push(record.cells().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect());
                self.header.why.get_or_insert((record.line, what));
                if self.header.above.len() >= limits::FACTORY_HEADING_LINES_MAX {
                    return Err(self.no_header());
                }
            }
        }
        Ok(())
    }

    fn no_header(&self) -> RecordError {
        match &self.header.why {
            Some((line, what)) => RecordError::Stopped(*line, what.clone()),
            None => RecordError::Stopped(0, format!("the file is empty: expected a header line with {}", column_names::<R>().join(", "))),
        }
    }

    /// What is told once for the file.
    fn end(self, ended: Result<(), RecordError>) -> Result<(), RecordError> {
        self.findings.lines_read(self.kind, &self.source.name, self.lines);
        match (ended, &self.header.found) {
            (Ok(()), None) => Err(self.no_header()),
            (ended, None) => ended,
            (ended, Some(header)) => {
                header.tell(&self.source.name, self.findings);
                ended
            }
        }
    }
}

/// A comment is a line that begins with `# `; `#NAME?` is a damaged cell.
fn is_comment(record: &Record<'_>) -> bool {
    record.cells().next().is_some_and(|cell| cell.starts_with(b"# ") || cell == b"#")
}
