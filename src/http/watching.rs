//! For whoever watches the appliance: `/healthz` (should it be started again?), `/readyz` (does it take notices, and if not, why?), `/metrics` for Prometheus.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::{Service, now, problem::Problem};
use crate::{
    limits,
    meter::{self, Gauge},
    store::{ReadError, Store},
};

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/healthz", web::get().to(health)).route("/readyz", web::get().to(ready)).route("/metrics", web::get().to(metrics));
}

/// The process answers and the log takes writes; otherwise only a new start helps.
async fn health(service: web::Data<Service>) -> HttpResponse {
    match service.store.poisoned() {
        None => HttpResponse::Ok().json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })),
        Some(why) => HttpResponse::ServiceUnavailable().json(json!({ "status": "failed", "why": why, "version": env!("CARGO_PKG_VERSION") })),
    }
}

/// Notices are taken; with every reason where they are not. What only a person can mend, and does not stop intake, is told beside.
async fn ready(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    let store = &service.store;
    let mut checks: Vec<Value> = Vec::new();
    let mut check = |what: &str, found: Result<String, String>| {
        checks.push(json!({ "what": what, "ok": found.is_ok(), "detail": found.as_ref().unwrap_or_else(|why| why) }));
        found.is_ok()
    };
    let writes = check("log", store.poisoned().map_or(Ok("takes writes".to_owned()), Err));
    let reserve = limits::DISK_RESERVE_BYTES;
    let space = match store.free_bytes() {
        Ok(free) if free >= reserve => Ok(format!("{} MiB are free", free >> 20)),
        Ok(free) => Err(format!("only {} MiB are free, {} are kept in reserve: nothing new is taken until there is more", free >> 20, reserve >> 20)),
        Err(error) => Err(format!("free space is not known: {error}")),
    };
    let has_room = check("space", space);
    let dataset: Value = store.active_dataset()?.map_or(Value::Null, |row| json!(row.id));
    let is_ready = writes && has_room;
    let body = json!({ "status": if is_ready { "ready" } else { "not ready" }, "checks": checks, "dataset": dataset });
    Ok(if is_ready { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) })
}

/// Whether this client may read the metrics: the admin socket always, others by `server.metrics_from`.
fn may_watch(service: &Service, request: &HttpRequest) -> bool {
    request.peer_addr().is_none_or(|peer| {
        let address = peer.ip().to_canonical();
        service.watchers.iter().any(|network| network.contains(&address))
    })
}

async fn metrics(service: web::Data<Service>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if !may_watch(&service, &request) {
        return Err(Problem::forbidden("the metrics are for the machines and networks in server.metrics_from"));
    }
    let store = Arc::clone(&service.store);
    let gauges = web::block(move || gauges(&store)).await??;
    let text = meter::text(gauges).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text))
}

/// What is looked up when it is asked for.
#[allow(clippy::cast_precision_loss, reason = "Prometheus has no other numbers; bytes and counts stay under 2^53")]
fn gauges(store: &Store) -> Result<Vec<Gauge>, ReadError> {
    let now = now();
    let mut gauges = Vec::new();
    let mut gauge = |name, help, labels, value| gauges.push(Gauge { name, help, labels, value });
    for (state, count) in store.job_counts()? {
        gauge("jobs", "Jobs by state; review waits for a person, dead was given up", vec![("state", state)], count as f64);
    }
    let waited = store.oldest_ready()?.map_or(0, |job| now.0.saturating_sub(job.changed_at.0).max(0));
    gauge("oldest_ready_seconds", "For how long the job that waits longest has been ready", Vec::new(), waited as f64 / 1000.0);
    for (state, count) in store.message_counts() {
        gauge("messages", "Messages of the outbox by state", vec![("state", state)], count as f64);
    }
    gauge("store_bytes", "Bytes of the log and the datasets", Vec::new(), store.stored_bytes() as f64);
    if let Ok(free) = store.free_bytes() {
        gauge("disk_free_bytes", "Bytes free where the data directory is", Vec::new(), free as f64);
    }
    gauge("disk_reserve_bytes", "Free space under which nothing new is taken", Vec::new(), limits::DISK_RESERVE_BYTES as f64);
    if let Some(days) = store.growth(now).days_left() {
        gauge("disk_full_in_days", "Days until the reserve is reached, at the growth of the last 30 days", Vec::new(), days);
    }
    gauge("store_writable", "1 while the log takes writes", Vec::new(), if store.poisoned().is_none() { 1.0 } else { 0.0 });
    gauge("build_info", "Always 1", vec![("version", env!("CARGO_PKG_VERSION").to_owned())], 1.0);
    Ok(gauges)
}
