//! Bytes of a connection that were read and not used yet, cut into command lines.

use bytes::{Bytes, BytesMut};

use crate::limits;

#[derive(Default)]
pub(super) struct Input {
    pub(super) buffer: BytesMut,
    /// Bytes of an overlong line that were passed over.
    skipped: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// With its CR LF.
    Whole(Bytes),
    /// Longer than `limits::SMTP_LINE_BYTES_MAX`; it was passed over.
    TooLong,
    /// It does not end with CR LF, or holds control characters.
    Garbled,
    /// No line ends at all: the connection is not worth keeping.
    Endless,
}

impl Input {
    /// The next line, where one is there.
    pub(super) fn line(&mut self) -> Option<Line> {
        let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else {
            if self.skipped > limits::SMTP_LINE_SKIPPED_BYTES_MAX {
                return Some(Line::Endless);
            }
            if self.buffer.len() > limits::SMTP_LINE_BYTES_MAX {
                self.skipped += self.buffer.len();
                self.buffer.clear();
            }
            return None;
        };
        let line = self.buffer.split_to(end + 1).freeze();
        if std::mem::take(&mut self.skipped) > 0 || line.len() > limits::SMTP_LINE_BYTES_MAX {
            return Some(Line::TooLong);
        }
        let is_clean = line.strip_suffix(b"\r\n").is_some_and(|text| text.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7F)));
        Some(if is_clean { Line::Whole(line) } else { Line::Garbled })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Line> {
        let mut input = Input::default();
        let mut found = Vec::new();
        for piece in pieces {
            input.buffer.extend_from_slice(piece);
            while let Some(line) = input.line() {
                let is_over = line == Line::Endless;
                found.push(line);
                if is_over {
                    return found;
                }
            }
        }
        found
    }

    fn whole(text: &'static str) -> Line {
        Line::Whole(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn lines_end_with_cr_lf_wherever_the_pieces_are_cut() {
        let text = b"EHLO a\r\nMAIL FROM:<a@b>\r\n";
        for cut in 0..text.len() {
            assert_eq!(lines(&[&text[..cut], &text[cut..]]), [whole("EHLO a\r\n"), whole("MAIL FROM:<a@b>\r\n")]);
        }
        assert_eq!(lines(&[b"NOOP\nQUIT\r\n"]), [Line::Garbled, whole("QUIT\r\n")]);
        assert_eq!(lines(&[b"NO\0OP\r\nNO\rOP\r\n\r\n"]), [Line::Garbled, Line::Garbled, whole("\r\n")]);
    }

    #[test]
    fn an_overlong_line_is_passed_over_and_an_endless_one_ends_it() {
        let long = vec![b'x'; limits::SMTP_LINE_BYTES_MAX + 1];
        assert_eq!(lines(&[&long, &long, b"\r\nNOOP\r\n"]), [Line::TooLong, whole("NOOP\r\n")]);
        let endless: Vec<&[u8]> = std::iter::repeat_n(&long[..], 100).collect();
        assert_eq!(lines(&endless), [Line::Endless]);
    }
}
