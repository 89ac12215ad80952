//! A model beside the one in use, on cases that people confirmed: what would be read better with it, what worse, and how many would pass.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::measure::{self, FIELDS};
use crate::{
    domain::{maker::MakerAliases, time::At},
    limits,
};

/// What one model made of a document.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The flat form; null where it could not be read.
    pub read: Value,
    pub passes: bool,
}

/// One confirmed case, read with both.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The event it came by.
    pub event: String,
    /// What is right, in the flat form.
    pub label: Value,
    pub in_use: Outcome,
    pub tried: Outcome,
}

/// What came of all cases with one model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Documents that are right in every field.
    pub right: usize,
    pub passed: usize,
    /// Passed, and wrong in some field: what nobody would have seen.
    pub passed_wrong: usize,
}

/// Values of one field over all cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    pub read: usize,
    /// Of those read, how many are among the labelled.
    pub right: usize,
}

/// One field. `better` and `worse` name the events, up to `limits::TRIAL_NAMED_MAX`, in which it is right with one model only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldReport {
    pub field: String,
    pub labelled: usize,
    pub in_use: Values,
    pub tried: Values,
    pub better_count: usize,
    pub worse_count: usize,
    pub better: Vec<String>,
    pub worse: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub cases: usize,
    pub in_use: Side,
    pub tried: Side,
    pub fields: Vec<FieldReport>,
}

/// Which weights, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    pub name: String,
    pub sha256: String,
    pub adapter_sha256: Option<String>,
}

/// A trial as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    pub at: At,
    pub model: Weights,
    pub beside: Weights,
    pub prompt_version: u32,
    /// Version of this program.
    pub program: String,
    pub report: Report,
}

/// Counts the differences.
pub fn report(cases: &[Tried], aliases: &MakerAliases) -> Report {
    let mut report = Report { cases: cases.len(), ..Report::default() };
    report.fields = FIELDS.into_iter().map(|field| FieldReport { field: field.to_owned(), ..FieldReport::default() }).collect();
    for case in cases {
        let (mut now, mut then) = (true, true);
        for (field, row) in FIELDS.into_iter().zip(&mut report.fields) {
            let compared = |outcome: &Outcome| measure::compare(field, &case.label, &outcome.read, aliases);
            let (before, after) = (compared(&case.in_use), compared(&case.tried));
            row.labelled += before.labelled.len();
            for (values, compared) in [(&mut row.in_use, &before), (&mut row.tried, &after)] {
                values.read += compared.read.len();
                values.right += compared.both();
            }
            now &= before.is_right();
            then &= after.is_right();
            let changed = match (before.is_right(), after.is_right()) {
                (false, true) => Some((&mut row.better_count, &mut row.better)),
                (true, false) => Some((&mut row.worse_count, &mut row.worse)),
                _ => None,
            };
            if let Some((count, named)) = changed {
                *count += 1;
                if named.len() < limits::TRIAL_NAMED_MAX {
                    named.push(case.event.clone());
                }
            }
        }
        for (side, outcome, is_right) in [(&mut report.in_use, &case.in_use, now), (&mut report.tried, &case.tried, then)] {
            side.right += usize::from(is_right);
            side.passed += usize::from(outcome.passes);
            side.passed_wrong += usize::from(outcome.passes && !is_right);
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_gets_better_and_worse_is_named_and_what_passes_wrong_is_counted() {
        let label = json!({ "notice_type": "PDN", "last_time_buy": "2027-03-31", "affected_parts": ["AX1", "AX2"] });
        let read = |day: &str, parts: &[&str]| json!({ "notice_type": "PDN", "last_time_buy": day, "affected_parts": parts });
        let case = |event: &str, in_use: Value, tried: Value| Tried {
            event: event.to_owned(),
            label: label.clone(),
            in_use: Outcome { read: in_use, passes: false },
            tried: Outcome { read: tried, passes: true },
        };
        let right = read("2027-03-31", &["AX1", "AX2"]);
        let cases = [
            case("E-1", read("2027-03-30", &["AX1"]), right.clone()),
            case("E-2", right.clone(), read("2027-03-31", &["AX1", "AX3"])),
            case("E-3", Value::Null, right),
        ];
        let report = report(&cases, &MakerAliases::default());
        assert_eq!(
            (report.cases, report.in_use, report.tried),
            (3, Side { right: 1, passed: 0, passed_wrong: 0 }, Side { right: 2, passed: 3, passed_wrong: 1 })
        );
        let of = |field: &str| report.fields.iter().find(|row| row.field == field).expect("field");
        let day = of("last_time_buy");
        assert_eq!((day.labelled, day.in_use, day.tried), (3, Values { read: 2, right: 1 }, Values { read: 3, right: 3 }));
        assert_eq!((day.better.as_slice(), day.worse_count), (&["E-1".to_owned(), "E-3".to_owned()][..], 0));
        let parts = of("affected_parts");
        assert_eq!((parts.labelled, parts.in_use, parts.tried), (6, Values { read: 3, right: 3 }, Values { read: 6, right: 5 }));
        assert_eq!((parts.better_count, parts.worse.as_slice()), (2, &["E-2".to_owned()][..]));
        assert_eq!(of("notice_id").better_count, 0);
    }

    #[test]
    fn names_have_a_bound_and_counts_have_none() {
        let case = |number: usize| Tried {
            event: format!("E-{number}"),
            label: json!({ "notice_type": "PDN" }),
            in_use: Outcome { read: json!({ "notice_type": "PDN" }), passes: true },
            tried: Outcome { read: json!({ "notice_type": "PCN" }), passes: true },
        };
        let many = limits::TRIAL_NAMED_MAX + 5;
        let report = report(&(0..many).map(case).collect::<Vec<_>>(), &MakerAliases::default());
        let kind = &report.fields[0];
        assert_eq!((kind.worse_count, kind.worse.len()), (many, limits::TRIAL_NAMED_MAX));
    }
}
