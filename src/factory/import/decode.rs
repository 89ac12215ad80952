//! The characters of a CSV file, streamed: UTF-8 wherever it is, UTF-16 by its mark or its zeros, else an older code page guessed from all of its bytes, which is
//! told.

use std::io::{self, BufRead, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

const CHUNK: usize = 1 << 16;

/// What a file is written in, by a look at all of it. `None` is UTF-8, also where some bytes are not: their cells are refused one by one.
pub(super) fn encoding(mut input: impl Read) -> io::Result<Option<&'static Encoding>> {
    let mut chunk = vec![0; CHUNK];
    let mut length = fill(&mut input, &mut chunk)?;
    if let Some((encoding, _)) = Encoding::for_bom(&chunk[..length]) {
        return Ok((encoding != UTF_8).then_some(encoding));
    }
    if let Some(encoding) = wide(&chunk[..length]) {
        return Ok(Some(encoding));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let (mut right, mut wrong, mut left_over) = (0_u64, 0_u64, 0);
    loop {
        let is_last = length < chunk.len();
        detector.feed(&chunk[left_over..length], is_last);
        left_over = count(&mut chunk, length, &mut right, &mut wrong);
        if is_last {
            break;
        }
        length = left_over + fill(&mut input, &mut chunk[left_over..])?;
    }
    // A file with both was put together from two; in an older code page nothing looks like UTF-8 by chance more than once in a while.
    Ok((wrong > right).then(|| detector.guess(None, Utf8Detection::Deny)))
}

fn fill(input: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < chunk.len() {
        match input.read(&mut chunk[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Counts characters beyond ASCII and bytes that are none; the start of a character that the chunk cuts goes to its front. Returns its length.
fn count(chunk: &mut [u8], length: usize, right: &mut u64, wrong: &mut u64) -> usize {
    let mut at = 0;
    loop {
        let rest = &chunk[at..length];
        let (valid, error) = match std::str::from_utf8(rest) {
            Ok(_) => (rest.len(), None),
            Err(error) => (error.valid_up_to(), Some(error.error_len())),
        };
        *right += rest[..valid].iter().filter(|byte| **byte >= 0xC0).count() as u64;
        match error {
            None => return 0,
            Some(Some(bad)) => {
                *wrong += 1;
                at += valid + bad;
            }
            Some(None) => {
                let cut = at + valid..length;
                let left_over = cut.len();
                chunk.copy_within(cut, 0);
                return left_over;
            }
        }
    }
}

/// UTF-16 without a mark: in text that is mostly ASCII every other byte is zero.
fn wide(start: &[u8]) -> Option<&'static Encoding> {
    let pairs = start.len() / 2;
    let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let most = |zeros: usize| pairs > 0 && zeros * 4 > pairs * 3;
    match (most(zeros(0)), most(zeros(1))) {
        (false, true) => Some(UTF_16LE),
        (true, false) => Some(UTF_16BE),
        _ => None,
    }
}

/// A reader of UTF-8 over one of another encoding; a mark at its beginning is taken off.
pub(super) struct Decoding<R> {
    input: R,
    decoder: Decoder,
    text: Vec<u8>,
    at: usize,
    end: usize,
    is_over: bool,
}

impl<R: BufRead> Decoding<R> {
    pub fn new(input: R, encoding: &'static Encoding) -> Decoding<R> {
        Decoding { input, decoder: encoding.new_decoder_with_bom_removal(), text: vec![0; CHUNK], at: 0, end: 0, is_over: false }
    }
}

impl<R: BufRead> Read for Decoding<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.end && !self.is_over {
            let raw = self.input.fill_buf()?;
            self.is_over = raw.is_empty();
            let (result, read, written, _) = self.decoder.decode_to_utf8(raw, &mut self.text, self.is_over);
            self.input.consume(read);
            (self.at, self.end) = (0, written);
            // What the end of the input makes may need more than one turn.
            self.is_over &= result == CoderResult::InputEmpty;
        }
        let taken = out.len().min(self.end - self.at);
        out[..taken].copy_from_slice(&self.text[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> Option<&'static str> {
        encoding(bytes).expect("read").map(Encoding::name)
    }

    #[test]
    fn encodings_are_told_apart() {
        let german = "Stück;Größe;Gehäuse grün\n".repeat(20);
        assert_eq!(found(german.as_bytes()), None);
        assert_eq!(found(&encoding_rs::WINDOWS_1252.encode(&german).0), Some("windows-1252"));
        let wide =
            |little: bool| german.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect::<Vec<u8>>();
        assert_eq!((found(&wide(true)), found(&wide(false))), (Some("UTF-16LE"), Some("UTF-16BE")));
        let mixed = [german.as_bytes(), b"caf\xE9\n"].concat();
        assert_eq!(found(&mixed), None, "one wrong cell does not make the file another");
    }

    #[test]
    fn text_comes_through_whatever_the_chunks() {
        let text = "ä€漢😀,".repeat(40_000);
        let units: Vec<u8> = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(encoding(units.as_slice()).expect("read"), Some(UTF_16LE));
        let mut out = String::new();
        Decoding::new(io::BufReader::with_capacity(7, units.as_slice()), UTF_16LE).read_to_string(&mut out).expect("decoded");
        assert!(out == text);
        assert_eq!(found(text.as_bytes()), None);
    }
}
