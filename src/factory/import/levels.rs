//! Indented lists, such as SAP's multi-level explosion (CS12) and where-used list (CS15): the other end of a line is the nearest line before it of the level
//! above, and at the top what the title of the list names.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::{
    mapping::{Levels, same},
    number::{self, shown},
};

/// Assemblies whose lines were taken, by number, and in which place of which list: shown again elsewhere, their lines are the same lines.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    first: HashMap<String, u64>,
    places: u64,
}

/// Where a list stands while it is read.
#[derive(Debug)]
pub(super) struct Stack {
    levels: Levels,
    /// From the top to the line before: number, quantity for the whole of the top, place.
    open: Vec<(String, Decimal, u64)>,
    /// Lines that repeat what was taken already.
    pub repeated: u64,
}

/// A line's ends and its quantity for one piece of the parent.
pub(super) struct Edge {
    pub parent: String,
    pub child: String,
    pub quantity: String,
}

impl Stack {
    /// `above` are the lines over the header. A sentence where they do not name the top.
    pub fn new(levels: &Levels, above: &[Vec<String>]) -> Result<Stack, String> {
        let is_label = |cell: &String| levels.top.iter().any(|label| same(label, cell.trim_end_matches(':')));
        let beside = |cells: &Vec<String>| {
            let at = cells.iter().position(is_label)?;
            cells[at + 1..].iter().find(|cell| !cell.is_empty()).cloned()
        };
        let top = above.iter().find_map(beside).ok_or_else(|| {
            format!("the lines over the header do not name what the list is of: expected '{}' and a number", levels.top.join("' or '"))
        })?;
        Ok(Stack { levels: levels.clone(), open: vec![(top, Decimal::ONE, 0)], repeated: 0 })
    }

    /// The edge of a line; `None` where the same line was taken at another place.
    pub fn edge(&mut self, level: &str, number: &str, quantity: &str, expanded: &mut Expanded) -> Result<Option<Edge>, String> {
        let digits = level.trim_matches(|c: char| c == '.' || c.is_whitespace());
        let level: usize = digits.parse().map_err(|_| format!("'{}' is not a level, for example 2 or ..2", shown(level)))?;
        if level == 0 || level > self.open.len() {
            return Err(format!(
                "level {level} follows level {}: a line between is missing, and the lines below belong to nothing",
                self.open.len() - 1
            ));
        }
        let quantity = number::decimal(quantity)?;
        self.open.truncate(level);
        let Some((other, of_other, place)) = self.open.last().cloned() else { return Err("the list has no top".to_owned()) };
        expanded.places += 1;
        self.open.push((number.to_owned(), quantity, expanded.places));
        let first = *expanded.first.entry(other.clone()).or_insert(place);
        if first != place {
            self.repeated += 1;
            return Ok(None);
        }
        let for_one = if self.levels.cumulated { quantity.checked_div(of_other) } else { Some(quantity) };
        let quantity = for_one.ok_or_else(|| format!("the quantity of '{}' above is zero: none for one piece of it can be told", shown(&other)))?;
        let (parent, child) = if self.levels.up { (number.to_owned(), other) } else { (other, number.to_owned()) };
        Ok(Some(Edge { parent, child, quantity: quantity.round_dp(12).normalize().to_string() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factory::import::mapping::Headings;

    fn list(up: bool, cumulated: bool, lines: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
        let levels = Levels { heading: Headings::One("Stufe".into()), top: vec!["Material".into()], up, cumulated };
        let above = [vec!["Werk".to_owned(), "1000".to_owned()], vec![String::new(), "Material:".to_owned(), String::new(), "TOP".to_owned()]];
        let (mut stack, mut expanded) = (Stack::new(&levels, &above).expect("top"), Expanded::default());
        let edges = lines.iter().filter_map(|(level, number, quantity)| stack.edge(level, number, quantity, &mut expanded).expect("edge"));
        edges.map(|edge| (edge.parent, edge.child, edge.quantity)).collect()
    }

    fn edge(parent: &str, child: &str, quantity: &str) -> (String, String, String) {
        (parent.into(), child.into(), quantity.into())
    }

    #[test]
    fn an_explosion_goes_down_and_takes_what_it_shows_twice_once() {
        let lines = [(".1", "A", "2"), ("..2", "X", "6"), (".1", "B", "1"), ("..2", "A", "4"), ("...3", "X", "12"), ("..2", "Y", "5")];
        let expected = [edge("TOP", "A", "2"), edge("A", "X", "3"), edge("TOP", "B", "1"), edge("B", "A", "4"), edge("B", "Y", "5")];
        assert_eq!(list(false, true, &lines), expected);
    }

    #[test]
    fn a_where_used_list_goes_up() {
        assert_eq!(
            list(true, false, &[("1", "A", "2"), ("2", "P", "1"), ("1", "P", "3")]),
            [edge("A", "TOP", "2"), edge("P", "A", "1"), edge("P", "TOP", "3")]
        );
    }

    #[test]
    fn a_level_that_is_left_out_is_said() {
        let levels = Levels { heading: Headings::None, top: vec!["Material".into()], up: false, cumulated: false };
        assert!(Stack::new(&levels, &[]).is_err());
        let mut stack = Stack::new(&levels, &[vec!["Material".into(), "T".into()]]).expect("top");
        let mut edge =
            |level: &str, quantity: &str| stack.edge(level, "A", quantity, &mut Expanded::default()).map(|_| ()).map_err(|what| what.len() > 10);
        assert_eq!((edge("2", "1"), edge("x", "1"), edge("0", "1"), edge("1", "1,5")), (Err(true), Err(true), Err(true), Err(true)));
    }
}
