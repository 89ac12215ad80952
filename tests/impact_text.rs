//! A statement as people read it.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

#[path = "common/tiny.rs"]
mod tiny;
#[path = "report/workbook.rs"]
mod workbook;

use jiff::civil::date;
use lastbuy::{
    cli::{
        impact_export,
        impact_text::{text, why_text},
    },
    domain::{
        factory::{AnswerCost, DemandKind},
        money::{Currency, Money},
        notice::NoticeKind,
    },
    impact::AnswerRisk,
};
use tiny::{Tiny, decimal};

/// Two items, one with an alternate that ends itself, an undated order, an unknown part, three years of demand.
fn rich() -> Tiny {
    let years = ["2028", "2029"].iter().flat_map(|year| (1..=12).map(move |month| format!("{year}-{month:02}")));
    years
        .fold(Tiny::simple(), |tiny, period| tiny.demand("P", &period, "80", DemandKind::Forecast))
        .product("Q", "25")
        .line("Q", "I", "1")
        .year("Q", "40")
        .demand("Q", "2027-02", "15", DemandKind::Committed)
        .item("J", "0.000213")
        .line("Q", "J", "4")
        .source("J", "TI", "X2", "active", "0.000213")
        .source("J", "Acme", "Y2", "NRND", "0.0003")
        .stock("J", "400")
        .order("I", "600", None)
        .ends("X2")
        .ends("ZZ9999")
        .with(|tiny| {
            let own = AnswerCost { cost: decimal("45000"), currency: Currency::EUR, weeks: decimal("40"), probability: None, price_factor: None };
            tiny.data.site.answers.insert("redesign_assembly".to_owned(), own);
        })
}

#[test]
fn a_statement_reads_from_the_headline_to_what_was_taken_for_granted() {
    let statement = text(&rich().assess());
    let at = |words: &str| statement.find(words).unwrap_or_else(|| panic!("'{words}' is missing:\n{statement}"));
    let order = [
        "Margin at risk",
        "What needs a person",
        "The answers side by side",
        "Parts known here",
        "I  Item I",
        "J  Item J",
        "Profit and loss",
        "Financial risk",
        "Taken for granted",
    ];
    let places: Vec<usize> = order.iter().map(|words| at(words)).collect();
    assert!(places.is_sorted(), "{order:?} are not in order:\n{statement}");
    for words in [
        "ZZ9999",
        "2 parts known, 1 part unknown",
        "Last-time buy",
        "Do nothing",
        "0.000213 EUR",
        "░",
        "█",
        "is not active: 'NRND'",
        "there after the lead time",
    ] {
        at(words);
    }
    let widest = statement.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    assert!(widest <= 140, "{widest} columns: {}", statement.lines().find(|line| line.chars().count() == widest).unwrap_or_default());
}

#[test]
fn a_notice_that_ends_nothing_says_so_and_asks_for_nothing() {
    let statement = text(&Tiny::simple().with(|tiny| tiny.case.kind = NoticeKind::Pcn).assess());
    assert!(statement.contains("the part goes on"), "{statement}");
    assert!(!statement.contains("side by side") && !statement.contains("What needs a person"), "{statement}");
}

#[test]
fn unknown_is_written_as_a_word() {
    let statement = text(&Tiny::simple().with(|tiny| tiny.case.parts.clear()).ends("ZZ9999").assess());
    assert!(statement.contains("Margin at risk  unknown") && statement.contains("Best answer     unknown"), "{statement}");
    let statement = text(&Tiny::simple().with(|tiny| tiny.data.products[0].contribution = None).assess());
    assert!(statement.contains("Margin at risk  unknown"), "{statement}");
    assert!(!statement.contains("0.00 EUR  unknown"), "{statement}");
}

#[test]
fn why_shows_formula_and_inputs_or_the_names_there_are() {
    let assessment = rich().with(|tiny| tiny.case.last_time_buy = Some(date(2027, 6, 30))).assess();
    let why = why_text(&assessment, "margin_at_risk").expect("a figure");
    assert!(why.contains("products.csv line 2") && why.contains("× contribution per unit"), "{why}");
    let of_item = why_text(&assessment, "last_time_buy_quantity:I").expect("a figure");
    assert!(of_item.contains("critical ratio") && of_item.contains("site.toml"), "{of_item}");
    // Without the item: that of every item.
    let of_all = why_text(&assessment, "last_time_buy_quantity").expect("figures");
    assert!(of_all.contains("last_time_buy_quantity:I") && of_all.contains("last_time_buy_quantity:J"), "{of_all}");
    let error = why_text(&assessment, "profit").expect_err("no such figure");
    assert!(error.contains("'profit'") && error.contains("margin_at_risk"), "{error}");
    assert!(why_text(&assessment, "list").is_ok_and(|list| list.contains("answer_cost:do_nothing")));
}

#[test]
fn a_spreadsheet_reads_every_figure_and_no_formula() {
    let renamed = |tiny: &mut Tiny| {
        let rename = |sku: &mut String| {
            if sku == "Q" {
                "=Q".clone_into(sku);
            }
        };
        tiny.data.products.iter_mut().for_each(|product| rename(&mut product.sku));
        tiny.data.bom.iter_mut().for_each(|line| rename(&mut line.parent));
        tiny.data.demand.iter_mut().for_each(|demand| rename(&mut demand.sku));
    };
    let assessment = rich().with(renamed).assess();
    let text = impact_export::csv(&assessment).expect("csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("row")).collect();
    assert!(rows.iter().all(|row| row.len() == 7));
    let cells = || rows.iter().flat_map(|row| row.iter());
    assert!(cells().any(|cell| cell == "'=Q") && !cells().any(|cell| cell.starts_with(['=', '+', '@'])));
    // Every line of every answer is there, and the lines sum to the total in the file as well.
    for answer in &assessment.answers {
        let of = |figure: &str| rows.iter().filter(|row| &row[1] == answer.name.as_str() && &row[2] == figure).collect::<Vec<_>>();
        let sum: Option<rust_decimal::Decimal> = answer.lines.iter().map(|line| of(&line.name)[0][4].parse::<rust_decimal::Decimal>().ok()).sum();
        assert_eq!(sum, of("total_cost")[0][4].parse().ok(), "{}", answer.name);
        assert_eq!(answer.total_cost.is_none(), &of("total_cost")[0][4] == "unknown");
    }
}

#[test]
fn a_spreadsheet_has_the_risk_of_every_answer_or_says_that_it_is_unknown() {
    let rows = |tiny: Tiny| {
        let assessment = tiny.assess();
        let text = impact_export::csv(&assessment).expect("csv");
        let rows: Vec<csv::StringRecord> = csv::Reader::from_reader(text.as_bytes()).records().map(|row| row.expect("row")).collect();
        (assessment, rows)
    };
    let (assessment, with) = rows(Tiny::simple().risks(1000).with(|tiny| tiny.data.site.downtime_cost_per_week = Some(decimal("700"))));
    let (_, without) = rows(Tiny::simple());
    let value = |rows: &[csv::StringRecord], answer: &str, figure: &str| {
        let row = rows.iter().find(|row| &row[0] == "answer" && &row[1] == answer && &row[2] == figure);
        row.unwrap_or_else(|| panic!("no {figure} of {answer}"))[4].to_owned()
    };
    for answer in &assessment.answers {
        let amount = |of: fn(&AnswerRisk) -> Money| answer.risk.as_ref().map_or_else(|| "unknown".to_owned(), |risk| of(risk).amount().to_string());
        type Of = fn(&AnswerRisk) -> Money;
        let expected: [(&str, Of); 5] = [
            ("npv_p10", |risk| risk.npv.p10),
            ("npv_p50", |risk| risk.npv.p50),
            ("npv_p90", |risk| risk.npv.p90),
            ("npv_cvar", |risk| risk.npv.cvar),
            ("line_down_cost", |risk| risk.line_down_cost.expect("the site says what a week costs")),
        ];
        for (figure, of) in expected {
            assert_eq!(value(&with, &answer.name, figure), amount(of), "{figure} of {}", answer.name);
            assert_eq!(value(&without, &answer.name, figure), "unknown", "{figure} of {}", answer.name);
        }
        let share = answer.risk.as_ref().map_or_else(|| "unknown".to_owned(), |risk| risk.line_down_probability.to_string());
        assert_eq!(value(&with, &answer.name, "line_down_probability"), share);
    }
    assert!(with.iter().any(|row| &row[2] == "why it is the best" && row[4].contains("expected present value")));
    assert!(with.iter().any(|row| &row[0] == "simulation" && &row[2] == "trials" && &row[4] == "1000"));
}

#[test]
fn purchasing_gets_what_it_needs_to_order() {
    let assessment = Tiny::simple().assess();
    let text = impact_export::order(&assessment).expect("csv").expect("an order");
    let rows: Vec<Vec<String>> =
        csv::Reader::from_reader(text.as_bytes()).records().map(|row| row.expect("row").iter().map(str::to_owned).collect()).collect();
    let buy = &assessment.items[0].last_time_buy;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0][0].as_str(), rows[0][2].as_str(), rows[0][4].as_str()), ("I", "TI X1", "2"));
    assert_eq!(rows[0][3], buy.quantity.expect("quantity").to_string());
    assert_eq!(rows[0][5], buy.cost.expect("cost").amount().to_string());
    assert_eq!((rows[0][6].as_str(), rows[0][7].as_str()), ("EUR", "2027-06-30"));
    // Too late to order: no request.
    let late = Tiny::simple().with(|tiny| tiny.case.last_time_buy = Some(date(2026, 1, 31))).assess();
    assert!(impact_export::order(&late).expect("csv").is_none());
}
