//! Readings that wait for a person: what is doubtful, and the person's answers, after which the work goes on at once.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Service,
    access::Caller,
    now,
    problem::Problem,
    reads::{Page, list},
};
use crate::{
    domain::{
        access::Act,
        document::Document,
        event::Digest,
        id::{EventId, JobId},
        job::{Job, JobState, Step, Subject},
        notice::Reading,
        part::normal_mpn,
        review::Correction,
        time::At,
    },
    limits,
    reading::{self, Answer, SiteKnowledge},
    store::{JobFilter, Reviewed},
};

type Reply = Result<HttpResponse, Problem>;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/reviews", web::get().to(waiting))
        .route("/v1/reviews/{job}", web::get().to(one))
        .route("/v1/reviews/{job}", web::post().to(resolve))
        .route("/v1/corrections", web::get().to(corrections));
}

async fn waiting(service: web::Data<Service>, page: web::Query<Page>) -> Reply {
    let filter = JobFilter { states: vec!["review".to_owned()], ..JobFilter::default() };
    let jobs = service.store.jobs(&filter, page.before::<JobId>()?, page.limit())?;
    let rows = jobs.iter().map(|job| row(&service, job)).collect::<Result<Vec<Value>, Problem>>()?;
    Ok(list(&rows, page.limit(), |row| row["job"].clone()))
}

fn row(service: &Service, job: &Job) -> Result<Value, Problem> {
    let event = match job.subject {
        Subject::Event(id) => service.store.event(id)?,
        Subject::Case(_) => None,
    };
    let reason = match &job.state {
        JobState::Review { reason } => Some(reason),
        _ => None,
    };
    Ok(json!({
        "job": job.id, "event": event.as_ref().map(|event| event.id), "source": job.source, "file_name": event.as_ref().and_then(|event| event.file_name.clone()),
        "received_at": event.as_ref().map(|event| event.received_at), "since": job.changed_at, "state": job.state.name(), "reason": reason,
    }))
}

/// A job's reading with the text it was read in.
pub(super) struct Read {
    pub job: Job,
    pub event: EventId,
    /// Of the reading as it is stored.
    pub digest: Digest,
    pub reading: Reading,
    pub document: Document,
}

pub(super) fn read(service: &Service, id: JobId) -> Result<Read, Problem> {
    let job = service.store.job(id)?.ok_or_else(|| Problem::not_found(format!("there is no job {id}")))?;
    let Subject::Event(event) = job.subject else { return Err(Problem::not_found(format!("{id} is about a case and has no reading"))) };
    if let Some(at) = service.store.kept(event)?.expired_at {
        return Err(Problem::gone(format!("the bytes of {event} and what was read in them were given up by retention at {at}")));
    }
    let (Some(digest), Some(text)) = (job.result(Step::Reading), job.result(Step::Document)) else {
        return Err(Problem::not_found(format!("{id} has no reading (yet)")));
    };
    let (reading, document) = (stored(service, digest)?, stored(service, text)?);
    Ok(Read { job, event, digest, reading, document })
}

fn stored<T: serde::de::DeserializeOwned>(service: &Service, digest: Digest) -> Result<T, Problem> {
    let bytes = service.store.blob(digest)?.ok_or_else(|| Problem::internal(format!("body {digest} is missing: run lastbuy doctor --deep")))?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::internal(format!("body {digest} cannot be read back: {error}")))
}

#[derive(Deserialize)]
struct Asked {
    /// Whether the whole text comes along, in which `span`s are byte ranges.
    #[serde(default)]
    text: bool,
}

async fn one(service: web::Data<Service>, id: web::Path<String>, asked: web::Query<Asked>) -> Reply {
    let id: JobId = id.parse()?;
    let shown = web::block(move || show(&service, id, asked.text)).await??;
    Ok(HttpResponse::Ok().json(shown))
}

fn show(service: &Service, id: JobId, with_text: bool) -> Result<Value, Problem> {
    let read = read(service, id)?;
    let fields = reading::fields(&read.reading, &read.document, service.datasets.aliases(), &knowledge(service)?);
    let mut shown = row(service, &read.job)?;
    let document = &read.document;
    shown["reading"] = json!(read.digest);
    shown["notices"] = json!(read.reading.notices.len());
    shown["reader"] = json!(read.reading.provenance);
    shown["fields"] = json!(fields);
    shown["document"] = json!({ "format": document.format, "pages": document.pages, "warnings": document.warnings, "bytes": document.text.len() });
    shown["correction"] = json!(service.store.correction(id)?.as_ref().map(corrected));
    if with_text {
        shown["text"] = json!(document.text);
    }
    Ok(shown)
}

/// What the site's own list of approved parts tells of a text.
pub(super) fn knowledge(service: &Service) -> Result<SiteKnowledge, Problem> {
    let Some(opened) = service.datasets.active()? else { return Ok(SiteKnowledge::default()) };
    let aml = &opened.factory.data.aml;
    let mut makers: Vec<String> = aml.iter().map(|entry| entry.maker.clone()).collect();
    makers.sort();
    makers.dedup();
    Ok(SiteKnowledge { makers, mpns: aml.iter().map(|entry| normal_mpn(&entry.mpn)).collect() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolve {
    /// The reading that was looked at, as `GET` told it; another one meanwhile is a conflict. Left out: the present one.
    pub reading: Option<String>,
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// What is not answered is right as it was read.
    #[serde(default)]
    pub confirm_rest: bool,
    pub note: Option<String>,
}

async fn resolve(service: web::Data<Service>, caller: Caller, id: web::Path<String>, asked: web::Json<Resolve>) -> Reply {
    let (id, asked): (JobId, Resolve) = (id.parse()?, asked.into_inner());
    let answer = web::block(move || resolved(&service, &caller, id, asked)).await??;
    Ok(HttpResponse::Ok().json(answer))
}

/// Keeps a review; the answer is the job and what was changed.
pub(super) fn resolved(service: &Service, caller: &Caller, id: JobId, asked: Resolve) -> Result<Value, Problem> {
    caller.must(Act::Review)?;
    let Resolve { reading: looked_at, answers, confirm_rest, note } = asked;
    if answers.len() > limits::REVIEW_ANSWERS_MAX || note.as_ref().is_some_and(|note| note.len() > limits::REASON_BYTES_MAX) {
        return Err(Problem::bad_request(format!(
            "a review has at most {} answers and a note of {} bytes",
            limits::REVIEW_ANSWERS_MAX,
            limits::REASON_BYTES_MAX
        )));
    }
    let read = read(service, id)?;
    let before = match looked_at {
        Some(text) => text.parse().map_err(|_| Problem::bad_request(format!("'{text}' is not the digest of a reading")))?,
        None => read.digest,
    };
    let left = reading::correct(&read.reading, &read.document, &answers, confirm_rest).map_err(Problem::unfit)?;
    let after = serde_json::to_vec(&left.reading).map_err(|error| Problem::internal(format!("the reading cannot be written: {error}")))?;
    let reviewed = Reviewed { job: id, before, after, changes: left.changes, note };
    let job = service.store.correct(reviewed, &caller.actor(), now())?;
    let correction = service.store.correction(id)?;
    Ok(json!({ "job": job, "event": read.event, "correction": correction.as_ref().map(corrected) }))
}

fn corrected((correction, by, at): &(Correction, String, At)) -> Value {
    let mut shown = json!(correction);
    shown["by"] = json!(by);
    shown["at"] = json!(at);
    shown
}

async fn corrections(service: web::Data<Service>, page: web::Query<Page>) -> Reply {
    let found = service.store.corrections(page.before::<JobId>()?, page.limit())?;
    let rows: Vec<Value> = found.iter().map(corrected).collect();
    Ok(list(&rows, page.limit(), |row| row["job"].clone()))
}
