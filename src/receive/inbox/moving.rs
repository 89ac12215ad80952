//! Moves a file out of the way without ever putting it over another one, also to a folder on another file system.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// Moves `folder/name` into `to`; where that name is taken there, with a number before it. Where it is now.
pub(super) fn away(folder: &Path, name: &OsStr, to: &Path) -> io::Result<PathBuf> {
    let (from, to) = (folder.join(name), free(to, name)?);
    match std::fs::rename(&from, &to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => across(&from, &to)?,
        moved => moved?,
    }
    Ok(to)
}

/// A path in `to` that nothing has. Only this thread puts files there.
pub(super) fn free(to: &Path, name: &OsStr) -> io::Result<PathBuf> {
    let there = |path: &Path| match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    let mut path = to.join(name);
    let mut number = 2;
    while there(&path)? {
        let mut numbered = OsString::from(format!("{number}-"));
        numbered.push(name);
        path = to.join(numbered);
        number += 1;
    }
    Ok(path)
}

/// Copied whole and on the medium before the first one goes. A symbolic link has nothing to copy and only goes.
fn across(from: &Path, to: &Path) -> io::Result<()> {
    if !from.symlink_metadata()?.is_symlink() {
        let beside = to.with_extension("moving");
        std::fs::copy(from, &beside)?;
        File::open(&beside)?.sync_all()?;
        std::fs::rename(&beside, to)?;
    }
    std::fs::remove_file(from)
}
