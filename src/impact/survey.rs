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
    /// `None` where the survey gives none.
    pub weeks: Option<u32>,
}

/// An approved source taken into use: only papers change.
pub const ADMINISTRATIVE_SUBSTITUTE: Row = Row { name: "administrative substitute", usd: 3_000, weeks: Some(4) };
/// Another part that fits the board as it is, qualified.
pub const NORMAL_SUBSTITUTE: Row = Row { name: "normal substitute", usd: 34_000, weeks: Some(25) };
/// Another part that needs work around it.
pub const COMPLEX_SUBSTITUTE: Row = Row { name: "complex substitute", usd: 423_000, weeks: Some(40) };
/// A licensed maker goes on making the part.
pub const AFTERMARKET: Row = Row { name: "aftermarket manufacture", usd: 33_000, weeks: None };
/// The board around the part is designed anew.
pub const REDESIGN_NEXT_HIGHER_ASSEMBLY: Row = Row { name: "redesign of the next higher assembly", usd: 1_010_000, weeks: Some(64) };

/// Cost once, and weeks until it is in place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AnswerCost {
    pub cost: Result<Price, String>,
    /// `None` is unknown.
    pub weeks: Option<f64>,
    /// Price of a piece as a multiple of the ending part's, where the site gives it.
    pub price_factor: Option<Decimal>,
    pub from: String,
}

/// The site's own figure where `site.toml` has one under `key`, else the survey's row; an answer without a row is unknown and not taken from another survey.
pub(super) fn cost_of(site: &Site, reporting: &Reporting<'_>, key: &str, row: Option<Row>) -> AnswerCost {
    match (site.answers.get(key), row) {
        (Some(own), _) => {
            let from = format!("site.toml [answers.{key}]");
            let cost = reporting.price(key, own.cost, own.currency, &from);
            AnswerCost { cost, weeks: Some(float(own.weeks)), price_factor: own.price_factor, from }
        }
        (None, Some(row)) => {
            let from = format!("{SURVEY}, row '{}'", row.name);
            let cost = reporting.price(row.name, Decimal::from(row.usd), Currency::USD, &from);
            AnswerCost { cost, weeks: row.weeks.map(f64::from), price_factor: None, from }
        }
        (None, None) => {
            let from = format!("site.toml has no [answers.{key}], and the survey used has no row for it");
            AnswerCost { cost: Err(from.clone()), weeks: None, price_factor: None, from }
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
