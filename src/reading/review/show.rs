//! What a person looks at: each value of a reading, why it is doubtful, and what else in the text could be meant.

use jiff::civil::Date;
use serde::Serialize;

use super::{DATES, meanings};
use crate::{
    domain::{
        document::{Document, Place, Span},
        maker::MakerAliases,
        notice::{Found, Notice, Reading, Replacement},
        part::normal_mpn,
    },
    limits,
    reading::{
        SiteKnowledge,
        dates::{self, DateCandidate},
        ids, language,
        layout::Layout,
        makers, parts,
    },
};

/// A place of the text with the words around it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spot {
    pub place: Place,
    pub printed: String,
    /// Up to `limits::REVIEW_AROUND_CHARS` characters before and after, of the same page.
    pub before: String,
    pub after: String,
}

/// What else could be meant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    pub value: String,
    #[serde(flatten)]
    pub spot: Spot,
    /// What it was read as, and how surely; `None`: as nothing that counts.
    pub read_as: Option<String>,
    pub probability: Option<f64>,
}

/// One value of a reading, or the want of one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// Number of the notice within the document, from 0.
    pub notice: usize,
    /// Its key in the flat form; `document` for doubts about the whole.
    pub field: String,
    /// Of several: the part it is about.
    pub part: Option<String>,
    pub value: Option<String>,
    pub spot: Option<Spot>,
    pub confidence: Option<f64>,
    pub inferred: bool,
    /// Why a person must look; empty: nobody must.
    pub doubts: Vec<String>,
    pub choices: Vec<Choice>,
}

fn spot(document: &Document, place: &Place) -> Spot {
    let page = document.pages.iter().rev().find(|page| page.span.start <= place.span.start).map_or(0..document.text.len(), |page| page.span.range());
    let text = document.text.as_str();
    let before = text.get(page.start..place.span.start as usize).unwrap_or("");
    let after = text.get(place.span.end as usize..page.end.max(place.span.end as usize)).unwrap_or("");
    let skipped = before.chars().count().saturating_sub(limits::REVIEW_AROUND_CHARS);
    Spot {
        place: place.clone(),
        printed: document.slice(place.span).to_owned(),
        before: before.chars().skip(skipped).collect(),
        after: after.chars().take(limits::REVIEW_AROUND_CHARS).collect(),
    }
}

/// Every value of a reading, the doubtful first, each with what else in the text could be meant.
pub fn fields(reading: &Reading, document: &Document, aliases: &MakerAliases, site: &SiteKnowledge) -> Vec<Field> {
    let layout = Layout::new(document);
    let found = Candidates::of(&layout, aliases, site);
    let mut all = Vec::new();
    let whole: Vec<&str> = reading.doubts.iter().map(|doubt| doubt.field.as_str()).collect();
    let mut seen = Vec::new();
    for name in whole {
        if !seen.contains(&name) {
            seen.push(name);
            let doubts = reading.doubts.iter().filter(|doubt| doubt.field == name).map(|doubt| doubt.reason.clone()).collect();
            all.push(Field { field: name.to_owned(), doubts, ..bare(0) });
        }
    }
    for (number, notice) in reading.notices.iter().enumerate() {
        all.extend(of_notice(number, notice, document, &found));
    }
    all.sort_by_key(|field| field.doubts.is_empty());
    all
}

fn bare(notice: usize) -> Field {
    Field {
        notice,
        field: String::new(),
        part: None,
        value: None,
        spot: None,
        confidence: None,
        inferred: false,
        doubts: Vec::new(),
        choices: Vec::new(),
    }
}

fn of_found<T: ToString>(notice: usize, field: &str, found: Option<&Found<T>>, document: &Document) -> Field {
    Field {
        field: field.to_owned(),
        value: found.map(|found| found.value.to_string()),
        spot: found.map(|found| spot(document, &found.place)),
        confidence: found.map(|found| found.confidence),
        inferred: found.is_some_and(|found| found.inferred),
        ..bare(notice)
    }
}

fn of_notice(number: usize, notice: &Notice, document: &Document, found: &Candidates) -> Vec<Field> {
    let mut fields = vec![Field {
        field: "notice_type".to_owned(),
        value: Some(notice.kind.as_str().to_owned()),
        confidence: Some(notice.kind_confidence),
        ..bare(number)
    }];
    fields.push(Field {
        choices: found.makers.iter().map(|candidate| named(document, candidate, notice.maker.as_ref(), "manufacturer")).collect(),
        ..of_found(number, "manufacturer", notice.maker.as_ref(), document)
    });
    fields.push(Field {
        choices: found.ids.iter().map(|candidate| named(document, candidate, notice.notice_id.as_ref(), "notice_id")).collect(),
        ..of_found(number, "notice_id", notice.notice_id.as_ref(), document)
    });
    let dates = [&notice.issue_date, &notice.last_time_buy, &notice.last_time_ship];
    for (name, date) in DATES.iter().zip(dates) {
        let choices = found.dates.iter().flat_map(|candidate| dated(document, candidate, notice)).take(limits::REVIEW_CHOICES_MAX).collect();
        fields.push(Field { choices, ..of_found(number, name, date.as_ref(), document) });
    }
    for part in &notice.parts {
        let own = Some(part.mpn.value.clone());
        fields.push(Field { part: own.clone(), ..of_found(number, "affected_parts", Some(&part.mpn), document) });
        match &part.replacement {
            Replacement::Unsaid => {}
            Replacement::None(place) => fields.push(Field {
                field: "replacements".to_owned(),
                part: own.clone(),
                value: Some("none".to_owned()),
                spot: Some(spot(document, place)),
                ..bare(number)
            }),
            Replacement::Named(named) => {
                fields.extend(named.first().map(|first| Field { part: own.clone(), ..of_found(number, "replacements", Some(first), document) }));
            }
        }
        for (name, date) in [("last_time_buy", &part.last_time_buy), ("last_time_ship", &part.last_time_ship)] {
            fields.extend(date.as_ref().map(|date| Field { part: own.clone(), ..of_found(number, name, Some(date), document) }));
        }
    }
    let is_affected = |printed: &str| notice.parts.iter().find(|part| normal_mpn(&part.mpn.value) == normal_mpn(printed));
    let choices = found.parts.iter().take(limits::REVIEW_CHOICES_MAX).map(|(span, printed)| {
        let read = is_affected(printed);
        Choice {
            value: printed.clone(),
            spot: spot(document, &document.place(*span)),
            read_as: read.map(|_| "affected_parts".to_owned()),
            probability: read.map(|part| part.mpn.confidence),
        }
    });
    fields.push(Field { field: "affected_parts".to_owned(), choices: choices.collect(), ..bare(number) });
    // A doubt stands at its field; what is about the list as a whole at the field that is about no part.
    for doubt in &notice.doubts {
        let about = |field: &&mut Field| field.field == doubt.field && field.part.as_ref().is_some_and(|part| doubt.reason.contains(part.as_str()));
        let whole = |field: &&mut Field| field.field == doubt.field && field.part.is_none();
        let at = fields.iter_mut().find(about).map(|field| field.doubts.push(doubt.reason.clone()));
        let at = at.or_else(|| fields.iter_mut().find(whole).map(|field| field.doubts.push(doubt.reason.clone())));
        if at.is_none() {
            fields.push(Field { field: doubt.field.clone(), doubts: vec![doubt.reason.clone()], ..bare(number) });
        }
    }
    fields
}

/// What the text holds that could be meant.
struct Candidates {
    makers: Vec<(Span, f64)>,
    ids: Vec<(Span, f64)>,
    dates: Vec<DateCandidate>,
    parts: Vec<(Span, String)>,
}

impl Candidates {
    fn of(layout: &Layout<'_>, aliases: &MakerAliases, site: &SiteKnowledge) -> Candidates {
        let document = layout.document;
        let dates = dates::find(&document.text, language::day_first(language::of(&document.text)));
        let ids = ids::find(layout);
        // The likeliest number is the notice's own; what is less likely one may be a part.
        let taken: Vec<Span> = dates.iter().map(|date| date.span).chain(ids.first().map(|id| id.span)).collect();
        let parts = parts::find(document, &taken, &site.mpns);
        let first = |span: Span, evidence: f64| (span, evidence);
        Candidates {
            makers: makers::find(layout, aliases, site)
                .iter()
                .take(limits::REVIEW_CHOICES_MAX)
                .map(|maker| first(maker.span, maker.evidence))
                .collect(),
            ids: ids.iter().take(limits::REVIEW_CHOICES_MAX).map(|id| first(id.span, id.evidence)).collect(),
            parts: parts.into_iter().map(|part| (part.span, part.printed)).collect(),
            dates,
        }
    }
}

fn named(document: &Document, (span, evidence): &(Span, f64), read: Option<&Found<String>>, field: &str) -> Choice {
    let spot = spot(document, &document.place(*span));
    let is_read = read.is_some_and(|read| read.place.span == *span || read.printed == spot.printed);
    Choice {
        value: spot.printed.clone(),
        spot,
        read_as: is_read.then(|| field.to_owned()),
        // Log odds of the words around it.
        probability: Some(if is_read { read.map_or(0.0, |read| read.confidence) } else { 1.0 / (1.0 + (-evidence).exp()) }),
    }
}

fn dated(document: &Document, candidate: &DateCandidate, notice: &Notice) -> Vec<Choice> {
    let own = [("issue_date", &notice.issue_date), ("last_time_buy", &notice.last_time_buy), ("last_time_ship", &notice.last_time_ship)];
    let read = own
        .iter()
        .filter_map(|(name, date)| Some(((*name).to_owned(), date.as_ref()?)))
        .chain(notice.other_dates.iter().chain(&notice.inferred_dates).map(|other| (other.role.clone(), &other.date)));
    let read: Vec<(String, &Found<Date>)> = read.filter(|(_, date)| date.place.span == candidate.span).collect();
    let spot = spot(document, &document.place(candidate.span));
    let values = meanings(candidate, notice);
    values
        .into_iter()
        .map(|(value, _)| {
            let as_this = read.iter().find(|(_, date)| date.value == value);
            Choice {
                value: value.to_string(),
                spot: spot.clone(),
                read_as: as_this.map(|(role, _)| role.clone()),
                probability: as_this.map(|(_, date)| date.confidence),
            }
        })
        .collect()
}
