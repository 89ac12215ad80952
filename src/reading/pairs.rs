//! Which replacement belongs to which part: the same row of a table, the same line or sentence, or the only one there is.

use std::{collections::HashMap, sync::LazyLock};

use regex::Regex;

use super::{
    cues::PartRole,
    layout::Layout,
    part_roles::{Columns, NONE_THERE, RoledPart, is_listed},
};
use crate::domain::{document::Span, part::normal_mpn};

/// What the notice says about replacing one part.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Paired {
    Named(Vec<RoledPart>),
    /// It says there is none; where.
    None(Span),
}

static NO_REPLACEMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:there\s+(?:is|are|will\s+be)\s+)?\b(?:no|without\s+(?:a\s+)?)\s*(?:direct|drop-?in|suitable|recommended|pin[\s-]compatible|equivalent|form,?\s*fit)?[\w\s,/-]{0,24}(?:replacement|substitute|alternative|successor|equivalent)s?\b(?:\s+(?:part|product|device)s?)?(?:\s+(?:is|are|exists?|available|planned|offered))*|(?:replacement|substitute|alternative|successor)\w*\s*(?:part|product|device)?s?\s*[:：]\s*(?:none|n\s?/\s?a|not\s+available)|kein\w*\s+(?:direkte\w*\s+)?(?:ersatz|nachfolg)\w*|(?:ersatz|nachfolg)\w*\s*[:：]\s*(?:kein\w*|entfällt)|aucun\w*\s+(?:remplacement|produit\s+de\s+remplacement|substitut)|(?:no\s+(?:hay|existe)|sin)\s+(?:reemplazo|sustituto|producto\s+de\s+reemplazo)\w*|代替(?:品|製品)?(?:は)?(?:なし|無し|ありません|ございません)|(?:无|無|没有)替代(?:品|产品|料)?").ok()
});

/// `LM317T -> none`.
pub(super) static NONE_FOLLOWS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^[ \t]*(?:->|→|=>|-->|[:：|])[ \t]*(?:none|nothing|n\s?/\s?a|nil|no\s+(?:direct\s+)?(?:replacement|substitute|successor|substitution)|not\s+(?:available|superseded)|kein\w*|ohne\s+\w+|entfällt|aucun\w*|sans\s+(?:remplacement|[ée]quivalent)|ningun\w*|sin\s+(?:sustituto|reemplazo)|なし|無し|无|無)(?:\b|$)").ok()
});

/// `Nothing for LM317T`.
static NONE_FOR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:none|nothing|no\s+(?:direct\s+)?(?:replacement|substitute|successor|alternative)|kein\w*(?:\s+(?:ersatz|nachfolg)\w*)?|aucune?|ningun[oa]?|nada)\s+(?:for|für|pour|para)\s*(?:the\s+|den\s+|die\s+|das\s+)?$").ok()
});

/// `Part number: LM317T` and on the next line `Replacement: none`.
static NONE_BELOW: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^[ \t]*\r?\n[ \t>]*[^\n:：]{0,20}(?:replacement|substitut|alternativ|successor|new\s+part|ersatz|nachfolg|remplacement|[ée]quivalent|sustitut|reemplazo|代替|後継|替代|后续|後續)[^\n:：]{0,20}[:：][ \t]*(?:none|n\s?/\s?a|nil|no\s+(?:direct\s+)?(?:replacement|substitute|successor)|not\s+available|kein\w*|entfällt|aucun\w*|sans\s+\w+|ningun\w*|sin\s+\w+|なし|無し|无|無)[^\S\n]*(?:\n|$)").ok()
});

/// How far back such words are looked for, in bytes.
const NONE_FOR_BYTES: usize = 48;

/// By normal form of the affected part. The second list names replacements whose part is not sure.
pub(super) fn pair(layout: &Layout<'_>, parts: &[RoledPart], columns: &Columns) -> (HashMap<String, Paired>, Vec<String>) {
    let affected: Vec<&RoledPart> = parts.iter().filter(|part| part.role == PartRole::Affected).collect();
    let mut paired: HashMap<String, Paired> = HashMap::new();
    let mut left_over = Vec::new();
    let replacements: Vec<&RoledPart> = parts.iter().filter(|part| part.role == PartRole::Replacement).collect();
    let lists = lists(layout, &replacements, &affected);
    for (at, replacement) in replacements.iter().enumerate() {
        let said = linked(replacement, &affected, columns);
        let partners = if !said.is_empty() {
            said
        } else if let Some((partner, order)) = lists.get(&at) {
            if *order == Order::Assumed {
                left_over.push(replacement.printed.clone());
            }
            vec![*partner]
        } else {
            partners(layout, replacement, &affected, replacements.len() == 1)
        };
        if partners.is_empty() {
            left_over.push(replacement.printed.clone());
        }
        for part in partners {
            match paired.entry(normal_mpn(&part.printed)).or_insert_with(|| Paired::Named(Vec::new())) {
                Paired::Named(named) => named.push((*replacement).clone()),
                Paired::None(_) => {}
            }
        }
    }
    for (cell, span) in &columns.no_part {
        for part in affected.iter().filter(|part| part.row == Some((cell.table, cell.row))) {
            paired.entry(normal_mpn(&part.printed)).or_insert(Paired::None(*span));
        }
    }
    for (mpn, span) in none_items(layout, &replacements, &affected) {
        paired.entry(mpn).or_insert(Paired::None(span));
    }
    for part in &affected {
        let text = layout.document.text.as_str();
        let told = part.again.iter().chain([&part.span]).find_map(|span| {
            let before = &text[text.floor_char_boundary((span.start as usize).saturating_sub(NONE_FOR_BYTES))..span.start as usize];
            if let Some(found) = NONE_FOR.as_ref().and_then(|regex| regex.find(before)) {
                let start = span.start as usize - before.len() + found.start();
                return Some(Span::new(start, start + found.as_str().trim_end().len()));
            }
            let behind = text.get(span.end as usize..)?;
            let found = [&NONE_FOLLOWS, &NONE_BELOW].into_iter().find_map(|regex| regex.as_ref()?.find(behind))?;
            Some(Span::new(span.end as usize, span.end as usize + found.as_str().trim_end().len()))
        });
        if let Some(span) = told {
            paired.entry(normal_mpn(&part.printed)).or_insert(Paired::None(span));
        }
    }
    if replacements.is_empty()
        && let Some(found) = NO_REPLACEMENT.as_ref().and_then(|regex| regex.find(&layout.document.text))
    {
        for part in &affected {
            paired.entry(normal_mpn(&part.printed)).or_insert(Paired::None(Span::new(found.start(), found.end())));
        }
    }
    (paired, left_over)
}

/// The affected parts that words beside the replacement name as those it replaces.
fn linked<'a>(replacement: &RoledPart, affected: &[&'a RoledPart], columns: &Columns) -> Vec<&'a RoledPart> {
    let stands_at = |part: &RoledPart, span: &Span| part.span == *span || part.again.contains(span);
    let olds: Vec<Span> = columns.links.iter().filter(|(_, new)| stands_at(replacement, new)).map(|(old, _)| *old).collect();
    affected.iter().copied().filter(|part| olds.iter().any(|old| stands_at(part, old))).collect()
}

/// Why two lists were taken to belong together one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Said,
    Assumed,
}

/// Two lists of the same length: `A, B` and `C, D respectively`, a labelled line of each, two cells of a row. Where neither the word nor the numbers themselves say that they
/// belong together one by one, it is assumed. By place among the replacements.
fn lists<'a>(layout: &Layout<'_>, replacements: &[&RoledPart], affected: &[&'a RoledPart]) -> HashMap<usize, (&'a RoledPart, Order)> {
    let mut partners = HashMap::new();
    let place = |part: &RoledPart| (part.group, part.row);
    let mut done = Vec::new();
    for replacement in replacements {
        let list = place(replacement);
        if done.contains(&list) {
            continue;
        }
        done.push(list);
        let news: Vec<usize> = (0..replacements.len()).filter(|at| place(replacements[*at]) == list).collect();
        let olds = match list.1 {
            Some(row) => affected.iter().copied().filter(|part| part.row == Some(row)).collect(),
            None => list_above(layout, replacement.span, affected),
        };
        let items = labelled_items(layout, replacement.span);
        if items.len() >= 2 && items.len() == olds.len() && news.iter().all(|at| items.iter().any(|item| item.contains(replacements[*at].span))) {
            // Each has its place, and `none` keeps the place of the one that has none.
            for new in news {
                if let Some(at) = items.iter().position(|item| item.contains(replacements[new].span)) {
                    partners.insert(new, (olds[at], Order::Said));
                }
            }
            continue;
        }
        if news.len() < 2 || news.len() != olds.len() {
            continue;
        }
        let pairs: Vec<(&str, &str)> = news.iter().zip(&olds).map(|(new, old)| (replacements[*new].printed.as_str(), old.printed.as_str())).collect();
        let order =
            if is_said(layout, replacements[news[news.len() - 1]]) || list.1.is_some() || are_alike(&pairs) { Order::Said } else { Order::Assumed };
        for (new, old) in news.into_iter().zip(olds) {
            partners.insert(new, (old, order));
        }
    }
    partners
}

/// The nearest list of affected parts above a place, in its order; a part counts where it stands in it, also if it is named elsewhere too.
fn list_above<'a>(layout: &Layout<'_>, below: Span, affected: &[&'a RoledPart]) -> Vec<&'a RoledPart> {
    let mut places: Vec<(Span, &RoledPart)> = affected
        .iter()
        .flat_map(|part| part.again.iter().chain([&part.span]).map(|span| (*span, *part)))
        .filter(|(span, _)| span.end <= below.start)
        .collect();
    places.sort_by_key(|(span, _)| span.start);
    let mut list: Vec<&RoledPart> = Vec::new();
    let mut next: Option<Span> = None;
    for (span, part) in places.into_iter().rev() {
        if next.is_some_and(|next| !is_listed(layout, span, next)) {
            break;
        }
        next = Some(span);
        list.push(part);
    }
    list.reverse();
    list
}

/// The items of a labelled line, `Substitute: none, LM318T`, or of a cell, where a place stands in one; none of them if the line says anything else.
fn labelled_items(layout: &Layout<'_>, place: Span) -> Vec<Span> {
    let cell = layout.cell(place).map(|(cell, _)| cell);
    let whole = cell.unwrap_or_else(|| layout.line_span(layout.line_at(place.start)));
    let (start, line) = (whole.start as usize, layout.document.slice(whole));
    let before = &line[..place.start as usize - start];
    let behind_label = before.rfind([':', '：']).map(|at| at + line[at..].chars().next().map_or(1, char::len_utf8));
    let Some(from) = behind_label.or_else(|| before.find("  ").map(|at| at + 2)).or(cell.map(|_| 0)) else { return Vec::new() };
    let mut items = Vec::new();
    let mut at = from;
    for piece in line[from..].split_inclusive([',', ';', '、', '，', '；']) {
        let text = piece.trim_end_matches([',', ';', '、', '，', '；']);
        let lead = text.len() - text.trim_start().len();
        items.push(Span::new(start + at + lead, start + at + lead + text.trim().len()));
        at += piece.len();
    }
    let is_item = |span: &Span| {
        let text = layout.document.slice(*span);
        NONE_THERE.as_ref().is_some_and(|regex| regex.is_match(text)) || super::parts::cell_is_part(text)
    };
    if items.iter().all(is_item) { items } else { Vec::new() }
}

/// By place among the affected: what says in a labelled line that there is none for it.
fn none_items(layout: &Layout<'_>, replacements: &[&RoledPart], affected: &[&RoledPart]) -> Vec<(String, Span)> {
    let mut told = Vec::new();
    for replacement in replacements {
        let items = labelled_items(layout, replacement.span);
        let olds: Vec<&RoledPart> = match replacement.row {
            Some(row) => affected.iter().copied().filter(|part| part.row == Some(row)).collect(),
            None => list_above(layout, replacement.span, affected),
        };
        if items.len() >= 2 && items.len() == olds.len() {
            let none =
                items.iter().zip(&olds).filter(|(item, _)| NONE_THERE.as_ref().is_some_and(|regex| regex.is_match(layout.document.slice(**item))));
            told.extend(none.map(|(item, old)| (normal_mpn(&old.printed), *item)));
        }
    }
    told
}

fn is_said(layout: &Layout<'_>, last: &RoledPart) -> bool {
    let text = layout.document.text.as_str();
    let from = last.span.end as usize;
    let behind = &text[from..text.ceil_char_boundary((from + 40).min(text.len()))];
    ["respectively", "jeweils", "respectivement", "respectivamente"].iter().any(|word| behind.contains(word))
}

/// Whether each pair ends alike, and no other pairing of the same lists does: `AX100-3, AX100-5` and `BX110-3, BX110-5`.
fn are_alike(pairs: &[(&str, &str)]) -> bool {
    let ending = |one: &str, other: &str| one.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b).count();
    pairs.iter().enumerate().all(|(at, (new, old))| {
        let own = ending(new, old);
        own >= 1 && pairs.iter().enumerate().filter(|(other, _)| *other != at).all(|(_, (_, other))| ending(new, other) < own)
    })
}

/// The affected parts a replacement stands for. `alone`: it is the only replacement of the notice.
fn partners<'a>(layout: &Layout<'_>, replacement: &RoledPart, affected: &[&'a RoledPart], alone: bool) -> Vec<&'a RoledPart> {
    if let Some(row) = replacement.row {
        let same_row: Vec<&RoledPart> = affected.iter().copied().filter(|part| part.row == Some(row)).collect();
        if !same_row.is_empty() {
            return same_row;
        }
    }
    let text = layout.document.text.as_str();
    // How far the nearest mention is, in bytes; words that say `for` bring it nearest of all.
    let distance = |part: &RoledPart| {
        let places = |part: &RoledPart| part.again.iter().copied().chain([part.span]).collect::<Vec<Span>>();
        let pairs = places(replacement).into_iter().flat_map(|one| places(part).into_iter().map(move |other| (one, other)));
        let near = pairs.filter_map(|(one, other)| {
            let (from, to) = (one.end.min(other.end) as usize, one.start.max(other.start) as usize);
            let between = text.get(from..to)?;
            let said = one.end <= other.start && FOR.as_ref().is_some_and(|regex| regex.is_match(between))
                || other.end <= one.start && BY.as_ref().is_some_and(|regex| regex.is_match(between));
            (part.row.is_none() && is_one_sentence(between)).then_some(if said { 0 } else { 1 + between.len() })
        });
        near.min()
    };
    let nearest = affected.iter().filter_map(|part| Some((distance(part)?, *part))).min_by_key(|(distance, _)| *distance);
    match nearest {
        // `A, B and C are replaced by D` says it of all three.
        Some((distance, nearest)) if alone && distance > 0 => affected.iter().copied().filter(|part| part.group == nearest.group).collect(),
        Some((_, nearest)) => vec![nearest],
        None if affected.len() == 1 => affected.to_vec(),
        None => Vec::new(),
    }
}

static FOR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^\s*[(\[]?\s*(?:\w+\s+){0,3}(?:for|replaces|instead\s+of|für|ersetzt|pour|para)\s+(?:the\s+|den\s+|die\s+|das\s+)?$").ok()
});
static BY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)^\s*(?:→|->|=>|-->|:|(?:\w+\s+){0,4}(?:by|with|durch|par|por)\s+(?:the\s+|den\s+|die\s+)?)\s*$").ok());

/// Whether no sentence and no line of its own ends between two places.
fn is_one_sentence(between: &str) -> bool {
    between.len() <= 120 && !between.contains("\n\n") && between.matches('\n').count() <= 1 && !between.contains(". ") && !between.contains(".\n")
}
