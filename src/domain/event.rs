//! What arrived: immutable from the moment it is acknowledged.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{id::EventId, time::At};

/// Who sent it, by the name of its route: `siliconexpert`, `email`, `cloudevents`, `generic`, `file`, and the article's four (`commercial-radar`,
/// `inbound-email`, `component-alert`, `email-forward`). Lower case letters, digits and dashes, 1 to 32 of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Source(String);

/// Why a text is not a source's name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is not a source name: 1 to 32 lower case letters, digits and dashes")]
pub struct SourceError(String);

impl Source {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=32).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Source(text.to_owned()))
        } else {
            Err(SourceError(text.chars().take(40).collect()))
        }
    }
}

impl TryFrom<String> for Source {
    type Error = SourceError;

    fn try_from(text: String) -> Result<Self, SourceError> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> String {
        source.0
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// BLAKE3 of some bytes; shown as lower case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Digest {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Digest, hex::FromHexError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Digest(bytes))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            <[u8; 32]>::deserialize(deserializer).map(Digest)
        }
    }
}

/// Beginning of the reason why an event is ignored that lies in quarantine: refused for what it holds, and kept for a person to look at.
pub const QUARANTINED: &str = "quarantined: ";

/// What intake makes of a delivery before it has a number: everything the log will hold about it but the id and the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub source: Source,
    /// Media type as sent, without parameters, lower case.
    pub content_type: String,
    pub file_name: Option<String>,
    /// Same delivery, same key: the sender's own id where it has one, otherwise a digest of source and body.
    pub dedupe_key: Digest,
    /// Headers worth keeping, name in lower case, never a secret; bounded by `limits::HEADERS_KEPT_MAX`.
    pub headers: Vec<(String, String)>,
    pub body: bytes::Bytes,
    /// Kept on record but not worked on, with the reason: an alert that is no discontinuance, from a client that wants it ignored.
    pub ignored: Option<String>,
}

/// What arrived, as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub source: Source,
    /// Who handed it in: `source:generic`, or `uid:1000` for a file given to `lastbuy ingest`.
    pub by: String,
    pub received_at: At,
    pub content_type: String,
    pub file_name: Option<String>,
    pub dedupe_key: Digest,
    pub headers: Vec<(String, String)>,
    /// Digest of the body; the bytes are in the store under it.
    pub body: Digest,
    pub body_bytes: u64,
    pub ignored: Option<String>,
}

impl Event {
    /// It was refused for what it holds and is kept for a person to look at.
    pub fn is_quarantined(&self) -> bool {
        self.ignored.as_deref().is_some_and(|reason| reason.starts_with(QUARANTINED))
    }
}
