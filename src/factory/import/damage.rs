//! Part numbers that a spreadsheet turned into something else. Only forms a spreadsheet writes and no maker does: a number that merely looks odd passes.

/// What happened to a part number, for a sentence; `None` where it looks whole.
pub(super) fn damaged(number: &str) -> Option<&'static str> {
    if is_error(number) {
        Some("it is a spreadsheet's error, not a part number")
    } else if is_scientific(number) {
        Some("a spreadsheet turned the part number into a number and shortened it")
    } else if is_date(number) {
        Some("a spreadsheet turned the part number into a date")
    } else {
        None
    }
}

/// `#NAME?`, `#REF!`, … in English and German, and `####` of a column too narrow.
fn is_error(number: &str) -> bool {
    const ERRORS: &[&str] =
        &["NAME?", "REF!", "VALUE!", "DIV/0!", "N/A", "NUM!", "NULL!", "SPILL!", "CALC!", "NV", "BEZUG!", "WERT!", "ZAHL!", "GETTING_DATA"];
    number.strip_prefix('#').is_some_and(|rest| ERRORS.contains(&rest) || (rest.len() >= 2 && rest.bytes().all(|byte| byte == b'#')))
}

/// `1.23E+11`, `1,23E+11`, `5E+20`: always a sign and two digits. `2E10` and `5E-12` stay part numbers.
fn is_scientific(number: &str) -> bool {
    let Some((mantissa, power)) = number.split_once("E+").or_else(|| number.split_once("E-").filter(|(mantissa, _)| mantissa.contains(['.', ','])))
    else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (first, rest) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    first.len() == 1 && digits(first) && digits(rest) && power.len() >= 2 && digits(power)
}

/// `2-Mar`, `Mar-02`, `02. Mrz`, `2024-03-02 00:00:00`, `02.03.2024`, `3/2/2024`.
fn is_date(number: &str) -> bool {
    const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Mrz", "Mär", "Mai", "Okt", "Dez"];
    let digits = |text: &str, lengths: &[usize]| lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let words: Vec<&str> = number.split(['-', ' ']).collect();
    match words.as_slice() {
        [day, month] if MONTHS.contains(month) => return digits(day.trim_end_matches('.'), &[1, 2]),
        [month, year] if MONTHS.contains(month) => return digits(year, &[2]),
        [day, month, year] if MONTHS.contains(month) => return digits(day.trim_end_matches('.'), &[1, 2]) && digits(year, &[2, 4]),
        _ => {}
    }
    let day = number.strip_suffix(" 00:00:00").unwrap_or(number);
    let parts = |mark| -> Vec<&str> { day.split(mark).collect() };
    let in_range = |text: &str, most: u8| text.parse::<u8>().is_ok_and(|value| (1..=most).contains(&value));
    let day_and_month = |a: &str, b: &str| digits(a, &[1, 2]) && digits(b, &[1, 2]) && in_range(a, 31) && in_range(b, 31);
    match (parts('-').as_slice(), parts('.').as_slice(), parts('/').as_slice()) {
        ([year, month, date], ..) => digits(year, &[4]) && digits(month, &[2]) && digits(date, &[2]) && in_range(month, 12) && in_range(date, 31),
        (_, [a, b, year], _) | (.., [a, b, year]) => digits(year, &[4]) && day_and_month(a, b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::damaged;

    #[test]
    fn spreadsheets_are_recognised() {
        for number in [
            "1.23E+11",
            "1,23E+11",
            "5E+20",
            "1.5E-05",
            "2-Mar",
            "Mar-02",
            "02. Mrz",
            "2-Mar-24",
            "2024-03-02",
            "2024-03-02 00:00:00",
            "02.03.2024",
            "3/2/2024",
            "#NAME?",
            "#NV",
            "#####",
        ] {
            assert!(damaged(number).is_some(), "{number}");
        }
    }

    #[test]
    fn real_numbers_pass() {
        for number in [
            "LM317T",
            "2E10",
            "5E-12",
            "1N4148",
            "74HC595",
            "10-MAR",
            "MAR-1234",
            "BAV99-7-F",
            "12.345.678",
            "1-1734248-0",
            "0402/1005",
            "2-1393236-3",
            "24.12.345",
            "ERJ-2RKF1002X",
            "#22AWG",
            "3/8/16",
            "1234-56-78",
            "100-10-10",
        ] {
            assert_eq!(damaged(number), None, "{number}");
        }
    }
}
