//! Notices that a person hands in as files on a page: each is on disk before the page answers, and taken as `lastbuy ingest` takes it.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{refused, see};
use crate::{
    http::{
        Caller, Service,
        form::{self, Form, Most},
        hooks,
        problem::Problem,
    },
    limits,
    store::{Accepted, Actor},
};

const MOST: Most =
    Most { files: limits::HANDED_IN_FILES_MAX, bytes: limits::HANDED_IN_BYTES_MAX, instead: "hand in fewer at a time, or use `lastbuy ingest`" };

pub async fn take(service: web::Data<Service>, request: HttpRequest, caller: Caller, payload: web::Payload) -> HttpResponse {
    let taken = async {
        let form = form::receive(&service, &request, payload, MOST).await?;
        every(&service, &form, &caller.actor()).await
    };
    match taken.await {
        Ok(taken) => match taken.as_slice() {
            [one] if one.duplicate => see(&format!("/events/{}?known=true", one.event)),
            [one] => see(&format!("/events/{}", one.event)),
            all => see(&format!("/events?taken={}&known={}", all.len(), all.iter().filter(|one| one.duplicate).count())),
        },
        Err(problem) => refused(&request, &problem),
    }
}

/// Takes one file after the other. Where one is refused the others are taken all the same, and the refusal says which is which.
async fn every(service: &Service, form: &Form, by: &Actor) -> Result<Vec<Accepted>, Problem> {
    let (mut taken, mut refused, mut first) = (Vec::new(), Vec::new(), None);
    for name in &form.files {
        match one(service, form, name, by).await {
            Ok(accepted) => taken.extend(accepted),
            Err(problem) => {
                refused.push(format!("{name}: {problem}"));
                first.get_or_insert(problem);
            }
        }
    }
    let Some(first) = first else { return Ok(taken) };
    let ids: Vec<String> = taken.iter().map(|accepted| accepted.event.to_string()).collect();
    let others = if ids.is_empty() { String::new() } else { format!(" The others were taken: {}.", ids.join(", ")) };
    Err(first.saying(format!("Not taken: {}.{others}", refused.join("; "))))
}

async fn one(service: &Service, form: &Form, name: &str, by: &Actor) -> Result<Vec<Accepted>, Problem> {
    let bytes = tokio::fs::read(form.folder().join(name)).await.map_err(|error| Problem::internal(format!("it cannot be read back: {error}")))?;
    let taken = hooks::hand_in(service, name.to_owned(), bytes.into(), by.clone()).await?;
    match taken.refusal {
        Some(refusal) => Err(refusal.into()),
        None => Ok(taken.accepted),
    }
}
