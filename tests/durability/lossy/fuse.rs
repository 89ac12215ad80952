//! As much of the FUSE protocol as the store needs, spoken to `/dev/fuse` directly. Structures are those of `linux/fuse.h` at minor version 31; numbers are in the
//! machine's own order. Files are opened for direct input and output and no answer may be remembered, so the kernel keeps nothing that a cut should have lost.

#![allow(unsafe_code, reason = "unshare(2), mount(2) and umount2(2) have no safe form in std")]

use std::{
    ffi::{CString, OsStr, OsString},
    fs::File,
    io::{Read, Write},
    os::{
        fd::AsRawFd,
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::{Disk, Ino};

const WRITE_BYTES_MAX: u32 = 128 << 10;
const DIRECT_IO: u32 = 1;
/// Space told to whoever asks: more than the store keeps in reserve.
const BLOCKS: u64 = 1 << 22;

pub struct Mount {
    at: PathBuf,
    device: File,
}

impl Mount {
    /// Leaves the mounts of everybody else, for this thread and what it starts, and mounts there.
    pub fn new(at: &Path) -> Result<Mount, String> {
        let last = |what: &str| format!("{what}: {}", std::io::Error::last_os_error());
        let device = File::options().read(true).write(true).open("/dev/fuse").map_err(|error| format!("/dev/fuse cannot be opened: {error}"))?;
        // SAFETY: no memory is involved; other threads keep their mounts.
        if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
            return Err(last("a namespace of its own for mounts is not allowed here"));
        }
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", device.as_raw_fd());
        let text = |bytes: &[u8]| CString::new(bytes).map_err(|error| error.to_string());
        let (root, target, kind, options) = (text(b"/")?, text(at.as_os_str().as_bytes())?, text(b"fuse.lossy")?, text(options.as_bytes())?);
        // SAFETY: both strings outlive the call; the other pointers may be null for a change of propagation.
        if unsafe { libc::mount(std::ptr::null(), root.as_ptr(), std::ptr::null(), libc::MS_REC | libc::MS_PRIVATE, std::ptr::null()) } != 0 {
            return Err(last("mounts cannot be made private"));
        }
        // SAFETY: all strings outlive the call.
        if unsafe { libc::mount(kind.as_ptr(), target.as_ptr(), kind.as_ptr(), libc::MS_NOSUID | libc::MS_NODEV, options.as_ptr().cast()) } != 0 {
            return Err(last("FUSE cannot be mounted here"));
        }
        Ok(Mount { at: at.to_path_buf(), device })
    }

    pub fn device(&self) -> Result<File, String> {
        self.device.try_clone().map_err(|error| error.to_string())
    }

    pub fn path(&self) -> &Path {
        &self.at
    }

    pub fn unmount(&self) {
        if let Ok(at) = CString::new(self.at.as_os_str().as_bytes()) {
            // SAFETY: the string outlives the call. Nothing can be done where it fails: the mount ends with its namespace.
            unsafe { libc::umount2(at.as_ptr(), libc::MNT_DETACH) };
        }
    }
}

struct Request<'a> {
    opcode: u32,
    unique: u64,
    node: Ino,
    body: &'a [u8],
}

impl Request<'_> {
    fn parse(bytes: &[u8]) -> Option<Request<'_>> {
        let all = Request { opcode: 0, unique: 0, node: 0, body: bytes };
        Some(Request { opcode: all.u32(4), unique: all.u64(8), node: all.u64(16), body: bytes.get(40..)? })
    }

    fn u32(&self, at: usize) -> u32 {
        self.body.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }

    fn u64(&self, at: usize) -> u64 {
        self.body.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_ne_bytes(*bytes))
    }

    /// The n-th name after a head.
    fn name(&self, head: usize, n: usize) -> OsString {
        OsString::from_vec(self.body.get(head..).and_then(|rest| rest.split(|byte| *byte == 0).nth(n)).unwrap_or_default().to_vec())
    }
}

/// Answers until the disk is unmounted.
pub fn serve(disk: &Mutex<Disk>, device: &File) {
    let mut buffer = vec![0; WRITE_BYTES_MAX as usize + 8192];
    loop {
        let mut device: &File = device;
        let length = match device.read(&mut buffer) {
            Ok(length) => length,
            // Interrupted, or the request was taken back.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINTR | libc::ENOENT | libc::EAGAIN)) => continue,
            Err(_) => return,
        };
        let Some(request) = Request::parse(&buffer[..length]) else { continue };
        // Forgotten nodes are kept until the next cut; an interrupted request is answered as any other.
        if matches!(request.opcode, 2 | 36 | 42) {
            continue;
        }
        let answer = answer(&mut disk.lock().unwrap_or_else(PoisonError::into_inner), &request);
        let (error, body) = answer.map_or_else(|error| (-error, Vec::new()), |body| (0, body));
        let mut out = Out::default();
        out.u32(16 + body.len() as u32).u32(error.cast_unsigned()).u64(request.unique).bytes(&body);
        // The asker may have been killed.
        let _ = device.write(&out.0);
    }
}

fn answer(disk: &mut Disk, request: &Request<'_>) -> Result<Vec<u8>, i32> {
    let node = request.node;
    match request.opcode {
        // LOOKUP
        1 => disk.look(node, &request.name(0, 0)).and_then(|ino| entry(disk, ino)),
        // GETATTR
        3 => attributes(disk, node),
        // SETATTR: mode and size matter, owners and times do not.
        4 => {
            if request.u32(0) & 8 != 0 {
                disk.set_length(node, request.u64(16))?;
            }
            if request.u32(0) & 1 != 0 {
                disk.set_mode(node, request.u32(68))?;
            }
            attributes(disk, node)
        }
        // MKNOD, MKDIR
        8 => disk.make(node, request.name(16, 0), request.u32(0)).and_then(|ino| entry(disk, ino)),
        9 => disk.make(node, request.name(8, 0), request.u32(0) | libc::S_IFDIR).and_then(|ino| entry(disk, ino)),
        // UNLINK, RMDIR
        10 | 11 => disk.unlink(node, request.name(0, 0)).map(|()| Vec::new()),
        // RENAME
        12 => disk.rename(node, request.name(8, 0), request.u64(0), request.name(8, 1)).map(|()| Vec::new()),
        // OPEN, OPENDIR
        14 | 27 => disk.node(node).map(|_| opened()),
        // READ
        15 => {
            let data = &disk.node(node)?.data;
            let from = (request.u64(8) as usize).min(data.len());
            Ok(data[from..data.len().min(from + request.u32(16) as usize)].to_vec())
        }
        // WRITE
        16 => {
            let length = request.u32(16);
            let bytes = request.body.get(40..40 + length as usize).ok_or(libc::EINVAL)?;
            disk.write(node, request.u64(8), bytes)?;
            Ok(Out::default().u32(length).u32(0).take())
        }
        // STATFS
        17 => Ok(Out::default().u64(BLOCKS).u64(BLOCKS).u64(BLOCKS).u64(BLOCKS).u64(BLOCKS).u32(4096).u32(255).u32(4096).zeros(28).take()),
        // RELEASE, FLUSH, RELEASEDIR, ACCESS, DESTROY
        18 | 25 | 29 | 34 | 38 => Ok(Vec::new()),
        // FSYNC, FSYNCDIR
        20 | 30 => disk.sync(node).map(|()| Vec::new()),
        // INIT: our version, no read-ahead, large writes in up to 32 pages.
        26 => {
            let flags = (1 << 5) | (1 << 22);
            Ok(Out::default().u32(7).u32(31).u32(0).u32(flags).u32(0).u32(WRITE_BYTES_MAX).u32(1).u32(32).zeros(32).take())
        }
        // READDIR
        28 => listing(disk, node, request.u64(8) as usize, request.u32(16) as usize),
        // CREATE
        35 => {
            let ino = disk.make(node, request.name(16, 0), request.u32(4))?;
            Ok([entry(disk, ino)?, opened()].concat())
        }
        // RENAME2, of which the store uses "not over another".
        45 => {
            let (to_folder, to) = (request.u64(0), request.name(16, 1));
            match request.u32(8) {
                0 => {}
                1 if disk.look(to_folder, &to) == Err(libc::ENOENT) => {}
                1 => return Err(libc::EEXIST),
                _ => return Err(libc::EINVAL),
            }
            disk.rename(node, request.name(16, 0), to_folder, to).map(|()| Vec::new())
        }
        _ => Err(libc::ENOSYS),
    }
}

fn opened() -> Vec<u8> {
    Out::default().u64(0).u32(DIRECT_IO).u32(0).take()
}

/// A node under a name, to be asked for again every time.
fn entry(disk: &Disk, ino: Ino) -> Result<Vec<u8>, i32> {
    let mut out = Out::default();
    out.u64(ino).u64(0).zeros(24);
    attr(&mut out, disk, ino)?;
    Ok(out.take())
}

fn attributes(disk: &Disk, ino: Ino) -> Result<Vec<u8>, i32> {
    let mut out = Out::default();
    out.zeros(16);
    attr(&mut out, disk, ino)?;
    Ok(out.take())
}

fn attr(out: &mut Out, disk: &Disk, ino: Ino) -> Result<(), i32> {
    let node = disk.node(ino)?;
    let length = node.data.len() as u64;
    // ino, size, blocks; three times; mode, links, owner, group, device, block size, flags.
    out.u64(ino | disk.cuts << 32).u64(length).u64(length.div_ceil(512)).zeros(36).u32(node.mode).u32(1).zeros(12).u32(4096).u32(0);
    Ok(())
}

fn listing(disk: &Disk, folder: Ino, from: usize, room: usize) -> Result<Vec<u8>, i32> {
    let node = disk.node(folder)?;
    let dots = [(OsStr::new("."), folder), (OsStr::new(".."), folder)];
    let names = node.names.iter().map(|(name, ino)| (name.as_os_str(), *ino));
    let mut out = Out::default();
    for (at, (name, ino)) in dots.into_iter().chain(names).enumerate().skip(from) {
        let padded = name.len().next_multiple_of(8);
        if out.0.len() + 24 + padded > room {
            break;
        }
        let kind = disk.node(ino).map_or(0, |node| (node.mode & libc::S_IFMT) >> 12);
        out.u64(ino).u64(at as u64 + 1).u32(name.len() as u32).u32(kind).bytes(name.as_bytes()).zeros(padded - name.len());
    }
    Ok(out.take())
}

/// An answer's bytes.
#[derive(Default)]
struct Out(Vec<u8>);

impl Out {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Out {
        self.0.extend(bytes);
        self
    }

    fn u32(&mut self, number: u32) -> &mut Out {
        self.bytes(&number.to_ne_bytes())
    }

    fn u64(&mut self, number: u64) -> &mut Out {
        self.bytes(&number.to_ne_bytes())
    }

    fn zeros(&mut self, length: usize) -> &mut Out {
        self.0.resize(self.0.len() + length, 0);
        self
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}
