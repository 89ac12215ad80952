//! Which items of the factory a case hits, how much of each item's use the ending sources carry, and which approved source can take it over.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{
    Input,
    reporting::float,
    why::{self, FigureInput, Notes},
};
use crate::{
    domain::{
        factory::AmlEntry,
        part::{PartName, normal_mpn},
    },
    factory::{Factory, PartMatch},
};

/// One item of the factory that parts of the case are approved for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Affected {
    /// Index of the item.
    pub item: usize,
    /// Parts of the case, in their order.
    pub parts: Vec<usize>,
    /// The AML entries that end, first choice first.
    pub sources: Vec<usize>,
    /// Share of the item's use that the ending sources carry, 0 to 1.
    pub share: f64,
    pub share_inputs: Vec<FigureInput>,
    /// The approved source that takes over, by preference.
    pub alternate: Option<usize>,
    /// Other qualified sources that go on delivering a share of their own; their open orders belong to that share.
    pub delivering: Vec<usize>,
    /// Why each other source cannot take over, in words.
    pub no_alternate: Vec<String>,
    /// The earliest of its parts.
    pub last_time_buy: Option<Date>,
    pub last_time_ship: Option<Date>,
}

/// What a lifecycle in the AML says about taking over demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lifecycle {
    Active,
    /// Empty, or a word we do not know: counts as active, and is told.
    Unknown,
    /// Ends itself, is about to, or is not released yet. "Not recommended for new designs" is among them: it is the maker's announcement of the end, and an
    /// answer that must be repeated in a year is no answer.
    Not,
}

fn lifecycle(entry: &AmlEntry) -> Lifecycle {
    const ACTIVE: &[&str] = &["active", "inproduction", "production", "volumeproduction", "released", "mature", "current", "available"];
    const NOT: &[&str] = &[
        "eol",
        "endoflife",
        "obsolete",
        "discontinued",
        "nrnd",
        "nfnd",
        "notrecommended",
        "notfornewdesign",
        "ltb",
        "lasttimebuy",
        "lastbuy",
        "inactive",
        "phaseout",
        "phasedout",
        "pdn",
        "withdrawn",
        "preliminary",
        "preview",
        "prerelease",
        "development",
        "sample",
    ];
    let folded: String =
        entry.lifecycle.as_deref().unwrap_or_default().chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    // Refusals first: "not active" holds "active".
    if NOT.iter().any(|word| folded.contains(word)) || folded.starts_with("not") {
        Lifecycle::Not
    } else if ACTIVE.contains(&folded.as_str()) {
        Lifecycle::Active
    } else {
        Lifecycle::Unknown
    }
}

/// Items in the order of the factory's file.
pub(super) fn affected(input: &Input<'_>, notes: &mut Notes) -> Vec<Affected> {
    let mut hit: BTreeMap<usize, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (part, found) in input.matches.iter().enumerate() {
        let PartMatch::Known(hits) = found else { continue };
        for one in hits {
            let (parts, sources) = hit.entry(one.item).or_default();
            parts.push(part);
            sources.push(one.aml);
        }
    }
    hit.into_iter().map(|(item, (parts, sources))| of_item(input, item, parts, &sources, notes)).collect()
}

fn of_item(input: &Input<'_>, item: usize, mut parts: Vec<usize>, ending: &[usize], notes: &mut Notes) -> Affected {
    parts.dedup();
    let factory = input.factory;
    let all = factory.sources(item);
    let sources: Vec<usize> = all.iter().copied().filter(|source| ending.contains(source)).collect();
    let shares = shares(factory, item, &all, notes);
    let share = sources.iter().map(|source| share_of(&shares, *source)).sum::<f64>().min(1.0);
    let share_inputs = shares.iter().filter(|(source, _, _)| sources.contains(source)).map(|(_, _, input)| input.clone()).collect();
    let case = input.case;
    let date = |own: fn(&crate::domain::case::CasePart) -> Option<Date>, common: Option<Date>| {
        parts.iter().filter_map(|part| case.parts.get(*part)).filter_map(|part| own(part).or(common)).min()
    };
    let mut affected = Affected {
        item,
        last_time_buy: date(|part| part.last_time_buy, case.last_time_buy),
        last_time_ship: date(|part| part.last_time_ship, case.last_time_ship),
        parts,
        sources,
        share,
        share_inputs,
        alternate: None,
        delivering: Vec::new(),
        no_alternate: Vec::new(),
    };
    for source in all.into_iter().filter(|source| !affected.sources.contains(source)) {
        if factory.data.aml[source].qualified && share_of(&shares, source) > 0.0 {
            affected.delivering.push(source);
        }
        match unfit(input, source) {
            Some(why) => affected.no_alternate.push(why),
            None if affected.alternate.is_none() => {
                affected.alternate = Some(source);
                let entry = &factory.data.aml[source];
                if lifecycle(entry) == Lifecycle::Unknown {
                    notes.assume(format!(
                        "{} counts as active: its lifecycle in {} is {}",
                        name(entry),
                        why::at(&entry.at),
                        entry.lifecycle.as_deref().map_or_else(|| "empty".to_owned(), |word| format!("'{word}'"))
                    ));
                }
            }
            None => {}
        }
    }
    affected
}

/// Why an approved source cannot take over demand, or `None` where it can.
fn unfit(input: &Input<'_>, source: usize) -> Option<String> {
    let entry = &input.factory.data.aml[source];
    let place = why::at(&entry.at);
    if !entry.qualified {
        return Some(format!("{} is not qualified ({place})", name(entry)));
    }
    if lifecycle(entry) == Lifecycle::Not {
        return Some(format!("{} is not active: '{}' ({place})", name(entry), entry.lifecycle.as_deref().unwrap_or_default()));
    }
    if input.other_open_parts.iter().any(|open| is_named(input.factory, source, open)) {
        return Some(format!("{} has an open case of its own", name(entry)));
    }
    None
}

/// A source that is approved for the item and waits for its qualification, and does not end itself.
pub(super) fn waits_for_qualification(input: &Input<'_>, source: usize) -> bool {
    let entry = &input.factory.data.aml[source];
    !entry.qualified && lifecycle(entry) != Lifecycle::Not && !input.other_open_parts.iter().any(|open| is_named(input.factory, source, open))
}

pub(super) fn name(entry: &AmlEntry) -> String {
    format!("{} {}", entry.maker, entry.mpn)
}

/// Whether a part of another case is this AML entry, by the same rules as every match. Those that begin otherwise are passed over unasked, because a part that
/// is not found costs a search for the nearest names.
fn is_named(factory: &Factory, source: usize, open: &PartName) -> bool {
    const ALIKE: usize = 3;
    let entry = &factory.data.aml[source];
    let maker_differs = open.maker.as_deref().is_some_and(|maker| factory.aliases().key(maker) != factory.aliases().key(&entry.maker));
    let (ours, theirs) = (normal_mpn(&entry.mpn), normal_mpn(&open.mpn));
    let begins = theirs.chars().take_while(|c| *c != '*').take(ALIKE).zip(ours.chars()).all(|(a, b)| a == b);
    if maker_differs || !begins {
        return false;
    }
    match factory.find_part(open.maker.as_deref(), &open.mpn) {
        PartMatch::Known(hits) => hits.iter().any(|hit| hit.aml == source),
        PartMatch::Unknown(_) => false,
    }
}

type Share = (usize, f64, FigureInput);

fn share_of(shares: &[Share], source: usize) -> f64 {
    shares.iter().filter(|(of, _, _)| *of == source).map(|(_, share, _)| share).sum()
}

/// Shares of the item's use by source. What no share speaks for goes to the first choice among the sources without one, never in equal parts.
fn shares(factory: &Factory, item: usize, all: &[usize], notes: &mut Notes) -> Vec<Share> {
    let data = &factory.data;
    let number = &data.items[item].item;
    let given: f64 = all.iter().filter_map(|source| data.aml[*source].share).map(float).sum();
    let scale = if given > 1.0 + 1e-9 {
        notes.assume(format!("the shares of {number} in aml.csv sum to {}: each counts as its part of that sum", why::pieces(given)));
        1.0 / given
    } else {
        1.0
    };
    let mut shares: Vec<Share> = Vec::new();
    for source in all {
        let entry = &data.aml[*source];
        if let Some(share) = entry.share {
            shares.push((
                *source,
                float(share) * scale,
                FigureInput::new(format!("share of {}", name(entry)), share.to_string(), why::at(&entry.at)),
            ));
        }
    }
    let rest = 1.0 - given * scale;
    if rest <= 1e-9 {
        return shares;
    }
    let unsaid = |source: &&usize| data.aml[**source].share.is_none();
    let first = all.iter().filter(unsaid).find(|source| data.aml[**source].qualified).or_else(|| all.iter().find(unsaid));
    match first {
        Some(source) => {
            let entry = &data.aml[*source];
            let from = if all.len() == 1 { "only approved source" } else { "first choice: no share is given" };
            if all.len() > 1 {
                notes.assume(format!(
                    "{number}: {} carries {} of the use, as first choice of the sources without a share in aml.csv",
                    name(entry),
                    if given > 0.0 { format!("the remaining {}", why::pieces(rest)) } else { "all".to_owned() }
                ));
            }
            let place = format!("{from} ({})", why::at(&entry.at));
            shares.push((*source, rest, FigureInput::new(format!("share of {}", name(entry)), why::pieces(rest), place)));
        }
        None => {
            // Every source has a share and they do not reach 1: somebody carries the rest, so the shares are scaled up.
            if given > 0.0 {
                notes.assume(format!("the shares of {number} in aml.csv sum to {}: each counts as its part of that sum", why::pieces(given)));
                shares.iter_mut().for_each(|(_, share, _)| *share /= given);
            }
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{factory::Line, money::Currency};

    #[test]
    fn a_lifecycle_is_active_only_where_it_says_nothing_else() {
        let entry = |word: Option<&str>| AmlEntry {
            item: "I".to_owned(),
            maker: "M".to_owned(),
            mpn: "P".to_owned(),
            preference: None,
            qualified: true,
            lifecycle: word.map(str::to_owned),
            share: None,
            unit_price: None,
            currency: Currency::EUR,
            at: Line { file: "aml.csv".to_owned(), line: 2 },
        };
        for (word, expected) in [
            (Some("Active"), Lifecycle::Active),
            (Some("In Production"), Lifecycle::Active),
            (None, Lifecycle::Unknown),
            (Some("class 3"), Lifecycle::Unknown),
            (Some("EOL"), Lifecycle::Not),
            (Some("Not Recommended for New Designs"), Lifecycle::Not),
            (Some("inactive"), Lifecycle::Not),
            (Some("not active"), Lifecycle::Not),
            (Some("End-of-Life"), Lifecycle::Not),
        ] {
            assert_eq!(lifecycle(&entry(word)), expected, "{word:?}");
        }
    }
}
