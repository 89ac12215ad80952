//! Charts as plain geometry; the templates draw them as SVG and put a table beside each.
//!
//! Chart crates (plotters, charming, poloto) draw with fixed colours and styles in attributes: a strict content policy refuses the latter, and a page that is
//! light or dark needs neither. Four charts of bars, dots and one line are less to read than what would wrap such a crate.
//!
//! Amounts become floating point here to be placed on a page; nothing is computed with them.

use rust_decimal::prelude::ToPrimitive;

use super::{Shell, board, language::Language};
use crate::{
    domain::{case::Case, factory::Month, money::Money},
    impact::{MonthStatement, Sensitivity, YearProfit},
    limits,
};

fn float(money: Money) -> f64 {
    money.amount().to_f64().unwrap_or(0.0)
}

/// One decimal place is finer than a screen.
fn px(at: f64) -> String {
    format!("{:.1}", if at.is_finite() { at } else { 0.0 })
}

/// A line of a scale, with what it stands for.
pub struct Tick {
    pub at: String,
    pub label: String,
}

/// `8.9 M`, `120 k`: for scales, where the table has the figure itself.
pub fn compact(language: Language, value: f64) -> String {
    let (size, unit) = match value.abs() {
        size if size >= 999_500_000.0 => (value / 1e9, "\u{a0}bn"),
        size if size >= 999_500.0 => (value / 1e6, "\u{a0}M"),
        size if size >= 1_000.0 => (value / 1e3, "\u{a0}k"),
        _ => (value, ""),
    };
    let unit = if language == Language::German {
        unit.replace("bn", "Mrd.").replace('M', "Mio.").replace("Mio.rd.", "Mrd.").replace('k', "Tsd.")
    } else {
        unit.to_owned()
    };
    let places = usize::from(size.abs() < 10.0 && (size - size.round()).abs() > 0.04);
    format!("{}{unit}", language.number(&format!("{size:.places$}")))
}

/// Round steps that cut `0..=most` into about four.
fn steps(most: f64) -> Vec<f64> {
    if most <= 0.0 || !most.is_finite() {
        return Vec::new();
    }
    let rough = most / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough).unwrap_or(power * 10.0);
    (1..=8).map(|count| f64::from(count) * step).take_while(|at| *at <= most * 1.001).collect()
}

/// Open cases by the days that are left to buy (across, the near ones with more room) and the margin at risk (upwards, logarithmic).
pub struct Deadlines {
    pub dots: Vec<Dot>,
    pub across: Vec<Tick>,
    pub up: Vec<Tick>,
    pub currency: String,
}

pub struct Dot {
    pub x: String,
    pub y: String,
    pub label_x: String,
    /// `None`: there is no room for its name.
    pub label_y: Option<String>,
    /// `end` where the label would leave the picture.
    pub anchor: &'static str,
    pub id: String,
    pub title: String,
    pub urgency: &'static str,
}

const DEADLINES_LEFT: f64 = 58.0;
const DEADLINES_RIGHT: f64 = 702.0;
const DEADLINES_TOP: f64 = 14.0;
const DEADLINES_BOTTOM: f64 = 250.0;

/// `None` where no open case has both a date and a margin above zero.
pub fn deadlines(open: &[&Case], p: &Shell) -> Option<Deadlines> {
    let mut placed: Vec<(&Case, i32, Money)> = open
        .iter()
        .filter_map(|case| Some((*case, board::days_left(case, p.today)?, board::margin(case).filter(|margin| margin.minor() > 0)?)))
        .collect();
    let currency = placed.iter().max_by_key(|(_, _, margin)| margin.minor())?.2.currency();
    placed.retain(|(_, _, margin)| margin.currency() == currency);
    // Of many only the largest are shown: the rest need no order.
    let by_margin = |(_, _, margin): &(&Case, i32, Money)| std::cmp::Reverse(margin.minor());
    if placed.len() > limits::CHART_DOTS_MAX {
        placed.select_nth_unstable_by_key(limits::CHART_DOTS_MAX, |one| (by_margin(one), one.0.id));
        placed.truncate(limits::CHART_DOTS_MAX);
    }
    placed.sort_by_key(|one| (by_margin(one), std::cmp::Reverse(one.0.id)));
    let furthest = f64::from(placed.iter().map(|(_, days, _)| *days).max()?.clamp(120, 1_100));
    let across = |days: f64| DEADLINES_LEFT + 14.0 + (days.clamp(0.0, furthest) / furthest).sqrt() * (DEADLINES_RIGHT - DEADLINES_LEFT - 28.0);
    let logs: Vec<f64> = placed.iter().map(|(_, _, margin)| float(*margin).max(1.0).log10()).collect();
    let low = logs.iter().copied().fold(f64::INFINITY, f64::min) - 0.2;
    let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max) + 0.2;
    let up = |log: f64| DEADLINES_BOTTOM - (log - low) / (high - low) * (DEADLINES_BOTTOM - DEADLINES_TOP);
    let mut taken: Vec<(f64, f64)> = Vec::new();
    let dots = placed.iter().zip(&logs).map(|((case, days, margin), log)| {
        let (x, y) = (across(f64::from(*days)), up(*log));
        let flip = x > DEADLINES_RIGHT - 60.0;
        let label_x = if flip { x - 9.0 } else { x + 9.0 };
        // Beside its dot, or above it, where no other name stands; otherwise only under the pointer.
        let free = |at: f64| !taken.iter().any(|(of, other)| (of - label_x).abs() < 38.0 && (other - at).abs() < 12.0);
        let label_y = [y, y - 13.0, y + 13.0].into_iter().find(|at| free(*at));
        taken.extend(label_y.map(|at| (label_x, at)));
        Dot {
            x: px(x),
            y: px(y),
            label_x: px(label_x),
            label_y: label_y.map(px),
            anchor: if flip { "end" } else { "start" },
            id: case.id.to_string(),
            title: format!("{}: {}, {}", case.id, p.language.days(*days), p.language.whole_money(*margin)),
            urgency: board::urgency(Some(*days)),
        }
    });
    let dots = dots.collect();
    let days = [0, 30, 90, 180, 365, 730, 1095].into_iter().filter(|days| f64::from(*days) <= furthest);
    // Decades, and where those are few also their halves and fifths.
    let fine: &[f64] = if high - low < 1.6 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let decades = (low.floor() as i32)..=(high.ceil() as i32);
    let levels =
        decades.flat_map(|log| fine.iter().map(move |factor| factor * 10_f64.powi(log))).filter(|level| (low..=high).contains(&level.log10()));
    Some(Deadlines {
        dots,
        across: days
            .map(|days| Tick { at: px(across(f64::from(days))), label: p.language.fill("chart.days", &[("n", &days.to_string())]) })
            .collect(),
        up: levels.map(|level| Tick { at: px(up(level.log10())), label: compact(p.language, level) }).collect(),
        currency: currency.to_string(),
    })
}

/// What is needed of an item month by month, how much of it can be served, and what is left in stock.
pub struct RunOut {
    pub bars: Vec<MonthBar>,
    /// Points of the line of what is left, as SVG writes them.
    pub left: String,
    pub up: Vec<Tick>,
    pub across: Vec<Tick>,
    pub runs_out: Option<String>,
    pub buy_by: Option<String>,
    pub rows: Vec<MonthRow>,
}

/// A bar: served below, not served above.
pub struct MonthBar {
    pub x: String,
    pub width: String,
    pub served_y: String,
    pub served_height: String,
    pub missed_y: String,
    pub missed_height: String,
    pub title: String,
}

pub struct MonthRow {
    pub month: String,
    pub needed: String,
    pub arriving: String,
    pub missed: String,
    pub left: String,
}

const RUN_OUT_LEFT: f64 = 52.0;
const RUN_OUT_RIGHT: f64 = 706.0;
const RUN_OUT_TOP: f64 = 12.0;
const RUN_OUT_BOTTOM: f64 = 170.0;

/// A day's place among months of one width.
fn day_at(day: jiff::civil::Date, first: Month, width: f64, months: usize) -> Option<String> {
    let index = usize::try_from(Month::of(day).since(first)).ok().filter(|index| *index < months)?;
    let within = f64::from(day.day() - 1) / f64::from(day.days_in_month());
    Some(px(RUN_OUT_LEFT + (index as f64 + within) * width))
}

pub fn run_out(
    months: &[MonthStatement],
    runs_out: Option<jiff::civil::Date>,
    buy_by: Option<jiff::civil::Date>,
    language: Language,
) -> Option<RunOut> {
    let first = months.first()?;
    let needed = |month: &MonthStatement| month.forecast + month.committed + month.spares;
    let most = months.iter().map(|month| needed(month).max(month.left)).fold(first.left + needed(first), f64::max);
    if most <= 0.0 {
        return None;
    }
    let up = |pieces: f64| RUN_OUT_BOTTOM - (pieces / most).clamp(0.0, 1.0) * (RUN_OUT_BOTTOM - RUN_OUT_TOP);
    let width = (RUN_OUT_RIGHT - RUN_OUT_LEFT) / months.len() as f64;
    let mut before = first.left + needed(first) - first.arriving;
    let mut points = vec![format!("{},{}", px(RUN_OUT_LEFT), px(up(before)))];
    let (mut bars, mut rows) = (Vec::new(), Vec::new());
    for (index, month) in months.iter().enumerate() {
        let needed = needed(month);
        let missed = ((-month.left).max(0.0) - (-before).max(0.0)).clamp(0.0, needed);
        let x = RUN_OUT_LEFT + index as f64 * width;
        let (all, served) = (up(needed), up(needed - missed));
        let words = [
            ("month", language.month(month.month)),
            ("needed", language.pieces(needed)),
            ("missed", language.pieces(missed)),
            ("left", language.pieces(month.left.max(0.0))),
        ];
        let values: Vec<(&str, &str)> = words.iter().map(|(name, value)| (*name, value.as_str())).collect();
        bars.push(MonthBar {
            x: px(x + width * 0.12),
            width: px(width * 0.76),
            served_y: px(served),
            served_height: px(RUN_OUT_BOTTOM - served),
            missed_y: px(all),
            missed_height: px(served - all),
            title: language.fill("chart.month", &values),
        });
        points.push(format!("{},{}", px(x + width), px(up(month.left.max(0.0)))));
        rows.push(MonthRow {
            month: language.month(month.month),
            needed: language.pieces(needed),
            arriving: language.pieces(month.arriving),
            missed: language.pieces(missed),
            left: language.pieces(month.left.max(0.0)),
        });
        before = month.left;
    }
    let labelled = |index: &usize| months[*index].month.month == 1 || *index == 0 || (months.len() <= 18 && months[*index].month.month % 3 == 1);
    let across = (0..months.len())
        .filter(labelled)
        .map(|index| Tick { at: px(RUN_OUT_LEFT + index as f64 * width), label: language.month(months[index].month) });
    // The label of the first month makes way for a January beside it.
    let mut across: Vec<Tick> = across.collect();
    if across.len() > 1 && across[1].at.parse::<f64>().unwrap_or(0.0) - RUN_OUT_LEFT < 56.0 {
        across.remove(0);
    }
    Some(RunOut {
        bars,
        left: points.join(" "),
        up: steps(most).into_iter().map(|at| Tick { at: px(up(at)), label: compact(language, at) }).collect(),
        across,
        runs_out: runs_out.and_then(|day| day_at(day, first.month, width, months.len())),
        buy_by: buy_by.and_then(|day| day_at(day, first.month, width, months.len())),
        rows,
    })
}

/// Profit against the plan, fiscal year by fiscal year, to its sum.
pub struct Waterfall {
    pub bars: Vec<Step>,
    pub zero: String,
    pub width: String,
    pub height: String,
}

pub struct Step {
    pub x: String,
    pub middle: String,
    pub y: String,
    pub height: String,
    pub class: &'static str,
    pub label: String,
    pub value: String,
    pub value_y: String,
    /// Where the thin line to the next bar is.
    pub level: String,
    pub next_x: String,
    pub last: bool,
    pub title: String,
}

const STEP_WIDTH: f64 = 64.0;
const BAR_WIDTH: f64 = 42.0;
const FALL_TOP: f64 = 24.0;
const FALL_BOTTOM: f64 = 150.0;

pub fn waterfall(years: &[YearProfit], language: Language) -> Option<Waterfall> {
    let currency = years.first()?.profit.currency();
    let mut levels = vec![0.0];
    for year in years {
        levels.push(levels.last().copied().unwrap_or(0.0) + float(year.profit));
    }
    let total = levels.last().copied().unwrap_or(0.0);
    let (low, high) = levels.iter().fold((0.0_f64, 0.0_f64), |(low, high), level| (low.min(*level), high.max(*level)));
    if high - low <= 0.0 {
        return None;
    }
    let y = |value: f64| FALL_TOP + (high - value) / (high - low) * (FALL_BOTTOM - FALL_TOP);
    let bar = |index: usize, from: f64, to: f64, label: &str, class, exact: Option<Money>| {
        let x = 8.0 + index as f64 * STEP_WIDTH;
        let (top, bottom) = (y(from.max(to)), y(from.min(to)));
        let value = if class == "total" { to } else { to - from };
        Step {
            x: px(x),
            middle: px(x + BAR_WIDTH / 2.0),
            y: px(top),
            height: px((bottom - top).max(1.0)),
            class,
            label: label.to_owned(),
            value: compact(language, value),
            value_y: px(if value < 0.0 { bottom + 13.0 } else { top - 5.0 }),
            level: px(y(to)),
            next_x: px(x + STEP_WIDTH),
            last: index == years.len(),
            title: exact
                .map_or_else(|| format!("{label}: {} {currency}", compact(language, value)), |exact| format!("{label}: {}", language.money(exact))),
        }
    };
    let mut bars: Vec<Step> = years
        .iter()
        .enumerate()
        .map(|(index, year)| {
            bar(index, levels[index], levels[index + 1], &year.year, if year.profit.minor() < 0 { "loss" } else { "gain" }, Some(year.profit))
        })
        .collect();
    bars.push(bar(years.len(), 0.0, total, language.t("chart.total"), "total", None));
    Some(Waterfall { width: px(bars.len() as f64 * STEP_WIDTH + 8.0), height: px(FALL_BOTTOM + 40.0), zero: px(y(0.0)), bars })
}

/// Which inputs matter: what the best answer costs with each at its low and at its high value, the largest swing first.
pub struct Tornado {
    pub rows: Vec<Swing>,
    /// Where the cost as it is stands.
    pub now: String,
    pub height: String,
    pub ticks: Vec<Tick>,
}

pub struct Swing {
    pub name: String,
    pub from: String,
    pub y: String,
    pub text_y: String,
    pub low_x: String,
    pub low_width: String,
    pub high_x: String,
    pub high_width: String,
    pub values: String,
    pub cost_at_low: String,
    pub cost_at_high: String,
    /// Another answer that becomes the best.
    pub best: Option<String>,
}

const TORNADO_LEFT: f64 = 250.0;
const TORNADO_RIGHT: f64 = 706.0;
const SWING_HEIGHT: f64 = 26.0;

/// `None` where no input moves the cost of the best answer.
pub fn tornado(sensitivities: &[Sensitivity], now: Money, language: Language) -> Option<Tornado> {
    let ends: Vec<(&Sensitivity, f64, f64)> =
        sensitivities.iter().filter_map(|one| Some((one, float(one.cost_at_low?), float(one.cost_at_high?)))).collect();
    let base = float(now);
    let (low, high) = ends.iter().fold((base, base), |(low, high), (_, a, b)| (low.min(*a).min(*b), high.max(*a).max(*b)));
    if high - low <= 0.0 {
        return None;
    }
    let x = |value: f64| TORNADO_LEFT + (value - low) / (high - low) * (TORNADO_RIGHT - TORNADO_LEFT);
    let bar = |value: f64| (px(x(value.min(base))), px((x(value) - x(base)).abs()));
    let amount = |money: Option<Money>| money.map_or_else(|| language.t("words.unknown").to_owned(), |money| language.whole_money(money));
    let rows = ends.iter().enumerate().map(|(index, (one, at_low, at_high))| {
        let (low_x, low_width) = bar(*at_low);
        let (high_x, high_width) = bar(*at_high);
        let y = 6.0 + index as f64 * SWING_HEIGHT;
        let others = [&one.best_at_low, &one.best_at_high].into_iter().flatten().map(|name| board::answer_name(language, name));
        let mut best: Vec<String> = others.collect();
        best.dedup();
        Swing {
            name: super::visible::short(&one.input, limits::PAGE_TITLE_CHARS_MAX),
            from: super::visible::line(&one.from),
            y: px(y),
            text_y: px(y + 13.0),
            low_x,
            low_width,
            high_x,
            high_width,
            values: format!("{} … {} {}", language.pieces(one.low), language.pieces(one.high), super::visible::line(&one.unit)),
            cost_at_low: amount(one.cost_at_low),
            cost_at_high: amount(one.cost_at_high),
            best: (best.len() > 1).then(|| best.join(", ")),
        }
    });
    let rows: Vec<Swing> = rows.collect();
    // Below the bars, the scale.
    let height = 6.0 + rows.len() as f64 * SWING_HEIGHT + 18.0;
    let ticks = [low, base, high].into_iter().map(|value| Tick { at: px(x(value)), label: compact(language, value) });
    Some(Tornado { rows, now: px(x(base)), height: px(height), ticks: ticks.collect() })
}

/// Width of a bar out of 100, by the largest; a cost that is there is seen.
pub fn share(amount: Money, largest: Money) -> String {
    let (amount, largest) = (float(amount).max(0.0), float(largest));
    if largest <= 0.0 || amount <= 0.0 { "0".to_owned() } else { px((amount / largest * 100.0).clamp(0.8, 100.0)) }
}
