//! Several notices in one document: letters one after another in a file, a mail that collects notices. They are told apart by structure: places where a notice begins,
//! each with a number of its own and, below it, parts and days of its own. What stands before the first (a letterhead, a subject) and behind the last belongs to each.
//!
//! Each is then read as a document of its own, in which the others are blank, so that every place stays that of the whole. Where the structure is there but not clear the
//! document is read as one, and a person must look.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

use super::{dates, ids, layout::Layout, parts};
use crate::{
    domain::document::{Document, Span, Table},
    limits,
};

/// How many notices a document seems to hold.
pub(super) enum Several {
    One,
    /// One after the other, each as a document, with its number.
    Sure(Vec<(String, Document)>),
    /// Their numbers.
    Unsure(Vec<String>),
}

/// Where a notice begins.
struct Beginning {
    at: u32,
    /// Of the number.
    id: Span,
    /// `1)`, `A)`: its value from 1.
    mark: Option<u32>,
    /// A line drawn across, or the start of a page, above it.
    is_parted: bool,
}

/// What stands in the line where a notice begins, before its number.
static KIND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:notice|notification|bulletin|advisory|discontinu\w*|obsolescence|end[ -]of[ -]life|change|withdrawal|retraction|PDN|PCN|EOL|NRND|PTN)\b|abk[üu]ndigung|mitteilung|[äa]nderung|r[üu]cknahme|avis|arr[êe]t|changement|modification|aviso|descontinuaci[óo]n|cambio|retirada|通知|終了|廃止|変更|停产|停止|变更|停產|變更",
    )
    .ok()
});
static MARK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\(?(?P<mark>\d{1,2}|[A-Za-z])[).:]\s+").ok());
static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Z0-9][A-Za-z0-9]*(?:[-_/.#][A-Za-z0-9]+)+|[A-Z]{1,6}\d{3,}").ok());
/// Characters of a line in which a notice begins; more are a sentence.
const LINE_CHARS_MAX: usize = 120;
/// Characters before the kind, and between it and the number.
const BEFORE_KIND_MAX: usize = 40;
const BETWEEN_MAX: usize = 40;
/// Lines of a page in which a letter names its number.
const HEAD_LINES: usize = 20;
/// A number in the head of a page counts from this evidence on: it stands behind a label, and is nobody else's.
const OWN_EVIDENCE: f64 = 3.5;

/// Looks for several notices.
pub(super) fn find(document: &Document) -> Several {
    let layout = Layout::new(document);
    for beginnings in [by_lines(&layout), by_pages(document)] {
        let numbers: Vec<String> = beginnings.iter().map(|beginning| document.slice(beginning.id).to_owned()).collect();
        if numbers.len() < 2 {
            continue;
        }
        let parted = beginnings.iter().all(|beginning| beginning.is_parted);
        let counted = beginnings.iter().enumerate().all(|(at, beginning)| beginning.mark == u32::try_from(at + 1).ok());
        let documents = apart(&layout, &beginnings);
        let whole = documents.iter().zip(&numbers).all(|((section, one), number)| is_whole(one, *section, number));
        let strange = numbers.iter().enumerate().any(|(at, number)| {
            let mut others = documents.iter().enumerate().filter(|(other, _)| *other != at);
            others.any(|(_, (section, one))| ids::fold(one.slice(*section)).contains(&ids::fold(number)))
        });
        return if (parted || counted) && whole && !strange && numbers.len() <= limits::NOTICES_MAX {
            Several::Sure(numbers.into_iter().zip(documents.into_iter().map(|(_, one)| one)).collect())
        } else if parted || counted {
            Several::Unsure(numbers)
        } else {
            Several::One
        };
    }
    Several::One
}

/// Lines that name a kind of notice and then a number: a list that counts them, or headings below a line across.
fn by_lines(layout: &Layout<'_>) -> Vec<Beginning> {
    let (Some(kind), Some(mark), Some(number)) = (KIND.as_ref(), MARK.as_ref(), NUMBER.as_ref()) else { return Vec::new() };
    let mut seen = HashSet::new();
    let mut beginnings = Vec::new();
    for at in 0..layout.line_count() {
        let line = layout.line(at);
        let text = line.trim_start_matches([' ', '\t', '>', '*', '#']);
        let marked = mark.captures(text);
        let rest = marked.as_ref().and_then(|found| found.get(0)).map_or(text, |found| &text[found.end()..]);
        if rest.chars().count() > LINE_CHARS_MAX {
            continue;
        }
        let Some(of_kind) = kind.find(rest).filter(|found| found.start() <= BEFORE_KIND_MAX) else { continue };
        // The kind may be part of the number: `PDN-2026-17`.
        let found = number.find_iter(rest).find(|found| found.end() > of_kind.start() && is_number(found.as_str()));
        let Some(found) = found.filter(|found| found.start() <= of_kind.end() + BETWEEN_MAX) else { continue };
        let is_parted = (0..at).rev().map(|above| layout.line(above)).find(|above| !above.trim().is_empty()).is_some_and(is_rule);
        let value = marked.as_ref().and_then(|found| found.name("mark")).and_then(|found| value_of(found.as_str()));
        if (is_parted || value.is_some()) && seen.insert(ids::fold(found.as_str())) {
            let span = layout.line_span(at);
            let from = span.end as usize - rest.len() + found.start();
            beginnings.push(Beginning { at: span.start, id: Span::new(from, from + found.len()), mark: value, is_parted });
        }
    }
    beginnings
}

/// Pages whose head names a number that the pages before do not.
fn by_pages(document: &Document) -> Vec<Beginning> {
    let mut beginnings: Vec<Beginning> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for page in document.pages.iter().skip_while(|page| page.span.end == page.span.start).take(limits::PDF_PAGES_MAX) {
        let text = document.slice(page.span);
        let head: usize = text.split_inclusive('\n').take(HEAD_LINES).map(str::len).sum();
        let head = Span::new(page.span.start as usize, page.span.start as usize + head);
        let alone = only(document, &[head], &[]);
        let Some(id) = ids::find(&Layout::new(&alone)).into_iter().find(|id| id.evidence >= OWN_EVIDENCE) else { continue };
        let folded = ids::fold(&id.printed);
        if !seen.iter().any(|known| known.ends_with(&folded) || folded.ends_with(known.as_str())) {
            seen.push(folded);
            beginnings.push(Beginning { at: page.span.start, id: id.span, mark: None, is_parted: true });
        }
    }
    beginnings
}

fn value_of(mark: &str) -> Option<u32> {
    match mark.chars().next() {
        Some(letter) if letter.is_ascii_alphabetic() => Some(u32::from(letter.to_ascii_uppercase()) - u32::from('A') + 1),
        _ => mark.parse().ok(),
    }
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.chars().count() >= 5 && line.chars().all(|c| "-=_*~#─━═—–".contains(c))
}

fn is_number(token: &str) -> bool {
    token.len() >= 4 && token.bytes().filter(u8::is_ascii_digit).count() >= 2 && dates::whole(token).is_none()
}

/// Each notice's own stretch, and the document in which it stands alone.
fn apart(layout: &Layout<'_>, beginnings: &[Beginning]) -> Vec<(Span, Document)> {
    let document = layout.document;
    let end = document.text.len();
    let first = beginnings.first().map_or(0, |beginning| beginning.at as usize);
    // Behind a last line across stands what belongs to all.
    let last = beginnings.last().map_or(0, |beginning| beginning.at);
    let below = (layout.line_at(last)..layout.line_count()).find(|line| is_rule(layout.line(*line)));
    let tail = below.map_or(end, |line| layout.line_span(line).start as usize);
    let bounds: Vec<usize> = beginnings.iter().skip(1).map(|beginning| beginning.at as usize).chain([tail]).collect();
    let sections: Vec<Span> = beginnings.iter().zip(&bounds).map(|(beginning, to)| Span::new(beginning.at as usize, *to)).collect();
    // A subject names them all: the other numbers go.
    let common = [Span::new(0, first), Span::new(tail, end)];
    let named = |of: &Beginning| {
        let number = document.slice(of.id);
        let within = move |span: Span| document.slice(span).match_indices(number).map(move |(at, _)| span.start as usize + at);
        common.into_iter().flat_map(within).map(|at| Span::new(at, at + number.len())).collect::<Vec<Span>>()
    };
    let alone = |(at, section): (usize, &Span)| {
        let others: Vec<Span> = beginnings.iter().enumerate().filter(|(other, _)| *other != at).flat_map(|(_, other)| named(other)).collect();
        (*section, only(document, &[common[0], *section, common[1]], &others))
    };
    sections.iter().enumerate().map(alone).collect()
}

/// Whether a stretch has a day and a part of its own beside its number.
fn is_whole(document: &Document, section: Span, number: &str) -> bool {
    let has_day = dates::find(&document.text, None).iter().any(|day| section.contains(day.span));
    let candidates = parts::find(document, &[], &HashSet::new());
    let is_part = |printed: &str| !ids::fold(number).ends_with(&ids::fold(printed)) && !ids::fold(printed).ends_with(&ids::fold(number));
    has_day && candidates.iter().any(|part| section.contains(part.span) && is_part(&part.printed))
}

/// The document with everything else blank, each byte in its place.
fn only(document: &Document, keep: &[Span], but: &[Span]) -> Document {
    let is_in = |spans: &[Span], at: usize| spans.iter().any(|span| span.range().contains(&at));
    let mut text = String::with_capacity(document.text.len());
    for (at, c) in document.text.char_indices() {
        if c == '\n' || (is_in(keep, at) && !is_in(but, at)) {
            text.push(c);
        } else {
            text.extend(std::iter::repeat_n(' ', c.len_utf8()));
        }
    }
    let stands = |span: &Span| keep.iter().any(|kept| kept.contains(*span));
    let rows = |table: &Table| table.rows.iter().filter(|row| row.iter().all(stands)).cloned().collect::<Vec<_>>();
    let tables = document.tables.iter().map(|table| Table { rows: rows(table) }).filter(|table| !table.rows.is_empty()).collect();
    Document { text, tables, title: document.title.filter(stands), ..document.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            document::{Format, Page},
            maker::MakerAliases,
            notice::NoticeKind,
        },
        reading::{SiteKnowledge, prose, questions::Answers},
    };

    fn document(pages: &[&str]) -> Document {
        let (mut text, mut named) = (String::new(), Vec::new());
        for (number, page) in pages.iter().enumerate() {
            let from = text.len();
            text.push_str(page);
            named.push(Page { name: format!("page {}", number + 1), span: Span::new(from, text.len()) });
        }
        Document { format: Format::Pdf, text, pages: named, tables: Vec::new(), title: None, warnings: Vec::new(), hidden: Vec::new() }
    }

    fn numbers(pages: &[&str]) -> Option<Vec<String>> {
        match find(&document(pages)) {
            Several::Sure(found) => Some(found.into_iter().map(|(number, _)| number).collect()),
            Several::One | Several::Unsure(_) => None,
        }
    }

    const DIGEST: &str = "Acme Semiconductor Inc.\nNotices PDN-2026-17, PCN-2026-18 and PDN-2026-19\n\n1) Discontinuance PDN-2026-17 of 2026-10-01\n   Part number: AX100-3\n   Last time buy date: 2027-04-30\n\n2) Change PCN-2026-18 of 2026-10-02\n   Part number: BX200-5\n   New moulding compound from 2027-02-01\n\n3) Discontinuance PDN-2026-19 of 2026-10-03\n   Part number: CX300-7\n   Last time buy date: 2027-06-30\n";
    const LETTER: &str = "Acme Semiconductor Inc.\nProduct Discontinuance Notice\nNotice No.: PDN-2026-17\nIssue date: 2026-10-01\n\nAffected part number: AX100-3\nLast time buy date: 2027-04-30\n";
    const SECOND: &str = "Acme Semiconductor Inc.\nProduct Discontinuance Notice\nNotice No.: PDN-2026-21\nIssue date: 2026-10-05\n\nAffected part number: DX400-9\nLast time buy date: 2027-05-31\n";

    #[test]
    fn a_digest_is_taken_apart_and_each_place_is_that_of_the_whole() {
        let whole = document(&[DIGEST]);
        let Several::Sure(found) = find(&whole) else { panic!("not taken apart") };
        let mut read = Vec::new();
        for (number, one) in &found {
            assert_eq!(one.text.len(), whole.text.len());
            let answers = |_: &crate::reading::questions::Questions| Ok(Answers::default());
            let notice = prose::read(answers, &MakerAliases::default(), one, &SiteKnowledge::default()).expect("no model is asked").notice;
            assert_eq!(notice.notice_id.as_ref().map(|id| &id.value), Some(number));
            for part in &notice.parts {
                assert_eq!(whole.slice(part.mpn.place.span), part.mpn.printed);
            }
            let parts: Vec<String> = notice.parts.iter().map(|part| part.mpn.value.clone()).collect();
            read.push((notice.kind, parts, notice.last_time_buy.map(|day| day.value.to_string())));
        }
        let parts = |part: &str| vec![part.to_owned()];
        assert_eq!(read[0], (NoticeKind::Pdn, parts("AX100-3"), Some("2027-04-30".to_owned())));
        assert_eq!((&read[1].0, &read[1].1), (&NoticeKind::Pcn, &parts("BX200-5")));
        assert_eq!(read[2], (NoticeKind::Pdn, parts("CX300-7"), Some("2027-06-30".to_owned())));
    }

    #[test]
    fn letters_one_after_another_are_told_apart_by_their_pages_and_by_lines_across() {
        let more = "Acme Semiconductor Inc.\nPDN-2026-17, page 2\n\nAX100-5\nAX100-7\n";
        assert_eq!(numbers(&[LETTER, more, SECOND]), Some(vec!["PDN-2026-17".to_owned(), "PDN-2026-21".to_owned()]));
        let across = "From Acme, both as announced.\n------------\nNOTICE KS-501   4 November 2026\nPart AX100-3, last time buy 30 June 2027\n\n------------\nNOTICE KS-502   4 November 2026\nChange of BX200-5 from 1 March 2027\n------------\nRegards\n";
        assert_eq!(numbers(&[across]), Some(vec!["KS-501".to_owned(), "KS-502".to_owned()]));
    }

    #[test]
    fn one_notice_stays_one() {
        for pages in [
            vec![LETTER],
            vec![LETTER, LETTER],
            // Its earlier forms and related notices are named, and it counts its sections.
            vec![LETTER, "This notice supersedes Notice No.: PDN-2025-03 of 2025-03-01 for AX100-3.\n"],
            vec![LETTER, "1) Change history\n2) Notice PDN-2026-17 of 2026-10-01: part AX100-3\n3) Notice PDN-2025-03 of 2025-03-01: part AX100-3\n"],
            vec!["1) Part AX100-3 ends on 2027-01-01\n2) Part AX100-5 ends on 2027-02-01\n"],
        ] {
            assert_eq!(numbers(&pages), None, "{pages:?}");
        }
    }

    #[test]
    fn where_it_is_not_clear_a_person_looks() {
        // The second has no parts of its own.
        let text = DIGEST.replace("   Part number: BX200-5\n", "");
        assert!(matches!(find(&document(&[&text])), Several::Unsure(numbers) if numbers.len() == 3));
        // The second speaks of the first.
        let text = DIGEST.replace("New moulding compound", "As in PDN-2026-17, new compound");
        assert!(matches!(find(&document(&[&text])), Several::Unsure(_)));
    }
}
