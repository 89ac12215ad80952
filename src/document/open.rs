//! One way in for bytes of any format, whether they came as a file, in a mail or in an event.

use super::{archive, builder::Builder, decode, delimited, html, json, mail, msg, nesting::Nesting, pdf, rtf, sheet, smartpcn, sniff, text, tnef};
use crate::{domain::document::Format, limits};

/// What is known of some bytes beside themselves.
#[derive(Clone, Copy)]
pub(super) struct Hints<'a> {
    /// What its pages are called; `None` for what arrived itself.
    pub(super) name: Option<&'a str>,
    /// What its sender calls the file.
    pub(super) file_name: Option<&'a str>,
    /// The sender calls it a mail.
    pub(super) is_mail: bool,
    pub(super) charset: Option<&'a str>,
    pub(super) nesting: Nesting<'a>,
}

/// Adds what the bytes hold; the sentence says why they cannot be read and what to do.
pub(super) fn add(builder: &mut Builder, hints: &Hints<'_>, bytes: &[u8]) -> Result<Format, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    let kind = sniff::kind(bytes, hints.is_mail)?;
    let holds_others = matches!(kind, sniff::Kind::Mail | sniff::Kind::Zip | sniff::Kind::Gzip | sniff::Kind::Compound | sniff::Kind::Tnef);
    if holds_others && hints.nesting.is_too_deep() {
        return Err(format!("mails and archives nest deeper than {}", limits::NESTING_MAX));
    }
    match kind {
        sniff::Kind::Pdf => pdf::add(builder, hints.name, bytes).map(|()| Format::Pdf),
        sniff::Kind::Mail => mail::add(builder, hints.name, bytes, hints.nesting).map(|()| Format::Mail),
        sniff::Kind::Zip => archive::zip(builder, hints, bytes),
        sniff::Kind::Gzip => archive::gzip(builder, hints, bytes),
        sniff::Kind::Compound if msg::is_workbook(bytes) => sheet::add(builder, hints.name, sheet::Form::Xls, bytes).map(|()| Format::Sheet),
        sniff::Kind::Compound => msg::add(builder, hints.name, bytes, hints.nesting).map(|()| Format::Mail),
        sniff::Kind::Tnef => tnef::add(builder, hints.name, bytes, hints.nesting).map(|()| Format::Mail),
        sniff::Kind::Rich => {
            match rtf::read(bytes) {
                Some(rtf::Rich::Html(page)) => {
                    builder.page(hints.name.unwrap_or("page"));
                    html::body(builder, &page, true);
                }
                Some(rtf::Rich::Text(words)) => text::add(builder, hints.name.unwrap_or("text"), &words),
                None => return Err("the rich text is damaged; save it as PDF or text".to_owned()),
            }
            Ok(Format::Text)
        }
        sniff::Kind::Html => {
            html::add(builder, hints.name.unwrap_or("page"), bytes, hints.charset);
            Ok(Format::Html)
        }
        // Attached to something else it is read as text; by itself it may be a feed.
        sniff::Kind::Json if hints.name.is_none() => json::add(builder, bytes, hints.nesting),
        sniff::Kind::Json | sniff::Kind::Text => {
            let (decoded, warning) = decode::text(bytes, hints.charset);
            if smartpcn::is_body(&decoded) {
                return smartpcn::add(builder, hints.name, bytes);
            }
            if let Some(warning) = warning {
                builder.warn(hints.name.map_or_else(|| warning.clone(), |name| format!("{name}: {warning}")));
            }
            let is_named = hints.file_name.is_some_and(|name| [".csv", ".tsv", ".tab"].iter().any(|end| name.to_ascii_lowercase().ends_with(end)));
            if kind == sniff::Kind::Text && delimited::add(builder, hints.name.unwrap_or("table"), &decoded, is_named) {
                return Ok(Format::Sheet);
            }
            text::add(builder, hints.name.unwrap_or("text"), &decoded);
            Ok(Format::Text)
        }
    }
}
