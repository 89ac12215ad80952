//! Stock that was written down in earlier periods and is needed after all, because no more of it can be bought.
//!
//! Under IFRS what is needed of it is carried at cost again, at most what was written down (IAS 2.33): income on the day of the statement, and a dearer piece when it is
//! used. Under US GAAP the lower amount is the new cost and nothing is taken back (ASC 330-10-35-14): the cheaper piece is in the plan already. So in the sum over all
//! quarters both come to nothing, and no cash moves; what differs is which quarter shows the profit.

use rust_decimal::Decimal;

use super::{
    Exposed, World,
    course::Takeover,
    draft::Finished,
    ledger::{Class, negated},
    reporting::decimal,
    requirement::weeks_after,
    timing::When,
    why::{self, FigureInput},
};
use crate::domain::factory::Standard;

/// Enters in the books of an answer what it takes back, and tells it once in the statement.
pub(super) fn enter(world: &mut World<'_>, items: &[Exposed], finished: &mut Finished) -> Result<(), String> {
    for exposed in items.iter().filter(|exposed| !exposed.cover.written_down.is_zero() && exposed.cover.stock > 0.0) {
        let row = &world.input.factory.data.items[exposed.affected.item];
        let item = row.item.clone();
        let what = format!("stock of {item} written down before");
        let price = world.reporting.price(&what, exposed.cover.written_down, row.currency, "stock.csv written_down");
        let before = match price {
            Ok(price) => price,
            Err(error) => {
                world.notes.need(format!("What was written down before is not in the books: {error}"));
                continue;
            }
        };
        if world.site().accounting == Standard::UsGaap {
            world.notes.assume(format!("{what} stays written down: US GAAP takes nothing back (ASC 330-10-35-14)"));
            continue;
        }
        let calendar = world.plan.calendar;
        let leg = finished.course.legs.iter().find(|leg| leg.item == exposed.affected.item);
        let needed = match leg.map(|leg| leg.takeover) {
            Some(Takeover::After(weeks)) => exposed.requirement.before(calendar, weeks_after(calendar.as_of, weeks)),
            _ => exposed.requirement.clone(),
        };
        let share = (needed.pieces() / exposed.cover.stock).min(1.0);
        let taken_back = world.reporting.money(before.amount.checked_mul(decimal(share)?).ok_or("a write-down is too large to be held exactly")?)?;
        let served = exposed.runs_out.and_then(|day| day.yesterday().ok());
        let out = served.or_else(|| needed.last_day(calendar)).map_or(0, |day| calendar.index(day));
        let used = needed.last_day(calendar).map_or(out, |day| calendar.index(day).min(out));
        finished.books.take_back(taken_back, When::Over(0, used))?;
        let pieces = why::pieces(needed.pieces().min(exposed.cover.stock));
        let name = finished.answer.name.to_lowercase().replace([' ', '-'], "_");
        world.notes.figure(
            format!("taken_back:{name}:{item}"),
            taken_back.grouped(),
            "what was written down before × share of that stock which is needed; at most what was written down (IAS 2.33)",
            vec![
                before.input,
                FigureInput::new("pieces needed of the stock", pieces, format!("figure requirement:{item}")),
                FigureInput::new("pieces in stock", why::pieces(exposed.cover.stock), format!("figure cover:{item}")),
            ],
        );
    }
    Ok(())
}

/// The part of an earlier write-down that lies on pieces left over: they are not written down a second time.
pub(super) fn on_left(written_down: Decimal, on_hand: f64, left: f64) -> Result<Decimal, String> {
    if written_down.is_zero() || on_hand <= 0.0 {
        return Ok(Decimal::ZERO);
    }
    written_down.checked_mul(decimal((left / on_hand).clamp(0.0, 1.0))?).ok_or_else(|| "a write-down is too large to be held exactly".to_owned())
}

impl super::ledger::Books {
    fn take_back(&mut self, amount: crate::domain::money::Money, used: When) -> Result<(), String> {
        self.entry(Class::PriorReversal, negated(amount)?, When::At(0))?;
        self.entry(Class::PriorUsed, amount, used)?;
        self.stock(amount, When::At(0))?;
        self.stock(negated(amount)?, used)
    }
}
