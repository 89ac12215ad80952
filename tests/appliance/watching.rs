//! What whoever watches the appliance sees.

use crate::common::{Server, json, lastbuy, notice};

#[test]
fn metrics_tell_what_came_in_and_what_became_of_it_to_those_who_may_read_them() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::start(dir.path());
    let body = notice(1, &["AX100-3"]).to_string();
    assert_eq!(server.post("/v1/hooks/generic", "application/json", body.as_bytes()).0, 202);
    assert_eq!(server.post("/v1/hooks/generic", "application/json", body.as_bytes()).0, 202);
    assert_eq!(server.post("/v1/hooks/generic", "application/json", b"{").0, 400);
    assert_eq!(server.post("/v1/hooks/telex", "application/json", b"{}").0, 404);
    let (status, text) = server.get("/metrics");
    let text = text.as_str().expect("text").to_owned();
    assert_eq!(status, 200, "{text}");
    for line in [
        "lastbuy_deliveries_total{source=\"generic\",answer=\"taken\"} 1",
        "lastbuy_deliveries_total{source=\"generic\",answer=\"duplicate\"} 1",
        "lastbuy_deliveries_total{source=\"generic\",answer=\"refused\"} 1",
        "lastbuy_deliveries_total{source=\"unknown\",answer=\"refused\"} 1",
        "lastbuy_store_writable 1.0",
    ] {
        assert!(text.lines().any(|found| found == line), "no '{line}' in\n{text}");
    }
    for name in
        ["lastbuy_store_sync_seconds_count", "lastbuy_disk_free_bytes", "lastbuy_store_bytes", "lastbuy_oldest_ready_seconds", "lastbuy_jobs{"]
    {
        assert!(text.contains(name), "no {name} in\n{text}");
    }
    assert!(!text.contains("telex"), "a name from outside became a label:\n{text}");
    // The dashboard asks for nothing that is not there.
    let dashboard = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/grafana.json")).expect("dashboard");
    let names = regex::Regex::new("lastbuy_[a-z_]+").expect("pattern");
    let kinds: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let asked: std::collections::BTreeSet<&str> = names.find_iter(&dashboard).map(|found| found.as_str()).collect();
    assert!(asked.len() > 8, "{asked:?}");
    for name in asked {
        let base = ["_total", "_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let later = ["lastbuy_step_seconds", "lastbuy_message_attempts", "lastbuy_messages", "lastbuy_disk_full_in_days"].contains(&base);
        assert!(later || kinds.contains(&base), "the dashboard asks for {name}, which is not among {kinds:?}");
    }
    let (status, ready) = server.get("/readyz");
    assert_eq!((status, ready["status"].as_str()), (200, Some("ready")), "{ready}");
    assert_eq!(ready["checks"][1]["what"], "space", "{ready}");
}

#[test]
fn metrics_are_not_for_everybody() {
    let dir = tempfile::tempdir().expect("folder");
    std::fs::write(dir.path().join("lastbuy.toml"), "[server]\nmetrics_from = [\"10.0.0.0/8\"]\n").expect("config");
    let server = Server::start(dir.path());
    let (status, problem) = server.get("/metrics");
    assert_eq!((status, problem["code"].as_str()), (403, Some("forbidden")), "{problem}");
}

#[test]
fn doctor_says_where_connections_may_go_and_its_bundle_holds_no_secret() {
    let dir = tempfile::tempdir().expect("folder");
    let secret = dir.path().join("chat.url");
    std::fs::write(&secret, "https://hooks.example/T0/B0/very-secret\n").expect("file");
    let relay =
        "kind = \"mail\", host = \"mail.plant.example\", port = 587, tls = \"starttls\", from = \"a@plant.example\", to = [\"b@plant.example\"]";
    let config = format!(
        "[intake.secret_files]\ngeneric = {secret:?}\n[notify.destinations]\nchat = {{ kind = \"slack\", url = \"file:{}\" }}\nbuyers = {{ {relay} }}\n\
         log = {{ kind = \"syslog\", host = \"10.1.1.1\", port = 514, udp = true }}\n",
        secret.display()
    );
    let data = dir.path().join("data");
    std::fs::create_dir(&data).expect("folder");
    std::fs::write(data.join("lastbuy.toml"), config).expect("config");
    let egress = json(lastbuy(&data).args(["doctor", "--egress", "--json"]));
    let found: Vec<String> = egress
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| format!("{} {}", row["for"].as_str().expect("for"), row["address"].as_str().expect("address")))
        .collect();
    assert_eq!(found, ["destination buyers mail.plant.example:587", "destination chat hooks.example:443", "destination log 10.1.1.1:514/udp"]);
    let bundle = dir.path().join("support.json");
    let report = json(lastbuy(&data).args(["doctor", "--json", "--bundle"]).arg(&bundle));
    let findings: Vec<&str> = report["findings"].as_array().expect("findings").iter().map(|row| row["what"].as_str().expect("what")).collect();
    for what in ["configuration", "secrets", "data directory", "space", "clock", "processor", "sandbox", "model", "connections out", "store"] {
        assert!(findings.contains(&what), "no {what} in {findings:?}");
    }
    let text = std::fs::read_to_string(&bundle).expect("bundle");
    assert!(text.contains("hooks.example") && !text.contains("very-secret") && !text.contains("/T0/"), "{text}");
}
