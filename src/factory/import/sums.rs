//! What only a whole file shows and what need not be wrong: told as doubtful, taken as it stands.

use std::collections::{BTreeMap, HashMap, HashSet};

use rust_decimal::Decimal;

use super::{Rows, files::Kind, number::shown, report::Findings};
use crate::{
    domain::{
        factory::{DemandKind, Line, Product, Site},
        money::Currency,
    },
    limits,
};

pub(super) fn tell(rows: &Rows, site: &Site, findings: &mut Findings) {
    shares(rows, findings);
    currencies(rows, site, findings);
    products(rows, findings);
    forecasts(rows, findings);
}

/// Shares of one item's sources must not sum to more than the whole.
fn shares(rows: &Rows, findings: &mut Findings) {
    let mut by_item: HashMap<&str, (Decimal, &Line)> = HashMap::new();
    for row in &rows.aml {
        if let Some(share) = row.share {
            let (sum, at) = by_item.entry(&row.item).or_insert((Decimal::ZERO, &row.at));
            (*sum, *at) = (*sum + share, &row.at);
        }
    }
    let mut over: Vec<_> = by_item.into_iter().filter(|(_, (sum, _))| *sum > Decimal::ONE).collect();
    over.sort_by_key(|(_, (_, at))| at.line);
    for (item, (sum, at)) in over {
        findings.doubt(at, Some("share"), format!("the shares of item '{}' sum to {} with this line, more than 1", shown(item), sum.normalize()));
    }
}

/// Currencies of amounts that no rate leads to the reporting currency from, once each.
fn currencies(rows: &Rows, site: &Site, findings: &mut Findings) {
    let with_rate: HashSet<Currency> = rows
        .rates
        .iter()
        .filter_map(|row| match (row.rate.from, row.rate.to) {
            (from, to) if to == site.reporting_currency => Some(from),
            (from, to) if from == site.reporting_currency => Some(to),
            _ => None,
        })
        .collect();
    let products = rows.products.iter().map(|row| (row.currency, &row.at));
    let items = rows.items.iter().map(|row| (row.currency, &row.at));
    let aml = rows.aml.iter().map(|row| (row.currency, &row.at));
    let mut first: BTreeMap<Currency, (u64, &Line)> = BTreeMap::new();
    for (currency, at) in products.chain(items).chain(aml) {
        if currency != site.reporting_currency && !with_rate.contains(&currency) {
            first.entry(currency).or_insert((0, at)).0 += 1;
        }
    }
    for (currency, (lines, at)) in first {
        let to = site.reporting_currency;
        let used = if lines == 1 { "on this line".to_owned() } else { format!("on {lines} lines, this one first") };
        let what = format!("{currency} is used {used}, and there is no rate between {currency} and {to}: add one to {}", Kind::Rates.file_name());
        findings.doubt(at, Some("currency"), what);
    }
    for (answer, cost) in &site.answers {
        if cost.currency != site.reporting_currency && !with_rate.contains(&cost.currency) {
            let at = Line { file: Kind::Site.file_name().to_owned(), line: 0 };
            let what = format!(
                "answers.{answer} is in {}, and there is no rate to {}: add one to {}",
                cost.currency,
                site.reporting_currency,
                Kind::Rates.file_name()
            );
            findings.doubt(&at, None, what);
        }
    }
}

/// Products of which something is missing that the reckoning needs; each told once for all.
fn products(rows: &Rows, findings: &mut Findings) {
    let parents: HashSet<&str> = rows.bom.lines.iter().map(|line| &*rows.bom.names()[line.parent as usize]).collect();
    let with_demand: HashSet<&str> = rows.demand.iter().map(|row| row.sku.as_str()).collect();
    let without = |lacks: &dyn Fn(&Product) -> bool| rows.products.iter().filter(|row| lacks(row)).collect::<Vec<_>>();
    for (products, column, lack) in [
        (
            without(&|row| row.contribution_per_unit().is_none()),
            Some("contribution"),
            "no complete margin (contribution, or price with variable_cost or contribution_ratio): their margin at risk stays unknown",
        ),
        (
            without(&|row| !parents.contains(row.sku.as_str())),
            Some("sku"),
            "no line in bom.csv with them as the parent: no part will be found in them",
        ),
        (
            without(&|row| !rows.demand.is_empty() && !with_demand.contains(row.sku.as_str())),
            Some("sku"),
            "no line in demand.csv: their demand stays unknown",
        ),
    ] {
        if let Some(first) = products.first() {
            let named: Vec<String> = products.iter().take(limits::NAMES_TOLD_MAX).map(|row| format!("'{}'", shown(&row.sku))).collect();
            let more = products.len() - named.len();
            let and = if more > 0 { format!(" and {more} more") } else { String::new() };
            findings.doubt(&first.at, column, format!("{}{and}: {lack}", named.join(", ")));
        }
    }
}

/// A product forecast twice in a month may be one line exported twice. Orders and spares may well come in several lines.
fn forecasts(rows: &Rows, findings: &mut Findings) {
    let mut first = HashMap::new();
    for row in rows.demand.iter().filter(|row| row.kind == DemandKind::Forecast) {
        let line = *first.entry((row.sku.as_str(), row.period)).or_insert(row.at.line);
        if line != row.at.line {
            let what =
                format!("'{}' has a forecast for {} on line {line} already: both count, remove one if it is the same", shown(&row.sku), row.period);
            findings.doubt(&row.at, Some("period"), what);
        }
    }
}
