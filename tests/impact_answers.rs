//! Each answer's cost, when it falls, and until when it can be chosen; figures computed by hand, in the comments.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

#[path = "common/tiny.rs"]
mod tiny;

use jiff::civil::date;
use lastbuy::{
    domain::{
        case::NamedReplacement,
        factory::AnswerCost,
        money::{Currency, Money},
    },
    impact::{
        AFTERMARKET, APPROVED_ALTERNATE, Answer, Assessment, COMPLEX_SUBSTITUTE, DO_NOTHING, END_PRODUCT, EXTENSION, LAST_TIME_BUY, REDESIGN,
        REDESIGN_SYSTEM, SIMPLE_SUBSTITUTE, SPOT,
    },
};
use tiny::{Tiny, decimal};

fn eur(amount: &str) -> Option<Money> {
    Some(Money::round(decimal(amount), Currency::EUR).expect("money"))
}

fn answer<'a>(assessment: &'a Assessment, name: &str) -> &'a Answer {
    assessment.answers.iter().find(|answer| answer.name == name).unwrap_or_else(|| panic!("no answer '{name}'"))
}

fn line(answer: &Answer, name: &str) -> Option<Money> {
    answer.lines.iter().find(|line| line.name == name).unwrap_or_else(|| panic!("no line '{name}' in {:?}", answer.lines)).amount
}

fn own(tiny: &mut Tiny, key: &str, cost: &str, weeks: &str, price_factor: Option<&str>) {
    let own = AnswerCost {
        cost: decimal(cost),
        currency: Currency::EUR,
        weeks: decimal(weeks),
        probability: Some(decimal("0.8")),
        price_factor: price_factor.map(decimal),
    };
    tiny.data.site.answers.insert(key.to_owned(), own);
}

#[test]
fn every_answer_of_the_field_is_beside_the_others() {
    let assessment = Tiny::simple().assess();
    let names: Vec<&str> = assessment.answers.iter().map(|answer| answer.name.as_str()).collect();
    let all = [
        APPROVED_ALTERNATE,
        LAST_TIME_BUY,
        SIMPLE_SUBSTITUTE,
        COMPLEX_SUBSTITUTE,
        AFTERMARKET,
        EXTENSION,
        REDESIGN,
        REDESIGN_SYSTEM,
        SPOT,
        END_PRODUCT,
        DO_NOTHING,
    ];
    assert_eq!(names, all);
    // Nothing is known of an offer, a candidate, a spot market: these cannot be chosen, and each says why.
    for (name, why) in [
        (SIMPLE_SUBSTITUTE, "No candidate for I is known"),
        (AFTERMARKET, "Nobody has offered it: enter [answers.aftermarket]"),
        (EXTENSION, "enter [answers.extension_of_production]"),
        (SPOT, "site.toml has no spot_price_factor"),
    ] {
        let answer = answer(&assessment, name);
        assert!(!answer.feasible && answer.why.contains(why), "{name}: {}", answer.why);
    }
    // No survey row and no figure of the site: unknown, not taken from another survey.
    let system = answer(&assessment, REDESIGN_SYSTEM);
    assert_eq!((system.total_cost, system.weeks, system.npv), (None, None, None));
    assert!(system.why.contains("the survey used has no row for it"), "{}", system.why);
}

#[test]
fn the_spot_market_costs_its_premium_when_the_part_is_used_up() {
    let assessment = Tiny::simple()
        .with(|tiny| {
            tiny.data.site.spot_price_factor = Some(decimal("10"));
            tiny.data.site.discount_rate = Some(decimal("0.08"));
            tiny.data.site.fiscal_year_starts = 10;
            own(tiny, "spot", "500", "1", None);
        })
        .assess();
    let spot = answer(&assessment, SPOT);
    // 1,400 pieces × 2.00 × 9 = 25,200, over the seven months June to December; and 500 of tests at once.
    assert_eq!((line(spot, "spot premium, I"), line(spot, "tests for counterfeits")), (eur("25200"), eur("500")));
    assert_eq!((spot.feasible, spot.total_cost, spot.peak_cash, spot.probability), (true, eur("25700"), eur("25700"), Some(0.8)));
    // Four of the months lie before October: 500 + 4 · 3,600; three after: 3 · 3,600.
    let years: Vec<(&str, Option<Money>)> =
        spot.profit_by_year.as_ref().expect("known").iter().map(|year| (year.year.as_str(), Some(year.profit))).collect();
    assert_eq!(years, [("FY2027", eur("-14900")), ("FY2028", eur("-10800"))]);
    let value = 500.0 + (5..12).map(|month| 3600.0 * (-0.08 * f64::from(month) / 12.0).exp()).sum::<f64>();
    let npv = spot.npv.expect("a discount rate is there").minor() as f64 / 100.0;
    assert!((npv + value).abs() < 0.011, "{npv} against {value}");
}

#[test]
fn a_substitute_needs_a_candidate_and_its_pieces_have_a_price() {
    let with = |price_factor: Option<&'static str>| {
        Tiny::simple()
            .with(|tiny| {
                tiny.case.parts[0].replacement = NamedReplacement::Named(vec!["X9".to_owned()]);
                own(tiny, "simple_substitute", "5000", "10", price_factor);
            })
            .assess()
    };
    let assessment = with(Some("1.5"));
    let substitute = answer(&assessment, SIMPLE_SUBSTITUTE);
    assert!(substitute.feasible && substitute.why.contains("To be qualified for I: X9."), "{}", substitute.why);
    // In place in March, and stock serves to the end of May: the remaining 1,400 pieces cost 1.00 more each.
    assert_eq!((line(substitute, "qualification"), line(substitute, "price difference, I")), (eur("5000"), eur("1400")));
    assert_eq!(substitute.weeks, Some(10.0));
    assert_eq!(substitute.last_day, Some(date(2027, 6, 30)));
    // Without a factor the price is unknown, and so is the cost: it is never taken as equal.
    let assessment = with(None);
    let substitute = answer(&assessment, SIMPLE_SUBSTITUTE);
    assert!(substitute.why.contains("gives no price_factor"), "{}", substitute.why);
    assert_eq!((line(substitute, "price difference, I"), substitute.total_cost), (None, None));
    // A listed source that waits for its qualification is a candidate, one that ends itself is none.
    for (lifecycle, feasible) in [("active", true), ("obsolete", false)] {
        let assessment = Tiny::simple()
            .source("I", "NXP", "Y1", lifecycle, "2")
            .with(|tiny| {
                tiny.data.aml[1].qualified = false;
                own(tiny, "simple_substitute", "5000", "10", None);
            })
            .assess();
        assert_eq!(answer(&assessment, SIMPLE_SUBSTITUTE).feasible, feasible, "{lifecycle}");
    }
}

#[test]
fn ending_a_product_strands_what_it_alone_uses() {
    let with_sibling = || Tiny::simple().item("S", "3").line("P", "S", "1").stock("S", "2000");
    let assessment = with_sibling().assess();
    let end = answer(&assessment, END_PRODUCT);
    // 500 of 1,200 P are built; of 2,000 S 1,500 are left, at 3.00 less 10 % salvage: 4,050. And 700 P at 10 are lost.
    assert_eq!((line(end, "stock stranded with it"), end.margin_lost, end.total_cost), (eur("4050"), eur("7000"), eur("11050")));
    // The salvage of 450 comes in in June; the margin, 1,000 a month, is missing until December.
    assert_eq!(end.peak_cash, eur("6550"));
    // Another product uses S as well: nothing is stranded.
    let shared = with_sibling().product("Q", "5").line("Q", "S", "1").assess();
    assert_eq!(answer(&shared, END_PRODUCT).total_cost, eur("7000"));
    // Without a price what is stranded is unknown, and so is the answer's cost.
    let unpriced = Tiny::simple().item("S", "").line("P", "S", "1").stock("S", "2000").assess();
    assert_eq!(answer(&unpriced, END_PRODUCT).total_cost, None);
    assert_eq!(answer(&unpriced, END_PRODUCT).npv, None);
}

#[test]
fn a_last_time_buy_ties_up_cash_and_gives_it_back() {
    let assessment = Tiny::simple().with(|tiny| tiny.data.site.discount_rate = Some(decimal("0.25"))).assess();
    let buy = answer(&assessment, LAST_TIME_BUY);
    assert_eq!(buy.last_day, Some(date(2027, 6, 30)));
    // All of holding is capital here, so the present value charges it and the payments hold none: at most the order, at once.
    assert_eq!(buy.peak_cash, buy.cash);
    let (npv, total) = (buy.npv.expect("known").minor(), buy.total_cost.expect("known").minor());
    assert!(npv < 0 && total > 0, "{npv} {total}");
    // Without a discount rate there is no present value, and the figure says what is missing.
    let without = Tiny::simple().assess();
    assert_eq!(answer(&without, LAST_TIME_BUY).npv, None);
    let figure = without.figures.iter().find(|figure| figure.name == "npv:last_time_buy").expect("figure");
    assert!(figure.inputs.iter().any(|input| input.value == "unknown" && input.from.contains("site.toml gives none")), "{figure:?}");
}

#[test]
fn an_alternate_must_be_taken_before_its_lead_time_is_gone() {
    let assessment = Tiny::simple().source("I", "NXP", "Y1", "active", "2.5").assess();
    let alternate = answer(&assessment, APPROVED_ALTERNATE);
    let weeks = alternate.weeks.expect("known") as i64;
    let day = date(2027, 6, 1).checked_sub(jiff::Span::new().weeks(weeks)).expect("day");
    assert!(weeks >= 4);
    assert_eq!(alternate.last_day, Some(day));
}

#[test]
fn a_statement_of_the_version_before_is_still_read() {
    let assessment = Tiny::simple().assess();
    let mut json = serde_json::to_value(&assessment).expect("json");
    let answers = json.get_mut("answers").and_then(serde_json::Value::as_array_mut).expect("answers");
    for answer in answers.iter_mut() {
        let answer = answer.as_object_mut().expect("answer");
        for field in ["probability", "probability_from", "last_day", "last_day_from", "profit_by_year", "npv", "peak_cash", "risk"] {
            assert!(answer.remove(field).is_some(), "{field}");
        }
    }
    let statement = json.as_object_mut().expect("statement");
    for field in ["choice", "simulation", "accounting", "sensitivities", "ranges", "joint"] {
        assert!(statement.remove(field).is_some(), "{field}");
    }
    let old: Assessment = serde_json::from_value(json).expect("read back");
    assert_eq!(answer(&old, DO_NOTHING).total_cost, answer(&assessment, DO_NOTHING).total_cost);
    assert_eq!(answer(&old, DO_NOTHING).profit_by_year, None);
    assert!(lastbuy::cli::impact_text::text(&old).contains("The answers side by side"));
}
