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
mod files;
mod loops;
mod number;
mod records;
mod report;
mod site;
mod sums;
mod table;
mod tables;

use std::path::PathBuf;

pub use report::{ImportReport, Problem};

use self::{
    files::{Kind, Sources},
    report::Findings,
    table::Reader,
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
    #[error("{}: not found among the paths given. `lastbuy data template DIR` writes every file with its columns", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// `site.toml` holds the reporting currency, without which no amount means anything.
    #[error("{0}")]
    Site(String),
}

/// Reads the factory files in `paths` (directories or files). `progress` is told bytes done and bytes in all.
///
/// A dataset comes back even where lines were refused; whether it is fit for use is for the caller to judge by the report, above all by
/// [`ImportReport::unusable`].
pub fn import(paths: &[PathBuf], progress: &mut dyn FnMut(u64, u64)) -> Result<(FactoryData<Bom>, ImportReport), ImportError> {
    let mut findings = Findings::default();
    let sources = Sources::find(paths, &mut findings)?;
    let site = site::read(&sources)?;
    let mut reader = Reader::new(&sources, site.reporting_currency, progress);
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
        (Kind::Products, rows.products.len()),
        (Kind::Items, rows.items.len()),
        (Kind::Bom, rows.bom.lines.len()),
        (Kind::Aml, rows.aml.len()),
        (Kind::Demand, rows.demand.len()),
        (Kind::Stock, rows.stock.len()),
        (Kind::Rates, rows.rates.len()),
    ];
    let report = findings.finish(&taken);
    let Rows { products, items, bom, aml, demand, stock, rates } = rows;
    let bom = bom.finish(&products, &items);
    let rates = Rates(rates.into_iter().map(|row| row.rate).collect());
    Ok((FactoryData { products, items, bom, aml, demand, stock, rates, site }, report))
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
