//! STUB: see the brief.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::factory::FactoryData;

/// A line that was refused or is doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub file: String,
    pub line: u32,
    pub column: Option<String>,
    pub refused: bool,
    /// What is wrong and how to mend it, a sentence.
    pub what: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// File name, lines read, lines taken.
    pub files: Vec<(String, u64, u64)>,
    pub problems: Vec<Problem>,
    pub refused: u64,
    pub doubtful: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    Unreadable(String),
}

/// Reads the factory files in `paths` (directories or files). `progress` is told bytes done and bytes in all.
pub fn import(_paths: &[PathBuf], _progress: &mut dyn FnMut(u64, u64)) -> Result<(FactoryData, ImportReport), ImportError> {
    todo!()
}
