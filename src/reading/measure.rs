//! How right a reading is: its flat form against a label of the same shape, field by field. Writing does not count (case and legal forms of makers, signs in notice
//! numbers, blanks in part numbers); dates and roles do.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ids::fold;
use crate::domain::{
    document::Document,
    maker::MakerAliases,
    notice::{Found, NoticeKind, Reading, Replacement},
    part::normal_mpn,
};

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

/// One value that a reading gives, with how sure it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub field: &'static str,
    /// 0 to 1.
    pub confidence: f64,
    /// Whether what is said to be printed stands in the document at its place; a kind of notice is not printed and always true.
    pub in_text: bool,
    /// The value in the flat form, alone.
    flat: Value,
}

impl Claim {
    pub fn is_right(&self, label: &Value, aliases: &MakerAliases) -> bool {
        compare(self.field, label, &self.flat, aliases).both() == 1
    }
}

/// Every value that the flat form of a reading holds.
pub fn claims(document: &Document, reading: &Reading) -> Vec<Claim> {
    let mut claims = Vec::new();
    for notice in &reading.notices {
        let kind = if notice.kind == NoticeKind::Retraction { NoticeKind::Other } else { notice.kind };
        claims.push(Claim { field: "notice_type", confidence: notice.kind_confidence, in_text: true, flat: json!({ "notice_type": kind.as_str() }) });
        claims.extend([("manufacturer", &notice.maker), ("notice_id", &notice.notice_id)].into_iter().filter_map(|(field, found)| {
            let found = found.as_ref()?;
            Some(claim(document, field, found, json!({ field: found.value })))
        }));
        let dates = [("issue_date", &notice.issue_date), ("last_time_buy", &notice.last_time_buy), ("last_time_ship", &notice.last_time_ship)];
        claims.extend(dates.into_iter().filter_map(|(field, found)| {
            let found = found.as_ref()?;
            Some(claim(document, field, found, json!({ field: found.value })))
        }));
        for part in notice.parts.iter().filter(|_| kind != NoticeKind::Other) {
            claims.push(claim(document, "affected_parts", &part.mpn, json!({ "affected_parts": [part.mpn.value] })));
            if let Replacement::Named(named) = &part.replacement
                && let Some(first) = named.first()
            {
                claims.push(claim(document, "replacements", first, json!({ "replacements": { part.mpn.value.as_str(): first.value } })));
            }
        }
    }
    claims
}

fn claim<T>(document: &Document, field: &'static str, found: &Found<T>, flat: Value) -> Claim {
    let span = found.place.span;
    let in_text = document.text.get(span.start as usize..span.end as usize) == Some(found.printed.as_str());
    Claim { field, confidence: found.confidence, in_text, flat }
}

/// What is said with about the same confidence, and how much of it is right.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    pub values: usize,
    /// Mean confidence.
    pub confidence: f64,
    /// Share that is right.
    pub right: f64,
}

/// Ten bins of equal width, from 0 to 1; those that hold nothing are left out.
pub fn reliability(values: &[(f64, bool)]) -> Vec<Bin> {
    const BINS: usize = 10;
    let mut bins = [Bin::default(); BINS];
    for (confidence, is_right) in values {
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.values += 1;
        bin.confidence += confidence;
        bin.right += f64::from(u8::from(*is_right));
    }
    let share = |bin: Bin| Bin { confidence: bin.confidence / bin.values as f64, right: bin.right / bin.values as f64, ..bin };
    bins.into_iter().filter(|bin| bin.values > 0).map(share).collect()
}

/// Expected calibration error (Naeini, Cooper, Hauskrecht 2015): by how much the confidences differ from the share that is right, weighted by how many values a bin holds.
/// `None` of nothing.
pub fn calibration_error(values: &[(f64, bool)]) -> Option<f64> {
    let off: f64 = reliability(values).iter().map(|bin| (bin.confidence - bin.right).abs() * bin.values as f64).sum();
    (!values.is_empty()).then(|| off / values.len() as f64)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidences_that_hold_have_no_error() {
        let of = |confidence: f64, right: usize, wrong: usize| {
            std::iter::repeat_n((confidence, true), right).chain(std::iter::repeat_n((confidence, false), wrong)).collect::<Vec<_>>()
        };
        assert_eq!(calibration_error(&[]), None);
        assert!(calibration_error(&of(0.75, 3, 1)).is_some_and(|error| error < 1e-12));
        // A bin that is sure and half right, beside one that holds: (8 × |1.0 − 0.5| + 4 × 0) / 12.
        let values = [of(1.0, 4, 4), of(0.25, 1, 3)].concat();
        assert!(calibration_error(&values).is_some_and(|error| (error - 1.0 / 3.0).abs() < 1e-12));
    }
}
