//! Reading the log: one payload by its place, or everything in order.

use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    file::{FILE_HEAD, MAGIC, Position, path},
    group::{HEAD, Head, Place, ROW, holds},
};
use crate::{
    domain::event::Digest,
    limits,
    store::{
        codec::decode,
        record::{Record, link},
    },
};

/// What an entry of a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Record,
    Body,
}

/// An entry of a group's table, with the place of its payload.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub kind: Kind,
    pub digest: Digest,
    pub place: Place,
}

/// A group's head and table.
#[derive(Debug)]
pub struct Found {
    pub begins: Position,
    pub ends: Position,
    pub first: u64,
    pub before: Digest,
    pub entries: Vec<Entry>,
}

impl Found {
    /// Number of the record after it, and the link to follow.
    pub fn after(&self) -> (u64, Digest) {
        let records = self.entries.iter().filter(|entry| entry.kind == Kind::Record);
        records.fold((self.first, self.before), |(next, before), entry| (next + 1, link(before, entry.digest)))
    }
}

/// A record as the log holds it.
#[derive(Debug, Clone)]
pub struct Stored {
    pub number: u64,
    pub previous: Digest,
    pub link: Digest,
    pub envelope: Vec<u8>,
    pub place: Place,
}

impl Stored {
    pub fn record(&self) -> Result<Record, String> {
        decode(&self.envelope).map_err(|error| format!("record {}: {error}", self.number))
    }
}

/// Reads files of a log; shared by everybody.
pub struct Reader {
    dir: PathBuf,
    /// Files that are open, by number: a read costs one call then.
    files: Mutex<HashMap<u32, Arc<File>>>,
}

impl Reader {
    pub fn new(dir: &Path) -> Reader {
        Reader { dir: dir.to_path_buf(), files: Mutex::new(HashMap::new()) }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn file(&self, number: u32) -> io::Result<Arc<File>> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(&number) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(File::open(path(&self.dir, number))?);
        if files.len() >= limits::LOG_FILES_OPEN_MAX {
            files.clear();
        }
        files.insert(number, Arc::clone(&file));
        Ok(file)
    }

    /// The bytes at a place, unchecked.
    fn bytes(&self, place: Place) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; place.length as usize];
        self.file(place.file)?.read_exact_at(&mut bytes, u64::from(place.offset))?;
        Ok(bytes)
    }

    /// A record by its place; its envelope's checksum is checked.
    pub fn record(&self, place: Place) -> Result<Record, String> {
        let bytes = self.bytes(place).map_err(|error| format!("a record at {place:?} cannot be read: {error}"))?;
        decode(&bytes).map_err(|error| format!("the record at {place:?}: {error}"))
    }

    /// A body; `InvalidData` where the bytes are not those of the digest.
    pub fn body(&self, digest: Digest, place: Place) -> io::Result<Vec<u8>> {
        let bytes = self.bytes(place)?;
        if Digest::of(&bytes) == digest {
            Ok(bytes)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("the bytes of body {digest} are damaged")))
        }
    }

    /// Id of the log, by one of its files; `None`: it does not begin as such a file.
    pub fn id(&self, number: u32) -> io::Result<Option<[u8; 16]>> {
        let mut head = [0; FILE_HEAD as usize];
        match self.file(number)?.read_exact_at(&mut head, 0) {
            Ok(()) => Ok(head.strip_prefix(&MAGIC[..]).and_then(|id| id.first_chunk().copied())),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Bytes of a file.
    pub fn length(&self, number: u32) -> io::Result<u64> {
        Ok(self.file(number)?.metadata()?.len())
    }

    /// The group at a position of a file of this length; `None`: there is none that is whole by its head and table.
    pub fn group(&self, log: [u8; 16], at: Position, length: u64) -> io::Result<Option<Found>> {
        if length.saturating_sub(at.offset) < HEAD as u64 {
            return Ok(None);
        }
        let file = self.file(at.file)?;
        let mut bytes = [0; HEAD];
        file.read_exact_at(&mut bytes, at.offset)?;
        let Some(head) = Head::parse(&bytes).filter(|head| head.size() <= length - at.offset) else { return Ok(None) };
        let mut table = vec![0; usize::try_from(head.table_bytes()).map_err(io::Error::other)?];
        let payloads = at.offset + HEAD as u64;
        file.read_exact_at(&mut table, payloads + head.payload)?;
        if !holds(log, &bytes, &table) {
            return Ok(None);
        }
        let mut offset = payloads;
        let mut entries = Vec::with_capacity(head.entries as usize);
        for row in table.chunks_exact(ROW) {
            let kind = match row[0] {
                b'R' => Kind::Record,
                b'B' => Kind::Body,
                _ => return Ok(None),
            };
            let length = u32::from_le_bytes([row[1], row[2], row[3], row[4]]);
            let mut digest = Digest([0; 32]);
            digest.0.copy_from_slice(&row[5..]);
            entries.push(Entry { kind, digest, place: Place { file: at.file, offset: u32::try_from(offset).map_err(io::Error::other)?, length } });
            offset += u64::from(length);
        }
        if offset != payloads + head.payload {
            return Ok(None);
        }
        let ends = Position { offset: at.offset + head.size(), ..at };
        Ok(Some(Found { begins: at, ends, first: head.first, before: head.before, entries }))
    }

    /// The groups from a position to another, in order. What is not whole in between is damage.
    pub fn groups(&self, log: [u8; 16], from: Position, to: Position) -> Groups<'_> {
        Groups { reader: self, log, at: from, to, length: None }
    }

    /// The records of a group, each with its link.
    pub fn records<'a>(&'a self, group: &'a Found) -> impl Iterator<Item = Result<Stored, String>> + 'a {
        let (mut number, mut previous) = (group.first, group.before);
        group.entries.iter().filter(|entry| entry.kind == Kind::Record).map(move |entry| {
            let (at, before, own) = (number, previous, link(previous, entry.digest));
            (number, previous) = (number + 1, own);
            let envelope = self.bytes(entry.place).map_err(|error| format!("record {at} cannot be read: {error}"))?;
            if Digest::of(&envelope) != entry.digest {
                return Err(format!("record {at}: its bytes are not those that were written"));
            }
            Ok(Stored { number: at, previous: before, link: own, envelope, place: entry.place })
        })
    }

    /// Bytes of a payload that are not zeros already: what freeing it gives back.
    pub fn occupied(&self, place: Place) -> io::Result<u64> {
        Ok(if self.bytes(place)?.iter().all(|byte| *byte == 0) { 0 } else { u64::from(place.length) })
    }

    /// Gives the room of a payload back to the file system; where that knows no holes, its bytes become zeros. Returns how many bytes were still there.
    pub fn free(&self, place: Place) -> io::Result<u64> {
        let occupied = self.occupied(place)?;
        if occupied > 0 {
            let file = File::options().write(true).open(path(&self.dir, place.file))?;
            let flags = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
            match rustix::fs::fallocate(&file, flags, u64::from(place.offset), u64::from(place.length)) {
                Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
                    file.write_all_at(&vec![0; place.length as usize], u64::from(place.offset))?;
                }
                done => done?,
            }
        }
        Ok(occupied)
    }
}

/// See `Reader::groups`.
pub struct Groups<'a> {
    reader: &'a Reader,
    log: [u8; 16],
    at: Position,
    to: Position,
    /// Of the file at hand.
    length: Option<u64>,
}

impl Iterator for Groups<'_> {
    type Item = Result<Found, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.step().transpose();
        if matches!(found, Some(Err(_))) {
            self.at = self.to;
        }
        found
    }
}

impl Groups<'_> {
    fn step(&mut self) -> Result<Option<Found>, String> {
        loop {
            if self.at >= self.to {
                return Ok(None);
            }
            let broken = |error: io::Error| format!("file {} of the log cannot be read: {error}", self.at.file);
            let length = match self.length {
                Some(length) => length,
                None if self.at.file == self.to.file => self.to.offset,
                None => self.reader.length(self.at.file).map_err(broken)?,
            };
            self.length = Some(length);
            if self.at.offset == length && self.at.file < self.to.file {
                (self.at, self.length) = (Position { file: self.at.file + 1, offset: FILE_HEAD }, None);
                continue;
            }
            return match self.reader.group(self.log, self.at, length).map_err(broken)? {
                Some(found) => {
                    self.at = found.ends;
                    Ok(Some(found))
                }
                None => Err(format!("file {} of the log is damaged at byte {}: no whole group begins there", self.at.file, self.at.offset)),
            };
        }
    }
}
