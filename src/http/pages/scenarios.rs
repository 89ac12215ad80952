//! What-ifs that are kept beside a case under a name: on its page, and as `/v1/cases/{id}/scenarios`. A kept one is as it was computed; its address computes it
//! again on the newest statement.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Shell,
    board::answer_name,
    see, visible,
    what_if::{self, Computed},
};
use crate::{
    domain::{
        case::Case,
        event::Digest,
        id::{AssessmentId, CaseId},
        scenario::Scenario,
    },
    http::{Caller, Service, now, problem::Problem},
    limits,
    store::KeptScenario,
};

/// A scenario as its case's page lists it.
pub struct Row {
    pub name: String,
    pub by: String,
    pub at: String,
    pub moved: Vec<(String, String)>,
    pub margin: String,
    pub answer: String,
    pub cost: String,
    /// Against what its case's headline says now; empty where one of the two is unknown, or they are equal.
    pub difference: String,
    /// Where it is computed again.
    pub again: String,
    /// Its whole statement.
    pub statement: String,
}

pub fn rows(service: &Service, case: &Case, p: &Shell) -> Result<Vec<Row>, Problem> {
    Ok(service.store.scenarios(case.id)?.iter().map(|kept| row(case, kept, p)).collect())
}

fn row(case: &Case, (scenario, by, at): &KeptScenario, p: &Shell) -> Row {
    let language = p.language;
    let unknown = || language.t("words.unknown").to_owned();
    let headline = &scenario.headline;
    let now = case.headline.as_ref().and_then(|headline| headline.best_cost);
    let difference = headline.best_cost.zip(now).and_then(|(then, now)| then.minus(now).ok()).filter(|difference| !difference.is_zero());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&scenario.moved).finish();
    Row {
        name: visible::line(&scenario.name),
        by: visible::line(by),
        at: language.moment(*at),
        moved: scenario.moved.iter().map(|(input, to)| (p.words("what_if", &format!("input_{input}")), visible::line(to))).collect(),
        margin: headline.margin_at_risk.map_or_else(unknown, |margin| language.whole_money(margin)),
        answer: headline.best_answer.as_deref().map_or_else(unknown, |name| answer_name(language, name)),
        cost: headline.best_cost.map_or_else(unknown, |cost| language.whole_money(cost)),
        difference: difference.map_or_else(String::new, |difference| what_if::signed(language.whole_money(difference))),
        again: format!("/cases/{}/what-if?{query}", case.id),
        statement: format!("/v1/cases/{}/scenarios/{}", case.id, scenario.number),
    }
}

#[derive(Deserialize)]
pub struct Keep {
    name: String,
    /// The statement that was looked at; another one meanwhile is a conflict. Left out: the newest.
    assessment: Option<String>,
    #[serde(default)]
    horizon: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    holding: String,
    #[serde(default)]
    redesign: String,
}

fn kept(service: &Service, caller: &Caller, id: CaseId, keep: Keep) -> Result<Scenario, Problem> {
    let name = keep.name.trim();
    if name.is_empty() || name.chars().count() > limits::SCENARIO_NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(Problem::bad_request(format!("a scenario has a name of 1 to {} characters", limits::SCENARIO_NAME_CHARS_MAX)));
    }
    let looked_at: Option<AssessmentId> = keep.assessment.as_deref().filter(|id| !id.is_empty()).map(str::parse).transpose()?;
    let asked = what_if::Asked { horizon: keep.horizon, service: keep.service, holding: keep.holding, redesign: keep.redesign };
    let Computed { row, after, moved, .. } = what_if::compute(service, id, &asked)?;
    if looked_at.is_some_and(|looked_at| looked_at != row.id) {
        return Err(Problem::conflict(format!("case {id} was assessed anew as {}: look at it again", row.id)));
    }
    let moved = asked.moved(&moved);
    if moved.is_empty() {
        return Err(Problem::unfit("nothing was moved, so there is nothing to keep"));
    }
    let body = serde_json::to_vec(&after).map_err(|error| Problem::internal(format!("the statement cannot be written: {error}")))?;
    let scenario =
        Scenario { case: id, number: 0, name: name.to_owned(), compared_with: row.id, moved, headline: after.headline, body: Digest::of(&body) };
    Ok(service.store.keep_scenario(scenario, body, &caller.actor(), now())?)
}

/// The form under a what-if.
pub async fn keep(service: web::Data<Service>, request: HttpRequest, caller: Caller, id: web::Path<String>, form: web::Form<Keep>) -> HttpResponse {
    let done = web::block(move || {
        let id: CaseId = id.parse()?;
        kept(&service, &caller, id, form.into_inner()).map(|_| id)
    });
    match done.await.unwrap_or_else(|error| Err(error.into())) {
        Ok(id) => see(&format!("/cases/{id}#scenarios")),
        Err(problem) => super::refused(&request, &problem),
    }
}

fn shown(scenario: &Scenario) -> Value {
    json!({
        "case": scenario.case, "number": scenario.number, "name": scenario.name, "compared_with": scenario.compared_with,
        "moved": scenario.moved.iter().map(|(input, to)| (input.clone(), json!(to))).collect::<Map<String, Value>>(),
        "headline": scenario.headline, "body": scenario.body,
    })
}

pub async fn list(service: web::Data<Service>, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    let id: CaseId = id.parse()?;
    let found = web::block(move || {
        service.store.case(id)?.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
        Ok::<_, Problem>(service.store.scenarios(id)?)
    });
    let items: Vec<Value> = found
        .await??
        .iter()
        .map(|(scenario, by, at)| {
            let mut item = shown(scenario);
            (item["by"], item["at"]) = (json!(by), json!(at));
            item
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items })))
}

pub async fn add(service: web::Data<Service>, caller: Caller, id: web::Path<String>, asked: web::Json<Keep>) -> Result<HttpResponse, Problem> {
    let id: CaseId = id.parse()?;
    let scenario = web::block(move || kept(&service, &caller, id, asked.into_inner())).await??;
    Ok(HttpResponse::Created().json(shown(&scenario)))
}

/// The statement of one, as it was kept.
pub async fn statement(service: web::Data<Service>, path: web::Path<(String, u32)>) -> Result<HttpResponse, Problem> {
    let (id, number) = path.into_inner();
    let id: CaseId = id.parse()?;
    let body = web::block(move || {
        let missing = || Problem::not_found(format!("{id} has no scenario {number}"));
        let (scenario, ..) = service.store.scenarios(id)?.into_iter().find(|(scenario, ..)| scenario.number == number).ok_or_else(missing)?;
        let body = service.store.blob(scenario.body)?;
        body.ok_or_else(|| Problem::internal(format!("the statement of scenario {number} of {id} is missing: run lastbuy doctor --deep")))
    });
    Ok(HttpResponse::Ok().content_type("application/json").body(body.await??))
}
