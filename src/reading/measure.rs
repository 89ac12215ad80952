//! How right a reading is: its flat form against a label of the same shape, field by field. Writing does not count (case and legal forms of makers, signs in notice
//! numbers, blanks in part numbers); dates and roles do.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ids::fold;
use crate::domain::{maker::MakerAliases, part::normal_mpn};

/// The fields of the flat form that are scored.
pub const FIELDS: [&str; 9] =
    ["notice_type", "manufacturer", "notice_id", "issue_date", "last_time_buy", "last_time_ship", "affected_parts", "replacements", "per_part_ltb"];

/// One field of one document, as sets: a field of one value is a set of at most one. Precision is `both / read`, recall `both / labelled`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    pub labelled: BTreeSet<String>,
    pub read: BTreeSet<String>,
}

impl Compared {
    pub fn both(&self) -> usize {
        self.labelled.intersection(&self.read).count()
    }

    pub fn is_right(&self) -> bool {
        self.labelled == self.read
    }
}

/// Compares one field. Absent, null and empty are one.
pub fn compare(field: &str, label: &Value, read: &Value, aliases: &MakerAliases) -> Compared {
    let set = |flat: &Value| values(field, flat.get(field), aliases);
    Compared { labelled: set(label), read: set(read) }
}

/// The fields in which a reading differs from its label, each in a sentence.
pub fn differences(label: &Value, read: &Value, aliases: &MakerAliases) -> Vec<(&'static str, String)> {
    let show = |set: &BTreeSet<String>| if set.is_empty() { "nothing".to_owned() } else { set.iter().cloned().collect::<Vec<_>>().join(", ") };
    FIELDS
        .into_iter()
        .map(|field| (field, compare(field, label, read, aliases)))
        .filter(|(_, compared)| !compared.is_right())
        .map(|(field, compared)| (field, format!("{field}: expected {}, read {}", show(&compared.labelled), show(&compared.read))))
        .collect()
}

fn values(field: &str, value: Option<&Value>, aliases: &MakerAliases) -> BTreeSet<String> {
    let normal = |text: &str| match field {
        "manufacturer" => aliases.key(text),
        "notice_id" => fold(text),
        "affected_parts" => normal_mpn(text),
        _ => text.to_owned(),
    };
    match value {
        Some(Value::String(text)) if !text.is_empty() => [normal(text)].into(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(normal).collect(),
        Some(Value::Object(fields)) => {
            let of = |value: &Value| value.as_str().map_or_else(|| "none".to_owned(), normal_mpn);
            fields.iter().map(|(key, value)| format!("{} → {}", normal_mpn(key), of(value))).collect()
        }
        _ => BTreeSet::new(),
    }
}
