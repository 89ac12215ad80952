//! Reads the factory's own files into one dataset. Nothing is repaired silently: a line is taken as it stands or refused with a sentence, and an empty cell is
//! unknown, never zero.
//!
//! ```text
//! paths ─▶ files ─▶ site.toml
//!                ─▶ records (lines, cells) ─▶ table (columns → rows, cell by cell) ─▶ cross (rows against rows) ─▶ loops (the BOM) ─▶ FactoryData
//!                                    └───────── whatever is refused or doubtful ─────────┴──▶ report
//! ```

mod cell;
mod cross;
mod damage;
mod decode;
mod dialect;
mod files;
mod header;
mod input;
mod levels;
mod loops;
mod mapping;
mod number;
mod records;
mod report;
mod site;
mod sums;
mod table;
mod tables;
mod units;
mod workbook;

use std::{collections::HashMap, path::PathBuf};

pub use self::{
    dialect::{Days, Dialect, Mark},
    mapping::Mapping,
    report::{ImportReport, Problem},
};

use self::{
    files::{Kind, Sources},
    report::Findings,
    table::{Reader, Table},
    tables::RateRow,
};
use super::bom::{Bom, Draft};
use crate::domain::{
    factory::{AmlEntry, Demand, FactoryData, Item, Product, Stock},
    money::Rates,
};

/// The factory files cannot be read at all. A sentence.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} is not a factory file: the names are {}", .0.display(), files::names())]
    Unknown(PathBuf),
    #[error("{} and {} are the same file of the factory: give one of them", .0.display(), .1.display())]
    Twice(PathBuf, PathBuf),
    /// The files, and what else would do.
    #[error("{}: not found among the paths given{}. `lastbuy data template DIR` writes every file with its columns", .0.join(", "), .1)]
    Missing(Vec<&'static str>, String),
    /// `site.toml` holds the reporting currency, without which no amount means anything.
    #[error("{0}")]
    Site(String),
}

/// Reads the factory files in `paths` (directories or files). `progress` is told bytes done and bytes in all.
///
/// A dataset comes back even where lines were refused; whether it is fit for use is for the caller to judge by the report, above all by
/// [`ImportReport::unusable`].
pub fn import(paths: &[PathBuf], progress: &mut dyn FnMut(u64, u64)) -> Result<(FactoryData<Bom>, ImportReport), ImportError> {
    import_with(paths, &ImportOptions::default(), progress)
}

/// How files are read that are not the plain ones.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Which export is which table; plain files are taken beside them.
    pub mapping: Option<Mapping>,
    /// How numbers and days are written; without it as the mapping says.
    pub decimal: Option<Mark>,
    pub days: Option<Days>,
}

/// As [`import`], of files that a mapping explains.
pub fn import_with(
    paths: &[PathBuf],
    options: &ImportOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(FactoryData<Bom>, ImportReport), ImportError> {
    let mut findings = Findings::default();
    let sources = Sources::find(paths, options.mapping.as_ref(), &mut findings)?;
    let site = site::read(&sources)?;
    let said = options.mapping.as_ref().map(|mapping| mapping.dialect).unwrap_or_default();
    let dialect = Dialect { decimal: options.decimal.unwrap_or(said.decimal), days: options.days.unwrap_or(said.days) };
    let mut reader = Reader::new(&sources, site.reporting_currency, dialect, progress);
    let mut rows = Rows {
        products: reader.read(Kind::Products, &mut findings)?,
        items: reader.read(Kind::Items, &mut findings)?,
        bom: reader.read_bom(&mut findings)?,
        aml: reader.read(Kind::Aml, &mut findings)?,
        demand: reader.read(Kind::Demand, &mut findings)?,
        stock: reader.read(Kind::Stock, &mut findings)?,
        rates: reader.read(Kind::Rates, &mut findings)?,
    };
    cross::check(&mut rows, &mut findings);
    loops::refuse(&mut rows.bom, &mut findings);
    sums::tell(&rows, &site, &mut findings);
    let taken = [
        (Kind::Products, by_file(&rows.products)),
        (Kind::Items, by_file(&rows.items)),
        (Kind::Bom, rows.bom.by_file()),
        (Kind::Aml, by_file(&rows.aml)),
        (Kind::Demand, by_file(&rows.demand)),
        (Kind::Stock, by_file(&rows.stock)),
        (Kind::Rates, by_file(&rows.rates)),
    ];
    let report = findings.finish(&taken);
    let Rows { products, items, bom, aml, demand, stock, rates } = rows;
    let bom = bom.finish(&products, &items);
    let rates = Rates(rates.into_iter().map(|row| row.rate).collect());
    Ok((FactoryData { products, items, bom, aml, demand, stock, rates, site }, report))
}

/// Rows taken, by the name of their file.
fn by_file<R: Table>(rows: &[R]) -> HashMap<String, u64> {
    let mut files = HashMap::new();
    for row in rows {
        match files.get_mut(&row.at().file) {
            Some(count) => *count += 1,
            None => drop(files.insert(row.at().file.clone(), 1)),
        }
    }
    files
}

/// What the files hold, as far as each line is right by itself.
struct Rows {
    products: Vec<Product>,
    items: Vec<Item>,
    bom: Draft,
    aml: Vec<AmlEntry>,
    demand: Vec<Demand>,
    stock: Vec<Stock>,
    rates: Vec<RateRow>,
}
