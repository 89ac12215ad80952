//! What each input does to the result, where another answer becomes the best, and what missing inputs could change.

use lastbuy::impact::{Assessment, LAST_TIME_BUY, REDESIGN, Sensitivity};

use super::{
    eur, own,
    tiny::{Tiny, decimal},
};

fn of<'a>(assessment: &'a Assessment, input: &str) -> &'a Sensitivity {
    let names: Vec<&str> = assessment.sensitivities.iter().map(|row| row.input.as_str()).collect();
    assessment.sensitivities.iter().find(|row| row.input == input).unwrap_or_else(|| panic!("no '{input}' in {names:?}"))
}

fn with_redesign() -> Tiny {
    Tiny::simple().with(|tiny| own(tiny, "redesign_assembly", "2500", "20", Some("1"))).sensitivities()
}

#[test]
fn each_input_is_computed_again_at_both_ends() {
    let assessment = with_redesign().assess();
    assert!(assessment.sensitivities.len() > 3 && assessment.sensitivities.len() <= 10);
    assert!(assessment.sensitivities.windows(2).all(|pair| pair[0].swing.minor() >= pair[1].swing.minor()));
    // The contribution of 10 at 8 and at 12: 700 units are lost.
    let contribution = of(&assessment, "contribution of one P");
    assert_eq!((contribution.low, contribution.now, contribution.high), (8.0, 10.0, 12.0));
    assert_eq!((contribution.loss_at_low, contribution.loss_at_high, Some(contribution.swing)), (eur("5600"), eur("8400"), eur("2800")));
    // The same as an assessment of a factory that has this value.
    let there = with_redesign().with(|tiny| tiny.data.products[0].contribution = Some(decimal("12"))).assess();
    let buy = there.answers.iter().find(|answer| answer.name == LAST_TIME_BUY).expect("answer");
    assert_eq!(contribution.cost_at_high, buy.total_cost);
    // P10 and P90 of a demand with a cv of 0.2: 1,200 ∓ 1.2816 · 240.
    let demand = of(&assessment, "demand of P");
    assert_eq!((demand.low, demand.high), (892.416, 1507.58));
    assert!(demand.basis.contains("P10 and P90"));
    // 1,000 pieces serve 500 of 1,507.584 units.
    assert_eq!(demand.loss_at_high, eur("10075.84"));
    let stock = of(&assessment, "stock and open orders of I");
    assert_eq!(stock.loss_at_low, eur("8000"));
    // The statement itself is what it is without them.
    let without = with_redesign().with(|tiny| tiny.data.site.risk.sensitivities = false).assess();
    assert_eq!((without.answers, without.headline), (assessment.answers.clone(), assessment.headline.clone()));
}

#[test]
fn the_break_even_is_where_the_best_answer_changes() {
    let assessment = with_redesign().assess();
    assert_eq!(assessment.headline.best_answer.as_deref(), Some(LAST_TIME_BUY));
    let cost = of(&assessment, "cost of redesign assembly");
    assert!(cost.from.contains("site.toml [answers.redesign_assembly]"));
    let even = cost.break_even.first().expect("the redesign wins where it is cheap enough");
    assert_eq!((even.below.as_str(), even.above.as_str()), (REDESIGN, LAST_TIME_BUY));
    // On both sides of it, by an assessment of its own.
    let best = |cost: f64| {
        with_redesign().with(|tiny| own(tiny, "redesign_assembly", &cost.round().to_string(), "20", Some("1"))).assess().headline.best_answer
    };
    assert_eq!(best(even.value * 0.97).as_deref(), Some(REDESIGN), "{}", even.value);
    assert_eq!(best(even.value * 1.03).as_deref(), Some(LAST_TIME_BUY), "{}", even.value);
}

#[test]
fn a_survey_is_marked_as_one_and_taken_from_half_to_double() {
    // Taking the alternate into use costs what the survey says, 3,000 USD, and that decides the cost.
    let assessment = Tiny::simple()
        .source("I", "Acme", "Y1", "active", "2.5")
        .sensitivities()
        .with(|tiny| {
            let rate = lastbuy::domain::money::Rate {
                date: jiff::civil::date(2026, 1, 1),
                from: lastbuy::domain::money::Currency::USD,
                to: lastbuy::domain::money::Currency::EUR,
                rate: decimal("1"),
            };
            tiny.data.rates.0.push(rate);
            tiny.data.products[0].contribution = Some(decimal("1000"));
            tiny.data.site.salvage_ratio = Some(decimal("0"));
            tiny.data.site.holding_rate = Some(decimal("0.9"));
            tiny.data.items[1].unit_cost = Some(decimal("20"));
            tiny.data.aml[1].unit_price = Some(decimal("20.1"));
        })
        .assess();
    assert_eq!(assessment.headline.best_answer.as_deref(), Some(lastbuy::impact::APPROVED_ALTERNATE));
    let row = of(&assessment, "cost of approved alternate");
    assert!(row.from.contains("ARINC for DMEA, survey of 2010"), "{}", row.from);
    assert!((row.high / row.low - 4.0).abs() < 1e-9 && row.basis.contains("half and double"));
}

#[test]
fn what_is_missing_makes_a_range() {
    // Q earns nobody knows what, at most its price of 100.
    let assessment = Tiny::simple().product("Q", "").line("Q", "I", "1").year("Q", "50").sensitivities().assess();
    assert_eq!(assessment.headline.margin_at_risk, None);
    let range = assessment.ranges.margin_at_risk.expect("a range");
    // 3,000 pieces are needed and 1,000 there. Worth nothing: P takes all, 700 P are lost at 10. Worth 100: Q takes 600, P 400 pieces, 1,000 P are lost.
    assert_eq!((Some(range.low), Some(range.high)), (eur("7000"), eur("10000")));
    let row = assessment.ranges.missing.iter().find(|row| row.input == "contribution of one Q").expect("told");
    assert_eq!((row.low, row.high), (Some(0.0), Some(100.0)));
    assert!(row.mend.contains("products.csv line 3"), "{}", row.mend);
    let text = lastbuy::cli::impact_text::text(&assessment);
    assert!(
        text.contains("unknown, 7,000.00 EUR to 10,000.00 EUR by what is missing") && text.contains("What is missing, and what it could change"),
        "{text}"
    );
    // Without a price nothing bounds it, and there is no range.
    let open =
        Tiny::simple().product("Q", "").line("Q", "I", "1").year("Q", "50").sensitivities().with(|tiny| tiny.data.products[1].price = None).assess();
    assert_eq!(open.ranges.margin_at_risk, None);
    assert!(open.ranges.missing.iter().any(|row| row.input == "contribution of one Q" && row.low.is_none()));
    // A missing spot price: 10 to 15 times, and it may decide.
    let spot = Tiny::simple().sensitivities().with(|tiny| own(tiny, "spot", "10", "1", None)).assess();
    assert!(spot.ranges.missing.iter().any(|row| row.mend.contains("spot_price_factor") && row.low == Some(10.0)));
}
