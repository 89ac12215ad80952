//! The language of a text, by its script and by the small words of each language.

/// Small words that few other languages of the list have.
const WORDS: &[(&str, &[&str])] = &[
    ("en", &["the", "and", "of", "to", "for", "will", "this", "please", "with", "be", "your", "by", "are", "is"]),
    ("de", &["der", "die", "das", "und", "wir", "für", "mit", "nicht", "werden", "wird", "sie", "bitte", "bis", "ist", "den"]),
    ("fr", &["le", "les", "des", "et", "nous", "vous", "pour", "est", "dans", "sera", "du", "une", "votre", "jusqu'au"]),
    ("es", &["el", "los", "las", "y", "para", "del", "que", "será", "por", "una", "hasta", "se", "su", "con"]),
    ("it", &["il", "gli", "della", "che", "per", "sono", "non", "entro", "di", "una", "alla"]),
];

/// ISO 639-1 code; `en` where nothing tells.
pub(super) fn of(text: &str) -> &'static str {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count().max(1);
    let kana = text.chars().filter(|c| matches!(c, '\u{3040}'..='\u{30FF}')).count();
    let han = text.chars().filter(|c| matches!(c, '\u{4E00}'..='\u{9FFF}')).count();
    let hangul = text.chars().filter(|c| matches!(c, '\u{AC00}'..='\u{D7AF}')).count();
    if (kana + han + hangul) * 8 > letters {
        return if hangul > kana + han {
            "ko"
        } else if kana * 12 > han {
            "ja"
        } else {
            "zh"
        };
    }
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphabetic() && c != '\'').filter(|word| !word.is_empty()).collect();
    let count = |of: &[&str]| words.iter().filter(|word| of.contains(word)).count();
    WORDS
        .iter()
        .map(|(code, small)| (count(small), *code))
        .rev()
        .max_by_key(|(times, _)| *times)
        .filter(|(times, _)| *times > 0)
        .map_or("en", |(_, code)| code)
}

/// Whether a language writes the day before the month in `3/4/2027`; English is written both ways, so it leaves the question open.
pub(super) fn day_first(language: &str) -> Option<bool> {
    matches!(language, "de" | "fr" | "es" | "it").then_some(true)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn languages_by_small_words_and_scripts() {
        assert_eq!(of("We will stop production of the part by the end of the year."), "en");
        assert_eq!(of("Wir werden die Fertigung der Bauteile zum Jahresende einstellen."), "de");
        assert_eq!(of("Nous vous informons de la fin de vie des produits pour votre application."), "fr");
        assert_eq!(of("Les informamos que los productos del anexo se descontinuarán, por favor confirme hasta el lunes."), "es");
        assert_eq!(of("下記製品の生産を終了いたします。"), "ja");
        assert_eq!(of("我们将停止生产下列产品,请尽快下单。"), "zh");
        assert_eq!(of("LM317T"), "en");
    }
}
