//! One imported dataset as one immutable file.
//!
//! ```text
//! "lastbuy dataset 1\n" │ BLAKE3 of the payload (64 hex digits) "\n" │ payload: JSON of `FactoryData`
//! ```
//! The checksum the store keeps is that of the whole file, so a file is refused when it is not the one that was imported.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use crate::domain::{event::Digest, factory::FactoryData};

const MAGIC: &str = "lastbuy dataset ";
const VERSION: u32 = 1;

/// A dataset file cannot be used. A sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatasetError(String);

/// Writes a dataset aside, syncs it, gives it its name and syncs the folder; a name that is taken is refused. Returns the checksum of the file.
pub fn write_dataset(data: &FactoryData, path: &Path) -> io::Result<Digest> {
    let dir = path.parent().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a dataset file needs a folder"))?;
    let payload = serde_json::to_vec(data)?;
    let mut bytes = format!("{MAGIC}{VERSION}\n{}\n", Digest::of(&payload)).into_bytes();
    bytes.extend(payload);
    let mut aside = tempfile::NamedTempFile::new_in(dir)?;
    aside.write_all(&bytes)?;
    aside.as_file().sync_all()?;
    aside.persist_noclobber(path)?;
    File::open(dir)?.sync_all()?;
    Ok(Digest::of(&bytes))
}

/// Opens and verifies a dataset file.
pub fn read_dataset(path: &Path, checksum: Digest) -> Result<FactoryData, DatasetError> {
    let name = path.display();
    let bytes = fs::read(path).map_err(|error| DatasetError(format!("{name} cannot be read: {error}")))?;
    let damaged = |what: &str| DatasetError(format!("{name} is damaged: {what}; import the factory files again"));
    let rest = bytes.strip_prefix(MAGIC.as_bytes()).ok_or_else(|| damaged("it is not a dataset file"))?;
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| damaged("it has no version"))?;
    let version: u32 =
        std::str::from_utf8(&rest[..end]).ok().and_then(|text| text.parse().ok()).ok_or_else(|| damaged("its version is no number"))?;
    if version > VERSION {
        return Err(DatasetError(format!("{name} has version {version}, this program reads up to {VERSION}: use the newer program")));
    }
    if Digest::of(&bytes) != checksum {
        return Err(damaged("its checksum is not the one it was imported with"));
    }
    let payload = rest.get(end + 66..).ok_or_else(|| damaged("it ends early"))?;
    serde_json::from_slice(payload).map_err(|error| damaged(&error.to_string()))
}
