//! Which date is what: code's evidence and the model's, for every date of a document.

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;

use super::{
    cues::{DateRole, date_evidence},
    dates::{Anchor, DateCandidate, Precision},
    layout::{Around, Layout, holds_a_value},
    questions::{About, Answers, Asked, Questions, best, probabilities},
};
use crate::domain::document::Span;

/// A date with the role it was given.
#[derive(Debug, Clone)]
pub(super) struct RoledDate {
    pub span: Span,
    pub date: Date,
    pub precision: Precision,
    pub role: DateRole,
    pub confidence: f64,
    /// Probabilities in the order of `DateRole::ALL`.
    pub probabilities: Vec<f64>,
    /// Row of a table that also holds parts: the date is of those parts.
    pub row: Option<(usize, usize)>,
}

/// A date waiting for the model's answer.
pub(super) struct OpenDate {
    pub candidate: DateCandidate,
    pub evidence: Vec<f64>,
    pub asked: Option<Asked>,
    row: Option<(usize, usize)>,
}

/// A line of a mail's head: the day it was sent is not the day the notice was issued.
static MAIL_HEAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^[>\s|*]*(?:date|sent|gesendet|datum|envoy[ée]|enviado|received|on)\b\s*:?\s*(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim)?").ok()
});
/// `Stuttgart, den 12. Oktober 2026`: how a letter is dated.
static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)^\s*\p{Lu}[\p{L} .\-/]{2,40},\s*(?:den|the|le|am|a|el)?\s*$").ok());

static NOTICE_LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^\W*(?:[\p{L}/]+\s+){0,4}(?:notice|notification|advisory|bulletin|discontinu\w+|change|letter|communication|PCN|PDN|EOL|mitteilung|abk[üu]ndigung|avis|aviso|notificaci[óo]n)\W*(?:no|nr|number|id)?[\s.:#]*[\w\-/.]*\d[\w\-/.]*[\s,;|–-]*(?:(?:rev(?:ision)?|issue|edition|ausgabe|version)\b\.?\s*\w{1,2}[\s,;|–-]*)?(?:\(|dated|of|vom|du|de|issued)?\s*$").ok()
});

/// `EOL1417 - END OF LIFE - 16-Jun-2025`: what a heading holds beside number and title.
static TRIPLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\W*(?:[\p{L}&. ]{2,40}\s[-–|]\s)?[A-Z][\w\-/.]*\d\s+[-–|]\s+[^-–|]{3,60}\s+[-–|]\s*$").ok());

/// Gathers the evidence and puts a question for each date.
pub(super) fn open(layout: &Layout<'_>, candidates: Vec<DateCandidate>, questions: &mut Questions) -> Vec<OpenDate> {
    let stops: Vec<Span> = candidates.iter().map(|candidate| candidate.span).collect();
    let mut is_first = true;
    let mut moved: Option<Vec<f64>> = None;
    let mut open: Vec<OpenDate> = candidates
        .into_iter()
        .map(|candidate| {
            let around = layout.around(candidate.span, &stops);
            let mut evidence = match moved.take() {
                // `The last order date moved from A to B`: what A was, B is now.
                Some(of_old) if TO.as_ref().is_some_and(|regex| regex.is_match(around.before)) => of_old,
                _ => date_evidence(&around),
            };
            if let Some(found) = MOVED.as_ref().and_then(|regex| regex.find(around.before)) {
                moved = Some(date_evidence(&Around { before: &around.before[..found.start()], after: "", ..around }));
            }
            let is_of_mail = place_evidence(layout, &candidate, &around, &mut evidence);
            // A letter begins with its own date, whatever it calls it.
            if !is_of_mail && std::mem::take(&mut is_first) && layout.line_at(candidate.span.start) < 12 {
                evidence[0] += 1.5;
            }
            let asked = questions.date(&around);
            // In a row of a table it is a date of what the row is about.
            let row = layout.cell(candidate.span).filter(|(_, cell)| !layout.is_pairs(cell.table)).map(|(_, cell)| (cell.table, cell.row));
            if row.is_some() && around.label.is_none_or(|label| !label.to_lowercase().contains("issue")) {
                evidence[0] -= OF_A_ROW;
            }
            OpenDate { candidate, evidence, asked, row }
        })
        .collect();
    date_of_the_head(layout, &mut open);
    dates_of_parts(&mut open);
    open
}

/// What speaks against a date in a row of a table being that of the notice, in log odds.
const OF_A_ROW: f64 = 3.0;

/// Where nothing else is said to be the last order, days that stand beside parts without a word are.
fn dates_of_parts(open: &mut [OpenDate]) {
    const SAID: f64 = 3.0;
    const BESIDE_A_PART: f64 = 3.5;
    if open.iter().any(|date| date.evidence[1] >= SAID || date.evidence[2] >= SAID && date.row.is_some()) {
        return;
    }
    for date in open.iter_mut().filter(|date| date.row.is_some() && date.evidence.iter().all(|odds| *odds < 2.0)) {
        date.evidence[1] += BESIDE_A_PART;
    }
}

/// Where no date is called that of the notice, one in its first lines that nothing else is said of is: each notice has one.
fn date_of_the_head(layout: &Layout<'_>, open: &mut [OpenDate]) {
    const LINES: usize = 10;
    const SAID: f64 = 3.0;
    const OF_HEAD: f64 = 4.5;
    if open.iter().any(|date| date.evidence[0] >= SAID) {
        return;
    }
    let is_plain = |date: &&mut OpenDate| {
        let span = date.candidate.span;
        let line = layout.line_at(span.start);
        let end = layout.line_span(layout.line_at(span.end.saturating_sub(1))).end;
        let behind = layout.document.text.get(span.end as usize..end as usize).unwrap_or("").trim_start();
        let ends = behind.is_empty() || behind.starts_with([',', ')', '-', '–', '|', ';', '。']);
        line < LINES
            && ends
            && date.row.is_none()
            && date.evidence[1..].iter().all(|odds| *odds < 2.0)
            && matches!(date.candidate.precision, Precision::Day | Precision::Swappable(_))
    };
    if let Some(date) = open.iter_mut().find(is_plain) {
        date.evidence[0] += OF_HEAD;
    }
}

/// A date that was moved, and the word before the one it was moved to.
static MOVED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:(?:has|have|was|were|is|been|wird|wurde|est|es)\s+)*(?:mov|extend|postpon|chang|shift|delay|bring|brought|verschob|verl[äa]nger|report|d[ée]cal|prorog|aplaz|ampli)\w*\s+(?:from|von|vom|du|de|del)\s*$|(?:由|从|從)\s*$").ok()
});
static TO: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)^\s*(?:to|until|till|auf(?:\s+den)?|bis|au|[àa]|al|hasta(?:\s+el)?|改为|延至|延长至|推迟至|から)\s*$").ok());

/// What the place itself tells; whether it is the head of a mail.
fn place_evidence(layout: &Layout<'_>, candidate: &DateCandidate, around: &Around<'_>, evidence: &mut [f64]) -> bool {
    let at = |role: DateRole| DateRole::ALL.iter().position(|known| *known == role).unwrap_or(0);
    let line = layout.line_at(candidate.span.start);
    let start = &layout.document.text[layout.line_span(line).start as usize..candidate.span.start as usize];
    let in_mail_head = line < 8 && layout.document.format == crate::domain::document::Format::Mail || start.trim_start().starts_with('>');
    let head_line = MAIL_HEAD.as_ref().is_some_and(|regex| regex.is_match(start)) && is_beside_mail_head(layout, line);
    if (in_mail_head && MAIL_HEAD.as_ref().is_some_and(|regex| regex.is_match(start))) || head_line {
        evidence[at(DateRole::None)] += 8.0;
        return true;
    }
    if line < 15 && PLACE.as_ref().is_some_and(|regex| regex.is_match(start)) {
        evidence[at(DateRole::Issue)] += 4.5;
    }
    let alone = around.before.trim().is_empty() && around.after.trim().is_empty() && around.label.is_none();
    if line < 12 && alone && layout.cell(candidate.span).is_none() {
        evidence[at(DateRole::Issue)] += 4.5;
    }
    // At the right end of a letter's head: `To our customers            2 March 2026`.
    let last = layout.line_span(layout.line_at(candidate.span.end.saturating_sub(1)));
    let end = layout.document.text.get(candidate.span.end as usize..last.end as usize).unwrap_or("");
    if line < 15 && start.ends_with("   ") && !holds_a_value(start) && end.trim().is_empty() && around.label.is_none_or(|label| !label.contains(':'))
    {
        evidence[at(DateRole::Issue)] += 4.0;
    }
    if line < 6 && TRIPLE.as_ref().is_some_and(|regex| regex.is_match(start)) {
        evidence[at(DateRole::Issue)] += 8.0;
    }
    // The line that names the notice: `NOTICE KS-N-501, 4 November 2026`.
    if line < 15 && NOTICE_LINE.as_ref().is_some_and(|regex| regex.is_match(start)) {
        evidence[at(DateRole::Issue)] += 6.5;
    }
    false
}

/// Whether the line stands in a block of mail header lines, as forwarding writes them into a text.
fn is_beside_mail_head(layout: &Layout<'_>, line: usize) -> bool {
    const BLOCK_LINES_MAX: usize = 6;
    let bare = |number: usize| layout.line(number).trim_start_matches(['>', ' ', '|', '*']).to_lowercase();
    let is_head = |text: &String| {
        ["from:", "to:", "subject:", "von:", "an:", "betreff:", "cc:", "de:", "à:", "objet:", "para:", "asunto:", "reply-to:"]
            .iter()
            .any(|head| text.starts_with(head))
    };
    let above = (0..line).rev().take(BLOCK_LINES_MAX).map(bare).take_while(|text| !text.is_empty());
    let below = (line + 1..layout.line_count()).take(BLOCK_LINES_MAX).map(bare).take_while(|text| !text.is_empty());
    above.chain(below).any(|text| is_head(&text))
}

/// Joins the model's answers in.
pub(super) fn decide(open: Vec<OpenDate>, answers: &Answers) -> Vec<RoledDate> {
    open.into_iter()
        .map(|open| {
            let probabilities = probabilities(&answers.joined(About::Date, open.asked, &open.evidence));
            let (at, confidence) = best(&probabilities);
            let OpenDate { candidate: DateCandidate { span, date, precision }, row, .. } = open;
            RoledDate { span, date, precision, role: DateRole::ALL[at], confidence, probabilities, row }
        })
        .collect()
}

/// Dates that count from another one get their day, once that one is known; those whose anchor is not known are left out, and told.
pub(super) fn resolve_relative(dates: &mut Vec<RoledDate>) -> Vec<Span> {
    let day_of = |role: DateRole, dates: &[RoledDate]| {
        dates.iter().filter(|date| date.role == role && matches!(date.precision, Precision::Day)).map(|date| date.date).min()
    };
    let (issue, buy) = (day_of(DateRole::Issue, dates), day_of(DateRole::Buy, dates));
    let mut open = Vec::new();
    dates.retain_mut(|date| {
        let Precision::After(anchor, length) = date.precision else { return true };
        let from = match anchor {
            Anchor::Issue => issue,
            Anchor::LastTimeBuy => buy,
        };
        match from.and_then(|from| length.after(from)) {
            Some(day) => {
                date.date = day;
                true
            }
            None => {
                open.push(date.span);
                false
            }
        }
    });
    open
}
