//! The statement put together from what was computed.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    Accounting, Assessment, Exposed, FORMULA_VERSION, FinancialRisk, ItemStatement, Joint, MonthStatement, PartStatement, ProductStatement, Purchase,
    Ranges, Sensitivity, Simulation, World, YearLoss,
    affected::name,
    answers::Answer,
    buying::Buy,
    choice::Choice,
    exposure::Loss,
    needs,
    why::{grouped, rounded, some_of},
};
use crate::{
    domain::{case::Headline, factory::DemandKind, money::Money, notice::NoticeKind},
    factory::{MatchKind, PartMatch},
};

/// All that was computed about the case.
pub(super) struct Computed {
    pub items: Vec<Exposed>,
    pub orders: Vec<Buy>,
    pub answers: Vec<Answer>,
    pub loss: Loss,
    pub runs_out: Option<Date>,
    pub risk: FinancialRisk,
    pub choice: Option<Choice>,
    pub simulation: Option<Simulation>,
    pub accounting: Vec<Accounting>,
    pub sensitivities: Vec<Sensitivity>,
    pub ranges: Ranges,
    pub joint: Option<Joint>,
}

pub(super) fn compose(world: World<'_>, computed: Computed) -> Result<Assessment, String> {
    let input = world.input;
    let case = input.case;
    let ends = case.kind == NoticeKind::Pdn;
    let known = input.matches.iter().filter(|found| matches!(found, PartMatch::Known(hits) if !hits.is_empty())).count();
    let unknown = input.matches.len() - known;
    let best = computed.choice.as_ref().filter(|_| ends && known > 0);
    let margin_at_risk = match (ends, known, unknown) {
        (true, 0, _) => None,
        (true, _, _) => computed.loss.margin,
        // The part goes on. Only a part that the factory does not know stays unknown.
        (false, _, 0) => Some(world.reporting.zero()),
        (false, _, _) => None,
    };
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let headline = Headline {
        margin_at_risk,
        runs_out: computed.runs_out.filter(|_| ends),
        best_answer: best.map(|best| best.answer.clone()),
        best_cost: best.map(|best| best.cost),
        known_parts: count(known),
        unknown_parts: count(unknown),
        needs: needs::for_headline(&world.notes.needs),
    };
    let summary = summary(&world, &computed, &headline);
    let items = computed.items.iter().zip(&computed.orders).map(|(exposed, order)| item(&world, exposed, order)).collect::<Result<_, String>>()?;
    Ok(Assessment {
        formula_version: FORMULA_VERSION,
        case: case.id,
        dataset: input.dataset,
        as_of: input.as_of,
        kind: case.kind,
        ends,
        currency: world.reporting.currency,
        headline,
        summary,
        parts: parts(&world),
        items,
        products: if ends { products(&world, &computed) } else { Vec::new() },
        margin_lost_by_year: if ends { years(&computed.loss) } else { Vec::new() },
        choice: best.map(|best| best.reason.clone()),
        lost_by_quarter: if ends { computed.loss.by_month.by_quarter(world.plan.calendar, world.site().fiscal_year_starts)? } else { Vec::new() },
        answers: if ends && known > 0 { computed.answers } else { Vec::new() },
        simulation: computed.simulation.filter(|_| ends && known > 0),
        accounting: if ends && known > 0 { computed.accounting } else { Vec::new() },
        sensitivities: computed.sensitivities,
        ranges: computed.ranges,
        joint: computed.joint,
        financial_risk: computed.risk,
        assumptions: world.notes.assumptions,
        needs: world.notes.needs,
        figures: world.notes.figures,
    })
}

fn years(loss: &Loss) -> Vec<YearLoss> {
    loss.years.iter().map(|(year, margin_lost)| YearLoss { year: year.clone(), margin_lost: *margin_lost }).collect()
}

fn summary(world: &World<'_>, computed: &Computed, headline: &Headline) -> String {
    let case = world.input.case;
    let all = case.parts.len();
    let of = format!("{} of {all} {}", headline.known_parts, if all == 1 { "part" } else { "parts" });
    let skus: Vec<String> = {
        let mut users: Vec<usize> = computed.items.iter().flat_map(|exposed| exposed.users.iter().copied()).collect();
        users.sort_unstable();
        users.dedup();
        world.skus(&users)
    };
    let used = if skus.is_empty() { "in no product".to_owned() } else { format!("in {}", some_of(&skus)) };
    let check = format!("{of} of the notice is known here, used {used}.");
    match case.kind {
        NoticeKind::Pcn => format!(
            "This notice changes its parts and does not end them: the part goes on, so there is no margin at risk by itself. Whether the change needs a new qualification is for a person to say. {check}"
        ),
        NoticeKind::Nrnd => format!(
            "Not recommended for new designs: the part goes on for now, so there is no margin at risk by itself. If it ended today, {} would be lost. {check}",
            if computed.items.is_empty() { "an unknown margin".to_owned() } else { world.shown(computed.loss.margin) }
        ),
        NoticeKind::Other => format!("This notice ends and changes no part: the part goes on, so there is no margin at risk by itself. {check}"),
        NoticeKind::Retraction => {
            format!(
                "This notice withdraws an earlier one: the part goes on, so there is no margin at risk by itself; orders placed because of the earlier notice may be reconsidered. {check}"
            )
        }
        NoticeKind::Pdn if computed.items.is_empty() => {
            "None of the parts that this notice ends is in the approved manufacturer list: what it means is unknown, not nothing.".to_owned()
        }
        NoticeKind::Pdn => {
            let margin = match headline.margin_at_risk {
                Some(margin) if margin.is_zero() => "no margin is at risk".to_owned(),
                Some(margin) => format!("{} of contribution is at risk when nothing is done", margin.grouped()),
                None => format!("the margin at risk is unknown, at least {}", computed.loss.margin_known.grouped()),
            };
            let out = match headline.runs_out {
                Some(day) => format!("the first day that cannot be served is {day}"),
                None if computed.items.iter().any(|exposed| !exposed.products_without_demand.is_empty()) => "when it runs out is unknown".to_owned(),
                None => "nothing runs out before the horizon".to_owned(),
            };
            format!(
                "Of {all} {} that this notice ends, {} known here, used {used}: {margin}, and {out}.",
                if all == 1 { "part" } else { "parts" },
                match headline.known_parts {
                    1 => "1 is".to_owned(),
                    many => format!("{many} are"),
                }
            )
        }
    }
}

fn parts(world: &World<'_>) -> Vec<PartStatement> {
    let (input, data) = (world.input, &world.input.factory.data);
    let statement = |(part, found): (&crate::domain::case::CasePart, &PartMatch)| {
        let (mut items, mut found_by, mut suggestions) = (Vec::new(), None, Vec::new());
        match found {
            PartMatch::Known(hits) => {
                items = hits.iter().map(|hit| data.items[hit.item].item.clone()).collect();
                items.dedup();
                found_by = hits.iter().map(|hit| hit.kind).min().map(|kind| match kind {
                    MatchKind::Exact => "exact".to_owned(),
                    MatchKind::Suffix => "suffix".to_owned(),
                    MatchKind::Family => "family".to_owned(),
                });
            }
            PartMatch::Unknown(near) => {
                suggestions = near.iter().map(|near| format!("{} {} ({}): {}", near.maker, near.mpn, near.item, near.why)).collect();
            }
        }
        PartStatement {
            mpn: part.mpn.clone(),
            items,
            found_by,
            suggestions,
            last_time_buy: part.last_time_buy.or(input.case.last_time_buy),
            last_time_ship: part.last_time_ship.or(input.case.last_time_ship),
        }
    };
    input.case.parts.iter().zip(input.matches).map(statement).collect()
}

fn item(world: &World<'_>, exposed: &Exposed, order: &Buy) -> Result<ItemStatement, String> {
    let data = &world.input.factory.data;
    let row = &data.items[exposed.affected.item];
    let requirement = &exposed.requirement;
    let amount = |value: Decimal| format!("{} {}", grouped(&value.round_dp(6).to_string()), world.reporting.currency);
    Ok(ItemStatement {
        item: row.item.clone(),
        description: row.description.clone(),
        sources: exposed.affected.sources.iter().map(|source| name(&data.aml[*source])).collect(),
        share: rounded(exposed.affected.share),
        products: world.skus(&exposed.users),
        assemblies: exposed.assemblies.clone(),
        requirement: exposed.products_without_demand.is_empty().then(|| rounded(requirement.pieces())),
        forecast: rounded(requirement.of_kind(DemandKind::Forecast)),
        committed: rounded(requirement.of_kind(DemandKind::Committed)),
        spares: rounded(requirement.of_kind(DemandKind::Spares)),
        stock: rounded(exposed.cover.stock),
        orders: rounded(exposed.cover.orders),
        runs_out: exposed.runs_out,
        horizon: requirement.last_day(world.plan.calendar),
        alternate: exposed.affected.alternate.map(|source| name(&data.aml[source])),
        no_alternate: exposed.affected.no_alternate.clone(),
        months: months(world, exposed),
        unit_price: exposed.price.as_ref().map(|price| amount(price.amount)),
        shortage_value: order.shortage_value.map(amount),
        last_time_buy: Purchase {
            quantity: order.quantity,
            deterministic: order.deterministic,
            critical_ratio: order.optimum.map(|optimum| libm::round(optimum.critical_ratio * 1e6) / 1e6),
            leftover: order.leftover.map(rounded),
            cost: order.amounts(world, exposed.price.as_ref())?.0,
            missing: order.missing.clone(),
        },
    })
}

fn months(world: &World<'_>, exposed: &Exposed) -> Vec<MonthStatement> {
    let calendar = world.plan.calendar;
    let mut needed = 0.0;
    let rows = exposed.requirement.months().into_iter().enumerate().map(|(index, [committed, forecast, spares])| {
        let (_, last) = calendar.days(index);
        needed += committed + forecast + spares;
        let arriving = exposed.cover.supplies.iter().filter(|supply| calendar.index(supply.day) == index && supply.day > calendar.as_of);
        MonthStatement {
            month: calendar.month(index),
            forecast: rounded(forecast),
            committed: rounded(committed),
            spares: rounded(spares),
            arriving: rounded(arriving.map(|supply| supply.pieces).sum()),
            left: rounded(exposed.cover.until(last) - needed),
        }
    });
    rows.collect()
}

fn products(world: &World<'_>, computed: &Computed) -> Vec<ProductStatement> {
    let data = &world.input.factory.data;
    let mut users: Vec<usize> = computed.items.iter().flat_map(|exposed| exposed.users.iter().copied()).collect();
    users.sort_unstable();
    users.dedup();
    let statement = |index: usize| {
        let product = &data.products[index];
        let demand = world.plan.demand(index);
        let lost = computed.loss.products.iter().find(|(of, ..)| *of == index);
        let known = demand.is_some_and(|demand| demand.missing.is_none());
        let margin = world.margins.get(&index);
        let nothing = |money: Money| known.then_some(money);
        ProductStatement {
            sku: product.sku.clone(),
            name: product.name.clone(),
            units: demand.filter(|_| known).map(|demand| rounded(demand.units())),
            units_lost: lost.map_or(known.then_some(0.0), |(_, units, ..)| known.then(|| rounded(*units))),
            contribution: margin
                .and_then(|margin| margin.contribution)
                .map(|contribution| format!("{} {}", grouped(&contribution.round_dp(6).to_string()), world.reporting.currency)),
            margin_lost: lost.map_or(nothing(world.reporting.zero()), |(_, _, margin, _)| *margin),
            penalties: lost.map_or(nothing(world.reporting.zero()), |(_, _, _, penalties)| nothing(*penalties)),
            horizon: demand.and_then(|demand| demand.horizon),
        }
    };
    users.into_iter().map(statement).collect()
}
