//! A CSV file as records with exact line numbers. The parser is `csv-core`, the machine inside the `csv` crate, fed one physical line at a time: `csv` itself
//! counts lines differently after blank lines and CRLF, and would gather the rest of the file into one cell where a quotation mark is not closed.

use std::io::{self, BufRead, Read as _};

use csv_core::ReadRecordResult;

use crate::limits;

/// Cells of one record, and where it stands.
pub(super) struct Record<'a> {
    /// Line it begins on, from 1.
    pub line: u32,
    /// Line it ends on; later than `line` where a quoted cell holds line breaks.
    pub last_line: u32,
    pub bytes: &'a [u8],
    pub ends: &'a [usize],
    /// What a workbook says each cell is; a CSV file says nothing.
    pub kinds: Option<&'a [CellKind]>,
}

/// What a workbook keeps a cell as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellKind {
    Text,
    Number,
    Day,
}

impl<'a> Record<'a> {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn cell(&self, at: usize) -> &'a [u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[at]]
    }

    pub fn kind(&self, at: usize) -> Option<CellKind> {
        self.kinds?.get(at).copied()
    }

    pub fn cells(&self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).map(|at| self.cell(at))
    }
}

/// Why a file cannot be read on.
#[derive(Debug)]
pub(super) enum RecordError {
    Io(io::Error),
    /// From this line on. A sentence.
    Stopped(u32, String),
}

pub(super) struct Records<R> {
    input: R,
    parser: csv_core::Reader,
    /// Physical lines read.
    line: u32,
    bytes_read: u64,
    physical: Vec<u8>,
    cells: Vec<u8>,
    ends: Vec<usize>,
}

impl<R: BufRead> Records<R> {
    /// `input` stands after a byte order mark.
    pub fn new(input: R, delimiter: u8) -> Records<R> {
        // Lines end at `\n` alone; the `\r` before it is taken off here, so that one inside a line stays visible as the stray it is.
        let parser = csv_core::ReaderBuilder::new().delimiter(delimiter).terminator(csv_core::Terminator::Any(b'\n')).build();
        Records { input, parser, line: 0, bytes_read: 0, physical: Vec::new(), cells: vec![0; 1024], ends: vec![0; 32] }
    }

    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The next record; blank lines are passed over.
    pub fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        loop {
            if !self.read_line()? {
                return Ok(None);
            }
            if self.physical != b"\n" {
                break;
            }
        }
        let first = self.line;
        self.parser.reset();
        let (mut fed, mut gathered, mut out, mut ends) = (0, self.physical.len(), 0, 0);
        loop {
            let (result, read, written, ended) = self.parser.read_record(&self.physical[fed..], &mut self.cells[out..], &mut self.ends[ends..]);
            (fed, out, ends) = (fed + read, out + written, ends + ended);
            match result {
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => break,
                // The line is over and the record is not: a quoted cell goes on.
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {
                    let open = |what: &str| {
                        let what = format!("a quotation mark opens a cell on this line and {what}: close it; nothing from this line on was read");
                        RecordError::Stopped(first, what)
                    };
                    if !self.read_line()? {
                        return Err(open("is never closed"));
                    }
                    fed = 0;
                    gathered += self.physical.len();
                    if gathered > limits::FACTORY_LINE_BYTES_MAX {
                        return Err(open(&format!("is not closed within {} bytes", limits::FACTORY_LINE_BYTES_MAX)));
                    }
                }
            }
        }
        Ok(Some(Record { line: first, last_line: self.line, bytes: &self.cells[..out], ends: &self.ends[..ends], kinds: None }))
    }

    /// One physical line into `physical`, ending in `\n` whatever it ended in; `false` at the end of the file.
    fn read_line(&mut self) -> Result<bool, RecordError> {
        self.physical.clear();
        let bound = limits::FACTORY_LINE_BYTES_MAX as u64 + 1;
        let read = self.input.by_ref().take(bound).read_until(b'\n', &mut self.physical).map_err(RecordError::Io)?;
        if read == 0 {
            return Ok(false);
        }
        self.line += 1;
        self.bytes_read += read as u64;
        if read > limits::FACTORY_LINE_BYTES_MAX {
            let what = format!(
                "the line is longer than {} bytes: lines must end in a line feed, and this may be no CSV file; nothing from this line on was read",
                limits::FACTORY_LINE_BYTES_MAX
            );
            return Err(RecordError::Stopped(self.line, what));
        }
        if self.physical.last() == Some(&b'\n') {
            self.physical.pop();
        }
        if self.physical.last() == Some(&b'\r') {
            self.physical.pop();
        }
        self.physical.push(b'\n');
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u32, u32, Vec<String>)>, RecordError> {
        let mut records = Records::new(text.as_bytes(), b',');
        let mut found = Vec::new();
        while let Some(record) = records.next()? {
            let cells = record.cells().map(|cell| String::from_utf8(cell.to_vec()).expect("UTF-8")).collect();
            found.push((record.line, record.last_line, cells));
        }
        Ok(found)
    }

    fn row(first: u32, last: u32, cells: &[&str]) -> (u32, u32, Vec<String>) {
        (first, last, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let expected = vec![row(2, 2, &["a", "b"]), row(5, 5, &["1", ""]), row(6, 7, &["x\ny", "z"]), row(9, 9, &["", "last"])];
        assert_eq!(read("\na,b\n\n\n1,\n\"x\ny\",z\n\n,last").expect("read"), expected);
        assert_eq!(read("\r\na,b\r\n\r\n\r\n1,\r\n\"x\r\ny\",z\r\n\r\n,last\r\n").expect("read"), expected);
    }

    #[test]
    fn quotes_are_read_as_rfc_4180_says_and_inches_stay_inches() {
        assert_eq!(
            read("\"a,b\",\"say \"\"no\"\"\"\n5\" disk,x\n").expect("read"),
            vec![row(1, 1, &["a,b", "say \"no\""]), row(2, 2, &["5\" disk", "x"])]
        );
    }

    #[test]
    fn an_open_quote_stops_where_it_opened() {
        assert!(matches!(read("a,b\nc,\"d\ne,f\n"), Err(RecordError::Stopped(2, what)) if what.contains("never closed")));
        let long = format!("a,\"b\n{}", "c,d\n".repeat(limits::FACTORY_LINE_BYTES_MAX / 2));
        assert!(matches!(read(&long), Err(RecordError::Stopped(1, what)) if what.contains("not closed within")));
        assert!(matches!(read(&"x".repeat(limits::FACTORY_LINE_BYTES_MAX + 1)), Err(RecordError::Stopped(1, _))));
    }

    #[test]
    fn wide_and_long_records_grow_the_buffers() {
        let cells: Vec<String> = (0..500).map(|at| format!("{at}{}", "y".repeat(40))).collect();
        assert_eq!(read(&cells.join(",")).expect("read")[0].2, cells);
    }
}
