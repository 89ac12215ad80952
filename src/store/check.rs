//! Whether the log, the bodies and the projections are what they should be.

use std::fs;

use super::{
    Check, ReadError, Store, blob,
    codec::CodecError,
    draft::{number, unpack},
    needed,
    rebuild::Rebuild,
    record::{FIRST_LINK, link, unchain},
    trees::{Trees, Which},
};
use crate::domain::event::Digest;

/// Problems listed; more are only counted.
const PROBLEMS_MAX: usize = 100;

impl Store {
    /// Every record's checksum and link, every body's digest, and that every body a record needs is there; with `deep` the projections are rebuilt from the log, in a
    /// folder beside, and compared key by key. Writes must not go on meanwhile, or what was just written shows as a difference.
    pub fn check(&self, deep: bool) -> Result<Check, ReadError> {
        let mut found = Found::default();
        let mut check = Check::default();
        self.check_log(&mut check, &mut found)?;
        for row in self.shared.trees.get(Which::Blobs).iter() {
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
            self.check_projections(&mut found)?;
        }
        check.problems = found.problems;
        if found.more > 0 {
            check.problems.push(format!("and {} problems more", found.more));
        }
        Ok(check)
    }

    fn check_log(&self, check: &mut Check, found: &mut Found) -> Result<(), ReadError> {
        let large = |digest: Digest| self.shared.body(digest).ok().flatten();
        let expired = needed::expired(&self.shared).map_err(ReadError)?;
        let (mut expected, mut previous) = (1, FIRST_LINK);
        for row in self.shared.trees.get(Which::Log).iter() {
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
                Ok(record) => {
                    for digest in record.needs(|event| expired.contains(&event)) {
                        if !self.shared.trees.get(Which::Blobs).contains_key(digest.0).map_err(|error| ReadError(error.to_string()))? {
                            found.add(format!("record {offset} needs body {digest}, which is missing"));
                        }
                    }
                }
                Err(error) => found.add(format!("record {offset}: {error}")),
            }
        }
        Ok(())
    }

    fn check_projections(&self, found: &mut Found) -> Result<(), ReadError> {
        let large = |digest: Digest| self.shared.body(digest).ok().flatten();
        // Beside the store: as many records need as much room again, and the folder for temporary files may be memory.
        let dir = self.dir.join(CHECK_DIR);
        let rebuilt = Rebuild::new(&dir, &large).and_then(|mut rebuilt| {
            for row in self.shared.trees.get(Which::Log).iter() {
                let (key, stored) = row.map_err(|error| error.to_string())?;
                rebuilt.record(number(&key), stored.to_vec())?;
            }
            rebuilt.settle()?;
            compare(&self.shared.trees, &rebuilt.trees, &mut |problem| found.add(problem))
        });
        if let Err(error) = rebuilt {
            found.add(format!("the projections cannot be rebuilt: {error}"));
        }
        fs::remove_dir_all(&dir).map_err(|error| ReadError(format!("{} cannot be removed: {error}", dir.display())))
    }
}

/// Folder for a rebuilt log; an opening removes what a killed check left.
pub(super) const CHECK_DIR: &str = "check";

/// Tells where the projections of a store are not those of another that was rebuilt from the same log. Both are read once, in order.
pub(super) fn compare(stored: &Trees, rebuilt: &Trees, tell: &mut dyn FnMut(String)) -> Result<(), String> {
    for which in Which::ALL.into_iter().filter(|which| which.is_projection()) {
        let name = which.name();
        let (mut ours, mut theirs) = (stored.get(which).iter(), rebuilt.get(which).iter());
        let next = |rows: &mut sled::Iter| rows.next().transpose().map_err(|error| error.to_string());
        let (mut our, mut their) = (next(&mut ours)?, next(&mut theirs)?);
        loop {
            let order = match (&our, &their) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((our, _)), Some((their, _))) => our.cmp(their),
            };
            match order {
                std::cmp::Ordering::Less => {
                    tell(format!("{name}: row {} is stored, the log says nothing of it", shown(&our)));
                    our = next(&mut ours)?;
                }
                std::cmp::Ordering::Greater => {
                    tell(format!("{name}: row {} is missing", shown(&their)));
                    their = next(&mut theirs)?;
                }
                std::cmp::Ordering::Equal => {
                    if our != their {
                        tell(format!("{name}: the stored row {} is not what the log says", shown(&our)));
                    }
                    (our, their) = (next(&mut ours)?, next(&mut theirs)?);
                }
            }
        }
    }
    Ok(())
}

fn shown(row: &Option<(sled::IVec, sled::IVec)>) -> String {
    row.as_ref().map(|(key, _)| hex::encode(key)).unwrap_or_default()
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
