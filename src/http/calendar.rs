//! `GET /v1/calendar.ics`: the last-time-buy dates of all cases that are not closed, as an iCalendar feed (RFC 5545) that a plant's calendar subscribes to.
//!
//! A case has one entry, on the earliest day; a part with a later day of its own has another. Their UIDs stay the same when a revised notice moves the day,
//! so a calendar moves its entry instead of showing two.

use actix_web::{HttpResponse, web};
use icalendar::{Calendar, Component, Event, Property};
use jiff::civil::Date;

use super::{Service, pages, problem::Problem};
use crate::{
    domain::{
        case::{Case, CaseState},
        event::Digest,
        part::normal_mpn,
        time::At,
    },
    limits,
};

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/v1/calendar.ics", web::get().to(feed));
}

async fn feed(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    let text = web::block(move || calendar(&service)).await??;
    Ok(HttpResponse::Ok().content_type("text/calendar; charset=utf-8").body(text))
}

fn calendar(service: &Service) -> Result<String, Problem> {
    let mut calendar = empty();
    let mut entries = 0;
    for case in pages::known_cases(service)?.iter().filter(|case| !matches!(case.state, CaseState::Closed { .. })) {
        for event in events(case) {
            calendar.push(event);
            entries += 1;
        }
        if entries >= limits::CALENDAR_ENTRIES_MAX {
            break;
        }
    }
    Ok(calendar.to_string())
}

fn empty() -> Calendar {
    let mut calendar = Calendar::empty();
    calendar.append_property(Property::new("VERSION", "2.0")).append_property(Property::new("PRODID", "-//Lastbuy//EN")).name("Lastbuy");
    calendar
}

fn events(case: &Case) -> Vec<Event> {
    let Some(first) = case.last_time_buy() else { return Vec::new() };
    let uid = format!("{}.{}", case.id, case.opened_at.0);
    let parts: Vec<&str> = case.parts.iter().map(|part| part.mpn.as_str()).collect();
    let mut events = vec![event(case, first, &format!("{uid}@lastbuy"), &parts)];
    let later = case.parts.iter().filter(|part| part.last_time_buy.is_some_and(|day| day != first)).take(limits::CALENDAR_PARTS_MAX);
    events.extend(later.filter_map(|part| {
        let digest: String = Digest::of(normal_mpn(&part.mpn).as_bytes()).to_string().chars().take(16).collect();
        Some(event(case, part.last_time_buy?, &format!("{uid}.{digest}@lastbuy"), &[part.mpn.as_str()]))
    }));
    events
}

fn event(case: &Case, day: Date, uid: &str, parts: &[&str]) -> Event {
    const PARTS_NAMED: usize = 10;
    let named = parts.iter().take(PARTS_NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = if parts.len() > PARTS_NAMED { format!(" and {} more", parts.len() - PARTS_NAMED) } else { String::new() };
    let maker = case.maker.as_deref().unwrap_or("unknown maker");
    let next = day.tomorrow().unwrap_or(day);
    let mut event = Event::new();
    event
        .uid(uid)
        .summary(&shown(&format!("Last-time buy: {}, {}", case.title(), maker)))
        .description(&shown(&format!("{}: {named}{more}", case.id)))
        .append_property(Property::new("DTSTAMP", stamp(case.changed_at)))
        .append_property(Property::new("DTSTART", day.strftime("%Y%m%d").to_string()).add_parameter("VALUE", "DATE").done())
        .append_property(Property::new("DTEND", next.strftime("%Y%m%d").to_string()).add_parameter("VALUE", "DATE").done())
        // A day to remember, which keeps nobody busy.
        .append_property(Property::new("TRANSP", "TRANSPARENT"));
    event.done()
}

/// Text from a notice, without what would end a line of the feed or is not seen.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| !pages::is_hidden(*letter)).map(|letter| if letter == '\n' || letter == '\t' { ' ' } else { letter }).collect()
}

/// `20261124T124333Z`.
fn stamp(at: At) -> String {
    at.local(&jiff::tz::TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::{
        case::{CasePart, NamedReplacement},
        id::CaseId,
        notice::NoticeKind,
    };

    fn part(mpn: &str, last_time_buy: Option<Date>) -> CasePart {
        CasePart { mpn: mpn.to_owned(), replacement: NamedReplacement::Unsaid, last_time_buy, last_time_ship: None }
    }

    fn case(parts: Vec<CasePart>) -> Case {
        Case {
            id: CaseId(7),
            keys: Vec::new(),
            kind: NoticeKind::Pdn,
            maker: Some("Acme; Ltd,\r\nATTENDEE:evil".to_owned()),
            notice_id: Some("N-1".to_owned()),
            issue_date: None,
            last_time_buy: Some(date(2027, 6, 30)),
            last_time_ship: None,
            parts,
            events: Vec::new(),
            made_by: None,
            state: CaseState::Open,
            opened_at: At(1_763_988_213_365),
            changed_at: At(1_763_988_213_365),
            latest: None,
            headline: None,
        }
    }

    #[test]
    fn a_part_with_its_own_day_has_its_own_entry_and_uids_outlast_a_moved_day() {
        let of = |day| case(vec![part("LM317", None), part("NE555", Some(day))]);
        let uids = |case: &Case| events(case).iter().map(|event| event.get_uid().unwrap_or_default().to_owned()).collect::<Vec<_>>();
        let (before, after) = (uids(&of(date(2027, 9, 30))), uids(&of(date(2027, 12, 17))));
        assert_eq!(before.len(), 2);
        assert_eq!(before, after);
        assert_ne!(before[0], before[1]);
    }

    #[test]
    fn a_notice_cannot_write_lines_of_its_own() {
        let mut calendar = empty();
        events(&case(vec![part("LM317\nBEGIN:VALARM", None)])).into_iter().for_each(|event| {
            calendar.push(event);
        });
        let text = calendar.to_string();
        assert!(text.contains("DTSTART;VALUE=DATE:20270630"), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("ATTENDEE") || line.starts_with("BEGIN:VALARM")), "{text}");
        assert_eq!(text.matches("BEGIN:VEVENT").count(), 1);
    }
}
