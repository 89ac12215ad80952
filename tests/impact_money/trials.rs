//! The simulation against what is known exactly, and what must hold of it in every case.

use lastbuy::{
    domain::factory::DemandKind,
    impact::{
        APPROVED_ALTERNATE, Answer, Assessment, DO_NOTHING, Input, LAST_TIME_BUY, REDESIGN, SPOT,
        simulation::{Model, play},
        simulation_model,
    },
};
use proptest::prelude::*;

use super::{
    answer, eur, own,
    tiny::{Tiny, decimal},
};

fn certain(tiny: Tiny) -> Tiny {
    tiny.with(|tiny| tiny.data.demand.iter_mut().for_each(|row| row.cv = Some(decimal("0"))))
}

/// Three products, a late order, a redesign and a spot market.
fn rich() -> Tiny {
    Tiny::simple()
        .product("Q", "25")
        .line("Q", "I", "1")
        .year("Q", "40")
        .product("R", "3")
        .line("R", "B", "1")
        .year("R", "20")
        .demand("Q", "2027-02", "35", DemandKind::Committed)
        .order("I", "600", Some(jiff::civil::date(2027, 5, 10)))
        .with(|tiny| {
            tiny.data.site.discount_rate = Some(decimal("0.08"));
            tiny.data.site.downtime_cost_per_week = Some(decimal("1000"));
            own(tiny, "redesign_assembly", "3000", "30", Some("0.7"));
            own(tiny, "spot", "100", "1", None);
        })
}

fn minor(money: Option<lastbuy::domain::money::Money>) -> f64 {
    money.expect("known").minor() as f64 / 100.0
}

#[test]
fn without_uncertainty_every_trial_is_the_forecast() {
    let assessment = certain(rich()).with(|tiny| {
        // Without the late order: the exact holding begins with the first day that is not served, before it is there.
        tiny.data.stock.truncate(1);
        tiny.data.site.spot_price_factor = Some(decimal("9"));
        own(tiny, "redesign_assembly", "3000", "30", Some("1"));
    });
    let assessment = assessment.risks(200).assess();
    for name in [DO_NOTHING, SPOT, LAST_TIME_BUY, REDESIGN] {
        let answer = answer(&assessment, name);
        let risk = answer.risk.as_ref().unwrap_or_else(|| panic!("{name} was not played"));
        assert_eq!((risk.cost.p10, risk.cost.mean), (risk.cost.p90, risk.cost.p50), "{name}");
        // The simulation holds an order by months, the exact one along a line.
        let (exact, played) = (minor(answer.total_cost), minor(Some(risk.cost.mean)));
        assert!((exact - played).abs() <= 0.011 + 0.01 * exact.abs(), "{name}: {played} played, {exact} exactly");
        let (exact, played) = (minor(answer.npv), minor(Some(risk.npv.mean)));
        // And pays for pieces in equal parts a month instead of as they are used.
        assert!((exact - played).abs() <= 0.011 + 0.02 * exact.abs(), "{name}: value {played} played, {exact} exactly");
    }
    let simulation = assessment.simulation.as_ref().expect("played");
    assert_eq!(simulation.loss.mean.minor(), answer(&assessment, DO_NOTHING).total_cost.expect("known").minor());
}

#[test]
fn the_mean_of_an_order_is_its_expectation_within_the_noise() {
    // Over two years, cv 0.2: 20,000 trials leave a standard error of some 0.7 % of the spread.
    let assessment = Tiny::simple().risks(20_000).assess();
    let buy = answer(&assessment, LAST_TIME_BUY);
    let risk = buy.risk.as_ref().expect("played");
    let (exact, played) = (minor(buy.total_cost), minor(Some(risk.cost.mean)));
    // The spread between P10 and P90 is about 2.56 standard deviations.
    let error = (minor(Some(risk.cost.p90)) - minor(Some(risk.cost.p10))) / 2.56 / 20_000_f64.sqrt();
    // Beside the noise: holding falls when more is used and rises when less is, by a few cents in the mean.
    assert!((exact - played).abs() < 4.0 * error + 0.01 * exact, "{played} played, {exact} exactly, error {error}");
    // A shortage is as likely as the critical ratio leaves: 1 − 0.661815.
    assert!((risk.line_down_probability - (1.0 - 0.661_815)).abs() < 0.015, "{}", risk.line_down_probability);
}

#[test]
fn a_project_that_may_fail_costs_what_it_then_loses() {
    let with = |probability: &str| {
        let tiny = certain(Tiny::simple()).with(|tiny| {
            tiny.case.last_time_buy = Some(jiff::civil::date(2026, 12, 1));
            own(tiny, "redesign_assembly", "3000", "20", Some(probability));
        });
        tiny.risks(20_000).assess()
    };
    // In place in May, before stock ends: nothing is lost. Never in place: 700 units at 10.
    let sure = with("1");
    assert_eq!(answer(&sure, REDESIGN).risk.as_ref().map(|risk| risk.cost.mean), eur("3000"));
    let never = with("0");
    assert_eq!(answer(&never, REDESIGN).risk.as_ref().map(|risk| risk.cost.mean), eur("10000"));
    let maybe = with("0.75");
    let mean = minor(answer(&maybe, REDESIGN).risk.as_ref().map(|risk| risk.cost.mean));
    // 3,000 + a quarter of 7,000, within four standard errors of 7,000 · √(0.1875 / 20,000).
    assert!((mean - 4750.0).abs() < 4.0 * 7000.0 * (0.1875_f64 / 20_000.0).sqrt(), "{mean}");
}

#[test]
fn a_risk_limit_passes_over_what_gains_more_in_the_mean() {
    // A redesign for 500 that fails in one of twenty beats an order of some 1,650; its worst five percent do not.
    let with = |limit: Option<&'static str>| {
        let tiny = Tiny::simple().with(|tiny| {
            tiny.case.last_time_buy = Some(jiff::civil::date(2027, 6, 30));
            own(tiny, "redesign_assembly", "500", "10", Some("0.95"));
            tiny.data.site.risk.cvar_limit = limit.map(decimal);
        });
        tiny.risks(4_000).assess()
    };
    let free = with(None);
    assert_eq!(free.headline.best_answer.as_deref(), Some(REDESIGN), "{:?}", free.choice);
    let bound = with(Some("6000"));
    assert_eq!(bound.headline.best_answer.as_deref(), Some(LAST_TIME_BUY), "{:?}", bound.choice);
    assert!(bound.choice.as_deref().is_some_and(|choice| choice.contains("is passed over") && choice.contains("6,000.00 EUR")), "{:?}", bound.choice);
    let none = with(Some("1"));
    assert!(none.choice.as_deref().is_some_and(|choice| choice.starts_with("No answer keeps the risk limit")), "{:?}", none.choice);
}

#[test]
fn the_same_seed_is_the_same_statement_on_any_number_of_threads() {
    let tiny = rich().risks(1_000);
    assert_eq!(tiny.assess(), tiny.assess());
    let other = rich().risks(1_000).with(|tiny| tiny.data.site.risk.seed = 2).assess();
    assert_ne!(other.simulation.map(|simulation| simulation.loss), tiny.assess().simulation.map(|simulation| simulation.loss));
    let model = model(&tiny).expect("something is at risk");
    let one = play(&model, 1);
    for threads in [2, 3, 8] {
        let other = play(&model, threads);
        let bits = |all: &[lastbuy::impact::simulation::Trials]| {
            all.iter().flat_map(|of| of.cost.iter().chain(&of.value).map(|x| x.to_bits())).collect::<Vec<_>>()
        };
        assert_eq!(bits(&one), bits(&other), "{threads} threads");
    }
}

#[test]
fn an_alternate_loses_nothing_and_the_seldom_failing_one_little() {
    let assessment = Tiny::simple()
        .source("I", "Acme", "Y1", "active", "2.5")
        .with(|tiny| own(tiny, "approved_alternate", "100", "4", None))
        .risks(2_000)
        .assess();
    let risk = answer(&assessment, APPROVED_ALTERNATE).risk.as_ref().expect("played");
    assert_eq!((risk.line_down_probability, risk.lost.p90), (0.0, eur("0").expect("money")));
    // More demand is more pieces at 0.50 more: P90 lies above P10.
    assert!(risk.cost.p90.minor() > risk.cost.p10.minor());
    let doing = answer(&assessment, DO_NOTHING).risk.as_ref().expect("played");
    assert_eq!(doing, risk);
}

#[test]
fn what_nobody_says_counts_as_certain_and_is_told() {
    let assessment = Tiny::simple().with(|tiny| tiny.data.demand[3].cv = None).risks(500).assess();
    let certain = assessment.simulation.expect("played").certain;
    assert!(certain.iter().any(|sentence| sentence.contains("demand of P")), "{certain:?}");
    assert!(certain.iter().any(|sentence| sentence.contains("weeks_cv")), "{certain:?}");
    // Unknown demand is not played at all.
    let unknown = Tiny::simple().product("Q", "5").line("Q", "I", "1").risks(500).assess();
    assert_eq!(unknown.simulation, None);
}

/// The case as arrays; `None` where nothing can be played.
fn model(tiny: &Tiny) -> Option<Model> {
    let factory = lastbuy::factory::Factory::new(tiny.data.clone(), lastbuy::domain::maker::MakerAliases::default());
    let matches: Vec<_> = tiny.case.parts.iter().map(|part| factory.find_part(tiny.case.maker.as_deref(), &part.mpn)).collect();
    let input = Input {
        factory: &factory,
        dataset: lastbuy::domain::id::DatasetId(1),
        case: &tiny.case,
        matches: &matches,
        as_of: tiny.as_of,
        other_open_parts: &[],
    };
    simulation_model(&input).expect("model")
}

/// Whether another answer that was played costs no more in any trial, and less in one.
fn dominated(tiny: &Tiny, assessment: &Assessment, best: &str) -> Option<String> {
    let model = model(tiny)?;
    let played = play(&model, 2);
    let chosen = model.courses.iter().position(|course| course.name == best)?;
    let possible = |answer: &Answer| answer.feasible && answer.total_cost.is_some();
    model.courses.iter().zip(&played).find_map(|(course, of)| {
        let other = assessment.answers.iter().find(|answer| answer.name == course.name).filter(|answer| possible(answer))?;
        let pairs = || of.value.iter().zip(&played[chosen].value);
        // A cent is the rounding of the means that the answers are compared by.
        let (never_more, by) = (pairs().all(|(other, ours)| other <= ours), pairs().map(|(other, ours)| ours - other).sum::<f64>());
        (never_more && by > 0.01 * of.value.len() as f64).then(|| other.name.clone())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dominated_answer_is_never_chosen_and_percentiles_ascend(
        contribution in 1_u32..60, stock in 0_u32..2500, redesign in 0_u32..20_000, weeks in 1_u32..60, probability in 0_u32..=10, limit in prop::option::of(100_u32..30_000),
        late in prop::option::of(1_u32..800),
    ) {
        let mut tiny = rich().risks(256).with(|tiny| {
            tiny.data.products[0].contribution = Some(decimal(&contribution.to_string()));
            tiny.data.stock[0].on_hand = decimal(&stock.to_string());
            tiny.data.site.spot_price_factor = Some(decimal("6"));
            tiny.data.site.risk.cvar_limit = limit.map(|limit| decimal(&limit.to_string()));
            tiny.data.site.risk.weeks_cv = Some(decimal("0.3"));
            own(tiny, "redesign_assembly", &redesign.to_string(), &weeks.to_string(), Some(&format!("{}", f64::from(probability) / 10.0)));
            own(tiny, "complex_substitute", &(redesign / 2).to_string(), &(weeks * 2).to_string(), Some("0.9"));
        });
        if let Some(late) = late {
            tiny = tiny.order("I", &late.to_string(), Some(jiff::civil::date(2027, 9, 1)));
        }
        let assessment = tiny.assess();
        let best = assessment.headline.best_answer.clone().expect("some answer is possible");
        prop_assert_eq!(dominated(&tiny, &assessment, &best), None, "{} was chosen", best);
        for answer in &assessment.answers {
            let Some(risk) = &answer.risk else { continue };
            for spread in [&risk.cost, &risk.npv, &risk.lost] {
                prop_assert!(spread.p10.minor() <= spread.p50.minor() && spread.p50.minor() <= spread.p90.minor());
            }
            prop_assert!(risk.cost.cvar.minor() >= risk.cost.p90.minor() && risk.npv.cvar.minor() <= risk.npv.p10.minor());
            prop_assert!((0.0..=1.0).contains(&risk.line_down_probability) && risk.line_down_weeks >= 0.0);
            // More than doing nothing loses nobody.
            prop_assert!(risk.lost.mean.minor() <= assessment.simulation.as_ref().expect("played").loss.mean.minor() + 1, "{}", answer.name);
        }
    }

    #[test]
    fn more_stock_never_raises_the_simulated_loss(stock in 0_u32..2500, more in 0_u32..1000) {
        let with = |stock: u32| rich().risks(200).with(|tiny| tiny.data.stock[0].on_hand = decimal(&stock.to_string())).assess();
        let loss = |assessment: &Assessment| assessment.simulation.as_ref().map_or(0, |simulation| simulation.loss.mean.minor());
        prop_assert!(loss(&with(stock + more)) <= loss(&with(stock)) + 1);
    }
}
