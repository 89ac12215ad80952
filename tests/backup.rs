//! Backups and compaction: consistent while deliveries go on, refused when damaged, harmless when killed.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

mod common;
#[path = "common/stored.rs"]
mod stored;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{Server, json, lastbuy, ok, said};
use lastbuy::{
    domain::{id::CaseId, time::At},
    limits,
    store::{self, Retention, Store},
};
use stored::{accept, arrival, body, bytes, decide, me, sound, work_off};

fn backup(store: &Store, path: &Path) -> store::Manifest {
    let mut file = fs::File::create_new(path).expect("new file");
    store.backup(&mut file, At(77)).expect("backup")
}

fn quietly(_: store::Progress) {}

/// One of everything: small and large bodies, a case too large for a tree, a decision, a hold.
fn filled(dir: &Path) -> Arc<Store> {
    let store = Store::open(dir).expect("open");
    accept(&store, 1, 300, At(1));
    accept(&store, 2, (2 << 20) + 7, At(2));
    let case = work_off(&store, 400, At(3));
    work_off(&store, 2, At(4));
    decide(&store, case, At(5));
    let event = accept(&store, 3, 0, At(6)).event;
    store.hold(event, "a court asked", &me(), At(7)).expect("hold");
    store
}

/// What a reader can see of a store.
fn seen(store: &Store) -> String {
    let events = store.events(None, 1000).expect("events");
    let bodies: Vec<_> = events.iter().map(|event| store.blob(event.body).map_err(|error| error.to_string())).collect();
    let jobs = store.jobs(&store::JobFilter::default(), None, 1000).expect("jobs");
    let results: Vec<_> =
        jobs.iter().flat_map(|job| &job.results).map(|(_, digest)| store.blob(*digest).map_err(|error| error.to_string())).collect();
    let (cases, assessments) = (store.cases(None, 1000).expect("cases"), store.assessments(None, None, 1000).expect("assessments"));
    let (holds, counts) = (store.holds(None, 1000).expect("holds"), store.job_counts().expect("counts"));
    let digest = lastbuy::domain::event::Digest::of(format!("{bodies:?} {results:?}").as_bytes());
    format!("{events:?}\n{jobs:?}\n{cases:?}\n{assessments:?}\n{holds:?}\n{counts:?}\n{digest}")
}

#[test]
fn a_restored_backup_is_the_same_store() {
    let dir = tempfile::tempdir().expect("folder");
    let store = filled(&dir.path().join("data"));
    let path = dir.path().join("backup");
    let manifest = backup(&store, &path);
    assert!(manifest.is_whole());
    assert_eq!(store::inspect(&path, &mut quietly).expect("inspect"), manifest);
    // What comes after is not in it.
    let before = seen(&store);
    accept(&store, 4, 100, At(8));
    let restored = store::restore(&path, &dir.path().join("again"), &mut quietly).expect("restore");
    assert_eq!((restored.check.problems, restored.check.records), (Vec::new(), manifest.records));
    let again = Store::open(&dir.path().join("again")).expect("open");
    assert_eq!(seen(&again), before);
    // And it goes on from there.
    assert!(again.accept(arrival("key 1", b"x"), At(9)).expect("repeat").duplicate);
    work_off(&again, 1, At(9));
    sound(&again);
    let error = store::restore(&path, &dir.path().join("again"), &mut quietly).expect_err("restored over a store").to_string();
    assert!(error.contains("not empty"), "{error}");
}

#[test]
fn a_backup_made_while_deliveries_come_holds_a_point_of_the_log() {
    let dir = tempfile::tempdir().expect("folder");
    let store = filled(&dir.path().join("data"));
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    std::thread::scope(|scope| {
        for sender in 0..3_u64 {
            let (store, stop, acknowledged) = (Arc::clone(&store), Arc::clone(&stop), Arc::clone(&acknowledged));
            scope.spawn(move || {
                for number in 0.. {
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                    let event = accept(&store, 1_000_000 * (sender + 1) + number, 4000, At(10)).event;
                    acknowledged.fetch_max(event.0, Ordering::AcqRel);
                }
            });
        }
        for round in 0..4 {
            std::thread::sleep(Duration::from_millis(60));
            let before = acknowledged.load(Ordering::Acquire);
            let path = dir.path().join(format!("backup {round}"));
            let manifest = backup(&store, &path);
            assert!(manifest.is_whole(), "{:?}", manifest.damaged);
            let to = dir.path().join(format!("restored {round}"));
            let restored = store::restore(&path, &to, &mut quietly).expect("restore");
            assert_eq!(restored.check.problems, Vec::<String>::new());
            let again = Store::open(&to).expect("open");
            let events: BTreeSet<u64> = all_events(&again);
            let newest = events.last().copied().unwrap_or(0);
            assert!(newest >= before, "E-{before} was acknowledged before the backup began and is not in it: it ends at E-{newest}");
            assert_eq!(events, (1..=newest).collect());
        }
        stop.store(true, Ordering::Release);
    });
    sound(&store);
}

fn all_events(store: &Store) -> BTreeSet<u64> {
    let (mut found, mut before) = (BTreeSet::new(), None);
    loop {
        let page = store.events(before, limits::LIST_ROWS_MAX).expect("events");
        for event in &page {
            assert!(store.blob(event.body).expect("blob").is_some(), "the bytes of {} are missing", event.id);
            found.insert(event.id.0);
        }
        match page.last() {
            Some(last) => before = Some(last.id),
            None => return found,
        }
    }
}

#[test]
fn a_damaged_backup_is_refused_wherever_the_damage_is() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(&dir.path().join("data")).expect("open");
    accept(&store, 1, 300, At(1));
    work_off(&store, 2, At(1));
    let path = dir.path().join("backup");
    backup(&store, &path);
    let whole = fs::read(&path).expect("backup");
    let damaged = dir.path().join("damaged");
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&damaged, bytes).expect("write");
        let error = store::inspect(&damaged, &mut quietly).err().unwrap_or_else(|| panic!("{what} was not seen"));
        assert!(error.to_string().len() > 20, "{error}");
    };
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        refused(&bytes, &format!("a flipped bit at {at}"));
    }
    for length in (0..whole.len()).step_by(11) {
        refused(&whole[..length], &format!("a cut at {length}"));
    }
    refused(&[&whole[..], b"x"].concat(), "a byte at the end");
    refused(&[&whole[..], &whole[..]].concat(), "a second backup at the end");
    // Nothing of a damaged one is put in place, and the folder can be used again.
    fs::write(&damaged, &whole[..whole.len() - 40]).expect("write");
    let to = dir.path().join("restored");
    store::restore(&damaged, &to, &mut quietly).expect_err("a damaged backup was restored");
    assert!(!to.join("format").exists() && !to.join("db").exists());
    store::restore(&path, &to, &mut quietly).expect("restore");
}

#[test]
fn a_body_that_cannot_be_read_is_named_and_the_rest_is_kept() {
    let dir = tempfile::tempdir().expect("folder");
    let data = dir.path().join("data");
    let store = filled(&data);
    let events = store.events(None, 10).expect("events");
    let lost = events.iter().find(|event| event.body_bytes > 1 << 20).expect("the large one");
    // Somewhere in its bytes.
    let (file, bytes) = (data.join("log/00000001.log"), store.blob(lost.body).expect("blob").expect("there"));
    let mut log = fs::read(&file).expect("log");
    let at = log.windows(64).position(|window| window == &bytes[..64]).expect("its bytes");
    log[at + 1000] ^= 1;
    fs::write(&file, log).expect("damage");
    let path = dir.path().join("backup");
    let manifest = backup(&store, &path);
    assert!(!manifest.is_whole());
    assert!(manifest.damaged.len() == 1 && manifest.damaged[0].contains(&lost.body.to_string()), "{:?}", manifest.damaged);
    let restored = store::restore(&path, &dir.path().join("again"), &mut quietly).expect("restore");
    assert!(restored.check.problems.iter().any(|problem| problem.contains("missing")), "{:?}", restored.check.problems);
    let again = Store::open(&dir.path().join("again")).expect("open");
    assert_eq!(all_but_lost(&again, &lost.body.to_string()), 2);
    // Compaction does not throw the damaged bytes away.
    drop(store);
    let error = Store::compact(&data, &me(), At(9), &mut quietly).expect_err("compacted").to_string();
    assert!(error.contains(&lost.body.to_string()), "{error}");
    assert_eq!(Store::open(&data).expect("open").events(None, 10).expect("events"), events);
}

fn all_but_lost(store: &Store, lost: &str) -> usize {
    let events = store.events(None, 10).expect("events");
    events.iter().filter(|event| event.body.to_string() != lost).filter(|event| body(store, event.id).is_some()).count()
}

#[test]
fn compaction_gives_room_back_and_changes_nothing_else() {
    let dir = tempfile::tempdir().expect("folder");
    let store = filled(dir.path());
    for number in 10..1400 {
        store
            .accept(
                lastbuy::domain::event::Arrival { ignored: Some("noise".to_owned()), ..arrival(&number.to_string(), &bytes(number, 5000)) },
                At(8),
            )
            .expect("accept");
    }
    // A case that changed often: each change of a large one left its last form behind.
    for at in 0..20 {
        decide(&store, CaseId(1), At(10 + at));
    }
    store.expire(Retention { days: None, bytes: Some(2 << 20) }, &me(), At(9)).expect("expire");
    while store.expire(Retention { days: Some(1), bytes: None }, &me(), At(900 * stored::DAY)).expect("expire").more {}
    let before = seen_of_kept(&store);
    let error = Store::compact(dir.path(), &me(), At(9), &mut quietly).expect_err("compacted while open").to_string();
    assert!(error.contains("another process uses"), "{error}");
    drop(store);
    let compacted = Store::compact(dir.path(), &me(), At(9), &mut quietly).expect("compact");
    assert!(compacted.after < compacted.before / 2, "{compacted:?}");
    assert!(compacted.dropped > 1390, "{compacted:?}");
    let store = Store::open(dir.path()).expect("open");
    assert_eq!(seen_of_kept(&store), before);
    sound(&store);
    for left in ["rebuilt", "replaced", "swap", "check"] {
        assert!(!dir.path().join(left).exists(), "{left} is left");
    }
    drop(store);
    let again = Store::compact(dir.path(), &me(), At(9), &mut quietly).expect("compact");
    // Its own record came on top.
    assert_eq!((again.dropped, again.records), (0, compacted.records + 1));
}

/// A large body comes to stand in a group without records, before the first one.
#[test]
fn compaction_twice_keeps_what_stands_before_the_first_record() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let event = accept(&store, 1, (2 << 20) + 7, At(1)).event;
    drop(store);
    for _ in 0..2 {
        Store::compact(dir.path(), &me(), At(9), &mut quietly).expect("compact");
        let store = Store::open(dir.path()).expect("open");
        assert_eq!(body(&store, event), Some(bytes(1, (2 << 20) + 7)));
        sound(&store);
    }
}

/// Records of all events, and the bytes of those that are kept.
fn seen_of_kept(store: &Store) -> String {
    let events = store.events(None, 1000).expect("events");
    let kept = events.iter().filter(|event| store.kept(event.id).expect("kept").expired_at.is_none());
    let bodies: Vec<_> = kept.map(|event| body(store, event.id).expect("bytes").len()).collect();
    format!("{events:?} {bodies:?} {:?} {:?}", store.cases(None, 10).expect("cases"), store.job_counts().expect("counts"))
}

/// Run as a child by the next test: compacts again and again.
#[test]
fn the_compacting_victim() {
    let Some(dir) = std::env::var_os("LASTBUY_TEST_COMPACTS") else { return };
    loop {
        Store::compact(Path::new(&dir), &me(), At(9), &mut quietly).expect("compact");
    }
}

#[test]
fn a_compaction_killed_at_any_point_leaves_a_whole_store() {
    let rounds = if std::env::var_os("LASTBUY_SOAK").is_some() { 300 } else { 25 };
    let dir = tempfile::tempdir().expect("folder");
    let store = filled(dir.path());
    for number in 10..60 {
        accept(&store, number, 4000, At(8));
    }
    let before = seen(&store);
    drop(store);
    let mut met = 0;
    for round in 0..rounds {
        let mut victim = Command::new(std::env::current_exe().expect("this test"))
            .args(["the_compacting_victim", "--exact", "--nocapture"])
            .env("LASTBUY_TEST_COMPACTS", dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("victim");
        std::thread::sleep(Duration::from_millis(40 + (round as u64 * 37) % 211));
        victim.kill().expect("kill");
        victim.wait().expect("wait");
        met += usize::from(["rebuilt", "swap", "replaced"].iter().any(|part| dir.path().join(part).exists()));
        let store = Store::open(dir.path()).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(seen(&store), before, "round {round}");
        sound(&store);
    }
    assert!(met > rounds / 10, "only {met} of {rounds} kills met a compaction at work");
}

#[test]
fn the_command_line_backs_up_a_running_server_and_restores_it() {
    let dir = tempfile::tempdir().expect("folder");
    let (data, path, to) = (dir.path().join("data"), dir.path().join("monday.backup"), dir.path().join("restored"));
    let server = Server::start(&data);
    let notice = fs::read_to_string(common::sample("notices/pellworm-relay.generic.json")).expect("sample");
    for number in 0..20 {
        let (status, answer) = server.post("/v1/hooks/generic", "application/json", format!("{notice}{}", " ".repeat(number)).as_bytes());
        assert_eq!(status, 202, "{answer}");
    }
    ok(lastbuy(&data).args(["events", "hold", "E-3", "--reason", "a court asked"]));
    let made = json(lastbuy(&data).args(["backup", "create", "--json"]).arg(&path));
    assert_eq!(made["ok"], true, "{made}");
    let again = lastbuy(&data).args(["backup", "create"]).arg(&path).output().expect("run");
    assert!(!again.status.success() && said(&again).contains("never replaces"), "{}", said(&again));
    assert_eq!(json(lastbuy(&data).args(["events", "held", "--json"]))[0]["reason"], "a court asked");
    let busy = lastbuy(&data).arg("compact").output().expect("run");
    assert!(!busy.status.success() && said(&busy).contains("stop the server first"), "{}", said(&busy));
    drop(server);
    assert_eq!(json(lastbuy(&data).args(["backup", "verify", "--json"]).arg(&path))["ok"], true);
    ok(lastbuy(&data).args(["backup", "restore"]).arg(&path).arg("--to").arg(&to));
    let found = json(lastbuy(&to).args(["doctor", "--deep", "--json"]));
    assert_eq!(found["ok"], true, "{found}");
    assert_eq!(json(lastbuy(&to).args(["events", "list", "--json"])).as_array().map(Vec::len), Some(20));
    let shown = json(lastbuy(&to).args(["events", "show", "E-3", "--json"]));
    assert_eq!(shown["event"]["hold"]["reason"], "a court asked", "{shown}");
    // Dataset files come with it.
    ok(lastbuy(&to).args(["data", "import"]).arg(common::sample("factory")));
    let second = dir.path().join("tuesday.backup");
    assert_eq!(json(lastbuy(&to).args(["backup", "create", "--json"]).arg(&second))["manifest"]["datasets"], 1);
    let third = dir.path().join("third");
    ok(lastbuy(&to).args(["backup", "restore"]).arg(&second).arg("--to").arg(&third));
    assert_eq!(json(lastbuy(&third).args(["data", "list", "--json"]))[0]["active"], true);
    let compacted = json(lastbuy(&third).args(["compact", "--json"]));
    assert!(compacted["after"].as_u64() <= compacted["before"].as_u64(), "{compacted}");
    assert_eq!(json(lastbuy(&third).args(["doctor", "--deep", "--json"]))["ok"], true);
}
