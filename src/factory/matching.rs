//! Which of the factory's items a notice's part is. For each item, exact beats a packing ending beats a family or wildcard; anything weaker is a suggestion for a
//! person, never a match. The same number of another maker is another part; a notice that names no maker matches on the number alone.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{range::Range, suffix::Endings};
use crate::{
    domain::{factory::AmlEntry, maker::MakerAliases, part::normal_mpn},
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
    /// In the order of the AML. An item appears with the best kind it is hit by, and only with the sources hit that way.
    Known(Vec<Hit>),
    /// Not in the AML: unknown, never zero. Nearest names for a person.
    Unknown(Vec<Suggestion>),
}

/// Characters of a family that must be given, not wild; fewer would cover half a catalogue.
const LITERALS_MIN: usize = 4;
/// Names nearer than this are suggested; 1 is equal.
const NEAR: f64 = 0.75;
/// Characters a suggestion must have in common at the start: makers put the family there.
const START_CHARS: usize = 2;

/// One approved source, ready to be compared.
struct Source {
    /// Into `Index::makers`.
    maker: u32,
    /// Normal form of the number.
    number: String,
    item: usize,
    aml: usize,
}

/// The AML in the order of its numbers: the same number, the same without packing, and a family all stand together.
pub(super) struct Index {
    sources: Vec<Source>,
    /// Keys of the makers, each once.
    makers: Vec<String>,
    endings: Endings,
}

impl Index {
    pub fn new(aml: &[AmlEntry], items: &HashMap<&str, usize>, aliases: &MakerAliases) -> Index {
        let (mut makers, mut printed, mut keys) = (Vec::new(), HashMap::new(), HashMap::new());
        let mut number_of = |maker| {
            *printed.entry(maker).or_insert_with(|| {
                let key = aliases.key(maker);
                *keys.entry(key.clone()).or_insert_with(|| {
                    makers.push(key);
                    u32::try_from(makers.len() - 1).unwrap_or(u32::MAX)
                })
            })
        };
        let source = |(aml, entry): (usize, &'_ AmlEntry)| Some((aml, normal_mpn(&entry.mpn), *items.get(entry.item.as_str())?));
        let mut sources: Vec<Source> = Vec::with_capacity(aml.len());
        for (at, number, item) in aml.iter().enumerate().filter_map(source) {
            sources.push(Source { maker: number_of(aml[at].maker.as_str()), number, item, aml: at });
        }
        sources.sort_unstable_by(|left, right| left.number.cmp(&right.number).then(left.aml.cmp(&right.aml)));
        Index { sources, makers, endings: Endings::new(aliases) }
    }

    fn maker(&self, source: &Source) -> &str {
        self.makers.get(source.maker as usize).map_or("", String::as_str)
    }

    pub fn find(&self, aml: &[AmlEntry], aliases: &MakerAliases, maker: Option<&str>, mpn: &str) -> PartMatch {
        let maker = maker.map(|maker| aliases.key(maker)).filter(|key| !key.is_empty());
        let number = normal_mpn(mpn);
        if number.is_empty() {
            return PartMatch::Unknown(Vec::new());
        }
        let by_kind = [
            (MatchKind::Exact, self.starting_with(&number).take_while(|at| self.sources[*at].number == number).collect()),
            (MatchKind::Suffix, self.packed_otherwise(&number)),
            (MatchKind::Family, self.family(mpn, &number)),
        ];
        let mut best: HashMap<usize, MatchKind> = HashMap::new();
        let mut hits = Vec::new();
        for (kind, found) in by_kind {
            let of_maker = |source: &&Source| maker.as_ref().is_none_or(|maker| self.maker(source) == maker);
            for source in found.into_iter().map(|at: usize| &self.sources[at]).filter(of_maker) {
                let fits = match best.entry(source.item) {
                    Entry::Occupied(best) => *best.get() == kind,
                    Entry::Vacant(free) => *free.insert(kind) == kind,
                };
                if fits {
                    hits.push(Hit { item: source.item, aml: source.aml, kind });
                }
            }
        }
        hits.sort_by_key(|hit| hit.aml);
        if hits.is_empty() { PartMatch::Unknown(self.suggestions(aml, maker.as_deref(), &number)) } else { PartMatch::Known(hits) }
    }

    /// Sources of the same number but for packing, by the endings of each source's maker.
    fn packed_otherwise(&self, number: &str) -> Vec<usize> {
        self.starting_with(self.endings.start(number)).filter(|at| self.is_packed_otherwise(&self.sources[*at], number)).collect()
    }

    fn is_packed_otherwise(&self, source: &Source, number: &str) -> bool {
        let maker = self.maker(source);
        self.endings.bare(maker, &source.number) == self.endings.bare(maker, number)
    }

    /// Sources a wildcard, a series or a range covers.
    fn family(&self, printed: &str, number: &str) -> Vec<usize> {
        if let Some(range) = Range::of(printed) {
            let bare = |source: &Source| self.endings.bare(self.maker(source), &source.number).len();
            let covers = |at: &usize| range.covers(&self.sources[*at].number) || range.covers(&self.sources[*at].number[..bare(&self.sources[*at])]);
            return self.starting_with(range.start()).filter(covers).collect();
        }
        let Some(family) = Family::of(number) else { return Vec::new() };
        self.starting_with(&family.start).filter(|at| family.pattern.is_match(&self.sources[*at].number)).collect()
    }

    fn starting_with(&self, start: &str) -> impl Iterator<Item = usize> {
        let first = self.sources.partition_point(|source| source.number.as_str() < start);
        (first..self.sources.len()).take_while(move |at| self.sources[*at].number.starts_with(start))
    }

    /// The same number of other makers first, then what is written alike.
    fn suggestions(&self, aml: &[AmlEntry], maker: Option<&str>, number: &str) -> Vec<Suggestion> {
        let start: String = number.chars().take(START_CHARS).collect();
        let mut near: Vec<(f64, usize, &str)> = Vec::new();
        for at in self.starting_with(&start) {
            let source = &self.sources[at];
            if self.is_packed_otherwise(source, number) {
                near.push((2.0, at, "same number, other maker"));
            } else if maker.is_none_or(|maker| maker == self.maker(source)) {
                let likeness = strsim::jaro_winkler(&source.number, number);
                if likeness >= NEAR {
                    near.push((likeness, at, if maker.is_some() { "nearest number of this maker" } else { "nearest number" }));
                }
            }
        }
        near.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        let mut seen = HashSet::new();
        near.into_iter()
            .map(|(_, at, why)| (&aml[self.sources[at].aml], why))
            .filter(|(entry, _)| seen.insert((&entry.item, &entry.maker, &entry.mpn)))
            .take(limits::SUGGESTIONS_MAX)
            .map(|(entry, why)| Suggestion { maker: entry.maker.clone(), mpn: entry.mpn.clone(), item: entry.item.clone(), why: why.to_owned() })
            .collect()
    }
}

/// A number that stands for many.
struct Family {
    /// What every number of the family starts with.
    start: String,
    pattern: Regex,
}

impl Family {
    /// `*` stands for any characters and `?` for one; so do, behind a digit, `XX` and longer for as many in the middle (`LM78XXCT`) and for any ending
    /// (`74HC595XX`). `None` where nothing is wild, or too little is given.
    fn of(number: &str) -> Option<Family> {
        if number.chars().nth(limits::PART_NUMBER_CHARS_MAX).is_some() {
            return None;
        }
        let chars: Vec<char> = number.chars().collect();
        let (mut pattern, mut start, mut literals, mut wild) = (String::from("^"), String::new(), 0, false);
        let mut at = 0;
        while at < chars.len() {
            let run = chars[at..].iter().take_while(|c| **c == 'X').count();
            let series = run >= 2 && at > 0 && chars[at - 1].is_ascii_digit();
            let (taken, piece) = match chars[at] {
                '*' => (1, ".*".to_owned()),
                '?' => (1, ".".to_owned()),
                _ if series && at + run == chars.len() => (run, ".*".to_owned()),
                _ if series => (run, format!(".{{{run}}}")),
                plain => {
                    literals += usize::from(plain.is_alphanumeric());
                    if !wild {
                        start.push(plain);
                    }
                    pattern.push_str(&regex::escape(plain.encode_utf8(&mut [0; 4])));
                    at += 1;
                    continue;
                }
            };
            wild = true;
            pattern.push_str(&piece);
            at += taken;
        }
        pattern.push('$');
        if !wild || literals < LITERALS_MIN {
            return None;
        }
        Some(Family { start, pattern: Regex::new(&pattern).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::{
        domain::{
            factory::{FactoryData, Item, Line, Site},
            money::{Currency, Rates},
        },
        factory::{Factory, built_in_aliases},
    };

    /// A factory of approved sources (item, maker, number).
    fn factory(sources: &[(&str, &str, &str)]) -> Factory {
        let at = || Line { file: "aml.csv".into(), line: 2 };
        let mut names: Vec<&str> = sources.iter().map(|(item, ..)| *item).collect();
        names.dedup();
        let item = |name: &&str| Item {
            item: (*name).to_owned(),
            description: String::new(),
            kind: String::new(),
            unit_cost: Some(Decimal::ONE),
            currency: Currency::EUR,
            lead_time_weeks: None,
            moq: None,
            order_multiple: None,
            yield_ratio: None,
            shelf_life_months: None,
            at: at(),
        };
        let entry = |(item, maker, mpn): &(&str, &str, &str)| AmlEntry {
            item: (*item).to_owned(),
            maker: (*maker).to_owned(),
            mpn: (*mpn).to_owned(),
            preference: None,
            qualified: true,
            lifecycle: None,
            share: None,
            unit_price: None,
            currency: Currency::EUR,
            at: at(),
        };
        let site: Site = toml::from_str("name = \"Plant\"\nreporting_currency = \"EUR\"").expect("site");
        let data = FactoryData {
            products: vec![],
            items: names.iter().map(item).collect(),
            bom: vec![],
            aml: sources.iter().map(entry).collect(),
            demand: vec![],
            stock: vec![],
            rates: Rates::default(),
            site,
        };
        Factory::new(data, built_in_aliases())
    }

    /// Items hit and how.
    fn hits(factory: &Factory, maker: Option<&str>, mpn: &str) -> Vec<(String, MatchKind)> {
        match factory.find_part(maker, mpn) {
            PartMatch::Known(hits) => hits.into_iter().map(|hit| (factory.data.items[hit.item].item.clone(), hit.kind)).collect(),
            PartMatch::Unknown(_) => Vec::new(),
        }
    }

    fn suggested(factory: &Factory, maker: Option<&str>, mpn: &str) -> Vec<(String, String)> {
        match factory.find_part(maker, mpn) {
            PartMatch::Known(hits) => panic!("known: {hits:?}"),
            PartMatch::Unknown(suggestions) => suggestions.into_iter().map(|suggestion| (suggestion.mpn, suggestion.why)).collect(),
        }
    }

    fn one(item: &str, kind: MatchKind) -> Vec<(String, MatchKind)> {
        vec![(item.to_owned(), kind)]
    }

    #[test]
    fn writing_does_not_count_and_makers_have_many_names() {
        let factory = factory(&[("R-1", "Texas Instruments Inc.", "LM317T/NOPB")]);
        for (maker, mpn) in [("TI", "LM317T/NOPB"), ("texas instruments", " lm317t / nopb "), ("National Semiconductor", "LM317T/NOPB")] {
            assert_eq!(hits(&factory, Some(maker), mpn), one("R-1", MatchKind::Exact), "{maker} {mpn}");
        }
    }

    #[test]
    fn packing_does_not_make_another_part_in_either_direction() {
        let factory = factory(&[("R-1", "TI", "LM317T/NOPB"), ("R-2", "Nexperia", "BAV99"), ("R-3", "Diodes Inc", "BAV70-7-F")]);
        assert_eq!(hits(&factory, Some("TI"), "LM317T"), one("R-1", MatchKind::Suffix));
        assert_eq!(hits(&factory, Some("Nexperia"), "BAV99,215"), one("R-2", MatchKind::Suffix));
        assert_eq!(hits(&factory, Some("Diodes"), "BAV70-13-F"), one("R-3", MatchKind::Suffix), "two packings of one part");
    }

    #[test]
    fn the_better_kind_wins_for_an_item_and_hides_no_other_item() {
        let factory = factory(&[("A", "TI", "LM317T"), ("A", "TI", "LM317T/NOPB"), ("B", "TI", "LM317TG4")]);
        let expected = vec![("A".to_owned(), MatchKind::Exact), ("B".to_owned(), MatchKind::Suffix)];
        assert_eq!(hits(&factory, Some("TI"), "LM317T"), expected);
    }

    #[test]
    fn no_maker_matches_on_the_number_alone() {
        let factory = factory(&[("A", "TI", "LM317T"), ("B", "ST", "LM317T"), ("C", "TI", "LM317TG4")]);
        let expected = vec![("A".to_owned(), MatchKind::Exact), ("B".to_owned(), MatchKind::Exact), ("C".to_owned(), MatchKind::Suffix)];
        assert_eq!(hits(&factory, None, "LM317T"), expected);
        assert_eq!(hits(&factory, Some(" "), "LM317T"), expected, "a blank name is no maker");
    }

    #[test]
    fn another_makers_number_is_a_suggestion_and_never_a_match() {
        let factory = factory(&[("B", "ST", "LM317T"), ("C", "TI", "LM337T")]);
        let found = suggested(&factory, Some("TI"), "LM317T");
        assert_eq!(found[0], ("LM317T".to_owned(), "same number, other maker".to_owned()));
        assert_eq!(found[1], ("LM337T".to_owned(), "nearest number of this maker".to_owned()));
        assert!(suggested(&factory, Some("TI"), "TPS54331").is_empty());
        assert!(suggested(&factory, Some("TI"), "  ").is_empty());
    }

    #[test]
    fn suggestions_end() {
        let names: Vec<(String, String)> = (0..20).map(|at| (format!("I{at}"), format!("LM31{at:02}X"))).collect();
        let sources: Vec<(&str, &str, &str)> = names.iter().map(|(item, mpn)| (item.as_str(), "TI", mpn.as_str())).collect();
        assert_eq!(suggested(&factory(&sources), Some("TI"), "LM3199").len(), limits::SUGGESTIONS_MAX);
    }

    #[test]
    fn a_range_hits_what_lies_in_it() {
        let factory = factory(&[
            ("A", "Yageo", "RC0402FR-0710KL"),
            ("B", "Yageo", "RC0402FR-0722KL"),
            ("C", "Yageo", "RC0402FR-0768KL"),
            ("D", "TDK", "RC0402FR-0715KL"),
        ]);
        let expected = vec![("A".to_owned(), MatchKind::Family), ("B".to_owned(), MatchKind::Family)];
        assert_eq!(hits(&factory, Some("Yageo"), "RC0402FR-0710KL to RC0402FR-0747KL"), expected);
        assert_eq!(hits(&factory, Some("Yageo"), "RC0402FR-0730KL … RC0402FR-0747KL"), vec![]);
    }

    proptest::proptest! {
        /// The sorted index finds what comparing every source finds.
        #[test]
        fn the_index_finds_what_a_plain_search_finds(
            numbers in proptest::collection::vec(("AB[12][12]{1,3}(X?)(/NOPB|G4|-TR|,215|)", 0_usize..3), 1..12),
            asked in "AB[12][12]{1,3}(X?)(/NOPB|G4|-TR|,215|\\*|XX|)",
            of in proptest::option::of(0_usize..3),
        ) {
            const MAKERS: [&str; 3] = ["TI", "Nexperia", "Yageo"];
            let names: Vec<String> = (0..numbers.len()).map(|at| format!("I{at}")).collect();
            let sources: Vec<(&str, &str, &str)> = numbers.iter().zip(&names).map(|((number, maker), item)| (item.as_str(), MAKERS[*maker], number.as_str())).collect();
            let (aliases, endings) = (built_in_aliases(), Endings::new(&built_in_aliases()));
            let family = Family::of(&asked);
            let kind = |maker: &str, number: &str| {
                let key = aliases.key(maker);
                let covers = |family: &Family| number.starts_with(&family.start) && family.pattern.is_match(number);
                match () {
                    () if number == asked => Some(MatchKind::Exact),
                    () if endings.bare(&key, number) == endings.bare(&key, &asked) => Some(MatchKind::Suffix),
                    () if family.as_ref().is_some_and(covers) => Some(MatchKind::Family),
                    () => None,
                }
            };
            let of_maker = |maker: &str| of.is_none_or(|of| MAKERS[of] == maker);
            let expected: Vec<(String, MatchKind)> =
                sources.iter().filter(|(_, maker, _)| of_maker(maker)).filter_map(|(item, maker, number)| Some(((*item).to_owned(), kind(maker, number)?))).collect();
            proptest::prop_assert_eq!(hits(&factory(&sources), of.map(|of| MAKERS[of]), &asked), expected);
        }
    }

    #[test]
    fn a_family_hits_every_item_of_it_from_its_maker() {
        let factory =
            factory(&[("A", "Nexperia", "74HC595PW"), ("B", "Nexperia", "74HC595D,118"), ("C", "TI", "74HC595PW"), ("D", "Nexperia", "74HCT595D")]);
        let expected = vec![("A".to_owned(), MatchKind::Family), ("B".to_owned(), MatchKind::Family)];
        assert_eq!(hits(&factory, Some("Nexperia"), "74HC595xx"), expected);
        assert_eq!(hits(&factory, Some("Nexperia"), "74H*"), vec![], "three characters are too few");
    }

    #[test]
    fn families_cover_what_they_say_and_need_something_to_say() {
        let covered =
            |family: &str, part: &str| Family::of(family).is_some_and(|family| part.starts_with(&family.start) && family.pattern.is_match(part));
        assert!(covered("74HC595XX", "74HC595PW"));
        assert!(covered("LM317*", "LM317T/NOPB"));
        assert!(covered("LM317*-TR", "LM317LD-TR"));
        assert!(covered("*M317-TR", "LM317-TR"));
        assert!(covered("LM78XXCT", "LM7805CT") && !covered("LM78XXCT", "LM78L05CT"));
        assert!(covered("LM317?", "LM317T") && !covered("LM317?", "LM317TG"));
        assert!(!covered("LM317*-TR", "LM317LD"));
        assert!(!covered("LM317*317", "LM317"), "what stands for the start does not stand for the end as well");
        assert!(!covered("74HC595XX", "74HCT595PW"));
        assert!(!covered("LM3*", "LM317"), "three characters cover half a catalogue");
        assert!(!covered("*-TR", "LM317-TR"));
        assert!(!covered("LM317", "LM317T"), "a plain number is no family");
        assert!(!covered("MAX", "MAX232"));
        assert!(!covered("A.C1234*", "ABC1234"), "marks of the number are no pattern");
    }
}
