//! Restoring a backup into an empty data directory: the store is made anew from its records and takes its place only when it is whole.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    BackupError, Check, Manifest, Progress, Store,
    backup::{self, Frame},
    log::sync_dir,
    open,
    rewrite::Rewrite,
    swap,
    upgrade::Chain,
    writer::FORMAT,
};
/// A backup that was put back, and what checking it found.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    pub manifest: Manifest,
    pub check: Check,
}

/// Puts a backup into a data directory that is empty or is made for it, and checks the store as deep as `lastbuy doctor --deep`.
pub fn restore(path: &Path, to: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Restored, BackupError> {
    let bad = |why: String| BackupError(why);
    fs::create_dir_all(to).map_err(|error| bad(format!("{} cannot be made: {error}", to.display())))?;
    let entries = fs::read_dir(to).and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>());
    for name in entries.map_err(|error| bad(format!("{}: {error}", to.display())))? {
        if !name.to_str().is_some_and(swap::is_leftover) {
            return Err(bad(format!("{} is not empty ({} is there): a backup is only put into an empty folder", to.display(), name.display())));
        }
    }
    let lock = open::lock(to).map_err(|error| bad(error.to_string()))?;
    let manifest = rebuild(path, &swap::rebuilt(to), progress)?;
    swap::commit(to).and_then(|()| swap::settle(to)).map_err(|error| bad(format!("{}: {error}", to.display())))?;
    drop(lock);
    let store = Store::open(to).map_err(|error| bad(error.to_string()))?;
    let check = store.check(true).map_err(|error| bad(error.to_string()))?;
    store.close().map_err(|error| bad(error.to_string()))?;
    Ok(Restored { manifest, check })
}

/// Makes a store from a backup in a folder: `log`, `datasets`, `format`, all synced.
fn rebuild(path: &Path, dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Manifest, BackupError> {
    let bad = |why: String| BackupError(format!("{}: {why}", path.display()));
    let (mut reading, total) = backup::open(path)?;
    let chain = Chain::from(reading.beginning.format).map_err(bad)?;
    let mut new = Rewrite::new(dir).map_err(bad)?;
    let datasets = dir.join("datasets");
    fs::create_dir_all(&datasets).map_err(|error| bad(error.to_string()))?;
    let mut file: Option<(PathBuf, File)> = None;
    let mut found = None;
    while let Some(frame) = reading.next().map_err(|error| bad(error.0))? {
        progress(Progress { what: "bytes", done: reading.position(), total });
        match frame {
            Frame::Body(digest, bytes) => new.body(digest, &bytes).map_err(bad)?,
            Frame::Record(number, link, envelope) if chain.is_empty() => new.record(number, link, &envelope).map_err(bad)?,
            Frame::Record(number, _, envelope) => {
                let record = chain.record(&envelope).map_err(|why| bad(format!("record {number}: {why}")))?;
                new.append(&record).map_err(bad)?;
            }
            Frame::Dataset(dataset) => {
                synced(file.take()).map_err(bad)?;
                let path = datasets.join(&dataset.name);
                let created = File::create_new(&path).map_err(|error| bad(format!("dataset {}: {error}", dataset.name)))?;
                file = Some((path, created));
            }
            Frame::Piece(piece) => {
                if let Some((path, file)) = file.as_mut() {
                    file.write_all(&piece).map_err(|error| bad(format!("{}: {error}", path.display())))?;
                }
            }
            Frame::End(manifest) => found = Some(manifest),
        }
    }
    synced(file.take()).map_err(bad)?;
    sync_dir(&datasets).map_err(|error| bad(error.to_string()))?;
    new.finish().map_err(bad)?;
    open::write_format(&dir.join("format"), FORMAT).map_err(|error| bad(error.to_string()))?;
    found.ok_or_else(|| bad("it has no manifest".to_owned()))
}

fn synced(file: Option<(PathBuf, File)>) -> Result<(), String> {
    match file {
        Some((path, file)) => file.sync_all().map_err(|error| format!("{} cannot be synced: {error}", path.display())),
        None => Ok(()),
    }
}
