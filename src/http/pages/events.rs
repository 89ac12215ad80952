//! What arrived and the work on it: searched, filtered, looked at as text, tried again, taken out of quarantine or given up.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{
    Shell, event_name,
    language::Language,
    notice::{self, Side},
    page, see,
    visible::{self, Run},
};
use crate::{
    domain::{
        event::Event,
        id::{EventId, JobId},
        job::{Job, JobState, Subject},
    },
    http::{Caller, Service, now, problem::Problem, quarantine},
    limits,
    store::{Actor, JobFilter, Store, WriteError},
};

/// Events on a page.
const ROWS: usize = 50;
/// Bytes of a body that its page shows as text; the whole is one link away.
const RAW_SHOWN: usize = 16 << 10;

struct Row {
    id: String,
    name: String,
    from: String,
    source: String,
    received: String,
    size: String,
    state: &'static str,
    state_words: String,
    reason: String,
    cases: Vec<String>,
}

struct Choice {
    value: &'static str,
    words: String,
    chosen: bool,
    count: Option<String>,
}

#[derive(Template)]
#[template(path = "events.html")]
struct Events {
    p: Shell,
    q: String,
    states: Vec<Choice>,
    rows: Vec<Row>,
    next: Option<String>,
    /// Only so many of the newest were searched.
    searched: Option<String>,
    /// Files that were handed in just now, and how many of them were known already.
    taken: Option<usize>,
    known: usize,
}

#[derive(Deserialize)]
pub struct Asked {
    q: Option<String>,
    state: Option<String>,
    before: Option<String>,
    /// Files that were handed in just now, and how many of them were known already.
    taken: Option<usize>,
    known: Option<usize>,
}

const STATES: [&str; 9] = ["all", "review", "dead", "quarantined", "ready", "scheduled", "leased", "done", "cancelled"];

pub async fn events(service: web::Data<Service>, request: HttpRequest, asked: web::Query<Asked>) -> HttpResponse {
    let asked = asked.into_inner();
    page(service, request, "events", move |service, p| {
        let store = &service.store;
        let state = STATES.into_iter().find(|state| Some(*state) == asked.state.as_deref()).unwrap_or("all");
        let q = asked.q.unwrap_or_default().trim().to_owned();
        let (mut rows, mut next, mut searched) = (Vec::new(), None, None);
        if !q.is_empty() {
            let found = search(store, &q, &p)?;
            rows = found.0;
            searched = found.1.then(|| p.language.number(&limits::PAGE_SEARCH_EVENTS_MAX.to_string()));
        } else if state == "all" {
            let before: Option<EventId> = asked.before.as_deref().map(str::parse).transpose()?;
            let events = store.events(before, ROWS)?;
            next = events.last().filter(|_| events.len() == ROWS).map(|last| format!("/events?before={}", last.id));
            for event in &events {
                rows.push(row(store, event, None, &p)?);
            }
        } else if state == "quarantined" {
            for event in quarantine::held(store)?.0.iter().take(ROWS) {
                rows.push(row(store, event, None, &p)?);
            }
        } else {
            let before: Option<JobId> = asked.before.as_deref().map(str::parse).transpose()?;
            let filter = JobFilter { states: vec![state.to_owned()], ..JobFilter::default() };
            let jobs = store.jobs(&filter, before, ROWS)?;
            next = jobs.last().filter(|_| jobs.len() == ROWS).map(|last| format!("/events?state={state}&before={}", last.id));
            for job in &jobs {
                rows.extend(of_job(store, job, &p)?);
            }
        }
        let counts = store.job_counts()?;
        let choice = |value: &'static str| Choice {
            value,
            words: p.words("state", value),
            chosen: value == state,
            count: counts.get(value).map(|count| p.language.number(&count.to_string())),
        };
        Ok(Events {
            states: STATES.into_iter().map(choice).collect(),
            q,
            rows,
            next,
            searched,
            taken: asked.taken,
            known: asked.known.unwrap_or(0),
            p,
        })
    })
    .await
}

/// The newest events that hold the words, and whether older ones were not looked at.
fn search(store: &Store, q: &str, p: &Shell) -> Result<(Vec<Row>, bool), Problem> {
    let wanted = q.to_lowercase();
    let (mut rows, mut before, mut looked) = (Vec::new(), None, 0);
    loop {
        let events = store.events(before, limits::LIST_ROWS_MAX)?;
        for event in events.iter().filter(|event| holds(event, &wanted)) {
            rows.push(row(store, event, None, p)?);
            if rows.len() == ROWS {
                return Ok((rows, true));
            }
        }
        looked += events.len();
        match events.last() {
            Some(last) if events.len() == limits::LIST_ROWS_MAX && looked < limits::PAGE_SEARCH_EVENTS_MAX => before = Some(last.id),
            last => return Ok((rows, last.is_some() && events.len() == limits::LIST_ROWS_MAX)),
        }
    }
}

fn holds(event: &Event, wanted: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    has(&event.id.to_string())
        || has(event.source.as_str())
        || event.file_name.as_deref().is_some_and(has)
        || event.headers.iter().any(|(name, value)| matches!(name.as_str(), "subject" | "from" | "message-id") && has(value))
}

fn of_job(store: &Store, job: &Job, p: &Shell) -> Result<Option<Row>, Problem> {
    let Subject::Event(id) = job.subject else { return Ok(None) };
    let Some(event) = store.event(id)? else { return Ok(None) };
    row(store, &event, Some(job), p).map(Some)
}

fn row(store: &Store, event: &Event, job: Option<&Job>, p: &Shell) -> Result<Row, Problem> {
    let newest = match job {
        Some(_) => None,
        None => store.jobs(&about(event.id), None, 1)?.pop(),
    };
    let job = job.or(newest.as_ref());
    let (state, reason) = match (job, &event.ignored) {
        (Some(job), _) => (job.state.name(), reason(&job.state)),
        (None, Some(reason)) if event.is_quarantined() => ("quarantined", reason.as_str()),
        (None, Some(reason)) => ("ignored", reason.as_str()),
        (None, None) => ("done", ""),
    };
    let from = event.headers.iter().find(|(name, _)| name == "from").map_or("", |(_, value)| value.as_str());
    Ok(Row {
        id: event.id.to_string(),
        name: event_name(event),
        from: visible::short(from, limits::PAGE_TITLE_CHARS_MAX),
        source: event.source.to_string(),
        received: p.language.moment(event.received_at),
        size: p.language.bytes(event.body_bytes),
        state,
        state_words: p.words("state", state),
        reason: visible::short(reason, limits::PAGE_SENTENCE_CHARS_MAX),
        cases: job.iter().flat_map(|job| &job.cases).take(4).map(ToString::to_string).collect(),
    })
}

fn about(event: EventId) -> JobFilter {
    JobFilter { subject: Some(Subject::Event(event)), ..JobFilter::default() }
}

fn reason(state: &JobState) -> &str {
    match state {
        JobState::Scheduled { reason, .. } | JobState::Review { reason } | JobState::Dead { reason } | JobState::Cancelled { reason } => reason,
        JobState::Ready | JobState::Leased { .. } | JobState::Done => "",
    }
}

/// The work on an event.
struct Work {
    id: String,
    state: &'static str,
    state_words: String,
    reason: String,
    step: &'static str,
    changed: String,
    errors: Vec<String>,
    assessments: Vec<String>,
    can_retry: bool,
}

#[derive(Template)]
#[template(path = "event.html")]
struct One {
    p: Shell,
    row: Row,
    by: String,
    content_type: String,
    digest: String,
    headers: Vec<(String, String)>,
    held: Option<String>,
    quarantined: bool,
    work: Vec<Work>,
    side: Side,
    raw: Option<Vec<Run>>,
    may_work: bool,
    /// It was handed in just now, and had been before.
    is_known: bool,
}

#[derive(Deserialize)]
pub struct HandedIn {
    #[serde(default)]
    known: bool,
}

pub async fn event(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>, handed_in: web::Query<HandedIn>) -> HttpResponse {
    page(service, request, "events", move |service, p| {
        let id: EventId = id.parse()?;
        let store = &service.store;
        let event = store.event(id)?.ok_or_else(|| Problem::not_found(format!("there is no event {id}")))?;
        let kept = store.kept(id)?;
        let jobs = store.jobs(&about(id), None, limits::PAGE_HISTORY_MAX)?;
        let work = jobs.iter().map(|job| Work {
            id: job.id.to_string(),
            state: job.state.name(),
            state_words: p.words("state", job.state.name()),
            reason: visible::line(reason(&job.state)),
            step: job.step.as_str(),
            changed: p.language.moment(job.changed_at),
            errors: job.errors.iter().map(|error| format!("{}: {}", p.language.moment(error.at), visible::line(&error.message))).collect(),
            assessments: job.assessments.iter().map(ToString::to_string).collect(),
            can_retry: matches!(job.state, JobState::Dead { .. } | JobState::Review { .. } | JobState::Scheduled { .. }),
        });
        let body = if kept.expired_at.is_some() { None } else { store.blob(event.body)? };
        Ok(One {
            work: work.collect(),
            row: row(store, &event, jobs.first(), &p)?,
            by: visible::line(&event.by),
            content_type: visible::line(&event.content_type),
            digest: event.body.to_string(),
            headers: event
                .headers
                .iter()
                .map(|(name, value)| (visible::line(name), visible::short(value, limits::PAGE_SENTENCE_CHARS_MAX)))
                .collect(),
            held: kept.hold.map(|hold| visible::line(&hold.reason)),
            quarantined: quarantine::is_held(store, &event)?,
            side: notice::side(service, &event, &p)?,
            raw: body.and_then(|body| as_text(&body, p.language)),
            may_work: p.may_work(),
            is_known: handed_in.known,
            p,
        })
    })
    .await
}

/// The beginning of a body, where it is text.
fn as_text(body: &[u8], language: Language) -> Option<Vec<Run>> {
    let shown = &body[..body.len().min(RAW_SHOWN)];
    if shown.contains(&0) || shown.starts_with(b"%PDF") || shown.starts_with(b"PK") {
        return None;
    }
    let mut runs = visible::runs(&String::from_utf8_lossy(shown));
    if body.len() > RAW_SHOWN {
        runs.push(Run::Plain(format!("\n… {} {}", language.t("notice.cut"), language.bytes((body.len() - RAW_SHOWN) as u64))));
    }
    Some(runs)
}

/// An act of a form, and back to the event.
async fn act<A>(service: web::Data<Service>, request: HttpRequest, id: String, by: Actor, act: A) -> HttpResponse
where
    A: FnOnce(&Store, EventId, &Actor) -> Result<(), WriteError> + Send + 'static,
{
    let acted = web::block(move || {
        let id: EventId = id.parse()?;
        act(&service.store, id, &by)?;
        Ok::<EventId, Problem>(id)
    });
    match acted.await.unwrap_or_else(|error| Err(error.into())) {
        Ok(id) => see(&format!("/events/{id}")),
        Err(problem) => super::refused(&request, &problem),
    }
}

pub async fn retry(service: web::Data<Service>, request: HttpRequest, caller: Caller, id: web::Path<String>) -> HttpResponse {
    act(service, request, id.into_inner(), caller.actor(), |store, id, by| {
        let failed = |error: crate::store::ReadError| WriteError::Busy(error.to_string());
        let job = store.jobs(&about(id), None, 1).map_err(failed)?.pop();
        let job = job.ok_or_else(|| WriteError::Refused(format!("there is no work on {id}")))?;
        store.settle(job.id, JobState::Ready, None, by, now()).map(|_| ())
    })
    .await
}

pub async fn release(service: web::Data<Service>, request: HttpRequest, caller: Caller, id: web::Path<String>) -> HttpResponse {
    act(service, request, id.into_inner(), caller.actor(), |store, id, by| quarantine::put_to_work(store, id, by).map(|_| ())).await
}

#[derive(Deserialize)]
pub struct Drop {
    reason: String,
}

pub async fn drop(service: web::Data<Service>, request: HttpRequest, caller: Caller, id: web::Path<String>, asked: web::Form<Drop>) -> HttpResponse {
    let reason = asked.into_inner().reason;
    act(service, request, id.into_inner(), caller.actor(), move |store, id, by| quarantine::drop_for(store, id, reason, by).map(|_| ())).await
}
