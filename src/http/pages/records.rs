//! What is on record: the audit trail, and what people were told.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{Shell, page, see, visible};
use crate::{
    domain::{
        id::MessageId,
        message::{Message, MessageState},
    },
    http::{Caller, Service, now, problem::Problem},
    limits,
    store::{AuditEntry, AuditFilter, AuditFrom, MessageFilter},
};

const ROWS: usize = 100;

struct Entry {
    record: String,
    at: String,
    by: String,
    act: String,
    object: String,
    about: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    p: Shell,
    by: String,
    act: String,
    object: String,
    rows: Vec<Entry>,
    next: Option<String>,
}

#[derive(Deserialize)]
pub struct AuditAsked {
    by: Option<String>,
    act: Option<String>,
    object: Option<String>,
    before: Option<u64>,
}

pub async fn audit(service: web::Data<Service>, request: HttpRequest, asked: web::Query<AuditAsked>) -> HttpResponse {
    let asked = asked.into_inner();
    page(service, request, "audit", move |service, p| {
        let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let filter = AuditFilter { by: given(asked.by), act: given(asked.act), object: given(asked.object), since: None, until: None };
        let found = service.store.audit(&filter, AuditFrom::Before(asked.before), ROWS)?;
        let [by, act, object] = [filter.by, filter.act, filter.object].map(Option::unwrap_or_default);
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("by", &by).append_pair("act", &act).append_pair("object", &object).finish();
        Ok(Audit {
            rows: found.entries.iter().map(|sealed| entry(&sealed.entry, &p)).collect(),
            next: found.next.map(|next| format!("/audit?{query}&before={next}")),
            by,
            act,
            object,
            p,
        })
    })
    .await
}

fn entry(entry: &AuditEntry, p: &Shell) -> Entry {
    let told = |text: &Option<String>| text.as_deref().map_or_else(String::new, |text| visible::short(text, limits::PAGE_SENTENCE_CHARS_MAX));
    Entry {
        record: entry.record.to_string(),
        at: p.language.moment(entry.at),
        by: visible::line(&entry.by),
        act: visible::line(&entry.act),
        object: visible::line(&entry.object),
        about: told(&entry.about),
        detail: told(&entry.detail),
    }
}

struct Told {
    id: String,
    about: String,
    destination: String,
    rule: String,
    state: &'static str,
    state_words: String,
    made: String,
    errors: Vec<String>,
    dead: bool,
}

struct Choice {
    value: &'static str,
    words: String,
    chosen: bool,
    count: Option<String>,
}

#[derive(Template)]
#[template(path = "messages.html")]
struct Messages {
    p: Shell,
    states: Vec<Choice>,
    rows: Vec<Told>,
    next: Option<String>,
    destinations: Vec<String>,
}

#[derive(Deserialize)]
pub struct MessagesAsked {
    state: Option<String>,
    before: Option<String>,
}

pub async fn messages(service: web::Data<Service>, request: HttpRequest, asked: web::Query<MessagesAsked>) -> HttpResponse {
    let asked = asked.into_inner();
    page(service, request, "messages", move |service, p| {
        let state = MessageState::NAMES.into_iter().find(|name| Some(*name) == asked.state.as_deref());
        let before: Option<MessageId> = asked.before.as_deref().map(str::parse).transpose()?;
        let filter = MessageFilter { state: state.map(str::to_owned), destination: None };
        let rows = service.store.messages(&filter, before, ROWS)?;
        let counts = service.store.message_counts();
        let choice = |value: &'static str, chosen: bool| Choice {
            value,
            words: p.words("state", value),
            chosen,
            count: counts.get(value).map(|count| p.language.number(&count.to_string())),
        };
        let states =
            std::iter::once(choice("all", state.is_none())).chain(MessageState::NAMES.into_iter().map(|name| choice(name, state == Some(name))));
        Ok(Messages {
            states: states.collect(),
            next: rows.last().filter(|_| rows.len() == ROWS).map(|last| format!("/messages?state={}&before={}", state.unwrap_or("all"), last.id)),
            rows: rows.iter().map(|message| told(message, &p)).collect(),
            destinations: service.destinations.iter().map(|name| visible::line(name)).collect(),
            p,
        })
    })
    .await
}

fn told(message: &Message, p: &Shell) -> Told {
    Told {
        id: message.id.to_string(),
        about: message.happened.object(),
        destination: visible::line(&message.destination),
        rule: visible::line(&message.rule),
        state: message.state.name(),
        state_words: p.words("state", message.state.name()),
        made: p.language.moment(message.made_at),
        errors: message.errors.iter().map(|attempt| format!("{}: {}", p.language.moment(attempt.at), visible::line(&attempt.error))).collect(),
        dead: matches!(message.state, MessageState::Dead { .. }),
    }
}

pub async fn retry(service: web::Data<Service>, request: HttpRequest, caller: Caller, id: web::Path<String>) -> HttpResponse {
    let retried = web::block(move || {
        let id: MessageId = id.parse()?;
        service.store.retry_message(id, &caller.actor(), now())?;
        Ok::<(), Problem>(())
    });
    match retried.await.unwrap_or_else(|error| Err(error.into())) {
        Ok(()) => see("/messages"),
        Err(problem) => super::refused(&request, &problem),
    }
}
