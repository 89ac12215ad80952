//! Frames between parent and child: one kind byte, the length as four bytes (little endian), the bytes. Bounded by `limits::FRAME_BYTES_MAX`.

use std::{
    io::{self, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use crate::limits;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Hello = 1,
    Request = 2,
    Answer = 3,
    Refusal = 4,
}

/// Whether a deadline passed.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// What is left until the deadline; zero is not a timeout a socket takes.
fn left(until: Option<Instant>) -> io::Result<Option<Duration>> {
    match until.map(|until| until.saturating_duration_since(Instant::now())) {
        Some(Duration::ZERO) => Err(ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

pub(super) fn write(stream: &mut UnixStream, kind: Kind, bytes: &[u8], until: Option<Instant>) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length as usize <= limits::FRAME_BYTES_MAX);
    let length = length.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, format!("a frame of {} bytes is over the limit", bytes.len())))?;
    let mut head = [kind as u8, 0, 0, 0, 0];
    head[1..].copy_from_slice(&length.to_le_bytes());
    for mut rest in [&head[..], bytes] {
        while !rest.is_empty() {
            stream.set_write_timeout(left(until)?)?;
            match stream.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

pub(super) fn read(stream: &mut UnixStream, until: Option<Instant>) -> io::Result<(Kind, Vec<u8>)> {
    let mut head = [0; 5];
    fill(stream, &mut head, until)?;
    let kind = match head[0] {
        1 => Kind::Hello,
        2 => Kind::Request,
        3 => Kind::Answer,
        4 => Kind::Refusal,
        other => return Err(io::Error::new(ErrorKind::InvalidData, format!("a frame of unknown kind {other}"))),
    };
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > limits::FRAME_BYTES_MAX {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("a frame of {length} bytes is over the limit")));
    }
    let mut bytes = vec![0; length];
    fill(stream, &mut bytes, until)?;
    Ok((kind, bytes))
}

fn fill(stream: &mut UnixStream, mut rest: &mut [u8], until: Option<Instant>) -> io::Result<()> {
    while !rest.is_empty() {
        stream.set_read_timeout(left(until)?)?;
        match stream.read(rest) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => rest = &mut rest[read..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
