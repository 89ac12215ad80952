//! Whether the log, the bodies and the projections are what they should be.

use super::{
    Check, ReadError, Store, blob,
    codec::CodecError,
    draft::{Draft, number, unpack},
    record::{FIRST_LINK, link, unchain},
    trees::Which,
};
use crate::domain::event::Digest;

/// Problems listed; more are only counted.
const PROBLEMS_MAX: usize = 100;

impl Store {
    /// Every record's checksum and link, and every body's digest; with `deep` the projections are rebuilt from the log and compared, key by key. Writes must not go on
    /// meanwhile, or what was just written shows as a difference.
    pub fn check(&self, deep: bool) -> Result<Check, ReadError> {
        let trees = &self.shared.trees;
        let large = |digest: Digest| self.shared.body(digest).ok().flatten();
        let mut found = Found::default();
        let mut draft = Draft::new(None, &large);
        let mut check = Check::default();
        let (mut expected, mut previous) = (1, FIRST_LINK);
        for row in trees.get(Which::Log).iter() {
            let (key, stored) = row.map_err(|error| ReadError(error.to_string()))?;
            let offset = number(&key);
            if offset != expected {
                found.add(format!("the log has no record {expected}"));
            }
            expected = offset + 1;
            check.records += 1;
            let read = unchain(&stored, &large).and_then(|(own, envelope, record)| {
                let due = link(previous, Digest::of(&envelope));
                previous = own;
                if own == due { Ok(record) } else { Err(CodecError("its link is not that of the record before and its own bytes".to_owned())) }
            });
            match read {
                Ok(record) if deep => {
                    if let Err(error) = draft.append(&record) {
                        found.add(format!("record {offset} cannot be applied: {error}"));
                    }
                }
                Ok(_) => {}
                Err(error) => found.add(format!("record {offset}: {error}")),
            }
        }
        for row in trees.get(Which::Blobs).iter() {
            let (key, raw) = row.map_err(|error| ReadError(error.to_string()))?;
            check.blobs += 1;
            let Ok(digest) = key.as_ref().try_into().map(Digest) else {
                found.add("the index of bodies has a key that is no digest".to_owned());
                continue;
            };
            let read = unpack(&raw, &|_| None).map_err(|error| error.to_string());
            let read = read.and_then(|location| blob::read(&self.shared.segments_dir, digest, &location).map_err(|error| error.to_string()));
            if let Err(error) = read {
                found.add(format!("body {digest}: {error}"));
            }
        }
        if deep {
            self.compare(&draft, &mut found)?;
        }
        check.problems = found.problems;
        if found.more > 0 {
            check.problems.push(format!("and {} problems more", found.more));
        }
        Ok(check)
    }

    fn compare(&self, rebuilt: &Draft<'_>, found: &mut Found) -> Result<(), ReadError> {
        for which in Which::ALL.into_iter().filter(|which| which.is_projection()) {
            let stored = self.shared.trees.get(which);
            let mut rows = 0;
            for ((of, key), value) in rebuilt.changes() {
                let Some(value) = value.as_ref().filter(|_| *of == which) else { continue };
                rows += 1;
                let there = stored.get(key).map_err(|error| ReadError(error.to_string()))?;
                if there.as_deref() != Some(value.as_slice()) {
                    found.add(format!("{}: the stored row {} is not what the log says", which.name(), hex::encode(key)));
                }
            }
            if stored.len() != rows {
                found.add(format!("{}: {} rows are stored, the log says {rows}", which.name(), stored.len()));
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Found {
    problems: Vec<String>,
    more: usize,
}

impl Found {
    fn add(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX { self.problems.push(problem) } else { self.more += 1 }
    }
}
