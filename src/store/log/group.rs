//! One group of the log: built in memory, and read back.

use super::file::Position;
use crate::{
    domain::event::Digest,
    store::{
        codec::{CodecError, decode, encode},
        record::{Record, link},
    },
};

pub const MAGIC: &[u8; 4] = b"LBGR";
pub const HEAD: usize = 60;
pub const ROW: usize = 37;

/// Where a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: u32,
    pub offset: u32,
    pub length: u32,
}

impl Place {
    pub const BYTES: usize = 12;

    pub fn to_bytes(self) -> [u8; Place::BYTES] {
        let mut bytes = [0; Place::BYTES];
        bytes[..4].copy_from_slice(&self.file.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.offset.to_be_bytes());
        bytes[8..].copy_from_slice(&self.length.to_be_bytes());
        bytes
    }

    /// The place a row begins with.
    pub fn at_head(row: &[u8]) -> Result<Place, CodecError> {
        Place::from_bytes(row.get(..Place::BYTES).unwrap_or(row))
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Place, CodecError> {
        let of = |at: usize| bytes.get(at..at + 4).and_then(|four| four.first_chunk()).map(|four| u32::from_be_bytes(*four));
        match (bytes.len(), of(0), of(4), of(8)) {
            (Place::BYTES, Some(file), Some(offset), Some(length)) => Ok(Place { file, offset, length }),
            _ => Err(CodecError("a place in the log is damaged".to_owned())),
        }
    }
}

/// A group while it is built.
pub struct Group {
    begins: Position,
    first: u64,
    before: Digest,
    next: u64,
    link: Digest,
    /// Room for the head, then payloads.
    bytes: Vec<u8>,
    table: Vec<u8>,
}

impl Group {
    /// Begins at a place of the log, where the next record has number `next` and follows `link`.
    pub fn new(begins: Position, next: u64, link: Digest) -> Group {
        Group { begins, first: next, before: link, next, link, bytes: vec![0; HEAD], table: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Bytes it will have in the file.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.table.len()
    }

    /// Where it begins.
    pub fn begins(&self) -> Position {
        self.begins
    }

    /// Where the one after it begins.
    pub fn ends(&self) -> Position {
        Position { offset: self.begins.offset + self.size() as u64, ..self.begins }
    }

    /// Number of its first record.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Number of the record after it.
    pub fn next(&self) -> u64 {
        self.next
    }

    pub fn link(&self) -> Digest {
        self.link
    }

    /// Adds a record. Returns its number and where it will be.
    pub fn record(&mut self, record: &Record) -> Result<(u64, Place), CodecError> {
        self.envelope(&encode(record)?)
    }

    /// Adds a record by its envelope.
    pub fn envelope(&mut self, envelope: &[u8]) -> Result<(u64, Place), CodecError> {
        let digest = Digest::of(envelope);
        let place = self.push(b'R', digest, envelope)?;
        let number = self.next;
        self.next += 1;
        self.link = link(self.link, digest);
        Ok((number, place))
    }

    /// Adds a body. Returns where it will be.
    pub fn body(&mut self, digest: Digest, bytes: &[u8]) -> Result<Place, CodecError> {
        self.push(b'B', digest, bytes)
    }

    fn push(&mut self, kind: u8, digest: Digest, payload: &[u8]) -> Result<Place, CodecError> {
        let too_large = |_| CodecError(format!("{} bytes do not fit into a group of the log", payload.len()));
        let offset = u32::try_from(self.begins.offset + self.bytes.len() as u64).map_err(too_large)?;
        let length = u32::try_from(payload.len()).map_err(too_large)?;
        self.bytes.extend_from_slice(payload);
        self.table.push(kind);
        self.table.extend(length.to_le_bytes());
        self.table.extend(digest.0);
        Ok(Place { file: self.begins.file, offset, length })
    }

    /// A record that this group holds already.
    pub fn find(&self, place: Place) -> Option<Result<Record, CodecError>> {
        let at = u64::from(place.offset).checked_sub(self.begins.offset).filter(|_| place.file == self.begins.file && !self.is_empty())?;
        let bytes = usize::try_from(at).ok().and_then(|at| self.bytes.get(at..at + place.length as usize));
        bytes.map(decode)
    }

    /// The whole group as the file of this log holds it.
    pub fn into_bytes(mut self, log: [u8; 16]) -> Vec<u8> {
        let payload = (self.bytes.len() - HEAD) as u64;
        let entries = u32::try_from(self.table.len() / ROW).unwrap_or(u32::MAX);
        let head = Head { entries, payload, first: self.first, before: self.before };
        self.bytes[..HEAD].copy_from_slice(&head.to_bytes(log, &self.table));
        self.bytes.append(&mut self.table);
        self.bytes
    }
}

/// What a group says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub entries: u32,
    /// Bytes of all payloads.
    pub payload: u64,
    pub first: u64,
    pub before: Digest,
}

impl Head {
    fn to_bytes(self, log: [u8; 16], table: &[u8]) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(MAGIC);
        bytes[4..8].copy_from_slice(&self.entries.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.payload.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        bytes[24..56].copy_from_slice(&self.before.0);
        let crc = crc(log, &bytes, table);
        bytes[56..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// By its form alone; whether it is one, its table must show (`holds`).
    pub fn parse(bytes: &[u8; HEAD]) -> Option<Head> {
        let four = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let eight = |at: usize| u64::from(four(at)) | u64::from(four(at + 4)) << 32;
        let before = Digest(*bytes[24..56].first_chunk()?);
        (bytes.starts_with(MAGIC)).then(|| Head { entries: four(4), payload: eight(8), first: eight(16), before })
    }

    pub fn table_bytes(&self) -> u64 {
        u64::from(self.entries) * ROW as u64
    }

    /// Bytes of the group.
    pub fn size(&self) -> u64 {
        (HEAD as u64).saturating_add(self.payload).saturating_add(self.table_bytes())
    }
}

/// Whether head and table belong together and to this log.
pub fn holds(log: [u8; 16], head: &[u8; HEAD], table: &[u8]) -> bool {
    crc(log, head, table).to_le_bytes() == head[56..]
}

fn crc(log: [u8; 16], head: &[u8; HEAD], table: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&log);
    crc.update(&head[..56]);
    crc.update(table);
    crc.finalize()
}
