//! `POST /v1/replay`: which events and cases are worked on again, and from where. New assessments stand beside the old; history is never altered.

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;
use serde_json::json;

use super::{Service, admin, now, problem::Problem};
use crate::{
    domain::{
        id::{CaseId, EventId},
        job::{Step, Subject},
        time::At,
    },
    limits,
    store::JobFilter,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    event: Option<String>,
    case: Option<String>,
    source: Option<String>,
    since: Option<String>,
    until: Option<String>,
    #[serde(default)]
    dead: bool,
    from: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

pub async fn replay(service: web::Data<Service>, request: HttpRequest, asked: web::Json<Asked>) -> Result<HttpResponse, Problem> {
    let from: Option<Step> = asked.from.as_deref().map(str::parse).transpose().map_err(Problem::bad_request)?;
    let subjects = select(&service, &asked)?;
    let mut selected = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let from = match from {
            Some(from) => from,
            None => default_from(&service, subject)?,
        };
        selected.push((subject, from));
    }
    let rows: Vec<_> = selected.iter().map(|(subject, from)| json!({ "subject": subject, "from": from })).collect();
    if asked.dry_run {
        return Ok(HttpResponse::Ok().json(json!({ "selected": rows, "jobs": [] })));
    }
    let by = admin::actor(&request);
    let jobs = admin::blocking(move || {
        selected.into_iter().map(|(subject, from)| service.store.enqueue(subject, from, &by, now())).collect::<Result<Vec<_>, _>>()
    });
    Ok(HttpResponse::Accepted().json(json!({ "selected": rows, "jobs": jobs.await? })))
}

fn select(service: &Service, asked: &Asked) -> Result<Vec<Subject>, Problem> {
    if let Some(event) = &asked.event {
        let id: EventId = event.parse()?;
        let there = service.store.event(id)?.is_some();
        return if there { Ok(vec![Subject::Event(id)]) } else { Err(Problem::not_found(format!("there is no event {id}"))) };
    }
    if let Some(case) = &asked.case {
        let id: CaseId = case.parse()?;
        let there = service.store.case(id)?.is_some();
        return if there { Ok(vec![Subject::Case(id)]) } else { Err(Problem::not_found(format!("there is no case {id}"))) };
    }
    let (since, until) = (asked.since.as_deref().map(moment).transpose()?, asked.until.as_deref().map(moment).transpose()?);
    let in_time = |at: At| since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until);
    if asked.dead {
        let filter = JobFilter { states: vec!["dead".to_owned()], ..JobFilter::default() };
        let jobs = service.store.jobs(&filter, None, limits::LIST_ROWS_MAX)?;
        let wanted = jobs.iter().filter(|job| in_time(job.created_at) && asked.source.as_deref().is_none_or(|source| source == job.source.as_str()));
        return Ok(unique(wanted.map(|job| job.subject).collect()));
    }
    if asked.source.is_none() && since.is_none() && until.is_none() {
        return Err(Problem::bad_request("say what to replay: event, case, source, since, until or dead"));
    }
    let mut subjects = Vec::new();
    let mut before = None;
    loop {
        let page = service.store.events(before, limits::LIST_ROWS_MAX)?;
        let wanted = page.iter().filter(|event| event.ignored.is_none() && in_time(event.received_at));
        let wanted = wanted.filter(|event| asked.source.as_deref().is_none_or(|source| source == event.source.as_str()));
        subjects.extend(wanted.map(|event| Subject::Event(event.id)));
        match page.last() {
            Some(last) if page.len() == limits::LIST_ROWS_MAX => before = Some(last.id),
            _ => break,
        }
    }
    // Oldest first, as they came.
    subjects.reverse();
    Ok(subjects)
}

fn unique(mut subjects: Vec<Subject>) -> Vec<Subject> {
    subjects.reverse();
    let mut seen = std::collections::HashSet::new();
    subjects.retain(|subject| seen.insert(*subject));
    subjects
}

/// The stored reading is used again where there is one; otherwise from the first step without a result.
fn default_from(service: &Service, subject: Subject) -> Result<Step, Problem> {
    let Subject::Event(_) = subject else { return Ok(Step::Match) };
    let filter = JobFilter { subject: Some(subject), ..JobFilter::default() };
    let newest = service.store.jobs(&filter, None, 1)?.into_iter().next();
    let has = |step| newest.as_ref().is_some_and(|job| job.result(step).is_some());
    Ok([Step::Document, Step::Reading].into_iter().find(|step| !has(*step)).unwrap_or(Step::Case))
}

/// RFC 3339, or a date, which is its first moment in UTC.
fn moment(text: &str) -> Result<At, Problem> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(At(timestamp.as_millisecond()));
    }
    let date: Date = text
        .parse()
        .map_err(|_| Problem::bad_request(format!("'{text}' is neither a date such as 2026-11-23 nor a moment such as 2026-11-23T08:00:00Z")))?;
    let start = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_err(|error| Problem::bad_request(format!("'{text}': {error}")))?;
    Ok(At(start.as_millisecond()))
}
