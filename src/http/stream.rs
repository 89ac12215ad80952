//! `GET /v1/stream`: what happens, as server-sent events. Each event's id is the number of its record in the log, so a client that was away goes on where it was
//! (`Last-Event-ID`). A stream ends after some minutes by itself; browsers then ask again, and who may no longer read is told so.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{Service, problem::Problem};
use crate::{
    limits,
    store::{AuditEntry, AuditFilter, AuditFrom},
};

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/v1/stream", web::get().to(stream_of));
}

#[derive(Deserialize)]
struct Asked {
    /// As `Last-Event-ID`, for clients that cannot set headers.
    after: Option<u64>,
}

struct Going {
    service: web::Data<Service>,
    /// The last record that was looked at.
    after: u64,
    seen: u64,
    until: Instant,
    greets: bool,
    _place: OwnedSemaphorePermit,
}

async fn stream_of(service: web::Data<Service>, request: HttpRequest, asked: web::Query<Asked>) -> Result<HttpResponse, Problem> {
    let Ok(place) = std::sync::Arc::clone(&service.streams).try_acquire_owned() else {
        return Err(Problem::busy(format!("{} streams are open already", limits::STREAMS_MAX)));
    };
    let header = request.headers().get("last-event-id").and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    let store = std::sync::Arc::clone(&service.store);
    let newest = web::block(move || store.audit(&AuditFilter::default(), AuditFrom::Before(None), 1)).await??;
    let newest = newest.entries.first().map_or(0, |sealed| sealed.entry.record);
    let after = header.or(asked.after).map_or(newest, |after| after.min(newest));
    let until = Instant::now() + Duration::from_secs(limits::STREAM_SECONDS_MAX);
    let going = Going { service, after, seen: 0, until, greets: true, _place: place };
    Ok(HttpResponse::Ok().content_type("text/event-stream").insert_header(("X-Accel-Buffering", "no")).streaming(stream::unfold(going, next)))
}

/// What is sent next; `None`: the stream is over.
async fn next(mut going: Going) -> Option<(Result<Bytes, std::convert::Infallible>, Going)> {
    if std::mem::take(&mut going.greets) {
        return Some((Ok(Bytes::from(format!("retry: {}\nid: {}\n\n", limits::STREAM_RETRY_MS, going.after))), going));
    }
    let mut stopping = going.service.stopping.subscribe();
    loop {
        if Instant::now() >= going.until || *stopping.borrow_and_update() {
            return None;
        }
        let (store, after) = (std::sync::Arc::clone(&going.service.store), going.after);
        let page = web::block(move || store.audit(&AuditFilter::default(), AuditFrom::After(after), limits::STREAM_EVENTS_AT_ONCE)).await;
        let Ok(Ok(page)) = page else { return None };
        if let Some(last) = page.entries.last() {
            going.after = last.entry.record;
            let told: String = page.entries.iter().filter(|sealed| is_told(&sealed.entry)).map(|sealed| event(&sealed.entry)).collect();
            if !told.is_empty() {
                return Some((Ok(Bytes::from(told)), going));
            }
            continue;
        }
        let beat = Duration::from_secs(limits::STREAM_BEAT_SECONDS);
        let changed = async { tokio::time::timeout(beat, going.service.store.changed(going.seen)).await };
        tokio::select! {
            _ = stopping.changed() => return None,
            changed = changed => match changed {
                Ok(seen) => going.seen = seen,
                // A comment keeps proxies from taking silence for an end.
                Err(_) => return Some((Ok(Bytes::from_static(b": still here\n\n")), going)),
            },
        }
    }
}

/// Who signs in and what the queue does to itself is no news.
fn is_told(entry: &AuditEntry) -> bool {
    let quiet = ["access.", "user.", "token.", "request.", "job.extended", "job.claimed", "message.claimed", "keys."];
    !quiet.iter().any(|act| entry.act.starts_with(act))
}

/// What happened to what; who did it and why is for those who may read the audit trail.
fn event(entry: &AuditEntry) -> String {
    let data = json!({ "record": entry.record, "at": entry.at, "act": entry.act, "object": entry.object, "about": entry.about });
    format!("id: {}\nevent: {}\ndata: {data}\n\n", entry.record, entry.act)
}
