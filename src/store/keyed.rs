//! Requests that carry a key of their own (`Idempotency-Key`): begun before they act and answered after, so that the same request again gets the same answer, and one whose
//! answer was lost with the server is never done twice unseen.

use super::{
    Actor, Store, WriteError,
    act::{Done, mark},
    draft::{Draft, DraftError, elsewhere},
    log::Place,
    record::{KeyedOutcome, Mark, Record},
    trees::Which,
};
use crate::{
    domain::{event::Digest, time::At},
    limits,
};

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keyed {
    /// Nothing: it is begun now.
    Fresh,
    /// The same request was answered; the body is kept.
    Answered { status: u16, body: Digest },
    /// It came with another request.
    Other,
    /// The same request is being done, or its answer was lost.
    Open,
}

impl Store {
    /// Begins a request under its key, unless it is known.
    pub fn begin_keyed(&self, key: Digest, request: Digest, by: &Actor, now: At) -> Result<Keyed, WriteError> {
        let by = by.clone();
        self.write(0, move |draft| begin(draft, key, request, &by, now))
    }

    /// Ends it with its answer; without one it may be sent again.
    pub fn end_keyed(&self, key: Digest, request: Digest, answer: Option<(u16, Vec<u8>)>, by: &Actor, now: At) -> Result<(), WriteError> {
        let by = by.clone();
        self.write(answer.as_ref().map_or(0, |(_, body)| body.len()), move |draft| {
            let outcome = match answer {
                Some((status, bytes)) => {
                    let body = Digest::of(&bytes);
                    draft.keep(body, &bytes)?;
                    KeyedOutcome::Answered { status, body }
                }
                None => KeyedOutcome::Failed,
            };
            Ok(draft.append(&Record::Keyed { key, request, outcome, mark: mark(&by.0, now) })?)
        })
    }
}

fn begin(draft: &mut Draft<'_>, key: Digest, request: Digest, by: &Actor, now: At) -> Done<Keyed> {
    let known = draft.keyed(key)?.filter(|(.., mark)| now.0 - mark.at.0 < limits::IDEMPOTENCY_MS);
    match known {
        Some((_, KeyedOutcome::Failed, _)) | None => {}
        Some((other, ..)) if other != request => return Ok(Keyed::Other),
        Some((_, KeyedOutcome::Answered { status, body }, _)) => return Ok(Keyed::Answered { status, body }),
        Some((_, KeyedOutcome::Begun, _)) => return Ok(Keyed::Open),
    }
    draft.append(&Record::Keyed { key, request, outcome: KeyedOutcome::Begun, mark: mark(&by.0, now) })?;
    Ok(Keyed::Fresh)
}

impl Draft<'_> {
    fn keyed(&self, key: Digest) -> Result<Option<(Digest, KeyedOutcome, Mark)>, DraftError> {
        let told = |record| match record {
            Record::Keyed { key: found, request, outcome, mark } if found == key => Ok((request, outcome, mark)),
            _ => elsewhere(&key),
        };
        self.record(Which::Keyed, &key.0)?.map(told).transpose()
    }

    /// What the record of a request with a key does to the projections; part of `Draft::apply`.
    pub(super) fn apply_keyed(&mut self, key: Digest, place: [u8; Place::BYTES]) {
        self.put(Which::Keyed, key.0, place);
    }
}
