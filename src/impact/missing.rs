//! What is missing and what it could change: the assessment computed again with each unknown input at the ends of what it may be.

use serde::{Deserialize, Serialize};

use super::{
    Exposed, World,
    bridged::PROJECTS,
    reporting::{Reporting, float},
    survey,
    vary::{Outcome, Vary, outcome, products},
    why,
};
use crate::domain::money::Money;

/// From an amount to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Range {
    pub low: Money,
    pub high: Money,
}

/// What the assessment could come to when its unknown inputs were known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranges {
    /// `None` where no missing input moves it, or one has no end that is known.
    pub margin_at_risk: Option<Range>,
    pub best_cost: Option<Range>,
    pub missing: Vec<MissingInput>,
}

/// One unknown input. `low` and `high` are `None` where nobody can say what it may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MissingInput {
    pub input: String,
    /// Where it would stand.
    pub mend: String,
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub unit: String,
    /// Where the ends come from.
    pub basis: String,
    /// With it alone at its ends, the rest as it is.
    pub margin_at_risk: Option<Range>,
    pub best_cost: Option<Range>,
    /// Answers that would be the best at one of the ends.
    pub best: Vec<String>,
}

struct Unknown {
    input: Vary,
    ends: Option<(f64, f64)>,
    mend: String,
    basis: String,
}

pub(super) fn ranges(world: &mut World<'_>, items: &[Exposed]) -> Result<Ranges, String> {
    if !world.site().risk.sensitivities || !items.iter().any(Exposed::short) {
        return Ok(Ranges::default());
    }
    let unknown = unknown(world, items);
    if unknown.is_empty() {
        return Ok(Ranges::default());
    }
    let base = outcome(world, items, &[])?;
    let mut ranges = Ranges::default();
    let (mut all_low, mut all_high) = (Vec::new(), Vec::new());
    let mut outcomes = vec![base];
    let mut open = false;
    for of in unknown {
        let (input, _) = of.input.name(world, items);
        let mut row = MissingInput {
            input,
            mend: of.mend,
            low: of.ends.map(|(low, _)| low),
            high: of.ends.map(|(_, high)| high),
            unit: of.input.unit(world),
            basis: of.basis,
            margin_at_risk: None,
            best_cost: None,
            best: Vec::new(),
        };
        open |= of.ends.is_none() && matches!(of.input, Vary::Contribution(_) | Vary::Demand(_));
        if let Some((low, high)) = of.ends {
            let at = [outcome(world, items, &[(of.input.clone(), low)])?, outcome(world, items, &[(of.input.clone(), high)])?];
            row.margin_at_risk = over(&at, |outcome| outcome.loss);
            row.best_cost = over(&at, |outcome| outcome.best.as_ref().map(|(_, cost)| *cost));
            row.best = at.iter().filter_map(|outcome| outcome.best_name().map(str::to_owned)).collect();
            row.best.dedup();
            outcomes.extend(at);
            all_low.push((of.input.clone(), low));
            all_high.push((of.input, high));
        }
        ranges.missing.push(row);
    }
    outcomes.push(outcome(world, items, &all_low)?);
    outcomes.push(outcome(world, items, &all_high)?);
    // Where one input has no end, neither has the whole.
    if !open {
        ranges.margin_at_risk = over(&outcomes, |outcome| outcome.loss.or(outcome.loss_known)).filter(|range| range.low != range.high);
        ranges.best_cost = over(&outcomes, |outcome| outcome.best.as_ref().map(|(_, cost)| *cost)).filter(|range| range.low != range.high);
    }
    Ok(ranges)
}

fn over(outcomes: &[Outcome], of: impl Fn(&Outcome) -> Option<Money>) -> Option<Range> {
    let amounts: Vec<Money> = outcomes.iter().filter_map(of).collect();
    let by = |amount: &&Money| amount.minor();
    Some(Range { low: *amounts.iter().min_by_key(by)?, high: *amounts.iter().max_by_key(by)? })
}

/// Ends are facts of the field with their source (domain.md, section 6), or what the factory's own files bound.
fn unknown(world: &World<'_>, items: &[Exposed]) -> Vec<Unknown> {
    let site = world.site();
    let data = &world.input.factory.data;
    let mut found = Vec::new();
    let mut add = |input: Vary, ends: Option<(f64, f64)>, mend: &str, basis: &str| {
        found.push(Unknown { input, ends, mend: mend.to_owned(), basis: basis.to_owned() });
    };
    for product in products(items) {
        let row = &data.products[product];
        let at = why::at(&row.at);
        if world.margins.get(&product).is_some_and(|margin| margin.contribution.is_none()) {
            let price = row.price.and_then(|price| in_reporting(&world.reporting, price, row.currency)).map(|price| (0.0, price));
            let basis = if price.is_some() { "between nothing and its whole price" } else { "no price bounds it" };
            add(Vary::Contribution(product), price, &format!("{at}: contribution, variable_cost or contribution_ratio"), basis);
        }
        if world.plan.demand(product).is_some_and(|demand| demand.missing.is_some()) {
            add(Vary::Demand(product), None, &format!("demand.csv: forecast of {}", row.sku), "no forecast bounds it");
        } else if items
            .iter()
            .flat_map(|exposed| &exposed.requirement.slices)
            .any(|slice| slice.product == product && slice.pieces > 0.0 && slice.sd.is_none())
        {
            add(
                Vary::Spread(product),
                Some((0.1, 0.35)),
                &format!("demand.csv: cv of {}", row.sku),
                "a steady and an unsteady product; our own bounds, no survey",
            );
        }
    }
    if site.holding_rate.is_none() && site.discount_rate.is_none() {
        add(Vary::HoldingRate, Some((0.2, 0.35)), "site.toml: holding_rate", "20 to 30 % a year, electronics up to 35 and more (commercial figures)");
    }
    if site.discount_rate.is_none() {
        add(Vary::DiscountRate, Some((0.05, 0.15)), "site.toml: discount_rate", "our own bounds of a cost of capital, no survey");
    }
    if site.salvage_ratio.is_none() {
        add(Vary::Salvage, Some((0.0, 0.25)), "site.toml: salvage_ratio", "our own bounds, no survey");
    }
    if site.spot_price_factor.is_none() {
        add(Vary::SpotFactor, Some((10.0, 15.0)), "site.toml: spot_price_factor", "10 to 15 times after a discontinuance (commercial figures)");
    }
    for project in PROJECTS.iter().filter(|project| site.answers.get(project.key).is_some_and(|own| own.price_factor.is_none())) {
        if project.priced() {
            let mend = format!("site.toml: price_factor under [answers.{}]", project.key);
            add(Vary::PriceFactor(project.key), Some((1.0, 3.0)), &mend, "from the same price to three times it; our own bounds, no survey");
        }
    }
    for project in PROJECTS.iter().filter(|project| !site.answers.contains_key(project.key) && project.row.is_some()) {
        let cost = survey::cost_of(site, &world.reporting, project.key, project.row);
        if let Err(error) = cost.cost {
            add(
                Vary::Cost(project.key),
                None,
                &format!("rates.csv, or site.toml [answers.{}]: {error}", project.key),
                "the survey's amount cannot be converted",
            );
        }
    }
    found
}

fn in_reporting(reporting: &Reporting<'_>, amount: rust_decimal::Decimal, currency: crate::domain::money::Currency) -> Option<f64> {
    reporting.price("price", amount, currency, "products.csv").ok().map(|price| float(price.amount))
}
