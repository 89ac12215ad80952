//! A dataset as the plain files again: what is exported imports as the same data.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use rust_decimal::Decimal;

use super::bom::Bom;
use crate::domain::factory::{DemandKind, FactoryData};

/// Writes the files of the contracts into a folder, which must be empty or absent. Returns their paths.
pub fn export_dataset(data: &FactoryData<Bom>, dir: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(dir)?;
    if fs::read_dir(dir)?.next().is_some() {
        let what = format!("{} is not empty, and nothing is overwritten: choose another folder", dir.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    let mut files = Files { dir, written: Vec::new() };
    let number = |number: Option<Decimal>| number.map(|number| number.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    fn shown(value: Option<impl ToString>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let head = ["sku", "name", "price", "variable_cost", "contribution", "contribution_ratio", "currency", "end_of_production", "penalty_per_unit"];
    files.table("products.csv", &head, data.products.iter(), |row| {
        let amounts = [row.price, row.variable_cost, row.contribution, row.contribution_ratio].map(number);
        let [price, cost, contribution, ratio] = amounts;
        let (sku, name, currency) = (row.sku.clone(), row.name.clone(), row.currency.to_string());
        vec![sku, name, price, cost, contribution, ratio, currency, shown(row.end_of_production), number(row.penalty_per_unit)]
    })?;
    let head = ["item", "description", "type", "unit_cost", "currency", "lead_time_weeks", "moq", "order_multiple", "yield", "shelf_life_months"];
    files.table("items.csv", &head, data.items.iter(), |row| {
        let mut cells = vec![row.item.clone(), row.description.clone(), row.kind.clone(), number(row.unit_cost), row.currency.to_string()];
        cells.extend([row.lead_time_weeks, row.moq, row.order_multiple, row.yield_ratio].map(number));
        cells.push(shown(row.shelf_life_months));
        cells
    })?;
    files.table("bom.csv", &["parent", "child", "quantity", "scrap", "valid_from", "valid_to"], data.bom.lines(), |row| {
        vec![row.parent, row.child, row.quantity.to_string(), number(row.scrap), shown(row.valid_from), shown(row.valid_to)]
    })?;
    let head = ["item", "maker", "mpn", "preference", "qualified", "lifecycle", "share", "unit_price", "currency"];
    files.table("aml.csv", &head, data.aml.iter(), |row| {
        let qualified = if row.qualified { "yes" } else { "no" }.to_owned();
        let mut cells = vec![row.item.clone(), row.maker.clone(), row.mpn.clone(), shown(row.preference), qualified, text(&row.lifecycle)];
        cells.extend([number(row.share), number(row.unit_price), row.currency.to_string()]);
        cells
    })?;
    files.table("demand.csv", &["sku", "period", "quantity", "cv", "kind"], data.demand.iter(), |row| {
        let kind = match row.kind {
            DemandKind::Forecast => "forecast",
            DemandKind::Committed => "committed",
            DemandKind::Spares => "spares",
        };
        vec![row.sku.clone(), row.period.to_string(), row.quantity.to_string(), number(row.cv), kind.to_owned()]
    })?;
    files.table("stock.csv", &["item", "maker", "mpn", "on_hand", "on_order", "due", "location", "written_down"], data.stock.iter(), |row| {
        let (item, maker, mpn) = (row.item.clone(), text(&row.maker), text(&row.mpn));
        vec![item, maker, mpn, row.on_hand.to_string(), row.on_order.to_string(), shown(row.due), text(&row.location), number(row.written_down)]
    })?;
    files.table("rates.csv", &["date", "from", "to", "rate"], data.rates.0.iter(), |row| {
        vec![row.date.to_string(), row.from.to_string(), row.to.to_string(), row.rate.to_string()]
    })?;
    let site = toml::to_string(&data.site).map_err(io::Error::other)?;
    files.create("site.toml")?.write_all(site.as_bytes())?;
    Ok(files.written)
}

struct Files<'a> {
    dir: &'a Path,
    written: Vec<PathBuf>,
}

impl Files<'_> {
    fn create(&mut self, name: &str) -> io::Result<BufWriter<File>> {
        let path = self.dir.join(name);
        let file = File::create_new(&path)?;
        self.written.push(path);
        Ok(BufWriter::new(file))
    }

    fn table<R>(&mut self, name: &str, head: &[&str], rows: impl Iterator<Item = R>, cells: impl Fn(R) -> Vec<String>) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(self.create(name)?);
        writer.write_record(head)?;
        for row in rows {
            writer.write_record(cells(row))?;
        }
        writer.flush()
    }
}
