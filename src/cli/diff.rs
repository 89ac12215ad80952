//! What changed from one assessment to another, as `impact diff` and `replay --diff` show it.

use serde_json::{Value, json};

use super::{client::Client, output};
use crate::impact::{self, Assessment, Change};

/// Two assessments by id, the older first.
pub fn between(client: &Client, before: &str, after: &str) -> anyhow::Result<Vec<Change>> {
    Ok(impact::diff(&assessment(client, before)?, &assessment(client, after)?))
}

fn assessment(client: &Client, id: &str) -> anyhow::Result<Assessment> {
    Ok(serde_json::from_slice(&client.get_bytes(&format!("/v1/assessments/{id}"))?)?)
}

pub fn as_json(before: &str, after: &str, changes: &[Change]) -> Value {
    json!({ "before": before, "after": after, "changes": changes })
}

pub fn text(before: &str, after: &str, changes: &[Change]) -> String {
    if changes.is_empty() {
        return format!("{after} says the same as {before}.");
    }
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
    let rows = changes.iter().map(|change| {
        let difference =
            change.difference.map_or_else(String::new, |money| if money.minor() > 0 { format!("+{}", money.grouped()) } else { money.grouped() });
        vec![change.subject.as_str().to_owned(), change.what.clone(), shown(&change.before), shown(&change.after), difference]
    });
    output::table(&["in", "what", before, after, "difference"], &[2, 3, 4], rows.collect())
}
