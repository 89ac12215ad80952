//! What a plant looks at in the morning: what must be decided by when, what is at stake, what waits for a person, and whether work flows. And all cases.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{
    Shell,
    board::{self, Order, Row, Total},
    chart::{self, Deadlines},
    page, visible,
};
use crate::{
    domain::{
        case::{Case, CaseState},
        job::{Job, JobState, Subject},
    },
    http::{Service, problem::Problem},
    limits,
    store::{JobFilter, Store},
};

/// Cases on the first page.
const FIRST_PAGE_ROWS: usize = 15;
/// Cases on a page of the whole list.
const ROWS: usize = 50;
/// What waits for a person, named on the first page.
const WAITING_SHOWN: usize = 6;
/// Days ahead in which a decision is called due.
const DUE_DAYS: i32 = 90;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    p: Shell,
    open: usize,
    due: usize,
    sums: Vec<String>,
    unknown: usize,
    waiting: Vec<Waiting>,
    waiting_in_all: u64,
    queue: Queue,
    deadlines: Option<Deadlines>,
    cases: Vec<Row>,
    more: usize,
    has_data: bool,
    has_cases: bool,
}

/// Something only a person can move on.
struct Waiting {
    link: String,
    what: String,
    kind: &'static str,
    kind_words: String,
    reason: String,
}

struct Queue {
    ready: u64,
    working: u64,
    later: u64,
    dead: u64,
    done: u64,
}

pub async fn overview(service: web::Data<Service>, request: HttpRequest) -> HttpResponse {
    page(service, request, "overview", make).await
}

fn make(service: &Service, p: Shell) -> Result<Overview, Problem> {
    let cases = board::cases(service)?;
    let mut open: Vec<&Case> = cases.iter().map(AsRef::as_ref).filter(|case: &&Case| case.state == CaseState::Open).collect();
    Order::Due.sort(&mut open);
    let total = Total::of(open.iter().copied())?;
    let counts = service.store.job_counts()?;
    let count = |name: &str| counts.get(name).copied().unwrap_or(0);
    Ok(Overview {
        open: open.len(),
        due: open.iter().filter(|case| board::days_left(case, p.today).is_some_and(|days| days <= DUE_DAYS)).count(),
        sums: total.sums.iter().map(|sum| p.language.whole_money(*sum)).collect(),
        unknown: total.unknown,
        waiting: waiting(&service.store, &p)?,
        waiting_in_all: count("review") + count("dead"),
        queue: Queue { ready: count("ready"), working: count("leased"), later: count("scheduled"), dead: count("dead"), done: count("done") },
        deadlines: chart::deadlines(&open, &p),
        cases: open.iter().take(FIRST_PAGE_ROWS).map(|case| board::row(case, &p)).collect(),
        more: open.len().saturating_sub(FIRST_PAGE_ROWS),
        has_data: service.datasets.active()?.is_some(),
        has_cases: !cases.is_empty(),
        p,
    })
}

/// The newest jobs that were given up or wait to be read by a person.
fn waiting(store: &Store, p: &Shell) -> Result<Vec<Waiting>, Problem> {
    let filter = JobFilter { states: vec!["review".to_owned(), "dead".to_owned()], ..JobFilter::default() };
    store.jobs(&filter, None, WAITING_SHOWN)?.iter().map(|job| waits(store, job, p)).collect()
}

fn waits(store: &Store, job: &Job, p: &Shell) -> Result<Waiting, Problem> {
    let reason = match &job.state {
        JobState::Review { reason } | JobState::Dead { reason } => reason.as_str(),
        _ => "",
    };
    let (link, what) = match job.subject {
        Subject::Event(id) => {
            let name = store.event(id)?.map_or_else(|| id.to_string(), |event| super::event_name(&event));
            (if matches!(job.state, JobState::Review { .. }) { format!("/review/{}", job.id) } else { format!("/events/{id}") }, name)
        }
        Subject::Case(id) => (format!("/cases/{id}"), id.to_string()),
    };
    let kind = job.state.name();
    Ok(Waiting { link, what, kind, kind_words: p.words("state", kind), reason: visible::short(reason, limits::PAGE_SENTENCE_CHARS_MAX) })
}

#[derive(Deserialize)]
pub struct Asked {
    q: Option<String>,
    state: Option<String>,
    order: Option<String>,
    page: Option<usize>,
}

/// One choice of a filter.
struct Choice {
    value: &'static str,
    words: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "cases.html")]
struct Cases {
    p: Shell,
    q: String,
    states: Vec<Choice>,
    orders: Vec<Choice>,
    found: String,
    cases: Vec<Row>,
    earlier: Option<String>,
    later: Option<String>,
}

pub async fn cases(service: web::Data<Service>, request: HttpRequest, asked: web::Query<Asked>) -> HttpResponse {
    let asked = asked.into_inner();
    page(service, request, "cases", move |service, p| {
        let all = board::cases(service)?;
        let order = asked.order.as_deref().and_then(Order::of_name).unwrap_or(Order::Due);
        let known = ["open", "decided", "closed", "all"];
        let state = known.into_iter().find(|state| Some(*state) == asked.state.as_deref()).unwrap_or("open");
        let q = asked.q.unwrap_or_default().trim().to_owned();
        let takes = |case: &&Case| (state == "all" || board::state_name(case) == state) && (q.is_empty() || board::has(case, &q));
        let mut cases: Vec<&Case> = all.iter().map(AsRef::as_ref).filter(takes).collect();
        order.sort(&mut cases);
        let page = asked.page.unwrap_or(0).min(cases.len().saturating_sub(1) / ROWS);
        let turn = |page: usize| {
            let words = form_urlencoded::Serializer::new(String::new()).append_pair("q", &q).finish();
            format!("/cases?{words}&state={state}&order={}&page={page}", order.name())
        };
        let choice = |value: &'static str, key: String, chosen: bool| Choice { value, words: p.t(&key).to_owned(), chosen };
        Ok(Cases {
            states: known.into_iter().map(|name| choice(name, format!("state.{name}"), name == state)).collect(),
            orders: Order::ALL.into_iter().map(|one| choice(one.name(), format!("order.{}", one.name()), one == order)).collect(),
            found: p.language.count("cases.found", cases.len()),
            earlier: (page > 0).then(|| turn(page - 1)),
            later: ((page + 1) * ROWS < cases.len()).then(|| turn(page + 1)),
            cases: cases.iter().skip(page * ROWS).take(ROWS).map(|case| board::row(case, &p)).collect(),
            q,
            p,
        })
    })
    .await
}
