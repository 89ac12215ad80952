//! Which part number is affected, which replaces it, and which is neither. In a table the column is decided once; in prose, numbers listed side by side are decided
//! together. A number that is met several times has one role: the one its clearest place gives it.

use std::{collections::HashMap, sync::LazyLock};

use regex::Regex;

use super::{
    cues::{PartRole, part_evidence},
    layout::{Around, Cell, Layout, starts_with_label},
    links::{self, Link},
    parts::{self, PartCandidate},
    questions::{About, Answers, Asked, Questions, best, probabilities},
};
use crate::domain::{
    document::{Document, Span},
    part::normal_mpn,
};

/// A part number with the role it was given.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RoledPart {
    pub span: Span,
    pub printed: String,
    /// Every other place it stands at.
    pub again: Vec<Span>,
    pub role: PartRole,
    pub confidence: f64,
    /// Probabilities in the order of `PartRole::ALL`.
    pub probabilities: Vec<f64>,
    /// Table and row, where it stands in a column of parts.
    pub row: Option<(usize, usize)>,
    /// Numbers listed side by side, or in one column, share it.
    pub group: usize,
}

struct Member {
    span: Span,
    printed: String,
    row: Option<(usize, usize)>,
}

/// Numbers whose role is decided together, waiting for the model's answer.
pub(super) struct OpenGroup {
    members: Vec<Member>,
    pub evidence: Vec<f64>,
    pub asked: Option<Asked>,
}

impl OpenGroup {
    pub fn numbers(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.printed.as_str())
    }
}

/// What the columns of a table hold.
pub(super) struct Columns {
    /// Cells that say in words that there is no replacement, by table, column and row.
    pub no_part: Vec<(Cell, Span)>,
    /// Which column each group of a table came from.
    pub of_group: HashMap<usize, (usize, usize)>,
    /// Numbers in prose of which the words between say that the second replaces the first.
    pub links: Vec<(Span, Span)>,
}

/// A replacement column says there is none.
pub(super) static NONE_THERE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^\s*[-–—/]{1,3}\s*$|^\W*(?:none|nothing|not\s+superseded|no\s+substitution|ohne\s+(?:nachfolg|ersatz)\w*|keine[rs]?|n\s?/\s?a|nil|not\s+available|no(?:\s+(?:direct|suitable|pin[\s-]compatible))?\s*(?:replacement|substitute|alternative|successor)?|kein\w*(?:\s+(?:ersatz|nachfolger)\w*)?|entfällt(?:\s+ersatzlos)?|ersatzlos(?:\s+entfallen)?|aucune?|sans\s+(?:remplacement|[ée]quivalent)|ninguno?|sin\s+(?:reemplazo|sustituto)|なし|無し|无|無)\W*$").ok()
});
/// What may stand between numbers that are listed together.
static BETWEEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^[ \t]*(?:[,;/&、，]|and|or|und|oder|sowie|et|ou|y|o|及|和|与|與|および|と|,\s*and)?[ \t]*(?:\r?\n[ \t>]*(?:[-•*·–]|\d{1,2}[.)])?[ \t]*)?(?:and|und|et|y)?[ \t]*$").ok()
});

/// Log odds of a role that the words between two numbers give.
const LINKED: f64 = 7.0;
/// From this probability on a place in prose tells a role by itself.
const SURE: f64 = 0.8;

/// Gathers columns and listed numbers, and puts a question for each.
pub(super) fn open(layout: &Layout<'_>, candidates: &[PartCandidate], dates: &[Span], questions: &mut Questions) -> (Vec<OpenGroup>, Columns) {
    let mut groups = Vec::new();
    let mut columns = Columns { no_part: Vec::new(), of_group: HashMap::new(), links: Vec::new() };
    let known = |text: &str| candidates.iter().any(|candidate| candidate.known && candidate.printed == text);
    let mut tables = vec![false; layout.tables.len()];
    for (table, in_columns) in tables.iter_mut().enumerate().filter(|(table, _)| !layout.is_pairs(*table)) {
        for column in 0..layout.columns(table) {
            if let Some(group) = column_group(layout, table, column, &known, questions, &mut columns.no_part) {
                columns.of_group.insert(groups.len(), (table, column));
                groups.push(group);
                *in_columns = true;
            }
        }
    }
    let prose: Vec<&PartCandidate> =
        candidates.iter().filter(|candidate| layout.cell(candidate.span).is_none_or(|(_, cell)| !tables[cell.table])).collect();
    let stops: Vec<Span> = prose.iter().map(|candidate| candidate.span).chain(dates.iter().copied()).collect();
    let roles = linked(layout, &prose, &stops, &mut columns.links);
    let mut last: Option<Span> = None;
    for (candidate, role) in prose.into_iter().zip(roles) {
        let listed = last.is_some_and(|last| is_listed(layout, last, candidate.span));
        last = Some(candidate.span);
        let member = Member { span: candidate.span, printed: candidate.printed.clone(), row: None };
        let words = following(layout, candidate.span, &stops);
        let said = prose_evidence(&Around::default(), &words);
        let is_said = said.iter().any(|odds| *odds > 4.0);
        // On a line of its own with words of its own it is no mere item of the list above.
        let listed = listed && !(is_said && on_new_line(layout, candidate.span));
        if let Some(role) = role {
            let evidence = PartRole::ALL.iter().map(|known| if *known == role { LINKED } else { 0.0 }).collect();
            let asked = questions.part(&prose_around(layout, candidate.span, &stops), &candidate.printed);
            groups.push(OpenGroup { members: vec![member], evidence, asked });
            last = None;
            continue;
        }
        let in_prose = !columns.of_group.contains_key(&groups.len().saturating_sub(1));
        match groups.last_mut() {
            Some(group) if listed && in_prose => {
                group.members.push(member);
                // `A and B will be discontinued` says it behind the last one.
                if is_said {
                    group.evidence = said;
                }
                if candidate.known {
                    group.evidence[0] = group.evidence[0].max(1.5);
                }
            }
            _ => {
                let around = prose_around(layout, candidate.span, &stops);
                let mut evidence = prose_evidence(&around, &words);
                if candidate.known {
                    evidence[0] += 1.0;
                }
                if layout.document.title.is_some_and(|title| title.contains(candidate.span)) {
                    evidence[0] += 1.0;
                }
                groups.push(OpenGroup { members: vec![member], evidence, asked: questions.part(&around, &candidate.printed) });
            }
        }
    }
    (groups, columns)
}

/// Whether two numbers stand in one list.
pub(super) fn is_listed(layout: &Layout<'_>, one: Span, other: Span) -> bool {
    let between = layout.document.text.get(one.end as usize..other.start as usize).unwrap_or("x");
    between.len() < 24 && BETWEEN.as_ref().is_some_and(|regex| regex.is_match(between))
}

/// Roles that the words between neighbours give; a list before such words shares them (`A, B and C are replaced by D`).
fn linked(layout: &Layout<'_>, prose: &[&PartCandidate], stops: &[Span], links: &mut Vec<(Span, Span)>) -> Vec<Option<PartRole>> {
    let mut roles = vec![None; prose.len()];
    for (at, pair) in prose.windows(2).enumerate() {
        let between = layout.document.text.get(pair[0].span.end as usize..pair[1].span.start as usize).and_then(links::between);
        let Some(link) = between else { continue };
        let (own, next) = match link {
            Link::ReplacedByNext => (PartRole::Affected, PartRole::Replacement),
            Link::ReplacesNext => (PartRole::Replacement, PartRole::Affected),
        };
        // Compounds, frames and the like replace each other too.
        if part_evidence(&prose_around(layout, pair[0].span, stops))[2] >= 4.0 {
            roles[at] = Some(PartRole::Neither);
            roles[at + 1] = Some(PartRole::Neither);
            continue;
        }
        // In a chain `A -> B -> C` only the first link counts.
        if roles[at].is_some_and(|role| role != own) {
            continue;
        }
        let mut first = at;
        // A semicolon parts what is said of one from what is said of the next: `nothing for A; C instead of B`.
        let shares = |one: Span, other: Span| {
            is_listed(layout, one, other) && !layout.document.text[one.end as usize..other.start as usize].contains([';', '；'])
        };
        while first > 0 && roles[first - 1].is_none() && shares(prose[first - 1].span, prose[first].span) {
            first -= 1;
        }
        for index in first..=at {
            roles[index] = Some(own);
            let (one, other) = (prose[index].span, pair[1].span);
            links.push(if own == PartRole::Affected { (one, other) } else { (other, one) });
        }
        roles[at + 1] = Some(next);
    }
    roles
}

/// A column of a table that holds part numbers, or `None`.
fn column_group(
    layout: &Layout<'_>,
    table: usize,
    column: usize,
    known: &dyn Fn(&str) -> bool,
    questions: &mut Questions,
    no_part: &mut Vec<(Cell, Span)>,
) -> Option<OpenGroup> {
    let mut members = Vec::new();
    let (mut filled, mut with_part, mut nothing) = (0_usize, 0_usize, Vec::new());
    let mut any_known = false;
    let mut first = None;
    for (row, cells) in layout.value_rows(table) {
        let Some(span) = cells.get(column).copied().filter(|span| span.end > span.start) else { continue };
        let text = layout.document.slice(span);
        if text.trim().is_empty() {
            continue;
        }
        filled += 1;
        first.get_or_insert(span);
        if NONE_THERE.as_ref().is_some_and(|regex| regex.is_match(text)) {
            nothing.push((Cell { table, row, column }, span));
            continue;
        }
        let pieces: Vec<Span> = pieces(layout, span).into_iter().filter_map(|piece| number_in(layout, piece)).collect();
        if !pieces.is_empty() {
            with_part += 1;
            for piece in pieces {
                let printed = layout.document.slice(piece).to_owned();
                any_known |= known(&printed);
                members.push(Member { span: piece, printed, row: Some((table, row)) });
            }
        }
    }
    // A column of replacements that says of each part that there is none.
    if with_part == 0 && filled > 0 && nothing.len() == filled {
        let head = first.and_then(|span| layout.cell(span)).map_or("", |(_, cell)| layout.head(cell));
        if best(&part_evidence(&Around { label: Some(head), before: "", after: "" })).0 == 1 {
            no_part.extend(nothing);
        }
        return None;
    }
    let values = filled - nothing.len();
    if with_part == 0 || with_part * 5 < values * 3 {
        return None;
    }
    let span = first?;
    let (_, cell) = layout.cell(span)?;
    let head = layout.head(cell);
    let like_parts = members.iter().filter(|member| parts::looks_like_part(&member.printed) || member.printed.contains(' ')).count();
    let label = if head.is_empty() { list_head(layout, layout.line_at(span.start)).unwrap_or("") } else { head };
    // `(replaced by LM317K)` in the cells of a column without a head says what it holds.
    let before = members.first().map_or("", |member| layout.document.text.get(span.start as usize..member.span.start as usize).unwrap_or(""));
    let around = Around { label: Some(label).filter(|label| !label.is_empty()), before, after: "" };
    let mut evidence = part_evidence(&around);
    // Numbers, dates and sizes fill columns too.
    if like_parts * 2 < members.len() {
        evidence[2] += 4.0;
    }
    evidence[2] = evidence[2].max(0.7);
    if any_known {
        evidence[0] += 1.0;
    }
    no_part.extend(nothing);
    let asked = questions.part(&around, members.first().map_or("", |member| member.printed.as_str()));
    Some(OpenGroup { members, evidence, asked })
}

/// A cell with several numbers, one a line or separated by `, ` or `; `.
fn pieces(layout: &Layout<'_>, cell: Span) -> Vec<Span> {
    let text = layout.document.slice(cell);
    let mut pieces = Vec::new();
    let mut start = 0;
    let ends =
        text.match_indices([',', ';', '\n', '、', '，', '；']).filter(|(at, sign)| !matches!(*sign, "," | ";") || text[at + 1..].starts_with(' '));
    for (end, sign) in ends.chain([(text.len(), "")]) {
        let piece = &text[start..end];
        let trimmed = piece.trim();
        if !trimmed.is_empty() {
            let from = cell.start as usize + start + (piece.len() - piece.trim_start().len());
            pieces.push(Span::new(from, from + trimmed.len()));
        }
        start = end + sign.len();
    }
    pieces
}

/// The number a piece of a cell is, blanks and all; or the only one in it, where more is said there (`LM317T (TO-220)`).
fn number_in(layout: &Layout<'_>, piece: Span) -> Option<Span> {
    let text = layout.document.slice(piece);
    if parts::cell_is_part(text) {
        return Some(piece);
    }
    let (start, end) = parts::only_number(text)?;
    Some(Span::new(piece.start as usize + start, piece.start as usize + end))
}

/// As `Layout::around`, but a number in a list looks up to the line the list stands under.
fn prose_around<'a>(layout: &'a Layout<'_>, span: Span, stops: &[Span]) -> Around<'a> {
    let mut around = layout.around(span, stops);
    // `A -> B` lists A; what stands before B is no bullet.
    let points = ["->", "→", "=>"].iter().any(|arrow| around.before.contains(arrow));
    let bullet = !points && around.before.trim_matches(|c: char| c.is_whitespace() || "-•*·–.)>".contains(c) || c.is_ascii_digit()).is_empty();
    if bullet && layout.cell(span).is_none() {
        around.before = "";
        around.label = list_head(layout, layout.line_at(span.start));
    }
    around
}

/// The line above a list: lines that hold numbers themselves are passed over.
fn list_head<'a>(layout: &'a Layout<'_>, line: usize) -> Option<&'a str> {
    const LOOKED_AT: usize = 60;
    let above = (0..line).rev().take(LOOKED_AT).map(|number| layout.line(number).trim());
    let is_item = |text: &str| {
        let mut words = text.split_whitespace();
        let begins_with_number = words.clone().next().is_some_and(|word| parts::looks_like_part(word.trim_start_matches(['-', '•', '*', '·'])));
        begins_with_number || (words.by_ref().take(4).count() <= 3 && super::layout::holds_a_value(text))
    };
    let head = above.into_iter().find(|text| text.chars().any(char::is_alphabetic) && !is_item(text))?;
    Some(&head[head.floor_char_boundary(head.len().saturating_sub(120))..])
}

fn on_new_line(layout: &Layout<'_>, span: Span) -> bool {
    let start = layout.line_span(layout.line_at(span.start)).start as usize;
    layout.document.text[start..span.start as usize]
        .trim_matches(|c: char| c.is_whitespace() || "-•*·–>.)".contains(c) || c.is_ascii_digit())
        .is_empty()
}

/// The words right behind a number, over line ends and marks of quotation, up to the next value or the end of the sentence.
fn following(layout: &Layout<'_>, span: Span, stops: &[Span]) -> String {
    const BYTES: usize = 90;
    let text = layout.document.text.as_str();
    let from = span.end as usize;
    let stop = stops.iter().filter(|stop| stop.start >= span.end).map(|stop| stop.start as usize).min().unwrap_or(text.len());
    let to = text.floor_char_boundary((from + BYTES).min(stop));
    let window = text.get(from..to.max(from)).unwrap_or("");
    // A line that begins with a capital begins something else: the next item, the next sentence.
    let quoted = |c: char| c.is_whitespace() || c == '>';
    let goes_on = |at: usize| {
        let next = window[at..].trim_start_matches(quoted);
        next.starts_with(char::is_lowercase) && !starts_with_label(next)
    };
    let end = window.match_indices('\n').map(|(at, _)| at).find(|at| !goes_on(*at)).unwrap_or(window.len());
    let words: Vec<&str> = window[..end].split_whitespace().filter(|word| *word != ">").collect();
    let joined = words.join(" ");
    let glued = text[from..].starts_with(|c: char| !c.is_whitespace());
    let sentence = joined.find(". ").map_or(joined.as_str(), |at| &joined[..at]);
    if glued { sentence.to_owned() } else { format!(" {sentence}") }
}

fn prose_evidence(around: &Around<'_>, following: &str) -> Vec<f64> {
    static REPLACED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)(?:replacement|substitute|alternative|successor|ersatz|nachfolger|remplacement|sustituto|reemplazo)\s+(?:part\s+)?(?:for|to|of|für|de|del|para)\s*(?:the\s+|den\s+|die\s+|das\s+)?$|\b(?:none|nothing|no\s+\w+|kein\w*|aucune?|ningun[oa]?|nada)\s+(?:for|für|pour|para)\s*(?:the\s+|den\s+|die\s+|das\s+)?$|\breplac(?:es|ing)\s*(?:the\s+)?$|instead\s+of\s*$|ersetzt\s+(?:den|die|das)?\s*$|anstelle\s+(?:von|des|der)?\s*$|en\s+remplacement\s+(?:de|du)\s*$").ok()
    });
    static IS_REPLACEMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)^\s*[(\[]\s*(?:as\s+)?(?:replacement\s+|substitute\s+)?(?:for|für|pour|para)\s*$|^\W*(?:(?:is|are|as|serves?\s+as|will\s+be|ist|est|es)\s+)?(?:\w+\s+){0,3}(?:recommended|suggested|empfohlen|replacement|substitute|alternative|successor|drop-in|ersatz\w*|nachfolg\w*|remplacement)|^\W*(?:directly\s+)?replaces\b|^\W*als\s+(?:ersatz|nachfolg)\w*|^[^。\n]{0,4}(?:ご検討|ご使用|をお勧め|を推奨)").ok()
    });
    static IS_REPLACED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)^\W*(?:(?:is|are|will|wird|werden|to|be|sera|est|será)\s+)*(?:replaced|superseded|substituted|ersetzt|remplac[ée]|reemplazad[oa])|^\s*(?:→|->|=>|-->)").ok()
    });
    static IS_ENDED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)^[^.;]{0,12}?\b(?:(?:is|are|will|has|have|wird|werden|been|be|being|was|were|to|now|sont|sera|seront|est|ser[áa]n?)\s+)+(?:\w+\s+)?(?:discontinu|obsolet|phased\s+out|end\s+of\s+life|eol\b|withdrawn|abgek[üu]ndigt|eingestellt|arr[êe]t|abandonn|descontinu)\w*|^\s*(?:einstellen|abk[üu]ndigen|auslaufen)|^\s*(?:の|は)?(?:生産|製造|販売)を?(?:中止|終了|停止)|^\s*(?:は)?(?:廃番|廃止)|^\s*(?:将|將|即将|已|开关|開關)?\s*(?:将|將)?(?:停产|停產|停止生[产產])|^\s*(?:queda\w*\s+)?descatalogad|^\s*(?:reaches|reach|comes?\s+to)\s+(?:its|their)\s+end").ok()
    });
    static REMAINS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)^[^.;]{0,24}?\b(?:not\s+(?:be\s+)?(?:affected|impacted|discontinued|touched)|unaffected|(?:remains?|continues?|stays?)\b|nicht\s+betroffen|bleib\w+)|^\s*(?:は)?(?:不受影[响響]|対象外|不停[产產]|no\s+(?:est[áa]n?|resultan?)\s+afectad|(?:n'est|ne\s+sont)\s+pas\s+concern)").ok()
    });
    // `Endurance of the SGE2 series`: the name of a series in passing.
    static IS_SERIES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)^[\s-]*(?:(?:and|und|et|y)\s+\S+\s+)?(?:[\w-]+\s+)?(?:series|famil(?:y|ies)|serien?|baureihen?|s[ée]ries?|familias?|系列|シリーズ)\b").ok()
    });
    let matches = |regex: &LazyLock<Option<Regex>>, text: &str| regex.as_ref().is_some_and(|regex| regex.is_match(text));
    let mut evidence = part_evidence(&Around { label: around.label, before: around.before, after: "" });
    if matches(&REPLACED, around.before) {
        evidence = vec![6.0, 0.0, 0.0];
    } else if matches(&REMAINS, following) {
        evidence = vec![0.0, 0.0, 6.0];
    } else if matches(&IS_ENDED, following) || matches(&super::pairs::NONE_FOLLOWS, following) {
        evidence = vec![6.5, 0.0, 0.0];
    } else if matches(&IS_REPLACED, following) {
        evidence[0] = evidence[0].max(6.0);
        evidence[1] = 0.0;
    } else if matches(&IS_REPLACEMENT, following) {
        evidence[1] = evidence[1].max(6.0);
    } else {
        let after = part_evidence(&Around { label: None, before: "", after: around.after });
        evidence[0] = evidence[0].max(after[0]);
    }
    evidence[2] = evidence[2].max(if matches(&IS_SERIES, following) { 2.5 } else { 0.7 });
    evidence
}

/// Joins the model's answers in, and gives each number one role. The second list names numbers with two roles.
pub(super) fn decide(document: &Document, open: Vec<OpenGroup>, answers: &Answers) -> (Vec<RoledPart>, Vec<String>) {
    let mut by_number: HashMap<String, usize> = HashMap::new();
    let mut roled: Vec<RoledPart> = Vec::new();
    let mut torn = Vec::new();
    let mut decided: Vec<(Vec<f64>, bool)> = open
        .iter()
        .map(|open| (probabilities(&answers.joined(About::Part, open.asked, &open.evidence)), open.evidence.iter().all(|odds| *odds <= UNSAID)))
        .collect();
    spread(&open, &mut decided);
    for (group, (open, (probabilities, _))) in open.into_iter().zip(decided).enumerate() {
        let (at, confidence) = best(&probabilities);
        for Member { span, printed, row } in open.members {
            let part =
                RoledPart { span, printed, again: Vec::new(), role: PartRole::ALL[at], confidence, probabilities: probabilities.clone(), row, group };
            match by_number.get(&normal_mpn(&part.printed)) {
                None => {
                    by_number.insert(normal_mpn(&part.printed), roled.len());
                    roled.push(part);
                }
                Some(&known) => join(&mut roled[known], part, &mut torn),
            }
        }
    }
    drop_series(document, &mut roled);
    roled.sort_by_key(|part| part.span.start);
    torn.sort();
    torn.dedup();
    (roled, torn)
}

/// A list that nothing is said of has the role of those of its numbers that are named elsewhere, in the title for instance; and where no part is affected by what is said,
/// the first such list is what the notice is about, which is likely and no more.
fn spread(open: &[OpenGroup], decided: &mut [(Vec<f64>, bool)]) {
    let is_affected = |probabilities: &[f64]| best(probabilities).0 == 0;
    let affected: std::collections::HashSet<String> = open
        .iter()
        .zip(decided.iter())
        .filter(|(_, (p, _))| is_affected(p))
        .flat_map(|(group, _)| group.members.iter().map(|member| normal_mpn(&member.printed)))
        .collect();
    for (group, (probabilities, unsaid)) in open.iter().zip(decided.iter_mut()) {
        if *unsaid && !is_affected(probabilities) && group.members.iter().any(|member| affected.contains(&normal_mpn(&member.printed))) {
            *probabilities = AS_ELSEWHERE.to_vec();
        }
    }
    if !decided.iter().any(|(probabilities, _)| is_affected(probabilities))
        && let Some((probabilities, _)) = decided.iter_mut().find(|(_, unsaid)| *unsaid)
    {
        *probabilities = AS_ALONE.to_vec();
    }
}

/// Log odds up to which nothing is said of a number.
const UNSAID: f64 = 1.0;
/// Probabilities of the roles of a list whose numbers are affected by what is said elsewhere, and of the only list there is.
const AS_ELSEWHERE: [f64; 3] = [0.78, 0.1, 0.12];
const AS_ALONE: [f64; 3] = [0.7, 0.1, 0.2];

/// Names of series are no parts of their own: a number in prose that others, listed elsewhere, begin with (`OPD4N65` over `OPD4N65F` and `OPD4N65D`, `LF2277` over
/// `LF2277-SO8`); and where a table lists the parts, one in the title or one that prose hardly speaks of.
fn drop_series(document: &Document, parts: &mut Vec<RoledPart>) {
    // `Part number: LF2277` over `Part number: LF2277-SO8`, or `LF2277 -> none` over `LF2277-SO8 -> LF2278-SO8`: a form that lists both means both.
    let form = |span: Span| {
        let (before, behind) = (document.text.get(..span.start as usize)?, document.text.get(span.end as usize..)?);
        let label = before[before.rfind('\n').map_or(0, |at| at + 1)..]
            .trim_matches(|c: char| c.is_whitespace() || "-•*·–>.)".contains(c) || c.is_ascii_digit());
        let arrow = ["->", "→", "=>"].into_iter().find(|arrow| behind.trim_start_matches([' ', '\t']).starts_with(arrow));
        (arrow.is_some() || label.ends_with([':', '：'])).then_some((label, arrow))
    };
    let affected: Vec<_> =
        parts.iter().filter(|part| part.role == PartRole::Affected).map(|part| (normal_mpn(&part.printed), part.group, form(part.span))).collect();
    let in_table = parts.iter().any(|part| part.role == PartRole::Affected && part.row.is_some());
    let in_title =
        |part: &RoledPart| document.title.is_some_and(|title| title.contains(part.span) && part.again.iter().all(|span| title.contains(*span)));
    parts.retain(|part| {
        let stem = normal_mpn(&part.printed);
        let own = form(part.span);
        let longer = |(other, group, other_form): &&(String, usize, Option<(&str, Option<&str>)>)| {
            let rest = other.strip_prefix(&stem).filter(|rest| !rest.is_empty());
            *group != part.group && rest.is_some() && (own.is_none() || own != *other_form)
        };
        let over: Vec<_> = affected.iter().filter(longer).collect();
        let is_series = over.len() >= 2 || over.iter().any(|(other, _, _)| other[stem.len()..].starts_with(|c: char| !c.is_alphanumeric()));
        let passing = part.role == PartRole::Affected && part.confidence < SURE;
        part.row.is_some() || !(is_series || (in_table && (in_title(part) || passing)))
    });
}

/// The same number again: a table's word counts before prose, a role before none, the surer before the less sure.
fn join(known: &mut RoledPart, again: RoledPart, torn: &mut Vec<String>) {
    let opposed = known.role != again.role && known.role != PartRole::Neither && again.role != PartRole::Neither;
    if opposed && known.confidence > SURE && again.confidence > SURE && known.row.is_none() == again.row.is_none() {
        torn.push(known.printed.clone());
    }
    let rank = |part: &RoledPart| (part.role != PartRole::Neither, part.row.is_some());
    known.again.push(again.span);
    if rank(&again) > rank(known) || (rank(&again) == rank(known) && again.confidence > known.confidence) {
        let places = std::mem::take(&mut known.again).into_iter().chain([known.span]).filter(|span| *span != again.span).collect();
        *known = RoledPart { again: places, ..again };
    }
}
