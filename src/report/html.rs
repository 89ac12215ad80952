//! The page to print: on its first sheet what a controller and a buyer must know, behind it where that comes from. One file with its style and its charts, nothing from
//! anywhere else.

use askama::Template;
use rust_decimal::prelude::ToPrimitive;

use super::{
    Order, Report, UNKNOWN,
    chart::{self, Chart, Point},
};
use crate::{
    domain::money::Money,
    impact::{Answer, Assessment, ItemStatement, pieces},
};

/// Items whose stock is drawn; the workbook has them all.
const CHARTS_MAX: usize = 24;
/// Sentences about what a person must do that the first sheet has room for.
const NEEDS_MAX: usize = 4;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report<'a>,
    of: &'a Assessment,
    width: i32,
    height: i32,
    by_quarter: Option<Chart>,
    by_answer: Option<Chart>,
    items: Vec<Item<'a>>,
    more_items: usize,
}

struct Item<'a> {
    of: &'a ItemStatement,
    stock: Option<Chart>,
}

/// The whole page.
pub fn page(report: &Report<'_>) -> Result<String, askama::Error> {
    let assessment = report.assessment;
    let quarter = |quarter: &super::Quarter| Point {
        name: quarter.name.replacen("FY20", "FY", 1),
        value: thousands(quarter.lost),
        size: size(quarter.lost),
        is_marked: true,
    };
    let answer = |answer: &Answer| {
        let cost = answer.total_cost.filter(|_| answer.feasible)?;
        Some(Point { name: answer.name.clone(), value: thousands(cost), size: size(cost), is_marked: report.is_best(answer) })
    };
    let month = |item: &ItemStatement| {
        let points = item.months.iter().map(|month| Point {
            name: month.month.to_string(),
            value: String::new(),
            size: month.left,
            is_marked: month.left < 0.0,
        });
        chart::columns(points.collect())
    };
    let items = assessment.items.iter().take(CHARTS_MAX).map(|item| Item { of: item, stock: month(item) }).collect();
    Page {
        report,
        of: assessment,
        width: chart::WIDTH,
        height: chart::HEIGHT,
        by_quarter: chart::columns(report.quarters.iter().map(quarter).collect()),
        by_answer: chart::columns(assessment.answers.iter().filter_map(answer).collect()),
        items,
        more_items: assessment.items.len().saturating_sub(CHARTS_MAX),
    }
    .render()
}

impl Page<'_> {
    fn money(&self, money: &Option<Money>) -> String {
        money.map_or_else(|| UNKNOWN.to_owned(), Money::grouped)
    }

    fn number(&self, number: &Option<f64>) -> String {
        number.map_or_else(|| UNKNOWN.to_owned(), pieces)
    }

    fn quantity(&self, number: &f64) -> String {
        pieces(if number.abs() >= 100.0 { number.round() } else { *number })
    }

    fn day(&self, day: &Option<jiff::civil::Date>) -> String {
        day.map_or_else(|| UNKNOWN.to_owned(), |day| day.to_string())
    }

    fn first_gap(&self) -> String {
        let head = &self.of.headline;
        let none = if head.margin_at_risk.is_some() { "not before the horizon" } else { UNKNOWN };
        head.runs_out.map_or_else(|| none.to_owned(), |day| day.to_string())
    }

    fn answer(&self) -> &str {
        self.of.headline.best_answer.as_deref().unwrap_or(if self.of.ends { UNKNOWN } else { "nothing has to be answered" })
    }

    fn price(&self, order: &Order) -> String {
        order.unit_price.map_or_else(|| UNKNOWN.to_owned(), |price| price.normalize().to_string())
    }

    fn first_needs(&self) -> &[String] {
        &self.of.needs[..self.of.needs.len().min(NEEDS_MAX)]
    }

    fn joined(&self, texts: &[String]) -> String {
        texts.join(", ")
    }
}

fn size(money: Money) -> f64 {
    money.amount().to_f64().unwrap_or(0.0)
}

/// Short enough to stand over a bar: `1,234 k`.
fn thousands(money: Money) -> String {
    let amount = size(money);
    if amount.abs() < 10_000.0 { pieces(amount.round()) } else { format!("{} k", pieces((amount / 1000.0).round())) }
}
