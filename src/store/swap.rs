//! Puts a store that was made anew in the place of the present one, so that a kill at any point leaves the one or the other, whole.
//!
//! ```text
//! <data-dir>/rebuilt/   the new one while it is made: the log, an empty db, and what else it replaces
//! <data-dir>/swap       there: `rebuilt` is whole and on the medium, and takes the place of the present one; not there: `rebuilt` is an unfinished attempt
//! <data-dir>/replaced/  the one before, until the new one was opened
//! ```
//! `settle` runs at every opening, under the lock and before anything is read: it finishes what `commit` decided, or removes what was not finished.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{check::CHECK_DIR, log::sync_dir};

/// What a rebuilt folder may bring.
const PARTS: [&str; 4] = ["db", "log", "datasets", "format"];

/// Where a store is made anew.
pub(super) fn rebuilt(dir: &Path) -> PathBuf {
    dir.join("rebuilt")
}

fn marker(dir: &Path) -> PathBuf {
    dir.join("swap")
}

fn replaced(dir: &Path) -> PathBuf {
    dir.join("replaced")
}

/// Names in a data directory that come from an attempt that was not finished.
pub(super) fn is_leftover(name: &str) -> bool {
    matches!(name, "rebuilt" | "lock")
}

/// From here on `rebuilt` is the store. Everything in it must have been synced, and the present one must have been opened well.
pub(super) fn commit(dir: &Path) -> io::Result<()> {
    forget_replaced(dir)?;
    sync_dir(dir)?;
    let mut aside = tempfile::NamedTempFile::new_in(rebuilt(dir))?;
    aside.write_all(b"lastbuy swap 1\n")?;
    aside.as_file().sync_all()?;
    aside.persist(marker(dir))?;
    sync_dir(dir)
}

/// Finishes or removes what an earlier process left; the present store is closed.
pub(super) fn settle(dir: &Path) -> io::Result<()> {
    if marker(dir).exists() {
        for part in PARTS {
            while step(dir, part)? {}
        }
        fs::remove_dir_all(rebuilt(dir)).or_else(absent)?;
        sync_dir(dir)?;
        fs::remove_file(marker(dir))?;
        return sync_dir(dir);
    }
    fs::remove_dir_all(rebuilt(dir)).or_else(absent)?;
    fs::remove_dir_all(dir.join(CHECK_DIR)).or_else(absent)
}

/// The next rename of one part: the present one away, then the new one into its place. `false`: the part is done.
fn step(dir: &Path, part: &str) -> io::Result<bool> {
    let (present, new, old) = (dir.join(part), rebuilt(dir).join(part), replaced(dir).join(part));
    if !new.exists() {
        return Ok(false);
    }
    if present.exists() {
        fs::create_dir_all(replaced(dir))?;
        fs::rename(&present, &old)?;
        sync_dir(&replaced(dir))?;
    } else {
        fs::rename(&new, &present)?;
        sync_dir(&rebuilt(dir))?;
    }
    sync_dir(dir)?;
    Ok(true)
}

/// The new store was opened: the one before is no longer needed.
pub(super) fn forget_replaced(dir: &Path) -> io::Result<()> {
    if !replaced(dir).exists() {
        return Ok(());
    }
    fs::remove_dir_all(replaced(dir))?;
    File::open(dir)?.sync_all()
}

fn absent(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        fs::write(path, text).expect("file");
    }

    fn prepared() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("folder");
        for part in ["db/a", "log/a"] {
            write(&dir.path().join(part), "old");
            write(&dir.path().join("rebuilt").join(part), "new");
        }
        write(&dir.path().join("format"), "old");
        write(&dir.path().join("rebuilt/format"), "new");
        write(&dir.path().join("lastbuy.toml"), "mine");
        dir
    }

    fn contents(dir: &Path) -> [String; 4] {
        ["db/a", "log/a", "format", "lastbuy.toml"].map(|part| fs::read_to_string(dir.join(part)).expect("file"))
    }

    #[test]
    fn an_attempt_that_was_not_committed_leaves_the_store_as_it_was() {
        let dir = prepared();
        settle(dir.path()).expect("settle");
        assert_eq!(contents(dir.path()), ["old", "old", "old", "mine"]);
        assert!(!rebuilt(dir.path()).exists());
        settle(dir.path()).expect("nothing to do");
    }

    #[test]
    fn a_kill_after_any_rename_ends_in_the_new_store() {
        for renames in 0..=6 {
            let dir = prepared();
            commit(dir.path()).expect("commit");
            let mut left = renames;
            for part in PARTS {
                while left > 0 && step(dir.path(), part).expect("step") {
                    left -= 1;
                }
            }
            assert_eq!(left, 0, "three parts are six renames");
            settle(dir.path()).expect("settle");
            assert_eq!(contents(dir.path()), ["new", "new", "new", "mine"], "after {renames} renames");
            assert_eq!(fs::read_to_string(replaced(dir.path()).join("db/a")).expect("the old one is kept"), "old");
            assert!(!marker(dir.path()).exists() && !rebuilt(dir.path()).exists());
            settle(dir.path()).expect("settle again");
            forget_replaced(dir.path()).expect("forget");
            assert_eq!(contents(dir.path()), ["new", "new", "new", "mine"]);
            assert!(!replaced(dir.path()).exists());
        }
    }
}
