//! Compaction: the log is written anew without the bodies that nobody needs, must come to the same last link, and takes the present one's place. The projections
//! are made from it at the next opening, which also frees what sled never gives back. The server must not run meanwhile.

use std::{collections::HashSet, fs, io, os::unix::fs::MetadataExt, path::Path};

use serde::Serialize;

use super::{Actor, OpenError, Progress, Store, WriteError, log::Kind, needed, rewrite::Rewrite, swap};
use crate::domain::time::At;

/// What compaction came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compacted {
    pub records: u64,
    pub bodies: u64,
    /// Bodies that no record needed.
    pub dropped: u64,
    /// Of `log` and `db`, in bytes.
    pub before: u64,
    pub after: u64,
}

/// Why compaction did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the store was not compacted and is as it was: {0}")]
    Failed(String),
    #[error("the store was compacted, but that could not be put on record: {0}")]
    Noted(WriteError),
}

impl Store {
    /// Compacts the store in a data directory that nobody uses. Killed at any point, the next opening finds the present store or the new one, whole.
    pub fn compact(dir: &Path, by: &Actor, now: At, progress: &mut dyn FnMut(Progress)) -> Result<Compacted, CompactError> {
        let store = Store::open(dir)?;
        let mut compacted = store.rebuild_compact(progress).map_err(CompactError::Failed)?;
        // The lock is kept until the new store is in place, so that no server begins to write to the present one.
        let lock = store.close_keeping_lock().map_err(|error| CompactError::Failed(error.to_string()))?;
        drop(store);
        swap::commit(dir).and_then(|()| swap::settle(dir)).map_err(|error| CompactError::Failed(error.to_string()))?;
        drop(lock);
        // Opening it once is the last proof; only then the one before is removed.
        let store = Store::open(dir)?;
        compacted.after = store_bytes(dir).map_err(|error| CompactError::Failed(error.to_string()))?;
        let detail = format!("{} bytes before, {} after, {} bodies dropped", compacted.before, compacted.after, compacted.dropped);
        store.note("store.compacted", "store", &detail, by, now).map_err(CompactError::Noted)?;
        Ok(compacted)
    }

    fn rebuild_compact(&self, progress: &mut dyn FnMut(Progress)) -> Result<Compacted, String> {
        let before = store_bytes(&self.dir).map_err(|error| error.to_string())?;
        let free = self.free_bytes().map_err(|error| error.to_string())?;
        if free < before {
            return Err(format!("{} MiB are free, the new store may need {} beside the present one; make room first", free >> 20, before >> 20));
        }
        let shared = &self.shared;
        let state = shared.state();
        let mut unneeded = HashSet::new();
        needed::each_body(shared, state.record, &mut |body| {
            if !body.needed {
                unneeded.insert(body.digest);
            }
            Ok(())
        })?;
        let mut new = Rewrite::new(&swap::rebuilt(&self.dir))?;
        let mut bodies = 0;
        for group in shared.groups() {
            let group = group?;
            progress(Progress { what: "records", done: group.first, total: state.record });
            let mut records = shared.reader.records(&group);
            for entry in &group.entries {
                match entry.kind {
                    Kind::Record => {
                        let Some(stored) = records.next() else { break };
                        let stored = stored?;
                        new.record(stored.number, stored.link, &stored.envelope)?;
                    }
                    // Of a body that was dropped and came again, the one that is in the index.
                    Kind::Body if shared.place(entry.digest)? == Some(entry.place) && !unneeded.contains(&entry.digest) => {
                        let bytes = shared
                            .reader
                            .body(entry.digest, entry.place)
                            .map_err(|error| format!("body {}: {error}; restore it from a backup first", entry.digest))?;
                        bodies += 1;
                        new.body(entry.digest, &bytes)?;
                    }
                    Kind::Body => {}
                }
            }
        }
        let (records, link) = new.finish()?;
        if (records, link) != (state.record, state.link) {
            return Err(format!("the new log ends at record {records} with link {link}, the present one at {} with {}", state.record, state.link));
        }
        Ok(Compacted { records, bodies, dropped: unneeded.len() as u64, before, after: 0 })
    }
}

/// Bytes of everything that compaction makes anew.
fn store_bytes(dir: &Path) -> io::Result<u64> {
    Ok(bytes_in(&dir.join("db"))? + bytes_in(&dir.join("log"))?)
}

/// Bytes that the files in a folder take on the disk, nested ones included.
pub(super) fn bytes_in(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { bytes_in(&entry.path())? } else { entry.metadata()?.blocks() * 512 };
    }
    Ok(bytes)
}
