//! A statement as people hand it on: a workbook for the controller and the buyer, and a page to print. What both show is made here, once, from the statement; nothing
//! is computed anew but sums of what is shown, and an unknown figure is the word `unknown`, never an empty or a zero cell.

mod chart;
mod html;
mod order;
mod sheet;
mod workbook;

use crate::{
    domain::{case::Case, factory::Month, money::Money},
    impact::{Answer, Assessment, ItemStatement},
};

pub use html::page;
pub use order::{Order, orders};
pub use workbook::workbook;

pub(crate) const UNKNOWN: &str = "unknown";

/// What both forms show.
pub struct Report<'a> {
    pub assessment: &'a Assessment,
    /// `PDN CVN-PDN-26-0117, Corvane Semiconductor`.
    pub matter: String,
    pub orders: Vec<Order>,
    pub quarters: Vec<Quarter>,
    /// Fiscal years in which any answer has an effect, in order.
    pub years: Vec<&'a str>,
}

/// What one fiscal quarter loses when nothing is done, and why.
pub struct Quarter {
    pub name: String,
    pub first: Month,
    pub last: Month,
    pub lost: Money,
    /// Items that run short in it, and by how many pieces.
    pub short: Vec<(String, f64)>,
}

impl Quarter {
    /// Why it is hit, in words. Scarce pieces go to the products that earn more on each, so others may lose before the stock is used up.
    pub fn why(&self) -> String {
        if self.short.is_empty() {
            return "pieces that last until later are kept for products that earn more on each".to_owned();
        }
        let shown = |missing: f64| crate::impact::pieces(if missing >= 100.0 { missing.round() } else { missing });
        self.short.iter().map(|(item, missing)| format!("{} pieces of {item} are missing", shown(*missing))).collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Report<'a> {
    /// `case` tells what the matter is called; without it the case's number does.
    pub fn of(assessment: &'a Assessment, case: Option<&Case>) -> Report<'a> {
        let matter = case.map_or_else(
            || assessment.case.to_string(),
            |case| [Some(case.title()), case.maker.clone()].into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
        );
        let mut years: Vec<&str> =
            assessment.answers.iter().filter_map(|answer| answer.profit_by_year.as_ref()).flatten().map(|year| year.year.as_str()).collect();
        years.extend(assessment.margin_lost_by_year.iter().map(|year| year.year.as_str()));
        years.sort_unstable();
        years.dedup();
        Report { assessment, matter, orders: orders(assessment), quarters: quarters(assessment), years }
    }

    pub fn is_best(&self, answer: &Answer) -> bool {
        self.assessment.headline.best_answer.as_ref() == Some(&answer.name)
    }

    /// The day an item runs out, as people read it.
    pub fn runs_out(item: &ItemStatement) -> String {
        match (item.runs_out, item.requirement) {
            (Some(day), _) => day.to_string(),
            (None, Some(_)) => "not before the horizon".to_owned(),
            (None, None) => UNKNOWN.to_owned(),
        }
    }

    /// The last day on which an answer can be chosen, as people read it.
    pub fn last_day(answer: &Answer) -> String {
        match answer.last_day {
            Some(day) => day.to_string(),
            None if answer.last_day_from.starts_with("none") => "none".to_owned(),
            None => UNKNOWN.to_owned(),
        }
    }
}

fn quarters(assessment: &Assessment) -> Vec<Quarter> {
    let of = |quarter: &crate::impact::QuarterLoss| {
        let (first, last) = (quarter.first, quarter.last);
        let short = assessment.items.iter().filter_map(|item| Some((item.item.clone(), missing(item, first, last)?))).collect();
        Quarter { name: quarter.quarter.clone(), first, last, lost: quarter.lost, short }
    };
    assessment.lost_by_quarter.iter().map(of).collect()
}

/// Pieces of an item that come to be missing from the first to the last of these months; `None` where none do.
fn missing(item: &ItemStatement, first: Month, last: Month) -> Option<f64> {
    let by = |is: &dyn Fn(&Month) -> bool| item.months.iter().filter(|of| is(&of.month)).map(|of| (-of.left).max(0.0)).fold(0.0, f64::max);
    let (before, within) = (by(&|month| *month < first), by(&|month| *month <= last));
    Some(within - before).filter(|missing| *missing > 1e-6)
}
