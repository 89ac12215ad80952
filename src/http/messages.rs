//! What people are told: the outbox.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::{
    Service,
    admin::{actor, blocking},
    now,
    problem::Problem,
    reads::{Page, Rows, list, one},
};
use crate::{
    domain::{id::MessageId, message::MessageState},
    store::{Actor, MessageFilter},
};

type Answer = Result<HttpResponse, Problem>;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/messages", web::get().to(messages))
        .route("/v1/messages/counts", web::get().to(counts))
        .route("/v1/messages/{id}", web::get().to(message))
        .route("/v1/messages/{id}/retry", web::post().to(retry))
        .route("/v1/destinations", web::get().to(destinations))
        .route("/v1/destinations/{name}/test", web::post().to(test));
}

#[derive(Deserialize)]
struct Asked {
    state: Option<String>,
    destination: Option<String>,
    before: Option<String>,
    limit: Option<Rows>,
}

async fn messages(service: web::Data<Service>, asked: web::Query<Asked>) -> Answer {
    let Asked { state, destination, before, limit } = asked.into_inner();
    if let Some(unknown) = state.as_deref().filter(|state| !MessageState::NAMES.contains(state)) {
        return Err(Problem::bad_request(format!("'{unknown}' is not a state of a message: one of {}", MessageState::NAMES.join(", "))));
    }
    let page = Page { before, limit };
    let rows = service.store.messages(&MessageFilter { state, destination }, page.before::<MessageId>()?, page.limit())?;
    Ok(list(&rows, page.limit(), |message| message.id))
}

async fn counts(service: web::Data<Service>) -> Answer {
    Ok(HttpResponse::Ok().json(service.store.message_counts()))
}

async fn message(service: web::Data<Service>, id: web::Path<String>) -> Answer {
    one(service.store.message(id.parse()?)?, "message", &id)
}

async fn retry(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>) -> Answer {
    let (id, by): (MessageId, Actor) = (id.parse()?, actor(&request));
    if service.store.message(id)?.is_none() {
        return Err(Problem::not_found(format!("there is no message {id}")));
    }
    let message = blocking(move || service.store.retry_message(id, &by, now())).await?;
    Ok(HttpResponse::Ok().json(message))
}

/// The site's destinations, and what disabled those to which nothing is sent.
async fn destinations(service: web::Data<Service>) -> Answer {
    let disabled = service.store.disabled_destinations()?;
    let rows = service.destinations.iter().map(|name| {
        let by = disabled.iter().find(|message| message.destination == *name);
        json!({ "name": name, "disabled_by": by.map(|message| message.id) })
    });
    Ok(HttpResponse::Ok().json(json!({ "items": rows.collect::<Vec<_>>() })))
}

async fn test(service: web::Data<Service>, request: HttpRequest, name: web::Path<String>) -> Answer {
    let (name, by) = (name.into_inner(), actor(&request));
    if !service.destinations.contains(&name) {
        let known = if service.destinations.is_empty() { "there is none".to_owned() } else { service.destinations.join(", ") };
        return Err(Problem::not_found(format!("the configuration in force names no destination '{name}': {known}")));
    }
    let store = service.clone();
    let id = blocking(move || store.store.test_message(&name, &by, now())).await?;
    Ok(HttpResponse::Accepted().json(service.store.message(id)?))
}
