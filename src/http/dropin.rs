//! The four routes and the dashboard read that clients of the earlier service know, with its own answers.

use actix_web::{HttpRequest, HttpResponse, web};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Service, hooks, pages, problem::Problem};
use crate::{
    domain::case::{Case, CaseState},
    store::{Accepted, JobFilter},
};

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/v1/webhooks/commercial-radar", web::post().to(commercial_radar))
        .route("/api/v1/webhooks/inbound-email", web::post().to(inbound_email))
        .route("/v1/ingest/component-alert", web::post().to(component_alert))
        .route("/v1/ingest/email-forward", web::post().to(email_forward))
        .route("/api/v1/dashboard/risk-metrics", web::get().to(risk_metrics));
}

async fn commercial_radar(service: web::Data<Service>, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let accepted = hooks::take_one(&service, &request, "commercial-radar", payload).await?;
    Ok(HttpResponse::Accepted().json(status(&accepted)))
}

async fn inbound_email(service: web::Data<Service>, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let accepted = hooks::take_one(&service, &request, "inbound-email", payload).await?;
    Ok(HttpResponse::Accepted().json(status(&accepted)))
}

async fn component_alert(service: web::Data<Service>, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let accepted = hooks::take_one(&service, &request, "component-alert", payload).await?;
    Ok(HttpResponse::Accepted().json(acknowledged(&accepted)))
}

async fn email_forward(service: web::Data<Service>, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let accepted = hooks::take_one(&service, &request, "email-forward", payload).await?;
    Ok(HttpResponse::Accepted().json(acknowledged(&accepted)))
}

fn status(accepted: &Accepted) -> Value {
    let (status, message) = match (accepted.job, accepted.duplicate) {
        (None, _) => ("ignored", "kept on record; only an alert of type PDN is worked on"),
        (Some(_), true) => ("accepted", "known already; nothing is done twice"),
        (Some(_), false) => ("accepted", "on disk; it will be worked on"),
    };
    json!({ "status": status, "message": message, "event_id": accepted.event, "status_url": format!("/v1/events/{}", accepted.event) })
}

fn acknowledged(accepted: &Accepted) -> Value {
    json!({ "ack": true, "trace_id": accepted.event, "status_url": format!("/v1/events/{}", accepted.event) })
}

/// The earlier dashboard's shape, from real data. A total is only given where every open case is known in euro; otherwise it is null, never too low.
async fn risk_metrics(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    let board = service.clone();
    let cases = web::block(move || pages::known_cases(&board)).await??;
    let cases: Vec<&Case> = cases.iter().map(AsRef::as_ref).filter(|case: &&Case| case.state == CaseState::Open).collect();
    let margins = cases.iter().map(|case| {
        let margin = case.headline.as_ref()?.margin_at_risk?;
        (margin.currency() == crate::domain::money::Currency::EUR).then(|| margin.amount())
    });
    let total: Option<Decimal> = margins.sum();
    let affected: Vec<Value> = cases
        .iter()
        .map(|case| {
            json!({
                "sku": case.id, "margin_at_risk": case.headline.as_ref().and_then(|headline| headline.margin_at_risk),
                "status": case.kind, "trigger_mpn": case.parts.first().map(|part| &part.mpn),
            })
        })
        .collect();
    let logs: Vec<Value> = service
        .store
        .jobs(&JobFilter::default(), None, 20)?
        .into_iter()
        .map(|job| json!({ "at": job.changed_at, "job": job.id, "message": format!("{} at step {}", job.state.name(), job.step.as_str()) }))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "total_risk_eur": total, "active_alerts": cases.len(), "affected_skus": affected, "agent_logs": logs })))
}
