//! How far a case is, from the first notice to its closure: what was reached when and by whom, and what is next.

use super::{Shell, visible};
use crate::{
    domain::{
        case::{Case, CaseState},
        decision::{Decision, Stage},
        time::At,
    },
    http::{Service, problem::Problem},
};

/// One station on a case's way.
pub struct Station {
    pub words: String,
    /// When and, where a person did it, by whom; empty: not reached.
    pub reached: String,
    /// It is the first that is not reached, of a case that is not closed.
    pub is_next: bool,
}

pub fn stations(service: &Service, case: &Case, decisions: &[Decision], p: &Shell) -> Result<Vec<Station>, Problem> {
    let received = case.events.first().map(|id| service.store.event(*id)).transpose()?.flatten().map(|event| event.received_at);
    let assessed = case.latest.map(|id| service.store.assessment(id)).transpose()?.flatten().map(|row| row.made_at);
    let current = decisions.first().filter(|decision| !matches!(decision.stage, Stage::Refused | Stage::Reopened));
    let signed = |stage: Stage| current?.steps.iter().find(|(of, _)| *of == stage).map(|(_, signed)| (signed.at, signed.by.clone()));
    let closed = match case.state {
        CaseState::Closed { at, .. } => Some(at),
        CaseState::Open | CaseState::Decided { .. } => None,
    };
    let nobody = |at: At| (at, String::new());
    let mut way = vec![("received", received.map(nobody)), ("opened", Some((case.opened_at, case.made_by.clone().unwrap_or_default())))];
    way.push(("assessed", assessed.map(nobody)));
    if service.four_eyes || current.is_some_and(|decision| decision.four_eyes) {
        way.push(("proposed", signed(Stage::Proposed)));
    }
    way.push(("decided", signed(Stage::Approved)));
    way.push(("closed", signed(Stage::Done).or(closed.map(nobody))));
    // A case made by hand has no notice, and one that a retraction closed was never decided: what is passed is not next.
    way.retain(|(name, reached)| *name != "received" || reached.is_some());
    let last = way.iter().rposition(|(_, reached)| reached.is_some()).map_or(0, |last| last + 1);
    Ok(way
        .into_iter()
        .enumerate()
        .map(|(at, (name, reached))| Station {
            words: p.words("progress", name),
            reached: reached.map_or_else(String::new, |(at, by)| {
                let when = p.language.moment(at);
                if by.is_empty() { when } else { format!("{when}, {}", visible::line(&by)) }
            }),
            is_next: at == last,
        })
        .collect())
}
