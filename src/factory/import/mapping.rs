//! Which column of which export is which column of the factory's tables: a TOML file, ours for a known system or the site's own.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

use super::{dialect::Dialect, files::Kind};
use crate::limits;

/// The mappings inside the program.
const BUILT_IN: &[(&str, &str)] = &[
    ("sap", include_str!("../../../assets/mappings/sap.toml")),
    ("odoo", include_str!("../../../assets/mappings/odoo.toml")),
    ("oracle", include_str!("../../../assets/mappings/oracle.toml")),
];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What it is for, a sentence.
    pub about: String,
    #[serde(default)]
    pub dialect: Dialect,
    pub table: Vec<TableMap>,
}

/// One export and the table it fills; an export may fill several.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableMap {
    pub(super) into: Kind,
    /// Names of files without regard to case; `*` stands for anything.
    files: Vec<String>,
    /// Sheet of a workbook; without it the first.
    #[serde(default)]
    pub(super) sheet: Option<String>,
    /// By column of the table: the headings it may have.
    columns: BTreeMap<String, Headings>,
    /// Values of columns that the export does not have.
    #[serde(default)]
    pub(super) constants: BTreeMap<String, String>,
    /// By column: what its values mean here.
    #[serde(default)]
    pub(super) values: BTreeMap<String, BTreeMap<String, String>>,
    /// By column: the headings of the quantity its number is for, such as SAP's price unit.
    #[serde(default)]
    pub(super) divide: BTreeMap<String, Headings>,
    /// Columns whose numbers are percents.
    #[serde(default)]
    pub(super) percent: Vec<String>,
    /// Headings of the unit of measure.
    #[serde(default)]
    pub(super) unit: Headings,
    /// Which lines are taken; the others are passed over, and counted.
    #[serde(default)]
    pub(super) only: Vec<Only>,
    #[serde(default)]
    pub(super) levels: Option<Levels>,
    /// Headings whose cell, where empty, is that of the line before: a grouped list writes the parent once.
    #[serde(default)]
    pub(super) carried: Vec<String>,
}

/// Lines whose cell under a heading is one of some values.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Only {
    pub heading: Headings,
    pub values: Vec<String>,
}

/// An indented list: the other end of each line is the nearest line before it of the level above.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Levels {
    pub heading: Headings,
    /// Words before the number at the top of the list, in the lines over the header.
    pub top: Vec<String>,
    /// Whether the list goes from a product down, or from a part up to what takes it.
    pub up: bool,
    /// Quantities are those for the whole of the top, and not for one piece of the line above.
    #[serde(default)]
    pub cumulated: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Headings {
    #[default]
    None,
    One(String),
    Any(Vec<String>),
}

impl Headings {
    pub fn all(&self) -> &[String] {
        match self {
            Headings::None => &[],
            Headings::One(heading) => std::slice::from_ref(heading),
            Headings::Any(headings) => headings,
        }
    }
}

/// Whether two headings are the same: case and blanks do not count.
pub(super) fn same(left: &str, right: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect::<String>();
    letters(left) == letters(right)
}

impl TableMap {
    pub(super) fn headings(&self, column: &str) -> &[String] {
        self.columns.get(column).map_or(&[], Headings::all)
    }

    pub(super) fn fits(&self, file: &str) -> bool {
        self.files.iter().any(|pattern| fits(&pattern.to_lowercase(), &file.to_lowercase()))
    }
}

/// `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(start) else { return false };
    name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| fits(rest, &name[at..]))
}

impl Mapping {
    /// Names of ours.
    pub fn names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(known, _)| *known).collect()
    }

    /// One of ours by its name, else a file.
    pub fn named(name: &str) -> Result<Mapping, String> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
            return Mapping::parse(text, name);
        }
        let path = Path::new(name);
        let known = Mapping::names().join(", ");
        let bytes = fs::metadata(path).map_err(|error| format!("{name} is neither a mapping of ours ({known}) nor a file: {error}"))?.len();
        if bytes > limits::SITE_BYTES_MAX {
            return Err(format!("{name} is larger than {} bytes: it is no mapping", limits::SITE_BYTES_MAX));
        }
        let text = fs::read_to_string(path).map_err(|error| format!("{name} cannot be read: {error}"))?;
        Mapping::parse(&text, name)
    }

    fn parse(text: &str, name: &str) -> Result<Mapping, String> {
        let mapping: Mapping = toml::from_str(text).map_err(|error| {
            let line = error.span().and_then(|span| text.get(..span.start)).map(|before| format!(" line {}", before.matches('\n').count() + 1));
            format!("{name}{}: {}", line.unwrap_or_default(), error.message().trim().replace('\n', ", "))
        })?;
        for table in &mapping.table {
            let known = super::table::columns_of(table.into);
            let named =
                table.columns.keys().chain(table.constants.keys()).chain(table.values.keys()).chain(table.divide.keys()).chain(&table.percent);
            if let Some(unknown) = named.into_iter().find(|column| !known.contains(&column.as_str())) {
                return Err(format!("{name}: {} has no column {unknown}; the columns are {}", table.into.file_name(), known.join(", ")));
            }
        }
        Ok(mapping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_right() {
        for (name, _) in BUILT_IN {
            let mapping = Mapping::named(name).expect(name);
            assert!(mapping.table.iter().any(|table| table.into == Kind::Bom), "{name}");
        }
        assert!(Mapping::named("sap2").is_err_and(|error| error.contains("sap, odoo, oracle")));
    }

    #[test]
    fn names_of_files_fit_their_pattern() {
        assert!(fits("mm60*.xlsx", "mm60.xlsx") && fits("mm60*.xlsx", "mm60 werk 1000.xlsx") && fits("*", "") && fits("a*b*c", "aXbbc"));
        assert!(!fits("mm60*.xlsx", "mm60.csv") && !fits("mm60", "mm601") && !fits("a*a", "a"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let parse = |text: &str| Mapping::parse(text, "own.toml").expect_err(text);
        let table = |rest: &str| format!("about = \"x\"\n[[table]]\ninto = \"bom\"\nfiles = [\"a\"]\n{rest}");
        assert!(parse(&table("columns = { parant = \"A\" }")).contains("bom.csv has no column parant; the columns are parent, child"));
        assert!(parse(&table("columns = {}\nfoo = 1")).contains("line 6: unknown field `foo`"));
        assert!(parse("about = \"x\"\n[[table]]\ninto = \"bills\"\n").contains("unknown variant `bills`"));
    }
}
