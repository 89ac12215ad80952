//! Bytes to characters: a byte order mark decides, then UTF-8 where it fits, then what the sender named where the bytes bear it out, then a guess from the bytes.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};
use oem_cp::{code_table::DECODING_TABLE_CP_MAP, code_table_type::TableType};

/// Fewest letters beyond ASCII that speak against the sender's own word.
const EVIDENCE_MIN: usize = 4;

/// The text, and a sentence where characters were guessed or lost.
pub(super) fn text(bytes: &[u8], named: Option<&str>) -> (String, Option<String>) {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decoded(encoding, &bytes[mark..]);
    }
    if let Some(encoding) = wide(bytes) {
        return decoded(encoding, bytes);
    }
    let declared = named.map(str::trim).and_then(|label| Encoding::for_label(label.as_bytes()));
    // A mail in ISO-2022-JP is valid ASCII too. Its escapes are seen; that 8-bit text calls itself UTF-16 is a mistake.
    if bytes.windows(2).any(|pair| matches!(pair, b"\x1b$" | b"\x1b(")) {
        let (text, _, lost) = ISO_2022_JP.decode(bytes);
        if !lost || declared == Some(ISO_2022_JP) {
            let warning = lost.then(|| "some characters are not valid ISO-2022-JP and were replaced".to_owned());
            return (text.into_owned(), warning);
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.to_owned(), None);
    }
    if let Some(text) = nearly_utf8(bytes) {
        return (text, Some("some characters are not valid UTF-8 and were replaced".to_owned()));
    }
    if let Some(table) = named.and_then(oem) {
        return (table.decode_string_lossy(bytes), None);
    }
    let named_it = named.map_or_else(
        || "it names no character set".to_owned(),
        |named| format!("it is not in the character set it names ({})", named.chars().filter(|c| c.is_ascii_graphic()).take(20).collect::<String>()),
    );
    let guess = guess(bytes);
    if let Some(encoding) = declared.filter(|encoding| ![UTF_8, UTF_16LE, UTF_16BE, ISO_2022_JP].contains(encoding)) {
        let (as_named, lost) = encoding.decode_without_bom_handling(bytes);
        let is_doubtful = lost || (is_single_byte(encoding) && !is_single_byte(guess));
        let (guessed, guess_lost) = guess.decode_without_bom_handling(bytes);
        if !is_doubtful || guess == encoding || guess_lost || !is_east_asian(&guessed) {
            let warning = lost.then(|| format!("some characters are not valid {} and were replaced", encoding.name()));
            return (as_named.into_owned(), warning);
        }
        return (guessed.into_owned(), Some(format!("{}; it was read as {}", named_it.replacen("it", "the text", 1), guess.name())));
    }
    if declared.is_none()
        && looks_like_dos(bytes)
        && let Some(table) = oem("850")
    {
        let warning = format!("the text is not UTF-8 and {named_it}; it was read as cp850, so letters beyond ASCII may be wrong");
        return (table.decode_string_lossy(bytes), Some(warning));
    }
    let (text, lost) = guess.decode_without_bom_handling(bytes);
    let also = if lost { "some characters were replaced" } else { "letters beyond ASCII may be wrong" };
    (text.into_owned(), Some(format!("the text is not UTF-8 and {named_it}; it was read as {}, so {also}", guess.name())))
}

/// UTF-8 that was cut within a letter, or damaged here and there: other encodings do not look like letters of UTF-8 nearly everywhere.
fn nearly_utf8(bytes: &[u8]) -> Option<String> {
    let mut letters = 0;
    let mut faults = 0;
    let mut is_cut = false;
    for chunk in bytes.utf8_chunks() {
        letters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        faults += usize::from(!chunk.invalid().is_empty());
        is_cut = chunk.invalid().len() > 1;
    }
    (faults * 20 <= letters || (faults == 1 && is_cut)).then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// A text by the number of its Windows code page, as Outlook and RTF name it.
pub(super) fn page(bytes: &[u8], page: u16) -> String {
    let label = match page {
        65001 => "utf-8".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        1200 => "utf-16le".to_owned(),
        50220..=50222 => "iso-2022-jp".to_owned(),
        51932 => "euc-jp".to_owned(),
        54936 => "gb18030".to_owned(),
        28591..=28605 => format!("iso-8859-{}", page - 28590),
        20866 => "koi8-r".to_owned(),
        oem if DECODING_TABLE_CP_MAP.contains_key(&oem) && oem != 874 => format!("cp{oem}"),
        windows => format!("windows-{windows}"),
    };
    text(bytes, Some(&label)).0
}

fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> (String, Option<String>) {
    let (text, lost) = encoding.decode_without_bom_handling(bytes);
    let warning = lost.then(|| format!("some characters are not valid {} and were replaced", encoding.name()));
    (text.into_owned(), warning)
}

/// The code page of DOS that a label names; the WHATWG's encodings hold only one of them.
fn oem(label: &str) -> Option<&'static TableType> {
    let digits = label.trim().trim_start_matches(|c: char| !c.is_ascii_digit());
    let is_name = ["", "cp", "ibm", "cp-", "ibm-", "dos-", "cp_", "csibm", "cspc"]
        .contains(&label.trim()[..label.trim().len() - digits.len()].to_ascii_lowercase().as_str());
    DECODING_TABLE_CP_MAP.get(&digits.parse().ok().filter(|_| is_name)?)
}

/// UTF-16 without a mark: two bytes a character, of which some are zero, and read in that order nearly all are letters people write.
pub(super) fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = &bytes[..bytes.len().min(4096) & !1];
    if start.len() < 8 || !start.contains(&0) {
        return None;
    }
    let is_likely = |encoding: &'static Encoding| {
        let (text, lost) = encoding.decode_without_bom_handling(start);
        let all = text.chars().count();
        let written = text.chars().filter(|c| {
            matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{A0}'..='\u{17F}' | '\u{370}'..='\u{4FF}' | '\u{2010}'..='\u{2044}' | '\u{20AC}' | '\u{2500}'..='\u{257F}'
                | '\u{3000}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{FF00}'..='\u{FFEF}')
        });
        // A pair cut at the end of what is looked at is no fault.
        let faults = text.chars().filter(|c| *c == '\u{FFFD}').count();
        (!lost || faults <= 1) && written.count() * 100 >= all * 97 && text.contains([' ', '\n', '\r', '.', '"'])
    };
    [UTF_16LE, UTF_16BE].into_iter().find(|encoding| is_likely(encoding))
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(64 << 10)], bytes.len() <= 64 << 10);
    let guess = detector.guess(None, Utf8Detection::Deny);
    // The larger set holds all of the smaller.
    if guess == GBK { GB18030 } else { guess }
}

/// Whether what stands beyond ASCII is the writing that the encodings of two bytes are for.
fn is_east_asian(text: &str) -> bool {
    let beyond = text.chars().filter(|c| !c.is_ascii()).count();
    let east = text
        .chars()
        .filter(|c| matches!(c, '\u{3000}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{FF00}'..='\u{FFEF}'))
        .count();
    east >= EVIDENCE_MIN && east * 10 >= beyond * 8
}

/// Letters of DOS's code page 850 stand where Windows has quotation marks, dashes and nothing: within words they are letters.
fn looks_like_dos(bytes: &[u8]) -> bool {
    let high = bytes.iter().filter(|byte| **byte >= 0x80).count();
    let within = bytes.windows(3).filter(|three| {
        let is_letter = |byte: u8| byte.is_ascii_alphabetic() || (0x80..=0x9A).contains(&byte);
        matches!(three[1], 0x81 | 0x82 | 0x84 | 0x87..=0x8B | 0x8E | 0x93..=0x95 | 0x99 | 0x9A | 0xE1) && is_letter(three[0]) && is_letter(three[2])
    });
    high > 0 && within.count() * 10 >= high * 6 && !bytes.iter().any(|byte| (0xC0..=0xFF).contains(byte) && *byte != 0xE1)
}

/// Encodings of more than one byte that a guess may name.
const WIDE: [&Encoding; 7] = [SHIFT_JIS, EUC_JP, GB18030, GBK, BIG5, EUC_KR, UTF_8];

fn is_single_byte(encoding: &'static Encoding) -> bool {
    !WIDE.contains(&encoding)
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
        assert_eq!(text(b"\x1b$B@=IJ\x1b(B", None).0, "製品");
        let (guessed, warning) = text(b"31. M\xe4rz \x80", None);
        assert_eq!(guessed, "31. März €");
        assert!(warning.expect("warning").contains("windows-1252"));
        assert!(text(b"\xff", Some("utf-8")).1.expect("warning").contains("names (utf-8)"));
        assert!(text(b"\x90", Some("Shift_JIS")).1.expect("warning").contains("replaced"));
    }

    #[test]
    fn code_pages_of_dos_and_wrong_names() {
        assert_eq!(text(b"Verf\x81gbar bis 31. M\x84rz", Some("cp850")), ("Verfügbar bis 31. März".to_owned(), None));
        assert_eq!(text(b"Verf\x81gbar bis 31. M\x84rz", None).0, "Verfügbar bis 31. März");
        let (japanese, _, _) = encoding_rs::SHIFT_JIS.encode("この製品の生産を終了いたします。");
        let (read, warning) = text(&japanese, Some("iso-8859-1"));
        assert_eq!(read, "この製品の生産を終了いたします。");
        assert!(warning.expect("warning").contains("Shift_JIS"));
        let big: Vec<u8> = "Part AX100-3 endet März\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(text(&big, None), ("Part AX100-3 endet März\n".to_owned(), None));
    }
}
