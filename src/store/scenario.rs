//! Scenarios: what-ifs that people kept beside a case. They change nothing about it.

use super::{
    Actor, ReadError, Store, WriteError,
    act::{Done, mark, refused, stale},
    draft::{Draft, DraftError, elsewhere, key},
    log::Place,
    record::{Mark, Record},
    trees::Which,
};
use crate::{
    domain::{event::Digest, id::CaseId, scenario::Scenario, time::At},
    limits,
};

/// A scenario with who kept it and when.
pub type KeptScenario = (Scenario, String, At);

impl Store {
    /// Keeps a scenario under the next number of its case; the number it comes with counts for nothing. `body` is the JSON of its statement. Refused as stale where the
    /// case has another statement by now than the one it was compared with.
    pub fn keep_scenario(&self, scenario: Scenario, body: Vec<u8>, by: &Actor, now: At) -> Result<Scenario, WriteError> {
        let by = by.clone();
        self.write(body.len(), move |draft| keep(draft, scenario, &body, &by, now))
    }

    /// A case's scenarios, newest first.
    pub fn scenarios(&self, case: CaseId) -> Result<Vec<KeptScenario>, ReadError> {
        Ok(self.shared.draft().scenarios(case)?.into_iter().map(|(scenario, mark)| (scenario, mark.by, mark.at)).collect())
    }
}

fn keep(draft: &mut Draft<'_>, scenario: Scenario, body: &[u8], by: &Actor, now: At) -> Done<Scenario> {
    let id = scenario.case;
    let Some(case) = draft.case(id)? else { return refused(format!("there is no case {id}")) };
    if case.latest != Some(scenario.compared_with) {
        return stale(format!("case {id} was assessed anew meanwhile: look at it again"));
    }
    let before = draft.scenarios(id)?;
    if before.iter().any(|(other, _)| other.name.to_lowercase() == scenario.name.to_lowercase()) {
        return refused(format!("case {id} has a scenario '{}' already: give this one another name", scenario.name));
    }
    if before.len() >= limits::SCENARIOS_A_CASE_MAX {
        return refused(format!("case {id} has {} scenarios already, and no more are kept", before.len()));
    }
    let number = before.first().map_or(1, |(newest, _)| newest.number.saturating_add(1));
    let kept = Scenario { number, body: Digest::of(body), ..scenario };
    draft.keep(kept.body, body)?;
    draft.append(&Record::Scenario { scenario: Box::new(kept.clone()), mark: mark(&by.0, now) })?;
    Ok(kept)
}

impl Draft<'_> {
    /// Newest first. They are numbered without gaps.
    fn scenarios(&self, case: CaseId) -> Result<Vec<(Scenario, Mark)>, DraftError> {
        let mut all = Vec::new();
        for number in 1..=limits::SCENARIOS_A_CASE_MAX as u64 {
            let Some(record) = self.record(Which::Scenarios, &row(case, number))? else { break };
            match record {
                Record::Scenario { scenario, mark } if (scenario.case, u64::from(scenario.number)) == (case, number) => all.push((*scenario, mark)),
                _ => return elsewhere(&case),
            }
        }
        all.reverse();
        Ok(all)
    }

    /// What a scenario's record does to the projections; part of `Draft::apply`.
    pub(super) fn apply_scenario(&mut self, scenario: &Scenario, place: [u8; Place::BYTES]) {
        self.put(Which::Scenarios, row(scenario.case, scenario.number.into()), place);
    }
}

fn row(case: CaseId, number: u64) -> Vec<u8> {
    [&key(case.0)[..], &key(number)].concat()
}
