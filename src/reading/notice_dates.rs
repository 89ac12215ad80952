//! Which date of a notice is which, once each has its role: the one of a kind, those of single parts, those that are told and do not count.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{
    cues::{DateRole, PartRole},
    date_roles::RoledDate,
    dates::Precision,
    part_roles::RoledPart,
    prose::{COULD_COUNT, Doubts, SURE, found},
};
use crate::domain::{
    document::{Document, Format},
    notice::{Found, Notice, NoticeKind, OtherDate},
    part::normal_mpn,
};

/// Gives each date its field. Last orders count only where the part itself ends: those of a change notice are of old material.
pub(super) fn sort_dates(document: &Document, dates: &[RoledDate], parts: &[RoledPart], notice: &mut Notice, doubts: &mut Doubts) {
    let ends = notice.kind == NoticeKind::Pdn;
    for date in dates {
        let field = match date.role {
            DateRole::Issue => "issue_date",
            DateRole::Buy => "last_time_buy",
            DateRole::Ship => "last_time_ship",
            DateRole::Effective | DateRole::None => "other_dates",
        };
        let printed = document.slice(date.span);
        let used = ends || date.role == DateRole::Issue;
        if date.confidence < SURE && matches!(date.role, DateRole::Issue | DateRole::Buy | DateRole::Ship) && used {
            doubts.add(field, format!("{printed} is probably the {} date, but not surely ({:.0} %)", date.role.name(), date.confidence * 100.0));
        }
        if matches!(date.role, DateRole::Effective | DateRole::None) {
            for (role, field) in [(DateRole::Issue, "issue_date"), (DateRole::Buy, "last_time_buy"), (DateRole::Ship, "last_time_ship")] {
                let p = DateRole::ALL.iter().position(|known| *known == role).and_then(|at| date.probabilities.get(at)).copied().unwrap_or(0.0);
                if p >= COULD_COUNT && (ends || role == DateRole::Issue) {
                    doubts.add(field, format!("{printed} could be the {} date", role.name()));
                }
            }
        }
        if let Precision::Swappable(other) = date.precision
            && date.role != DateRole::None
            && used
        {
            doubts.add(field, format!("{printed} was read as {}, but could be {other}", date.date));
        }
    }
    notice.issue_date = issued(document, dates, doubts).or_else(|| mailed(document, dates));
    if ends {
        for role in [DateRole::Buy, DateRole::Ship] {
            of_parts(document, dates, parts, role, notice);
        }
        let buys = notice.parts.iter().filter_map(|part| part.last_time_buy.clone()).min_by_key(|date| date.value);
        let ships = notice.parts.iter().filter_map(|part| part.last_time_ship.clone()).min_by_key(|date| date.value);
        notice.last_time_buy = earliest(buys, single(document, dates, DateRole::Buy, "last_time_buy", doubts));
        notice.last_time_ship = earliest(ships, single(document, dates, DateRole::Ship, "last_time_ship", doubts));
    }
    for date in dates {
        let inferred = matches!(date.precision, Precision::Month | Precision::After(..));
        let counted = match date.role {
            DateRole::Issue => true,
            DateRole::Buy | DateRole::Ship => ends,
            DateRole::Effective | DateRole::None => false,
        };
        let other = OtherDate { role: date.role.name().to_owned(), date: found(document, date.span, date.date, date.confidence, inferred) };
        if inferred && date.role != DateRole::None {
            notice.inferred_dates.push(other);
        } else if !counted && !inferred {
            notice.other_dates.push(other);
        }
    }
}

/// Dates in the rows of a table of parts are those of the row's parts.
fn of_parts(document: &Document, dates: &[RoledDate], parts: &[RoledPart], role: DateRole, notice: &mut Notice) {
    for date in dates.iter().filter(|date| date.role == role && is_printed(date)) {
        let Some(row) = date.row else { continue };
        let in_row: Vec<String> =
            parts.iter().filter(|part| part.row == Some(row) && part.role == PartRole::Affected).map(|part| normal_mpn(&part.printed)).collect();
        for part in notice.parts.iter_mut().filter(|part| in_row.contains(&normal_mpn(&part.mpn.value))) {
            let slot = if role == DateRole::Buy { &mut part.last_time_buy } else { &mut part.last_time_ship };
            *slot = Some(found(document, date.span, date.date, date.confidence, false));
        }
    }
}

fn is_printed(date: &RoledDate) -> bool {
    matches!(date.precision, Precision::Day | Precision::Swappable(_))
}

/// The one date of a role outside tables of parts; of several different ones the earliest, and a doubt.
fn single(document: &Document, dates: &[RoledDate], role: DateRole, field: &str, doubts: &mut Doubts) -> Option<Found<Date>> {
    let by_day = by_day(dates, role);
    let outside: Vec<&&RoledDate> = by_day.values().filter(|date| date.row.is_none()).collect();
    if outside.len() > 1 {
        let days: Vec<String> = outside.iter().map(|date| date.date.to_string()).collect();
        doubts.add(field, format!("the notice gives {} dates: {}; the earliest counts until a person decides", days.len(), days.join(" and ")));
    }
    let first = outside.first().copied().or_else(|| by_day.values().next())?;
    Some(found(document, first.span, first.date, first.confidence, false))
}

/// The date of issue: the surest; of equally sure ones the one that stands first, where a letter and a list of its revisions have the newest. Another one that is about as sure
/// is a doubt.
fn issued(document: &Document, dates: &[RoledDate], doubts: &mut Doubts) -> Option<Found<Date>> {
    const AS_SURE: f64 = 0.05;
    let by_day = by_day(dates, DateRole::Issue);
    let most = by_day.values().map(|date| date.confidence).fold(0.0, f64::max);
    let mut surest: Vec<&&RoledDate> = by_day.values().filter(|date| date.confidence >= most - AS_SURE).collect();
    surest.sort_by_key(|date| date.span.start);
    let issued = surest.first()?;
    if let Some(other) = surest.get(1) {
        doubts.add("issue_date", format!("the notice gives {} and {} as its date; the first counts until a person decides", issued.date, other.date));
    }
    Some(found(document, issued.span, issued.date, issued.confidence, false))
}

/// Printed dates of a role by day, each at its surest place.
fn by_day(dates: &[RoledDate], role: DateRole) -> BTreeMap<Date, &RoledDate> {
    let mut by_day: BTreeMap<Date, &RoledDate> = BTreeMap::new();
    for date in dates.iter().filter(|date| date.role == role && is_printed(date)) {
        let best = by_day.entry(date.date).or_insert(date);
        if date.confidence > best.confidence {
            *best = date;
        }
    }
    by_day
}

/// A mail that prints no date of issue is as old as itself. One that was forwarded says when it was forwarded, which needs a person.
fn mailed(document: &Document, dates: &[RoledDate]) -> Option<Found<Date>> {
    const OWN: f64 = 0.9;
    const FORWARDED: f64 = 0.5;
    let head = document.text.find("Date: ").filter(|at| document.format == Format::Mail && document.text[..*at].lines().count() <= 3)?;
    let end = head + document.text[head..].find('\n').unwrap_or(document.text.len() - head);
    let date = dates.iter().find(|date| date.span.start as usize > head && date.span.end as usize <= end && is_printed(date))?;
    let subject = document.title.map_or("", |title| document.slice(title)).to_lowercase();
    let is_forwarded = ["fw:", "fwd:", "wg:", "tr:", "rv:", "re:", "aw:"].iter().any(|sign| subject.starts_with(sign));
    Some(found(document, date.span, date.date, if is_forwarded { FORWARDED } else { OWN }, false))
}

fn earliest(one: Option<Found<Date>>, other: Option<Found<Date>>) -> Option<Found<Date>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.value < one.value { other } else { one }),
        (one, other) => one.or(other),
    }
}
