//! Notices in and reports out where files cross a border one way only.

use minisign::KeyPair;

use crate::common::{json, lastbuy, notice, ok, said};

#[test]
fn notices_cross_once_and_reports_come_back_by_signed_bundles() {
    let dir = tempfile::tempdir().expect("folder");
    let path = |name: &str| dir.path().join(name);
    for name in ["outside", "inside"] {
        let pair = KeyPair::generate_unencrypted_keypair().expect("key");
        std::fs::write(path(&format!("{name}.key")), pair.sk.to_box(None).expect("key").to_bytes()).expect("file");
        std::fs::write(path(&format!("{name}.pub")), pair.pk.to_box().expect("key").to_bytes()).expect("file");
    }
    let (outside, inside) = (path("outside"), path("inside"));
    let ingest = |source: &str, name: &str, bytes: &[u8]| {
        std::fs::write(path(name), bytes).expect("file");
        ok(lastbuy(&outside).args(["ingest", "--source", source]).arg(path(name)));
    };
    ingest("generic", "one.json", notice(1, &["AX100-3"]).to_string().as_bytes());
    ingest("file", "letter.txt", b"Acme ends AX100-4. Last time buy date: 2027-03-31.");
    let export = |what: &str, data: &std::path::Path, key: &str, to: &str, more: &[&str]| {
        let mut command = lastbuy(data);
        command.args(["export", what, "--key"]).arg(path(&format!("{key}.key"))).arg("--to").arg(path(to)).args(more);
        command.output().expect("run")
    };
    let output = export("notices", &outside, "outside", "first.bundle", &[]);
    assert!(output.status.success() && said(&output).contains("--after E-2"), "{}", said(&output));
    // Nothing is new: nothing is made.
    assert_eq!(export("notices", &outside, "outside", "none.bundle", &["--after", "E-2"]).status.code(), Some(3));
    std::fs::create_dir(&inside).expect("folder");
    let import = |key: &str| lastbuy(&inside).args(["import", "--json", "--key"]).arg(path(key)).arg(path("first.bundle")).output().expect("run");
    let refused = import("inside.pub");
    assert!(refused.status.code() == Some(1) && said(&refused).contains("not among those trusted"), "{}", said(&refused));
    for known in [false, true] {
        let output = import("outside.pub");
        assert!(output.status.success(), "{}", said(&output));
        let answers: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let duplicates: Vec<bool> = answers.as_array().expect("answers").iter().map(|answer| answer["duplicate"] == true).collect();
        assert_eq!(duplicates, [known, known], "{answers}");
    }
    let sources: Vec<String> = json(lastbuy(&inside).args(["events", "list", "--json"]))
        .as_array()
        .expect("events")
        .iter()
        .map(|event| format!("{} {}", event["source"].as_str().unwrap_or_default(), event["file_name"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(sources, ["file letter.txt", "generic one.json"]);
    ok(lastbuy(&inside).args(["cases", "add", "--json", "--maker", "Acme", "AX100-9"]));
    assert!(export("reports", &inside, "inside", "back.bundle", &[]).status.success());
    let taken =
        lastbuy(&outside).args(["import", "--key"]).arg(path("inside.pub")).arg("--to").arg(path("reports")).arg(path("back.bundle")).output();
    let taken = taken.expect("run");
    assert!(taken.status.success(), "{}", said(&taken));
    ok(lastbuy(&outside).args(["audit", "verify", "--file"]).arg(path("reports/audit.jsonl")));
    assert!(path("reports/cases/C-1.json").exists());
    // A bundle of notices is none of reports.
    let wrong = lastbuy(&outside)
        .args(["import", "--key"])
        .arg(path("outside.pub"))
        .arg("--to")
        .arg(path("x"))
        .arg(path("first.bundle"))
        .output()
        .expect("run");
    assert!(said(&wrong).contains("is for notices"), "{}", said(&wrong));
}
