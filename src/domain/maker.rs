//! Makers have aliases, mergers and legal suffixes: one key for all names of one maker.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

/// Words that say what kind of company it is, not which.
const LEGAL_WORDS: &[&str] = &[
    "AB",
    "AG",
    "BV",
    "CO",
    "COMPANY",
    "CORP",
    "CORPORATION",
    "GMBH",
    "GROUP",
    "HOLDING",
    "HOLDINGS",
    "INC",
    "INCORPORATED",
    "INTERNATIONAL",
    "KG",
    "KK",
    "LIMITED",
    "LLC",
    "LTD",
    "MFG",
    "NV",
    "OY",
    "PLC",
    "PTE",
    "PTY",
    "SA",
    "SAS",
    "SE",
    "SPA",
    "SRL",
];

/// Upper case words without punctuation and legal suffixes: `Würth Elektronik eiSos GmbH & Co. KG` → `WURTH ELEKTRONIK EISOS`.
pub fn normal_maker(printed: &str) -> String {
    let folded: String = printed
        .nfkd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .flat_map(char::to_uppercase)
        .filter(|c| *c != '.')
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let mut words: Vec<&str> = folded.split_whitespace().collect();
    while words.len() > 1 && words.last().is_some_and(|word| LEGAL_WORDS.contains(word)) {
        words.pop();
    }
    words.join(" ")
}

/// Which names mean which maker. Names absent from the list are their own maker.
#[derive(Debug, Clone, Default)]
pub struct MakerAliases {
    canonical: HashMap<String, String>,
}

impl MakerAliases {
    /// Lines `Canonical name = alias; alias; …`; `#` starts a comment. Later lines win, so that a site's list can override the built-in one.
    pub fn add_list(&mut self, list: &str) -> Result<(), String> {
        for (number, line) in list.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let Some((canonical, aliases)) = line.split_once('=') else {
                return Err(format!("line {}: expected 'Name = alias; alias', found '{line}'", number + 1));
            };
            let key = normal_maker(canonical);
            for alias in aliases.split(';').map(normal_maker).filter(|alias| !alias.is_empty()) {
                self.canonical.insert(alias, key.clone());
            }
            self.canonical.insert(key.clone(), key);
        }
        Ok(())
    }

    /// The one key of a maker, whichever of its names is given.
    pub fn key(&self, printed: &str) -> String {
        let normal = normal_maker(printed);
        self.canonical.get(&normal).cloned().unwrap_or(normal)
    }

    /// Every name in the list, in normal form, with its key.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.canonical.iter().map(|(name, key)| (name.as_str(), key.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_maker_many_names() {
        let mut aliases = MakerAliases::default();
        aliases.add_list("Texas Instruments = TI; T.I.; Texas Instruments Inc.; Burr-Brown # since 2000\n").expect("list");
        assert_eq!(aliases.key("TI"), aliases.key("texas instruments incorporated"));
        assert_eq!(aliases.key("burr brown"), "TEXAS INSTRUMENTS");
        assert_eq!(normal_maker("Würth Elektronik GmbH & Co. KG"), "WURTH ELEKTRONIK");
        assert_ne!(aliases.key("TDK"), aliases.key("TI"));
        assert!(aliases.add_list("no equals sign").is_err());
    }
}
