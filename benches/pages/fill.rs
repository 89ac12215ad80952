//! Fills a store as the pipeline would: for each case an event, a job through every step, and a statement, which is that of a real case.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::{ToSpan, civil::Date};
use lastbuy::{
    clock,
    domain::{
        case::{AssessmentRow, Case, CasePart, CaseState, Headline, NamedReplacement, case_keys},
        event::{Arrival, Digest},
        id::{AssessmentId, CaseId},
        job::{JobState, Step},
        money::{Currency, Money},
        notice::NoticeKind,
        time::At,
    },
    store::{CaseWrite, Effects, Lease, NewAssessment, Outcome, Store, WriteError},
};

/// Threads that fill; they share groups.
const FILLERS: usize = 64;
const MAKERS: [&str; 7] = ["Acme", "Borg Semiconductor", "Corvane", "Donau Elektronik", "Meridian", "Nordquartz", "Pellworm"];

pub fn cases(dir: &Path, cases: u64) {
    let store = Store::open(dir).expect("open");
    let row = store.assessment(AssessmentId(1)).expect("read").expect("the statement of a real case");
    let body = store.blob(row.body).expect("read").expect("body");
    let there = store.cases(None, 1).expect("read").len() as u64;
    let next = AtomicU64::new(there + 1);
    std::thread::scope(|scope| {
        for filler in 0..FILLERS {
            let (store, row, body, next) = (&store, &row, &body, &next);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > cases {
                        return;
                    }
                    one(store, &format!("filler-{filler}"), number, row, body);
                }
            });
        }
    });
    // What lies in the queue was claimed by whoever came first: each filler puts one in and takes one out.
    assert_eq!(store.cases(None, 1).expect("read")[0].id.0, cases);
}

fn now() -> At {
    At(clock::now_ms())
}

fn one(store: &Arc<Store>, filler: &str, number: u64, row: &AssessmentRow, body: &[u8]) {
    let notice = format!("{{\"notice_id\": \"N-{number:06}\", \"affected_parts\": [\"AX{number}\"]}}").into_bytes();
    let arrival = Arrival {
        source: "generic".parse().expect("source"),
        content_type: "application/json".to_owned(),
        file_name: None,
        dedupe_key: Digest::of(&notice),
        headers: Vec::new(),
        body: notice.into(),
        ignored: None,
    };
    patient(|| store.accept(arrival.clone(), now()));
    let mut lease: Lease = loop {
        if let Some(lease) = patient(|| store.claim(filler, now())) {
            break lease;
        }
    };
    let mut ids = Vec::new();
    loop {
        let step = lease.job.step;
        let mut effects =
            Effects { result: Some(format!("{{\"of\": \"{}\", \"step\": \"{}\"}}", lease.job.id, step.as_str()).into_bytes()), ..Effects::default() };
        match step {
            Step::Case => effects.cases.push(CaseWrite::New(case(number))),
            Step::Impact => effects.assessments.extend(ids.iter().map(|case| NewAssessment {
                case: *case,
                dataset: row.dataset,
                as_of: row.as_of,
                headline: headline(number),
                body: body.to_vec(),
            })),
            Step::Document | Step::Reading | Step::Match => {}
        }
        let written = patient(|| store.finish(&lease, Outcome::Advance, effects.clone(), now()));
        ids.extend(written.cases);
        let job = written.job.expect("job");
        if job.state == JobState::Done {
            return;
        }
        lease.job = job;
    }
}

/// Again while the store says that it is busy.
fn patient<T>(mut act: impl FnMut() -> Result<T, WriteError>) -> T {
    loop {
        match act() {
            Ok(done) => return done,
            Err(WriteError::Busy(_)) => std::thread::sleep(std::time::Duration::from_millis(1)),
            Err(error) => panic!("{error}"),
        }
    }
}

fn day(number: u64) -> Date {
    let days = i64::try_from(number * 7919 % 900).expect("small");
    jiff::civil::date(2026, 10, 1).checked_add(days.days()).expect("a day")
}

fn money(cents: i64) -> Money {
    Money::round(rust_decimal::Decimal::new(cents, 2), Currency::EUR).expect("an amount")
}

fn headline(number: u64) -> Headline {
    Headline {
        margin_at_risk: (!number.is_multiple_of(9)).then(|| money(i64::try_from(number * 104_729 % 90_000_000).expect("small"))),
        runs_out: Some(day(number + 40)),
        best_answer: Some("Last-time buy".to_owned()),
        best_cost: Some(money(4_671_095)),
        known_parts: 1,
        unknown_parts: u32::from(number.is_multiple_of(3)),
        needs: if number.is_multiple_of(3) {
            vec![format!("AX{number}-B is in no approved manufacturer list, so what it means is unknown")]
        } else {
            Vec::new()
        },
    }
}

fn case(number: u64) -> Case {
    let (maker, notice_id) = (MAKERS[usize::try_from(number).expect("small") % MAKERS.len()], format!("N-{number:06}"));
    let part = |mpn: String| CasePart { mpn, replacement: NamedReplacement::Unsaid, last_time_buy: None, last_time_ship: None };
    let parts: Vec<CasePart> = ["", "-B", "-C"].iter().map(|ending| part(format!("AX{number}{ending}"))).collect();
    Case {
        id: CaseId(0),
        keys: case_keys(Some(maker), Some(&notice_id), &[]),
        kind: if number.is_multiple_of(5) { NoticeKind::Pcn } else { NoticeKind::Pdn },
        maker: Some(maker.to_owned()),
        notice_id: Some(notice_id),
        issue_date: Some(day(number)),
        last_time_buy: Some(day(number)),
        last_time_ship: None,
        parts,
        events: Vec::new(),
        made_by: None,
        state: CaseState::Open,
        opened_at: now(),
        changed_at: now(),
        latest: None,
        headline: None,
    }
}
