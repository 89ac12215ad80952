//! The reading as a person leaves it. Every doubt needs its answer, and every value its place in the text.

use jiff::civil::Date;
use regex::Regex;
use serde::Deserialize;

use super::{DATES, meanings};
use crate::{
    domain::{
        document::{Document, Span},
        notice::{AffectedPart, Doubt, Found, Notice, NoticeKind, Reading, Replacement},
        part::normal_mpn,
        review::{Change, How},
    },
    limits,
    reading::{dates, language},
};

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
    // A doubt about one part is answered by what is said of that part, or of the list as a whole.
    let answered = |number: usize, notice: &Notice, doubt: &Doubt| {
        let about = notice.parts.iter().find(|part| doubt.reason.contains(part.mpn.value.as_str())).map(|part| normal_mpn(&part.mpn.value));
        let of_this = |answer: &&Answer| answer.notice == number && answer.field == doubt.field;
        answers.iter().filter(of_this).any(|answer| match (&about, &answer.part) {
            (Some(about), Some(part)) => normal_mpn(part) == *about,
            (Some(_), None) => answer.confirm || answer.unsaid,
            (None, _) => true,
        })
    };
    for (number, notice) in reading.notices.iter().enumerate() {
        for doubt in &notice.doubts {
            if !answered(number, notice, doubt) {
                if !confirm_rest {
                    return Err(format!("{} of notice {} is doubtful and was not answered: {}", doubt.field, number + 1, doubt.reason));
                }
                let rest = Answer { notice: number, field: doubt.field.clone(), confirm: true, ..Answer::default() };
                changes.push(apply(&mut corrected.notices[number], document, &rest)?);
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

/// Whether the text goes on in the same word. What goes on behind a hyphen or a slash is a longer number, and another part.
fn goes_on(mut away: impl Iterator<Item = char>) -> bool {
    match away.next() {
        Some('-' | '/' | '_' | '#' | '+' | '.') => away.next().is_some_and(char::is_alphanumeric),
        next => next.is_some_and(char::is_alphanumeric),
    }
}

/// Where a typed text stands as words of its own, whatever its case and blanks.
fn typed(document: &Document, value: &str) -> Option<Span> {
    let words: Vec<String> = value.split_whitespace().map(regex::escape).collect();
    if words.is_empty() || value.chars().count() > limits::REVIEW_VALUE_CHARS_MAX {
        return None;
    }
    let pattern = Regex::new(&format!("(?i){}", words.join(r"\s+"))).ok()?;
    let text = document.text.as_str();
    let alone = |found: &regex::Match<'_>| !goes_on(text[..found.start()].chars().rev()) && !goes_on(text[found.end()..].chars());
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
