//! Reads a request's body under every bound there is: declared size, real size, time, and bodies in memory at once.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    dev::{Payload, ServiceRequest},
    http::header,
    web,
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};

use super::{Service, problem::Problem};
use crate::limits;

/// The body, at most `most` bytes of it, within `limits::BODY_READ_SECONDS_MAX`.
pub async fn read(service: &Service, request: &HttpRequest, payload: web::Payload, most: usize) -> Result<Bytes, Problem> {
    let declared =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()).and_then(|length| length.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > most as u64) {
        return Err(too_large(most));
    }
    let Ok(Ok(_permit)) = tokio::time::timeout(Duration::from_millis(limits::BODY_PERMIT_MS_MAX), service.bodies.acquire()).await else {
        return Err(Problem::busy(format!("{} bodies are being received already; send it again in a moment", limits::BODIES_IN_FLIGHT_MAX)));
    };
    let wait = Duration::from_secs(limits::BODY_READ_SECONDS_MAX);
    match tokio::time::timeout(wait, gather(payload, most)).await {
        Ok(body) => body,
        Err(_) => Err(Problem::timeout(format!("the body was not complete within {} seconds", limits::BODY_READ_SECONDS_MAX))),
    }
}

/// The same for who must see a body before its handler does: it is put back.
pub async fn peek(service: &Service, request: &mut ServiceRequest, most: usize) -> Result<Bytes, Problem> {
    let payload = request.extract::<web::Payload>().await.map_err(|error| Problem::bad_request(format!("the body cannot be read: {error}")))?;
    let body = read(service, request.request(), payload, most).await?;
    let again = body.clone();
    request.set_payload(Payload::Stream { payload: Box::pin(stream::once(async move { Ok(again) })) });
    Ok(body)
}

async fn gather(mut payload: web::Payload, most: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Problem::bad_request(format!("the body cannot be read: {error}")))?;
        if body.len() + chunk.len() > most {
            return Err(too_large(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_large(most: usize) -> Problem {
    Problem::too_large(format!("the body is larger than the {most} bytes taken here; split it, or hand the file to `lastbuy ingest`"))
}
