//! Documents as they come, read by the real child: what each gives stands beside it. And documents that are meant to do harm: they kill a child, not its parent.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot be set up must fail at once; what it saw is printed")]

#[path = "../common/damage.rs"]
mod damage;
mod fixtures;
mod handover;
mod hostile;
mod mutated;
mod packed;
mod sandbox;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use lastbuy::{
    child::Program,
    document::{ExtractError, Extractor, Input},
    domain::document::Document,
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

const LETTER: &[u8] = b"Acme ends AX100-3 on 31 March 2027.\n";
