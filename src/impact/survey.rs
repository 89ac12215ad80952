//! What answers cost and how long they take, where the site has no experience of its own. One survey only: the two that exist lie 16 times apart on the same
//! answer (domain.md, section 6), so they are never blended.

use rust_decimal::Decimal;

use super::{
    reporting::{Price, Reporting, decimal, float},
    why::FigureInput,
};
use crate::domain::{factory::Site, money::Currency};

/// Who asked, when, and in which money.
pub const SURVEY: &str = "default: ARINC for DMEA, survey of 2010, mean in USD of fiscal year 2011";

/// One row of the survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub name: &'static str,
    pub usd: i64,
    pub weeks: u32,
}

/// An approved source taken into use: only papers change.
pub const ADMINISTRATIVE_SUBSTITUTE: Row = Row { name: "administrative substitute", usd: 3_000, weeks: 4 };
/// The board around the part is designed anew.
pub const REDESIGN_NEXT_HIGHER_ASSEMBLY: Row = Row { name: "redesign of the next higher assembly", usd: 1_010_000, weeks: 64 };

/// Cost once, and weeks until it is in place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AnswerCost {
    pub cost: Result<Price, String>,
    pub weeks: f64,
    pub from: String,
}

/// The site's own figure where `site.toml` has one under `key`, else the survey's row.
pub(super) fn cost_of(site: &Site, reporting: &Reporting<'_>, key: &str, row: Row) -> AnswerCost {
    match site.answers.get(key) {
        Some(own) => {
            let from = format!("site.toml [answers.{key}]");
            AnswerCost { cost: reporting.price(key, own.cost, own.currency, &from), weeks: float(own.weeks), from }
        }
        None => {
            let from = format!("{SURVEY}, row '{}'", row.name);
            AnswerCost { cost: reporting.price(row.name, Decimal::from(row.usd), Currency::USD, &from), weeks: f64::from(row.weeks), from }
        }
    }
}

impl AnswerCost {
    /// The cost taken `times` over.
    pub fn times(&self, times: usize) -> Result<Price, String> {
        let price = self.cost.clone()?;
        let amount = price.amount.checked_mul(decimal(times as f64)?).ok_or("the cost of an answer is too large")?;
        let what = if times == 1 { price.input.what } else { format!("{} times {}", times, price.input.what) };
        Ok(Price { amount, input: FigureInput { what, ..price.input } })
    }
}
