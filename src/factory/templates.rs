//! STUB: see the brief.
use std::path::{Path, PathBuf};

/// Writes the template files of the contracts into a directory.
pub fn write_templates(_dir: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    todo!()
}
