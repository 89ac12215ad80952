//! The real server with real receivers: killed at random and at named points, it loses no message and gives a repeat the same id.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    common::{self, Server},
    receiver::{self, Inbox, OK, Posted, listen},
};

/// A destination at this address, told of cases that are opened and of last-time buys that come near.
fn configure(dir: &Path, address: SocketAddr) {
    std::fs::write(dir.join("hook.secret"), "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n").expect("secret");
    let text = format!(
        "[site]\nas_of = \"2027-04-20\"\n[notify.destinations.ops]\nkind = \"webhook\"\nurl = \"http://{address}/hook\"\nallow_private = true\n\
         secrets = [\"file:{}\"]\n[[notify.rules]]\nname = \"all\"\non = [\"case_opened\", \"last_time_buy_nears\"]\nto = [\"ops\"]\nescalate_days = [60, 14]\n",
        dir.join("hook.secret").display()
    );
    std::fs::write(dir.join("lastbuy.toml"), text).expect("config");
}

fn post(server: &Server, number: usize) -> bool {
    let body = common::notice(number, &["PART-1"]).to_string();
    server.post("/v1/hooks/generic", "application/json", body.as_bytes()).0 == 202
}

/// Deliveries by what they are about and tell.
fn by_cause(posted: &[Posted]) -> BTreeMap<(String, String), Vec<&Posted>> {
    let mut causes: BTreeMap<_, Vec<&Posted>> = BTreeMap::new();
    for posted in posted {
        let body = posted.json();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        causes.entry((text(&body["data"]["object"]), text(&body["type"]))).or_default().push(posted);
    }
    causes
}

/// Waits for what is told until it is enough.
fn wait_for(inbox: &Inbox, enough: impl Fn(&[Posted]) -> bool) -> Vec<Posted> {
    for _ in 0..1200 {
        let posted = inbox.all();
        if enough(&posted) {
            return posted;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("only {} deliveries of {} causes within a minute", inbox.all().len(), by_cause(&inbox.all()).len());
}

/// Every case is told of under one id for each occasion, whatever was repeated.
fn each_once(posted: &[Posted], cases: usize) {
    let causes = by_cause(posted);
    assert_eq!(causes.len(), 2 * cases);
    let mut ids = std::collections::BTreeSet::new();
    for (cause, deliveries) in &causes {
        assert!(
            deliveries.windows(2).all(|pair| pair[0].header("webhook-id") == pair[1].header("webhook-id") && pair[0].body == pair[1].body),
            "{cause:?}"
        );
        assert!(ids.insert(deliveries[0].header("webhook-id").to_owned()), "{cause:?} has the id of another");
    }
    let reminder = &causes[&("C-1".to_owned(), "lastbuy.last_time_buy_nears".to_owned())][0].json()["data"]["happened"]["last_time_buy_nears"];
    assert_eq!((reminder["step"].as_u64(), reminder["days"].as_i64(), reminder["last_time_buy"].as_str()), (Some(14), Some(10), Some("2027-04-30")));
}

#[test]
fn no_message_is_lost_over_kills_at_random_points() {
    let (notices, kills) = if std::env::var_os("LASTBUY_SOAK").is_some() { (500, 50) } else { (40, 4) };
    let dir = tempfile::tempdir().expect("folder");
    let inbox = Inbox::default();
    let takes = inbox.clone();
    // Slow enough that kills meet attempts under way.
    let address = listen(move |stream| {
        std::thread::sleep(Duration::from_millis(40));
        takes.take(stream, OK);
    });
    configure(dir.path(), address);
    let mut server = Server::start(dir.path());
    for number in 0..notices {
        while !post(&server, number) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if number % (notices / kills) == notices / kills - 1 {
            server.kill();
            server = Server::start(dir.path());
        }
    }
    let posted = wait_for(&inbox, |posted| by_cause(posted).len() == 2 * notices);
    each_once(&posted, notices);
    server.kill();
    let store = lastbuy::store::Store::open(dir.path()).expect("open");
    crate::stored::sound(&store);
    println!("{} causes, {} deliveries, {kills} kills", 2 * notices, posted.len());
}

#[test]
fn killed_between_the_receivers_answer_and_its_record_the_same_message_goes_out_again() {
    for point in ["message-claimed:1", "message-settling:1", "message-settling:2"] {
        let dir = tempfile::tempdir().expect("folder");
        let (address, inbox) = receiver::http(OK);
        configure(dir.path(), address);
        let mut server = Server::start_under(&["env".to_owned(), format!("LASTBUY_FAILPOINT={point}")], dir.path());
        assert!(post(&server, 1));
        server.child.wait().expect("it kills itself");
        let before = inbox.all();
        drop(server);
        let _server = Server::start(dir.path());
        // What the receiver had is not recorded, so it goes out once more; what was claimed only goes out the first time.
        let unrecorded = before.last().filter(|_| point.starts_with("message-settling")).map(|posted| posted.header("webhook-id").to_owned());
        let repeats = |posted: &[Posted]| posted.iter().filter(|posted| Some(posted.header("webhook-id")) == unrecorded.as_deref()).count();
        let posted = wait_for(&inbox, |posted| by_cause(posted).len() == 2 && (unrecorded.is_none() || repeats(posted) > 1));
        each_once(&posted, 1);
        assert_eq!(unrecorded.is_some(), point.starts_with("message-settling"), "{point}");
        assert_eq!(repeats(&posted), if unrecorded.is_some() { 2 } else { 0 }, "{point}");
    }
}

#[test]
fn people_see_what_was_told_and_send_it_again() {
    let dir = tempfile::tempdir().expect("folder");
    let answers = std::sync::Arc::new(std::sync::Mutex::new("HTTP/1.1 410 Gone\r\n\r\n"));
    let (inbox, answer) = (Inbox::default(), std::sync::Arc::clone(&answers));
    let takes = inbox.clone();
    let address = listen(move |stream| {
        let answer = *answer.lock().expect("answer");
        takes.take(stream, answer);
    });
    configure(dir.path(), address);
    let notify = |words: &[&str]| common::lastbuy(dir.path()).arg("notify").args(words).output().expect("the program starts");
    assert!(common::ok(common::lastbuy(dir.path()).args(["config", "check"])).contains("in order"));
    let shown = common::ok(common::lastbuy(dir.path()).args(["config", "show"]));
    assert!(shown.contains("hook.secret") && !shown.contains("AQEBAQ"), "{shown}");
    let server = Server::start(dir.path());
    assert_eq!(notify(&["list"]).status.code(), Some(3), "nothing yet");
    assert_eq!(notify(&["test", "boss"]).status.code(), Some(3), "no such destination");
    // The receiver wants nothing more.
    let refused = notify(&["test", "ops"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(common::said(&refused).contains("410"), "{}", common::said(&refused));
    *answers.lock().expect("answer") = OK;
    assert!(post(&server, 1));
    let list = |words: &[&str]| -> Vec<Value> { serde_json::from_slice(&notify(&[words, &["--json"]].concat()).stdout).expect("JSON") };
    let mut dead = Vec::new();
    for _ in 0..600 {
        dead = list(&["list", "--state", "dead"]);
        if dead.iter().any(|message| message["happened"].get("case_opened").is_some()) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(dead[0]["state"]["dead"]["reason"].as_str().is_some_and(|reason| reason.contains("notify test ops")), "{dead:?}");
    assert_eq!(inbox.all().len(), 1, "nothing went to it");
    let tested = notify(&["test", "ops", "--json"]);
    assert!(tested.status.success(), "{}", common::said(&tested));
    let id = dead.iter().find(|message| message["happened"].get("case_opened").is_some()).expect("case")["id"].as_str().expect("id");
    assert!(notify(&["retry", id]).status.success());
    let mut shown = json!(null);
    for _ in 0..600 {
        shown = serde_json::from_slice(&notify(&["show", id, "--json"]).stdout).expect("JSON");
        if shown["state"].get("delivered").is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(shown["state"].get("delivered").is_some(), "{shown}");
    assert!(inbox.all().iter().any(|posted| posted.header("webhook-id") == shown["stable_id"]), "{shown}");
    assert_eq!(notify(&["retry", id]).status.code(), Some(1), "it was delivered");
    assert!(common::said(&notify(&["show", id])).contains("known to the receiver as msg_"));
    assert_eq!(notify(&["show", "N-999"]).status.code(), Some(3));
    drop(server);
}
