//! Which of the factory's files the paths hold.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    ImportError,
    mapping::{Mapping, TableMap},
    report::Findings,
};
use crate::domain::factory::Line;

/// The files of the contracts, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Products,
    Items,
    Bom,
    Aml,
    Demand,
    Stock,
    Rates,
    Site,
}

/// Kind, file name, and what stays unknown without it; `None` where nothing can be reckoned without it.
const FILES: &[(Kind, &str, Option<&str>)] = &[
    (Kind::Products, "products.csv", None),
    (Kind::Items, "items.csv", None),
    (Kind::Bom, "bom.csv", None),
    (Kind::Aml, "aml.csv", None),
    (Kind::Demand, "demand.csv", Some("demand stays unknown, so that no quantity, last-time buy or margin at risk can be reckoned")),
    (
        Kind::Stock,
        "stock.csv",
        Some("stock and open orders stay unknown, so that no run-out date can be reckoned and a buy does not count what is there"),
    ),
    (Kind::Rates, "rates.csv", Some("amounts in other currencies than the reporting currency cannot be converted")),
    (Kind::Site, "site.toml", None),
];

impl Kind {
    pub(super) fn file_name(self) -> &'static str {
        FILES.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, name, _)| name)
    }

    pub(super) fn is_required(self) -> bool {
        FILES.iter().any(|(kind, _, without)| *kind == self && without.is_none())
    }

    /// By the name of the contracts; a table may come as a workbook too.
    fn of(path: &Path) -> Option<Kind> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let same =
            |known: &str| known == name || known.strip_suffix(".csv").zip(name.strip_suffix(".xlsx")).is_some_and(|(known, name)| known == name);
        FILES.iter().find(|(_, known, _)| same(known)).map(|(kind, ..)| *kind)
    }
}

/// Every file name, for sentences.
pub(super) fn names() -> String {
    FILES.iter().map(|(_, name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// One file that fills one table.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub path: PathBuf,
    /// Its name, for the report and every row.
    pub name: String,
    pub bytes: u64,
    /// What its columns are; `None` where they have the names of the table's.
    pub map: Option<TableMap>,
    /// Sheet of a workbook; without it the first.
    pub sheet: Option<String>,
}

/// The files found: at most one of each kind without a mapping, any number with one.
#[derive(Debug)]
pub(super) struct Sources(BTreeMap<Kind, Vec<Source>>);

impl Sources {
    /// Folders are looked into, not below. A table in a folder that is no factory file is told as doubtful, for its name may be misspelt; given by itself it is an
    /// error.
    pub fn find(paths: &[PathBuf], mapping: Option<&Mapping>, findings: &mut Findings) -> Result<Sources, ImportError> {
        let mut sources = Sources(BTreeMap::new());
        for path in paths {
            if metadata(path)?.is_dir() {
                for entry in entries(path)? {
                    if metadata(&entry)?.is_file() && !sources.take(&entry, mapping)? && is_table(&entry) {
                        let at = Line { file: name(&entry), line: 0 };
                        findings.doubt(&at, None, format!("it is not read: it is not one of the factory files ({})", names()));
                    }
                }
            } else if !sources.take(path, mapping)? {
                return Err(ImportError::Unknown(path.clone()));
            }
        }
        sources.prefer_plain(findings);
        sources.require(mapping, findings)?;
        Ok(sources)
    }

    /// Whether the file fills any table.
    fn take(&mut self, path: &Path, mapping: Option<&Mapping>) -> Result<bool, ImportError> {
        if let Some(kind) = Kind::of(path) {
            self.add(kind, path, None)?;
            return Ok(true);
        }
        let name = name(path);
        let maps = mapping.into_iter().flat_map(|mapping| &mapping.table).filter(|map| map.fits(&name));
        let mut fills = false;
        for map in maps {
            self.add(map.into, path, Some(map.clone()))?;
            fills = true;
        }
        Ok(fills)
    }

    fn add(&mut self, kind: Kind, path: &Path, map: Option<TableMap>) -> Result<(), ImportError> {
        let real = fs::canonicalize(path).map_err(|source| ImportError::Unreadable { path: path.to_owned(), source })?;
        let about = metadata(&real)?;
        if !about.is_file() {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a regular file");
            return Err(ImportError::Unreadable { path: path.to_owned(), source });
        }
        let found = self.0.entry(kind).or_default();
        let is_same = |other: &&Source| other.path == real && other.map.as_ref().map(|map| &map.sheet) == map.as_ref().map(|map| &map.sheet);
        if found.iter().any(|other| is_same(&other)) {
            return Ok(());
        }
        if let (None, Some(other)) = (&map, found.iter().find(|other| other.map.is_none())) {
            return Err(ImportError::Twice(other.path.clone(), real));
        }
        let sheet = map.as_ref().and_then(|map| map.sheet.clone());
        found.push(Source { name: name(path), path: real, bytes: about.len(), map, sheet });
        Ok(())
    }

    /// What the site writes itself stands for what an export says as well.
    fn prefer_plain(&mut self, findings: &mut Findings) {
        for (kind, found) in self.0.iter_mut().filter(|(_, found)| found.iter().any(|source| source.map.is_none())) {
            for source in found.extract_if(.., |source| source.map.is_some()) {
                findings.note(&source.name, format!("it is not read for {}, which is there", kind.file_name()));
            }
        }
    }

    fn require(&self, mapping: Option<&Mapping>, findings: &mut Findings) -> Result<(), ImportError> {
        let absent: Vec<_> = FILES.iter().filter(|(kind, ..)| !self.0.contains_key(kind)).collect();
        let missing: Vec<&'static str> = absent.iter().filter(|(.., without)| without.is_none()).map(|(_, name, _)| *name).collect();
        if !missing.is_empty() {
            let about = mapping.map(|mapping| format!(" or as the mapping expects them ({})", mapping.about)).unwrap_or_default();
            return Err(ImportError::Missing(missing, about));
        }
        for (_, file, without) in absent {
            let what = format!("there is no such file: {}", without.unwrap_or_default());
            findings.doubt(&Line { file: (*file).to_owned(), line: 0 }, None, what);
        }
        Ok(())
    }

    pub fn of(&self, kind: Kind) -> &[Source] {
        self.0.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// Size of all of them, in bytes.
    pub fn bytes(&self) -> u64 {
        self.0.values().flatten().map(|source| source.bytes).sum()
    }
}

fn metadata(path: &Path) -> Result<fs::Metadata, ImportError> {
    fs::metadata(path).map_err(|source| ImportError::Unreadable { path: path.to_owned(), source })
}

/// Entries of a folder in the order of their names, so that a report never depends on the file system.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let unreadable = |source| ImportError::Unreadable { path: dir.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        found.push(entry.map_err(unreadable)?.path());
    }
    found.sort();
    Ok(found)
}

fn is_table(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    matches!(ending.as_deref(), Some("csv" | "tsv" | "xlsx" | "xls" | "ods" | "toml"))
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("folder");
        for file in files {
            fs::write(dir.path().join(file), "x").expect("file");
        }
        dir
    }

    #[test]
    fn a_folder_and_a_file_in_it_are_one_source() {
        let dir = folder(&["products.csv", "Items.CSV", "bom.csv", "aml.csv", "demand.csv", "stock.csv", "rates.csv", "site.toml", "notes.txt"]);
        let paths = [dir.path().to_owned(), dir.path().join("bom.csv")];
        let sources = Sources::find(&paths, None, &mut Findings::default()).expect("found");
        assert_eq!(sources.of(Kind::Items).first().map(|source| source.name.as_str()), Some("Items.CSV"));
        assert_eq!(sources.bytes(), 8);
    }

    #[test]
    fn what_cannot_be_right_is_said() {
        let whole = folder(&["products.csv", "items.csv", "bom.csv", "aml.csv", "site.toml"]);
        let find = |paths: &[PathBuf]| Sources::find(paths, None, &mut Findings::default()).map(|_| ()).map_err(|error| error.to_string());
        let second = folder(&["bom.csv", "parts.csv"]);
        assert!(find(&[whole.path().to_owned(), second.path().to_owned()]).is_err_and(|error| error.contains("give one of them")));
        assert!(find(&[second.path().join("parts.csv")]).is_err_and(|error| error.contains("not a factory file")));
        assert!(find(&[second.path().to_owned()]).is_err_and(|error| error.starts_with("products.csv, items.csv, aml.csv, site.toml: not found")));
        assert!(find(&[second.path().join("absent")]).is_err_and(|error| error.contains("cannot be read")));
    }

    #[test]
    fn what_is_left_out_is_told() {
        let dir = folder(&["products.csv", "items.csv", "bom.csv", "aml.csv", "site.toml", "part-list.csv"]);
        let mut findings = Findings::default();
        Sources::find(&[dir.path().to_owned()], None, &mut findings).expect("found");
        let files: Vec<String> = findings.finish(&[]).problems.into_iter().map(|problem| problem.file).collect();
        assert_eq!(files, ["demand.csv", "part-list.csv", "rates.csv", "stock.csv"]);
    }
}
