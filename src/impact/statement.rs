//! What an assessment says. Serialised as JSON, stored, shown; read back by the same types.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{answers::Answer, joint::Joint, ledger::Accounting, missing::Ranges, sensitivity::Sensitivity, simulation::Simulation, why::Figure};
use crate::domain::{
    case::Headline,
    factory::Month,
    id::{CaseId, DatasetId},
    money::{Currency, Money},
    notice::NoticeKind,
};

/// One case on one dataset on one day. Quantities have at most four decimal places; `null` is unknown, never zero.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Of the formulas in `impact`; raised whenever the same input may come to other figures.
    pub formula_version: u32,
    pub case: CaseId,
    pub dataset: DatasetId,
    pub as_of: Date,
    pub kind: NoticeKind,
    /// Whether the notice ends its parts. Where it does not, nothing is at risk by it, and `summary` says so.
    pub ends: bool,
    pub currency: Currency,
    pub headline: Headline,
    /// In one or two sentences.
    pub summary: String,
    /// In the order of the case.
    pub parts: Vec<PartStatement>,
    pub items: Vec<ItemStatement>,
    pub products: Vec<ProductStatement>,
    /// Contribution lost by fiscal year when nothing is done; of the products where it is known.
    pub margin_lost_by_year: Vec<YearLoss>,
    /// Contribution and penalties lost by fiscal quarter when nothing is done; of the products where they are known.
    #[serde(default)]
    pub lost_by_quarter: Vec<QuarterLoss>,
    pub answers: Vec<Answer>,
    /// Why the best answer is the best, in a sentence.
    #[serde(default)]
    pub choice: Option<String>,
    #[serde(default)]
    pub simulation: Option<Simulation>,
    /// Each answer whose cost is known, in the site's books by fiscal quarter.
    #[serde(default)]
    pub accounting: Vec<Accounting>,
    /// The inputs that matter most, the largest swing first.
    #[serde(default)]
    pub sensitivities: Vec<Sensitivity>,
    /// What is missing and what it could change.
    #[serde(default)]
    pub ranges: Ranges,
    /// The same parts decided together with others on their boards; `None` where there are none.
    #[serde(default)]
    pub joint: Option<Joint>,
    pub financial_risk: FinancialRisk,
    pub assumptions: Vec<String>,
    /// All of them; the headline holds the first.
    pub needs: Vec<String>,
    pub figures: Vec<Figure>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartStatement {
    /// As printed in the notice.
    pub mpn: String,
    /// The factory's items it is approved for; empty where it is unknown.
    pub items: Vec<String>,
    /// How it was found: `exact`, `suffix`, `family`; `None` where it was not.
    pub found_by: Option<String>,
    /// Nearest names, where it is unknown: `maker MPN (item): why`.
    pub suggestions: Vec<String>,
    pub last_time_buy: Option<Date>,
    pub last_time_ship: Option<Date>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemStatement {
    pub item: String,
    pub description: String,
    /// Ending sources, `maker MPN`.
    pub sources: Vec<String>,
    /// Share of the item's use that they carry.
    pub share: f64,
    /// SKUs in the order of the factory's file.
    pub products: Vec<String>,
    /// Assemblies it stands on, directly.
    pub assemblies: Vec<String>,
    /// Pieces from the ending sources to the horizon; `None` where a product's demand is unknown.
    pub requirement: Option<f64>,
    pub forecast: f64,
    pub committed: f64,
    pub spares: f64,
    /// Pieces in usable stock, and in open orders that count.
    pub stock: f64,
    pub orders: f64,
    /// First day that stock and orders do not serve; `None`: not before the horizon.
    pub runs_out: Option<Date>,
    /// Last day anything is needed.
    pub horizon: Option<Date>,
    /// The approved source that takes over.
    pub alternate: Option<String>,
    /// Why each other source cannot.
    pub no_alternate: Vec<String>,
    pub months: Vec<MonthStatement>,
    /// Price of one piece in the reporting currency, as text with its currency.
    pub unit_price: Option<String>,
    /// What one missing piece loses, at the margin.
    pub shortage_value: Option<String>,
    pub last_time_buy: Purchase,
}

/// Pieces of one month, and what is left at its end; negative is what is missing by then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonthStatement {
    pub month: Month,
    pub forecast: f64,
    pub committed: f64,
    pub spares: f64,
    pub arriving: f64,
    pub left: f64,
}

/// The order that would carry an item to the horizon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Purchase {
    /// The newsvendor's, rounded up to minimum and multiple; `None` where an input is missing.
    pub quantity: Option<f64>,
    /// Requirement beyond cover at the forecast, rounded up alike.
    pub deterministic: Option<f64>,
    pub critical_ratio: Option<f64>,
    /// Expected pieces left over.
    pub leftover: Option<f64>,
    /// Price of the order: of `quantity`, or of `deterministic` where that is `None`.
    pub cost: Option<Money>,
    pub missing: Vec<String>,
}

/// What doing nothing means for one product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductStatement {
    pub sku: String,
    pub name: String,
    /// From the statement's day to the horizon; `None` where its demand is unknown.
    pub units: Option<f64>,
    pub units_lost: Option<f64>,
    /// Of one unit in the reporting currency, as text with its currency.
    pub contribution: Option<String>,
    pub margin_lost: Option<Money>,
    pub penalties: Option<Money>,
    pub horizon: Option<Date>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct YearLoss {
    pub year: String,
    pub margin_lost: Money,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuarterLoss {
    /// `FY2027 Q3`.
    pub quarter: String,
    pub first: Month,
    pub last: Month,
    pub lost: Money,
}

/// Financial risk = P(EOL) × (mitigation cost + downtime cost). Each term that is unknown makes the whole unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinancialRisk {
    pub amount: Option<Money>,
    pub probability: Option<f64>,
    pub probability_from: String,
    pub mitigation: Option<Money>,
    pub mitigation_from: String,
    pub downtime: Option<Money>,
    pub downtime_from: String,
}
