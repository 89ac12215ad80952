//! How a value becomes bytes on disk, and the one place that names bincode.
//!
//! ```text
//! magic 0xB7 (1) │ schema (2, LE) │ length of the body (4, LE) │ CRC-32 of the body (4, LE) │ body: bincode 1.3.3, fixed-width integers, little endian
//! ```
//! A changed type gets the next schema number and a step in `upgrade` that reads its frozen predecessor; a store is upgraded as a whole when it is opened, so
//! everything in an open store has the present number.
//! Never stored: serde flatten, skip, tag, untagged, `serde_json::Value` — bincode loses data with them. Enums are append-only.

use bincode::Options;
use serde::{Serialize, de::DeserializeOwned};

const MAGIC: u8 = 0xB7;
const HEAD: usize = 11;
/// No stored value is larger; lists that could grow past it are refused before they get here.
const BODY_BYTES_MAX: u64 = 16 << 20;
/// Present schema of everything stored.
pub(super) const SCHEMA: u16 = 1;

/// Bytes that are not what was written. A sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(pub String);

fn options() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().with_little_endian().with_limit(BODY_BYTES_MAX).reject_trailing_bytes()
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CodecError> {
    let body = options().serialize(value).map_err(|error| CodecError(format!("a value cannot be stored: {error}")))?;
    let length = u32::try_from(body.len()).map_err(|_| CodecError(format!("a value of {} bytes is too large to be stored", body.len())))?;
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.push(MAGIC);
    bytes.extend(SCHEMA.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(crc32fast::hash(&body).to_le_bytes());
    bytes.extend(body);
    Ok(bytes)
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    decode_as(SCHEMA, bytes)
}

/// A value of an older schema, by its frozen type; only upgrades need it.
pub(super) fn decode_as<T: DeserializeOwned>(expected: u16, bytes: &[u8]) -> Result<T, CodecError> {
    let damaged = |what: &str| CodecError(format!("a stored value is damaged: {what}"));
    let head: &[u8; HEAD] = bytes.first_chunk().ok_or_else(|| damaged("it is shorter than its head"))?;
    if head[0] != MAGIC {
        return Err(damaged("it does not begin with the magic byte"));
    }
    let schema = u16::from_le_bytes([head[1], head[2]]);
    if schema != expected {
        return Err(CodecError(format!(
            "a stored value has schema {schema} where {expected} is read: use the program that wrote it, or a newer one"
        )));
    }
    let length = u32::from_le_bytes([head[3], head[4], head[5], head[6]]) as usize;
    let crc = u32::from_le_bytes([head[7], head[8], head[9], head[10]]);
    let body = &bytes[HEAD..];
    if body.len() != length {
        return Err(damaged(&format!("{} bytes where {length} were written", body.len())));
    }
    if crc32fast::hash(body) != crc {
        return Err(damaged("its checksum does not match"));
    }
    options().deserialize(body).map_err(|error| damaged(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_seen() {
        let bytes = encode(&("part".to_owned(), 7_u64)).expect("encode");
        assert_eq!(decode::<(String, u64)>(&bytes).expect("decode"), ("part".to_owned(), 7));
        for at in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert!(decode::<(String, u64)>(&damaged).is_err(), "bit {at} was not seen");
        }
        assert!(decode::<(String, u64)>(&bytes[..bytes.len() - 1]).is_err());
    }
}
