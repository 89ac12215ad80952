//! `generic`: the flat notice form that `assets/schema/notice.v1.json` publishes and `lastbuy read --flat` prints.

use super::{Delivery, Refusal, Settings, Taken, json, json::Node, media_type::MediaType};

const TYPES: [&str; 5] = ["PDN", "PCN", "NRND", "OTHER", "RETRACTION"];

pub(super) fn check(delivery: &Delivery, _: &Settings) -> Result<Vec<Taken>, Refusal> {
    let media_type = MediaType::json(delivery)?;
    let value = json::parse(&delivery.body)?;
    notice(&Node::root(&value).object()?)?;
    Ok(vec![Taken::whole(media_type, None)])
}

/// Keys that are not known are kept with the body and not looked at.
pub(super) fn notice(root: &Node<'_>) -> Result<(), Refusal> {
    let kind = root.need("notice_type")?;
    if !TYPES.contains(&kind.text()?) {
        return Err(kind.refuse(&format!("must be one of {}", TYPES.join(", "))));
    }
    for part in root.need("affected_parts")?.items()? {
        part.filled_text()?;
    }
    for key in ["manufacturer", "notice_id", "language"] {
        root.get(key).map(|text| text.text()).transpose()?;
    }
    for key in ["issue_date", "last_time_buy", "last_time_ship"] {
        root.get(key).map(|date| date.date()).transpose()?;
    }
    if let Some(replacements) = root.get("replacements") {
        for (_, replacement) in replacements.object()?.members() {
            if !replacement.value().is_null() {
                replacement.text()?;
            }
        }
    }
    if let Some(dates) = root.get("per_part_ltb") {
        for (_, date) in dates.object()?.members() {
            date.date()?;
        }
    }
    for key in ["inferred_dates", "other_dates"] {
        if let Some(dates) = root.get(key)
            && !dates.value().is_array()
        {
            dates.object()?;
        }
    }
    Ok(())
}
