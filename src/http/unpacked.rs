//! A ZIP among uploaded files: what it holds stands beside them as if it had been uploaded by itself, under the same bounds.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use zip::ZipArchive;

use super::{
    form::{Form, few},
    problem::Problem,
};
use crate::limits;

/// Unpacks every file whose name ends in `.zip` into the form's folder, and takes it away. Folders within are not kept: a file's own name says what it is.
pub fn archives(form: &Form) -> Result<(), Problem> {
    let archives = form.files.iter().filter(|name| name.to_ascii_lowercase().ends_with(".zip"));
    let (mut files, mut left) = (form.files.len(), limits::UPLOAD_BYTES_MAX as u64);
    for name in archives {
        let path = form.folder().join(name);
        unpack(&path, form.folder(), &mut files, &mut left).map_err(|why| Problem::bad_request(format!("{name} cannot be unpacked: {why}")))?;
        fs::remove_file(&path).map_err(|error| Problem::internal(format!("{name} cannot be taken away: {error}")))?;
    }
    Ok(())
}

fn unpack(path: &Path, folder: &Path, files: &mut usize, left: &mut u64) -> Result<(), String> {
    let damaged = |error: zip::result::ZipError| format!("it is damaged or no ZIP ({error}); pack it again");
    let mut archive = ZipArchive::new(File::open(path).map_err(|error| error.to_string())?).map_err(damaged)?;
    for at in 0..archive.len() {
        let name = archive.name_for_index(at).and_then(Result::ok).map(Cow::into_owned).unwrap_or_default();
        let own = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        // Folders, and what file managers leave beside the files.
        if own.is_empty() || own.starts_with('.') || name.starts_with("__MACOSX/") || own == "Thumbs.db" {
            continue;
        }
        *files += 1;
        if *files > limits::UPLOAD_FILES_MAX {
            return Err(format!("with what it holds there are more than {} files", limits::UPLOAD_FILES_MAX));
        }
        if own.chars().any(char::is_control) || own.len() > limits::FILE_NAME_BYTES_MAX || own.to_ascii_lowercase().ends_with(".zip") {
            return Err(format!("'{}' in it is not the name of a file that is taken", few(&own)));
        }
        if archive.by_index_raw(at).is_ok_and(|entry| entry.encrypted()) {
            return Err("it is protected by a password: pack it without one".to_owned());
        }
        let mut file = fresh(folder, &own)?;
        let entry = archive.by_index(at).map_err(damaged)?;
        let written = io::copy(&mut entry.take(*left + 1), &mut file).map_err(|error| format!("{own} in it: {error}"))?;
        *left = left.checked_sub(written).ok_or_else(|| format!("it holds more than the {} bytes taken here", limits::UPLOAD_BYTES_MAX))?;
    }
    Ok(())
}

/// A file that is not there yet, whatever the case of its name.
fn fresh(folder: &Path, name: &str) -> Result<File, String> {
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let is_there = entries.flatten().any(|entry| entry.file_name().to_string_lossy().to_lowercase() == name.to_lowercase());
    if is_there {
        return Err(format!("{name} in it is there already: give each file once"));
    }
    File::create_new(folder.join(name)).map_err(|error| format!("{name}: {error}"))
}
