//! `cloudmailin`: JSON (normalised and older), multipart and raw. Nothing is signed; Basic credentials in the address vouch for it. What it is told as 4xx goes back
//! to the mail's sender as a bounce.

use serde_json::Value;

use super::{
    Delivery, Refusal, Settings, Taken,
    compose::{Attachment, Unpacked},
    form::Form,
    json::{self, Node},
    mails,
    media_type::MediaType,
};

pub(super) fn check(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    if MediaType::of(delivery)?.is_some_and(|of| of.is_json()) { of_json(delivery) } else { of_form(delivery) }
}

fn of_json(delivery: &Delivery) -> Result<Vec<Taken>, Refusal> {
    let value = json::parse(&delivery.body)?;
    let root = Node::root(&value).object()?;
    let envelope = root.need("envelope")?.object()?;
    let about = [
        ("envelope-from", string(envelope.get("from"))),
        ("envelope-to", string(envelope.get("to"))),
        ("sender-ip", string(envelope.get("remote_ip"))),
    ];
    let mut mail = Unpacked::default();
    for (name, header) in root.need("headers")?.object()?.members() {
        // Normalised names are in lower case with underscores, and a field that came twice is a list.
        let name = name.replace('_', "-");
        match header.value() {
            Value::Array(values) => values.iter().filter_map(Value::as_str).for_each(|value| mail.field(&name, value, false)),
            _ => mail.field(&name, header.text()?, false),
        }
    }
    let text = |key: &str| root.get(key).map(|of| of.text().map(str::to_owned)).transpose();
    (mail.text, mail.html) = (text("plain")?, text("html")?);
    for attachment in root.get("attachments").map(|list| list.items()).transpose()?.into_iter().flatten() {
        let name = string(attachment.get("file_name"));
        match (attachment.get("content"), attachment.get("url")) {
            (Some(content), _) => {
                let media_type = string(attachment.get("content_type"));
                mail.attachments.push(Attachment { name, media_type, bytes: content.decoded()? });
            }
            (None, Some(url)) => mail.elsewhere.push(format!("{name} at {}", url.text()?)),
            (None, None) => return Err(attachment.refuse("has neither 'content' nor 'url'")),
        }
    }
    if !mail.says_something() {
        return Err(root.refuse("has neither 'plain' nor 'html' nor an attachment: there is nothing to read"));
    }
    Ok(vec![mails::taken(mail.mail(), &about)?])
}

fn string(node: Option<Node<'_>>) -> String {
    node.and_then(|node| node.value().as_str()).unwrap_or_default().to_owned()
}

fn of_form(delivery: &Delivery) -> Result<Vec<Taken>, Refusal> {
    let form = Form::of(delivery)?;
    let text = |name: &str| form.text(name).map(std::borrow::Cow::into_owned);
    let about = [("envelope-from", text("envelope[from]").unwrap_or_default()), ("envelope-to", text("envelope[to]").unwrap_or_default())];
    if let Some(raw) = form.get("message") {
        return Ok(vec![mails::taken(raw.bytes.clone(), &about)?]);
    }
    let mut mail = Unpacked::default();
    for field in &form.0 {
        // headers[Received][0], headers[Subject]
        if let Some(name) = field.name.strip_prefix("headers[").and_then(|rest| rest.split(']').next()) {
            mail.field(&name.replace('_', "-"), &field.text(), false);
        } else if let (true, Some(name)) = (field.name.starts_with("attachments["), &field.file_name) {
            let media_type = field.content_type.clone().unwrap_or_default();
            mail.attachments.push(Attachment { name: name.clone(), media_type, bytes: field.bytes.clone() });
        }
    }
    (mail.text, mail.html) = (text("plain"), text("html"));
    form.need("plain").or_else(|_| form.need("html"))?;
    if !mail.says_something() {
        return Err(Refusal::Malformed("the form has neither 'plain' nor 'html' nor an attachment: there is nothing to read".to_owned()));
    }
    Ok(vec![mails::taken(mail.mail(), &about)?])
}
