//! Where a mail ends after DATA: `CR LF . CR LF` and nothing else (RFC 5321, section 4.1.1.4), with the first dot of every other line that begins with one taken
//! off (section 4.5.2). Whatever else looks like an end, `LF . LF` or `CR LF . CR CR LF`, is part of the mail: a sender's server that let it through meant it so.

/// A mail as it comes in, at most so many bytes of it.
pub(super) struct Body {
    bytes: Vec<u8>,
    most: usize,
    /// Bytes of the mail so far, kept or not.
    length: usize,
    at: At,
}

/// What was seen last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    LineStart,
    /// A dot at the start of a line.
    Dot,
    /// That dot and a CR.
    DotCr,
    Cr,
    Text,
}

impl Body {
    pub(super) fn new(most: usize) -> Body {
        Body { bytes: Vec::new(), most, length: 0, at: At::LineStart }
    }

    /// Takes bytes up to the end of the mail; how many it took, and whether the end was among them.
    pub(super) fn take(&mut self, input: &[u8]) -> (usize, bool) {
        let mut used = 0;
        while let Some(byte) = input.get(used).copied() {
            // Most of a mail is text without line ends.
            if self.at == At::Text {
                let rest = &input[used..];
                let text = rest.iter().position(|byte| *byte == b'\r').unwrap_or(rest.len());
                if text > 0 {
                    self.keep(&rest[..text]);
                    used += text;
                    continue;
                }
            }
            used += 1;
            self.at = match (self.at, byte) {
                (At::LineStart, b'.') => At::Dot,
                (At::Dot, b'\r') => At::DotCr,
                (At::DotCr, b'\n') => return (used, true),
                // The dot was one of two, or should have been: it is taken off, the CR behind it was text.
                (At::DotCr, _) => {
                    self.keep(b"\r");
                    self.text(At::Cr, byte)
                }
                (at, _) => self.text(at, byte),
            };
        }
        (used, false)
    }

    fn text(&mut self, at: At, byte: u8) -> At {
        self.keep(&[byte]);
        match (at, byte) {
            (_, b'\r') => At::Cr,
            (At::Cr, b'\n') => At::LineStart,
            _ => At::Text,
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.length = self.length.saturating_add(bytes.len());
        if self.length <= self.most {
            self.bytes.extend_from_slice(bytes);
        } else {
            // It will be refused; what it holds need not be.
            self.bytes = Vec::new();
        }
    }

    /// Bytes seen so far.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The mail; `None` where it is larger than allowed.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        (self.length <= self.most).then_some(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The whole of `input`, taken in pieces of `piece` bytes: the mail, and what is left behind its end.
    fn read(input: &[u8], piece: usize) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut body = Body::new(1 << 20);
        let mut at = 0;
        for chunk in input.chunks(piece) {
            let (used, is_end) = body.take(chunk);
            at += used;
            if is_end {
                return Some((body.finish()?, input[at..].to_vec()));
            }
        }
        None
    }

    /// What a client does to a mail before it sends it.
    fn stuffed(mail: &[u8]) -> Vec<u8> {
        let mut sent = Vec::new();
        let mut is_line_start = true;
        for (at, byte) in mail.iter().enumerate() {
            if is_line_start && *byte == b'.' {
                sent.push(b'.');
            }
            sent.push(*byte);
            is_line_start = *byte == b'\n' && at > 0 && mail[at - 1] == b'\r';
        }
        sent.extend_from_slice(if is_line_start { b".\r\n" } else { b"\r\n.\r\n" });
        sent
    }

    #[test]
    fn only_one_thing_ends_a_mail() {
        for (sent, mail) in [
            (&b".\r\n"[..], &b""[..]),
            (b"a\r\n.\r\n", b"a\r\n"),
            (b"a\r\n..\r\nb\r\n.\r\n", b"a\r\n.\r\nb\r\n"),
            (b"..a\r\n.b\r\n.\r\n", b".a\r\nb\r\n"),
            (b"a\n.\nMAIL FROM:<x@y>\r\n.\r\n", b"a\n.\nMAIL FROM:<x@y>\r\n"),
            (b"a\n.\r\nMAIL FROM:<x@y>\r\n.\r\n", b"a\n.\r\nMAIL FROM:<x@y>\r\n"),
            (b"a\r.\r\nMAIL FROM:<x@y>\r\n.\r\n", b"a\r.\r\nMAIL FROM:<x@y>\r\n"),
            (b"a\r.\rMAIL FROM:<x@y>\r\n.\r\n", b"a\r.\rMAIL FROM:<x@y>\r\n"),
            (b"a\r\n.\nMAIL FROM:<x@y>\r\n.\r\n", b"a\r\n\nMAIL FROM:<x@y>\r\n"),
            (b"a\r\n.\r\r\nMAIL FROM:<x@y>\r\n.\r\n", b"a\r\n\r\r\nMAIL FROM:<x@y>\r\n"),
            (b"a\0\r\n.\0\r\n\r\n.\r\n", b"a\0\r\n\0\r\n\r\n"),
        ] {
            for piece in 1..=sent.len() {
                let behind = [sent, b"QUIT\r\n"].concat();
                assert_eq!(read(&behind, piece), Some((mail.to_vec(), b"QUIT\r\n".to_vec())), "{}", String::from_utf8_lossy(sent));
            }
        }
        assert_eq!(read(b"a\r\n.", 1), None);
    }

    #[test]
    fn what_is_too_large_is_counted_and_not_kept() {
        let mut body = Body::new(10);
        assert_eq!(body.take(b"0123456789ab"), (12, false));
        assert_eq!((body.bytes.capacity(), body.length()), (0, 12));
        assert_eq!(body.take(b"\r\n.\r\n"), (5, true));
        assert_eq!(body.finish(), None);
    }

    proptest! {
        #[test]
        fn whatever_is_sent_arrives(mail in proptest::collection::vec(proptest::sample::select(&b"a.\r\n"[..]), 0..60), piece in 1..20_usize) {
            let expected = if mail.is_empty() || mail.ends_with(b"\r\n") { mail.clone() } else { [&mail[..], b"\r\n"].concat() };
            // A mail that ends with a lone CR cannot be told from one that ends with CR LF LF by half; no client sends it.
            prop_assume!(!mail.ends_with(b"\r"));
            prop_assert_eq!(read(&[stuffed(&mail), b"NOOP\r\n".to_vec()].concat(), piece), Some((expected, b"NOOP\r\n".to_vec())));
        }
    }
}
