//! One imported dataset as one immutable file, which is mapped and not read: the bills of materials are asked where they lie.
//!
//! ```text
//! "lastbuy dataset 2\n"
//! sections              the tables but the bills as JSON, so that a column added later leaves older files readable; the bills in columns (`bom::layout`)
//! directory             JSON: the place of each section and the counts of the columns
//! trailer               length of the directory, eight bytes, little-endian
//! ```
//! The checksum the store keeps is BLAKE3 of the whole file, so a file is refused when it is not the one that was imported. Version 1 was all JSON: the magic,
//! the checksum of the rest in hexadecimal and a line feed, then `FactoryData` with rows; it still opens.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    ops::Range,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::bom::{Bom, Bytes, Counts};
use crate::domain::{event::Digest, factory::FactoryData};

const MAGIC: &[u8] = b"lastbuy dataset ";
const VERSION: u32 = 2;
const TRAILER: usize = 8;

/// A dataset file cannot be used. A sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatasetError(String);

#[derive(Default, Serialize, Deserialize)]
struct Directory {
    sections: BTreeMap<String, Range<usize>>,
    bom: Counts,
}

/// Writes a dataset aside, read-only, syncs it, gives it its name and syncs the folder; a name that is taken is refused. Returns the checksum of the file.
pub fn write_dataset(data: &FactoryData<Bom>, path: &Path) -> io::Result<Digest> {
    let dir = path.parent().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a dataset file needs a folder"))?;
    let aside = tempfile::NamedTempFile::new_in(dir)?;
    let mut writing = Writing { file: BufWriter::new(aside.as_file()), hash: blake3::Hasher::new(), at: 0, directory: Directory::default() };
    writing.put(format!("{}{VERSION}\n", String::from_utf8_lossy(MAGIC)).as_bytes())?;
    let (block, counts) = data.bom.block();
    writing.directory.bom = counts;
    writing.section("bom", |writing| writing.put(block))?;
    writing.section("site", |writing| writing.json(&data.site))?;
    writing.section("rates", |writing| writing.json(&data.rates))?;
    writing.section("products", |writing| writing.json(&data.products))?;
    writing.section("items", |writing| writing.json(&data.items))?;
    writing.section("aml", |writing| writing.json(&data.aml))?;
    writing.section("demand", |writing| writing.json(&data.demand))?;
    writing.section("stock", |writing| writing.json(&data.stock))?;
    let checksum = writing.finish()?;
    aside.as_file().set_permissions(std::fs::Permissions::from_mode(0o400))?;
    aside.as_file().sync_all()?;
    aside.persist_noclobber(path)?;
    File::open(dir)?.sync_all()?;
    Ok(checksum)
}

/// A file while it is written: hashed on the way, so that it is not read again.
struct Writing<'a> {
    file: BufWriter<&'a File>,
    hash: blake3::Hasher,
    at: usize,
    directory: Directory,
}

impl Write for Writing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Writing<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.at += bytes.len();
        self.file.write_all(bytes)
    }

    fn json(&mut self, table: &impl Serialize) -> io::Result<()> {
        Ok(serde_json::to_writer(BufWriter::with_capacity(1 << 16, self), table)?)
    }

    fn section(&mut self, name: &str, write: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        let start = self.at;
        write(self)?;
        self.directory.sections.insert(name.to_owned(), start..self.at);
        Ok(())
    }

    fn finish(mut self) -> io::Result<Digest> {
        let directory = serde_json::to_vec(&self.directory)?;
        self.put(&directory)?;
        self.put(&(directory.len() as u64).to_le_bytes())?;
        self.file.flush()?;
        Ok(Digest(*self.hash.finalize().as_bytes()))
    }
}

/// Maps, verifies and opens a dataset file of this version or an older one.
pub fn read_dataset(path: &Path, checksum: Digest) -> Result<FactoryData<Bom>, DatasetError> {
    let name = path.display();
    let bytes = File::open(path).and_then(|file| if file.metadata()?.len() == 0 { Ok(None) } else { Bytes::map(&file).map(Some) });
    let bytes = bytes.map_err(|error| DatasetError(format!("{name} cannot be read: {error}")))?;
    let damaged = |what: &str| DatasetError(format!("{name} is damaged: {what}; import the factory files again"));
    let bytes = bytes.ok_or_else(|| damaged("it is not a dataset file"))?;
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it is not a dataset file"))?;
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| damaged("it has no version"))?;
    let version: u32 =
        std::str::from_utf8(&rest[..end]).ok().and_then(|text| text.parse().ok()).ok_or_else(|| damaged("its version is no number"))?;
    if version > VERSION {
        return Err(DatasetError(format!("{name} has version {version}, this program reads up to {VERSION}: use the newer program")));
    }
    if Digest::of(&bytes) != checksum {
        return Err(damaged("its checksum is not the one it was imported with"));
    }
    let data = if version == 1 { rows(&rest[end..]) } else { columns(&bytes) };
    data.map_err(|what| damaged(&what))
}

/// Version 1.
fn rows(rest: &[u8]) -> Result<FactoryData<Bom>, String> {
    let payload = rest.get(66..).ok_or("it ends early")?;
    let data: FactoryData = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    Ok(data.into())
}

/// Version 2. The larger tables are parsed beside each other: they are most of the time that opening takes.
fn columns(bytes: &Bytes) -> Result<FactoryData<Bom>, String> {
    let before = bytes.len().checked_sub(TRAILER).ok_or("it ends early")?;
    let length = bytes[before..].try_into().map(u64::from_le_bytes).map_err(|_| "it ends early")?;
    let start = usize::try_from(length).ok().and_then(|length| before.checked_sub(length)).ok_or("its directory is cut")?;
    let directory: Directory = serde_json::from_slice(&bytes[start..before]).map_err(|error| format!("its directory: {error}"))?;
    let (items, aml, rest) = std::thread::scope(|scope| {
        let items = scope.spawn(|| section(bytes, &directory, "items"));
        let aml = section(bytes, &directory, "aml");
        let rest = (|| {
            let at = directory.sections.get("bom").ok_or("it has no bills of materials")?.start;
            let bom = Bom::open(bytes.clone(), at, directory.bom)?;
            Ok::<_, String>((bom, section(bytes, &directory, "demand")?, section(bytes, &directory, "stock")?))
        })();
        (items.join(), aml, rest)
    });
    let (bom, demand, stock) = rest?;
    let data = FactoryData {
        products: section(bytes, &directory, "products")?,
        items: items.map_err(|_| "its items cannot be read")??,
        bom,
        aml: aml?,
        demand,
        stock,
        rates: section(bytes, &directory, "rates")?,
        site: section(bytes, &directory, "site")?,
    };
    if data.bom.leads_into(data.products.len(), data.items.len()) {
        Ok(data)
    } else {
        Err("its bills of materials belong to other tables".to_owned())
    }
}

fn section<T: DeserializeOwned>(bytes: &Bytes, directory: &Directory, name: &str) -> Result<T, String> {
    let range = directory.sections.get(name).ok_or_else(|| format!("it has no {name}"))?;
    let bytes = bytes.get(range.clone()).ok_or_else(|| format!("its {name} are cut"))?;
    serde_json::from_slice(bytes).map_err(|error| format!("its {name}: {error}"))
}
