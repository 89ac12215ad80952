//! The one page a manager reads, and one page per case. Server-rendered, no script, one stylesheet.

use actix_web::{HttpResponse, http::header, web};
use askama::Template;
use jiff::civil::Date;
use serde_json::Value;

use super::{Service, history, now, problem::Problem};
use crate::{
    domain::{
        case::{Case, CaseState},
        id::CaseId,
        job::{Job, JobState},
        money::Money,
        notice::NoticeKind,
        revision,
    },
    limits,
    store::{JobFilter, Store},
};

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/", web::get().to(list)).route("/cases/{id}", web::get().to(one)).route(
        "/style.css",
        web::get().to(|| async { HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("../../assets/web/style.css")) }),
    );
}

#[derive(Template)]
#[template(path = "cases.html")]
struct CasesPage {
    site: String,
    open: usize,
    /// One a currency; cases whose margin is unknown are counted, never added as zero.
    totals: Vec<String>,
    unknown: usize,
    waiting: Vec<Waiting>,
    cases: Vec<Row>,
    has_data: bool,
}

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage {
    row: Row,
    parts: Vec<PartRow>,
    events: Vec<String>,
    assessment: Option<String>,
    answers: Vec<AnswerRow>,
    /// Said where the case is no longer open.
    ended: Option<String>,
    history: Vec<HistoryRow>,
}

/// What one notice of the case did to it.
struct HistoryRow {
    event: String,
    source: String,
    at: String,
    what: String,
    changes: Vec<String>,
}

/// A case as the table shows it; every cell is text already.
struct Row {
    id: String,
    notice: String,
    maker: String,
    parts: String,
    last_time_buy: String,
    days: String,
    late: bool,
    runs_out: String,
    margin: String,
    answer: String,
    cost: String,
    needs: Vec<String>,
    state: &'static str,
}

struct PartRow {
    mpn: String,
    last_time_buy: String,
    last_time_ship: String,
}

struct AnswerRow {
    name: String,
    cost: String,
    feasible: String,
    why: String,
}

/// A job that a person must look at.
struct Waiting {
    about: String,
    state: &'static str,
    reason: String,
}

async fn list(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    let page = web::block(move || cases_page(&service)).await??;
    html(&page)
}

async fn one(service: web::Data<Service>, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    let id: CaseId = id.parse()?;
    let page = web::block(move || case_page(&service, id)).await??;
    html(&page)
}

fn html(page: &impl Template) -> Result<HttpResponse, Problem> {
    let text = page.render().map_err(|error| Problem::internal(format!("the page cannot be rendered: {error}")))?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8")).body(text))
}

fn cases_page(service: &Service) -> Result<CasesPage, Problem> {
    let cases = service.store.cases(None, limits::LIST_ROWS_MAX)?;
    let dataset = service.datasets.active()?;
    let open: Vec<&Case> = cases.iter().filter(|case| case.state == CaseState::Open).collect();
    let margin = |case: &&&Case| case.headline.as_ref().and_then(|headline| headline.margin_at_risk);
    let mut totals: Vec<Money> = Vec::new();
    for margin in open.iter().filter_map(|case| margin(&case)) {
        match totals.iter_mut().find(|total| total.currency() == margin.currency()) {
            Some(total) => *total = total.plus(margin).map_err(|error| Problem::internal(error.to_string()))?,
            None => totals.push(margin),
        }
    }
    Ok(CasesPage {
        site: dataset.as_ref().map_or_else(String::new, |opened| opened.factory.data.site.name.clone()),
        open: open.len(),
        unknown: open.iter().filter(|case| ends_something(case) && margin(case).is_none()).count(),
        totals: totals.into_iter().map(Money::grouped).collect(),
        waiting: waiting(&service.store)?,
        cases: cases.iter().map(row).collect(),
        has_data: dataset.is_some(),
    })
}

fn waiting(store: &Store) -> Result<Vec<Waiting>, Problem> {
    let filter = JobFilter { states: vec!["review".to_owned(), "dead".to_owned()], ..JobFilter::default() };
    Ok(store.jobs(&filter, None, limits::LIST_ROWS_MAX)?.iter().map(waits).collect())
}

fn waits(job: &Job) -> Waiting {
    let (state, reason) = match &job.state {
        JobState::Review { reason } => ("review", reason.clone()),
        JobState::Dead { reason } => ("given up", reason.clone()),
        other => (other.name(), String::new()),
    };
    Waiting { about: job.subject.to_string(), state, reason }
}

fn date(date: Option<Date>) -> String {
    date.map_or_else(|| "–".to_owned(), |date| date.to_string())
}

fn money(money: Option<Money>) -> String {
    money.map_or_else(|| "unknown".to_owned(), Money::grouped)
}

/// A change notice, and whatever else leaves the part in production, puts no margin at risk by itself.
fn ends_something(case: &Case) -> bool {
    matches!(case.kind, NoticeKind::Pdn | NoticeKind::Nrnd)
}

fn row(case: &Case) -> Row {
    let today = now().date();
    let left = case.last_time_buy.and_then(|date| today.until(date).ok()).map(|span| span.get_days());
    let headline = case.headline.as_ref();
    let assessed = |text: String| if headline.is_some() { text } else { "not assessed".to_owned() };
    Row {
        id: case.id.to_string(),
        notice: case.title(),
        maker: case.maker.clone().unwrap_or_else(|| "–".to_owned()),
        parts: match case.parts.as_slice() {
            [] => "–".to_owned(),
            [only] => only.mpn.clone(),
            [first, rest @ ..] => format!("{} and {} more", first.mpn, rest.len()),
        },
        last_time_buy: date(case.last_time_buy),
        days: match left {
            Some(days) if days < 0 => "passed".to_owned(),
            Some(days) => format!("{days} days left"),
            None => String::new(),
        },
        late: left.is_some_and(|days| days < 0),
        runs_out: assessed(date(headline.and_then(|headline| headline.runs_out))),
        margin: if ends_something(case) { assessed(money(headline.and_then(|headline| headline.margin_at_risk))) } else { "ends nothing".to_owned() },
        answer: headline.and_then(|headline| headline.best_answer.clone()).unwrap_or_else(|| "–".to_owned()),
        cost: headline.filter(|headline| headline.best_answer.is_some()).map_or_else(|| "–".to_owned(), |headline| money(headline.best_cost)),
        needs: headline.map(|headline| headline.needs.clone()).unwrap_or_default(),
        state: match case.state {
            CaseState::Open => "open",
            CaseState::Decided { .. } => "decided",
            CaseState::Closed { .. } => "closed",
        },
    }
}

fn case_page(service: &Service, id: CaseId) -> Result<CasePage, Problem> {
    let case = service.store.case(id)?.ok_or_else(|| Problem::not_found(format!("there is no case {id}")))?;
    let statement = match case.latest {
        Some(latest) => service.store.assessment(latest)?.map(|row| service.store.blob(row.body)).transpose()?.flatten(),
        None => None,
    };
    let statement: Value = statement.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or(Value::Null);
    Ok(CasePage {
        row: row(&case),
        parts: case
            .parts
            .iter()
            .map(|part| PartRow {
                mpn: part.mpn.clone(),
                last_time_buy: date(part.last_time_buy.or(case.last_time_buy)),
                last_time_ship: date(part.last_time_ship.or(case.last_time_ship)),
            })
            .collect(),
        events: case.events.iter().map(ToString::to_string).collect(),
        assessment: case.latest.map(|id| id.to_string()),
        answers: answers(&statement),
        ended: (case.state != CaseState::Open).then(|| revision::state(&case.state)),
        history: history::of(&service.store, &case)?.iter().map(history_row).collect(),
    })
}

fn history_row(row: &history::Row) -> HistoryRow {
    let changes = row.told.iter().flat_map(|told| &told.changes).map(history::sentence).collect();
    HistoryRow { event: row.event.to_string(), source: row.source.clone(), at: row.received_at.date().to_string(), what: row.is.clone(), changes }
}

/// The answers of a statement, whatever version wrote it.
fn answers(statement: &Value) -> Vec<AnswerRow> {
    let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let amount = |row: &Value, key: &str| money(row.get(key).and_then(|value| serde_json::from_value(value.clone()).ok()));
    let rows = statement.get("answers").and_then(Value::as_array);
    rows.into_iter()
        .flatten()
        .map(|row| AnswerRow {
            name: text(row, "name"),
            cost: amount(row, "total_cost"),
            feasible: row.get("feasible").and_then(Value::as_bool).map_or_else(String::new, |yes| if yes { "yes" } else { "no" }.to_owned()),
            why: text(row, "why"),
        })
        .collect()
}
