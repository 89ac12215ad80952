//! The program and the plain re-computation agree on random small factories, to the cent.

use jiff::civil::date;
use lastbuy::{
    domain::factory::DemandKind,
    impact::{DO_NOTHING, LAST_TIME_BUY, SPOT},
};

use super::{
    answer, own,
    plain::recompute,
    tiny::{Tiny, decimal},
};

/// A small generator of our own: the factories are the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn in_(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }
}

/// One to four products over three levels of boards with scrap and yields, up to two years of demand of every kind, stock in several places and late orders.
fn factory(seed: u64) -> Tiny {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    (0..20).for_each(|_| {
        dice.below(2);
    });
    let mut tiny = Tiny::empty().item("I", &format!("{}.{:04}", dice.below(5), dice.in_(1, 9999))).source("I", "TI", "X1", "active", "").ends("X1");
    tiny.as_of = date(2027, 1, dice.in_(1, 28) as i8);
    let boards = dice.below(4);
    for board in 0..boards {
        let name = format!("B{board}");
        tiny = tiny.item(&name, "").line(&name, "I", &dice.in_(1, 6).to_string());
        if board > 0 && dice.below(2) == 0 {
            tiny = tiny.line(&name, &format!("B{}", dice.below(board)), &dice.in_(1, 2).to_string());
        }
    }
    for product in 0..dice.in_(1, 4) {
        let sku = format!("P{product}");
        tiny = tiny.product(&sku, &format!("{}.{:02}", dice.below(400), dice.in_(1, 99)));
        if dice.below(3) == 0 {
            tiny.data.products.last_mut().expect("product").penalty_per_unit = Some(decimal(&format!("{}.5", dice.below(20))));
        }
        let mut stands = false;
        for board in 0..boards {
            if dice.below(2) == 0 {
                tiny = tiny.line(&sku, &format!("B{board}"), &dice.in_(1, 3).to_string());
                stands = true;
            }
        }
        if !stands || dice.below(3) == 0 {
            tiny = tiny.line(&sku, "I", &dice.in_(1, 4).to_string());
        }
        let (months, steady) = (dice.in_(1, 24), dice.in_(1, 300));
        let cv = ["0", "0.1", "0.25", "0.4"][dice.below(4) as usize];
        for month in 0..months {
            let period = format!("{}-{:02}", 2027 + month / 12, month % 12 + 1);
            tiny = tiny.demand(&sku, &period, &(steady + dice.below(50)).to_string(), DemandKind::Forecast);
            tiny.data.demand.last_mut().expect("demand").cv = Some(decimal(cv));
            if dice.below(6) == 0 {
                tiny = tiny.demand(&sku, &period, &dice.in_(1, 80).to_string(), DemandKind::Committed);
            }
            if dice.below(6) == 0 {
                tiny = tiny.demand(&sku, &period, &dice.in_(1, 20).to_string(), DemandKind::Spares);
            }
        }
    }
    for line in &mut tiny.data.bom {
        line.scrap = (dice.below(3) == 0).then(|| decimal(&format!("0.0{}", dice.in_(1, 9))));
    }
    for item in &mut tiny.data.items {
        item.yield_ratio = (dice.below(3) == 0).then(|| decimal(&format!("0.9{}", dice.in_(1, 9))));
    }
    let item = &mut tiny.data.items[0];
    item.moq = (dice.below(3) == 0).then(|| decimal(&dice.in_(1, 4000).to_string()));
    item.order_multiple = (dice.below(3) == 0).then(|| decimal(&dice.in_(1, 500).to_string()));
    for _ in 0..dice.below(3) {
        tiny = tiny.stock("I", &dice.below(15_000).to_string());
    }
    for _ in 0..dice.below(3) {
        let due = date(2027, 2, 1).checked_add(jiff::Span::new().days(dice.below(500) as i64)).expect("day");
        tiny = tiny.order("I", &dice.in_(1, 6000).to_string(), Some(due));
    }
    tiny.case.last_time_ship = None;
    tiny.data.site.fiscal_year_starts = dice.in_(1, 12) as i8;
    tiny.data.site.holding_rate = Some(decimal(&format!("0.{:02}", dice.in_(5, 40))));
    tiny.data.site.salvage_ratio = Some(decimal(&format!("0.{:02}", dice.below(30))));
    tiny.data.site.spot_price_factor = Some(decimal(&dice.in_(2, 20).to_string()));
    own(&mut tiny, "spot", "100", "1", None);
    tiny
}

#[test]
fn a_second_computation_agrees_to_the_cent() {
    let factories = if std::env::var_os("LASTBUY_SOAK").is_some() { 20_000 } else { 1_000 };
    let (mut short, mut ordered, mut spread) = (0, 0, 0);
    for seed in 0..factories {
        let tiny = factory(seed);
        let (assessment, plain) = (tiny.assess(), recompute(&tiny, "I"));
        let item = &assessment.items[0];
        let minor = |name: &str| answer(&assessment, name).total_cost.map(|cost| cost.minor());
        assert!((item.requirement.expect("known") - plain.requirement).abs() < 1e-3, "requirement of factory {seed}");
        assert_eq!(item.runs_out, plain.runs_out, "day of factory {seed}");
        assert_eq!(assessment.headline.margin_at_risk.map(|margin| margin.minor()), Some(plain.margin), "margin at risk of factory {seed}");
        assert_eq!(minor(DO_NOTHING), Some(plain.nothing), "doing nothing in factory {seed}");
        assert_eq!(minor(SPOT), Some(plain.spot), "spot market of factory {seed}");
        let order = &item.last_time_buy;
        assert_eq!((order.quantity, order.deterministic), (Some(plain.quantity), Some(plain.deterministic)), "order of factory {seed}");
        assert_eq!(order.cost.map(|cost| cost.minor()), Some(plain.order_price), "price of the order of factory {seed}");
        assert_eq!(minor(LAST_TIME_BUY), Some(plain.last_time_buy), "last-time buy of factory {seed}");
        short += usize::from(plain.margin > 0);
        ordered += usize::from(plain.quantity > 0.0);
        spread += usize::from(assessment.products.len() > 2);
    }
    // The factories are not all alike.
    assert!(
        short > factories as usize / 3 && ordered > factories as usize / 4 && spread > factories as usize / 5,
        "{short} {ordered} {spread} of {factories}"
    );
}
