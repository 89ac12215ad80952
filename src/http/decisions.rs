//! Decisions about cases: proposed, approved by a second person where the site wants it, carried out or taken back; and the evidence behind them as one file.

use actix_web::{HttpResponse, http::header, web};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Service, access::Caller, admin::blocking, now, pack, problem::Problem};
use crate::{
    domain::{
        access::Act,
        case::Case,
        decision::{Decision, ProductAnswer, Proposal, Stage},
        id::{AssessmentId, CaseId},
    },
    limits,
};

type Answer = Result<HttpResponse, Problem>;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/cases/{id}/decide", web::post().to(decide))
        .route("/v1/cases/{id}/decision", web::get().to(history))
        .route("/v1/cases/{id}/decision", web::post().to(propose))
        .route("/v1/cases/{id}/decision/approve", web::post().to(approve))
        .route("/v1/cases/{id}/decision/refuse", web::post().to(refuse))
        .route("/v1/cases/{id}/decision/done", web::post().to(done))
        .route("/v1/cases/{id}/decision/reopen", web::post().to(reopen))
        .route("/v1/cases/{id}/evidence", web::get().to(evidence))
        .route("/v1/evidence-key", web::get().to(evidence_key));
}

fn the_case(service: &Service, id: CaseId) -> Result<Case, Problem> {
    service.store.case(id)?.ok_or_else(|| Problem::not_found(format!("there is no case {id}: `lastbuy cases list` shows which are")))
}

fn bounded(what: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match text {
        Some(text) if text.len() > limits::REASON_BYTES_MAX => {
            Err(Problem::bad_request(format!("{what} is longer than {} bytes", limits::REASON_BYTES_MAX)))
        }
        text => Ok(text),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decide {
    answer: String,
    note: Option<String>,
}

/// The short way: an answer in a person's own words.
async fn decide(service: web::Data<Service>, caller: Caller, id: web::Path<String>, asked: web::Json<Decide>) -> Answer {
    caller.must(Act::Decide)?;
    let (id, asked): (CaseId, Decide) = (id.parse()?, asked.into_inner());
    let case = the_case(&service, id)?;
    let Some(answer) = bounded("the answer", Some(asked.answer))? else {
        return Err(Problem::bad_request("a decision names the answer that was chosen"));
    };
    let proposal =
        Proposal { answer, reason: bounded("the note", asked.note)?, owner: None, due: None, products: Vec::new(), assessment: case.latest };
    let (store, by) = (service.clone(), caller.actor());
    blocking(move || store.store.propose(&case, proposal, store.four_eyes, &by, now())).await?;
    Ok(HttpResponse::Ok().json(service.store.case(id)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Propose {
    /// Name of one of the statement's answers.
    pub answer: String,
    pub reason: Option<String>,
    pub owner: Option<String>,
    pub due: Option<Date>,
    #[serde(default)]
    pub products: Vec<ForProduct>,
    /// The statement it rests on; another one meanwhile is a conflict. Left out: the newest.
    pub assessment: Option<AssessmentId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ForProduct {
    pub product: String,
    pub answer: String,
    pub reason: Option<String>,
}

async fn propose(service: web::Data<Service>, caller: Caller, id: web::Path<String>, asked: web::Json<Propose>) -> Answer {
    let (id, asked): (CaseId, Propose) = (id.parse()?, asked.into_inner());
    let decision = web::block(move || proposed(&service, &caller, id, asked)).await??;
    Ok(HttpResponse::Created().json(decision))
}

/// Proposes one of the answers of a case's newest statement.
pub(super) fn proposed(service: &Service, caller: &Caller, id: CaseId, asked: Propose) -> Result<Decision, Problem> {
    caller.must(Act::Decide)?;
    let case = the_case(service, id)?;
    let Some(latest) = case.latest else {
        return Err(Problem::unfit(format!("case {id} has no statement yet, so there is no answer to choose: it needs the factory's data first")));
    };
    if asked.assessment.is_some_and(|looked_at| looked_at != latest) {
        return Err(Problem::conflict(format!("case {id} was assessed anew as {latest}: look at it again")));
    }
    let statement = statement(service, latest)?;
    let named = |list: &str, member: &str| -> Vec<String> {
        let rows = statement.get(list).and_then(Value::as_array).into_iter().flatten();
        rows.filter_map(|row| row.get(member)?.as_str().map(str::to_owned)).collect()
    };
    let (answers, products) = (named("answers", "name"), named("products", "sku"));
    let known = |answer: &str| {
        let found = answers.iter().find(|known| known.eq_ignore_ascii_case(answer.trim())).cloned();
        found.ok_or_else(|| Problem::unfit(format!("'{answer}' is not an answer of {latest}: one of {}", answers.join(", "))))
    };
    let mut for_products = Vec::with_capacity(asked.products.len());
    for one in asked.products {
        let product = products.iter().find(|known| **known == one.product).cloned();
        let product =
            product.ok_or_else(|| Problem::unfit(format!("'{}' is not a product of {latest}: one of {}", one.product, products.join(", "))))?;
        if for_products.iter().any(|earlier: &ProductAnswer| earlier.product == product) {
            return Err(Problem::unfit(format!("{product} is named twice")));
        }
        for_products.push(ProductAnswer { product, answer: known(&one.answer)?, reason: bounded("the reason", one.reason)? });
    }
    let owner = bounded("the owner", asked.owner)?;
    if owner.as_ref().is_some_and(|owner| owner.len() > limits::USER_NAME_BYTES_MAX) {
        return Err(Problem::bad_request(format!("the owner's name is longer than {} bytes", limits::USER_NAME_BYTES_MAX)));
    }
    let proposal = Proposal {
        answer: known(&asked.answer)?,
        reason: bounded("the reason", asked.reason)?,
        owner,
        due: asked.due,
        products: for_products,
        assessment: Some(latest),
    };
    Ok(service.store.propose(&case, proposal, service.four_eyes, &caller.actor(), now())?)
}

fn statement(service: &Service, id: AssessmentId) -> Result<Value, Problem> {
    let row = service.store.assessment(id)?.ok_or_else(|| Problem::internal(format!("{id} is missing")))?;
    let bytes =
        service.store.blob(row.body)?.ok_or_else(|| Problem::internal(format!("the statement of {id} is missing: run lastbuy doctor --deep")))?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::internal(format!("the statement of {id} cannot be read back: {error}")))
}

async fn history(service: web::Data<Service>, id: web::Path<String>) -> Answer {
    let id: CaseId = id.parse()?;
    the_case(&service, id)?;
    let all = service.store.decisions(id)?;
    Ok(HttpResponse::Ok().json(json!({ "four_eyes": service.four_eyes, "current": all.first(), "items": all })))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Note {
    note: Option<String>,
}

async fn approve(service: web::Data<Service>, caller: Caller, id: web::Path<String>, note: web::Json<Note>) -> Answer {
    step(service, caller, &id, Stage::Approved, note.into_inner().note).await
}

async fn refuse(service: web::Data<Service>, caller: Caller, id: web::Path<String>, note: web::Json<Note>) -> Answer {
    step(service, caller, &id, Stage::Refused, note.into_inner().note).await
}

async fn done(service: web::Data<Service>, caller: Caller, id: web::Path<String>, note: web::Json<Note>) -> Answer {
    step(service, caller, &id, Stage::Done, note.into_inner().note).await
}

async fn reopen(service: web::Data<Service>, caller: Caller, id: web::Path<String>, note: web::Json<Note>) -> Answer {
    step(service, caller, &id, Stage::Reopened, note.into_inner().note).await
}

async fn step(service: web::Data<Service>, caller: Caller, id: &str, to: Stage, note: Option<String>) -> Answer {
    let id: CaseId = id.parse()?;
    let decision = web::block(move || stepped(&service, &caller, id, to, note)).await??;
    Ok(HttpResponse::Ok().json(decision))
}

/// The next step of a case's decision, if the caller may do it.
pub(super) fn stepped(service: &Service, caller: &Caller, id: CaseId, to: Stage, note: Option<String>) -> Result<Decision, Problem> {
    let needs_reason = matches!(to, Stage::Refused | Stage::Reopened);
    caller.must(if matches!(to, Stage::Approved | Stage::Refused) { Act::Approve } else { Act::Decide })?;
    the_case(service, id)?;
    let note = bounded("the note", note)?;
    if needs_reason && note.is_none() {
        return Err(Problem::bad_request(format!("a decision is only {} with a note that says why", to.as_str())));
    }
    Ok(service.store.step_decision(id, to, note, &caller.actor(), now())?)
}

async fn evidence(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: CaseId = id.parse()?;
    the_case(&service, id)?;
    let pack = web::block(move || pack::of_case(&service, id, &caller.actor())).await??;
    Ok(HttpResponse::Ok()
        .content_type("application/x-tar")
        .insert_header((header::CONTENT_DISPOSITION, ["attachment; filename=\"", id.to_string().as_str(), ".evidence.tar\""].concat()))
        .body(pack))
}

async fn evidence_key(service: web::Data<Service>) -> Answer {
    let key = service.evidence.as_ref().ok_or_else(|| Problem::internal("this server has no key to sign with"))?;
    Ok(HttpResponse::Ok().json(json!({ "algorithm": "Ed25519", "public_key": key.public() })))
}
