//! What must hold for any factory: stock never hurts, unknown never becomes a figure, scarce pieces are all used, and a unit is lost once.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

#[path = "common/tiny.rs"]
mod tiny;

use lastbuy::{
    domain::{factory::DemandKind, money::Money},
    impact::Assessment,
};
use proptest::prelude::*;
use tiny::{Tiny, decimal};

/// Up to three products with a contribution and pieces of item I, a demand by month, stock, and perhaps a second ending item J.
#[derive(Debug, Clone)]
struct Shape {
    products: Vec<(u32, u32)>,
    demand: Vec<(usize, u32, u32, u8)>,
    stock: u32,
    second: Option<u32>,
}

prop_compose! {
    fn shape()(
        products in prop::collection::vec((0_u32..200, 1_u32..5), 1..4),
        demand in prop::collection::vec((0_usize..3, 1_u32..13, 1_u32..300, 0_u8..3), 1..25),
        stock in 0_u32..3000,
        second in prop::option::of(0_u32..500),
    ) -> Shape {
        Shape { products, demand, stock, second }
    }
}

fn tiny(shape: &Shape) -> Tiny {
    let mut tiny = Tiny::empty().item("I", "2").source("I", "TI", "X1", "active", "").stock("I", &shape.stock.to_string()).ends("X1");
    if let Some(stock) = shape.second {
        tiny = tiny.item("J", "1").source("J", "TI", "X2", "active", "").stock("J", &stock.to_string()).ends("X2");
    }
    for (index, (contribution, pieces)) in shape.products.iter().enumerate() {
        let sku = format!("P{index}");
        tiny = tiny.product(&sku, &contribution.to_string()).line(&sku, "I", &pieces.to_string());
        if shape.second.is_some() {
            tiny = tiny.line(&sku, "J", "1");
        }
        // A period of its own, so that no product is without demand.
        tiny = tiny.demand(&sku, "2027-01", "1", DemandKind::Forecast);
    }
    for (product, month, quantity, kind) in &shape.demand {
        let kind = [DemandKind::Forecast, DemandKind::Committed, DemandKind::Spares][usize::from(*kind)];
        tiny = tiny.demand(&format!("P{}", product % shape.products.len()), &format!("2027-{month:02}"), &quantity.to_string(), kind);
    }
    tiny
}

fn margin(assessment: &Assessment) -> Money {
    assessment.headline.margin_at_risk.expect("known")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn more_stock_never_raises_the_margin_at_risk(shape in shape(), more in 0_u32..1000) {
        let before = tiny(&shape).assess();
        let after = tiny(&Shape { stock: shape.stock + more, ..shape }).assess();
        prop_assert!(margin(&after).minor() <= margin(&before).minor());
        prop_assert!(after.items[0].runs_out.is_none() || after.items[0].runs_out >= before.items[0].runs_out);
    }

    #[test]
    fn scarce_pieces_are_all_used(shape in shape()) {
        let shape = Shape { second: None, ..shape };
        let assessment = tiny(&shape).assess();
        let item = &assessment.items[0];
        let lost: f64 = assessment.products.iter().zip(&shape.products).map(|(product, (_, pieces))| product.units_lost.expect("known") * f64::from(*pieces)).sum();
        let needed = item.requirement.expect("known");
        prop_assert!((lost - (needed - item.stock).max(0.0)).abs() < 1e-2, "{lost} lost of {needed} with {}", item.stock);
        prop_assert!((item.forecast + item.committed + item.spares - needed).abs() < 1e-3);
    }

    #[test]
    fn a_unit_is_lost_once(shape in shape()) {
        let assessment = tiny(&shape).assess();
        for product in &assessment.products {
            prop_assert!(product.units_lost.expect("known") <= product.units.expect("known") + 1e-3);
        }
        // What two items lose together is at least what one of them loses and at most all there is.
        let alone = tiny(&Shape { second: None, ..shape }).assess();
        prop_assert!(margin(&alone).minor() <= margin(&assessment).minor());
    }

    #[test]
    fn a_missing_margin_makes_the_sum_unknown_wherever_units_are_lost(shape in shape(), which in 0_usize..3) {
        let which = which % shape.products.len();
        let without = tiny(&shape).with(|tiny| tiny.data.products[which].contribution = None).assess();
        let lost = without.products[which].units_lost.expect("units are known");
        prop_assert_eq!(without.headline.margin_at_risk.is_none(), lost > 1e-6);
        if lost > 1e-6 {
            prop_assert_eq!(without.products[which].margin_lost, None);
            prop_assert!(without.needs.iter().any(|need| need.contains("has no contribution")));
        }
    }

    #[test]
    fn tables_add_up_and_the_text_can_be_written(shape in shape()) {
        let assessment = tiny(&shape).assess();
        let years = assessment.margin_lost_by_year.iter().map(|year| year.margin_lost.minor()).sum::<i64>();
        let products = assessment.products.iter().map(|product| product.margin_lost.expect("known").minor()).sum::<i64>();
        prop_assert_eq!((years, products), (margin(&assessment).minor(), margin(&assessment).minor()));
        for answer in &assessment.answers {
            let sum = answer.lines.iter().map(|line| line.amount.map(|amount| amount.minor())).sum::<Option<i64>>();
            prop_assert_eq!(sum, answer.total_cost.map(|total| total.minor()));
            let by_year = answer.profit_by_year.as_ref().map(|years| years.iter().map(|year| -year.profit.minor()).sum::<i64>());
            prop_assert_eq!(by_year, answer.total_cost.map(|total| total.minor()), "{}", &answer.name);
        }
        let json = serde_json::to_string(&assessment).expect("json");
        prop_assert_eq!(&serde_json::from_str::<Assessment>(&json).expect("back"), &assessment);
        prop_assert!(lastbuy::cli::impact_text::text(&assessment).contains("Margin at risk"));
    }

    #[test]
    fn a_dearer_shortage_never_buys_less(shape in shape(), more in 1_u32..500) {
        let quantity = |shape: &Shape| tiny(shape).assess().items[0].last_time_buy.quantity.expect("every input is there");
        // One product, so that the value at the margin is its own.
        let low = Shape { products: vec![shape.products[0]], second: None, ..shape };
        let high = Shape { products: vec![(low.products[0].0 + more, low.products[0].1)], ..low.clone() };
        prop_assert!(quantity(&high) >= quantity(&low));
        prop_assert!(decimal(&quantity(&low).to_string()).fract().is_zero());
    }
}
