//! STUB of the intake layer's public face. See the brief.
use crate::domain::event::{Arrival, Source};

/// One delivery as it came over HTTP or from a file.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub source: Source,
    /// The Content-Type header as sent.
    pub content_type: Option<String>,
    pub file_name: Option<String>,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: bytes::Bytes,
}

/// Why a delivery is not taken; each has a stable code and an HTTP status (`problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{0}")]
    UnknownSource(String),
    #[error("{0}")]
    WrongType(String),
    #[error("{0}")]
    Malformed(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    Unauthorised(String),
}

impl Refusal {
    pub fn status(&self) -> u16 {
        todo!()
    }
    pub fn code(&self) -> &'static str {
        todo!()
    }
}

/// Shared secrets by source name; a source without one takes unsigned deliveries.
#[derive(Clone, Default)]
pub struct Secrets(pub std::collections::BTreeMap<String, String>);

/// Every source this build takes.
pub fn sources() -> &'static [&'static str] {
    todo!()
}

/// Largest body of a source, in bytes.
pub fn body_bytes_max(_source: &Source) -> usize {
    todo!()
}

/// Bytes → arrival(s): form checked, dedupe key made. No sockets, no store.
pub fn receive(_delivery: Delivery, _secrets: &Secrets, _now_ms: i64) -> Result<Arrival, Refusal> {
    todo!()
}
