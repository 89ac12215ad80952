//! One cell to one value, or the sentence why not. Cells arrive without blanks around them and are never empty.

use jiff::civil::Date;

use super::{damage::damaged, number::shown};
use crate::{
    domain::{
        factory::{DemandKind, Month},
        money::Currency,
    },
    limits,
};

/// A name or a description.
pub(super) fn text(cell: &str) -> Result<String, String> {
    bounded(cell, limits::FACTORY_TEXT_CHARS_MAX)
}

/// The name of a maker.
pub(super) fn maker(cell: &str) -> Result<String, String> {
    one_line(cell)?;
    if damaged(cell).is_some() || !cell.contains(char::is_alphanumeric) {
        return Err(format!("'{}' is not the name of a maker", shown(cell)));
    }
    bounded(cell, limits::PART_NUMBER_CHARS_MAX)
}

/// A part number: an item, a SKU or an MPN.
pub(super) fn number(cell: &str) -> Result<String, String> {
    one_line(cell)?;
    if let Some(what) = damaged(cell) {
        return Err(format!("'{}': {what}; format the column as text, restore the number and export again", shown(cell)));
    }
    bounded(cell, limits::PART_NUMBER_CHARS_MAX)
}

fn one_line(cell: &str) -> Result<(), String> {
    match cell.chars().find(|c| c.is_control() || *c == '\u{FFFD}') {
        Some('\n') => Err(format!("'{}' holds a line break: a quotation mark may not be closed", shown(cell))),
        Some('\u{FFFD}') => Err(format!("'{}' holds the mark of a character that was lost in an earlier conversion: restore it", shown(cell))),
        Some(c) => Err(format!("'{}' holds the control character U+{:04X}: remove it", shown(cell), u32::from(c))),
        None => Ok(()),
    }
}

fn bounded(cell: &str, chars_max: usize) -> Result<String, String> {
    if cell.chars().nth(chars_max).is_some() {
        return Err(format!("'{}' is longer than {chars_max} characters", shown(cell)));
    }
    Ok(cell.to_owned())
}

/// `YYYY-MM-DD` and nothing else: `03/04/2027` is two days.
pub(super) fn day(cell: &str) -> Result<Date, String> {
    let date = calendar_day(cell)?;
    if (1970..=2199).contains(&date.year()) { Ok(date) } else { Err(format!("'{cell}' is not a sensible day: expected a year from 1970 to 2199")) }
}

/// The day a validity ends; ERP systems write 9999-12-31 for "no end".
pub(super) fn last_day(cell: &str) -> Result<Option<Date>, String> {
    if cell == "9999-12-31" { Ok(None) } else { day(cell).map(Some) }
}

fn calendar_day(cell: &str) -> Result<Date, String> {
    let shape = cell.len() == 10 && cell.bytes().enumerate().all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    let wrong = |what: &str| format!("'{}' is not {what}, for example 2027-03-31", shown(cell));
    if !shape {
        return Err(wrong("a date as YYYY-MM-DD"));
    }
    cell.parse().map_err(|_| wrong("a day of the calendar: expected YYYY-MM-DD"))
}

pub(super) fn month(cell: &str) -> Result<Month, String> {
    let shape = cell.len() == 7 && cell.bytes().enumerate().all(|(at, byte)| if at == 4 { byte == b'-' } else { byte.is_ascii_digit() });
    let wrong = || format!("'{}' is not a month as YYYY-MM, for example 2027-03", shown(cell));
    let month: Month = if shape { cell.parse().map_err(|_| wrong())? } else { return Err(wrong()) };
    if (1970..=2199).contains(&month.year) { Ok(month) } else { Err(format!("'{cell}' is not a sensible month: expected a year from 1970 to 2199")) }
}

pub(super) fn currency(cell: &str) -> Result<Currency, String> {
    let wrong = || format!("'{}' is not a currency of ISO 4217: expected a code such as EUR or USD", shown(cell));
    cell.parse::<Currency>().ok().filter(|currency| currency.is_listed()).ok_or_else(wrong)
}

pub(super) fn yes_or_no(cell: &str) -> Result<bool, String> {
    match cell.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "1" => Ok(true),
        "no" | "n" | "false" | "0" => Ok(false),
        _ => Err(format!("'{}' is neither yes nor no: write yes or no", shown(cell))),
    }
}

pub(super) fn demand_kind(cell: &str) -> Result<DemandKind, String> {
    match cell.to_ascii_lowercase().as_str() {
        "forecast" => Ok(DemandKind::Forecast),
        "committed" => Ok(DemandKind::Committed),
        "spares" => Ok(DemandKind::Spares),
        _ => Err(format!("'{}' is not a kind of demand: write forecast, committed or spares", shown(cell))),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_iso_and_on_the_calendar() {
        assert_eq!(day("2028-02-29"), Ok(date(2028, 2, 29)));
        for wrong in [
            "2027-02-29",
            "2027-13-01",
            "03/04/2027",
            "31.12.2027",
            "20270331",
            "2027-3-1",
            "2027-03-31T00:00",
            "0000-00-00",
            "1900-01-01",
            "9999-12-31",
            "+2027-1-1",
        ] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
        assert_eq!(last_day("9999-12-31"), Ok(None));
        assert_eq!(last_day("2030-01-01"), Ok(Some(date(2030, 1, 1))));
    }

    #[test]
    fn months_are_iso() {
        assert_eq!(month("2027-03"), Ok(Month { year: 2027, month: 3 }));
        for wrong in ["2027-3", "2027-00", "2027-13", "03-2027", "2027-03-01", "Mar-27", "-027-03", "0001-01"] {
            assert!(month(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn currencies_are_listed_ones() {
        assert_eq!(currency("usd"), Ok(Currency::USD));
        for wrong in ["EUO", "€", "Euro", "EURO", "US"] {
            assert!(currency(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_whole() {
        assert_eq!(number("LM317T/NOPB").as_deref(), Ok("LM317T/NOPB"));
        assert!(number("2-Mar").is_err_and(|error| error.contains("date")));
        assert!(number("a\nb").is_err_and(|error| error.contains("quotation mark")));
        assert!(number("K\u{FFFD}rper").is_err() && number("a\tb").is_err() && number(&"9".repeat(101)).is_err());
        assert!(maker("-").is_err() && maker("#REF!").is_err() && maker("Würth Elektronik").is_ok());
        assert!(yes_or_no("Yes") == Ok(true) && yes_or_no("x").is_err() && demand_kind("Orders").is_err());
    }
}
