//! Answers to reads carry the hash of what they say, and who has that already is told so and nothing more.

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderValue},
    },
    middleware::Next,
};

pub async fn tag(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_read = *request.method() == Method::GET && (request.path().starts_with("/v1/") || request.path() == "/openapi.json");
    let asked = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let response = next.call(request).await?.map_into_boxed_body();
    if !is_read || response.status() != StatusCode::OK {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (mut head, body) = response.into_parts();
    let bytes = match body.try_into_bytes() {
        Ok(bytes) => bytes,
        // What is streamed has no hash before it ends.
        Err(body) => return Ok(ServiceResponse::new(request, head.set_body(body))),
    };
    let tag = format!("\"{}\"", blake3::hash(&bytes).to_hex());
    // Kept by the client and asked for each time: what it has may be old, and is nobody else's.
    let (tag_header, kept) = (HeaderValue::from_str(&tag)?, HeaderValue::from_static("private, no-cache"));
    if asked.is_some_and(|asked| is_among(&asked, &tag)) {
        let mut same = HttpResponse::NotModified();
        return Ok(ServiceResponse::new(
            request,
            same.insert_header((header::ETAG, tag_header)).insert_header((header::CACHE_CONTROL, kept)).finish(),
        ));
    }
    head.headers_mut().insert(header::ETAG, tag_header);
    head.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(ServiceResponse::new(request, head.set_body(BoxBody::new(bytes))))
}

/// Whether a list of tags names this one (RFC 9110, section 13.1.2: weakly compared).
fn is_among(asked: &str, tag: &str) -> bool {
    asked.trim() == "*" || asked.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::is_among;

    #[test]
    fn tags_are_compared_weakly_and_as_a_whole() {
        for (asked, found) in [("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("*", true), ("\"ab\"", false), ("a", false), ("", false)]
        {
            assert_eq!(is_among(asked, "\"a\""), found, "{asked}");
        }
    }
}
