//! What the few words between two part numbers say: `A -> B`, `A is replaced by B`, `B for A`. They give both their roles and pair them, whatever stands around.

use std::sync::LazyLock;

use regex::Regex;

/// How a number belongs to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// The next one replaces it.
    ReplacedByNext,
    /// It replaces the next one.
    ReplacesNext,
}

/// Longest text, in bytes, that can link two numbers.
const BYTES_MAX: usize = 80;

static REPLACED_BY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)^[\s)\]\x22'»]*(?:",
        r"(?:->|→|=>|-->|⇒|=|:|：|»)",
        r"|[(,:\-–\s]*(?:(?:is|are|will|be|to|now|wird|werden|est|sont|sera|seront|es|ser[áa]n?|directly)\s+)*(?:replaced|superseded|succeeded|substituted|ersetzt|abgel[öo]st|remplac[ée]e?s?|reemplazad[oa]s?|sustituid[oa]s?)\s+(?:by|with|durch|par|por)\s*:?",
        r"|[(,:\-–\s]*(?:wird|werden)\s+(?:ersetzt\s+)?durch",
        r"|[(,:;\-–\s]+(?:please\s+|bitte\s+)?(?:use|order|choose|buy|take|verwenden\s+sie|utiliser|usar)(?:\s+instead)?\s*:?",
        r"|[(,:;\-–\s]+(?:direct\s+|recommended\s+|suggested\s+|drop-in\s+|possible\s+)?(?:replacement|successor|substitute|alternative|ersatz(?:typ)?|nachfolger|nachfolgetyp|remplacement|remplaçant|sustituto|reemplazo|alternativa|代替品?|替代(?:品|型号|料号)?)(?:\s+(?:part|type|is|ist|est|es))*\s*[:：=]?",
        // A table whose cells run together: number, status, number.
        r"|\s(?:obsolete|discontinued|eol|abgek[üu]ndigt)",
        r"|(?:の|的)?(?:代替|後継|推奨|替代|后续)(?:品|型号|料号)?(?:は|として|为|是|：|:)",
        r"|(?:由|以|替代为|替换为|改用|请用|请改用)",
        r")\s*(?:the\s+|den\s+|die\s+|das\s+)?[\s(\[\x22'«]*$"
    ))
    .ok()
});

static REPLACES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)^[\s)\]\x22'»]*[(,\s]*(?:",
        r"(?:(?:directly\s+)?replaces|supersedes|substitutes|ersetzt|remplace|sustituye\s+a|reemplaza\s+a?)",
        r"|(?:is\s+|as\s+|ist\s+|als\s+|est\s+|es\s+)?(?:the\s+|a\s+|der\s+|le\s+|el\s+)?(?:recommended\s+|direct\s+)?(?:replacement|successor|substitute|alternative|ersatz|nachfolger|remplaçant|sustituto|reemplazo)\s+(?:for|of|to|für|von|de|del)",
        r"|for|für|pour|para|instead\s+of|in\s+place\s+of|statt|anstatt|anstelle\s+(?:von|des)|en\s+remplacement\s+de|en\s+lugar\s+de|au\s+lieu\s+de",
        r"|取代|代替|可替代",
        r")\s+(?:the\s+|den\s+|die\s+|das\s+)?[\s(\[\x22'«]*$"
    ))
    .ok()
});

/// `between` is the text from the end of one number to the start of the next.
pub(super) fn between(between: &str) -> Option<Link> {
    if between.len() > BYTES_MAX || between.matches('\n').count() > 1 {
        return None;
    }
    // A label on a line of its own begins another list.
    if between.rsplit_once('\n').is_some_and(|(_, last)| last.trim_end().ends_with([':', '：']) && last.chars().any(char::is_alphabetic)) {
        return None;
    }
    let is = |regex: &LazyLock<Option<Regex>>| regex.as_ref().is_some_and(|regex| regex.is_match(between));
    if is(&REPLACED_BY) {
        Some(Link::ReplacedByNext)
    } else if is(&REPLACES) {
        Some(Link::ReplacesNext)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_between_two_numbers() {
        for text in [" -> ", ": ", " is replaced by ", ": please use ", " (remplacé par ", " wird durch ", "の代替品は", " (Ersatz: ", " → "]
        {
            assert_eq!(between(text), Some(Link::ReplacedByNext), "{text}");
        }
        for text in [" for ", " für ", " replaces ", " as a replacement for ", " en remplacement de "] {
            assert_eq!(between(text), Some(Link::ReplacesNext), "{text}");
        }
        for text in [", ", " and ", " / ", "\n", " will be discontinued. Use ", " 2027-03-31 "] {
            assert_eq!(between(text), None, "{text}");
        }
    }
}
