//! The one thread that writes. It gathers what waits, prepares it against one draft, and commits the group: bodies appended and synced, one transaction over
//! the trees, sled's flush, our own `sync_data` on sled's file. Only then is anybody answered. After any error nothing more is written.

use std::{
    collections::HashSet,
    fs::File,
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError},
    },
    thread::JoinHandle,
};

use sled::Db;
use tokio::sync::watch;

use super::{
    WriteError,
    act::Halt,
    blob::{self, Segments},
    codec,
    draft::{Draft, DraftError, OFFSET},
    failpoint,
    mark::Mark,
    trees::{Trees, Which},
};
use crate::{domain::event::Digest, limits};

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
    pub trees: Trees,
    pub segments_dir: PathBuf,
    pub poison: OnceLock<String>,
    /// Commits so far.
    pub commits: watch::Sender<u64>,
    /// Bodies that came to the writer while garbage is collected; see `garbage`.
    pub handed: Mutex<Option<HashSet<Digest>>>,
}

impl Shared {
    /// A body's bytes, if the index knows it.
    pub fn body(&self, digest: Digest) -> Result<Option<Vec<u8>>, String> {
        let raw = self.trees.get(Which::Blobs).get(digest.0).map_err(|error| error.to_string())?;
        let Some(raw) = raw else { return Ok(None) };
        // An index entry is never itself too large for its tree.
        let location = super::draft::unpack(&raw, &|_| None).map_err(|error| format!("the place of body {digest}: {error}"))?;
        blob::read(&self.segments_dir, digest, &location).map(Some).map_err(|error| format!("body {digest} cannot be read: {error}"))
    }

    /// Begins or ends noting the bodies that come to the writer.
    pub fn note_handed(&self, begin: bool) {
        *self.handed.lock().unwrap_or_else(PoisonError::into_inner) = begin.then(HashSet::new);
    }

    /// Whether a body came since noting began.
    pub fn was_handed(&self, digest: Digest) -> bool {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|handed| handed.contains(&digest))
    }

    fn poison(&self, why: &str) -> WriteError {
        let why = self.poison.get_or_init(|| why.to_owned());
        WriteError::Poisoned(why.clone())
    }
}

pub(super) struct Writer {
    sender: SyncSender<Command>,
    thread: JoinHandle<()>,
}

impl Writer {
    pub fn start(shared: Arc<Shared>, segments: Segments, db_file: File, mark: Mark) -> std::io::Result<Writer> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(limits::WRITER_QUEUE_MAX);
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || run(&shared, segments, &db_file, &mark, &receiver))?;
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

fn run(shared: &Shared, mut segments: Segments, db_file: &File, mark: &Mark, receiver: &Receiver<Command>) {
    while let Ok(first) = receiver.recv() {
        let mut bytes = first.bytes;
        let mut group = vec![first];
        while group.len() < limits::GROUP_COMMANDS_MAX && bytes < limits::GROUP_BYTES_MAX {
            let Ok(command) = receiver.try_recv() else { break };
            bytes += command.bytes;
            group.push(command);
        }
        write_group(shared, &mut segments, db_file, mark, group);
    }
    if let Err(error) = mark.sync() {
        tracing::warn!(%error, "how far the log goes could not be synced; the log itself is");
    }
}

fn write_group(shared: &Shared, segments: &mut Segments, db_file: &File, mark: &Mark, group: Vec<Command>) {
    failpoint::pass("received");
    let large = |digest| shared.body(digest).ok().flatten();
    let mut draft = Draft::new(Some(&shared.trees), &large);
    let mut answers = Vec::with_capacity(group.len());
    let mut failure = shared.poison.get().cloned();
    for command in group {
        // After a failure the rest is only answered; dropping a command drops its sender, which its waiter takes as the poison.
        if failure.is_some() {
            continue;
        }
        match (command.prepare)(&mut draft) {
            Ok(answer) => answers.push(answer),
            Err(error) => failure = Some(error.to_string()),
        }
    }
    if failure.is_none() && !draft.changes().is_empty() {
        failure = commit(shared, segments, db_file, mark, draft).err();
    }
    match failure {
        None => {
            failpoint::pass("before-answer");
            shared.commits.send_modify(|commits| *commits += 1);
            answers.into_iter().for_each(|answer| answer(Ok(())));
        }
        Some(why) => {
            tracing::error!(why, "the store takes no more writes; the process must be restarted");
            answers.into_iter().for_each(|answer| answer(Err(shared.poison(&why))));
            shared.poison(&why);
        }
    }
}

fn commit(shared: &Shared, segments: &mut Segments, db_file: &File, mark: &Mark, mut draft: Draft<'_>) -> Result<(), String> {
    if let Some(handed) = shared.handed.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        handed.extend(draft.bodies.keys());
    }
    for (digest, bytes) in std::mem::take(&mut draft.bodies) {
        if draft.location(digest).map_err(|error| error.to_string())?.is_none() {
            failpoint::pass("before-body");
            let location = segments.append(digest, &bytes).map_err(|error| format!("a body cannot be written: {error}"))?;
            failpoint::pass("after-body");
            draft.set_location(digest, &location).map_err(|error| error.to_string())?;
        }
    }
    failpoint::pass("before-body-sync");
    if !failpoint::skips("body-sync") {
        segments.sync().map_err(|error| format!("bodies cannot be synced: {error}"))?;
    }
    failpoint::pass("after-body-sync");
    if let Some(((which, _), value)) =
        draft.changes().iter().find(|(_, value)| value.as_ref().is_some_and(|value| value.len() > limits::SLED_VALUE_BYTES_MAX))
    {
        return Err(format!("a value of {} bytes for {} is over the limit", value.as_ref().map_or(0, Vec::len), which.name()));
    }
    failpoint::pass("before-transaction");
    shared.trees.commit(draft.changes()).map_err(|error| format!("the transaction failed: {error}"))?;
    failpoint::pass("after-transaction");
    shared.db.flush().map_err(|error| format!("the database cannot be flushed: {error}"))?;
    failpoint::pass("before-barrier");
    // sled's flush is no fsync (sync_file_range at best); this is the barrier.
    if !failpoint::skips("barrier") {
        db_file.sync_data().map_err(|error| format!("the database cannot be synced: {error}"))?;
    }
    failpoint::pass("after-barrier");
    let reached = draft.value(Which::Meta, OFFSET).map_err(|error| error.to_string())?.unwrap_or(0);
    mark.set(reached).map_err(|error| format!("how far the log goes cannot be written: {error}"))
}

/// Present schema, for the format record.
pub(super) const FORMAT: u16 = codec::SCHEMA;
