//! `Idempotency-Key`: an act that is sent again under the same key is not done again, and gets the answer it got before.

use actix_web::{
    Error, HttpMessage as _, HttpResponse, ResponseError as _,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode, header},
    middleware::Next,
    web,
};
use bytes::Bytes;

use super::{Service, access::Caller, body, now, problem::Problem};
use crate::{
    domain::{access::Act, event::Digest},
    limits,
    store::{Actor, Keyed},
};

pub async fn once(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let key = match asked(&request) {
        Ok(Some(key)) => key,
        Ok(None) => return Ok(next.call(request).await?.map_into_boxed_body()),
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let begun = match begin(&mut request, &key).await {
        Ok(begun) => begun,
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let Begun { service, key, digest, by } = match begun {
        Ok(begun) => begun,
        Err(answer) => return Ok(request.into_response(answer)),
    };
    let response = next.call(request).await?.map_into_boxed_body();
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let (answer, response) = match body.try_into_bytes() {
        // What failed here may be tried again under the same key.
        Ok(bytes) => {
            let answer = (!head.status().is_server_error()).then(|| (head.status().as_u16(), bytes.to_vec()));
            (answer, head.set_body(BoxBody::new(bytes)))
        }
        Err(body) => (None, head.set_body(body)),
    };
    let ended = web::block(move || service.store.end_keyed(key, digest, answer, &by, now())).await;
    if !matches!(ended, Ok(Ok(()))) {
        // The act is done and its answer goes out; sent again, the key is told to be open, and nothing is done twice.
        tracing::warn!("the answer to a request with a key could not be kept");
    }
    Ok(ServiceResponse::new(request, response))
}

/// The key, where the request carries one that counts.
fn asked(request: &ServiceRequest) -> Result<Option<String>, Problem> {
    let Some(key) = request.headers().get("idempotency-key") else { return Ok(None) };
    // Deliveries and files that are handed in are known again by what they are.
    let acts = *request.method() == Method::POST && request.path().starts_with("/v1/");
    let known_by_itself = request.path().starts_with("/v1/hooks/") || request.path().starts_with("/v1/ingest");
    if !acts || known_by_itself || !Caller::of(request.request()).may(Act::Read) {
        return Ok(None);
    }
    if request.path().starts_with("/v1/users") || request.path().starts_with("/v1/tokens") {
        return Err(Problem::bad_request("an answer that holds a secret is not kept, so this takes no Idempotency-Key"));
    }
    let key = key.to_str().unwrap_or_default();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) || key.len() > limits::IDEMPOTENCY_KEY_BYTES_MAX {
        return Err(Problem::bad_request(format!("an Idempotency-Key has 1 to {} plain characters and no blank", limits::IDEMPOTENCY_KEY_BYTES_MAX)));
    }
    Ok(Some(key.to_owned()))
}

/// Whether an act under `/v1` has an answer that is kept under a key.
pub(super) fn takes_key(path: &str) -> bool {
    !["/v1/ingest", "/v1/users", "/v1/tokens"].iter().any(|without| path.starts_with(without)) && path != "/v1/datasets"
}

struct Begun {
    service: web::Data<Service>,
    key: Digest,
    digest: Digest,
    by: Actor,
}

/// Begins it, or gives the answer there is already.
async fn begin(request: &mut ServiceRequest, key: &str) -> Result<Result<Begun, HttpResponse>, Problem> {
    let service = request.app_data::<web::Data<Service>>().cloned().ok_or_else(|| Problem::internal("the server has no store"))?;
    let by = Caller::of(request.request()).actor();
    let body = json_of(&service, request).await?;
    // A key is its caller's and its route's own.
    let key = Digest::of([by.0.as_str(), request.path(), request.query_string(), key].join("\0").as_bytes());
    let digest = Digest::of(&body);
    let (store, actor) = (service.clone(), by.clone());
    match web::block(move || store.store.begin_keyed(key, digest, &actor, now())).await?? {
        Keyed::Fresh => Ok(Ok(Begun { service, key, digest, by })),
        Keyed::Other => Err(Problem::unfit("this Idempotency-Key came with another request before")),
        Keyed::Open => Err(Problem::conflict(
            "a request with this Idempotency-Key is being done, or its answer was lost: look at what it is about before you send another",
        )),
        Keyed::Answered { status, body } => {
            let bytes =
                service.store.blob(body)?.ok_or_else(|| Problem::internal("the answer that was kept is missing: run lastbuy doctor --deep"))?;
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
            Ok(Err(HttpResponse::build(status).content_type(kind).insert_header(("Idempotency-Replayed", "true")).body(bytes)))
        }
    }
}

async fn json_of(service: &Service, request: &mut ServiceRequest) -> Result<Bytes, Problem> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media.is_empty() && !media.to_ascii_lowercase().starts_with("application/json") {
        return Err(Problem::bad_request("a request with an Idempotency-Key has a body of JSON"));
    }
    body::peek(service, request, limits::JSON_BODY_BYTES_MAX).await
}
