//! From a doubtful reading to checked evidence, each step by the person whose it is.

use serde_json::{Value, json};

use crate::{
    browser::{PASSWORD, Signed, add_token, add_user, call, sign_in},
    common::{Server, json as run_json, lastbuy, ok, sample},
};

/// The sample factory, a site that asks for four eyes, and a notice whose reading waits.
fn waiting() -> (tempfile::TempDir, Server, String) {
    let dir = tempfile::tempdir().expect("folder");
    std::fs::write(dir.path().join("lastbuy.toml"), "[site]\nas_of = \"2026-11-23\"\n[decisions]\nfour_eyes = true\n").expect("config");
    ok(lastbuy(dir.path()).args(["data", "import"]).arg(sample("factory")));
    let server = Server::start(dir.path());
    for (name, role) in [("root", "admin"), ("emil", "engineer"), ("clara", "controller"), ("paul", "approver"), ("petra", "approver")] {
        add_user(dir.path(), name, role);
    }
    ok(lastbuy(dir.path()).args(["ingest", "--wait"]).arg(sample("notices/meridian-laser-driver.eml")));
    let reviews = run_json(lastbuy(dir.path()).args(["review", "list", "--json"]));
    let job = reviews[0]["job"].as_str().unwrap_or_else(|| panic!("nothing waits: {reviews}")).to_owned();
    (dir, server, job)
}

/// The job when it is at rest.
fn settled(server: &Server, who: &Signed, job: &str) -> Value {
    loop {
        let found = who.get(server, &format!("/v1/jobs/{job}")).json();
        let at_rest = found["state"] == "done" || ["review", "dead", "cancelled"].iter().any(|state| found["state"].get(state).is_some());
        if at_rest {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_reading_is_corrected_a_case_decided_with_four_eyes_and_its_evidence_checked() {
    let (dir, server, job) = waiting();
    let (emil, clara, paul, petra) = (sign_in(&server, "emil"), sign_in(&server, "clara"), sign_in(&server, "paul"), sign_in(&server, "petra"));

    // ---- review ----
    let review = emil.get(&server, &format!("/v1/reviews/{job}?text=true")).json();
    let doubtful: Vec<&Value> = review["fields"].as_array().expect("fields").iter().filter(|field| field["doubts"] != json!([])).collect();
    assert_eq!(doubtful.iter().map(|field| field["field"].as_str().expect("name")).collect::<Vec<_>>(), ["last_time_buy"], "{review}");
    let choices = doubtful[0]["choices"].as_array().expect("choices");
    let choice = choices.iter().find(|choice| choice["value"] == "2027-02-26").unwrap_or_else(|| panic!("{doubtful:?}"));
    let span = choice["place"]["span"].clone();
    let at = |key: &str| usize::try_from(span[key].as_u64().expect("number")).expect("usize");
    assert_eq!(&review["text"].as_str().expect("text")[at("start")..at("end")], choice["printed"].as_str().expect("printed"));

    let resolve = |who: &Signed, body: &Value| who.post(&server, &format!("/v1/reviews/{job}"), body);
    assert_eq!(resolve(&clara, &json!({ "confirm_rest": true })).status, 403, "not a controller's to do");
    let absent = resolve(&emil, &json!({ "answers": [{ "field": "last_time_buy", "value": "2027-05-05" }] }));
    assert_eq!((absent.status, absent.json()["code"].as_str()), (422, Some("unfit")), "{}", absent.text);
    assert_eq!(resolve(&emil, &json!({ "answers": [] })).status, 422, "a doubt is left");
    let old = "0".repeat(64);
    assert_eq!(resolve(&emil, &json!({ "reading": old, "confirm_rest": true })).status, 409);
    let answers = json!({ "reading": review["reading"], "answers": [{ "field": "last_time_buy", "pick": span }], "note": "the table counts" });
    let done = resolve(&emil, &answers);
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(done.json()["correction"]["changes"][0]["after"], "2027-02-26");
    assert_eq!(done.json()["correction"]["by"], "user:emil");
    assert_eq!(resolve(&emil, &answers).status, 409, "it is resolved already");
    let finished = settled(&server, &emil, &job);
    assert_eq!(finished["state"], "done", "{finished}");
    let case = finished["cases"][0].as_str().expect("case").to_owned();
    let the_case = || emil.get(&server, &format!("/v1/cases/{case}")).json();
    assert_eq!(the_case()["last_time_buy"], "2027-02-26");

    // A replay keeps what the person said, unless it reads again.
    let event = finished["subject"]["event"].as_str().expect("event").to_owned();
    let replay = |from: Option<&str>| {
        let answer = emil.post(&server, "/v1/replay", &json!({ "event": event, "from": from })).json();
        settled(&server, &emil, answer["jobs"][0].as_str().unwrap_or_else(|| panic!("{answer}")))
    };
    assert_eq!(replay(None)["state"], "done");
    assert_eq!(the_case()["last_time_buy"], "2027-02-26");
    assert!(replay(Some("reading"))["state"].get("review").is_some(), "read again, it waits again");

    // The correction is a labelled case for eval.
    let labels = dir.path().join("labels");
    ok(lastbuy(dir.path()).args(["review", "export"]).arg(&labels));
    let label: Value = serde_json::from_slice(&std::fs::read(labels.join(format!("{event}.json"))).expect("label")).expect("JSON");
    assert_eq!((&label["last_time_buy"], &label["notice_type"]), (&json!("2027-02-26"), &json!("PDN")), "{label}");
    let bytes = std::fs::read(labels.join(format!("{event}.eml"))).expect("document");
    assert_eq!(bytes, std::fs::read(sample("notices/meridian-laser-driver.eml")).expect("notice"));

    // ---- decision ----
    let path = |act: &str| format!("/v1/cases/{case}/decision{act}");
    let statement = emil.get(&server, &format!("/v1/assessments/{}", the_case()["latest"].as_str().expect("latest"))).json();
    let (product, answer) = (statement["products"][0]["sku"].clone(), "Last-time buy");
    let wrong = emil.post(&server, &path(""), &json!({ "answer": "Pray" }));
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert!(wrong.json()["detail"].as_str().expect("detail").contains(answer), "{}", wrong.text);
    assert_eq!(emil.post(&server, &path(""), &json!({ "answer": answer, "products": [{ "product": "NONE", "answer": answer }] })).status, 422);
    assert_eq!(emil.post(&server, &path(""), &json!({ "answer": answer, "assessment": "A-999" })).status, 409);
    let own = paul.post(&server, &path(""), &json!({ "answer": answer, "reason": "cheapest" }));
    assert_eq!((own.status, own.json()["stage"].as_str()), (201, Some("proposed")), "{}", own.text);
    assert_eq!(the_case()["state"], "open", "nothing is decided before a second person approves");
    assert_eq!(paul.post(&server, &path("/approve"), &json!({})).status, 409, "not one's own");
    assert_eq!(emil.post(&server, &path("/approve"), &json!({})).status, 403);
    assert_eq!(emil.post(&server, &path(""), &json!({ "answer": answer })).status, 409, "one proposal at a time");
    assert_eq!(petra.post(&server, &path("/refuse"), &json!({})).status, 400, "with a reason");
    assert_eq!(petra.post(&server, &path("/refuse"), &json!({ "note": "which day?" })).json()["stage"], "refused");
    let full = json!({ "answer": answer, "reason": "cheapest", "owner": "emil", "due": "2027-01-15", "products": [{ "product": product, "answer": "Do nothing", "reason": "ends" }] });
    assert_eq!(emil.post(&server, &path(""), &full).json()["number"], 2);
    // Whoever owns the machine is no second person.
    let root = sign_in(&server, "root");
    assert_eq!(root.post(&server, &path("/approve"), &json!({})).status, 403);
    let approved = petra.post(&server, &path("/approve"), &json!({ "note": "right" }));
    assert_eq!((approved.status, approved.json()["stage"].as_str()), (200, Some("approved")), "{}", approved.text);
    assert_eq!(the_case()["state"]["decided"]["by"], "user:emil");
    let shown = ok(lastbuy(dir.path()).args(["cases", "show", &case]));
    assert!(shown.contains("approved by user:petra") && shown.contains("owner: emil"), "{shown}");
    assert_eq!(emil.post(&server, &path("/done"), &json!({})).json()["stage"], "done");
    assert!(the_case()["state"].get("closed").is_some());
    assert_eq!(emil.post(&server, &path("/done"), &json!({})).status, 409);
    assert_eq!(emil.post(&server, &path("/reopen"), &json!({ "note": "more demand" })).json()["stage"], "reopened");
    assert_eq!(the_case()["state"], "open");

    // ---- scenarios ----
    let scenarios = format!("/v1/cases/{case}/scenarios");
    let latest = the_case()["latest"].clone();
    let keep = |who: &Signed, body: Value| who.post(&server, &scenarios, &body);
    for (body, status) in [
        (json!({ "name": "dear", "holding": "48", "assessment": "A-999" }), 409),
        (json!({ "name": " ", "holding": "48" }), 400),
        (json!({ "name": "a\nb", "holding": "48" }), 400),
        (json!({ "name": "x".repeat(81), "holding": "48" }), 400),
        (json!({ "name": "dear", "holding": "four" }), 400),
        (json!({ "name": "dear" }), 422),
    ] {
        let refused = keep(&emil, body.clone());
        assert_eq!(refused.status, status, "{body}: {}", refused.text);
    }
    let kept = keep(&emil, json!({ "name": "dear storage", "holding": "48", "assessment": latest }));
    assert_eq!((kept.status, &kept.json()["number"], &kept.json()["moved"]), (201, &json!(1), &json!({ "holding": "48" })), "{}", kept.text);
    assert_eq!(keep(&clara, json!({ "name": "Dear Storage", "holding": "50" })).status, 409, "one of a name");
    assert_eq!(keep(&clara, json!({ "name": "dearer", "holding": "50", "horizon": "12" })).json()["number"], 2);
    let listed = emil.get(&server, &scenarios).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
    assert_eq!((&listed["items"][0]["name"], &listed["items"][0]["by"]), (&json!("dearer"), &json!("user:clara")), "{listed}");
    assert_eq!(listed["items"][1]["compared_with"], latest);
    let would_be = emil.get(&server, &format!("{scenarios}/1")).json();
    assert_eq!(would_be["headline"], listed["items"][1]["headline"], "{would_be}");
    assert_eq!(emil.get(&server, &format!("{scenarios}/3")).status, 404);
    assert_eq!((&the_case()["latest"], the_case()["state"].as_str()), (&latest, Some("open")), "a scenario changes nothing");
    // By the command line it is proposed as well.
    let by_hand = ok(lastbuy(dir.path()).args(["cases", "decide", &case, "buy all", "--note", "as agreed"]));
    assert!(by_hand.contains("proposed"), "{by_hand}");
    let acts = run_json(lastbuy(dir.path()).args(["audit", "list", "--object", &case, "--json", "--limit", "200"]));
    for act in [
        "decision.proposed",
        "decision.refused",
        "decision.approved",
        "decision.done",
        "decision.reopened",
        "scenario.kept",
        "case.decided",
        "case.closed",
        "case.reopened",
    ] {
        assert!(acts.as_array().expect("rows").iter().any(|row| row["act"] == act), "no {act} in {acts}");
    }

    // ---- evidence ----
    assert_eq!(emil.get(&server, &format!("/v1/cases/{case}/evidence")).status, 403);
    assert_eq!(call(&server, "GET", &format!("/v1/cases/{case}/evidence"), &[("cookie", &clara.cookie)], b"").content_type, "application/x-tar");
    let pack = dir.path().join("pack.tar");
    ok(lastbuy(dir.path()).args(["cases", "evidence", &case, "--out"]).arg(&pack));
    let key = ok(lastbuy(dir.path()).args(["cases", "evidence-key"]));
    let elsewhere = tempfile::tempdir().expect("folder");
    let verify = |file: &std::path::Path, key: &str| {
        lastbuy(elsewhere.path()).args(["cases", "evidence", "--verify"]).arg(file).args(["--key", key]).output().expect("run")
    };
    let sound = verify(&pack, key.trim());
    assert_eq!(sound.status.code(), Some(0), "{}", crate::common::said(&sound));
    assert!(std::fs::read_dir(elsewhere.path()).expect("folder").next().is_none(), "checking needs no store and makes none");
    let bytes = std::fs::read(&pack).expect("pack");
    let mail = std::fs::read(sample("notices/meridian-laser-driver.eml")).expect("notice");
    let place = bytes.windows(mail.len()).position(|window| window == mail).expect("the notice as it came is in the pack");
    let mut forged = bytes.clone();
    forged[place + 100] ^= 1;
    let other = dir.path().join("forged.tar");
    std::fs::write(&other, forged).expect("write");
    let found = verify(&other, key.trim());
    assert_eq!(found.status.code(), Some(1));
    assert!(crate::common::said(&found).contains("raw"), "{}", crate::common::said(&found));
    let text = String::from_utf8_lossy(&bytes);
    for part in
        ["text.txt", "reading.json", "reading-before.json", "correction.json", "decisions.json", "audit.jsonl", "datasets/D-1.json", "model_sha256"]
    {
        assert!(text.contains(part), "no {part} in the pack");
    }
    assert!(!text.contains(PASSWORD) && !text.contains("argon2"));
    drop(server);
    let doctor = run_json(lastbuy(dir.path()).args(["doctor", "--deep", "--json"]));
    assert_eq!(doctor["ok"], true, "{doctor}");
}

#[test]
fn a_token_is_no_second_person_and_without_four_eyes_a_decision_stands_at_once() {
    let dir = tempfile::tempdir().expect("folder");
    std::fs::write(dir.path().join("lastbuy.toml"), "[site]\nas_of = \"2026-11-23\"\n").expect("config");
    ok(lastbuy(dir.path()).args(["data", "import"]).arg(sample("factory")));
    ok(lastbuy(dir.path()).args(["cases", "add", "--maker", "Acme", "NOT-KNOWN-9"]));
    let server = Server::start(dir.path());
    add_user(dir.path(), "paul", "approver");
    let token = add_token(dir.path(), "paul", &["read", "decide", "audit"]);
    let with = |path: &str, body: &Value| {
        let bearer = format!("Bearer {token}");
        call(&server, "POST", path, &[("authorization", &bearer), ("content-type", "application/json")], body.to_string().as_bytes())
    };
    let decided = with("/v1/cases/C-1/decide", &json!({ "answer": "buy", "note": "cheap" }));
    assert_eq!(decided.json()["state"]["decided"]["answer"], "buy: cheap", "{}", decided.text);
    assert_eq!(decided.json()["state"]["decided"]["by"], "user:paul token:T-1");
    assert_eq!(with("/v1/cases/C-1/decision/approve", &json!({})).status, 403);
    let paul = sign_in(&server, "paul");
    assert_eq!(paul.post(&server, "/v1/cases/C-1/decision/approve", &json!({})).status, 409, "there is nothing to approve");
}
