//! Backups while serving: every so many hours one file, looked through before it gets its name, and the oldest beyond those to keep removed.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Stop, WorkError, go_on, now};
use crate::{
    domain::time::At,
    limits, meter,
    store::{self, Actor, Store},
};

/// What the site wants.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub folder: PathBuf,
    pub every_hours: u32,
    pub keep: usize,
}

const PREFIX: &str = "lastbuy-";
const SUFFIX: &str = ".backup";

/// Scheduled backups in a folder, oldest first. Other files are none of ours, whatever they are called.
pub fn scheduled(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let moment = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
        if moment.is_some_and(|moment| moment.len() == 16 && moment.bytes().all(|byte| byte.is_ascii_digit() || b"TZ".contains(&byte))) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Runs until told to stop. The next is due so many hours after the newest that is there, so that a restart makes none too many.
pub fn back_up(store: &Store, schedule: &Schedule, stop: &Stop) -> Result<(), WorkError> {
    let mut not_before = now();
    while !stop.asked() {
        if now() >= not_before && is_due(schedule, now()) {
            match make(store, schedule, now()) {
                Ok(path) => {
                    meter::backed_up(true, now().0);
                    tracing::info!(path = %path.display(), "a scheduled backup was made");
                    go_on(store.note("backup.made", "backup", &path.display().to_string(), &Actor("system: schedule".to_owned()), now()))?;
                    prune(schedule);
                }
                Err(why) => {
                    meter::backed_up(false, now().0);
                    tracing::error!(why, folder = %schedule.folder.display(), "a scheduled backup was not made; it is tried again in a while");
                    not_before = now().plus_ms(limits::BACKUP_RETRY_MS);
                }
            }
        }
        std::thread::sleep(Duration::from_millis(limits::WORK_WAIT_MS_MAX));
    }
    Ok(())
}

/// Whether the newest is old enough; a folder that cannot be read is tried, so that the reason is told.
fn is_due(schedule: &Schedule, now: At) -> bool {
    let newest = scheduled(&schedule.folder).ok().and_then(|mut found| found.pop());
    let made = newest.and_then(|path| path.metadata().ok()?.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok());
    made.is_none_or(|made| now.0.saturating_sub(i64::try_from(made.as_millis()).unwrap_or(i64::MAX)) >= i64::from(schedule.every_hours) * 3_600_000)
}

fn make(store: &Store, schedule: &Schedule, now: At) -> Result<PathBuf, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let mut aside = tempfile::Builder::new().prefix(".lastbuy-").tempfile_in(&schedule.folder).map_err(|error| said(&error))?;
    let mut out = io::BufWriter::with_capacity(limits::BACKUP_PIECE_BYTES, aside.as_file_mut());
    store.backup(&mut out, now).map_err(|error| said(&error))?;
    out.flush().map_err(|error| said(&error))?;
    drop(out);
    aside.as_file().sync_all().map_err(|error| said(&error))?;
    let manifest = store::inspect(aside.path(), &mut |_| {}).map_err(|error| said(&error))?;
    if !manifest.is_whole() {
        return Err(format!("something in the store could not be read: {}", manifest.damaged.join("; ")));
    }
    let moment: String = now.to_string().split('.').next().unwrap_or_default().trim_end_matches('Z').replace(['-', ':'], "");
    let path = schedule.folder.join(format!("{PREFIX}{moment}Z{SUFFIX}"));
    aside.persist_noclobber(&path).map_err(|error| said(&error))?;
    File::open(&schedule.folder).and_then(|dir| dir.sync_all()).map_err(|error| said(&error))?;
    Ok(path)
}

fn prune(schedule: &Schedule) {
    let found = scheduled(&schedule.folder).unwrap_or_default();
    for path in found.iter().take(found.len().saturating_sub(schedule.keep)) {
        match std::fs::remove_file(path) {
            Ok(()) => tracing::info!(path = %path.display(), "an old backup was removed"),
            Err(error) => tracing::warn!(path = %path.display(), %error, "an old backup could not be removed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_made_when_it_is_due_and_the_oldest_go() {
        let (data, folder) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        let store = Store::open(data.path()).expect("store");
        let schedule = Schedule { folder: folder.path().to_path_buf(), every_hours: 24, keep: 2 };
        let today = now();
        assert!(is_due(&schedule, today));
        std::fs::write(folder.path().join("lastbuy-mine.backup"), "somebody's own").expect("file");
        for day in 0..4 {
            make(&store, &schedule, today.plus_ms(day * 86_400_000)).expect("backup");
        }
        assert!(!is_due(&schedule, today) && is_due(&schedule, today.plus_ms(25 * 3_600_000)));
        assert_eq!(scheduled(folder.path()).expect("folder").len(), 4);
        prune(&schedule);
        let left = scheduled(folder.path()).expect("folder");
        assert_eq!(left.len(), 2);
        assert!(left.iter().all(|path| store::inspect(path, &mut |_| {}).expect("backup").is_whole()));
        assert!(folder.path().join("lastbuy-mine.backup").exists(), "a file of the site's own was removed");
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 3, "something was left aside");
        let gone = Schedule { folder: folder.path().join("gone"), ..schedule };
        assert!(make(&store, &gone, today).is_err());
    }
}
