//! Word files (WordprocessingML, ECMA-376): paragraphs as lines and tables as tables, in the order of the text; heads and feet of pages and notes beside it. Read as a
//! stream of elements, matched by their local names, which are the same in every edition. Deleted and hidden text is not what a reader sees, and is left out.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{builder::Builder, cells};
use crate::limits;

/// Elements whose whole content is not text of the document: what was deleted or moved away, and the second version of a drawing for old programs.
const SKIPPED: [&str; 5] = ["del", "moveFrom", "Fallback", "instrText", "delText"];

/// Which parts of the file hold text, in the order in which they are read, and what their pages are called.
pub(super) fn parts<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, &'static str)> {
    let mut found: Vec<(usize, &str, &'static str)> = names
        .filter_map(|name| {
            let file = name.strip_prefix("word/")?.strip_suffix(".xml")?;
            let is = |stem: &str| file.strip_prefix(stem).is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
            let kinds =
                [("header", "head of the page"), ("document", "text"), ("footnotes", "notes"), ("endnotes", "notes"), ("footer", "foot of the page")];
            kinds.iter().position(|(stem, _)| is(stem)).map(|at| (at, name, kinds[at].1))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, name, page)| (name, page)).collect()
}

/// Adds one part of the file to the page at hand. `of` names it in warnings.
pub(super) fn add(builder: &mut Builder, of: &str, xml: &str) -> Result<(), String> {
    let damaged = |why: &dyn std::fmt::Display| format!("the Word file is damaged ({why}); save it again, or as PDF");
    let mut reader = Reader::from_str(xml);
    let mut writer =
        Writer { builder, of, paragraphs: Vec::new(), tables: Vec::new(), is_title: false, run: Run::default(), skipped: 0, hides: false };
    let (mut elements, mut depth) = (0_usize, 0_usize);
    loop {
        match reader.read_event().map_err(|error| damaged(&error))? {
            Event::Start(start) => {
                (elements, depth) = (elements + 1, depth + 1);
                writer.open(&start);
            }
            Event::Empty(start) => {
                elements += 1;
                writer.open(&start);
                writer.close(start.local_name().as_ref());
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                writer.close(end.local_name().as_ref());
            }
            Event::Text(text) => writer.text(&text),
            Event::CData(text) => writer.text(&text),
            Event::GeneralRef(name) => {
                let name = name.into_inner();
                let plain = quick_xml::escape::unescape(&format!("&{name};")).map(std::borrow::Cow::into_owned);
                writer.text(&plain.map_err(|_| damaged(&"it names an entity"))?);
            }
            Event::DocType(_) => return Err(damaged(&"it has a document type")),
            Event::Eof if depth > 0 => return Err(damaged(&"it ends too early")),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
        if elements > limits::WORD_ELEMENTS_MAX || depth > limits::WORD_DEPTH_MAX {
            return Err(format!(
                "the Word file has more than {} elements or nests deeper than {}; save it as PDF",
                limits::WORD_ELEMENTS_MAX,
                limits::WORD_DEPTH_MAX
            ));
        }
        if writer.builder.is_full() {
            break;
        }
    }
    if writer.hides {
        builder.warn(format!("{of} holds hidden text, which was not read"));
    }
    Ok(())
}

/// A table that is being read.
#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    cell: String,
    /// Columns that the cell takes.
    width: usize,
    /// The cell goes on from the row above.
    goes_on: bool,
}

/// A stretch of text with one look.
#[derive(Default)]
struct Run {
    is_open: bool,
    is_text: bool,
    is_hidden: bool,
}

struct Writer<'a> {
    builder: &'a mut Builder,
    of: &'a str,
    /// Several are open where a drawing with text stands in one.
    paragraphs: Vec<String>,
    tables: Vec<Table>,
    is_title: bool,
    run: Run,
    /// Elements open whose content is not read.
    skipped: usize,
    hides: bool,
}

impl Writer<'_> {
    fn open(&mut self, start: &BytesStart<'_>) {
        let name = start.local_name();
        let name = name.as_ref();
        if SKIPPED.contains(&name) {
            self.skipped += 1;
        }
        let value = || {
            let of = start.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == "val");
            of.map(|attribute| attribute.value.into_owned())
        };
        match name {
            "p" => {
                self.paragraphs.push(String::new());
                self.is_title = false;
            }
            "pStyle" => self.is_title = value().is_some_and(|style| style.eq_ignore_ascii_case("title")),
            "r" => self.run = Run { is_open: true, ..Run::default() },
            "vanish" if self.run.is_open => self.run.is_hidden = !value().is_some_and(|value| matches!(value.as_str(), "0" | "false" | "off")),
            "t" => self.run.is_text = true,
            "tab" if self.run.is_open => self.push("\t"),
            "br" | "cr" => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "tbl" => self.tables.push(Table::default()),
            "tc" => {
                if let Some(table) = self.tables.last_mut() {
                    (table.cell, table.width, table.goes_on) = (String::new(), 1, false);
                }
            }
            "gridSpan" => {
                if let Some(table) = self.tables.last_mut() {
                    table.width = value().and_then(|width| width.parse().ok()).unwrap_or(1).clamp(1, limits::TABLE_COLUMNS_MAX);
                }
            }
            "vMerge" => {
                if let Some(table) = self.tables.last_mut() {
                    table.goes_on = value().is_none_or(|value| value == "continue");
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if SKIPPED.contains(&name) {
            self.skipped = self.skipped.saturating_sub(1);
        }
        match name {
            "r" => self.run = Run::default(),
            "t" => self.run.is_text = false,
            "p" => self.end_paragraph(),
            "tc" => self.end_cell(),
            "tr" => {
                if let Some(table) = self.tables.last_mut() {
                    let row = std::mem::take(&mut table.row);
                    table.rows.push(row);
                }
            }
            "tbl" => self.end_table(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.run.is_text {
            self.push(text);
        }
    }

    fn push(&mut self, text: &str) {
        if self.skipped > 0 {
            return;
        }
        if self.run.is_hidden {
            self.hides |= !text.trim().is_empty();
        } else if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.push_str(text);
        }
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else { return };
        if let Some(table) = self.tables.last_mut() {
            table.cell.push_str(&paragraph);
            table.cell.push('\n');
            return;
        }
        if paragraph.trim().is_empty() {
            self.builder.blank();
        }
        for line in paragraph.lines().filter(|line| !line.trim().is_empty()) {
            // Tabs set columns apart.
            let place = self.builder.line(&line.replace('\t', "    "));
            if self.is_title {
                self.builder.title(place);
            }
        }
    }

    fn end_cell(&mut self) {
        let Some(table) = self.tables.last_mut() else { return };
        let at = table.row.len();
        let above = || table.rows.last().and_then(|row| row.get(at)).cloned().unwrap_or_default();
        let text = if table.goes_on { above() } else { std::mem::take(&mut table.cell) };
        if table.row.len() < limits::TABLE_COLUMNS_MAX {
            table.row.push(text);
            table.row.extend(std::iter::repeat_n(String::new(), table.width - 1));
        }
    }

    fn end_table(&mut self) {
        let Some(table) = self.tables.pop() else { return };
        let is_grid = table.rows.len() > 1 && table.rows.iter().any(|row| row.len() > 1);
        match self.tables.last_mut() {
            // A table within a cell is one of its own where it is more than a frame around text.
            Some(outer) if !is_grid => outer.cell.extend(table.rows.iter().flatten().map(|cell| format!("{cell}\n"))),
            None if table.rows.iter().all(|row| row.len() < 2) => {
                for line in table.rows.iter().flatten().flat_map(|cell| cell.lines()).filter(|line| !line.trim().is_empty()) {
                    self.builder.line(line);
                }
            }
            outer => {
                // What stands above it in a cell that frames the page comes first.
                if let Some(frame) = outer.filter(|outer| outer.rows.is_empty() && outer.row.is_empty()) {
                    let above = std::mem::take(&mut frame.cell);
                    above.lines().filter(|line| !line.trim().is_empty()).for_each(|line| _ = self.builder.line(line));
                }
                cells::add(self.builder, self.of, &table.rows);
                self.builder.blank();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::Format;

    fn read(body: &str) -> Result<crate::domain::document::Document, String> {
        let mut builder = Builder::default();
        builder.page("text");
        add(&mut builder, "text", &format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>"))?;
        builder.finish(Format::Word)
    }

    #[test]
    fn what_a_reader_sees_is_read() {
        let document = read(
            "<w:p><w:pPr><w:pStyle w:val='Title'/></w:pPr><w:r><w:t>PDN </w:t></w:r><w:r><w:t>26&amp;14</w:t></w:r></w:p>\
             <w:p><w:r><w:t>ends </w:t><w:tab/><w:t>AX100</w:t><w:noBreakHyphen/><w:t>3</w:t></w:r><w:del><w:r><w:delText>AX9</w:delText></w:r></w:del></w:p>\
             <w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>ignore this</w:t></w:r><w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>seen</w:t></w:r></w:p>",
        )
        .expect("document");
        assert_eq!(document.text, "PDN 26&14\nends     AX100-3\nseen\n");
        assert_eq!(document.title.map(|title| document.slice(title)), Some("PDN 26&14"));
        assert_eq!(document.warnings, ["text holds hidden text, which was not read"]);
    }

    #[test]
    fn tables_keep_their_grid() {
        let cell = |properties: &str, text: &str| format!("<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>");
        let row = |cells: &[String]| format!("<w:tr>{}</w:tr>", cells.concat());
        let rows = [
            row(&[cell("", "Part"), cell("<w:gridSpan w:val='2'/>", "Dates")]),
            row(&[cell("<w:vMerge w:val='restart'/>", "AX1"), cell("", "2027-03-31"), cell("", "2027-09-30")]),
            row(&[cell("<w:vMerge/>", ""), cell("", "2027-04-30"), cell("", "")]),
        ];
        let document = read(&format!("<w:tbl>{}</w:tbl>", rows.concat())).expect("document");
        let shown: Vec<Vec<&str>> = document.tables[0].rows.iter().map(|row| row.iter().map(|cell| document.slice(*cell)).collect()).collect();
        assert_eq!(shown, [["Part", "Dates", ""], ["AX1", "2027-03-31", "2027-09-30"], ["AX1", "2027-04-30", ""]]);
    }

    #[test]
    fn what_is_broken_or_hostile_is_refused() {
        for (body, says) in [
            ("<w:p>".to_owned(), "damaged"),
            ("<w:p><w:r><w:t>&bomb;</w:t></w:r></w:p>".to_owned(), "entity"),
            (format!("{}x{}", "<w:sdt>".repeat(300), "</w:sdt>".repeat(300)), "nests deeper"),
        ] {
            let error = read(&body).expect_err("refused");
            assert!(error.contains(says), "{error}");
        }
        let mut builder = Builder::default();
        assert!(add(&mut builder, "text", "<!DOCTYPE x [<!ENTITY a 'b'>]><w:p/>").expect_err("refused").contains("document type"));
    }
}
