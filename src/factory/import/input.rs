//! A factory file as records, whatever it is: CSV with any usual separator and encoding, or a sheet of an XLSX workbook.

use std::{
    fs::File,
    io::{BufRead, BufReader},
};

use super::{
    decode::{self, Decoding},
    files::Source,
    records::{Record, RecordError, Records},
    workbook,
};
use crate::limits;

/// What is handed each record and the bytes read before it.
pub(super) type Take<'a> = dyn FnMut(&Record<'_>, u64) -> Result<(), RecordError> + 'a;

/// Reads a file to its end. `is_heading` says whether a cell names a column, by which the separator is told; what is worth telling about the file goes to `tell`.
pub(super) fn each(source: &Source, is_heading: &dyn Fn(&str) -> bool, tell: &mut dyn FnMut(String), take: &mut Take<'_>) -> Result<(), RecordError> {
    let stopped = |what: String| RecordError::Stopped(0, what);
    if source.bytes > limits::FACTORY_FILE_BYTES_MAX {
        return Err(stopped(format!("the file is larger than {} bytes: nothing of it was read", limits::FACTORY_FILE_BYTES_MAX)));
    }
    let open = || File::open(&source.path).map_err(RecordError::Io);
    let mut input = BufReader::with_capacity(2 * limits::FACTORY_LINE_BYTES_MAX, open()?);
    let start = input.fill_buf().map_err(RecordError::Io)?;
    if start.starts_with(b"PK\x03\x04") {
        return workbook::each(source, take);
    }
    if start.starts_with(b"\xD0\xCF\x11\xE0") {
        return Err(stopped("it is a workbook of the old form (XLS) or has a password: save it as XLSX without one, or as \"CSV UTF-8\"".to_owned()));
    }
    let encoding = decode::encoding(open()?).map_err(RecordError::Io)?;
    let input: Box<dyn BufRead> = match encoding {
        None => {
            let mark = if start.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
            input.consume(mark);
            Box::new(input)
        }
        Some(encoding) => {
            if !encoding.name().starts_with("UTF-16") {
                tell(format!("the file is not UTF-8; it was read as {}: look at names with accents and other special characters", encoding.name()));
            }
            Box::new(BufReader::with_capacity(2 * limits::FACTORY_LINE_BYTES_MAX, Decoding::new(input, encoding)))
        }
    };
    delimited(input, is_heading, take)
}

fn delimited(mut input: Box<dyn BufRead>, is_heading: &dyn Fn(&str) -> bool, take: &mut Take<'_>) -> Result<(), RecordError> {
    let start = input.fill_buf().map_err(RecordError::Io)?;
    let delimiter = delimiter(start, is_heading).map_err(|what| RecordError::Stopped(0, what))?;
    let mut records = Records::new(input, delimiter);
    loop {
        let before = records.bytes_read();
        let Some(record) = records.next()? else { return Ok(()) };
        // SAP draws lines around the rows of its lists.
        let is_rule = delimiter == b'|' && record.cells().all(|cell| cell.iter().all(|byte| matches!(byte, b'-' | b' ')));
        if !is_rule {
            take(&record, before)?;
        }
    }
}

/// The separator under which a line of the beginning names most columns.
fn delimiter(start: &[u8], is_heading: &dyn Fn(&str) -> bool) -> Result<u8, String> {
    let best = |delimiter: u8| {
        let mut records = Records::new(start, delimiter);
        let mut most = 0;
        for _ in 0..limits::FACTORY_HEADING_LINES_MAX {
            let Ok(Some(record)) = records.next() else { break };
            let named = record.cells().filter(|cell| std::str::from_utf8(cell).is_ok_and(|cell| is_heading(cell.trim()))).count();
            most = most.max(named);
        }
        most
    };
    let found: Vec<(usize, u8)> = [b',', b';', b'\t', b'|'].into_iter().map(|delimiter| (best(delimiter), delimiter)).collect();
    let most = found.iter().map(|(named, _)| *named).max().unwrap_or(0);
    let mut with_most = found.iter().filter(|(named, _)| *named == most).map(|(_, delimiter)| *delimiter);
    match (most, with_most.next(), with_most.next()) {
        // A file of one column has no separator, and one without a heading is refused for that.
        (0 | 1, ..) if !start.contains(&b';') && !start.contains(&b'\t') => Ok(b','),
        (1.., Some(delimiter), None) => Ok(delimiter),
        (1.., ..) => {
            Err("the header line can be parted in two ways: separate all cells by one and the same mark, comma, semicolon or tab".to_owned())
        }
        _ => Ok(if start.contains(&b';') { b';' } else { b',' }),
    }
}
