//! `POST /v1/hooks/{source}`: takes a delivery, and answers once it is on disk.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{Service, admin, body, now, problem::Problem};
use crate::{
    clock,
    domain::event::Source,
    intake::{self, Delivery, Refusal},
    store::Accepted,
};

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/v1/hooks/{source}", web::post().to(hook));
}

async fn hook(service: web::Data<Service>, request: HttpRequest, source: web::Path<String>, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let accepted = take(&service, &request, &source, None, payload).await?;
    Ok(HttpResponse::Accepted().json(answer(&accepted)))
}

/// What a sender is told of a delivery that is on disk.
pub fn answer(accepted: &Accepted) -> serde_json::Value {
    json!({
        "event_id": accepted.event,
        "job_id": accepted.job,
        "duplicate": accepted.duplicate,
        "status_url": format!("/v1/events/{}", accepted.event),
    })
}

/// A delivery from the network, of a source that is switched on.
pub async fn take(
    service: &Service,
    request: &HttpRequest,
    source: &str,
    file_name: Option<String>,
    payload: web::Payload,
) -> Result<Accepted, Problem> {
    if !service.sources.iter().any(|taken| taken == source) {
        let known = service.sources.join(", ");
        return Err(Refusal::UnknownSource(format!("'{source}' is not a source that is taken here: one of {known}")).into());
    }
    accept(service, request, source, file_name, payload, true).await
}

/// The one way in: bounded, checked, on disk. `signed` says whether the source's secret must have signed it; otherwise a person at the
/// admin socket hands it in.
async fn accept(
    service: &Service,
    request: &HttpRequest,
    source: &str,
    file_name: Option<String>,
    payload: web::Payload,
    signed: bool,
) -> Result<Accepted, Problem> {
    let source: Source = source.parse().map_err(|error: crate::domain::event::SourceError| Refusal::UnknownSource(error.to_string()))?;
    let body = body::read(service, request, payload, intake::body_bytes_max(&source)).await?;
    let headers =
        request.headers().iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))).collect::<Vec<_>>();
    let content_type = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
    let delivery = Delivery { source, content_type, file_name, headers, body };
    let unsigned = intake::Secrets::default();
    let by = if signed { None } else { Some(admin::actor(request)) };
    let arrival = intake::receive(delivery, if signed { &service.secrets } else { &unsigned }, clock::now_ms())?;
    Ok(service.store.accept_async(arrival, by, now()).await?)
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
    let accepted = accept(&service, &request, &query.source, file_name, payload, false).await?;
    Ok(HttpResponse::Accepted().json(answer(&accepted)))
}
