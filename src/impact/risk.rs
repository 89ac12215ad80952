//! The formula of the article this product grows out of: Financial risk = P(EOL) × (mitigation cost + downtime cost). Each term names its source.

use jiff::civil::Date;

use super::{
    World,
    answers::{Answer, DO_NOTHING},
    reporting::{decimal, float},
    requirement::{days_between, weeks_after},
    statement::FinancialRisk,
    why::{FigureInput, grouped},
};
use crate::domain::notice::NoticeKind;

/// `runs_out`: the first day that cannot be served when nothing is done.
pub(super) fn financial_risk(world: &mut World<'_>, answers: &[Answer], runs_out: Option<Date>) -> Result<FinancialRisk, String> {
    let kind = world.input.case.kind;
    let (probability, probability_from) = match (kind, world.site().probability_of_end.get(kind.as_str())) {
        (NoticeKind::Pdn, _) => (Some(1.0), "a discontinuance notice is in force".to_owned()),
        (_, Some(share)) => (Some(float(*share)), format!("site.toml probability_of_end.{}", kind.as_str())),
        (_, None) => (None, format!("unknown: site.toml has no probability_of_end.{}", kind.as_str())),
    };
    let mitigations = answers.iter().filter(|answer| answer.feasible && answer.name != DO_NOTHING && answer.total_cost.is_some());
    let chosen = mitigations.min_by_key(|answer| answer.total_cost.map(|cost| cost.minor()));
    let (mitigation, mitigation_from) = match chosen {
        Some(answer) => (answer.total_cost, format!("answer '{}', the least costly one that is possible", answer.name)),
        None => (None, "unknown: no answer is possible at a known cost".to_owned()),
    };
    let (downtime, downtime_from) = downtime(world, chosen, runs_out)?;
    let amount = match (probability, mitigation, downtime) {
        (Some(probability), Some(mitigation), Some(downtime)) => {
            let both = mitigation.plus(downtime).map_err(|error| error.to_string())?;
            Some(world.reporting.money(both.amount().checked_mul(decimal(probability)?).ok_or("a financial risk is too large")?)?)
        }
        _ => None,
    };
    let inputs = vec![
        FigureInput::new("P(EOL)", probability.map_or_else(|| "unknown".to_owned(), |share| share.to_string()), probability_from.clone()),
        FigureInput::new("mitigation cost", world.shown(mitigation), mitigation_from.clone()),
        FigureInput::new("downtime cost", world.shown(downtime), downtime_from.clone()),
    ];
    let shown = world.shown(amount);
    world.notes.figure("financial_risk", shown, "P(EOL) × (mitigation cost + downtime cost)", inputs);
    Ok(FinancialRisk { amount, probability, probability_from, mitigation, mitigation_from, downtime, downtime_from })
}

/// Stopped weeks between the day that cannot be served and the day the answer is in place, times what a week costs.
fn downtime(world: &World<'_>, chosen: Option<&Answer>, runs_out: Option<Date>) -> Result<(Option<crate::domain::money::Money>, String), String> {
    let site = world.site();
    let Some(runs_out) = runs_out else {
        return Ok((Some(world.reporting.zero()), "no week stands still: nothing runs out before the horizon".to_owned()));
    };
    let Some(answer) = chosen else { return Ok((None, "unknown: no answer is possible at a known cost".to_owned())) };
    let Some(weeks) = answer.weeks else {
        return Ok((None, format!("unknown: it is not known how long '{}' takes (items.csv lead_time_weeks)", answer.name)));
    };
    let ready = weeks_after(world.input.as_of, weeks);
    // A bridge buy or the order itself serves until then, unless units are lost under the answer.
    let stopped = if answer.margin_lost.is_some_and(|lost| lost.is_zero()) { 0.0 } else { (days_between(runs_out, ready) / 7.0).max(0.0) };
    if stopped == 0.0 {
        return Ok((Some(world.reporting.zero()), format!("no week stands still: '{}' is in place before or bridged", answer.name)));
    }
    let Some(cost) = site.downtime_cost_per_week else {
        return Ok((None, "unknown: site.toml has no downtime_cost_per_week".to_owned()));
    };
    let amount = world.reporting.extended(stopped, cost)?;
    Ok((Some(amount), format!("{stopped:.1} weeks between {runs_out} and {ready} × site.toml downtime_cost_per_week {}", grouped(&cost.to_string()))))
}
