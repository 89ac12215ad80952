//! `POST /v1/hooks/{source}`: takes a delivery, and answers as its sender's documentation asks, once it is on disk.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::PoisonError,
};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
    web,
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Service, admin, body, now, problem::Problem};
use crate::{
    clock,
    domain::event::Source,
    intake::{self, Answers, By, Delivery, Refusal},
    meter,
    rate::counted_as,
    store::{Accepted, Actor},
};

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/hooks/{source}", web::post().to(hook))
        .route("/v1/hooks/{source}", web::head().to(probe))
        .route("/v1/hooks/{source}", web::method(actix_web::http::Method::OPTIONS).to(handshake));
}

/// The source under which files are taken that a person hands in.
const HANDED_IN: &str = "file";

/// What became of a delivery that is on disk.
pub struct Taken {
    pub accepted: Vec<Accepted>,
    /// It lies in quarantine, for this reason.
    pub refusal: Option<Refusal>,
}

async fn hook(service: web::Data<Service>, request: HttpRequest, source: web::Path<String>, payload: web::Payload) -> HttpResponse {
    let answers = intake::answers(&source);
    match take(&service, &request, &source, None, payload).await {
        Ok(Taken { accepted, refusal: None }) => HttpResponse::build(status(answers.taken)).json(answer_all(&accepted)),
        Ok(Taken { accepted, refusal: Some(refusal) }) => quarantined(&answers, &accepted, refusal),
        Err(problem) => problem.for_sender(&answers).error_response(),
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn quarantined(answers: &Answers, accepted: &[Accepted], refusal: Refusal) -> HttpResponse {
    let event = accepted.first().map(|accepted| accepted.event);
    match answers.refused {
        Some(code) => HttpResponse::build(status(code)).json(json!({ "event_id": event, "quarantined": refusal.to_string() })),
        None => Problem::from(refusal).with("event_id", json!(event)).with("quarantined", Value::Bool(true)).error_response(),
    }
}

/// Mandrill looks whether an address is there before it takes it.
async fn probe(service: web::Data<Service>, source: web::Path<String>) -> HttpResponse {
    if service.sources.contains(&source) { HttpResponse::Ok().finish() } else { HttpResponse::NotFound().finish() }
}

/// The handshake by which a CloudEvents sender asks whether it may deliver (HTTP 1.1 Web Hooks for Event Delivery, section 4).
async fn handshake(service: web::Data<Service>, request: HttpRequest, source: web::Path<String>) -> HttpResponse {
    let asked = request.headers().get("webhook-request-origin").and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    let is_allowed = service.origins.iter().any(|origin| origin == "*" || origin.eq_ignore_ascii_case(asked));
    let is_taken = *source == "cloudevents" && service.sources.contains(&source);
    if asked.is_empty() || !is_allowed || !is_taken {
        return HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, "POST")).finish();
    }
    let rate = if service.per_minute == 0 { "*".to_owned() } else { service.per_minute.to_string() };
    HttpResponse::Ok()
        .insert_header((header::ALLOW, "POST"))
        .insert_header(("WebHook-Allowed-Origin", asked))
        .insert_header(("WebHook-Allowed-Rate", rate))
        .finish()
}

/// What a sender is told of a delivery that is on disk.
pub fn answer(accepted: &Accepted) -> Value {
    json!({
        "event_id": accepted.event,
        "job_id": accepted.job,
        "duplicate": accepted.duplicate,
        "status_url": format!("/v1/events/{}", accepted.event),
    })
}

fn answer_all(accepted: &[Accepted]) -> Value {
    match accepted {
        [one] => answer(one),
        all => json!({ "events": all.iter().map(answer).collect::<Vec<_>>() }),
    }
}

/// A delivery from the network, and what became of it counted.
pub async fn take(
    service: &Service,
    request: &HttpRequest,
    source: &str,
    file_name: Option<String>,
    payload: web::Payload,
) -> Result<Taken, Problem> {
    let taken = take_checked(service, request, source, file_name, payload).await;
    let answer = match &taken {
        Ok(Taken { refusal: Some(_), .. }) => "quarantined",
        Ok(Taken { accepted, .. }) if !accepted.is_empty() && accepted.iter().all(|accepted| accepted.duplicate) => "duplicate",
        Ok(_) => "taken",
        Err(problem) => match problem.status_code() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "unauthorised",
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => "put_off",
            status if status.is_server_error() => "put_off",
            _ => "refused",
        },
    };
    // A name that nobody knows comes from outside and is no label.
    let known = if service.sources.iter().any(|known| known == source) { source } else { "unknown" };
    meter::delivery(known, answer);
    taken
}

/// Of a source that is switched on and sends no more than it may.
async fn take_checked(
    service: &Service,
    request: &HttpRequest,
    source: &str,
    file_name: Option<String>,
    payload: web::Payload,
) -> Result<Taken, Problem> {
    if !service.sources.iter().any(|taken| taken == source) {
        let known = service.sources.join(", ");
        return Err(Refusal::UnknownSource(format!("'{source}' is not a source that is taken here: one of {known}")).into());
    }
    // By machine as well, so that nobody uses up what another may send.
    let peer = counted_as(request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip()));
    if let Err(seconds) = service.rates.lock().unwrap_or_else(PoisonError::into_inner).take(&(source.to_owned(), peer), clock::now_ms()) {
        return Err(Problem::too_many(format!("{source} sent more than {} deliveries in a minute", service.per_minute), seconds));
    }
    accept(service, request, source, file_name, payload, None).await
}

/// The same by one who must send exactly one event.
pub async fn take_one(service: &Service, request: &HttpRequest, source: &str, payload: web::Payload) -> Result<Accepted, Problem> {
    one(take(service, request, source, None, payload).await?)
}

fn one(taken: Taken) -> Result<Accepted, Problem> {
    match (taken.refusal, taken.accepted.first()) {
        (None, Some(accepted)) => Ok(*accepted),
        (None, None) => Err(Problem::bad_request("there is nothing in it")),
        (Some(refusal), accepted) => Err(Problem::from(refusal).with("event_id", json!(accepted.map(|accepted| accepted.event)))),
    }
}

/// The one way in: bounded, checked, on disk. `by` is the person at the admin socket who hands it in; without one, the source's credentials must vouch for it.
async fn accept(
    service: &Service,
    request: &HttpRequest,
    source: &str,
    file_name: Option<String>,
    payload: web::Payload,
    by: Option<Actor>,
) -> Result<Taken, Problem> {
    let source: Source = source.parse().map_err(|error: crate::domain::event::SourceError| Refusal::UnknownSource(error.to_string()))?;
    let body = body::read(service, request, payload, intake::body_bytes_max(&source)).await?;
    let mut headers =
        request.headers().iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))).collect::<Vec<_>>();
    if let Some(token) = token_in_query(request, &source) {
        headers.push(("authorization".to_owned(), format!("Bearer {token}")));
    }
    let content_type = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
    keep(service, Delivery { source, content_type, file_name, headers, body }, by).await
}

/// A file that a person hands in on a page.
pub async fn hand_in(service: &Service, file_name: String, body: Bytes, by: Actor) -> Result<Taken, Problem> {
    let source: Source = HANDED_IN.parse().map_err(|error: crate::domain::event::SourceError| Problem::internal(error.to_string()))?;
    let content_type = Some(intake::content_type_of(&file_name).to_owned());
    keep(service, Delivery { source, content_type, file_name: Some(file_name), headers: Vec::new(), body }, Some(by)).await
}

/// Checked and on disk.
async fn keep(service: &Service, delivery: Delivery, by: Option<Actor>) -> Result<Taken, Problem> {
    let handed_in = if by.is_some() { By::Person(&service.gate) } else { By::Network(&service.gate) };
    let received = intake::receive(delivery, handed_in, clock::now_ms())?;
    if let (Some(token), Some(arrival)) = (received.token, received.arrivals.first()) {
        service.spent.spend(token, arrival.dedupe_key, clock::now_ms())?;
    }
    let mut accepted = Vec::with_capacity(received.arrivals.len());
    for arrival in received.arrivals {
        let source = arrival.source.clone();
        let taken = service.store.accept_async(arrival, by.clone(), now()).await?;
        let job = taken.job.map(|job| job.to_string()).unwrap_or_default();
        tracing::info!(event = %taken.event, job, %source, duplicate = taken.duplicate, "a delivery is on disk");
        accepted.push(taken);
    }
    if let Some(refusal) = &received.refusal {
        tracing::warn!(event = %accepted.first().map(|accepted| accepted.event.to_string()).unwrap_or_default(), %refusal, "a delivery lies in quarantine");
    }
    Ok(Taken { accepted, refusal: received.refusal })
}

/// CloudEvents senders may put their token into the address where they cannot set headers (Web Hooks, section 3.2).
fn token_in_query(request: &HttpRequest, source: &Source) -> Option<String> {
    #[derive(Deserialize)]
    struct Query {
        access_token: String,
    }
    let is_taken = source.as_str() == "cloudevents" && !request.headers().contains_key(header::AUTHORIZATION);
    is_taken.then(|| web::Query::<Query>::from_query(request.query_string()).ok().map(|query| query.into_inner().access_token)).flatten()
}

#[derive(Deserialize)]
pub struct Ingest {
    source: String,
    file_name: Option<String>,
}

/// `POST /v1/ingest` on the admin face: a file handed in by somebody who may read the data directory; its bytes are the body.
pub async fn ingest(
    service: web::Data<Service>,
    request: HttpRequest,
    query: web::Query<Ingest>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    if !intake::sources().contains(&query.source.as_str()) {
        let known = intake::sources().join(", ");
        return Err(Refusal::UnknownSource(format!("'{}' is not a source: one of {known}", query.source)).into());
    }
    let file_name = query.file_name.clone().filter(|name| !name.is_empty());
    let taken = accept(&service, &request, &query.source, file_name, payload, Some(admin::actor(&request))).await?;
    Ok(HttpResponse::Accepted().json(answer_all(&taken.accepted)))
}
