//! Endings of part numbers that only say how the part is packed or that it is free of lead, not which part it is: by maker, from `assets/packaging.txt`.

use std::collections::HashMap;

use crate::domain::maker::MakerAliases;

const LIST: &str = include_str!("../../assets/packaging.txt");
/// The line of every maker.
const EVERY: &str = "*";

/// Shortest part number that is left; fewer characters say too little to be a part.
const LEFT_MIN: usize = 4;

/// Endings by the key of their maker.
pub(super) struct Endings {
    of_maker: HashMap<String, Vec<&'static str>>,
    of_every: Vec<&'static str>,
}

impl Endings {
    pub fn new(aliases: &MakerAliases) -> Endings {
        let mut endings = Endings { of_maker: HashMap::new(), of_every: Vec::new() };
        for (maker, list) in lines() {
            let of = if maker == EVERY { &mut endings.of_every } else { endings.of_maker.entry(aliases.key(maker)).or_default() };
            of.extend(list.split_whitespace());
        }
        endings
    }

    /// A number in normal form without the packing ending of its maker, the longest that fits.
    pub fn bare<'n>(&self, maker: &str, number: &'n str) -> &'n str {
        let own = self.of_maker.get(maker).map(Vec::as_slice).unwrap_or_default();
        shortest(number, own.iter().chain(&self.of_every))
    }

    /// What is left at least of a number, whoever makes it.
    pub fn start<'n>(&self, number: &'n str) -> &'n str {
        shortest(number, self.of_maker.values().flatten().chain(&self.of_every))
    }
}

fn shortest<'n, 'e>(number: &'n str, endings: impl Iterator<Item = &'e &'static str>) -> &'n str {
    let left = endings.filter_map(|ending| number.strip_suffix(*ending));
    let is_part = |left: &&str| left.chars().nth(LEFT_MIN - 1).is_some() && left.bytes().any(|byte| byte.is_ascii_digit());
    left.filter(is_part).min_by_key(|left| left.len()).unwrap_or(number)
}

/// Maker and endings of each line. A mark of a comment stands at the beginning or behind a blank and before one, for endings hold it as well.
fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let line = |line: &'static str| {
        let line = if line.starts_with('#') { "" } else { line.split("  # ").next().unwrap_or_default() };
        line.split_once(" = ").map(|(maker, endings)| (maker.trim(), endings.trim()))
    };
    LIST.lines().filter_map(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::part::normal_mpn, factory::built_in_aliases};

    #[test]
    fn only_packing_goes_and_only_the_makers_own() {
        let (aliases, endings) = (built_in_aliases(), Endings::new(&built_in_aliases()));
        for (maker, number, left) in [
            ("TI", "LM317T/NOPB", "LM317T"),
            ("Linear Technology", "LT1086CM-3.3#TRPBF", "LT1086CM-3.3"),
            ("Maxim", "MAX232CPE+T", "MAX232CPE"),
            ("Nexperia", "BAV99,215", "BAV99"),
            ("Siliconix", "SI2301CDS-T1-GE3", "SI2301CDS"),
            ("International Rectifier", "IRLML6402TRPBF", "IRLML6402"),
            ("TI", "LM317T", "LM317T"),
            ("TI", "ABCDE-TR", "ABCDE-TR"),
            ("TI", "TR", "TR"),
            ("Nobody", "XY1234-TR", "XY1234"),
            ("TI", "BAV99,215", "BAV99,215"),
            ("Yageo", "RC0603+T", "RC0603+T"),
        ] {
            assert_eq!(endings.bare(&aliases.key(maker), number), left, "{maker} {number}");
            assert!(endings.bare(&aliases.key(maker), number).starts_with(endings.start(number)), "{number}");
        }
    }

    #[test]
    fn the_list_is_in_normal_form_and_its_makers_are_known() {
        let aliases = built_in_aliases();
        let known: std::collections::HashSet<&str> = aliases.names().map(|(_, key)| key).collect();
        let mut makers = 0;
        for (maker, list) in lines() {
            assert!(maker == EVERY || known.contains(aliases.key(maker).as_str()), "{maker}");
            assert!(list.split_whitespace().all(|ending| normal_mpn(ending) == ending), "{list}");
            makers += 1;
        }
        assert!(makers > 12, "{makers}");
    }
}
