//! Retention, holds, garbage collection: what must go goes, what is needed never does, and the log stays verifiable.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

#[path = "common/stored.rs"]
mod stored;

use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use lastbuy::{
    domain::{
        event::QUARANTINED,
        id::EventId,
        job::{JobState, Step, Subject},
        time::At,
    },
    limits,
    store::{Effects, Outcome, Retention, Store, WriteError},
};
use proptest::prelude::*;
use stored::{DAY, accept, arrival, body, bytes, decide, me, sound, work_off};

const A_MONTH: Retention = Retention { days: Some(30), bytes: None };

/// Bytes that the log takes on the disk.
fn occupied(dir: &Path) -> u64 {
    std::fs::read_dir(dir.join("log")).expect("log").map(|entry| entry.expect("entry").metadata().expect("file").blocks() * 512).sum()
}

#[test]
fn what_lies_in_quarantine_stays_until_somebody_looked() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let event = store
        .accept(lastbuy::domain::event::Arrival { ignored: Some(format!("{QUARANTINED}it is no mail")), ..arrival("key", b"no mail") }, At(0))
        .expect("accept")
        .event;
    let late = At(31 * DAY);
    assert_eq!(store.expiring(A_MONTH, late).expect("plan").staying, BTreeMap::from([("in quarantine".to_owned(), 1)]));
    let job = store.enqueue(Subject::Event(event), Step::Document, &me(), At(1)).expect("released");
    store.settle(job, JobState::Cancelled { reason: "no mail".to_owned() }, None, &me(), At(2)).expect("dropped");
    assert_eq!(store.expiring(A_MONTH, late).expect("plan").events.len(), 1);
}

#[test]
fn an_old_event_goes_when_its_case_is_decided_and_the_log_still_tells_of_it() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let event = accept(&store, 1, 5000, At(0)).event;
    let late = At(31 * DAY);
    assert_eq!(store.expiring(A_MONTH, late).expect("plan").staying, BTreeMap::from([("a job is not finished".to_owned(), 1)]));
    let case = work_off(&store, 3, At(1));
    assert_eq!(store.expiring(A_MONTH, late).expect("plan").staying, BTreeMap::from([("a case is open".to_owned(), 1)]));
    decide(&store, case, At(2));
    assert_eq!(store.expiring(A_MONTH, At(29 * DAY)).expect("plan").events, [], "a day too early");
    let plan = store.expiring(A_MONTH, late).expect("plan");
    assert_eq!((plan.events.len(), plan.events[0].event, plan.events[0].rule), (1, event, "age"));
    assert!(plan.events[0].bytes > 5000, "the results are not counted: {plan:?}");
    assert!(body(&store, event).is_some(), "a plan took the bytes");

    assert_eq!(store.expire(A_MONTH, &me(), late).expect("expire").events, plan.events);
    let dry = store.collect_garbage(true, &me(), At(0)).expect("dry run");
    assert!(body(&store, event).is_some(), "a dry run took the bytes");
    let collected = store.collect_garbage(false, &me(), At(0)).expect("collect");
    assert_eq!((collected.bodies, collected.bytes), (dry.bodies, dry.bytes));
    // The delivery and five results.
    assert_eq!(collected.bodies, 6);
    assert_eq!(body(&store, event), None);
    assert_eq!(store.kept(event).expect("kept").expired_at, Some(late));
    // What was decided on is still there, and so is the delivery's key.
    let assessment = store.assessments(Some(case), None, 1).expect("assessments").remove(0);
    assert!(store.blob(assessment.body).expect("blob").is_some(), "the assessment is gone");
    assert!(store.accept(arrival("key 1", &bytes(1, 5000)), late).expect("again").duplicate);
    // Nothing can be done any more that needs the bytes.
    for error in [store.enqueue(Subject::Event(event), Step::Document, &me(), late).map(drop), store.hold(event, "too late", &me(), late)] {
        assert!(matches!(&error, Err(WriteError::Refused(why)) if why.contains("given up by retention")), "{error:?}");
    }
    assert_eq!(store.expire(A_MONTH, &me(), late).expect("again").events, [], "it went twice");
    sound(&store);
    drop(store);
    let store = Store::open(dir.path()).expect("reopen");
    assert_eq!(store.kept(event).expect("kept").expired_at, Some(late));
    sound(&store);
}

#[test]
fn a_hold_and_a_person_who_must_look_keep_an_event() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let held = accept(&store, 1, 100, At(0)).event;
    let lease = store.claim("w", At(0)).expect("claim").expect("job");
    store.finish(&lease, Outcome::Dead { reason: "hopeless".to_owned() }, Effects::default(), At(0)).expect("finish");
    let dead = lease.job.id;
    accept(&store, 2, 100, At(0));
    let lease = store.claim("w", At(0)).expect("claim").expect("job");
    store.finish(&lease, Outcome::Review { reason: "two dates".to_owned() }, Effects::default(), At(0)).expect("finish");
    assert!(matches!(store.hold(held, "  ", &me(), At(1)), Err(WriteError::Refused(_))), "a hold without a reason");
    assert!(matches!(store.hold(EventId(99), "x", &me(), At(1)), Err(WriteError::Refused(_))), "a hold on nothing");
    store.hold(held, "case 12 of the court", &me(), At(1)).expect("hold");
    assert!(matches!(store.hold(held, "again", &me(), At(2)), Err(WriteError::Refused(why)) if why.contains("case 12 of the court")));
    let late = At(1000 * DAY);
    let found = store.expire(A_MONTH, &me(), late).expect("expire");
    assert_eq!(found.events, []);
    assert_eq!(found.staying, BTreeMap::from([("a job waits for a person".to_owned(), 1), ("held".to_owned(), 1)]));
    assert_eq!(store.holds(None, 10).expect("holds").iter().map(|hold| (hold.event, hold.at)).collect::<Vec<_>>(), [(held, At(1))]);
    store.release(held, &me(), late).expect("release");
    assert!(matches!(store.release(held, &me(), late), Err(WriteError::Refused(_))));
    assert_eq!(store.expire(A_MONTH, &me(), late).expect("expire").events.len(), 1);
    // The dead letter can no longer be retried.
    assert!(matches!(store.settle(dead, JobState::Ready, None, &me(), late), Err(WriteError::Refused(why)) if why.contains("given up")));
    sound(&store);
}

#[test]
fn the_size_rule_takes_the_oldest_until_it_is_met() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    for number in 0..10 {
        let taken = store.accept(
            lastbuy::domain::event::Arrival { ignored: Some("noise".to_owned()), ..arrival(&number.to_string(), &bytes(number, 1000)) },
            At(1),
        );
        taken.expect("accept");
    }
    let most = Retention { days: None, bytes: Some(4500) };
    let found = store.expire(most, &me(), At(2)).expect("expire");
    assert_eq!(found.events.iter().map(|event| event.event.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert!(found.events.iter().all(|event| event.rule == "size"));
    assert_eq!(store.expire(most, &me(), At(3)).expect("expire").events, []);
    assert_eq!(store.expire(Retention::default(), &me(), At(i64::MAX)).expect("off").events, [], "retention that is off took something");
}

#[test]
fn bytes_that_another_event_needs_stay_and_the_room_of_the_others_is_given_back() {
    let dir = tempfile::tempdir().expect("folder");
    let large = 2 << 20;
    let ignored = |key: &str, body: &[u8]| lastbuy::domain::event::Arrival { ignored: Some("noise".to_owned()), ..arrival(key, body) };
    let store = Store::open(dir.path()).expect("open");
    let old = store.accept(ignored("old", &bytes(1, 4000)), At(0)).expect("accept").event;
    let file = store.accept(ignored("file", &bytes(2, large)), At(0)).expect("accept").event;
    let shared = store.accept(ignored("again", &bytes(1, 4000)), At(100 * DAY)).expect("accept").event;
    store.accept(ignored("a third", &bytes(3, 4000)), At(0)).expect("accept");
    assert_eq!(store.expire(A_MONTH, &me(), At(101 * DAY)).expect("expire").events.len(), 3);
    assert!(occupied(dir.path()) > large as u64);
    let dry = store.collect_garbage(true, &me(), At(0)).expect("dry run");
    let collected = store.collect_garbage(false, &me(), At(0)).expect("collect");
    assert_eq!(collected, dry);
    assert_eq!((collected.bodies, collected.bytes, collected.freed_bytes), (2, large as u64 + 4000, large as u64 + 4000), "{collected:?}");
    assert!(occupied(dir.path()) < 100_000, "{} bytes are still taken", occupied(dir.path()));
    assert_eq!(body(&store, file), None);
    assert_eq!(body(&store, shared), Some(bytes(1, 4000)));
    assert_eq!(store.kept(old).expect("kept").expired_at, Some(At(101 * DAY)));
    store.expire(A_MONTH, &me(), At(200 * DAY)).expect("expire");
    let collected = store.collect_garbage(false, &me(), At(0)).expect("collect");
    assert_eq!((collected.bodies, collected.freed_bytes), (1, 4000), "{collected:?}");
    sound(&store);
    store.accept(ignored("and now a new one of the same bytes", &bytes(1, 4000)), At(300 * DAY)).expect("accept");
    assert_eq!(store.blob(store.events(None, 1).expect("events")[0].body).expect("blob"), Some(bytes(1, 4000)));
    sound(&store);
}

#[test]
fn a_collection_never_takes_bytes_that_arrive_while_it_runs() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let ignored = |key: String, body: &[u8]| lastbuy::domain::event::Arrival { ignored: Some("noise".to_owned()), ..arrival(&key, body) };
    let stop = Arc::new(AtomicBool::new(false));
    let sent: usize = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
                // Few different bodies, so that most deliveries only refer to bytes that are there, or were a moment ago.
                scope.spawn(move || {
                    let mut sent = 0;
                    while !stop.load(Ordering::Acquire) {
                        let number = sent as u64 % 7;
                        let length = if number == 0 { 2 << 20 } else { 3000 };
                        store.accept(ignored(format!("{sender} {sent}"), &bytes(number, length)), At(sent as i64)).expect("accept");
                        sent += 1;
                    }
                    sent
                })
            })
            .collect();
        for round in 0..25 {
            std::thread::sleep(std::time::Duration::from_millis(20));
            store.expire(Retention { days: None, bytes: Some(0) }, &me(), At(round)).expect("expire");
            store.collect_garbage(false, &me(), At(0)).expect("collect");
        }
        stop.store(true, Ordering::Release);
        senders.into_iter().map(|sender| sender.join().expect("sender")).sum()
    });
    assert!(sent > 50, "only {sent} deliveries met a collection");
    for event in store.events(None, limits::LIST_ROWS_MAX).expect("events") {
        if store.kept(event.id).expect("kept").expired_at.is_none() {
            assert!(store.blob(event.body).expect("blob").is_some(), "the bytes of {} are gone", event.id);
        }
    }
    sound(&store);
}

#[derive(Debug, Clone)]
enum Doing {
    Accept(u8),
    Hold(u8),
    Release(u8),
    Expire,
    Collect,
    Compact,
}

fn doing() -> impl Strategy<Value = Doing> {
    prop_oneof![
        5 => (0..6_u8).prop_map(Doing::Accept),
        1 => (0..12_u8).prop_map(Doing::Hold),
        1 => (0..12_u8).prop_map(Doing::Release),
        2 => Just(Doing::Expire),
        2 => Just(Doing::Collect),
        1 => Just(Doing::Compact),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if std::env::var_os("LASTBUY_SOAK").is_some() { 300 } else { 8 }, ..ProptestConfig::default() })]

    /// In whatever order things are done: an event's bytes are there until it expired, and a held one never expires.
    #[test]
    fn needed_bytes_survive_any_order_of_acts(acts in prop::collection::vec(doing(), 1..30)) {
        let dir = tempfile::tempdir().expect("folder");
        let mut store = Store::open(dir.path()).expect("open");
        let mut held: BTreeMap<u64, bool> = BTreeMap::new();
        for (at, act) in acts.into_iter().enumerate() {
            let now = At(at as i64 * DAY);
            match act {
                Doing::Accept(number) => {
                    let length = if number == 0 { 2 << 20 } else { 2000 };
                    let arrival = arrival(&format!("{number} {at}"), &bytes(u64::from(number), length));
                    let taken = store.accept(lastbuy::domain::event::Arrival { ignored: Some("noise".to_owned()), ..arrival }, now).expect("accept");
                    held.insert(taken.event.0, false);
                }
                Doing::Hold(id) => if store.hold(EventId(u64::from(id)), "why", &me(), now).is_ok() { held.insert(u64::from(id), true); },
                Doing::Release(id) => if store.release(EventId(u64::from(id)), &me(), now).is_ok() { held.insert(u64::from(id), false); },
                Doing::Expire => {
                    let gone = store.expire(Retention { days: Some(5), bytes: None }, &me(), now).expect("expire");
                    for event in gone.events {
                        prop_assert!(!held[&event.event.0], "{} was held", event.event);
                        prop_assert!(now.0 - event.received_at.0 > 5 * DAY);
                    }
                }
                Doing::Collect => drop(store.collect_garbage(false, &me(), At(0)).expect("collect")),
                Doing::Compact => {
                    store.close().expect("close");
                    drop(store);
                    Store::compact(dir.path(), &me(), At(9), &mut |_| {}).expect("compact");
                    store = Store::open(dir.path()).expect("reopen");
                }
            }
            for id in held.keys() {
                let there = body(&store, EventId(*id));
                if store.kept(EventId(*id)).expect("kept").expired_at.is_none() {
                    prop_assert!(there.is_some(), "the bytes of E-{} are gone", id);
                }
            }
        }
        let check = store.check(true).expect("check");
        prop_assert!(check.problems.is_empty(), "{:?}", check.problems);
    }
}
