//! TNEF (MS-OXTNEF): `winmail.dat`, into which Outlook and Exchange pack a mail's rich body and its attachments. Attributes follow one another, each with its length; those
//! that matter hold properties as of an Outlook message. Crate `tnef` (0.1.1) reads attachments only,
//! and neither the properties nor the body, which is where a notice stands: so it is read here.

use super::{
    builder::Builder,
    decode, html,
    mail::{self, Attachments, Head},
    nesting::Nesting,
    rtf::{self, Rich},
    text,
};
use crate::limits;

/// First bytes of the format.
pub(super) const MAGIC: &[u8] = b"\x78\x9F\x3E\x22";

const CODE_PAGE: u32 = 0x0006_9007;
const SUBJECT: u32 = 0x0001_8004;
const BODY: u32 = 0x0002_800C;
const MESSAGE_PROPERTIES: u32 = 0x0006_9003;
/// An attachment begins.
const ATTACHMENT: u32 = 0x0006_9002;
const ATTACHMENT_TITLE: u32 = 0x0001_8010;
const ATTACHMENT_DATA: u32 = 0x0006_800F;
const ATTACHMENT_PROPERTIES: u32 = 0x0006_9005;

/// Properties of a message and of an attachment, by their number (MS-OXPROPS).
const SUBJECT_TEXT: u16 = 0x0037;
const PLAIN_BODY: u16 = 0x1000;
const RICH_BODY: u16 = 0x1009;
const HTML_BODY: u16 = 0x1013;
const DATA: u16 = 0x3701;
const FILE_NAMES: [u16; 3] = [0x3707, 0x3704, 0x3001];
const MEDIA_TYPE: u16 = 0x370E;

/// What a property holds.
enum Value {
    Text(String),
    Bytes(Vec<u8>),
    /// An object behind its class id: a message within, or something embedded.
    Object(Vec<u8>),
}

#[derive(Default)]
struct Attachment {
    name: Option<String>,
    media_type: String,
    bytes: Option<Vec<u8>>,
    is_object: bool,
}

/// Adds the body and the attachments; the sentence says why nothing of it can be read.
pub(super) fn add(builder: &mut Builder, name: Option<&str>, bytes: &[u8], nesting: Nesting<'_>) -> Result<(), String> {
    // Behind the magic stands a key that nothing needs.
    let mut cursor = Cursor(bytes.get(6..).unwrap_or_default());
    let (mut subject, mut plain, mut page) = (None, None, 1252_u16);
    let (mut versions, mut attachments) = ((Builder::default(), Builder::default()), Vec::<Attachment>::new());
    let mut is_cut = false;
    while !cursor.0.is_empty() {
        let Some((id, data)) = cursor.attribute() else {
            is_cut = true;
            break;
        };
        match id {
            CODE_PAGE => page = Cursor(data).u32().and_then(|page| u16::try_from(page).ok()).filter(|page| *page > 0).unwrap_or(page),
            SUBJECT => subject = Some(in_page(data, page)),
            BODY => plain = Some(in_page(data, page)),
            MESSAGE_PROPERTIES => {
                for (id, value) in properties(data, page, builder) {
                    match (id, value) {
                        (SUBJECT_TEXT, Value::Text(text)) => subject = Some(text),
                        (PLAIN_BODY, Value::Text(text)) => plain = Some(text),
                        (HTML_BODY, Value::Text(text)) => html::body(&mut versions.1, &text, false),
                        (HTML_BODY, Value::Bytes(bytes)) => html::body(&mut versions.1, &decode::text(&bytes, None).0, false),
                        (RICH_BODY, Value::Bytes(packed)) => match rtf::unpack(&packed).as_deref().and_then(rtf::read) {
                            Some(Rich::Html(page)) => html::body(&mut versions.1, &page, false),
                            Some(Rich::Text(words)) => text::lines(&mut versions.0, &words),
                            None => builder.warn("the message's rich text is damaged and was not read"),
                        },
                        _ => {}
                    }
                }
            }
            ATTACHMENT => attachments.push(Attachment::default()),
            ATTACHMENT_TITLE | ATTACHMENT_DATA | ATTACHMENT_PROPERTIES => {
                if attachments.is_empty() {
                    attachments.push(Attachment::default());
                }
                let Some(attachment) = attachments.last_mut() else { continue };
                match id {
                    ATTACHMENT_TITLE => attachment.name = Some(in_page(data, page)).filter(|name| !name.is_empty()),
                    ATTACHMENT_DATA => attachment.bytes = Some(data.to_vec()),
                    _ => attachment.take(properties(data, page, builder)),
                }
            }
            _ => {}
        }
        if attachments.len() > limits::MAIL_PARTS_MAX {
            break;
        }
    }
    if is_cut {
        builder.warn(format!("{} ends too early: what follows was not read", name.unwrap_or("the TNEF file")));
    }
    if versions.0.text().trim().is_empty() {
        text::lines(&mut versions.0, &plain.unwrap_or_default());
    }
    Head { from: None, subject: subject.filter(|subject| !subject.trim().is_empty()).map(Into::into), date: None }.add(builder, name);
    mail::choose(builder, versions.0, versions.1);
    let mut named = Attachments::new(nesting);
    for attachment in attachments {
        let file_name = attachment.name.as_deref();
        match attachment.bytes {
            Some(bytes) if attachment.is_object && !bytes.starts_with(MAGIC) => {
                builder.warn(format!("{} is an embedded object and was not read", file_name.unwrap_or("an attachment")));
            }
            // A message within is TNEF again.
            Some(bytes) => named.file(builder, name, file_name, &attachment.media_type, &bytes),
            None => builder.warn(format!("{} was not read: the message holds only its name", file_name.unwrap_or("an attachment"))),
        }
    }
    named.end(builder, name);
    Ok(())
}

impl Attachment {
    fn take(&mut self, properties: Vec<(u16, Value)>) {
        let mut best = FILE_NAMES.len();
        for (id, value) in properties {
            match (id, value) {
                (MEDIA_TYPE, Value::Text(text)) => self.media_type = text.to_ascii_lowercase(),
                (DATA, Value::Object(bytes)) => (self.bytes, self.is_object) = (Some(bytes), true),
                (DATA, Value::Bytes(bytes)) => self.bytes = Some(bytes),
                // The long name before the short one.
                (id, Value::Text(text)) if !text.trim().is_empty() => {
                    if let Some(rank) = FILE_NAMES.iter().position(|of| *of == id).filter(|rank| *rank < best) {
                        (best, self.name) = (rank, Some(text));
                    }
                }
                _ => {}
            }
        }
    }
}

fn in_page(data: &[u8], page: u16) -> String {
    decode::page(data, page).trim_end_matches('\0').to_owned()
}

/// The texts and bytes among a list of properties; where the list breaks off, what came before counts.
fn properties(data: &[u8], page: u16, builder: &mut Builder) -> Vec<(u16, Value)> {
    let mut cursor = Cursor(data);
    let mut found = Vec::new();
    let count = cursor.u32().unwrap_or(0);
    for _ in 0..count.min(limits::TNEF_PROPERTIES_MAX) {
        match cursor.property(page) {
            Some((id, Some(value))) => found.push((id, value)),
            Some((_, None)) => {}
            None => {
                builder.warn("a list of properties in the TNEF file is damaged and was read as far as it goes");
                break;
            }
        }
    }
    found
}

/// Bytes that are still to be read. Everything is little endian.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    /// Level, id, length, data, checksum. Writers get the checksum wrong, so it is passed over.
    fn attribute(&mut self) -> Option<(u32, &'a [u8])> {
        self.take(1)?;
        let (id, length) = (self.u32()?, self.u32()?);
        let data = self.take(usize::try_from(length).ok()?)?;
        self.take(2)?;
        Some((id, data))
    }

    /// So many bytes, and what fills them up to a multiple of four.
    fn padded(&mut self, length: usize) -> Option<&'a [u8]> {
        let data = self.take(length)?;
        let fill = length.next_multiple_of(4) - length;
        // The last one is often not filled up.
        self.take(fill.min(self.0.len()))?;
        Some(data)
    }

    /// One property; of several values the first. `None` inside: it holds neither text nor bytes.
    fn property(&mut self, page: u16) -> Option<(u16, Option<Value>)> {
        let (kind, id) = (self.u16()?, self.u16()?);
        if id >= 0x8000 {
            // A name: the set it belongs to, and a number or a text.
            self.take(16)?;
            match self.u32()? {
                0 => self.u32().map(drop)?,
                _ => {
                    let length = usize::try_from(self.u32()?).ok()?;
                    self.padded(length).map(drop)?;
                }
            }
        }
        let is_many = kind & 0x1000 != 0;
        let fixed = match kind & 0x0FFF {
            0x0002..=0x0004 | 0x000A | 0x000B => Some(4),
            0x0005..=0x0007 | 0x0014 | 0x0040 => Some(8),
            0x0048 => Some(16),
            _ => None,
        };
        if let Some(size) = fixed {
            let count = if is_many { usize::try_from(self.u32()?).ok()? } else { 1 };
            self.take(count.checked_mul(size)?)?;
            return Some((id, None));
        }
        let mut first = None;
        for at in 0..self.u32()? {
            let length = usize::try_from(self.u32()?).ok()?;
            let data = self.padded(length)?;
            if at > 0 {
                continue;
            }
            first = match kind & 0x0FFF {
                0x001E => Some(Value::Text(in_page(data, page))),
                0x001F => {
                    let units: Vec<u16> = data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
                    Some(Value::Text(String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned()))
                }
                0x0102 => Some(Value::Bytes(data.to_vec())),
                0x000D => Some(Value::Object(data.get(16..).unwrap_or_default().to_vec())),
                _ => return None,
            };
        }
        Some((id, first))
    }
}
