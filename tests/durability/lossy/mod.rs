//! A file system that keeps what was synced and, when the power is cut, as much of the rest as the dice say.
//!
//! - A file's bytes and length are kept by `fsync`, `fdatasync` on it; a name (made, renamed, removed) by `fsync` on its folder. Nothing else keeps anything:
//!   `sync_file_range`, closing and time do not.
//! - At a cut each folder keeps a prefix of its unsynced changes of names, as a journal would; each file any selection of its unsynced sectors, so that later
//!   writes can be there without earlier ones, and one write may be torn within a sector. A length that grew may be there without the bytes: they are zeros.
//! - Between cut and `restore` every call fails with EIO, as on a device that is gone.

mod fuse;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use crate::Dice;

/// What a disk writes at once.
const SECTOR: usize = 512;
pub type Ino = u64;
pub const ROOT: Ino = 1;

/// A change of a file that was not synced.
#[derive(Debug, Clone)]
enum Pending {
    Write { at: u64, bytes: Vec<u8> },
    Length(u64),
}

/// A change of a folder that was not synced.
#[derive(Debug, Clone)]
enum Renamed {
    Link(OsString, Ino),
    Unlink(OsString),
    /// Within the folder; it is there as a whole or not at all.
    Move(OsString, OsString),
}

#[derive(Debug, Clone, Default)]
pub struct Node {
    pub mode: u32,
    pub data: Vec<u8>,
    pub names: BTreeMap<OsString, Ino>,
    synced_data: Vec<u8>,
    synced_names: BTreeMap<OsString, Ino>,
    pending: Vec<Pending>,
    renamed: Vec<Renamed>,
}

/// What the disk and the page cache hold.
#[derive(Debug, Default)]
pub struct Disk {
    nodes: BTreeMap<Ino, Node>,
    next: Ino,
    cut: bool,
    /// How often the power came back. Files have other numbers then: a store tells by the machine's boot or by its file's number whether it may believe what was
    /// written and not synced, and this machine cannot be started anew.
    pub cuts: u64,
    pub syncs: u64,
}

fn write_at(data: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let (at, end) = (at as usize, at as usize + bytes.len());
    if data.len() < end {
        data.resize(end, 0);
    }
    data[at..end].copy_from_slice(bytes);
}

fn rename(names: &mut BTreeMap<OsString, Ino>, change: &Renamed) {
    match change {
        Renamed::Link(name, ino) => {
            names.insert(name.clone(), *ino);
        }
        Renamed::Unlink(name) => {
            names.remove(name);
        }
        Renamed::Move(from, to) => {
            if let Some(ino) = names.remove(from) {
                names.insert(to.clone(), ino);
            }
        }
    }
}

impl Disk {
    fn new() -> Disk {
        let root = Node { mode: libc::S_IFDIR | 0o755, ..Node::default() };
        Disk { nodes: BTreeMap::from([(ROOT, root)]), next: ROOT + 1, ..Disk::default() }
    }

    pub fn node(&self, ino: Ino) -> Result<&Node, i32> {
        if self.cut { Err(libc::EIO) } else { self.nodes.get(&ino).ok_or(libc::ESTALE) }
    }

    fn node_mut(&mut self, ino: Ino) -> Result<&mut Node, i32> {
        if self.cut { Err(libc::EIO) } else { self.nodes.get_mut(&ino).ok_or(libc::ESTALE) }
    }

    pub fn look(&self, folder: Ino, name: &OsString) -> Result<Ino, i32> {
        self.node(folder)?.names.get(name).copied().ok_or(libc::ENOENT)
    }

    pub fn make(&mut self, folder: Ino, name: OsString, mode: u32) -> Result<Ino, i32> {
        if self.node(folder)?.names.contains_key(&name) {
            return Err(libc::EEXIST);
        }
        let ino = self.next;
        self.next += 1;
        self.nodes.insert(ino, Node { mode, ..Node::default() });
        self.change(folder, Renamed::Link(name, ino))?;
        Ok(ino)
    }

    fn change(&mut self, folder: Ino, change: Renamed) -> Result<(), i32> {
        let node = self.node_mut(folder)?;
        rename(&mut node.names, &change);
        node.renamed.push(change);
        Ok(())
    }

    pub fn unlink(&mut self, folder: Ino, name: OsString) -> Result<(), i32> {
        let ino = self.look(folder, &name)?;
        if !self.node(ino)?.names.is_empty() {
            return Err(libc::ENOTEMPTY);
        }
        self.change(folder, Renamed::Unlink(name))
    }

    pub fn rename(&mut self, folder: Ino, from: OsString, to_folder: Ino, to: OsString) -> Result<(), i32> {
        let ino = self.look(folder, &from)?;
        if folder == to_folder {
            return self.change(folder, Renamed::Move(from, to));
        }
        self.change(to_folder, Renamed::Link(to, ino))?;
        self.change(folder, Renamed::Unlink(from))
    }

    pub fn write(&mut self, ino: Ino, at: u64, bytes: &[u8]) -> Result<(), i32> {
        let node = self.node_mut(ino)?;
        write_at(&mut node.data, at, bytes);
        node.pending.push(Pending::Write { at, bytes: bytes.to_vec() });
        Ok(())
    }

    pub fn set_length(&mut self, ino: Ino, length: u64) -> Result<(), i32> {
        let node = self.node_mut(ino)?;
        node.data.resize(length as usize, 0);
        node.pending.push(Pending::Length(length));
        Ok(())
    }

    pub fn set_mode(&mut self, ino: Ino, mode: u32) -> Result<(), i32> {
        let node = self.node_mut(ino)?;
        node.mode = (node.mode & libc::S_IFMT) | (mode & !libc::S_IFMT);
        Ok(())
    }

    /// `fsync` or `fdatasync` on a file, `fsync` on a folder.
    pub fn sync(&mut self, ino: Ino) -> Result<(), i32> {
        self.syncs += 1;
        let node = self.node_mut(ino)?;
        for change in node.pending.drain(..) {
            match change {
                Pending::Write { at, bytes } => write_at(&mut node.synced_data, at, &bytes),
                Pending::Length(length) => node.synced_data.resize(length as usize, 0),
            }
        }
        node.renamed.clear();
        node.synced_names.clone_from(&node.names);
        Ok(())
    }

    /// What of the unsynced changes the disk had taken when it lost power.
    fn lose(&mut self, dice: &mut Dice) {
        for node in self.nodes.values_mut() {
            let keep = dice.under(node.renamed.len() as u64 + 1) as usize;
            let mut names = std::mem::take(&mut node.synced_names);
            node.renamed.iter().take(keep).for_each(|change| rename(&mut names, change));
            (node.names, node.synced_names) = (names.clone(), names);
            node.renamed.clear();
            let mut data = std::mem::take(&mut node.synced_data);
            // All lost, all there, or by sector.
            let fate = dice.under(4);
            for change in node.pending.drain(..) {
                match (fate, change) {
                    (0, _) => {}
                    (1, Pending::Write { at, bytes }) => write_at(&mut data, at, &bytes),
                    (_, Pending::Write { at, bytes }) => lose_sectors(&mut data, at, &bytes, dice),
                    (1, Pending::Length(length)) => data.resize(length as usize, 0),
                    (_, Pending::Length(length)) => {
                        if dice.under(2) == 0 {
                            data.resize(length as usize, 0);
                        }
                    }
                }
            }
            (node.data, node.synced_data) = (data.clone(), data);
        }
        let mut reached = vec![ROOT];
        let mut at = 0;
        while at < reached.len() {
            reached.extend(self.nodes.get(&reached[at]).into_iter().flat_map(|node| node.names.values()));
            at += 1;
        }
        self.nodes.retain(|ino, _| reached.contains(ino));
    }
}

fn lose_sectors(data: &mut Vec<u8>, at: u64, bytes: &[u8], dice: &mut Dice) {
    let mut done = 0;
    while done < bytes.len() {
        let place = at as usize + done;
        let length = (SECTOR - place % SECTOR).min(bytes.len() - done);
        let piece = &bytes[done..done + length];
        match dice.under(8) {
            0..4 => write_at(data, place as u64, piece),
            // Torn within the sector: the disk's own promise, broken as well.
            4 => write_at(data, place as u64, &piece[..dice.under(length as u64) as usize]),
            // The length was taken, the bytes were not.
            5 => data.resize(data.len().max(place + length), 0),
            _ => {}
        }
        done += length;
    }
}

/// A mounted disk; unmounted when dropped.
pub struct Lossy {
    disk: Arc<Mutex<Disk>>,
    mount: fuse::Mount,
    server: Option<JoinHandle<()>>,
}

impl Lossy {
    /// Mounts it where nobody but this thread and the processes it starts can see it. An error says why that cannot be done here.
    pub fn mount(at: &Path) -> Result<Lossy, String> {
        let mount = fuse::Mount::new(at)?;
        let disk = Arc::new(Mutex::new(Disk::new()));
        let (served, device) = (Arc::clone(&disk), mount.device()?);
        let server = std::thread::spawn(move || fuse::serve(&served, &device));
        Ok(Lossy { disk, mount, server: Some(server) })
    }

    pub fn path(&self) -> PathBuf {
        self.mount.path().to_path_buf()
    }

    fn disk(&self) -> std::sync::MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The power is gone: from now on nothing is kept and everything fails.
    pub fn cut(&self) {
        self.disk().cut = true;
    }

    /// The power is back, and the disk is what it had kept. Nobody may have a file open.
    pub fn restore(&self, dice: &mut Dice) {
        let mut disk = self.disk();
        disk.lose(dice);
        disk.cut = false;
        disk.cuts += 1;
    }

    pub fn syncs(&self) -> u64 {
        self.disk().syncs
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.mount.unmount();
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}
