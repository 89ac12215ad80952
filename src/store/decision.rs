//! Decisions about cases. Each step of one is a record; where it changes what the case is, the case's record stands in the same group.

use super::{
    Actor, ReadError, Store, WriteError,
    act::{Done, append_case, mark, refused, stale},
    draft::{Draft, DraftError, elsewhere, key},
    log::Place,
    record::Record,
    trees::Which,
};
use crate::{
    domain::{
        case::{Case, CaseState},
        decision::{Decision, Proposal, Signed, Stage, person},
        id::CaseId,
        time::At,
    },
    limits,
};

impl Store {
    /// Proposes an answer for a case that was not changed since it was read; decided at once unless `four_eyes`.
    pub fn propose(&self, case: &Case, proposal: Proposal, four_eyes: bool, by: &Actor, now: At) -> Result<Decision, WriteError> {
        let (id, expected, by) = (case.id, case.changed_at, by.clone());
        self.write(0, move |draft| propose(draft, id, expected, proposal, four_eyes, &by, now))
    }

    /// The next step of a case's newest decision. Approving and refusing is another person's than the one who proposed.
    pub fn step_decision(&self, case: CaseId, to: Stage, note: Option<String>, by: &Actor, now: At) -> Result<Decision, WriteError> {
        let by = by.clone();
        self.write(0, move |draft| step(draft, case, to, note, &by, now))
    }

    /// Newest first.
    pub fn decisions(&self, case: CaseId) -> Result<Vec<Decision>, ReadError> {
        let draft = self.shared.draft();
        let Some(newest) = draft.decision(case)? else { return Ok(Vec::new()) };
        let earlier = (1..newest.number).rev().take(limits::LIST_ROWS_MAX - 1).map(|number| draft.decision_number(case, number));
        let mut all = vec![newest];
        for decision in earlier {
            all.extend(decision?);
        }
        Ok(all)
    }
}

fn propose(draft: &mut Draft<'_>, id: CaseId, expected: At, proposal: Proposal, four_eyes: bool, by: &Actor, now: At) -> Done<Decision> {
    let Some(case) = draft.case(id)? else { return refused(format!("there is no case {id}")) };
    if case.changed_at != expected {
        return stale(format!("case {id} was changed meanwhile"));
    }
    let before = draft.decision(id)?;
    if before.as_ref().is_some_and(|before| before.stage == Stage::Proposed) {
        return refused(format!("a proposal for case {id} waits for a second person: it is approved, refused or taken back first"));
    }
    let number = before.map_or(1, |before| before.number.saturating_add(1));
    let stage = if four_eyes { Stage::Proposed } else { Stage::Approved };
    let signed = Signed { by: by.0.clone(), at: now, note: None };
    let decision = Decision { case: id, number, proposal, stage, four_eyes, steps: vec![(stage, signed)] };
    append(draft, case, decision, by, now)
}

fn step(draft: &mut Draft<'_>, id: CaseId, to: Stage, note: Option<String>, by: &Actor, now: At) -> Done<Decision> {
    let (Some(case), Some(mut decision)) = (draft.case(id)?, draft.decision(id)?) else {
        return refused(format!("nothing is decided about case {id} yet"));
    };
    if !decision.stage.may_become(to) {
        return refused(format!("decision {} of case {id} is {} and cannot become {}", decision.number, decision.stage.as_str(), to.as_str()));
    }
    if to == Stage::Approved && matches!(case.state, CaseState::Closed { .. }) {
        return refused(format!("case {id} was closed meanwhile: take the proposal back"));
    }
    let judges = decision.stage == Stage::Proposed && matches!(to, Stage::Approved | Stage::Refused);
    if judges && person(decision.proposed_by()) == person(&by.0) {
        return refused(format!("{} proposed it: a second person approves or refuses", person(&by.0)));
    }
    decision.stage = to;
    decision.steps.push((to, Signed { by: by.0.clone(), at: now, note }));
    append(draft, case, decision, by, now)
}

fn append(draft: &mut Draft<'_>, mut case: Case, decision: Decision, by: &Actor, now: At) -> Done<Decision> {
    let state = match decision.stage {
        Stage::Approved => Some(CaseState::Decided { answer: decision.line(), by: decision.proposed_by().to_owned(), at: now }),
        Stage::Done => Some(CaseState::Closed { reason: format!("done: {}", decision.proposal.answer), at: now }),
        Stage::Reopened if case.state != CaseState::Open => Some(CaseState::Open),
        Stage::Proposed | Stage::Refused | Stage::Reopened => None,
    };
    draft.append(&Record::Decision { decision: Box::new(decision.clone()), mark: mark(&by.0, now) })?;
    if let Some(state) = state {
        case.state = state;
        append_case(draft, case, &by.0, now)?;
    }
    Ok(decision)
}

impl Draft<'_> {
    /// The newest decision about a case.
    pub(super) fn decision(&self, case: CaseId) -> Result<Option<Decision>, DraftError> {
        match self.number(Which::CaseDecisions, &key(case.0))? {
            Some(number) => self.decision_number(case, u32::try_from(number).unwrap_or(u32::MAX)),
            None => Ok(None),
        }
    }

    pub(super) fn decision_number(&self, case: CaseId, number: u32) -> Result<Option<Decision>, DraftError> {
        let told = |record| match record {
            Record::Decision { decision, .. } if (decision.case, decision.number) == (case, number) => Ok(*decision),
            _ => elsewhere(&case),
        };
        self.record(Which::Decisions, &row(case, number))?.map(told).transpose()
    }

    /// What a decision's record does to the projections; part of `Draft::apply`.
    pub(super) fn apply_decision(&mut self, decision: &Decision, place: [u8; Place::BYTES]) {
        self.put(Which::Decisions, row(decision.case, decision.number), place);
        self.put(Which::CaseDecisions, key(decision.case.0), key(decision.number.into()));
    }
}

fn row(case: CaseId, number: u32) -> Vec<u8> {
    [&key(case.0)[..], &key(number.into())].concat()
}
