//! The main job on the sample world: every notice is read right or waits for a person with its true doubt, and none passes unseen wrong.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

mod common;

use std::collections::BTreeMap;

use lastbuy::{factory::built_in_aliases, reading::measure::differences};
use serde_json::Value;

/// What `x.expected.json` says of a notice: its flat reading, whether it should pass, and what its doubt is about.
fn expected() -> BTreeMap<String, Value> {
    let mut expected = BTreeMap::new();
    for entry in std::fs::read_dir(common::sample("notices")).expect("sample notices") {
        let name = entry.expect("entry").file_name().into_string().expect("UTF-8");
        if let Some(stem) = name.strip_suffix(".expected.json") {
            let text = std::fs::read_to_string(common::sample("notices").join(&name)).expect("expected file");
            expected.insert(stem.to_owned(), serde_json::from_str(&text).expect(&name));
        }
    }
    expected
}

/// The expected file of a notice is named after its stem.
fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

#[test]
fn every_sample_notice_is_read_right_or_waits_with_its_true_doubt() {
    let dir = tempfile::tempdir().expect("folder");
    let demo = common::json(common::lastbuy(dir.path()).args(["demo", "--json"]));
    let expected = expected();
    let aliases = built_in_aliases();
    let notices = demo["notices"].as_array().expect("notices");
    assert!(notices.len() >= 8, "only {} notices ran", notices.len());
    assert_eq!(notices.len(), expected.len(), "a notice without its expected file, or the other way round");
    let mut wrong = Vec::new();
    let mut passed = 0;
    for notice in notices {
        let file = notice["file"].as_str().expect("file");
        let expect = &expected[stem(file)];
        let differences = differences(expect, &notice["reading"], &aliases);
        match notice["state"].as_str().expect("state") {
            "done" => {
                passed += 1;
                if expect["passes"] == Value::Bool(false) {
                    wrong.push(format!("{file} passed unseen, but should wait for a person"));
                }
                wrong.extend(differences.into_iter().map(|(_, difference)| format!("{file} passed unseen with {difference}")));
            }
            "review" => {
                let doubts: Vec<&str> = notice["doubts"].as_array().expect("doubts").iter().filter_map(|doubt| doubt["field"].as_str()).collect();
                // Whatever was read wrong must be among what it waits for.
                wrong.extend(
                    differences
                        .into_iter()
                        .filter(|(field, _)| !doubts.iter().any(|doubt| doubt == field || *doubt == "document"))
                        .map(|(_, difference)| format!("{file} waits, but not for what is wrong in it: {difference}")),
                );
                if let Some(field) = expect["doubt_about"].as_str()
                    && !doubts.contains(&field)
                {
                    wrong.push(format!("{file} waits, but not for its true doubt about {field}: {}", notice["doubts"]));
                }
            }
            other => wrong.push(format!("{file} ended as {other}: {}", notice["reason"])),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(passed >= 5, "only {passed} passed without a person");
}

#[test]
fn the_demo_ends_with_a_table_a_manager_understands() {
    let dir = tempfile::tempdir().expect("folder");
    let text = common::ok(common::lastbuy(dir.path()).arg("demo"));
    for part in ["last-time buy", "runs out", "margin at risk", "best answer", "its cost", "needs a person", "Waiting for a person"] {
        assert!(text.contains(part), "the demo does not show '{part}':\n{text}");
    }
    // What it showed is in the data directory and can be asked again.
    let cases = common::json(common::lastbuy(dir.path()).args(["cases", "list", "--json"]));
    let cases = cases.as_array().expect("cases");
    assert!(cases.len() >= 5);
    let assessed = cases.iter().find(|case| case["latest"].is_string()).expect("an assessed case");
    let id = assessed["id"].as_str().expect("id");
    assert!(common::ok(common::lastbuy(dir.path()).args(["impact", "show", id])).contains("Do nothing"));
}
