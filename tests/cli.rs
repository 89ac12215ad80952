//! The command line as people use it, on the sample factory: import, where-used, cases by hand, statements and their reasons, replay.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

mod common;
#[path = "cli/data.rs"]
mod data;
#[path = "cli/models.rs"]
mod models;

use common::{json, lastbuy, ok, said, sample};
use serde_json::Value;

fn imported() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("folder");
    std::fs::write(dir.path().join("lastbuy.toml"), "[site]\nas_of = \"2026-11-23\"\n").expect("config");
    let report = json(lastbuy(dir.path()).args(["data", "import", "--json"]).arg(sample("factory")));
    assert_eq!(report["report"]["refused"], 0, "the sample factory has lines that are refused: {report}");
    dir
}

/// A part of the sample factory that is bought from one maker only and goes into a product.
fn used_part(dir: &tempfile::TempDir) -> (String, String) {
    let mut aml = csv::Reader::from_path(sample("factory/aml.csv")).expect("aml.csv");
    let head = aml.headers().expect("header").clone();
    let column = |name: &str| head.iter().position(|field| field == name).expect("column");
    let rows: Vec<csv::StringRecord> = aml.records().map(|row| row.expect("row")).collect();
    for row in &rows {
        let alone = rows.iter().filter(|other| other[column("item")] == row[column("item")]).count() == 1;
        let (maker, mpn) = (row[column("maker")].to_owned(), row[column("mpn")].to_owned());
        if alone && lastbuy(dir.path()).args(["where-used", "--maker", &maker, &mpn]).status().expect("run").success() {
            return (maker, mpn);
        }
    }
    panic!("no part of the sample factory is used");
}

#[test]
fn a_part_is_found_with_its_products_or_told_as_unknown_with_the_nearest_names() {
    let dir = imported();
    let (maker, mpn) = used_part(&dir);
    let found = json(lastbuy(dir.path()).args(["where-used", "--json", "--maker", &maker, &mpn]));
    assert!(found["items"][0]["products"].as_array().is_some_and(|products| !products.is_empty()), "{found}");
    // One character off: unknown, and the true one among the suggestions.
    let typo = format!("{mpn}9Q");
    let output = lastbuy(dir.path()).args(["where-used", "--maker", &maker, &typo]).output().expect("run");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains(&mpn), "{}", said(&output));
}

#[test]
fn a_case_by_hand_becomes_a_statement_that_explains_its_figures() {
    let dir = imported();
    let (maker, mpn) = used_part(&dir);
    let case = json(lastbuy(dir.path()).args(["cases", "add", "--json", "--maker", &maker, "--last-time-buy", "2027-05-31", &mpn]));
    let id = case["id"].as_str().expect("id");
    assert!(case["latest"].is_string(), "{case}");
    assert_eq!(case["headline"]["known_parts"], 1, "{case}");
    let statement = json(lastbuy(dir.path()).args(["impact", "show", "--json", id]));
    assert!(statement["headline"].is_object());
    let why = ok(lastbuy(dir.path()).args(["impact", "show", id, "--why", "margin_at_risk"]));
    assert!(why.contains(".csv"), "the reasons do not lead back to the factory's files:\n{why}");
    // Replayed on the same data it comes to the same figures, as a new assessment beside the old.
    ok(lastbuy(dir.path()).args(["replay", "--case", id]));
    let again = json(lastbuy(dir.path()).args(["cases", "show", "--json", id]));
    assert_ne!(again["latest"], case["latest"]);
    assert_eq!(again["headline"], case["headline"]);
    assert_eq!(json(lastbuy(dir.path()).args(["impact", "list", "--json", "--case", id])).as_array().map(Vec::len), Some(2));
}

#[test]
fn an_unknown_part_is_unknown_and_a_new_dataset_matches_it_again_by_itself() {
    let dir = imported();
    let mpn = "ZZ-NEVER-BOUGHT-77";
    let case = json(lastbuy(dir.path()).args(["cases", "add", "--json", "--maker", "Acme", "--last-time-buy", "2027-05-31", mpn]));
    assert_eq!(case["headline"]["unknown_parts"], 1, "{case}");
    assert_eq!(case["headline"]["margin_at_risk"], Value::Null, "unknown was shown as a figure: {case}");

    // The same factory, now with that part as the only source of an item that is used.
    let (maker, known) = used_part(&dir);
    let changed = tempfile::tempdir().expect("folder");
    for entry in std::fs::read_dir(sample("factory")).expect("sample") {
        let path = entry.expect("entry").path();
        let mut text = std::fs::read_to_string(&path).expect("text");
        if path.file_name().is_some_and(|name| name == "aml.csv") {
            let lines = text
                .lines()
                .map(|line| if line.contains(&format!(",{known},")) { line.replace(&maker, "Acme").replace(&known, mpn) } else { line.to_owned() });
            text = lines.collect::<Vec<_>>().join("\n");
        }
        if path.file_name().is_some_and(|name| name == "stock.csv") {
            text = text.lines().filter(|line| !line.contains(&format!(",{known},"))).collect::<Vec<_>>().join("\n");
        }
        std::fs::write(changed.path().join(path.file_name().expect("name")), text).expect("write");
    }
    let mut server = common::Server::start(dir.path());
    ok(lastbuy(dir.path()).args(["data", "import"]).arg(changed.path()));
    let id = case["id"].as_str().expect("id");
    let mut looked = 0;
    let after = loop {
        let after = server.get(&format!("/v1/cases/{id}")).1;
        if after["headline"]["unknown_parts"] == 0 || looked > 600 {
            break after;
        }
        looked += 1;
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert_eq!(after["headline"]["known_parts"], 1, "the new dataset did not match the unknown part: {after}");
    server.kill();
}

#[test]
fn the_same_notice_by_two_vectors_is_one_case() {
    let dir = imported();
    let (maker, mpn) = used_part(&dir);
    let feed = |date: &str| {
        serde_json::json!({
            "manufacturer": maker, "notice_id": "PDN-4711", "notice_type": "PDN", "issue_date": "2026-10-01", "last_time_buy": date, "affected_parts": [mpn],
        })
        .to_string()
    };
    for (name, date) in [("a.json", "2027-06-30"), ("b.json", "2027-04-30")] {
        let path = dir.path().join(name);
        std::fs::write(&path, feed(date)).expect("write");
        ok(lastbuy(dir.path()).args(["ingest", "--wait", "--source", "generic"]).arg(&path));
    }
    let cases = json(lastbuy(dir.path()).args(["cases", "list", "--json"]));
    assert_eq!(cases.as_array().map(Vec::len), Some(1), "{cases}");
    assert_eq!(cases[0]["events"].as_array().map(Vec::len), Some(2));
    // Two vectors disagree: the earliest date counts until a person decides.
    assert_eq!(cases[0]["last_time_buy"], "2027-04-30");
}

#[test]
fn mistakes_are_answered_with_what_to_do() {
    let dir = tempfile::tempdir().expect("folder");
    for (arguments, code, says) in [
        (vec!["events", "show", "E-99"], 3, "E-99"),
        (vec!["events", "list"], 3, "No event yet"),
        (vec!["where-used", "LM317"], 3, "import"),
        (vec!["read", "no-such-file.pdf"], 1, "no-such-file.pdf"),
        (vec!["data", "import", "no-such-folder"], 1, "no-such-folder"),
        (vec!["replay"], 2, "--event"),
        (vec!["ltb", "newsvendor", "--dist", "normal"], 1, "mean"),
    ] {
        let output = lastbuy(dir.path()).args(&arguments).output().expect("run");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(says), "{arguments:?} does not say '{says}': {}", said(&output));
    }
}
