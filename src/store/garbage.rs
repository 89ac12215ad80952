//! Garbage collection: bodies that no record needs leave the index, and files that hold no other leave the disk.
//!
//! Marking takes its time beside the writer, which may meanwhile be handed bytes whose digest is known already and write only a reference to them. So the
//! writer notes every body it is handed from before the marking on (`Shared::handed`), and unneeded bodies leave the index within its own turn, except those.
//! A kill in between leaves files that no index names; the next collection takes them.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
};

use serde::Serialize;

use super::{
    Store, WriteError,
    act::Done,
    blob::{FileKind, Location, file_kind, sync_dir},
    draft::{Draft, unpack},
    needed,
    rebuild::elsewhere,
    trees::Which,
    writer::Shared,
};
use crate::{domain::event::Digest, limits};

/// What a collection did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Bodies that left the index, and their bytes.
    pub bodies: u64,
    pub bytes: u64,
    /// Files that left the disk, and their bytes.
    pub files: u64,
    pub file_bytes: u64,
    /// Bytes in segments that still hold something needed: `lastbuy compact` frees them.
    pub left_bytes: u64,
}

impl Store {
    /// Removes what no record needs. With `dry_run` only says what it would be.
    pub fn collect_garbage(&self, dry_run: bool) -> Result<Collected, WriteError> {
        let _alone = self.upkeep()?;
        let shared = std::sync::Arc::clone(&self.shared);
        self.write(0, move |_| {
            shared.note_handed(true);
            Ok(())
        })?;
        let collected = self.collect(dry_run, &|| ());
        self.shared.note_handed(false);
        collected
    }

    /// `marked` is called between marking and forgetting, where a test lets something arrive.
    fn collect(&self, dry_run: bool, marked: &dyn Fn()) -> Result<Collected, WriteError> {
        let broken = |why: String| WriteError::Busy(format!("the garbage could not be collected: {why}"));
        let shared = &self.shared;
        let newest_segment = newest_segment(shared).map_err(|error| broken(error.to_string()))?;
        let through = needed::newest(shared).map_err(broken)?;
        let in_force = large_values(shared).map_err(broken)?;
        let mut collected = Collected::default();
        let mut garbage = Vec::new();
        needed::each_body(shared, through, &mut |body| {
            if !body.needed && !in_force.contains(&body.digest) {
                collected.bodies += 1;
                collected.bytes += body.location.length();
                garbage.push(body.digest);
            }
            Ok(())
        })
        .map_err(broken)?;
        marked();
        if dry_run {
            let garbage: HashSet<Digest> = garbage.into_iter().collect();
            self.clear_files(&garbage, newest_segment, true, &mut collected).map_err(broken)?;
            return Ok(collected);
        }
        for batch in garbage.chunks(limits::GROUP_COMMANDS_MAX) {
            let (batch, shared) = (batch.to_vec(), std::sync::Arc::clone(shared));
            let kept = self.write(0, move |draft| forget(draft, &shared, &batch))?;
            for (_, length) in &kept {
                collected.bodies -= 1;
                collected.bytes -= length;
            }
        }
        self.clear_files(&HashSet::new(), newest_segment, false, &mut collected).map_err(broken)?;
        Ok(collected)
    }

    /// Deletes the files that no index row names once `garbage` has left the index. The newest segment may be the one that is written to, and is left alone;
    /// older ones never get a new body.
    fn clear_files(&self, garbage: &HashSet<Digest>, newest_segment: u32, dry_run: bool, collected: &mut Collected) -> Result<(), String> {
        let mut used: HashMap<u32, u64> = HashMap::new();
        for row in self.shared.trees.get(Which::Blobs).iter() {
            let (found, raw) = row.map_err(|error| error.to_string())?;
            let is_garbage = found.as_ref().try_into().is_ok_and(|digest| garbage.contains(&Digest(digest)));
            if let Location::Segment { number, length, .. } = unpack(&raw, &|_| None).map_err(|error| error.to_string())?
                && !is_garbage
            {
                *used.entry(number).or_default() += u64::from(length);
            }
        }
        let dir = self.shared.segments_dir.clone();
        let listed = fs::read_dir(&dir).and_then(|entries| {
            entries.map(|entry| entry.and_then(|entry| Ok((entry.file_name(), entry.metadata()?.len())))).collect::<io::Result<Vec<_>>>()
        });
        let mut doomed = Vec::new();
        for (name, length) in listed.map_err(|error| error.to_string())? {
            let unused = match name.to_str().and_then(file_kind) {
                Some(FileKind::Segment(number)) if number >= newest_segment => false,
                Some(FileKind::Segment(number)) => match used.get(&number) {
                    Some(used) => {
                        collected.left_bytes += length.saturating_sub(*used);
                        false
                    }
                    None => true,
                },
                Some(FileKind::Own(digest)) => {
                    let named = self.shared.trees.get(Which::Blobs).contains_key(digest.0).map_err(|error| error.to_string())?;
                    !named || garbage.contains(&digest)
                }
                None => false,
            };
            if unused {
                collected.files += 1;
                collected.file_bytes += length;
                doomed.push(name);
            }
        }
        if dry_run || doomed.is_empty() {
            return Ok(());
        }
        // Within the writer's turn: no body is on its way to its own file then.
        let shared = std::sync::Arc::clone(&self.shared);
        let removed = self.write(0, move |draft| {
            for name in doomed {
                if let Some(FileKind::Own(digest)) = name.to_str().and_then(file_kind)
                    && draft.location(digest)?.is_some()
                {
                    continue;
                }
                // A file that cannot be removed is no harm to the store; the next collection meets it again.
                if let Err(error) = fs::remove_file(dir.join(&name)) {
                    tracing::warn!(file = %dir.join(&name).display(), %error, "an unneeded file could not be removed");
                }
            }
            if let Err(error) = sync_dir(&shared.segments_dir) {
                tracing::warn!(%error, "the folder of segments could not be synced after files were removed");
            }
            Ok(())
        });
        removed.map_err(|error| error.to_string())
    }
}

/// Takes bodies out of the index, except those that were handed in since marking began. Returns these, with their lengths.
fn forget(draft: &mut Draft<'_>, shared: &Shared, batch: &[Digest]) -> Done<Vec<(Digest, u64)>> {
    let mut kept = Vec::new();
    for digest in batch {
        if draft.bodies.contains_key(digest) || shared.was_handed(*digest) {
            kept.push((*digest, draft.location(*digest)?.map_or(0, |location| location.length())));
        } else {
            draft.forget_location(*digest);
        }
    }
    Ok(kept)
}

fn newest_segment(shared: &Shared) -> io::Result<u32> {
    let mut newest = 0;
    for entry in fs::read_dir(&shared.segments_dir)? {
        if let Some(FileKind::Segment(number)) = entry?.file_name().to_str().and_then(file_kind) {
            newest = newest.max(number);
        }
    }
    Ok(newest)
}

/// Values of projections that are bodies because a tree cannot hold them.
pub(super) fn large_values(shared: &Shared) -> Result<HashSet<Digest>, String> {
    let mut found = HashSet::new();
    for which in Which::ALL.into_iter().filter(|which| which.is_projection()) {
        for row in shared.trees.get(which).iter().values() {
            found.extend(elsewhere(&row.map_err(|error| error.to_string())?));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{event::Arrival, time::At},
        store::{Actor, Retention},
    };

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
        for length in [10, limits::SEGMENT_BODY_BYTES_MAX + 1] {
            let dir = tempfile::tempdir().expect("folder");
            let store = Store::open(dir.path()).expect("open");
            let (again, other) = (vec![1; length], vec![2; length]);
            store.accept(arrival("first", &again), At(0)).expect("accept");
            store.accept(arrival("other", &other), At(0)).expect("accept");
            store.expire(Retention { days: None, bytes: Some(0) }, &Actor("me".to_owned()), At(1)).expect("expire");
            let shared = std::sync::Arc::clone(&store.shared);
            shared.note_handed(true);
            let collected = store.collect(false, &|| assert!(!store.accept(arrival("second", &again), At(2)).expect("accept").duplicate));
            assert_eq!(collected.expect("collect").bodies, 1, "the other one");
            assert_eq!(store.blob(Digest::of(&again)).expect("blob"), Some(again));
            assert_eq!(store.blob(Digest::of(&other)).expect("blob"), None);
            assert_eq!(store.check(true).expect("check").problems, Vec::<String>::new());
        }
    }
}
