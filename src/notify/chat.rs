//! Messages of chat services. Neither knows an id to drop repeats by; the title names the case or job, so that people see one.

use serde_json::json;

use super::text::Text;

pub(super) const HEADERS: [(&str, String); 0] = [];

/// An Adaptive Card for a Teams workflow ("when a Teams webhook request is received").
pub(super) fn teams(text: &Text) -> Vec<u8> {
    let facts: Vec<_> = text.facts.iter().map(|(name, value)| json!({ "title": name, "value": value })).collect();
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": [
            { "type": "TextBlock", "text": text.title, "weight": "bolder", "size": "medium", "wrap": true },
            { "type": "FactSet", "facts": facts },
            { "type": "TextBlock", "text": text.advice, "wrap": true },
        ],
    });
    let attachment = json!({ "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card });
    json!({ "type": "message", "attachments": [attachment] }).to_string().into_bytes()
}

/// An incoming webhook of Slack; Mattermost takes the same.
pub(super) fn slack(text: &Text) -> Vec<u8> {
    let facts: String = text.facts.iter().map(|(name, value)| format!("\n{}: {}", escaped(name), escaped(value))).collect();
    json!({ "text": format!("*{}*{facts}\n{}", escaped(&text.title), escaped(&text.advice)) }).to_string().into_bytes()
}

/// What a notice says must not become a link or call people: the three characters Slack gives a meaning.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
