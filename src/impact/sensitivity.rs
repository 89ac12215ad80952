//! Which inputs matter: each at a low and a high value, with what that does to the loss and to the cost of the chosen answer; and the value at which another
//! answer becomes the best. At the forecast, without a simulation; all other inputs stay as they are.

use serde::{Deserialize, Serialize};

use super::{
    Exposed, World,
    bridged::PROJECTS,
    reporting::float,
    vary::{Outcome, Vary, outcome, products},
    why::FigureInput,
};
use crate::{domain::money::Money, limits};

/// One input from low to high. A tornado is these, the largest swing first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    pub input: String,
    /// File and line, `site.toml`, or the survey with its year.
    pub from: String,
    pub unit: String,
    pub now: f64,
    pub low: f64,
    pub high: f64,
    /// Why these: the spread that the files give, or the customary one.
    pub basis: String,
    /// What doing nothing loses.
    pub loss_at_low: Option<Money>,
    pub loss_at_high: Option<Money>,
    /// What the answer that is the best now then costs.
    pub cost_at_low: Option<Money>,
    pub cost_at_high: Option<Money>,
    /// Which answer is then the best.
    pub best_at_low: Option<String>,
    pub best_at_high: Option<String>,
    /// The larger of both differences.
    pub swing: Money,
    /// Values at which another answer becomes the best; none within a tenth to ten times the value now where it is empty.
    pub break_even: Vec<BreakEven>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakEven {
    /// To three digits.
    pub value: f64,
    /// The best answer below it and above it.
    pub below: String,
    pub above: String,
}

/// An input with the values it is taken at.
struct Candidate {
    input: Vary,
    now: f64,
    low: f64,
    high: f64,
    basis: String,
}

/// Where another best answer is looked for, as multiples of the value now; fine enough that two changes seldom lie in one step.
const LADDER: [f64; 6] = [0.1, 0.3, 0.6, 1.6, 3.0, 10.0];
/// Halvings of a step of the ladder: to a few thousandths of the value.
const HALVINGS: u32 = 8;

/// The ten inputs that matter most; none where nothing is short, or the case is too large to be computed some hundred times.
pub(super) fn sensitivities(world: &mut World<'_>, items: &[Exposed]) -> Result<Vec<Sensitivity>, String> {
    if !world.site().risk.sensitivities || !items.iter().any(Exposed::short) {
        return Ok(Vec::new());
    }
    let scarce: Vec<&Exposed> = items.iter().filter(|exposed| exposed.runs_out.is_some()).collect();
    let slices = items.iter().map(|exposed| exposed.requirement.slices.len()).sum::<usize>();
    let weighed = if scarce.len() > 1 { scarce.iter().map(|exposed| exposed.requirement.slices.len()).sum() } else { 0 };
    if slices > limits::SENSITIVITY_SLICES_MAX || weighed > limits::SENSITIVITY_WEIGHED_SLICES_MAX {
        world.notes.assume("the case is too large for its inputs to be varied one by one: what each of them does to the result is not shown");
        return Ok(Vec::new());
    }
    let base = outcome(world, items, &[])?;
    let mut rows: Vec<(Vary, Sensitivity)> = Vec::new();
    let mut still: Vec<(Vary, Sensitivity)> = Vec::new();
    for candidate in candidates(world, items) {
        let (low, high) = (
            outcome(world, items, &[(candidate.input.clone(), candidate.low)])?,
            outcome(world, items, &[(candidate.input.clone(), candidate.high)])?,
        );
        let row = row(world, items, &candidate, &base, low, high);
        if !row.swing.is_zero() {
            rows.push((candidate.input, row));
        } else if matches!(candidate.input, Vary::Cost(_) | Vary::Weeks(_)) {
            still.push((candidate.input, row));
        }
    }
    // A stable sort: equal swings stay in the order of the candidates.
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.swing.minor()));
    rows.truncate(limits::SENSITIVITIES_SHOWN_MAX);
    let mut shown = Vec::new();
    for (input, mut row) in rows {
        row.break_even = break_even(world, items, &input, row.now, base.best_name())?;
        explain(world, &row);
        shown.push(row);
    }
    // An answer that is not the best moves nothing by its cost, and may still win where it is lower.
    for (input, mut row) in still {
        row.break_even = break_even(world, items, &input, row.now, base.best_name())?;
        if !row.break_even.is_empty() && shown.len() < limits::SENSITIVITIES_SHOWN_MAX + limits::BREAK_EVENS_SHOWN_MAX {
            explain(world, &row);
            shown.push(row);
        }
    }
    Ok(shown)
}

fn row(world: &World<'_>, items: &[Exposed], candidate: &Candidate, base: &Outcome, low: Outcome, high: Outcome) -> Sensitivity {
    let (input, from) = candidate.input.name(world, items);
    let cost = |outcome: &Outcome| base.best_name().and_then(|best| outcome.cost_of(best));
    let apart =
        |low: Option<Money>, high: Option<Money>| low.zip(high).and_then(|(low, high)| high.minus(low).ok()).map_or(0, |money| money.minor().abs());
    let zero = world.reporting.zero();
    let swing = [(low.loss, high.loss), (cost(&low), cost(&high))]
        .into_iter()
        .max_by_key(|(low, high)| apart(*low, *high))
        .and_then(|(low, high)| high?.minus(low?).ok())
        .map_or(zero, |swing| if swing.minor() < 0 { zero.minus(swing).unwrap_or(zero) } else { swing });
    Sensitivity {
        input,
        from,
        unit: candidate.input.unit(world),
        now: to_digits(candidate.now, 6),
        low: to_digits(candidate.low, 6),
        high: to_digits(candidate.high, 6),
        basis: candidate.basis.clone(),
        loss_at_low: low.loss,
        loss_at_high: high.loss,
        cost_at_low: cost(&low),
        cost_at_high: cost(&high),
        best_at_low: low.best.map(|(name, _)| name),
        best_at_high: high.best.map(|(name, _)| name),
        swing,
        break_even: Vec::new(),
    }
}

/// What may be varied: the products and items with the most at stake, the site's rates, and cost and weeks of the answers.
fn candidates(world: &World<'_>, items: &[Exposed]) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut add = |input: Vary, low: f64, high: f64, basis: &str| {
        if let Some(now) = input.now(world, items) {
            let (low, high) = (now * low, (now * high).min(input.most()));
            found.push(Candidate { input, now, low, high, basis: basis.to_owned() });
        }
    };
    const CUSTOMARY: &str = "20 % less and more, as is customary where nobody says how sure it is";
    let mut of_products: Vec<(f64, usize)> = products(items).into_iter().map(|product| (at_stake(world, items, product), product)).collect();
    of_products.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    if of_products.len() > 1 {
        add(Vary::AllDemand, 0.8, 1.2, CUSTOMARY);
    }
    for (_, product) in of_products.into_iter().take(limits::SENSITIVITY_SUBJECTS_MAX) {
        match spread(items, product) {
            // 1.2816 standard deviations: a tenth of the normal distribution lies beyond on each side.
            Some(cv) if cv > 0.0 => {
                add(Vary::Demand(product), (1.0 - 1.2816 * cv).max(0.0), 1.0 + 1.2816 * cv, "P10 and P90 by the cv of demand.csv");
            }
            Some(_) => {}
            None => add(Vary::Demand(product), 0.8, 1.2, CUSTOMARY),
        }
        add(Vary::Contribution(product), 0.8, 1.2, CUSTOMARY);
    }
    let mut of_items: Vec<usize> = (0..items.len()).filter(|item| items[*item].at_risk()).collect();
    of_items.sort_by(|left, right| items[*right].requirement.pieces().total_cmp(&items[*left].requirement.pieces()).then(left.cmp(right)));
    for item in of_items.into_iter().take(limits::SENSITIVITY_SUBJECTS_MAX) {
        add(Vary::Price(item), 0.8, 1.2, CUSTOMARY);
        add(Vary::Cover(item), 0.8, 1.2, CUSTOMARY);
    }
    for rate in [Vary::HoldingRate, Vary::DiscountRate, Vary::Salvage, Vary::SpotFactor] {
        add(rate, 0.8, 1.2, CUSTOMARY);
    }
    for key in PROJECTS.iter().map(|project| project.key).chain(["approved_alternate", "last_time_buy", "end_product"]) {
        if world.site().answers.contains_key(key) {
            add(Vary::Cost(key), 0.8, 1.2, CUSTOMARY);
            add(Vary::Weeks(key), 0.8, 1.2, CUSTOMARY);
            add(Vary::PriceFactor(key), 0.8, 1.2, CUSTOMARY);
        } else {
            const SURVEYED: &str = "half and double of a survey's mean: surveys of the same answer lie up to 16 times apart";
            add(Vary::Cost(key), 0.5, 2.0, SURVEYED);
            add(Vary::Weeks(key), 0.5, 2.0, SURVEYED);
        }
    }
    found
}

/// Contribution of all units that need a scarce item.
fn at_stake(world: &World<'_>, items: &[Exposed], product: usize) -> f64 {
    let units = items.iter().filter(|exposed| exposed.at_risk()).map(|exposed| exposed.requirement.of_product(product).0).fold(0.0, f64::max);
    units * world.margins.get(&product).and_then(|margin| margin.contribution).map_or(0.0, float)
}

/// Coefficient of variation of a product's whole demand, where its bias persists; `None` is unknown.
fn spread(items: &[Exposed], product: usize) -> Option<f64> {
    let mut slices = items.iter().flat_map(|exposed| &exposed.requirement.slices).filter(|slice| slice.product == product && slice.pieces > 0.0);
    let (sd, pieces) = slices.try_fold((0.0, 0.0), |sum, slice| Some((sum.0 + slice.sd?, sum.1 + slice.pieces)))?;
    (pieces > 0.0).then(|| sd / pieces)
}

/// Climbs the ladder down and up from the value now, to the first change on each side.
fn break_even(world: &mut World<'_>, items: &[Exposed], input: &Vary, now: f64, best: Option<&str>) -> Result<Vec<BreakEven>, String> {
    let Some(best) = best else { return Ok(Vec::new()) };
    let name = |world: &mut World<'_>, value: f64| outcome(world, items, &[(input.clone(), value)]).map(|outcome| outcome.best.map(|(name, _)| name));
    let mut found = Vec::new();
    for down in [true, false] {
        let steps: Vec<f64> = if down { LADDER[..3].iter().rev().copied().collect() } else { LADDER[3..].to_vec() };
        let mut near = now;
        for step in steps {
            let far = (now * step).min(input.most());
            if far == near {
                continue;
            }
            let Some(mut other) = name(world, far)? else { break };
            if other == best {
                near = far;
                continue;
            }
            let mut far = far;
            for _ in 0..HALVINGS {
                let middle = (near + far) / 2.0;
                match name(world, middle)? {
                    Some(here) if here == best => near = middle,
                    Some(here) => (far, other) = (middle, here),
                    None => break,
                }
            }
            let value = to_digits((near + far) / 2.0, 3);
            let (below, above) = if down { (other, best.to_owned()) } else { (best.to_owned(), other) };
            found.push(BreakEven { value, below, above });
            break;
        }
    }
    Ok(found)
}

/// Rounded to so many digits: a break-even is found no closer, and more would look exact.
fn to_digits(value: f64, digits: i32) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let places = digits - 1 - libm::floor(libm::log10(value.abs())) as i32;
    let scale = libm::pow(10.0, f64::from(places.abs()));
    if places >= 0 { libm::round(value * scale) / scale } else { libm::round(value / scale) * scale }
}

fn explain(world: &mut World<'_>, row: &Sensitivity) {
    let number = |value: f64| format!("{} {}", super::why::pieces(value), row.unit).trim_end().to_owned();
    let mut inputs = vec![
        FigureInput::new("value now", number(row.now), row.from.clone()),
        FigureInput::new("low and high", format!("{} and {}", number(row.low), number(row.high)), row.basis.clone()),
        FigureInput::new(
            "loss at low and at high",
            format!("{} and {}", world.shown(row.loss_at_low), world.shown(row.loss_at_high)),
            "computed again",
        ),
        FigureInput::new(
            "cost of the best answer of now",
            format!("{} and {}", world.shown(row.cost_at_low), world.shown(row.cost_at_high)),
            "computed again",
        ),
    ];
    for even in &row.break_even {
        inputs.push(FigureInput::new("break-even", number(even.value), format!("{} is the best below, {} above", even.below, even.above)));
    }
    world.notes.figure(
        format!("sensitivity:{}", row.input.replace(' ', "_")),
        row.swing.grouped(),
        "the larger of what low to high moves the loss and the cost of the best answer, at the forecast, all else as it is",
        inputs,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_from_the_front() {
        assert_eq!(to_digits(41_234.5, 3), 41_200.0);
        assert_eq!(to_digits(0.012_345, 3), 0.0123);
        assert_eq!(to_digits(-9_996.0, 3), -10_000.0);
        assert_eq!(to_digits(0.0, 3), 0.0);
    }
}
