//! What is exported imports as the same; and what differs between two datasets is told row by row.

use lastbuy::factory::{DatasetDiff, RowDiff, diff_datasets, export_dataset};

use super::*;

fn counts(diff: &DatasetDiff, table: &str) -> (u64, u64, u64) {
    let table = &diff.tables[table];
    (table.added, table.removed, table.changed)
}

#[test]
fn what_is_exported_imports_as_the_same_data() {
    let mut folders = 0;
    for name in ["clean", "dirty", "sap/expected", "../../assets/factory"] {
        let (data, _) = read(&folder(name));
        let dir = tempfile::tempdir().expect("folder");
        let written = export_dataset(&data, &dir.path().join("out")).expect("exported");
        assert_eq!(written.len(), 8);
        assert!(export_dataset(&data, &dir.path().join("out")).is_err(), "nothing is overwritten");
        let (again, report) = read(&dir.path().join("out"));
        assert_eq!(report.refused, 0, "{name}: {:?}", report.problems);
        assert!(diff_datasets(&data, &again).expect("diff").is_empty(), "{name}: {:#?}", diff_datasets(&data, &again));
        assert_eq!(data.site, again.site);
        folders += 1;
    }
    assert_eq!(folders, 4);
}

#[test]
fn what_differs_is_told_and_nothing_else() {
    let (before, _) = read(&folder("clean"));
    let text = fs::read_to_string(folder("clean/bom.csv")).expect("text");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = lines.iter().position(|line| line.contains("IC-100")).expect("a line");
    let gone = lines.remove(at);
    lines.swap(2, 3);
    let aml = fs::read_to_string(folder("clean/aml.csv")).expect("text").replacen(",yes", ",no", 1);
    let dir = changed("bom.csv", Some((lines.join("\n") + "\n").as_bytes()));
    fs::write(dir.path().join("aml.csv"), aml).expect("written");
    let (after, report) = read(dir.path());
    assert_eq!(report.refused, 0, "{:?}", report.problems);
    let diff = diff_datasets(&before, &after).expect("diff");
    assert_eq!((counts(&diff, "bom"), counts(&diff, "aml"), counts(&diff, "items")), ((0, 1, 0), (0, 0, 1), (0, 0, 0)), "{diff:#?}");
    let RowDiff::Removed { row, .. } = &diff.tables["bom"].rows[0] else { panic!("{diff:?}") };
    assert!(gone.contains(row["parent"].as_str().expect("parent")) && row["child"] == "IC-100" && row.get("at").is_none());
    let RowDiff::Changed { fields, .. } = &diff.tables["aml"].rows[0] else { panic!("{diff:?}") };
    assert_eq!(fields.iter().map(|field| (field.field.as_str(), field.after.clone())).collect::<Vec<_>>(), [("qualified", false.into())]);
    let back = diff_datasets(&after, &before).expect("diff");
    assert_eq!((counts(&back, "bom"), counts(&back, "aml")), ((1, 0, 0), (0, 0, 1)));
}
