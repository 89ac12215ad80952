//! Garbage collection: bodies that no record needs leave the index, by a record that says so, and their room in the log goes back to the file system.
//!
//! Marking takes its time beside the writer, which may meanwhile be handed bytes whose digest is known already and write only a reference to them. So the
//! writer notes every body it is handed from before the marking on (`Shared::handed`), and unneeded bodies leave the index within its own turn, except those.
//! A kill in between leaves room that no row names; the next collection meets it again.

use std::{collections::HashSet, sync::atomic::Ordering};

use serde::Serialize;

use super::{
    Actor, Store, WriteError,
    act::{Done, mark},
    draft::Draft,
    log::Kind,
    needed,
    record::Record,
    writer::Shared,
};
use crate::{
    domain::{event::Digest, time::At},
    limits,
};

/// What a collection did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Bodies that left the index, and their bytes.
    pub bodies: u64,
    pub bytes: u64,
    /// Bytes whose room went back to the file system.
    pub freed_bytes: u64,
}

impl Store {
    /// Removes what no record needs. With `dry_run` only says what it would be.
    pub fn collect_garbage(&self, dry_run: bool, by: &Actor, now: At) -> Result<Collected, WriteError> {
        let _alone = self.upkeep()?;
        let shared = std::sync::Arc::clone(&self.shared);
        self.write(0, move |_| {
            shared.note_handed(true);
            Ok(())
        })?;
        let collected = self.collect(dry_run, by, now, &|| ());
        self.shared.note_handed(false);
        collected
    }

    /// `marked` is called between marking and forgetting, where a test lets something arrive.
    fn collect(&self, dry_run: bool, by: &Actor, now: At, marked: &dyn Fn()) -> Result<Collected, WriteError> {
        let broken = |why: String| WriteError::Busy(format!("the garbage could not be collected: {why}"));
        let shared = &self.shared;
        let mut collected = Collected::default();
        let mut garbage = Vec::new();
        needed::each_body(shared, shared.state().record, &mut |body| {
            if !body.needed {
                garbage.push((body.digest, u64::from(body.place.length)));
            }
            Ok(())
        })
        .map_err(broken)?;
        marked();
        let mut going: HashSet<Digest> = HashSet::new();
        for batch in garbage.chunks(limits::GROUP_COMMANDS_MAX) {
            let digests: Vec<Digest> = batch.iter().map(|(digest, _)| *digest).collect();
            let gone = if dry_run {
                digests
            } else {
                let (shared, by) = (std::sync::Arc::clone(shared), by.clone());
                self.write(0, move |draft| forget(draft, &shared, digests, &by, now))?
            };
            going.extend(gone);
        }
        for (_, length) in garbage.iter().filter(|(digest, _)| going.contains(digest)) {
            collected.bodies += 1;
            collected.bytes += length;
        }
        self.free(&going, dry_run, &mut collected).map_err(broken)?;
        Ok(collected)
    }

    /// Frees the room of every body that the index does not name there. The newest file is left alone, because its last group must be whole when the log is opened;
    /// forgetting a body begins a new one.
    fn free(&self, going: &HashSet<Digest>, dry_run: bool, collected: &mut Collected) -> Result<(), String> {
        let shared = &self.shared;
        let newest = shared.newest_file.load(Ordering::Acquire);
        for group in shared.groups() {
            for entry in group?.entries.into_iter().filter(|entry| entry.kind == Kind::Body && entry.place.length > 0) {
                // Of what went, the same bytes may have come again since: then the index names them, and they stay.
                let goes = dry_run && going.contains(&entry.digest);
                if shared.place(entry.digest)? == Some(entry.place) && !goes {
                    continue;
                }
                if dry_run {
                    collected.freed_bytes += shared.reader.occupied(entry.place).map_err(|error| error.to_string())?;
                } else if entry.place.file < newest {
                    // Room that cannot be given back is no harm to the store; the next collection meets it again.
                    match shared.reader.free(entry.place) {
                        Ok(freed) => collected.freed_bytes += freed,
                        Err(error) => tracing::warn!(place = ?entry.place, %error, "the room of an unneeded body could not be given back"),
                    }
                }
            }
        }
        Ok(())
    }
}

/// Takes bodies out of the index, except those that were handed in since marking began. Returns those that went.
fn forget(draft: &mut Draft<'_>, shared: &Shared, batch: Vec<Digest>, by: &Actor, now: At) -> Done<Vec<Digest>> {
    let bodies: Vec<Digest> = batch.into_iter().filter(|digest| !draft.came.contains(digest) && !shared.was_handed(*digest)).collect();
    if !bodies.is_empty() {
        draft.roll = true;
        draft.append(&Record::Dropped { bodies: bodies.clone(), mark: mark(&by.0, now) })?;
    }
    Ok(bodies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::event::Arrival, store::Retention};

    fn arrival(key: &str, body: &[u8]) -> Arrival {
        Arrival {
            source: "generic".parse().expect("source"),
            content_type: "text/plain".to_owned(),
            file_name: None,
            dedupe_key: Digest::of(key.as_bytes()),
            headers: Vec::new(),
            body: body.to_vec().into(),
            ignored: Some("noise".to_owned()),
        }
    }

    #[test]
    fn bytes_that_arrive_between_marking_and_forgetting_stay() {
        for length in [10, 2 << 20] {
            let dir = tempfile::tempdir().expect("folder");
            let store = Store::open(dir.path()).expect("open");
            let me = Actor("me".to_owned());
            let (again, other) = (vec![1; length], vec![2; length]);
            store.accept(arrival("first", &again), At(0)).expect("accept");
            store.accept(arrival("other", &other), At(0)).expect("accept");
            store.expire(Retention { days: None, bytes: Some(0) }, &me, At(1)).expect("expire");
            let shared = std::sync::Arc::clone(&store.shared);
            shared.note_handed(true);
            let collected = store.collect(false, &me, At(2), &|| assert!(!store.accept(arrival("second", &again), At(2)).expect("accept").duplicate));
            assert_eq!(collected.expect("collect").bodies, 1, "the other one");
            assert_eq!(store.blob(Digest::of(&again)).expect("blob"), Some(again));
            assert_eq!(store.blob(Digest::of(&other)).expect("blob"), None);
            assert_eq!(store.check(true).expect("check").problems, Vec::<String>::new());
        }
    }
}
