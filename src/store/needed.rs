//! Which bodies the log needs: what a backup takes, what compaction carries over, and what the garbage collection leaves.
//!
//! A body is needed while a record names it. Records stay for ever, so the only thing that ends a need is the record of an event's expiry (`retain`): from
//! then on neither its bytes nor what its jobs read in them are needed on its account. A body that another record names as well stays.

use std::collections::HashSet;

use super::{
    blob::Location,
    draft::{key, number, unpack},
    record,
    trees::Which,
    writer::Shared,
};
use crate::{
    domain::{event::Digest, id::EventId},
    limits,
};

/// A body as the index has it.
pub(super) struct Body {
    pub digest: Digest,
    pub location: Location,
    pub needed: bool,
}

/// Every body of the index in the order of digests, marked by the records up to `through`. Reads the log once for every `limits::BODIES_MARKED_AT_ONCE_MAX`
/// bodies, so that memory stays bounded however large the store is.
pub(super) fn each_body(shared: &Shared, through: u64, act: &mut dyn FnMut(Body) -> Result<(), String>) -> Result<(), String> {
    let expired = expired(shared)?;
    let mut rows = shared.trees.get(Which::Blobs).iter();
    loop {
        let mut slice = Vec::new();
        for row in rows.by_ref().take(limits::BODIES_MARKED_AT_ONCE_MAX) {
            let (found, raw) = row.map_err(|error| error.to_string())?;
            let digest = Digest(found.as_ref().try_into().map_err(|_| "the index of bodies has a key that is no digest".to_owned())?);
            let location = unpack(&raw, &|_| None).map_err(|error| format!("the place of body {digest}: {error}"))?;
            slice.push(Body { digest, location, needed: false });
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
    for row in shared.trees.get(Which::Log).range(..=key(through)) {
        let (offset, stored) = row.map_err(|error| error.to_string())?;
        let (record, itself) = record::read(&stored, &|digest| shared.body(digest).ok().flatten())
            .map_err(|error| format!("record {}: {error}: run lastbuy doctor --deep", number(&offset)))?;
        for digest in record.needs(|event| expired.contains(&event)).into_iter().chain(itself) {
            if let Ok(at) = slice.binary_search_by_key(&digest, |body| body.digest) {
                slice[at].needed = true;
            }
        }
    }
    Ok(())
}

pub(super) fn expired(shared: &Shared) -> Result<HashSet<EventId>, String> {
    let keys = shared.trees.get(Which::Expired).iter().keys();
    keys.map(|key| key.map(|key| EventId(number(&key))).map_err(|error| error.to_string())).collect()
}

/// The last record that is committed; 0 before the first.
pub(super) fn newest(shared: &Shared) -> Result<u64, String> {
    let last = shared.trees.get(Which::Log).last().map_err(|error| error.to_string())?;
    Ok(last.map_or(0, |(offset, _)| number(&offset)))
}
