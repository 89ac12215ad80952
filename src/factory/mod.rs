//! STUB of the factory's public face. See the brief.
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::{event::Digest, factory::FactoryData, maker::MakerAliases};

/// A line that was refused or is doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub file: String,
    pub line: u32,
    pub column: Option<String>,
    pub refused: bool,
    /// What is wrong and how to mend it, a sentence.
    pub what: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// File name, lines read, lines taken.
    pub files: Vec<(String, u64, u64)>,
    pub problems: Vec<Problem>,
    pub refused: u64,
    pub doubtful: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    Unreadable(String),
}

/// Reads the factory files in `paths` (directories or files). `progress` is told bytes done and bytes in all.
pub fn import(_paths: &[PathBuf], _progress: &mut dyn FnMut(u64, u64)) -> Result<(FactoryData, ImportReport), ImportError> {
    todo!()
}

/// Writes an immutable, checksummed dataset file, synced, under a name that does not exist yet; returns its checksum.
pub fn write_dataset(_data: &FactoryData, _path: &Path) -> Result<Digest, std::io::Error> {
    todo!()
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatasetError(pub String);

/// Opens and verifies a dataset file.
pub fn read_dataset(_path: &Path, _checksum: Digest) -> Result<FactoryData, DatasetError> {
    todo!()
}

/// Writes the template files of the contracts into a directory.
pub fn write_templates(_dir: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    todo!()
}

/// How a part was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchKind {
    /// Same maker, same normal form.
    Exact,
    /// Same but for a packaging suffix.
    Suffix,
    /// Covered by a wildcard or series in the notice.
    Family,
}

/// One approved source of one item that a notice's part hits. Indices into `FactoryData`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    pub item: usize,
    pub aml: usize,
    pub kind: MatchKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    pub maker: String,
    pub mpn: String,
    pub item: String,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartMatch {
    Known(Vec<Hit>),
    /// Not in the AML: unknown, never zero. Nearest names for a person.
    Unknown(Vec<Suggestion>),
}

/// One way from a product down to an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UsePath {
    /// SKU first, the item last.
    pub nodes: Vec<String>,
    pub quantity: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductUse {
    /// Index into `FactoryData::products`.
    pub product: usize,
    pub sku: String,
    /// Pieces of the item per product, every path, with scrap and yield, on the day asked.
    pub pieces: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhereUsed {
    pub item: String,
    pub products: Vec<ProductUse>,
    /// At most `limits::PATHS_SHOWN_MAX`.
    pub paths: Vec<UsePath>,
    pub paths_in_all: u64,
}

/// A dataset with its indexes. Built once, shared, immutable.
pub struct Factory {
    pub data: FactoryData,
}

impl Factory {
    pub fn new(_data: FactoryData, _aliases: MakerAliases) -> Factory {
        todo!()
    }
    /// `maker: None` matches any maker (and says so in the hits' kind being what it is); a number with several makers then yields several hits.
    pub fn find_part(&self, _maker: Option<&str>, _mpn: &str) -> PartMatch {
        todo!()
    }
    /// Index of an item by the factory's own number.
    pub fn item(&self, _number: &str) -> Option<usize> {
        todo!()
    }
    pub fn where_used(&self, _item: usize, _on: jiff::civil::Date) -> WhereUsed {
        todo!()
    }
    /// Pieces of the item in one unit of each product on a day: (index of product, pieces), one pass in topological order, every path, × (1 + scrap) ÷ yield.
    pub fn pieces_per_product(&self, _item: usize, _on: jiff::civil::Date) -> Vec<(usize, f64)> {
        todo!()
    }
    /// AML entries of an item, by preference.
    pub fn sources(&self, _item: usize) -> Vec<usize> {
        todo!()
    }
    pub fn aliases(&self) -> &MakerAliases {
        todo!()
    }
}
pub fn built_in_aliases() -> MakerAliases {
    todo!()
}
