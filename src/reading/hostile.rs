//! A notice is hostile input. Nothing in it can make a value come out that is not printed; text that tries to steer its reader, or hides characters, goes to a
//! person all the same.

use std::sync::LazyLock;

use regex::Regex;

use crate::domain::{document::Document, notice::Doubt};

static INSTRUCTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:instruction|prompt|rule|above|previous|prior)\w*|\b(?:you\s+are|act\s+as|pretend\s+to\s+be)\s+(?:an?\s+)?(?:ai|assistant|language\s+model|chatbot|llm)\b|\bsystem\s+prompt\b|<\|[a-z_]{2,20}\|>|\[/?INST\]|^\s*(?:system|assistant)\s*:|\b(?:respond|answer|output|reply)\s+(?:only\s+)?with\s+(?:the\s+)?(?:following|json)\b|\bnote\s+to\s+(?:the\s+)?(?:ai|model|parser|automated)",
    )
    .ok()
});

/// Characters that are not seen, between letters or digits.
fn hides(text: &str) -> Option<char> {
    let hidden = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{E0000}'..='\u{E007F}');
    let characters: Vec<char> = text.chars().collect();
    characters.windows(3).find(|near| hidden(near[1]) && near[0].is_alphanumeric() && near[2].is_alphanumeric()).map(|near| near[1])
}

pub(super) fn doubts(document: &Document) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if let Some(found) = INSTRUCTION.as_ref().and_then(|regex| regex.find(&document.text)) {
        let words: String = found.as_str().chars().take(80).collect();
        doubts.push(Doubt { field: "document".to_owned(), reason: format!("it speaks to whoever reads it by machine: \"{}\"", words.trim()) });
    }
    if let Some(c) = hides(&document.text) {
        doubts.push(Doubt { field: "document".to_owned(), reason: format!("it hides characters inside words (U+{:04X})", u32::from(c)) });
    }
    doubts
}
