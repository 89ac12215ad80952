//! STUB of the document layer's public face. See the brief.
use std::process::ExitCode;

use crate::{child::Program, domain::document::Document};

/// First argument of the child that extracts.
pub const CHILD_ROLE: &str = "child-document";

/// The child's main.
pub fn child_main() -> ExitCode {
    todo!()
}

/// What is to be read.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// Name of the source, which says how the bytes are wrapped (`email` is JSON with subject and text, `cloudevents` an envelope, `file` bare bytes).
    pub source: &'a str,
    /// Media type without parameters; may lie.
    pub content_type: &'a str,
    pub file_name: Option<&'a str>,
    pub bytes: &'a [u8],
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// The bytes will never give a text: a person must look. The sentence says why and what to do.
    #[error("{0}")]
    Unreadable(String),
    /// The child died or ran out of time or memory; worth another attempt, and hopeless after some.
    #[error("{0}")]
    Failed(String),
}

/// Extracts in a sandboxed child of this binary.
pub struct Extractor;

impl Extractor {
    pub fn new(_program: Program) -> Extractor {
        todo!()
    }
    pub fn extract(&self, _input: &Input<'_>) -> Result<Document, ExtractError> {
        todo!()
    }
}
