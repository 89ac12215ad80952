//! A table of rows of one length by number, in a file: row n begins at n times the length, and one of zeros is not there. What sled needs a page of its own for
//! every dozen of, for events and jobs, which are numbered without gaps, is a few bytes here.
//!
//! A row is written in place and not synced; the table can be believed exactly when sled can (`project`).

use std::{
    fs::{File, OpenOptions},
    io,
    ops::Bound,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use super::{
    draft::{key, number},
    view::Row,
};

/// Rows read at once when many are asked for.
const BLOCK: u64 = 1024;

#[derive(Clone)]
pub(super) struct Slots {
    file: Arc<File>,
    width: usize,
}

impl Slots {
    pub fn open(path: &Path, width: usize) -> io::Result<Slots> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Slots { file: Arc::new(file), width })
    }

    pub fn get(&self, id: u64) -> io::Result<Option<Vec<u8>>> {
        let row = self.rows(id, 1)?;
        Ok((row.len() == self.width && row.iter().any(|byte| *byte != 0)).then_some(row))
    }

    /// `None` removes the row. A value of another length is an error.
    pub fn put(&self, id: u64, value: Option<&[u8]>) -> io::Result<()> {
        match value {
            Some(value) if value.len() != self.width => {
                Err(io::Error::other(format!("a row of {} bytes for a table of {}", value.len(), self.width)))
            }
            Some(value) => self.file.write_all_at(value, id * self.width as u64),
            None => self.file.write_all_at(&vec![0; self.width], id * self.width as u64),
        }
    }

    /// Up to `count` rows, fewer at the end of the file.
    fn rows(&self, id: u64, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.width * count as usize];
        // Anybody may ask for any number: one past the end of the longest file there can be has no row.
        let Some(start) = id.checked_mul(self.width as u64).filter(|start| *start <= i64::MAX as u64 - bytes.len() as u64) else {
            return Ok(Vec::new());
        };
        let mut read = 0;
        loop {
            match self.file.read_at(&mut bytes[read..], start + read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        bytes.truncate(read - read % self.width);
        Ok(bytes)
    }

    pub fn range(&self, (from, to): &(Bound<Vec<u8>>, Bound<Vec<u8>>)) -> io::Result<Range> {
        let next = match from {
            Bound::Included(key) => number(key),
            Bound::Excluded(key) => number(key).saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match to {
            Bound::Included(key) => number(key).saturating_add(1),
            Bound::Excluded(key) => number(key),
            Bound::Unbounded => u64::MAX,
        };
        let rows = self.file.metadata()?.len() / self.width as u64;
        Ok(Range { slots: self.clone(), next, end: end.min(rows), block: None })
    }
}

/// Rows between two numbers, from either end.
pub(super) struct Range {
    slots: Slots,
    next: u64,
    end: u64,
    /// The rows last read, and the number of their first.
    block: Option<(u64, Vec<u8>)>,
}

impl Range {
    fn row(&mut self, id: u64) -> io::Result<Option<Row>> {
        let first = id - id % BLOCK;
        if self.block.as_ref().is_none_or(|(at, _)| *at != first) {
            self.block = Some((first, self.slots.rows(first, BLOCK)?));
        }
        let at = (id - first) as usize * self.slots.width;
        let row = self.block.as_ref().and_then(|(_, rows)| rows.get(at..at + self.slots.width));
        Ok(row.filter(|row| row.iter().any(|byte| *byte != 0)).map(|row| (key(id).to_vec(), row.to_vec())))
    }
}

impl Iterator for Range {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<io::Result<Row>> {
        while self.next < self.end {
            self.next += 1;
            if let Some(row) = self.row(self.next - 1).transpose() {
                return Some(row);
            }
        }
        None
    }
}

impl DoubleEndedIterator for Range {
    fn next_back(&mut self) -> Option<io::Result<Row>> {
        while self.next < self.end {
            self.end -= 1;
            if let Some(row) = self.row(self.end).transpose() {
                return Some(row);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_from_either_end() {
        let dir = tempfile::tempdir().expect("folder");
        let slots = Slots::open(&dir.path().join("slots"), 3).expect("open");
        let ids = [0, 1, 7, BLOCK - 1, BLOCK, 3 * BLOCK + 5];
        for id in ids {
            slots.put(id, Some(&[1, id as u8, 9])).expect("put");
        }
        assert!(slots.put(1, Some(&[1, 2])).is_err());
        assert_eq!(slots.get(7).expect("get"), Some(vec![1, 7, 9]));
        assert_eq!(slots.get(8).expect("get"), None);
        for past in [1 << 40, i64::MAX as u64 / 3, i64::MAX as u64 / 3 + 1, u64::MAX / 3 + 1, u64::MAX] {
            assert_eq!(slots.get(past).expect("get"), None, "{past}");
        }
        let all = (Bound::Unbounded, Bound::Unbounded);
        let found = |rows: Vec<Row>| rows.iter().map(|(id, _)| number(id)).collect::<Vec<_>>();
        assert_eq!(found(slots.range(&all).expect("range").map(|row| row.expect("row")).collect()), ids);
        let mut back = ids.to_vec();
        back.reverse();
        assert_eq!(found(slots.range(&all).expect("range").rev().map(|row| row.expect("row")).collect()), back);
        let some = (Bound::Excluded(key(1).to_vec()), Bound::Excluded(key(BLOCK).to_vec()));
        assert_eq!(found(slots.range(&some).expect("range").map(|row| row.expect("row")).collect()), [7, BLOCK - 1]);
        slots.put(7, None).expect("remove");
        assert_eq!(slots.get(7).expect("get"), None);
    }
}
