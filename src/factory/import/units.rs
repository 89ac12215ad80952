//! Units of measure: a quantity in another unit than its item's is converted where both measure the same, and refused where they do not. What was converted is
//! told.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::number::shown;

/// What is measured: what a unit's factor leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Piece,
    Metre,
    SquareMetre,
    Kilogram,
    Litre,
}

/// A unit: what it measures, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit(Measure, Decimal);

/// Words in lower case, what they measure, mantissa and scale of the factor. SAP's codes in English and German, ISO's, UN/ECE's, Odoo's and Oracle's names.
const UNITS: &[(&[&str], Measure, i64, u32)] = &[
    (
        &[
            "", "pc", "pcs", "pce", "piece", "pieces", "ea", "each", "st", "stk", "stck", "stück", "stueck", "un", "unit", "units", "unit(s)", "h87",
            "c62", "nr", "no",
        ],
        Measure::Piece,
        1,
        0,
    ),
    (&["tsd", "ts", "kpc", "kpcs", "mil", "th", "thousand", "tausend"], Measure::Piece, 1000, 0),
    (&["dz", "dzn", "dozen", "dozens", "dutzend"], Measure::Piece, 12, 0),
    (&["mm", "mmt", "millimeter", "millimetre"], Measure::Metre, 1, 3),
    (&["cm", "cmt", "zentimeter"], Measure::Metre, 1, 2),
    (&["m", "mtr", "meter", "metre", "mt"], Measure::Metre, 1, 0),
    (&["km", "kmt"], Measure::Metre, 1000, 0),
    (&["in", "inh", "inch", "inches", "zoll"], Measure::Metre, 254, 4),
    (&["ft", "fot", "foot", "feet"], Measure::Metre, 3048, 4),
    (&["cm2", "cmk"], Measure::SquareMetre, 1, 4),
    (&["m2", "mtk", "qm"], Measure::SquareMetre, 1, 0),
    (&["mg", "mgm", "milligram"], Measure::Kilogram, 1, 6),
    (&["g", "grm", "gram", "gramm"], Measure::Kilogram, 1, 3),
    (&["kg", "kgm", "kilogram", "kilogramm"], Measure::Kilogram, 1, 0),
    (&["t", "tne", "to"], Measure::Kilogram, 1000, 0),
    (&["ml", "mlt"], Measure::Litre, 1, 3),
    (&["l", "ltr", "litre", "liter"], Measure::Litre, 1, 0),
];

fn unit(word: &str) -> Result<Unit, String> {
    let folded = word.to_lowercase();
    let found = UNITS.iter().find(|(words, ..)| words.contains(&folded.as_str()));
    let named = || format!("'{}' is not a unit of measure known here: write pcs, mm, m, m2, g, kg, ml or l", shown(word));
    found.map(|(_, measure, mantissa, scale)| Unit(*measure, Decimal::new(*mantissa, *scale))).ok_or_else(named)
}

/// The units items are kept in.
#[derive(Debug, Default)]
pub(super) struct Units(HashMap<String, Unit>);

impl Units {
    /// An item without a unit is kept in pieces.
    pub fn keep(&mut self, item: &str, word: &str) -> Result<(), String> {
        self.0.insert(item.to_owned(), unit(word)?);
        Ok(())
    }

    /// What a quantity of an item in a unit is multiplied by, to be in the item's. Without a unit it is in the item's.
    pub fn factor(&self, item: &str, word: &str) -> Result<Decimal, String> {
        if word.is_empty() {
            return Ok(Decimal::ONE);
        }
        let Unit(measure, factor) = unit(word)?;
        let Unit(kept, of_item) = self.0.get(item).copied().unwrap_or(Unit(Measure::Piece, Decimal::ONE));
        if measure != kept {
            return Err(format!("'{}' does not measure what items.csv keeps '{}' in: write the quantity in that unit", shown(word), shown(item)));
        }
        factor.checked_div(of_item).ok_or_else(|| format!("'{}' cannot be converted", shown(word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_measures_the_same_is_converted_and_nothing_else() {
        let mut units = Units::default();
        units.keep("CABLE", "m").expect("unit");
        units.keep("SOLDER", "KG").expect("unit");
        assert_eq!(units.factor("CABLE", "mm"), Ok(Decimal::new(1, 3)));
        assert_eq!(units.factor("SOLDER", "G"), Ok(Decimal::new(1, 3)));
        assert_eq!((units.factor("RESISTOR", "ST"), units.factor("RESISTOR", "TSD")), (Ok(Decimal::ONE), Ok(Decimal::ONE_THOUSAND)));
        assert!(units.factor("CABLE", "pcs").is_err_and(|error| error.contains("does not measure")));
        assert!(units.factor("CABLE", "furlong").is_err_and(|error| error.contains("not a unit")));
        assert_eq!(units.factor("CABLE", ""), Ok(Decimal::ONE));
    }

    #[test]
    fn no_word_is_two_units() {
        let words: Vec<&str> = UNITS.iter().flat_map(|(words, ..)| words.iter().copied()).collect();
        let distinct: std::collections::HashSet<&str> = words.iter().copied().collect();
        assert_eq!(words.len(), distinct.len());
    }
}
