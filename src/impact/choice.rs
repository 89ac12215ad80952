//! Which answer is the best: the greatest expected present value among those that keep the site's risk limit.

use super::{World, answers::Answer, why::FigureInput};
use crate::domain::money::Money;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    pub answer: String,
    pub cost: Money,
    /// In a sentence.
    pub reason: String,
}

/// By what the answers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    /// Mean of the simulated present values, failures included.
    Simulated,
    /// Present value at the forecast.
    Present,
    /// Cost at the forecast, where the site gives no discount rate.
    Cost,
}

impl Basis {
    /// The basis that all answers have, so that no two are compared by different measures.
    fn of(answers: &[&Answer]) -> Basis {
        if answers.iter().all(|answer| answer.risk.is_some()) {
            Basis::Simulated
        } else if answers.iter().all(|answer| answer.npv.is_some()) {
            Basis::Present
        } else {
            Basis::Cost
        }
    }

    /// Minor units; the greatest is the best.
    fn gain(self, answer: &Answer) -> i64 {
        let gain = match self {
            Basis::Simulated => answer.risk.as_ref().map(|risk| risk.npv.mean.minor()),
            Basis::Present => answer.npv.map(Money::minor),
            Basis::Cost => answer.total_cost.and_then(|cost| cost.minor().checked_neg()),
        };
        gain.unwrap_or(i64::MIN)
    }
}

/// The best of the feasible answers whose cost is known; between equals the first. Where none keeps the limit, the one that exceeds it least.
pub(super) fn choose(world: &mut World<'_>, answers: &[Answer]) -> Option<Choice> {
    let candidates: Vec<&Answer> = answers.iter().filter(|answer| answer.feasible && answer.total_cost.is_some()).collect();
    let basis = Basis::of(&candidates);
    let kept = |answer: &&&Answer| answer.risk.as_ref().and_then(|risk| risk.within_limit) != Some(false);
    let within: Vec<&Answer> = candidates.iter().filter(kept).copied().collect();
    let tail = |answer: &Answer| answer.risk.as_ref().map_or(i64::MIN, |risk| risk.npv.cvar.minor());
    let (chosen, passed_over) = if within.is_empty() {
        (first_max(&candidates, |answer| (tail(answer), basis.gain(answer)))?, None)
    } else {
        let chosen = first_max(&within, |answer| (basis.gain(answer), 0))?;
        let without = first_max(&candidates, |answer| (basis.gain(answer), 0))?;
        (chosen, (without.name != chosen.name).then_some(without))
    };
    let mut reason = match basis {
        Basis::Simulated => format!(
            "{} has the greatest expected present value, {} over the trials",
            chosen.name,
            world.shown(chosen.risk.as_ref().map(|risk| risk.npv.mean))
        ),
        Basis::Present => format!("{} has the greatest present value at the forecast, {}", chosen.name, world.shown(chosen.npv)),
        Basis::Cost => format!("{} costs least at the forecast, {}", chosen.name, world.shown(chosen.total_cost)),
    };
    if let (Some(limit), Some(risk)) = (world.site().risk.cvar_limit, &chosen.risk) {
        let limit = world.reporting.money(limit).ok();
        if within.is_empty() {
            reason = format!(
                "No answer keeps the risk limit of {}: {} exceeds it least, with a CVaR of {}",
                world.shown(limit),
                chosen.name,
                risk.npv.cvar.grouped()
            );
        } else {
            reason.push_str(&format!("; its CVaR of {} keeps the risk limit of {}", risk.npv.cvar.grouped(), world.shown(limit)));
        }
    }
    if let Some(other) = passed_over {
        let tail = other.risk.as_ref().map(|risk| risk.npv.cvar);
        reason.push_str(&format!("; {} would gain more and is passed over, its CVaR is {}", other.name, world.shown(tail)));
    }
    reason.push('.');
    let inputs = candidates
        .iter()
        .map(|answer| {
            let value = match basis {
                Basis::Simulated => world.shown(answer.risk.as_ref().map(|risk| risk.npv.mean)),
                Basis::Present => world.shown(answer.npv),
                Basis::Cost => world.shown(answer.total_cost),
            };
            let tail = answer.risk.as_ref().map_or_else(String::new, |risk| format!(", CVaR {}", risk.npv.cvar.grouped()));
            FigureInput::new(&answer.name, value + &tail, format!("figure answer_cost:{}", answer.name.to_lowercase().replace([' ', '-'], "_")))
        })
        .collect();
    let formula = "greatest expected present value of the possible answers of known cost whose CVaR keeps site.toml [risk] cvar_limit";
    world.notes.figure("best_answer", chosen.name.clone(), formula, inputs);
    Some(Choice { answer: chosen.name.clone(), cost: chosen.total_cost?, reason })
}

fn first_max<'a>(answers: &[&'a Answer], of: impl Fn(&Answer) -> (i64, i64)) -> Option<&'a Answer> {
    let mut best: Option<(&Answer, (i64, i64))> = None;
    for answer in answers {
        let gain = of(answer);
        if best.is_none_or(|(_, most)| gain > most) {
            best = Some((answer, gain));
        }
    }
    best.map(|(answer, _)| answer)
}
