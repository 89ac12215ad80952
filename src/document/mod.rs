//! Bytes to text with layout: one file a format, and all of it in a sandboxed child, because what arrives is hostile until proven otherwise.
//!
//! The parent sends one request, a header (JSON) and the bytes, and gets the document as JSON, or a sentence why there will never be one. A child that read
//! anything but plain text or a feed is replaced afterwards, and the next one started at once: what one sender's PDF did to a child must not meet the next sender's.

mod archive;
mod builder;
mod cells;
mod columns;
mod decode;
mod delimited;
mod docx;
mod dom;
mod html;
mod html_seen;
mod html_style;
mod html_table;
mod json;
mod mail;
mod msg;
mod nesting;
mod open;
mod pdf;
mod pdf_layout;
mod pdf_seen;
mod rtf;
mod sheet;
mod smartpcn;
mod sniff;
mod text;
mod tnef;

use std::{
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    child::{self, ChildError, Program, Spec, Supervised},
    domain::document::{Document, Format},
    limits,
};
use builder::Builder;
use nesting::{Budget, Nesting};
use open::Hints;

/// First argument of the child that extracts.
pub const CHILD_ROLE: &str = "child-document";

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
    /// The document took all the time or memory it may, or made its reader fail. It will do so again; a second attempt is only for a machine that was too busy.
    #[error("{0}")]
    Spent(String),
    /// The child could not be started or was killed from outside; worth more attempts.
    #[error("{0}")]
    Failed(String),
}

/// What the child is told beside the bytes.
#[derive(Serialize, Deserialize)]
struct Request {
    source: String,
    content_type: String,
    file_name: Option<String>,
}

/// Extracts in a sandboxed child of this binary, one document at a time.
pub struct Extractor {
    spec: Spec,
    child: Mutex<Arc<Reader>>,
}

/// A child, and how many documents it was given.
struct Reader {
    child: Supervised,
    given: AtomicU32,
}

impl Reader {
    fn new(spec: &Spec) -> Arc<Reader> {
        Arc::new(Reader { child: Supervised::new(spec.clone()), given: AtomicU32::new(0) })
    }
}

impl Extractor {
    /// The child is started with the first document.
    pub fn new(program: Program) -> Extractor {
        let spec = Spec {
            program,
            role: CHILD_ROLE,
            args: Vec::new(),
            address_space_bytes: Some(limits::DOCUMENT_CHILD_BYTES_MAX),
            cpu_seconds: Some(limits::DOCUMENT_CHILD_CPU_SECONDS_MAX),
            confined: true,
            sealed: true,
        };
        let child = Mutex::new(Reader::new(&spec));
        Extractor { spec, child }
    }

    /// The text of some bytes, within `limits::DOCUMENT_SECONDS_MAX`.
    pub fn extract(&self, input: &Input<'_>) -> Result<Document, ExtractError> {
        let reader = Arc::clone(&self.child.lock().unwrap_or_else(PoisonError::into_inner));
        let given = reader.given.fetch_add(1, Ordering::Relaxed) + 1;
        let answer = reader.child.ask(&frame(input)?, Duration::from_secs(limits::DOCUMENT_SECONDS_MAX));
        let document = match answer {
            Ok(bytes) => serde_json::from_slice::<Document>(&bytes)
                .map_err(|error| ExtractError::Failed(format!("the document child's answer is not understood: {error}"))),
            Err(ChildError::Refused(why)) => Err(ExtractError::Unreadable(why)),
            Err(ChildError::Late(_)) => Err(ExtractError::Spent(format!(
                "reading the document took longer than {} seconds, and the child that read it was ended; hand it in as PDF or text, or without what makes it large",
                limits::DOCUMENT_SECONDS_MAX
            ))),
            Err(ChildError::Died(how)) => Err(died(&how)),
            Err(error @ ChildError::Start(_)) => Err(ExtractError::Failed(format!("the document could not be read: {error}"))),
        };
        let is_simple = document.as_ref().is_ok_and(|document| matches!(document.format, Format::Json | Format::Text));
        if !is_simple || given >= limits::DOCUMENTS_PER_CHILD_MAX {
            self.replace(&reader);
        }
        document
    }

    /// Whoever still waits for the old child gets an answer from it; it ends with the last of them.
    fn replace(&self, old: &Arc<Reader>) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&child, old) {
            let next = Reader::new(&self.spec);
            next.child.begin();
            *child = next;
        }
    }
}

/// What a child's death says about its document. The kernel's own killing says nothing: it may have wanted the memory for something else.
fn died(how: &str) -> ExtractError {
    let megabytes = limits::DOCUMENT_CHILD_BYTES_MAX >> 20;
    let why = if how.contains("SIGKILL") {
        return ExtractError::Failed(format!("the document could not be read: {how}"));
    } else if how.contains("memory allocation of") {
        format!("reading the document takes more than the {megabytes} MiB of memory it may; hand in a part of it, or save it anew")
    } else if how.contains("SIGXCPU") {
        format!(
            "reading the document takes more than {} seconds of computing; hand in a part of it, or save it anew",
            limits::DOCUMENT_CHILD_CPU_SECONDS_MAX
        )
    } else if how.contains("stack overflow") {
        "the document nests so deep that it cannot be read; save it anew, or as PDF or text".to_owned()
    } else {
        format!("the document made its reader fail: {how}; save it anew, or as PDF or text")
    };
    ExtractError::Spent(why)
}

/// Length of the header (four bytes, little endian), the header, the bytes.
fn frame(input: &Input<'_>) -> Result<Vec<u8>, ExtractError> {
    let request =
        Request { source: input.source.to_owned(), content_type: input.content_type.to_owned(), file_name: input.file_name.map(str::to_owned) };
    let header = serde_json::to_vec(&request).map_err(|error| ExtractError::Failed(error.to_string()))?;
    let mut frame = Vec::with_capacity(4 + header.len() + input.bytes.len());
    frame.extend_from_slice(&(header.len() as u32).to_le_bytes());
    frame.extend_from_slice(&header);
    frame.extend_from_slice(input.bytes);
    if frame.len() > limits::FRAME_BYTES_MAX {
        let most = limits::BODY_BYTES_MAX;
        return Err(ExtractError::Unreadable(format!("it has {} bytes, over the limit of {most}; split it", input.bytes.len())));
    }
    Ok(frame)
}

/// The child's main: documents until the parent is done.
pub fn child_main() -> ExitCode {
    child::serve(|frame| {
        let (length, rest) = frame.split_first_chunk().ok_or("a request without a header")?;
        let (header, bytes) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or("a request whose header is cut")?;
        let request: Request = serde_json::from_slice(header).map_err(|error| error.to_string())?;
        let document = read(&request, bytes)?;
        serde_json::to_vec(&document).map_err(|error| error.to_string())
    })
}

/// The file name that a media type stands for, where it calls the bytes a table.
fn named_table(content_type: &str) -> Option<&'static str> {
    match content_type {
        "text/csv" => Some("table.csv"),
        "text/tab-separated-values" => Some("table.tsv"),
        _ => None,
    }
}

/// Reads one document; the sentence says why it never can be.
fn read(request: &Request, bytes: &[u8]) -> Result<Document, String> {
    let mut builder = Builder::default();
    let is_mail = matches!(request.content_type.as_str(), "message/rfc822" | "message/global")
        || request.source == "email"
        || request.file_name.as_deref().is_some_and(|name| name.to_ascii_lowercase().ends_with(".eml"));
    let format = match request.source.as_str() {
        // What these send is a feed, even where its keys could be those of a letter.
        "siliconexpert" | "generic" | "commercial-radar" => json::feed(&mut builder, bytes)?,
        _ => {
            let budget = Budget::default();
            let file_name = request.file_name.as_deref().or_else(|| named_table(&request.content_type));
            let hints = Hints { name: None, file_name, is_mail, charset: None, nesting: Nesting::outermost(&budget) };
            open::add(&mut builder, &hints, bytes)?
        }
    };
    builder.finish(format)
}

#[cfg(test)]
mod tests;
