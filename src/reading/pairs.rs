//! Which replacement belongs to which part: the same row of a table, the same line or sentence, or the only one there is.

use std::{collections::HashMap, sync::LazyLock};

use regex::Regex;

use super::{cues::PartRole, layout::Layout, part_roles::{Columns, RoledPart}};
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

/// By normal form of the affected part. The second list names replacements that belong to nothing surely.
pub(super) fn pair(layout: &Layout<'_>, parts: &[RoledPart], columns: &Columns) -> (HashMap<String, Paired>, Vec<String>) {
    let affected: Vec<&RoledPart> = parts.iter().filter(|part| part.role == PartRole::Affected).collect();
    let mut paired: HashMap<String, Paired> = HashMap::new();
    let mut left_over = Vec::new();
    let replacements: Vec<&RoledPart> = parts.iter().filter(|part| part.role == PartRole::Replacement).collect();
    let in_order = is_in_order(layout, &replacements, &affected);
    for (at, replacement) in replacements.iter().enumerate() {
        let partners = if in_order { vec![affected[at]] } else { partners(layout, replacement, &affected) };
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
    if replacements.is_empty()
        && let Some(found) = NO_REPLACEMENT.as_ref().and_then(|regex| regex.find(&layout.document.text))
    {
        for part in &affected {
            paired.entry(normal_mpn(&part.printed)).or_insert(Paired::None(Span::new(found.start(), found.end())));
        }
    }
    (paired, left_over)
}

/// Two lists of the same length, each in one place, belong together one by one: `A, B` and `C, D respectively`, or a labelled line of each.
fn is_in_order(layout: &Layout<'_>, replacements: &[&RoledPart], affected: &[&RoledPart]) -> bool {
    let one_group = |parts: &[&RoledPart]| parts.windows(2).all(|pair| pair[0].group == pair[1].group && pair[0].row.is_none() && pair[1].row.is_none());
    let of_pairs = |part: &RoledPart| layout.cell(part.span).is_some();
    let labelled = replacements.first().is_some_and(|part| of_pairs(part)) && affected.first().is_some_and(|part| of_pairs(part));
    let text = layout.document.text.as_str();
    let behind = replacements.last().map_or("", |last| {
        let from = last.span.end as usize;
        &text[from..text.ceil_char_boundary((from + 40).min(text.len()))]
    });
    let said = ["respectively", "jeweils", "respectivement", "respectivamente"].iter().any(|word| behind.contains(word));
    replacements.len() == affected.len() && affected.len() > 1 && one_group(replacements) && one_group(affected) && (said || labelled)
}

/// The affected parts a replacement stands for.
fn partners<'a>(layout: &Layout<'_>, replacement: &RoledPart, affected: &[&'a RoledPart]) -> Vec<&'a RoledPart> {
    if let Some(row) = replacement.row {
        let same_row: Vec<&RoledPart> = affected.iter().copied().filter(|part| part.row == Some(row)).collect();
        if !same_row.is_empty() {
            return same_row;
        }
    }
    let together = |part: &&&RoledPart| {
        let (from, to) = (part.span.end.min(replacement.span.end) as usize, part.span.start.max(replacement.span.start) as usize);
        part.row.is_none() && is_one_sentence(layout.document.text.get(from..to).unwrap_or("\n\n"))
    };
    let nearest = affected.iter().filter(together).min_by_key(|part| part.span.start.abs_diff(replacement.span.start));
    match nearest {
        // `A, B and C are replaced by D` says it of all three.
        Some(nearest) => affected.iter().copied().filter(|part| part.group == nearest.group).collect(),
        None if affected.len() == 1 => affected.to_vec(),
        None => Vec::new(),
    }
}

/// Whether no sentence and no line of its own ends between two places.
fn is_one_sentence(between: &str) -> bool {
    between.len() <= 120 && !between.contains("\n\n") && between.matches('\n').count() <= 1 && !between.contains(". ") && !between.contains(".\n")
}
