//! The maker's own number for its notice: words after a label such as `Notice No.`, or of a form that only such numbers have (`PDN-2026-014`).

use std::sync::LazyLock;

use regex::Regex;

use super::{
    layout::Layout,
    questions::{About, Answers, Asked, Questions},
};
use crate::domain::document::Span;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct IdCandidate {
    pub span: Span,
    pub printed: String,
    /// Natural log odds that it is the notice's own number.
    pub evidence: f64,
    pub asked: Option<Asked>,
    /// Nothing but its place speaks for it: it may as well be a part.
    pub by_place: bool,
}

/// A number after its label.
static LABELLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:^|[^\w\-/])(?P<label>(?:(?:PCN|PDN|EOL|PTN|PCIN|CN|DN|notice|notification|bulletin|product\s+status\s+advisory|discontinuance|bulletin|advisory|announcement|alert|document|doc|control|tracking|reference|our\s+ref(?:erence)?|ref|change|nummer\s+der\s+mitteilung|\p{L}*mitteilung|\p{L}*k[üu]ndigung|dokument|avis|notification|aviso|notificaci[óo]n|referencia|r[ée]f[ée]rence|r[ée]f|note|(?:avis|aviso|notice|notification)\s+(?:de|of)\s+\p{L}+|\p{L}*änderung|vorgang|case|id|dossier|rücknahme|widerruf|cancellation|retraction|withdrawal|unser\s+zeichen)\b\.?\s*)+(?:(?:for|to)\s+(?:\w+\s+){0,2}(?:correspondence|enquiries|inquiries|replies)|carries\s+the\s+number|no|nr|num|number|nummer|num[ée]ro|n[úu]mero|id|code|n\.?[°º]|#)?\.?|(?:\p{Han}{0,6}(?:番号|编号|編號|文号)|(?:通知|通知書|文書|管理|文件|公告|PCN|PDN)\s*(?:号|號|No\.?)|\p{Han}{0,8}(?:清单|清單|公告|通知书?|函)(?:[ \t]))[ \t]*[:：#.\-]?)[ \t\u{3000}]*[:：#.\-]?\s*(?P<id>第\s?\d+\s?号|(?-i:[A-Z]{1,5}[ ]\d{1,4}[-/.]\d{1,5})\b|(?-i:(?:\p{Han}{1,4}[\-－])?[A-Z0-9][A-Z0-9/_.\-]*\d[A-Z0-9/_.\-]*))",
    )
    .ok()
});

/// A number that says by itself what it is.
static OWN_FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:[A-Z][A-Z0-9]{0,6}[-_/])*(?:[A-Z]?PCN|[A-Z]?PDN|[A-Z]{0,2}EOL|PTN|PCIN|PDNA|PCA|LTB|OBS|DN|CN|PD|EN|FPCN|FPDN|PN|DSC|NRND)(?:[ ]\d|(?:[-_/]|[ ]?#[ ]?)?(?:[A-Z]{0,6}[-_/.]?)?\d)[\dA-Z/_.\-]*")
        .ok()
});

/// A number in a text that lost its blanks: `NotificationSSEOL4572Dated`.
static GLUED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:Notification|Notice|Number|No\.?|Nr\.?|PCN|PDN|EOL|LIFE|Life)(?P<id>[A-Z]{1,8}\d{3,8}(?:[-/]\d+)?)").ok());

/// `13 November 2026, number CC5426`: what a letter calls its number.
static BARE_NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?im)(?:^|[,;.(]|\bour|\bthe)[ \t]*(?:n[°º]|no\.?[ \t]*:|number|nummer|num[ée]ro|n[úu]mero|n[°º]|our\s+ref(?:erence)?|unser\s+zeichen)[ \t]*[:.]?[ \t]*(?P<id>(?-i:[A-Z]{1,5}(?:[-_/][A-Z]{1,4})?[-_/ ]?\d[A-Z0-9/_.\-]*|\d{2,}[A-Z0-9/_.\-]+))").ok()
});

/// What makes a number somebody else's, or an earlier notice's.
static NOT_OWN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)supersed\w*|replac\w*|previous\w*|earlier|original(?:ly)?|refer(?:s|ring|ence)?\s+to|withdraw\w*|rescind\w*|retract\w*|cancel\w*|according\s+to|per\s+|your\s|customer|form\b|template|purchase|invoice|ersetzt|bezug|ihr\s+zeichen|remplace|annule|sustituye|廃止|取消|代替",
    )
    .ok()
});

/// A sign with digits that nothing says anything about: the model may know it for the notice's number by what stands around it.
static SIGN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[A-Z0-9][A-Za-z0-9]*(?:[-_/.#][A-Za-z0-9]+)*(?:-\d+)?|第\s?\d+\s?号|[〔\[（(]\d{4}[〕\]）)]\s?\d+\s?号").ok());
/// Lines from the start in which such signs are looked for.
const SIGN_LINES: usize = 16;
const SIGN_EVIDENCE: f64 = -2.5;
/// How many candidates the model is asked about.
const ASKED_MAX: usize = 4;

/// Candidates as `find` gives them, the best of them asked about.
pub(super) fn open(layout: &Layout<'_>, dates: &[Span], questions: &mut Questions) -> Vec<IdCandidate> {
    let mut candidates = find(layout);
    // A number may hold a date (`PDN-2026-08-14`); one behind a blank is a date of its own (`LTB 2026-08-14`), and so is one that goes on behind the number.
    let is_date = |candidate: &IdCandidate| {
        dates.iter().filter(|date| date.start < candidate.span.end && candidate.span.start < date.end).any(|date| {
            let before = layout.document.text.get(..date.start as usize).unwrap_or("");
            candidate.evidence <= 0.0 || !candidate.span.contains(*date) || before.ends_with(char::is_whitespace)
        })
    };
    candidates.retain(|candidate| !is_date(candidate));
    for candidate in candidates.iter_mut().take(ASKED_MAX) {
        candidate.asked = questions.number(&layout.around(candidate.span, &[]), &candidate.printed);
    }
    candidates
}

/// Joins the model's answers in; best first.
pub(super) fn decide(mut candidates: Vec<IdCandidate>, answers: &Answers) -> Vec<IdCandidate> {
    for candidate in &mut candidates {
        candidate.evidence = answers.raised(About::Number, candidate.asked, candidate.evidence);
    }
    candidates.sort_by(|a, b| b.evidence.total_cmp(&a.evidence).then(a.span.cmp(&b.span)));
    candidates
}

/// Candidates with their evidence, one per number, best first.
pub(super) fn find(layout: &Layout<'_>) -> Vec<IdCandidate> {
    let document = layout.document;
    let text = document.text.as_str();
    let (Some(labelled), Some(own_form)) = (LABELLED.as_ref(), OWN_FORM.as_ref()) else { return Vec::new() };
    let mut seen: Vec<(Span, f64, bool)> = Vec::new();
    for captures in labelled.captures_iter(text) {
        if let Some(id) = captures.name("id") {
            let label = captures.name("label").map_or("", |label| label.as_str()).to_lowercase();
            let weak = ["document", "doc", "reference", "ref", "our ref", "change", "control", "dokument"]
                .iter()
                .any(|word| label.trim_end_matches(['.', ' ']) == *word);
            // `EOL LM317T` in a subject names the part.
            let list_only = ["eol", "discontinuance", "abkündigung", "kündigung", "change"].contains(&label.trim_end_matches(['.', ' ']));
            let follows = text[..id.start()].ends_with(' ') && !text[..id.start()].trim_end().ends_with([':', '：', '#', '.', '°']);
            let span = if follows { with_list(text, &label, Span::new(id.start(), id.end())) } else { Span::new(id.start(), id.end()) };
            let again = if list_only && follows { again(text, Span::new(id.start(), id.end())) } else { 0.0 };
            seen.push((span, if weak { 2.0 } else { 4.0 } - again, list_only && follows));
        }
    }
    seen.extend(own_form.find_iter(text).map(|found| (Span::new(found.start(), found.end()), 2.5, false)));
    if let Some(bare) = BARE_NUMBER.as_ref() {
        seen.extend(bare.captures_iter(text).filter_map(|found| found.name("id")).map(|id| (Span::new(id.start(), id.end()), 3.0, false)));
    }
    if let Some(glued) = GLUED.as_ref() {
        seen.extend(glued.captures_iter(text).filter_map(|found| found.name("id")).map(|id| (Span::new(id.start(), id.end()), 1.5, false)));
    }
    let upto = layout.line_span(SIGN_LINES.min(layout.line_count())).start as usize;
    let signs = SIGN.as_ref().map(|regex| regex.find_iter(&text[..if upto == 0 { text.len() } else { upto }]).take(60));
    let signs = signs.into_iter().flatten().map(|found| Span::new(found.start(), found.end()));
    seen.extend(signs.map(|span| (span, SIGN_EVIDENCE + place_evidence(layout, span), true)));
    let mut candidates: Vec<IdCandidate> = Vec::new();
    for (span, weight, by_place) in seen {
        let span = without_end_signs(text, span);
        let printed = document.slice(span);
        if super::dates::whole(printed).is_some()
            || printed.len() < 4
            || printed.bytes().filter(u8::is_ascii_digit).count() < 2
            || is_standard(printed)
        {
            continue;
        }
        let around = layout.around(span, &[]);
        let foreign = NOT_OWN.as_ref().is_some_and(|regex| regex.is_match(around.before) || around.label.is_some_and(|label| regex.is_match(label)));
        let in_title = document.title.is_some_and(|title| title.contains(span));
        let early = layout.line_at(span.start) < 12;
        let evidence = weight + f64::from(u8::from(in_title)) * 2.0 + f64::from(u8::from(early)) - f64::from(u8::from(foreign)) * 5.0;
        let folded = fold(printed);
        match candidates.iter_mut().find(|known| contains_number(&fold(&known.printed), &folded)) {
            // The same number with and without its prefix: the longer form, and the evidence of both.
            Some(known) => {
                known.by_place &= by_place;
                let is_said = known.evidence.max(evidence) >= 1.5;
                known.evidence = known.evidence.max(evidence) + if is_said { 0.5 } else { 0.0 };
                if folded.len() > fold(&known.printed).len() {
                    (known.span, known.printed) = (span, printed.to_owned());
                }
            }
            None => candidates.push(IdCandidate { span, printed: printed.to_owned(), evidence, asked: None, by_place }),
        }
    }
    candidates.sort_by(|a, b| b.evidence.total_cmp(&a.evidence).then(a.span.cmp(&b.span)));
    candidates
}

/// `PTN MMS/24/12374`: the list stands in the number, with a blank between.
fn with_list(text: &str, label: &str, id: Span) -> Span {
    let list = label.trim_end();
    let is_own = LISTS.iter().any(|known| text[id.range()].to_lowercase().contains(known));
    let start = text[..id.start as usize].trim_end().len();
    let is_number = text[id.range()].starts_with(|c: char| c.is_ascii_digit()) || text[id.range()].contains('/');
    let is_list = LISTS.contains(&list) && !is_own && is_number && text[..start].to_lowercase().ends_with(list);
    if is_list { Span::new(start - list.len(), id.end as usize) } else { id }
}

/// Names of lists that notices are numbered by.
const LISTS: &[&str] = &["pcn", "pdn", "ptn", "eol", "pcin"];

pub(super) fn is_list(word: &str) -> bool {
    LISTS.contains(&word.to_lowercase().as_str())
}

/// Whether a word is a number in such a list, of this notice or of another one: never a part.
pub(super) fn is_of_list(word: &str) -> bool {
    static OF_LIST: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^[A-Z]{0,2}(?:PCN|PDN|PTN|PCIN|EOL|LTB)[-_/#]?(?:[A-Z]{1,4}[-_/])?\d[\d\-_/.]*$").ok());
    OF_LIST.as_ref().is_some_and(|regex| regex.is_match(word))
}

/// What speaks against a sign that is met again further down, as parts are.
fn again(text: &str, span: Span) -> f64 {
    1.5 * text[span.end as usize..].matches(&text[span.range()]).count().min(3) as f64
}

/// What the place of a sign tells that nothing is said of: alone in one of the first lines, before a dash there, or in brackets at the end of a heading; and that it is met
/// again further down, as parts are.
fn place_evidence(layout: &Layout<'_>, span: Span) -> f64 {
    const HEAD_LINES: usize = 6;
    let line = layout.line_at(span.start);
    let of_line = layout.line_span(line);
    let text = layout.document.text.as_str();
    let before = text[of_line.start as usize..span.start as usize].trim();
    let after = text.get(span.end as usize..(of_line.end as usize).max(span.end as usize)).unwrap_or("").trim();
    let digits = layout.document.slice(span).bytes().filter(u8::is_ascii_digit).count();
    let mut evidence = 0.0;
    if line < HEAD_LINES && before.is_empty() && (after.is_empty() || after.starts_with(['-', '–', ':', '：'])) && digits >= 3 {
        evidence += 3.5;
    }
    let is_heading = before.chars().count() <= 80 && !before.is_empty();
    if is_heading && before.ends_with(['(', '（', '[']) && (after == ")" || after == "）" || after == "]") {
        evidence += 3.5;
    }
    // `CTE212/25 of 14 October 2025: cancellation`.
    if line < HEAD_LINES
        && before.is_empty()
        && ["of ", "vom ", "du ", "de ", "dated ", ", "].iter().any(|word| after.starts_with(word))
        && digits >= 3
    {
        evidence += 3.0;
    }
    // `NOTICE OF DISCONTINUATION   ND/26/33`, `Re: end of life of AV297`.
    let whole = layout.line(line);
    let names = HEADING.as_ref().is_some_and(|regex| regex.is_match(whole));
    let is_subject = SUBJECT.as_ref().is_some_and(|regex| regex.is_match(whole));
    let of_part = ["of", "for", "von", "für", "der", "du", "de", "の"].iter().any(|word| before.ends_with(&format!(" {word}")));
    let apart = !of_part && (after.is_empty() || text[span.end as usize..].starts_with("  ") || text[span.end as usize..].starts_with(','));
    if (line < 4 || (is_subject && line < 20)) && names && apart && digits >= 2 && !before.is_empty() {
        evidence += 3.0;
    }
    if layout.around(span, &[]).label.is_some_and(|label| NUMBER_LABEL.as_ref().is_some_and(|regex| regex.is_match(label))) {
        evidence += 6.0;
    }
    let in_title = layout.document.title.is_some_and(|title| title.contains(span));
    // A mail's title is its subject, which the text may quote once.
    evidence - (again(text, span) - if in_title { 1.5 } else { 0.0 }).max(0.0)
}

static HEADING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\bnotice\b|notification|\bletter\b|bulletin|advisory|discontinu|end[\s-]of[\s-]life|\bEOL\b|\bP[CD]N\b|mitteilung|k[üu]ndigung|\bavis\b|fin\s+de\s+vi|aviso|descatalog|通知|お知らせ|停[产產]|终止|廃番|生産終了").ok()
});
static SUBJECT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)^\W*(?:re|subject|betreff|betr\.|objet|asunto|件名|主题|主旨|标题)\s*[:：]").ok());
static NUMBER_LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^\W*(?:(?:notice|notification|bulletin|pcn|pdn|eol|document|doc|reference|ref|our\s+ref|mitteilung|meldung|dokument|avis|aviso|notificaci[óo]n|r[ée]f[ée]rence)\s*(?:no|nr|number|id|nummer|num[ée]ro|n\.?[°º]|#)?\.?|n\.?[°º]|(?:case|control|document|notice)\s*(?:no|number|id)\.?|nummer|通知(?:書)?番号|番号|编号|編號|文号)\W*$").ok()
});

/// Letters and digits in upper case: two writings of one number are equal.
pub(super) fn fold(id: &str) -> String {
    id.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

fn contains_number(one: &str, other: &str) -> bool {
    one.ends_with(other) || other.ends_with(one)
}

/// Without signs at its end, and without the capital that begins the next word in a text that lost its blanks: `PCN 17-106Orderdate`.
fn without_end_signs(text: &str, span: Span) -> Span {
    let is_glued =
        text[span.end as usize..].starts_with(|c: char| c.is_lowercase()) && text[span.range()].ends_with(|c: char| c.is_ascii_uppercase());
    let word = &text[span.range()][..(span.end - span.start) as usize - usize::from(is_glued)];
    let word = word.trim_end_matches(['.', '-', '/', '_', ',']);
    Span::new(span.start as usize, span.start as usize + word.len())
}

fn is_standard(id: &str) -> bool {
    let upper = id.to_uppercase();
    ["J-STD", "JSTD", "ISO", "IEC", "JESD", "EN-", "EN ", "RFC"].iter().any(|standard| upper.starts_with(standard))
}
