//! `postmark`: inbound mails as JSON. Nothing is signed; Basic credentials in the address vouch for it.

use bytes::Bytes;

use super::{
    Delivery, Refusal, Settings, Taken,
    compose::{Attachment, Unpacked},
    json::{self, Node},
    mails,
    media_type::MediaType,
};

pub(super) fn check(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    MediaType::json(delivery)?;
    let value = json::parse(&delivery.body)?;
    let root = Node::root(&value).object()?;
    let text = |key: &str| root.get(key).map(|of| of.text()).transpose().map(|of| of.unwrap_or_default());
    root.need("MessageID")?.filled_text()?;
    root.need("From")?.filled_text()?;
    let about = [("envelope-to", text("OriginalRecipient")?.to_owned()), ("postmark-id", text("MessageID")?.to_owned())];
    if let Some(raw) = root.get("RawEmail") {
        return Ok(vec![mails::taken(Bytes::copy_from_slice(raw.filled_text()?.as_bytes()), &about)?]);
    }
    let mut mail = Unpacked::default();
    for header in root.get("Headers").map(|list| list.items()).transpose()?.into_iter().flatten() {
        mail.field(header.need("Name")?.text()?, header.need("Value")?.text()?, false);
    }
    for name in ["From", "To", "Cc", "Subject", "Date"] {
        mail.field(name, text(name)?, true);
    }
    let filled = |text: &str| (!text.trim().is_empty()).then(|| text.to_owned());
    (mail.text, mail.html) = (filled(text("TextBody")?), filled(text("HtmlBody")?));
    for attachment in root.get("Attachments").map(|list| list.items()).transpose()?.into_iter().flatten() {
        // Postmark's own check sends `Data` for `Content`.
        let content = attachment.get("Content").or_else(|| attachment.get("Data")).ok_or_else(|| attachment.refuse("has no 'Content'"))?;
        let of = |key: &str| attachment.get(key).map(|of| of.text()).transpose().map(|of| of.unwrap_or_default().to_owned());
        mail.attachments.push(Attachment { name: of("Name")?, media_type: of("ContentType")?, bytes: content.decoded()? });
    }
    if !mail.says_something() {
        return Err(root.refuse("has neither TextBody nor HtmlBody nor an attachment: there is nothing to read"));
    }
    Ok(vec![mails::taken(mail.mail(), &about)?])
}
