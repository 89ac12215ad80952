//! Rows against rows: names that stand twice, names that nothing introduces. What fails is refused.

use std::collections::{HashMap, HashSet};

use super::{
    Rows,
    files::Kind,
    number::shown,
    report::{Fault, Findings},
    table::Table,
};
use crate::{
    domain::part::normal_mpn,
    factory::{bom::Draft, built_in_aliases},
};

pub(super) fn check(rows: &mut Rows, findings: &mut Findings) {
    once(&mut rows.products, findings, ("sku", "the same SKU"), |row| row.sku.clone());
    once(&mut rows.items, findings, ("item", "the same item"), |row| row.item.clone());
    let products = Known::of(Kind::Products, "SKU", rows.products.iter().map(|row| row.sku.as_str()), findings);
    let items = Known::of(Kind::Items, "item", rows.items.iter().map(|row| row.item.as_str()), findings);

    known_ends(&mut rows.bom, &products, &items, findings);
    same_edge_once(&mut rows.bom, findings);
    keep(&mut rows.aml, findings, |row| items.faults("item", &row.item));
    keep(&mut rows.stock, findings, |row| items.faults("item", &row.item));
    keep(&mut rows.demand, findings, |row| products.faults("sku", &row.sku));

    let aliases = built_in_aliases();
    once(&mut rows.aml, findings, ("mpn", "the same part of the same maker for this item"), |row| {
        (row.item.clone(), aliases.key(&row.maker), normal_mpn(&row.mpn))
    });
    once(&mut rows.rates, findings, ("date", "a rate of the same day between the same currencies"), |row| {
        (row.rate.date, row.rate.from, row.rate.to)
    });
}

/// Keeps the rows without faults.
fn keep<R: Table>(rows: &mut Vec<R>, findings: &mut Findings, faults: impl Fn(&R) -> Vec<Fault>) {
    rows.retain(|row| {
        let faults = faults(row);
        let right = faults.is_empty();
        if !right {
            findings.refuse(row.at(), faults);
        }
        right
    });
}

/// Keeps the first row of each key; column and words for the others.
fn once<R: Table, K: Eq + std::hash::Hash>(rows: &mut Vec<R>, findings: &mut Findings, (column, same): (&'static str, &str), key: impl Fn(&R) -> K) {
    let mut first: HashMap<K, u32> = HashMap::with_capacity(rows.len());
    rows.retain(|row| match first.entry(key(row)) {
        std::collections::hash_map::Entry::Occupied(seen) => {
            let what = format!("{same} stands on line {} already: remove one of the two lines", seen.get());
            findings.refuse(row.at(), vec![Fault::in_column(column, what)]);
            false
        }
        std::collections::hash_map::Entry::Vacant(free) => {
            free.insert(row.at().line);
            true
        }
    });
}

/// Refuses BOM lines with an end that is neither an item nor a product.
fn known_ends(bom: &mut Draft, products: &Known, items: &Known, findings: &mut Findings) {
    let unknown: Vec<bool> = bom.names().iter().map(|name| !items.names.contains(&**name) && !products.names.contains(&**name)).collect();
    bom.retain(|bom, line| {
        let ends = [("parent", line.parent), ("child", line.child)].into_iter().filter(|(_, name)| unknown[*name as usize]);
        let faults: Vec<Fault> =
            ends.map(|(column, name)| Fault::in_column(column, items.unknown_beside(products, &bom.names()[name as usize]))).collect();
        let right = faults.is_empty();
        if !right {
            findings.refuse(&bom.at(line), faults);
        }
        right
    });
}

/// Two BOM lines that are equal in everything are one line exported twice; where both are meant, their quantities belong into one.
fn same_edge_once(bom: &mut Draft, findings: &mut Findings) {
    let mut first = HashMap::with_capacity(bom.lines.len());
    bom.retain(|bom, line| {
        let number = *first.entry(line.meaning()).or_insert(line.number);
        if number == line.number {
            return true;
        }
        let what = format!("the line is equal to line {number}: remove it, or add the quantities into one line if both are meant");
        findings.refuse(&bom.at(line), vec![Fault { column: None, what }]);
        false
    });
}

/// Names a file introduces.
struct Known {
    noun: &'static str,
    file: &'static str,
    names: HashSet<String>,
    /// In upper case, for the hint that only the writing differs.
    folded: HashMap<String, String>,
    /// By their digits without zeros at the beginning, for the hint that a spreadsheet cut those.
    without_zeros: HashMap<String, String>,
    /// Names whose own line was refused.
    refused: HashSet<String>,
}

/// The digits of a name without zeros at its beginning, where it has some.
fn without_zeros(name: &str) -> Option<&str> {
    let left = name.trim_start_matches('0');
    (left.len() < name.len() && !left.is_empty() && left.bytes().all(|byte| byte.is_ascii_digit())).then_some(left)
}

impl Known {
    fn of<'a>(kind: Kind, noun: &'static str, names: impl Iterator<Item = &'a str>, findings: &Findings) -> Known {
        let names: HashSet<String> = names.map(str::to_owned).collect();
        let folded = names.iter().map(|name| (name.to_uppercase(), name.clone())).collect();
        let without_zeros = names.iter().filter_map(|name| Some((without_zeros(name)?.to_owned(), name.clone()))).collect();
        Known { noun, file: kind.file_name(), names, folded, without_zeros, refused: findings.refused_names(kind) }
    }

    fn faults(&self, column: &'static str, name: &str) -> Vec<Fault> {
        if self.names.contains(name) { Vec::new() } else { vec![Fault::in_column(column, self.near(name).unwrap_or_else(|| self.unknown(name)))] }
    }

    /// The sentence for a name that neither this file nor another has.
    fn unknown_beside(&self, other: &Known, name: &str) -> String {
        let neither = || format!("neither {} nor {} has '{}': add it there or correct the name here", self.file, other.file, shown(name));
        self.near(name).or_else(|| other.near(name)).unwrap_or_else(neither)
    }

    fn unknown(&self, name: &str) -> String {
        format!("{} has no {} '{}': add it there or correct the name here", self.file, self.noun, shown(name))
    }

    /// Why a name is missing, where that can be seen.
    fn near(&self, name: &str) -> Option<String> {
        let (noun, file, shown) = (self.noun, self.file, shown(name));
        if self.refused.contains(name) {
            return Some(format!("the line of {noun} '{shown}' in {file} was refused: mend that line first"));
        }
        if let Some(other) = self.without_zeros.get(name) {
            return Some(format!(
                "{file} has no {noun} '{shown}' but has '{other}': a spreadsheet cut the zeros at its beginning; format the column as text, restore them and export again"
            ));
        }
        let other = self.folded.get(&name.to_uppercase())?;
        Some(format!("{file} has no {noun} '{shown}' but has '{other}': write it the same in both files"))
    }
}
