//! `standard-webhooks`: `{type, timestamp, data}` as Standard Webhooks advises. What counts is `data`: a notice in the published form, a mail as an object, or records
//! as SiliconExpert has them.

use bytes::Bytes;

use super::{Delivery, Refusal, Settings, Taken, email, generic, json, json::Node, media_type::MediaType, siliconexpert};

pub(super) fn check(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    MediaType::json(delivery)?;
    let value = json::parse(&delivery.body)?;
    let root = Node::root(&value).object()?;
    let kind = root.need("type")?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    if !kind.filled_text()?.bytes().all(is_name) {
        return Err(kind.refuse("holds other characters than letters, digits, '_' and '.'"));
    }
    root.get("timestamp").map(|at| at.filled_text()).transpose()?;
    let data = root.need("data")?.object()?;
    let has = |key: &str| data.get(key).is_some();
    let sender_id = if has("affected_parts") {
        generic::notice(&data)?;
        None
    } else if has("subject") {
        email::letter(&data)?
    } else {
        siliconexpert::records(&data)?;
        None
    };
    let about = vec![("webhook-type", kind.text()?.to_owned())];
    let body = Some(Bytes::from(data.value().to_string()));
    Ok(vec![Taken { body, about, ..Taken::whole(MediaType::plain_json(), sender_id) }])
}
