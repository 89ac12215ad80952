//! ZIP and gzip: what they hold is read as if it had come by itself, each entry as pages named after it. Names are labels for people and never paths. Depth, number,
//! size and the ratio of packing are bounded for the document as a whole (`nesting`).

use std::{
    borrow::Cow,
    io::{Cursor, Read},
};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::{
    builder::Builder,
    decode, docx,
    nesting::Nesting,
    open::{self, Hints},
    sheet::{self, Form},
    smartpcn,
};
use crate::{domain::document::Format, limits};

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Adds what a ZIP holds: a workbook, a Word file, a smartPCN container, or files.
pub(super) fn zip(builder: &mut Builder, hints: &Hints<'_>, bytes: &[u8]) -> Result<Format, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| format!("the ZIP archive is damaged ({}); get the file again", short(&error.to_string())))?;
    if archive.len() > limits::UNPACKED_ENTRIES_MAX {
        return Err(format!(
            "the ZIP archive has {} entries, over the limit of {}; hand in the file that matters",
            archive.len(),
            limits::UNPACKED_ENTRIES_MAX
        ));
    }
    let has = |name: &str| archive.index_for_name(name).is_some();
    let form = [("xl/workbook.xml", Form::Xlsx), ("xl/workbook.bin", Form::Xlsb), ("content.xml", Form::Ods)];
    if let Some((_, form)) = form.into_iter().find(|(entry, form)| has(entry) && (!matches!(form, Form::Ods) || has("META-INF/manifest.xml"))) {
        measure(&mut archive, hints.nesting)?;
        return sheet::add(builder, hints.name, form, bytes).map(|()| Format::Sheet);
    }
    if has("ppt/presentation.xml") {
        return Err("it is a presentation (pptx), which is not read: save it as PDF".to_owned());
    }
    if has("[Content_Types].xml") {
        let names: Vec<String> = archive.file_names().flatten().map(Cow::into_owned).collect();
        let parts = docx::parts(names.iter().map(String::as_str));
        if parts.iter().any(|(name, _)| name.starts_with("word/document")) {
            return word(builder, hints, &mut archive, &parts);
        }
    }
    if let Some(at) = (0..archive.len()).find(|at| archive.name_for_index(*at).and_then(Result::ok).is_some_and(|name| name == "PCNbody.xml")) {
        let body = unpack(&mut archive, at, hints.nesting)?;
        let others = archive.len() - 1;
        let format = smartpcn::add(builder, hints.name, &body)?;
        if format == Format::Json {
            if others > 0 {
                builder.warn(format!("the smartPCN container's body was read; its other files ({others}) were not"));
            }
            return Ok(format);
        }
        entries(builder, hints, &mut archive, Some(at));
        return Ok(Format::Archive);
    }
    entries(builder, hints, &mut archive, None);
    Ok(Format::Archive)
}

/// Adds the parts of a Word file. One that is damaged costs the file, because what it lacks could be the list of parts; a head or a note does not.
fn word(builder: &mut Builder, hints: &Hints<'_>, archive: &mut Archive<'_>, parts: &[(&str, &str)]) -> Result<Format, String> {
    for (name, page) in parts {
        let of = hints.name.map_or_else(|| (*page).to_owned(), |within| format!("{within}, {page}"));
        let read =
            archive.index_for_name(name).ok_or_else(|| "it is not there".to_owned()).and_then(|at| unpack(archive, at, hints.nesting)).and_then(
                |xml| {
                    let mut part = Builder::default();
                    part.page(of.clone());
                    docx::add(&mut part, &of, &decode::text(&xml, Some("utf-8")).0)?;
                    Ok(part)
                },
            );
        match read {
            // A letter without a head has an empty one.
            Ok(part) if part.text().trim().is_empty() => {}
            Ok(part) if hints.name.is_none() => builder.append_part(part),
            Ok(part) => builder.append(part),
            Err(why) if name.starts_with("word/document") => return Err(why),
            Err(why) => builder.warn(format!("{of} was not read: {why}")),
        }
    }
    let pictures = archive.file_names().flatten().filter(|name| name.starts_with("word/media/")).count();
    if pictures > 0 {
        let within = hints.name.map(|name| format!("{name}: ")).unwrap_or_default();
        let what = if pictures == 1 { "1 picture is".to_owned() } else { format!("{pictures} pictures are") };
        builder.warn(format!("{within}{what} not read"));
    }
    Ok(Format::Word)
}

/// Adds every entry but one that was read before.
fn entries(builder: &mut Builder, hints: &Hints<'_>, archive: &mut Archive<'_>, but: Option<usize>) {
    for at in (0..archive.len()).filter(|at| Some(*at) != but) {
        let name = archive.name_for_index(at).and_then(Result::ok).map_or_else(|| format!("entry {}", at + 1), Cow::into_owned);
        if name.ends_with('/') {
            continue;
        }
        // What file managers leave beside the files.
        if name.starts_with("__MACOSX/") || name.ends_with(".DS_Store") || name.ends_with("Thumbs.db") {
            continue;
        }
        let name = label(&name);
        let named = hints.name.map_or_else(|| name.clone(), |within| format!("{within}, {name}"));
        if !hints.nesting.take_entry() {
            builder.warn(format!("more than {} files are packed in it; the rest was not read", limits::UNPACKED_ENTRIES_MAX));
            break;
        }
        match unpack(archive, at, hints.nesting) {
            Ok(bytes) => part(builder, hints, &named, &bytes),
            Err(why) => builder.warn(format!("{named} was not read: {why}")),
        }
        if builder.is_full() {
            break;
        }
    }
}

/// Adds what a gzip file holds.
pub(super) fn gzip(builder: &mut Builder, hints: &Hints<'_>, bytes: &[u8]) -> Result<Format, String> {
    let unpacked = bounded(MultiGzDecoder::new(bytes), bytes.len(), hints.nesting)?;
    if !hints.nesting.take_entry() {
        return Err(format!("more than {} files are packed in it", limits::UNPACKED_ENTRIES_MAX));
    }
    let inner = Hints { nesting: hints.nesting.deeper(), ..*hints };
    open::add(builder, &inner, &unpacked)
}

/// Of a file that cannot be read no empty pages are left behind.
fn part(builder: &mut Builder, hints: &Hints<'_>, name: &str, bytes: &[u8]) {
    let mut file = Builder::default();
    let inner = Hints { name: Some(name), file_name: Some(name), is_mail: false, charset: None, nesting: hints.nesting.deeper() };
    match open::add(&mut file, &inner, bytes) {
        Ok(_) => builder.append(file),
        Err(why) => builder.warn(format!("{name} was not read: {why}")),
    }
}

fn unpack(archive: &mut Archive<'_>, at: usize, nesting: Nesting<'_>) -> Result<Vec<u8>, String> {
    if archive.by_index_raw(at).is_ok_and(|entry| entry.encrypted()) {
        return Err("it is protected by a password; unpack it and hand in what it holds".to_owned());
    }
    let entry = archive.by_index(at).map_err(|error| format!("it is damaged or packed in an unknown way ({})", short(&error.to_string())))?;
    let packed = usize::try_from(entry.compressed_size()).unwrap_or(usize::MAX);
    bounded(entry, packed, nesting)
}

/// Unpacks all of a workbook once to see that it keeps within bounds: who reads it then trusts sizes that the file itself states.
fn measure(archive: &mut Archive<'_>, nesting: Nesting<'_>) -> Result<(), String> {
    for at in 0..archive.len() {
        let name = archive.name_for_index(at).and_then(Result::ok).map(Cow::into_owned).unwrap_or_default();
        // Pictures are not read at all.
        if name.contains("/media/") || name.starts_with("Pictures/") {
            continue;
        }
        unpack(archive, at, nesting).map_err(|why| format!("the workbook cannot be read: {}: {why}", label(&name)))?;
    }
    Ok(())
}

/// Reads to the end, unless it grows past what one document may unpack or past what honest packing gives.
fn bounded(reader: impl Read, packed: usize, nesting: Nesting<'_>) -> Result<Vec<u8>, String> {
    let most = nesting.bytes_left();
    let by_ratio = packed.saturating_mul(limits::UNPACKED_RATIO_MAX).max(limits::UNPACKED_RATIO_FREE_BYTES);
    let mut bytes = Vec::new();
    let read = reader.take(most.min(by_ratio) as u64 + 1).read_to_end(&mut bytes);
    nesting.unpacked(bytes.len());
    if bytes.len() > by_ratio {
        return Err(format!("it unpacks to more than {} times its size, as only bombs do", limits::UNPACKED_RATIO_MAX));
    }
    if bytes.len() > most {
        return Err(format!("it unpacks to more than the {} MiB that one document may take", limits::UNPACKED_BYTES_MAX >> 20));
    }
    read.map_err(|error| format!("it is damaged ({}); get the file again", short(&error.to_string())))?;
    Ok(bytes)
}

/// The last part of a name, as far as a person can read it.
fn label(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or("unnamed");
    let label: String = last.chars().filter(|c| !c.is_control()).take(80).collect();
    if label.trim().is_empty() { "unnamed".to_owned() } else { label }
}

fn short(why: &str) -> String {
    why.chars().filter(|c| !c.is_control()).take(100).collect()
}
