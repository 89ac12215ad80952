//! Small files beside a model: what its own file does not say. Written whole or not at all.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::limits;

/// `NAME.card.json` beside `NAME.gguf`.
#[derive(Serialize, Deserialize)]
struct Card {
    /// Of the model it is about: another file under the same name has no card.
    sha256: String,
    licence: String,
}

pub(super) fn path(model: &Path) -> PathBuf {
    model.with_extension("card.json")
}

/// The licence that was said when the model was added.
pub(super) fn licence(model: &Path, sha256: &str) -> Option<String> {
    let card: Card = read(&path(model)).ok()??;
    (card.sha256 == sha256).then_some(card.licence)
}

pub(super) fn say_licence(model: &Path, sha256: &str, licence: &str) -> io::Result<()> {
    write(&path(model), &Card { sha256: sha256.to_owned(), licence: licence.to_owned() })
}

/// `None` where there is no such file.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut text = Vec::new();
    file.take(limits::MODEL_NOTE_BYTES_MAX).read_to_end(&mut text)?;
    Ok(Some(serde_json::from_slice(&text)?))
}

/// Written aside, on the disk, and only then under its name.
pub(super) fn write(path: &Path, what: &impl Serialize) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let text = serde_json::to_vec_pretty(what)?;
    if text.len() as u64 > limits::MODEL_NOTE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "{} would have {} bytes, over the limit of {}",
            path.display(),
            text.len(),
            limits::MODEL_NOTE_BYTES_MAX
        )));
    }
    let mut aside = tempfile::NamedTempFile::new_in(dir)?;
    aside.write_all(&text)?;
    aside.as_file().sync_all()?;
    aside.persist(path)?;
    File::open(dir)?.sync_all()
}
