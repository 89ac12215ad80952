//! `GET /v1/cases/{id}/export`: what was read of a case, in a form that others take over.

use actix_web::{HttpResponse, http::header, web};
use serde::Deserialize;

use super::{Service, problem::Problem};
use crate::{domain::id::CaseId, handover};

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/v1/cases/{id}/export", web::get().to(export));
}

#[derive(Deserialize)]
struct Asked {
    /// One of `handover::Format`.
    format: String,
}

async fn export(service: web::Data<Service>, id: web::Path<String>, asked: web::Query<Asked>) -> Result<HttpResponse, Problem> {
    let id: CaseId = id.parse()?;
    let format: handover::Format = asked.format.parse().map_err(Problem::bad_request)?;
    let case = service.store.case(id)?.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
    let bytes = web::block(move || handover::export(&case, format)).await?.map_err(|error| Problem::unfit(error.to_string()))?;
    let name = format!("attachment; filename=\"{id}.{}\"", format.ending());
    Ok(HttpResponse::Ok().content_type(format.media_type()).insert_header((header::CONTENT_DISPOSITION, name)).body(bytes))
}
