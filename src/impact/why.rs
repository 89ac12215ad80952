//! How each figure came about: name, value, formula, and every input with the place it comes from. Collected while computing, kept with the statement.

use serde::{Deserialize, Serialize};

use crate::{domain::factory::Line, limits};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Snake case; figures of one item carry its number: `last_time_buy_quantity:R-4711`.
    pub name: String,
    /// As shown to people, with its unit; `unknown` where it is.
    pub value: String,
    pub formula: String,
    pub inputs: Vec<FigureInput>,
    /// Inputs past `limits::WHY_INPUTS_MAX`.
    pub inputs_left_out: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureInput {
    pub what: String,
    pub value: String,
    /// `products.csv line 4`, `site.toml`, a notice, another figure, or a default with its survey and year.
    pub from: String,
}

impl FigureInput {
    pub fn new(what: impl Into<String>, value: impl Into<String>, from: impl Into<String>) -> FigureInput {
        FigureInput { what: what.into(), value: value.into(), from: from.into() }
    }
}

/// What is told beside the figures while they are computed, each sentence once, in the order they came up.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub figures: Vec<Figure>,
    pub assumptions: Vec<String>,
    pub needs: Vec<String>,
}

impl Notes {
    pub fn figure(&mut self, name: impl Into<String>, value: impl Into<String>, formula: &str, mut inputs: Vec<FigureInput>) {
        let left_out = inputs.len().saturating_sub(limits::WHY_INPUTS_MAX);
        inputs.truncate(limits::WHY_INPUTS_MAX);
        self.figures.push(Figure {
            name: name.into(),
            value: value.into(),
            formula: formula.to_owned(),
            inputs,
            inputs_left_out: u32::try_from(left_out).unwrap_or(u32::MAX),
        });
    }

    pub fn assume(&mut self, sentence: impl Into<String>) {
        once(&mut self.assumptions, sentence.into());
    }

    pub fn need(&mut self, sentence: impl Into<String>) {
        once(&mut self.needs, sentence.into());
    }
}

fn once(list: &mut Vec<String>, sentence: String) {
    if !list.contains(&sentence) {
        list.push(sentence);
    }
}

/// `products.csv line 4`.
pub(super) fn at(line: &Line) -> String {
    format!("{} line {}", line.file, line.line)
}

/// `demand.csv lines 3 to 8, 12`: consecutive lines of the files as ranges.
pub(super) fn at_lines<'a>(lines: impl Iterator<Item = &'a Line>) -> String {
    const RANGES_SHOWN: usize = 6;
    let mut all: Vec<(&str, u32)> = lines.map(|line| (line.file.as_str(), line.line)).collect();
    all.sort_unstable();
    all.dedup();
    let mut ranges: Vec<(&str, u32, u32)> = Vec::new();
    for (file, line) in all {
        match ranges.last_mut() {
            Some((of, _, last)) if *of == file && *last + 1 == line => *last = line,
            _ => ranges.push((file, line, line)),
        }
    }
    let mut text = String::new();
    for (place, (file, first, last)) in ranges.iter().take(RANGES_SHOWN).enumerate() {
        let same_file = place > 0 && ranges[place - 1].0 == *file;
        text.push_str(&match (place, same_file) {
            (0, _) => format!("{file} line "),
            (_, true) => ", ".to_owned(),
            (_, false) => format!("; {file} line "),
        });
        text.push_str(&if first == last { first.to_string() } else { format!("{first} to {last}") });
    }
    if ranges.len() > RANGES_SHOWN {
        text.push_str(&format!(" and {} more", ranges.len() - RANGES_SHOWN));
    }
    if text.is_empty() { "no line".to_owned() } else { text }
}

/// A quantity as people read it: `12,000`, `1,223.5`; at most four places.
pub fn pieces(quantity: f64) -> String {
    grouped(&rounded(quantity).to_string())
}

/// An exact decimal as people read it, without zeros at its end.
pub fn grouped(plain: &str) -> String {
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').map_or((digits, ""), |(whole, fraction)| (whole, fraction.trim_end_matches('0')));
    let mut text = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// Quantities leave the computation with four places: more would be noise, and so written they are read back bit for bit.
pub(super) fn rounded(quantity: f64) -> f64 {
    let rounded = libm::round(quantity * 1e4) / 1e4;
    // No "-0".
    if rounded == 0.0 { 0.0 } else { rounded }
}

/// Start of a sentence listing names: `A, B and 3 more`.
pub(super) fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_as_ranges() {
        let line = |file: &str, line| Line { file: file.to_owned(), line };
        let lines = [line("demand.csv", 4), line("demand.csv", 3), line("demand.csv", 9), line("stock.csv", 2)];
        assert_eq!(at_lines(lines.iter()), "demand.csv line 3 to 4, 9; stock.csv line 2");
        assert_eq!(at_lines([].iter()), "no line");
    }

    #[test]
    fn quantities_are_read_easily() {
        assert_eq!(pieces(12_178.8), "12,178.8");
        assert_eq!(pieces(1e6), "1,000,000");
        assert_eq!(pieces(-1_234.000_04), "-1,234");
        assert_eq!(pieces(-0.000_001), "0");
        assert_eq!(grouped("0.000213"), "0.000213");
    }

    #[test]
    fn inputs_past_the_bound_are_counted() {
        let mut notes = Notes::default();
        notes.figure("x", "1", "f", vec![FigureInput::new("a", "b", "c"); limits::WHY_INPUTS_MAX + 3]);
        assert_eq!((notes.figures[0].inputs.len(), notes.figures[0].inputs_left_out), (limits::WHY_INPUTS_MAX, 3));
    }
}
