//! What the answers come to when demand, times and luck turn out otherwise: the same trials for every answer, seeded, the same to the bit on every machine and
//! with any number of threads.
//!
//! ```text
//! world, items, courses ─▶ model: arrays of f64 ─▶ runs: what is the same in all trials
//!                                              └─▶ play: 16 trials at a time, in fixed chunks over threads ─▶ mean, P10, P50, P90, CVaR, stopped weeks
//!                                                    serve: one item by itself; together: several scarce items that go into the same units
//! ```
//! A product's demand is its forecast times 1 + cv · z, never under 0, with one z over the horizon (a bias that persists) or one a year where the site says that
//! years are independent. A project takes its weeks times a lognormal factor of mean 1. An answer whose probability the site gives fails in the other trials:
//! what was to take over never does, or the order never comes, and its costs stay.
//!
//! Amounts are floating point here and nowhere else in a statement; each result is rounded once, to minor units. The expectations beside them stay exact: they
//! take the forecast as it is and an answer as one that succeeds.

mod lanes;
mod model;
mod play;
mod runs;
mod serve;
mod together;

use serde::{Deserialize, Serialize};

pub use model::{Carried, CourseModel, ItemModel, KeyModel, LegModel, Model, SliceModel};
pub use play::{Trials, play};

use together::Together;

use super::{
    Exposed, World,
    draft::Finished,
    reporting::{decimal, float},
    why::{FigureInput, rounded},
};
use crate::{domain::money::Money, limits};

/// How an amount spreads over the trials; percentiles ascend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub mean: Money,
    pub p10: Money,
    pub p50: Money,
    pub p90: Money,
    /// Mean of the worst trials, beyond the level in `Simulation`.
    pub cvar: Money,
}

impl Spread {
    /// The numbers, by the place of their names in `NAMES`.
    pub fn numbers(&self) -> [Money; 5] {
        [self.mean, self.p10, self.p50, self.p90, self.cvar]
    }

    pub const NAMES: [&'static str; 5] = ["mean", "P10", "P50", "P90", "CVaR"];
}

/// One answer over all trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerRisk {
    /// Positive is a cost; the worst are the dearest.
    pub cost: Spread,
    /// Positive is a gain; the worst are the lowest. At no discount where the site gives no rate.
    pub npv: Spread,
    /// Contribution and penalties of units not served.
    pub lost: Spread,
    /// Share of the trials in which some of the need is not served, and how long, in weeks of full need.
    pub line_down_probability: f64,
    pub line_down_weeks: f64,
    /// Expected weeks times what a week costs; beside the cost and not in it. `None` where the site does not say.
    pub line_down_cost: Option<Money>,
    /// Whether the CVaR of its present value keeps the site's limit; `None` where there is none.
    pub within_limit: Option<bool>,
}

/// What was played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Simulation {
    pub trials: u32,
    pub seed: u32,
    /// `philox4x32-10`; the same name is the same stream of numbers for ever.
    pub generator: String,
    pub cvar_level: f64,
    pub cvar_limit: Option<Money>,
    /// What doing nothing loses in contribution and penalties.
    pub loss: Spread,
    /// What counts as certain because nobody says how uncertain it is.
    pub certain: Vec<String>,
}

/// Plays all answers whose cost is known and puts the result beside each; `None` where the site leaves it out or nothing can be played.
pub(super) fn simulate(world: &mut World<'_>, items: &[Exposed], all: &mut [Finished]) -> Result<Option<Simulation>, String> {
    let rules = world.site().risk.clone();
    let unknown = items.iter().any(|exposed| !exposed.products_without_demand.is_empty());
    if rules.trials == 0 || unknown || items.is_empty() {
        return Ok(None);
    }
    let Some(mut model) = Model::new(world, items, all) else { return Ok(None) };
    let Some(most) = trials_within_limits(&model) else {
        world.notes.assume("the case is too large to be simulated: its amounts are expectations");
        return Ok(None);
    };
    if model.trials > most {
        model.trials = most;
        world.notes.assume(format!("{most} trials instead of {}, because the case is large", rules.trials));
    }
    if model.courses.iter().any(|course| Together::tries_most(&model, course) > 0) {
        world.notes.assume(
            "where several parts are scarce for the same units, each trial serves them by the best of a few orders, one of them the linear programme's at the forecast: what a trial loses is an upper bound, in tests half a percent above the optimum on average and in single trials much more",
        );
    }
    let played = play(&model, threads());
    let level = float(rules.cvar_level);
    let limit = rules.cvar_limit.map(|limit| world.reporting.money(limit)).transpose()?;
    let mut loss = None;
    for (course, of_course) in model.courses.iter().zip(&played) {
        let Some(finished) = all.get_mut(course.answer) else { continue };
        let risk = of_answer(world, of_course, level, limit)?;
        loss = Some(risk.lost.clone());
        explain(world, &finished.answer.name, course, &risk, &model);
        finished.answer.risk = Some(risk);
    }
    let Some(loss) = loss.filter(|_| model.courses.last().is_some_and(|last| last.answer + 1 == all.len())) else { return Ok(None) };
    let shown = [("P10", loss.p10), ("P50", loss.p50), ("P90", loss.p90), ("CVaR", loss.cvar)];
    let inputs = shown.map(|(what, amount)| FigureInput::new(what, amount.grouped(), "simulation")).to_vec();
    world.notes.figure("loss_simulated", loss.mean.grouped(), "mean over the trials of contribution and penalties lost when nothing is done", inputs);
    let certain = certain(world, items, &model);
    Ok(Some(Simulation {
        trials: model.trials,
        seed: rules.seed,
        generator: "philox4x32-10".to_owned(),
        cvar_level: level,
        cvar_limit: limit,
        loss,
        certain,
    }))
}

/// Trials of a model that time allows; `None` where that is too few.
fn trials_within_limits(model: &Model) -> Option<u32> {
    let most = u32::try_from(limits::SIMULATION_STEPS_MAX / model.steps().max(1)).unwrap_or(u32::MAX);
    (most >= limits::SIMULATION_TRIALS_MIN).then_some(most)
}

/// By course of a model that was put together elsewhere; `None` where it is too large.
pub(super) fn play_within_limits(world: &World<'_>, mut model: Model) -> Result<Option<Vec<AnswerRisk>>, String> {
    let Some(most) = trials_within_limits(&model) else { return Ok(None) };
    model.trials = model.trials.min(most);
    let rules = &world.site().risk;
    let limit = rules.cvar_limit.map(|limit| world.reporting.money(limit)).transpose()?;
    let played = play(&model, threads());
    played.iter().map(|trials| of_answer(world, trials, float(rules.cvar_level), limit)).collect::<Result<Vec<_>, _>>().map(Some)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(limits::SIMULATION_THREADS_MAX)
}

fn of_answer(world: &World<'_>, trials: &Trials, level: f64, limit: Option<Money>) -> Result<AnswerRisk, String> {
    let money = |amount: f64| world.reporting.money(decimal(amount)?);
    let spread = |values: &[f64], worst: Worst| -> Result<Spread, String> {
        let of = Percentiles::of(values, level, worst);
        Ok(Spread { mean: money(of.mean)?, p10: money(of.p10)?, p50: money(of.p50)?, p90: money(of.p90)?, cvar: money(of.cvar)? })
    };
    let gains: Vec<f64> = trials.value.iter().map(|cost| -cost).collect();
    let npv = spread(&gains, Worst::Low)?;
    let count = trials.weeks.len() as f64;
    let weeks = trials.weeks.iter().sum::<f64>() / count;
    let stopped = trials.weeks.iter().filter(|weeks| **weeks > 1e-6).count() as f64;
    let line_down_cost = world.site().downtime_cost_per_week.map(|cost| world.reporting.extended(weeks, cost)).transpose()?;
    Ok(AnswerRisk {
        cost: spread(&trials.cost, Worst::High)?,
        within_limit: limit.map(|limit| -npv.cvar.minor() <= limit.minor()),
        npv,
        lost: spread(&trials.lost, Worst::High)?,
        line_down_probability: rounded(stopped / count),
        line_down_weeks: rounded(weeks),
        line_down_cost,
    })
}

/// At which end of the numbers the bad ones are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worst {
    High,
    Low,
}

struct Percentiles {
    mean: f64,
    p10: f64,
    p50: f64,
    p90: f64,
    cvar: f64,
}

impl Percentiles {
    /// By nearest rank. Sums run in the order of trials, or of size, and so come out the same always.
    fn of(values: &[f64], level: f64, worst: Worst) -> Percentiles {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        let rank = |share: f64| sorted[(libm::ceil(share * count as f64 - 1e-9).max(1.0) as usize).min(count) - 1];
        let tail = (libm::ceil((1.0 - level) * count as f64 - 1e-9).max(1.0) as usize).min(count);
        let beyond = match worst {
            Worst::High => &sorted[count - tail..],
            Worst::Low => &sorted[..tail],
        };
        Percentiles {
            mean: values.iter().sum::<f64>() / count as f64,
            p10: rank(0.1),
            p50: rank(0.5),
            p90: rank(0.9),
            cvar: beyond.iter().sum::<f64>() / tail as f64,
        }
    }
}

fn explain(world: &mut World<'_>, name: &str, course: &CourseModel, risk: &AnswerRisk, model: &Model) {
    let luck = course.probability.map_or_else(|| "unknown, counts as 1".to_owned(), |share| share.to_string());
    let mut inputs = vec![
        FigureInput::new("trials", model.trials.to_string(), "site.toml [risk] trials"),
        FigureInput::new("seed", model.seed.to_string(), "site.toml [risk] seed"),
        FigureInput::new("probability of success", luck, "site.toml"),
        FigureInput::new("spread of its weeks", super::why::pieces(model.weeks_cv), "site.toml [risk] weeks_cv; 0 where it is not given"),
    ];
    for (what, spread) in [("cost", &risk.cost), ("npv", &risk.npv), ("contribution and penalties lost", &risk.lost)] {
        let value = format!("{} to {}, median {}", spread.p10.grouped(), spread.p90.grouped(), spread.p50.grouped());
        inputs.push(FigureInput::new(format!("{what}, P10 to P90"), value, "simulation"));
        inputs.push(FigureInput::new(format!("{what}, CVaR"), spread.cvar.grouped(), "simulation"));
    }
    inputs.push(FigureInput::new("probability that the line stands", super::why::pieces(risk.line_down_probability), "simulation"));
    inputs.push(FigureInput::new("weeks it stands, expected", super::why::pieces(risk.line_down_weeks), "simulation"));
    inputs.push(FigureInput::new("cost of that, not in the cost", world.shown(risk.line_down_cost), "weeks × site.toml downtime_cost_per_week"));
    let name = name.to_lowercase().replace([' ', '-'], "_");
    world.notes.figure(
        format!("risk:{name}"),
        risk.npv.mean.grouped(),
        "mean over the trials of the present value, in floating point, rounded once",
        inputs,
    );
}

/// What counts as certain although nobody says so.
fn certain(world: &World<'_>, items: &[Exposed], model: &Model) -> Vec<String> {
    let mut certain = Vec::new();
    let slices = items.iter().flat_map(|exposed| &exposed.requirement.slices);
    let mut without: Vec<usize> = slices.filter(|slice| slice.sd.is_none() && slice.pieces > 0.0).map(|slice| slice.product).collect();
    without.sort_unstable();
    without.dedup();
    if !without.is_empty() {
        certain.push(format!("demand of {}: demand.csv gives no cv", super::why::some_of(&world.skus(&without))));
    }
    let sure: Vec<String> =
        model.courses.iter().filter(|course| course.probability.is_none() && course.can_fail).map(|course| course.name.clone()).collect();
    if !sure.is_empty() {
        certain.push(format!("success of {}: site.toml gives no probability under [answers]", super::why::some_of(&sure)));
    }
    if world.site().risk.weeks_cv.is_none() {
        certain.push("how long projects and changes of source take: site.toml gives no weeks_cv under [risk]".to_owned());
    }
    certain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank_and_the_tail_is_at_the_bad_end() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let high = Percentiles::of(&values, 0.95, Worst::High);
        assert_eq!((high.mean, high.p10, high.p50, high.p90, high.cvar), (50.5, 10.0, 50.0, 90.0, 98.0));
        assert_eq!(Percentiles::of(&values, 0.95, Worst::Low).cvar, 3.0);
        let one = Percentiles::of(&[7.0], 0.99, Worst::High);
        assert_eq!((one.p10, one.p90, one.cvar), (7.0, 7.0, 7.0));
    }
}
