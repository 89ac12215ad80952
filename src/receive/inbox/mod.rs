//! The watched folder: a file that is complete is taken, and then moved to `done/`, or to `refused/` with its reason beside it.
//!
//! ```text
//! <folder>/NAME              is looked at; complete when size and time stayed the same for a while and nobody holds a lock on it
//! <folder>/done/NAME         its event is on disk
//! <folder>/refused/NAME      it will never be taken; <folder>/refused/NAME.reason.txt says why
//! ```
//! The event is on disk before the file is moved. Killed in between, the file is found again, known by its bytes, and moved. The folder is looked through every
//! few seconds: what a network share's other machines do, no notification tells. Time on a share is another machine's, so it is only compared with itself.
//! Folders in the folder are left alone, and so is what looks unfinished: names that begin with a dot or `~`, or end as programs name half a download.

mod moving;
mod take;

use std::{
    collections::{HashMap, HashSet},
    ffi::{OsStr, OsString},
    fs::Metadata,
    io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

use self::take::Taken;
use crate::{config::inbox::Inbox, limits, store::Store};

const DONE: &str = "done";
const REFUSED: &str = "refused";
/// What programs append to a file that is still coming.
const UNFINISHED: [&str; 8] = [".crdownload", ".download", ".filepart", ".part", ".partial", ".swp", ".tmp", "~"];
/// An empty file is most likely one that another machine has just made; it gets so many times as long.
const EMPTY_SETTLES: u32 = 12;

pub(super) struct Running {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

pub(super) fn start(config: Inbox, store: Arc<Store>) -> io::Result<Running> {
    let (stop, stopping) = mpsc::channel();
    let poll = config.poll;
    let thread = std::thread::Builder::new().name("inbox".to_owned()).spawn(move || {
        let mut watch = Watch::new(config, store);
        while watch.store.poisoned().is_none() {
            watch.round(Instant::now());
            match stopping.recv_timeout(poll) {
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                _ => return,
            }
        }
    })?;
    Ok(Running { stop, thread })
}

impl Running {
    /// Lets the file in hand be taken; a share that does not answer is not waited for.
    pub(super) async fn stop(self) {
        drop(self.stop);
        let until = tokio::time::Instant::now() + Duration::from_secs(limits::INBOX_DRAIN_SECONDS);
        while !self.thread.is_finished() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if !self.thread.is_finished() {
            tracing::warn!("the watched folder does not answer; what it holds is looked at again at the next start");
        } else if self.thread.join().is_err() {
            tracing::error!("the watched folder ended by a panic");
        }
    }
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    inode: u64,
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Look {
    fn of(metadata: &Metadata) -> Look {
        Look { inode: metadata.ino(), bytes: metadata.len(), changed: metadata.modified().ok() }
    }
}

/// A file that was seen, as it looked.
struct Seen {
    look: Look,
    since: Instant,
    /// Its event is on disk, only the move failed: it is not taken again.
    taken: Option<Taken>,
}

struct Watch {
    config: Inbox,
    store: Arc<Store>,
    seen: HashMap<OsString, Seen>,
    /// Sentences that stand in the log since the last time they did not hold.
    told: HashSet<String>,
    telling: HashSet<String>,
}

impl Watch {
    fn new(config: Inbox, store: Arc<Store>) -> Watch {
        Watch { config, store, seen: HashMap::new(), told: HashSet::new(), telling: HashSet::new() }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.config.folder.join(name)
    }

    /// Says once what holds for longer.
    fn tell(&mut self, sentence: String) {
        if self.telling.len() < limits::INBOX_SENTENCES_MAX && self.telling.insert(sentence.clone()) && !self.told.contains(&sentence) {
            tracing::warn!("{sentence}");
        }
    }

    /// One look through the folder.
    fn round(&mut self, now: Instant) {
        match self.complete(now) {
            Ok(names) => {
                for name in names {
                    if !self.take(&name) {
                        break;
                    }
                }
            }
            Err(error) => self.tell(format!("the watched folder {} cannot be looked through: {error}", self.config.folder.display())),
        }
        self.told = std::mem::take(&mut self.telling);
    }

    /// Files that are complete, the oldest first.
    fn complete(&mut self, now: Instant) -> io::Result<Vec<OsString>> {
        for name in [DONE, REFUSED] {
            std::fs::create_dir_all(self.folder(name))?;
        }
        let mut there = HashSet::new();
        let mut complete = Vec::new();
        for entry in std::fs::read_dir(&self.config.folder)?.take(limits::INBOX_ENTRIES_MAX) {
            let entry = entry?;
            let name = entry.file_name();
            if is_unfinished(&name) || [DONE, REFUSED].iter().any(|own| name == *own) {
                continue;
            }
            // The entry's own: a symbolic link is not followed.
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    self.tell(format!("{}: {error}", entry.path().display()));
                    continue;
                }
            };
            if metadata.is_dir() {
                self.tell(format!("{} is a folder and is not looked into; put files into the watched folder itself", entry.path().display()));
                continue;
            }
            let look = Look::of(&metadata);
            let settle = if look.bytes == 0 && metadata.is_file() { self.config.settle * EMPTY_SETTLES } else { self.config.settle };
            match self.seen.get(&name) {
                Some(seen) if seen.look == look => {
                    if now.duration_since(seen.since) >= settle {
                        complete.push((look.changed, name.clone()));
                    }
                }
                _ => {
                    self.seen.insert(name.clone(), Seen { look, since: now, taken: None });
                    if settle.is_zero() {
                        complete.push((look.changed, name.clone()));
                    }
                }
            }
            there.insert(name);
        }
        self.seen.retain(|name, _| there.contains(name));
        complete.sort();
        Ok(complete.into_iter().map(|(_, name)| name).collect())
    }
}

fn is_unfinished(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    name.starts_with(['.', '~']) || UNFINISHED.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests;
