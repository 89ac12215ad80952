//! The number of the last record that was acknowledged, kept beside the log, because the end of a log alone cannot say whether something is missing after it.
//!
//! ```text
//! log/acknowledged:  number (8, LE) │ CRC-32 of it (4, LE)
//! ```
//! It is overwritten after each group is on the medium and synced only when the store opens and closes. So it survives a killed process exactly, and a power cut as
//! some earlier value: it is never past what is durable, and a log that ends before it is damaged. A mark that is missing or torn says nothing.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

const BYTES: usize = 12;

pub struct Mark(File);

/// Where the mark of a log is.
pub fn path(dir: &Path) -> PathBuf {
    dir.join("acknowledged")
}

/// The log in this folder reached at least here; 0 where nothing is known.
pub fn read(dir: &Path) -> io::Result<u64> {
    let bytes = match std::fs::read(path(dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        read => read?,
    };
    let Some((number, crc)) = bytes.first_chunk::<8>().zip(bytes.get(8..).and_then(|rest| rest.first_chunk())) else { return Ok(0) };
    Ok(if crc32fast::hash(number) == u32::from_le_bytes(*crc) { u64::from_le_bytes(*number) } else { 0 })
}

impl Mark {
    /// Opens it, or makes it; the caller syncs the folder.
    pub fn open(dir: &Path) -> io::Result<Mark> {
        OpenOptions::new().write(true).create(true).truncate(false).open(path(dir)).map(Mark)
    }

    pub fn set(&self, number: u64) -> io::Result<()> {
        let number = number.to_le_bytes();
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&number);
        bytes[8..].copy_from_slice(&crc32fast::hash(&number).to_le_bytes());
        self.0.write_all_at(&bytes, 0)
    }

    pub fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_what_was_set_or_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        assert_eq!(read(dir.path()).expect("none"), 0);
        let mark = Mark::open(dir.path()).expect("open");
        for number in [1, 300, u64::MAX] {
            mark.set(number).expect("set");
            assert_eq!(read(dir.path()).expect("read"), number);
        }
        let whole = std::fs::read(path(dir.path())).expect("bytes");
        for length in 0..whole.len() {
            std::fs::write(path(dir.path()), &whole[..length]).expect("tear");
            assert_eq!(read(dir.path()).expect("torn"), 0);
        }
    }
}
