//! Opening the log: finds its end, cuts off a group that was never acknowledged, and refuses what is damaged.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use super::{
    file::{FILE_HEAD, Log, Position, number, path, sync_dir, write_head},
    group::{HEAD, Head, MAGIC, holds},
    mark,
    read::{Found, Reader},
};
use crate::{domain::event::Digest, limits, store::record::FIRST_LINK};

/// The log cannot be opened; nothing was touched.
pub enum Unopened {
    Io(io::Error),
    Damaged(String),
}

impl From<io::Error> for Unopened {
    fn from(error: io::Error) -> Unopened {
        Unopened::Io(error)
    }
}

fn damaged<T>(why: impl Into<String>) -> Result<T, Unopened> {
    Err(Unopened::Damaged(why.into()))
}

/// Opens the log in a folder, or makes a new one where there is none. Everything in it is on the medium afterwards.
pub fn open(dir: &Path) -> Result<Log, Unopened> {
    let reached = mark::read(dir)?;
    let Some(newest) = newest(dir)? else {
        if reached > 0 {
            return damaged(format!("its log is gone, and record {reached} was acknowledged. Restore a backup"));
        }
        return Ok(Log::create(dir)?);
    };
    let reader = Reader::new(dir);
    let id = match reader.id(1)? {
        Some(id) => id,
        // The only file, and its making was cut off.
        None if newest == 1 && reached == 0 && reader.length(1)? <= FILE_HEAD => {
            fs::remove_file(path(dir, 1))?;
            sync_dir(dir)?;
            return open(dir);
        }
        None => return damaged("the first file of its log does not begin as one"),
    };
    let mut file = OpenOptions::new().read(true).write(true).open(path(dir, newest))?;
    if reader.id(newest)? != Some(id) {
        if reader.length(newest)? > FILE_HEAD {
            return damaged(format!("file {newest} of its log does not begin as one of this log"));
        }
        file.set_len(0)?;
        write_head(&mut file, id)?;
    }
    let end = end(&reader, id, newest)?;
    if end.next <= reached {
        return damaged(format!(
            "its log ends at record {}, and record {reached} was acknowledged. Restore a backup; to go on with what is left, remove {}",
            end.next - 1,
            mark::path(dir).display()
        ));
    }
    let length = reader.length(newest)?;
    if length > end.at.offset {
        tracing::warn!(
            bytes = length - end.at.offset,
            "the end of the log was being written when the last process ended; nobody was told that it is there"
        );
        file.set_len(end.at.offset)?;
    }
    // The last group may be whole in memory only.
    file.sync_all()?;
    sync_dir(dir)?;
    Ok(Log::at(dir, id, file, end.at, end.next, end.link))
}

/// The highest number of a file; every one below it must be there.
fn newest(dir: &Path) -> Result<Option<u32>, Unopened> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        numbers.extend(entry?.file_name().to_str().and_then(number));
    }
    numbers.sort_unstable();
    match numbers.iter().zip(1..).find(|(found, due)| **found != *due) {
        Some((_, missing)) => damaged(format!("file {missing} of its log is missing ({})", path(dir, missing).display())),
        None => Ok(numbers.last().copied()),
    }
}

struct End {
    at: Position,
    next: u64,
    link: Digest,
}

/// Where the last whole group ends, looked for in the newest file; where that has none, the one before ends whole, for it was synced before this one was begun.
fn end(reader: &Reader, id: [u8; 16], newest: u32) -> Result<End, Unopened> {
    let begins = Position { file: newest, offset: FILE_HEAD };
    let mut end = match newest {
        1 => End { at: begins, next: 1, link: FIRST_LINK },
        _ => {
            let (next, link) = last(reader, id, newest - 1)?;
            End { at: begins, next, link }
        }
    };
    let length = reader.length(newest)?;
    let mut last: Option<(Found, End)> = None;
    while end.at.offset < length {
        let Some(found) = reader.group(id, end.at, length)? else { break };
        if (found.first, found.before) != (end.next, end.link) {
            return damaged(format!("file {newest} of its log is damaged at byte {}: the group there does not follow the one before", end.at.offset));
        }
        let (next, link) = found.after();
        let ends = found.ends;
        last = Some((found, end));
        end = End { at: ends, next, link };
    }
    // Payloads are only looked at where a crash may have torn them: in the last group.
    if let Some((found, before)) = last
        && end.at.offset == length
        && !is_whole(reader, &found)?
    {
        end = before;
    }
    match whole_after(reader, id, end.at, length)? {
        None => Ok(end),
        Some(at) => damaged(format!(
            "file {newest} of its log is damaged at byte {}: what is there is no whole group, and one follows at byte {at}. Restore a backup",
            end.at.offset
        )),
    }
}

fn last(reader: &Reader, id: [u8; 16], number: u32) -> Result<(u64, Digest), Unopened> {
    let length = reader.length(number)?;
    let mut at = Position { file: number, offset: FILE_HEAD };
    let mut after = None;
    while at.offset < length {
        let Some(found) = reader.group(id, at, length)? else {
            return damaged(format!("file {number} of its log is damaged at byte {}: no whole group begins there. Restore a backup", at.offset));
        };
        after = Some(found.after());
        at = found.ends;
    }
    after.map_or_else(|| damaged(format!("file {number} of its log holds nothing, and another follows")), Ok)
}

fn is_whole(reader: &Reader, group: &Found) -> io::Result<bool> {
    for entry in &group.entries {
        match reader.body(entry.digest, entry.place) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(false),
            read => drop(read?),
        }
    }
    Ok(true)
}

/// Where a whole group begins after a place at which none does.
fn whole_after(reader: &Reader, id: [u8; 16], from: Position, length: u64) -> io::Result<Option<u64>> {
    let file = fs::File::open(path(reader.dir(), from.file))?;
    let mut at = from.offset + 1;
    let mut bytes = vec![0; limits::LOG_SEARCH_BYTES];
    while at + HEAD as u64 <= length {
        let read = file.read_at(&mut bytes, at)?;
        let found = bytes[..read].windows(MAGIC.len()).position(|window| window == MAGIC);
        let Some(found) = found else {
            // A beginning may lie across the border.
            at += (read.saturating_sub(MAGIC.len() - 1)).max(1) as u64;
            continue;
        };
        at += found as u64;
        if is_head(&file, id, at, length)? {
            return Ok(Some(at));
        }
        at += 1;
    }
    Ok(None)
}

fn is_head(file: &fs::File, id: [u8; 16], at: u64, length: u64) -> io::Result<bool> {
    if length - at < HEAD as u64 {
        return Ok(false);
    }
    let mut bytes = [0; HEAD];
    file.read_exact_at(&mut bytes, at)?;
    let Some(head) = Head::parse(&bytes).filter(|head| head.size() <= length - at) else { return Ok(false) };
    let mut table = vec![0; usize::try_from(head.table_bytes()).map_err(io::Error::other)?];
    file.read_exact_at(&mut table, at + HEAD as u64 + head.payload)?;
    Ok(holds(id, &bytes, &table))
}
