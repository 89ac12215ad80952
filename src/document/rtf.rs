//! Rich text (RTF), alone or packed in an Outlook message: its words with paragraphs as lines and cells parted by tabs, or the HTML that Outlook wrapped in it.
//! Written here because the crates for it are abandoned or keep no tables.

use std::collections::HashMap;

use super::decode;
use crate::limits;

/// What a rich text holds.
pub(super) enum Rich {
    Text(String),
    /// The page that was wrapped in it (MS-OXRTFEX).
    Html(String),
}

/// What holds for the words of a group.
#[derive(Clone, Copy)]
struct State {
    /// In a destination that holds no words of the text.
    is_skipped: bool,
    /// In `\*\htmltag`: words are the wrapped page's own.
    is_html_tag: bool,
    /// Between `\htmlrtf` and `\htmlrtf0`: for readers of rich text only.
    is_rtf_only: bool,
    /// Characters that stand in for one `\u`.
    stand_ins: usize,
    code_page: u16,
    font: i32,
}

/// Reads a rich text; `None` where it is none.
pub(super) fn read(bytes: &[u8]) -> Option<Rich> {
    if !bytes.starts_with(b"{\\rtf") {
        return None;
    }
    let mut reader = Reader {
        bytes,
        at: 0,
        out: String::new(),
        pending: Vec::new(),
        is_html: bytes[..bytes.len().min(4096)].windows(9).any(|window| window == b"\\fromhtml"),
        fonts: HashMap::new(),
        in_fonts: None,
        surrogate: None,
        default_page: 1252,
    };
    reader.run();
    let text = reader.out;
    Some(if reader.is_html { Rich::Html(text) } else { Rich::Text(text) })
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    out: String,
    /// Bytes of a code page that are not yet characters: letters of two bytes come in two escapes.
    pending: Vec<u8>,
    is_html: bool,
    /// Code page of each font.
    fonts: HashMap<i32, u16>,
    /// How deep the font table began.
    in_fonts: Option<usize>,
    surrogate: Option<u16>,
    default_page: u16,
}

impl Reader<'_> {
    fn run(&mut self) {
        let first = State { is_skipped: false, is_html_tag: false, is_rtf_only: false, stand_ins: 1, code_page: 1252, font: 0 };
        let mut groups = vec![first];
        let mut to_skip = 0;
        while let Some(byte) = self.bytes.get(self.at).copied() {
            self.at += 1;
            let depth = groups.len();
            let Some(state) = groups.last_mut() else { return };
            match byte {
                b'{' => {
                    self.flush(*state);
                    let inner = *state;
                    if depth < limits::RTF_GROUPS_MAX {
                        groups.push(inner);
                    }
                }
                b'}' => {
                    self.flush(*state);
                    if self.in_fonts == Some(depth) {
                        self.in_fonts = None;
                    }
                    groups.pop();
                }
                b'\\' => {
                    let before = to_skip;
                    self.control(state, depth, &mut to_skip);
                    if before > 0 && to_skip == before {
                        to_skip = 0;
                    }
                }
                b'\r' | b'\n' => {}
                _ if to_skip > 0 => to_skip -= 1,
                byte => self.byte(*state, byte),
            }
            if self.out.len() > limits::HTML_BYTES_MAX {
                return;
            }
        }
        if let Some(state) = groups.last() {
            self.flush(*state);
        }
    }

    fn is_kept(&self, state: State) -> bool {
        !(state.is_skipped || (self.is_html && state.is_rtf_only))
    }

    fn byte(&mut self, state: State, byte: u8) {
        if self.is_kept(state) {
            self.pending.push(byte);
        }
    }

    fn flush(&mut self, state: State) {
        if !self.pending.is_empty() {
            let bytes = std::mem::take(&mut self.pending);
            if bytes.is_ascii() {
                self.out.extend(bytes.iter().map(|byte| char::from(*byte)));
            } else {
                self.out.push_str(&decode::page(&bytes, state.code_page));
            }
        }
    }

    fn put(&mut self, state: State, text: &str) {
        self.flush(state);
        if self.is_kept(state) {
            self.out.push_str(text);
        }
    }

    /// A control word or symbol; `self.at` is behind its backslash.
    fn control(&mut self, state: &mut State, depth: usize, to_skip: &mut usize) {
        let Some(first) = self.bytes.get(self.at).copied() else { return };
        if !first.is_ascii_alphabetic() {
            self.at += 1;
            match first {
                b'\'' => {
                    let hex = self.bytes.get(self.at..self.at + 2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
                    self.at = (self.at + 2).min(self.bytes.len());
                    match hex {
                        Some(_) if *to_skip > 0 => *to_skip -= 1,
                        Some(byte) => self.byte(*state, byte),
                        None => {}
                    }
                }
                b'*' => {
                    let rest = &self.bytes[self.at..];
                    // Of the destinations that old readers pass over, only the wrapped page is wanted.
                    if rest.starts_with(b"\\htmltag") && self.is_html { state.is_html_tag = true } else { state.is_skipped = true }
                }
                b'~' => self.put(*state, " "),
                b'_' => self.put(*state, "-"),
                b'\\' | b'{' | b'}' => self.byte(*state, first),
                b'\n' | b'\r' => self.put(*state, "\n"),
                _ => {}
            }
            return;
        }
        let rest = &self.bytes[self.at..];
        let letters = rest.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let digits =
            rest[letters..].iter().take(11).enumerate().take_while(|(at, byte)| byte.is_ascii_digit() || (*at == 0 && **byte == b'-')).count();
        let word = std::str::from_utf8(&rest[..letters]).unwrap_or_default();
        let number: Option<i32> = std::str::from_utf8(&rest[letters..letters + digits]).ok().and_then(|digits| digits.parse().ok());
        self.at += letters + digits;
        if self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        self.word(state, depth, word, number, to_skip);
    }

    fn word(&mut self, state: &mut State, depth: usize, word: &str, number: Option<i32>, to_skip: &mut usize) {
        match word {
            "par" | "line" | "row" | "sect" | "page" if !self.is_html => self.put(*state, "\n"),
            "par" | "line" if state.is_html_tag => self.put(*state, "\n"),
            "cell" | "tab" | "nestcell" => self.put(*state, "\t"),
            "par" | "line" | "row" => self.put(*state, "\n"),
            "emdash" => self.put(*state, "\u{2014}"),
            "endash" => self.put(*state, "\u{2013}"),
            "bullet" => self.put(*state, "\u{2022}"),
            "lquote" => self.put(*state, "\u{2018}"),
            "rquote" => self.put(*state, "\u{2019}"),
            "ldblquote" => self.put(*state, "\u{201C}"),
            "rdblquote" => self.put(*state, "\u{201D}"),
            "fonttbl" => {
                self.in_fonts = Some(depth);
                state.is_skipped = true;
            }
            "colortbl" | "stylesheet" | "info" | "pict" | "object" | "header" | "footer" | "headerf" | "footerf" | "fldinst" | "listtable"
            | "listoverridetable" | "generator" | "themedata" | "nonshppict" | "xe" | "tc" => state.is_skipped = true,
            "htmlrtf" => {
                self.flush(*state);
                state.is_rtf_only = number != Some(0);
            }
            "ansicpg" => {
                self.default_page = number.and_then(|page| u16::try_from(page).ok()).filter(|page| *page > 0).unwrap_or(1252);
                state.code_page = self.default_page;
            }
            "f" => {
                self.flush(*state);
                state.font = number.unwrap_or(0);
                if self.in_fonts.is_none() {
                    state.code_page = self.fonts.get(&state.font).copied().unwrap_or(self.default_page);
                }
            }
            "fcharset" if self.in_fonts.is_some() => {
                let page = code_page(number.unwrap_or(0)).unwrap_or(self.default_page);
                self.fonts.insert(state.font, page);
            }
            "plain" | "pard" => {}
            "uc" => state.stand_ins = number.and_then(|count| usize::try_from(count).ok()).unwrap_or(1).min(8),
            "u" => {
                let unit = number.map_or(0, |number| (number & 0xFFFF) as u16);
                *to_skip = state.stand_ins;
                let units: Vec<u16> = self.surrogate.take().into_iter().chain([unit]).collect();
                if (0xD800..0xDC00).contains(&unit) {
                    self.surrogate = Some(unit);
                } else {
                    self.put(*state, &String::from_utf16_lossy(&units));
                }
            }
            "bin" => self.at = self.at.saturating_add(number.and_then(|count| usize::try_from(count).ok()).unwrap_or(0)).min(self.bytes.len()),
            _ => {}
        }
    }
}

/// Code page of a font's character set; `None` for the document's own.
fn code_page(charset: i32) -> Option<u16> {
    Some(match charset {
        0 => 1252,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        254 => 437,
        255 => 850,
        _ => return None,
    })
}

/// Unpacks rich text as Outlook packs it (MS-OXRTFCP); `None` where it is damaged.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    const PRIMED: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
    let word = |at: usize| Some(u32::from_le_bytes(packed.get(at..at + 4)?.try_into().ok()?));
    let (raw_size, kind) = (word(4)? as usize, word(8)?);
    let body = packed.get(16..)?;
    if kind == 0x414C_454D {
        return Some(body[..raw_size.min(body.len())].to_vec());
    }
    if kind != 0x7546_5A4C || raw_size > limits::BODY_BYTES_MAX {
        return None;
    }
    let mut window = [0_u8; 4096];
    window[..PRIMED.len()].copy_from_slice(PRIMED);
    let mut write = PRIMED.len();
    let mut out = Vec::new();
    let mut bytes = body.iter().copied();
    'runs: while let Some(control) = bytes.next() {
        for bit in 0..8 {
            let Some(first) = bytes.next() else { break 'runs };
            if control >> bit & 1 == 0 {
                out.push(first);
                window[write] = first;
                write = (write + 1) % 4096;
            } else {
                let Some(second) = bytes.next() else { break 'runs };
                let token = u16::from_be_bytes([first, second]);
                let (from, length) = (usize::from(token >> 4), usize::from(token & 15) + 2);
                if from == write {
                    break 'runs;
                }
                for step in 0..length {
                    let byte = window[(from + step) % 4096];
                    out.push(byte);
                    window[write] = byte;
                    write = (write + 1) % 4096;
                }
            }
            if out.len() >= raw_size {
                break 'runs;
            }
        }
    }
    out.truncate(raw_size);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(rtf: &[u8]) -> String {
        match read(rtf).expect("rich text") {
            Rich::Text(text) | Rich::Html(text) => text,
        }
    }

    #[test]
    fn words_cells_and_letters() {
        let rtf = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f1\fcharset128 MS Gothic;}}{\*\generator x;}\f0 M\'e4rz\par AX1\cell\u945?lpha\cell\row{\f1\'90\'bb\'95\'69}\line\{end\}}";
        assert_eq!(words(rtf), "März\nAX1\tαlpha\t\n製品\n{end}");
    }

    #[test]
    fn a_wrapped_page_comes_out() {
        let rtf = br"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}\htmlrtf \par \htmlrtf0 Part AX1{\*\htmltag72 </p>}}";
        assert!(matches!(read(rtf), Some(Rich::Html(html)) if html == "<p>Part AX1</p>"));
    }

    #[test]
    fn the_published_example_unpacks() {
        // MS-OXRTFCP, 4.1: simple compressed RTF.
        let packed = hex::decode("2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0").expect("hex");
        let unpacked = unpack(&packed).expect("unpacked");
        assert_eq!(unpacked, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
    }
}
