//! Bytes to arrival: who sent it, whether its form is right, what makes it the same delivery twice. Pure: no sockets, no store, no clock.
//!
//! Nothing is decoded here that needs a large parser: mails, PDFs and pages are only taken on record and read later, in the sandboxed child. JSON is read,
//! within bounds, because a feed that cannot be read must be refused while its sender still listens.

mod cloudevents;
mod dropin;
mod email;
mod generic;
mod headers;
mod json;
mod media_type;
mod signature;
mod siliconexpert;
mod smtp;

use bytes::Bytes;

use crate::{
    domain::event::{Arrival, Digest, Source},
    limits,
};
use media_type::MediaType;
pub use smtp::{Envelope, SMTP, mail};

/// One delivery as it came over HTTP or from a file.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub source: Source,
    /// The Content-Type header as sent.
    pub content_type: Option<String>,
    pub file_name: Option<String>,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Delivery {
    /// The first header of this (lower case) name.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }
}

/// Why a delivery is not taken; each has a stable code and an HTTP status (`problem+json`). The sentence never repeats more than a few characters of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{0}")]
    UnknownSource(String),
    #[error("{0}")]
    WrongType(String),
    #[error("{0}")]
    Malformed(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    Unauthorised(String),
}

impl Refusal {
    pub fn status(&self) -> u16 {
        match self {
            Refusal::UnknownSource(_) => 404,
            Refusal::WrongType(_) => 415,
            Refusal::Malformed(_) => 400,
            Refusal::TooLarge(_) => 413,
            Refusal::Unauthorised(_) => 401,
        }
    }

    pub fn code(&self) -> &'static str {
        match self {
            Refusal::UnknownSource(_) => "unknown_source",
            Refusal::WrongType(_) => "wrong_content_type",
            Refusal::Malformed(_) => "malformed_body",
            Refusal::TooLarge(_) => "body_too_large",
            Refusal::Unauthorised(_) => "unauthorised",
        }
    }
}

/// Shared secrets by source name; a source without one takes unsigned deliveries.
#[derive(Clone, Default)]
pub struct Secrets(pub std::collections::BTreeMap<String, String>);

/// What the check of one source found out about a delivery.
struct Taken {
    media_type: MediaType,
    /// The sender's own name for this delivery, in parts; `None` where only the bytes tell.
    sender_id: Option<Vec<Vec<u8>>>,
    /// Why it is kept on record but not worked on.
    ignored: Option<String>,
}

/// Name of the source of files from the watched folder.
pub const INBOX: &str = "inbox";

type Check = fn(&Delivery) -> Result<Taken, Refusal>;

/// One row a source: its name, the largest body it sends, the check of its form.
const SOURCES: [(&str, usize, Check); 10] = [
    ("siliconexpert", limits::JSON_BODY_BYTES_MAX, siliconexpert::check),
    ("email", limits::BODY_BYTES_MAX, email::check),
    // An event may carry a whole document as base64.
    ("cloudevents", limits::BODY_BYTES_MAX, cloudevents::check),
    ("generic", limits::JSON_BODY_BYTES_MAX, generic::check),
    ("commercial-radar", limits::JSON_BODY_BYTES_MAX, dropin::commercial_radar),
    ("inbound-email", limits::JSON_BODY_BYTES_MAX, dropin::inbound_email),
    ("component-alert", limits::JSON_BODY_BYTES_MAX, dropin::component_alert),
    ("email-forward", limits::JSON_BODY_BYTES_MAX, dropin::email_forward),
    ("file", limits::BODY_BYTES_MAX, file),
    (INBOX, limits::BODY_BYTES_MAX, file),
];

const NAMES: [&str; SOURCES.len()] = {
    let mut names = [""; SOURCES.len()];
    let mut at = 0;
    while at < SOURCES.len() {
        names[at] = SOURCES[at].0;
        at += 1;
    }
    names
};

/// Every source this build takes.
pub fn sources() -> &'static [&'static str] {
    &NAMES
}

/// Largest body of a source, in bytes. A source that is not known gets the smaller bound.
pub fn body_bytes_max(source: &Source) -> usize {
    SOURCES.iter().find(|(name, ..)| *name == source.as_str()).map_or(limits::JSON_BODY_BYTES_MAX, |(_, most, _)| *most)
}

/// Bytes to arrival: sender checked, form checked, dedupe key made. `now_ms` is only compared with the time a signature names.
pub fn receive(delivery: Delivery, secrets: &Secrets, now_ms: i64) -> Result<Arrival, Refusal> {
    let Some((name, most, check)) = SOURCES.iter().find(|(name, ..)| *name == delivery.source.as_str()) else {
        return Err(Refusal::UnknownSource(format!("'{}' is not a source: one of {}", delivery.source, NAMES.join(", "))));
    };
    if delivery.body.len() > *most {
        return Err(Refusal::TooLarge(format!(
            "the body has {} bytes, {name} takes at most {most}; split it, or hand it in as a file",
            delivery.body.len()
        )));
    }
    let signed_id = secrets.0.get(*name).map(|secret| signature::verify(&delivery, secret, now_ms)).transpose()?.flatten();
    refuse_compressed(&delivery)?;
    if delivery.body.is_empty() {
        return Err(Refusal::Malformed("the body is empty: there is nothing to read".to_owned()));
    }
    let taken = check(&delivery)?;
    let dedupe_key = match (&signed_id, &taken.sender_id) {
        (Some(id), _) => digest(name, "webhook-id", &[id.as_bytes()]),
        (None, Some(parts)) => digest(name, "sender", &parts.iter().map(Vec::as_slice).collect::<Vec<_>>()),
        (None, None) => digest(name, "body", &[&delivery.body]),
    };
    Ok(Arrival {
        content_type: taken.media_type.to_string(),
        file_name: delivery.file_name.as_deref().and_then(headers::file_name),
        headers: headers::kept(&delivery.headers),
        source: delivery.source,
        dedupe_key,
        body: delivery.body,
        ignored: taken.ignored,
    })
}

/// Digest over fields, each with its length before it, so that no two lists of fields give one text.
fn digest(source: &str, kind: &str, fields: &[&[u8]]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for field in [source.as_bytes(), kind.as_bytes()].iter().chain(fields) {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field);
    }
    Digest(*hasher.finalize().as_bytes())
}

/// Bodies are taken as they are: what is signed and kept must be what was sent, and an inflated body has no bound.
fn refuse_compressed(delivery: &Delivery) -> Result<(), Refusal> {
    match delivery.header("content-encoding").map(str::trim) {
        None | Some("") => Ok(()),
        Some(encoding) if encoding.eq_ignore_ascii_case("identity") => Ok(()),
        Some(encoding) => Err(Refusal::WrongType(format!("the body is compressed ({}); send it uncompressed", few(encoding)))),
    }
}

/// A file: any type, looked at later by its bytes.
fn file(delivery: &Delivery) -> Result<Taken, Refusal> {
    let media_type = MediaType::of(delivery)?.unwrap_or_else(MediaType::unspecified);
    Ok(Taken { media_type, sender_id: None, ignored: None })
}

/// The media type a file's name suggests; the bytes are looked at later.
pub fn content_type_of(file_name: &str) -> &'static str {
    let extension = file_name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("json") => "application/json",
        Some("eml") => "message/rfc822",
        Some("html" | "htm") => "text/html",
        Some("pdf") => "application/pdf",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    }
}

/// A few characters of what somebody sent, for a sentence about it.
fn few(text: &str) -> String {
    const CHARACTERS_SHOWN_MAX: usize = 24;
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(CHARACTERS_SHOWN_MAX).collect();
    if text.chars().count() > CHARACTERS_SHOWN_MAX {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
