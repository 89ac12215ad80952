//! One matter however often and by whatever way it is told: a feed, the maker's mail, a distributor's forward; then a revision and a retraction of it.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    Server, Site, common, configure,
    request::{Request, post},
    signing::now_s,
};

fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The sample factory, on the day of the sample world.
fn site() -> Site {
    let dir = tempfile::tempdir().expect("folder");
    let keys = configure(dir.path(), "");
    let config = std::fs::read_to_string(dir.path().join("lastbuy.toml")).expect("configuration");
    // Nobody listens there; what would be told is looked at in the outbox.
    let told = "[[notify.rules]]\nname = \"r\"\non = [\"case_withdrawn\"]\nto = [\"siem\"]\n[notify.destinations.siem]\nkind = \"syslog\"\nhost = \"127.0.0.1\"\nport = 9\n";
    std::fs::write(dir.path().join("lastbuy.toml"), format!("{config}\n[site]\nas_of = \"2026-11-23\"\n{told}")).expect("configuration");
    common::ok(common::lastbuy(dir.path()).args(["data", "import"]).arg(common::sample("factory")));
    let server = Server::start(dir.path());
    Site { dir, server, keys }
}

/// Delivers, and waits until the notice is worked off.
fn deliver(site: &Site, request: &Request) -> Value {
    let (status, said) = post(&site.server, request);
    assert!(status < 300, "{status} {said}");
    let job = site.settled(&said);
    assert_eq!(job["state"], "done", "{job}");
    said["event_id"].clone()
}

fn notice(kind: &str, id: &str, issued: &str, last_buy: Option<&str>, parts: &[&str]) -> Value {
    json!({ "manufacturer": "Corvane Semiconductor", "notice_id": id, "notice_type": kind, "issue_date": issued, "last_time_buy": last_buy, "affected_parts": parts })
}

#[test]
fn every_copy_joins_and_a_revision_and_a_retraction_show_what_they_change() {
    let site = site();
    let now = now_s();
    let feed = fixture("assets/notices/radar.siliconexpert.json");
    let by_feed = deliver(&site, &site.keys.signed("siliconexpert", "application/json", feed, "feed", now));
    let by_mail = deliver(&site, &site.keys.signed("email", "message/rfc822", fixture("tests/senders/notices/corvane.eml"), "mail", now));
    let forwarded = fixture("tests/senders/notices/corvane-forwarded.eml");
    let by_forward = deliver(&site, &site.keys.mailgun(&[("body-mime", None, &forwarded)], "token-forward", now));
    let case = || site.server.get("/v1/cases/C-1").1;
    let seen = case();
    assert_eq!(seen["events"], json!([by_feed, by_mail, by_forward]), "{seen}");
    assert_eq!(site.server.get("/v1/cases").1["items"].as_array().map(Vec::len), Some(1));
    let effects = |case: &Value| case["history"].as_array().expect("history").iter().map(|row| row["told"]["effect"].clone()).collect::<Vec<_>>();
    assert_eq!(effects(&seen)[0], "opened", "{seen}");
    // The mail says that there is no replacement, which the feed does not.
    let replacement = |row: usize| seen["history"][row]["told"]["changes"].to_string();
    assert!(replacement(1).contains("there is none"), "{seen}");
    assert_eq!((&effects(&seen)[2], &seen["history"][2]["source"]), (&json!("copy"), &json!("mailgun")), "{seen}");
    assert_eq!((&seen["last_time_buy"], &seen["state"]), (&json!("2027-03-12"), &json!("open")));
    let at_risk = || site.server.get("/api/v1/dashboard/risk-metrics").1;
    assert_eq!(at_risk()["active_alerts"], 1, "{}", at_risk());

    // A revision: other dates, one part more. Its number says so.
    let revised = notice("PDN", "CVN-PDN-26-0117 Rev. B", "2026-11-02", Some("2027-01-29"), &["CVN-IGD5402DWR", "CVN-IGD5403DWR"]);
    let by_revision = deliver(&site, &site.keys.webhook("generic", "application/json", &revised, "revision", now));
    let seen = case();
    assert_eq!(seen["last_time_buy"], "2027-01-29");
    let row = &seen["history"][3];
    assert_eq!((&row["event"], &row["told"]["effect"]), (&by_revision, &json!("revision")), "{row}");
    let change = |row: &Value, what: &str| {
        let changes = row["told"]["changes"].as_array().expect("changes");
        changes.iter().find(|change| change["what"] == what).cloned().unwrap_or_else(|| panic!("no change of {what} in {row}"))
    };
    assert_eq!(change(row, "last-time buy"), json!({ "what": "last-time buy", "before": "2027-03-12", "after": "2027-01-29" }));
    assert_eq!(change(row, "part CVN-IGD5403DWR")["after"], "added");
    // An older copy that comes late changes nothing back.
    let late = notice("PDN", "CVN-PDN-26-0117", "2026-09-14", Some("2027-03-12"), &["CVN-IGD5402DWR"]);
    deliver(&site, &site.keys.webhook("generic", "application/json", &late, "late", now));
    assert_eq!(case()["last_time_buy"], "2027-01-29");
    // A person at the terminal and one at the page see the difference.
    let shown = common::ok(common::lastbuy(site.dir.path()).args(["cases", "show", "C-1"]));
    let page = site.server.get("/cases/C-1").1.to_string();
    for text in [&shown, &page] {
        assert!(text.contains("last-time buy: 2027-03-12 → 2027-01-29") && text.contains("a revision, PDN of 2026-11-02"), "{text}");
    }

    // A person decides; then the maker takes it back, under a number of its own.
    common::ok(common::lastbuy(site.dir.path()).args(["cases", "decide", "C-1", "last-time buy"]));
    let retraction = notice("RETRACTION", "CVN-RET-26-0009", "2026-11-20", None, &["CVN-IGD5402DWR", "CVN-IGD5403DWR"]);
    let by_retraction = deliver(&site, &site.keys.webhook("generic", "application/json", &retraction, "retraction", now));
    let cases = site.server.get("/v1/cases").1["items"].clone();
    assert_eq!(cases.as_array().map(Vec::len), Some(1), "{cases}");
    let seen = case();
    let reason = seen["state"]["closed"]["reason"].as_str().unwrap_or_else(|| panic!("{seen}"));
    assert!(reason.contains(by_retraction.as_str().expect("id")) && reason.contains("last-time buy"), "{reason}");
    assert_eq!(effects(&seen).last(), Some(&json!("retraction")));
    // Somebody had decided, so an order may be out: people are told at once.
    let told = common::json(common::lastbuy(site.dir.path()).args(["notify", "list", "--json"]));
    assert_eq!((told.as_array().map(Vec::len), &told[0]["severity"]), (Some(1), &json!("critical")), "{told}");
    assert!(told.to_string().contains("case_withdrawn"), "{told}");
    assert_eq!(at_risk()["active_alerts"], 0, "{}", at_risk());
    assert!(common::ok(common::lastbuy(site.dir.path()).args(["cases", "show", "C-1"])).contains("withdrawn by the maker"));
    assert!(site.server.get("/cases/C-1").1.to_string().contains("withdrawn by the maker"));
    // A copy of the old notice does not open it again, a newer one does.
    deliver(&site, &site.keys.webhook("generic", "application/json", &revised, "copy", now));
    assert!(case()["state"].get("closed").is_some());
    let again = notice("PDN", "CVN-PDN-26-0117", "2026-11-22", Some("2027-05-31"), &["CVN-IGD5402DWR"]);
    deliver(&site, &site.keys.webhook("generic", "application/json", &again, "again", now));
    let seen = case();
    assert_eq!(seen["state"], "open", "{seen}");
    assert!(
        change(seen["history"].as_array().and_then(|rows| rows.last()).expect("a row"), "part CVN-IGD5403DWR")["after"]
            .to_string()
            .contains("not listed")
    );
}
