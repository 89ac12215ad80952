//! Text from outside, so that what is hidden in it is seen: control characters, marks that turn the direction of writing, and characters without width are
//! named where they stand. Escaping against HTML is the templates' work, in one place for everything.

/// Whether a character would not be seen, or would change what is seen around it.
pub fn is_hidden(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' => true,
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => letter.is_control(),
    }
}

/// `U+202E`.
pub fn name(letter: char) -> String {
    format!("U+{:04X}", u32::from(letter))
}

/// One line of text from outside: what is hidden is named, line breaks too.
pub fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hidden(letter) || letter == '\n' {
            shown.push_str(&format!("⟨{}⟩", name(letter)));
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// The first `max` characters of a line, and whether there were more.
pub fn short(text: &str, max: usize) -> String {
    let mut letters = text.chars();
    let start: String = letters.by_ref().take(max).collect();
    if letters.next().is_some() { format!("{}…", line(&start)) } else { line(&start) }
}

/// A stretch of a text as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    Plain(String),
    /// The name of a character that would not be seen.
    Hidden(String),
}

/// A text of many lines in stretches.
pub fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut plain = String::new();
    for letter in text.chars() {
        if is_hidden(letter) && letter != '\r' {
            if !plain.is_empty() {
                runs.push(Run::Plain(std::mem::take(&mut plain)));
            }
            runs.push(Run::Hidden(name(letter)));
        } else if letter != '\r' {
            plain.push(letter);
        }
    }
    if !plain.is_empty() {
        runs.push(Run::Plain(plain));
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_named() {
        assert_eq!(line("LM\u{202e}713\u{200b}X\u{7}"), "LM⟨U+202E⟩713⟨U+200B⟩X⟨U+0007⟩");
        assert_eq!(line("a\nb"), "a⟨U+000A⟩b");
        assert_eq!(short("abcdef", 3), "abc…");
        assert_eq!(runs("x\r\n\u{e0041}y"), [Run::Plain("x\n".to_owned()), Run::Hidden("U+E0041".to_owned()), Run::Plain("y".to_owned())]);
    }
}
