//! `lastbuy ltb`: the last-time-buy calculator. Its amounts are expectations of a model and carry no currency, so they are plain numbers; what is booked is
//! computed in `impact`, exactly.

use std::{io::Write, path::PathBuf};

use serde_json::{Map, Value, json};

use super::output;
use crate::{
    impact::{
        distribution::Distribution,
        last_time_buy::{AgeTier, Carrying, Deterministic, Newsvendor, Terms, aged_reserve, holding_share, orderable, present_share},
        pieces,
    },
    limits,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// One order for an uncertain demand: what a piece too few and a piece too many cost decides.
    Newsvendor(NewsvendorArgs),
    /// One order that is used up over years, with the cost of holding it.
    Lifetime(LifetimeArgs),
    /// The planner's sum: every need, times a factor, less what is there.
    Deterministic(DeterministicArgs),
    /// What is reserved for old stock by tiers of age; not for stock of a last-time buy, whose excess over forecast is written down instead.
    Reserve(ReserveArgs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Shape {
    Normal,
    Lognormal,
    Poisson,
    Discrete,
}

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
struct NewsvendorArgs {
    #[arg(long, value_enum)]
    dist: Option<Shape>,
    /// Mean demand.
    #[arg(long)]
    mean: Option<f64>,
    /// Standard deviation of the demand.
    #[arg(long)]
    sd: Option<f64>,
    /// For --dist discrete: lines of value,probability.
    #[arg(long, value_name = "FILE")]
    pmf: Option<PathBuf>,
    /// Profit form: purchase cost of a piece.
    #[arg(long)]
    cost: Option<f64>,
    /// Profit form: what a piece sells for.
    #[arg(long)]
    price: Option<f64>,
    /// Profit form: what a left-over piece still brings.
    #[arg(long)]
    salvage: Option<f64>,
    /// Cost of holding a left-over piece; with --shortage the cost form.
    #[arg(long)]
    holding: Option<f64>,
    /// Profit form: penalty for a piece that is missing, beside the lost profit.
    #[arg(long)]
    penalty: Option<f64>,
    /// Profit form: what a substitute still earns when a piece is missing.
    #[arg(long)]
    substitute_margin: Option<f64>,
    /// Cost form: cost of a piece that is missing.
    #[arg(long)]
    shortage: Option<f64>,
    /// Evaluate this quantity instead of the best one.
    #[arg(long, value_name = "QUANTITY")]
    at: Option<f64>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
struct LifetimeArgs {
    /// Mean demand over all the years.
    #[arg(long)]
    mean: Option<f64>,
    /// Standard deviation of the demand over all the years.
    #[arg(long)]
    sd: Option<f64>,
    /// Years in which the order is used up, at a steady rate.
    #[arg(long)]
    years: Option<f64>,
    /// Purchase cost of a piece.
    #[arg(long)]
    cost: Option<f64>,
    /// A year's share of the price for holding a piece, all of it: 0.25 for 25 %.
    #[arg(long)]
    holding_rate: Option<f64>,
    /// Instead of --holding-rate: a year's cost of capital, continuously.
    #[arg(long)]
    discount_rate: Option<f64>,
    /// What a left-over piece still brings, net of disposal.
    #[arg(long)]
    salvage: Option<f64>,
    /// What one missing piece loses: contribution before this part's own cost.
    #[arg(long)]
    shortage_value: Option<f64>,
    #[arg(long, default_value_t = 0.0)]
    stock: f64,
    #[arg(long, default_value_t = 0.0)]
    on_order: f64,
    /// Smallest order.
    #[arg(long)]
    moq: Option<f64>,
    /// Orders come in multiples of this.
    #[arg(long)]
    multiple: Option<f64>,
    /// Evaluate this order instead of the best one.
    #[arg(long, value_name = "QUANTITY")]
    at: Option<f64>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
struct DeterministicArgs {
    /// Production a year.
    #[arg(long)]
    per_year: Option<f64>,
    #[arg(long)]
    years: Option<f64>,
    /// Units in the field that are supported.
    #[arg(long, default_value_t = 0.0)]
    fleet: f64,
    /// A year's share of the fleet that needs the part.
    #[arg(long, default_value_t = 0.0)]
    failure_rate: f64,
    #[arg(long, default_value_t = 0.0)]
    support_years: f64,
    /// Share of production lost in making.
    #[arg(long, default_value_t = 0.0)]
    yield_loss: f64,
    /// Pieces for engineering and everything else.
    #[arg(long, default_value_t = 0.0)]
    engineering: f64,
    /// Share of all the above lost in store.
    #[arg(long, default_value_t = 0.0)]
    attrition: f64,
    /// 1.05 to 1.10 stable, to 1.25 normal, to 1.50 uncertain or critical, above for certified products.
    #[arg(long, default_value_t = 1.0)]
    factor: f64,
    #[arg(long, default_value_t = 0.0)]
    stock: f64,
    #[arg(long, default_value_t = 0.0)]
    on_order: f64,
    /// Smallest order.
    #[arg(long)]
    moq: Option<f64>,
    /// Orders come in multiples of this.
    #[arg(long)]
    multiple: Option<f64>,
    /// Purchase cost of a piece, for the price of the order.
    #[arg(long)]
    cost: Option<f64>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct ReserveArgs {
    /// Cost of a unit.
    #[arg(long)]
    cost: Option<f64>,
    /// Units of one age and the share of their cost that is reserved, for example 500:0.25; once a tier.
    #[arg(long, value_name = "UNITS:SHARE")]
    tier: Vec<String>,
    #[arg(long)]
    json: bool,
}

/// Computes and prints. The error is a sentence that names the flag.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), String> {
    let (answer, as_json) = match &args.command {
        Command::Newsvendor(args) => (newsvendor(args)?, args.json),
        Command::Lifetime(args) => (lifetime(args)?, args.json),
        Command::Deterministic(args) => (deterministic(args)?, args.json),
        Command::Reserve(args) => (reserve(args)?, args.json),
    };
    let text = if as_json { serde_json::to_string_pretty(&answer).map_err(|error| error.to_string())? } else { table(&answer) };
    writeln!(out, "{text}").map_err(|error| error.to_string())
}

/// Keys as rows, in the order they were computed.
fn table(answer: &Map<String, Value>) -> String {
    let mut rows = Vec::new();
    let mut remarks = String::new();
    for (key, value) in answer {
        match value {
            Value::String(sentence) if key == "advice" => remarks = format!("\n{sentence}"),
            Value::Number(number) => rows.push(vec![key.replace('_', " "), number.as_f64().map_or_else(|| number.to_string(), shown)]),
            Value::Null => rows.push(vec![key.replace('_', " "), "–".to_owned()]),
            other => rows.push(vec![key.replace('_', " "), other.as_str().map_or_else(|| other.to_string(), str::to_owned)]),
        }
    }
    output::table(&["figure", "value"], &[1], rows) + &remarks
}

/// Small numbers need more places than large ones.
fn shown(number: f64) -> String {
    if number != 0.0 && number.abs() < 10.0 && number.fract() != 0.0 { format!("{number:.6}") } else { pieces(number) }
}

fn needed(flag: &str, value: Option<f64>) -> Result<f64, String> {
    not_negative(flag, value.ok_or_else(|| format!("--{flag} is missing"))?)
}

fn not_negative(flag: &str, value: f64) -> Result<f64, String> {
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(format!("--{flag} is {value}: give a number of 0 or more")) }
}

fn finite(flag: &str, value: f64) -> Result<f64, String> {
    if value.is_finite() { Ok(value) } else { Err(format!("--{flag} is {value}: give a number")) }
}

fn share(flag: &str, value: f64) -> Result<f64, String> {
    if (0.0..1.0).contains(&value) { Ok(value) } else { Err(format!("--{flag} is {value}: give a share from 0 up to 1, for example 0.03 for 3 %")) }
}

fn refuse(flag: &str, given: bool, why: &str) -> Result<(), String> {
    if given { Err(format!("--{flag} has no meaning here: {why}")) } else { Ok(()) }
}

/// A whole number as one, so that programs read `4186` and not `4186.0`.
fn whole(quantity: f64) -> Value {
    if quantity.fract() == 0.0 && quantity.abs() < 9e15 { Value::from(quantity as i64) } else { json!(quantity) }
}

fn demand(args: &NewsvendorArgs) -> Result<Distribution, String> {
    let shape = args.dist.ok_or("--dist is missing: normal, lognormal, poisson or discrete")?;
    if shape != Shape::Discrete {
        refuse("pmf", args.pmf.is_some(), "it belongs to --dist discrete")?;
    }
    match shape {
        Shape::Normal => Distribution::normal(needed("mean", args.mean)?, needed("sd", args.sd)?),
        Shape::Lognormal => Distribution::lognormal(needed("mean", args.mean)?, needed("sd", args.sd)?),
        Shape::Poisson => {
            refuse("sd", args.sd.is_some(), "a Poisson demand has the square root of its mean as standard deviation")?;
            Distribution::poisson(needed("mean", args.mean)?)
        }
        Shape::Discrete => {
            refuse("mean", args.mean.is_some(), "a discrete demand has its mean from the file")?;
            refuse("sd", args.sd.is_some(), "a discrete demand has its standard deviation from the file")?;
            Distribution::discrete(points(args.pmf.as_deref().ok_or("--pmf is missing: a file of value,probability")?)?)
        }
    }
}

/// Lines of `value,probability`; a first line that holds no number is a header.
fn points(path: &std::path::Path) -> Result<Vec<(f64, f64)>, String> {
    let name = path.display();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| format!("{name} cannot be read: {error}"))?;
    let mut points = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let line = index + 1;
        if line > limits::PMF_LINES_MAX {
            return Err(format!("{name} has more than {} lines", limits::PMF_LINES_MAX));
        }
        let record = record.map_err(|error| format!("{name} line {line}: {error}"))?;
        let numbers: Vec<Option<f64>> = record.iter().map(|field| field.parse().ok()).collect();
        match numbers.as_slice() {
            [Some(value), Some(probability)] => points.push((*value, *probability)),
            [None, None] if line == 1 => {}
            _ => return Err(format!("{name} line {line}: expected value,probability as two numbers, for example 3,0.25")),
        }
    }
    Ok(points)
}

fn newsvendor(args: &NewsvendorArgs) -> Result<Map<String, Value>, String> {
    let demand = demand(args)?;
    if args.shortage.is_some() {
        return cost_form(args, &demand);
    }
    if args.cost.is_none() && args.price.is_none() && args.salvage.is_none() {
        return Err("--cost, --price and --salvage are missing (profit form), or --holding and --shortage (cost form)".to_owned());
    }
    let (cost, price, salvage) = (needed("cost", args.cost)?, needed("price", args.price)?, needed("salvage", args.salvage)?);
    let [holding, penalty, substitute] = [("holding", args.holding), ("penalty", args.penalty), ("substitute-margin", args.substitute_margin)]
        .map(|(flag, value)| not_negative(flag, value.unwrap_or(0.0)));
    let (holding, penalty, substitute) = (holding?, penalty?, substitute?);
    let costs = Newsvendor { underage: price - cost + penalty - substitute, overage: cost - salvage + holding };
    if costs.underage <= 0.0 {
        return Err(format!(
            "do not buy the marginal unit: with --price {price} and --cost {cost} a missing piece costs {}, so the best order is none",
            costs.underage
        ));
    }
    if costs.overage <= 0.0 {
        return Err(format!("--salvage {salvage} is not below what a left-over piece has cost ({}): no order would be large enough", cost + holding));
    }
    let mut answer = Map::new();
    // The whole number is the one with the greater expected profit, and the figures are those of it.
    let quantity = optimum(costs, &demand, args.at, &mut answer)?.0;
    let (lost, leftover) = (demand.lost(quantity), demand.leftover(quantity));
    let sales = demand.mean() - lost;
    let profit = (price - cost) * sales - costs.overage * leftover - (penalty - substitute) * lost;
    answer.insert("expected_profit".to_owned(), json!(profit));
    answer.insert("expected_sales".to_owned(), json!(sales));
    expected(&mut answer, quantity, lost, leftover);
    Ok(answer)
}

fn cost_form(args: &NewsvendorArgs, demand: &Distribution) -> Result<Map<String, Value>, String> {
    let flags = [
        ("cost", args.cost),
        ("price", args.price),
        ("salvage", args.salvage),
        ("penalty", args.penalty),
        ("substitute-margin", args.substitute_margin),
    ];
    for (flag, value) in flags {
        refuse(flag, value.is_some(), "--shortage chooses the cost form, which knows only --holding and --shortage")?;
    }
    let costs = Newsvendor { underage: needed("shortage", args.shortage)?, overage: needed("holding", args.holding)? };
    for (flag, value) in [("shortage", costs.underage), ("holding", costs.overage)] {
        if value == 0.0 {
            return Err(format!("--{flag} is 0: then no quantity is best, give a cost over 0"));
        }
    }
    let mut answer = Map::new();
    let quantity = optimum(costs, demand, args.at, &mut answer)?.1;
    answer.insert("expected_cost".to_owned(), json!(costs.expected_cost(demand, quantity)));
    let lost = demand.lost(quantity);
    answer.insert("expected_sales".to_owned(), json!(demand.mean() - lost));
    expected(&mut answer, quantity, lost, demand.leftover(quantity));
    Ok(answer)
}

/// Ratio and quantities; returns the quantity to evaluate in whole pieces and unrounded, both `at` where that is given.
fn optimum(costs: Newsvendor, demand: &Distribution, at: Option<f64>, answer: &mut Map<String, Value>) -> Result<(f64, f64), String> {
    let at = at.map(|at| not_negative("at", at)).transpose()?;
    let best = costs.optimum(demand, 0.0).ok_or("a missing or a left-over piece costs nothing: no quantity is best")?;
    answer.insert("critical_ratio".to_owned(), json!(best.critical_ratio));
    answer.insert("quantity".to_owned(), whole(best.whole));
    answer.insert("quantity_exact".to_owned(), json!(best.exact));
    Ok((at.unwrap_or(best.whole), at.unwrap_or(best.exact)))
}

fn expected(answer: &mut Map<String, Value>, at: f64, lost: f64, leftover: f64) {
    answer.insert("expected_lost".to_owned(), json!(lost));
    answer.insert("expected_leftover".to_owned(), json!(leftover));
    answer.insert("evaluated_at".to_owned(), whole(at));
}

fn lifetime(args: &LifetimeArgs) -> Result<Map<String, Value>, String> {
    let demand = Distribution::normal(needed("mean", args.mean)?, needed("sd", args.sd)?)?;
    let (years, unit_cost) = (needed("years", args.years)?, needed("cost", args.cost)?);
    let carrying = match (args.holding_rate, args.discount_rate) {
        (Some(_), Some(_)) => return Err("--holding-rate and --discount-rate together count the cost of capital twice: give one of them".to_owned()),
        (Some(rate), None) => Carrying::Holding(not_negative("holding-rate", rate)?),
        (None, Some(rate)) => Carrying::Discount(not_negative("discount-rate", rate)?),
        (None, None) => return Err("--holding-rate or --discount-rate is missing: without one, buying for years looks free".to_owned()),
    };
    // Disposal may cost more than the piece still brings.
    let salvage = finite("salvage", args.salvage.ok_or("--salvage is missing: what a left-over piece still brings, 0 where nothing")?)?;
    let shortage_value = needed("shortage-value", args.shortage_value)?;
    let there = not_negative("stock", args.stock)? + not_negative("on-order", args.on_order)?;
    let [minimum, multiple] =
        [("moq", args.moq), ("multiple", args.multiple)].map(|(flag, value)| value.map(|value| not_negative(flag, value)).transpose());
    let terms = Terms { unit_cost, years, carrying, salvage, shortage_value };
    let (k, costs) = (terms.cost_at_end(), terms.newsvendor());
    if costs.overage <= 0.0 {
        return Err(format!("--salvage {salvage} is not below k = {k}, what a piece has cost by the end: no order would be large enough"));
    }
    let best = costs.optimum(&demand, there);
    let mut answer = Map::new();
    answer.insert("k".to_owned(), json!(k));
    // Against a salvage that is negative or small the ratio has no meaning below 0.
    let ratio = best.map_or_else(|| (costs.underage / (costs.underage + costs.overage)).clamp(0.0, 1.0), |best| best.critical_ratio);
    answer.insert("critical_ratio".to_owned(), json!(if ratio.is_finite() { ratio } else { 0.0 }));
    let z = best.map(|best| crate::impact::distribution::normal_quantile(best.critical_ratio));
    answer.insert("z".to_owned(), json!(z));
    let exact = best.map_or(0.0, |best| best.exact.max(0.0));
    answer.insert("quantity".to_owned(), whole(orderable(best.map_or(0.0, |best| best.whole), minimum?, multiple?)));
    answer.insert("quantity_exact".to_owned(), json!(exact));
    let at = args.at.map(|at| not_negative("at", at)).transpose()?.unwrap_or(exact);
    expected(&mut answer, at, demand.lost(there + at), demand.leftover(there + at));
    let bought_now = unit_cost * demand.mean();
    answer.insert("bought_now".to_owned(), json!(bought_now));
    match carrying {
        Carrying::Holding(rate) => answer.insert("holding_cost".to_owned(), json!(holding_share(rate, 0.0, years) * bought_now)),
        Carrying::Discount(rate) => answer.insert("present_value_as_used".to_owned(), json!(present_share(rate, 0.0, years) * bought_now)),
    };
    if best.is_none() {
        let advice = format!("Do not buy the marginal unit: a missing piece loses {shortage_value}, and by the end a piece has cost {}.", shown(k));
        answer.insert("advice".to_owned(), json!(advice));
    }
    Ok(answer)
}

fn deterministic(args: &DeterministicArgs) -> Result<Map<String, Value>, String> {
    let [minimum, multiple] =
        [("moq", args.moq), ("multiple", args.multiple)].map(|(flag, value)| value.map(|value| not_negative(flag, value)).transpose());
    if not_negative("factor", args.factor)? < 1.0 {
        return Err(format!("--factor is {}: what is not known makes the need larger, give 1 or more", args.factor));
    }
    let sum = Deterministic {
        per_year: needed("per-year", args.per_year)?,
        years: needed("years", args.years)?,
        fleet: not_negative("fleet", args.fleet)?,
        failure_rate: not_negative("failure-rate", args.failure_rate)?,
        support_years: not_negative("support-years", args.support_years)?,
        yield_loss: share("yield-loss", args.yield_loss)?,
        engineering: not_negative("engineering", args.engineering)?,
        attrition: share("attrition", args.attrition)?,
        factor: args.factor,
        stock: not_negative("stock", args.stock)?,
        on_order: not_negative("on-order", args.on_order)?,
        minimum: minimum?,
        multiple: multiple?,
    }
    .sum();
    let mut answer = Map::new();
    let rows = [
        ("production", sum.production),
        ("spares", sum.spares),
        ("yield_loss", sum.yield_loss),
        ("engineering", sum.engineering),
        ("attrition", sum.attrition),
        ("subtotal", sum.subtotal),
        ("with_factor", sum.with_factor),
        ("quantity_exact", sum.exact),
    ];
    for (key, value) in rows {
        answer.insert(key.to_owned(), json!(value));
    }
    answer.insert("quantity".to_owned(), whole(sum.quantity));
    if let Some(cost) = args.cost {
        answer.insert("parts_cost".to_owned(), json!(not_negative("cost", cost)? * sum.quantity));
    }
    Ok(answer)
}

fn reserve(args: &ReserveArgs) -> Result<Map<String, Value>, String> {
    let unit_cost = needed("cost", args.cost)?;
    if args.tier.is_empty() {
        return Err("--tier is missing: units and share, for example 500:0.25".to_owned());
    }
    let tier = |text: &String| {
        let wrong = || format!("--tier is '{text}': give units and the share that is reserved, for example 500:0.25");
        let (units, share) = text.split_once(':').ok_or_else(wrong)?;
        let [units, share] = [units, share].map(|number| number.trim().parse::<f64>());
        let (units, share) = (units.map_err(|_| wrong())?, share.map_err(|_| wrong())?);
        if (0.0..=1.0).contains(&share) { Ok(AgeTier { units: not_negative("tier", units)?, share }) } else { Err(wrong()) }
    };
    let tiers = args.tier.iter().map(tier).collect::<Result<Vec<AgeTier>, String>>()?;
    let (cost, reserve) = aged_reserve(unit_cost, &tiers);
    let mut answer = Map::new();
    answer.insert("units".to_owned(), whole(tiers.iter().map(|tier| tier.units).sum()));
    answer.insert("cost".to_owned(), json!(cost));
    answer.insert("reserve".to_owned(), json!(reserve));
    answer.insert("reserve_share".to_owned(), if cost > 0.0 { json!(reserve / cost) } else { Value::Null });
    Ok(answer)
}
