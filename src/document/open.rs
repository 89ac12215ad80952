//! One way in for bytes of any format, whether they came as a file, in a mail or in an event.

use super::{builder::Builder, decode, html, json, mail, pdf, sniff, text};
use crate::domain::document::Format;

/// What is known of some bytes beside themselves.
pub(super) struct Hints<'a> {
    /// The name of an attachment; `None` for what arrived itself.
    pub(super) name: Option<&'a str>,
    /// The sender calls it a mail.
    pub(super) is_mail: bool,
    pub(super) charset: Option<&'a str>,
    /// How many mails it is within.
    pub(super) depth: usize,
}

/// Adds what the bytes hold; the sentence says why they cannot be read and what to do.
pub(super) fn add(builder: &mut Builder, hints: &Hints<'_>, bytes: &[u8]) -> Result<Format, String> {
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    match sniff::kind(bytes, hints.is_mail)? {
        sniff::Kind::Pdf => pdf::add(builder, hints.name, bytes).map(|()| Format::Pdf),
        sniff::Kind::Mail if hints.depth >= crate::limits::MAIL_NESTING_MAX => {
            Err(format!("mails nest deeper than {}", crate::limits::MAIL_NESTING_MAX))
        }
        sniff::Kind::Mail => mail::add(builder, hints.name, bytes, hints.depth).map(|()| Format::Mail),
        sniff::Kind::Html => {
            html::add(builder, hints.name.unwrap_or("page"), bytes, hints.charset);
            Ok(Format::Html)
        }
        // Attached to something else it is read as text; by itself it may be a feed.
        sniff::Kind::Json if hints.name.is_none() => json::add(builder, bytes, hints.depth),
        sniff::Kind::Json | sniff::Kind::Text => {
            let (decoded, warning) = decode::text(bytes, hints.charset);
            if let Some(warning) = warning {
                builder.warn(hints.name.map_or_else(|| warning.clone(), |name| format!("{name}: {warning}")));
            }
            text::add(builder, hints.name.unwrap_or("text"), &decoded);
            Ok(Format::Text)
        }
    }
}
