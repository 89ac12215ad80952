//! Readings that wait for a person: one after another, each doubt with what else the text offers beside the text itself. Sent, the work goes on at once and the
//! next one is there. Arrows choose among the offers and Enter sends, as in any form.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{
    Shell, event_name,
    notice::{self, Side},
    page, see,
    visible::{self, Run},
};
use crate::{
    domain::{
        document::Span,
        id::JobId,
        job::{JobState, Subject},
        notice::NoticeKind,
    },
    http::{
        Caller, Service,
        problem::Problem,
        reviews::{self, Resolve},
    },
    limits,
    reading::{self, Answer, Choice, Field},
    store::{JobFilter, Store},
};

struct Waiting {
    job: String,
    event: String,
    name: String,
    since: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "reviews.html")]
struct Queue {
    p: Shell,
    rows: Vec<Waiting>,
}

pub async fn queue(service: web::Data<Service>, request: HttpRequest) -> HttpResponse {
    page(service, request, "review", |service, p| {
        let mut rows = Vec::new();
        for job in store_queue(&service.store)? {
            let Subject::Event(id) = job.subject else { continue };
            let Some(event) = service.store.event(id)? else { continue };
            let JobState::Review { reason } = &job.state else { continue };
            rows.push(Waiting {
                job: job.id.to_string(),
                event: id.to_string(),
                name: event_name(&event),
                since: p.language.moment(job.changed_at),
                reason: visible::short(reason, limits::PAGE_SENTENCE_CHARS_MAX),
            });
        }
        Ok(Queue { rows, p })
    })
    .await
}

fn store_queue(store: &Store) -> Result<Vec<crate::domain::job::Job>, Problem> {
    let filter = JobFilter { states: vec!["review".to_owned()], ..JobFilter::default() };
    Ok(store.jobs(&filter, None, limits::PAGE_VALUES_MAX)?)
}

/// Something to be decided.
struct Question {
    /// Its number in the form.
    number: usize,
    notice: usize,
    field: String,
    part: String,
    label: String,
    doubts: Vec<String>,
    offers: Vec<Offer>,
    kinds: Vec<(&'static str, String)>,
    can_be_unsaid: bool,
    /// The whole is only confirmed.
    can_be_typed: bool,
}

struct Offer {
    /// As the form sends it.
    value: String,
    shown: String,
    before: String,
    printed: String,
    after: String,
    read_as: Option<String>,
    mark: Option<String>,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "review.html")]
struct One {
    p: Shell,
    job: String,
    reading: String,
    name: String,
    questions: Vec<Question>,
    side: Side,
    left: usize,
    may: bool,
    error: Option<String>,
}

pub async fn one(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>) -> HttpResponse {
    page(service, request, "review", move |service, p| shown(service, p, id.parse()?, None)).await
}

fn shown(service: &Service, p: Shell, id: JobId, error: Option<String>) -> Result<One, Problem> {
    let read = reviews::read(service, id)?;
    let event = service.store.event(read.event)?.ok_or_else(|| Problem::not_found(format!("there is no event {}", read.event)))?;
    let fields = reading::fields(&read.reading, &read.document, service.datasets.aliases(), &reviews::knowledge(service)?);
    let doubtful: Vec<&Field> = fields.iter().filter(|field| !field.doubts.is_empty()).collect();
    let offered: Vec<_> = doubtful.iter().flat_map(|field| &field.choices).map(|choice| choice.spot.place.clone()).collect();
    let left = service.store.job_counts()?.get("review").copied().unwrap_or(0);
    Ok(One {
        job: id.to_string(),
        reading: read.digest.to_string(),
        name: event_name(&event),
        questions: doubtful.iter().enumerate().map(|(number, field)| question(number, field, &p)).collect(),
        side: notice::side_offering(service, &event, &p, &offered)?,
        left: usize::try_from(left).unwrap_or(0),
        may: p.may_review(),
        error,
        p,
    })
}

fn question(number: usize, field: &Field, p: &Shell) -> Question {
    let language = p.language;
    let words = notice::field(
        language,
        match field.field.as_str() {
            "affected_parts" if field.part.is_some() => "affected_part",
            "replacements" => "replacement",
            key => key,
        },
    );
    let as_read = field.value.as_ref().map(|value| Offer {
        value: "confirm".to_owned(),
        shown: dated(value, p),
        before: field.spot.as_ref().map_or_else(String::new, |spot| around(&spot.before)),
        printed: field.spot.as_ref().map_or_else(String::new, |spot| visible::line(&spot.printed)),
        after: field.spot.as_ref().map_or_else(String::new, |spot| around(&spot.after)),
        read_as: field.confidence.map(|confidence| language.percent(confidence)),
        mark: field.spot.as_ref().map(|spot| notice::anchor(spot.place.span)),
        chosen: true,
    });
    let read_at = field.spot.as_ref().map(|spot| spot.place.span);
    let others = field.choices.iter().filter(|choice| !(read_at == Some(choice.spot.place.span) && field.value.as_ref() == Some(&choice.value)));
    let is_kind = field.field == "notice_type";
    let kinds = [NoticeKind::Pdn, NoticeKind::Pcn, NoticeKind::Nrnd, NoticeKind::Other, NoticeKind::Retraction];
    let is_known =
        matches!(field.field.as_str(), "manufacturer" | "notice_id" | "issue_date" | "last_time_buy" | "last_time_ship" | "affected_parts");
    Question {
        number,
        notice: field.notice,
        label: field.part.as_ref().map_or(words.clone(), |part| format!("{words}: {}", visible::line(part))),
        field: field.field.clone(),
        part: field.part.clone().unwrap_or_default(),
        doubts: field.doubts.iter().map(|doubt| visible::line(doubt)).collect(),
        offers: as_read.into_iter().chain(others.map(|choice| offer(choice, p))).collect(),
        kinds: if is_kind { kinds.map(|kind| (kind.as_str(), notice::kind(language, kind))).to_vec() } else { Vec::new() },
        can_be_unsaid: is_known && field.field != "affected_parts" && field.part.is_none(),
        can_be_typed: is_known,
    }
}

fn offer(choice: &Choice, p: &Shell) -> Offer {
    let span = choice.spot.place.span;
    Offer {
        value: format!("{}-{}:{}", span.start, span.end, choice.value),
        shown: dated(&choice.value, p),
        before: around(&choice.spot.before),
        printed: visible::line(&choice.spot.printed),
        after: around(&choice.spot.after),
        read_as: choice.read_as.as_deref().map(|key| notice::field(p.language, key)),
        mark: Some(notice::anchor(span)),
        chosen: false,
    }
}

/// What stands around a place, as one line: how it was laid out shows in the text beside it.
fn around(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars().map(|letter| if letter == '\n' { ' ' } else { letter }) {
        if !(letter == ' ' && line.ends_with(' ')) {
            line.push(letter);
        }
    }
    visible::line(&line)
}

/// A date as the reader writes it; anything else as it is.
fn dated(value: &str, p: &Shell) -> String {
    value.parse::<jiff::civil::Date>().map_or_else(|_| visible::line(value), |date| p.language.date(date))
}

/// Sends a person's answers on; then the next that waits, or the queue when there is none.
pub async fn resolve(
    service: web::Data<Service>,
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let again = service.clone();
    let (path, form) = (id.clone(), form.into_inner());
    let resolved = web::block(move || {
        let id: JobId = id.parse()?;
        reviews::resolved(&service, &caller, id, asked(&form)?)?;
        let next = store_queue(&service.store)?.iter().map(|job| job.id).find(|job| *job != id);
        Ok::<String, Problem>(next.map_or_else(|| "/review".to_owned(), |job| format!("/review/{job}")))
    });
    match resolved.await.unwrap_or_else(|error| Err(error.into())) {
        Ok(next) => see(&next),
        // What was wrong is told on the page itself.
        Err(problem) => {
            page(again, request, "review", move |service, p| shown(service, p, path.parse()?, Some(visible::line(&problem.to_string())))).await
        }
    }
}

/// The answers of a form: `qN` says which offer, beside it the notice, the field, the part, and what was typed.
fn asked(form: &[(String, String)]) -> Result<Resolve, Problem> {
    let get = |name: &str| form.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str());
    let mut answers = Vec::new();
    for number in 0..limits::PAGE_VALUES_MAX {
        let Some(said) = get(&format!("q{number}")) else { continue };
        let beside = |name: &str| get(&format!("q{number}_{name}")).unwrap_or_default().to_owned();
        let notice = beside("notice").parse().map_err(|_| Problem::bad_request("the form is damaged: load the page again"))?;
        let part = Some(beside("part")).filter(|part| !part.is_empty());
        let mut answer = Answer { notice, field: beside("field"), part, ..Answer::default() };
        match said {
            "confirm" => answer.confirm = true,
            "unsaid" => answer.unsaid = true,
            "remove" => answer.remove = true,
            "typed" => answer.value = Some(beside("typed")).filter(|typed| !typed.trim().is_empty()),
            picked => {
                let place = picked.split_once(':').and_then(|(place, value)| {
                    let (start, end) = place.split_once('-')?;
                    Some((Span { start: start.parse().ok()?, end: end.parse().ok()? }, value))
                });
                let (span, value) = place.ok_or_else(|| Problem::bad_request("the form is damaged: load the page again"))?;
                answer.pick = Some(span);
                // What was selected in the text says by its place what it is.
                answer.value = Some(value).filter(|value| !value.is_empty()).map(str::to_owned);
            }
        }
        answers.push(answer);
    }
    let note = get("note").map(str::trim).filter(|note| !note.is_empty()).map(str::to_owned);
    Ok(Resolve { reading: get("reading").map(str::to_owned), answers, confirm_rest: true, note })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_answers() {
        let form = [
            ("reading", "ab"),
            ("q0", "10-14:2027-03-31"),
            ("q0_notice", "0"),
            ("q0_field", "last_time_buy"),
            ("q0_part", ""),
            ("q1", "20-34:"),
            ("q1_notice", "0"),
            ("q1_field", "manufacturer"),
            ("q2", "typed"),
            ("q2_notice", "1"),
            ("q2_field", "notice_id"),
            ("q2_typed", "N-1"),
            ("note", " "),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let asked = asked(&form).expect("answers");
        assert_eq!(asked.answers.len(), 3);
        assert_eq!((asked.answers[0].pick, asked.answers[0].value.as_deref()), (Some(Span { start: 10, end: 14 }), Some("2027-03-31")));
        assert_eq!((asked.answers[1].pick, asked.answers[1].value.as_deref()), (Some(Span { start: 20, end: 34 }), None));
        assert_eq!((asked.answers[2].notice, asked.answers[2].value.as_deref()), (1, Some("N-1")));
        assert!(asked.confirm_rest && asked.note.is_none());
    }

    #[test]
    fn a_damaged_form_is_no_answer() {
        for said in ["10:x", "a-b:x", "-", ""] {
            let form = [("q0", said), ("q0_notice", "0"), ("q0_field", "notice_id")].map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert!(asked(&form).is_err(), "{said}");
        }
    }
}
