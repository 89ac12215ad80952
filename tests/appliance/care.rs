//! Backups that are made by themselves, and the exercise for the day one is needed.

use std::path::Path;

use crate::common::{Server, json, lastbuy, notice, ok, said};

fn ingest(data: &Path, number: usize) {
    let file = data.with_extension(format!("{number}.json"));
    std::fs::write(&file, notice(number, &["AX100-3"]).to_string()).expect("file");
    ok(lastbuy(data).args(["ingest", "--source", "generic"]).arg(&file));
}

#[test]
fn a_drill_restores_aside_compares_and_knows_a_backup_of_another_store() {
    let dir = tempfile::tempdir().expect("folder");
    let (data, other) = (dir.path().join("data"), dir.path().join("other"));
    let backup = dir.path().join("one.backup");
    ingest(&data, 1);
    ok(lastbuy(&data).args(["backup", "create"]).arg(&backup));
    ingest(&data, 2);
    let drill = json(lastbuy(&data).args(["backup", "drill", "--json"]).arg(&backup));
    assert_eq!(drill["ok"], true, "{drill}");
    assert!(drill["records_since"].as_u64().is_some_and(|records| records > 0), "{drill}");
    ingest(&other, 3);
    ingest(&other, 4);
    let output = lastbuy(&other).args(["backup", "drill"]).arg(&backup).output().expect("run");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("another store"), "{}", said(&output));
    // Without a file it takes the newest of the scheduled ones.
    let output = lastbuy(&data).args(["backup", "drill"]).output().expect("run");
    assert!(said(&output).contains("no scheduled backup"), "{}", said(&output));
    let folder = dir.path().join("backups");
    std::fs::create_dir(&folder).expect("folder");
    std::fs::write(data.join("lastbuy.toml"), format!("[backup]\nfolder = {folder:?}\nevery_hours = 1\nkeep = 3\n")).expect("config");
    let server = Server::start(&data);
    let made = || std::fs::read_dir(&folder).expect("folder").flatten().any(|entry| entry.path().extension().is_some_and(|end| end == "backup"));
    // Made at the start, by a thread of its own: looked for through the server, which is asked until it is there.
    assert!((0..5_000).any(|_| server.get("/healthz").0 == 200 && made()), "no backup was made");
    let drill = json(lastbuy(&data).args(["backup", "drill", "--json"]));
    assert_eq!(drill["ok"], true, "{drill}");
}
