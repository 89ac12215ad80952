//! Models that the program carries behind itself, so that a release is one file. They are unpacked into the data directory at the first start.
//!
//! Behind the last byte of the program: the files one after another, a table of them as JSON, then the table's length (8 bytes, little endian) and `MAGIC`. A
//! program that carries nothing ends otherwise, and one look at its last bytes tells.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files::{DEFAULT_MODEL_FILE, checksum};
use crate::limits;

const MAGIC: &[u8; 16] = b"lastbuy carries\n";
const TAIL: u64 = 8 + MAGIC.len() as u64;
/// What was unpacked last, beside the models: a file that is still so may be replaced by the one of a newer release.
const NOTE: &str = "carried.json";

/// A file that the program carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    pub name: String,
    pub bytes: u64,
    /// In lower-case hexadecimal.
    pub sha256: String,
}

/// What the program carries, and where in it the first file begins.
fn table(program: &mut File) -> io::Result<Option<(Vec<Carried>, u64)>> {
    let end = program.seek(SeekFrom::End(0))?;
    let Some(tail_at) = end.checked_sub(TAIL) else { return Ok(None) };
    program.seek(SeekFrom::Start(tail_at))?;
    let mut tail = [0; TAIL as usize];
    program.read_exact(&mut tail)?;
    let Some((length, magic)) = tail.split_first_chunk::<8>() else { return Ok(None) };
    if magic != MAGIC {
        return Ok(None);
    }
    let length = u64::from_le_bytes(*length);
    let broken = |why: &str| io::Error::new(io::ErrorKind::InvalidData, format!("what the program carries cannot be read: {why}"));
    let table_at =
        tail_at.checked_sub(length).filter(|_| length <= limits::CARRIED_TABLE_BYTES_MAX).ok_or_else(|| broken("its table is too long"))?;
    program.seek(SeekFrom::Start(table_at))?;
    let mut text = Vec::new();
    (&mut *program).take(length).read_to_end(&mut text)?;
    let files: Vec<Carried> = serde_json::from_slice(&text).map_err(|error| broken(&error.to_string()))?;
    let mut bytes = 0_u64;
    for file in &files {
        // It becomes the name of a file in a folder of models.
        if Path::new(&file.name).file_name().is_none_or(|name| name != file.name.as_str()) || !file.name.ends_with(".gguf") {
            return Err(broken(&format!("'{}' is no name of a model file", file.name)));
        }
        bytes = bytes.saturating_add(file.bytes);
    }
    let first_at = table_at.checked_sub(bytes).ok_or_else(|| broken("its files are longer than the program"))?;
    Ok(Some((files, first_at)))
}

/// Writes `program`, without what it carries itself, and behind it the models; the result is a program.
pub fn carry(program: &Path, models: &[PathBuf], out: &mut impl Write) -> io::Result<Vec<Carried>> {
    let mut file = File::open(program)?;
    let own = match table(&mut file)? {
        Some((_, first_at)) => first_at,
        None => file.metadata()?.len(),
    };
    file.rewind()?;
    copied(&mut file.take(own), own, out)?;
    let mut carried = Vec::new();
    for model in models {
        let name = model.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let (bytes, sha256) = checksum(model)?;
        copied(&mut File::open(model)?.take(bytes), bytes, out)?;
        carried.push(Carried { name, bytes, sha256 });
    }
    let text = serde_json::to_vec(&carried)?;
    out.write_all(&text)?;
    out.write_all(&(text.len() as u64).to_le_bytes())?;
    out.write_all(MAGIC)?;
    Ok(carried)
}

fn copied(from: &mut impl Read, bytes: u64, out: &mut impl Write) -> io::Result<()> {
    if io::copy(from, out)? == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Puts into `dir` what `program` carries, unless it is there. A damaged default model, and a file that an older release put there, are replaced; a file of the
/// site's own under the same name stays, which is told in the log. What an older release put there and this one no longer carries is removed, where nobody changed
/// it: an adapter left behind would be used instead of a newer one. Nothing is done where the program carries nothing.
pub fn unpack(program: &Path, dir: &Path) -> io::Result<Vec<Carried>> {
    let mut file = File::open(program)?;
    let Some((carried, mut at)) = table(&mut file)? else { return Ok(Vec::new()) };
    let note = dir.join(NOTE);
    let before: Vec<Carried> = std::fs::read(&note).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    std::fs::create_dir_all(dir)?;
    for one in &carried {
        let target = dir.join(&one.name);
        let there = if target.exists() { Some(checksum(&target)?.1) } else { None };
        let is_ours = |sha256: &String| one.name == DEFAULT_MODEL_FILE || before.iter().any(|old| old.name == one.name && old.sha256 == *sha256);
        match &there {
            Some(sha256) if *sha256 == one.sha256 => {}
            Some(sha256) if !is_ours(sha256) => {
                tracing::warn!(file = %target.display(), "this file of a model is the site's own; the one that the program carries is not used");
            }
            _ => {
                file.seek(SeekFrom::Start(at))?;
                place(&mut (&mut file).take(one.bytes), one, dir, &target)?;
                tracing::info!(file = %target.display(), replaced = there.is_some(), "a model that the program carries was unpacked");
            }
        }
        at += one.bytes;
    }
    for old in before.iter().filter(|old| carried.iter().all(|one| one.name != old.name)) {
        let left = dir.join(&old.name);
        if left.is_file() && checksum(&left)?.1 == old.sha256 {
            std::fs::remove_file(&left)?;
            tracing::info!(file = %left.display(), "a file of an older release that this one no longer carries was removed");
        }
    }
    if before != carried {
        std::fs::write(note, serde_json::to_vec(&carried)?)?;
    }
    Ok(carried)
}

/// Written aside, compared, on the disk, and only then under its name.
fn place(from: &mut impl Read, one: &Carried, dir: &Path, target: &Path) -> io::Result<()> {
    let mut aside = tempfile::NamedTempFile::new_in(dir)?;
    let (mut sum, mut left, mut buffer) = (Sha256::new(), one.bytes, vec![0; 1 << 20]);
    while left > 0 {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        sum.update(&buffer[..read]);
        aside.write_all(&buffer[..read])?;
        left = left.saturating_sub(read as u64);
    }
    let found = hex::encode(sum.finalize());
    if found != one.sha256 {
        let message = format!("{} in the program has SHA-256 {found} instead of {}: the program is damaged, install it again", one.name, one.sha256);
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    aside.as_file().sync_all()?;
    aside.persist(target)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that carries the given files, and its folder.
    fn program(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("folder");
        let bare = dir.path().join("bare");
        std::fs::write(&bare, b"\x7fELF and so on").expect("program");
        let models: Vec<PathBuf> = files.iter().map(|(name, _)| dir.path().join(name)).collect();
        models.iter().zip(files).for_each(|(path, (_, bytes))| std::fs::write(path, bytes).expect("model"));
        let path = dir.path().join("lastbuy");
        carry(&bare, &models, &mut File::create(&path).expect("program")).expect("carried");
        (dir, path)
    }

    #[test]
    fn what_is_carried_comes_out_again_and_carrying_twice_carries_once() {
        let (dir, path) = program(&[("a.gguf", b"first"), ("a.adapter.gguf", b"the second")]);
        let again = dir.path().join("again");
        let model = dir.path().join("a.gguf");
        carry(&path, std::slice::from_ref(&model), &mut File::create(&again).expect("program")).expect("carried");
        assert!(again.metadata().expect("file").len() < path.metadata().expect("file").len());
        let models = dir.path().join("models");
        assert_eq!(unpack(&path, &models).expect("unpacked").len(), 2);
        assert_eq!(std::fs::read(models.join("a.gguf")).expect("file"), b"first");
        assert_eq!(std::fs::read(models.join("a.adapter.gguf")).expect("file"), b"the second");
        assert!(unpack(&dir.path().join("bare"), &models).expect("nothing").is_empty());
    }

    #[test]
    fn a_newer_release_replaces_its_own_file_and_never_the_sites() {
        let (dir, old) = program(&[("x.adapter.gguf", b"old"), ("y.adapter.gguf", b"old")]);
        let models = dir.path().join("models");
        unpack(&old, &models).expect("unpacked");
        std::fs::write(models.join("y.adapter.gguf"), b"the site's own").expect("file");
        let (_dir, new) = program(&[("x.adapter.gguf", b"new"), ("y.adapter.gguf", b"new")]);
        unpack(&new, &models).expect("unpacked");
        assert_eq!(std::fs::read(models.join("x.adapter.gguf")).expect("file"), b"new");
        assert_eq!(std::fs::read(models.join("y.adapter.gguf")).expect("file"), b"the site's own");
    }

    #[test]
    fn what_a_newer_release_no_longer_carries_goes_unless_it_was_changed() {
        let (dir, old) = program(&[("x.gguf", b"model"), ("x.adapter.gguf", b"old"), ("y.adapter.gguf", b"old")]);
        let models = dir.path().join("models");
        unpack(&old, &models).expect("unpacked");
        std::fs::write(models.join("y.adapter.gguf"), b"the site's own").expect("file");
        let (_dir, new) = program(&[("x.gguf", b"model")]);
        unpack(&new, &models).expect("unpacked");
        assert!(models.join("x.gguf").exists() && !models.join("x.adapter.gguf").exists());
        assert_eq!(std::fs::read(models.join("y.adapter.gguf")).expect("file"), b"the site's own");
    }

    #[test]
    fn a_damaged_default_model_is_made_whole_and_a_damaged_program_places_nothing() {
        let (dir, path) = program(&[(DEFAULT_MODEL_FILE, b"the model")]);
        let models = dir.path().join("models");
        std::fs::create_dir(&models).expect("folder");
        let target = models.join(DEFAULT_MODEL_FILE);
        std::fs::write(&target, b"half").expect("file");
        unpack(&path, &models).expect("unpacked");
        assert_eq!(std::fs::read(&target).expect("file"), b"the model");
        std::fs::remove_file(&target).expect("removed");
        let mut bytes = std::fs::read(&path).expect("program");
        let at = bytes.windows(9).position(|window| window == b"the model").expect("the model");
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).expect("program");
        assert!(unpack(&path, &models).expect_err("damaged").to_string().contains("damaged"));
        assert!(!target.exists());
        assert_eq!(std::fs::read_dir(&models).expect("folder").count(), 1, "something was left behind");
    }

    #[test]
    fn names_that_lead_out_of_the_folder_and_tables_that_lie_are_refused() {
        let dir = tempfile::tempdir().expect("folder");
        for table in [
            r#"[{"name":"../x.gguf","bytes":1,"sha256":""}]"#,
            r#"[{"name":"/etc/x.gguf","bytes":1,"sha256":""}]"#,
            r#"[{"name":"x.sh","bytes":1,"sha256":""}]"#,
            r#"[{"name":"x.gguf","bytes":999999,"sha256":""}]"#,
            r#"[{"name":"x.gguf","bytes":18446744073709551615,"sha256":""}]"#,
            "nonsense",
        ] {
            let path = dir.path().join("program");
            let bytes = [b"program".as_slice(), table.as_bytes(), &(table.len() as u64).to_le_bytes(), MAGIC].concat();
            std::fs::write(&path, bytes).expect("program");
            let error = unpack(&path, &dir.path().join("models")).expect_err(table);
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{table}");
        }
    }
}
