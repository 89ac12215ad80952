//! Checking a bundle and taking its files out.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::Path,
};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

use super::{BundleError, FORMAT, Keys, Kind, MANIFEST_NAME, Manifest, PRODUCT, SIGNATURE_NAME, is_plain};
use crate::limits;

/// Checks the bundle whole: signature, kind, every file. With `into`, an empty folder, its files are put there; after an error what is there must be thrown away.
/// Returns what it says of itself and the number of the key that signed it.
pub fn unpack(bundle: &Path, keys: &Keys, kind: Kind, into: Option<&Path>) -> Result<(Manifest, String), BundleError> {
    let file = File::open(bundle).map_err(BundleError::io(format!("{} cannot be opened", bundle.display())))?;
    let mut archive = Archive::new(GzDecoder::new(file));
    let mut entries = archive.entries().map_err(|error| BundleError::Foreign(error.to_string()))?;
    let mut next = |what: &str| match entries.next() {
        Some(Ok(entry)) => Ok(entry),
        Some(Err(error)) if is_end(&error) => Err(BundleError::Truncated(format!("{what} is missing"))),
        Some(Err(error)) => Err(BundleError::Foreign(error.to_string())),
        None => Err(BundleError::Truncated(format!("{what} is missing"))),
    };

    let signature = next(SIGNATURE_NAME)?;
    match name(&signature).as_str() {
        SIGNATURE_NAME => {}
        MANIFEST_NAME => return Err(BundleError::Unsigned),
        other => return Err(BundleError::Foreign(format!("it begins with '{other}'"))),
    }
    let signature = small(signature, SIGNATURE_NAME, limits::KEY_FILE_BYTES_MAX)?;
    let entry = next(MANIFEST_NAME)?;
    if name(&entry) != MANIFEST_NAME {
        return Err(BundleError::Foreign(format!("'{}' is where its manifest should be", name(&entry))));
    }
    let text = small(entry, MANIFEST_NAME, limits::BUNDLE_MANIFEST_BYTES_MAX)?;
    let signed_by = keys.verify(&String::from_utf8_lossy(&signature), &text)?;
    let manifest = manifest(&text, kind)?;

    for listed in &manifest.files {
        let entry = next(&listed.path)?;
        let found = name(&entry);
        if found != listed.path || entry.header().entry_type() != EntryType::Regular {
            return Err(BundleError::Unlisted(format!("'{found}' where {} should be", listed.path)));
        }
        if entry.size() != listed.bytes {
            return Err(BundleError::Changed(listed.path.clone()));
        }
        let sum = match into {
            Some(dir) => take_out(entry, &listed.path, dir)?,
            None => copied(entry, &listed.path, &mut std::io::sink())?,
        };
        if sum != listed.sha256 {
            return Err(BundleError::Changed(listed.path.clone()));
        }
    }
    match entries.next() {
        None => Ok((manifest, signed_by)),
        Some(Ok(entry)) => Err(BundleError::Unlisted(format!("'{}' after the last one", name(&entry)))),
        Some(Err(error)) => Err(BundleError::Truncated(error.to_string())),
    }
}

/// Of a signed text: whether it is for us and keeps to the bounds.
fn manifest(text: &[u8], kind: Kind) -> Result<Manifest, BundleError> {
    let manifest: Manifest = serde_json::from_slice(text).map_err(|error| BundleError::Foreign(format!("its manifest: {error}")))?;
    if manifest.product != PRODUCT {
        return Err(BundleError::Foreign(format!("it is one of '{}'", manifest.product)));
    }
    if manifest.format > FORMAT {
        return Err(BundleError::Foreign(format!("its format is {}, this program knows up to {FORMAT}", manifest.format)));
    }
    if manifest.kind != kind {
        return Err(BundleError::OtherKind { theirs: manifest.kind, ours: kind });
    }
    let bytes = manifest.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
    if manifest.files.len() > limits::BUNDLE_FILES_MAX || bytes > limits::BUNDLE_BYTES_MAX {
        return Err(BundleError::TooLarge(format!("{} files of {bytes} bytes", manifest.files.len())));
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(file) = manifest.files.iter().find(|file| !is_plain(&file.path) || !seen.insert(&file.path)) {
        return Err(BundleError::Unlisted(format!("'{}', which is no name of its own in a folder", file.path)));
    }
    Ok(manifest)
}

fn name<R: Read>(entry: &Entry<'_, R>) -> String {
    String::from_utf8_lossy(&entry.path_bytes()).into_owned()
}

/// What a gzip stream that was cut ends with.
fn is_end(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::UnexpectedEof
}

fn cut(path: &str) -> impl Fn(std::io::Error) -> BundleError + '_ {
    move |error| if is_end(&error) { BundleError::Truncated(format!("within {path}")) } else { BundleError::Changed(path.to_owned()) }
}

fn small<R: Read>(entry: Entry<'_, R>, what: &str, most: u64) -> Result<Vec<u8>, BundleError> {
    if entry.size() > most {
        return Err(BundleError::TooLarge(format!("{what} has {} bytes", entry.size())));
    }
    let (size, mut bytes) = (entry.size(), Vec::new());
    entry.take(most).read_to_end(&mut bytes).map_err(cut(what))?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(BundleError::Truncated(format!("within {what}"))) }
}

fn take_out(entry: impl Read, path: &str, dir: &Path) -> Result<String, BundleError> {
    let target = dir.join(path);
    let failed = || BundleError::io(format!("{} cannot be written", target.display()));
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(failed())?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&target).map_err(failed())?;
    let sum = copied(entry, path, &mut file)?;
    file.sync_all().map_err(failed())?;
    Ok(sum)
}

fn copied(mut entry: impl Read, path: &str, out: &mut impl Write) -> Result<String, BundleError> {
    let (mut sum, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match entry.read(&mut buffer).map_err(cut(path))? {
            0 => return Ok(hex::encode(sum.finalize())),
            read => {
                sum.update(&buffer[..read]);
                out.write_all(&buffer[..read]).map_err(BundleError::io(format!("{path} cannot be written")))?;
            }
        }
    }
}
