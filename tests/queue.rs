//! Who gets which job and when: turns of the sources, priorities, limits per step, what waits, what lapses, what is cancelled, and which deliveries are known.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use lastbuy::{
    domain::{
        event::{Arrival, Digest},
        id::{EventId, JobId},
        job::{AtOnce, JobState, Pins, Priority, Step, Subject},
        time::At,
    },
    limits,
    store::{Accepted, Actor, Effects, JobFilter, Lease, Options, Order, Outcome, Store, WriteError},
};
use proptest::prelude::*;

const DAY_MS: i64 = 24 * 3600 * 1000;

fn arrival(source: &str, number: usize) -> Arrival {
    let body = format!("{source} {number}").into_bytes();
    Arrival {
        source: source.parse().expect("source"),
        content_type: "text/plain".to_owned(),
        file_name: None,
        dedupe_key: Digest::of(&body),
        headers: Vec::new(),
        body: body.into(),
        ignored: None,
    }
}

fn opened(dir: &Path, options: Options) -> Arc<Store> {
    Store::open_with(dir, options).expect("open")
}

fn take(store: &Store, source: &str, number: usize) -> Accepted {
    store.accept(arrival(source, number), At(0)).expect("accept")
}

fn claim(store: &Store, now: At) -> Option<Lease> {
    store.claim("w", now).expect("claim")
}

fn end(store: &Store, lease: &Lease, outcome: Outcome, now: At) {
    store.finish(lease, outcome, Effects::default(), now).expect("finish");
}

fn dead() -> Outcome {
    Outcome::Dead { reason: "enough".to_owned() }
}

fn me() -> Actor {
    Actor("me".to_owned())
}

fn sound(store: &Store) {
    let check = store.check(true).expect("check");
    assert!(check.problems.is_empty(), "{:?}", check.problems);
}

#[test]
fn a_noisy_source_does_not_starve_the_others() {
    let dir = tempfile::tempdir().expect("folder");
    let store = opened(dir.path(), Options::default());
    for number in 0..40 {
        take(&store, "generic", number);
    }
    for number in 0..3 {
        take(&store, "email", number);
    }
    for number in 0..2 {
        take(&store, "siliconexpert", number);
    }
    let served: Vec<(String, u64)> = std::iter::from_fn(|| {
        let lease = claim(&store, At(1))?;
        end(&store, &lease, dead(), At(1));
        Some((lease.job.source.to_string(), lease.job.id.0))
    })
    .collect();
    let sources: Vec<&str> = served.iter().take(8).map(|(source, _)| source.as_str()).collect();
    assert_eq!(sources, ["email", "generic", "siliconexpert", "email", "generic", "siliconexpert", "email", "generic"]);
    assert_eq!(served.len(), 45);
    for source in ["generic", "email", "siliconexpert"] {
        let ids: Vec<u64> = served.iter().filter(|(of, _)| of == source).map(|(_, id)| *id).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{source} was not served in order: {ids:?}");
    }
    sound(&store);
}

#[test]
fn what_a_person_waits_for_goes_first_and_what_nobody_waits_for_last() {
    let dir = tempfile::tempdir().expect("folder");
    let store = opened(dir.path(), Options::default());
    let first = take(&store, "generic", 1);
    let order = |priority| Order { priority, ..Order::now(Subject::Event(first.event), Step::Document) };
    let made = store.submit(&[order(Priority::Background), order(Priority::Asked)], &me(), At(1)).expect("submit");
    let [Ok(background), Ok(asked)] = made.as_slice() else { panic!("{made:?}") };
    let served: Vec<JobId> = std::iter::from_fn(|| claim(&store, At(2)).map(|lease| lease.job.id)).collect();
    assert_eq!(served, [*asked, first.job.expect("job"), *background]);
}

#[test]
fn a_step_takes_no_more_than_it_may() {
    let dir = tempfile::tempdir().expect("folder");
    let store = opened(dir.path(), Options { at_once: AtOnce(BTreeMap::from([(Step::Reading, 1)])), ..Options::default() });
    let jobs: Vec<JobId> = (0..3).map(|number| take(&store, "generic", number).job.expect("job")).collect();
    let next = |lease: &Lease| store.finish(lease, Outcome::Advance, Effects::default(), At(1)).expect("finish").job.expect("job");
    let mut reads = claim(&store, At(1)).expect("job");
    reads.job = next(&reads);
    assert!(matches!((&reads.job.state, reads.job.step), (JobState::Leased { .. }, Step::Reading)), "{:?}", reads.job);
    // The step is full: the second job stands in line for it with its lease given back, and the third goes on where there is room.
    let second = claim(&store, At(1)).expect("job");
    let waiting = next(&second);
    assert_eq!((waiting.id, waiting.step, &waiting.state), (jobs[1], Step::Reading, &JobState::Ready));
    assert!(matches!(store.finish(&second, Outcome::Advance, Effects::default(), At(1)), Err(WriteError::Stale(_))));
    let third = claim(&store, At(1)).expect("the third is not kept from its document");
    assert_eq!(third.job.id, jobs[2]);
    assert!(claim(&store, At(1)).is_none(), "the step took two");
    next(&third);
    assert!(claim(&store, At(1)).is_none(), "the step took two");
    reads.job = next(&reads);
    assert_eq!(claim(&store, At(1)).map(|lease| (lease.job.id, lease.job.step, lease.job.attempts)), Some((jobs[1], Step::Reading, 0)));
    sound(&store);
    // The count of a step is of the log, not of this process: held jobs free it when they are rescued.
    drop(store);
    let store = opened(dir.path(), Options { at_once: AtOnce(BTreeMap::from([(Step::Reading, 1)])), ..Options::default() });
    let again: Vec<(JobId, Step)> = std::iter::from_fn(|| claim(&store, At(2)).map(|lease| (lease.job.id, lease.job.step))).collect();
    assert_eq!(again, [(jobs[0], Step::Case), (jobs[1], Step::Reading)]);
}

#[test]
fn a_snoozed_job_waits_without_an_attempt_and_a_scheduled_one_for_its_time() {
    let dir = tempfile::tempdir().expect("folder");
    let store = opened(dir.path(), Options::default());
    let event = take(&store, "generic", 1).event;
    let lease = claim(&store, At(0)).expect("job");
    end(&store, &lease, Outcome::Snooze { until: At(60_000), reason: "the model is busy".to_owned() }, At(0));
    let job = store.job(lease.job.id).expect("read").expect("job");
    assert_eq!((&job.state, job.attempts), (&JobState::Scheduled { due: At(60_000), reason: "the model is busy".to_owned() }, 0));
    assert!(claim(&store, At(59_999)).is_none());
    let lease = claim(&store, At(60_000)).expect("due");
    assert_eq!((lease.job.attempts, lease.job.errors.len()), (0, 0));
    // Neither a spin nor out of sight for good.
    for (until, due) in [(At(0), 60_000 + limits::SNOOZE_MS_MIN), (At(i64::MAX), 60_000 + limits::SNOOZE_MS_MAX)] {
        let lease = claim(&store, At(60_000)).unwrap_or_else(|| lease.clone());
        end(&store, &lease, Outcome::Snooze { until, reason: String::new() }, At(60_000));
        let state = store.job(lease.job.id).expect("read").expect("job").state;
        assert!(matches!(state, JobState::Scheduled { due: at, .. } if at == At(due)), "{state:?}");
        store.settle(lease.job.id, JobState::Ready, None, &me(), At(60_000)).expect("a person does not wait");
    }
    let lease = claim(&store, At(60_000)).expect("job");
    end(&store, &lease, dead(), At(60_000));
    let tonight = Order { not_before: Some(At(DAY_MS)), ..Order::now(Subject::Event(event), Step::Document) };
    let Ok(id) = store.submit(&[tonight], &me(), At(60_000)).expect("submit").remove(0) else { panic!("refused") };
    assert!(claim(&store, At(DAY_MS - 1)).is_none());
    assert_eq!(claim(&store, At(DAY_MS)).expect("due").job.id, id);
    sound(&store);
}

#[test]
fn what_is_due_and_what_lapsed_does_not_wait_for_the_line_to_run_dry() {
    let dir = tempfile::tempdir().expect("folder");
    let store = opened(dir.path(), Options::default());
    let lost = take(&store, "generic", 0).job.expect("job");
    let slow = claim(&store, At(0)).expect("job");
    let retried = take(&store, "generic", 1).job.expect("job");
    let failed = claim(&store, At(0)).expect("job");
    end(&store, &failed, Outcome::Failed { error: "once".to_owned() }, At(0));
    for number in 2..30 {
        take(&store, "generic", number);
    }
    let late = At(limits::LEASE_MS + 1);
    let served: Vec<JobId> = (0..2).map(|_| claim(&store, late).expect("job").job.id).collect();
    assert_eq!(served, [lost, retried], "the oldest of the source come first, whatever they waited for");
    assert!(matches!(store.finish(&slow, Outcome::Advance, Effects::default(), late), Err(WriteError::Stale(_))));
    sound(&store);
}

#[test]
fn a_job_in_hand_is_cancelled_and_what_it_finishes_is_refused() {
    let dir = tempfile::tempdir().expect("folder");
    let store = opened(dir.path(), Options::default());
    take(&store, "generic", 1);
    let lease = claim(&store, At(0)).expect("job");
    let to = JobState::Cancelled { reason: "sent by mistake".to_owned() };
    store.settle(lease.job.id, to.clone(), None, &me(), At(1)).expect("cancel");
    assert!(matches!(store.extend(&lease, At(2)), Err(WriteError::Stale(_))));
    let effects = Effects { result: Some(b"{}".to_vec()), ..Effects::default() };
    assert!(matches!(store.finish(&lease, Outcome::Advance, effects, At(2)), Err(WriteError::Stale(_))));
    let job = store.job(lease.job.id).expect("read").expect("job");
    assert_eq!((job.state, job.results.len()), (to, 0));
    assert!(claim(&store, At(limits::LEASE_MS * 2)).is_none(), "a cancelled job came back");
    assert!(matches!(store.settle(lease.job.id, JobState::Ready, None, &me(), At(3)), Err(WriteError::Refused(_))));
    sound(&store);
}

#[test]
fn a_delivery_is_known_again_for_as_long_as_the_site_says() {
    let dir = tempfile::tempdir().expect("folder");
    let store = opened(dir.path(), Options { keys_kept_days: 2, ..Options::default() });
    let at = |days: i64| At(days * DAY_MS);
    let first = store.accept(arrival("generic", 0), at(0)).expect("accept");
    for number in 1..=450 {
        store.accept(arrival("generic", number), at(1)).expect("accept");
    }
    assert!(!store.forget_keys(at(2)).expect("sweep"), "a key was forgotten that is not older than two days");
    assert!(store.accept(arrival("generic", 0), at(2)).expect("accept").duplicate);
    assert!(store.forget_keys(At(at(2).0 + 1)).expect("sweep"));
    let again = store.accept(arrival("generic", 0), At(at(2).0 + 2)).expect("accept");
    assert_eq!((again.event, again.duplicate), (EventId(452), false));
    // A few at a time, and the key that the later delivery took over is the later one's.
    let rounds = std::iter::from_fn(|| store.forget_keys(At(at(3).0 + 1)).expect("sweep").then_some(())).count();
    assert_eq!(rounds, 450_usize.div_ceil(limits::KEYS_FORGOTTEN_MAX));
    let known = store.accept(arrival("generic", 0), at(4)).expect("accept");
    assert_eq!((known.event, known.duplicate), (again.event, true));
    assert!(!store.accept(arrival("generic", 7), at(4)).expect("accept").duplicate);
    assert!(store.event(first.event).expect("read").is_some(), "the event itself stays");
    sound(&store);
    drop(store);
    sound(&opened(dir.path(), Options::default()));
}

#[test]
fn orders_are_made_each_or_told_why_not() {
    let dir = tempfile::tempdir().expect("folder");
    let store = opened(dir.path(), Options::default());
    let event = take(&store, "generic", 1).event;
    let order = |subject, from| Order::now(subject, from);
    let model = Pins { model: Some("00".repeat(32)), dataset: None };
    let orders = [
        order(Subject::Event(event), Step::Document),
        order(Subject::Event(EventId(99)), Step::Document),
        order(Subject::Event(event), Step::Impact),
        Order { pins: model, ..order(Subject::Event(event), Step::Case) },
    ];
    for (order, says) in orders.iter().zip(["", "not in the log", "no result of step document", "read again"]) {
        let planned = store.plan(order, At(1)).expect("plan");
        assert!(planned.as_ref().err().is_none_or(|why| !says.is_empty() && why.contains(says)), "{planned:?}");
    }
    assert_eq!(store.jobs(&JobFilter::default(), None, 10).expect("jobs").len(), 1, "a plan was carried out");
    let made = store.submit(&orders, &me(), At(1)).expect("submit");
    assert_eq!(made.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, false]);
    assert_eq!(store.jobs(&JobFilter::default(), None, 10).expect("jobs").len(), 2);
}

/// A doubtful result is not taken over until a person resolved it.
#[test]
fn a_replay_takes_over_what_passed_and_nothing_else() {
    let dir = tempfile::tempdir().expect("folder");
    let store = opened(dir.path(), Options::default());
    let event = take(&store, "generic", 1).event;
    let mut lease = claim(&store, At(1)).expect("job");
    let result = |text: &str| Effects { result: Some(text.as_bytes().to_vec()), ..Effects::default() };
    lease.job = store.finish(&lease, Outcome::Advance, result("\"text\""), At(1)).expect("finish").job.expect("job");
    store.finish(&lease, Outcome::Review { reason: "two dates".to_owned() }, result("\"doubtful\""), At(1)).expect("finish");
    let again = Order::now(Subject::Event(event), Step::Case);
    assert!(store.plan(&again, At(2)).expect("plan").is_err(), "a doubtful reading was taken over");
    store.settle(lease.job.id, JobState::Ready, Some(b"\"corrected\"".to_vec()), &me(), At(3)).expect("settle");
    let job = store.plan(&again, At(4)).expect("plan").expect("planned");
    assert_eq!(job.result(Step::Reading), Some(Digest::of(b"\"corrected\"")));
    // A later job that came to nothing takes nothing away.
    let later = store.enqueue(Subject::Event(event), Step::Document, &me(), At(5)).expect("enqueue");
    let lease = claim(&store, At(5)).expect("job");
    assert_eq!(lease.job.id, later);
    end(&store, &lease, dead(), At(5));
    assert!(store.plan(&again, At(6)).expect("plan").is_ok());
    sound(&store);
}

#[test]
fn a_claim_costs_the_same_however_long_the_line_is() {
    let lines: [usize; 2] = if std::env::var_os("LASTBUY_SOAK").is_some() { [1_000, 1_000_000] } else { [100, 5_000] };
    let dir = tempfile::tempdir().expect("folder");
    let store = opened(dir.path(), Options::default());
    let events: Vec<EventId> = (0..20).map(|number| take(&store, ["generic", "email", "file"][number % 3], number).event).collect();
    let mut length = 20;
    let cost = lines.map(|line| {
        let orders: Vec<Order> = (length..line).map(|number| Order::now(Subject::Event(events[number % 20]), Step::Document)).collect();
        store.submit(&orders, &me(), At(1)).expect("submit");
        length = line;
        // The least of many is the cost without the noise of the machine.
        let least = (0..40)
            .map(|_| {
                let before = Instant::now();
                let lease = claim(&store, At(2)).expect("job");
                end(&store, &lease, dead(), At(2));
                before.elapsed()
            })
            .min();
        least.expect("forty")
    });
    eprintln!("claim to finish: {lines:?} jobs, {cost:?}");
    assert!(cost[1] < cost[0] * 5, "{lines:?} jobs cost {cost:?}");
}

const SOURCES: [&str; 4] = ["a", "a-b", "ab", "b"];

#[derive(Debug, Clone)]
enum Deed {
    Arrive(usize),
    Again(usize, Priority),
    Claim,
    Reopen,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let priority = prop_oneof![Just(Priority::Asked), Just(Priority::Background)];
    let deed = prop_oneof![
        4 => (0..SOURCES.len()).prop_map(Deed::Arrive),
        3 => (0_usize..30, priority).prop_map(|(event, priority)| Deed::Again(event, priority)),
        6 => Just(Deed::Claim),
        1 => Just(Deed::Reopen),
    ];
    proptest::collection::vec(deed, 1..40)
}

/// The order in plain words: the smallest priority; in it the source whose turn it is; of it the oldest.
#[derive(Default)]
struct Line {
    waiting: Vec<(Priority, usize, u64)>,
    served: BTreeMap<Priority, usize>,
}

impl Line {
    fn next(&mut self) -> Option<u64> {
        let priority = self.waiting.iter().map(|job| job.0).min()?;
        let after = self.served.get(&priority).map_or(0, |source| source + 1);
        let source = (0..SOURCES.len())
            .map(|step| (after + step) % SOURCES.len())
            .find(|source| self.waiting.iter().any(|job| (job.0, job.1) == (priority, *source)))?;
        let id = self.waiting.iter().filter(|job| (job.0, job.1) == (priority, source)).map(|job| job.2).min()?;
        self.waiting.retain(|job| job.2 != id);
        self.served.insert(priority, source);
        Some(id)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn jobs_come_in_the_order_the_rules_say(deeds in deeds()) {
        let dir = tempfile::tempdir().expect("folder");
        let mut store = opened(dir.path(), Options::default());
        let mut line = Line::default();
        let mut events = Vec::new();
        for (number, deed) in deeds.into_iter().enumerate() {
            match deed {
                Deed::Arrive(source) => {
                    let taken = take(&store, SOURCES[source], number);
                    line.waiting.push((Priority::Arrived, source, taken.job.expect("job").0));
                    events.push((taken.event, source));
                }
                Deed::Again(event, priority) => {
                    let Some((event, source)) = events.get(event).copied() else { continue };
                    let order = Order { priority, ..Order::now(Subject::Event(event), Step::Document) };
                    let id = store.submit(&[order], &me(), At(1)).expect("submit").remove(0).expect("made");
                    line.waiting.push((priority, source, id.0));
                }
                Deed::Claim => {
                    let lease = claim(&store, At(1));
                    prop_assert_eq!(lease.as_ref().map(|lease| lease.job.id.0), line.next());
                    if let Some(lease) = lease {
                        end(&store, &lease, dead(), At(1));
                    }
                }
                Deed::Reopen => {
                    drop(store);
                    store = opened(dir.path(), Options::default());
                }
            }
        }
        sound(&store);
    }
}
