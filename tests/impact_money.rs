//! Money that a controller would sign: the simulation, the books, what each input does, several parts together, and the whole computed a second time by a plain
//! programme written from the formulas alone.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

#[path = "common/tiny.rs"]
mod tiny;

#[path = "impact_money/books.rs"]
mod books;
#[path = "impact_money/inputs.rs"]
mod inputs;
#[path = "impact_money/joint.rs"]
mod joint;
#[path = "impact_money/plain.rs"]
mod plain;
#[path = "impact_money/second.rs"]
mod second;
#[path = "impact_money/trials.rs"]
mod trials;

use lastbuy::{
    domain::{
        factory::AnswerCost,
        money::{Currency, Money},
    },
    impact::{Answer, Assessment},
};
use tiny::{Tiny, decimal};

fn eur(amount: &str) -> Option<Money> {
    Some(Money::round(decimal(amount), Currency::EUR).expect("money"))
}

fn answer<'a>(assessment: &'a Assessment, name: &str) -> &'a Answer {
    assessment.answers.iter().find(|answer| answer.name == name).unwrap_or_else(|| panic!("no answer '{name}'"))
}

/// What an answer costs here, how long it takes, and how likely it succeeds.
fn own(tiny: &mut Tiny, key: &str, cost: &str, weeks: &str, probability: Option<&str>) {
    let own = AnswerCost {
        cost: decimal(cost),
        currency: Currency::EUR,
        weeks: decimal(weeks),
        probability: probability.map(decimal),
        price_factor: Some(decimal("1.2")),
    };
    tiny.data.site.answers.insert(key.to_owned(), own);
}
