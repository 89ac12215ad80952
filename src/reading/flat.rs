//! The flat form: one JSON object a document, in the shape of evaluation labels and of `assets/schema/notice.v1.json`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::domain::notice::{Notice, NoticeKind, OtherDate, Reading, Replacement};

/// A document with several notices is told by the first one's number and dates and by the parts of all; `notices` then holds each.
pub fn flat(reading: &Reading) -> Value {
    let Some(first) = reading.notices.first() else { return Value::Null };
    let mut flat = one(first);
    if let (true, Some(fields)) = (reading.notices.len() > 1, flat.as_object_mut()) {
        fields.insert("affected_parts".to_owned(), json!(reading.notices.iter().flat_map(mpns).collect::<Vec<_>>()));
        let replacements: Map<String, Value> = reading.notices.iter().flat_map(replacements).collect();
        fields.insert("replacements".to_owned(), Value::Object(replacements));
        fields.insert("notices".to_owned(), Value::Array(reading.notices.iter().map(one).collect()));
    }
    flat
}

fn one(notice: &Notice) -> Value {
    let kind = if notice.kind == NoticeKind::Retraction { NoticeKind::Other } else { notice.kind };
    let mut flat = json!({
        "manufacturer": notice.maker.as_ref().map(|maker| &maker.value),
        "notice_id": notice.notice_id.as_ref().map(|id| &id.value),
        "notice_type": kind.as_str(),
        "issue_date": notice.issue_date.as_ref().map(|date| date.value),
        "last_time_buy": notice.last_time_buy.as_ref().map(|date| date.value),
        "last_time_ship": notice.last_time_ship.as_ref().map(|date| date.value),
        "affected_parts": if kind == NoticeKind::Other { Vec::new() } else { mpns(notice).collect() },
        "replacements": Value::Object(if kind == NoticeKind::Other { Map::new() } else { replacements(notice).collect() }),
        "inferred_dates": dates(&notice.inferred_dates),
        "other_dates": dates(&notice.other_dates),
        "language": notice.language,
    });
    let own: BTreeSet<_> = notice.parts.iter().filter_map(|part| part.last_time_buy.as_ref()).map(|date| date.value).collect();
    if let (true, Some(fields)) = (own.len() > 1, flat.as_object_mut()) {
        let dates: Map<String, Value> =
            notice.parts.iter().filter_map(|part| Some((part.mpn.value.clone(), json!(part.last_time_buy.as_ref()?.value)))).collect();
        fields.insert("per_part_ltb".to_owned(), Value::Object(dates));
    }
    flat
}

fn mpns(notice: &Notice) -> impl Iterator<Item = String> + '_ {
    notice.parts.iter().map(|part| part.mpn.value.clone())
}

/// Absent where the notice says nothing, null where it says there is none, the first named otherwise.
fn replacements(notice: &Notice) -> impl Iterator<Item = (String, Value)> + '_ {
    notice.parts.iter().filter_map(|part| match &part.replacement {
        Replacement::Unsaid => None,
        Replacement::None(_) => Some((part.mpn.value.clone(), Value::Null)),
        Replacement::Named(named) => Some((part.mpn.value.clone(), json!(named.first()?.value))),
    })
}

fn dates(dates: &[OtherDate]) -> Value {
    Value::Array(dates.iter().map(|other| json!({ "role": other.role, "date": other.date.value })).collect())
}
