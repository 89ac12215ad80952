//! Exports of BOM tools as workbooks: each row of a table under the columns that the site named for the source is a part, and the rows of one notice (same maker, same
//! number, same kind) are one notice. By code alone; every value keeps its cell.

use jiff::civil::Date;

use super::ReadError;
use crate::{
    domain::{
        document::{Document, Span, Table},
        export::{Columns, announces_nothing, day, kind_of_row},
        notice::{AffectedPart, Doubt, Found, Notice, NoticeKind, Replacement},
    },
    limits,
};

/// Where each column stands in one table.
struct Heads {
    mpn: usize,
    manufacturer: Option<usize>,
    status: Option<usize>,
    notice_id: Option<usize>,
    issue_date: Option<usize>,
    last_time_buy: Option<usize>,
    last_time_ship: Option<usize>,
    replacement: Option<usize>,
}

/// The notices, and what is doubtful about the export as a whole.
pub(super) fn read(source: &str, columns: &Columns, document: &Document) -> Result<(Vec<Notice>, Vec<Doubt>), ReadError> {
    let mut export = Export { document, notices: Vec::new(), doubts: Vec::new() };
    // What was cut or left out could be rows.
    export.doubts.extend(document.warnings.iter().map(|warning| Doubt { field: "document".to_owned(), reason: warning.clone() }));
    let mut is_known = false;
    for table in &document.tables {
        let Some((head, heads)) = table.rows.iter().enumerate().find_map(|(at, row)| Some((at, heads(document, columns, row)?))) else { continue };
        is_known = true;
        export.table(&heads, table, head + 1);
    }
    if !is_known {
        let shown: Vec<&str> = document
            .tables
            .iter()
            .filter_map(|table| table.rows.first())
            .flatten()
            .map(|cell| document.slice(*cell))
            .take(HEADINGS_NAMED_MAX)
            .collect();
        return Err(ReadError::Feed(format!(
            "no table of the export has the column '{}' (there are: {}); fill [intake.columns.{source}] and retry",
            columns.mpn,
            if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
        )));
    }
    let Export { mut notices, mut doubts, .. } = export;
    if notices.len() > limits::EVENTS_A_DELIVERY_MAX {
        doubts.push(doubt(
            "document",
            format!("the export holds {} notices, only the first {} are kept; split it", notices.len(), limits::EVENTS_A_DELIVERY_MAX),
        ));
        notices.truncate(limits::EVENTS_A_DELIVERY_MAX);
    }
    Ok((notices.into_iter().map(finished).collect(), doubts))
}

/// Headings named in the sentence about a column that is not there.
const HEADINGS_NAMED_MAX: usize = 12;

/// The columns of a row of headings; `None` where it has none for part numbers.
fn heads(document: &Document, columns: &Columns, row: &[Span]) -> Option<Heads> {
    let at = |name: &str| row.iter().position(|cell| Columns::is_called(document.slice(*cell), name));
    Some(Heads {
        mpn: at(&columns.mpn)?,
        manufacturer: at(&columns.manufacturer),
        status: at(&columns.status),
        notice_id: at(&columns.notice_id),
        issue_date: at(&columns.issue_date),
        last_time_buy: at(&columns.last_time_buy),
        last_time_ship: at(&columns.last_time_ship),
        replacement: at(&columns.replacement),
    })
}

struct Export<'a> {
    document: &'a Document,
    notices: Vec<Notice>,
    doubts: Vec<Doubt>,
}

impl Export<'_> {
    fn table(&mut self, heads: &Heads, table: &Table, from: usize) {
        let document = self.document;
        for row in table.rows.iter().skip(from) {
            let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).copied().filter(|cell| !document.slice(*cell).trim().is_empty());
            let Some(mpn) = cell(Some(heads.mpn)) else {
                if let Some(first) = row.iter().copied().find(|cell| cell.start < cell.end) {
                    let (place, said) = (document.place(first), document.slice(first));
                    let reason = format!("{}, line {}: the row that begins with '{said}' has no part number", place.page, place.line);
                    self.doubts.push(doubt("affected_parts", reason));
                }
                continue;
            };
            let text = |at: Option<usize>| cell(at).map(|cell| document.slice(cell).trim()).unwrap_or_default();
            let (maker, id, status) = (text(heads.manufacturer), text(heads.notice_id), text(heads.status));
            let kind = kind_of_row(status, cell(heads.last_time_buy).or(cell(heads.last_time_ship)).is_some());
            if announces_nothing(kind, status, id) {
                continue;
            }
            let mut doubts = Vec::new();
            if kind == NoticeKind::Other && !status.is_empty() {
                doubts.push(doubt("notice_type", format!("the status '{status}' is not known")));
            }
            let mut date = |at: Option<usize>, field: &str| found_day(document, cell(at)?, field, &mut doubts);
            let issued = date(heads.issue_date, "issue_date");
            let (last_time_buy, last_time_ship) = (date(heads.last_time_buy, "last_time_buy"), date(heads.last_time_ship, "last_time_ship"));
            let replacement = cell(heads.replacement).map_or(Replacement::Unsaid, |cell| Replacement::Named(vec![found_text(document, cell)]));
            let part = AffectedPart { mpn: found_text(document, mpn), replacement, last_time_buy, last_time_ship };
            let is_same = |notice: &Notice| !id.is_empty() && said(&notice.notice_id) == id && said(&notice.maker) == maker && notice.kind == kind;
            match self.notices.iter_mut().find(|notice| is_same(notice)) {
                Some(notice) => {
                    notice.parts.push(part);
                    notice.doubts.extend(doubts);
                }
                None => self.notices.push(Notice {
                    maker: cell(heads.manufacturer).map(|cell| found_text(document, cell)),
                    notice_id: cell(heads.notice_id).map(|cell| found_text(document, cell)),
                    issue_date: issued,
                    parts: vec![part],
                    doubts,
                    ..Notice::of_kind(kind, 1.0)
                }),
            }
        }
    }
}

fn said(found: &Option<Found<String>>) -> &str {
    found.as_ref().map_or("", |found| found.value.as_str())
}

fn found_text(document: &Document, cell: Span) -> Found<String> {
    found(document, cell, document.slice(cell).trim().to_owned())
}

/// What is there and is no day is a doubt, and never a guess.
fn found_day(document: &Document, cell: Span, field: &str, doubts: &mut Vec<Doubt>) -> Option<Found<Date>> {
    let printed = document.slice(cell).trim();
    let value = day(printed);
    if value.is_none() {
        let place = document.place(cell);
        let reason = format!("{}, line {}: '{printed}' is no day such as 2027-03-31, 03/31/2027 or 31.03.2027", place.page, place.line);
        doubts.push(doubt(field, reason));
    }
    Some(found(document, cell, value?))
}

fn found<T>(document: &Document, cell: Span, value: T) -> Found<T> {
    Found { value, printed: document.slice(cell).to_owned(), place: document.place(cell), confidence: 1.0, inferred: false }
}

/// A notice has the earliest dates of its parts, and must name a maker.
fn finished(mut notice: Notice) -> Notice {
    let earliest =
        |of: fn(&AffectedPart) -> &Option<Found<Date>>| notice.parts.iter().filter_map(|part| of(part).clone()).min_by_key(|date| date.value);
    (notice.last_time_buy, notice.last_time_ship) = (earliest(|part| &part.last_time_buy), earliest(|part| &part.last_time_ship));
    if notice.maker.is_none() {
        notice.doubts.push(doubt("manufacturer", "the export names no maker".to_owned()));
    }
    if notice.parts.len() > limits::NOTICE_PARTS_MAX {
        let reason = format!("{} parts are listed, only the first {} are kept", notice.parts.len(), limits::NOTICE_PARTS_MAX);
        notice.doubts.push(doubt("affected_parts", reason));
        notice.parts.truncate(limits::NOTICE_PARTS_MAX);
    }
    notice.confidence = if notice.doubts.is_empty() { 1.0 } else { 0.5 };
    notice
}

fn doubt(field: &str, reason: String) -> Doubt {
    Doubt { field: field.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::document::{Format, Page};

    /// A sheet of these rows, its cells parted by tabs.
    fn sheet(rows: &str, warnings: &[&str]) -> Document {
        let (mut at, mut table) = (0, Vec::new());
        for line in rows.lines() {
            let mut cells = Vec::new();
            for cell in line.split('\t') {
                cells.push(Span::new(at, at + cell.len()));
                at += cell.len() + 1;
            }
            table.push(cells);
        }
        Document {
            format: Format::Sheet,
            text: rows.to_owned(),
            pages: vec![Page { name: "sheet Parts".to_owned(), span: Span::new(0, rows.len()) }],
            tables: vec![Table { rows: table }],
            title: None,
            warnings: warnings.iter().map(|warning| (*warning).to_owned()).collect(),
            hidden: Vec::new(),
        }
    }

    fn columns() -> Columns {
        let named = [
            ("mpn", "MPN"),
            ("manufacturer", "Maker"),
            ("status", "Status"),
            ("notice_id", "PCN"),
            ("last_time_buy", "LTB"),
            ("replacement", "Instead"),
        ];
        let named: BTreeMap<String, String> = named.iter().map(|(field, column)| ((*field).to_owned(), (*column).to_owned())).collect();
        Columns::of("z2data", &named).expect("columns")
    }

    #[test]
    fn the_rows_of_one_notice_are_one_notice() {
        let rows = "BOM health\tplant 7\nmpn \tMaker\tPCN\tStatus\tLTB\tInstead\nAX1\tAcme\tN-1\tObsolete\t2027-03-31\tAX9\nAX2\tAcme\tN-1\tEOL\t2027-02-28\t\n\
            BX7\tBolt\t\tActive\t\t\nCX1\tCap\t\tNRND\t\t\nDX1\tDip\t\t\t31.01.2027\t\n";
        let (notices, doubts) = read("z2data", &columns(), &sheet(rows, &[])).expect("read");
        assert!(doubts.is_empty(), "{doubts:?}");
        let shown: Vec<_> = notices
            .iter()
            .map(|notice| {
                let parts: Vec<&str> = notice.parts.iter().map(|part| part.mpn.value.as_str()).collect();
                (notice.kind, parts.join(" "), notice.last_time_buy.as_ref().map(|date| date.value.to_string()), notice.doubts.len())
            })
            .collect();
        assert_eq!(
            shown,
            [
                (NoticeKind::Pdn, "AX1 AX2".to_owned(), Some("2027-02-28".to_owned()), 0),
                (NoticeKind::Nrnd, "CX1".to_owned(), None, 0),
                (NoticeKind::Pdn, "DX1".to_owned(), Some("2027-01-31".to_owned()), 0),
            ]
        );
        let place = &notices[0].parts[1].mpn.place;
        assert_eq!((place.page.as_str(), place.line, &rows[place.span.range()]), ("sheet Parts", 4, "AX2"));
    }

    #[test]
    fn what_is_unclear_is_a_doubt_with_its_line() {
        let rows = "MPN\tMaker\tStatus\tLTB\nAX1\t\tObsolete\t31/03/2027\nTotal\t\t\t\n\t\tObsolete\t\nBX1\tBolt\tResting\t\n";
        let (notices, doubts) = read("z2data", &columns(), &sheet(rows, &["sheet Old is hidden and was not read"])).expect("read");
        let said = |doubts: &[Doubt]| doubts.iter().map(|doubt| doubt.reason.clone()).collect::<Vec<_>>().join("\n");
        assert!(said(&doubts).contains("hidden") && said(&doubts).contains("line 4"), "{doubts:?}");
        assert!(said(&notices[0].doubts).contains("line 2: '31/03/2027'") && said(&notices[0].doubts).contains("no maker"), "{notices:?}");
        assert!(said(&notices[2].doubts).contains("'Resting'"), "{notices:?}");
        let error = read("z2data", &columns(), &sheet("Part\tMaker\nAX1\tAcme\n", &[])).expect_err("no such column").to_string();
        assert!(error.contains("'MPN'") && error.contains("Part, Maker") && error.contains("intake.columns.z2data"), "{error}");
    }
}
