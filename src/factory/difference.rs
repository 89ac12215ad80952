//! What changed from one dataset to another, row by row. Rows that are equal in everything but their line are let go by their digest, so that the memory taken
//! is that of what differs.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Map, Value};

use super::bom::Bom;
use crate::{domain::factory::FactoryData, limits};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DatasetDiff {
    /// By table, in the order of their names.
    pub tables: BTreeMap<&'static str, TableDiff>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableDiff {
    pub added: u64,
    pub removed: u64,
    pub changed: u64,
    /// The first `limits::DIFF_ROWS_MAX`, in the order of their keys.
    pub rows: Vec<RowDiff>,
    /// Rows that differ beyond `limits::DIFF_ROWS_COMPARED_MAX`, counted only: they stand among `added` and `removed`, and may be changes.
    pub not_compared: u64,
}

/// A row that is there once before and once after is changed; otherwise rows come and go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum RowDiff {
    Added { key: String, row: Value },
    Removed { key: String, row: Value },
    Changed { key: String, fields: Vec<FieldDiff> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldDiff {
    pub field: String,
    pub before: Value,
    pub after: Value,
}

impl DatasetDiff {
    pub fn is_empty(&self) -> bool {
        self.tables.values().all(|table| table.added + table.removed + table.changed == 0)
    }
}

pub fn diff_datasets(before: &FactoryData<Bom>, after: &FactoryData<Bom>) -> Result<DatasetDiff, serde_json::Error> {
    let mut diff = DatasetDiff::default();
    let mut add = |name, table: Result<TableDiff, serde_json::Error>| table.map(|table| drop(diff.tables.insert(name, table)));
    add("products", table(&["sku"], before.products.iter(), || after.products.iter()))?;
    add("items", table(&["item"], before.items.iter(), || after.items.iter()))?;
    add("bom", table(&["parent", "child", "valid_from", "valid_to"], before.bom.lines(), || after.bom.lines()))?;
    add("aml", table(&["item", "maker", "mpn"], before.aml.iter(), || after.aml.iter()))?;
    add("demand", table(&["sku", "period", "kind"], before.demand.iter(), || after.demand.iter()))?;
    add("stock", table(&["item", "maker", "mpn", "location", "due"], before.stock.iter(), || after.stock.iter()))?;
    add("rates", table(&["date", "from", "to"], before.rates.0.iter(), || after.rates.0.iter()))?;
    add("site", table(&[], std::iter::once(&before.site), || std::iter::once(&after.site)))?;
    Ok(diff)
}

/// A row without its line, and the digest of that.
fn row(row: impl Serialize) -> Result<(Map<String, Value>, [u8; 16]), serde_json::Error> {
    let Value::Object(mut row) = serde_json::to_value(row)? else { return Ok(Default::default()) };
    row.remove("at");
    let hash = blake3::hash(&serde_json::to_vec(&row)?);
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.as_bytes()[..16]);
    Ok((row, digest))
}

fn table<R: Serialize, I: Iterator<Item = R>>(key: &[&str], before: I, after: impl Fn() -> I) -> Result<TableDiff, serde_json::Error> {
    // By digest: how often a row stands after, less how often before.
    let mut counts: HashMap<[u8; 16], i64> = HashMap::new();
    for one in after() {
        *counts.entry(row(one)?.1).or_default() += 1;
    }
    let (mut diff, mut by_key) = (TableDiff::default(), BTreeMap::<String, [Vec<Map<String, Value>>; 2]>::new());
    let mut compared = 0;
    let mut keep = |diff: &mut TableDiff, row: Map<String, Value>, side: usize| {
        if compared == limits::DIFF_ROWS_COMPARED_MAX {
            diff.not_compared += 1;
            *[&mut diff.removed, &mut diff.added][side] += 1;
            return;
        }
        compared += 1;
        let parts: Vec<String> = key.iter().filter_map(|name| row.get(*name)).filter(|value| !value.is_null()).map(shown).collect();
        by_key.entry(parts.join(" ")).or_default()[side].push(row);
    };
    for one in before {
        let (row, digest) = row(one)?;
        match counts.get_mut(&digest).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None => keep(&mut diff, row, 0),
        }
    }
    for one in after() {
        let (row, digest) = row(one)?;
        if let Some(count) = counts.get_mut(&digest).filter(|count| **count > 0) {
            *count -= 1;
            keep(&mut diff, row, 1);
        }
    }
    for (key, [removed, added]) in by_key {
        if let ([before], [after]) = (removed.as_slice(), added.as_slice()) {
            diff.changed += 1;
            let fields = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
            let field = |(name, value): (&String, &Value)| FieldDiff {
                field: name.clone(),
                before: before.get(name).cloned().unwrap_or_default(),
                after: value.clone(),
            };
            diff.tell(RowDiff::Changed { key, fields: fields.map(field).collect() });
            continue;
        }
        diff.removed += removed.len() as u64;
        diff.added += added.len() as u64;
        for row in removed {
            diff.tell(RowDiff::Removed { key: key.clone(), row: Value::Object(row) });
        }
        for row in added {
            diff.tell(RowDiff::Added { key: key.clone(), row: Value::Object(row) });
        }
    }
    Ok(diff)
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl TableDiff {
    fn tell(&mut self, row: RowDiff) {
        if self.rows.len() < limits::DIFF_ROWS_MAX {
            self.rows.push(row);
        }
    }
}
