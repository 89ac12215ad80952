//! One text with pages, lines and table cells, whose places later steps can point at. Every place is a byte range of `Document::text`.

use serde::{Deserialize, Serialize};

/// Bytes `start..end` of `Document::text`, on character borders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Span {
        debug_assert!(start <= end);
        Span { start: start as u32, end: end as u32 }
    }

    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// What the bytes were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Text,
    Mail,
    Html,
    Pdf,
    /// A workbook or delimited text.
    Sheet,
    Word,
    /// An archive; each file in it is pages of its own.
    Archive,
    /// A structured feed: `text` is the JSON as sent, and no model is needed to read it.
    Json,
}

/// A page of a PDF, a sheet of a workbook, a body or an attachment of a mail, a file of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// What a person would call it: `page 3`, `body`, `notice.pdf, page 1`.
    pub name: String,
    pub span: Span,
}

/// A table whose cells are ranges of the text. An empty cell is an empty range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub rows: Vec<Vec<Span>>,
}

/// Where a value stands, as a person would say it; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub span: Span,
    pub page: String,
    pub line: u32,
    pub column: u32,
}

/// The text of what arrived. Stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub format: Format,
    pub text: String,
    /// In order of their place, without overlap.
    pub pages: Vec<Page>,
    pub tables: Vec<Table>,
    /// Subject of a mail, title of a page.
    pub title: Option<Span>,
    /// What was damaged, skipped or cut, in sentences; never empty when something is missing from `text`.
    pub warnings: Vec<String>,
    /// Texts that a reader of the document does not see, in order: never part of `text`.
    #[serde(default)]
    pub hidden: Vec<String>,
}

impl Document {
    /// A plain text of one page.
    #[cfg(test)]
    pub fn plain(text: &str) -> Document {
        let pages = vec![Page { name: "text".to_owned(), span: Span::new(0, text.len()) }];
        Document { format: Format::Text, text: text.to_owned(), pages, tables: Vec::new(), title: None, warnings: Vec::new(), hidden: Vec::new() }
    }

    /// The text of a span.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// The place of a span: its page, and line and column within the page.
    pub fn place(&self, span: Span) -> Place {
        let page = self.pages.iter().rev().find(|page| page.span.start <= span.start);
        let from = page.map_or(0, |page| page.span.start as usize);
        let before = self.text.get(from..span.start as usize).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            span,
            page: page.map_or_else(|| "text".to_owned(), |page| page.name.clone()),
            line: before.bytes().filter(|b| *b == b'\n').count() as u32 + 1,
            column: before[line_start..].chars().count() as u32 + 1,
        }
    }
}
