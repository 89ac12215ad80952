//! What serves the requirement without anybody doing anything: usable stock and the open orders that will really ship, and the day on which it is used up.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    Input,
    affected::{Affected, name},
    reporting::float,
    requirement::{Calendar, Requirement, days_between, weeks_after},
    why::{self, FigureInput, Notes},
};
use crate::domain::{
    factory::{Item, Stock},
    part::normal_mpn,
};

/// Pieces that are there from a day on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Supply {
    pub day: Date,
    pub pieces: f64,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Cover {
    /// In order of their day.
    pub supplies: Vec<Supply>,
    pub stock: f64,
    pub orders: f64,
    /// What the stock on hand was written down by in earlier periods, in the item's currency.
    pub written_down: Decimal,
    pub inputs: Vec<FigureInput>,
}

/// Whose part a row of stock is.
enum Bound {
    /// To no source in particular.
    No,
    Ending,
    Other(usize),
    /// To a part that is not approved, or not qualified: it serves nothing.
    Unusable,
}

impl Cover {
    /// The usable part of the item's rows in the stock file.
    pub fn of(input: &Input<'_>, affected: &Affected, rows: &[&Stock], notes: &mut Notes) -> Cover {
        let mut cover = Cover::default();
        for row in rows {
            cover.add(input, affected, row, notes);
        }
        cover.supplies.sort_by_key(|supply| supply.day);
        cover
    }

    fn add(&mut self, input: &Input<'_>, affected: &Affected, row: &Stock, notes: &mut Notes) {
        let item = &input.factory.data.items[affected.item];
        let place = why::at(&row.at);
        let bound = bound(input, affected, row);
        let (on_hand, on_order) = (float(row.on_hand).max(0.0), float(row.on_order).max(0.0));
        if matches!(bound, Bound::Unusable) {
            if on_hand + on_order > 0.0 {
                let part = [row.maker.as_deref(), row.mpn.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
                notes.need(format!(
                    "stock of {} bound to {part} ({place}) is not counted: it is not a qualified source of the item in aml.csv",
                    item.item
                ));
            }
            return;
        }
        if on_hand > 0.0 {
            let location = row.location.as_deref().map_or_else(String::new, |location| format!(" at {location}"));
            self.stock += on_hand;
            self.written_down += written_down(row, item);
            self.supplies.push(Supply { day: input.as_of, pieces: on_hand });
            self.inputs.push(FigureInput::new(format!("on hand{location}"), why::pieces(on_hand), place.clone()));
        }
        if on_order > 0.0 {
            match arrival(input, affected, row, &bound, notes) {
                Ok(day) => {
                    self.orders += on_order;
                    self.supplies.push(Supply { day, pieces: on_order });
                    self.inputs.push(FigureInput::new(format!("on order, there on {day}"), why::pieces(on_order), place));
                }
                Err(why) => self.inputs.push(FigureInput::new(format!("on order, not counted: {why}"), why::pieces(on_order), place)),
            }
        }
    }

    pub fn pieces(&self) -> f64 {
        self.supplies.iter().map(|supply| supply.pieces).sum()
    }

    /// What is there by the end of a day.
    pub fn until(&self, day: Date) -> f64 {
        self.supplies.iter().filter(|supply| supply.day <= day).map(|supply| supply.pieces).sum()
    }

    /// The first day that cannot be served, each month's requirement being used at a steady rate; `None` when all is served.
    pub fn runs_out(&self, requirement: &Requirement, calendar: Calendar) -> Option<Date> {
        let mut needed = 0.0;
        for (index, kinds) in requirement.months().into_iter().enumerate() {
            let (first, last) = calendar.days(index);
            let days = days_between(first, last) + 1.0;
            let month: f64 = kinds.iter().sum();
            let mut day = first;
            for passed in 1..=days as u32 {
                let by_then = needed + month * f64::from(passed) / days;
                if by_then > self.until(day) + 1e-9 * by_then.max(1.0) {
                    return Some(day);
                }
                day = day.tomorrow().ok()?;
            }
            needed += month;
        }
        None
    }
}

/// What a row of stock was written down by before, and not more than it cost.
pub(super) fn written_down(row: &Stock, item: &Item) -> Decimal {
    let before = row.written_down.unwrap_or_default().max(Decimal::ZERO);
    item.unit_cost.and_then(|cost| cost.checked_mul(row.on_hand)).map_or(before, |cost| before.min(cost.max(Decimal::ZERO)))
}

fn bound(input: &Input<'_>, affected: &Affected, row: &Stock) -> Bound {
    if row.maker.is_none() && row.mpn.is_none() {
        return Bound::No;
    }
    let (factory, aml) = (input.factory, &input.factory.data.aml);
    let aliases = factory.aliases();
    let of_row = |source: &usize| {
        let entry = &aml[*source];
        row.maker.as_deref().is_none_or(|maker| aliases.key(maker) == aliases.key(&entry.maker))
            && row.mpn.as_deref().is_none_or(|mpn| normal_mpn(mpn) == normal_mpn(&entry.mpn))
    };
    let sources = factory.sources(affected.item);
    // Stock of an ending source serves whether or not the list calls it qualified: it is what the factory builds with.
    if affected.sources.iter().any(of_row) {
        return Bound::Ending;
    }
    sources.into_iter().filter(|source| aml[*source].qualified).find(of_row).map_or(Bound::Unusable, Bound::Other)
}

/// The day an order is there, or why it is not counted.
fn arrival(input: &Input<'_>, affected: &Affected, row: &Stock, bound: &Bound, notes: &mut Notes) -> Result<Date, String> {
    let item = &input.factory.data.items[affected.item];
    let place = why::at(&row.at);
    if let Bound::Other(source) = bound
        && affected.delivering.contains(source)
    {
        let entry = &input.factory.data.aml[*source];
        return Err(format!("it belongs to the share that {} delivers", name(entry)));
    }
    if let Some(day) = row.due.filter(|day| *day >= input.as_of) {
        if matches!(bound, Bound::Ending)
            && let Some(ship) = affected.last_time_ship.filter(|ship| day > *ship)
        {
            let why = format!("due on {day}, after the last-time-ship date {ship}");
            notes.need(format!("an open order of {} ({place}) is {why}: have it confirmed or moved forward; it is not counted", item.item));
            return Err(why);
        }
        return Ok(day);
    }
    let overdue = row.due.map_or_else(|| "has no due date".to_owned(), |due| format!("was due on {due}"));
    match item.lead_time_weeks {
        Some(weeks) => {
            let day = weeks_after(input.as_of, float(weeks));
            notes.assume(format!(
                "an open order of {} {overdue} ({place}): it counts as there after the lead time of {weeks} weeks, on {day}",
                item.item
            ));
            Ok(day)
        }
        None => {
            let why = format!("it {overdue} and the item has no lead time");
            notes.need(format!(
                "an open order of {} {overdue} and the item has no lead time ({place}): give one of them; the order is not counted",
                item.item
            ));
            Err(why)
        }
    }
}
