//! What a case means for the factory: pure arithmetic from the factory's data, a case and a day to a statement. The same input gives the same bytes.
//!
//! ```text
//! matches ─▶ affected items ─▶ requirement ┐
//!                              cover       ├─▶ exposure ─▶ buying ─▶ answers ─▶ simulation ─▶ choice ─▶ risk ─▶ statement
//!                              margins     ┘                         ├─▶ ledger: the books by quarter
//!                                                                    └─▶ vary: sensitivity, missing; joint: several parts
//! ```
//! Money is exact; quantities and probabilities are floating point and meet a price in one place (`reporting`). Every figure leaves its inputs in `why`.

mod affected;
mod allocation;
mod answers;
mod assess;
mod bridged;
mod buying;
mod choice;
mod compose;
mod course;
mod cover;
mod diff;
pub mod distribution;
mod draft;
mod exposure;
mod joint;
pub mod last_time_buy;
mod ledger;
mod missing;
mod needs;
mod prior;
mod random;
mod reporting;
mod requirement;
mod risk;
mod sensitivity;
pub mod simulation;
mod statement;
mod stranded;
pub mod survey;
mod timing;
mod vary;
mod what_if;
mod why;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use jiff::civil::Date;
use rust_decimal::Decimal;

use affected::Affected;
pub use answers::{
    AFTERMARKET, APPROVED_ALTERNATE, Answer, COMPLEX_SUBSTITUTE, CostLine, DO_NOTHING, END_PRODUCT, EXTENSION, LAST_TIME_BUY, REDESIGN,
    REDESIGN_SYSTEM, SIMPLE_SUBSTITUTE, SPOT,
};
pub use assess::{assess, assess_beside, assess_what_if, simulation_model};
use cover::Cover;
pub use diff::{Change, Subject, diff};
use exposure::{Loss, Lost};
pub use joint::{Joint, JointPart};
pub use ledger::{Accounting, AccountingLine, carried_at};
pub use missing::{MissingInput, Range, Ranges};
use reporting::{Margin, Price, Reporting, float};
use requirement::{Plan, Requirement};
pub use sensitivity::{BreakEven, Sensitivity};
pub use simulation::{AnswerRisk, Simulation, Spread};
pub use statement::{Assessment, FinancialRisk, ItemStatement, MonthStatement, PartStatement, ProductStatement, Purchase, QuarterLoss, YearLoss};
use stranded::Captives;
pub use timing::YearProfit;
pub use what_if::WhatIf;
use why::Notes;
pub use why::{Figure, FigureInput, grouped, pieces};

use crate::{
    domain::{
        case::Case,
        factory::{Site, Stock},
        id::DatasetId,
        money::Money,
        part::PartName,
    },
    factory::{Factory, PartMatch},
};

/// Raised whenever the same input may come to other figures.
pub const FORMULA_VERSION: u32 = 4;

/// All an assessment depends on. The same input gives the same assessment, to the bit.
pub struct Input<'a> {
    pub factory: &'a Factory,
    pub dataset: DatasetId,
    pub case: &'a Case,
    /// In the order of `case.parts`.
    pub matches: &'a [PartMatch],
    pub as_of: Date,
    /// Parts of other open cases: an alternate among them does not count as active.
    pub other_open_parts: &'a [PartName],
}

/// Another case that is open, with its parts matched: what is decided for one board is decided for all of its parts.
pub struct OpenCase<'a> {
    pub case: &'a Case,
    /// In the order of `case.parts`.
    pub matches: &'a [PartMatch],
}

/// What the steps share: the input, the day's rates, demand and margins of the products in view, and what is told on the way.
struct World<'a> {
    input: &'a Input<'a>,
    /// The site's rules, as this computation takes them: the sensitivities vary them.
    site: Site,
    /// What a person wants covered, instead of the newsvendor's critical ratio.
    service_level: Option<f64>,
    reporting: Reporting<'a>,
    plan: Plan<'a>,
    margins: BTreeMap<usize, Margin>,
    /// Rows of the stock file by item.
    stock: HashMap<&'a str, Vec<&'a Stock>>,
    notes: Notes,
    captives: RefCell<Captives>,
}

/// One affected item with all that is computed about it.
#[derive(Debug, Clone)]
struct Exposed {
    affected: Affected,
    requirement: Requirement,
    cover: Cover,
    /// First day that the cover does not serve.
    runs_out: Option<Date>,
    /// Of one piece from the ending source, in the reporting currency.
    price: Option<Price>,
    /// Why there is none, where a price is given but cannot be converted.
    price_error: Option<String>,
    /// Products that use it and say nothing about their demand.
    products_without_demand: Vec<usize>,
    /// Products it goes into within the horizon, with demand or without.
    users: Vec<usize>,
    /// What it stands on directly, in the bills of materials of those products.
    assemblies: Vec<String>,
}

impl<'a> World<'a> {
    fn new(input: &'a Input<'a>, what_if: &WhatIf) -> World<'a> {
        let data = &input.factory.data;
        let reporting = Reporting { rates: &data.rates, currency: data.site.reporting_currency, as_of: input.as_of };
        let mut stock: HashMap<&str, Vec<&Stock>> = HashMap::new();
        for row in &data.stock {
            stock.entry(&row.item).or_default().push(row);
        }
        World {
            input,
            site: what_if.site(&data.site),
            service_level: what_if.service_level,
            reporting,
            plan: Plan::new(input.factory, input.as_of, what_if.months()),
            margins: BTreeMap::new(),
            stock,
            notes: Notes::default(),
            captives: RefCell::default(),
        }
    }

    fn site(&self) -> &Site {
        &self.site
    }

    fn item(&self, exposed: &Exposed) -> &'a str {
        &self.input.factory.data.items[exposed.affected.item].item
    }

    fn skus(&self, products: &[usize]) -> Vec<String> {
        products.iter().map(|product| self.input.factory.data.products[*product].sku.clone()).collect()
    }

    /// For people: `unknown` where there is none.
    fn shown(&self, money: Option<Money>) -> String {
        money.map_or_else(|| "unknown".to_owned(), Money::grouped)
    }

    fn value(&self, lost: &Lost) -> Result<Loss, String> {
        exposure::value(lost, &self.margins, &self.reporting, self.plan.calendar, self.site().fiscal_year_starts)
    }

    /// What a piece costs on the spot market, where the site reckons with one.
    fn spot_price(&self, exposed: &Exposed) -> Option<Decimal> {
        exposed.price.as_ref()?.amount.checked_mul(self.site().spot_price_factor?)
    }
}

impl Exposed {
    /// Whether stock and orders do not serve everything, or it is unknown whether they do.
    fn short(&self) -> bool {
        self.runs_out.is_some() || !self.products_without_demand.is_empty()
    }

    /// Whether it may run short when demand is high: within four standard deviations, or where their size is unknown, at the forecast.
    fn at_risk(&self) -> bool {
        self.short() || self.requirement.sd(false).is_ok_and(|sd| self.requirement.pieces() + 4.0 * sd > self.cover.pieces())
    }

    /// Whether the ending part can still be ordered. A date that is not known has not passed.
    fn orderable(&self, world: &World<'_>) -> bool {
        self.affected.last_time_buy.is_none_or(|date| date >= world.input.as_of)
    }

    /// The months in which its cover no longer serves, to the last one in which it is needed.
    fn after_run_out(&self, world: &World<'_>) -> timing::When {
        let calendar = world.plan.calendar;
        let last = self.requirement.last_day(calendar).map_or(0, |day| calendar.index(day));
        timing::When::Over(self.runs_out.map_or(last, |day| calendar.index(day)), last)
    }

    /// In weeks.
    fn lead_time(&self, world: &World<'_>) -> Option<f64> {
        world.input.factory.data.items[self.affected.item].lead_time_weeks.map(float)
    }

    fn no_price(&self, world: &World<'_>) -> String {
        let item = &world.input.factory.data.items[self.affected.item];
        self.price_error
            .clone()
            .unwrap_or_else(|| format!("{} has no price: give unit_price in aml.csv or unit_cost in {}", item.item, why::at(&item.at)))
    }

    /// Sentences about products whose demand is unknown.
    fn unknown_demand(&self, world: &World<'_>) -> Vec<String> {
        self.products_without_demand.iter().filter_map(|product| world.plan.demand(*product)?.missing.clone()).collect()
    }
}
