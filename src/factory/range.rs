//! A range of part numbers as notices print it: "RC0402FR-0710KL to RC0402FR-0747KL". It is one only where both ends are the same but for digits, so that their
//! order is that of the numbers; what is not so ordered (BZX84-C2V4 to BZX84-C75) is left to a person.

use crate::domain::part::normal_mpn;

/// What stands between the ends, in lower case; words need blanks around them.
const BETWEEN: &[&str] = &[" to ", " thru ", " through ", " bis ", " until ", " – ", " - ", "...", "…", "~"];
/// Characters that both ends must have before what differs; fewer would cover half a catalogue.
const START_MIN: usize = 4;

pub(super) struct Range {
    start: String,
    end: String,
    first: u64,
    last: u64,
    /// Digits of both ends, where those are equally many; then numbers within have as many.
    digits: Option<usize>,
}

impl Range {
    pub fn of(printed: &str) -> Option<Range> {
        let lower = printed.to_ascii_lowercase();
        let (left, right) = BETWEEN.iter().find_map(|between| lower.split_once(between))?;
        let (first, last) = (normal_mpn(left), normal_mpn(right));
        let is_digit = |c: char| c.is_ascii_digit();
        let common = |left: &str, right: &str| {
            left.chars().zip(right.chars()).take_while(|(left, right)| left == right).map(|(c, _)| c.len_utf8()).sum::<usize>()
        };
        // Digits that both begin with belong to the number: 100 to 120 differ in 00 and 20, and are 100 and 120.
        let start = first[..common(&first, &last)].trim_end_matches(is_digit).len();
        let end_of = |number: &str| number[start..].find(|c| !is_digit(c)).map_or(number.len(), |at| start + at);
        let (digits, others) = (&first[start..end_of(&first)], &last[start..end_of(&last)]);
        let end = &first[end_of(&first)..];
        if start < START_MIN || end != &last[end_of(&last)..] {
            return None;
        }
        let (low, high): (u64, u64) = (digits.parse().ok()?, others.parse().ok()?);
        let digits = (digits.len() == others.len()).then_some(digits.len());
        (low < high).then(|| Range { start: first[..start].to_owned(), end: end.to_owned(), first: low, last: high, digits })
    }

    /// What every number of the range starts with.
    pub fn start(&self) -> &str {
        &self.start
    }

    /// `number` in normal form.
    pub fn covers(&self, number: &str) -> bool {
        let middle = number.strip_prefix(&self.start).and_then(|rest| rest.strip_suffix(&self.end)).unwrap_or_default();
        let is_number = !middle.is_empty() && middle.bytes().all(|byte| byte.is_ascii_digit());
        is_number
            && self.digits.is_none_or(|digits| middle.len() == digits)
            && middle.parse().is_ok_and(|value: u64| (self.first..=self.last).contains(&value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_that_differ_in_digits_alone_are_a_range() {
        let range = Range::of("RC0402FR-0710KL to RC0402FR-0747KL").expect("range");
        assert!(range.covers("RC0402FR-0710KL") && range.covers("RC0402FR-0747KL") && range.covers("RC0402FR-0722KL"));
        assert!(
            !range.covers("RC0402FR-0748KL")
                && !range.covers("RC0402FR-07100KL")
                && !range.covers("RC0402FR-0722RL")
                && !range.covers("RC0402FR-07KL")
        );
        assert!(Range::of("LM2931-100 … LM2931-120").expect("range").covers("LM2931-105"));
        for none in
            ["LM317T", "BZX84-C2V4 to BZX84-C75", "AB1 to AB9", "LM2931-120 to LM2931-100", "LM317T to LM337T/NOPB", "RC-TO-220", "to", "a to b", "…"]
        {
            assert!(Range::of(none).is_none(), "{none}");
        }
    }

    proptest! {
        #[test]
        fn exactly_what_lies_between_is_covered(low in 0_u64..500, more in 1_u64..500, asked in 0_u64..1200) {
            let range = Range::of(&format!("ABCD-{low:04}X to ABCD-{:04}X", low + more)).expect("range");
            prop_assert_eq!(range.covers(&format!("ABCD-{asked:04}X")), (low..=low + more).contains(&asked));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}(to|…|~)\\PC{0,30}") {
            if let Some(range) = Range::of(&text) {
                let first = format!("{}{}{}", range.start, range.first, range.end);
                prop_assert!(range.covers(&first) || range.digits.is_some());
            }
        }
    }
}
