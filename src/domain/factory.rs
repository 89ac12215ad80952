//! The factory's own data, row by row as the files of the contracts hold it. Empty cells are `None`: unknown is never zero.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::money::{Currency, Rates};

/// Where a row came from, for every "why".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub file: String,
    pub line: u32,
}

/// A calendar month, `YYYY-MM` in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

impl Month {
    pub fn of(date: Date) -> Month {
        Month { year: date.year(), month: date.month() }
    }

    pub fn first_day(self) -> Date {
        jiff::civil::date(self.year, self.month, 1)
    }

    pub fn last_day(self) -> Date {
        self.first_day().last_of_month()
    }

    pub fn next(self) -> Month {
        if self.month == 12 { Month { year: self.year + 1, month: 1 } } else { Month { year: self.year, month: self.month + 1 } }
    }

    /// Months from `earlier` to this one; negative when this one is earlier.
    pub fn since(self, earlier: Month) -> i32 {
        (i32::from(self.year) - i32::from(earlier.year)) * 12 + i32::from(self.month) - i32::from(earlier.month)
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl std::str::FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Month, String> {
        let wrong = || format!("'{text}' is not a month: expected YYYY-MM, for example 2027-03");
        let (year, month) = text.trim().split_once('-').ok_or_else(wrong)?;
        if year.len() != 4 || month.len() != 2 {
            return Err(wrong());
        }
        let (year, month) = (year.parse().map_err(|_| wrong())?, month.parse().map_err(|_| wrong())?);
        if (1900..=2999).contains(&year) && (1..=12).contains(&month) { Ok(Month { year, month }) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Month {
    type Error = String;

    fn try_from(text: String) -> Result<Month, String> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> String {
        month.to_string()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Product {
    pub sku: String,
    pub name: String,
    pub price: Option<Decimal>,
    pub variable_cost: Option<Decimal>,
    /// Contribution per unit, in `currency`; after all variable cost.
    pub contribution: Option<Decimal>,
    /// Contribution as a share of the price, 0 to 1.
    pub contribution_ratio: Option<Decimal>,
    pub currency: Currency,
    pub end_of_production: Option<Date>,
    pub penalty_per_unit: Option<Decimal>,
    pub at: Line,
}

impl Product {
    /// Contribution per unit by whichever of the three forms the file gave (the import refuses two that disagree), or `None` where none is complete.
    pub fn contribution_per_unit(&self) -> Option<Decimal> {
        self.contribution.or_else(|| self.price?.checked_sub(self.variable_cost?)).or_else(|| self.price?.checked_mul(self.contribution_ratio?))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The factory's own part number.
    pub item: String,
    pub description: String,
    /// `purchased`, `assembly`, `raw`, … as the file says.
    pub kind: String,
    pub unit_cost: Option<Decimal>,
    pub currency: Currency,
    pub lead_time_weeks: Option<Decimal>,
    pub moq: Option<Decimal>,
    pub order_multiple: Option<Decimal>,
    /// Good pieces per piece started, over 0 up to 1; `None` is 1 and marked as a default.
    pub yield_ratio: Option<Decimal>,
    pub shelf_life_months: Option<u32>,
    pub at: Line,
}

/// `parent` (an item or a product's SKU) takes `quantity` of `child`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BomLine {
    pub parent: String,
    pub child: String,
    pub quantity: Decimal,
    /// Share lost on top, 0.02 for two percent.
    pub scrap: Option<Decimal>,
    pub valid_from: Option<Date>,
    pub valid_to: Option<Date>,
    pub at: Line,
}

/// Approved manufacturer list: this maker's part may be used for this item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AmlEntry {
    pub item: String,
    pub maker: String,
    pub mpn: String,
    /// 1 is first choice.
    pub preference: Option<u32>,
    pub qualified: bool,
    /// As the file says: `active`, `nrnd`, `eol`, …
    pub lifecycle: Option<String>,
    /// Share of the item's use, 0 to 1.
    pub share: Option<Decimal>,
    pub unit_price: Option<Decimal>,
    pub currency: Currency,
    pub at: Line,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DemandKind {
    Forecast,
    Committed,
    Spares,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Demand {
    pub sku: String,
    pub period: Month,
    pub quantity: Decimal,
    /// Standard deviation over mean.
    pub cv: Option<Decimal>,
    pub kind: DemandKind,
    pub at: Line,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stock {
    pub item: String,
    pub maker: Option<String>,
    pub mpn: Option<String>,
    pub on_hand: Decimal,
    pub on_order: Decimal,
    /// When the order arrives; an order without a date counts as arriving at the item's lead time, and is marked so.
    pub due: Option<Date>,
    pub location: Option<String>,
    /// What `on_hand` was written down by in earlier periods, in the currency of the item; `None`: nothing.
    #[serde(default)]
    pub written_down: Option<Decimal>,
    pub at: Line,
}

/// One answer's cost in the site's own experience; overrides the survey default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerCost {
    pub cost: Decimal,
    pub currency: Currency,
    pub weeks: Decimal,
    /// Of success, 0 to 1; `None` is unknown.
    #[serde(default)]
    pub probability: Option<Decimal>,
    /// Price of a piece under this answer, as a multiple of the ending part's; `None` is unknown.
    #[serde(default)]
    pub price_factor: Option<Decimal>,
}

/// `site.toml`. Every rate is a year's share, 0.25 for 25 %.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    pub name: String,
    pub reporting_currency: Currency,
    /// Month the fiscal year starts in, 1 to 12.
    #[serde(default = "january")]
    pub fiscal_year_starts: i8,
    /// All of it: capital, storage, insurance, shrink.
    pub holding_rate: Option<Decimal>,
    pub discount_rate: Option<Decimal>,
    /// Share of the price a left-over piece still brings, net of disposal.
    pub salvage_ratio: Option<Decimal>,
    /// Spot price as a multiple of the purchase price, where a spot market is to be reckoned with.
    pub spot_price_factor: Option<Decimal>,
    /// Cost of one stopped week, for the article's risk formula.
    pub downtime_cost_per_week: Option<Decimal>,
    /// Whether annual demands are independent (`true`: σ√T) or a forecast bias persists (`false`: σT, the default, because √T understates the risk).
    #[serde(default)]
    pub demand_years_independent: bool,
    /// By answer: `redesign_assembly`, `simple_substitute`, …
    #[serde(default)]
    pub answers: std::collections::BTreeMap<String, AnswerCost>,
    /// Probability that a part ends, by the feed's risk grade or by kind of notice other than a PDN: `NRND = 0.5`.
    #[serde(default)]
    pub probability_of_end: std::collections::BTreeMap<String, Decimal>,
    #[serde(default)]
    pub accounting: Standard,
    /// Share of the other parts of a redesigned assembly that its new design still uses; `None` counts as none of them, and is told.
    #[serde(default)]
    pub redesign_reuse_ratio: Option<Decimal>,
    /// Most that may be paid at once for all orders of the open cases together, in the reporting currency; `None`: no limit.
    #[serde(default)]
    pub order_budget: Option<Decimal>,
    #[serde(default)]
    pub risk: RiskRules,
}

/// By which standard the accounting view is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Standard {
    #[default]
    #[serde(rename = "IFRS")]
    Ifrs,
    #[serde(rename = "US GAAP")]
    UsGaap,
}

impl std::fmt::Display for Standard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Standard::Ifrs => "IFRS",
            Standard::UsGaap => "US GAAP",
        })
    }
}

/// `[risk]` of `site.toml`: how uncertainty is reckoned with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RiskRules {
    /// Of the simulation; 0 leaves it out.
    pub trials: u32,
    /// The same seed gives the same trials.
    pub seed: u32,
    /// CVaR is the mean of the trials beyond this share: 0.95 is the mean of the dearest five percent.
    pub cvar_level: Decimal,
    /// An answer whose CVaR of present value loses more than this, in the reporting currency, is passed over; `None`: no limit.
    pub cvar_limit: Option<Decimal>,
    /// Standard deviation over mean of the weeks a project or a change of source takes; `None` is unknown and counts as certain.
    pub weeks_cv: Option<Decimal>,
    /// Whether what each input does to the result is computed.
    pub sensitivities: bool,
}

impl Default for RiskRules {
    fn default() -> RiskRules {
        RiskRules { trials: 10_000, seed: 1, cvar_level: Decimal::new(95, 2), cvar_limit: None, weeks_cv: None, sensitivities: true }
    }
}

fn january() -> i8 {
    1
}

/// Everything one import brought. `B` is how the bills of materials are held: as rows, or in columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactoryData<B = Vec<BomLine>> {
    pub products: Vec<Product>,
    pub items: Vec<Item>,
    pub bom: B,
    pub aml: Vec<AmlEntry>,
    pub demand: Vec<Demand>,
    pub stock: Vec<Stock>,
    pub rates: Rates,
    pub site: Site,
}
