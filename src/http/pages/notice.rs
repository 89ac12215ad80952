//! A notice as it was received beside what was read in it: every value points at its place in the text, and the text marks every value.

use serde::de::DeserializeOwned;

use super::{
    Shell,
    language::Language,
    visible::{self, Run},
};
use crate::{
    domain::{
        document::{Document, Place, Span},
        event::{Digest, Event},
        id::EventId,
        job::{Step, Subject},
        notice::{Found, Notice, NoticeKind, Reading, Replacement},
    },
    http::{Service, problem::Problem},
    limits,
    store::JobFilter,
};

/// A reading beside its text.
pub struct Side {
    pub event: String,
    pub name: String,
    pub source: String,
    pub received: String,
    pub notices: Vec<Values>,
    pub doubts: Vec<String>,
    pub warnings: Vec<String>,
    pub reader: String,
    pub pages: Vec<PageText>,
    /// Bytes that are not shown.
    pub cut: Option<String>,
    /// Given up by retention.
    pub gone: bool,
}

/// What one notice says.
pub struct Values {
    pub title: String,
    pub confidence: String,
    pub rows: Vec<Value>,
    /// Parts past `limits::PAGE_VALUES_MAX`.
    pub more: usize,
}

pub struct Value {
    pub field: String,
    pub shown: String,
    /// As it stands in the text, where that is something else.
    pub printed: Option<String>,
    /// `high`, `middle`, `low`.
    pub level: &'static str,
    pub confidence: String,
    pub inferred: bool,
    /// Anchor of its mark, and the place in words.
    pub mark: Option<(String, String)>,
}

pub struct PageText {
    pub name: String,
    pub pieces: Vec<Piece>,
}

pub struct Piece {
    /// Where it begins in the text, in bytes.
    pub start: usize,
    /// Anchor and field of a marked value.
    pub mark: Option<(String, String)>,
    pub level: &'static str,
    pub runs: Vec<Run>,
}

/// What a step left as JSON, of the newest job about an event that has it.
pub fn result<T: DeserializeOwned>(service: &Service, event: EventId, step: Step) -> Result<Option<T>, Problem> {
    let about = JobFilter { subject: Some(Subject::Event(event)), ..JobFilter::default() };
    let newest = service.store.jobs(&about, None, limits::LIST_ROWS_MAX)?.iter().filter(|job| job.pins.is_empty()).find_map(|job| job.result(step));
    match newest {
        Some(digest) => stored(service, digest),
        None => Ok(None),
    }
}

fn stored<T: DeserializeOwned>(service: &Service, digest: Digest) -> Result<Option<T>, Problem> {
    let Some(bytes) = service.store.blob(digest)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| Problem::internal(format!("a stored result cannot be read: {error}")))
}

pub fn side(service: &Service, event: &Event, p: &Shell) -> Result<Side, Problem> {
    side_offering(service, event, p, &[])
}

/// The same with marks at places that a person may choose instead.
pub fn side_offering(service: &Service, event: &Event, p: &Shell, offered: &[Place]) -> Result<Side, Problem> {
    let gone = service.store.kept(event.id)?.expired_at.is_some();
    let document: Option<Document> = if gone { None } else { result(service, event.id, Step::Document)? };
    let reading: Option<Reading> = if gone { None } else { result(service, event.id, Step::Reading)? };
    let mut marks = Marks::default();
    let notices: Vec<Values> = reading.iter().flat_map(|reading| &reading.notices).map(|notice| values(notice, &mut marks, p.language)).collect();
    for place in offered {
        marks.add(place, p.t("review.offered"), "offered");
    }
    let (pages, cut) = document.as_ref().map_or_else(|| (Vec::new(), 0), |document| texts(document, &marks.settled()));
    let doubts = reading.iter().flat_map(|reading| reading.all_doubts());
    Ok(Side {
        event: event.id.to_string(),
        name: super::event_name(event),
        source: event.source.to_string(),
        received: p.language.moment(event.received_at),
        doubts: doubts.map(|doubt| visible::line(&doubt.reason)).collect(),
        warnings: document.iter().flat_map(|document| &document.warnings).map(|warning| visible::line(warning)).collect(),
        reader: reading.map_or_else(String::new, |reading| reading.provenance.reader),
        notices,
        pages,
        cut: (cut > 0).then(|| p.language.bytes(cut)),
        gone,
    })
}

/// Places that values point at; those that overlap share a mark.
#[derive(Default)]
struct Marks(Vec<(Span, String, &'static str)>);

impl Marks {
    fn add(&mut self, place: &Place, field: &str, level: &'static str) -> Option<(String, String)> {
        if place.span.start >= place.span.end {
            return None;
        }
        self.0.push((place.span, field.to_owned(), level));
        Some((anchor(place.span), format!("{}, {}:{}", visible::line(&place.page), place.line, place.column)))
    }

    /// In order and without overlap: the first of two that overlap stays, and takes the anchor of the other's beginning with it.
    fn settled(mut self) -> Vec<(Span, String, &'static str)> {
        self.0.sort_by_key(|(span, ..)| (span.start, std::cmp::Reverse(span.end)));
        let mut settled: Vec<(Span, String, &'static str)> = Vec::new();
        for mark in self.0 {
            match settled.last_mut() {
                Some((last, field, _)) if *last == mark.0 => {
                    if !field.contains(&mark.1) {
                        *field = format!("{field}, {}", mark.1);
                    }
                }
                Some((last, ..)) if last.end > mark.0.start => {}
                _ => settled.push(mark),
            }
        }
        settled
    }
}

pub fn anchor(span: Span) -> String {
    format!("at-{}", span.start)
}

/// The field's name in the reader's language; `key` is the one of the published notice.
pub fn field(language: Language, key: &str) -> String {
    language.found(&format!("field.{key}")).map_or_else(|| visible::line(key), str::to_owned)
}

fn level(confidence: f64) -> &'static str {
    match confidence {
        confidence if confidence >= 0.9 => "high",
        confidence if confidence >= 0.7 => "middle",
        _ => "low",
    }
}

fn values(notice: &Notice, marks: &mut Marks, language: Language) -> Values {
    let mut rows = vec![Value {
        field: field(language, "notice_type"),
        shown: kind(language, notice.kind),
        printed: None,
        level: level(notice.kind_confidence),
        confidence: language.percent(notice.kind_confidence),
        inferred: false,
        mark: None,
    }];
    let text = |value: &String| visible::line(value);
    let date = |value: &jiff::civil::Date| language.date(*value);
    let mut put = |key: &str, shown: String, of: &Meta<'_>| rows.push(row(language, marks, field(language, key), shown, of));
    for (key, found) in [("manufacturer", &notice.maker), ("notice_id", &notice.notice_id)] {
        if let Some(found) = found {
            put(key, text(&found.value), &meta(found));
        }
    }
    for (key, found) in [("issue_date", &notice.issue_date), ("last_time_buy", &notice.last_time_buy), ("last_time_ship", &notice.last_time_ship)] {
        if let Some(found) = found {
            put(key, date(&found.value), &meta(found));
        }
    }
    for other in notice.inferred_dates.iter().chain(notice.other_dates.iter().filter(|other| other.role != "none")) {
        let key = other.role.replace([' ', '-'], "_");
        put(&key, date(&other.date.value), &meta(&other.date));
    }
    for part in notice.parts.iter().take(limits::PAGE_VALUES_MAX) {
        put("affected_part", text(&part.mpn.value), &meta(&part.mpn));
        for (key, found) in [("last_time_buy", &part.last_time_buy), ("last_time_ship", &part.last_time_ship)] {
            if let Some(found) = found {
                put(key, date(&found.value), &meta(found));
            }
        }
        match &part.replacement {
            Replacement::Named(named) => named.iter().for_each(|found| put("replacement", text(&found.value), &meta(found))),
            Replacement::None(place) => put(
                "replacement",
                language.t("words.none").to_owned(),
                &Meta { printed: "", place, confidence: part.mpn.confidence, inferred: false },
            ),
            Replacement::Unsaid => {}
        }
    }
    Values {
        title: title(notice),
        confidence: language.percent(notice.confidence),
        rows,
        more: notice.parts.len().saturating_sub(limits::PAGE_VALUES_MAX),
    }
}

/// `PDN 2610-CAP`; a number that names its kind itself is not told twice.
fn title(notice: &Notice) -> String {
    let (kind, id) = (notice.kind.as_str(), notice.notice_id.as_ref().map_or("", |id| id.value.as_str()));
    visible::line(&if id.to_uppercase().starts_with(kind) { id.to_owned() } else { format!("{kind} {id}").trim_end().to_owned() })
}

pub fn kind(language: Language, kind: NoticeKind) -> String {
    language.found(&format!("kind.{}", kind.as_str().to_lowercase())).unwrap_or(kind.as_str()).to_owned()
}

/// All of a found value but the value.
struct Meta<'a> {
    printed: &'a str,
    place: &'a Place,
    confidence: f64,
    inferred: bool,
}

fn meta<T>(found: &Found<T>) -> Meta<'_> {
    Meta { printed: &found.printed, place: &found.place, confidence: found.confidence, inferred: found.inferred }
}

fn row(language: Language, marks: &mut Marks, field: String, shown: String, of: &Meta<'_>) -> Value {
    let printed = visible::short(of.printed, limits::PAGE_TITLE_CHARS_MAX);
    let level = level(of.confidence);
    Value {
        mark: marks.add(of.place, &field, level),
        printed: Some(printed).filter(|printed| !printed.is_empty() && *printed != shown),
        confidence: language.percent(of.confidence),
        level,
        inferred: of.inferred,
        field,
        shown,
    }
}

/// The pages of a text with their marks, and how many bytes are past `limits::PAGE_TEXT_BYTES_MAX`.
fn texts(document: &Document, marks: &[(Span, String, &'static str)]) -> (Vec<PageText>, u64) {
    let text = document.text.as_str();
    let mut end = text.len().min(limits::PAGE_TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let whole = Span::new(0, text.len());
    let mut pages: Vec<(String, Span)> = document.pages.iter().map(|page| (visible::line(&page.name), page.span)).collect();
    if pages.is_empty() {
        pages.push((String::new(), whole));
    }
    let shown = pages.into_iter().filter(|(_, span)| (span.start as usize) < end).map(|(name, span)| {
        let to = (span.end as usize).min(end);
        PageText { name, pieces: pieces(text, span.start as usize, to, marks) }
    });
    (shown.filter(|page| !page.pieces.is_empty()).collect(), (text.len() - end) as u64)
}

fn pieces(text: &str, from: usize, to: usize, marks: &[(Span, String, &'static str)]) -> Vec<Piece> {
    let (mut pieces, mut at) = (Vec::new(), from);
    let mut push = |from: usize, to: usize, mark: Option<(String, String)>, level: &'static str| {
        // A place that does not stand on the borders of characters is not the text's: it is left unmarked, and the text stays whole.
        let runs = visible::runs(text.get(from..to).unwrap_or(""));
        if !runs.is_empty() {
            pieces.push(Piece { start: from, mark, level, runs });
        }
    };
    for (span, field, level) in marks.iter().filter(|(span, ..)| span.start as usize >= from && span.end as usize <= to) {
        if text.get(span.range()).is_none() {
            continue;
        }
        push(at, span.start as usize, None, "");
        push(span.start as usize, span.end as usize, Some((anchor(*span), field.clone())), level);
        at = span.end as usize;
    }
    push(at, to, None, "");
    pieces
}

/// A field that copies of one notice tell differently.
pub struct Conflict {
    pub field: String,
    pub said: Vec<(String, String)>,
}

/// Where the notices of a case disagree. What one of them does not say is no conflict.
pub fn conflicts(readings: &[(EventId, Notice)], language: Language) -> Vec<Conflict> {
    type Told = fn(&Notice, Language) -> Option<String>;
    let fields: [(&str, Told); 6] = [
        ("notice_type", |notice, language| Some(kind(language, notice.kind))),
        ("manufacturer", |notice, _| notice.maker.as_ref().map(|found| visible::line(&found.value))),
        ("notice_id", |notice, _| notice.notice_id.as_ref().map(|found| visible::line(&found.value))),
        ("issue_date", |notice, language| notice.issue_date.as_ref().map(|found| language.date(found.value))),
        ("last_time_buy", |notice, language| notice.earliest_last_time_buy().map(|date| language.date(date))),
        ("last_time_ship", |notice, language| notice.last_time_ship.as_ref().map(|found| language.date(found.value))),
    ];
    let differ = fields.into_iter().filter_map(|(key, told)| {
        let said: Vec<(String, String)> = readings.iter().filter_map(|(event, notice)| Some((event.to_string(), told(notice, language)?))).collect();
        let differ = said.iter().any(|(_, value)| !value.eq_ignore_ascii_case(&said[0].1));
        differ.then(|| Conflict { field: field(language, key), said })
    });
    differ.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(start: usize, end: usize) -> (Span, String, &'static str) {
        (Span::new(start, end), "field".to_owned(), "high")
    }

    fn plain(pieces: &[Piece]) -> String {
        let runs = pieces.iter().flat_map(|piece| &piece.runs);
        runs.map(|run| match run {
            Run::Plain(text) | Run::Hidden(text) => text.as_str(),
        })
        .collect()
    }

    #[test]
    fn marks_cut_the_text_and_lose_nothing() {
        let text = "Teil LM317 endet am 30. März";
        let marks = Marks(vec![mark(20, 29), mark(5, 10), mark(5, 10), mark(7, 12)]).settled();
        assert_eq!(marks.iter().map(|(span, ..)| span.start).collect::<Vec<_>>(), [5, 20]);
        let cut = pieces(text, 0, text.len(), &marks);
        assert_eq!(plain(&cut), text);
        let marked: Vec<String> = cut.iter().filter(|piece| piece.mark.is_some()).map(|piece| plain(std::slice::from_ref(piece))).collect();
        assert_eq!(marked, ["LM317", "30. März"]);
    }

    #[test]
    fn a_place_that_is_not_in_the_text_breaks_nothing() {
        let text = "äöü";
        for marks in [vec![mark(1, 3)], vec![mark(0, 99)], vec![mark(6, 6)]] {
            assert_eq!(plain(&pieces(text, 0, text.len(), &marks)), text);
        }
    }
}
