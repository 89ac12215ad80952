//! Backups: a point of the log, with every body its records need and every dataset they name, in one file that knows nothing of sled. It is made while the
//! store takes deliveries, because what it holds never changes: records up to the newest at its beginning, and bodies, which are only ever added.
//!
//! ```text
//! "lastbuy backup 1\n"
//! frames: kind (1) │ length of the payload (4, LE) │ CRC-32 of the payload (4, LE) │ payload
//!   H  JSON: format of the records, when, by which program, last record          first
//!   R  number (8, LE) │ link (32) │ a record's envelope                          in order, from 1, without a gap
//!   B  digest (32) │ a body                                                      in the order of digests
//!   D  JSON: name, checksum, bytes of a dataset file      P  a piece of it       every dataset the records name
//!   M  JSON: how much of each, bodies that could not be read, BLAKE3 of all bytes before this frame     last
//! ```
//! Nothing follows the manifest. A file that was cut, joined or changed anywhere is refused with the place.

use std::{
    io::{self, BufReader, Read, Write},
    path::Path,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Progress, Store, WriteError, needed, record::Record, writer::FORMAT};
use crate::{
    domain::{case::DatasetRow, event::Digest, time::At},
    limits,
};

const MAGIC: &[u8] = b"lastbuy backup 1\n";
const HEAD: usize = 9;

/// A backup cannot be made, or is not what was made. A sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BackupError(pub String);

impl From<WriteError> for BackupError {
    fn from(error: WriteError) -> BackupError {
        BackupError(error.to_string())
    }
}

type Result<T> = std::result::Result<T, BackupError>;

fn bad<T>(why: impl Into<String>) -> Result<T> {
    Err(BackupError(why.into()))
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Beginning {
    /// Of the records; an older one is upgraded when the backup is restored.
    pub format: u16,
    pub made_at: At,
    pub program: String,
    /// The last record.
    pub through: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DatasetFile {
    pub name: String,
    pub checksum: Digest,
    pub bytes: u64,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub made_at: At,
    pub records: u64,
    pub bodies: u64,
    pub body_bytes: u64,
    pub datasets: u64,
    /// Bodies and dataset files that could not be read when the backup was made, with the reason; further ones are counted in `damaged_more`.
    pub damaged: Vec<String>,
    pub damaged_more: u64,
    /// BLAKE3 of every byte before the manifest.
    pub digest: Digest,
}

impl Manifest {
    /// Everything the records need is there.
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty()
    }
}

/// One frame, checked.
pub(super) enum Frame {
    Body(Digest, Vec<u8>),
    /// Number, link, envelope.
    Record(u64, Digest, Vec<u8>),
    Dataset(DatasetFile),
    Piece(Vec<u8>),
    End(Manifest),
}

// ---- making one ----

struct Writing<'a> {
    out: &'a mut dyn Write,
    hash: blake3::Hasher,
}

impl Writing<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes).map_err(|error| BackupError(format!("the backup cannot be written: {error}")))
    }

    fn frame(&mut self, kind: u8, parts: &[&[u8]]) -> Result<()> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut crc = crc32fast::Hasher::new();
        parts.iter().for_each(|part| crc.update(part));
        let short = u32::try_from(length).ok().filter(|length| u64::from(*length) <= limits::BACKUP_FRAME_BYTES_MAX);
        let Some(short) = short else { return bad(format!("{length} bytes are too large for a frame of a backup")) };
        let mut head = vec![kind];
        head.extend(short.to_le_bytes());
        head.extend(crc.finalize().to_le_bytes());
        self.put(&head)?;
        parts.iter().try_for_each(|part| self.put(part))
    }

    fn json<T: Serialize>(&mut self, kind: u8, value: &T) -> Result<()> {
        let bytes = serde_json::to_vec(value).map_err(|error| BackupError(error.to_string()))?;
        self.frame(kind, &[&bytes])
    }
}

impl Store {
    /// Writes a backup of the store as it is now; deliveries go on meanwhile. What cannot be read is named in the manifest, and the rest is there.
    pub fn backup(&self, out: &mut dyn Write, now: At) -> Result<Manifest> {
        // Bytes that are needed now must not go while they are copied.
        let _alone = self.upkeep()?;
        let shared = &self.shared;
        let through = shared.state().record;
        let mut writing = Writing { out, hash: blake3::Hasher::new() };
        let beginning = Beginning { format: FORMAT, made_at: now, program: env!("CARGO_PKG_VERSION").to_owned(), through };
        writing.put(MAGIC)?;
        writing.json(b'H', &beginning)?;
        let empty = Digest([0; 32]);
        let mut manifest =
            Manifest { made_at: now, records: 0, bodies: 0, body_bytes: 0, datasets: 0, damaged: Vec::new(), damaged_more: 0, digest: empty };
        let mut datasets: Vec<DatasetRow> = Vec::new();
        for stored in shared.records(1).map_err(BackupError)? {
            let stored = stored.map_err(BackupError)?;
            if stored.number > through {
                break;
            }
            if let Record::Dataset { row, .. } = stored.record().map_err(BackupError)? {
                datasets.push(*row);
            }
            manifest.records += 1;
            writing.frame(b'R', &[&stored.number.to_le_bytes(), &stored.link.0, &stored.envelope])?;
        }
        let mut failed = Ok(());
        let walked = needed::each_body(shared, through, &mut |body| {
            if !body.needed {
                return Ok(());
            }
            match shared.reader.body(body.digest, body.place) {
                Ok(bytes) => {
                    manifest.bodies += 1;
                    manifest.body_bytes += bytes.len() as u64;
                    failed = writing.frame(b'B', &[&body.digest.0, &bytes]);
                }
                Err(error) => manifest.damage(format!("body {}: {error}", body.digest)),
            }
            if failed.is_ok() { Ok(()) } else { Err(String::new()) }
        });
        failed?;
        walked.map_err(BackupError)?;
        for row in datasets {
            match std::fs::File::open(self.datasets_dir.join(&row.file)).and_then(|file| Ok((file.metadata()?.len(), file))) {
                Ok((bytes, file)) => {
                    let name = row.file.clone();
                    writing.json(b'D', &DatasetFile { name: row.file, checksum: row.checksum, bytes })?;
                    let found = pieces(&mut writing, file).map_err(|error| BackupError(format!("dataset {name}: {error}")))?;
                    if found != row.checksum {
                        manifest.damage(format!("dataset {name}: its checksum is not the one it was imported with"));
                    }
                    manifest.datasets += 1;
                }
                Err(error) => manifest.damage(format!("dataset {}: {error}", row.file)),
            }
        }
        manifest.digest = Digest(*writing.hash.finalize().as_bytes());
        writing.json(b'M', &manifest)?;
        writing.out.flush().map_err(|error| BackupError(format!("the backup cannot be written: {error}")))?;
        Ok(manifest)
    }

    /// Bytes of what the store keeps, about; for a progress bar.
    pub fn stored_bytes(&self) -> u64 {
        let of = |dir: &Path| super::compact::bytes_in(dir).unwrap_or(0);
        of(self.shared.reader.dir()) + of(&self.datasets_dir)
    }
}

fn pieces(writing: &mut Writing<'_>, mut file: std::fs::File) -> Result<Digest> {
    let mut hash = blake3::Hasher::new();
    let mut piece = vec![0; limits::BACKUP_PIECE_BYTES];
    loop {
        let read = file.read(&mut piece).map_err(|error| BackupError(error.to_string()))?;
        if read == 0 {
            return Ok(Digest(*hash.finalize().as_bytes()));
        }
        hash.update(&piece[..read]);
        writing.frame(b'P', &[&piece[..read]])?;
    }
}

impl Manifest {
    fn damage(&mut self, what: String) {
        if self.damaged.len() < limits::BACKUP_DAMAGED_NAMED_MAX { self.damaged.push(what) } else { self.damaged_more += 1 }
    }
}

// ---- reading one ----

/// Reads a backup frame by frame, checking each and the order of all.
pub(super) struct Reading<R> {
    from: BufReader<R>,
    hash: blake3::Hasher,
    at: u64,
    pub beginning: Beginning,
    last_body: Option<Digest>,
    /// A dataset whose pieces are not complete: what is left, and the hash so far.
    dataset: Option<(DatasetFile, u64)>,
    counted: Manifest,
    ended: bool,
}

impl<R: Read> Reading<R> {
    pub fn begin(from: R) -> Result<Reading<R>> {
        let mut from = BufReader::with_capacity(1 << 18, from);
        let mut magic = [0; MAGIC.len()];
        let known = from.read_exact(&mut magic).is_ok() && magic == MAGIC;
        if !known {
            let newer = magic.starts_with(b"lastbuy backup ");
            return bad(if newer { "it was made by a newer program: use that one" } else { "it is not a backup made by lastbuy" });
        }
        let mut hash = blake3::Hasher::new();
        hash.update(MAGIC);
        let nothing = Beginning { format: 0, made_at: At(0), program: String::new(), through: 0 };
        let counted = Manifest {
            made_at: At(0),
            records: 0,
            bodies: 0,
            body_bytes: 0,
            datasets: 0,
            damaged: Vec::new(),
            damaged_more: 0,
            digest: Digest([0; 32]),
        };
        let mut reading = Reading { from, hash, at: MAGIC.len() as u64, beginning: nothing, last_body: None, dataset: None, counted, ended: false };
        let (kind, payload) = reading.frame()?;
        if kind != b'H' {
            return reading.bad("it does not begin with what it is");
        }
        reading.beginning = reading.json(&payload)?;
        if reading.beginning.format > FORMAT {
            let theirs = reading.beginning.format;
            return bad(format!("its records have format {theirs}, this program knows up to {FORMAT}: use the newer program"));
        }
        Ok(reading)
    }

    fn bad<T>(&self, why: impl std::fmt::Display) -> Result<T> {
        bad(format!("the backup is damaged at byte {}: {why}", self.at))
    }

    fn json<T: DeserializeOwned>(&self, payload: &[u8]) -> Result<T> {
        serde_json::from_slice(payload).or_else(|error| self.bad(error))
    }

    fn frame(&mut self) -> Result<(u8, Vec<u8>)> {
        let mut head = [0; HEAD];
        if let Err(error) = self.from.read_exact(&mut head) {
            return self.bad(ended_early(&error));
        }
        let length = u64::from(u32::from_le_bytes([head[1], head[2], head[3], head[4]]));
        if length > limits::BACKUP_FRAME_BYTES_MAX {
            return self.bad(format!("a frame of {length} bytes is larger than any"));
        }
        // Grows with what is there, so that a forged length takes no memory.
        let mut payload = Vec::new();
        match self.from.by_ref().take(length).read_to_end(&mut payload) {
            Ok(read) if read as u64 == length => {}
            Ok(_) => return self.bad("it ends in the middle of a frame"),
            Err(error) => return self.bad(error),
        }
        if crc32fast::hash(&payload) != u32::from_le_bytes([head[5], head[6], head[7], head[8]]) {
            return self.bad("a checksum does not match");
        }
        if head[0] != b'M' {
            self.hash.update(&head);
            self.hash.update(&payload);
        }
        self.at += HEAD as u64 + length;
        Ok((head[0], payload))
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// The next frame; `None` after the manifest, where nothing may follow.
    pub fn next(&mut self) -> Result<Option<Frame>> {
        if self.ended {
            let mut more = [0];
            return match self.from.read(&mut more) {
                Ok(0) => Ok(None),
                Ok(_) => self.bad("something follows its end"),
                Err(error) => self.bad(error),
            };
        }
        let (kind, payload) = self.frame()?;
        if kind != b'P' && self.dataset.is_some() {
            return self.bad("a dataset is not complete");
        }
        match (kind, payload.split_first_chunk::<32>(), payload.split_first_chunk::<8>()) {
            (b'B', Some((digest, bytes)), _) => {
                let digest = Digest(*digest);
                if Digest::of(bytes) != digest {
                    return self.bad(format!("body {digest} has other bytes"));
                }
                if self.counted.datasets > 0 || self.last_body.is_some_and(|last| last >= digest) {
                    return self.bad(format!("body {digest} is out of order"));
                }
                self.last_body = Some(digest);
                self.counted.bodies += 1;
                self.counted.body_bytes += bytes.len() as u64;
                Ok(Some(Frame::Body(digest, bytes.to_vec())))
            }
            (b'R', _, Some((number, rest))) => {
                let number = u64::from_le_bytes(*number);
                self.counted.records += 1;
                if number != self.counted.records || self.counted.bodies > 0 || self.counted.datasets > 0 {
                    return self.bad(format!("record {number} is out of order, {} is due", self.counted.records));
                }
                let Some((link, envelope)) = rest.split_first_chunk::<32>() else { return self.bad(format!("record {number} is cut")) };
                Ok(Some(Frame::Record(number, Digest(*link), envelope.to_vec())))
            }
            (b'D', ..) => {
                let file: DatasetFile = self.json(&payload)?;
                if file.name.contains('/') || file.name.starts_with('.') || file.name.is_empty() {
                    return self.bad(format!("'{}' is not the name of a dataset file", file.name));
                }
                self.counted.datasets += 1;
                self.dataset = (file.bytes > 0).then(|| (file.clone(), file.bytes));
                Ok(Some(Frame::Dataset(file)))
            }
            (b'P', ..) => {
                let Some((file, left)) = self.dataset.take() else { return self.bad("a piece belongs to no dataset") };
                match left.checked_sub(payload.len() as u64) {
                    None => return self.bad(format!("dataset {} is longer than it was", file.name)),
                    Some(0) => {}
                    Some(left) => self.dataset = Some((file, left)),
                }
                Ok(Some(Frame::Piece(payload)))
            }
            (b'M', ..) => {
                let manifest: Manifest = self.json(&payload)?;
                if Digest(*self.hash.finalize().as_bytes()) != manifest.digest {
                    return self.bad("its digest is not the one it was made with");
                }
                let told = (manifest.records, manifest.bodies, manifest.body_bytes, manifest.datasets);
                let found = (self.counted.records, self.counted.bodies, self.counted.body_bytes, self.counted.datasets);
                if told != found || manifest.records != self.beginning.through {
                    return self.bad("it does not hold what its manifest says");
                }
                self.ended = true;
                Ok(Some(Frame::End(manifest)))
            }
            _ => self.bad(format!("a frame of kind {kind} is not known")),
        }
    }
}

fn ended_early(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        "it ends before its manifest: it was not finished, or was cut".to_owned()
    } else {
        error.to_string()
    }
}

/// Reads a backup from end to end: every checksum, every body's digest, the order of records, and that it is complete.
pub fn inspect(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Manifest> {
    let (mut reading, total) = open(path)?;
    let mut found = None;
    while let Some(frame) = reading.next()? {
        progress(Progress { what: "bytes", done: reading.position(), total });
        if let Frame::End(manifest) = frame {
            found = Some(manifest);
        }
    }
    found.ok_or_else(|| BackupError(format!("{} has no manifest", path.display())))
}

/// A backup file, and its bytes.
pub(super) fn open(path: &Path) -> Result<(Reading<std::fs::File>, u64)> {
    let file = std::fs::File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (total, file) = file.map_err(|error| BackupError(format!("{} cannot be read: {error}", path.display())))?;
    let reading = Reading::begin(file).map_err(|error| BackupError(format!("{}: {error}", path.display())))?;
    Ok((reading, total))
}
