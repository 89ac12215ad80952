//! A statement as text for people, on a terminal of 100 to 140 columns.

use super::{
    impact_risk_text,
    output::{self, hanging, wrapped},
};
use crate::{
    domain::money::Money,
    impact::{Answer, Assessment, Figure, ItemStatement, MonthStatement},
};

/// Rows of the chart of stock; longer horizons are gathered into quarters, then years.
const CHART_ROWS_MAX: usize = 26;
const BAR_COLUMNS: usize = 40;
/// Items shown in full; a person asks for the others by name.
const ITEMS_IN_FULL_MAX: usize = 12;

/// The whole statement.
pub fn text(assessment: &Assessment) -> String {
    let mut out = String::new();
    headline(assessment, &mut out);
    section(&mut out, "What needs a person", &bullets(&assessment.needs));
    if !assessment.answers.is_empty() {
        section(&mut out, "The answers side by side", &answers(assessment));
    }
    section(&mut out, "How it may turn out", &impact_risk_text::spreads(assessment));
    section(&mut out, "What matters most", &impact_risk_text::tornado(assessment));
    section(&mut out, "What is missing, and what it could change", &impact_risk_text::missing(assessment));
    section(&mut out, "Decided together with other parts on the same boards", &impact_risk_text::joint(assessment));
    if let Some((title, books)) = impact_risk_text::books(assessment) {
        section(&mut out, &title, &books);
    }
    parts(assessment, &mut out);
    for item in assessment.items.iter().take(ITEMS_IN_FULL_MAX) {
        section(&mut out, &format!("{}  {}", item.item, item.description), &item_text(assessment, item));
    }
    if assessment.items.len() > ITEMS_IN_FULL_MAX {
        out.push_str(&format!("\n{} more items are in `--json`.\n", assessment.items.len() - ITEMS_IN_FULL_MAX));
    }
    products(assessment, &mut out);
    risk(assessment, &mut out);
    section(&mut out, "Taken for granted", &bullets(&assessment.assumptions));
    out.push_str("\nEvery figure: `--why NAME`, for example margin_at_risk; `--why list` names them all.\n");
    out
}

/// One figure with its formula and every input. The error names the figures there are.
pub fn why_text(assessment: &Assessment, figure: &str) -> Result<String, String> {
    let asked = figure.trim();
    if asked == "list" {
        let rows = assessment.figures.iter().map(|figure| vec![figure.name.clone(), figure.value.clone()]).collect();
        return Ok(output::table(&["figure", "value"], &[1], rows));
    }
    let found: Vec<&Figure> = assessment.figures.iter().filter(|figure| figure.name == asked).collect();
    // `requirement` alone means that of every item.
    let found = if found.is_empty() {
        assessment.figures.iter().filter(|figure| figure.name.split_once(':').is_some_and(|(name, _)| name == asked)).collect()
    } else {
        found
    };
    if found.is_empty() {
        let names: Vec<&str> = assessment.figures.iter().map(|figure| figure.name.as_str()).collect();
        return Err(if names.is_empty() {
            "this statement has no figures".to_owned()
        } else {
            format!("there is no figure '{asked}' in this statement; there are:\n  {}", names.join("\n  "))
        });
    }
    Ok(found.into_iter().map(figure_text).collect::<Vec<_>>().join("\n\n"))
}

fn figure_text(figure: &Figure) -> String {
    let mut text = format!("{} = {}\n{}\n", figure.name, figure.value, wrapped(&format!("= {}", figure.formula), "  "));
    let rows = figure.inputs.iter().map(|input| vec![input.what.clone(), input.value.clone(), input.from.clone()]).collect();
    text.push_str(&output::table(&["input", "value", "from"], &[1], rows));
    if figure.inputs_left_out > 0 {
        text.push_str(&format!("\nand {} more inputs", figure.inputs_left_out));
    }
    text
}

fn headline(assessment: &Assessment, out: &mut String) {
    let head = &assessment.headline;
    out.push_str(&format!(
        "{} on {}, {}: {} known, {} unknown\n\n{}\n\n",
        assessment.case,
        assessment.dataset,
        assessment.as_of,
        count(head.known_parts, "part"),
        count(head.unknown_parts, "part"),
        wrapped(&assessment.summary, "")
    ));
    let out_of = match head.runs_out {
        Some(day) => day.to_string(),
        None if !assessment.ends || head.known_parts > 0 && head.margin_at_risk.is_some() => "not before the horizon".to_owned(),
        None => "unknown".to_owned(),
    };
    let best = match (&head.best_answer, head.best_cost) {
        (Some(name), Some(cost)) => format!("{name}, {} against the plan", cost.grouped()),
        (Some(name), None) => name.clone(),
        (None, _) if !assessment.ends => "nothing has to be answered".to_owned(),
        (None, _) => "unknown".to_owned(),
    };
    for (what, value) in [("Margin at risk", margin(assessment)), ("Runs out", out_of), ("Best answer", best)] {
        out.push_str(&format!("  {what:<16}{value}\n"));
    }
    if let Some(choice) = &assessment.choice {
        out.push_str(&hanging("                  ", choice));
        out.push('\n');
    }
}

/// With its range: by simulation where it is known, by what is missing where it is not.
fn margin(assessment: &Assessment) -> String {
    let known = money(assessment.headline.margin_at_risk);
    if let Some(range) = assessment.ranges.margin_at_risk.filter(|_| assessment.headline.margin_at_risk.is_none()) {
        return format!("{known}, {} to {} by what is missing", range.low.grouped(), range.high.grouped());
    }
    match &assessment.simulation {
        Some(simulation) if simulation.loss.p10 != simulation.loss.p90 => {
            format!("{known} at the forecast, {} to {} with penalties (P10 to P90)", simulation.loss.p10.grouped(), simulation.loss.p90.grouped())
        }
        _ => known,
    }
}

fn count(number: u32, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn money(money: Option<Money>) -> String {
    money.map_or_else(|| "unknown".to_owned(), Money::grouped)
}

/// A quantity as people want to read it: whole from a hundred on. `--why` and `--json` keep the places.
fn pieces(quantity: f64) -> String {
    crate::impact::pieces(if quantity.abs() >= 100.0 { quantity.round() } else { quantity })
}

fn quantity(quantity: Option<f64>) -> String {
    quantity.map_or_else(|| "unknown".to_owned(), pieces)
}

fn section(out: &mut String, title: &str, body: &str) {
    if !body.is_empty() {
        out.push_str(&format!("\n{}\n{body}\n", title.trim_end()));
    }
}

fn bullets(sentences: &[String]) -> String {
    sentences.iter().map(|sentence| hanging("  - ", sentence)).collect::<Vec<_>>().join("\n")
}

fn answers(assessment: &Assessment) -> String {
    let best = assessment.headline.best_answer.as_deref();
    let rows = assessment.answers.iter().map(|answer| {
        vec![
            format!("{}{}", if best == Some(answer.name.as_str()) { "* " } else { "  " }, answer.name),
            if answer.feasible { "yes" } else { "no" }.to_owned(),
            money(answer.total_cost),
            money(answer.margin_lost),
            if answer.feasible { answer.weeks.map_or_else(|| "unknown".to_owned(), pieces) } else { "–".to_owned() },
            answer.cash.map_or_else(|| "–".to_owned(), Money::grouped),
            answer.last_day.filter(|_| answer.feasible).map_or_else(|| "–".to_owned(), |day| day.to_string()),
        ]
    });
    let columns = ["answer", "possible", "cost in all", "margin still lost", "weeks", "cash at once", "last day"];
    let mut text = output::table(&columns, &[2, 3, 4, 5], rows.collect());
    text.push_str("\n  Cost against the plan before the notice. Cash at once is inventory until it is used.\n");
    for answer in &assessment.answers {
        text.push_str(&format!("\n{}", wrapped(&format!("{}: {}", answer.name, answer.why), "    ").replacen("    ", "  ", 1)));
        text.push_str(&lines(answer));
        if answer.feasible && !answer.last_day_from.is_empty() {
            text.push_str(&hanging("      ", &effect(answer)));
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// What it does to profit and cash over time, how sure it is and until when it can be chosen.
fn effect(answer: &Answer) -> String {
    let unknown = || "unknown".to_owned();
    let years = answer.profit_by_year.as_ref().map_or_else(unknown, |years| {
        let years: Vec<String> = years.iter().map(|year| format!("{} {}", year.year, year.profit.grouped())).collect();
        if years.is_empty() { "as planned".to_owned() } else { years.join(", ") }
    });
    let last_day = answer.last_day.map_or_else(String::new, |day| format!("{day}, "));
    format!(
        "Profit against the plan: {years}. Present value {}, most cash tied up {}. Probability of success {}. Last day: {last_day}{}.",
        answer.npv.map_or_else(unknown, Money::grouped),
        answer.peak_cash.map_or_else(unknown, Money::grouped),
        answer.probability.map_or_else(unknown, |share| share.to_string()),
        answer.last_day_from
    )
}

fn lines(answer: &Answer) -> String {
    let width = answer.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for line in &answer.lines {
        let amount = line.amount.map_or_else(|| "unknown".to_owned(), |amount| amount.grouped());
        text.push_str(&hanging(&format!("\n      {:<width$}  {amount:>18}  ", line.name), &line.from));
    }
    text.push('\n');
    text
}

fn parts(assessment: &Assessment, out: &mut String) {
    let known = assessment.parts.iter().filter(|part| !part.items.is_empty());
    let rows: Vec<Vec<String>> = known
        .map(|part| {
            vec![
                part.mpn.clone(),
                part.items.join(", "),
                part.found_by.clone().unwrap_or_default(),
                part.last_time_buy.map_or_else(|| "–".to_owned(), |date| date.to_string()),
                part.last_time_ship.map_or_else(|| "–".to_owned(), |date| date.to_string()),
            ]
        })
        .collect();
    if !rows.is_empty() {
        section(out, "Parts known here", &output::table(&["part", "item", "match", "last-time buy", "last-time ship"], &[], rows));
    }
}

fn item_text(assessment: &Assessment, item: &ItemStatement) -> String {
    let mut rows: Vec<(&str, String)> = vec![
        ("ends", item.sources.join(", ")),
        ("used in", if item.products.is_empty() { "no product".to_owned() } else { item.products.join(", ") }),
    ];
    if !item.assemblies.is_empty() {
        rows.push(("stands on", item.assemblies.join(", ")));
    }
    let split = [("forecast", item.forecast), ("committed", item.committed), ("spares", item.spares)];
    let split: Vec<String> = split.iter().filter(|(_, value)| *value > 0.0).map(|(what, value)| format!("{what} {}", pieces(*value))).collect();
    let horizon = item.horizon.map_or_else(String::new, |day| format!(" until {day}"));
    let of = if item.share < 1.0 { format!(", {} % of the item's use", pieces(item.share * 100.0)) } else { String::new() };
    let split = if split.is_empty() { String::new() } else { format!("  ({})", split.join(", ")) };
    rows.push(("requirement", format!("{} pieces{horizon}{of}{split}", quantity(item.requirement))));
    rows.push(("cover", format!("{} pieces (stock {}, open orders {})", pieces(item.stock + item.orders), pieces(item.stock), pieces(item.orders))));
    let out_of = item
        .runs_out
        .map_or_else(|| if item.requirement.is_some() { "not before the horizon".to_owned() } else { "unknown".to_owned() }, |day| day.to_string());
    rows.push(("runs out", out_of));
    rows.push((
        "alternate",
        item.alternate.clone().unwrap_or_else(|| {
            if item.no_alternate.is_empty() { "none approved".to_owned() } else { format!("none: {}", item.no_alternate.join("; ")) }
        }),
    ));
    if assessment.ends {
        let order = &item.last_time_buy;
        let beside = format!("{} at the forecast", quantity(order.deterministic));
        let cost = order.cost.map_or_else(|| "price unknown".to_owned(), Money::grouped);
        rows.push(("last-time buy", format!("{} pieces, {beside}; {cost}", quantity(order.quantity))));
        if let (Some(price), Some(value)) = (&item.unit_price, &item.shortage_value) {
            rows.push(("piece", format!("costs {price}, is worth {value} when it is missing")));
        }
    }
    let mut text = rows.iter().map(|(what, value)| hanging(&format!("  {what:<16}"), value)).collect::<Vec<_>>().join("\n");
    if item.runs_out.is_some() {
        text.push('\n');
        text.push_str(&chart(&item.months));
    }
    text
}

/// What is left at the end of each month: a bar for pieces there, a bar of another kind for pieces missing by then.
fn chart(months: &[MonthStatement]) -> String {
    let step = [1, 3, 12, 60].into_iter().find(|step| months.len().div_ceil(*step) <= CHART_ROWS_MAX).unwrap_or(60);
    let rows: Vec<(String, f64)> = months
        .chunks(step)
        .filter_map(|chunk| {
            let (first, last) = (chunk.first()?, chunk.last()?);
            let label = if first.month == last.month { first.month.to_string() } else { format!("{} to {}", first.month, last.month) };
            Some((label, last.left))
        })
        .collect();
    let most = rows.iter().map(|(_, left)| left.abs()).fold(0.0, f64::max);
    if most == 0.0 {
        return String::new();
    }
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let mut text = "\n  Left at the end of the month (█), missing by then (░)\n".to_owned();
    for (label, left) in rows {
        // At least one mark where there is anything.
        let marks = ((left.abs() / most * BAR_COLUMNS as f64).round() as usize).max(usize::from(left != 0.0));
        let bar = if left < 0.0 { "░" } else { "█" }.repeat(marks);
        text.push_str(&format!("  {label:<width$}  {:>12}  {bar}\n", pieces(left)));
    }
    text.truncate(text.trim_end().len());
    text
}

fn products(assessment: &Assessment, out: &mut String) {
    let rows: Vec<Vec<String>> = assessment
        .products
        .iter()
        .map(|product| {
            vec![
                product.sku.clone(),
                product.name.clone(),
                quantity(product.units),
                quantity(product.units_lost),
                product.contribution.clone().unwrap_or_else(|| "unknown".to_owned()),
                money(product.margin_lost),
                product.horizon.map_or_else(|| "–".to_owned(), |day| day.to_string()),
            ]
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let head = ["product", "name", "units", "units lost", "contribution", "margin lost", "horizon"];
    let mut text = output::table(&head, &[2, 3, 4, 5], rows);
    for year in &assessment.margin_lost_by_year {
        text.push_str(&format!("\n  {:<8}{:>24}", year.year, year.margin_lost.grouped()));
    }
    section(out, "Profit and loss when nothing is done: contribution of units not served", &text);
}

fn risk(assessment: &Assessment, out: &mut String) {
    let risk = &assessment.financial_risk;
    if assessment.items.is_empty() {
        return;
    }
    let probability = risk.probability.map_or_else(|| "unknown".to_owned(), |share| share.to_string());
    let terms = [
        ("P(EOL)", probability, &risk.probability_from),
        ("mitigation cost", money(risk.mitigation), &risk.mitigation_from),
        ("downtime cost", money(risk.downtime), &risk.downtime_from),
    ];
    let mut text = format!("  {}", money(risk.amount));
    for (what, value, from) in terms {
        text.push_str(&hanging(&format!("\n    {what:<16}  {value:>18}  "), from));
    }
    section(out, "Financial risk = P(EOL) × (mitigation cost + downtime cost)", &text);
}
