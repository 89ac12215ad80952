//! The header of a file: where each column of the table stands in it; and a line by it.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{
    dialect::{self, Days, Dialect, Mark},
    files::Source,
    levels::{Edge, Expanded, Stack},
    mapping::{Headings, TableMap, same},
    number::{self, shown},
    records::{CellKind, Record},
    report::{Fault, Findings},
    table::{CURRENCY, Column, Form, Need, Table, UNIT, column_names},
    units::Units,
};
use crate::{
    domain::{factory::Line, money::Currency},
    limits,
};

pub(super) struct Header {
    /// By column of the table.
    places: Vec<Option<usize>>,
    /// By column: the cell its number is for.
    divisors: Vec<Option<usize>>,
    unit: Option<usize>,
    level: Option<(usize, Stack)>,
    width: usize,
    reporting: Currency,
    map: Option<TableMap>,
    /// Cells that must have one of these values.
    only: Vec<(usize, Vec<String>)>,
    /// Cells that are the last ones said where they are empty.
    carried: Vec<(usize, String)>,
    passed_over: u64,
    /// What is told once for the file: kind of thing and column, how often, the first line.
    seen: Vec<(Seen, &'static str, u64, u32)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Trimmed,
    NumberForId,
    Converted,
}

/// The currency of an export without one: that of the site.
const REPORTING: &str = "reporting";

type Faulty<R> = (R, Vec<Fault>);

impl Header {
    /// Names are compared without regard to case and blanks around them; their order is free. A sentence where the file cannot be read by it.
    pub fn read<R: Table>(
        record: &Record<'_>,
        source: &Source,
        reporting: Currency,
        above: &[Vec<String>],
        findings: &mut Findings,
    ) -> Result<Header, String> {
        let cells: Vec<String> = record.cells().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        let none = vec![None; R::COLUMNS.len()];
        let mut header = Header {
            places: none.clone(),
            divisors: none,
            unit: None,
            level: None,
            width: cells.len(),
            reporting,
            map: source.map.clone(),
            only: Vec::new(),
            carried: Vec::new(),
            passed_over: 0,
            seen: Vec::new(),
        };
        match &source.map {
            None => header.read_own::<R>(&cells, &Line { file: source.name.clone(), line: record.line }, findings)?,
            Some(map) => header.read_mapped::<R>(&cells, map, above)?,
        }
        Ok(header)
    }

    fn read_own<R: Table>(&mut self, cells: &[String], at: &Line, findings: &mut Findings) -> Result<(), String> {
        let mut unknown: Vec<String> = Vec::new();
        for (place, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            match R::COLUMNS.iter().position(|column| column.name.eq_ignore_ascii_case(cell)) {
                Some(column) if self.places[column].is_some() => {
                    return Err(format!("the column {} stands twice in the header: remove one", R::COLUMNS[column].name));
                }
                Some(column) => self.places[column] = Some(place),
                None if cell.eq_ignore_ascii_case(UNIT) => self.unit = Some(place),
                None => unknown.push(format!("'{}'", shown(cell))),
            }
        }
        let wanted = |(column, place): &(&Column<R>, &Option<usize>)| column.need == Need::Required && place.is_none();
        let missing: Vec<&str> = R::COLUMNS.iter().zip(&self.places).filter(wanted).map(|(column, _)| column.name).collect();
        let all = column_names::<R>().join(", ");
        if !missing.is_empty() {
            return Err(format!("the header lacks {}: the first line must name the columns, which are {all}", missing.join(", ")));
        }
        if !unknown.is_empty() {
            let more = unknown.len().saturating_sub(limits::NAMES_TOLD_MAX);
            unknown.truncate(limits::NAMES_TOLD_MAX);
            let and = if more > 0 { format!(" and {more} more") } else { String::new() };
            findings.doubt(at, None, format!("columns that are not read: {}{and}; the columns are {all}", unknown.join(", ")));
        }
        Ok(())
    }

    fn read_mapped<R: Table>(&mut self, cells: &[String], map: &TableMap, above: &[Vec<String>]) -> Result<(), String> {
        let place_of = |headings: &[String]| -> Result<Option<usize>, String> {
            for heading in headings {
                let mut places = cells.iter().enumerate().filter(|(_, cell)| same(cell, heading)).map(|(place, _)| place);
                match (places.next(), places.next()) {
                    (Some(place), None) => return Ok(Some(place)),
                    (Some(_), Some(_)) => {
                        return Err(format!("the heading '{heading}' stands twice: remove one of the columns, or name another in the mapping"));
                    }
                    (None, _) => {}
                }
            }
            Ok(None)
        };
        let said = |column: &str, headings: &[String]| format!("{column} ({})", headings.join(", "));
        let mut missing = Vec::new();
        for (at, column) in R::COLUMNS.iter().enumerate() {
            let headings = map.headings(column.name);
            self.places[at] = place_of(headings)?;
            // An indented list names one end of a line; the other follows from the level.
            let by_level = map.levels.as_ref().is_some_and(|levels| column.name == if levels.up { "child" } else { "parent" });
            if self.places[at].is_none() && column.need == Need::Required && !by_level && !map.constants.contains_key(column.name) {
                missing.push(said(column.name, headings));
            }
            let divisor = map.divide.get(column.name).map_or(&[][..], Headings::all);
            self.divisors[at] = place_of(divisor)?;
            if self.divisors[at].is_none() && !divisor.is_empty() && self.places[at].is_some() {
                missing.push(said(&format!("what {} is for", column.name), divisor));
            }
        }
        self.unit = place_of(map.unit.all())?;
        for only in &map.only {
            match place_of(only.heading.all())? {
                Some(place) => self.only.push((place, only.values.clone())),
                None => missing.push(only.heading.all().join(", ")),
            }
        }
        let carried = map.carried.iter().filter_map(|heading| place_of(std::slice::from_ref(heading)).transpose());
        self.carried = carried.map(|place| place.map(|place| (place, String::new()))).collect::<Result<_, _>>()?;
        let level = map.levels.as_ref().map(|levels| place_of(levels.heading.all())).transpose()?;
        if level == Some(None) {
            missing.push(said("level", map.levels.as_ref().map_or(&[][..], |levels| levels.heading.all())));
        }
        if !missing.is_empty() {
            return Err(format!("no line names the columns of this export; headings that are missing: {}", missing.join("; ")));
        }
        if let (Some(levels), Some(Some(place))) = (&map.levels, level) {
            self.level = Some((place, Stack::new(levels, above)?));
        }
        Ok(())
    }

    /// Whether a line is one of those the mapping asks for.
    pub fn is_wanted(&mut self, record: &Record<'_>) -> bool {
        let cell = |place: usize| if place < record.len() { String::from_utf8_lossy(record.cell(place)).trim().to_owned() } else { String::new() };
        let is_wanted = self.only.iter().all(|(place, values)| values.iter().any(|value| value.eq_ignore_ascii_case(&cell(*place))));
        self.passed_over += u64::from(!is_wanted);
        is_wanted
    }

    /// The row of a record, or what is wrong with it and the row as far as it could be read. `None` where an indented list shows a line again.
    pub fn row<R: Table>(
        &mut self,
        record: &Record<'_>,
        at: Line,
        dialect: Dialect,
        units: &mut Units,
        expanded: &mut Expanded,
    ) -> Result<Option<R>, Faulty<R>> {
        let mut row = R::blank(self.reporting, at);
        let is_short = record.len() < self.width && record.kinds.is_none();
        if is_short || (self.width..record.len()).any(|place| !record.cell(place).trim_ascii().is_empty()) {
            let (found, wanted) = (record.len(), self.width);
            let why = if found < wanted { "the line is cut" } else { "a separator inside a value needs quotation marks around the value" };
            return Err((row, vec![Fault { column: None, what: format!("the line has {found} cells where the header has {wanted}: {why}") }]));
        }
        let mut faults = Vec::new();
        let mut cells = self.cells::<R>(record, dialect, &mut faults);
        if faults.is_empty() {
            match self.edge::<R>(record, &cells, expanded) {
                Ok(None) => {}
                Ok(Some(None)) => return Ok(None),
                Ok(Some(Some(edge))) => {
                    for (name, value) in [("parent", edge.parent), ("child", edge.child), ("quantity", edge.quantity)] {
                        R::COLUMNS
                            .iter()
                            .position(|column| column.name == name)
                            .into_iter()
                            .for_each(|column| cells[column] = Some(value.clone().into()));
                    }
                }
                Err(what) => faults.push(Fault { column: None, what }),
            }
            self.measure::<R>(record, &mut cells, units, &mut faults);
        }
        self.fill(&mut row, &cells, &mut faults);
        if faults.is_empty() {
            row.check(&mut faults);
        }
        if faults.is_empty() { Ok(Some(row)) } else { Err((row, faults)) }
    }

    /// Cells by column, in plain form; `None` is empty.
    fn cells<'r, R: Table>(&mut self, record: &Record<'r>, dialect: Dialect, faults: &mut Vec<Fault>) -> Vec<Option<Cow<'r, str>>> {
        let mut cells = Vec::with_capacity(R::COLUMNS.len());
        for (at, column) in R::COLUMNS.iter().enumerate() {
            match self.cell(record, column.name, column.form, at, dialect) {
                Ok(cell) => cells.push(cell),
                Err(what) => {
                    faults.push(Fault::in_column(column.name, what));
                    // Something stands there, so that it is not told as empty as well.
                    cells.push(None);
                }
            }
        }
        cells
    }

    fn cell<'r>(&mut self, record: &Record<'r>, name: &'static str, form: Form, at: usize, dialect: Dialect) -> Result<Option<Cow<'r, str>>, String> {
        let Some(place) = self.places[at] else { return Ok(self.constant(name)) };
        let Some(mut value) = self.text(record, place, Some(name))? else { return Ok(self.constant(name)) };
        if let Some(meaning) = self.map.as_ref().and_then(|map| map.values.get(name)?.get(&*value)) {
            value = Cow::Owned(meaning.clone());
        }
        let value = match (record.kind(place), form) {
            (Some(CellKind::Number), Form::Id) => {
                self.see(Seen::NumberForId, name, record.line);
                value
            }
            // The workbook keeps the value itself, whatever it shows.
            (Some(CellKind::Number), Form::Number) | (Some(CellKind::Day), Form::Day) => value,
            (Some(CellKind::Day), Form::Month) => value.chars().take(7).collect(),
            (_, Form::Number) if dialect.decimal != Mark::Plain => dialect::number(dialect.decimal, &value)?.into(),
            (_, Form::Day) if dialect.days != Days::Iso => dialect::day(dialect.days, &value)?.into(),
            (_, Form::Month) if dialect.days != Days::Iso => dialect::month(dialect.days, &value)?.into(),
            _ => value,
        };
        let is_percent = self.map.as_ref().is_some_and(|map| map.percent.iter().any(|percent| percent == name));
        match self.divisors[at] {
            None if is_percent => dialect::scaled(&value, Decimal::ONE, Decimal::ONE_HUNDRED).map(|value| Some(value.into())),
            Some(place) => {
                let divisor = self.text(record, place, None)?;
                let divisor = divisor.map_or(Ok(Decimal::ONE), |text| number::decimal(&dialect::number(dialect.decimal, &text)?))?;
                dialect::scaled(&value, Decimal::ONE, divisor).map(|value| Some(value.into()))
            }
            None => Ok(Some(value)),
        }
    }

    /// What the mapping says of a column that the export does not have, or of its empty cells.
    fn constant<'r>(&self, name: &str) -> Option<Cow<'r, str>> {
        let value = self.map.as_ref()?.constants.get(name)?;
        Some(Cow::Owned(if value == REPORTING && name == CURRENCY { self.reporting.to_string() } else { value.clone() }))
    }

    /// A cell without blanks around it; `None` where it is empty or not there.
    fn text<'r>(&mut self, record: &Record<'r>, place: usize, name: Option<&'static str>) -> Result<Option<Cow<'r, str>>, String> {
        let bytes = if place < record.len() { record.cell(place) } else { &[] };
        let cell = std::str::from_utf8(bytes).map_err(|_| "the cell is not UTF-8: save the file as \"CSV UTF-8\"")?;
        let value = cell.trim();
        let mut carried = self.carried.iter_mut().find(|(of, _)| *of == place);
        if value.is_empty() {
            return Ok(carried.map(|(_, last)| last.clone()).filter(|last| !last.is_empty()).map(Cow::Owned));
        }
        if let Some((_, last)) = &mut carried {
            value.clone_into(last);
        }
        if let Some(name) = name.filter(|_| value.len() != cell.len()) {
            self.see(Seen::Trimmed, name, record.line);
        }
        Ok(Some(Cow::Borrowed(value)))
    }

    /// The ends of a line of an indented list; `None` where the file is none, `Some(None)` where the line was taken before.
    fn edge<R: Table>(
        &mut self,
        record: &Record<'_>,
        cells: &[Option<Cow<'_, str>>],
        expanded: &mut Expanded,
    ) -> Result<Option<Option<Edge>>, String> {
        let Some(place) = self.level.as_ref().map(|(place, _)| *place) else { return Ok(None) };
        let level = self.text(record, place, None)?.ok_or("the line has no level")?;
        let Some((_, stack)) = &mut self.level else { return Ok(None) };
        let of = |name: &str| R::COLUMNS.iter().zip(cells).find(|(column, _)| column.name == name).and_then(|(_, cell)| cell.as_deref());
        let number = of("child").or(of("parent")).ok_or("the line names no material")?;
        let quantity = of("quantity").ok_or("the line has no quantity")?;
        stack.edge(&level, number, quantity, expanded).map(Some)
    }

    /// Quantities into the unit their item is kept in.
    fn measure<R: Table>(&mut self, record: &Record<'_>, cells: &mut [Option<Cow<'_, str>>], units: &mut Units, faults: &mut Vec<Fault>) {
        let Some((item, quantities)) = R::MEASURED else { return };
        let Some(place) = self.unit else { return };
        let place_of = |name: &str| R::COLUMNS.iter().position(|column| column.name == name);
        let Some(item) = place_of(item).and_then(|at| cells[at].clone()) else { return };
        let factor = match self.text(record, place, None) {
            Ok(word) if quantities.is_empty() => units.keep(&item, &word.unwrap_or_default()).map(|()| Decimal::ONE),
            Ok(word) => units.factor(&item, &word.unwrap_or_default()),
            Err(what) => Err(what),
        };
        match factor {
            Ok(factor) if factor == Decimal::ONE => {}
            Ok(factor) => {
                for (name, at) in quantities.iter().filter_map(|name| Some((*name, place_of(name)?))) {
                    let Some(cell) = &cells[at] else { continue };
                    match dialect::scaled(cell, factor, Decimal::ONE) {
                        Ok(scaled) => cells[at] = Some(scaled.into()),
                        Err(what) => faults.push(Fault::in_column(name, what)),
                    }
                    self.see(Seen::Converted, name, record.line);
                }
            }
            Err(what) => faults.push(Fault::in_column(UNIT, what)),
        }
    }

    fn fill<R: Table>(&self, row: &mut R, cells: &[Option<Cow<'_, str>>], faults: &mut Vec<Fault>) {
        let (mut has_money, mut has_currency) = (false, false);
        for (column, cell) in R::COLUMNS.iter().zip(cells) {
            let Some(cell) = cell else {
                if column.need == Need::Required && !faults.iter().any(|fault| fault.column == Some(column.name)) && !self.is_by_level(column.name) {
                    faults.push(Fault::in_column(column.name, "the cell is empty and must be filled: an empty cell is unknown, not zero"));
                }
                continue;
            };
            has_money |= column.need == Need::Money;
            has_currency |= column.name == CURRENCY;
            if let Err(what) = (column.set)(row, cell) {
                faults.push(Fault::in_column(column.name, what));
            }
        }
        if has_money && !has_currency {
            faults.push(Fault::in_column(CURRENCY, "the line holds an amount and no currency: write the currency, for example EUR"));
        }
    }

    fn is_by_level(&self, column: &str) -> bool {
        self.level.is_some() && matches!(column, "parent" | "child")
    }

    fn see(&mut self, what: Seen, column: &'static str, line: u32) {
        // Blanks are told for the file as a whole, the rest by column.
        match self.seen.iter_mut().find(|(seen, of, ..)| *seen == what && (what == Seen::Trimmed || *of == column)) {
            Some((.., count, _)) => *count += 1,
            None => self.seen.push((what, column, 1, line)),
        }
    }

    /// What was seen, and lines that were left out.
    pub fn tell(&self, file: &str, findings: &mut Findings) {
        for (seen, column, count, line) in &self.seen {
            let one = *count == 1;
            let what = match seen {
                Seen::Trimmed if one => "the value had blanks around it, which were cut".to_owned(),
                Seen::Trimmed => format!("{count} values of this file, this one first, had blanks around them, which were cut"),
                Seen::NumberForId => format!(
                    "{count} cells of this column, this one first, are kept as numbers in the workbook: zeros at their beginning are lost; format the column as text and enter them again"
                ),
                Seen::Converted => format!("{count} quantities of this column, this one first, were converted to the unit their item is kept in"),
            };
            findings.doubt(&Line { file: file.to_owned(), line: *line }, Some(column), what);
        }
        if self.passed_over > 0 {
            let only = self.map.iter().flat_map(|map| &map.only);
            let wanted: Vec<String> = only.map(|only| format!("{} is not {}", only.heading.all().join(" or "), only.values.join(" or "))).collect();
            findings.note(file, format!("{} lines were passed over because {}", self.passed_over, wanted.join(", ")));
        }
        if let Some((_, stack)) = self.level.as_ref().filter(|(_, stack)| stack.repeated > 0) {
            findings.note(file, format!("{} lines show an assembly's bill again that was taken at its first place", stack.repeated));
        }
    }
}
