//! Dates in a text, in the ways notices write them. A date is printed to the day, or it is inferred by code from a month or from a span of time, and then never
//! passes as printed. Where day and month could be swapped, the document's other dates decide, then its language; what stays open is told.

use std::sync::LazyLock;

use jiff::{
    ToSpan,
    civil::{Date, date},
};
use regex::{Captures, Regex};

use crate::{domain::document::Span, limits};

/// How exactly the text gives a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Precision {
    Day,
    /// Day and month could be swapped; the other reading.
    Swappable(Date),
    /// A month or a quarter: the date is its last day.
    Month,
    /// A span of time after something else; which, is told by the anchor.
    After(Anchor, Months),
}

/// What a relative date counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Issue,
    LastTimeBuy,
}

/// Length of a relative date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Months {
    months: i32,
    days: i32,
}

impl Months {
    pub fn after(self, date: Date) -> Option<Date> {
        date.checked_add(self.months.months()).ok()?.checked_add(self.days.days()).ok()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DateCandidate {
    pub span: Span,
    /// For a relative date the anchor's date must be known first; until then this is `Date::ZERO`.
    pub date: Date,
    pub precision: Precision,
}

const MONTHS: &[(&str, i8)] = &[
    ("january|januar|jänner|janvier|enero|gennaio|janeiro|jan|janv|ene", 1),
    ("february|februar|février|fevrier|febrero|febbraio|fevereiro|feb|févr|fév", 2),
    ("march|märz|maerz|mars|marzo|março|mar|mrz|mär", 3),
    ("april|avril|abril|aprile|apr|avr|abr", 4),
    ("may|mai|mayo|maggio|maio", 5),
    ("june|juni|juin|junio|giugno|junho|jun", 6),
    ("july|juli|juillet|julio|luglio|julho|jul|juil", 7),
    ("august|août|aout|agosto|aug|ago", 8),
    ("september|septembre|septiembre|settembre|setembro|sept|sep", 9),
    ("october|oktober|octobre|octubre|ottobre|outubro|oct|okt", 10),
    ("november|novembre|noviembre|novembro|nov", 11),
    ("december|dezember|décembre|decembre|diciembre|dicembre|dezembro|dec|dez|déc|dic", 12),
];

/// Longest name first, so that `mar` does not take `march` apart.
static MONTH: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<&str> = MONTHS.iter().flat_map(|(names, _)| names.split('|')).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.join("|")
});

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    YearFirst,
    Era,
    EraMonth,
    Compact,
    TwoNumbers,
    DayMonth,
    MonthDay,
    YearMonth,
    MonthOnly,
    Quarter,
    Relative,
}

static FORMS: LazyLock<Vec<(Form, Regex)>> = LazyLock::new(|| {
    let month = MONTH.as_str();
    let forms = [
        (Form::Era, r"(?P<era>令和|平成|民國|民国)\s?(?P<y>\d{1,3}|元)\s?年\s?(?P<m>\d{1,2})\s?月\s?(?P<d>\d{1,2})\s?日".to_owned()),
        // `R8.7.24`: the eighth year of Reiwa.
        (Form::Era, r"(?P<era>(?-i:R|H))\s?(?P<y>\d{1,2})[./](?P<m>\d{1,2})[./](?P<d>\d{1,2})".to_owned()),
        (Form::YearFirst, r"(?P<y>(?:19|20|１９|２０)\d{2})(?P<s1>\s?[-/.年]\s?)(?P<m>\d{1,2})(?P<s2>\s?[-/.月]\s?)(?P<d>\d{1,2})日?".to_owned()),
        (Form::YearFirst, format!(r"(?P<y>(?:19|20)\d{{2}})(?P<s1>[-/ ])(?P<mon>{month})(?P<s2>[-/ ])(?P<d>\d{{1,2}})")),
        (Form::TwoNumbers, r"(?P<a>\d{1,2})(?P<s1>\s?[./-]\s?)(?P<b>\d{1,2})(?P<s2>\s?[./-]\s?)(?P<y>\d{4}|\d{2})".to_owned()),
        (
            Form::DayMonth,
            format!(
                r"(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|º|°|\.)?(?P<s1>[\s\-./]*)(?:of\s+|de\s+|del\s+)?(?P<mon>{month})\.?,?(?P<s2>[\s\-./']*)(?:de\s+|del\s+|of\s+)?(?P<y>\d{{4}}|\d{{2}})"
            ),
        ),
        (Form::MonthDay, format!(r"(?P<mon>{month})\.?\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:\s*,\s*|\s+)(?P<y>\d{{4}})")),
        (Form::Compact, r"(?P<y>20\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])".to_owned()),
        (Form::EraMonth, r"(?P<era>令和|平成|民國|民国)\s?(?P<y>\d{1,3})\s?年\s?(?P<m>\d{1,2})\s?月\s?(?:末日?|底)".to_owned()),
        (Form::YearMonth, r"(?P<y>(?:19|20)\d{2})\s?年\s?(?P<m>\d{1,2})\s?月\s?(?:末|底)?".to_owned()),
        (Form::MonthOnly, format!(r"(?P<mon>{month})\.?,?(?:\s+|\s*/\s*|-)(?:de\s+|del\s+|of\s+)?(?P<y>(?:19|20)\d{{2}})")),
        (Form::Quarter, r"(?:Q(?P<q>[1-4])|(?P<q2>[1-4])\.?\s*(?:st|nd|rd|th)?\s*(?:quarter|quartal|trimestre))[\s/.'-]*(?:of\s+|de\s+)?(?P<y>20\d{2})".to_owned()),
        (
            Form::Relative,
            r"(?P<n>\d{1,3}|three|six|nine|twelve|eighteen|drei|sechs|zwölf)\s*(?:\(\d+\)\s*)?-?(?P<unit>months?|weeks?|days?|monate?n?|wochen|tagen?|mois|meses|ヶ月|か月|个月)\s*(?:after|from|following|nach|ab|後|后|après|después\s+de)\s*(?P<anchor>(?:the\s+)?(?:date\s+of\s+)?(?:this|the|dieses|diesem|der)?\s*(?:notice|notification|letter|announcement|issue|publication|schreibens?|mitteilung|avis|last[\s-]time[\s-]buy(?:\s+date)?|ltb|last\s+order(?:\s+date)?))".to_owned(),
        ),
    ];
    forms.into_iter().filter_map(|(form, pattern)| Some((form, Regex::new(&format!("(?i){pattern}")).ok()?))).collect()
});

/// Every date of a text, in order, without overlap. `day_first` is how the document's language writes `3/4/2027` where nothing else tells: `None` leaves it open.
pub(super) fn find(text: &str, day_first: Option<bool>) -> Vec<DateCandidate> {
    let mut found: Vec<(Span, Raw)> = Vec::new();
    for (form, regex) in FORMS.iter() {
        for captures in regex.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            let span = Span::new(whole.start(), whole.end());
            if stands_alone(text, span, *form)
                && !found.iter().any(|(other, _)| other.start < span.end && span.start < other.end)
                && let Some(raw) = raw(*form, &captures)
            {
                found.push((span, raw));
            }
        }
    }
    found.sort_by_key(|(span, _)| span.start);
    found.truncate(limits::CANDIDATES_MAX);
    let told = found.iter().filter_map(|(_, raw)| raw.tells_order());
    let (day, month): (Vec<bool>, Vec<bool>) = told.partition(|day_first| *day_first);
    let order = match (day.is_empty(), month.is_empty()) {
        (false, true) => Some(true),
        (true, false) => Some(false),
        _ => day_first,
    };
    found.into_iter().filter_map(|(span, raw)| raw.resolve(span, order)).collect()
}

/// The date a whole text is, as feeds write them: `Mar 12, 2027`, `2027-03-12`.
pub(super) fn whole(text: &str) -> Option<Date> {
    let text = text.trim();
    let found = find(text, None);
    let [only] = found.as_slice() else { return None };
    let time_follows = text[only.span.end as usize..].starts_with(['T', ' ']);
    let whole = only.span.start == 0 && (only.span.end as usize == text.len() || time_follows);
    (whole && only.precision == Precision::Day).then_some(only.date)
}

/// Digits or letters glued to a date make it part of something else: a version, an address, a part number.
fn stands_alone(text: &str, span: Span, form: Form) -> bool {
    let before = text[..span.start as usize].chars().next_back();
    let mut after = text[span.end as usize..].chars();
    let (next, following) = (after.next(), after.next());
    let named = matches!(form, Form::DayMonth | Form::Era | Form::EraMonth | Form::YearMonth | Form::Relative);
    let free_before =
        before.is_none_or(|c| if named { !c.is_ascii_digit() } else { !c.is_alphanumeric() && !matches!(c, '/' | '_' | '+') || !c.is_ascii() });
    let glued = next.is_some_and(|c| c.is_ascii_alphanumeric() && !(c == 'T' && following.is_some_and(|c| c.is_ascii_digit())) || c == '_');
    // `05-JUL-2027LastTimeShip`: a text that lost its blanks goes on with a word.
    let word_follows = form == Form::DayMonth && next.is_some_and(|c| c.is_ascii_uppercase()) && following.is_some_and(|c| c.is_ascii_lowercase());
    let glued = glued && !word_follows;
    let goes_on = matches!(next, Some('.' | '/' | '-')) && following.is_some_and(|c| c.is_ascii_digit());
    let dashed = form != Form::DayMonth && !named && before.is_some_and(|c| matches!(c, '-' | '.')) && {
        text[..span.start as usize - 1].chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric())
    };
    free_before && !glued && !goes_on && !dashed
}

/// Digits of full width, as East Asian letters have them, as ASCII.
fn ascii(digits: &str) -> String {
    digits.chars().map(|c| if ('０'..='９').contains(&c) { char::from(b'0' + (u32::from(c) - u32::from('０')) as u8) } else { c }).collect()
}

/// A date before day and month are told apart.
enum Raw {
    Day(Date),
    Numbers(i8, i8, i16),
    Month(Date),
    After(Anchor, Months),
}

fn raw(form: Form, captures: &Captures<'_>) -> Option<Raw> {
    let text = |name: &str| captures.name(name).map(|found| found.as_str());
    let number = |name: &str| ascii(text(name)?).parse::<i8>().ok();
    let year = || {
        let digits = ascii(text("y")?);
        let number: i16 = digits.parse().ok()?;
        // Notices with two digits are of this century; parts were not announced to end before.
        Some(if digits.len() == 2 { 2000 + number } else { number })
    };
    let era_year = || {
        let years = if text("y")? == "元" { 1 } else { ascii(text("y")?).parse::<i16>().ok()? };
        let start = match text("era")? {
            "令和" | "R" => 2018,
            "民國" | "民国" => 1911,
            _ => 1988,
        };
        Some(start + years)
    };
    let same_separators = || text("s1").map(str::trim) == text("s2").map(str::trim);
    match form {
        Form::Era => day(era_year()?, number("m")?, number("d")?),
        Form::EraMonth => month_end(era_year()?, number("m")?),
        Form::YearFirst => {
            let cjk = text("s1")?.contains('年') && text("s2")?.contains('月');
            let month = text("mon").map_or_else(|| number("m"), month_number)?;
            if cjk || same_separators() { day(year()?, month, number("d")?) } else { None }
        }
        Form::Compact => day(year()?, number("m")?, number("d")?),
        Form::TwoNumbers => {
            let (a, b) = (number("a")?, number("b")?);
            // `10-12-25` is as often a part number or a range as a date.
            let short = text("y")?.len() == 2 && text("s1")?.contains('-');
            // Full stops stand between day, month and year, in this order, wherever they are used.
            let dotted = text("s1").is_some_and(|sign| sign.trim() == ".");
            match (same_separators() && !short, dotted) {
                (false, _) => None,
                (true, true) => day(year()?, b, a).or_else(|| Some(Raw::Numbers(a, b, year()?))),
                (true, false) => Some(Raw::Numbers(a, b, year()?)),
            }
        }
        Form::DayMonth => {
            // `31 Mar 27` is a date, `12 May 20` in a sentence may be anything.
            let short = text("y")?.len() == 2;
            let glued = text("s2").is_none_or(|between| between.is_empty() || between.contains(['-', '.', '\'', '/']));
            if short && !glued { None } else { day(year()?, month_number(text("mon")?)?, number("d")?) }
        }
        Form::MonthDay => day(year()?, month_number(text("mon")?)?, number("d")?),
        Form::YearMonth => month_end(year()?, number("m")?),
        Form::MonthOnly => month_end(year()?, month_number(text("mon")?)?),
        Form::Quarter => month_end(year()?, number("q").or_else(|| number("q2"))? * 3),
        Form::Relative => {
            let count: i32 = match text("n")?.to_lowercase().as_str() {
                "three" | "drei" => 3,
                "six" | "sechs" => 6,
                "nine" => 9,
                "twelve" | "zwölf" => 12,
                "eighteen" => 18,
                digits => digits.parse().ok()?,
            };
            let unit = text("unit")?.to_lowercase();
            let length = if unit.starts_with("week") || unit.starts_with("woche") {
                Months { months: 0, days: count * 7 }
            } else if unit.starts_with("day") || unit.starts_with("tag") {
                Months { months: 0, days: count }
            } else {
                Months { months: count, days: 0 }
            };
            let anchor = text("anchor")?.to_lowercase();
            let of_order = anchor.contains("buy") || anchor.contains("ltb") || anchor.contains("order");
            Some(Raw::After(if of_order { Anchor::LastTimeBuy } else { Anchor::Issue }, length))
        }
    }
}

fn month_number(name: &str) -> Option<i8> {
    let name = name.to_lowercase();
    MONTHS.iter().find(|(names, _)| names.split('|').any(|known| known == name)).map(|(_, number)| *number)
}

fn day(year: i16, month: i8, day: i8) -> Option<Raw> {
    Date::new(year, month, day).ok().map(Raw::Day)
}

fn month_end(year: i16, month: i8) -> Option<Raw> {
    (1..=12).contains(&month).then(|| Raw::Month(date(year, month, 1).last_of_month()))
}

impl Raw {
    /// Whether this date tells how its document orders day and month: `Some(true)` for the day first.
    fn tells_order(&self) -> Option<bool> {
        match self {
            Raw::Numbers(a, b, _) if *a > 12 && *b <= 12 => Some(true),
            Raw::Numbers(a, b, _) if *b > 12 && *a <= 12 => Some(false),
            _ => None,
        }
    }

    fn resolve(self, span: Span, day_first: Option<bool>) -> Option<DateCandidate> {
        let (date, precision) = match self {
            Raw::Day(date) => (date, Precision::Day),
            Raw::Month(date) => (date, Precision::Month),
            Raw::After(anchor, length) => (Date::ZERO, Precision::After(anchor, length)),
            Raw::Numbers(a, b, year) => {
                let day_month = Date::new(year, b, a).ok();
                let month_day = Date::new(year, a, b).ok();
                match (day_month, month_day, day_first) {
                    (Some(one), Some(other), _) if one == other => (one, Precision::Day),
                    (Some(one), Some(_), Some(true)) => (one, Precision::Day),
                    (Some(_), Some(other), Some(false)) => (other, Precision::Day),
                    (Some(one), Some(other), None) => (other, Precision::Swappable(one)),
                    (Some(one), None, _) | (None, Some(one), _) => (one, Precision::Day),
                    (None, None, _) => return None,
                }
            }
        };
        Some(DateCandidate { span, date, precision })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(text: &str) -> Vec<String> {
        find(text, None).into_iter().map(|found| found.date.to_string()).collect()
    }

    #[test]
    fn dates_as_notices_write_them() {
        for (text, expected) in [
            ("2027-03-31", "2027-03-31"),
            ("2027/3/31", "2027-03-31"),
            ("R9.3.31", "2027-03-31"),
            ("２０２７年３月３１日", "2027-03-31"),
            ("LTB:31-MAR-2027LastTimeShip", "2027-03-31"),
            ("2015.5.1", "2015-05-01"),
            ("31.03.2027", "2027-03-31"),
            ("31. 3. 2027", "2027-03-31"),
            ("31/03/27", "2027-03-31"),
            ("03/31/2027", "2027-03-31"),
            ("31 March 2027", "2027-03-31"),
            ("31st of March, 2027", "2027-03-31"),
            ("31-Mar-27", "2027-03-31"),
            ("05Oct11", "2011-10-05"),
            ("March 31st, 2027", "2027-03-31"),
            ("Mar. 31, 2027", "2027-03-31"),
            ("31. März 2027", "2027-03-31"),
            ("1er avril 2027", "2027-04-01"),
            ("31 de marzo de 2027", "2027-03-31"),
            ("2027年3月31日", "2027-03-31"),
            ("令和9年3月31日", "2027-03-31"),
            ("20270331", "2027-03-31"),
            ("Dated 5 Oct 2026", "2026-10-05"),
            ("2027-Mar-31", "2027-03-31"),
            ("2027-03-31T10:00:00Z", "2027-03-31"),
        ] {
            assert_eq!(days(text), [expected], "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in
            ["10.1.20.30", "LM2027-03-31X", "version 1.2.3", "SOT-23", "AB20270331", "12-10-25", "31.13.2027", "tel. 0711/123 45 67", "2027-13-01"]
        {
            assert_eq!(days(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn months_and_spans_of_time_are_inferred() {
        let month = find("orders until end of March 2027", None);
        assert_eq!((month[0].date, &month[0].precision), (date(2027, 3, 31), &Precision::Month));
        assert_eq!(find("Q3 2027", None)[0].date, date(2027, 9, 30));
        assert_eq!(find("2027年3月末", None)[0].precision, Precision::Month);
        let after = find("6 months from the date of this letter", None);
        let Precision::After(Anchor::Issue, length) = after[0].precision else { panic!("{after:?}") };
        assert_eq!(length.after(date(2026, 10, 31)), Some(date(2027, 4, 30)));
        assert!(matches!(find("three months after last-time buy", None)[0].precision, Precision::After(Anchor::LastTimeBuy, _)));
    }

    #[test]
    fn the_document_tells_whether_the_day_comes_first() {
        assert_eq!(days("3/4/2027 and 25/4/2027"), ["2027-04-03", "2027-04-25"]);
        assert_eq!(days("3/4/2027 and 4/25/2027"), ["2027-03-04", "2027-04-25"]);
        assert_eq!(find("3/4/2027", Some(true))[0].date, date(2027, 4, 3));
        assert_eq!(find("3/4/2027", None)[0].precision, Precision::Swappable(date(2027, 4, 3)));
        assert_eq!(find("5/5/2027", None)[0].precision, Precision::Day);
    }

    #[test]
    fn a_feeds_date_is_the_whole_text() {
        assert_eq!(whole("Mar 12, 2027"), Some(date(2027, 3, 12)));
        assert_eq!(whole("Jan 8,2026"), Some(date(2026, 1, 8)));
        assert_eq!(whole("2037"), None);
        assert_eq!(whole("about 2027-03-12"), None);
        assert_eq!(whole("2027-03-12T00:00:00"), Some(date(2027, 3, 12)));
    }
}
