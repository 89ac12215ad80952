//! The one thread that appends to the log. It gathers what waits, prepares it against one draft, and commits the group: one write, one `fdatasync`. Only then is
//! anybody answered and does any reader see it. After any error nothing more is written.

use std::{
    collections::HashSet,
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError},
    },
    thread::JoinHandle,
    time::Instant,
};

use sled::Db;
use tokio::sync::watch;

use super::{
    ReadError, WriteError,
    act::Halt,
    codec,
    draft::{Draft, DraftError},
    failpoint,
    log::{Log, Mark, Place, Reader},
    record::Record,
    state::State,
    trees::Which,
    view::View,
};
use crate::{
    domain::{event::Digest, rule::Rules},
    limits, meter,
};

/// Prepares an act on the draft, and gives back how to answer once the group is on disk.
type Prepare = Box<dyn FnOnce(&mut Draft<'_>) -> Result<Answer, DraftError> + Send>;
type Answer = Box<dyn FnOnce(Result<(), WriteError>) + Send>;

pub(super) struct Command {
    bytes: usize,
    prepare: Prepare,
}

/// What writer and readers share.
pub(super) struct Shared {
    pub db: Db,
    pub view: View,
    pub reader: Reader,
    /// Of the log: the one that is appended to.
    pub newest_file: AtomicU32,
    /// As of the last group that was committed.
    state: RwLock<State>,
    pub poison: OnceLock<String>,
    /// What people are told of; set at the opening, before the first write.
    pub rules: OnceLock<Rules>,
    /// Commits so far.
    pub commits: watch::Sender<u64>,
    /// Bodies that came to the writer while garbage is collected; see `garbage`.
    handed: Mutex<Option<HashSet<Digest>>>,
    /// Says that sled can be believed; see `project`.
    stamp: PathBuf,
    pub distrusted: AtomicBool,
}

impl Shared {
    pub fn new(db: Db, view: View, reader: Reader, log: &Log, state: State, stamp: PathBuf) -> Shared {
        let (poison, commits, handed) = (OnceLock::new(), watch::Sender::new(0), Mutex::new(None));
        Shared {
            db,
            view,
            reader,
            newest_file: AtomicU32::new(log.end().file),
            state: RwLock::new(state),
            poison,
            rules: OnceLock::new(),
            commits,
            handed,
            stamp,
            distrusted: AtomicBool::new(false),
        }
    }

    /// The next opening makes the projections anew.
    pub fn distrust(&self) {
        self.distrusted.store(true, Ordering::Release);
        if let Err(error) = std::fs::remove_file(&self.stamp) {
            tracing::warn!(%error, "the stamp of trust in the projections could not be removed");
        }
    }

    /// Ends all writing because of sled.
    pub fn give_up(&self, why: &str) -> WriteError {
        self.distrust();
        self.poison(why)
    }

    pub fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A draft for who only looks.
    pub fn draft(&self) -> Draft<'_> {
        Draft::looking(&self.view, &self.reader, self.state())
    }

    /// The record at the place a row's value names.
    pub fn record_at(&self, raw: &[u8]) -> Result<Record, String> {
        self.reader.record(Place::at_head(raw).map_err(|error| error.to_string())?)
    }

    pub fn place(&self, digest: Digest) -> Result<Option<Place>, String> {
        let raw = self.view.get(Which::Bodies, &digest.0).map_err(|error| error.to_string())?;
        raw.map(|raw| Place::from_bytes(&raw)).transpose().map_err(|error| format!("the place of body {digest}: {error}"))
    }

    /// A body's bytes, if the index knows it.
    pub fn body(&self, digest: Digest) -> Result<Option<Vec<u8>>, String> {
        let Some(place) = self.place(digest)? else { return Ok(None) };
        self.reader.body(digest, place).map(Some).map_err(|error| format!("body {digest} cannot be read: {error}"))
    }

    /// Begins or ends noting the bodies that come to the writer.
    pub fn note_handed(&self, begin: bool) {
        *self.handed.lock().unwrap_or_else(PoisonError::into_inner) = begin.then(HashSet::new);
    }

    /// Whether a body came since noting began.
    pub fn was_handed(&self, digest: Digest) -> bool {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|handed| handed.contains(&digest))
    }

    pub fn poison(&self, why: &str) -> WriteError {
        let why = self.poison.get_or_init(|| why.to_owned());
        // Whoever waits for a commit looks at the poison then.
        self.commits.send_modify(|commits| *commits += 1);
        WriteError::Poisoned(why.clone())
    }
}

impl From<DraftError> for ReadError {
    fn from(error: DraftError) -> ReadError {
        ReadError(error.to_string())
    }
}

pub(super) struct Writer {
    sender: SyncSender<Command>,
    thread: JoinHandle<()>,
}

impl Writer {
    pub fn start(shared: Arc<Shared>, log: Log, mark: Mark) -> std::io::Result<Writer> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(limits::WRITER_QUEUE_MAX);
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            // sled checks less than it trusts: some damage in its file makes it panic when it is read.
            if std::panic::catch_unwind(AssertUnwindSafe(|| run(&shared, log, &mark, &receiver))).is_err() {
                shared.give_up("the thread that writes the log ended by a panic");
            }
        })?;
        Ok(Writer { sender, thread })
    }

    /// Hands an act to the writer. `answer` is called once, after the group is on disk or when it was not written.
    pub fn send<T: Send + 'static>(
        &self,
        bytes: usize,
        act: impl FnOnce(&mut Draft<'_>) -> Result<T, Halt> + Send + 'static,
        answer: impl FnOnce(Result<T, WriteError>) + Send + 'static,
    ) -> Result<(), WriteError> {
        let prepare: Prepare = Box::new(move |draft| match act(draft) {
            Ok(value) => Ok(Box::new(move |committed: Result<(), WriteError>| answer(committed.map(|()| value)))),
            Err(Halt::Refused(why)) => Ok(Box::new(move |committed: Result<(), WriteError>| answer(committed.and(Err(why))))),
            Err(Halt::Broken(error)) => Err(error),
        });
        self.sender.try_send(Command { bytes, prepare }).map_err(|error| match error {
            TrySendError::Full(_) => WriteError::Busy(format!("{} writes are waiting already; try again in a moment", limits::WRITER_QUEUE_MAX)),
            TrySendError::Disconnected(_) => WriteError::Poisoned("the store is closed".to_owned()),
        })
    }

    /// Lets the writer finish what waits, and ends it.
    pub fn close(self) {
        drop(self.sender);
        if self.thread.join().is_err() {
            tracing::error!("the store's writer ended by a panic");
        }
    }
}

fn run(shared: &Shared, mut log: Log, mark: &Mark, receiver: &Receiver<Command>) {
    while let Ok(first) = receiver.recv() {
        let mut bytes = first.bytes;
        let mut group = vec![first];
        while group.len() < limits::GROUP_COMMANDS_MAX && bytes < limits::GROUP_BYTES_MAX {
            let Ok(command) = receiver.try_recv() else { break };
            bytes += command.bytes;
            group.push(command);
        }
        shared.view.wait_for_room();
        write_group(shared, &mut log, mark, group);
    }
    if let Err(error) = mark.sync() {
        tracing::warn!(%error, "how far the log goes could not be synced; the log itself is");
    }
}

fn write_group(shared: &Shared, log: &mut Log, mark: &Mark, group: Vec<Command>) {
    failpoint::pass("received");
    let mut answers = Vec::with_capacity(group.len());
    let done = match shared.poison.get() {
        // Dropping a command drops its sender, which its waiter takes as the poison.
        Some(why) => Err(why.clone()),
        None => commit(shared, log, mark, group, &mut answers),
    };
    match done {
        Ok(()) => {
            failpoint::pass("before-answer");
            shared.commits.send_modify(|commits| *commits += 1);
            answers.into_iter().for_each(|answer| answer(Ok(())));
        }
        Err(why) => {
            tracing::error!(why, "the store takes no more writes; the process must be restarted");
            answers.into_iter().for_each(|answer| answer(Err(shared.poison(&why))));
            shared.poison(&why);
        }
    }
}

fn commit(shared: &Shared, log: &mut Log, mark: &Mark, commands: Vec<Command>, answers: &mut Vec<Answer>) -> Result<(), String> {
    let group = log.begin().map_err(|error| format!("a file of the log cannot be begun: {error}"))?;
    let mut draft = Draft::new(&shared.view, &shared.reader, shared.state(), group);
    draft.rules = shared.rules.get();
    for command in commands {
        match (command.prepare)(&mut draft) {
            Ok(answer) => answers.push(answer),
            Err(error @ DraftError::Sled(_)) => return Err(shared.give_up(&error.to_string()).to_string()),
            Err(error) => return Err(error.to_string()),
        }
    }
    if let Some(handed) = shared.handed.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        handed.extend(&draft.came);
    }
    let Some(prepared) = draft.prepared().map_err(|error| error.to_string())? else { return Ok(()) };
    let reached = prepared.state.record;
    failpoint::pass("before-append");
    log.append(prepared.group).map_err(|error| format!("the log cannot be written: {error}"))?;
    failpoint::pass("before-barrier");
    if !failpoint::skips("barrier") {
        let began = Instant::now();
        log.sync().map_err(|error| format!("the log cannot be synced: {error}"))?;
        meter::synced(began.elapsed());
    }
    failpoint::pass("after-barrier");
    if prepared.roll {
        log.roll().map_err(|error| format!("a file of the log cannot be begun: {error}"))?;
    }
    shared.newest_file.store(log.end().file, Ordering::Release);
    mark.set(reached).map_err(|error| format!("how far the log goes cannot be written: {error}"))?;
    shared.view.commit(prepared.changes);
    *shared.state.write().unwrap_or_else(PoisonError::into_inner) = prepared.state;
    Ok(())
}

/// Present schema, for the format record.
pub(super) const FORMAT: u16 = codec::SCHEMA;
