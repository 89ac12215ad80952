//! What may stand in a path, a query and a head, as schemas: what is outside of them is refused.

use serde_json::{Value, json};

use crate::{
    domain::{job::Step, message::MessageState},
    handover, limits,
};

/// The schema of a parameter of this path.
pub(super) fn schema(path: &str, name: &str) -> Value {
    let of = path.split('/').find(|word| !matches!(*word, "" | "v1" | "api")).unwrap_or_default();
    match (of, name) {
        (_, "limit") => json!({ "type": "integer", "minimum": 1, "maximum": limits::LIST_ROWS_MAX }),
        (_, "sealed" | "text") => json!({ "type": "boolean" }),
        (_, "format") => json!({ "enum": handover::Format::ALL.map(handover::Format::as_str) }),
        (_, "step") => json!({ "enum": Step::ALL.map(Step::as_str) }),
        (_, "since" | "until") => json!({ "anyOf": [{ "type": "string", "format": "date" }, { "type": "string", "format": "date-time" }] }),
        ("audit" | "stream", "before" | "after") => json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX }),
        ("jobs", "source") => json!({ "type": "string", "pattern": "^[a-z0-9-]{1,32}$" }),
        ("jobs", "state") => {
            json!({ "type": "string", "pattern": "^(ready|scheduled|leased|review|done|dead|cancelled)(,(ready|scheduled|leased|review|done|dead|cancelled))*$" })
        }
        ("cases", "state") => json!({ "enum": ["open", "decided", "closed"] }),
        ("messages", "state") => json!({ "enum": MessageState::NAMES }),
        ("cases", "id" | "before") | (_, "case") => id('C'),
        ("assessments", "id" | "before") => id('A'),
        ("events" | "quarantine", "id" | "before") | (_, "event") | ("holds", "after") => id('E'),
        ("jobs", "id" | "before") | ("reviews" | "corrections", "before") | (_, "job") => id('J'),
        ("datasets", "id" | "before") => id('D'),
        ("messages", "id" | "before") => id('N'),
        ("tokens", "id") => id('T'),
        _ => json!({ "type": "string" }),
    }
}

/// `C-12`, `c-12` or `12`; of so many digits that the greatest is a number of 64 bits.
fn id(letter: char) -> Value {
    json!({ "type": "string", "pattern": format!("^([{letter}{}]-)?[0-9]{{1,19}}$", letter.to_ascii_lowercase()) })
}

/// Whether a request cannot be told without it.
pub(super) fn is_required(path: &str, name: &str, place: &str) -> bool {
    place == "path" || matches!((path, name), ("/v1/cases/{id}/export", "format") | ("/v1/ingest", "source"))
}

/// The head under which an act is done once.
pub(super) fn idempotency_key() -> Value {
    let schema = json!({ "type": "string", "pattern": format!("^[!-~]{{1,{}}}$", limits::IDEMPOTENCY_KEY_BYTES_MAX) });
    json!({ "name": "Idempotency-Key", "in": "header", "required": false, "schema": schema })
}
