//! Which bodies the log needs: what a backup takes, what compaction carries over, and what the garbage collection leaves.
//!
//! A body is needed while a record names it. Records stay for ever, so the only thing that ends a need is the record of an event's expiry (`retain`): from
//! then on neither its bytes nor what its jobs read in them are needed on its account. A body that another record names as well stays.

use std::collections::HashSet;

use super::{draft::number, log::Place, trees::Which, writer::Shared};
use crate::{
    domain::{event::Digest, id::EventId},
    limits,
};

/// A body as the index has it.
pub(super) struct Body {
    pub digest: Digest,
    pub place: Place,
    pub needed: bool,
}

/// Every body of the index in the order of digests, marked by the records up to `through`. Reads the log once for every `limits::BODIES_MARKED_AT_ONCE_MAX`
/// bodies, so that memory stays bounded however large the store is.
pub(super) fn each_body(shared: &Shared, through: u64, act: &mut dyn FnMut(Body) -> Result<(), String>) -> Result<(), String> {
    let expired = expired(shared)?;
    let mut rows = shared.view.all(Which::Bodies);
    loop {
        let mut slice = Vec::new();
        for row in rows.by_ref().take(limits::BODIES_MARKED_AT_ONCE_MAX) {
            let (found, raw) = row.map_err(|error| error.to_string())?;
            let digest = Digest(found.try_into().map_err(|_| "the index of bodies has a key that is no digest".to_owned())?);
            let place = Place::from_bytes(&raw).map_err(|error| format!("the place of body {digest}: {error}"))?;
            slice.push(Body { digest, place, needed: false });
        }
        if slice.is_empty() {
            return Ok(());
        }
        mark(shared, through, &expired, &mut slice)?;
        slice.into_iter().try_for_each(&mut *act)?;
    }
}

/// `slice` is in the order of digests.
fn mark(shared: &Shared, through: u64, expired: &HashSet<EventId>, slice: &mut [Body]) -> Result<(), String> {
    for stored in shared.records(1)? {
        let stored = stored?;
        if stored.number > through {
            break;
        }
        for digest in stored.record()?.needs(|event| expired.contains(&event)) {
            if let Ok(at) = slice.binary_search_by_key(&digest, |body| body.digest) {
                slice[at].needed = true;
            }
        }
    }
    Ok(())
}

pub(super) fn expired(shared: &Shared) -> Result<HashSet<EventId>, String> {
    shared.view.all(Which::Expired).map(|row| row.map(|(key, _)| EventId(number(&key))).map_err(|error| error.to_string())).collect()
}
