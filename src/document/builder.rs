//! Puts a document together: text line by line, with the places of its pages, its title and the cells of its tables, within `limits::DOCUMENT_TEXT_BYTES_MAX`.

use std::borrow::Cow;

use crate::{
    domain::document::{Document, Format, Page, Span, Table},
    limits,
};

#[derive(Default)]
pub(super) struct Builder {
    text: String,
    pages: Vec<Page>,
    tables: Vec<Table>,
    title: Option<Span>,
    warnings: Vec<String>,
    hidden: Vec<String>,
    /// Warnings over the limit.
    more: usize,
    is_full: bool,
}

impl Builder {
    /// Begins a page; the one before ends.
    pub(super) fn page(&mut self, name: impl Into<String>) {
        self.end_page();
        let at = self.text.len();
        self.pages.push(Page { name: name.into(), span: Span::new(at, at) });
    }

    fn end_page(&mut self) {
        // An empty line at the end of a page belongs to nobody.
        let from = self.pages.last().map_or(0, |page| page.span.start as usize);
        let kept = self.text[from..].trim_end_matches('\n').len();
        if kept < self.text.len() - from {
            self.text.truncate(from + kept);
            self.text.push('\n');
        }
        let end = self.text.len();
        if let Some(page) = self.pages.last_mut() {
            page.span.end = end as u32;
        }
    }

    /// Takes a structured feed as the whole text, as it was sent: places in it must be places in what was sent.
    pub(super) fn feed(&mut self, json: &str) -> Result<(), String> {
        if json.len() > limits::JSON_BODY_BYTES_MAX {
            return Err(format!("the feed has {} bytes, over the limit of {}; split it", json.len(), limits::JSON_BODY_BYTES_MAX));
        }
        json.clone_into(&mut self.text);
        self.pages = vec![Page { name: "feed".to_owned(), span: Span::new(0, json.len()) }];
        Ok(())
    }

    /// Adds a line and returns where it stands. What goes past the limit is cut, and behind it nothing is added and the span is empty.
    pub(super) fn line(&mut self, line: &str) -> Span {
        let line = clean(line);
        let line = line.trim_end();
        let start = self.text.len();
        let left = limits::DOCUMENT_TEXT_BYTES_MAX.saturating_sub(start + 1);
        if self.is_full || left == 0 {
            self.is_full = true;
            return Span::new(start, start);
        }
        self.is_full = line.len() > left;
        let line = &line[..line.floor_char_boundary(left)];
        self.text.push_str(line);
        self.text.push('\n');
        Span::new(start, start + line.len())
    }

    /// Adds one line of cells, each padded to its column's width and two blanks apart; returns the places of the cells.
    pub(super) fn row(&mut self, cells: &[impl AsRef<str>], widths: &[usize]) -> Vec<Span> {
        let mut line = String::new();
        let mut places = Vec::with_capacity(cells.len());
        let mut column = 0;
        for (at, cell) in cells.iter().enumerate() {
            let cell = clean(cell.as_ref());
            let cell = cell.trim();
            let start = line.len();
            line.push_str(cell);
            places.push(start..line.len());
            column += cell.chars().count();
            let wanted = widths[..=at.min(widths.len().saturating_sub(1))].iter().map(|width| width + 2).sum::<usize>();
            let pad = wanted.saturating_sub(column).max(2);
            line.extend(std::iter::repeat_n(' ', pad));
            column += pad;
        }
        let place = self.line(&line);
        let (from, end) = (place.start as usize, place.end as usize);
        places.into_iter().map(|cell| Span::new((from + cell.start).min(end), (from + cell.end).min(end))).collect()
    }

    /// Leaves one empty line, but not at the start of a page.
    pub(super) fn blank(&mut self) {
        let from = self.pages.last().map_or(0, |page| page.span.start as usize);
        if !self.is_full && self.text.len() > from && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Notes a table whose cells are places in the text. Rows that fell past the limit have no places and are dropped with it.
    pub(super) fn table(&mut self, rows: Vec<Vec<Span>>) {
        if !self.is_full && rows.iter().flatten().any(|cell| cell.start < cell.end) {
            self.tables.push(Table { rows });
        }
    }

    pub(super) fn title(&mut self, place: Span) {
        if self.title.is_none() && place.start < place.end {
            self.title = Some(place);
        }
    }

    /// Tells what is damaged, skipped or cut, once.
    pub(super) fn warn(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if self.warnings.contains(&sentence) {
            return;
        }
        if self.warnings.len() < limits::DOCUMENT_WARNINGS_MAX { self.warnings.push(sentence) } else { self.more += 1 }
    }

    /// Keeps a text that a reader of the document does not see, apart from what he does.
    pub(super) fn hide(&mut self, text: &str) {
        let text = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() || self.hidden.contains(&text) {
            return;
        }
        if self.hidden.len() < limits::HIDDEN_TEXTS_MAX {
            self.hidden.push(text);
        } else {
            self.warn(format!("more than {} texts in it are hidden from the reader; only the first were kept", limits::HIDDEN_TEXTS_MAX));
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    pub(super) fn tables_found(&self) -> usize {
        self.tables.len()
    }

    pub(super) fn hidden(&self) -> &[String] {
        &self.hidden
    }

    /// The text so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Puts another's text, pages, tables and warnings behind this one's. What it has before its first page goes on this one's last.
    pub(super) fn append(&mut self, other: Builder) {
        let _ = self.join(other);
    }

    /// The same with a part of one file, whose title is the document's.
    pub(super) fn append_part(&mut self, part: Builder) {
        let title = part.title;
        if let (Some(by), Some(title)) = (self.join(part), title) {
            self.title(Span::new(title.start as usize + by, title.end as usize + by));
        }
    }

    /// Where the other's text begins; `None` where it was cut.
    fn join(&mut self, mut other: Builder) -> Option<usize> {
        other.end_page();
        if other.pages.first().is_some_and(|page| page.span.start == 0) {
            self.end_page();
        }
        for sentence in other.warnings {
            self.warn(sentence);
        }
        for text in other.hidden {
            self.hide(&text);
        }
        self.more += other.more;
        self.is_full |= other.is_full;
        if self.text.len() + other.text.len() > limits::DOCUMENT_TEXT_BYTES_MAX {
            // Its lines are taken as far as they fit; its layout goes with what is cut.
            let before_pages = other.pages.first().map_or(other.text.len(), |page| page.span.start as usize);
            other.text[..before_pages].lines().for_each(|line| _ = self.line(line));
            for page in other.pages {
                self.page(page.name);
                other.text[page.span.range()].lines().for_each(|line| _ = self.line(line));
            }
            return None;
        }
        let by = self.text.len();
        let moved = |span: Span| Span::new(span.start as usize + by, span.end as usize + by);
        self.text.push_str(&other.text);
        self.pages.extend(other.pages.into_iter().map(|page| Page { span: moved(page.span), ..page }));
        self.tables.extend(
            other.tables.into_iter().map(|table| Table { rows: table.rows.into_iter().map(|row| row.into_iter().map(moved).collect()).collect() }),
        );
        Some(by)
    }

    /// The document, or why there is nothing in it.
    pub(super) fn finish(mut self, format: Format) -> Result<Document, String> {
        if format != Format::Json {
            self.end_page();
        }
        if self.text.trim().is_empty() {
            let found = self.warnings.first().map(|warning| format!(" ({warning})")).unwrap_or_default();
            return Err(format!("there is no text in it{found}; look at the original and enter the notice by hand"));
        }
        if self.is_full {
            self.warnings.push(format!("the text was cut at {} bytes; what follows was not read", limits::DOCUMENT_TEXT_BYTES_MAX));
        }
        if self.more > 0 {
            self.warnings.push(format!("{} more things were skipped or damaged", self.more));
        }
        Ok(Document {
            format,
            text: self.text,
            pages: self.pages,
            tables: self.tables,
            title: self.title,
            warnings: self.warnings,
            hidden: self.hidden,
        })
    }
}

/// One line as it is kept: blanks of every width are blanks, characters nobody sees are gone. Tabs stay.
pub(super) fn clean(line: &str) -> Cow<'_, str> {
    let is_unseen = |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}');
    let is_blank = |c: char| matches!(c, '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}');
    if !line.contains(|c| is_unseen(c) || is_blank(c)) {
        return Cow::Borrowed(line);
    }
    let kept = line.chars().filter(|c| !is_unseen(*c) || matches!(c, '\n' | '\r'));
    Cow::Owned(kept.map(|c| if is_blank(c) || matches!(c, '\n' | '\r') { ' ' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_text() {
        let mut builder = Builder::default();
        builder.page("page 1");
        let title = builder.line("Notice\u{A0}7  ");
        builder.title(title);
        builder.blank();
        builder.blank();
        let head = builder.row(&["Part", "", "Date"], &[8, 4, 10]);
        let body = builder.row(&["AX100-\u{AD}3", "ü", "2027-03-31"], &[8, 4, 10]);
        builder.table(vec![head, body]);
        builder.blank();
        builder.page("page 2");
        builder.blank();
        builder.line("end");
        let document = builder.finish(Format::Text).expect("document");
        assert_eq!(document.text, "Notice 7\n\nPart            Date\nAX100-3   ü     2027-03-31\nend\n");
        assert_eq!(document.title.map(|title| document.slice(title)), Some("Notice 7"));
        let cells: Vec<Vec<&str>> = document.tables[0].rows.iter().map(|row| row.iter().map(|cell| document.slice(*cell)).collect()).collect();
        assert_eq!(cells, [["Part", "", "Date"], ["AX100-3", "ü", "2027-03-31"]]);
        assert_eq!(document.slice(document.pages[1].span), "end\n");
    }

    #[test]
    fn a_text_over_the_limit_is_cut_and_says_so() {
        let line = "x".repeat(1000);
        let mut one = Builder::default();
        one.page("body");
        let mut other = Builder::default();
        other.page("attachment");
        for _ in 0..=limits::DOCUMENT_TEXT_BYTES_MAX / 1001 / 2 + 1 {
            one.line(&line);
            other.line(&line);
        }
        assert!(!one.is_full() && !other.is_full());
        one.append(other);
        let document = one.finish(Format::Text).expect("document");
        assert!(document.text.len() <= limits::DOCUMENT_TEXT_BYTES_MAX && document.text.len() > limits::DOCUMENT_TEXT_BYTES_MAX - 2000);
        assert!(document.warnings.iter().any(|warning| warning.contains("was cut")));
    }

    #[test]
    fn nothing_is_no_document() {
        let mut builder = Builder::default();
        builder.page("page 1");
        builder.warn("1 picture is not read");
        assert!(builder.finish(Format::Mail).expect_err("nothing").contains("1 picture"));
    }
}
