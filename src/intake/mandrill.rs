//! `mandrill`: several inbound mails in one form field. The signature covers the address as configured there and every field.

use bytes::Bytes;
use ring::hmac;
use serde_json::Value;

use super::{
    Delivery, Refusal, Settings, Taken,
    compose::{Attachment, Unpacked},
    few,
    form::Form,
    gate::{Credential, Proof},
    json::{self, Node},
    mails,
    media_type::MediaType,
};

const SIGNATURE: &str = "x-mandrill-signature";

pub(super) fn verify(delivery: &Delivery, credentials: &[Credential], settings: &Settings, _: i64) -> Result<Proof, Refusal> {
    let unauthorised = |why: &str| Err(Refusal::Unauthorised(format!("mandrill has a webhook key here, and {why}")));
    let Some(sent) = delivery.header(SIGNATURE) else { return unauthorised("the delivery has no X-Mandrill-Signature") };
    let Ok(Form(mut fields)) = Form::of(delivery) else { return unauthorised("the delivery is no form") };
    fields.sort_by(|one, other| one.name.cmp(&other.name));
    let mut signed = settings.mandrill_url.clone().into_bytes();
    for field in &fields {
        signed.extend_from_slice(field.name.as_bytes());
        signed.extend_from_slice(&field.bytes);
    }
    let sent = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, sent.trim()).unwrap_or_default();
    let is_right = credentials
        .iter()
        .filter_map(|credential| if let Credential::Plain(key) = credential { Some(key) } else { None })
        .any(|key| hmac::verify(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes()), &signed, &sent).is_ok());
    if is_right { Ok(Proof::signed()) } else { unauthorised("the signature was not made with it, or not for the address in intake.mandrill_url") }
}

pub(super) fn check(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    let form = Form::of(delivery)?;
    let value = json::parse(&form.need("mandrill_events")?.bytes)?;
    Node::root(&value).items()?.map(|event| taken(&event)).collect()
}

fn taken(event: &Node<'_>) -> Result<Taken, Refusal> {
    let kind = event.need("event")?.text()?;
    if kind != "inbound" {
        let ignored = Some(format!("an event of type '{}' is no inbound mail", few(kind)));
        let body = Bytes::from(event.value().to_string());
        return Ok(Taken { media_type: MediaType::plain_json(), sender_id: None, ignored, body: Some(body), about: Vec::new() });
    }
    let message = event.need("msg")?.object()?;
    let text = |key: &str| message.get(key).map(|of| of.text().map(str::to_owned)).transpose();
    let about = [("envelope-to", text("email")?.unwrap_or_default())];
    if let Some(raw) = text("raw_msg")? {
        return mails::taken(Bytes::from(raw), &about);
    }
    let mut mail = Unpacked::default();
    for (name, header) in message.get("headers").into_iter().flat_map(|headers| headers.members().collect::<Vec<_>>()) {
        match header.value() {
            Value::Array(values) => values.iter().filter_map(Value::as_str).for_each(|value| mail.field(name, value, false)),
            value => mail.field(name, value.as_str().unwrap_or_default(), false),
        }
    }
    mail.field("From", &text("from_email")?.unwrap_or_default(), true);
    mail.field("Subject", &text("subject")?.unwrap_or_default(), true);
    (mail.text, mail.html) = (text("text")?, text("html")?);
    for (key, attachment) in message.get("attachments").into_iter().flat_map(|all| all.members().collect::<Vec<_>>()) {
        let content = attachment.need("content")?;
        let is_encoded = attachment.get("base64").is_none_or(|of| of.value() != &Value::Bool(false));
        let bytes = if is_encoded { content.decoded()? } else { Bytes::copy_from_slice(content.text()?.as_bytes()) };
        let of = |key: &str| attachment.get(key).and_then(|of| of.value().as_str()).map(str::to_owned);
        mail.attachments.push(Attachment { name: of("name").unwrap_or_else(|| key.to_owned()), media_type: of("type").unwrap_or_default(), bytes });
    }
    if !mail.says_something() {
        return Err(message.refuse("has neither raw_msg nor text nor html nor an attachment: there is nothing to read"));
    }
    mails::taken(mail.mail(), &about)
}
