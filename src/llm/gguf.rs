//! What a GGUF file says of itself, read without llama.cpp: the file may be anything, and this runs in the main process.
//!
//! Layout (versions 2 and 3, little endian): `GGUF`, version u32, tensors u64, keys u64, then by key its name (length u64, bytes), the type of its value u32
//! and the value. A value is a number, a string (length u64, bytes) or an array (type u32, count u64, values). Then by tensor its name, the number of its
//! dimensions u32, each of them u64, its type u32 and where it lies u64.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use crate::limits;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: Option<String>,
    pub(super) licence: Option<String>,
    /// `model`, `adapter`, `mmproj`; older files do not say.
    pub(super) kind: Option<String>,
    pub(super) context_tokens: Option<u32>,
    pub(super) architecture: Option<String>,
    pub(super) chat_template: Option<String>,
    /// Numbers that were trained; `None` of a file without tensors.
    pub(super) parameters: Option<u64>,
    /// How most of them are stored, as ggml calls it.
    pub(super) quantisation: Option<String>,
}

/// Reads the keys. The error is the second half of a sentence: what is wrong with the file.
pub(super) fn read(path: &Path) -> Result<Header, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let left = file.metadata().map_err(|error| error.to_string())?.len();
    Keys { reader: BufReader::new(file), left }.header().map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends in the middle of its header: it was not copied whole".to_owned(),
        _ => error.to_string(),
    })
}

struct Keys {
    reader: BufReader<File>,
    /// Bytes of the file that were not read yet: no length in it can be larger.
    left: u64,
}

impl Keys {
    fn header(&mut self) -> io::Result<Header> {
        if self.bytes::<4>().ok() != Some(*b"GGUF") {
            return Err(wrong("it is not a GGUF file".to_owned()));
        }
        let version = u32::from_le_bytes(self.bytes()?);
        if !(2..=3).contains(&version) {
            return Err(wrong(format!("it is GGUF of version {version}, and only 2 and 3 are known")));
        }
        let tensors = self.length()?;
        if tensors > limits::GGUF_TENSORS_MAX {
            return Err(wrong(format!("it claims {tensors} tensors, over the limit of {}", limits::GGUF_TENSORS_MAX)));
        }
        let keys = self.length()?;
        if keys > limits::GGUF_KEYS_MAX {
            return Err(wrong(format!("it claims {keys} keys, over the limit of {}", limits::GGUF_KEYS_MAX)));
        }
        let mut header = Header::default();
        let mut contexts = Vec::new();
        for _ in 0..keys {
            let key = self.name()?.unwrap_or_default();
            let kind = u32::from_le_bytes(self.bytes()?);
            match (key.as_str(), kind) {
                ("general.name", STRING) => header.name = self.name()?.filter(|name| !name.trim().is_empty()),
                ("general.license", STRING) => header.licence = self.name()?,
                ("general.type", STRING) => header.kind = self.name()?,
                ("general.architecture", STRING) => header.architecture = self.name()?,
                ("tokenizer.chat_template", STRING) => header.chat_template = self.string(limits::GGUF_TEMPLATE_BYTES_MAX)?,
                (_, U32) if key.ends_with(".context_length") => contexts.push((key, u32::from_le_bytes(self.bytes()?))),
                _ => self.skip(kind)?,
            }
        }
        let wanted = header.architecture.as_ref().map(|architecture| format!("{architecture}.context_length"));
        header.context_tokens = contexts.into_iter().find(|(key, _)| Some(key) == wanted.as_ref()).map(|(_, tokens)| tokens);
        let by_type = self.parameters(tensors)?;
        header.parameters = (tensors > 0).then(|| by_type.values().fold(0, |sum: u64, of| sum.saturating_add(*of)));
        header.quantisation = by_type.iter().max_by_key(|(_, of)| **of).map(|(kind, _)| stored_as(*kind));
        Ok(header)
    }

    /// How many parameters are stored in each way.
    fn parameters(&mut self, tensors: u64) -> io::Result<BTreeMap<u32, u64>> {
        let mut by_type = BTreeMap::new();
        for _ in 0..tensors {
            self.skip_string()?;
            let dimensions = u32::from_le_bytes(self.bytes()?);
            if dimensions > TENSOR_DIMENSIONS_MAX {
                return Err(wrong(format!("it holds a tensor of {dimensions} dimensions, and there are at most {TENSOR_DIMENSIONS_MAX}")));
            }
            let mut elements = 1_u64;
            for _ in 0..dimensions {
                elements = elements.saturating_mul(self.length()?);
            }
            let of: &mut u64 = by_type.entry(u32::from_le_bytes(self.bytes()?)).or_default();
            *of = of.saturating_add(elements);
            let _at = self.length()?;
        }
        Ok(by_type)
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.left = self.left.saturating_sub(N as u64);
        Ok(bytes)
    }

    fn length(&mut self) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    /// `None` for a string that is too long to be a name; it is passed over.
    fn name(&mut self) -> io::Result<Option<String>> {
        self.string(limits::GGUF_STRING_BYTES_MAX)
    }

    fn string(&mut self, bytes_max: u64) -> io::Result<Option<String>> {
        let length = self.length()?;
        if length > bytes_max {
            self.pass(length)?;
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.reader.by_ref().take(length).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left = self.left.saturating_sub(length);
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn skip(&mut self, kind: u32) -> io::Result<()> {
        match kind {
            STRING => self.skip_string(),
            ARRAY => {
                let kind = u32::from_le_bytes(self.bytes()?);
                let count = self.length()?;
                match kind {
                    STRING => (0..count).try_for_each(|_| self.skip_string()),
                    _ => self.pass(count.checked_mul(width(kind)?).ok_or(io::ErrorKind::UnexpectedEof)?),
                }
            }
            _ => self.pass(width(kind)?),
        }
    }

    fn skip_string(&mut self) -> io::Result<()> {
        let length = self.length()?;
        self.pass(length)
    }

    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        match i64::try_from(bytes) {
            Ok(by) if bytes <= self.left => {
                self.left -= bytes;
                self.reader.seek_relative(by)
            }
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

const U32: u32 = 4;
const STRING: u32 = 8;
const ARRAY: u32 = 9;
/// As ggml has it.
const TENSOR_DIMENSIONS_MAX: u32 = 4;

/// ggml's name of a way to store numbers; those that it gave up are told by number.
fn stored_as(kind: u32) -> String {
    let name = match kind {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        6 => "Q5_0",
        7 => "Q5_1",
        8 => "Q8_0",
        9 => "Q8_1",
        10 => "Q2_K",
        11 => "Q3_K",
        12 => "Q4_K",
        13 => "Q5_K",
        14 => "Q6_K",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        29 => "IQ1_M",
        30 => "BF16",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        other => return format!("type {other}"),
    };
    name.to_owned()
}

/// Bytes of a number, by type.
fn width(kind: u32) -> io::Result<u64> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        U32 | 5 | 6 => Ok(4),
        10..=12 => Ok(8),
        _ => Err(wrong(format!("its header holds a value of unknown type {kind}"))),
    }
}

fn wrong(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    }

    /// A header with these strings and some values that must be passed over.
    pub(crate) fn file(strings: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = [&b"GGUF"[..], &3_u32.to_le_bytes(), &0_u64.to_le_bytes(), &(strings.len() as u64 + 4).to_le_bytes()].concat();
        let number = |key: &str, kind: u32, value: &[u8]| [string(key), kind.to_le_bytes().to_vec(), value.to_vec()].concat();
        bytes.extend(number("llama.context_length", U32, &8192_u32.to_le_bytes()));
        bytes.extend(number("other.context_length", U32, &1_u32.to_le_bytes()));
        let tokens = [&STRING.to_le_bytes()[..], &2_u64.to_le_bytes(), &string("a"), &string("bc")].concat();
        bytes.extend(number("tokenizer.ggml.tokens", ARRAY, &tokens));
        bytes.extend(number("scores", ARRAY, &[&6_u32.to_le_bytes()[..], &3_u64.to_le_bytes(), &[0; 12]].concat()));
        for (key, value) in strings {
            bytes.extend(number(key, STRING, &string(value)));
        }
        bytes
    }

    fn read_bytes(bytes: &[u8]) -> Result<Header, String> {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), bytes).expect("write");
        read(file.path())
    }

    const STRINGS: &[(&str, &str)] = &[("general.architecture", "llama"), ("general.name", "Tiny"), ("general.license", "apache-2.0")];

    #[test]
    fn the_header_says_what_the_model_is() {
        let expected = Header {
            name: Some("Tiny".to_owned()),
            licence: Some("apache-2.0".to_owned()),
            context_tokens: Some(8192),
            architecture: Some("llama".to_owned()),
            ..Header::default()
        };
        assert_eq!(read_bytes(&file(STRINGS)), Ok(expected));
    }

    #[test]
    fn tensors_say_how_large_the_model_is_and_how_it_is_stored() {
        let tensor = |name: &str, sizes: &[u64], kind: u32| {
            let sizes: Vec<u8> = [(sizes.len() as u32).to_le_bytes().to_vec(), sizes.iter().flat_map(|size| size.to_le_bytes()).collect()].concat();
            [string(name), sizes, kind.to_le_bytes().to_vec(), vec![0; 8]].concat()
        };
        let template = "{% for message in messages %}".repeat(100);
        let mut bytes = file(&[STRINGS, &[("tokenizer.chat_template", &template)]].concat());
        bytes[8..16].copy_from_slice(&3_u64.to_le_bytes());
        bytes.extend([tensor("norm", &[64], 0), tensor("embed", &[64, 100], 8), tensor("up", &[64, 200], 12)].concat());
        let header = read_bytes(&bytes).expect("header");
        assert_eq!((header.parameters, header.quantisation.as_deref()), (Some(64 + 6400 + 12800), Some("Q4_K")));
        assert_eq!(header.chat_template, Some(template));
        bytes.truncate(bytes.len() - 30);
        assert!(read_bytes(&bytes).expect_err("cut").contains("not copied whole"));
        bytes[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read_bytes(&bytes).expect_err("lies").contains("tensors, over the limit"));
    }

    #[test]
    fn what_is_no_gguf_is_told() {
        let whole = file(STRINGS);
        let mut lying = whole.clone();
        lying[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
        for (bytes, part) in [
            (&b""[..], "not a GGUF file"),
            (b"PK\x03\x04 something else", "not a GGUF file"),
            (b"GGUF\x01\x00\x00\x00", "version 1"),
            (&whole[..whole.len() - 3], "not copied whole"),
            (&lying, "over the limit"),
        ] {
            let error = read_bytes(bytes).expect_err("not a model");
            assert!(error.contains(part), "{error:?} instead of {part:?}");
        }
    }

    proptest! {
        #[test]
        fn no_damage_harms(at in 4_usize..300, byte: u8, cut in 0_usize..400) {
            let mut bytes = file(STRINGS);
            if let Some(hit) = bytes.get_mut(at) {
                *hit = byte;
            }
            bytes.truncate(cut.max(8));
            // Either answer is fine; what matters is that it comes, and soon.
            let _ = read_bytes(&bytes);
        }
    }
}
