//! Structured feeds to notices, by code alone: the flat form, SiliconExpert's `pcn` and `partDetail` answers, and the earlier service's two alerts. Which it is shows in
//! its keys. Every value keeps its place in the JSON as it was sent.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::{ReadError, dates};
use crate::{
    domain::{
        document::{Document, Span},
        lifecycle::{is_active, kind_of},
        notice::{AffectedPart, Doubt, Found, Notice, NoticeKind, Replacement},
        part::normal_mpn,
    },
    limits,
};

pub(super) fn read(source: &str, document: &Document) -> Result<Vec<Notice>, ReadError> {
    let value: Value =
        serde_json::from_str(&document.text).map_err(|error| ReadError::Feed(format!("the body from {source} is not JSON: {error}")))?;
    let mut feed = Feed { document, at: 0 };
    let mut notices = if let Some(fields) = value.as_object().filter(|fields| fields.contains_key("affected_parts")) {
        vec![feed.flat(fields)]
    } else if let Some(results) = member(&value, "ResultDto") {
        each(results).filter_map(Value::as_object).map(|result| feed.part_detail(result)).collect()
    } else if let Some(records) = member(&value, "PCNData").filter(|_| member(&value, "PCNDto").is_some()) {
        feed.pcn(records)
    } else if let Some(fields) = value.as_object().filter(|fields| fields.contains_key("mpn") && fields.contains_key("alert_type")) {
        vec![feed.alert(fields, "manufacturer", "mpn", "alert_type")]
    } else if let Some(fields) = value.as_object().filter(|fields| fields.contains_key("part_number") && fields.contains_key("lifecycle_status")) {
        vec![feed.alert(fields, "manufacturer_code", "part_number", "lifecycle_status")]
    } else {
        return Err(ReadError::Feed(format!(
            "the JSON from {source} is of no known shape: expected affected_parts (assets/schema/notice.v1.json), SiliconExpert's PCNData or ResultDto, or an alert with mpn or part_number"
        )));
    };
    if notices.is_empty() {
        return Err(ReadError::Feed(format!("the feed from {source} holds no record")));
    }
    if notices.len() > limits::NOTICES_MAX {
        let all = notices.len();
        notices.truncate(limits::NOTICES_MAX);
        if let Some(first) = notices.first_mut() {
            first.doubts.push(doubt("document", format!("{all} notices were sent at once, only the first {} are kept", limits::NOTICES_MAX)));
        }
    }
    Ok(notices)
}

struct Feed<'a> {
    document: &'a Document,
    /// How far values were found, so that equal records in a row keep their own places.
    at: usize,
}

impl Feed<'_> {
    fn flat(&mut self, fields: &Map<String, Value>) -> Notice {
        let mut doubts = Vec::new();
        let kind = match text(fields, "notice_type").unwrap_or_default().to_uppercase().as_str() {
            "PDN" => NoticeKind::Pdn,
            "PCN" => NoticeKind::Pcn,
            "NRND" => NoticeKind::Nrnd,
            "OTHER" => NoticeKind::Other,
            "RETRACTION" => NoticeKind::Retraction,
            other => {
                doubts.push(doubt("notice_type", format!("'{other}' is not one of PDN, PCN, NRND, OTHER")));
                NoticeKind::Other
            }
        };
        let mut notice = Notice::of_kind(kind, 1.0);
        notice.maker = self.string(fields, "manufacturer");
        notice.notice_id = self.string(fields, "notice_id");
        notice.issue_date = self.date(fields, "issue_date", "issue_date", &mut doubts);
        notice.last_time_buy = self.date(fields, "last_time_buy", "last_time_buy", &mut doubts);
        notice.last_time_ship = self.date(fields, "last_time_ship", "last_time_ship", &mut doubts);
        let replacements = fields.get("replacements").and_then(Value::as_object);
        let listed = fields.get("affected_parts").map(|parts| each(parts).filter_map(Value::as_str).collect::<Vec<_>>()).unwrap_or_default();
        let from = self.key("affected_parts").unwrap_or(0);
        for mpn in listed.into_iter().map(str::trim).filter(|mpn| !mpn.is_empty()) {
            let part = self.affected(mpn, from);
            let replacement = match replacements.and_then(|replacements| replacements.get(mpn)) {
                None => Replacement::Unsaid,
                Some(Value::Null) => Replacement::None(self.document.place(self.value(mpn, self.key("replacements").unwrap_or(0)))),
                Some(named) => Replacement::Named(
                    each(named).filter_map(Value::as_str).map(|named| self.found(named, named, self.key("replacements").unwrap_or(0))).collect(),
                ),
            };
            let own = |key: &str| {
                let printed = fields.get(key)?.as_object()?.get(mpn)?.as_str()?;
                Some(self.found_value(dates::whole(printed)?, printed, self.key(key).unwrap_or(0)))
            };
            let (last_time_buy, last_time_ship) = (own("per_part_ltb"), own("per_part_lts"));
            notice.parts.push(AffectedPart { replacement, last_time_buy, last_time_ship, ..part });
        }
        notice.language = text(fields, "language").unwrap_or("en").to_owned();
        finish(notice, doubts)
    }

    /// `Result.PCNData`: one record or several, each about one part that was asked for, with its notices.
    fn pcn(&mut self, records: &Value) -> Vec<Notice> {
        let mut notices: Vec<Notice> = Vec::new();
        for record in each(records).filter_map(Value::as_object) {
            let asked = text(record, "ReqPartNumber").map(str::to_owned);
            let asked_at = self.at;
            for dto in record.get("PCNDto").into_iter().flat_map(each).filter_map(Value::as_object) {
                let mut doubts = Vec::new();
                let change = [text(dto, "TypeOfChange"), text(dto, "DescriptionOfChange")].into_iter().flatten().collect::<Vec<_>>().join(" ");
                let ends = ["LastTimeBuyDate", "LastShipDate"].iter().any(|key| text(dto, key).is_some());
                let kind = kind_of(&change).unwrap_or(if ends { NoticeKind::Pdn } else { NoticeKind::Pcn });
                let mut notice = Notice::of_kind(kind, 1.0);
                notice.notice_id = self.string(dto, "PCNNumber");
                notice.maker = self.string(dto, "Manufacturer");
                notice.issue_date = self.date(dto, "NotificationDate", "issue_date", &mut doubts);
                if kind == NoticeKind::Pdn {
                    notice.last_time_buy = self.date(dto, "LastTimeBuyDate", "last_time_buy", &mut doubts);
                    notice.last_time_ship = self.date(dto, "LastShipDate", "last_time_ship", &mut doubts);
                }
                match (&asked, text(dto, "AffectedProductName")) {
                    (Some(mpn), _) => notice.parts.push(self.affected(mpn, asked_at)),
                    (None, Some(mpn)) => notice.parts.push(self.affected(mpn, self.at)),
                    (None, None) => {}
                }
                let notice = finish(notice, doubts);
                // One notice about several parts comes as several records.
                match notices.iter_mut().find(|known| same_notice(known, &notice)) {
                    Some(known) => join(known, notice),
                    None => notices.push(notice),
                }
            }
        }
        notices
    }

    /// One `ResultDto` of `partDetail`: the part's life cycle and its newest discontinuance.
    fn part_detail(&mut self, result: &Map<String, Value>) -> Notice {
        let mut doubts = Vec::new();
        let section = |name: &str| result.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        let (summary, life, newest) = (section("SummaryData"), section("LifeCycleData"), section("PCNData"));
        let newest = newest.get("PCNDto").and_then(|dto| each(dto).next()).and_then(Value::as_object).cloned().unwrap_or_default();
        let stage = [text(&life, "PartStatus"), text(&life, "PartLifecycleStage")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let kind = kind_of(&stage).unwrap_or_else(|| {
            if !stage.is_empty() && !is_active(&stage) {
                doubts.push(doubt("notice_type", format!("the life cycle '{stage}' is not known")));
            }
            NoticeKind::Other
        });
        let mut notice = Notice::of_kind(kind, 1.0);
        notice.maker = self.string(&summary, "Manufacturer");
        if let Some(mpn) = text(&summary, "PartNumber") {
            notice.parts.push(self.affected(mpn, 0));
        }
        if kind == NoticeKind::Pdn {
            notice.notice_id = self.string(&newest, "LastEOLNumber").or_else(|| self.string(&newest, "LastPCNNumber"));
            notice.issue_date = self.date(&newest, "LastEOLDate", "issue_date", &mut doubts);
            let bought = self.date(&newest, "LastTimeBuyDate", "last_time_buy", &mut doubts);
            notice.last_time_buy = bought.or_else(|| self.date(&life, "LTBDate", "last_time_buy", &mut doubts));
            notice.last_time_ship = self.date(&newest, "LastShipDate", "last_time_ship", &mut doubts);
        }
        finish(notice, doubts)
    }

    /// An alert of the earlier service's clients: a maker, a part and a status.
    fn alert(&mut self, fields: &Map<String, Value>, maker: &str, mpn: &str, status: &str) -> Notice {
        let mut doubts = Vec::new();
        let printed = text(fields, status).unwrap_or_default();
        let kind = kind_of(printed).unwrap_or_else(|| {
            if !is_active(printed) {
                doubts.push(doubt("notice_type", format!("the status '{}' is not known", printed.chars().take(40).collect::<String>())));
            }
            NoticeKind::Other
        });
        let mut notice = Notice::of_kind(kind, 1.0);
        notice.maker = self.string(fields, maker);
        if let Some(mpn) = text(fields, mpn) {
            notice.parts.push(self.affected(mpn, 0));
        }
        finish(notice, doubts)
    }

    fn affected(&self, mpn: &str, from: usize) -> AffectedPart {
        AffectedPart { mpn: self.found(mpn, mpn, from), replacement: Replacement::Unsaid, last_time_buy: None, last_time_ship: None }
    }

    fn string(&mut self, fields: &Map<String, Value>, key: &str) -> Option<Found<String>> {
        let value = text(fields, key)?;
        self.at = self.key(key).unwrap_or(self.at);
        Some(self.found(value, value, self.at))
    }

    /// A date as feeds write it. What is there and is no day is a doubt, and never a guess.
    fn date(&mut self, fields: &Map<String, Value>, key: &str, field: &str, doubts: &mut Vec<Doubt>) -> Option<Found<Date>> {
        let printed = text(fields, key)?;
        let Some(date) = dates::whole(printed) else {
            doubts.push(doubt(field, format!("{key} is '{}', which is not one day", printed.chars().take(40).collect::<String>())));
            return None;
        };
        self.at = self.key(key).unwrap_or(self.at);
        Some(self.found_value(date, printed, self.at))
    }

    /// Where a key stands, from the last value on; at the beginning again for keys that come before it.
    fn key(&self, key: &str) -> Option<usize> {
        let quoted = format!("\"{key}\"");
        let text = &self.document.text;
        text[self.at..].find(&quoted).map(|at| self.at + at).or_else(|| text.find(&quoted))
    }

    /// Where a string stands from a place on: within its quotes where it is written without escapes, otherwise the place itself.
    fn value(&self, value: &str, from: usize) -> Span {
        let text = &self.document.text;
        let found = text[from..].find(&format!("\"{value}\"")).map(|at| from + at).or_else(|| text.find(&format!("\"{value}\"")));
        found.map_or_else(|| Span::new(from, from), |at| Span::new(at + 1, at + 1 + value.len()))
    }

    fn found(&self, value: &str, printed: &str, from: usize) -> Found<String> {
        self.found_value(value.trim().to_owned(), printed, from)
    }

    fn found_value<T>(&self, value: T, printed: &str, from: usize) -> Found<T> {
        let place = self.document.place(self.value(printed, from));
        Found { value, printed: printed.to_owned(), place, confidence: 1.0, inferred: false }
    }
}

/// The earliest date of a notice whose parts have dates of their own, and what a feed must say to pass.
fn finish(mut notice: Notice, mut doubts: Vec<Doubt>) -> Notice {
    if notice.kind != NoticeKind::Other {
        if notice.maker.is_none() {
            doubts.push(doubt("manufacturer", "the feed names no maker".to_owned()));
        }
        // What is taken back by its number need not be listed.
        let is_numbered = notice.kind == NoticeKind::Retraction && notice.notice_id.is_some();
        if notice.parts.is_empty() && !is_numbered {
            doubts.push(doubt("affected_parts", "the feed names no part".to_owned()));
        }
        if notice.parts.len() > limits::NOTICE_PARTS_MAX {
            doubts.push(doubt(
                "affected_parts",
                format!("{} parts were sent, only the first {} are kept", notice.parts.len(), limits::NOTICE_PARTS_MAX),
            ));
            notice.parts.truncate(limits::NOTICE_PARTS_MAX);
        }
    }
    if let (Some(buy), Some(ship)) = (&notice.last_time_buy, &notice.last_time_ship)
        && ship.value < buy.value
    {
        doubts.push(doubt("last_time_ship", format!("the last shipment ({}) would come before the last order ({})", ship.value, buy.value)));
    }
    let of_parts = notice.parts.iter().filter_map(|part| part.last_time_buy.clone()).min_by_key(|date| date.value);
    if let Some(earliest) = of_parts.filter(|date| notice.last_time_buy.as_ref().is_none_or(|known| date.value < known.value)) {
        notice.last_time_buy = Some(earliest);
    }
    notice.confidence = if doubts.is_empty() { 1.0 } else { 0.5 };
    notice.doubts = doubts;
    notice
}

fn same_notice(one: &Notice, other: &Notice) -> bool {
    let id = |notice: &Notice| notice.notice_id.as_ref().map(|id| super::ids::fold(&id.value));
    let maker = |notice: &Notice| notice.maker.as_ref().map(|maker| maker.value.to_uppercase());
    id(one).is_some() && id(one) == id(other) && maker(one) == maker(other) && one.kind == other.kind
}

fn join(known: &mut Notice, again: Notice) {
    for part in again.parts {
        if !known.parts.iter().any(|old| normal_mpn(&old.mpn.value) == normal_mpn(&part.mpn.value)) {
            known.parts.push(part);
        }
    }
    known.doubts.extend(again.doubts);
}

fn doubt(field: &str, reason: String) -> Doubt {
    Doubt { field: field.to_owned(), reason }
}

/// A member's text, where it is one and says something.
fn text<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    fields.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// An array's elements; a single object stands for an array of one (the feed's converter from XML writes it so).
fn each(value: &Value) -> std::slice::Iter<'_, Value> {
    match value {
        Value::Array(items) => items.iter(),
        Value::Null => [].iter(),
        single => std::slice::from_ref(single).iter(),
    }
}

/// The first member of this name, at any depth.
fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(name).or_else(|| fields.values().find_map(|value| member(value, name))),
        Value::Array(items) => items.iter().find_map(|value| member(value, name)),
        _ => None,
    }
}
