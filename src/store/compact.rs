//! Compaction: the store is made anew with only what is needed, compared with the present one, and takes its place.
//!
//! sled never gives space back to the file system, and a segment with one needed body stays whole. Both end here. The server must not run meanwhile.

use std::{fs, io, path::Path};

use serde::Serialize;

use super::{
    Actor, OpenError, Progress, Store, WriteError, blob,
    check::compare,
    garbage::large_values,
    needed,
    rebuild::{Rebuild, copy_log},
    swap,
    trees::Which,
};
use crate::domain::time::At;

/// What compaction came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compacted {
    pub records: u64,
    pub bodies: u64,
    /// Bodies that no record needed.
    pub dropped: u64,
    /// Of `db` and `segments`, in bytes.
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
        compacted.after = store_bytes(dir).map_err(|error| CompactError::Failed(error.to_string()))?;
        drop(lock);
        // Opening it once is the last proof; only then the one before is removed.
        let store = Store::open(dir)?;
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
        let through = needed::newest(shared)?;
        let total = shared.trees.get(Which::Blobs).len() as u64;
        let in_force = large_values(shared)?;
        let mut new = Rebuild::new(&swap::rebuilt(&self.dir), &|_| None)?;
        let (mut bodies, mut dropped) = (0, 0);
        needed::each_body(shared, through, &mut |body| {
            progress(Progress { what: "bodies", done: bodies + dropped, total });
            if !body.needed {
                // A large value in force is not dropped: it comes again from its record.
                dropped += u64::from(!in_force.contains(&body.digest));
                return Ok(());
            }
            let bytes = blob::read(&shared.segments_dir, body.digest, &body.location)
                .map_err(|error| format!("body {}: {error}; restore it from a backup first", body.digest))?;
            bodies += 1;
            new.body(body.digest, &bytes)
        })?;
        copy_log(&shared.trees, through, &mut |offset, stored| {
            progress(Progress { what: "records", done: offset, total: through });
            new.record(offset, stored)
        })?;
        new.settle()?;
        let mut problems = Vec::new();
        compare(&shared.trees, &new.trees, &mut |problem| problems.push(problem))?;
        if let Some(first) = problems.first() {
            return Err(format!("the new store differs from the present one in {} places, first: {first}", problems.len()));
        }
        let records = new.finish()?;
        Ok(Compacted { records, bodies, dropped, before, after: 0 })
    }
}

/// Bytes of everything that compaction makes anew.
fn store_bytes(dir: &Path) -> io::Result<u64> {
    Ok(bytes_in(&dir.join("db"))? + bytes_in(&dir.join("segments"))?)
}

/// Bytes of the files in a folder, nested ones included.
pub(super) fn bytes_in(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { bytes_in(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}
