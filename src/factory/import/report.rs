//! What an import found: lines refused, lines doubtful, lines taken.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::files::Kind;
use crate::{domain::factory::Line, limits};

/// A line that was refused or is doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub file: String,
    /// From 1; 0 where the file as a whole is meant.
    pub line: u32,
    pub column: Option<String>,
    /// The line is not in the dataset; otherwise it is, as it stands.
    pub refused: bool,
    /// What is wrong and how to mend it, a sentence.
    pub what: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// File name, lines read (without header, blank lines and comments), lines taken.
    pub files: Vec<(String, u64, u64)>,
    /// In the order of files and lines; at most `limits::IMPORT_PROBLEMS_KEPT_MAX`.
    pub problems: Vec<Problem>,
    /// Lines refused, and files that could not be read to their end. A line refused for two reasons counts once.
    pub refused: u64,
    /// Doubts told; their lines are taken.
    pub doubtful: u64,
    /// Problems past those kept, by file, column and whether refused: `bom.csv, quantity: refused`.
    #[serde(default)]
    pub not_kept: BTreeMap<String, u64>,
    /// What was left out because it was asked for, and no line is doubtful for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Files the factory cannot be reckoned without and of which no line was taken: a dataset without them would answer "nothing is affected".
    #[serde(default)]
    pub unusable: Vec<String>,
}

/// What is wrong with one cell, or with the line as a whole where `column` is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub column: Option<&'static str>,
    pub what: String,
}

impl Fault {
    pub fn in_column(column: &'static str, what: impl Into<String>) -> Fault {
        Fault { column: Some(column), what: what.into() }
    }
}

/// Collects the report while files are read.
#[derive(Default)]
pub(super) struct Findings {
    report: ImportReport,
    /// Lines read, by kind and by the name of the file as it is on disk.
    names: BTreeMap<(Kind, String), u64>,
    /// Names whose own line was refused, so that lines naming them can say so.
    refused_names: HashMap<Kind, HashSet<String>>,
}

impl Findings {
    /// Counts the lines read of a file, under its name on disk.
    pub fn lines_read(&mut self, kind: Kind, name: &str, lines: u64) {
        self.names.insert((kind, name.to_owned()), lines);
    }

    /// A line is refused, for one reason or several.
    pub fn refuse(&mut self, at: &Line, faults: Vec<Fault>) {
        self.report.refused += 1;
        for fault in faults {
            self.keep(at, fault.column, true, fault.what);
        }
    }

    /// A file is refused from a line on (0: as a whole).
    pub fn refuse_rest(&mut self, file: &str, line: u32, what: String) {
        self.report.refused += 1;
        self.keep(&Line { file: file.to_owned(), line }, None, true, what);
    }

    pub fn doubt(&mut self, at: &Line, column: Option<&'static str>, what: String) {
        self.report.doubtful += 1;
        self.keep(at, column, false, what);
    }

    pub fn note(&mut self, file: &str, what: String) {
        self.report.notes.push(format!("{file}: {what}"));
    }

    /// The line that would have introduced a name was refused.
    pub fn refuse_name(&mut self, kind: Kind, name: &str) {
        self.refused_names.entry(kind).or_default().insert(name.to_owned());
    }

    pub fn refused_names(&self, kind: Kind) -> HashSet<String> {
        self.refused_names.get(&kind).cloned().unwrap_or_default()
    }

    fn keep(&mut self, at: &Line, column: Option<&'static str>, refused: bool, what: String) {
        if self.report.problems.len() < limits::IMPORT_PROBLEMS_KEPT_MAX {
            let column = column.map(str::to_owned);
            self.report.problems.push(Problem { file: at.file.clone(), line: at.line, column, refused, what });
            return;
        }
        let place = column.map(|column| format!(", {column}")).unwrap_or_default();
        let reason = format!("{}{place}: {}", at.file, if refused { "refused" } else { "doubtful" });
        *self.report.not_kept.entry(reason).or_default() += 1;
    }

    /// `taken`: lines taken, by kind and by the name of the file.
    pub fn finish(mut self, taken: &[(Kind, HashMap<String, u64>)]) -> ImportReport {
        for (kind, taken) in taken {
            for ((_, name), read) in self.names.iter().filter(|((of, _), _)| of == kind) {
                self.report.files.push((name.clone(), *read, taken.get(name).copied().unwrap_or(0)));
            }
            if kind.is_required() && taken.values().all(|lines| *lines == 0) {
                self.report.unusable.extend(self.names.keys().filter(|(of, _)| of == kind).map(|(_, name)| name.clone()));
            }
        }
        let place = |file: &str| self.names.keys().find(|(_, name)| name == file).map_or(Kind::Site, |(kind, _)| *kind);
        self.report.problems.sort_by_cached_key(|problem| (place(&problem.file), problem.file.clone(), problem.line));
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_goes_on_when_keeping_ends() {
        let mut findings = Findings::default();
        let kept = u32::try_from(limits::IMPORT_PROBLEMS_KEPT_MAX).expect("fits");
        for line in 0..kept + 3 {
            let at = Line { file: "bom.csv".into(), line };
            findings.refuse(&at, vec![Fault::in_column("quantity", "wrong")]);
        }
        findings.doubt(&Line { file: "aml.csv".into(), line: 2 }, None, "odd".into());
        let report = findings.finish(&[]);
        assert_eq!(report.problems.len(), limits::IMPORT_PROBLEMS_KEPT_MAX);
        assert_eq!((report.refused, report.doubtful), (u64::from(kept) + 3, 1));
        assert_eq!(report.not_kept, BTreeMap::from([("bom.csv, quantity: refused".to_owned(), 3), ("aml.csv: doubtful".to_owned(), 1)]));
    }

    #[test]
    fn a_line_with_two_faults_is_one_line() {
        let mut findings = Findings::default();
        findings.refuse(&Line { file: "items.csv".into(), line: 2 }, vec![Fault::in_column("moq", "a"), Fault::in_column("yield", "b")]);
        let report = findings.finish(&[]);
        assert_eq!((report.refused, report.problems.len()), (1, 2));
    }
}
