//! Brings the projections in sled after the log, and decides whether those that are there can be believed.
//!
//! An acknowledgement waits for the log alone. One thread writes the rows that follow to sled, as many at once as have gathered, row by row, and `Which::State`
//! last. A kill leaves the rows of some whole batches and the first rows of one more; the next opening applies the records after the last whole batch again
//! (`draft`). What sled writes is not synced before the store closes, so after a power cut sled's file holds anything: then, and whenever sled does not open, the
//! projections are made anew from the log.
//!
//! ```text
//! db/trusted   three lines: "closed", or "open" with the boot it was opened in and which file sled's is; id of the log and layout of the rows; CRC-32.
//!              Synced before sled is opened, and after it was closed
//! ```

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use sled::Db;

use super::{
    codec::decode,
    draft::{Draft, STATE},
    failpoint,
    log::{Log, Position, Reader, sync_dir},
    state::State,
    trees::{Trees, Which},
    view::View,
    writer::Shared,
};
use crate::limits;

// ---- whether what is there can be believed ----

pub(super) fn stamp_path(db: &Path) -> PathBuf {
    db.join("trusted")
}

/// What a stamp says while sled works: the boot, so that nothing written was lost, and the file, so that it is no copy of one that was being written. A machine that
/// does not tell its boot is never believed.
fn living(db: &Path) -> io::Result<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let file = fs::metadata(db.join("db"))?;
    Ok(format!("open {} {}:{}", boot.trim(), file.dev(), file.ino()))
}

const CLOSED: &str = "closed";
/// What rows mean; another number than in the stamp is another program's, and they are made anew.
const LAYOUT: u32 = 1;

fn write_stamp(db: &Path, log: [u8; 16], said: &str) -> io::Result<()> {
    let text = format!("{said}\n{} {LAYOUT}", hex::encode(log));
    let mut aside = tempfile::NamedTempFile::new_in(db)?;
    writeln!(aside, "{text}\n{:08x}", crc32fast::hash(text.as_bytes()))?;
    aside.as_file().sync_all()?;
    aside.persist(stamp_path(db))?;
    sync_dir(db)
}

/// What is known of the projections in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// They are what a process left that closed in order, or was killed while the machine went on.
    Believed,
    /// They are made anew.
    Doubted,
    /// They were made from another log: the one that is there took its place.
    OfAnother,
}

pub(super) fn trust(db: &Path, log: [u8; 16]) -> io::Result<Trust> {
    let text = match fs::read_to_string(stamp_path(db)) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => return Ok(Trust::Doubted),
        read => read?,
    };
    let Some((stamped, crc)) = text.trim_end().rsplit_once('\n') else { return Ok(Trust::Doubted) };
    let Some((said, of)) = stamped.split_once('\n') else { return Ok(Trust::Doubted) };
    if u32::from_str_radix(crc, 16) != Ok(crc32fast::hash(stamped.as_bytes())) {
        return Ok(Trust::Doubted);
    }
    let Some((of, layout)) = of.split_once(' ') else { return Ok(Trust::Doubted) };
    if of != hex::encode(log) {
        return Ok(Trust::OfAnother);
    }
    if layout != LAYOUT.to_string() {
        return Ok(Trust::Doubted);
    }
    let tells_boot = !said.starts_with("open  ");
    Ok(if said == CLOSED || (tells_boot && said == living(db)?) { Trust::Believed } else { Trust::Doubted })
}

/// From here on sled's file is written to.
pub(super) fn stamp_open(db: &Path, log: [u8; 16]) -> io::Result<()> {
    write_stamp(db, log, &living(db)?)
}

/// Everything sled holds is on the medium, and the stamp says so.
fn stamp_closed(db: &Path, log: [u8; 16]) -> io::Result<()> {
    for entry in fs::read_dir(db)? {
        let path = entry?.path();
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                File::open(entry?.path())?.sync_all()?;
            }
            sync_dir(&path)?;
        } else {
            File::open(path)?.sync_all()?;
        }
    }
    sync_dir(db)?;
    write_stamp(db, log, CLOSED)
}

// ---- after the log ----

/// The state as sled has it; `None`: there is none, or it is of another log.
pub(super) fn stored_state(trees: &Trees, log: &Log) -> Result<Option<State>, String> {
    let Some(raw) = trees.get(Which::State, STATE).map_err(|error| error.to_string())? else { return Ok(None) };
    let state: State = decode(&raw).map_err(|error| error.to_string())?;
    Ok((state.log == log.id()).then_some(state))
}

/// Applies what a log holds after `state`, and checks that it ends where it should.
pub(super) fn catch_up(view: &View, reader: &Reader, state: State, log: &Log) -> Result<State, String> {
    let state = apply_all(view, reader, state, log.end())?;
    if state.is_at_end_of(log) { Ok(state) } else { Err(format!("the log ends at record {} and not where its groups do", log.next() - 1)) }
}

/// Applies the groups after `state` up to a position, straight to the trees of a view that nobody else uses. Returns the state there.
pub(super) fn apply_all(view: &View, reader: &Reader, mut state: State, to: Position) -> Result<State, String> {
    let mut told = Instant::now();
    let mut groups = reader.groups(state.log, state.position, to).peekable();
    while groups.peek().is_some() {
        let mut draft = Draft::looking(view, reader, state);
        for group in groups.by_ref() {
            let group = group?;
            if (group.first, group.before) != (draft.state.record + 1, draft.state.link) {
                return Err(format!("the log has a gap or another branch after record {}", draft.state.record));
            }
            draft.apply_group(&group).map_err(|error| error.to_string())?;
            if draft.changed() >= limits::CAUGHT_UP_ROWS {
                break;
            }
        }
        let (changes, after) = draft.into_changes();
        view.trees().write(&changes).map_err(|error| error.to_string())?;
        state = after;
        if told.elapsed() >= Duration::from_millis(limits::CATCH_UP_TOLD_MS) {
            tracing::info!(record = state.record, file = state.position.file, of = to.file, "the projections are brought after the log");
            told = Instant::now();
        }
    }
    Ok(state)
}

/// The thread that applies what was committed.
pub(super) struct Projector {
    thread: JoinHandle<()>,
    closing: Arc<AtomicBool>,
}

impl Projector {
    pub fn start(shared: Arc<Shared>) -> io::Result<Projector> {
        let closing = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&closing);
        let thread = std::thread::Builder::new().name("store-projector".to_owned()).spawn(move || {
            let why = match std::panic::catch_unwind(AssertUnwindSafe(|| run(&shared, &told))) {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("the database cannot be written: {error}")),
                Err(_) => Some("the thread that writes the projections ended by a panic".to_owned()),
            };
            if let Some(why) = why {
                tracing::error!(why, "the store takes no more writes; the process must be restarted");
                shared.give_up(&why);
            }
            shared.view.stop();
        })?;
        Ok(Projector { thread, closing })
    }

    /// Applies what is left, and syncs it. Nobody commits any more.
    pub fn close(self, shared: &Shared, db: &Path) {
        self.closing.store(true, Ordering::Release);
        shared.view.nudge();
        if self.thread.join().is_err() || shared.poison.get().is_some() || shared.distrusted.load(Ordering::Acquire) {
            return;
        }
        // What fails here costs the next start the time of making the projections anew, and no record.
        if let Err(error) =
            shared.db.flush().map_err(|error| error.to_string()).and_then(|_| stamp_closed(db, shared.state().log).map_err(|error| error.to_string()))
        {
            tracing::warn!(error, "the projections could not be synced; they are made anew after a power cut");
        }
    }
}

fn run(shared: &Shared, closing: &AtomicBool) -> sled::Result<()> {
    let (mut unflushed, mut flushed) = (0, Instant::now());
    while let Some(changes) = shared.view.take(|| closing.load(Ordering::Acquire)) {
        failpoint::pass("before-projection");
        shared.view.trees().write(&changes)?;
        unflushed += changes.len();
        shared.view.applied();
        failpoint::pass("after-projection");
        // What sled has in memory only is applied again after a kill: bounded by rows, and by time where little happens.
        if unflushed >= limits::UNFLUSHED_ROWS_MAX || flushed.elapsed() >= Duration::from_millis(limits::UNFLUSHED_MS_MAX) {
            flush(&shared.db)?;
            (unflushed, flushed) = (0, Instant::now());
        }
    }
    Ok(())
}

fn flush(db: &Db) -> sled::Result<()> {
    db.flush().map(drop)
}

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::{
            event::{Arrival, Digest},
            id::EventId,
            job::{JobState, Step, Subject},
            time::At,
        },
        store::{
            Actor, Effects, Outcome, Store,
            log::open,
            open::{config, open_when_let_go},
            trees::Changes,
        },
    };

    /// Some history, of the acts whose rows depend on one another.
    fn made(dir: &Path, acts: &[u8]) {
        let store = Store::open(dir).expect("open");
        let me = Actor("me".to_owned());
        let mut leases = Vec::new();
        for (at, act) in acts.iter().enumerate() {
            let now = At(at as i64 * 1000);
            match act % 8 {
                0 | 1 => {
                    let body = format!("{} {}", act, at % 7).into_bytes();
                    let ignored = (act % 3 == 0).then(|| "noise".to_owned());
                    let source = ["a", "b"][at % 2].parse().expect("source");
                    let (content_type, dedupe_key) = ("text/plain".to_owned(), Digest::of(&body));
                    let arrival = Arrival { source, content_type, file_name: None, dedupe_key, headers: Vec::new(), body: body.into(), ignored };
                    store.accept(arrival, now).expect("accept");
                }
                2 | 3 => leases.extend(store.claim("w", now).expect("claim")),
                4 | 5 => {
                    if let Some(lease) = leases.pop() {
                        let outcome = match act % 4 {
                            0 => Outcome::Failed { error: "why".to_owned() },
                            1 => Outcome::Review { reason: "why".to_owned() },
                            _ => Outcome::Advance,
                        };
                        // Stale where the lease lapsed.
                        drop(store.finish(&lease, outcome, Effects { result: Some(vec![*act]), ..Effects::default() }, now));
                    }
                }
                6 => drop(store.enqueue(Subject::Event(EventId(1 + u64::from(*act) % 5)), Step::Document, &me, now)),
                _ => {
                    let event = EventId(1 + u64::from(*act) % 5);
                    drop(store.hold(event, "why", &me, now));
                    drop(store.release(EventId(1 + u64::from(*act) / 16 % 5), &me, now));
                    drop(store.settle(crate::domain::id::JobId(1), JobState::Cancelled { reason: "why".to_owned() }, None, &me, now));
                }
            }
        }
    }

    fn rows(trees: &Trees) -> Vec<(Which, Vec<u8>, Vec<u8>)> {
        Which::ALL.iter().flat_map(|which| trees.all(*which).map(|row| row.expect("row")).map(|(key, value)| (*which, key, value))).collect()
    }

    fn empty(dir: &Path) -> (View, Db) {
        fs::create_dir_all(dir).expect("folder");
        let db = open_when_let_go(&config(dir)).expect("sled");
        (View::new(Trees::open(&db, dir).expect("trees")), db)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

        /// A kill leaves whole batches and any rows of one more: applied again from the last whole one, the outcome is the same.
        #[test]
        fn applied_again_over_the_rows_of_a_batch_that_was_cut_off_the_outcome_is_the_same(
            acts in proptest::collection::vec(any::<u8>(), 1..120),
            whole in any::<prop::sample::Index>(),
            kept in any::<u64>(),
        ) {
            let dir = tempfile::tempdir().expect("folder");
            // Something arrives first.
            made(dir.path(), &[&[1], acts.as_slice()].concat());
            let log = match open(&dir.path().join("log")) {
                Ok(log) => log,
                Err(_) => panic!("the log does not open"),
            };
            let reader = Reader::new(&dir.path().join("log"));
            let (all, _db) = empty(&dir.path().join("all"));
            catch_up(&all, &reader, State::before(log.id()), &log).expect("all");

            let ends: Vec<Position> = reader.groups(log.id(), Position::START, log.end()).map(|group| group.expect("group").ends).collect();
            let (cut, _db) = empty(&dir.path().join("cut"));
            let state = apply_all(&cut, &reader, State::before(log.id()), *whole.get(&ends)).expect("whole batches");
            let mut draft = Draft::looking(&cut, &reader, state.clone());
            for group in reader.groups(log.id(), state.position, log.end()) {
                draft.apply_group(&group.expect("group")).expect("apply");
            }
            let mut some = Changes::default();
            for (at, (which, key, value)) in draft.into_changes().0.iter().enumerate() {
                if which != Which::State && kept >> (at % 64) & 1 == 1 {
                    some.insert(which, key.clone(), value.clone());
                }
            }
            cut.trees().write(&some).expect("write");
            catch_up(&cut, &reader, state, &log).expect("again");
            prop_assert_eq!(rows(cut.trees()), rows(all.trees()));
            prop_assert!(cut.trees().range(Which::State, (Bound::Unbounded, Bound::Unbounded)).count() == 1);
        }
    }
}
