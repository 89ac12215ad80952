//! `cloudevents`: CloudEvents 1.0 over HTTP, structured mode (`application/cloudevents+json`), binary mode (`ce-` headers) and, where the site asked for them, batches
//! (`application/cloudevents-batch+json`): there is one answer for all events of a batch, so one that is wrong refuses all.

use percent_encoding::percent_decode_str;

use super::{Delivery, Refusal, Settings, Taken, few, json, json::Node, media_type::MediaType};
use crate::limits;

pub(super) fn check(delivery: &Delivery, settings: &Settings) -> Result<Vec<Taken>, Refusal> {
    let media_type = MediaType::of(delivery)?;
    let named = media_type.as_ref().map_or("", MediaType::as_str);
    // The batch type begins like the structured one, so it is looked at first (CloudEvents HTTP binding, section 3).
    if named.starts_with("application/cloudevents-batch") {
        // A receiver must have asked for batches (section 3.3).
        if !settings.cloudevents_batches {
            return Err(Refusal::WrongType(
                "batches of CloudEvents are not taken; send each event by itself, or set intake.cloudevents_batches".to_owned(),
            ));
        }
        return batch(delivery);
    }
    Ok(vec![one(delivery, media_type)?])
}

fn batch(delivery: &Delivery) -> Result<Vec<Taken>, Refusal> {
    MediaType::json(delivery)?;
    let value = json::parse(&delivery.body)?;
    let events: Vec<Node<'_>> = Node::root(&value).items()?.collect();
    if events.len() > limits::EVENTS_A_DELIVERY_MAX {
        return Err(Refusal::Malformed(format!(
            "the batch has {} events, at most {} are taken; split it",
            events.len(),
            limits::EVENTS_A_DELIVERY_MAX
        )));
    }
    let taken = |event: Node<'_>| {
        let event = event.object()?;
        let body = Some(bytes::Bytes::from(event.value().to_string()));
        Ok(Taken { body, ..Taken::whole(MediaType::plain_json(), sender_id_of(&event)?) })
    };
    events.into_iter().map(taken).collect()
}

fn one(delivery: &Delivery, media_type: Option<MediaType>) -> Result<Taken, Refusal> {
    let named = media_type.as_ref().map_or("", MediaType::as_str);
    if named.starts_with("application/cloudevents") {
        if named != "application/cloudevents+json" {
            return Err(Refusal::WrongType(format!("CloudEvents are taken as application/cloudevents+json, not as {}", few(named))));
        }
        return structured(delivery);
    }
    if delivery.headers.iter().any(|(name, _)| name.starts_with("ce-")) {
        return binary(delivery, media_type);
    }
    // A file handed in has no headers; its JSON shows whether it is an event.
    match media_type {
        Some(media_type) if media_type.is_json() || media_type.is_unspecified() => structured(delivery),
        _ => Err(Refusal::WrongType(
            "a CloudEvent comes as application/cloudevents+json, or with ce-id, ce-source, ce-type and ce-specversion headers".to_owned(),
        )),
    }
}

/// What makes an event the same one: source and id (CloudEvents 1.0, section 3.1).
fn sender_id(source: &str, id: &str) -> Option<Vec<Vec<u8>>> {
    Some(vec![source.as_bytes().to_vec(), id.as_bytes().to_vec()])
}

fn structured(delivery: &Delivery) -> Result<Taken, Refusal> {
    let media_type = MediaType::json(delivery)?;
    let value = json::parse(&delivery.body)?;
    let sender_id = sender_id_of(&Node::root(&value).object()?)?;
    Ok(Taken::whole(media_type, sender_id))
}

/// Checks one event in JSON.
fn sender_id_of(root: &Node<'_>) -> Result<Option<Vec<Vec<u8>>>, Refusal> {
    let id = root.need("id")?.filled_text()?;
    let source = root.need("source")?.filled_text()?;
    root.need("type")?.filled_text()?;
    version(root.need("specversion")?.filled_text()?)?;
    root.get("datacontenttype").map(|of| of.filled_text()).transpose()?;
    match (root.get("data"), root.get("data_base64")) {
        (Some(_), Some(both)) => return Err(both.refuse("stands beside 'data'; an event has one of them")),
        (None, Some(encoded)) => encoded.base64()?,
        (Some(_), None) => {}
        (None, None) => return Err(root.refuse("has neither 'data' nor 'data_base64': there is nothing to read")),
    }
    Ok(sender_id(source, id))
}

fn binary(delivery: &Delivery, media_type: Option<MediaType>) -> Result<Taken, Refusal> {
    if delivery.header("ce-datacontenttype").is_some() {
        return Err(Refusal::Malformed("the header ce-datacontenttype must not be sent: Content-Type says what the data is".to_owned()));
    }
    let attribute = |name: &str| -> Result<String, Refusal> {
        let header = format!("ce-{name}");
        let sent = delivery.header(&header).ok_or_else(|| Refusal::Malformed(format!("the header {header} is missing")))?;
        let value = decode(sent).ok_or_else(|| Refusal::Malformed(format!("the header {header} does not decode to UTF-8")))?;
        if value.trim().is_empty() { Err(Refusal::Malformed(format!("the header {header} is empty"))) } else { Ok(value) }
    };
    let (id, source) = (attribute("id")?, attribute("source")?);
    attribute("type")?;
    version(&attribute("specversion")?)?;
    let media_type = match media_type {
        Some(media_type) if media_type.is_json() => {
            json::parse(&delivery.body)?;
            MediaType::json(delivery)?
        }
        other => other.unwrap_or_else(MediaType::unspecified),
    };
    Ok(Taken::whole(media_type, sender_id(&source, &id)))
}

fn version(written: &str) -> Result<(), Refusal> {
    if written == "1.0" { Ok(()) } else { Err(Refusal::Malformed(format!("specversion must be 1.0, not '{}'", few(written)))) }
}

/// A header value: first the quotes with their backslashes off, then exactly one percent-decoding (HTTP binding, section 3.1.3.2). `None` where it is not UTF-8.
fn decode(sent: &str) -> Option<String> {
    let sent = sent.trim();
    let unquoted = match sent.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => {
            let mut plain = String::with_capacity(quoted.len());
            let mut characters = quoted.chars();
            while let Some(c) = characters.next() {
                plain.push(if c == '\\' { characters.next()? } else { c });
            }
            plain
        }
        None => sent.to_owned(),
    };
    percent_decode_str(&unquoted).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decodes_a_header_once() {
        for (sent, value) in [
            ("/plm/parts", Some("/plm/parts")),
            ("Euro%20%E2%82%AC", Some("Euro €")),
            (r#""a \"quoted\" value""#, Some(r#"a "quoted" value"#)),
            ("100%2525", Some("100%25")),
            ("%C0%A0", None),
            ("%FF", None),
        ] {
            assert_eq!(decode(sent).as_deref(), value, "{sent}");
        }
    }
}
