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
    intake::{Answers, Refusal},
    llm,
    store::{ReadError, WriteError},
};

/// Seconds after which a busy server may be asked again.
const RETRY_AFTER_SECONDS: u64 = 5;

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
    retry_after_s: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, code, title, detail: detail.into(), more: Vec::new(), retry_after_s: None }
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

    /// Who calls is known, and may not.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// Who calls is not known, and must be.
    pub fn unknown_caller(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "sign_in", "Who are you?", detail)
    }

    /// It is understood, and what it says cannot be so.
    pub fn unfit(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", "It cannot be done as it is asked", detail)
    }

    /// What it rests on was changed meanwhile.
    pub fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, "stale", "It was changed meanwhile", detail)
    }

    pub fn method_not_allowed(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "The method is not taken", detail)
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

    /// Too much in too short a time; after `seconds` it may come again.
    pub fn too_many(detail: impl Into<String>, seconds: u64) -> Problem {
        let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many", "Too many deliveries", detail);
        problem.retry_after_s = Some(seconds);
        problem
    }

    /// The same, with the status that a sender's documentation asks for.
    pub fn for_sender(mut self, answers: &Answers) -> Problem {
        let status = match self.code {
            "too_large" | "body_too_large" => Some(answers.too_large),
            "unauthorised" => Some(answers.unauthorised),
            "stale_signature" => Some(answers.stale),
            "replayed" => Some(answers.refused.unwrap_or(answers.unauthorised)),
            "timeout" | "too_many" => answers.again,
            _ => None,
        };
        if let Some(status) = status.and_then(|status| StatusCode::from_u16(status).ok()) {
            self.status = status;
        }
        self
    }

    /// The same in another sentence.
    pub fn saying(self, detail: String) -> Problem {
        Problem { detail, ..self }
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
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.insert_header((header::RETRY_AFTER, self.retry_after_s.unwrap_or(RETRY_AFTER_SECONDS)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1: a 401 names what would do.
            // Basic is for senders: a browser that is offered it asks for a password of its own accord.
            let schemes = if self.code == "sign_in" { "Bearer" } else { "Bearer, Basic realm=\"Lastbuy\"" };
            response.insert_header((header::WWW_AUTHENTICATE, schemes));
        }
        if matches!(
            self.status,
            StatusCode::NOT_FOUND
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::TOO_MANY_REQUESTS
                | StatusCode::SERVICE_UNAVAILABLE
        ) || self.code == "too_large"
        {
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

impl From<llm::LlmError> for Problem {
    fn from(error: llm::LlmError) -> Problem {
        match error {
            llm::LlmError::Child(why) => Problem::internal(why),
            llm::LlmError::Model(why) | llm::LlmError::Question(why) => Problem::unfit(why),
        }
    }
}

impl From<llm::Unnamed> for Problem {
    fn from(error: llm::Unnamed) -> Problem {
        match error {
            llm::Unnamed::Nothing(why) => Problem::not_found(why),
            llm::Unnamed::Several(why) => Problem::bad_request(why),
        }
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
