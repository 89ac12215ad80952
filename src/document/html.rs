//! HTML as a reader sees it: blocks become lines, tables of data become one line a row with the places of their cells, tables for layout dissolve, what is hidden
//! (`html_seen`) is kept apart.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    builder::Builder,
    decode,
    dom::{Id, Page},
    html_seen::Seen,
    html_table::{self, Cell},
};
use crate::limits;

/// What a page is made of, in order.
pub(super) enum Block {
    Line(String),
    /// Room between paragraphs.
    Gap,
    /// Rows of a table of data.
    Table(Vec<Vec<Cell>>),
}

/// Adds the page of an HTML file, its title first.
pub(super) fn add(builder: &mut Builder, name: &str, bytes: &[u8], charset: Option<&str>) {
    static CHARSET: LazyLock<Option<regex::bytes::Regex>> =
        LazyLock::new(|| regex::bytes::Regex::new(r#"(?i)<meta[^>]{0,200}charset\s*=\s*["']?([a-z0-9_:-]+)"#).ok());
    let start = &bytes[..bytes.len().min(2048)];
    let declared = CHARSET.as_ref().and_then(|pattern| pattern.captures(start)).and_then(|found| std::str::from_utf8(found.get(1)?.as_bytes()).ok());
    let (html, warning) = decode::text(bytes, charset.or(declared));
    if let Some(warning) = warning {
        builder.warn(warning);
    }
    builder.page(name);
    body(builder, &html, true);
}

/// Adds the lines of a page to the page at hand.
pub(super) fn body(builder: &mut Builder, html: &str, with_title: bool) {
    let (html, is_cut) = bounded(html);
    if is_cut {
        builder.warn(format!("the HTML is longer than {} bytes; what follows was not read", limits::HTML_BYTES_MAX));
    }
    let page = Page::parse(&html);
    let seen = Seen::of(&page);
    let mut walk = Walk { page: &page, seen: &seen, is_too_deep: false };
    if with_title && let Some(title) = walk.title() {
        let place = builder.line(&title);
        builder.title(place);
        builder.blank();
    }
    let blocks = walk.blocks(page.root(), 0);
    seen.hidden_texts(&page).iter().for_each(|text| builder.hide(text));
    if walk.is_too_deep {
        builder.warn(format!("the HTML nests deeper than {} elements; there only its text was kept, without layout", limits::HTML_DEPTH_MAX));
    }
    for block in blocks {
        match block {
            Block::Line(line) => _ = builder.line(&line),
            Block::Gap => builder.blank(),
            Block::Table(rows) => html_table::add(builder, &rows),
        }
        if builder.is_full() {
            break;
        }
    }
}

/// Pictures written into the page go, because they are most of its bytes; what is still too long is cut.
fn bounded(html: &str) -> (String, bool) {
    static PICTURE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"data:[a-zA-Z]+/[^"'\s<>)]*"#).ok());
    let mut html = PICTURE.as_ref().map_or(std::borrow::Cow::Borrowed(html), |pattern| pattern.replace_all(html, "")).into_owned();
    let is_cut = html.len() > limits::HTML_BYTES_MAX;
    html.truncate(html.floor_char_boundary(limits::HTML_BYTES_MAX));
    (html, is_cut)
}

pub(super) struct Walk<'a> {
    page: &'a Page,
    pub(super) seen: &'a Seen,
    is_too_deep: bool,
}

impl Walk<'_> {
    fn title(&self) -> Option<String> {
        let title = self.page.descendants(self.page.root(), |_| false).find(|id| self.page.name(*id) == Some("title"))?;
        let text: String = self.page.children(title).filter_map(|child| self.page.text(child)).collect();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    }

    /// What stands in an element. Depth is bounded: past it the text is gathered without layout.
    pub(super) fn blocks(&mut self, of: Id, depth: usize) -> Vec<Block> {
        let mut out = Flow::default();
        self.walk(of, depth, &mut out);
        out.end_line();
        out.blocks
    }

    fn walk(&mut self, of: Id, depth: usize, out: &mut Flow) {
        if depth >= limits::HTML_DEPTH_MAX {
            self.is_too_deep = true;
            let (page, seen) = (self.page, self.seen);
            for id in page.descendants(of, |id| seen.is_hidden(id)) {
                match page.text(id) {
                    Some(text) => out.text(text),
                    // Elements that far down still end words.
                    None => out.space(),
                }
            }
            return;
        }
        let page = self.page;
        for id in page.children(of) {
            if self.seen.is_hidden(id) {
                continue;
            }
            if let Some(text) = page.text(id) {
                out.text(text);
                continue;
            }
            match page.name(id).unwrap_or_default() {
                "br" => out.end_line(),
                "hr" => out.gap(),
                "input" => out.text(check_box(page, id)),
                "table" => {
                    out.gap();
                    let table = html_table::blocks(self, page, id, depth + 1);
                    out.blocks.extend(table);
                    out.gap();
                }
                "pre" | "textarea" => {
                    out.gap();
                    out.is_verbatim += 1;
                    self.walk(id, depth + 1, out);
                    out.is_verbatim -= 1;
                    out.gap();
                }
                "li" => {
                    out.end_line();
                    out.text("- ");
                    self.walk(id, depth + 1, out);
                    out.end_line();
                }
                "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "blockquote" | "form" | "fieldset" | "figure" => {
                    out.gap();
                    self.walk(id, depth + 1, out);
                    out.gap();
                }
                "div" | "section" | "article" | "header" | "footer" | "main" | "nav" | "aside" | "address" | "center" | "dt" | "dd" | "body"
                | "html" | "tr" | "caption" | "legend" | "option" => {
                    out.end_line();
                    self.walk(id, depth + 1, out);
                    out.end_line();
                }
                // The mark of a footnote behind a part number would read as its last digit; behind a day it is "st" or "th".
                "sup" => {
                    let is_mark =
                        page.descendants(id, |_| false).filter_map(|inner| page.text(inner)).all(|text| !text.contains(char::is_alphabetic));
                    if is_mark {
                        out.space();
                    }
                    self.walk(id, depth + 1, out);
                }
                // Cells outside any table.
                "td" | "th" => {
                    self.walk(id, depth + 1, out);
                    out.space();
                }
                _ => self.walk(id, depth + 1, out),
            }
        }
    }
}

/// A form's box, ticked or not: "discontinuance" beside an empty box ends nothing.
fn check_box(page: &Page, id: Id) -> &'static str {
    let is_box = page.attribute(id, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox") || kind.eq_ignore_ascii_case("radio"));
    match (is_box, page.attribute(id, "checked").is_some()) {
        (true, true) => "[x] ",
        (true, false) => "[ ] ",
        (false, _) => "",
    }
}

/// Gathers inline text into lines, blanks folded as a browser folds them.
#[derive(Default)]
struct Flow {
    blocks: Vec<Block>,
    line: String,
    owes_space: bool,
    is_verbatim: usize,
}

impl Flow {
    fn text(&mut self, text: &str) {
        if self.is_verbatim > 0 {
            for (at, line) in text.split('\n').enumerate() {
                if at > 0 {
                    self.end_line();
                }
                self.line.push_str(line);
            }
            return;
        }
        // A non-breaking blank is printed, so it is no blank here; the builder makes it one.
        let is_blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{C}');
        for c in text.chars() {
            if is_blank(c) {
                self.owes_space = true;
                continue;
            }
            if std::mem::take(&mut self.owes_space) && !self.line.is_empty() {
                self.line.push(' ');
            }
            self.line.push(c);
        }
    }

    fn space(&mut self) {
        self.owes_space = true;
    }

    fn end_line(&mut self) {
        self.owes_space = false;
        let line = std::mem::take(&mut self.line);
        if !line.trim().is_empty() {
            self.blocks.push(Block::Line(line));
        }
    }

    fn gap(&mut self) {
        self.end_line();
        if !matches!(self.blocks.last(), None | Some(Block::Gap)) {
            self.blocks.push(Block::Gap);
        }
    }
}

#[cfg(test)]
mod tests;
