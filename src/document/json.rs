//! JSON deliveries: a structured feed stays as sent; what wraps a letter or an event is opened.

use std::borrow::Cow;

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::Value;

use super::{
    builder::Builder,
    html,
    mail::{self, Attachments, Head},
    nesting::Nesting,
    open::{self, Hints},
    text,
};
use crate::{domain::document::Format, limits};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// Adds a structured feed, whatever its keys: its text is the JSON as sent.
pub(super) fn feed(builder: &mut Builder, bytes: &[u8]) -> Result<Format, String> {
    let text = as_text(bytes)?;
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map_err(|error| format!("it is not JSON: line {} column {}", error.line(), error.column()))?;
    builder.feed(text)?;
    Ok(Format::Json)
}

fn as_text(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 from byte {} on", error.valid_up_to()))?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

/// What a JSON body is, by its keys.
enum Shape<'a> {
    Letter {
        subject: &'a Value,
        plain: Option<&'a str>,
        html: Option<&'a str>,
    },
    Event,
    /// A part's alert with the prose it was made from.
    Alert(&'a str),
    Feed,
}

impl Shape<'_> {
    fn of(value: &Value) -> Shape<'_> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let has = |keys: &[&str]| keys.iter().all(|key| text(key).is_some());
        if has(&["specversion", "id", "source", "type"]) {
            return Shape::Event;
        }
        if let Some(context) = text("raw_context").filter(|context| !context.trim().is_empty() && has(&["manufacturer_code", "part_number"])) {
            return Shape::Alert(context);
        }
        if has(&["subject_line", "body_content"]) {
            return Shape::Letter { subject: &value["subject_line"], plain: text("body_content"), html: None };
        }
        let attached = value.get("attachments").and_then(Value::as_array).is_some_and(|attached| !attached.is_empty());
        if has(&["subject"]) && (text("text").is_some() || text("html").is_some() || attached) {
            return Shape::Letter { subject: &value["subject"], plain: text("text"), html: text("html") };
        }
        Shape::Feed
    }
}

/// Adds what a JSON body holds. A feed is added as one page, in the JSON as sent.
pub(super) fn add(builder: &mut Builder, bytes: &[u8], nesting: Nesting<'_>) -> Result<Format, String> {
    let text = as_text(bytes)?;
    let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: line {} column {}", error.line(), error.column()))?;
    value_of(builder, &value, Some(text), nesting)
}

fn value_of(builder: &mut Builder, value: &Value, as_sent: Option<&str>, nesting: Nesting<'_>) -> Result<Format, String> {
    if nesting.is_too_deep() {
        return Err(format!("events and mails nest deeper than {}", limits::NESTING_MAX));
    }
    match Shape::of(value) {
        Shape::Letter { subject, plain, html } => letter(builder, value, subject, plain, html, nesting),
        Shape::Event => event(builder, value, nesting),
        Shape::Alert(context) => alert(builder, value, context),
        Shape::Feed => {
            match as_sent {
                Some(text) => builder.feed(text)?,
                None => builder.feed(&value.to_string())?,
            }
            Ok(Format::Json)
        }
    }
}

fn letter(
    builder: &mut Builder,
    value: &Value,
    subject: &Value,
    plain: Option<&str>,
    html: Option<&str>,
    nesting: Nesting<'_>,
) -> Result<Format, String> {
    let field = |key: &str| value.get(key).and_then(Value::as_str).map(Cow::Borrowed);
    let head = Head { from: field("from").or_else(|| field("sender_domain")), subject: subject.as_str().map(Cow::Borrowed), date: field("date") };
    head.add(builder, None);
    let mut versions = (Builder::default(), Builder::default());
    text::lines(&mut versions.0, plain.unwrap_or_default());
    html::body(&mut versions.1, html.unwrap_or_default(), false);
    mail::choose(builder, versions.0, versions.1);
    let mut attachments = Attachments::new(nesting);
    for attachment in value.get("attachments").and_then(Value::as_array).into_iter().flatten() {
        let of = |key: &str| attachment.get(key).and_then(Value::as_str);
        let media_type = of("content_type").unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match base64(of("content").unwrap_or_default()) {
            Some(bytes) => attachments.file(builder, None, of("filename"), &media_type, &bytes),
            None => builder.warn(format!("{} was not read: its content is not base64", of("filename").unwrap_or("an attachment"))),
        }
    }
    attachments.end(builder, None);
    if let Some(named) = value.get("attachment_metadata").and_then(Value::as_object).filter(|named| !named.is_empty()) {
        builder.warn(format!("the sender names attachments ({} entries) and did not send them", named.len()));
    }
    Ok(Format::Mail)
}

fn alert(builder: &mut Builder, value: &Value, context: &str) -> Result<Format, String> {
    builder.page("body");
    for (name, key) in [("Manufacturer", "manufacturer_code"), ("Part number", "part_number"), ("Lifecycle status", "lifecycle_status")] {
        if let Some(said) = value.get(key).and_then(Value::as_str) {
            builder.line(&format!("{name}: {said}"));
        }
    }
    builder.blank();
    text::lines(builder, context);
    Ok(Format::Mail)
}

/// Opens an event: what it carries is read as if it had come by itself.
fn event(builder: &mut Builder, value: &Value, nesting: Nesting<'_>) -> Result<Format, String> {
    let media_type = value.get("datacontenttype").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let hints = Hints { name: None, is_mail: media_type.starts_with("message/rfc822"), file_name: None, charset: None, nesting: nesting.deeper() };
    match (value.get("data").filter(|data| !data.is_null()), value.get("data_base64").and_then(Value::as_str)) {
        (Some(Value::String(text)), _) => open::add(builder, &hints, text.as_bytes()),
        (Some(data), _) => value_of(builder, data, None, nesting.deeper()),
        (None, Some(encoded)) => open::add(builder, &hints, &base64(encoded).ok_or("the data_base64 of the event is not base64")?),
        (None, None) => Err("the event carries no data".to_owned()),
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(digits).ok()
}
