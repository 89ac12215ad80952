//! The end of the log: the file that is appended to.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::group::Group;
use crate::{domain::event::Digest, limits, store::failpoint};

pub const MAGIC: &[u8; 16] = b"lastbuy log 1\n\0\0";
pub const FILE_HEAD: u64 = 32;

/// A place between groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    pub file: u32,
    pub offset: u64,
}

impl Position {
    pub const START: Position = Position { file: 1, offset: FILE_HEAD };
}

/// The log as the one who appends to it has it.
pub struct Log {
    dir: PathBuf,
    id: [u8; 16],
    file: File,
    end: Position,
    next: u64,
    link: Digest,
}

impl Log {
    /// A new and empty log in a folder that is there.
    pub fn create(dir: &Path) -> io::Result<Log> {
        let id = random()?;
        let file = begin(dir, 1, id)?;
        Ok(Log { dir: dir.to_path_buf(), id, file, end: Position::START, next: 1, link: crate::store::record::FIRST_LINK })
    }

    /// One that is there, at its end.
    pub fn at(dir: &Path, id: [u8; 16], file: File, end: Position, next: u64, link: Digest) -> Log {
        Log { dir: dir.to_path_buf(), id, file, end, next, link }
    }

    pub fn id(&self) -> [u8; 16] {
        self.id
    }

    pub fn end(&self) -> Position {
        self.end
    }

    /// Number of the next record.
    pub fn next(&self) -> u64 {
        self.next
    }

    pub fn link(&self) -> Digest {
        self.link
    }

    /// A group to be filled and appended; begins a new file where the present one is full.
    pub fn begin(&mut self) -> io::Result<Group> {
        if self.end.offset >= limits::LOG_FILE_BYTES_MAX {
            self.roll()?;
        }
        Ok(Group::new(self.end, self.next, self.link))
    }

    /// Begins a new file, unless the present one is empty.
    pub fn roll(&mut self) -> io::Result<()> {
        if self.end.offset > FILE_HEAD {
            // The end of an older file is never looked at for what is not whole.
            self.sync()?;
            let number = self.end.file + 1;
            self.file = begin(&self.dir, number, self.id)?;
            self.end = Position { file: number, offset: FILE_HEAD };
        }
        Ok(())
    }

    /// Writes a group; it is on the medium after `sync`.
    pub fn append(&mut self, group: Group) -> io::Result<()> {
        let (end, next, link) = (group.ends(), group.next(), group.link());
        let at = self.end.offset;
        self.file.write_all_at(&group.into_bytes(self.id), at)?;
        (self.end, self.next, self.link) = (end, next, link);
        Ok(())
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// What tells this log from any other.
fn random() -> io::Result<[u8; 16]> {
    let mut id = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut id)?;
    Ok(id)
}

/// Makes a file of the log, whole and with its name on the medium.
fn begin(dir: &Path, number: u32, id: [u8; 16]) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(path(dir, number))?;
    failpoint::pass("new-file");
    write_head(&mut file, id)?;
    sync_dir(dir)?;
    Ok(file)
}

pub fn write_head(file: &mut File, id: [u8; 16]) -> io::Result<()> {
    file.write_all(&[&MAGIC[..], &id].concat())?;
    file.sync_all()
}

pub fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.log"))
}

/// The number of a file of the log by its name.
pub fn number(name: &str) -> Option<u32> {
    name.strip_suffix(".log").and_then(|number| number.parse().ok())
}

/// A new or renamed file is only there after a crash when its folder was synced.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
