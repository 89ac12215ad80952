//! A statement as rows for a spreadsheet, and the purchase request for its last-time buy. An unknown figure is the word `unknown`, never an empty or a zero cell.

use std::{io::IsTerminal as _, path::Path};

use anyhow::Context as _;

use super::output;
use crate::{
    domain::money::Money,
    impact::{Answer, Assessment, ItemStatement, Joint, Simulation, Spread},
    report,
};

const HEAD: [&str; 7] = ["section", "subject", "figure", "period", "value", "unit", "from"];
const ORDER_HEAD: [&str; 10] =
    ["item", "description", "maker_part", "quantity", "unit_price", "amount", "currency", "order_by", "basis", "assessment_as_of"];

/// One figure a row.
pub fn csv(assessment: &Assessment) -> anyhow::Result<String> {
    let mut rows = Rows(vec![HEAD.map(str::to_owned).to_vec()]);
    let headline = &assessment.headline;
    rows.money(["headline", "", "margin_at_risk", ""], headline.margin_at_risk, "figure margin_at_risk");
    rows.text(["headline", "", "runs_out", ""], headline.runs_out.map(|day| day.to_string()), "date", "");
    rows.text(["headline", "", "best_answer", ""], headline.best_answer.clone(), "", "");
    rows.money(["headline", "", "best_cost", ""], headline.best_cost, "");
    rows.text(["headline", "", "why it is the best", ""], assessment.choice.clone(), "", "figure best_answer");
    if let Some(simulation) = &assessment.simulation {
        of_simulation(simulation, &mut rows);
    }
    for year in &assessment.margin_lost_by_year {
        rows.money(["margin lost when nothing is done", "", "margin_lost", &year.year], Some(year.margin_lost), "");
    }
    for answer in &assessment.answers {
        of_answer(answer, &mut rows);
    }
    for item in &assessment.items {
        of_item(item, &mut rows);
    }
    if let Some(joint) = &assessment.joint {
        of_joint(joint, &mut rows);
    }
    for product in &assessment.products {
        rows.number(["product", &product.sku, "units", ""], product.units, "units");
        rows.number(["product", &product.sku, "units_lost", ""], product.units_lost, "units");
        rows.money(["product", &product.sku, "margin_lost", ""], product.margin_lost, "");
        rows.money(["product", &product.sku, "penalties", ""], product.penalties, "");
    }
    for need in &assessment.needs {
        rows.text(["needs a person", "", "", ""], Some(need.clone()), "", "");
    }
    written(&rows.0)
}

fn of_simulation(simulation: &Simulation, rows: &mut Rows) {
    let place = |figure| ["simulation", "", figure, ""];
    rows.number(place("trials"), Some(f64::from(simulation.trials)), "trials");
    rows.number(place("seed"), Some(f64::from(simulation.seed)), "");
    rows.text(place("generator"), Some(simulation.generator.clone()), "", "");
    rows.number(place("cvar_level"), Some(simulation.cvar_level), "");
    let limit = simulation.cvar_limit.map_or_else(|| Some("none".to_owned()), |limit| Some(limit.amount().to_string()));
    rows.plain(place("cvar_limit"), limit, "", "site.toml [risk] cvar_limit");
    of_spread(["simulation", "loss when nothing is done"], "lost", Some(&simulation.loss), rows);
}

/// Without a simulation each number is unknown.
fn of_spread([section, subject]: [&str; 2], figure: &str, spread: Option<&Spread>, rows: &mut Rows) {
    let numbers = spread.map(Spread::numbers);
    for (at, name) in Spread::NAMES.into_iter().enumerate() {
        let figure = format!("{figure}_{}", name.to_lowercase());
        rows.money([section, subject, &figure, ""], numbers.map(|numbers| numbers[at]), "simulation");
    }
}

fn of_joint(joint: &Joint, rows: &mut Rows) {
    for part in &joint.parts {
        let subject = format!("{} of {}", part.item, part.case);
        rows.text(["together", &subject, "alone", ""], Some(part.apart.clone()), "", "");
        rows.text(["together", &subject, "together", ""], Some(part.together.clone()), "", "");
    }
    rows.money(["together", "", "cost_apart", ""], Some(joint.cost_apart), "part by part");
    rows.money(["together", "", "cost_together", ""], Some(joint.cost_together), "figure joint_cost");
    rows.money(["together", "", "cash_apart", ""], Some(joint.cash_apart), "all orders");
    rows.money(["together", "", "cash_together", ""], Some(joint.cash_together), "all orders");
    for (subject, risk) in [("part by part", &joint.risk_apart), ("together", &joint.risk_together)] {
        of_spread(["together", subject], "npv", risk.as_ref().map(|risk| &risk.npv), rows);
        of_spread(["together", subject], "cost", risk.as_ref().map(|risk| &risk.cost), rows);
    }
}

fn of_answer(answer: &Answer, rows: &mut Rows) {
    let name = answer.name.as_str();
    rows.text(["answer", name, "possible", ""], Some(if answer.feasible { "yes" } else { "no" }.to_owned()), "", &answer.why);
    for line in &answer.lines {
        rows.money(["answer", name, &line.name, ""], line.amount, &line.from);
    }
    rows.money(["answer", name, "total_cost", ""], answer.total_cost, "sum of the lines");
    match &answer.profit_by_year {
        Some(years) => years.iter().for_each(|year| rows.money(["answer", name, "profit", &year.year], Some(year.profit), "against the plan")),
        None => rows.money(["answer", name, "profit", ""], None, "a line is unknown"),
    }
    rows.money(["answer", name, "npv", ""], answer.npv, "");
    rows.money(["answer", name, "peak_cash", ""], answer.peak_cash, "");
    rows.number(["answer", name, "weeks", ""], answer.weeks, "weeks");
    rows.text(["answer", name, "probability", ""], answer.probability.map(|share| share.to_string()), "", &answer.probability_from);
    let none = answer.last_day.is_none() && answer.last_day_from.starts_with("none");
    let day = if none { Some("none".to_owned()) } else { answer.last_day.map(|day| day.to_string()) };
    rows.text(["answer", name, "last_day", ""], day, "date", &answer.last_day_from);
    let risk = answer.risk.as_ref();
    of_spread(["answer", name], "npv", risk.map(|risk| &risk.npv), rows);
    of_spread(["answer", name], "cost", risk.map(|risk| &risk.cost), rows);
    of_spread(["answer", name], "lost", risk.map(|risk| &risk.lost), rows);
    rows.number(["answer", name, "line_down_probability", ""], risk.map(|risk| risk.line_down_probability), "");
    rows.number(["answer", name, "line_down_weeks", ""], risk.map(|risk| risk.line_down_weeks), "weeks");
    rows.money(["answer", name, "line_down_cost", ""], risk.and_then(|risk| risk.line_down_cost), "beside the cost and not in it");
    let limit = risk.and_then(|risk| risk.within_limit).map(|kept| if kept { "kept" } else { "exceeded" }.to_owned());
    rows.text(["answer", name, "risk_limit", ""], limit, "", "site.toml [risk] cvar_limit");
}

fn of_item(item: &ItemStatement, rows: &mut Rows) {
    let number = item.item.as_str();
    rows.number(["item", number, "requirement", ""], item.requirement, "pieces");
    rows.number(["item", number, "stock", ""], Some(item.stock), "pieces");
    rows.number(["item", number, "orders", ""], Some(item.orders), "pieces");
    let without = if item.requirement.is_some() { Some("not before the horizon".to_owned()) } else { None };
    rows.text(["item", number, "runs_out", ""], item.runs_out.map(|day| day.to_string()).or(without), "date", "");
    rows.number(["item", number, "last_time_buy_quantity", ""], item.last_time_buy.quantity, "pieces");
    rows.number(["item", number, "deterministic_quantity", ""], item.last_time_buy.deterministic, "pieces");
    rows.money(["item", number, "last_time_buy_cost", ""], item.last_time_buy.cost, "");
    for month in &item.months {
        rows.number(["item", number, "left at the end", &month.month.to_string()], Some(month.left), "pieces");
    }
}

/// What purchasing needs to place the last-time buy, one item a row; `None` where there is nothing to order.
pub fn order(assessment: &Assessment) -> anyhow::Result<Option<String>> {
    let orders = report::orders(assessment);
    let mut rows = vec![ORDER_HEAD.map(str::to_owned).to_vec()];
    for order in &orders {
        let unknown = || "unknown".to_owned();
        rows.push(vec![
            cell(&order.item),
            cell(&order.description),
            cell(&order.maker_part),
            order.quantity.to_string(),
            order.unit_price.map_or_else(unknown, |price| price.to_string()),
            order.amount.map_or_else(unknown, |amount| amount.amount().to_string()),
            assessment.currency.to_string(),
            order.order_by.map_or_else(unknown, |day| day.to_string()),
            order.basis.to_owned(),
            assessment.as_of.to_string(),
        ]);
    }
    (!orders.is_empty()).then(|| written(&rows)).transpose()
}

struct Rows(Vec<Vec<String>>);

impl Rows {
    fn text(&mut self, [section, subject, figure, period]: [&str; 4], value: Option<String>, unit: &str, from: &str) {
        let value = value.map_or_else(|| "unknown".to_owned(), |value| cell(&value));
        self.0.push(vec![cell(section), cell(subject), cell(figure), cell(period), value, cell(unit), cell(from)]);
    }

    fn money(&mut self, place: [&str; 4], amount: Option<Money>, from: &str) {
        let unit = amount.map_or_else(String::new, |amount| amount.currency().to_string());
        self.plain(place, amount.map(|amount| amount.amount().to_string()), &unit, from);
    }

    fn number(&mut self, place: [&str; 4], value: Option<f64>, unit: &str) {
        self.plain(place, value.map(|value| value.to_string()), unit, "");
    }

    /// A number of ours: a minus at its start is no formula.
    fn plain(&mut self, place: [&str; 4], value: Option<String>, unit: &str, from: &str) {
        self.text(place, None, unit, from);
        if let (Some(value), Some(here)) = (value, self.0.last_mut().and_then(|row| row.get_mut(4))) {
            *here = value;
        }
    }
}

/// Text from notices and files must not become a formula in a spreadsheet: an apostrophe before it makes it text.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

fn written(rows: &[Vec<String>]) -> anyhow::Result<String> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    rows.iter().try_for_each(|row| writer.write_record(row))?;
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// To a file, or to standard output; a workbook is nothing a terminal can show.
pub(super) fn write(bytes: &[u8], file: Option<&Path>, is_binary: bool) -> anyhow::Result<()> {
    match file {
        Some(file) => std::fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display())),
        None if is_binary && std::io::stdout().is_terminal() => anyhow::bail!("a workbook is no text: name a file with --output FILE"),
        None => output::bytes(bytes),
    }
}
