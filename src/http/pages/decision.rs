//! What was decided about a case, and the forms of those who may: propose an answer with its reason, approve it as a second person, carry it out, take it back.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::{Shell, board::answer_name, see, visible};
use crate::{
    domain::{
        access::Act,
        case::Case,
        decision::{Decision, Stage},
        id::CaseId,
    },
    http::{
        Caller, Service,
        decisions::{self, Propose},
        problem::Problem,
    },
    impact::Assessment,
};

/// A decision as a case's page shows it.
pub struct Shown {
    pub answer: String,
    pub stage: &'static str,
    pub stage_words: String,
    pub reason: Option<String>,
    pub owner: Option<String>,
    pub due: Option<String>,
    pub products: Vec<(String, String)>,
    pub assessment: Option<String>,
    pub steps: Vec<String>,
}

/// What the reader may do about a case.
pub struct Acts {
    /// Answers to choose from: the name, and the words; empty: nothing may be proposed.
    pub propose: Vec<(String, String, bool)>,
    pub approve: bool,
    pub done: bool,
    pub reopen: bool,
    pub four_eyes: bool,
}

pub fn shown(service: &Service, case: CaseId, p: &Shell) -> Result<Vec<Shown>, Problem> {
    Ok(service.store.decisions(case)?.iter().map(|decision| one(decision, p)).collect())
}

fn one(decision: &Decision, p: &Shell) -> Shown {
    let language = p.language;
    let step = |stage: Stage| p.words("stage", stage.as_str());
    let proposal = &decision.proposal;
    Shown {
        answer: answer_name(language, &proposal.answer),
        stage: decision.stage.as_str(),
        stage_words: step(decision.stage),
        reason: proposal.reason.as_deref().map(visible::line),
        owner: proposal.owner.as_deref().map(visible::line),
        due: proposal.due.map(|due| language.date(due)),
        products: proposal.products.iter().map(|product| (visible::line(&product.product), answer_name(language, &product.answer))).collect(),
        assessment: proposal.assessment.map(|id| id.to_string()),
        steps: decision
            .steps
            .iter()
            .map(|(stage, signed)| {
                let note = signed.note.as_deref().map_or_else(String::new, |note| format!(": {}", visible::line(note)));
                format!("{}, {}, {}{note}", step(*stage), visible::line(&signed.by), language.moment(signed.at))
            })
            .collect(),
    }
}

pub fn acts(service: &Service, case: &Case, assessment: Option<&Assessment>, p: &Shell) -> Result<Acts, Problem> {
    let current = service.store.decisions(case.id)?.into_iter().next();
    let may = |to: Stage| current.as_ref().is_some_and(|decision| decision.stage.may_become(to));
    let open = !may(Stage::Reopened);
    let answers = assessment.iter().flat_map(|assessment| &assessment.answers).filter(|_| open && p.caller.may(Act::Decide));
    let best = assessment.and_then(|assessment| assessment.headline.best_answer.as_deref());
    Ok(Acts {
        propose: answers.map(|answer| (answer.name.clone(), answer_name(p.language, &answer.name), best == Some(answer.name.as_str()))).collect(),
        approve: may(Stage::Approved) && p.caller.may(Act::Approve),
        done: may(Stage::Done) && p.caller.may(Act::Decide),
        reopen: may(Stage::Reopened) && p.caller.may(Act::Decide),
        four_eyes: service.four_eyes,
    })
}

#[derive(Deserialize)]
pub struct Form {
    /// `propose`, `approve`, `refuse`, `done`, `reopen`.
    act: String,
    answer: Option<String>,
    reason: Option<String>,
    owner: Option<String>,
    due: Option<String>,
    assessment: Option<String>,
}

pub async fn decide(service: web::Data<Service>, request: HttpRequest, caller: Caller, id: web::Path<String>, form: web::Form<Form>) -> HttpResponse {
    let form = form.into_inner();
    let decided = web::block(move || {
        let id: CaseId = id.parse()?;
        act(&service, &caller, id, form)?;
        Ok::<CaseId, Problem>(id)
    });
    match decided.await.unwrap_or_else(|error| Err(error.into())) {
        Ok(id) => see(&format!("/cases/{id}#decision")),
        Err(problem) => super::nothing_here(&request, &problem),
    }
}

fn act(service: &Service, caller: &Caller, id: CaseId, form: Form) -> Result<Decision, Problem> {
    let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let stage = match form.act.as_str() {
        "propose" => {
            let due = given(form.due).map(|due| due.parse()).transpose();
            let due = due.map_err(|_| Problem::bad_request("the due date is a day: 2027-06-30"))?;
            let assessment = given(form.assessment).map(|id| id.parse()).transpose()?;
            let answer = given(form.answer).ok_or_else(|| Problem::bad_request("a decision names the answer that was chosen"))?;
            let propose = Propose { answer, reason: given(form.reason), owner: given(form.owner), due, products: Vec::new(), assessment };
            return decisions::proposed(service, caller, id, propose);
        }
        "approve" => Stage::Approved,
        "refuse" => Stage::Refused,
        "done" => Stage::Done,
        "reopen" => Stage::Reopened,
        other => return Err(Problem::bad_request(format!("'{other}' is nothing that is done with a decision"))),
    };
    decisions::stepped(service, caller, id, stage, given(form.reason))
}
