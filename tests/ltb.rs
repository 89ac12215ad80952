//! The last-time-buy calculator through the program itself: the worked examples of the field, and what it says to nonsense.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

mod common;

use std::process::Command;

use common::{json, ok, said};
use serde_json::Value;

fn ltb(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastbuy"));
    command.arg("ltb").args(arguments.split_whitespace());
    command
}

fn computed(arguments: &str) -> Value {
    json(ltb(arguments).arg("--json"))
}

/// Each key lies within half a unit of the last digit written.
fn holds(answer: &Value, expected: &[(&str, f64, f64)]) {
    for (key, value, within) in expected {
        let found = answer[key].as_f64().unwrap_or_else(|| panic!("{key} is no number in {answer}"));
        assert!((found - value).abs() <= *within, "{key} is {found}, expected {value}: {answer}");
    }
}

#[test]
fn deterministic_sums() {
    let l1 = computed(
        "deterministic --per-year 2500 --years 4 --fleet 18000 --failure-rate 0.008 --support-years 10 --yield-loss 0.03 --engineering 200 --attrition 0.02 --factor 1.25 --multiple 500",
    );
    holds(
        &l1,
        &[
            ("production", 10_000.0, 1e-9),
            ("spares", 1440.0, 1e-9),
            ("yield_loss", 300.0, 1e-9),
            ("engineering", 200.0, 0.0),
            ("attrition", 238.8, 1e-9),
            ("subtotal", 12_178.8, 1e-9),
            ("with_factor", 15_223.5, 1e-9),
            ("quantity", 15_500.0, 0.0),
        ],
    );
    let l2 = computed(
        "deterministic --per-year 4000 --years 5 --fleet 30000 --failure-rate 0.006 --support-years 10 --engineering 1100 --factor 1.2 --multiple 500 --cost 0.40",
    );
    holds(&l2, &[("subtotal", 22_900.0, 1e-9), ("with_factor", 27_480.0, 1e-9), ("quantity", 27_500.0, 0.0), ("parts_cost", 11_000.0, 1e-9)]);
    let netted = computed("deterministic --per-year 1000 --years 1 --stock 300 --on-order 150 --moq 600 --multiple 250");
    holds(&netted, &[("quantity_exact", 550.0, 0.0), ("quantity", 750.0, 0.0)]);
    holds(&computed("deterministic --per-year 100 --years 1 --stock 300 --moq 600"), &[("quantity", 0.0, 0.0)]);
}

#[test]
fn reserve_by_age() {
    // E1: 1,000 at 0 %, 500 at 25 %, 200 at 50 %, 100 at 100 %, 20 each: 6,500 of 36,000, 18.06 %.
    let e1 = computed("reserve --cost 20 --tier 1000:0 --tier 500:0.25 --tier 200:0.5 --tier 100:1");
    holds(&e1, &[("units", 1800.0, 0.0), ("cost", 36_000.0, 0.0), ("reserve", 6500.0, 1e-9), ("reserve_share", 0.1806, 5e-5)]);
    holds(&computed("reserve --cost 20 --tier 0:0.5"), &[("reserve", 0.0, 0.0)]);
}

#[test]
fn normal_newsvendor() {
    let n1 = computed("newsvendor --dist normal --mean 3192 --sd 1181 --cost 110 --price 190 --salvage 90");
    holds(
        &n1,
        &[
            ("critical_ratio", 0.80, 1e-12),
            ("quantity", 4186.0, 0.0),
            ("expected_profit", 222_296.50, 0.005),
            ("expected_sales", 3060.16, 0.005),
            ("expected_lost", 131.84, 0.005),
            ("expected_leftover", 1125.84, 0.005),
        ],
    );
    assert!(n1["quantity"].is_u64(), "{n1}");
    // A penalty of b makes a missing piece dearer: Cu = 80 + 20, ratio 100 ÷ 120; a substitute that earns 20 takes it back.
    holds(
        &computed("newsvendor --dist normal --mean 3192 --sd 1181 --cost 110 --price 190 --salvage 90 --penalty 20"),
        &[("critical_ratio", 100.0 / 120.0, 1e-12)],
    );
    holds(
        &computed("newsvendor --dist normal --mean 3192 --sd 1181 --cost 110 --price 190 --salvage 90 --penalty 20 --substitute-margin 20"),
        &[("critical_ratio", 0.8, 1e-12), ("expected_profit", 222_296.50, 0.005)],
    );
}

#[test]
fn poisson_newsvendor() {
    let flags = "newsvendor --dist poisson --mean 4.5 --cost 32 --price 55 --salvage 20";
    holds(&computed(flags), &[("critical_ratio", 0.657, 0.0005), ("quantity", 5.0, 0.0), ("quantity_exact", 5.0, 0.0)]);
    holds(&computed(&format!("{flags} --at 4")), &[("expected_sales", 3.4119, 5e-5), ("quantity", 5.0, 0.0), ("evaluated_at", 4.0, 0.0)]);
    holds(&computed(&format!("{flags} --at 6")), &[("expected_leftover", 1.8231, 5e-5)]);
    holds(&computed(&format!("{flags} --at 8")), &[("expected_profit", 59.1347, 5e-5)]);
}

#[test]
fn lognormal_newsvendor() {
    holds(
        &computed("newsvendor --dist lognormal --mean 1000 --sd 600 --cost 72 --price 121 --salvage 50"),
        &[
            ("critical_ratio", 0.69, 0.005),
            ("quantity", 1129.0, 0.0),
            ("expected_profit", 33_850.63, 0.005),
            ("expected_sales", 826.60, 0.005),
            ("expected_lost", 173.40, 0.005),
            ("expected_leftover", 302.40, 0.005),
        ],
    );
}

#[test]
fn cost_form() {
    let flags = "newsvendor --dist normal --mean 50 --sd 8 --holding 0.18 --shortage 0.70";
    holds(&computed(flags), &[("quantity_exact", 56.603_955_927_433_89, 1e-11), ("expected_cost", 1.997_605_193_176_664_5, 1e-12)]);
    holds(&computed(&format!("{flags} --at 40")), &[("expected_cost", 7.356_131_552_870_388, 1e-12)]);
    holds(&computed(&format!("{flags} --at 60")), &[("expected_cost", 2.156_131_552_870_387, 1e-12)]);
}

#[test]
fn discrete_newsvendor_from_a_file() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("pmf.csv");
    std::fs::write(&path, "value,probability\n10,0.25\n20,0.5\n30,0.25\n").expect("write");
    // Cu = 6, Co = 2: ratio 0.75, and F(20) = 0.75 reaches it. At 20: sales 0.25·10 + 0.75·20 = 17.5, left 2.5, profit 6·17.5 − 2·2.5 = 100.
    let file = path.display();
    holds(
        &computed(&format!("newsvendor --dist discrete --pmf {file} --cost 4 --price 10 --salvage 2")),
        &[("critical_ratio", 0.75, 1e-12), ("quantity", 20.0, 0.0), ("expected_sales", 17.5, 1e-12), ("expected_profit", 100.0, 1e-12)],
    );
    for (text, says) in [("10,0.25\n20,0.5\n", "sum"), ("10,0.25\nmany,0.75\n", "line 2"), ("10,-1\n20,2\n", "probability"), ("", "no value")] {
        std::fs::write(&path, text).expect("write");
        let output = ltb(&format!("newsvendor --dist discrete --pmf {file} --cost 4 --price 10 --salvage 2")).output().expect("run");
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains(says), "'{says}' is missing: {}", said(&output));
    }
}

#[test]
fn lifetime_buy() {
    let flags = "lifetime --mean 30000 --sd 6000 --years 3 --cost 2 --salvage 0.20 --shortage-value 45";
    holds(
        &computed(&format!("{flags} --holding-rate 0.25")),
        &[
            ("k", 3.5, 1e-12),
            ("critical_ratio", 0.926_339, 5e-7),
            ("z", 1.449_058, 5e-7),
            ("quantity_exact", 38_694.35, 0.005),
            ("expected_lost", 197.295, 5e-4),
            ("expected_leftover", 8891.642, 5e-3),
            // V2: 0.25 · 2 · 30,000 · 3 / 2.
            ("holding_cost", 22_500.0, 1e-9),
        ],
    );
    holds(
        &computed(&format!("{flags} --discount-rate 0.10")),
        &[
            ("k", 2.699_718, 5e-7),
            ("critical_ratio", 0.944_203, 5e-7),
            ("quantity_exact", 39_546.40, 0.005),
            ("present_value_as_used", 51_836.36, 0.005),
            ("bought_now", 60_000.0, 0.0),
        ],
    );
    // Stock and open orders come off; the order is rounded up to what can be ordered: 38,694.35 − 12,000 = 26,694.35.
    holds(
        &computed(&format!("{flags} --holding-rate 0.25 --stock 10000 --on-order 2000 --moq 5000 --multiple 2500")),
        &[("quantity_exact", 26_694.35, 0.005), ("quantity", 27_500.0, 0.0), ("expected_lost", 197.295, 5e-4)],
    );
}

#[test]
fn a_piece_not_worth_its_cost_is_not_bought_and_that_is_said() {
    let flags = "lifetime --mean 30000 --sd 6000 --years 3 --cost 2 --holding-rate 0.25 --salvage 0.20 --shortage-value 3.5";
    let answer = computed(flags);
    holds(&answer, &[("quantity", 0.0, 0.0), ("expected_lost", 30_000.0, 1.0)]);
    assert!(answer["advice"].as_str().is_some_and(|advice| advice.contains("Do not buy the marginal unit")), "{answer}");
    assert!(ok(&mut ltb(flags)).contains("Do not buy the marginal unit"));
}

#[test]
fn mistakes_are_told_by_the_flag() {
    for (arguments, says) in [
        ("newsvendor", "--dist"),
        ("newsvendor --dist normal", "--mean"),
        ("newsvendor --dist normal --mean 10", "--sd"),
        ("newsvendor --dist normal --mean 10 --sd 2", "--cost"),
        ("newsvendor --dist normal --mean 10 --sd -2 --cost 1 --price 2 --salvage 0", "--sd"),
        ("newsvendor --dist normal --mean NaN --sd 2 --cost 1 --price 2 --salvage 0", "--mean"),
        ("newsvendor --dist normal --mean 10 --sd 2 --cost 3 --price 2 --salvage 0", "do not buy the marginal unit"),
        ("newsvendor --dist normal --mean 10 --sd 2 --cost 3 --price 4 --salvage 3", "--salvage"),
        ("newsvendor --dist poisson --mean 10 --sd 2 --cost 1 --price 2 --salvage 0", "--sd"),
        ("newsvendor --dist discrete --cost 1 --price 2 --salvage 0", "--pmf"),
        ("newsvendor --dist normal --mean 10 --sd 2 --shortage 1", "--holding"),
        ("newsvendor --dist normal --mean 10 --sd 2 --shortage 1 --holding 1 --price 3", "--price"),
        ("newsvendor --dist normal --mean 10 --sd 2 --shortage 0 --holding 1", "--shortage"),
        ("lifetime --mean 10 --sd 1 --years 2 --cost 1 --salvage 0 --shortage-value 9", "--holding-rate"),
        ("lifetime --mean 10 --sd 1 --years 2 --cost 1 --salvage 0 --shortage-value 9 --holding-rate 0.2 --discount-rate 0.1", "twice"),
        ("lifetime --mean 10 --sd 1 --years 2 --cost 1 --shortage-value 9 --holding-rate 0.2", "--salvage"),
        ("lifetime --mean 10 --sd 1 --years 2 --cost 1 --salvage 5 --shortage-value 9 --holding-rate 0.2", "--salvage"),
        ("deterministic --years 2", "--per-year"),
        ("deterministic --per-year 10 --years 2 --yield-loss 3", "--yield-loss"),
        ("deterministic --per-year 10 --years 2 --factor 0.5", "--factor"),
        ("deterministic --per-year -10 --years 2", "--per-year"),
        ("reserve --cost 20", "--tier"),
        ("reserve --tier 5:0.1", "--cost"),
        ("reserve --cost 20 --tier 5", "500:0.25"),
        ("reserve --cost 20 --tier 5:25", "500:0.25"),
    ] {
        let output = ltb(arguments).output().expect("run");
        assert_eq!(output.status.code(), Some(1), "{arguments}: {}", said(&output));
        assert!(said(&output).contains(says), "{arguments} does not say '{says}': {}", said(&output));
    }
}

#[test]
fn people_get_a_table() {
    let text = ok(&mut ltb("newsvendor --dist normal --mean 3192 --sd 1181 --cost 110 --price 190 --salvage 90"));
    assert!(text.contains("4,186") && text.contains("critical ratio") && text.contains("0.800000"), "{text}");
    assert!(text.contains("222,296.4972"), "{text}");
}
