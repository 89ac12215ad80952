//! Outlook messages (.msg, MS-OXMSG): head lines and body as of a mail, attachments, and messages within. Properties are streams named after their number and type.
//! Written here because the crates for it read no code pages, no rich text and no messages within messages.

use std::{
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

use cfb::CompoundFile;

use super::{
    builder::Builder,
    decode, html,
    mail::{self, Attachments, Head},
    nesting::Nesting,
    rtf::{self, Rich},
    text,
};
use crate::limits;

type File<'a> = CompoundFile<Cursor<&'a [u8]>>;

const SUBJECT: u16 = 0x0037;
const SENT_AT: u16 = 0x0039;
const SENDER_NAME: [u16; 2] = [0x0042, 0x0C1A];
const SENDER_ADDRESS: [u16; 4] = [0x5D02, 0x5D01, 0x0065, 0x0C1F];
const ARRIVED_AT: u16 = 0x0E06;
const BODY: u16 = 0x1000;
const RICH_BODY: u16 = 0x1009;
const HTML_BODY: u16 = 0x1013;
const ATTACHED: u16 = 0x3701;
const FILE_NAMES: [u16; 3] = [0x3707, 0x3704, 0x3001];
const MEDIA_TYPE: u16 = 0x370E;
const BODY_CODE_PAGE: u16 = 0x3FDE;
const CODE_PAGE: u16 = 0x3FFD;

/// Adds a message; the sentence says why it cannot be read.
pub(super) fn add(builder: &mut Builder, name: Option<&str>, bytes: &[u8], nesting: Nesting<'_>) -> Result<(), String> {
    let damaged = |error: &dyn std::fmt::Display| {
        format!(
            "the Outlook message or old Office file is damaged ({}); save it again, or as .eml",
            error.to_string().chars().filter(|c| !c.is_control()).take(100).collect::<String>()
        )
    };
    let mut file = CompoundFile::open(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    if !file.exists("/__properties_version1.0") {
        return Err("it is an old Office file (doc, ppt) or another compound file, which is not read: save it as PDF or text".to_owned());
    }
    message(builder, name, &mut file, Path::new("/"), nesting);
    Ok(())
}

/// Whether a compound file is a workbook.
pub(super) fn is_workbook(bytes: &[u8]) -> bool {
    CompoundFile::open(Cursor::new(bytes)).is_ok_and(|file| file.exists("/Workbook") || file.exists("/Book"))
}

fn message(builder: &mut Builder, name: Option<&str>, file: &mut File<'_>, at: &Path, nesting: Nesting<'_>) {
    let mut of = Properties { file, at, page: 1252, nesting };
    of.page = of.number(CODE_PAGE).filter(|page| *page > 0).unwrap_or(1252);
    let from_name = SENDER_NAME.iter().find_map(|id| of.text(*id));
    let address = SENDER_ADDRESS.iter().find_map(|id| of.text(*id).filter(|address| address.contains('@')));
    let from = match (from_name, address) {
        (Some(name), Some(address)) if name != address => Some(format!("{name} <{address}>")),
        (one, other) => other.or(one),
    };
    let moment = of.moment(SENT_AT).or_else(|| of.moment(ARRIVED_AT));
    Head { from: from.map(Into::into), subject: of.text(SUBJECT).map(Into::into), date: moment.map(Into::into) }.add(builder, name);
    let mut versions = (Builder::default(), Builder::default());
    text::lines(&mut versions.0, &of.text(BODY).unwrap_or_default());
    let body_page = of.number(BODY_CODE_PAGE).unwrap_or(65001);
    let page = of.text(HTML_BODY).or_else(|| of.stream(HTML_BODY, 0x0102).map(|bytes| decode::page(&bytes, body_page)));
    if let Some(page) = page {
        html::body(&mut versions.1, &page, false);
    } else if let Some(packed) = of.stream(RICH_BODY, 0x0102) {
        match rtf::unpack(&packed).as_deref().and_then(rtf::read) {
            Some(Rich::Html(page)) => html::body(&mut versions.1, &page, false),
            Some(Rich::Text(words)) if versions.0.text().trim().is_empty() => text::lines(&mut versions.0, &words),
            Some(Rich::Text(_)) => {}
            None => builder.warn("the message's rich text is damaged and was not read"),
        }
    }
    mail::choose(builder, versions.0, versions.1);
    attached(builder, name, of.file, at, nesting);
}

fn attached(builder: &mut Builder, name: Option<&str>, file: &mut File<'_>, at: &Path, nesting: Nesting<'_>) {
    let mut places: Vec<PathBuf> = file
        .read_storage(at)
        .map(|entries| {
            entries
                .take(limits::UNPACKED_ENTRIES_MAX)
                .filter(|entry| entry.is_storage() && entry.name().starts_with("__attach_version1.0_"))
                .map(|entry| at.join(entry.name()))
                .collect()
        })
        .unwrap_or_default();
    places.sort();
    let mut attachments = Attachments::new(nesting);
    for place in places {
        let mut of = Properties { file, at: &place, page: 1252, nesting };
        let file_name = FILE_NAMES.iter().find_map(|id| of.text(*id));
        let media_type = of.text(MEDIA_TYPE).unwrap_or_default().to_ascii_lowercase();
        let within = place.join("__substg1.0_3701000D");
        if file.is_storage(&within) {
            if !file.exists(within.join("__properties_version1.0")) {
                builder.warn(format!("{} is an embedded object and was not read", file_name.as_deref().unwrap_or("an attachment")));
                continue;
            }
            let Some(named) = attachments.next(builder, name, file_name.as_deref(), "attached mail") else { return };
            if nesting.deeper().is_too_deep() {
                builder.warn(format!("{named}: mails nest deeper than {}; what is deeper was not read", limits::NESTING_MAX));
            } else {
                message(builder, Some(&named), file, &within, nesting.deeper());
            }
            continue;
        }
        let mut of = Properties { file, at: &place, page: 1252, nesting };
        match of.stream(ATTACHED, 0x0102) {
            Some(bytes) => attachments.file(builder, name, file_name.as_deref(), &media_type, &bytes),
            None => builder.warn(format!("{} was not read: the message holds only its name", file_name.as_deref().unwrap_or("an attachment"))),
        }
    }
    attachments.end(builder, name);
}

/// The properties of a message or an attachment.
struct Properties<'f, 'b, 'n> {
    file: &'f mut File<'b>,
    at: &'f Path,
    /// Code page of texts that are not Unicode.
    page: u16,
    nesting: Nesting<'n>,
}

impl Properties<'_, '_, '_> {
    fn stream(&mut self, id: u16, kind: u16) -> Option<Vec<u8>> {
        self.bytes(&format!("__substg1.0_{id:04X}{kind:04X}"))
    }

    fn bytes(&mut self, name: &str) -> Option<Vec<u8>> {
        let most = self.nesting.bytes_left();
        let stream = self.file.open_stream(self.at.join(name)).ok()?;
        let mut bytes = Vec::new();
        // A stream that loops back into itself ends at the bound.
        stream.take(most as u64).read_to_end(&mut bytes).ok()?;
        self.nesting.unpacked(bytes.len());
        Some(bytes)
    }

    fn text(&mut self, id: u16) -> Option<String> {
        let text = match self.stream(id, 0x001F) {
            Some(wide) => {
                let units: Vec<u16> = wide.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
                String::from_utf16_lossy(&units)
            }
            None => decode::page(&self.stream(id, 0x001E)?, self.page),
        };
        let text = text.trim_end_matches('\0').to_owned();
        (!text.trim().is_empty()).then_some(text)
    }

    /// A value of fixed length; these stand in one stream, sixteen bytes each, behind a head whose length depends on where it stands.
    fn fixed(&mut self, id: u16, kind: u16) -> Option<[u8; 8]> {
        let all = self.bytes("__properties_version1.0")?;
        let tag = u32::from(id) << 16 | u32::from(kind);
        let head = [32, 24, 8].into_iter().find(|head| all.len() >= *head && (all.len() - head).is_multiple_of(16))?;
        all.get(head..)?.chunks_exact(16).find(|entry| entry[..4] == tag.to_le_bytes()).and_then(|entry| entry[8..].try_into().ok())
    }

    fn number(&mut self, id: u16) -> Option<u16> {
        let value = self.fixed(id, 0x0003)?;
        u16::try_from(u32::from_le_bytes([value[0], value[1], value[2], value[3]])).ok()
    }

    /// A moment, in UTC as mails write it. It is stored in units of 100 ns since 1601.
    fn moment(&mut self, id: u16) -> Option<String> {
        let ticks = i64::from_le_bytes(self.fixed(id, 0x0040)?);
        let seconds = (ticks / 10_000_000).checked_sub(11_644_473_600)?;
        let moment = jiff::Timestamp::from_second(seconds).ok()?;
        Some(moment.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string())
    }
}
