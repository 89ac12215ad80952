//! The four shapes that clients of the earlier service send.

use super::{Delivery, Refusal, Settings, Taken, few, json, json::Node, media_type::MediaType};

/// A JSON object with these string members; `check` looks at what else it holds.
fn object(delivery: &Delivery, check: impl FnOnce(&Node<'_>) -> Result<Option<String>, Refusal>) -> Result<Vec<Taken>, Refusal> {
    let media_type = MediaType::json(delivery)?;
    let value = json::parse(&delivery.body)?;
    let ignored = check(&Node::root(&value).object()?)?;
    Ok(vec![Taken { ignored, ..Taken::whole(media_type, None) }])
}

/// `{alert_type, mpn, manufacturer}`. Its senders expect every alert but a PDN to be ignored; it is kept on record nevertheless.
pub(super) fn commercial_radar(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    object(delivery, |root| {
        let alert = root.need("alert_type")?.filled_text()?.trim();
        root.need("mpn")?.filled_text()?;
        root.need("manufacturer")?.filled_text()?;
        let is_ignored = !alert.eq_ignore_ascii_case("PDN");
        Ok(is_ignored.then(|| format!("an alert of type '{}' is no discontinuance", few(alert))))
    })
}

/// `{subject, text}`.
pub(super) fn inbound_email(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    object(delivery, |root| mail(root, "subject", "text"))
}

/// `{sender_domain, subject_line, body_content, attachment_metadata?}`.
pub(super) fn email_forward(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    object(delivery, |root| {
        root.need("sender_domain")?.text()?;
        root.get("attachment_metadata").map(Node::object).transpose()?;
        mail(root, "subject_line", "body_content")
    })
}

/// `{source_platform, manufacturer_code, part_number, lifecycle_status, raw_context?}`.
pub(super) fn component_alert(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    const PLATFORMS: [&str; 3] = ["siliconexpert", "accuris", "inbound_email"];
    object(delivery, |root| {
        let platform = root.need("source_platform")?;
        if !PLATFORMS.contains(&platform.text()?) {
            return Err(platform.refuse(&format!("must be one of {}", PLATFORMS.join(", "))));
        }
        for key in ["manufacturer_code", "part_number", "lifecycle_status"] {
            root.need(key)?.filled_text()?;
        }
        root.get("raw_context").map(|context| context.text()).transpose()?;
        Ok(None)
    })
}

fn mail(root: &Node<'_>, subject: &str, text: &str) -> Result<Option<String>, Refusal> {
    let (subject, text) = (root.need(subject)?.text()?, root.need(text)?.text()?);
    if subject.trim().is_empty() && text.trim().is_empty() {
        return Err(root.refuse("says nothing: subject and text are empty"));
    }
    Ok(None)
}
