//! Which of the factory's items a notice's part is. Exact beats a packing ending beats a family or wildcard; anything weaker is a suggestion for a person, never
//! a match. The same number of another maker is another part.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::suffix::stripped;
use crate::{
    domain::{factory::FactoryData, maker::MakerAliases, part::normal_mpn},
    limits,
};

/// How a part was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchKind {
    /// Same maker, same normal form.
    Exact,
    /// Same but for a packaging suffix.
    Suffix,
    /// Covered by a wildcard or series in the notice.
    Family,
}

/// One approved source of one item that a notice's part hits. Indices into `FactoryData`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    pub item: usize,
    pub aml: usize,
    pub kind: MatchKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    pub maker: String,
    pub mpn: String,
    pub item: String,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartMatch {
    Known(Vec<Hit>),
    /// Not in the AML: unknown, never zero. Nearest names for a person.
    Unknown(Vec<Suggestion>),
}

/// Characters of a family that must be given, not wild; fewer would cover half a catalogue.
const LITERALS_MIN: usize = 4;
/// Names nearer than this are suggested; 1 is equal.
const NEAR: f64 = 0.75;

/// The AML by number and by number without packing.
pub(super) struct Index {
    exact: HashMap<String, Vec<usize>>,
    bare: HashMap<String, Vec<usize>>,
    /// By AML entry: maker's key, normal form, item.
    entries: Vec<(String, String, Option<usize>)>,
}

impl Index {
    pub fn new(data: &FactoryData, items: &HashMap<String, usize>, aliases: &MakerAliases) -> Index {
        let mut index = Index { exact: HashMap::new(), bare: HashMap::new(), entries: Vec::with_capacity(data.aml.len()) };
        for (at, entry) in data.aml.iter().enumerate() {
            let normal = normal_mpn(&entry.mpn);
            index.bare.entry(stripped(&normal).unwrap_or(&normal).to_owned()).or_default().push(at);
            index.exact.entry(normal.clone()).or_default().push(at);
            index.entries.push((aliases.key(&entry.maker), normal, items.get(&entry.item).copied()));
        }
        index
    }

    pub fn find(&self, data: &FactoryData, aliases: &MakerAliases, maker: Option<&str>, mpn: &str) -> PartMatch {
        let maker = maker.map(|maker| aliases.key(maker)).filter(|key| !key.is_empty());
        let normal = normal_mpn(mpn);
        let of_maker = |at: &usize| maker.as_ref().is_none_or(|maker| self.entries[*at].0 == *maker);
        let hits =
            |found: Vec<usize>, kind| found.into_iter().filter_map(|at| Some(Hit { item: self.entries[at].2?, aml: at, kind })).collect::<Vec<_>>();
        let exact: Vec<usize> = self.exact.get(&normal).into_iter().flatten().copied().filter(of_maker).collect();
        let suffix = || self.bare.get(stripped(&normal).unwrap_or(&normal)).into_iter().flatten().copied().filter(of_maker).collect::<Vec<_>>();
        let family = || self.family(&normal).into_iter().filter(of_maker).collect::<Vec<_>>();
        for (found, kind) in [(exact, MatchKind::Exact), (suffix(), MatchKind::Suffix), (family(), MatchKind::Family)] {
            let hits = hits(found, kind);
            if !hits.is_empty() {
                return PartMatch::Known(hits);
            }
        }
        PartMatch::Unknown(self.suggestions(data, maker.as_deref(), &normal))
    }

    /// Entries a wildcard covers: `*` any ending or middle, a trailing `xx` any characters in its place.
    fn family(&self, normal: &str) -> Vec<usize> {
        let Some(pattern) = pattern(normal) else { return Vec::new() };
        self.entries.iter().enumerate().filter(|(_, (_, entry, _))| covers(&pattern, entry)).map(|(at, _)| at).collect()
    }

    fn suggestions(&self, data: &FactoryData, maker: Option<&str>, normal: &str) -> Vec<Suggestion> {
        let mut near: Vec<(f64, usize, String)> = Vec::new();
        let bare = stripped(normal).unwrap_or(normal);
        for (at, (key, entry, _)) in self.entries.iter().enumerate() {
            let same_maker = maker.is_none_or(|maker| maker == key);
            if entry == normal || stripped(entry).unwrap_or(entry) == bare {
                near.push((2.0, at, "same number, other maker".to_owned()));
            } else if same_maker && entry.chars().next() == normal.chars().next() {
                let likeness = strsim::jaro_winkler(entry, normal);
                if likeness >= NEAR {
                    near.push((likeness, at, "nearest number of this maker".to_owned()));
                }
            }
        }
        near.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        let mut seen = HashSet::new();
        near.into_iter()
            .filter(|(_, at, _)| seen.insert(&self.entries[*at].1))
            .take(limits::SUGGESTIONS_MAX)
            .map(|(_, at, why)| {
                let entry = &data.aml[at];
                Suggestion { maker: entry.maker.clone(), mpn: entry.mpn.clone(), item: entry.item.clone(), why }
            })
            .collect()
    }
}

/// Pieces of a wildcard between which anything may stand, or `None` where it is no wildcard or says too little.
fn pattern(normal: &str) -> Option<Vec<String>> {
    let trailing = normal.len() - normal.trim_end_matches('X').len();
    let series = trailing >= 2 && normal[..normal.len() - trailing].ends_with(|c: char| c.is_ascii_digit());
    let open = if series { format!("{}*", &normal[..normal.len() - trailing]) } else { normal.to_owned() };
    if !open.contains('*') {
        return None;
    }
    let pieces: Vec<String> = open.split('*').map(str::to_owned).collect();
    let literals: usize = pieces.iter().map(|piece| piece.chars().filter(|c| c.is_alphanumeric()).count()).sum();
    (literals >= LITERALS_MIN).then_some(pieces)
}

fn covers(pattern: &[String], entry: &str) -> bool {
    let (Some(first), Some(last)) = (pattern.first(), pattern.last()) else { return false };
    let Some(mut rest) = entry.strip_prefix(first.as_str()) else { return false };
    for piece in &pattern[1..pattern.len() - 1] {
        let Some(at) = rest.find(piece.as_str()) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last.as_str())
}

#[cfg(test)]
mod tests {
    use super::{covers, pattern};

    #[test]
    fn families_cover_what_they_say_and_need_something_to_say() {
        let covered = |family: &str, part: &str| pattern(family).is_some_and(|pattern| covers(&pattern, part));
        assert!(covered("74HC595XX", "74HC595PW"));
        assert!(covered("LM317*", "LM317T/NOPB"));
        assert!(covered("LM317*-TR", "LM317LD-TR"));
        assert!(!covered("LM317*-TR", "LM317LD"));
        assert!(!covered("74HC595XX", "74HCT595PW"));
        assert!(!covered("LM3*", "LM317"), "three characters cover half a catalogue");
        assert!(!covered("LM317", "LM317T"), "a plain number is no family");
        assert!(!covered("MAX", "MAX232"));
    }
}
