//! Reads: JSON of what is stored. Lists are `{items, next}`, newest first; `next` is the `before` of the next page.

use std::{str::FromStr, sync::Arc};

use actix_web::{HttpResponse, http::header, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Service, history, pages, problem::Problem};
use crate::{
    domain::{
        case::Case,
        event::SourceError,
        id::{AssessmentId, CaseId, DatasetId, EventId, IdError, JobId},
        job::{Step, Subject},
    },
    limits,
    store::JobFilter,
};

type Answer = Result<HttpResponse, Problem>;

/// Rows of a list unless the client says otherwise.
const ROWS: usize = 100;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/events", web::get().to(events))
        .route("/v1/events/{id}", web::get().to(event))
        .route("/v1/events/{id}/raw", web::get().to(event_raw))
        .route("/v1/jobs", web::get().to(jobs))
        .route("/v1/jobs/counts", web::get().to(job_counts))
        .route("/v1/jobs/{id}", web::get().to(job))
        .route("/v1/jobs/{id}/results/{step}", web::get().to(job_result))
        .route("/v1/cases", web::get().to(cases))
        .route("/v1/cases/{id}", web::get().to(case))
        .route("/v1/assessments", web::get().to(assessments))
        .route("/v1/assessments/{id}", web::get().to(assessment))
        .route("/v1/assessments/{id}/row", web::get().to(assessment_row))
        .route("/v1/datasets", web::get().to(datasets));
}

/// Rows that a client asks for at once.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "usize")]
pub struct Rows(pub usize);

impl TryFrom<usize> for Rows {
    type Error = String;

    fn try_from(rows: usize) -> Result<Rows, String> {
        let most = limits::LIST_ROWS_MAX;
        (1..=most)
            .contains(&rows)
            .then_some(Rows(rows))
            .ok_or_else(|| format!("limit is {rows}: 1 to {most} rows are given at once, and `next` leads on"))
    }
}

#[derive(Deserialize)]
pub struct Page {
    pub before: Option<String>,
    pub limit: Option<Rows>,
}

impl Page {
    pub fn limit(&self) -> usize {
        self.limit.map_or(ROWS, |rows| rows.0)
    }

    pub fn before<T: FromStr<Err = IdError>>(&self) -> Result<Option<T>, Problem> {
        Ok(self.before.as_deref().map(str::parse).transpose()?)
    }
}

pub fn list<T: Serialize, I: Serialize>(rows: &[T], limit: usize, id: impl Fn(&T) -> I) -> HttpResponse {
    let next = if rows.len() == limit { rows.last().map(id) } else { None };
    HttpResponse::Ok().json(json!({ "items": rows, "next": next }))
}

pub fn one<T: Serialize>(found: Option<T>, what: &str, id: &str) -> Answer {
    found.map(|row| HttpResponse::Ok().json(row)).ok_or_else(|| Problem::not_found(format!("there is no {what} {id}")))
}

async fn events(service: web::Data<Service>, page: web::Query<Page>) -> Answer {
    let rows = service.store.events(page.before::<EventId>()?, page.limit())?;
    Ok(list(&rows, page.limit(), |event| event.id))
}

/// The event as the log has it, who holds it, and when its bytes were given up.
async fn event(service: web::Data<Service>, id: web::Path<String>) -> Answer {
    let found = service.store.event(id.parse()?)?.ok_or_else(|| Problem::not_found(format!("there is no event {id}")))?;
    let mut shown = json!(found);
    if let (Value::Object(shown), Value::Object(kept)) = (&mut shown, json!(service.store.kept(found.id)?)) {
        shown.extend(kept);
    }
    Ok(HttpResponse::Ok().json(shown))
}

/// Whether an event's bytes, and what was read in them, are still kept.
fn still_kept(service: &Service, event: EventId) -> Result<(), Problem> {
    match service.store.kept(event)?.expired_at {
        Some(at) => Err(Problem::gone(format!("the bytes of {event} and what was read in them were given up by retention at {at}"))),
        None => Ok(()),
    }
}

/// The bytes as they arrived. Never shown by a browser as what they claim to be.
async fn event_raw(service: web::Data<Service>, id: web::Path<String>) -> Answer {
    let event = service.store.event(id.parse()?)?.ok_or_else(|| Problem::not_found(format!("there is no event {id}")))?;
    still_kept(&service, event.id)?;
    let bytes = web::block(move || service.store.blob(event.body)).await??;
    let bytes = bytes.ok_or_else(|| Problem::internal(format!("the body of {id} is missing: run lastbuy doctor --deep")))?;
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", event.id)))
        .body(bytes))
}

#[derive(Deserialize)]
struct JobsAsked {
    state: Option<String>,
    source: Option<String>,
    event: Option<String>,
    case: Option<String>,
    before: Option<String>,
    limit: Option<Rows>,
}

async fn jobs(service: web::Data<Service>, asked: web::Query<JobsAsked>) -> Answer {
    let asked = asked.into_inner();
    let known = ["ready", "scheduled", "leased", "review", "done", "dead", "cancelled"];
    let states: Vec<String> = asked.state.iter().flat_map(|states| states.split(',')).map(str::to_owned).collect();
    if let Some(unknown) = states.iter().find(|state| !known.contains(&state.as_str())) {
        return Err(Problem::bad_request(format!("'{unknown}' is not a state of a job: one of {}", known.join(", "))));
    }
    let subject = match (&asked.event, &asked.case) {
        (Some(_), Some(_)) => return Err(Problem::bad_request("a job is about an event or about a case, not about both")),
        (Some(event), None) => Some(Subject::Event(event.parse()?)),
        (None, Some(case)) => Some(Subject::Case(case.parse()?)),
        (None, None) => None,
    };
    let page = Page { before: asked.before, limit: asked.limit };
    let source = asked.source.as_deref().map(str::parse).transpose().map_err(|error: SourceError| Problem::bad_request(error.to_string()))?;
    let filter = JobFilter { states, source, subject };
    let rows = service.store.jobs(&filter, page.before::<JobId>()?, page.limit())?;
    Ok(list(&rows, page.limit(), |job| job.id))
}

async fn job_counts(service: web::Data<Service>) -> Answer {
    Ok(HttpResponse::Ok().json(service.store.job_counts()?))
}

async fn job(service: web::Data<Service>, id: web::Path<String>) -> Answer {
    one(service.store.job(id.parse()?)?, "job", &id)
}

/// A step's result, as it was stored.
async fn job_result(service: web::Data<Service>, path: web::Path<(String, String)>) -> Answer {
    let (id, step) = path.into_inner();
    let step: Step = step.parse().map_err(Problem::bad_request)?;
    let job = service.store.job(id.parse()?)?.ok_or_else(|| Problem::not_found(format!("there is no job {id}")))?;
    if let Subject::Event(event) = job.subject {
        still_kept(&service, event)?;
    }
    let digest = job.result(step).ok_or_else(|| Problem::not_found(format!("{id} has no result of step {} (yet)", step.as_str())))?;
    stored_json(service, digest).await
}

async fn stored_json(service: web::Data<Service>, digest: crate::domain::event::Digest) -> Answer {
    let bytes = web::block(move || service.store.blob(digest)).await??;
    let bytes = bytes.ok_or_else(|| Problem::internal(format!("body {digest} is missing: run lastbuy doctor --deep")))?;
    Ok(HttpResponse::Ok().content_type("application/json").body(bytes))
}

#[derive(Deserialize)]
struct CasesAsked {
    /// open, decided or closed.
    state: Option<String>,
    /// The maker or an alias.
    maker: Option<String>,
    before: Option<String>,
    limit: Option<Rows>,
}

async fn cases(service: web::Data<Service>, asked: web::Query<CasesAsked>) -> Answer {
    let CasesAsked { state, maker, before, limit } = asked.into_inner();
    let known = ["open", "decided", "closed"];
    if let Some(unknown) = state.as_deref().filter(|state| !known.contains(state)) {
        return Err(Problem::bad_request(format!("'{unknown}' is not a state of a case: one of {}", known.join(", "))));
    }
    let page = Page { before, limit };
    let aliases = service.datasets.aliases().clone();
    let maker = maker.map(|maker| aliases.key(&maker));
    let takes = move |case: &Case| {
        state.as_deref().is_none_or(|state| state == case.state.name())
            && maker.as_ref().is_none_or(|maker| case.maker.as_ref().is_some_and(|own| aliases.key(own) == *maker))
    };
    let before = page.before::<CaseId>()?;
    let (rows, next) = web::block(move || found(&service, before, page.limit(), takes)).await??;
    Ok(HttpResponse::Ok().json(json!({ "items": rows.iter().map(AsRef::as_ref).collect::<Vec<&Case>>(), "next": next })))
}

/// Cases before a number that are taken, newest first, and the number of the last where there may be more. What the pages hold in memory is looked through at once; in a
/// store of more cases the older ones are looked through a page at a time, which may then be empty.
fn found(
    service: &Service,
    mut before: Option<CaseId>,
    limit: usize,
    takes: impl Fn(&Case) -> bool,
) -> Result<(Vec<Arc<Case>>, Option<CaseId>), Problem> {
    let known = pages::known_cases(service)?;
    let known = &known[known.partition_point(|case| before.is_some_and(|before| case.id >= before))..];
    let mut rows: Vec<Arc<Case>> = known.iter().filter(|case| takes(case)).take(limit).cloned().collect();
    if rows.len() < limit {
        before = known.last().map(|case| case.id).or(before);
        let older = service.store.cases(before, limits::LIST_ROWS_MAX)?;
        let more = (older.len() == limits::LIST_ROWS_MAX).then(|| older.last().map(|case| case.id)).flatten();
        rows.extend(older.into_iter().filter(|case| takes(case)).map(Arc::new).take(limit - rows.len()));
        if rows.len() < limit {
            return Ok((rows, more));
        }
    }
    let next = rows.last().map(|case| case.id);
    Ok((rows, next))
}

/// The case, and what each of its notices did to it.
async fn case(service: web::Data<Service>, id: web::Path<String>) -> Answer {
    let shown = web::block(move || {
        let case = service.store.case(id.parse()?)?.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
        let mut shown = json!(case);
        shown["history"] = json!(history::of(&service.store, &case)?);
        Ok::<Value, Problem>(shown)
    });
    Ok(HttpResponse::Ok().json(shown.await??))
}

#[derive(Deserialize)]
struct AssessmentsAsked {
    case: Option<String>,
    before: Option<String>,
    limit: Option<Rows>,
}

async fn assessments(service: web::Data<Service>, asked: web::Query<AssessmentsAsked>) -> Answer {
    let asked = asked.into_inner();
    let case: Option<CaseId> = asked.case.as_deref().map(str::parse).transpose()?;
    let page = Page { before: asked.before, limit: asked.limit };
    let rows = service.store.assessments(case, page.before::<AssessmentId>()?, page.limit())?;
    Ok(list(&rows, page.limit(), |row| row.id))
}

/// The statement itself, as it was stored.
async fn assessment(service: web::Data<Service>, id: web::Path<String>) -> Answer {
    let row = service.store.assessment(id.parse()?)?.ok_or_else(|| Problem::not_found(format!("there is no assessment {id}")))?;
    stored_json(service, row.body).await
}

/// Its line of the list: of which case, on what, by which job.
async fn assessment_row(service: web::Data<Service>, id: web::Path<String>) -> Answer {
    one(service.store.assessment(id.parse()?)?, "assessment", &id)
}

async fn datasets(service: web::Data<Service>) -> Answer {
    Ok(HttpResponse::Ok().json(json!({ "items": service.store.datasets()?, "next": None::<DatasetId> })))
}
