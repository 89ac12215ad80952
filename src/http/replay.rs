//! `POST /v1/replay`: which events and cases are worked on again, from where and on what. New assessments stand beside the old; history is never altered.
//!
//! What names a dataset or a model is a "what if": it changes no case, its assessments never become a case's headline, and a reading with doubts waits for a
//! person as any other. Everything else replays on what is in force, and its assessment becomes the headline as that of a new notice would.

use std::collections::{BTreeMap, HashSet};

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Service, admin, now, problem::Problem};
use crate::{
    domain::{
        id::{AssessmentId, CaseId, DatasetId, EventId, JobId},
        job::{Pins, Priority, Step, Subject},
        time::At,
    },
    limits,
    store::{Actor, JobFilter, Order, WriteError},
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
    dataset: Option<String>,
    /// Name, file name or beginning of the SHA-256 of a model that is found.
    model: Option<String>,
    /// Not before this moment.
    at: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

/// One row of the answer.
#[derive(Serialize)]
struct Selected {
    subject: Subject,
    from: Step,
    job: Option<JobId>,
    /// Why it does not run.
    refused: Option<String>,
}

pub async fn replay(service: web::Data<Service>, request: HttpRequest, asked: web::Json<Asked>) -> Result<HttpResponse, Problem> {
    let by = admin::actor(&request);
    let dry_run = asked.dry_run;
    let answer = web::block(move || run(&service, &asked, &by)).await??;
    Ok(if dry_run { HttpResponse::Ok() } else { HttpResponse::Accepted() }.json(answer))
}

fn run(service: &Service, asked: &Asked, by: &Actor) -> Result<Value, Problem> {
    let from: Option<Step> = asked.from.as_deref().map(str::parse).transpose().map_err(Problem::bad_request)?;
    let not_before = asked.at.as_deref().map(moment).transpose()?;
    let pins = pins(service, asked)?;
    let subjects = select(service, asked, from)?;
    if subjects.len() > limits::REPLAY_SUBJECTS_MAX {
        let (found, most) = (subjects.len(), limits::REPLAY_SUBJECTS_MAX);
        return Err(Problem::bad_request(format!("{found} are selected, at most {most} are replayed at once: narrow it with since and until")));
    }
    // For one thing a person waits; many go after what arrives.
    let priority = if asked.event.is_some() || asked.case.is_some() { Priority::Asked } else { Priority::Background };
    let mut orders = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let from = match from {
            Some(from) => from,
            None => default_from(service, subject, &pins)?,
        };
        orders.push(Order { subject, from, priority, not_before, pins: pins.clone() });
    }
    let before = before(service, &orders)?;
    let mut selected = Vec::with_capacity(orders.len());
    if asked.dry_run {
        for order in &orders {
            let refused = service.store.plan(order, now())?.err();
            selected.push(Selected { subject: order.subject, from: order.from, job: None, refused });
        }
    } else {
        let made = service.store.submit(&orders, by, now())?;
        if let ([order], [Err(why)]) = (orders.as_slice(), made.as_slice())
            && order.priority == Priority::Asked
        {
            return Err(WriteError::Refused(why.clone()).into());
        }
        for (order, made) in orders.iter().zip(made) {
            let (job, refused) = made.map_or_else(|why| (None, Some(why)), |job| (Some(job), None));
            selected.push(Selected { subject: order.subject, from: order.from, job, refused });
        }
    }
    let jobs: Vec<JobId> = selected.iter().filter_map(|row| row.job).collect();
    Ok(json!({ "selected": selected, "jobs": jobs, "before": before, "pins": pins, "priority": priority, "at": not_before }))
}

fn pins(service: &Service, asked: &Asked) -> Result<Pins, Problem> {
    let mut pins = Pins::default();
    if let Some(dataset) = &asked.dataset {
        let id: DatasetId = dataset.parse()?;
        // Opened now, so that one that is missing or damaged is told here and not by every job.
        if service.datasets.get(id)?.is_none() {
            return Err(Problem::not_found(format!("there is no dataset {id}: `lastbuy data list` shows which are")));
        }
        pins.dataset = Some(id);
    }
    if let Some(model) = &asked.model {
        pins.model = Some(service.shelf.named(model)?.sha256);
    }
    Ok(pins)
}

fn select(service: &Service, asked: &Asked, from: Option<Step>) -> Result<Vec<Subject>, Problem> {
    if let Some(event) = &asked.event {
        let id: EventId = event.parse()?;
        let there = service.store.event(id)?.is_some();
        return if there { Ok(vec![Subject::Event(id)]) } else { Err(Problem::not_found(format!("there is no event {id}"))) };
    }
    if let Some(case) = &asked.case {
        let id: CaseId = case.parse()?;
        let case = service.store.case(id)?.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
        let reads = from.is_some_and(|from| from < Step::Match) || (from.is_none() && asked.model.is_some());
        if !reads {
            return Ok(vec![Subject::Case(id)]);
        }
        if case.events.is_empty() {
            return Err(Problem::bad_request(format!("case {id} was made by hand and has no notice to read again: replay it from match")));
        }
        return Ok(case.events.into_iter().map(Subject::Event).collect());
    }
    let (since, until) = (asked.since.as_deref().map(moment).transpose()?, asked.until.as_deref().map(moment).transpose()?);
    let in_time = |at: At| since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until);
    let of_source = |source: &str| asked.source.as_deref().is_none_or(|asked| asked == source);
    if asked.dead {
        let filter = JobFilter { states: vec!["dead".to_owned()], ..JobFilter::default() };
        let jobs = pages(|before| service.store.jobs(&filter, before, limits::LIST_ROWS_MAX), |job| job.id)?;
        return Ok(unique(jobs.iter().filter(|job| in_time(job.created_at) && of_source(job.source.as_str())).map(|job| job.subject)));
    }
    if asked.source.is_none() && since.is_none() && until.is_none() {
        return Err(Problem::bad_request("say what to replay: event, case, source, since, until or dead"));
    }
    let events = pages(|before| service.store.events(before, limits::LIST_ROWS_MAX), |event| event.id)?;
    let wanted = events.iter().filter(|event| event.ignored.is_none() && in_time(event.received_at) && of_source(event.source.as_str()));
    Ok(unique(wanted.map(|event| Subject::Event(event.id))))
}

/// All rows of a list that is read page by page, newest first.
fn pages<T, I: Copy, E>(mut page: impl FnMut(Option<I>) -> Result<Vec<T>, E>, id: impl Fn(&T) -> I) -> Result<Vec<T>, E> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let rows = page(before)?;
        let full = rows.len() == limits::LIST_ROWS_MAX;
        before = rows.last().map(&id);
        all.extend(rows);
        if !full {
            return Ok(all);
        }
    }
}

/// Each once, oldest first, as they came.
fn unique(newest_first: impl Iterator<Item = Subject>) -> Vec<Subject> {
    let mut seen = HashSet::new();
    let mut subjects: Vec<Subject> = newest_first.filter(|subject| seen.insert(*subject)).collect();
    subjects.reverse();
    subjects
}

/// The stored reading is used again where there is one; otherwise from the first step without a result. A pinned model is there to read.
fn default_from(service: &Service, subject: Subject, pins: &Pins) -> Result<Step, Problem> {
    let Subject::Event(id) = subject else { return Ok(Step::Match) };
    let to_do = if pins.model.is_some() { vec![Step::Document] } else { vec![Step::Document, Step::Reading] };
    for step in to_do {
        if service.store.standing_result(id, step)?.is_none() {
            return Ok(step);
        }
    }
    Ok(if pins.model.is_some() { Step::Reading } else { Step::Case })
}

/// The headline of every case that is selected, as it stands before the replay.
fn before(service: &Service, orders: &[Order]) -> Result<BTreeMap<String, Option<AssessmentId>>, Problem> {
    let mut before = BTreeMap::new();
    for order in orders {
        let cases = match order.subject {
            Subject::Case(id) => vec![id],
            Subject::Event(id) => service.store.standing_cases(id)?,
        };
        for id in cases {
            if let Some(case) = service.store.case(id)? {
                before.insert(id.to_string(), case.latest);
            }
        }
    }
    Ok(before)
}

/// RFC 3339, or a date, which is its first moment in UTC.
pub fn moment(text: &str) -> Result<At, Problem> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(At(timestamp.as_millisecond()));
    }
    let date: Date = text
        .parse()
        .map_err(|_| Problem::bad_request(format!("'{text}' is neither a date such as 2026-11-23 nor a moment such as 2026-11-23T08:00:00Z")))?;
    let start = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_err(|error| Problem::bad_request(format!("'{text}': {error}")))?;
    Ok(At(start.as_millisecond()))
}
