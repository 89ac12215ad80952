//! Opening the data directory, in the order that survives a kill at any point of an earlier opening: the log first, then what follows from it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::fs::{FlockOperation, flock};

use super::{
    OpenError, failpoint,
    log::{self, Log, Mark, Reader, Unopened, sync_dir},
    project::{self, Trust},
    state::State,
    swap,
    trees::Trees,
    upgrade,
    view::View,
    writer::{FORMAT, Shared},
};
use crate::limits;

/// Where things are in the data directory.
pub(super) struct Layout {
    pub log: PathBuf,
    pub db: PathBuf,
    pub datasets: PathBuf,
    lock: PathBuf,
    pub format: PathBuf,
}

impl Layout {
    pub fn of(dir: &Path) -> Layout {
        Layout { log: dir.join("log"), db: dir.join("db"), datasets: dir.join("datasets"), lock: dir.join("lock"), format: dir.join("format") }
    }
}

/// An opened directory: what readers and writer share, and what only the writer has.
pub(super) struct Opened {
    pub shared: Arc<Shared>,
    pub log: Log,
    pub mark: Mark,
    /// Held as long as the store is open.
    pub lock: File,
}

pub(super) fn open(dir: &Path) -> Result<Opened, OpenError> {
    let failed = |what: &'static str| move |source: io::Error| OpenError::Io { what, path: dir.to_path_buf(), source };
    let layout = Layout::of(dir);
    make_data_dir(dir).map_err(failed("the data directory cannot be made"))?;
    let lock = lock(dir)?;
    swap::settle(dir).map_err(failed("what an earlier compaction, upgrade or restore left cannot be put in order"))?;
    let theirs = read_format(&layout.format).map_err(failed("the format cannot be read or written"))??;
    if theirs < FORMAT {
        upgrade::run(dir, theirs).map_err(|why| OpenError::Upgrade { path: dir.to_path_buf(), theirs, ours: FORMAT, why })?;
    }
    for path in [&layout.log, &layout.db, &layout.datasets] {
        fs::create_dir_all(path).map_err(failed("the data directory cannot be made"))?;
    }
    for path in [&layout.datasets, dir] {
        sync_dir(path).map_err(failed("a folder cannot be synced"))?;
    }
    failpoint::pass("open-locked");
    let log = open_log(dir, &layout.log)?;
    failpoint::pass("open-log");
    let mark = Mark::open(&layout.log).and_then(|mark| {
        mark.set(log.next() - 1)?;
        mark.sync()?;
        sync_dir(&layout.log).map(|()| mark)
    });
    let mark = mark.map_err(failed("how far the log goes cannot be written"))?;
    let shared = projections(dir, &layout, &log)?;
    failpoint::pass("open-projected");
    swap::forget_replaced(dir).map_err(failed("the store that was replaced cannot be removed"))?;
    Ok(Opened { shared: Arc::new(shared), log, mark, lock })
}

pub(super) fn open_log(dir: &Path, path: &Path) -> Result<Log, OpenError> {
    log::open(path).map_err(|unopened| match unopened {
        Unopened::Io(source) => OpenError::Io { what: "the log cannot be read, and nothing was touched", path: dir.to_path_buf(), source },
        Unopened::Damaged(why) => OpenError::Damaged { path: dir.to_path_buf(), why },
    })
}

/// The projections, brought after the log: those that are there where they can be believed, otherwise made anew.
fn projections(dir: &Path, layout: &Layout, log: &Log) -> Result<Shared, OpenError> {
    let failed = |what: &'static str| move |source: io::Error| OpenError::Io { what, path: dir.to_path_buf(), source };
    let unbelieved = failed("the projections cannot be made anew");
    match project::trust(&layout.db, log.id()).map_err(failed("the projections cannot be looked at"))? {
        Trust::OfAnother => {
            return Err(OpenError::Damaged {
                path: dir.to_path_buf(),
                why: format!(
                    "its log is gone, or another took its place: what was acknowledged is known to {} and not to the log. Restore a backup; to go on with what the log holds, \
                     remove that folder",
                    layout.db.display()
                ),
            });
        }
        Trust::Believed => match believed(dir, layout, log)? {
            Ok(shared) => return Ok(shared),
            Err(why) => set_aside(dir, &layout.db, &why).map_err(unbelieved)?,
        },
        Trust::Doubted => {
            if log.next() > 1 {
                tracing::info!(records = log.next() - 1, "the projections are not known to be whole and are made anew from the log");
            }
            fs::remove_dir_all(&layout.db).map_err(unbelieved)?;
        }
    }
    fs::create_dir_all(&layout.db).and_then(|()| sync_dir(dir)).map_err(unbelieved)?;
    unpanicked(|| fill(layout, log, None)).map_err(|unfilled| match unfilled {
        Unfilled::Held => OpenError::InUse { path: dir.to_path_buf() },
        Unfilled::Useless(why) => OpenError::Damaged { path: dir.to_path_buf(), why: format!("the projections cannot be made from its log: {why}") },
    })
}

/// The projections that are there; the inner error says why they are of no use.
fn believed(dir: &Path, layout: &Layout, log: &Log) -> Result<Result<Shared, String>, OpenError> {
    let failed = |what: &'static str| move |source: io::Error| OpenError::Io { what, path: dir.to_path_buf(), source };
    remove_partial_snapshots(&layout.db).map_err(failed("partial snapshots cannot be removed"))?;
    // From here on sled writes.
    project::stamp_open(&layout.db, log.id()).map_err(failed("the projections cannot be written"))?;
    let mut beyond = None;
    let filled = unpanicked(|| fill(layout, log, Some(&mut beyond)));
    match beyond {
        Some(applied) => Err(OpenError::Damaged {
            path: dir.to_path_buf(),
            why: format!(
                "its log ends at record {}, and record {applied} was acknowledged. Restore a backup; to go on with what is left, remove {}",
                log.next() - 1,
                layout.db.display()
            ),
        }),
        None => match filled {
            Ok(shared) => Ok(Ok(shared)),
            Err(Unfilled::Useless(why)) => Ok(Err(why)),
            Err(Unfilled::Held) => Err(OpenError::InUse { path: dir.to_path_buf() }),
        },
    }
}

/// Why projections could not be brought after the log.
enum Unfilled {
    /// Somebody still has sled's lock. That is no damage, and nothing of theirs may be moved away.
    Held,
    Useless(String),
}

impl From<String> for Unfilled {
    fn from(why: String) -> Unfilled {
        Unfilled::Useless(why)
    }
}

impl From<sled::Error> for Unfilled {
    fn from(error: sled::Error) -> Unfilled {
        if is_held(&error) { Unfilled::Held } else { Unfilled::Useless(error.to_string()) }
    }
}

/// Opens sled and applies what it lacks. `beyond`: what is there is to be used, and is told here where it is past the log's end.
fn fill(layout: &Layout, log: &Log, beyond: Option<&mut Option<u64>>) -> Result<Shared, Unfilled> {
    let db = open_when_let_go(&config(&layout.db))?;
    failpoint::pass("open-sled");
    let trees = Trees::open(&db, &layout.db).map_err(|error| error.to_string())?;
    let state = match beyond {
        Some(beyond) => {
            let state = project::stored_state(&trees, log)?.ok_or_else(|| "it is not of this log".to_owned())?;
            if state.record >= log.next() {
                *beyond = Some(state.record);
                return Err("it is past the end of the log".to_owned().into());
            }
            state
        }
        None => {
            project::stamp_open(&layout.db, log.id()).map_err(|error| error.to_string())?;
            State::before(log.id())
        }
    };
    let (view, reader) = (View::new(trees), Reader::new(&layout.log));
    let state = project::catch_up(&view, &reader, state, log)?;
    db.flush()?;
    Ok(Shared::new(db, view, reader, log, state, project::stamp_path(&layout.db)))
}

/// Keeps a database that is of no use for a person to look at, instead of the one before.
fn set_aside(dir: &Path, db: &Path, why: &str) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(DAMAGED)) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    let aside = dir.join(format!("{DAMAGED}{}", crate::clock::now_ms()));
    tracing::error!(aside = %aside.display(), why, "the projections are damaged; they are kept aside and made anew from the log");
    fs::rename(db, aside)?;
    sync_dir(dir)
}

const DAMAGED: &str = "db.damaged-";

/// Makes the data directory with the folders above it, and their names durable: an earlier process may have been killed between the two.
fn make_data_dir(dir: &Path) -> io::Result<()> {
    let dir = std::path::absolute(dir)?;
    let made: Vec<&Path> = dir.ancestors().take_while(|above| !above.exists()).filter_map(Path::parent).collect();
    fs::create_dir_all(&dir)?;
    for above in made {
        sync_dir(above)?;
    }
    match dir.parent().map_or(Ok(()), sync_dir) {
        // Whoever made it for us did not give us the folder it is in.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

/// Takes a data directory for this process alone, until the file is closed.
pub(super) fn lock(dir: &Path) -> Result<File, OpenError> {
    let failed = |source: io::Error| OpenError::Io { what: "the lock cannot be opened", path: dir.to_path_buf(), source };
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(Layout::of(dir).lock).map_err(failed)?;
    let until = Instant::now() + Duration::from_millis(limits::LOCK_LET_GO_MS_MAX);
    while flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        if Instant::now() >= until {
            return Err(OpenError::InUse { path: dir.to_path_buf() });
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(lock)
}

/// The format is a file of its own, so that a newer store is refused before anything in it is touched. A new store gets the present one.
fn read_format(path: &Path) -> io::Result<Result<u16, OpenError>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(match text.strip_prefix("lastbuy store ").and_then(|number| number.trim().parse::<u16>().ok()) {
            Some(theirs) if theirs > FORMAT => Err(OpenError::Format { path: path.to_path_buf(), theirs, ours: FORMAT }),
            Some(theirs) => Ok(theirs),
            None => Err(OpenError::Damaged { path: path.to_path_buf(), why: "the format file does not say which format this is".to_owned() }),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => write_format(path, FORMAT).map(|()| Ok(FORMAT)),
        Err(error) => Err(error),
    }
}

pub(super) fn write_format(path: &Path, format: u16) -> io::Result<()> {
    let dir = path.parent().unwrap_or(path);
    let mut aside = tempfile::NamedTempFile::new_in(dir)?;
    aside.write_all(format!("lastbuy store {format}\n").as_bytes())?;
    aside.as_file().sync_all()?;
    aside.persist(path)?;
    sync_dir(dir)
}

/// A kill while sled opens leaves `snap.<lsn>.generating`, which sled then takes for a snapshot and refuses to open at all.
fn remove_partial_snapshots(db: &Path) -> io::Result<()> {
    for entry in fs::read_dir(db)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "generating") {
            tracing::warn!(path = %path.display(), "a partial snapshot of an opening that was killed is removed");
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// sled as we use it. The projector flushes; a background flusher would only hide errors.
pub(super) fn config(db: &Path) -> sled::Config {
    sled::Config::new().path(db).cache_capacity(limits::SLED_CACHE_BYTES).use_compression(false).flush_every_ms(None)
}

/// sled checks less than it trusts: some damage in its files makes it panic, which is one more way to say so.
fn unpanicked<T>(work: impl FnOnce() -> Result<T, Unfilled>) -> Result<T, Unfilled> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Unfilled::Useless(format!("sled cannot read its files: {}", text.unwrap_or("it panicked"))))
    })
}

/// Our own lock is held, so whoever still has sled's is a store that was closed a moment ago, here or in another process: sled's threads let go of it a little later.
pub(super) fn open_when_let_go(config: &sled::Config) -> sled::Result<sled::Db> {
    let until = Instant::now() + Duration::from_millis(limits::SLED_LET_GO_MS_MAX);
    loop {
        match config.open() {
            Err(error) if is_held(&error) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

/// sled gives this no kind of its own.
fn is_held(error: &sled::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}
