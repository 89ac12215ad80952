//! Whether the log, the bodies and the projections are what they should be.

use std::fs;

use super::{
    Check, ReadError, Store,
    log::{Kind, Place, Position},
    needed, open, project,
    record::FIRST_LINK,
    state::State,
    trees::{Trees, Which},
    view::{Row, View},
};
use crate::domain::event::Digest;

/// Problems listed; more are only counted.
const PROBLEMS_MAX: usize = 100;

impl Store {
    /// Every group's and record's checksum and link, every body's digest, and that every body a record needs is there; with `deep` the projections are made anew
    /// from the log, in a folder beside, and compared row by row. Writes must not go on meanwhile, or what was just written shows as a difference.
    pub fn check(&self, deep: bool) -> Result<Check, ReadError> {
        let mut found = Found::default();
        let mut check = Check::default();
        self.shared.view.settle();
        self.check_log(&mut check, &mut found)?;
        for row in self.shared.view.all(Which::Bodies) {
            let (key, raw) = row.map_err(|error| ReadError(error.to_string()))?;
            check.blobs += 1;
            let Ok(digest) = <[u8; 32]>::try_from(key.as_slice()).map(Digest) else {
                found.add("the index of bodies has a key that is no digest".to_owned());
                continue;
            };
            let place = Place::from_bytes(&raw).map_err(|error| error.to_string());
            if let Err(error) = place.and_then(|place| self.shared.reader.body(digest, place).map_err(|error| error.to_string())) {
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
        let shared = &self.shared;
        let expired = needed::expired(shared).map_err(ReadError)?;
        let state = shared.state();
        let (mut next, mut link) = (1, FIRST_LINK);
        for group in shared.reader.groups(state.log, Position::START, state.position) {
            let group = match group {
                Ok(group) => group,
                Err(error) => {
                    found.add(error);
                    break;
                }
            };
            if (group.first, group.before) != (next, link) {
                found.add(format!("the group at byte {} of file {} does not follow the one before", group.begins.offset, group.begins.file));
            }
            (next, link) = group.after();
            check.records += group.entries.iter().filter(|entry| entry.kind == Kind::Record).count() as u64;
            for stored in shared.reader.records(&group) {
                let record = match stored.and_then(|stored| Ok((stored.number, stored.record()?))) {
                    Ok((number, record)) => (number, record),
                    Err(error) => {
                        found.add(error);
                        continue;
                    }
                };
                for digest in record.1.needs(|event| expired.contains(&event)) {
                    if shared.place(digest).map_err(ReadError)?.is_none() {
                        found.add(format!("record {} needs body {digest}, which is missing", record.0));
                    }
                }
            }
        }
        if (next, link) != (state.record + 1, state.link) {
            found.add(format!("the log has {} records where {} were committed", next - 1, state.record));
        }
        Ok(())
    }

    fn check_projections(&self, found: &mut Found) -> Result<(), ReadError> {
        // Beside the store: as many rows need as much room again, and the folder for temporary files may be memory.
        let (dir, before) = (self.dir.join(CHECK_DIR), found.problems.len());
        let made = self.made_anew(&dir).and_then(|(view, _db)| compare(self.shared.view.trees(), view.trees(), &mut |problem| found.add(problem)));
        if let Err(error) = made {
            found.add(format!("the projections cannot be made anew: {error}"));
        } else if found.problems.len() > before {
            self.shared.distrust();
            found.add("the projections are not believed any more: they are made anew at the next start".to_owned());
        }
        fs::remove_dir_all(&dir).map_err(|error| ReadError(format!("{} cannot be removed: {error}", dir.display())))
    }

    /// The projections of the log as it is, in a folder beside.
    fn made_anew(&self, dir: &std::path::Path) -> Result<(View, sled::Db), String> {
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(|error| error.to_string())?;
        }
        fs::create_dir_all(dir).map_err(|error| error.to_string())?;
        let db = open::open_when_let_go(&open::config(dir)).map_err(|error| error.to_string())?;
        let view = View::new(Trees::open(&db, dir).map_err(|error| error.to_string())?);
        let now = self.shared.state();
        project::apply_all(&view, &self.shared.reader, State::before(now.log), now.position)?;
        Ok((view, db))
    }
}

/// Folder for projections that are made anew; an opening removes what a killed check left.
pub(super) const CHECK_DIR: &str = "check";

/// Tells where the projections of a store are not those of another that was made from the same log. Both are read once, in order.
fn compare(stored: &Trees, rebuilt: &Trees, tell: &mut dyn FnMut(String)) -> Result<(), String> {
    for which in Which::ALL {
        let name = which.name();
        let (mut ours, mut theirs) = (stored.all(which), rebuilt.all(which));
        fn next(rows: &mut impl Iterator<Item = sled::Result<Row>>) -> Result<Option<Row>, String> {
            rows.next().transpose().map_err(|error| error.to_string())
        }
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

fn shown(row: &Option<Row>) -> String {
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
