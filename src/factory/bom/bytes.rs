//! Bytes of a dataset: in memory after an import, mapped from its file after that.

use std::{fs::File, io, ops::Deref, sync::Arc};

use memmap2::Mmap;

#[derive(Clone)]
pub(in crate::factory) enum Bytes {
    Owned(Arc<Vec<u8>>),
    Mapped(Arc<Mmap>),
}

impl Bytes {
    pub fn map(file: &File) -> io::Result<Bytes> {
        // SAFETY: a mapping is sound while nobody changes or shortens the file. A dataset file is written aside, made read-only, synced and then given its name, which
        // is never taken twice; nothing in this program opens one for writing, and compaction and garbage collection do not touch the folder.
        #[allow(unsafe_code, reason = "a file can be mapped in no other way")]
        let map = unsafe { Mmap::map(file) }?;
        Ok(Bytes::Mapped(Arc::new(map)))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Owned(bytes) => bytes,
            Bytes::Mapped(map) => map,
        }
    }
}
