//! PDF: the words of each page by their places, as lines and tables. pdf_oxide reads the page twice: once as running text, which is held to be the truth, and once
//! as words with places, which give the layout; where the layout lacks a word of the text, the text is taken and that is told.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use pdf_oxide::{PdfDocument, converters::ConversionOptions};

use super::{
    builder::Builder,
    mail,
    pdf_layout::{self, Word},
    pdf_seen::{self, Sorted},
    text,
};
use crate::limits;

/// Adds the pages of a PDF.
pub(super) fn add(builder: &mut Builder, name: Option<&str>, bytes: &[u8]) -> Result<(), String> {
    let within = name.map(|name| format!("{name}: ")).unwrap_or_default();
    let pdf = guarded(|| PdfDocument::from_bytes(bytes.to_vec()).map_err(|error| error.to_string()))
        .map_err(|why| format!("the PDF is damaged ({}); get the file again", short(&why)))?;
    if pdf.is_encrypted() && !pdf.is_authenticated() {
        return Err("the PDF is protected by a password; open it and print it to a PDF without one, or ask the sender for that".to_owned());
    }
    let count = guarded(|| pdf.page_count().map_err(|error| error.to_string()))
        .map_err(|why| format!("the PDF is damaged: its pages cannot be counted ({}); get the file again", short(&why)))?;
    let mut pictures = Vec::new();
    let mut lost = 0;
    for number in 0..count.min(limits::PDF_PAGES_MAX) {
        let page = format!("page {}", number + 1);
        builder.page(name.map_or_else(|| page.clone(), |name| format!("{name}, {page}")));
        match guarded(|| read(&pdf, number)) {
            Ok(read) if read.words.is_empty() && read.hidden.is_empty() && read.running.trim().is_empty() => pictures.push((number + 1).to_string()),
            Ok(Read { words, hidden, running, is_recognised }) => {
                let mut laid_out = Builder::default();
                pdf_layout::add(&mut laid_out, words);
                // What is hidden stands in the running text, and is rightly missing from the layout.
                let hidden = hidden.join(" ");
                let lacking = mail::lacking(&running, &format!("{}\n{hidden}", laid_out.text()));
                if lacking.is_empty() {
                    builder.append(laid_out);
                } else {
                    builder.warn(format!("{within}{page} was read without its layout, which lacks {}", lacking.join(", ")));
                    text::lines(builder, &without(&running, &hidden));
                }
                builder.hide(&hidden);
                if is_recognised {
                    builder.warn(format!("{within}the text of {page} lies unseen under a picture, as text recognition leaves it: compare the two"));
                }
            }
            Err(why) => {
                lost += 1;
                builder.warn(format!("{within}{page} cannot be read ({})", short(&why)));
            }
        }
        if builder.is_full() {
            break;
        }
    }
    if count > limits::PDF_PAGES_MAX {
        builder.warn(format!("{within}the PDF has {count} pages; only the first {} were read", limits::PDF_PAGES_MAX));
    }
    // Every PDF ends with this mark; behind it some mailers append a little.
    let is_cut = !bytes[bytes.len().saturating_sub(2048)..].windows(5).any(|window| window == b"%%EOF");
    if is_cut && pictures.len() + lost == count {
        return Err("the PDF ends too early and no text of it is left; get the file again".to_owned());
    }
    if !pictures.is_empty() && pictures.len() + lost == count {
        return Err("the PDF has no text layer: it is a picture of a page, or its text is damaged; run it through text recognition (OCR), or ask the maker for the original"
            .to_owned());
    }
    if count == 0 || lost == count {
        return Err("the PDF is damaged: no page of it can be read; get the file again".to_owned());
    }
    if !pictures.is_empty() {
        builder.warn(format!("{within}pages without text, which may be pictures of text: {}", pictures.join(", ")));
    }
    if is_cut {
        builder.warn(format!("{within}the PDF ends too early: pages may be missing; get the file again"));
    }
    Ok(())
}

/// A page as it is read.
struct Read {
    words: Vec<Word>,
    hidden: Vec<String>,
    running: String,
    is_recognised: bool,
}

/// The words of a page with their places, what nobody sees of them, and its running text.
fn read(pdf: &PdfDocument, page: usize) -> Result<Read, String> {
    let plain = ConversionOptions { extract_tables: false, ..ConversionOptions::default() };
    let running = pdf.extract_text_with_options(page, &plain).map_err(|error| error.to_string())?;
    let words = pdf.extract_words(page).map_err(|error| error.to_string())?;
    let Sorted { seen, hidden, is_recognised } = pdf_seen::sort(pdf, page, words)?;
    let words = seen.into_iter().map(|word| Word {
        text: word.text,
        left: word.bbox.x,
        right: word.bbox.x + word.bbox.width,
        bottom: word.bbox.y,
        height: word.bbox.height,
    });
    Ok(Read { words: words.filter(Word::is_placed).collect(), hidden, running, is_recognised })
}

/// The lines of a text without those of which every word is hidden.
fn without(running: &str, hidden: &str) -> String {
    let hidden: HashSet<&str> = hidden.split_whitespace().collect();
    let is_seen = |line: &&str| line.trim().is_empty() || line.split_whitespace().any(|word| !hidden.contains(word));
    running.lines().filter(is_seen).collect::<Vec<_>>().join("\n")
}

/// A panic in the PDF reader costs a page, not the document.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("the reader failed on it".to_owned()))
}

/// An error of the PDF reader may repeat what it read.
fn short(why: &str) -> String {
    why.chars().filter(|c| !c.is_control()).take(120).collect()
}
