//! Readings of labelled notices by the real program and model: nothing passes unseen wrong, and what was once read right stays right. The set apart
//! (`tests/notices/set-aside`) is measured by hand and is no test, so that nothing is tuned to it.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

mod common;

use serde_json::Value;

#[test]
fn no_labelled_notice_passes_unseen_wrong() {
    let dir = tempfile::tempdir().expect("folder");
    let set = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/notices/dev");
    let result = common::json(common::lastbuy(dir.path()).args(["eval", "--json"]).arg(&set));
    let count = |key: &str| result[key].as_u64().expect("a number");
    assert!(count("documents") >= 12, "only {} documents were read", count("documents"));
    let wrong: Vec<&Value> = result["list"]
        .as_array()
        .expect("list")
        .iter()
        .filter(|row| row["passed"] == true && row["differences"] != Value::Array(Vec::new()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // A fence, not a goal: what the first version reaches on these twelve. Below it something broke.
    let f1 = |field: &str| {
        result["fields"].as_array().expect("fields").iter().find(|row| row["field"] == field).and_then(|row| row["f1"].as_f64()).expect(field)
    };
    for (field, least) in [("notice_type", 0.95), ("manufacturer", 0.9), ("notice_id", 0.9), ("last_time_buy", 0.85), ("affected_parts", 0.75)] {
        assert!(f1(field) >= least, "{field} fell to an F1 of {}", f1(field));
    }
    assert!(count("passed_unseen") >= 5, "only {} pass without a person", count("passed_unseen"));
}

/// The words' rules have no other net: what they read of the corpus they were written with stays read. By the words alone it comes out the same everywhere, in seconds.
#[test]
fn the_words_still_read_what_they_were_written_for() {
    let dir = tempfile::tempdir().expect("folder");
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/reading/dev");
    let result = common::json(common::lastbuy(dir.path()).args(["eval", "--json", "--model-off"]).arg(&corpus));
    let count = |key: &str| result[key].as_u64().expect("a number");
    assert_eq!((count("documents"), count("values_not_in_text"), count("passed_unseen_wrong")), (250, 0, 0));
    assert!(count("right") >= 208, "only {} documents are read right in every field", count("right"));
    for row in result["fields"].as_array().expect("fields") {
        // A hundredth below what they reach: a rule that is lost costs more.
        let least = if row["field"] == "notice_type" || row["field"] == "replacements" { 0.96 } else { 0.965 };
        assert!(row["f1"].as_f64().expect("F1") >= least, "{} fell to an F1 of {}", row["field"], row["f1"]);
    }
}
