//! How a file writes numbers and days, where it was said: a cell becomes the one form that `number` and `cell` read. Nothing is guessed: without a word a number
//! has a decimal point and no marks of thousands, and a day is YYYY-MM-DD.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::number::{self, shown};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dialect {
    pub decimal: Mark,
    pub days: Days,
}

/// The decimal mark, which says what marks thousands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// A point, and no marks of thousands.
    #[default]
    Plain,
    /// `1,234.5`
    Point,
    /// `1.234,5`
    Comma,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Days {
    #[default]
    #[serde(rename = "YYYY-MM-DD")]
    Iso,
    #[serde(rename = "DD.MM.YYYY")]
    Dotted,
    #[serde(rename = "DD/MM/YYYY")]
    DayFirst,
    #[serde(rename = "MM/DD/YYYY")]
    MonthFirst,
    #[serde(rename = "YYYYMMDD")]
    Digits,
    /// `31-DEC-2027`, as Oracle writes it.
    #[serde(rename = "DD-MON-YYYY")]
    Named,
    /// With a time of day or without.
    #[serde(rename = "YYYY-MM-DD HH:MM:SS")]
    Moment,
}

impl Days {
    /// Every form, as it is written in configuration and on the command line.
    pub const FORMS: [&'static str; 7] = ["YYYY-MM-DD", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "YYYYMMDD", "DD-MON-YYYY", "YYYY-MM-DD HH:MM:SS"];
}

impl std::str::FromStr for Mark {
    type Err = String;

    fn from_str(text: &str) -> Result<Mark, String> {
        match text {
            "point" => Ok(Mark::Point),
            "comma" => Ok(Mark::Comma),
            _ => Err(format!("'{text}' is no decimal mark: point or comma")),
        }
    }
}

impl std::str::FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Days, String> {
        let named: Result<Days, serde::de::value::Error> = Days::deserialize(serde::de::value::StrDeserializer::new(text));
        named.map_err(|_| format!("'{text}' is no form of days: one of {}", Days::FORMS.join(", ")))
    }
}

/// A number in plain form.
pub(super) fn number(mark: Mark, cell: &str) -> Result<String, String> {
    let (point, thousands, example) = match mark {
        Mark::Plain => return Ok(cell.to_owned()),
        Mark::Point => ('.', ',', "1,234.5"),
        Mark::Comma => (',', '.', "1.234,5"),
    };
    let wrong = || format!("'{}' is not a number as this file writes them, for example {example}", shown(cell));
    // SAP writes the minus behind.
    let (negative, digits) = match (cell.strip_prefix('-'), cell.strip_suffix('-')) {
        (Some(rest), _) | (_, Some(rest)) => (true, rest.trim()),
        _ => (false, cell),
    };
    let (whole, fraction) = digits.split_once(point).map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let is_mark = |c: char| c == thousands || matches!(c, ' ' | '\u{A0}' | '\u{202F}' | '\'');
    let groups: Vec<&str> = whole.split(is_mark).collect();
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = groups.len() == 1 || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3));
    let leads = groups.len() == 1 && whole.is_empty() && fraction.is_some();
    if !grouped || !(leads || groups.iter().all(|group| plain(group))) || !fraction.is_none_or(plain) {
        return Err(wrong());
    }
    let sign = if negative { "-" } else { "" };
    let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
    Ok(format!("{sign}{}{fraction}", groups.concat()))
}

/// A day as YYYY-MM-DD.
pub(super) fn day(days: Days, cell: &str) -> Result<String, String> {
    const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let wrong = |form: &str| format!("'{}' is not a day as this file writes them: expected {form}", shown(cell));
    let three = |mark: char| -> Option<[&str; 3]> {
        let parts: Vec<&str> = cell.split(mark).collect();
        <[&str; 3]>::try_from(parts).ok().filter(|parts| parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_alphanumeric())))
    };
    let iso =
        |year: &str, month: &str, day: &str| (year.len() == 4 && month.len() <= 2 && day.len() <= 2).then(|| format!("{year}-{month:0>2}-{day:0>2}"));
    let (found, form) = match days {
        Days::Iso => (Some(cell.to_owned()), "YYYY-MM-DD"),
        Days::Moment => (cell.split([' ', 'T']).next().map(str::to_owned), "YYYY-MM-DD HH:MM:SS"),
        Days::Dotted => (three('.').and_then(|[day, month, year]| iso(year, month, day)), "DD.MM.YYYY"),
        Days::DayFirst => (three('/').and_then(|[day, month, year]| iso(year, month, day)), "DD/MM/YYYY"),
        Days::MonthFirst => (three('/').and_then(|[month, day, year]| iso(year, month, day)), "MM/DD/YYYY"),
        Days::Digits => ((cell.len() == 8 && cell.is_ascii()).then(|| format!("{}-{}-{}", &cell[..4], &cell[4..6], &cell[6..])), "YYYYMMDD"),
        Days::Named => {
            let named = three('-').and_then(|[day, month, year]| {
                let number = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
                iso(year, &number.to_string(), day)
            });
            (named, "DD-MON-YYYY")
        }
    };
    found.ok_or_else(|| wrong(form))
}

/// A month as YYYY-MM: written so, as MM.YYYY or MM/YYYY, or as a day of it.
pub(super) fn month(days: Days, cell: &str) -> Result<String, String> {
    if days == Days::Iso {
        return Ok(cell.to_owned());
    }
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((first, second)) = cell.split_once(['-', '.', '/'])
        && digits(second, if digits(first, 4) { 2 } else { 4 })
    {
        return Ok(if digits(first, 4) { format!("{first}-{second}") } else { format!("{second}-{first:0>2}") });
    }
    day(days, cell).map(|day| day.chars().take(7).collect())
}

/// A plain number times a factor, over a divisor; exact where it can be, else to twelve places.
pub(super) fn scaled(cell: &str, factor: Decimal, divisor: Decimal) -> Result<String, String> {
    const PLACES: u32 = 12;
    let number = number::decimal(cell)?;
    let scaled = number.checked_mul(factor).and_then(|number| number.checked_div(divisor));
    let scaled =
        scaled.ok_or_else(|| format!("'{}' cannot be reckoned for one: its price or quantity unit is {}", shown(cell), divisor.normalize()))?;
    Ok(scaled.round_dp(PLACES).normalize().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_said_to_be_written() {
        let comma = |cell| number(Mark::Comma, cell);
        for (cell, same) in [("1,5", "1.5"), ("1.234,50", "1234.50"), ("1.234", "1234"), ("12 345,6", "12345.6"), ("5-", "-5"), ("-,5", "-.5")] {
            assert_eq!(comma(cell).as_deref(), Ok(same), "{cell}");
        }
        for wrong in ["1.5", "1.23,4", "1,2,3", "1234.567", "", "abc", "1.234.56"] {
            assert!(comma(wrong).is_err(), "{wrong}");
        }
        assert_eq!(number(Mark::Point, "1,234.5").as_deref(), Ok("1234.5"));
        assert!(number(Mark::Point, "1,5").is_err());
        assert_eq!(number(Mark::Plain, "1,5").as_deref(), Ok("1,5"), "left to whoever refuses it");
    }

    #[test]
    fn days_are_read_as_they_were_said_to_be_written() {
        for (days, cell, same) in [
            (Days::Dotted, "31.12.2027", "2027-12-31"),
            (Days::Dotted, "1.2.2027", "2027-02-01"),
            (Days::DayFirst, "03/04/2027", "2027-04-03"),
            (Days::MonthFirst, "03/04/2027", "2027-03-04"),
            (Days::Digits, "20270331", "2027-03-31"),
            (Days::Named, "31-DEC-2027", "2027-12-31"),
        ] {
            assert_eq!(day(days, cell).as_deref(), Ok(same), "{cell}");
        }
        assert!(day(Days::Dotted, "31/12/2027").is_err() && day(Days::Dotted, "31.12.27").is_err() && day(Days::Digits, "2027033").is_err());
        assert_eq!(month(Days::Dotted, "15.03.2027").as_deref(), Ok("2027-03"));
        assert_eq!(month(Days::Dotted, "03.2027").as_deref(), Ok("2027-03"));
        assert_eq!(month(Days::Dotted, "2027-03").as_deref(), Ok("2027-03"));
    }

    #[test]
    fn a_price_for_a_thousand_is_a_price_for_one() {
        assert_eq!(scaled("12.50", Decimal::ONE, Decimal::ONE_THOUSAND).as_deref(), Ok("0.0125"));
        assert!(scaled("1", Decimal::ONE, Decimal::ZERO).is_err());
    }
}
