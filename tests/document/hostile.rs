//! Documents that mean harm: each gets an answer that names the reason, and the process that asked stays small and goes on.

use std::time::{Duration, Instant};

use lastbuy::{document::ExtractError, limits};

use super::{
    LETTER, extractor, file,
    packed::{gzip, patched, sheet, workbook, zip},
    read, shown,
};

struct Case {
    what: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
    /// What the answer holds as a person sees it: text, warning or refusal.
    says: &'static str,
}

fn case(what: &'static str, name: &'static str, bytes: impl Into<Vec<u8>>, says: &'static str) -> Case {
    Case { what, name, bytes: bytes.into(), says }
}

fn run(cases: Vec<Case>) {
    let extractor = extractor();
    let before = resident_kib();
    let mut wrong = Vec::new();
    for Case { what, name, bytes, says } in cases {
        let begun = Instant::now();
        let result = read(&extractor, name, &bytes);
        let took = begun.elapsed();
        let told = shown(&result);
        let start: String = told.chars().take(300).collect::<String>().replace('\n', " / ");
        let end: String = told.lines().filter(|line| line.starts_with("warning:")).take(3).collect::<Vec<_>>().join(" / ");
        println!("{what}: {took:.1?}, {start} … {end}");
        assert!(took < Duration::from_secs(limits::DOCUMENT_SECONDS_MAX + 5), "{what} took {took:?}");
        if !told.contains(says) || matches!(result, Err(ExtractError::Failed(_))) {
            wrong.push(format!("{what} does not say '{says}': {start} … {end}"));
        }
        if let Ok(document) = &result {
            assert!(document.text.len() <= limits::DOCUMENT_TEXT_BYTES_MAX, "{what}");
        }
        assert_eq!(read(&extractor, "letter.txt", LETTER).expect("the next one").text.as_bytes(), LETTER, "after {what}");
    }
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 384 << 10, "this process grew by {grown} KiB");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Resident memory of this process at its highest, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("number")
}

const NOTICE: &[u8] = b"Part NS-1 ends on 31 March 2027.\n";

/// Something packed again and again.
fn nested(times: usize, pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    (0..times).fold(NOTICE.to_vec(), |bytes, _| pack(&bytes))
}

#[test]
fn archives() {
    let zeros = vec![b'0'; 64 << 20];
    let whole = zip(&[("a.txt", NOTICE), ("b.txt", NOTICE)]);
    let central = whole.windows(4).position(|four| four == b"PK\x01\x02").expect("central directory");
    let second = whole.windows(4).rposition(|four| four == b"PK\x01\x02").expect("second entry");
    let end = whole.windows(4).rposition(|four| four == b"PK\x05\x06").expect("end record");
    let many: Vec<String> = (0..1200).map(|number| format!("{number}.txt")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), NOTICE)).collect();
    let half: Vec<String> = (0..600).map(|number| format!("{number}.txt")).collect();
    let half: Vec<(&str, &[u8])> = half.iter().map(|name| (name.as_str(), NOTICE)).collect();
    let half = zip(&half);
    // Packs well, though no bomb would be content with so little; called a program, so that it gives no text.
    let noise: Vec<u8> =
        (0..30_u32 << 20).map(|at| if at % 61 == 0 { (at.wrapping_mul(2_654_435_761) >> 24) as u8 % 10 + b'0' } else { b'x' }).collect();
    let noise = [b"MZ\x90\0", noise.as_slice()].concat();
    let whole_gzip = gzip(&noise[..100_000]);
    let half_gzip = whole_gzip[..whole_gzip.len() / 2].to_vec();
    let large = zip(&[("note.txt", NOTICE), ("1.txt", &noise), ("2.txt", &noise), ("3.txt", &noise), ("4.txt", &noise), ("5.txt", &noise)]);
    run(vec![
        case("zip bomb", "b.zip", zip(&[("zeros.txt", &zeros)]), "200 times its size"),
        case("zip bomb of several files", "b.zip", zip(&[("1", &zeros), ("2", &zeros), ("note.txt", NOTICE)]), "Part NS-1"),
        case("gzip bomb", "b.gz", gzip(&zeros), "200 times its size"),
        case("gzip of a gzip bomb", "b.gz", gzip(&gzip(&zeros)), "200 times its size"),
        case("large but not dense", "l.zip", large, "one document may take"),
        case("zips in zips", "n.zip", nested(30, |bytes| zip(&[("inner.zip", bytes)])), "nest deeper than 8"),
        case("gzips in gzips", "n.gz", nested(60, gzip), "nest deeper than 8"),
        case("zip and gzip in turns", "n.zip", nested(12, |bytes| gzip(&zip(&[("x", bytes)]))), "nest deeper than 8"),
        case("two entries over the same bytes", "o.zip", patched(whole.clone(), second + 42, &[0, 0, 0, 0]), "=== a.txt"),
        case("many entries", "m.zip", zip(&many), "1200 entries"),
        case("many entries in two archives", "m.zip", zip(&[("1.zip", &half), ("2.zip", &half)]), "more than 1000 files"),
        case("names that climb", "p.zip", zip(&[("../../../../etc/cron.d/x", NOTICE), ("/etc/passwd", NOTICE)]), "=== passwd"),
        case("a name of control characters", "p.zip", zip(&[("\u{1b}[2J\r\n\u{7}.txt", NOTICE)]), "Part NS-1"),
        case("a name of 60,000 letters", "p.zip", zip(&[(&"n".repeat(60_000), NOTICE)]), "Part NS-1"),
        case("a lie about the size", "s.zip", patched(whole.clone(), central + 24, &[0xFF, 0xFF, 0xFF, 0x7F]), "Part NS-1"),
        case("a lie about the number of entries", "s.zip", patched(whole.clone(), end + 8, &[0xFF, 0xFE, 0xFF, 0xFE]), "damaged"),
        case("an offset past the end", "s.zip", patched(whole.clone(), central + 42, &[0xFF, 0xFF, 0xFF, 0x0F]), "not read"),
        case("a wrong checksum", "s.zip", patched(whole.clone(), central + 16, &[1, 2, 3, 4]), "a.txt was not read: it is damaged"),
        case("an unknown way of packing", "s.zip", patched(whole.clone(), central + 10, &[99, 0]), "a.txt was not read"),
        case("encrypted", "s.zip", patched(patched(whole.clone(), central + 8, &[1, 0]), 6, &[1, 0]), "password"),
        case("half a zip", "h.zip", whole[..whole.len() / 2].to_vec(), "damaged"),
        case("the head of a zip alone", "h.zip", b"PK\x03\x04".to_vec(), "damaged"),
        case("half a gzip", "h.gz", half_gzip, "damaged"),
        case("an archive of a program", "e.zip", zip(&[("setup.exe", b"MZ\x90\0\x03\0\0\0")]), "a program"),
    ]);
}

#[test]
fn workbooks_and_messages() {
    let cells = |rows: u32| -> String {
        (1..=rows).map(|row| format!("<row r=\"{row}\">{}</row>", "<c t=\"inlineStr\"><is><t>x</t></is></c>".repeat(20))).collect()
    };
    let columns: String = (0..16_384).map(|at| format!("<c t=\"inlineStr\"><is><t>c{at}</t></is></c>")).collect();
    let shared = format!("<sst count=\"4000000000\" uniqueCount=\"4000000000\">{}</sst>", "<si><t>x</t></si>".repeat(10));
    let laughs = r#"<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>"#;
    let message = file("large-body.msg");
    let book = file("parts.xls");
    let whole = file("parts.xlsx");
    let mut looped = message.clone();
    // The first sector of the allocation table: each sector is followed by itself.
    let table = 512 * (1 + u32::from_le_bytes([message[76], message[77], message[78], message[79]]) as usize);
    for sector in 0..128_u32.min(((message.len() - table) / 4) as u32) {
        looped[table + 4 * sector as usize..][..4].copy_from_slice(&sector.to_le_bytes());
    }
    let directory = 512 * (1 + u32::from_le_bytes([message[48], message[49], message[50], message[51]]) as usize);
    run(vec![
        case("a sheet of 600,000 cells", "c.xlsx", workbook(&sheet("A1:T30000", &cells(30_000)), ""), "more than 200000 cells"),
        case("16,384 columns", "w.xlsx", workbook(&sheet("A1:XFD1", &format!("<row r=\"1\">{columns}</row>")), ""), "only the first 64"),
        case(
            "a dimension of the whole sheet",
            "d.xlsx",
            workbook(&sheet("A1:XFD1048576", "<row r=\"1\"><c r=\"A1\"><v>4711</v></c></row>"), ""),
            "4711",
        ),
        case(
            "cells at both ends",
            "d.xlsx",
            workbook(&sheet("A1", "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>4712</v></c></row>"), ""),
            "4712",
        ),
        case("a million columns", "d.xlsx", workbook(&sheet("A1", "<row r=\"1\"><c r=\"ZZZZZ1\"><v>1</v></c></row>"), ""), "=== sheet S"),
        case(
            "a lie about shared strings",
            "s.xlsx",
            workbook(&sheet("A1", "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>3</v></c></row>"), &shared),
            "MiB of memory",
        ),
        case(
            "a shared string that is not there",
            "s.xlsx",
            workbook(&sheet("A1", "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>99999</v></c></row>"), &shared),
            "unreadable",
        ),
        case(
            "billion laughs in a sheet",
            "l.xlsx",
            workbook(
                &format!("{laughs}<worksheet><sheetData><row r=\"1\"><c t=\"inlineStr\"><is><t>&c;</t></is></c></row></sheetData></worksheet>"),
                "",
            ),
            "unreadable",
        ),
        case("a sheet that is a bomb", "b.xlsx", workbook(&sheet("A1", &" ".repeat(50 << 20)), ""), "200 times its size"),
        case("a workbook without sheets", "e.xlsx", zip(&[("xl/workbook.xml", b"<workbook/>")]), "unreadable"),
        case("a workbook of nothing", "e.xlsx", zip(&[("xl/workbook.xml", b"")]), "unreadable"),
        case("half a workbook", "h.xlsx", whole[..whole.len() / 2].to_vec(), "damaged"),
        case("half an old workbook", "h.xls", book[..book.len() / 2].to_vec(), "old Office file is damaged"),
        case("an old workbook of zeros", "z.xls", [&book[..1024], &vec![0; 4096]].concat(), "unreadable"),
        case("sectors that follow themselves", "l.msg", looped, "unreadable"),
        case("a directory in a loop", "l.msg", patched(message.clone(), directory + 76, &[0, 0, 0, 0]), "unreadable"),
        case("half a message", "h.msg", message[..message.len() / 2].to_vec(), "unreadable"),
        case("a message with its head alone", "h.msg", message[..512].to_vec(), "damaged"),
        case("sectors of 2^60 bytes", "s.msg", patched(message.clone(), 30, &[60, 0]), "damaged"),
        case("a message that names no sectors", "s.msg", patched(message, 44, &[0xFF, 0xFF, 0xFF, 0xFF]), "OL-200"),
    ]);
}

#[test]
fn markup_and_text() {
    let laughs = r#"<?xml version="1.0"?><!DOCTYPE PCNbody [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><PCNbody><pcnNumber>&b;</pcnNumber></PCNbody>"#;
    let outside = r#"<?xml version="1.0"?><!DOCTYPE PCNbody SYSTEM "file:///etc/passwd"><PCNbody><pcnNumber>1</pcnNumber></PCNbody>"#;
    let page = |html: String| format!("<html><body>{html}");
    run(vec![
        case("billion laughs", "p.xml", laughs, "document type"),
        case("an outside entity", "p.xml", outside, "document type"),
        case("an unknown entity", "p.xml", "<PCNbody><pcnNumber>&xxe;</pcnNumber></PCNbody>", "entity"),
        case("elements in elements", "p.xml", format!("<PCNbody>{}", "<a>".repeat(100_000)), "nests deeper"),
        case("elements beside elements", "p.xml", format!("<PCNbody>{}</PCNbody>", "<a/>".repeat(300_000)), "more than 200000 elements"),
        case("a body that ends early", "p.xml", "<PCNbody><masterData><pcnNumber>1", "ends too early"),
        case("30 MB of HTML in one line", "l.html", page("<p>Part NS-1 ".to_owned() + &"word &amp; ".repeat(3_000_000)), "Part NS-1 word"),
        case("30 MB without a single blank", "l.html", page("x".repeat(30 << 20)), "was cut"),
        case("open elements", "b.html", page("<b><i><p>".repeat(20_000)), "no text in it"),
        case("tables in tables", "t.html", page("<table><tr><td>x".repeat(10_000)), "nests deeper"),
        case(
            "a thousand columns over a thousand rows",
            "c.html",
            page(format!("<table>{}</table>", "<tr><td colspan=1000 rowspan=65534>x<td>y".repeat(10_000))),
            "x",
        ),
        case("an attribute of 10 MB", "a.html", page(format!("<p title=\"{}\">Part NS-1", "a".repeat(10 << 20))), "longer than"),
        case("comments that never end", "a.html", page("<p>Part NS-1</p><!--".to_owned() + &"<!-- ".repeat(500_000)), "Part NS-1"),
        case("entities only", "e.html", page("&notanentity;&#x110000;&#0;&#xD800;".repeat(50_000)), "anentity;"),
        case("wide gaps", "w.txt", "a  b  c  d\n".repeat(1_000_000), "was cut"),
        case("bars only", "s.txt", "|".repeat(2_000_000), "format: text"),
        case("a cell of 20 MB", "c.csv", format!("a,b\n\"{}\",2\n", "x".repeat(20 << 20)), "cut"),
        case("a million columns of text", "c.csv", format!("{}\n", "x,".repeat(1_000_000)), "only the first 64"),
        case("a quotation mark that never closes", "q.csv", format!("a,b\n\"{}", "x,y\n".repeat(200_000)), "format: sheet"),
        case("groups in groups", "g.rtf", format!("{{\\rtf1 {}Part NS-1", "{".repeat(1_000_000)), "Part NS-1"),
        case("a length in rich text that lies", "g.rtf", r"{\rtf1 Part NS-1\par\bin2147483647 x}", "Part NS-1"),
        case("arrays in arrays", "j.json", "[".repeat(5_000_000), "format: text"),
        case("half a character", "u.txt", b"Part NS-1 \xE2\x82".to_vec(), "not valid UTF-8"),
        case("UTF-16 of half a pair", "u.txt", b"\xFF\xFEP\0a\0r\0t\0\x00\xD8".to_vec(), "replaced"),
        case("every byte there is", "u.txt", (0..=255).collect::<Vec<u8>>(), "binary"),
    ]);
}

#[test]
fn mails() {
    let head = "From: a@b.example\r\nSubject: s\r\n";
    let mut deep = String::from("From: a@b.example\r\nSubject: innermost\r\n\r\nPart NS-1\r\n");
    for level in 0..500 {
        deep = format!(
            "{head}Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\nContent-Type: message/rfc822\r\n\r\n{deep}\r\n--b{level}--\r\n"
        );
    }
    let mut parts = String::from("Content-Type: text/plain\r\n\r\nPart NS-1\r\n");
    for level in 0..500 {
        parts = format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n{parts}\r\n--b{level}--\r\n");
    }
    run(vec![
        case("mails nested 500 deep", "d.eml", deep, "mails within mails"),
        case("parts nested 500 deep", "d.eml", format!("{head}{parts}"), "Part NS-1"),
        case("a million fields", "f.eml", format!("{head}{}\r\nPart NS-1", "X-A: b\r\n".repeat(1_000_000)), "Part NS-1"),
        case("400,000 encoded fields", "f.eml", format!("{head}{}\r\nPart NS-1", "X-A: =?utf-8?q?=00?=\r\n".repeat(400_000)), "Part NS-1"),
        case("a field of 20 MB", "f.eml", format!("{head}X-A: {}\r\n\r\nPart NS-1", "x".repeat(20 << 20)), "Part NS-1"),
        case(
            "boundaries without end",
            "b.eml",
            format!("{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", "--b\r\n\r\nx\r\n".repeat(400_000)),
            "x",
        ),
        case(
            "an empty boundary",
            "b.eml",
            format!("{head}Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nPart NS-1\r\n----\r\n"),
            "Part NS-1",
        ),
        case(
            "a boundary that is never there",
            "b.eml",
            format!("{head}Content-Type: multipart/mixed; boundary=zz\r\n\r\nPart NS-1\r\n"),
            "Part NS-1",
        ),
        case(
            "base64 that is none",
            "c.eml",
            format!("{head}Content-Transfer-Encoding: base64\r\n\r\n!!!! Part NS-1 ????\r\n"),
            "transfer encoding breaks off",
        ),
        case(
            "a character set that lies",
            "c.eml",
            [head.as_bytes(), b"Content-Type: text/plain; charset=utf-16\r\n\r\nPart NS-1 ends \xE4\r\n"].concat(),
            "Part NS-1",
        ),
        case(
            "a character set of nonsense",
            "c.eml",
            [head.as_bytes(), b"Content-Type: text/plain; charset=\"\x01;;=\"\r\n\r\nPart NS-1 \xE4\r\n"].concat(),
            "Part NS-1",
        ),
        case("a zip bomb attached", "z.eml", attached(head, &zip(&[("zeros.txt", &vec![b'0'; 64 << 20])])), "200 times its size"),
        case(
            "a name that climbs",
            "n.eml",
            format!(
                "{head}Content-Type: text/plain; name=\"../../etc/passwd\"\r\nContent-Disposition: attachment; filename=\"../../etc/passwd\"\r\n\r\nPart NS-1\r\n"
            ),
            "Part NS-1",
        ),
    ]);
}

fn attached(head: &str, bytes: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
    format!("{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--b--\r\n").into_bytes()
}

/// A Word file of this body.
fn word(body: &str) -> Vec<u8> {
    zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", body.as_bytes())])
}

/// One attribute of TNEF that says it is so long.
fn attribute(id: u32, length: u32, data: &[u8]) -> Vec<u8> {
    [&[1][..], &id.to_le_bytes(), &length.to_le_bytes(), data, &[0, 0]].concat()
}

fn tnef(attributes: &[u8]) -> Vec<u8> {
    [b"\x78\x9F\x3E\x22\x00\x01", attributes].concat()
}

#[test]
fn word_files_and_tnef() {
    const BODY: u32 = 0x0002_800C;
    const PROPERTIES: u32 = 0x0006_9003;
    let said = attribute(BODY, 32, NOTICE.get(..32).expect("a notice"));
    // A property of kind text whose count, or whose length, has no end.
    let property =
        |count: u32, length: u32| [&1_u32.to_le_bytes()[..], &[0x1F, 0, 0, 0x10], &count.to_le_bytes(), &length.to_le_bytes(), b"ab"].concat();
    let within = |bytes: &[u8]| {
        let object = [&[0; 16][..], bytes].concat();
        let length = u32::try_from(object.len()).expect("short");
        let padding = vec![0; object.len().next_multiple_of(4) - object.len()];
        let list = [&1_u32.to_le_bytes()[..], &[0x0D, 0, 1, 0x37], &1_u32.to_le_bytes(), &length.to_le_bytes(), &object, &padding].concat();
        tnef(&attribute(0x0006_9005, u32::try_from(list.len()).expect("short"), &list))
    };
    run(vec![
        case("entities in a Word file", "x.docx", word("<!DOCTYPE a [<!ENTITY b 'cccc'>]><a><w:t>&b;</w:t></a>"), "document type"),
        case("a Word file that nests", "x.docx", word(&"<w:tbl><w:tr><w:tc>".repeat(2000)), "nests deeper"),
        case("a Word file that is a bomb", "x.docx", word(&" ".repeat(64 << 20)), "200 times its size"),
        case("a Word file cut off", "x.docx", word("<w:document><w:p><w:r><w:t>Part NS-1"), "ends too early"),
        case(
            "a table of a million columns",
            "x.docx",
            word(&format!(
                "<w:tbl><w:tr>{}</w:tr><w:tr><w:tc/></w:tr></w:tbl><w:p><w:r><w:t>Part NS-1</w:t></w:r></w:p>",
                "<w:tc><w:gridSpan w:val='99999999'/><w:p><w:r><w:t>x</w:t></w:r></w:p></w:tc>".repeat(2000)
            )),
            "Part NS-1",
        ),
        case("TNEF that says it is longer", "w.dat", tnef(&[&said[..], &attribute(BODY, u32::MAX, b"x")].concat()), "ends too early"),
        case(
            "properties without end",
            "w.dat",
            tnef(&[&said[..], &attribute(PROPERTIES, 18, &property(u32::MAX, 2))].concat()),
            "read as far as it goes",
        ),
        case(
            "a property longer than all",
            "w.dat",
            tnef(&[&said[..], &attribute(PROPERTIES, 18, &property(1, u32::MAX))].concat()),
            "read as far as it goes",
        ),
        case("TNEF in TNEF", "w.dat", nested(20, |bytes| within(if bytes == NOTICE { &said[..] } else { bytes })), "nest deeper than 8"),
        case("nothing but the magic", "w.dat", tnef(&[]), "no text"),
    ]);
}

#[test]
fn pdfs() {
    let whole = file("twelve-parts.pdf");
    let text = |pdf: &str| pdf.as_bytes().to_vec();
    let tail = "trailer<</Root 1 0 R/Size 9>>\nstartxref\n";
    run(vec![
        case("a stream that unpacks without end", "b.pdf", file("hostile/stream-bomb.pdf"), "no text layer"),
        case("pages that hold themselves", "l.pdf", file("hostile/page-loop.pdf"), "longer than 30 seconds"),
        case(
            "a table of references that follows itself",
            "x.pdf",
            text("%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R/Size 1/Prev 9>>\nstartxref\n9\n%%EOF"),
            "pages cannot be counted",
        ),
        case(
            "references in a ring",
            "x.pdf",
            text(&format!("%PDF-1.4\n1 0 obj 2 0 R endobj\n2 0 obj 1 0 R endobj\n{tail}0\n%%EOF")),
            "pages cannot be counted",
        ),
        case(
            "a count of pages that lies",
            "x.pdf",
            text(&format!(
                "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 2147483647>>endobj\n{tail}0\n%%EOF"
            )),
            "no page of it can be read",
        ),
        case("arrays in arrays", "x.pdf", text(&format!("%PDF-1.4\n1 0 obj {} endobj\n{tail}9\n%%EOF", "[".repeat(200_000))), "nests so deep"),
        case("a PDF cut in half", "h.pdf", whole[..whole.len() / 2].to_vec(), "ends too early"),
        case("a PDF without its start", "h.pdf", whole[whole.len() / 2..].to_vec(), "beginning is missing"),
        case("the head of a PDF alone", "h.pdf", text("%PDF-1.7\n"), "is damaged"),
        case(
            "a length that lies",
            "s.pdf",
            text(&format!(
                "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R>>endobj\n4 0 obj<</Length 99999999999>>stream\nBT (x) Tj ET\nendstream endobj\n{tail}0\n%%EOF"
            )),
            "no text layer",
        ),
    ]);
}
