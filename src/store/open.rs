//! Opening the data directory, in the order that survives a kill at any point of an earlier opening.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use rustix::fs::{FlockOperation, flock};
use tokio::sync::watch;

use super::{
    OpenError,
    blob::{Segments, sync_dir},
    draft::number,
    failpoint,
    mark::{self, Mark},
    swap,
    trees::{Trees, Which},
    upgrade,
    writer::{FORMAT, Shared},
};
use crate::limits;

/// Where things are in the data directory.
pub(super) struct Layout {
    pub db: PathBuf,
    pub segments: PathBuf,
    pub datasets: PathBuf,
    lock: PathBuf,
    pub format: PathBuf,
}

impl Layout {
    pub fn of(dir: &Path) -> Layout {
        Layout {
            db: dir.join("db"),
            segments: dir.join("segments"),
            datasets: dir.join("datasets"),
            lock: dir.join("lock"),
            format: dir.join("format"),
        }
    }
}

/// An opened directory: what readers and writer share, and what only the writer has.
pub(super) struct Opened {
    pub shared: Arc<Shared>,
    pub segments: Segments,
    /// sled's own file, opened beside it for the syncs that sled does not do.
    pub db_file: File,
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
    for path in [&layout.db, &layout.segments, &layout.datasets] {
        fs::create_dir_all(path).map_err(failed("the data directory cannot be made"))?;
    }
    failpoint::pass("open-locked");
    remove_partial_snapshots(&layout.db).map_err(failed("partial snapshots cannot be removed"))?;
    let sled_config = layout.db.join("conf");
    remove_torn_config(&sled_config).map_err(failed("sled's configuration cannot be looked at"))?;
    let reached = mark::read(&layout.db).map_err(failed("how far the log goes cannot be read"))?;
    read_through(&layout.db.join("db")).map_err(failed("sled's file cannot be read, and nothing was touched"))?;
    let db = open_sled(dir, &layout.db)?;
    // sled never syncs it.
    File::open(&sled_config).and_then(|file| file.sync_all()).map_err(failed("sled's configuration cannot be synced"))?;
    failpoint::pass("open-sled");
    // The snapshot's rename and, the first time, the new files are only safe once their folders are synced.
    for path in [&layout.db, &layout.segments, &layout.datasets, dir] {
        sync_dir(path).map_err(failed("a folder cannot be synced"))?;
    }
    let blobs = layout.db.join("blobs");
    if blobs.is_dir() {
        sync_dir(&blobs).map_err(failed("a folder cannot be synced"))?;
    }
    let db_file = File::open(layout.db.join("db")).map_err(failed("sled's file cannot be opened"))?;
    let trees = unpanicked(|| Trees::open(&db)).map_err(|shut| OpenError::Damaged { path: dir.to_path_buf(), why: shut.why })?;
    failpoint::pass("open-trees");
    check_end(dir, &layout.db, &trees, reached)?;
    let mark = Mark::open(&layout.db).and_then(|mark| mark.sync().map(|()| mark)).map_err(failed("how far the log goes cannot be written"))?;
    let segments = Segments::open(&layout.segments).map_err(failed("the segments cannot be listed"))?;
    swap::forget_replaced(dir).map_err(failed("the store that was replaced cannot be removed"))?;
    let shared =
        Shared { db, trees, segments_dir: layout.segments, poison: OnceLock::new(), commits: watch::Sender::new(0), handed: Mutex::new(None) };
    Ok(Opened { shared: Arc::new(shared), segments, db_file, mark, lock })
}

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

/// sled takes a read that fails for the end of its log and writes over the rest, so the whole file is read once before sled has it.
fn read_through(path: &Path) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut bytes = vec![0; limits::READ_THROUGH_BYTES];
    let mut at = 0;
    loop {
        match file.read_at(&mut bytes, at)? {
            0 => return Ok(()),
            read => at += read as u64,
        }
    }
}

/// A log that ends before what was acknowledged lost its end.
fn check_end(dir: &Path, db: &Path, trees: &Trees, reached: u64) -> Result<(), OpenError> {
    let damaged = |why: String| OpenError::Damaged { path: dir.to_path_buf(), why };
    let last = unpanicked(|| trees.get(Which::Log).last()).map_err(|shut| damaged(shut.why))?;
    let last = last.map_or(0, |(key, _)| number(&key));
    if last >= reached {
        return Ok(());
    }
    let mark = mark::path(db);
    Err(damaged(format!(
        "its log ends at record {last}, and record {reached} was acknowledged. Restore a backup; to go on with what is left, remove {}",
        mark.display()
    )))
}

/// sled's configuration says what `open_sled` says on every opening, so a file that a power cut tore is removed and sled writes it again; read as it is, it
/// would keep the store shut for ever. Its last four bytes are the CRC-32 of the others.
fn remove_torn_config(path: &Path) -> io::Result<()> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read?,
    };
    match bytes.split_last_chunk() {
        Some((body, crc)) if !body.is_empty() && crc32fast::hash(body) == u32::from_le_bytes(*crc) => Ok(()),
        _ => {
            tracing::warn!(path = %path.display(), "sled's configuration is torn and is written again");
            fs::remove_file(path)
        }
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
pub(super) fn remove_partial_snapshots(db: &Path) -> io::Result<()> {
    for path in snapshots(db)? {
        if path.extension().is_some_and(|extension| extension == "generating") {
            tracing::warn!(path = %path.display(), "a partial snapshot of an opening that was killed is removed");
            fs::remove_file(path)?;
        }
    }
    sync_dir(db)
}

fn snapshots(db: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(db)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with("snap.")) {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

/// sled as we use it. The writer flushes; a background flusher would only hide errors.
pub(super) fn config(db: &Path) -> sled::Config {
    sled::Config::new().path(db).cache_capacity(limits::SLED_CACHE_BYTES).use_compression(false).flush_every_ms(None)
}

/// Opens sled; where its snapshot is damaged, keeps the folder aside and lets it rebuild from its whole log.
pub(super) fn open_sled(dir: &Path, db: &Path) -> Result<sled::Db, OpenError> {
    let config = config(db);
    let first = match open_when_let_go(&config) {
        Ok(opened) => return Ok(opened),
        Err(error) => error,
    };
    let damaged = |why: String| OpenError::Damaged { path: dir.to_path_buf(), why };
    if !first.is_damage {
        return Err(damaged(first.why));
    }
    let aside = dir.join(format!("db.damaged-{}", crate::clock::now_ms()));
    tracing::error!(aside = %aside.display(), error = first.why, "sled's snapshot is damaged; it is kept aside and rebuilt from sled's log");
    copy_dir(db, &aside).map_err(|error| damaged(format!("{}; and it could not be kept aside: {error}", first.why)))?;
    for path in snapshots(db).map_err(|error| damaged(error.to_string()))? {
        fs::remove_file(path).map_err(|error| damaged(error.to_string()))?;
    }
    open_when_let_go(&config).map_err(|error| damaged(format!("{}, also without its snapshots; a copy is in {}", error.why, aside.display())))
}

/// Why sled did not do something.
struct Shut {
    /// Of its files; another opening without its snapshots may help.
    is_damage: bool,
    why: String,
}

/// sled checks less than it trusts: some damage in its files makes it panic, which is one more way to say so.
fn unpanicked<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, Shut> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|error| Shut { is_damage: matches!(error, sled::Error::Corruption { .. }), why: error.to_string() }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Shut { is_damage: true, why: format!("sled cannot read its files: {}", text.unwrap_or("it panicked")) })
        }
    }
}

/// Our own lock is held, so whoever still has sled's is a store of this process that was closed a moment ago: sled's threads let go of it a little later.
fn open_when_let_go(config: &sled::Config) -> Result<sled::Db, Shut> {
    let until = Instant::now() + Duration::from_millis(limits::SLED_LET_GO_MS_MAX);
    loop {
        match unpanicked(|| config.open()) {
            Err(shut) if shut.why.contains("could not acquire lock") && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    sync_dir(to)
}
