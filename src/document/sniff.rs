//! What the bytes are, by their own look: names and media types may lie.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::{decode, tnef};

/// What can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Pdf,
    Json,
    Mail,
    Html,
    Text,
    Zip,
    Gzip,
    /// A compound file: an Outlook message, a workbook of old Excel.
    Compound,
    Rich,
    /// Outlook's `winmail.dat`.
    Tnef,
}

/// How much of the beginning is looked at, in bytes.
const LOOKED_AT: usize = 4096;

/// First bytes of formats that hold no text to be had here, what they are, and what to do.
const UNREADABLE: [(&[u8], &str, &str); 11] = [
    (b"\x89PNG", "a picture (PNG)", "run it through text recognition (OCR), or ask the maker for the PDF"),
    (b"\xFF\xD8\xFF", "a picture (JPEG)", "run it through text recognition (OCR), or ask the maker for the PDF"),
    (b"GIF8", "a picture (GIF)", "run it through text recognition (OCR), or ask the maker for the PDF"),
    (b"II*\0", "a picture (TIFF)", "run it through text recognition (OCR), or ask the maker for the PDF"),
    (b"MM\0*", "a picture (TIFF)", "run it through text recognition (OCR), or ask the maker for the PDF"),
    (b"BM", "a picture (BMP)", "run it through text recognition (OCR), or ask the maker for the PDF"),
    (b"RIFF", "a picture or a recording", "run it through text recognition (OCR), or ask the maker for the PDF"),
    (b"7z\xBC\xAF", "a compressed file (7z)", "unpack it and hand in what it holds"),
    (b"Rar!", "a compressed file (RAR)", "unpack it and hand in what it holds"),
    (b"\x7FELF", "a program", "hand in the notice itself"),
    (b"MZ\x90\0", "a program", "hand in the notice itself"),
];

/// First bytes of what holds other files, or text in a form of its own.
const HOLDERS: [(&[u8], Kind); 6] = [
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),
    (b"\x1F\x8B\x08", Kind::Gzip),
    (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Kind::Compound),
    (b"{\\rtf", Kind::Rich),
    (tnef::MAGIC, Kind::Tnef),
];

/// Decides what to read the bytes as; the sentence says what cannot be read and what to do. `is_mail` says that the sender calls it one.
pub(super) fn kind(bytes: &[u8], is_mail: bool) -> Result<Kind, String> {
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    if let Some((_, kind)) = HOLDERS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Ok(*kind);
    }
    // Readers accept a PDF whose header stands anywhere in the first 1024 bytes.
    if start[..start.len().min(1024)].windows(5).any(|window| window == b"%PDF-") && !looks_like_mail(start, is_mail) {
        return Ok(Kind::Pdf);
    }
    let end = &bytes[bytes.len().saturating_sub(LOOKED_AT)..];
    if [&b"startxref"[..], b"%%EOF"].iter().all(|sign| end.windows(sign.len()).any(|window| window == *sign)) && !looks_like_mail(start, is_mail) {
        return Err("it is a PDF whose beginning is missing; get the file again".to_owned());
    }
    let is_wide = encoding_rs::Encoding::for_bom(bytes).is_some() || decode::wide(bytes).is_some();
    if !is_wide && !is_escaped(start) {
        // Two letters are too few to decide against a text that happens to begin with them.
        let unreadable = UNREADABLE.iter().find(|(magic, ..)| start.starts_with(magic) && (magic.len() > 2 || is_binary(start)));
        if let Some((_, what, to_do)) = unreadable {
            return Err(format!("it is {what}, which is not read: {to_do}"));
        }
        if is_binary(start) {
            return Err("it is binary data of no known kind; save it as PDF, mail (.eml), HTML or text".to_owned());
        }
    }
    let unmarked = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if matches!(unmarked.trim_ascii_start().first(), Some(b'{' | b'[')) && serde_json::from_slice::<serde::de::IgnoredAny>(unmarked).is_ok() {
        return Ok(Kind::Json);
    }
    if looks_like_mail(start, is_mail) {
        return Ok(Kind::Mail);
    }
    if looks_like_html(bytes) { Ok(Kind::Html) } else { Ok(Kind::Text) }
}

/// More than a few control characters: no text in an encoding without a byte order mark looks like this.
fn is_binary(start: &[u8]) -> bool {
    let controls = start.iter().filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31)).count();
    start.contains(&0) || controls * 20 > start.len()
}

/// Japanese in the seven bits of ISO-2022-JP switches by escapes.
fn is_escaped(start: &[u8]) -> bool {
    !start.contains(&0) && start.windows(2).any(|pair| pair == b"\x1b$")
}

/// A head of fields that mails have, up to an empty line.
fn looks_like_mail(start: &[u8], is_mail: bool) -> bool {
    static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[!-9;-~]{1,76}:(?:[ \t]|\r?$)").ok());
    const OF_MAILS: [&str; 14] = [
        "from",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "received",
        "return-path",
        "delivered-to",
        "reply-to",
        "sender",
        "content-type",
        "dkim-signature",
    ];
    let Some(field) = FIELD.as_ref() else { return false };
    let mut lines = start.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).peekable();
    if lines.peek().is_some_and(|first| first.starts_with(b"From ")) {
        lines.next();
    }
    let mut known = std::collections::BTreeSet::new();
    for (at, line) in lines.enumerate() {
        if line.is_empty() {
            break;
        }
        if at > 0 && matches!(line.first(), Some(b' ' | b'\t')) {
            continue;
        }
        if !field.is_match(line) {
            // A line that is no field ends the head, unless the sender says it is a mail and some head was seen.
            return is_mail && !known.is_empty();
        }
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default().to_ascii_lowercase();
        known.extend(OF_MAILS.into_iter().filter(|of| of.as_bytes() == name));
    }
    known.len() >= if is_mail { 1 } else { 2 }
}

fn looks_like_html(bytes: &[u8]) -> bool {
    static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)^\s*<(?:!doctype\s+html|html|head|body|table|div|p|h[1-6]|span|font|meta|center|style)\b|<(?:html|body|table|tbody)\b[^>]*>")
            .ok()
    });
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    let wide = encoding_rs::Encoding::for_bom(bytes).or_else(|| decode::wide(bytes).map(|encoding| (encoding, 0)));
    match wide {
        Some((encoding, mark)) => {
            let (text, _) = encoding.decode_without_bom_handling(&start[mark.min(start.len())..]);
            TAG.as_ref().is_some_and(|tag| tag.is_match(text.as_bytes()))
        }
        None => TAG.as_ref().is_some_and(|tag| tag.is_match(start)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_and_not_names_decide() {
        for (bytes, expected) in [
            (&b"%PDF-1.7\n"[..], Kind::Pdf),
            (b"\xef\xbb\xbf%PDF-1.4\n", Kind::Pdf),
            (br#" {"a": [1, {"b": null}]}"#, Kind::Json),
            (b"{not json", Kind::Text),
            (b"[PCN 2026-7] Dear customer", Kind::Text),
            (b"From: a@b.example\r\nSubject: PDN\r\n\r\ntext", Kind::Mail),
            (b"From bounce Mon Oct  5\nReceived: by x\n\tid 7\nSubject: %PDF-\n\n", Kind::Mail),
            (b"Subject: PDN\n\ntext", Kind::Text),
            (b"Date: 5 October 2026\nTo whom it may concern\n\n", Kind::Text),
            (b"Manufacturer: Acme\nPart: AX100-3\n\n", Kind::Text),
            (b"<!DOCTYPE html><p>x", Kind::Html),
            (b"\n<TABLE border=1>", Kind::Html),
            (b"Dear <customer>, <b>", Kind::Text),
            (b"\xff\xfe<\0h\0t\0m\0l\0>\0", Kind::Html),
            (b"\xff\xfeA\0B\0", Kind::Text),
            (b"BM is our short name. We end AX100-3.", Kind::Text),
            (b"PK\x03\x04\x14\0", Kind::Zip),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Kind::Compound),
            (b"{\\rtf1", Kind::Rich),
            (b"\x1f\x8b\x08\0", Kind::Gzip),
            (b"", Kind::Text),
        ] {
            assert_eq!(kind(bytes, false), Ok(expected), "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(kind(b"Subject: PDN\n\ntext", true), Ok(Kind::Mail));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (bytes, says) in [
            (&b"\x89PNG\r\n\x1a\n"[..], "picture"),
            (b"BM\x36\0\0\0", "BMP"),
            (b"\0\x01\x02\x03", "no known kind"),
            (b"\x05\x06\x07 text", "no known kind"),
        ] {
            assert!(kind(bytes, true).expect_err("unreadable").contains(says), "{says}");
        }
    }
}
