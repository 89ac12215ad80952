//! Several parts on one board decided together: never worse than part by part, and better where a redesign is shared, stock would be stranded, or money is short.

use jiff::civil::date;
use lastbuy::{
    domain::{id::CaseId, maker::MakerAliases},
    factory::{Factory, PartMatch},
    impact::{Assessment, Input, Joint, LAST_TIME_BUY, OpenCase, REDESIGN, assess_beside},
};
use proptest::prelude::*;

use super::{
    eur, own,
    tiny::{Tiny, decimal},
};

/// Board B of product P takes two pieces of I and two of J, both ending; 1,000 of each are there for 2,400.
fn two() -> Tiny {
    Tiny::simple().item("J", "2").line("B", "J", "2").source("J", "TI", "X2", "active", "").stock("J", "1000").ends("X2")
}

fn joint(assessment: &Assessment) -> &Joint {
    assessment.joint.as_ref().expect("two parts on one board")
}

fn choices(joint: &Joint) -> Vec<(&str, &str)> {
    joint.parts.iter().map(|part| (part.apart.as_str(), part.together.as_str())).collect()
}

#[test]
fn a_redesign_that_serves_two_parts_is_paid_once() {
    // In place in March, before stock ends: no bridge. Each order costs 1,118.83 and loses 539.39, the same units for both.
    let assessment = two().with(|tiny| own(tiny, "redesign_assembly", "2500", "10", Some("1"))).assess();
    let joint = joint(&assessment);
    assert_eq!(choices(joint), [(LAST_TIME_BUY, REDESIGN), (LAST_TIME_BUY, REDESIGN)]);
    assert_eq!((Some(joint.cost_apart), Some(joint.cost_together)), (eur("2777.05"), eur("2500")));
    assert!(joint.why.iter().any(|why| why.contains("paid once: 2,500.00 EUR less")), "{:?}", joint.why);
    assert!(assessment.needs.iter().any(|need| need.starts_with("Decide these parts together")));
    let text = lastbuy::cli::impact_text::text(&assessment);
    assert!(text.contains("Decided together with other parts on the same boards"), "{text}");
}

#[test]
fn what_is_bought_for_life_is_stranded_by_a_siblings_redesign() {
    let assessment = two()
        .with(|tiny| {
            // Too late to order I.
            tiny.case.parts[0].last_time_buy = Some(date(2026, 12, 1));
            own(tiny, "redesign_assembly", "2500", "10", Some("1"));
        })
        .assess();
    let joint = joint(&assessment);
    assert_eq!(choices(joint), [(REDESIGN, REDESIGN), (LAST_TIME_BUY, REDESIGN)]);
    // 2,500, and for J 1,118.83 and 539.39; of its 1,600 pieces none is needed any more: 1,600 · 1.80 less the 553.74 counted already.
    assert_eq!((Some(joint.cost_apart), Some(joint.cost_together)), (eur("6484.48"), eur("2500")));
    assert!(joint.why.iter().any(|why| why.contains("not stranded") && why.contains("2,326.26 EUR")), "{:?}", joint.why);
}

#[test]
fn one_budget_pays_all_orders() {
    // Each order is 3,200: together 6,400.
    let with = |budget: &'static str| two().with(|tiny| tiny.data.site.order_budget = Some(decimal(budget))).assess();
    let enough = with("6400");
    assert_eq!(choices(joint(&enough)), [(LAST_TIME_BUY, LAST_TIME_BUY); 2]);
    assert_eq!(Some(joint(&enough).cash_together), eur("6400"));
    // For one only: the units wait for both parts, so one order alone saves nothing, and together none is placed.
    let short = with("5000");
    let of = joint(&short);
    assert_eq!(choices(of)[0].0, LAST_TIME_BUY);
    assert!(of.parts.iter().all(|part| part.together != LAST_TIME_BUY), "{:?}", of.parts);
    assert!(of.cash_together.minor() <= 500_000 && of.cost_together.minor() < of.cost_apart.minor());
}

#[test]
fn other_open_cases_on_the_board_are_decided_with_it() {
    let tiny = two().with(|tiny| {
        own(tiny, "redesign_assembly", "2500", "10", Some("1"));
        tiny.case.parts.truncate(1);
    });
    let factory = Factory::new(tiny.data.clone(), MakerAliases::default());
    let mut other = tiny.case.clone();
    other.id = CaseId(7);
    other.parts[0].mpn = "X2".to_owned();
    let matched =
        |case: &lastbuy::domain::case::Case| case.parts.iter().map(|part| factory.find_part(Some("TI"), &part.mpn)).collect::<Vec<PartMatch>>();
    let (ours, theirs) = (matched(&tiny.case), matched(&other));
    let input = Input {
        factory: &factory,
        dataset: lastbuy::domain::id::DatasetId(1),
        case: &tiny.case,
        matches: &ours,
        as_of: tiny.as_of,
        other_open_parts: &[],
    };
    let alone = assess_beside(&input, &[]).expect("assessment");
    assert_eq!(alone.joint, None);
    let beside = assess_beside(&input, &[OpenCase { case: &other, matches: &theirs }]).expect("assessment");
    let of = joint(&beside);
    assert_eq!(choices(of), [(LAST_TIME_BUY, REDESIGN), (LAST_TIME_BUY, REDESIGN)]);
    assert_eq!(of.parts.iter().map(|part| (part.case, part.item.as_str())).collect::<Vec<_>>(), [(CaseId(1), "I"), (CaseId(7), "J")]);
    // The case's own statement is the same.
    assert_eq!(beside.answers, alone.answers);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn part_by_part_never_beats_joint(
        parts in prop::collection::vec((1_u32..9, 0_u32..2500, 1_u32..5, any::<bool>(), any::<bool>()), 2..5),
        earns in 1_u32..80, redesign in 100_u32..9000, weeks in 1_u32..60, budget in prop::option::of(0_u32..20_000),
    ) {
        let mut tiny = Tiny::empty().product("P", &earns.to_string()).product("Q", "7").item("B", "").item("C", "").line("P", "B", "1").line("Q", "C", "1").line("P", "C", "1");
        tiny = tiny.year("P", "100").year("Q", "40");
        for (at, (price, stock, pieces, second, late)) in parts.iter().enumerate() {
            let (item, mpn) = (format!("I{at}"), format!("X{at}"));
            tiny = tiny.item(&item, &price.to_string()).line("B", &item, &pieces.to_string());
            if *second {
                tiny = tiny.line("C", &item, "1");
            }
            tiny = tiny.source(&item, "TI", &mpn, "active", "").stock(&item, &stock.to_string()).ends(&mpn);
            if *late {
                tiny.case.parts[at].last_time_buy = Some(date(2026, 12, 1));
            }
        }
        let tiny = tiny.with(|tiny| {
            own(tiny, "redesign_assembly", &redesign.to_string(), &weeks.to_string(), Some("1"));
            tiny.data.site.order_budget = budget.map(|budget| decimal(&budget.to_string()));
        });
        let assessment = tiny.assess();
        if let Some(joint) = &assessment.joint {
            let within = budget.is_none_or(|budget| joint.cash_apart.minor() <= i64::from(budget) * 100);
            prop_assert!(!within || joint.cost_together.minor() <= joint.cost_apart.minor(), "{:?}", joint);
            // Doing nothing costs no cash, so that every budget can be kept.
            prop_assert!(budget.is_none_or(|budget| joint.cash_together.minor() <= i64::from(budget) * 100), "{:?}", joint);
            prop_assert!(joint.cost_together.minor() == joint.cost_apart.minor() || joint.parts.iter().any(|part| part.apart != part.together));
        }
    }
}

#[test]
fn both_choices_are_played_in_the_same_trials() {
    let with = |probability: &'static str| {
        let tiny = two().risks(4_000).with(|tiny| own(tiny, "redesign_assembly", "2500", "10", Some(probability)));
        tiny.assess()
    };
    let sure = with("1");
    let of = joint(&sure);
    let (apart, together) = (of.risk_apart.as_ref().expect("played"), of.risk_together.as_ref().expect("played"));
    // The redesign is in place before stock ends, whatever the demand; it is paid once.
    assert_eq!((Some(together.cost.p10), Some(together.cost.p90), together.line_down_probability), (eur("2500"), eur("2500"), 0.0));
    // Two orders: what they cost moves with demand, and their mean is near the expectation at the forecast.
    assert!(apart.cost.p10.minor() < apart.cost.p90.minor());
    let (exact, played) = (of.cost_apart.minor() as f64, apart.cost.mean.minor() as f64);
    assert!((played - exact).abs() < 0.1 * exact, "{played} played, {exact} at the forecast");
    let text = lastbuy::cli::impact_text::text(&sure);
    assert!(text.contains("In the same trials"), "{text}");
    // A redesign that fails one time in four loses 700 units at 10 then, once and not for either part.
    let maybe = with("0.75");
    let of = joint(&maybe);
    assert_eq!(choices(of)[0].1, REDESIGN);
    let risk = of.risk_together.as_ref().expect("played");
    let mean = risk.cost.mean.minor() as f64 / 100.0;
    assert!((mean - (2500.0 + 0.25 * 7000.0)).abs() < 4.0 * 7500.0 * (0.1875_f64 / 4_000.0).sqrt() + 100.0, "{mean}");
    // Nothing to share: the same choice is the same trials.
    let same = two().risks(500).assess();
    let of = joint(&same);
    assert_eq!(choices(of), [(LAST_TIME_BUY, LAST_TIME_BUY); 2]);
    assert_eq!(of.risk_apart, of.risk_together);
}

#[test]
fn what_a_sibling_strands_is_written_down_in_the_trials_too() {
    let assessment = two()
        .risks(2_000)
        .with(|tiny| {
            tiny.case.parts[0].last_time_buy = Some(date(2026, 12, 1));
            own(tiny, "redesign_assembly", "2500", "10", Some("1"));
            tiny.data.demand.iter_mut().for_each(|row| row.cv = Some(decimal("0.000001")));
        })
        .assess();
    let of = joint(&assessment);
    let played = of.risk_apart.as_ref().expect("played").cost.mean.minor();
    // Alone J is bought for life and I is redesigned in March: all of the order is left.
    assert_eq!(choices(of)[0].0, REDESIGN);
    assert!((played - of.cost_apart.minor()).abs() < of.cost_apart.minor() / 10, "{played} played, {} at the forecast", of.cost_apart.minor());
}
