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
    // Sentences stand below the table: a column of them would leave the figures no room.
    let (told, rows): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(|change| change.what.starts_with("why "));
    let rows = rows.into_iter().map(|change| {
        let difference =
            change.difference.map_or_else(String::new, |money| if money.minor() > 0 { format!("+{}", money.grouped()) } else { money.grouped() });
        vec![change.subject.as_str().to_owned(), change.what.clone(), shown(&change.before), shown(&change.after), difference]
    });
    let mut text = output::table(&["in", "what", before, after, "difference"], &[2, 3, 4], rows.collect());
    for change in told {
        let sides = [(before, &change.before), (after, &change.after)].into_iter().filter_map(|(id, side)| Some((id, side.as_ref()?)));
        for (id, sentence) in sides {
            text.push_str(&output::hanging(&format!("\n{}, {id}: ", change.what), sentence));
        }
    }
    text
}
