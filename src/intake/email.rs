//! `email`: a mail as JSON (`subject`, `text` and/or `html`, `from`, `attachments`) from whoever unpacks mails, or the raw message (RFC 5322).

use serde_json::Value;

use super::{Delivery, Refusal, Settings, Taken, json, json::Node, media_type::MediaType};

pub(super) fn check(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    let media_type = MediaType::of(delivery)?;
    let taken = match media_type {
        Some(media_type) if media_type.as_str() == "message/rfc822" || media_type.as_str() == "message/global" => raw(delivery, media_type),
        // Nobody said what it is: a mail never begins with a brace.
        Some(media_type) if media_type.is_unspecified() && delivery.body.trim_ascii_start().first() != Some(&b'{') => raw(delivery, media_type),
        Some(media_type) if !media_type.is_json() && !media_type.is_unspecified() => {
            Err(Refusal::WrongType(format!("email takes application/json or message/rfc822, not {}", super::few(media_type.as_str()))))
        }
        _ => unpacked(delivery, MediaType::json(delivery)?),
    };
    Ok(vec![taken?])
}

fn unpacked(delivery: &Delivery, media_type: MediaType) -> Result<Taken, Refusal> {
    let value = json::parse(&delivery.body)?;
    let sender_id = letter(&Node::root(&value).object()?)?;
    Ok(Taken::whole(media_type, sender_id))
}

/// A mail as an object, and what makes it the same mail.
pub(super) fn letter(root: &Node<'_>) -> Result<Option<Vec<Vec<u8>>>, Refusal> {
    root.need("subject")?.text()?;
    let mut says_something = false;
    for key in ["text", "html"] {
        if let Some(body) = root.get(key) {
            says_something |= !body.text()?.trim().is_empty();
        }
    }
    for key in ["from", "date", "message_id"] {
        root.get(key).map(|text| text.text()).transpose()?;
    }
    for attachment in root.get("attachments").map(|list| list.items()).transpose()?.into_iter().flatten() {
        let attachment = attachment.object()?;
        attachment.get("filename").map(|name| name.text()).transpose()?;
        attachment.get("content_type").map(|media_type| media_type.text()).transpose()?;
        attachment.need("content")?.base64()?;
        says_something = true;
    }
    if !says_something {
        return Err(root.refuse("has neither 'text' nor 'html' nor an attachment: there is nothing to read"));
    }
    let sender_id = root.get("message_id").map(|id| id.text()).transpose()?.filter(|id| !id.trim().is_empty());
    // Relays add keys of their own to one and the same mail; what it says is the same.
    let said = |id: &str| {
        [vec![id.trim().as_bytes().to_vec()], ["subject", "text", "html", "attachments"].map(|key| bytes(root.value().get(key))).to_vec()].concat()
    };
    Ok(sender_id.map(said))
}

fn bytes(value: Option<&Value>) -> Vec<u8> {
    value.map(Value::to_string).unwrap_or_default().into_bytes()
}

/// Only the head is looked at: two copies of one mail differ in the lines relays put before it, not in Message-ID and body.
fn raw(delivery: &Delivery, media_type: MediaType) -> Result<Taken, Refusal> {
    let Some((fields, body)) = head(&delivery.body) else {
        return Err(Refusal::Malformed("the body is no mail: it does not begin with header fields like 'Subject: …'".to_owned()));
    };
    if !fields.iter().any(|(name, _)| ["from", "subject", "date", "message-id", "received"].contains(&name.as_str())) {
        return Err(Refusal::Malformed("the body is no mail: its head has none of From, Subject, Date and Message-ID".to_owned()));
    }
    let id = fields.iter().find(|(name, value)| name == "message-id" && !value.is_empty());
    let sender_id = id.map(|(_, id)| vec![id.as_bytes().to_vec(), body.to_vec()]);
    Ok(Taken::whole(media_type, sender_id))
}

/// Name in lower case and unfolded value.
pub(super) type Field = (String, String);

/// Header fields and the bytes behind them; `None` where the first line is no field.
pub(super) fn head(mail: &[u8]) -> Option<(Vec<Field>, &[u8])> {
    let mut fields: Vec<Field> = Vec::new();
    let mut rest = mail;
    // A mail taken out of an mbox file has one line before its head.
    if rest.starts_with(b"From ") {
        rest = &rest[rest.iter().position(|byte| *byte == b'\n')? + 1..];
    }
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |newline| newline + 1);
        let (line, after) = rest.split_at(end);
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        if text.is_empty() {
            return (!fields.is_empty()).then_some((fields, after));
        }
        match (text.starts_with([' ', '\t']), text.split_once(':')) {
            (true, _) => {
                let (_, value) = fields.last_mut()?;
                value.push_str(text.trim());
            }
            (false, Some((name, value))) if name.trim_end().bytes().all(|b| b.is_ascii_graphic()) && !name.is_empty() => {
                fields.push((name.trim_end().to_ascii_lowercase(), value.trim().to_owned()));
            }
            // The head ends without an empty line; what follows is read as body by every mail program.
            _ => return (!fields.is_empty()).then_some((fields, rest)),
        }
        rest = after;
    }
}
