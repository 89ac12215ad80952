//! Documents as they come, read by the real child: what each gives stands beside it. And documents that are meant to do harm: they kill a child, not its parent.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use lastbuy::{
    child::{self, Program, Spec, Supervised},
    document::{CHILD_ROLE, ExtractError, Extractor, Input},
    domain::document::Document,
    limits,
};

fn extractor() -> Extractor {
    Extractor::new(Program::at(env!("CARGO_BIN_EXE_lastbuy")))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).expect(name)
}

fn read(extractor: &Extractor, name: &str, bytes: &[u8]) -> Result<Document, ExtractError> {
    extractor.extract(&Input { source: "file", content_type: "application/octet-stream", file_name: Some(name), bytes })
}

/// A document as a person checks it.
fn shown(result: &Result<Document, ExtractError>) -> String {
    let document = match result {
        Ok(document) => document,
        Err(error) => return format!("unreadable: {error}\n"),
    };
    let mut out = format!("format: {:?}\n", document.format).to_lowercase();
    if let Some(title) = document.title {
        _ = writeln!(out, "title: {}", document.slice(title));
    }
    for page in &document.pages {
        _ = write!(out, "=== {}\n{}", page.name, document.slice(page.span));
    }
    for (number, table) in document.tables.iter().enumerate() {
        _ = writeln!(out, "=== table {}", number + 1);
        for row in &table.rows {
            _ = writeln!(out, "{}", row.iter().map(|cell| document.slice(*cell)).collect::<Vec<_>>().join(" | "));
        }
    }
    for warning in &document.warnings {
        _ = writeln!(out, "warning: {warning}");
    }
    out
}

#[test]
fn each_document_gives_what_stands_beside_it() {
    let extractor = extractor();
    let is_expectation = |name: &str| name.contains(".expected.");
    let mut names: Vec<String> =
        std::fs::read_dir(folder()).expect("folder").map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for name in names.iter().filter(|name| !is_expectation(name)) {
        let found = shown(&read(&extractor, name, &file(name)));
        let expected = std::fs::read_to_string(folder().join(format!("{name}.expected.txt"))).unwrap_or_default();
        seen += 1;
        if found != expected {
            let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.expected.txt"));
            std::fs::write(&beside, &found).expect("what was found");
            wrong.push(format!("{name}: see {}", beside.display()));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
    assert!(seen >= 20 && names.len() == 2 * seen, "{seen} documents, {} files", names.len());
}
