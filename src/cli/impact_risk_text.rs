//! The part of a statement about what may turn out otherwise: the spread of each answer, the inputs that matter, what is missing, and the books by quarter.

use super::output::{self, hanging, wrapped};
use crate::{
    domain::money::Money,
    impact::{Accounting, AccountingLine, AnswerRisk, Assessment, Range, Sensitivity, pieces},
};

/// Half the width of a tornado, in characters.
const TORNADO_COLUMNS: usize = 18;
/// Quarters beside each other on 140 columns, and how many are shown before the rest is gathered.
const QUARTERS_ABREAST: usize = 5;
const QUARTERS_SHOWN_MAX: usize = 15;

/// How sure the answers are; empty where nothing was simulated.
pub(super) fn spreads(assessment: &Assessment) -> String {
    let Some(simulation) = &assessment.simulation else { return String::new() };
    let best = assessment.headline.best_answer.as_deref();
    let rows: Vec<Vec<String>> = assessment
        .answers
        .iter()
        .filter_map(|answer| {
            let risk = answer.risk.as_ref().filter(|_| answer.feasible)?;
            let mark = if best == Some(answer.name.as_str()) { "* " } else { "  " };
            let limit = if risk.within_limit == Some(false) { " over" } else { "" };
            Some(vec![
                format!("{mark}{}", answer.name),
                whole(risk.npv.mean),
                whole(risk.cost.p10),
                whole(risk.cost.p50),
                whole(risk.cost.p90),
                format!("{}{limit}", whole(risk.npv.cvar)),
                format!("{} %", pieces((risk.line_down_probability * 100.0).round())),
                risk.line_down_cost.map_or_else(|| format!("{:.1} weeks", risk.line_down_weeks), whole),
            ])
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = ["answer", "expected value", "cost P10", "P50", "P90", "CVaR of value", "line down", "costs beside"];
    let mut text = output::table(&head, &[1, 2, 3, 4, 5, 6, 7], rows);
    let loss = &simulation.loss;
    let tail = pieces(((1.0 - simulation.cvar_level) * 100.0).max(0.0));
    let note = format!(
        "In {}, whole units. {} trials, seed {}; doing nothing loses {} to {} (P10 to P90), {} in the worst {tail} %. Expected value is present value, failures included.",
        assessment.currency,
        pieces(f64::from(simulation.trials)),
        simulation.seed,
        loss.p10.grouped(),
        loss.p90.grouped(),
        loss.cvar.grouped()
    );
    text.push_str(&format!("\n{}", wrapped(&note, "  ")));
    for sentence in &simulation.certain {
        text.push_str(&format!("\n{}", hanging("  - counts as certain: ", sentence)));
    }
    text
}

/// One bar an input, the largest first: what it moves the cost of the best answer, or the loss where that is more.
pub(super) fn tornado(assessment: &Assessment) -> String {
    let most = assessment.sensitivities.iter().map(|row| row.swing.minor()).max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let mut text = String::new();
    for row in &assessment.sensitivities {
        let marks = ((row.swing.minor() as f64 / most as f64 * TORNADO_COLUMNS as f64).round() as usize).max(1);
        let values = format!("{} to {} {}", pieces(row.low), pieces(row.high), row.unit);
        text.push_str(&format!(
            "  {:<42} {:<TORNADO_COLUMNS$} {:>18}  {}\n",
            cut(&row.input, 42),
            "█".repeat(marks),
            row.swing.grouped(),
            values.trim_end()
        ));
        if let Some(sentence) = changes(row) {
            text.push_str(&hanging("      ", &sentence));
            text.push('\n');
        }
    }
    text.push_str("  The larger of what it moves the loss or the cost of the best answer by, at the forecast, all else as it is.");
    text
}

/// `Redesign the assembly is the best below 41,000 EUR, Last-time buy above.`
fn changes(row: &Sensitivity) -> Option<String> {
    let sentences: Vec<String> = row
        .break_even
        .iter()
        .map(|even| format!("{} is the best below {} {}, {} above.", even.below, pieces(even.value), row.unit, even.above).replace(" ,", ","))
        .collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// What is missing and what it could change.
pub(super) fn missing(assessment: &Assessment) -> String {
    let ranges = &assessment.ranges;
    let mut lines = Vec::new();
    for of in &ranges.missing {
        let mut sentence = format!("{} ({})", of.input, of.mend);
        match (of.low, of.high) {
            (Some(low), Some(high)) => {
                sentence.push_str(&format!(": {} to {} {}, {}", pieces(low), pieces(high), of.unit, of.basis).replace(" ,", ","));
            }
            _ => sentence.push_str(&format!(": {}", of.basis)),
        }
        if let Some(range) = of.margin_at_risk.filter(|range| range.low != range.high) {
            sentence.push_str(&format!("; margin at risk {}", shown(range)));
        }
        if let Some(range) = of.best_cost.filter(|range| range.low != range.high) {
            sentence.push_str(&format!("; best cost {}", shown(range)));
        }
        if of.best.len() > 1 {
            sentence.push_str(&format!("; decides between {}", of.best.join(" and ")));
        }
        lines.push(hanging("  - ", &sentence));
    }
    for (what, range) in [("Margin at risk", ranges.margin_at_risk), ("Cost of the best answer", ranges.best_cost)] {
        lines.extend(range.map(|range| format!("  {what} with all of it at its ends: {}", shown(range))));
    }
    lines.join("\n")
}

/// The parts of this and other cases that share boards, one by one and together.
pub(super) fn joint(assessment: &Assessment) -> String {
    let Some(joint) = &assessment.joint else { return String::new() };
    let rows = joint.parts.iter().map(|part| vec![part.case.to_string(), part.item.clone(), part.apart.clone(), part.together.clone()]).collect();
    let mut text = output::table(&["case", "item", "part by part", "together"], &[], rows);
    text.push_str(&format!(
        "\n  Cost {} part by part, {} together; cash at once {} and {}.",
        joint.cost_apart.grouped(),
        joint.cost_together.grouped(),
        joint.cash_apart.grouped(),
        joint.cash_together.grouped()
    ));
    if let (Some(apart), Some(together)) = (&joint.risk_apart, &joint.risk_together) {
        let range = |risk: &AnswerRisk| format!("{} to {}, CVaR of value {}", whole(risk.cost.p10), whole(risk.cost.p90), whole(risk.npv.cvar));
        text.push_str(&format!(" In the same trials, P10 to P90 of cost: {} part by part, {} together.", range(apart), range(together)));
    }
    if let Some(budget) = joint.budget {
        text.push_str(&format!(" Budget {}.", budget.grouped()));
    }
    for sentence in &joint.why {
        text.push_str(&format!("\n{}", hanging("  - ", sentence)));
    }
    text
}

fn shown(range: Range) -> String {
    format!("{} to {}", range.low.grouped(), range.high.grouped())
}

/// The best answer in the books, or doing nothing where none is the best.
pub(super) fn books(assessment: &Assessment) -> Option<(String, String)> {
    let best = assessment.headline.best_answer.as_deref()?;
    let of = assessment.accounting.iter().find(|of| of.answer == best)?;
    if of.lines.is_empty() {
        return None;
    }
    let title = format!("In the books by fiscal quarter: {} by {}, against the plan, in {}", of.answer, of.standard, assessment.currency);
    Some((title, table(of)))
}

fn table(of: &Accounting) -> String {
    let shown = if of.quarters.len() > QUARTERS_SHOWN_MAX { QUARTERS_SHOWN_MAX - 1 } else { of.quarters.len() };
    let later = of.quarters.len() > shown;
    let columns: Vec<usize> = (0..shown + usize::from(later)).collect();
    let blocks: Vec<&[usize]> = columns.chunks(QUARTERS_ABREAST).collect();
    let mut text = String::new();
    for (at, block) in blocks.iter().enumerate() {
        let total = at + 1 == blocks.len();
        let mut head = vec!["".to_owned()];
        head.extend(block.iter().map(|column| if *column < shown { of.quarters[*column].clone() } else { "later".to_owned() }));
        if total {
            head.push("in all".to_owned());
        }
        let cells = |line: &AccountingLine, balance: bool| {
            let mut cells = vec![line.name.clone()];
            cells.extend(block.iter().map(|column| match (*column < shown, balance) {
                (true, _) => line.amounts.get(*column).map_or_else(String::new, |amount| plain(*amount)),
                (false, true) => line.amounts.last().map_or_else(String::new, |amount| plain(*amount)),
                (false, false) => plain_sum(line.amounts.get(shown..).unwrap_or_default()),
            }));
            if total {
                cells.push(if balance { String::new() } else { plain(line.total) });
            }
            cells
        };
        let mut rows: Vec<Vec<String>> = of.lines.iter().map(|line| cells(line, false)).collect();
        rows.push(cells(&of.profit, false));
        rows.extend(of.cash.iter().map(|cash| cells(cash, false)));
        rows.push(cells(&of.inventory, true));
        if of.accrued.amounts.iter().any(|amount| !amount.is_zero()) {
            rows.push(cells(&of.accrued, true));
        }
        if !of.capital.total.is_zero() {
            rows.push(cells(&of.capital, false));
        }
        let right: Vec<usize> = (1..head.len()).collect();
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        if at > 0 {
            text.push_str("\n\n");
        }
        text.push_str(&output::table(&head, &right, rows));
    }
    text
}

/// Without its currency, which stands in the title.
fn plain(amount: Money) -> String {
    let grouped = amount.grouped();
    grouped.rsplit_once(' ').map_or(grouped.clone(), |(amount, _)| amount.to_owned())
}

fn plain_sum(amounts: &[Money]) -> String {
    let sum = amounts.iter().copied().map(Ok).reduce(|sum, amount| sum?.plus(amount?));
    sum.and_then(Result::ok).map_or_else(String::new, plain)
}

/// Whole units of the currency: a simulated amount is no closer than that.
fn whole(amount: Money) -> String {
    pieces(rust_decimal::prelude::ToPrimitive::to_f64(&amount.amount().round()).unwrap_or(0.0))
}

fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters - 1).chain(['…']).collect()
}
