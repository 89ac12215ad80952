//! Part-number-like words of a text: letters and digits with the signs makers use, minus what code can tell to be something else.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use crate::{
    domain::{
        document::{Document, Span},
        part::normal_mpn,
    },
    limits,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartCandidate {
    pub span: Span,
    pub printed: String,
    /// In the site's own list of approved parts.
    pub known: bool,
}

/// A run of characters part numbers are made of; brackets and commas only inside.
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9*](?:[A-Za-z0-9\-/#+.,:_*$&()=]*[A-Za-z0-9+#*)])?").ok());

/// What looks like a part number and is none: quantities, packages, standards, addresses.
static NOT_A_PART: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // Quantities with a unit.
        r"^[±+\-]?\d{1,4}(?:[.,]\d+)?(?:[-/x]\d+(?:[.,]\d+)?)?(?:n|u|µ|m|k|M|G|p)?(?:V|A|W|F|H|Hz|Ohm|R|Ω|m|mm|cm|in|inch|mil|um|nm|bit|bits|B|KB|MB|GB|kB|Bytes?|ppm|pcs?|pc|K|k|PCS|°?C|s|ms|min|h|hrs?|days?|weeks?|months?|years?|yrs?|th|st|nd|rd|pin|pins|ld|lead|D|kg|g|EUR|USD|Stk|St|mA|mV|kV|MHz|GHz|kHz|dB|dBm|Mbps|Gbps|kbps|x)$",
        r"^\d+(?i:pcs?|pieces|units|stk|stück)$",
        // Packages.
        r"^(?i:(?:[A-Z]{0,4}(?:SO[A-Z]*|SOIC|SSOP|TSSOP|MSOP|QFN|QFP|DFN|BGA|LGA|CSP|WLCSP|DIP|PDIP|SOT|SOD|SC|TO|DO|LCC|PLCC|DPAK|D2PAK|SMA|SMB|SMC|MELF|SIP|SON|FCBGA|TFBGA))[-_]?\d{1,4}[A-Z]{0,2}(?:[-/]\d{1,4}[A-Z]?L?)*)$",
        r"^\d{1,3}[-]?(?i:lead|pin|ball|ld|L|SOIC|TSSOP|QFN|LQFP|BGA|SSOP|SOP|DIP|VQFN|WSON|UFQFPN)$",
        // Standards, laws, classes.
        r"^(?i:ISO|IEC|IPC|JEDEC|JESD|J-STD|EN|DIN|UL|AEC|MIL|IATF|VDE|VDMA|EIA|IEEE|CFR|ANSI|MSL|ROHS|REACH|SAE|RFC|FAQ|COVID|PPAP|USB|HDMI|DDR|I2C|X5R|X7R|X7S|C0G|NP0|Y5V)[-_/ ]?[A-Z]?[-\d.:/A-Z]*$",
        r"^(?i:RS-?(?:232|422|485)[A-Z]?|QS-?9000|GB/?T?[ -]?\d{3,5}(?:[-.]\d+)*|TS-?16949|PCI-?E?\d?|CAN-?2\.0[AB]?)$",
        // Numbers only, times, sizes, ranges, telephone numbers.
        r"^[\d.,:/()+\-#*]+$",
        r"^\d{1,2}(?::\d{2})?(?i:am|pm|h|uhr)$",
        // Quarters, weeks, years.
        r"^(?i:Q[1-4]|H[12]|FY|CY|KW|WK|WW|CW)[-/']?\d{0,4}$",
        r"^(?i:rev|ver|version|v|r|page|p|fig|table|sect?|item|step|no|nr|part|phase|level|class|grade|type|rel|ed|building|floor|room|suite|unit|bldg|box|zip|apt)[-._#]?\d+(?:[.\-]\d+)*[a-z]?$",
        // European directives.
        r"^\d{2,4}/\d{1,4}/E[UCG]$",
        r"^(?i:rev|ver|issue|edition)[-._#]?[A-Z]?\d*$",
        // Date codes.
        r"^(?i:DC|D/C)[-:]?\d{2,4}\+?$",
        // Domains and file names.
        r"(?i)\.(?:com|net|org|de|jp|cn|fr|es|eu|tw|example|test|html?|pdf|xlsx?|docx?|csv|zip|png|jpg)(?:/|$)",
        // Dates in capitals, ISO time stamps.
        r"^(?i:\d{1,2}(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\d{2,4}|\d{4}-\d{2}-\d{2}t.*)$",
        // Ordinals and plain words with one digit at the end of a list mark.
        r"^(?i:\d+(?:st|nd|rd|th))$",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// Every part-number-like word, in order. `taken` are places that are something else already: dates, notice ids.
pub(super) fn find(document: &Document, taken: &[Span], known: &HashSet<String>) -> Vec<PartCandidate> {
    let text = document.text.as_str();
    let mut found = Vec::new();
    let Some(word) = WORD.as_ref() else { return found };
    let (prefixes, grades) = (prefixes(text), grades(text));
    for matched in word.find_iter(text) {
        let words = unglued(text, matched.start(), matched.end());
        for span in words.into_iter().filter_map(|word| trimmed(text, word.start as usize, word.end as usize)) {
            let span = with_suffix(text, with_prefix(text, span, &prefixes), &grades);
            let printed = document.slice(span);
            let known = known.contains(&normal_mpn(printed));
            let free = !taken.iter().any(|other| other.start < span.end && span.start < other.end);
            if free && !in_address(text, span) && (known || looks_like_part(printed)) {
                found.push(PartCandidate { span, printed: printed.to_owned(), known });
                if found.len() == limits::CANDIDATES_MAX {
                    return found;
                }
            }
        }
    }
    found
}

/// Numbers written without blanks between (`Part(s):AX1201,AX1202`, `AX1201-A/AX1201-B`), apart: at a colon behind a word, and at commas and slashes where every piece is a
/// part number of the same beginning.
fn unglued(text: &str, start: usize, end: usize) -> Vec<Span> {
    let mut start = start;
    if let Some(colon) = text[start..end].rfind(':') {
        let label = text[start..start + colon].rsplit(':').next().unwrap_or("");
        let is_word =
            label.chars().filter(char::is_ascii_lowercase).count() >= 2 || label.bytes().all(|b| b.is_ascii_alphabetic()) && label.len() >= 4;
        if is_word {
            start += colon + 1;
        }
    }
    let word = &text[start..end];
    for sign in [',', '/'] {
        let pieces: Vec<&str> = word.split(sign).collect();
        let alike = |piece: &&str| piece.len() >= 5 && looks_like_part(piece) && piece.get(..2) == word.get(..2);
        if pieces.len() >= 2 && pieces.iter().all(alike) {
            let mut at = start;
            let spans = pieces.iter().map(|piece| {
                let span = Span::new(at, at + piece.len());
                at += piece.len() + 1;
                span
            });
            return spans.collect();
        }
    }
    if start < end { vec![Span::new(start, end)] } else { Vec::new() }
}

/// Grades of one letter behind a blank: part of the number where the list or the line goes on right behind it, `BSC011N03LS G, BSC014N03MS G`.
fn grades(text: &str) -> HashSet<&str> {
    static GRADED: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?m)\b[A-Z0-9][A-Z0-9\-]{3,}[A-Z] (?P<grade>[A-Z])(?:[,;).、，]|[ \t]*->|[ \t]*\r?$)").ok());
    let found = GRADED.as_ref().into_iter().flat_map(|regex| regex.captures_iter(text));
    found.filter_map(|found| found.name("grade")).map(|grade| grade.as_str()).collect()
}

/// With its grade, if the text has such grades. Behind a grade a word may follow that is no number's: `BSC011N03LS G is discontinued`.
fn with_suffix(text: &str, span: Span, grades: &HashSet<&str>) -> Span {
    let rest = &text[span.end as usize..];
    let is_graded = rest.strip_prefix(' ').and_then(|rest| rest.get(..1)).is_some_and(|grade| grades.contains(grade));
    let mut behind = rest.chars().skip(2);
    let ends = match (behind.next(), behind.next()) {
        (Some(' '), next) => next.is_none_or(|c| !c.is_ascii_uppercase()),
        (next, _) => next.is_none_or(|c| !c.is_alphanumeric()),
    };
    let is_part = looks_like_part(&text[span.range()]) && text[span.range()].ends_with(|c: char| c.is_ascii_uppercase());
    if is_graded && ends && is_part { Span::new(span.start as usize, span.end as usize + 2) } else { span }
}

/// Short words in capitals that stand before two or more different numbers: part of the part number, with a blank between (`HME 485-ISO/T`, `HME 232`).
fn prefixes(text: &str) -> HashSet<&str> {
    static PREFIXED: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\b(?P<prefix>[A-Z]{2,4}) (?P<number>\d[A-Z0-9/\-]*\d[A-Z0-9/\-]*|\d{3,})\b").ok());
    const OTHERS: &[&str] = &[
        "ISO", "IEC", "EN", "DIN", "UL", "PCN", "PDN", "EOL", "NO", "NR", "ID", "TEL", "FAX", "IPC", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
        "AUG", "SEP", "OCT", "NOV", "DEC", "USD", "EUR", "GBP", "JPY", "CNY", "PO", "REV", "OF", "ON", "IN", "BY", "TO", "AND", "THE", "SUITE",
        "BOX", "HRB", "DE", "CA", "TX", "NY", "MA", "AZ", "IL", "OH", "MSL", "CTR", "LTB", "LTS", "FY", "KW", "CW", "WW",
    ];
    let mut numbers: Vec<(&str, &str)> = Vec::new();
    for found in PREFIXED.as_ref().into_iter().flat_map(|regex| regex.captures_iter(text)) {
        if let (Some(prefix), Some(number)) = (found.name("prefix"), found.name("number"))
            && !OTHERS.contains(&prefix.as_str())
            && !numbers.contains(&(prefix.as_str(), number.as_str()))
        {
            numbers.push((prefix.as_str(), number.as_str()));
        }
    }
    // Or before one that is a value of its own: `Product: RR 5316PWR`.
    static VALUE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?m)[:：|][ \t]*(?P<prefix>[A-Z]{2,4}) \d[A-Z0-9/\-.#]{3,}[ \t]*(?:$|\|)").ok());
    let alone = VALUE.as_ref().into_iter().flat_map(|regex| regex.captures_iter(text)).filter_map(|found| found.name("prefix"));
    let alone: Vec<&str> = alone.map(|prefix| prefix.as_str()).filter(|prefix| !OTHERS.contains(prefix) && !super::ids::is_list(prefix)).collect();
    let often = numbers.iter().filter(|(prefix, _)| numbers.iter().filter(|(other, _)| other == prefix).count() >= 2).map(|(prefix, _)| *prefix);
    often.chain(alone).collect()
}

fn with_prefix(text: &str, span: Span, prefixes: &HashSet<&str>) -> Span {
    let before = &text[..span.start as usize];
    let Some(rest) = before.strip_suffix(' ') else { return span };
    let start = rest.rfind(|c: char| !c.is_ascii_uppercase()).map_or(0, |at| at + rest[at..].chars().next().map_or(1, char::len_utf8));
    if prefixes.contains(&rest[start..]) { Span::new(start, span.end as usize) } else { span }
}

/// Without a sentence's signs at the end, and without a bracket that has no partner.
fn trimmed(text: &str, start: usize, mut end: usize) -> Option<Span> {
    loop {
        let word = &text[start..end];
        let cut = match word.chars().next_back()? {
            ')' if word.matches('(').count() < word.matches(')').count() => 1,
            '.' | ',' | '=' | '/' | '&' | '_' | '(' => 1,
            _ => 0,
        };
        if cut == 0 {
            break;
        }
        end -= cut;
    }
    // An opening bracket without its partner: what stands before it is the word.
    let word = &text[start..end];
    if word.matches('(').count() > word.matches(')').count() {
        end = start + word.rfind('(')?;
    }
    (end > start).then(|| Span::new(start, end))
}

/// Mail addresses and links hold no part numbers.
fn in_address(text: &str, span: Span) -> bool {
    let (start, end) = (span.start as usize, span.end as usize);
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    if before == Some('@') || after == Some('@') {
        return true;
    }
    let word_start = text[..start].char_indices().rfind(|(_, c)| c.is_whitespace()).map_or(0, |(at, c)| at + c.len_utf8());
    let word_end = text[end..].find(char::is_whitespace).map_or(text.len(), |at| end + at);
    let whole = &text[word_start..word_end];
    whole.contains("://") || whole.contains('@') || whole.starts_with("www.")
}

/// Whether code takes a word for a possible part number.
pub(super) fn looks_like_part(word: &str) -> bool {
    let characters = word.chars().count();
    let letters = word.chars().filter(|c| c.is_ascii_alphabetic()).count();
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let capitals = word.chars().filter(char::is_ascii_uppercase).count();
    let shape = (4..=40).contains(&characters) && digits >= 1 && letters >= 1 && digits + capitals >= 3;
    // Words of prose are in small letters: `covid19`, `item2`.
    let prose = capitals == 0 && digits < 3;
    shape && !prose && !NOT_A_PART.iter().any(|regex| regex.is_match(word))
}

/// Bytes of the only part-number-like word in a short text.
pub(super) fn only_number(text: &str) -> Option<(usize, usize)> {
    let words = WORD
        .as_ref()?
        .find_iter(text)
        .filter_map(|found| trimmed(text, found.start(), found.end()))
        .map(|span| (span.start as usize, span.end as usize));
    let mut numbers = words.filter(|(start, end)| looks_like_part(&text[*start..*end]) && super::dates::whole(&text[*start..*end]).is_none());
    let first = numbers.next()?;
    numbers.next().is_none().then_some(first)
}

/// Numbers of digits alone, as makers of connectors and relays have them; only a column's head tells them from quantities.
static NUMERIC: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*(?:\d+|(?:\d{1,3}-)?\d{5,8}-\d{1,2})\s*$").ok());

/// Whether a whole cell of a column of parts is a part number: blanks are allowed there, prose is not.
pub(super) fn cell_is_part(cell: &str) -> bool {
    let characters = cell.chars().count();
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let words = cell.split_whitespace().count();
    let small = cell.split_whitespace().any(|word| word.chars().filter(|c| c.is_lowercase()).count() > 3);
    let plain = cell.chars().all(|c| c.is_ascii() || c.is_whitespace());
    // `2,044 pcs`, `DC 23+`.
    let joined: String = cell.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    let excluded =
        words <= 2 && NOT_A_PART.iter().any(|regex| regex.is_match(&joined)) && !NUMERIC.as_ref().is_some_and(|regex| regex.is_match(cell));
    (3..=48).contains(&characters)
        && digits >= 1
        && words <= 5
        && plain
        && !small
        && !excluded
        && !cell.contains('(')
        && super::dates::whole(cell).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        let document = Document::plain(text);
        find(&document, &[], &HashSet::new()).into_iter().map(|found| found.printed).collect()
    }

    #[test]
    fn part_numbers_as_makers_write_them() {
        for part in [
            "LM317T/NOPB",
            "LT1086CM-3.3#TRPBF",
            "74HC595D,118",
            "MAX232CPE+T",
            "GRM188R71H104KA93D",
            "BAV99-7-F",
            "STM32F103C8T6",
            "74HC595xx",
            "LM317*-TR",
            "B82432T1102K000",
            "P6KE6.8A",
            "AT24C02(SN)",
            "1N4148",
            "HX-2210B",
        ] {
            assert_eq!(parts(&format!("The part {part}, and more.")), [part], "{part}");
            assert_eq!(parts(&format!("({part})")), [part], "({part})");
        }
    }

    #[test]
    fn what_is_no_part_number() {
        for text in [
            "SOT-23",
            "TSSOP-20",
            "100nF",
            "3.3V",
            "J-STD-048",
            "ISO9001:2015",
            "RoHS 2011/65/EU",
            "AEC-Q100",
            "+49 711 1234-567",
            "12:30pm",
            "Q3/2027",
            "pcn@acme2000.example",
            "https://www.acme.example/pdn/A1234B",
            "Rev.B2",
            "page 2",
            "MSL3",
            "16MHz",
            "24-lead",
            "X7R",
            "10k",
            "3rd",
            "KW12",
            "notice2.pdf",
        ] {
            assert_eq!(parts(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_cell_may_hold_blanks() {
        assert!(cell_is_part("MX 25L 3233F"));
        assert!(!cell_is_part("Linear regulator 1.5 A"));
        assert!(!cell_is_part("2027-03-31"));
        assert!(!cell_is_part("n/a"));
    }
}
