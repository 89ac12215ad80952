//! Takes one complete file: reads it, has it on disk, moves it away.

use std::{
    ffi::OsStr,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use bytes::Bytes;

use super::{DONE, Look, REFUSED, Watch, moving};
use crate::{
    clock,
    domain::{event::Source, id::EventId, time::At},
    intake::{self, By, Delivery},
    limits, meter,
    store::WriteError,
};

/// What became of a file.
#[derive(Debug, Clone)]
pub(super) enum Taken {
    /// Its event, and whether it was known before.
    Event { event: EventId, is_known: bool },
    /// It will never be taken, for this reason.
    Refused(String),
}

/// Why a file is left where it is for now.
enum Later {
    /// It is not complete after all.
    Unfinished,
    /// Said to people.
    Because(String),
    /// The store takes nothing: no use to try the next file.
    Busy(String),
}

impl Watch {
    /// Takes one file; false where no other needs to be tried in this round.
    pub(super) fn take(&mut self, name: &OsStr) -> bool {
        let taken = match self.seen.get(name).and_then(|seen| seen.taken.clone()) {
            Some(taken) => Ok(taken),
            None => self.read(name).and_then(|body| self.accept(name, body)),
        };
        let shown = name.to_string_lossy().into_owned();
        match taken {
            Ok(taken) => self.put_away(name, &shown, taken),
            Err(Later::Unfinished) => drop(self.seen.remove(name)),
            Err(Later::Because(why)) => self.tell(format!("{shown} in the watched folder is left where it is: {why}")),
            Err(Later::Busy(why)) => {
                self.tell(format!("files in the watched folder wait: {why}"));
                return false;
            }
        }
        true
    }

    /// The bytes of a file that nobody is writing; `Err` in the inner result is why it is refused.
    fn read(&self, name: &OsStr) -> Result<Result<Bytes, String>, Later> {
        let path = self.config.folder.join(name);
        let because = |error: io::Error| Later::Because(error.to_string());
        let metadata = path.symlink_metadata().map_err(because)?;
        if metadata.is_symlink() {
            return Ok(Err("it is a symbolic link, and what it points at may be anywhere; put the file itself into the folder".to_owned()));
        }
        if !metadata.is_file() {
            return Err(Later::Because("it is no file (a pipe, a socket or a device)".to_owned()));
        }
        // Put in the file's place since: a link is not followed, a pipe is not waited for.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&path).map_err(because)?;
        let before = Look::of(&file.metadata().map_err(because)?);
        if self.seen.get(name).is_none_or(|seen| seen.look != before) {
            return Err(Later::Unfinished);
        }
        // File systems without locks say so; then size and time must do.
        if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            return Err(Later::Because("somebody holds a lock on it".to_owned()));
        }
        if before.bytes > limits::BODY_BYTES_MAX as u64 {
            return Ok(Err(format!("it has {} bytes, over the limit of {}; split it", before.bytes, limits::BODY_BYTES_MAX)));
        }
        let mut bytes = Vec::new();
        (&file).take(limits::BODY_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(because)?;
        let after = Look::of(&file.metadata().map_err(because)?);
        if after != before || bytes.len() as u64 != before.bytes {
            return Err(Later::Unfinished);
        }
        Ok(Ok(Bytes::from(bytes)))
    }

    fn accept(&self, name: &OsStr, body: Result<Bytes, String>) -> Result<Taken, Later> {
        let body = match body {
            Ok(body) => body,
            Err(reason) => return Ok(Taken::Refused(reason)),
        };
        let name = name.to_string_lossy();
        let source: Source = intake::INBOX.parse().map_err(|error| Later::Because(format!("{error}")))?;
        let content_type = Some(intake::content_type_of(&name).to_owned());
        let delivery = Delivery { source, content_type, file_name: Some(name.into_owned()), headers: Vec::new(), body };
        let now_ms = clock::now_ms();
        let received = match intake::receive(delivery, By::Own, now_ms) {
            Ok(received) => received,
            Err(refusal) => return Ok(Taken::Refused(refusal.to_string())),
        };
        let Some(arrival) = received.arrivals.into_iter().next() else { return Ok(Taken::Refused("there is nothing in it".to_owned())) };
        match self.store.accept(arrival, At(now_ms)) {
            Ok(accepted) => Ok(Taken::Event { event: accepted.event, is_known: accepted.duplicate }),
            Err(WriteError::Refused(why)) => Err(Later::Because(why)),
            Err(error) => Err(Later::Busy(error.to_string())),
        }
    }

    fn put_away(&mut self, name: &OsStr, shown: &str, taken: Taken) {
        let moved = match &taken {
            Taken::Event { .. } => moving::away(&self.config.folder, name, &self.folder(DONE)),
            Taken::Refused(reason) => self.refuse(name, reason),
        };
        match moved {
            Ok(path) => {
                self.seen.remove(name);
                meter::delivery(
                    intake::INBOX,
                    match &taken {
                        Taken::Event { is_known: true, .. } => "duplicate",
                        Taken::Event { .. } => "taken",
                        Taken::Refused(_) => "refused",
                    },
                );
                match taken {
                    Taken::Event { event, is_known } => tracing::info!(file = shown, %event, is_known, "a file is taken"),
                    Taken::Refused(reason) => tracing::warn!(file = shown, moved_to = %path.display(), reason, "a file is refused"),
                }
            }
            Err(error) => {
                let what = match &taken {
                    Taken::Event { event, .. } => format!("is {event}"),
                    Taken::Refused(reason) => format!("is refused ({reason})"),
                };
                self.tell(format!("{shown} in the watched folder {what} but cannot be moved away: {error}; let Lastbuy write to the folder"));
                if let Some(seen) = self.seen.get_mut(name) {
                    seen.taken = Some(taken);
                }
            }
        }
    }

    /// The reason first, so that no file lies among the refused without one.
    fn refuse(&self, name: &OsStr, reason: &str) -> io::Result<std::path::PathBuf> {
        let folder = self.folder(REFUSED);
        let to = moving::free(&folder, name)?;
        let mut beside = to.file_name().unwrap_or(name).to_owned();
        beside.push(".reason.txt");
        write_reason(&folder.join(beside), reason)?;
        moving::away(&self.config.folder, name, &folder)
    }
}

fn write_reason(path: &Path, reason: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    writeln!(file, "This file was not taken: {reason}.")?;
    file.sync_all()
}
