//! The Content-Type header: what a sender says its body is.

use std::fmt;

use super::{Delivery, Refusal, few};

/// A media type without parameters, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MediaType(String);

impl MediaType {
    /// What a body is that nobody described.
    pub(super) fn unspecified() -> MediaType {
        MediaType("application/octet-stream".to_owned())
    }

    pub(super) fn mail() -> MediaType {
        MediaType("message/rfc822".to_owned())
    }

    pub(super) fn plain_json() -> MediaType {
        MediaType("application/json".to_owned())
    }

    /// The type a delivery names, where it names one that can be read.
    pub(super) fn as_sent(delivery: &Delivery) -> MediaType {
        MediaType::of(delivery).ok().flatten().unwrap_or_else(MediaType::unspecified)
    }

    /// The type a delivery names; `None` where it names none.
    pub(super) fn of(delivery: &Delivery) -> Result<Option<MediaType>, Refusal> {
        let Some(written) = delivery.content_type.as_deref().map(str::trim).filter(|written| !written.is_empty()) else {
            return Ok(None);
        };
        let bare = written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_token = |part: &str| (1..=100).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b));
        match bare.split_once('/') {
            Some((kind, subtype)) if is_token(kind) && is_token(subtype) => Ok(Some(MediaType(bare))),
            _ => Err(Refusal::WrongType(format!("the Content-Type '{}' is not a media type", few(written)))),
        }
    }

    /// The type of a JSON feed. `application/octet-stream` says nothing and is let through to the syntax check.
    pub(super) fn json(delivery: &Delivery) -> Result<MediaType, Refusal> {
        let media_type = MediaType::of(delivery)?;
        match media_type {
            Some(media_type) if media_type.is_json() || media_type.is_unspecified() => {
                refuse_other_charset(delivery)?;
                Ok(media_type)
            }
            Some(media_type) => Err(Refusal::WrongType(format!("{} takes application/json, not {}", delivery.source, few(&media_type.0)))),
            None => Err(Refusal::WrongType(format!("{} takes application/json, and this delivery has no Content-Type", delivery.source))),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_unspecified(&self) -> bool {
        self.0 == "application/octet-stream"
    }

    pub(super) fn is_xml(&self) -> bool {
        self.0 == "application/xml" || self.0 == "text/xml" || self.0.ends_with("+xml")
    }

    pub(super) fn is_json(&self) -> bool {
        self.0 == "application/json" || self.0 == "text/json" || self.0.ends_with("+json")
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// JSON is UTF-8 between systems (RFC 8259 §8.1); a sender that says otherwise would be misread.
fn refuse_other_charset(delivery: &Delivery) -> Result<(), Refusal> {
    let parameters = delivery.content_type.as_deref().unwrap_or_default().split(';').skip(1);
    for (name, value) in parameters.filter_map(|parameter| parameter.split_once('=')) {
        let value = value.trim().trim_matches('"');
        let is_utf8 = ["utf-8", "utf8", "us-ascii"].iter().any(|known| value.eq_ignore_ascii_case(known));
        if name.trim().eq_ignore_ascii_case("charset") && !is_utf8 {
            return Err(Refusal::WrongType(format!("JSON is taken in UTF-8, not in {}", few(value))));
        }
    }
    Ok(())
}
