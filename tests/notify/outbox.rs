//! The outbox alone, on injected time.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use jiff::civil::{date, time};
use lastbuy::{
    domain::{
        id::{CaseId, MessageId},
        job::JobState,
        message::{Happened, Message, MessageState, On, Severity},
        rule::{Quiet, Rule, Rules},
        time::At,
    },
    limits,
    store::{CaseWrite, Delivery, Effects, MessageFilter, MessageLease, Options, Outcome, Store, WriteError},
};

use crate::stored::{DAY, accept, case, decide, me, sound, work_off};

/// Noon of a working day, in UTC.
const NOON: At = At(1_795_608_000_000);

fn everything_to(destinations: &[&str]) -> Rules {
    let rule = Rule {
        name: "all".to_owned(),
        on: On::RULED.to_vec(),
        min_severity: Severity::Info,
        min_at_risk: None,
        escalate_days: vec![60, 30, 7],
        to: destinations.iter().map(|name| (*name).to_owned()).collect(),
    };
    Rules { rules: vec![rule], ..Rules::default() }
}

fn open(dir: &Path, rules: &Rules) -> Arc<Store> {
    Store::open_with(dir, Options { rules: rules.clone(), ..Options::default() }).expect("open")
}

fn all(store: &Store) -> Vec<Message> {
    let mut messages = store.messages(&MessageFilter::default(), None, 1000).expect("messages");
    messages.reverse();
    messages
}

fn told(store: &Store) -> Vec<(String, String)> {
    all(store).iter().map(|message| (message.happened.on().as_str().to_owned(), message.happened.object())).collect()
}

fn claim(store: &Store, destination: &str, now: At) -> Option<MessageLease> {
    store.claim_message(destination, now).expect("claim")
}

fn failed() -> Delivery {
    Delivery::Failed { error: "answered 500".to_owned(), wait_ms: None }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(on, object)| ((*on).to_owned(), (*object).to_owned())).collect()
}

#[test]
fn nobody_is_told_of_anything_without_a_rule() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    accept(&store, 1, 100, NOON);
    work_off(&store, 1, NOON);
    assert_eq!(all(&store), Vec::new());
    sound(&store);
}

#[test]
fn a_message_comes_with_its_cause_and_only_once() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path(), &everything_to(&["ops", "boss"]));
    accept(&store, 1, 100, NOON);
    let case = work_off(&store, 7, NOON);
    let expected = pairs(&[("case_opened", "C-1"), ("case_opened", "C-1"), ("assessment_changed", "C-1"), ("assessment_changed", "C-1")]);
    assert_eq!(told(&store), expected);
    let messages = all(&store);
    let Happened::AssessmentChanged { about, before, .. } = &messages[2].happened else { panic!("{:?}", messages[2]) };
    assert_eq!((about.parts, about.mpns.len(), about.last_time_buy), (7, limits::MESSAGE_PARTS_MAX, Some(date(2027, 3, 31))));
    assert_eq!(*before, None);
    // Assessed again to the same end: nobody is told again.
    store.enqueue(lastbuy::domain::job::Subject::Case(case), lastbuy::domain::job::Step::Match, &me(), NOON).expect("enqueue");
    let mut lease = store.claim("worker-1", NOON).expect("claim").expect("job");
    lease.job = store.finish(&lease, Outcome::Advance, Effects::default(), NOON).expect("finish").job.expect("job");
    let row = &store.assessments(Some(case), None, 1).expect("rows")[0];
    let again = lastbuy::store::NewAssessment { case, dataset: row.dataset, as_of: row.as_of, headline: row.headline.clone(), body: b"{}".to_vec() };
    store.finish(&lease, Outcome::Advance, Effects { assessments: vec![again], ..Effects::default() }, NOON).expect("finish");
    assert_eq!(told(&store), expected);
    // A job that waits for a person, is put back, and waits again under another lease.
    accept(&store, 2, 100, NOON);
    for round in 1..=2 {
        let lease = store.claim("worker-1", NOON).expect("claim").expect("job");
        let job = lease.job.id;
        store.finish(&lease, Outcome::Review { reason: "which year?".to_owned() }, Effects::default(), NOON).expect("finish");
        store.settle(job, JobState::Ready, None, &me(), NOON).expect("settle");
        assert_eq!(told(&store).iter().filter(|(on, _)| on == "waits_for_review").count(), 2 * round);
    }
    let lease = store.claim("worker-1", NOON).expect("claim").expect("job");
    store.finish(&lease, Outcome::Dead { reason: "not a notice".to_owned() }, Effects::default(), NOON).expect("finish");
    assert_eq!(told(&store).iter().filter(|(on, _)| on == "dead_letter").count(), 2);
    let before = all(&store);
    sound(&store);
    store.close().expect("close");
    // Made anew from the log, the projections know every message, and which causes were told of.
    std::fs::remove_dir_all(dir.path().join("db")).expect("db");
    let store = open(dir.path(), &everything_to(&["ops", "boss"]));
    assert_eq!(all(&store), before);
    assert_eq!(store.remind(case, 60, 50, NOON).expect("remind").len(), 2);
    assert_eq!(store.remind(case, 60, 49, NOON).expect("remind"), Vec::new());
    store.close().expect("close");
    std::fs::remove_dir_all(dir.path().join("db")).expect("db");
    let store = open(dir.path(), &everything_to(&["ops", "boss"]));
    assert_eq!(store.remind(case, 60, 48, NOON).expect("remind"), Vec::new());
    assert_eq!(store.remind(case, 30, 29, NOON).expect("remind").len(), 2);
    decide(&store, case, NOON);
    assert_eq!(store.remind(case, 7, 5, NOON).expect("remind"), Vec::new(), "somebody decided");
    let keys: std::collections::BTreeSet<String> = all(&store).iter().map(|message| message.stable_id.clone()).collect();
    assert_eq!(keys.len(), all(&store).len(), "each has an id of its own");
    sound(&store);
}

#[test]
fn a_destination_is_served_in_order_and_the_others_do_not_wait_for_it() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path(), &everything_to(&["ops", "boss"]));
    for number in 1..=3 {
        store.put_case(CaseWrite::New(case(&format!("case {number}"), 1)), &me(), NOON).expect("case");
    }
    let first = claim(&store, "ops", NOON).expect("first");
    assert!(claim(&store, "ops", NOON).is_none(), "the first is in hand");
    let Ok(Message { state: MessageState::Scheduled { due }, .. }) = store.settle_message(&first, failed(), NOON) else { panic!("not scheduled") };
    assert!(due.0 - NOON.0 >= limits::MESSAGE_RETRIES_MS[0]);
    assert!(claim(&store, "ops", due.plus_ms(-1)).is_none(), "the later ones wait for the first");
    let mut went = Vec::new();
    while let Some(lease) = claim(&store, "boss", NOON) {
        store.settle_message(&lease, Delivery::Taken, NOON).expect("settle");
        went.push(lease.message.happened.object());
    }
    assert_eq!(went, ["C-1", "C-2", "C-3"]);
    let mut went = Vec::new();
    while let Some(lease) = claim(&store, "ops", due) {
        if went.is_empty() {
            assert_eq!(lease.message.stable_id, first.message.stable_id);
            assert_eq!(lease.message.errors.len(), 1);
            let late = store.settle_message(&first, Delivery::Taken, due);
            assert!(matches!(late, Err(WriteError::Stale(_))), "the older lease is over: {late:?}");
        }
        store.settle_message(&lease, Delivery::Taken, due).expect("settle");
        went.push(lease.message.happened.object());
    }
    assert_eq!(went, ["C-1", "C-2", "C-3"]);
    assert_eq!(store.message_counts(), BTreeMap::from([("delivered".to_owned(), 6)]));
    sound(&store);
}

#[test]
fn attempts_end_in_a_dead_letter_that_a_person_retries() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path(), &everything_to(&["ops"]));
    store.put_case(CaseWrite::New(case("case", 1)), &me(), NOON).expect("case");
    let (mut now, mut attempts) = (NOON, 0);
    while let Some(lease) = claim(&store, "ops", now) {
        attempts += 1;
        let message =
            store.settle_message(&lease, Delivery::Failed { error: format!("error {attempts}"), wait_ms: Some(20_000) }, now).expect("settle");
        if let MessageState::Scheduled { due } = message.state {
            assert!(due.0 >= now.0 + 20_000);
            now = due;
        }
    }
    assert_eq!(attempts, limits::MESSAGE_RETRIES_MS.len() + 1);
    let dead = store.message(MessageId(1)).expect("message").expect("there");
    assert!(matches!(&dead.state, MessageState::Dead { reason } if reason.contains("error 10")), "{dead:?}");
    assert_eq!(dead.errors.iter().map(|attempt| attempt.error.as_str()).collect::<Vec<_>>()[8..], ["error 9", "error 10"]);
    let filter = MessageFilter { state: Some("dead".to_owned()), destination: None };
    assert_eq!(store.messages(&filter, None, 10).expect("dead").len(), 1);
    store.retry_message(MessageId(1), &me(), now).expect("retry");
    assert!(store.retry_message(MessageId(1), &me(), now).is_err(), "it goes out already");
    let lease = claim(&store, "ops", now).expect("again");
    assert_eq!((lease.message.stable_id.clone(), lease.message.attempts), (dead.stable_id, 0));
    store.settle_message(&lease, Delivery::Taken, now).expect("settle");
    assert!(store.retry_message(MessageId(1), &me(), now).is_err(), "it was delivered");
    sound(&store);
}

#[test]
fn a_receiver_that_is_gone_gets_nothing_more_until_a_person_says_so() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path(), &everything_to(&["ops"]));
    for number in 1..=3 {
        store.put_case(CaseWrite::New(case(&format!("case {number}"), 1)), &me(), NOON).expect("case");
    }
    let lease = claim(&store, "ops", NOON).expect("first");
    store.settle_message(&lease, Delivery::Gone { error: "answered 410".to_owned() }, NOON).expect("settle");
    assert!(claim(&store, "ops", NOON).is_none());
    assert_eq!(store.message_counts(), BTreeMap::from([("dead".to_owned(), 3)]));
    assert_eq!(store.disabled_destinations().expect("disabled").len(), 1);
    store.close().expect("close");
    drop(store);
    let store = open(dir.path(), &everything_to(&["ops"]));
    assert_eq!(store.disabled_destinations().expect("disabled")[0].destination, "ops");
    store.test_message("ops", &me(), NOON).expect("test");
    let test = claim(&store, "ops", NOON).expect("the test goes out");
    assert_eq!(test.message.happened.on(), On::Test);
    assert!(store.disabled_destinations().expect("disabled").is_empty());
    sound(&store);
}

#[test]
fn quiet_hours_hold_back_what_can_wait() {
    let dir = tempfile::tempdir().expect("folder");
    let quiet = Quiet { from: time(20, 0, 0, 0), to: time(6, 0, 0, 0), weekends: false, zone: jiff::tz::TimeZone::UTC };
    let rules = Rules { quiet: BTreeMap::from([("ops".to_owned(), quiet)]), ..everything_to(&["ops"]) };
    let store = open(dir.path(), &rules);
    let (night, morning) = (NOON.plus_ms(10 * 3_600_000), NOON.plus_ms(18 * 3_600_000));
    store.put_case(CaseWrite::New(case("case", 1)), &me(), night).expect("case");
    assert_eq!(all(&store)[0].state, MessageState::Deferred { due: morning });
    assert!(claim(&store, "ops", night).is_none());
    store.remind(CaseId(1), 7, 5, night).expect("remind");
    let critical = claim(&store, "ops", night).expect("goes out at night");
    assert_eq!(critical.message.severity, Severity::Critical);
    store.settle_message(&critical, Delivery::Taken, night).expect("settle");
    sound(&store);
    assert!(claim(&store, "ops", morning.plus_ms(-1)).is_none());
    let held = claim(&store, "ops", morning).expect("goes out in the morning");
    assert_eq!(held.message.happened.on(), On::CaseOpened);
    sound(&store);
}

#[test]
fn what_was_in_hand_goes_out_again_after_a_start_or_a_lapsed_lease() {
    let dir = tempfile::tempdir().expect("folder");
    let store = open(dir.path(), &everything_to(&["ops"]));
    store.put_case(CaseWrite::New(case("case", 1)), &me(), NOON).expect("case");
    let first = claim(&store, "ops", NOON).expect("first");
    let second = claim(&store, "ops", NOON.plus_ms(limits::MESSAGE_LEASE_MS)).expect("lapsed");
    assert_eq!((second.message.id, second.epoch), (first.message.id, first.epoch + 1));
    assert!(store.settle_message(&first, Delivery::Taken, NOON).is_err());
    store.close().expect("close");
    drop(store);
    let store = open(dir.path(), &everything_to(&["ops"]));
    let third = claim(&store, "ops", NOON).expect("rescued");
    assert_eq!(third.message.stable_id, first.message.stable_id);
    assert!(third.message.errors.is_empty(), "no attempt is counted");
    store.settle_message(&third, Delivery::Release, NOON).expect("handed back");
    assert_eq!(store.bury_messages_except(&["boss".to_owned()], NOON.plus_ms(DAY)).expect("bury"), 1);
    assert!(matches!(&all(&store)[0].state, MessageState::Dead { reason } if reason.contains("'ops'")));
    sound(&store);
}

#[test]
fn a_digest_tells_once_of_what_waited_and_holds_back_nothing_critical() {
    let dir = tempfile::tempdir().expect("folder");
    let digest = lastbuy::domain::rule::Digest { hour: time(7, 0, 0, 0), zone: jiff::tz::TimeZone::UTC };
    let rules = Rules { digests: BTreeMap::from([("ops".to_owned(), digest)]), ..everything_to(&["ops", "boss"]) };
    let morning = NOON.plus_ms(19 * 3_600_000);
    let mut store = open(dir.path(), &rules);
    // A start between any two steps, with projections made anew from the log.
    let again = |store: &mut Arc<Store>| {
        store.close().expect("close");
        let empty = open(tempfile::tempdir().expect("folder").path(), &rules);
        drop(std::mem::replace(store, empty));
        std::fs::remove_dir_all(dir.path().join("db")).expect("db");
        *store = open(dir.path(), &rules);
        sound(store);
    };
    for number in 1..=3 {
        store.put_case(CaseWrite::New(case(&format!("case {number}"), 1)), &me(), NOON).expect("case");
    }
    store.remind(CaseId(2), 7, 5, NOON).expect("remind");
    let critical = claim(&store, "ops", NOON).expect("at once");
    assert_eq!((critical.message.severity, critical.message.happened.on()), (Severity::Critical, On::LastTimeBuyNears));
    store.settle_message(&critical, Delivery::Taken, NOON).expect("settle");
    assert!(claim(&store, "ops", morning.plus_ms(-1)).is_none(), "the rest waits");
    assert_eq!(claim(&store, "boss", NOON).expect("one by one").message.happened.on(), On::CaseOpened, "who wants no digest does not wait");
    again(&mut store);
    let lease = claim(&store, "ops", morning).expect("the digest");
    let Happened::Digest { of } = &lease.message.happened else { panic!("{:?}", lease.message) };
    let objects: Vec<String> = of.iter().map(|gathered| gathered.happened.object()).collect();
    assert_eq!((objects.join(" ").as_str(), lease.message.severity, lease.message.rule.as_str()), ("C-1 C-2 C-3", Severity::Info, "digest"));
    for gathered in of {
        let message = store.message(gathered.message).expect("read").expect("there");
        assert_eq!(message.state, MessageState::Gathered { into: lease.message.id });
        assert!(store.retry_message(message.id, &me(), morning).is_err_and(|error| error.to_string().contains("digest")));
    }
    // Its sender is killed, and so is the next: the same digest, and no other.
    again(&mut store);
    let lease = claim(&store, "ops", morning).expect("the same");
    assert_eq!(of.len(), 3);
    let text = lastbuy::notify::Text::of(&lease.message, lastbuy::domain::destination::Language::De);
    assert!(text.title.contains("3 Ereignisse") && text.facts.len() == 4, "{text:?}");
    assert!(text.facts[0].0.contains("Neuer Fall: C-1") && text.facts[0].1.contains("31.03.2027"), "{text:?}");
    store.settle_message(&lease, failed(), morning).expect("settle");
    let later = morning.plus_ms(DAY / 24);
    let lease = claim(&store, "ops", later).expect("again after an error");
    store.settle_message(&lease, Delivery::Taken, later).expect("settle");
    again(&mut store);
    assert!(claim(&store, "ops", later.plus_ms(DAY * 3)).is_none(), "nothing is told twice");
    // One alone goes out as itself; more than a digest holds make a second.
    store.put_case(CaseWrite::New(case("case 4", 1)), &me(), later).expect("case");
    let alone = claim(&store, "ops", later.plus_ms(DAY)).expect("alone");
    assert_eq!((alone.message.happened.on(), alone.message.happened.object()), (On::CaseOpened, "C-4".to_owned()));
    store.settle_message(&alone, Delivery::Taken, later.plus_ms(DAY)).expect("settle");
    for number in 0..limits::DIGEST_MESSAGES_MAX + 2 {
        store.put_case(CaseWrite::New(case(&format!("many {number}"), 1)), &me(), later.plus_ms(DAY)).expect("case");
    }
    let (mut told, mut digests, at) = (0, 0, later.plus_ms(DAY * 2));
    while let Some(lease) = claim(&store, "ops", at) {
        let Happened::Digest { of } = &lease.message.happened else { panic!("{:?}", lease.message) };
        (told, digests) = (told + of.len(), digests + 1);
        store.settle_message(&lease, Delivery::Taken, at).expect("settle");
    }
    assert_eq!((told, digests), (limits::DIGEST_MESSAGES_MAX + 2, 2));
    sound(&store);
}
