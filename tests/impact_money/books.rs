//! The accounting view adds up: to the cost, to the cash, and from quarter to quarter.

use lastbuy::{
    domain::{
        factory::{DemandKind, Standard},
        money::Money,
    },
    impact::{Accounting, LAST_TIME_BUY},
};
use proptest::prelude::*;

use super::{
    answer, eur, own,
    tiny::{Tiny, decimal},
};

fn of<'a>(assessment: &'a lastbuy::impact::Assessment, name: &str) -> &'a Accounting {
    assessment.accounting.iter().find(|of| of.answer == name).unwrap_or_else(|| panic!("{name} is not in the books"))
}

fn row(of: &Accounting, name: &str) -> Vec<i64> {
    of.lines.iter().find(|line| line.name == name).map_or_else(Vec::new, |line| line.amounts.iter().map(|amount| amount.minor()).collect())
}

#[test]
fn an_order_is_inventory_on_receipt_and_its_excess_is_accrued_before() {
    // 16 weeks of lead time: ordered in the first quarter, there on 2027-04-23, in the second.
    let assessment = Tiny::simple().with(|tiny| tiny.data.items[1].lead_time_weeks = Some(decimal("16"))).assess();
    let books = of(&assessment, LAST_TIME_BUY);
    assert_eq!(books.quarters, ["FY2027 Q1", "FY2027 Q2", "FY2027 Q3", "FY2027 Q4"]);
    // 1,600 ordered, 1,400 needed: 200 too many at 2.00 less 0.20. At the end 307.6330 are left over: 553.74 in all.
    assert_eq!(row(books, "accrued loss on firm orders"), [-36_000, 36_000, 0, 0]);
    assert_eq!(row(books, "write-down of the excess over forecast"), [0, -36_000, 0, -19_374]);
    let amounts = |line: &lastbuy::impact::AccountingLine| line.amounts.iter().map(|amount| amount.minor()).collect::<Vec<_>>();
    assert_eq!(amounts(&books.accrued), [36_000, 0, 0, 0]);
    // 3,200 until June, when the first of it is used; of 2,584.73 used in seven months, one in June.
    assert_eq!(amounts(&books.inventory)[..2], [320_000, 320_000 - 36_000 - 36_925]);
    assert_eq!(amounts(&books.inventory)[3], 0);
    // All of holding is paid where there is no discount rate.
    assert!(books.capital.total.is_zero());
    assert_eq!(Some(books.profit.total), eur("-1658.22"));
}

#[test]
fn what_is_used_of_a_written_down_excess_comes_back_by_the_standard() {
    // Stock for the whole forecast: what is ordered on top is excess, and part of it is used when demand is high.
    let with = |standard: Standard| {
        let tiny = Tiny::simple().with(|tiny| {
            tiny.data.site.accounting = standard;
            tiny.data.stock[0].on_hand = decimal("2300");
            tiny.data.products[0].contribution = Some(decimal("60"));
        });
        tiny.assess()
    };
    let (ifrs, us) = (with(Standard::Ifrs), with(Standard::UsGaap));
    let (ifrs, us) = (of(&ifrs, LAST_TIME_BUY).clone(), of(&us, LAST_TIME_BUY).clone());
    let (reversal, cheaper) = (row(&ifrs, "reversal of the write-down"), row(&us, "material: written-down pieces used"));
    assert!(reversal.iter().sum::<i64>() > 0, "{:?}", ifrs.lines);
    assert_eq!(reversal, cheaper);
    assert!(row(&us, "reversal of the write-down").is_empty());
    // Never more than was written down.
    let written_down: i64 = row(&ifrs, "write-down of the excess over forecast").iter().sum();
    assert!(reversal.iter().sum::<i64>() <= -written_down);
    assert_eq!(ifrs.profit.total, us.profit.total);
}

#[test]
fn a_redesign_strands_the_stock_of_its_siblings() {
    let with = |reuse: Option<&'static str>| {
        Tiny::simple()
            .item("S", "3")
            .line("B", "S", "1")
            .stock("S", "2000")
            .with(|tiny| {
                own(tiny, "redesign_assembly", "1000", "26", Some("1"));
                tiny.data.site.redesign_reuse_ratio = reuse.map(decimal);
            })
            .assess()
    };
    let line = |assessment: &lastbuy::impact::Assessment| {
        let redesign = answer(assessment, lastbuy::impact::REDESIGN);
        redesign.lines.iter().find(|line| line.name == "stock stranded by it").and_then(|line| line.amount)
    };
    // In place on 2027-07-02: 600 + 100 / 31 units are built before, one S each; 2,000 − 603.2258 are left at 3.00 less 0.30.
    assert_eq!(line(&with(None)), eur("3771.29"));
    assert_eq!(line(&with(Some("0.5"))), eur("1885.65"));
    // S stands elsewhere too: it is not stranded, and neither is what stands on it alone.
    let free = Tiny::simple().item("S", "3").line("B", "S", "1").stock("S", "2000").product("Z", "1").line("Z", "S", "1");
    let free = free.with(|tiny| own(tiny, "redesign_assembly", "1000", "26", Some("1"))).assess();
    assert_eq!(line(&free), None);
}

/// 1,000 pieces at 2.00, of which 1,500.00 were written down; all are needed.
fn written_down_before(standard: Standard, on_hand: &'static str) -> Tiny {
    Tiny::simple().with(|tiny| {
        tiny.data.site.accounting = standard;
        tiny.data.stock[0].on_hand = decimal(on_hand);
        tiny.data.stock[0].written_down = Some(decimal("1500"));
    })
}

#[test]
fn an_earlier_write_down_is_taken_back_by_one_standard_and_not_by_the_other() {
    const BACK: &str = "reversal of earlier write-downs";
    const USED: &str = "material: stock at its restored cost used";
    let (ifrs, us) = (written_down_before(Standard::Ifrs, "1000").assess(), written_down_before(Standard::UsGaap, "1000").assess());
    let without = Tiny::simple().assess();
    for books in &ifrs.accounting {
        // Taken back at once, and used by the end of May, when stock ends: 300.00 a month.
        assert_eq!(row(books, BACK), [150_000, 0, 0, 0], "{}", books.answer);
        assert_eq!(row(books, USED), [-90_000, -60_000, 0, 0], "{}", books.answer);
        let plain = of(&without, &books.answer);
        assert_eq!((books.profit.total, &books.cash), (plain.profit.total, &plain.cash));
        assert_eq!(books.inventory.amounts[0].minor() - plain.inventory.amounts[0].minor(), 60_000);
        assert!(row(of(&us, &books.answer), BACK).is_empty() && row(of(&us, &books.answer), USED).is_empty());
    }
    assert!(us.assumptions.iter().any(|sentence| sentence.contains("US GAAP takes nothing back")), "{:?}", us.assumptions);
    assert!(ifrs.figures.iter().any(|figure| figure.name == "taken_back:do_nothing:I" && figure.value == "1,500.00 EUR"));
    // Half of 4,800 pieces is needed: half is taken back. What was written down is never more than the stock cost: 800 pieces at 2.00.
    let part = written_down_before(Standard::Ifrs, "4800").assess();
    let of_part = |assessment: &lastbuy::impact::Assessment| row(of(assessment, lastbuy::impact::DO_NOTHING), BACK).iter().sum::<i64>();
    assert_eq!(of_part(&part), 75_000);
    let capped = written_down_before(Standard::Ifrs, "600").assess();
    assert_eq!(of_part(&capped), 120_000);
}

#[test]
fn stranded_stock_is_not_written_down_twice() {
    let with = |before: Option<&'static str>| {
        let tiny = Tiny::simple().item("S", "3").line("B", "S", "1").stock("S", "2000").with(|tiny| {
            own(tiny, "redesign_assembly", "1000", "26", Some("1"));
            tiny.data.stock[1].written_down = before.map(decimal);
        });
        let assessment = tiny.assess();
        let redesign = answer(&assessment, lastbuy::impact::REDESIGN);
        redesign.lines.iter().find(|line| line.name == "stock stranded by it").and_then(|line| line.amount)
    };
    // 1,396.7742 of 2,000 pieces are left, which lose 3,771.29; of 1,000.00 written down before, 698.39 lie on them.
    assert_eq!(with(None), eur("3771.29"));
    assert_eq!(with(Some("1000")), eur("3072.90"));
    // Nothing is left to write down; it is no gain.
    assert_eq!(with(Some("6000")), None);
}

fn sum(amounts: &[Money]) -> i64 {
    amounts.iter().map(|amount| amount.minor()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_and_every_quarter_adds_up(
        contribution in 0_u32..60, stock in 0_u32..3500, lead in 0_u32..60, starts in 1_i8..13, standard in any::<bool>(), discount in prop::option::of(1_u32..20),
        committed in 0_u32..400, penalty in 0_u32..9, siblings in 0_u32..3000,
    ) {
        let tiny = Tiny::simple()
            .demand("P", "2027-04", &committed.to_string(), DemandKind::Committed)
            .item("S", "3").line("B", "S", "1").stock("S", &siblings.to_string())
            .with(|tiny| {
                tiny.data.products[0].contribution = Some(decimal(&contribution.to_string()));
                tiny.data.products[0].penalty_per_unit = Some(decimal(&penalty.to_string()));
                tiny.data.stock[0].on_hand = decimal(&stock.to_string());
                tiny.data.items[1].lead_time_weeks = Some(decimal(&lead.to_string()));
                tiny.data.site.fiscal_year_starts = starts;
                tiny.data.site.accounting = if standard { Standard::Ifrs } else { Standard::UsGaap };
                tiny.data.site.discount_rate = discount.map(|percent| decimal(&format!("0.{percent:02}")));
                tiny.data.site.spot_price_factor = Some(decimal("7"));
                own(tiny, "redesign_assembly", "2500", "30", Some("1"));
                own(tiny, "complex_substitute", "900", "20", Some("1"));
                own(tiny, "spot", "50", "1", None);
            });
        let assessment = tiny.assess();
        prop_assert!(assessment.accounting.len() >= 5);
        for books in &assessment.accounting {
            let answer = answer(&assessment, &books.answer);
            let cost = answer.total_cost.expect("known").minor();
            prop_assert_eq!(books.profit.total.minor() + books.capital.total.minor(), -cost, "{}", &books.answer);
            let rows = books.lines.iter().chain([&books.profit, &books.capital]).chain(&books.cash);
            for line in rows {
                prop_assert_eq!(sum(&line.amounts), line.total.minor(), "{} {}", &books.answer, &line.name);
            }
            let cash = books.cash.as_ref().expect("known");
            let mut before = 0;
            for quarter in 0..books.quarters.len() {
                let lines: i64 = books.lines.iter().map(|line| line.amounts[quarter].minor()).sum();
                prop_assert_eq!(lines, books.profit.amounts[quarter].minor());
                // profit − cash = change of inventory − change of accrued losses.
                let now = books.inventory.amounts[quarter].minor() - books.accrued.amounts[quarter].minor();
                prop_assert_eq!(books.profit.amounts[quarter].minor() - cash.amounts[quarter].minor(), now - before, "{} {}", &books.answer, quarter);
                before = now;
            }
            // By year as beside it: quarters of a year sum to its profit but for the cost of capital.
            let by_year: i64 = answer.profit_by_year.as_ref().expect("known").iter().map(|year| year.profit.minor()).sum();
            prop_assert_eq!(by_year, -cost);
        }
    }
}
