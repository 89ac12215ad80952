//! Numbers as factory files write them: plain decimals with a point, exact. Whatever could mean two numbers is refused, with the way to write it.

use rust_decimal::Decimal;

use crate::limits;

/// What a number may be: bounds, and the sentence for one outside of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    least: Decimal,
    /// Whether `least` itself is allowed.
    with_least: bool,
    most: Decimal,
    with_most: bool,
    expected: &'static str,
}

const LARGE: Decimal = large(false);

const fn large(negative: bool) -> Decimal {
    Decimal::from_parts((limits::FACTORY_NUMBER_MAX & 0xFFFF_FFFF) as u32, (limits::FACTORY_NUMBER_MAX >> 32) as u32, 0, negative, 0)
}

const fn small(number: i64) -> Decimal {
    Decimal::from_parts(number as u32, 0, 0, false, 0)
}

const fn range(least: Decimal, with_least: bool, most: Decimal, with_most: bool, expected: &'static str) -> Range {
    Range { least, with_least, most, with_most, expected }
}

/// Prices and costs.
pub(super) const AMOUNT: Range = range(Decimal::ZERO, true, LARGE, true, "an amount of 0 to 1,000,000,000,000");
/// A contribution may be a loss.
pub(super) const SIGNED_AMOUNT: Range =
    range(large(true), true, LARGE, true, "an amount of at most 1,000,000,000,000, less than 0 where it is a loss");
/// Stock, demand: nothing is a quantity.
pub(super) const QUANTITY: Range = range(Decimal::ZERO, true, LARGE, true, "a quantity of 0 to 1,000,000,000,000");
/// Order sizes: nothing is none.
pub(super) const SOME: Range = range(Decimal::ZERO, false, LARGE, true, "a quantity over 0, at most 1,000,000,000,000");
pub(super) const PER_PARENT: Range = range(Decimal::ZERO, false, small(limits::BOM_QUANTITY_MAX), true, "a quantity over 0, at most 10,000,000");
pub(super) const SHARE: Range = range(Decimal::ZERO, true, Decimal::ONE, true, "a share of 0 to 1, for example 0.65 for 65 %");
pub(super) const SCRAP: Range = range(Decimal::ZERO, true, Decimal::ONE, false, "a share of 0 up to but not 1, for example 0.02 for 2 %");
pub(super) const YIELD: Range = range(Decimal::ZERO, false, Decimal::ONE, true, "a share over 0 up to 1, for example 0.98 for 98 %");
pub(super) const WEEKS: Range = range(Decimal::ZERO, true, small(limits::LEAD_TIME_WEEKS_MAX), true, "weeks from 0 to 520");
pub(super) const CV: Range = range(Decimal::ZERO, true, small(limits::DEMAND_CV_MAX), true, "standard deviation over mean, 0 to 10, for example 0.3");
pub(super) const RATE: Range = range(Decimal::ZERO, false, LARGE, true, "a rate over 0");

impl Range {
    pub fn contains(&self, number: Decimal) -> bool {
        let over = if self.with_least { number >= self.least } else { number > self.least };
        over && if self.with_most { number <= self.most } else { number < self.most }
    }

    pub fn expected(&self) -> &'static str {
        self.expected
    }
}

/// A number within its range.
pub(super) fn within(range: Range, cell: &str) -> Result<Decimal, String> {
    let number = decimal(cell)?;
    if range.contains(number) { Ok(number) } else { Err(format!("'{cell}' is out of bounds: expected {}", range.expected)) }
}

/// A whole number from 1 on, at most `most`.
pub(super) fn whole(cell: &str, most: u32) -> Result<u32, String> {
    let wrong = || format!("'{cell}' is not right: expected a whole number from 1 to {most}");
    let number = decimal(cell)?;
    // "12.0" is whole, "12.5" is not.
    let whole = u32::try_from(number.normalize()).ok().filter(|_| number.fract().is_zero()).ok_or_else(wrong)?;
    if (1..=most).contains(&whole) { Ok(whole) } else { Err(wrong()) }
}

/// `-?digits[.digits]`, exactly as written; `.5` is a way Oracle writes 0.5.
pub(super) fn decimal(cell: &str) -> Result<Decimal, String> {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (before, after) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(before) || !plain(after) || after.is_empty() || digits.is_empty() {
        return Err(format!("'{}' is not a plain number: {}", shown(cell), hint(cell)));
    }
    // `from_str_exact` errors where `from_str` would round.
    Decimal::from_str_exact(cell).map_err(|_| format!("'{}' has more digits than can be held exactly: 28 are", shown(cell)))
}

/// How to mend a number that is none.
fn hint(cell: &str) -> &'static str {
    let has = |wanted: &[char]| cell.contains(wanted);
    let exponent = cell.split_once(['E', 'e']).is_some_and(|(mantissa, power)| {
        mantissa.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && power.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit())
    });
    if exponent {
        "a spreadsheet shortened it; format the column as a number with all its digits and export again"
    } else if cell.starts_with('#') {
        "it is a spreadsheet's error; mend the formula and export again"
    } else if has(&['%']) {
        "write a share, for example 0.05 for 5 %"
    } else if has(&[',']) {
        "a comma may be a decimal comma or a thousands mark; write 1234.5 with a point and without thousands marks"
    } else if has(&[' ', '\u{A0}', '\u{202F}', '\'', '’']) || cell.matches('.').count() > 1 {
        "write it without thousands marks, for example 1234.5"
    } else if cell.ends_with('-') {
        "write the minus sign in front"
    } else if has(&['€', '$', '£', '¥']) {
        "write only the number; the currency has a column of its own"
    } else {
        "expected digits with a decimal point, for example 1234.5"
    }
}

/// A cell for a sentence: short, on one line.
pub(super) fn shown(cell: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut shown: String = cell.chars().take(CHARS_MAX).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    if cell.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn exact_as_written() {
        for (text, same) in [("0.000213", "0.000213"), ("1500", "1500"), ("-12.50", "-12.50"), (".5", "0.5"), ("007", "7")] {
            assert_eq!(decimal(text).expect(text).to_string(), same);
        }
    }

    #[test]
    fn what_could_mean_two_numbers_is_refused_with_the_way_to_write_it() {
        for (text, hint) in [
            ("1,5", "comma"),
            ("1.234,50", "comma"),
            ("1.234.567", "thousands"),
            ("1 234", "thousands"),
            ("1'234.50", "thousands"),
            ("1.00E+05", "spreadsheet shortened"),
            ("1e5", "spreadsheet shortened"),
            ("#DIV/0!", "spreadsheet's error"),
            ("5 %", "share"),
            ("5-", "minus"),
            ("€5", "currency"),
            ("+5", "expected digits"),
            ("1.", "expected digits"),
            ("--1", "expected digits"),
            ("NaN", "expected digits"),
            ("inf", "expected digits"),
            ("1_000", "expected digits"),
            ("١٢", "expected digits"),
            ("0x10", "expected digits"),
        ] {
            assert!(decimal(text).is_err_and(|error| error.contains(hint)), "{text}: {:?}", decimal(text));
        }
        assert!(decimal("0.12345678901234567890123456789012345").is_err_and(|error| error.contains("held exactly")));
        assert!(decimal("").is_err() && decimal("-").is_err() && decimal(".").is_err());
    }

    #[test]
    fn bounds() {
        assert!(within(SHARE, "65").is_err_and(|error| error.contains("0.65 for 65 %")));
        assert!(within(SHARE, "1").is_ok() && within(SCRAP, "1").is_err() && within(YIELD, "0").is_err() && within(YIELD, "1.0").is_ok());
        assert!(within(PER_PARENT, "0").is_err() && within(PER_PARENT, "-1").is_err() && within(PER_PARENT, "10000001").is_err());
        assert!(within(SIGNED_AMOUNT, "-5").is_ok() && within(AMOUNT, "-5").is_err());
        assert!(within(AMOUNT, "1000000000000").is_ok() && within(AMOUNT, "1000000000000.01").is_err());
        assert_eq!(whole("12.0", 100), Ok(12));
        assert!(whole("12.5", 100).is_err() && whole("0", 100).is_err() && whole("-3", 100).is_err() && whole("101", 100).is_err());
    }

    /// The sentences name the limits in words.
    #[test]
    fn what_is_expected_names_the_limit() {
        let plain = |range: Range| range.expected.replace(',', "");
        for range in [AMOUNT, SIGNED_AMOUNT, QUANTITY, SOME] {
            assert!(plain(range).contains(&limits::FACTORY_NUMBER_MAX.to_string()), "{}", range.expected);
        }
        assert!(plain(PER_PARENT).contains(&limits::BOM_QUANTITY_MAX.to_string()));
        assert!(plain(WEEKS).contains(&limits::LEAD_TIME_WEEKS_MAX.to_string()) && plain(CV).contains(&limits::DEMAND_CV_MAX.to_string()));
        assert_eq!((LARGE, -LARGE), (Decimal::from(limits::FACTORY_NUMBER_MAX), SIGNED_AMOUNT.least));
    }

    proptest! {
        #[test]
        fn every_decimal_comes_back(mantissa in -10_i64.pow(15)..10_i64.pow(15), scale in 0_u32..9) {
            let number = Decimal::new(mantissa, scale);
            prop_assert_eq!(decimal(&number.to_string()), Ok(number));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}") {
            if let Ok(number) = decimal(&text) {
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.')), "{}", number);
            }
        }
    }
}
