//! The log itself: records, and the bodies they name, appended to files in groups; one write and one sync a group.
//!
//! ```text
//! log/00000001.log …    a new file begins with the next group once the one before holds `limits::LOG_FILE_BYTES_MAX`
//! file   "lastbuy log 1\n" (14) │ zeros (2) │ id of this log, random (16) │ groups …
//! group  head (60) │ payloads │ table
//! head   "LBGR" │ entries (4) │ bytes of the payloads (8) │ number of the first record (8) │ link before it (32) │ CRC-32 (4)
//! table  an entry each: 'R' a record or 'B' a body (1) │ length (4) │ BLAKE3 of the payload (32)
//! ```
//! Numbers are little endian. The CRC is that of the log's id, the head before it, and the table, so that bytes somebody sent cannot pass for a group. A record's
//! payload is its envelope (`codec`); its link follows from the link before the group and the digests in the table (`record`).
//!
//! Nothing is ever changed but by garbage collection, which makes holes of the payloads of bodies that nobody needs. Only the newest file is appended to.
//!
//! *The end.* A group is written only when the one before is on the medium, so the only thing a crash can leave is one group that is not whole, at the very end: it
//! was never acknowledged and an opening cuts it off. A group that is not whole with a whole one after it, or before a record that is known to have been
//! acknowledged (`mark`), is damage: the log is refused and not touched. A read that fails is never taken for an end.

mod file;
mod group;
mod mark;
mod open;
mod read;

pub(super) use file::{Log, Position, number, sync_dir};
pub(super) use group::{Group, Place};
pub(super) use mark::Mark;
pub(super) use open::{Unopened, open};
pub(super) use read::{Found, Kind, Reader, Stored};
