//! Errors as RFC 9457 problems: one table from each error to its status and stable code.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde_json::{Value, json};

use crate::{
    datasets,
    domain::id::IdError,
    intake::Refusal,
    store::{ReadError, WriteError},
};

/// Seconds after which a busy server may be asked again.
const RETRY_AFTER_SECONDS: u32 = 5;

#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    /// Stable; clients may match on it.
    code: &'static str,
    title: &'static str,
    /// What happened, to what, what to do.
    detail: String,
    /// Members beside the standard ones.
    more: Vec<(&'static str, Value)>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, code, title, detail: detail.into(), more: Vec::new() }
    }

    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    /// It was there, and was given up on purpose.
    pub fn gone(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::GONE, "gone", "No longer kept", detail)
    }

    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "bad_request", "The request is not understood", detail)
    }

    pub fn too_large(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large", detail)
    }

    pub fn timeout(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The body came too slowly", detail)
    }

    pub fn busy(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", detail)
    }

    pub fn internal(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed", detail)
    }

    pub fn with(mut self, member: &'static str, value: Value) -> Problem {
        self.more.push((member, value));
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut body =
            json!({ "type": "about:blank", "title": self.title, "status": self.status.as_u16(), "code": self.code, "detail": self.detail });
        for (member, value) in &self.more {
            body[*member] = value.clone();
        }
        let mut response = HttpResponse::build(self.status);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
        }
        if matches!(
            self.status,
            StatusCode::NOT_FOUND | StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::SERVICE_UNAVAILABLE
        ) {
            // It may be told before the body was read to its end; the rest is not waited for.
            response.force_close();
        }
        response.content_type("application/problem+json").body(body.to_string())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Problem::new(status, refusal.code(), "The delivery is not taken", refusal.to_string())
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Problem {
        let detail = error.to_string();
        match error {
            WriteError::Busy(_) => Problem::busy(detail),
            WriteError::Stale(_) => Problem::new(StatusCode::CONFLICT, "stale", "It was changed meanwhile", detail),
            WriteError::Refused(_) => Problem::new(StatusCode::CONFLICT, "refused", "Its state does not allow it", detail),
            WriteError::Poisoned(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "The store takes no more writes", detail),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Problem {
        Problem::internal(error.to_string())
    }
}

impl From<datasets::OpenError> for Problem {
    fn from(error: datasets::OpenError) -> Problem {
        Problem::internal(error.to_string())
    }
}

impl From<IdError> for Problem {
    fn from(error: IdError) -> Problem {
        Problem::bad_request(error.to_string())
    }
}

/// A blocking call that did not run to its end.
impl From<actix_web::error::BlockingError> for Problem {
    fn from(error: actix_web::error::BlockingError) -> Problem {
        Problem::internal(error.to_string())
    }
}
