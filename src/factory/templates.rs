//! The factory files as templates: each with its columns, what they mean, and example lines that import as they stand.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// File name and text, in the order a person fills them.
const TEMPLATES: &[(&str, &str)] = &[
    ("site.toml", include_str!("../../assets/templates/site.toml")),
    ("products.csv", include_str!("../../assets/templates/products.csv")),
    ("items.csv", include_str!("../../assets/templates/items.csv")),
    ("bom.csv", include_str!("../../assets/templates/bom.csv")),
    ("aml.csv", include_str!("../../assets/templates/aml.csv")),
    ("demand.csv", include_str!("../../assets/templates/demand.csv")),
    ("stock.csv", include_str!("../../assets/templates/stock.csv")),
    ("rates.csv", include_str!("../../assets/templates/rates.csv")),
];

/// Writes the template files of the contracts into a directory, which is made where it is absent. Returns their paths.
///
/// A file that exists is never overwritten: the error names it, and nothing is written.
pub fn write_templates(dir: &Path) -> Result<Vec<PathBuf>, io::Error> {
    let paths: Vec<PathBuf> = TEMPLATES.iter().map(|(name, _)| dir.join(name)).collect();
    // `symlink_metadata`: a dangling link is taken, too.
    if let Some(taken) = paths.iter().find(|path| fs::symlink_metadata(path).is_ok()) {
        let what = format!("{} exists and is not overwritten: choose another folder or move it away", taken.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    let named = |path: &Path, error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    fs::create_dir_all(dir).map_err(|error| named(dir, error))?;
    for (path, (_, text)) in paths.iter().zip(TEMPLATES) {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| named(path, error))?;
        file.write_all(text.as_bytes()).map_err(|error| named(path, error))?;
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factory::import;

    #[test]
    fn templates_import_as_they_stand() {
        let dir = tempfile::tempdir().expect("folder");
        let paths = write_templates(&dir.path().join("new")).expect("written");
        let (data, report) = import(&paths, &mut |_, _| {}).expect("import");
        assert_eq!((report.refused, report.doubtful, report.unusable.len()), (0, 0, 0), "{:?}", report.problems);
        assert!(report.files.iter().all(|(_, read, taken)| read == taken && *read > 0), "{:?}", report.files);
        assert_eq!((data.site.name.as_str(), data.bom.len()), ("Example plant", 4));
    }

    #[test]
    fn what_is_commented_out_in_the_site_file_is_right_as_well() {
        let dir = tempfile::tempdir().expect("folder");
        write_templates(dir.path()).expect("written");
        let path = dir.path().join("site.toml");
        let text = fs::read_to_string(&path).expect("text");
        let opened: Vec<&str> =
            text.lines().map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ") || rest.starts_with('[')).unwrap_or(line)).collect();
        fs::write(&path, opened.join("\n")).expect("written");
        let (data, _) = import(&[dir.path().to_owned()], &mut |_, _| {}).expect("import");
        assert!(
            data.site.holding_rate.is_some()
                && data.site.answers.contains_key("redesign_assembly")
                && data.site.probability_of_end.contains_key("NRND")
        );
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_half_written() {
        let dir = tempfile::tempdir().expect("folder");
        fs::write(dir.path().join("stock.csv"), "mine").expect("file");
        let error = write_templates(dir.path()).expect_err("taken");
        assert!(error.to_string().contains("stock.csv") && error.kind() == io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_dir(dir.path()).expect("folder").count(), 1);
        assert_eq!(fs::read_to_string(dir.path().join("stock.csv")).expect("file"), "mine");
    }
}
