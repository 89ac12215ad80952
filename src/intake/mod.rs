//! Bytes to arrival: who sent it, whether its form is right, what makes it the same delivery twice. Pure: no sockets, no store, no clock.
//!
//! Nothing is decoded here that needs a large parser: mails, PDFs and pages are only taken on record and read later, in the sandboxed child. JSON is read,
//! within bounds, because a feed that cannot be read must be refused while its sender still listens.

mod answers;
mod cloudevents;
mod cloudmailin;
mod compose;
mod dropin;
mod email;
mod form;
mod gate;
mod generic;
mod headers;
mod json;
mod mailgun;
mod mails;
mod mandrill;
mod media_type;
mod postmark;
mod sendgrid;
mod ses;
mod signature;
mod siliconexpert;
mod smtp;
mod standard_webhooks;
mod tabular;
mod xml;

use bytes::Bytes;

use crate::{
    domain::event::{Arrival, Digest, QUARANTINED, Source},
    limits,
};
pub use answers::Answers;
pub use gate::{Gate, Settings};
use gate::{Proof, Scheme};
use media_type::MediaType;
pub use ses::{subscription, subscription_address};
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
    /// Rightly signed, too long ago.
    #[error("{0}")]
    Stale(String),
    /// What was signed was good for one body, and this is another.
    #[error("{0}")]
    Replayed(String),
    /// It may be right, and can be taken once somebody has done something here.
    #[error("{0}")]
    NotYet(String),
}

impl Refusal {
    pub fn status(&self) -> u16 {
        match self {
            Refusal::UnknownSource(_) => 404,
            Refusal::WrongType(_) => 415,
            Refusal::Malformed(_) => 400,
            Refusal::TooLarge(_) => 413,
            Refusal::Unauthorised(_) | Refusal::Stale(_) | Refusal::Replayed(_) => 401,
            Refusal::NotYet(_) => 503,
        }
    }

    pub fn code(&self) -> &'static str {
        match self {
            Refusal::UnknownSource(_) => "unknown_source",
            Refusal::WrongType(_) => "wrong_content_type",
            Refusal::Malformed(_) => "malformed_body",
            Refusal::TooLarge(_) => "body_too_large",
            Refusal::Unauthorised(_) => "unauthorised",
            Refusal::Stale(_) => "stale_signature",
            Refusal::Replayed(_) => "replayed",
            Refusal::NotYet(_) => "not_yet",
        }
    }
}

/// What a delivery brought.
#[derive(Debug)]
pub struct Received {
    /// What must be on disk before it is answered; a delivery can hold several mails or events, or none.
    pub arrivals: Vec<Arrival>,
    /// Why it is not taken: then the one arrival is the delivery itself, kept in quarantine.
    pub refusal: Option<Refusal>,
    /// A token that is good for one body only, where the signature does not cover the body.
    pub token: Option<String>,
}

/// What the check of one source found out about a delivery.
struct Taken {
    media_type: MediaType,
    /// The sender's own name for this delivery, in parts; `None` where only the bytes tell.
    sender_id: Option<Vec<Vec<u8>>>,
    /// Why it is kept on record but not worked on.
    ignored: Option<String>,
    /// What is kept, where that is not the body as it came: the mail that a form or an object wraps.
    body: Option<Bytes>,
    /// What the sender says about it beside the body; never a secret.
    about: Vec<(&'static str, String)>,
}

impl Taken {
    /// The body as it came.
    fn whole(media_type: MediaType, sender_id: Option<Vec<Vec<u8>>>) -> Taken {
        Taken { media_type, sender_id, ignored: None, body: None, about: Vec::new() }
    }
}

/// Name of the source of files from the watched folder.
pub const INBOX: &str = "inbox";

type Check = fn(&Delivery, &Settings) -> Result<Vec<Taken>, Refusal>;

/// One source: its name, the largest body it sends, how its sender is known, the check of its form, and how it is answered.
struct Row {
    name: &'static str,
    body_bytes_max: usize,
    scheme: Scheme,
    check: Check,
    answers: Answers,
}

const fn direct(name: &'static str, body_bytes_max: usize, check: Check) -> Row {
    Row { name, body_bytes_max, scheme: Scheme::Shared, check, answers: answers::DIRECT }
}

const fn sender(name: &'static str, scheme: Scheme, check: Check, answers: Answers) -> Row {
    Row { name, body_bytes_max: limits::BODY_BYTES_MAX, scheme, check, answers }
}

const SOURCES: [Row; 19] = [
    direct("siliconexpert", limits::JSON_BODY_BYTES_MAX, siliconexpert::check),
    direct("email", limits::BODY_BYTES_MAX, email::check),
    // An event may carry a whole document as base64.
    direct("cloudevents", limits::BODY_BYTES_MAX, cloudevents::check),
    direct("generic", limits::JSON_BODY_BYTES_MAX, generic::check),
    direct("standard-webhooks", limits::JSON_BODY_BYTES_MAX, standard_webhooks::check),
    // A workbook is a document; CSV and JSON have the smaller bound.
    direct("accuris", limits::BODY_BYTES_MAX, tabular::check),
    direct("z2data", limits::BODY_BYTES_MAX, tabular::check),
    sender("sendgrid", Scheme::SendGrid, sendgrid::check, answers::SENDGRID),
    sender("mailgun", Scheme::Mailgun, mailgun::check, answers::MAILGUN),
    sender("postmark", Scheme::Vouched, postmark::check, answers::POSTMARK),
    sender("ses", Scheme::Sns, ses::check, answers::SNS),
    sender("mandrill", Scheme::Mandrill, mandrill::check, answers::MANDRILL),
    sender("cloudmailin", Scheme::Vouched, cloudmailin::check, answers::CLOUDMAILIN),
    direct("commercial-radar", limits::JSON_BODY_BYTES_MAX, dropin::commercial_radar),
    direct("inbound-email", limits::JSON_BODY_BYTES_MAX, dropin::inbound_email),
    direct("component-alert", limits::JSON_BODY_BYTES_MAX, dropin::component_alert),
    direct("email-forward", limits::JSON_BODY_BYTES_MAX, dropin::email_forward),
    direct("file", limits::BODY_BYTES_MAX, file),
    direct(INBOX, limits::BODY_BYTES_MAX, file),
];

const NAMES: [&str; SOURCES.len()] = {
    let mut names = [""; SOURCES.len()];
    let mut at = 0;
    while at < SOURCES.len() {
        names[at] = SOURCES[at].name;
        at += 1;
    }
    names
};

/// Every source this build takes.
pub fn sources() -> &'static [&'static str] {
    &NAMES
}

fn row(source: &str) -> Option<&'static Row> {
    SOURCES.iter().find(|row| row.name == source)
}

/// How a source is answered; one that is not known as whoever calls directly.
pub fn answers(source: &str) -> Answers {
    row(source).map_or(answers::DIRECT, |row| row.answers)
}

/// Largest body of a source, in bytes. A source that is not known gets the smaller bound.
pub fn body_bytes_max(source: &Source) -> usize {
    row(source.as_str()).map_or(limits::JSON_BODY_BYTES_MAX, |row| row.body_bytes_max)
}

/// Who hands a delivery in.
#[derive(Clone, Copy)]
pub enum By<'a> {
    /// Whoever reaches the port: the gate's credentials must vouch for it.
    Network(&'a Gate),
    /// A person, who is told what is wrong; the site's settings hold all the same.
    Person(&'a Gate),
    /// This program itself, from a folder or an API.
    Own,
}

/// Bytes to arrivals: sender checked, form checked, dedupe keys made. `now_ms` is only compared with the time a signature names.
pub fn receive(delivery: Delivery, by: By<'_>, now_ms: i64) -> Result<Received, Refusal> {
    let Some(row) = row(delivery.source.as_str()) else {
        return Err(Refusal::UnknownSource(format!("'{}' is not a source: one of {}", delivery.source, NAMES.join(", "))));
    };
    if delivery.body.len() > row.body_bytes_max {
        return Err(Refusal::TooLarge(format!(
            "the body has {} bytes, {} takes at most {}; split it, or hand it in as a file",
            delivery.body.len(),
            row.name,
            row.body_bytes_max
        )));
    }
    let (proof, checked) = match by {
        By::Network(gate) => (gate.verify(row.scheme, &delivery, now_ms)?, checked(row, &delivery, &gate.settings)),
        By::Person(gate) => (Proof::default(), checked(row, &delivery, &gate.settings)),
        By::Own => (Proof::default(), checked(row, &delivery, &Settings::default())),
    };
    // What a sender whose deliveries nobody watches got wrong is kept for a person to see; of others, what somebody with a secret sent.
    let keeps = matches!(by, By::Network(_)) && (row.answers.refused.is_some() || proof.is_signed) && !delivery.body.is_empty();
    match checked {
        Ok(taken) => {
            let is_one = taken.len() == 1;
            let signed_id = proof.id.filter(|_| is_one);
            let arrivals = taken.into_iter().map(|taken| arrival(row.name, &delivery, taken, signed_id.as_deref())).collect();
            Ok(Received { arrivals, refusal: None, token: proof.token })
        }
        Err(refusal) if keeps => {
            let taken = Taken { ignored: Some(format!("{QUARANTINED}{refusal}")), ..Taken::whole(MediaType::as_sent(&delivery), None) };
            let arrivals = vec![arrival(row.name, &delivery, taken, None)];
            Ok(Received { arrivals, refusal: Some(refusal), token: None })
        }
        Err(refusal) => Err(refusal),
    }
}

fn checked(row: &Row, delivery: &Delivery, settings: &Settings) -> Result<Vec<Taken>, Refusal> {
    refuse_compressed(delivery)?;
    if delivery.body.is_empty() {
        return Err(Refusal::Malformed("the body is empty: there is nothing to read".to_owned()));
    }
    (row.check)(delivery, settings)
}

fn arrival(source: &str, delivery: &Delivery, taken: Taken, signed_id: Option<&str>) -> Arrival {
    let body = taken.body.unwrap_or_else(|| delivery.body.clone());
    let dedupe_key = match (&taken.sender_id, signed_id) {
        (Some(parts), _) => digest(source, "sender", &parts.iter().map(Vec::as_slice).collect::<Vec<_>>()),
        (None, Some(id)) => digest(source, "webhook-id", &[id.as_bytes()]),
        (None, None) => digest(source, "body", &[&body]),
    };
    let mut headers = headers::told(&taken.about);
    headers.extend(headers::kept(&delivery.headers));
    headers.truncate(limits::HEADERS_KEPT_MAX);
    Arrival {
        content_type: taken.media_type.to_string(),
        file_name: delivery.file_name.as_deref().and_then(headers::file_name),
        headers,
        source: delivery.source.clone(),
        dedupe_key,
        body,
        ignored: taken.ignored,
    }
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
fn file(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    let media_type = MediaType::of(delivery)?.unwrap_or_else(MediaType::unspecified);
    Ok(vec![Taken::whole(media_type, None)])
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
    shown(text, CHARACTERS_SHOWN_MAX)
}

/// The first characters of it, without those that a terminal obeys.
fn shown(text: &str, most: usize) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(most).collect();
    if text.chars().count() > most {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
