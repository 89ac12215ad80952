//! Which replacement belongs to which part: the same row of a table, the same line or sentence, or the only one there is.

use std::{collections::HashMap, sync::LazyLock};

use regex::Regex;

use super::{
    cues::PartRole,
    layout::Layout,
    part_roles::{Columns, RoledPart},
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
static NONE_FOLLOWS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^[ \t]*(?:->|→|=>|-->|[:：|])[ \t]*(?:none|n\s?/\s?a|nil|no\s+(?:direct\s+)?(?:replacement|substitute|successor)|not\s+available|kein\w*|entfällt|aucun\w*|sans\s+(?:remplacement|[ée]quivalent)|ningun\w*|sin\s+(?:sustituto|reemplazo)|なし|無し|无|無)(?:\b|$)").ok()
});

/// `Part number: LM317T` and on the next line `Replacement: none`.
static NONE_BELOW: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^[ \t]*\r?\n[ \t>]*[^\n:：]{0,20}(?:replacement|substitut|alternativ|successor|new\s+part|ersatz|nachfolg|remplacement|[ée]quivalent|sustitut|reemplazo|代替|後継|替代|后续|後續)[^\n:：]{0,20}[:：][ \t]*(?:none|n\s?/\s?a|nil|no\s+(?:direct\s+)?(?:replacement|substitute|successor)|not\s+available|kein\w*|entfällt|aucun\w*|sans\s+\w+|ningun\w*|sin\s+\w+|なし|無し|无|無)[^\S\n]*(?:\n|$)").ok()
});

/// By normal form of the affected part. The second list names replacements whose part is not sure.
pub(super) fn pair(layout: &Layout<'_>, parts: &[RoledPart], columns: &Columns) -> (HashMap<String, Paired>, Vec<String>) {
    let affected: Vec<&RoledPart> = parts.iter().filter(|part| part.role == PartRole::Affected).collect();
    let mut paired: HashMap<String, Paired> = HashMap::new();
    let mut left_over = Vec::new();
    let replacements: Vec<&RoledPart> = parts.iter().filter(|part| part.role == PartRole::Replacement).collect();
    let in_order = if columns.links.is_empty() { is_in_order(layout, &replacements, &affected) } else { None };
    if in_order == Some(Order::Assumed) {
        left_over.extend(replacements.iter().map(|part| part.printed.clone()));
    }
    for (at, replacement) in replacements.iter().enumerate() {
        let said = linked(replacement, &affected, columns);
        let partners = if !said.is_empty() {
            said
        } else if in_order.is_some() {
            vec![affected[at]]
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
    for part in &affected {
        let text = layout.document.text.as_str();
        let told = part.again.iter().chain([&part.span]).find_map(|span| {
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

/// Two lists of the same length, each in one place: `A, B` and `C, D respectively`, or a labelled line of each. Where neither the word nor the labels say so, it is assumed.
fn is_in_order(layout: &Layout<'_>, replacements: &[&RoledPart], affected: &[&RoledPart]) -> Option<Order> {
    let one_group =
        |parts: &[&RoledPart]| parts.windows(2).all(|pair| pair[0].group == pair[1].group && pair[0].row.is_none() && pair[1].row.is_none());
    if replacements.len() != affected.len() || affected.len() < 2 || !one_group(replacements) || !one_group(affected) {
        return None;
    }
    let in_cell = |parts: &[&RoledPart]| parts.first().is_some_and(|part| layout.cell(part.span).is_some());
    let text = layout.document.text.as_str();
    let behind = replacements.last().map_or("", |last| {
        let from = last.span.end as usize;
        &text[from..text.ceil_char_boundary((from + 40).min(text.len()))]
    });
    let said = ["respectively", "jeweils", "respectivement", "respectivamente"].iter().any(|word| behind.contains(word));
    Some(if said || (in_cell(replacements) && in_cell(affected)) { Order::Said } else { Order::Assumed })
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
