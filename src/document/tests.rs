use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::domain::document::Span;

fn read_as(source: &str, file_name: Option<&str>, bytes: &[u8]) -> Result<Document, String> {
    let request = Request { source: source.to_owned(), content_type: "application/octet-stream".to_owned(), file_name: file_name.map(str::to_owned) };
    read(&request, bytes)
}

/// Whatever a document holds, its places are places in its text.
fn check(document: &Document) {
    let text = &document.text;
    let most = if document.format == Format::Json { limits::JSON_BODY_BYTES_MAX } else { limits::DOCUMENT_TEXT_BYTES_MAX };
    assert!(text.len() <= most && !text.trim().is_empty());
    let holds = |span: Span| text.get(span.range()).is_some();
    assert!(document.pages.iter().all(|page| holds(page.span)));
    assert!(document.pages.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
    assert!(document.title.is_none_or(holds));
    for table in &document.tables {
        let width = table.rows[0].len();
        assert!(table.rows.len() >= 2 || width >= 2);
        assert!(table.rows.iter().all(|row| row.len() == width && row.iter().all(|cell| holds(*cell) && !document.slice(*cell).contains('\n'))));
    }
    assert!(document.warnings.len() <= limits::DOCUMENT_WARNINGS_MAX + 2);
}

#[test]
fn feeds_stay_as_sent_and_letters_are_opened() {
    let feed = br#"{"notice_type": "PDN",  "affected_parts": ["A\u00a0B"], "subject": "s", "text": "t"}"#;
    let document = read_as("generic", None, feed).expect("feed");
    assert_eq!((document.format, document.text.as_bytes()), (Format::Json, &feed[..]));

    let letter = br#"{"subject": "PDN 7", "text": "Acme ends AX100-3.", "from": "pcn@acme.example"}"#;
    for source in ["email", "inbound-email", "file"] {
        let document = read_as(source, None, letter).expect("letter");
        assert_eq!(document.format, Format::Mail);
        assert_eq!(document.text, "From: pcn@acme.example\nSubject: PDN 7\n\nAcme ends AX100-3.\n");
        assert_eq!(document.title.map(|title| document.slice(title)), Some("PDN 7"));
    }
    let forwarded = br#"{"sender_domain": "acme.example", "subject_line": "PDN 7", "body_content": "Text.", "attachment_metadata": {"pdn.pdf": 1}}"#;
    let document = read_as("email-forward", None, forwarded).expect("forwarded");
    assert_eq!((document.text.as_str(), document.warnings.len()), ("From: acme.example\nSubject: PDN 7\n\nText.\n", 1));

    let alert = r#"{"source_platform": "accuris", "manufacturer_code": "ACME", "part_number": "AX100-3", "lifecycle_status": "EOL", "raw_context": "Ends in May."}"#;
    let document = read_as("component-alert", None, alert.as_bytes()).expect("alert");
    assert_eq!(document.text, "Manufacturer: ACME\nPart number: AX100-3\nLifecycle status: EOL\n\nEnds in May.\n");
    let bare = alert.replace("Ends in May.", " ");
    assert_eq!(read_as("component-alert", None, bare.as_bytes()).expect("alert").format, Format::Json);
}

#[test]
fn events_are_opened() {
    let event = |more: &str| format!(r#"{{"specversion": "1.0", "id": "1", "source": "/", "type": "t", {more}}}"#);
    let of = |more: &str| read_as("cloudevents", None, event(more).as_bytes());
    let notice = of(r#""data": {"notice_type": "PDN", "affected_parts": []}"#).expect("notice");
    assert_eq!((notice.format, notice.text.as_str()), (Format::Json, r#"{"notice_type":"PDN","affected_parts":[]}"#));
    assert_eq!(of(r#""data": "Acme ends AX100-3.""#).expect("prose").format, Format::Text);
    assert_eq!(of(r#""data": {"subject": "s", "text": "t"}"#).expect("letter").format, Format::Mail);
    assert_eq!(of(r#""data_base64": "PHA+QWNtZTwvcD4=""#).expect("page").text, "Acme\n");
    assert!(of(r#""data_base64": "AAECAw==""#).expect_err("binary").contains("binary"));
    // An event in an event in an event ends somewhere.
    let mut nested = event(r#""data": "x""#);
    for _ in 0..limits::NESTING_MAX {
        nested = event(&format!(r#""data": {nested}"#));
    }
    assert!(read_as("cloudevents", None, nested.as_bytes()).expect_err("deep").contains("deeper"));
}

#[test]
fn mails_within_mails_have_a_bottom() {
    let mut mail = "Subject: innermost\r\nFrom: a@b.example\r\n\r\nAX100-3\r\n".to_owned();
    for _ in 0..limits::NESTING_MAX + 3 {
        mail = format!("Subject: outer\r\nFrom: a@b.example\r\nContent-Type: message/rfc822\r\n\r\n{mail}");
    }
    let document = read_as("file", Some("x.eml"), mail.as_bytes()).expect("mail");
    check(&document);
    assert!(document.warnings.iter().any(|warning| warning.contains("nest deeper")), "{:?}", document.warnings);
    let bomb = "Content-Type: message/rfc822\r\n\r\n".repeat(100_000);
    assert!(read_as("email", None, format!("From: a@b.example\r\n{bomb}").as_bytes()).expect_err("bomb").contains("mails within mails"));
    // A thousand parts.
    let parts: String =
        (0..1000).map(|n| format!("--b\r\nContent-Type: text/csv; name=p{n}.csv\r\nContent-Disposition: attachment\r\n\r\nAX{n}\r\n")).collect();
    let many = format!("From: a@b.example\r\nSubject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n");
    let document = read_as("email", None, many.as_bytes()).expect("mail");
    check(&document);
    assert!(document.text.contains("AX199\n") && !document.text.contains("AX200\n"));
    assert!(document.warnings.iter().any(|warning| warning.contains("more than 200 attachments")));
}

/// Every fixture that can be read, to be damaged.
static FIXTURES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents");
    let mut found: Vec<_> = std::fs::read_dir(dir)
        .expect("fixtures")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.is_file())
        .filter(|path| !path.to_string_lossy().contains(".expected"))
        .map(|path| (path.file_name().expect("name").to_string_lossy().into_owned(), std::fs::read(&path).expect("file")))
        .collect();
    found.sort();
    found
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_get_an_answer(start in prop::sample::select(vec!["", "%PDF-1.4\n", "<table><tr><td>", "Subject: s\nFrom: a\n\n", "{\"subject\":", "\u{FEFF}"]), bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut whole = start.as_bytes().to_vec();
        whole.extend_from_slice(&bytes);
        if let Ok(document) = read_as("file", None, &whole) {
            check(&document);
        }
    }

    #[test]
    fn any_text_gets_an_answer(text in "[a-zA-Z0-9 \t|.,<>/=\"&;:\n\r-]{0,600}", source in prop::sample::select(vec!["file", "email", "inbound-email", "cloudevents"])) {
        if let Ok(document) = read_as(source, None, text.as_bytes()) {
            check(&document);
        }
    }

    #[test]
    fn any_table_keeps_its_cells(rows in prop::collection::vec(prop::collection::vec("[A-Z0-9-]{0,9}", 3), 2..8)) {
        let html: String = rows.iter().map(|row| format!("<tr>{}</tr>", row.iter().map(|cell| format!("<td>{cell}</td>")).collect::<String>())).collect();
        if let Ok(document) = read_as("file", None, format!("<html><table>{html}</table>").as_bytes()) {
            check(&document);
            let filled: Vec<Vec<&str>> = rows.iter().filter(|row| row.iter().any(|cell| !cell.is_empty())).map(|row| row.iter().map(String::as_str).collect()).collect();
            for table in &document.tables {
                let cells: Vec<Vec<&str>> = table.rows.iter().map(|row| row.iter().map(|cell| document.slice(*cell)).collect()).collect();
                prop_assert_eq!(&cells, &filled);
            }
        }
    }

    /// Real documents with some bytes changed or cut off. PDFs have a test of their own below, because they take longest.
    #[test]
    fn damaged_documents_get_an_answer(which in any::<prop::sample::Index>(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20), end in 1..=100_usize) {
        let others: Vec<_> = FIXTURES.iter().filter(|(name, _)| !name.ends_with(".pdf")).collect();
        let (name, bytes) = which.get(&others);
        let mut damaged = bytes[..bytes.len() * end / 100].to_vec();
        for (at, byte) in changes {
            if !damaged.is_empty() {
                let at = at.index(damaged.len());
                damaged[at] = byte;
            }
        }
        if let Ok(document) = read_as("file", Some(name), &damaged) {
            check(&document);
        }
    }
}
