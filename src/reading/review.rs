//! A person looks at a reading: what is doubtful, which places of the text could be meant, and the reading as corrected. A corrected value is one of the text as well:
//! it is picked by its place, or typed and found there.

use jiff::civil::Date;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{
    SiteKnowledge,
    dates::{self, Anchor, DateCandidate, Precision},
    ids, language,
    layout::Layout,
    makers, parts,
};
use crate::{
    domain::{
        document::{Document, Place, Span},
        maker::MakerAliases,
        notice::{AffectedPart, Found, Notice, NoticeKind, Reading, Replacement},
        part::normal_mpn,
        review::{Change, How},
    },
    limits,
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

/// What a person says of one value. One of `confirm`, `unsaid` and `remove`; or `pick`, `value`, or both, where the place alone could mean two things.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(default)]
    pub notice: usize,
    pub field: String,
    pub part: Option<String>,
    #[serde(default)]
    pub confirm: bool,
    #[serde(default)]
    pub unsaid: bool,
    #[serde(default)]
    pub remove: bool,
    pub pick: Option<Span>,
    pub value: Option<String>,
}

const DATES: [&str; 3] = ["issue_date", "last_time_buy", "last_time_ship"];

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
                fields.extend(named.first().map(|first| Field { part: own.clone(), ..of_found(number, "replacements", Some(first), document) }))
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
        let taken: Vec<Span> = dates.iter().map(|date| date.span).chain(ids.iter().map(|id| id.span)).collect();
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

/// What a date of the text can mean, and whether it is only inferred.
fn meanings(candidate: &DateCandidate, notice: &Notice) -> Vec<(Date, bool)> {
    match candidate.precision {
        Precision::Day => vec![(candidate.date, false)],
        Precision::Swappable(other) => vec![(candidate.date, false), (other, false)],
        Precision::Month => vec![(candidate.date, true)],
        Precision::After(anchor, months) => {
            let from = match anchor {
                Anchor::Issue => &notice.issue_date,
                Anchor::LastTimeBuy => &notice.last_time_buy,
            };
            from.as_ref().and_then(|from| months.after(from.value)).map(|date| (date, true)).into_iter().collect()
        }
    }
}

/// A reading as a person left it, with what was changed.
#[derive(Debug, Clone)]
pub struct Corrected {
    pub reading: Reading,
    pub changes: Vec<Change>,
}

/// The reading after a person's answers. With `confirm_rest` what is not answered is right as it was read; without it every doubt needs its answer. The error is a sentence.
pub fn correct(reading: &Reading, document: &Document, answers: &[Answer], confirm_rest: bool) -> Result<Corrected, String> {
    let mut corrected = reading.clone();
    let mut changes = Vec::new();
    for answer in answers {
        let at = format!("{} of notice {}", answer.field, answer.notice + 1);
        let modes = [answer.confirm, answer.unsaid, answer.remove, answer.pick.is_some() || answer.value.is_some()];
        if modes.iter().filter(|mode| **mode).count() != 1 {
            return Err(format!("{at}: say one of confirm, unsaid, remove, or a place or value"));
        }
        let whole = reading.doubts.iter().any(|doubt| doubt.field == answer.field) && answer.confirm;
        let Some(notice) = corrected.notices.get_mut(answer.notice) else {
            if whole {
                changes.push(change(answer, None, None, How::Confirmed));
                continue;
            }
            return Err(format!("there is no notice {} in this document", answer.notice + 1));
        };
        changes.push(apply(notice, document, answer).map_err(|why| format!("{at}: {why}"))?);
    }
    let answered = |notice: usize, field: &str| answers.iter().any(|answer| answer.notice == notice && answer.field == field);
    for (number, notice) in reading.notices.iter().enumerate() {
        for doubt in &notice.doubts {
            if !answered(number, &doubt.field) {
                if !confirm_rest {
                    return Err(format!("{} of notice {} is doubtful and was not answered: {}", doubt.field, number + 1, doubt.reason));
                }
                changes.push(Change {
                    notice: number as u32,
                    field: doubt.field.clone(),
                    part: None,
                    before: None,
                    after: None,
                    how: How::Confirmed,
                });
            }
        }
    }
    for doubt in &reading.doubts {
        if !answers.iter().any(|answer| answer.field == doubt.field) {
            if !confirm_rest {
                return Err(format!("{} is doubtful and was not answered: {}", doubt.field, doubt.reason));
            }
            changes.push(Change { notice: 0, field: doubt.field.clone(), part: None, before: None, after: None, how: How::Confirmed });
        }
    }
    changes.dedup();
    for notice in &mut corrected.notices {
        notice.doubts.clear();
        // Somebody looked at it and stands for it.
        notice.confidence = 1.0;
    }
    corrected.doubts.clear();
    Ok(Corrected { reading: corrected, changes })
}

fn change(answer: &Answer, before: Option<String>, after: Option<String>, how: How) -> Change {
    Change { notice: answer.notice as u32, field: answer.field.clone(), part: answer.part.clone(), before, after, how }
}

fn apply(notice: &mut Notice, document: &Document, answer: &Answer) -> Result<Change, String> {
    let how = match (answer.confirm, answer.unsaid, answer.remove, answer.pick) {
        (true, ..) => How::Confirmed,
        (_, true, ..) => How::Unsaid,
        (_, _, true, _) => How::Removed,
        (.., Some(_)) => How::Picked,
        _ => How::Typed,
    };
    match (answer.field.as_str(), answer.part.as_deref()) {
        ("notice_type", None) => kind(notice, answer, how),
        ("manufacturer", None) => text_field(&mut notice.maker, document, answer, how),
        ("notice_id", None) => text_field(&mut notice.notice_id, document, answer, how),
        (field, None) if DATES.contains(&field) => {
            let found = date_of(document, answer, how, notice)?;
            let slot = match field {
                "issue_date" => &mut notice.issue_date,
                "last_time_buy" => &mut notice.last_time_buy,
                _ => &mut notice.last_time_ship,
            };
            Ok(put(slot, found, answer, how))
        }
        ("affected_parts", None) => add_part(notice, document, answer, how),
        (field, Some(mpn)) => {
            let at = notice.parts.iter().position(|part| normal_mpn(&part.mpn.value) == normal_mpn(mpn));
            let Some(at) = at else { return Err(format!("the reading names no part {mpn}")) };
            of_part(notice, at, field, document, answer, how)
        }
        (_, None) if answer.confirm => Ok(change(answer, None, None, How::Confirmed)),
        (field, None) => Err(format!("'{field}' is a field that is only confirmed, or not one of a notice")),
    }
}

fn kind(notice: &mut Notice, answer: &Answer, how: How) -> Result<Change, String> {
    let kinds = [NoticeKind::Pdn, NoticeKind::Pcn, NoticeKind::Nrnd, NoticeKind::Other, NoticeKind::Retraction];
    let before = Some(notice.kind.as_str().to_owned());
    notice.kind = match (&answer.value, how) {
        (_, How::Confirmed) => notice.kind,
        (Some(value), How::Typed) => kinds
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(value))
            .ok_or_else(|| format!("'{value}' is not a kind of notice: {}", kinds.map(NoticeKind::as_str).join(", ")))?,
        _ => return Err("a notice has a kind: say which".to_owned()),
    };
    notice.kind_confidence = 1.0;
    Ok(change(answer, before, Some(notice.kind.as_str().to_owned()), how))
}

/// What a person decided of a value: `Keep` as it is, or what it is now.
enum Decided<T> {
    Keep,
    Now(Option<Found<T>>),
}

fn put<T: ToString>(slot: &mut Option<Found<T>>, decided: Decided<T>, answer: &Answer, how: How) -> Change {
    let before = slot.as_ref().map(|found| found.value.to_string());
    if let Decided::Now(now) = decided {
        *slot = now;
    }
    if let Some(found) = slot {
        found.confidence = 1.0;
    }
    change(answer, before, slot.as_ref().map(|found| found.value.to_string()), how)
}

fn text_field(slot: &mut Option<Found<String>>, document: &Document, answer: &Answer, how: How) -> Result<Change, String> {
    let decided = match how {
        How::Confirmed => Decided::Keep,
        How::Unsaid | How::Removed => Decided::Now(None),
        How::Picked | How::Typed => Decided::Now(Some(text_of(document, answer)?)),
    };
    Ok(put(slot, decided, answer, how))
}

/// A text that a person picked or typed, at its place.
fn text_of(document: &Document, answer: &Answer) -> Result<Found<String>, String> {
    let span = match (answer.pick, &answer.value) {
        (Some(span), _) => picked(document, span)?,
        (None, Some(value)) => typed(document, value)
            .ok_or_else(|| format!("'{value}' does not stand in the document: pick a place, or say that the notice does not say"))?,
        (None, None) => return Err("a place or a value is missing".to_owned()),
    };
    let printed = document.slice(span).to_owned();
    let value = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    if value.is_empty() || value.chars().count() > limits::REVIEW_VALUE_CHARS_MAX {
        return Err(format!("the place holds no value of up to {} characters", limits::REVIEW_VALUE_CHARS_MAX));
    }
    if let Some(asked) = &answer.value
        && !asked.split_whitespace().collect::<Vec<_>>().join(" ").eq_ignore_ascii_case(&value)
    {
        return Err(format!("the place says '{value}', not '{asked}'"));
    }
    Ok(Found { value, printed, place: document.place(span), confidence: 1.0, inferred: false })
}

/// The span without blanks at its ends, if it is one of the text.
fn picked(document: &Document, span: Span) -> Result<Span, String> {
    let text = document
        .text
        .get(span.range())
        .filter(|_| span.start < span.end)
        .ok_or_else(|| format!("bytes {} to {} are not a place in the text, which has {}", span.start, span.end, document.text.len()))?;
    let start = span.start as usize + (text.len() - text.trim_start().len());
    let trimmed = text.trim();
    if trimmed.is_empty() { Err("the place holds nothing but blanks".to_owned()) } else { Ok(Span::new(start, start + trimmed.len())) }
}

/// Where a typed text stands as words of its own, whatever its case and blanks.
fn typed(document: &Document, value: &str) -> Option<Span> {
    let words: Vec<String> = value.split_whitespace().map(regex::escape).collect();
    if words.is_empty() || value.chars().count() > limits::REVIEW_VALUE_CHARS_MAX {
        return None;
    }
    let pattern = Regex::new(&format!("(?i){}", words.join(r"\s+"))).ok()?;
    let text = document.text.as_str();
    let alone = |found: &regex::Match<'_>| {
        let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !joined(text[..found.start()].chars().next_back()) && !joined(text[found.end()..].chars().next())
    };
    pattern.find_iter(text).find(alone).map(|found| Span::new(found.start(), found.end()))
}

fn date_of(document: &Document, answer: &Answer, how: How, notice: &Notice) -> Result<Decided<Date>, String> {
    match how {
        How::Confirmed => return Ok(Decided::Keep),
        How::Unsaid | How::Removed => return Ok(Decided::Now(None)),
        How::Picked | How::Typed => {}
    }
    let wanted: Option<Date> =
        answer.value.as_deref().map(|value| value.trim().parse().map_err(|_| format!("'{value}' is not a date such as 2027-03-31"))).transpose()?;
    let picked = answer.pick.map(|span| picked(document, span)).transpose()?;
    let overlaps = |span: Span| picked.is_none_or(|picked| span.start < picked.end && picked.start < span.end);
    let candidates = dates::find(&document.text, language::day_first(&notice.language));
    let mut meant: Vec<(Span, Date, bool)> = Vec::new();
    for candidate in candidates.iter().filter(|candidate| overlaps(candidate.span)) {
        for (date, inferred) in meanings(candidate, notice) {
            if wanted.is_none_or(|wanted| wanted == date) {
                meant.push((candidate.span, date, inferred));
            }
        }
    }
    // One that is printed to the day goes before one that is inferred.
    meant.sort_by_key(|(_, _, inferred)| *inferred);
    match (meant.as_slice(), wanted) {
        ([], Some(wanted)) => Err(format!(
            "{wanted} does not stand {}: pick a place, or say that the notice does not say",
            if picked.is_some() { "at this place" } else { "in the document" }
        )),
        ([], None) => Err("there is no date at this place".to_owned()),
        ([first, others @ ..], None) if others.iter().any(|other| other.1 != first.1) => {
            Err(format!("the place could mean {} or {}: say which", first.1, others[0].1))
        }
        ([(span, date, inferred), ..], _) => Ok(Decided::Now(Some(Found {
            value: *date,
            printed: document.slice(*span).to_owned(),
            place: document.place(*span),
            confidence: 1.0,
            inferred: *inferred,
        }))),
    }
}

fn add_part(notice: &mut Notice, document: &Document, answer: &Answer, how: How) -> Result<Change, String> {
    match how {
        How::Confirmed => return Ok(change(answer, None, None, how)),
        How::Unsaid => {
            let before = notice.parts.iter().map(|part| part.mpn.value.as_str()).collect::<Vec<_>>().join(", ");
            notice.parts.clear();
            return Ok(change(answer, Some(before).filter(|before| !before.is_empty()), None, how));
        }
        How::Removed => return Err("say which part is none of the notice's".to_owned()),
        How::Picked | How::Typed => {}
    }
    let mpn = text_of(document, answer)?;
    if notice.parts.iter().any(|part| normal_mpn(&part.mpn.value) == normal_mpn(&mpn.value)) {
        return Err(format!("{} is among the parts already", mpn.value));
    }
    if notice.parts.len() >= limits::NOTICE_PARTS_MAX {
        return Err(format!("there are {} parts already", limits::NOTICE_PARTS_MAX));
    }
    let after = mpn.value.clone();
    notice.parts.push(AffectedPart { mpn, replacement: Replacement::Unsaid, last_time_buy: None, last_time_ship: None });
    Ok(change(answer, None, Some(after), how))
}

fn of_part(notice: &mut Notice, at: usize, field: &str, document: &Document, answer: &Answer, how: How) -> Result<Change, String> {
    match field {
        "affected_parts" => {
            let before = notice.parts[at].mpn.value.clone();
            match how {
                How::Unsaid | How::Removed => {
                    notice.parts.remove(at);
                    return Ok(change(answer, Some(before), None, How::Removed));
                }
                How::Confirmed => notice.parts[at].mpn.confidence = 1.0,
                How::Picked | How::Typed => notice.parts[at].mpn = text_of(document, answer)?,
            }
            Ok(change(answer, Some(before), Some(notice.parts[at].mpn.value.clone()), how))
        }
        "replacements" => {
            let says = |replacement: &Replacement| match replacement {
                Replacement::Unsaid => None,
                Replacement::None(_) => Some("none".to_owned()),
                Replacement::Named(named) => named.first().map(|found| found.value.clone()),
            };
            let before = says(&notice.parts[at].replacement);
            let now = match how {
                How::Confirmed => None,
                How::Unsaid | How::Removed => Some(Replacement::Unsaid),
                How::Picked | How::Typed if answer.value.as_deref() == Some("none") => {
                    let place = answer.pick.map(|span| picked(document, span)).transpose()?;
                    Some(Replacement::None(place.map_or_else(|| notice.parts[at].mpn.place.clone(), |span| document.place(span))))
                }
                How::Picked | How::Typed => Some(Replacement::Named(vec![text_of(document, answer)?])),
            };
            if let Some(now) = now {
                notice.parts[at].replacement = now;
            }
            Ok(change(answer, before, says(&notice.parts[at].replacement), how))
        }
        "last_time_buy" | "last_time_ship" => {
            let decided = date_of(document, answer, how, notice)?;
            let part = &mut notice.parts[at];
            Ok(put(if field == "last_time_buy" { &mut part.last_time_buy } else { &mut part.last_time_ship }, decided, answer, how))
        }
        other => Err(format!("'{other}' is not a field of a part: affected_parts, replacements, last_time_buy or last_time_ship")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::{
        document::{Format, Page},
        notice::{Doubt, Provenance},
    };

    const TEXT: &str = "Acme Semiconductor GmbH\nPDN-2026-7, 1 October 2026\nWe end AX100-3 and AX100-4.\nOrders until 03/04/2027, deliveries to 30 September 2027.\nAX100-3: use BX200-1.\n";

    fn document() -> Document {
        let pages = vec![Page { name: "body".to_owned(), span: Span::new(0, TEXT.len()) }];
        Document { format: Format::Text, text: TEXT.to_owned(), pages, tables: Vec::new(), title: None, warnings: Vec::new() }
    }

    fn at(words: &str) -> Span {
        let start = TEXT.find(words).expect("words");
        Span::new(start, start + words.len())
    }

    fn doubtful() -> Reading {
        let document = document();
        let found = |words: &str| Found {
            value: words.to_owned(),
            printed: words.to_owned(),
            place: document.place(at(words)),
            confidence: 0.6,
            inferred: false,
        };
        let mut notice = Notice::of_kind(NoticeKind::Pcn, 0.5);
        notice.parts = vec![AffectedPart { mpn: found("AX100-3"), replacement: Replacement::Unsaid, last_time_buy: None, last_time_ship: None }];
        for field in ["notice_type", "last_time_buy", "affected_parts"] {
            notice.doubts.push(Doubt { field: field.to_owned(), reason: format!("why {field}") });
        }
        let provenance =
            Provenance { reader: "test".to_owned(), model_sha256: None, adapter_sha256: None, prompt_version: 1, program: String::new(), tokens: 0 };
        Reading { notices: vec![notice], provenance, doubts: vec![Doubt { field: "document".to_owned(), reason: "cut".to_owned() }] }
    }

    fn says(answers: &str, confirm_rest: bool) -> Result<Corrected, String> {
        let answers: Vec<Answer> = serde_json::from_str(answers).expect("JSON");
        correct(&doubtful(), &document(), &answers, confirm_rest)
    }

    #[test]
    fn every_doubt_needs_an_answer_and_every_value_a_place() {
        let pick = at("03/04/2027");
        let all = format!(
            r#"[{{"field":"notice_type","value":"PDN"}},{{"field":"last_time_buy","pick":{{"start":{},"end":{}}},"value":"2027-04-03"}},
                {{"field":"affected_parts","value":"ax100-4"}},{{"field":"document","confirm":true}},{{"field":"replacements","part":"AX100-3","value":"BX200-1"}},
                {{"field":"issue_date","value":"2026-10-01"}},{{"field":"manufacturer","value":"acme  semiconductor gmbh"}}]"#,
            pick.start, pick.end
        );
        let corrected = says(&all, false).expect("corrected");
        let notice = &corrected.reading.notices[0];
        assert!(corrected.reading.passes());
        assert_eq!(notice.kind, NoticeKind::Pdn);
        assert_eq!(notice.last_time_buy.as_ref().map(|found| (found.value, found.place.span)), Some((date(2027, 4, 3), pick)));
        assert_eq!(notice.parts.iter().map(|part| part.mpn.value.as_str()).collect::<Vec<_>>(), ["AX100-3", "AX100-4"]);
        assert_eq!(notice.maker.as_ref().map(|maker| maker.value.as_str()), Some("Acme Semiconductor GmbH"));
        assert_eq!(corrected.changes.len(), 7);
        assert_eq!((corrected.changes[0].before.as_deref(), corrected.changes[0].after.as_deref()), (Some("PCN"), Some("PDN")));

        assert!(says("[]", false).expect_err("nothing was answered").contains("notice_type"));
        let confirmed = says("[]", true).expect("confirmed");
        assert!(confirmed.reading.passes() && confirmed.changes.iter().all(|change| change.how == How::Confirmed));
        assert_eq!(confirmed.changes.len(), 4);
    }

    #[test]
    fn what_is_not_in_the_document_is_refused() {
        for (answer, why) in [
            (r#"[{"field":"last_time_buy","value":"2027-05-01"}]"#, "does not stand in the document"),
            (r#"[{"field":"last_time_buy","value":"soon"}]"#, "not a date"),
            (r#"[{"field":"affected_parts","value":"AX100"}]"#, "does not stand"),
            (r#"[{"field":"affected_parts","value":"AX100-3"}]"#, "already"),
            (r#"[{"field":"manufacturer","value":""}]"#, "does not stand"),
            (r#"[{"field":"manufacturer","pick":{"start":5,"end":100000}}]"#, "not a place"),
            (r#"[{"field":"manufacturer","pick":{"start":0,"end":4},"value":"Other"}]"#, "says 'Acme'"),
            (r#"[{"field":"manufacturer"}]"#, "say one of"),
            (r#"[{"field":"manufacturer","confirm":true,"unsaid":true}]"#, "say one of"),
            (r#"[{"field":"notice_type","value":"LETTER"}]"#, "not a kind"),
            (r#"[{"field":"notice_type","unsaid":true}]"#, "has a kind"),
            (r#"[{"notice":4,"field":"notice_type","confirm":true}]"#, "no notice 5"),
            (r#"[{"field":"affected_parts","part":"ZZ9","remove":true}]"#, "names no part ZZ9"),
            (r#"[{"field":"weather","value":"fine"}]"#, "only confirmed"),
        ] {
            let error = says(answer, true).expect_err(answer);
            assert!(error.contains(why), "{answer}: {error}");
        }
        let swappable = at("03/04/2027");
        let error = says(&format!(r#"[{{"field":"last_time_buy","pick":{{"start":{},"end":{}}}}}]"#, swappable.start, swappable.end), true);
        // English dates are either way round.
        assert!(error.as_ref().is_ok() || error.as_ref().is_err_and(|error| error.contains("say which")), "{error:?}");
    }

    #[test]
    fn a_reviewer_sees_each_doubt_with_what_else_could_be_meant() {
        let fields = fields(&doubtful(), &document(), &MakerAliases::default(), &SiteKnowledge::default());
        assert_eq!(fields.iter().filter(|field| !field.doubts.is_empty()).count(), 4);
        assert!(fields[..4].iter().all(|field| !field.doubts.is_empty()), "the doubtful first");
        let buy = fields.iter().find(|field| field.field == "last_time_buy").expect("field");
        assert!(buy.choices.iter().any(|choice| choice.value == "2027-09-30" && choice.spot.before.ends_with("deliveries to ")), "{buy:?}");
        let parts = fields.iter().find(|field| field.field == "affected_parts" && field.part.is_none()).expect("field");
        assert!(parts.choices.iter().any(|choice| choice.value == "BX200-1"), "{parts:?}");
    }
}
