//! Makes a store anew from its log: records go in one after another, in order, and the projections follow from them. Compaction, restoring, upgrades and the
//! deep check are all this, from different sources.
//!
//! Large values of projections are kept beside until the last record: only those that are still in force then become bodies of the new store.

use std::{
    collections::HashMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{
    blob::{self, Location, Segments, sync_dir},
    draft::{Draft, ELSEWHERE, LargeValues, key, unpack},
    open,
    record::{self, Record},
    trees::{Trees, Which},
};
use crate::{domain::event::Digest, limits};

type Result<T> = std::result::Result<T, String>;

pub(super) struct Rebuild<'a> {
    dir: PathBuf,
    db: sled::Db,
    pub trees: Trees,
    segments: Segments,
    /// Large values of projections, as they come and go.
    beside: Segments,
    large: HashMap<Digest, Location>,
    /// Bodies that are somewhere else: those of the store this one is made from.
    outer: LargeValues<'a>,
    places: Vec<(Digest, Location)>,
    records: Vec<(u64, Vec<u8>)>,
    offset: u64,
}

impl<'a> Rebuild<'a> {
    /// In a folder that is made for it; what was there before is an earlier attempt and is removed.
    pub fn new(dir: &Path, outer: LargeValues<'a>) -> Result<Rebuild<'a>> {
        let failed = |error: std::io::Error| format!("{} cannot be made: {error}", dir.display());
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(failed)?;
        }
        for part in ["db", "segments", "beside"] {
            fs::create_dir_all(dir.join(part)).map_err(failed)?;
        }
        let db = open::config(&dir.join("db")).open().map_err(|error| error.to_string())?;
        Ok(Rebuild {
            dir: dir.to_path_buf(),
            trees: Trees::open(&db).map_err(|error| error.to_string())?,
            db,
            segments: Segments::open(&dir.join("segments")).map_err(failed)?,
            beside: Segments::open(&dir.join("beside")).map_err(failed)?,
            large: HashMap::new(),
            outer,
            places: Vec::new(),
            records: Vec::new(),
            offset: 0,
        })
    }

    /// A body that records name; those of records that are bodies themselves must come before the records.
    pub fn body(&mut self, digest: Digest, bytes: &[u8]) -> Result<()> {
        let location = self.segments.append(digest, bytes).map_err(|error| format!("body {digest} cannot be written: {error}"))?;
        self.places.push((digest, location));
        if self.places.len() >= limits::REBUILT_AT_ONCE_MAX { self.write_places() } else { Ok(()) }
    }

    /// The next record, as the log holds it.
    pub fn record(&mut self, offset: u64, stored: Vec<u8>) -> Result<()> {
        if offset != self.offset + 1 {
            return Err(format!("record {} is missing: {offset} follows on {}", self.offset + 1, self.offset));
        }
        self.offset = offset;
        self.records.push((offset, stored));
        if self.records.len() >= limits::REBUILT_AT_ONCE_MAX { self.write_records() } else { Ok(()) }
    }

    /// The next record, written anew in the present format.
    pub fn append(&mut self, record: &Record) -> Result<()> {
        self.write_places()?;
        self.offset += 1;
        let large = |digest| self.find(digest);
        let mut draft = Draft::new(Some(&self.trees), &large);
        draft.append(record).map_err(|error| format!("record {}: {error}", self.offset))?;
        let (changes, bodies) = draft.into_parts();
        for (digest, bytes) in bodies {
            self.body(digest, &bytes)?;
        }
        self.trees.load(&changes).map_err(|error| error.to_string())?;
        self.write_places()
    }

    /// A body that was given, or a large value.
    pub fn find(&self, digest: Digest) -> Option<Vec<u8>> {
        if let Some(location) = self.large.get(&digest) {
            return blob::read(&self.dir.join("beside"), digest, location).ok();
        }
        let raw = self.trees.get(Which::Blobs).get(digest.0).ok().flatten();
        match raw.and_then(|raw| unpack(&raw, &|_| None).ok()) {
            Some(location) => blob::read(&self.dir.join("segments"), digest, &location).ok(),
            None => (self.outer)(digest),
        }
    }

    fn write_places(&mut self) -> Result<()> {
        let mut draft = Draft::new(Some(&self.trees), &|_| None);
        for (digest, location) in self.places.drain(..) {
            draft.set_location(digest, &location).map_err(|error| error.to_string())?;
        }
        self.trees.load(draft.changes()).map_err(|error| error.to_string())
    }

    fn write_records(&mut self) -> Result<()> {
        self.write_places()?;
        let large = |digest| self.find(digest);
        let mut draft = Draft::new(Some(&self.trees), &large);
        for (offset, stored) in &self.records {
            let (record, _) = record::read(stored, &large).map_err(|error| format!("record {offset}: {error}"))?;
            draft.replay(*offset, stored.clone(), &record).map_err(|error| format!("record {offset} cannot be applied: {error}"))?;
        }
        let (changes, bodies) = draft.into_parts();
        for (digest, bytes) in bodies {
            if !self.large.contains_key(&digest) {
                let location = self.beside.append(digest, &bytes).map_err(|error| format!("a large value cannot be written: {error}"))?;
                self.large.insert(digest, location);
            }
        }
        self.trees.load(&changes).map_err(|error| error.to_string())?;
        self.records.clear();
        Ok(())
    }

    /// Everything given so far is applied; the projections can be read.
    pub fn settle(&mut self) -> Result<()> {
        self.write_records()
    }

    /// Keeps the large values that are in force, syncs every file and folder, and closes. Returns the number of records.
    pub fn finish(mut self) -> Result<u64> {
        self.settle()?;
        let mut kept = Vec::new();
        for which in Which::ALL.into_iter().filter(|which| which.is_projection()) {
            for row in self.trees.get(which).iter().values() {
                let row = row.map_err(|error| error.to_string())?;
                if let Some(digest) = elsewhere(&row)
                    && self.large.contains_key(&digest)
                {
                    kept.push(digest);
                }
            }
        }
        for digest in kept {
            let Some(bytes) = self.find(digest) else { return Err(format!("the large value {digest} is lost")) };
            if !self.trees.get(Which::Blobs).contains_key(digest.0).map_err(|error| error.to_string())? {
                self.body(digest, &bytes)?;
                self.write_places()?;
            }
        }
        let Rebuild { dir, db, trees, mut segments, beside, offset, .. } = self;
        let failed = |error: std::io::Error| format!("{} cannot be synced: {error}", dir.display());
        segments.sync().map_err(failed)?;
        db.flush().map_err(|error| error.to_string())?;
        drop((trees, db, beside));
        fs::remove_dir_all(dir.join("beside")).map_err(failed)?;
        sync_all(&dir).map_err(failed)?;
        Ok(offset)
    }
}

/// The digest of the body that a tree's row stands for.
pub(super) fn elsewhere(row: &[u8]) -> Option<Digest> {
    match row.split_first() {
        Some((&ELSEWHERE, digest)) => digest.try_into().ok().map(Digest),
        _ => None,
    }
}

/// Every file and folder in a folder is on the medium.
fn sync_all(dir: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_dir(dir)
}

/// The log of a store up to a record, in order, into another.
pub(super) fn copy_log(trees: &Trees, through: u64, act: &mut dyn FnMut(u64, Vec<u8>) -> Result<()>) -> Result<()> {
    for row in trees.get(Which::Log).range(..=key(through)) {
        let (offset, stored) = row.map_err(|error| error.to_string())?;
        act(super::draft::number(&offset), stored.to_vec())?;
    }
    Ok(())
}
