//! Deliveries and work for tests that use the store without a server.
#![allow(dead_code, reason = "each test file uses its own part of this module")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

use jiff::civil::date;
use lastbuy::{
    domain::{
        case::{Case, CasePart, CaseState, Headline, NamedReplacement},
        event::{Arrival, Digest},
        id::{CaseId, DatasetId, EventId},
        job::{JobState, Step},
        notice::NoticeKind,
        time::At,
    },
    store::{Accepted, Actor, CaseWrite, Effects, NewAssessment, Outcome, Store},
};

pub const DAY: i64 = 24 * 3600 * 1000;

pub fn me() -> Actor {
    Actor("uid:1000".to_owned())
}

/// A delivery of these bytes under this key.
pub fn arrival(key: &str, body: &[u8]) -> Arrival {
    Arrival {
        source: "generic".parse().expect("source"),
        content_type: "application/octet-stream".to_owned(),
        file_name: Some(format!("{key}.bin")),
        dedupe_key: Digest::of(key.as_bytes()),
        headers: vec![("x-sender".to_owned(), "plant 7".to_owned())],
        body: body.to_vec().into(),
        ignored: None,
    }
}

/// Bytes that no other number has.
pub fn bytes(number: u64, length: usize) -> Vec<u8> {
    number.to_le_bytes().into_iter().chain((0..).map(|at: u64| (at.wrapping_mul(31) ^ number) as u8)).take(length).collect()
}

pub fn accept(store: &Store, number: u64, length: usize, now: At) -> Accepted {
    store.accept(arrival(&format!("key {number}"), &bytes(number, length)), now).expect("accept")
}

pub fn case(key: &str, parts: usize) -> Case {
    let part = |number| CasePart {
        mpn: format!("PART-{number:05}"),
        replacement: NamedReplacement::Unsaid,
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

/// Takes the next ready job through every step: a result each, a case of `parts` parts, an assessment.
pub fn work_off(store: &Store, parts: usize, now: At) -> CaseId {
    let mut lease = store.claim("worker-1", now).expect("claim").expect("a job");
    let name = lease.job.id.to_string();
    for step in Step::ALL {
        let mut effects = Effects { result: Some(format!("{{\"{}\": \"{name}\"}}", step.as_str()).into_bytes()), ..Effects::default() };
        match step {
            Step::Case => effects.cases.push(CaseWrite::New(case(&name, parts))),
            Step::Impact => effects.assessments.push(NewAssessment {
                case: lease.job.cases[0],
                dataset: DatasetId(1),
                as_of: date(2026, 11, 23),
                headline: Headline {
                    margin_at_risk: None,
                    runs_out: None,
                    best_answer: None,
                    best_cost: None,
                    known_parts: 0,
                    unknown_parts: 1,
                    needs: Vec::new(),
                },
                body: format!("{{\"assessment of\": \"{name}\"}}").into_bytes(),
            }),
            _ => {}
        }
        lease.job = store.finish(&lease, Outcome::Advance, effects, now).expect("finish").job.expect("job");
    }
    assert_eq!(lease.job.state, JobState::Done);
    lease.job.cases[0]
}

pub fn decide(store: &Store, id: CaseId, now: At) {
    let mut case = store.case(id).expect("case").expect("there");
    let expected = case.changed_at;
    case.state = CaseState::Decided { answer: "last-time buy".to_owned(), by: me().0, at: now };
    store.put_case(CaseWrite::Change { case, expected }, &me(), now).expect("decide");
}

/// Log, bodies and projections are what they should be.
pub fn sound(store: &Store) {
    let check = store.check(true).expect("check");
    assert!(check.problems.is_empty(), "{:?}", check.problems);
}

/// The bytes of an event, if they are still there.
pub fn body(store: &Store, id: EventId) -> Option<Vec<u8>> {
    store.blob(store.event(id).expect("event").expect("there").body).expect("blob")
}
