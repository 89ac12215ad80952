//! The store's promises: reopened, damaged, overtaken. `tests/durability` kills it and cuts its power.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

use std::{collections::BTreeSet, sync::Arc};

use jiff::civil::date;
use lastbuy::{
    domain::{
        case::{Case, CaseState, DatasetRow, Headline},
        event::{Arrival, Digest},
        id::{CaseId, DatasetId},
        job::{JobState, Step, Subject},
        notice::NoticeKind,
        time::At,
    },
    limits,
    store::{Actor, CaseWrite, Effects, JobFilter, NewAssessment, OpenError, Outcome, Store, WriteError},
};

fn arrival(number: usize) -> Arrival {
    let body = format!("{{\"notice\": {number}}}").into_bytes();
    Arrival {
        source: "generic".parse().expect("source"),
        content_type: "application/json".to_owned(),
        file_name: None,
        dedupe_key: Digest::of(&body),
        headers: Vec::new(),
        body: body.into(),
        ignored: None,
    }
}

fn case(key: &str, parts: usize) -> Case {
    let part = |number| lastbuy::domain::case::CasePart {
        mpn: format!("PART-{number:05}"),
        replacement: lastbuy::domain::case::NamedReplacement::Unsaid,
        last_time_buy: Some(date(2027, 3, 31)),
        last_time_ship: None,
    };
    Case {
        id: CaseId(0),
        keys: vec![key.to_owned()],
        kind: NoticeKind::Pdn,
        maker: Some("Acme".to_owned()),
        notice_id: None,
        issue_date: None,
        last_time_buy: None,
        last_time_ship: None,
        parts: (0..parts).map(part).collect(),
        events: Vec::new(),
        made_by: None,
        state: CaseState::Open,
        opened_at: At(0),
        changed_at: At(0),
        latest: None,
        headline: None,
    }
}

fn headline() -> Headline {
    Headline {
        margin_at_risk: None,
        runs_out: None,
        best_answer: None,
        best_cost: None,
        known_parts: 0,
        unknown_parts: 1,
        needs: vec!["look".to_owned()],
    }
}

fn sound(store: &Store) {
    let check = store.check(true).expect("check");
    assert!(check.problems.is_empty(), "{:?}", check.problems);
}

#[test]
fn what_was_accepted_is_there_once_and_after_reopening() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let first = store.accept(arrival(1), At(10)).expect("accept");
    let again = store.accept(arrival(1), At(20)).expect("accept");
    assert_eq!((again.event, again.job, again.duplicate), (first.event, first.job, true));
    let large = Arrival { body: vec![b'x'; (2 << 20) + 5].into(), dedupe_key: Digest::of(b"large"), ..arrival(2) };
    store.accept(large.clone(), At(30)).expect("accept");
    sound(&store);
    store.close().expect("close");
    drop(store);
    let store = Store::open(dir.path()).expect("reopen");
    let events = store.events(None, 10).expect("events");
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].body_bytes, large.body.len() as u64);
    assert_eq!(store.blob(events[0].body).expect("blob").as_deref(), Some(large.body.as_ref()));
    assert_eq!(store.jobs(&JobFilter::default(), None, 10).expect("jobs").len(), 2);
    assert!(store.accept(arrival(1), At(40)).expect("accept").duplicate);
    sound(&store);
}

#[test]
fn an_ignored_arrival_is_on_record_without_a_job() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let taken = store.accept(Arrival { ignored: Some("not a discontinuance".to_owned()), ..arrival(1) }, At(1)).expect("accept");
    assert_eq!(taken.job, None);
    assert!(matches!(store.enqueue(Subject::Event(taken.event), Step::Document, &Actor("me".to_owned()), At(2)), Err(WriteError::Refused(_))));
}

#[test]
fn a_job_goes_through_its_steps_and_its_effects_happen_once() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    store.accept(arrival(1), At(0)).expect("accept");
    let mut lease = store.claim("w", At(1)).expect("claim").expect("a job");
    assert!(store.claim("w", At(1)).expect("claim").is_none(), "a job was given out twice");
    for step in Step::ALL {
        assert_eq!(lease.job.step, step);
        let mut effects = Effects { result: Some(format!("\"{}\"", step.as_str()).into_bytes()), ..Effects::default() };
        match step {
            Step::Case => effects.cases.push(CaseWrite::New(case("k", 400))),
            Step::Impact => effects.assessments.push(NewAssessment {
                case: lease.job.cases[0],
                dataset: DatasetId(1),
                as_of: date(2026, 11, 23),
                headline: headline(),
                body: b"{}".to_vec(),
            }),
            _ => {}
        }
        let written = store.finish(&lease, Outcome::Advance, effects.clone(), At(2)).expect("finish");
        let job = written.job.expect("job");
        if step == Step::Impact {
            assert_eq!(job.state, JobState::Done);
            assert_eq!((job.assessments.len(), job.cases.len()), (1, 1));
            assert!(matches!(store.finish(&lease, Outcome::Advance, effects, At(3)), Err(WriteError::Stale(_))));
        } else {
            lease.job = job;
        }
    }
    let stored = store.case(CaseId(1)).expect("case").expect("there");
    assert_eq!((stored.parts.len(), stored.headline), (400, Some(headline())));
    assert_eq!(store.assessments(Some(CaseId(1)), None, 10).expect("assessments").len(), 1);
    assert_eq!(store.job_counts().expect("counts").into_iter().collect::<Vec<_>>(), [("done".to_owned(), 1)]);
    sound(&store);
}

#[test]
fn an_overtaken_worker_changes_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    store.accept(arrival(1), At(0)).expect("accept");
    let slow = store.claim("slow", At(0)).expect("claim").expect("job");
    let late = At(limits::LEASE_MS + 1);
    let fast = store.claim("fast", late).expect("claim").expect("the lapsed lease is given out again");
    assert_eq!(fast.epoch, slow.epoch + 1);
    let effects = Effects { cases: vec![CaseWrite::New(case("k", 1))], ..Effects::default() };
    assert!(matches!(store.finish(&slow, Outcome::Advance, effects, late), Err(WriteError::Stale(_))));
    assert!(matches!(store.extend(&slow, late), Err(WriteError::Stale(_))));
    assert_eq!(store.cases(None, 10).expect("cases"), []);
    store.finish(&fast, Outcome::Release, Effects::default(), late).expect("release");
    assert_eq!(store.claim("w", late).expect("claim").expect("job").job.attempts, 0);
    sound(&store);
}

/// Whoever takes it up is killed: by a bug in the process itself, which no child catches.
#[test]
fn a_job_that_ends_every_process_is_given_up_and_the_others_go_on() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let poison = store.accept(arrival(1), At(0)).expect("accept").job.expect("job");
    let other = store.accept(arrival(2), At(0)).expect("accept").job.expect("job");
    drop(store);
    for time in 1..=limits::ORPHANED_MAX {
        let store = Store::open(dir.path()).expect("open");
        assert_eq!(store.claim("w", At(1)).expect("claim").expect("job").job.id, poison, "process {time}");
    }
    let store = Store::open(dir.path()).expect("open");
    let given_up = store.job(poison).expect("job").expect("there");
    assert!(matches!(&given_up.state, JobState::Dead { reason } if reason.contains("10 times the process ended")), "{:?}", given_up.state);
    assert_eq!((given_up.attempts, given_up.errors.len()), (0, 0));
    assert_eq!(store.claim("w", At(1)).expect("claim").expect("job").job.id, other);
    let again = store.settle(poison, JobState::Ready, None, &Actor("uid:1".to_owned()), At(2)).expect("a person retries it");
    assert_eq!((again.state, again.orphaned), (JobState::Ready, 0));
    sound(&store);
}

#[test]
fn errors_are_kept_and_end_in_a_dead_letter_that_a_person_can_revive() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    store.accept(arrival(1), At(0)).expect("accept");
    let mut now = At(0);
    for attempt in 1..=limits::ATTEMPTS_MAX {
        let lease = store.claim("w", now).expect("claim").unwrap_or_else(|| panic!("attempt {attempt} did not come"));
        store.finish(&lease, Outcome::Failed { error: format!("error {attempt}") }, Effects::default(), now).expect("finish");
        assert!(store.claim("w", now).expect("claim").is_none(), "no pause after attempt {attempt}");
        now = now.plus_ms(limits::RETRY_CAP_MS * 2);
    }
    let job = store.jobs(&JobFilter { states: vec!["dead".to_owned()], ..JobFilter::default() }, None, 10).expect("jobs").remove(0);
    assert_eq!(job.errors.len(), limits::ATTEMPTS_MAX as usize);
    assert!(matches!(&job.state, JobState::Dead { reason } if reason.contains("error 5")), "{:?}", job.state);
    store.settle(job.id, JobState::Ready, None, &Actor("me".to_owned()), now).expect("settle");
    let lease = store.claim("w", now).expect("claim").expect("revived");
    store.finish(&lease, Outcome::Review { reason: "two dates".to_owned() }, Effects::default(), now).expect("finish");
    let job = store.settle(job.id, JobState::Ready, Some(b"\"corrected\"".to_vec()), &Actor("me".to_owned()), now).expect("settle");
    assert_eq!(job.step, Step::Reading);
    assert_eq!(store.blob(job.result(Step::Document).expect("result")).expect("blob").as_deref(), Some(&b"\"corrected\""[..]));
    sound(&store);
}

#[test]
fn a_case_key_is_one_case_and_a_changed_case_must_be_read_again() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let me = Actor("me".to_owned());
    let id = store.put_case(CaseWrite::New(case("one", 1)), &me, At(5)).expect("new");
    assert!(matches!(store.put_case(CaseWrite::New(case("one", 1)), &me, At(5)), Err(WriteError::Stale(_))));
    let read = store.case(id).expect("case").expect("there");
    let change = CaseWrite::Change { case: Case { maker: None, ..read.clone() }, expected: read.changed_at };
    store.put_case(change.clone(), &me, At(5)).expect("change");
    assert!(matches!(store.put_case(change, &me, At(5)), Err(WriteError::Stale(_))), "a change of the same millisecond was overwritten");
    assert_eq!(store.case_by_key("one").expect("key"), Some(id));
    sound(&store);
}

/// A dataset that is listed; nothing here opens its file.
fn dataset(store: &Store) -> DatasetId {
    let row = DatasetRow {
        id: DatasetId(0),
        imported_at: At(1),
        by: "me".to_owned(),
        file: "x.dataset".to_owned(),
        checksum: Digest::of(b"x"),
        products: 1,
        items: 1,
        bom_lines: 1,
        refused_lines: 0,
        active: false,
    };
    let me = Actor("me".to_owned());
    let id = store.add_dataset(row, &me, At(1)).expect("add");
    store.activate_dataset(id, &me, At(1)).expect("activate");
    id
}

#[test]
fn another_dataset_gives_each_open_case_one_job_and_none_where_one_is_on_its_way() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let me = Actor("me".to_owned());
    let first = dataset(&store);
    let event = store.accept(arrival(1), At(1)).expect("accept").event;
    let mut lease = store.claim("w", At(1)).expect("claim").expect("job");
    let mut case_id = None;
    for step in Step::ALL {
        assert_eq!(lease.job.step, step);
        let mut effects = Effects { result: Some(b"{}".to_vec()), ..Effects::default() };
        if step == Step::Case {
            effects.cases.push(CaseWrite::New(Case { events: vec![event], ..case("k", 1) }));
        }
        let statement =
            |dataset| NewAssessment { case: case_id.expect("case"), dataset, as_of: date(2026, 11, 23), headline: headline(), body: b"{}".to_vec() };
        if step == Step::Impact {
            // The case is there and has no statement, and its own job is at its last step.
            assert_eq!(store.reassess(&[case_id.expect("case")], &me, At(2)).expect("reassess"), []);
            // A statement of a dataset that is no longer in force is refused: the step is done again.
            let second = dataset(&store);
            let old = Effects { assessments: vec![statement(first)], ..Effects::default() };
            assert!(matches!(store.finish(&lease, Outcome::Advance, old, At(2)), Err(WriteError::Stale(_))));
            effects.assessments.push(statement(second));
        }
        let written = store.finish(&lease, Outcome::Advance, effects, At(2)).expect("finish");
        case_id = case_id.or(written.cases.first().copied());
        lease.job = written.job.expect("job");
    }
    let case = case_id.expect("case");
    assert_eq!(store.reassess(&[case], &me, At(3)).expect("reassess"), [], "its statement is of the dataset in force");
    dataset(&store);
    assert_eq!(store.reassess(&[case], &me, At(4)).expect("reassess").len(), 1);
    assert_eq!(store.reassess(&[case], &me, At(5)).expect("reassess"), [], "one is on its way");
    sound(&store);
}

#[test]
fn a_replay_takes_earlier_results_and_says_which_are_missing() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let event = store.accept(arrival(1), At(0)).expect("accept").event;
    let me = Actor("me".to_owned());
    assert!(matches!(store.enqueue(Subject::Event(event), Step::Reading, &me, At(1)), Err(WriteError::Refused(why)) if why.contains("document")));
    sound(&store);
    let lease = store.claim("w", At(1)).expect("claim").expect("job");
    store.finish(&lease, Outcome::Advance, Effects { result: Some(b"{}".to_vec()), ..Effects::default() }, At(1)).expect("finish");
    let job = store.enqueue(Subject::Event(event), Step::Reading, &me, At(2)).expect("enqueue");
    let job = store.job(job).expect("job").expect("there");
    assert_eq!((job.step, job.result(Step::Document)), (Step::Reading, Some(Digest::of(b"{}"))));
}

#[test]
fn jobs_in_hand_are_ready_again_after_a_restart() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    store.accept(arrival(1), At(0)).expect("accept");
    let lease = store.claim("w", At(0)).expect("claim").expect("job");
    drop(store);
    let store = Store::open(dir.path()).expect("reopen");
    let again = store.claim("w", At(1)).expect("claim").expect("job");
    assert_eq!((again.job.id, again.job.attempts, again.epoch), (lease.job.id, 0, lease.epoch + 1));
    sound(&store);
}

#[test]
fn a_database_that_somebody_still_holds_is_not_taken_for_damaged() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("a store");
    store.accept(arrival(1), At(1)).expect("accepted");
    store.close().expect("closed");
    drop(store);
    // As a process that closed a moment ago and still ends, on a busy machine.
    let theirs = std::fs::File::options().read(true).write(true).open(dir.path().join("db/db")).expect("sled's file");
    rustix::fs::flock(&theirs, rustix::fs::FlockOperation::LockExclusive).expect("held");
    assert!(matches!(Store::open(dir.path()), Err(OpenError::InUse { .. })));
    drop(theirs);
    let store = Store::open(dir.path()).expect("a store");
    assert_eq!(store.jobs(&JobFilter::default(), None, 10).expect("jobs").len(), 1);
    let aside = std::fs::read_dir(dir.path())
        .expect("folder")
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("db.damaged-"))
        .count();
    assert_eq!(aside, 0);
}

#[test]
fn a_data_directory_has_one_owner_and_a_newer_one_is_not_touched() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    assert!(matches!(Store::open(dir.path()), Err(OpenError::InUse { .. })));
    store.close().expect("close");
    drop(store);
    std::fs::write(dir.path().join("format"), "lastbuy store 9\n").expect("format");
    assert!(matches!(Store::open(dir.path()), Err(OpenError::Format { theirs: 9, .. })));
}

#[test]
fn a_snapshot_that_was_never_finished_does_not_keep_the_store_shut() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    store.accept(arrival(1), At(0)).expect("accept");
    drop(store);
    std::fs::write(dir.path().join("db/snap.FFFFFFFFFFFFFFFF.generating"), b"half").expect("plant");
    let store = Store::open(dir.path()).expect("reopen");
    assert_eq!(store.events(None, 10).expect("events").len(), 1);
    sound(&store);
}

#[test]
fn damage_is_told() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    let event = store.accept(arrival(1), At(0)).expect("accept").event;
    store.accept(arrival(2), At(0)).expect("accept");
    drop(store);
    // In the first payload, a body.
    let file = dir.path().join("log/00000001.log");
    let mut bytes = std::fs::read(&file).expect("log");
    bytes[32 + 60 + 5] ^= 0x20;
    std::fs::write(&file, bytes).expect("damage");
    let store = Store::open(dir.path()).expect("reopen");
    assert!(store.check(false).expect("check").problems.iter().any(|problem| problem.contains("damaged")));
    let body = store.event(event).expect("event").expect("there").body;
    assert!(store.blob(body).is_err(), "damaged bytes were handed out");
}

#[test]
fn many_senders_at_once_are_all_on_disk() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    std::thread::scope(|scope| {
        for sender in 0..8 {
            let store = Arc::clone(&store);
            scope.spawn(move || (0..25).for_each(|number| assert!(!store.accept(arrival(sender * 1000 + number), At(1)).expect("accept").duplicate)));
        }
    });
    drop(store);
    let store = Store::open(dir.path()).expect("reopen");
    let ids: BTreeSet<u64> = store.events(None, 1000).expect("events").iter().map(|event| event.id.0).collect();
    assert_eq!(ids, (1..=200).collect());
    sound(&store);
}

#[test]
fn a_closed_store_can_be_opened_again_at_once() {
    let dir = tempfile::tempdir().expect("folder");
    for number in 0..20 {
        let store = Store::open(dir.path()).unwrap_or_else(|error| panic!("opening {number}: {error}"));
        store.accept(arrival(number), At(1)).expect("accept");
    }
}

#[test]
fn a_torn_configuration_of_sled_does_not_keep_the_store_shut() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("open");
    store.accept(arrival(1), At(0)).expect("accept");
    drop(store);
    let conf = dir.path().join("db/conf");
    let whole = std::fs::read(&conf).expect("conf");
    // As a power cut leaves a file that was never synced: empty, short, zeros, some of both.
    for torn in [Vec::new(), whole[..20].to_vec(), vec![0; whole.len()], [&whole[..30], &vec![0; whole.len() - 30]].concat()] {
        std::fs::write(&conf, torn).expect("tear");
        let store = Store::open(dir.path()).expect("reopen");
        assert_eq!(store.events(None, 10).expect("events").len(), 1);
        sound(&store);
        drop(store);
        assert_eq!(std::fs::read(&conf).expect("conf"), whole);
    }
}
