//! Bytes to characters: a byte order mark decides, then UTF-8 where it fits, then what the sender named, then windows-1252.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// The text, and a sentence where characters were guessed or lost.
pub(super) fn text(bytes: &[u8], named: Option<&str>) -> (String, Option<String>) {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decoded(encoding, &bytes[mark..]);
    }
    let declared = named.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    // A mail in ISO-2022-JP is valid ASCII too: what is named and is not a superset of ASCII comes first.
    if let Some(encoding) = declared.filter(|encoding| !encoding.is_ascii_compatible()) {
        return decoded(encoding, bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.to_owned(), None);
    }
    match declared.filter(|encoding| *encoding != UTF_8) {
        Some(encoding) => decoded(encoding, bytes),
        None => {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
            let why = named.map_or_else(
                || "it names no character set".to_owned(),
                |named| format!("it is not in the character set it names ({})", short(named)),
            );
            (text.into_owned(), Some(format!("the text is not UTF-8 and {why}; it was read as windows-1252, so letters beyond ASCII may be wrong")))
        }
    }
}

fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> (String, Option<String>) {
    let (text, lost) = encoding.decode_without_bom_handling(bytes);
    let warning = lost.then(|| format!("some characters are not valid {} and were replaced", encoding.name()));
    (text.into_owned(), warning)
}

fn short(label: &str) -> String {
    label.chars().filter(|c| c.is_ascii_graphic()).take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn decides_by_mark_then_utf8_then_name_then_windows() {
        assert_eq!(text(b"\xff\xfeA\0\xfc\0", None), ("Aü".to_owned(), None));
        assert_eq!(text(b"\xef\xbb\xbfA\xc3\xbc", Some("windows-1252")), ("Aü".to_owned(), None));
        assert_eq!(text("Aü".as_bytes(), Some("iso-8859-1")).0, "Aü", "valid UTF-8 beyond ASCII is UTF-8");
        assert_eq!(text(b"A\xfc", Some("iso-8859-1")), ("Aü".to_owned(), None));
        assert_eq!(text(b"\x90\xbb\x95\x69", Some("Shift_JIS")), ("製品".to_owned(), None));
        assert_eq!(text(b"\x1b$B@=IJ\x1b(B", Some("iso-2022-jp")), ("製品".to_owned(), None));
        let (guessed, warning) = text(b"31. M\xe4rz \x80", None);
        assert_eq!(guessed, "31. März €");
        assert!(warning.expect("warning").contains("windows-1252"));
        assert!(text(b"\xff", Some("utf-8")).1.expect("warning").contains("names (utf-8)"));
        assert!(text(b"\x90", Some("Shift_JIS")).1.expect("warning").contains("replaced"));
    }
}
