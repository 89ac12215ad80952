//! What was decided about a case, and the forms of those who may: propose an answer with its reason, approve it as a second person, carry it out, take it back.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Shell, board::answer_name, see, visible};
use crate::{
    domain::{
        access::Act,
        decision::{Decision, Stage},
        id::CaseId,
    },
    http::{
        Caller, Service,
        decisions::{self, ForProduct, Propose},
        problem::Problem,
    },
    impact::Assessment,
    limits,
};

/// A decision as a case's page shows it.
pub struct Shown {
    pub answer: String,
    pub stage: &'static str,
    pub stage_words: String,
    pub reason: Option<String>,
    pub owner: Option<String>,
    pub due: Option<String>,
    /// Product, its answer, and its reason where it has one of its own.
    pub products: Vec<(String, String, Option<String>)>,
    pub assessment: Option<String>,
    pub steps: Vec<String>,
}

/// What the reader may do about a case.
pub struct Acts {
    /// Answers to choose from: the name, and the words; empty: nothing may be proposed.
    pub propose: Vec<(String, String, bool)>,
    /// Products that may go another way.
    pub products: Vec<String>,
    /// Products past those listed.
    pub more_products: usize,
    pub approve: bool,
    pub done: bool,
    pub reopen: bool,
    pub four_eyes: bool,
}

pub fn shown(decision: &Decision, p: &Shell) -> Shown {
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
        products: proposal
            .products
            .iter()
            .map(|one| (visible::line(&one.product), answer_name(language, &one.answer), one.reason.as_deref().map(visible::line)))
            .collect(),
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

pub fn acts(service: &Service, decisions: &[Decision], assessment: Option<&Assessment>, p: &Shell) -> Acts {
    let may = |to: Stage| decisions.first().is_some_and(|decision| decision.stage.may_become(to));
    let open = !may(Stage::Reopened);
    let answers = assessment.iter().flat_map(|assessment| &assessment.answers).filter(|_| open && p.caller.may(Act::Decide));
    let best = assessment.and_then(|assessment| assessment.headline.best_answer.as_deref());
    // One product alone goes the way of its case.
    let products = assessment.map_or(&[][..], |assessment| &assessment.products);
    let products = if products.len() > 1 { products } else { &[] };
    Acts {
        products: products.iter().take(limits::PAGE_VALUES_MAX).map(|product| product.sku.clone()).collect(),
        more_products: products.len().saturating_sub(limits::PAGE_VALUES_MAX),
        propose: answers.map(|answer| (answer.name.clone(), answer_name(p.language, &answer.name), best == Some(answer.name.as_str()))).collect(),
        approve: may(Stage::Approved) && p.caller.may(Act::Approve),
        done: may(Stage::Done) && p.caller.may(Act::Decide),
        reopen: may(Stage::Reopened) && p.caller.may(Act::Decide),
        four_eyes: service.four_eyes,
    }
}

pub async fn decide(
    service: web::Data<Service>,
    request: HttpRequest,
    caller: Caller,
    id: web::Path<String>,
    form: web::Form<Vec<(String, String)>>,
) -> HttpResponse {
    let form = form.into_inner();
    let decided = web::block(move || {
        let id: CaseId = id.parse()?;
        act(&service, &caller, id, &form)?;
        Ok::<CaseId, Problem>(id)
    });
    match decided.await.unwrap_or_else(|error| Err(error.into())) {
        Ok(id) => see(&format!("/cases/{id}#decision")),
        Err(problem) => super::refused(&request, &problem),
    }
}

/// A form: `act` is `propose`, `approve`, `refuse`, `done` or `reopen`; with the first the answer, and for the product `pN_product` another one.
fn act(service: &Service, caller: &Caller, id: CaseId, form: &[(String, String)]) -> Result<Decision, Problem> {
    let get = |name: &str| given(form, name);
    let stage = match get("act").as_deref().unwrap_or_default() {
        "propose" => {
            let due = get("due").map(|due| due.parse()).transpose();
            let due = due.map_err(|_| Problem::bad_request("the due date is a day: 2027-06-30"))?;
            let assessment = get("assessment").map(|id| id.parse()).transpose()?;
            let answer = get("answer").ok_or_else(|| Problem::bad_request("a decision names the answer that was chosen"))?;
            let propose = Propose { answer, reason: get("reason"), owner: get("owner"), due, products: for_products(form), assessment };
            return decisions::proposed(service, caller, id, propose);
        }
        "approve" => Stage::Approved,
        "refuse" => Stage::Refused,
        "done" => Stage::Done,
        "reopen" => Stage::Reopened,
        other => return Err(Problem::bad_request(format!("'{other}' is nothing that is done with a decision"))),
    };
    decisions::stepped(service, caller, id, stage, get("reason"))
}

/// What a field says; `None`: it is not there, or was left empty.
fn given(form: &[(String, String)], name: &str) -> Option<String> {
    form.iter().find(|(of, _)| of == name).map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The products that go another way than the case.
fn for_products(form: &[(String, String)]) -> Vec<ForProduct> {
    let listed = (0..limits::PAGE_VALUES_MAX).map_while(|number| given(form, &format!("p{number}_product")).map(|product| (number, product)));
    let other = listed.filter_map(|(number, product)| {
        let answer = given(form, &format!("p{number}_answer"))?;
        Some(ForProduct { product, answer, reason: given(form, &format!("p{number}_reason")) })
    });
    other.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_products_with_an_answer_of_their_own_are_told_apart() {
        let form = [
            ("act", "propose"),
            ("p0_product", "DRIVE-1"),
            ("p0_answer", ""),
            ("p1_product", "DRIVE 2&3"),
            ("p1_answer", "Redesign"),
            ("p1_reason", " ends "),
            ("p9_product", "never listed"),
            ("p9_answer", "Redesign"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let products = for_products(&form);
        let told: Vec<_> = products.iter().map(|one| (one.product.as_str(), one.answer.as_str(), one.reason.as_deref())).collect();
        assert_eq!(told, [("DRIVE 2&3", "Redesign", Some("ends"))]);
        assert_eq!(given(&form, "reason"), None);
    }
}
