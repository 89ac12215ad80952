//! Making a bundle. The same files, time and key give the same bytes but for the signature, which minisign salts.

use std::{
    fs::File,
    io::{Read, Write},
    path::PathBuf,
};

use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::{BundleError, FORMAT, Kind, Listed, MANIFEST_NAME, Manifest, PRODUCT, SIGNATURE_NAME, SigningKey, is_plain};
use crate::limits;

/// A file that goes in.
pub enum Source {
    File { path: String, from: PathBuf },
    Bytes { path: String, bytes: Vec<u8> },
}

impl Source {
    fn path(&self) -> &str {
        match self {
            Source::File { path, .. } | Source::Bytes { path, .. } => path,
        }
    }

    fn open(&self) -> std::io::Result<(u64, Box<dyn Read + '_>)> {
        match self {
            Source::File { from, .. } => {
                let file = File::open(from)?;
                Ok((file.metadata()?.len(), Box::new(file)))
            }
            Source::Bytes { bytes, .. } => Ok((bytes.len() as u64, Box::new(bytes.as_slice()))),
        }
    }
}

/// Writes a signed bundle of these files. `arch` only for a release.
pub fn make(
    kind: Kind,
    version: &str,
    arch: &str,
    made_at: Timestamp,
    files: &[Source],
    key: &SigningKey,
    out: impl Write,
) -> Result<Manifest, BundleError> {
    if files.len() > limits::BUNDLE_FILES_MAX {
        return Err(BundleError::TooLarge(format!("{} files, {} fit", files.len(), limits::BUNDLE_FILES_MAX)));
    }
    let mut listed = Vec::with_capacity(files.len());
    for file in files {
        let path = file.path();
        if !is_plain(path) {
            return Err(BundleError::Foreign(format!("'{path}' cannot be the name of a file in one")));
        }
        let failed = || BundleError::io(format!("{path} cannot be read"));
        let (bytes, mut from) = file.open().map_err(failed())?;
        let mut sum = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match from.read(&mut buffer).map_err(failed())? {
                0 => break,
                read => sum.update(&buffer[..read]),
            }
        }
        listed.push(Listed { path: path.to_owned(), bytes, sha256: hex::encode(sum.finalize()) });
    }
    let manifest = Manifest {
        format: FORMAT,
        product: PRODUCT.to_owned(),
        kind,
        version: version.to_owned(),
        arch: arch.to_owned(),
        made_at: made_at.to_string(),
        files: listed,
    };
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| BundleError::Foreign(error.to_string()))?;
    let signature = key.sign(&text, &format!("lastbuy {} {version} {made_at}", kind.as_str()))?;
    let failed = || BundleError::io("the bundle cannot be written");
    let mut tar = Builder::new(GzBuilder::new().mtime(0).write(out, Compression::default()));
    let mtime = u64::try_from(made_at.as_second()).unwrap_or(0);
    append(&mut tar, SIGNATURE_NAME, signature.len() as u64, mtime, signature.as_bytes()).map_err(failed())?;
    append(&mut tar, MANIFEST_NAME, text.len() as u64, mtime, text.as_slice()).map_err(failed())?;
    for (file, listed) in files.iter().zip(&manifest.files) {
        let (_, from) = file.open().map_err(failed())?;
        append(&mut tar, &listed.path, listed.bytes, mtime, from.take(listed.bytes)).map_err(failed())?;
    }
    let mut gzip = tar.into_inner().map_err(failed())?;
    gzip.try_finish().map_err(failed())?;
    gzip.finish().and_then(|mut out| out.flush()).map_err(failed())?;
    Ok(manifest)
}

fn append<W: Write>(tar: &mut Builder<W>, path: &str, bytes: u64, mtime: u64, from: impl Read) -> std::io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(0o644);
    header.set_mtime(mtime);
    tar.append_data(&mut header, path, from)
}
