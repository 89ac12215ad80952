//! Writes a log anew in a folder beside: what compaction, restoring and upgrades have in common. The projections follow when it is opened.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    log::{Group, Log, Mark, sync_dir},
    record::Record,
};
use crate::{domain::event::Digest, limits};

type Result<T> = std::result::Result<T, String>;

pub(super) struct Rewrite {
    dir: PathBuf,
    log: Log,
    group: Group,
}

impl Rewrite {
    /// In a folder that is made for it; what was there before is an earlier attempt and is removed.
    pub fn new(dir: &Path) -> Result<Rewrite> {
        let failed = |error: std::io::Error| format!("{} cannot be made: {error}", dir.display());
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(failed)?;
        }
        // The projections of the present log are of no use to the new one: an empty folder takes their place.
        for part in ["log", "db"] {
            fs::create_dir_all(dir.join(part)).map_err(failed)?;
        }
        let mut log = Log::create(&dir.join("log")).map_err(failed)?;
        let group = log.begin().map_err(failed)?;
        Ok(Rewrite { dir: dir.to_path_buf(), log, group })
    }

    /// The next record as another log holds it: it must be the next one and have the same link here.
    pub fn record(&mut self, number: u64, link: Digest, envelope: &[u8]) -> Result<()> {
        if number != self.group.next() {
            return Err(format!("record {} is missing: {number} comes instead", self.group.next()));
        }
        self.group.envelope(envelope).map_err(|error| error.to_string())?;
        if self.group.link() != link {
            return Err(format!("record {number} does not follow the one before: one of the two was changed"));
        }
        self.pass_on()
    }

    /// The next record, written in the present format; its link is new.
    pub fn append(&mut self, record: &Record) -> Result<()> {
        self.group.record(record).map_err(|error| error.to_string())?;
        self.pass_on()
    }

    pub fn body(&mut self, digest: Digest, bytes: &[u8]) -> Result<()> {
        self.group.body(digest, bytes).map_err(|error| error.to_string())?;
        self.pass_on()
    }

    fn pass_on(&mut self) -> Result<()> {
        if self.group.size() < limits::REWRITTEN_GROUP_BYTES {
            return Ok(());
        }
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        let failed = |error: std::io::Error| format!("{} cannot be written: {error}", self.dir.display());
        let next = Group::new(self.group.ends(), self.group.next(), self.group.link());
        self.log.append(std::mem::replace(&mut self.group, next)).map_err(failed)?;
        self.group = self.log.begin().map_err(failed)?;
        Ok(())
    }

    /// Writes what is left and syncs every file and folder. Returns the number of records and the last link.
    pub fn finish(mut self) -> Result<(u64, Digest)> {
        if !self.group.is_empty() {
            self.write()?;
        }
        let (records, link) = (self.log.next() - 1, self.log.link());
        let failed = |error: std::io::Error| format!("{} cannot be synced: {error}", self.dir.display());
        let log = self.dir.join("log");
        let mark = Mark::open(&log).map_err(failed)?;
        let synced = self.log.sync().and_then(|()| mark.set(records)).and_then(|()| mark.sync());
        let folders = [log.as_path(), &self.dir.join("db"), &self.dir];
        synced.and_then(|()| folders.iter().try_for_each(|dir| sync_dir(dir))).map_err(failed)?;
        Ok((records, link))
    }
}
