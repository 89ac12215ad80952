//! Bodies and results by digest. Small ones are appended to segment files, one sync for a whole group; large ones get a file of their own.
//!
//! ```text
//! segments/00000001.seg:  { "LBSG" │ length (4, LE) │ BLAKE3 of the bytes (32) │ bytes } …
//! segments/<hex of BLAKE3>.body:  the bytes
//! ```
//! A crash can leave a torn entry at the end of the last segment, or a body no record names; neither is in the index, and the next process begins a new
//! segment. Every read is checked against its digest.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::failpoint;
use crate::{domain::event::Digest, limits};

const MAGIC: &[u8; 4] = b"LBSG";
const HEAD: u64 = 40;

/// Where a body is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Location {
    Segment {
        number: u32,
        offset: u64,
        length: u32,
    },
    /// A file of its own.
    File {
        length: u64,
    },
}

impl Location {
    /// Of the body, in bytes.
    pub fn length(&self) -> u64 {
        match self {
            Location::Segment { length, .. } => u64::from(*length),
            Location::File { length } => *length,
        }
    }
}

/// Appends bodies; only the writer has one.
pub(super) struct Segments {
    dir: PathBuf,
    open: Option<(u32, File, u64)>,
    next: u32,
    unsynced: bool,
}

impl Segments {
    /// After the newest segment there is; an old one is never appended to again, so a torn tail stays where it is and harms nobody.
    pub fn open(dir: &Path) -> io::Result<Segments> {
        let mut newest = 0;
        for entry in fs::read_dir(dir)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".seg")).and_then(|number| number.parse().ok());
            newest = newest.max(number.unwrap_or(0));
        }
        Ok(Segments { dir: dir.to_path_buf(), open: None, next: newest + 1, unsynced: false })
    }

    /// Writes, without syncing what goes to a segment; a file of its own is synced at once.
    pub fn append(&mut self, digest: Digest, bytes: &[u8]) -> io::Result<Location> {
        if bytes.len() > limits::SEGMENT_BODY_BYTES_MAX {
            return self.own_file(digest, bytes);
        }
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        if self.open.as_ref().is_none_or(|(_, _, end)| *end >= limits::SEGMENT_BYTES_MAX) {
            self.sync()?;
            self.begin()?;
        }
        let Some((number, file, end)) = self.open.as_mut() else { return Err(io::Error::other("no segment is open")) };
        let mut entry = Vec::with_capacity(bytes.len() + HEAD as usize);
        entry.extend(MAGIC);
        entry.extend(length.to_le_bytes());
        entry.extend(digest.0);
        entry.extend(bytes);
        file.write_all(&entry)?;
        let location = Location::Segment { number: *number, offset: *end + HEAD, length };
        *end += entry.len() as u64;
        self.unsynced = true;
        Ok(location)
    }

    /// Everything appended so far is on the medium.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.unsynced
            && let Some((_, file, _)) = &self.open
        {
            file.sync_data()?;
            self.unsynced = false;
        }
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        let number = self.next;
        let file = OpenOptions::new().write(true).create_new(true).open(segment_path(&self.dir, number))?;
        failpoint::pass("new-segment");
        sync_dir(&self.dir)?;
        self.next += 1;
        self.open = Some((number, file, 0));
        Ok(())
    }

    fn own_file(&self, digest: Digest, bytes: &[u8]) -> io::Result<Location> {
        let mut aside = tempfile::NamedTempFile::new_in(&self.dir)?;
        aside.write_all(bytes)?;
        failpoint::pass("before-file-sync");
        aside.as_file().sync_all()?;
        failpoint::pass("before-file-rename");
        aside.persist(own_path(&self.dir, digest))?;
        failpoint::pass("after-file-rename");
        sync_dir(&self.dir)?;
        Ok(Location::File { length: bytes.len() as u64 })
    }
}

/// The bytes at a place; `InvalidData` where they are not those of the digest.
pub(super) fn read(dir: &Path, digest: Digest, location: &Location) -> io::Result<Vec<u8>> {
    let bytes = match location {
        Location::Segment { number, offset, length } => {
            let mut bytes = vec![0; *length as usize];
            File::open(segment_path(dir, *number))?.read_exact_at(&mut bytes, *offset)?;
            bytes
        }
        Location::File { length } => {
            let mut file = File::open(own_path(dir, digest))?;
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            file.take(length + 1).read_to_end(&mut bytes)?;
            bytes
        }
    };
    if Digest::of(&bytes) == digest {
        Ok(bytes)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("the bytes of body {digest} are damaged")))
    }
}

/// What a file in the folder of segments is, by its name; `None` for what is only there for a moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Segment(u32),
    Own(Digest),
}

pub(super) fn file_kind(name: &str) -> Option<FileKind> {
    if let Some(number) = name.strip_suffix(".seg") {
        return number.parse().ok().map(FileKind::Segment);
    }
    name.strip_suffix(".body").and_then(|hex| hex.parse().ok()).map(FileKind::Own)
}

fn segment_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.seg"))
}

fn own_path(dir: &Path, digest: Digest) -> PathBuf {
    dir.join(format!("{digest}.body"))
}

/// A new or renamed file is only there after a crash when its folder was synced.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_and_damage_is_seen() {
        let dir = tempfile::tempdir().expect("folder");
        let mut segments = Segments::open(dir.path()).expect("open");
        let bodies = [b"".to_vec(), b"notice".to_vec(), vec![7; limits::SEGMENT_BODY_BYTES_MAX + 1]];
        let places: Vec<Location> = bodies.iter().map(|body| segments.append(Digest::of(body), body).expect("append")).collect();
        segments.sync().expect("sync");
        for (body, place) in bodies.iter().zip(&places) {
            assert_eq!(&read(dir.path(), Digest::of(body), place).expect("read"), body);
        }
        let path = segment_path(dir.path(), 1);
        let mut bytes = fs::read(&path).expect("segment");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).expect("damage");
        assert_eq!(read(dir.path(), Digest::of(&bodies[1]), &places[1]).expect_err("damaged").kind(), io::ErrorKind::InvalidData);
        // The next process leaves a torn segment alone.
        let mut next = Segments::open(dir.path()).expect("open");
        assert!(matches!(next.append(Digest::of(b"x"), b"x").expect("append"), Location::Segment { number: 2, offset: HEAD, length: 1 }));
    }
}
