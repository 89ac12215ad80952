//! What was refused for what it holds and kept for a person to look at: listed, put to work all the same, or given up.
//!
//! An event in quarantine is one that is ignored for a reason that begins with `domain::event::QUARANTINED` and about which there is no job. Releasing it makes the job it did not
//! get; dropping it makes one that is cancelled with the reason, so both are on record as every other act is.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{
    Service,
    admin::{actor, blocking},
    now,
    problem::Problem,
};
use crate::{
    domain::{
        event::Event,
        id::{EventId, JobId},
        job::{JobState, Priority, Step, Subject},
    },
    limits,
    store::{Actor, JobFilter, Order, ReadError, Store, WriteError},
};

type Answer = Result<HttpResponse, Problem>;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/quarantine", web::get().to(list))
        .route("/v1/quarantine/{id}/release", web::post().to(release))
        .route("/v1/quarantine/{id}/drop", web::post().to(give_up));
}

/// The newest first. `looked_through_all` is false where older events were not looked at.
async fn list(service: web::Data<Service>) -> Answer {
    let (events, all) = web::block(move || held(&service.store)).await??;
    Ok(HttpResponse::Ok().json(json!({ "items": events, "looked_through_all": all })))
}

/// The newest in quarantine, and whether all events were looked through.
pub fn held(store: &Store) -> Result<(Vec<Event>, bool), ReadError> {
    let (mut found, mut before) = (Vec::new(), None);
    for _ in 0..limits::QUARANTINE_SCAN_EVENTS_MAX / limits::LIST_ROWS_MAX {
        let events = store.events(before, limits::LIST_ROWS_MAX)?;
        let Some(oldest) = events.last() else { return Ok((found, true)) };
        before = Some(oldest.id);
        for event in events {
            if is_held(store, &event)? {
                found.push(event);
            }
            if found.len() >= limits::LIST_ROWS_MAX {
                return Ok((found, false));
            }
        }
    }
    Ok((found, false))
}

pub fn is_held(store: &Store, event: &Event) -> Result<bool, ReadError> {
    if !event.is_quarantined() {
        return Ok(false);
    }
    let about = JobFilter { subject: Some(Subject::Event(event.id)), ..JobFilter::default() };
    Ok(store.jobs(&about, None, 1)?.is_empty())
}

fn the_event(store: &Store, id: EventId) -> Result<(), WriteError> {
    let failed = |error: ReadError| WriteError::Busy(error.to_string());
    match store.event(id).map_err(failed)? {
        Some(event) if is_held(store, &event).map_err(failed)? => Ok(()),
        Some(_) => Err(WriteError::Refused(format!("{id} is not in quarantine"))),
        None => Err(WriteError::Refused(format!("there is no event {id}"))),
    }
}

/// Makes the job that a delivery in quarantine did not get.
pub fn put_to_work(store: &Store, id: EventId, by: &Actor) -> Result<JobId, WriteError> {
    the_event(store, id)?;
    store.enqueue(Subject::Event(id), Step::Document, by, now())
}

async fn release(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>) -> Answer {
    let (id, by): (EventId, _) = (id.parse()?, actor(&request));
    let job = blocking(move || put_to_work(&service.store, id, &by));
    Ok(HttpResponse::Ok().json(json!({ "event_id": id, "job_id": job.await? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GiveUp {
    reason: String,
}

async fn give_up(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>, why: web::Json<GiveUp>) -> Answer {
    let (id, by, reason): (EventId, _, String) = (id.parse()?, actor(&request), why.into_inner().reason);
    if reason.trim().is_empty() {
        return Err(Problem::bad_request("a delivery is only given up with a reason"));
    }
    let job = blocking(move || drop_for(&service.store, id, reason, &by));
    Ok(HttpResponse::Ok().json(json!({ "event_id": id, "job_id": job.await? })))
}

/// Gives a delivery in quarantine up, for a reason, by a job that is cancelled.
pub fn drop_for(store: &Store, id: EventId, reason: String, by: &Actor) -> Result<JobId, WriteError> {
    if reason.trim().is_empty() {
        return Err(WriteError::Refused("a delivery is only given up with a reason".to_owned()));
    }
    the_event(store, id)?;
    // Far enough off that no worker takes it before it is cancelled.
    let not_before = Some(now().plus_ms(limits::SNOOZE_MS_MAX));
    let order = Order { priority: Priority::Background, not_before, ..Order::now(Subject::Event(id), Step::Document) };
    let made = store.submit(&[order], by, now())?.pop().unwrap_or_else(|| Err("no job was made".to_owned()));
    let job = made.map_err(WriteError::Refused)?;
    store.settle(job, JobState::Cancelled { reason }, None, by, now()).map(|job| job.id)
}
