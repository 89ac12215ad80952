//! Acts of people; each is on record under who did it.

use actix_web::{HttpRequest, HttpResponse, guard, http::header, web};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::json;

use super::{Service, access::Caller, now, problem::Problem};
use crate::{
    datasets::Datasets,
    domain::{
        case::{Case, CasePart, CaseState, DatasetRow, NamedReplacement, case_keys},
        event::Digest,
        id::{CaseId, DatasetId, JobId},
        job::{JobState, Step, Subject},
        notice::NoticeKind,
    },
    factory, limits,
    store::{Actor, CaseWrite, WriteError},
};

type Answer = Result<HttpResponse, Problem>;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/ingest", web::post().to(super::hooks::ingest))
        .route("/v1/replay", web::post().to(super::replay::replay))
        .route("/v1/audit", web::get().to(super::audit::audit))
        .route("/v1/jobs/{id}/retry", web::post().to(retry))
        .route("/v1/jobs/{id}/cancel", web::post().to(cancel))
        .route("/v1/cases", web::post().to(add_case))
        .route("/v1/datasets/{id}/use", web::post().to(use_dataset));
}

/// What names files of this machine, and so is on the admin socket only.
pub fn socket_routes(config: &mut web::ServiceConfig) {
    // A form is an upload, which both faces take.
    let is_json = |context: &guard::GuardContext<'_>| {
        let content_type = context.head().headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        content_type.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("application/json"))
    };
    config.route("/v1/datasets", web::post().guard(guard::fn_guard(is_json)).to(add_dataset));
}

/// Who acts, for the log.
pub fn actor(request: &HttpRequest) -> Actor {
    Caller::of(request).actor()
}

/// Store calls block until they are durable; they run beside the event loop.
pub async fn blocking<T: Send + 'static>(act: impl FnOnce() -> Result<T, WriteError> + Send + 'static) -> Result<T, Problem> {
    Ok(web::block(act).await??)
}

async fn retry(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>) -> Answer {
    let (id, by): (JobId, Actor) = (id.parse()?, actor(&request));
    let job = blocking(move || service.store.settle(id, JobState::Ready, None, &by, now())).await?;
    Ok(HttpResponse::Ok().json(job))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    reason: String,
}

async fn cancel(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>, cancel: web::Json<Cancel>) -> Answer {
    let (id, by, reason): (JobId, Actor, String) = (id.parse()?, actor(&request), cancel.into_inner().reason);
    if reason.trim().is_empty() {
        return Err(Problem::bad_request("a job is only given up with a reason"));
    }
    let job = blocking(move || service.store.settle(id, JobState::Cancelled { reason }, None, &by, now())).await?;
    Ok(HttpResponse::Ok().json(job))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCase {
    maker: Option<String>,
    mpns: Vec<String>,
    kind: Option<String>,
    notice_id: Option<String>,
    issue_date: Option<Date>,
    last_time_buy: Option<Date>,
    last_time_ship: Option<Date>,
}

impl NewCase {
    fn kind(&self) -> Result<NoticeKind, Problem> {
        let kinds = [NoticeKind::Pdn, NoticeKind::Pcn, NoticeKind::Nrnd];
        let Some(asked) = &self.kind else { return Ok(NoticeKind::Pdn) };
        let found = kinds.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(asked));
        found.ok_or_else(|| Problem::bad_request(format!("'{asked}' is not a kind of notice: PDN, PCN or NRND")))
    }
}

/// A case by hand, and the job that assesses it.
async fn add_case(service: web::Data<Service>, request: HttpRequest, new: web::Json<NewCase>) -> Answer {
    let (new, by) = (new.into_inner(), actor(&request));
    let mpns: Vec<String> = new.mpns.iter().map(|mpn| mpn.trim().to_owned()).filter(|mpn| !mpn.is_empty()).collect();
    if mpns.is_empty() || mpns.len() > limits::NOTICE_PARTS_MAX {
        return Err(Problem::bad_request(format!("a case is about at least one part and at most {}", limits::NOTICE_PARTS_MAX)));
    }
    let maker_key = new.maker.as_deref().map(|maker| service.datasets.aliases().key(maker));
    let part = |mpn: &String| CasePart {
        mpn: mpn.clone(),
        replacement: NamedReplacement::Unsaid,
        last_time_buy: new.last_time_buy,
        last_time_ship: new.last_time_ship,
    };
    let case = Case {
        id: CaseId(0),
        keys: case_keys(maker_key.as_deref(), new.notice_id.as_deref(), &mpns),
        kind: new.kind()?,
        parts: mpns.iter().map(part).collect(),
        maker: new.maker,
        notice_id: new.notice_id,
        issue_date: new.issue_date,
        last_time_buy: new.last_time_buy,
        last_time_ship: new.last_time_ship,
        events: Vec::new(),
        made_by: Some(by.0.clone()),
        state: CaseState::Open,
        opened_at: now(),
        changed_at: now(),
        latest: None,
        headline: None,
    };
    for key in &case.keys {
        if let Some(other) = service.store.case_by_key(key)? {
            return Err(WriteError::Refused(format!("this matter is case {other} already: `lastbuy cases show {other}`")).into());
        }
    }
    let answer = blocking(move || {
        let id = service.store.put_case(CaseWrite::New(case), &by, now())?;
        let job = service.store.enqueue(Subject::Case(id), Step::Match, &by, now())?;
        let case = service.store.case(id).map_err(|error| WriteError::Busy(error.to_string()))?;
        Ok(json!({ "case": case, "job_id": job }))
    });
    Ok(HttpResponse::Created().json(answer.await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDataset {
    /// Name within the folder of datasets, where the file was written and synced already.
    file: String,
    checksum: Digest,
    products: u32,
    items: u32,
    bom_lines: u32,
    refused_lines: u32,
}

/// Takes a dataset file into the store and puts it in force. It is opened once, so that a damaged one is refused here and not at the next notice.
async fn add_dataset(service: web::Data<Service>, request: HttpRequest, new: web::Json<NewDataset>) -> Answer {
    let (new, by) = (new.into_inner(), actor(&request));
    if new.file.contains('/') || new.file.starts_with('.') {
        return Err(Problem::bad_request(format!("'{}' is not a file name within the folder of datasets", new.file)));
    }
    let path = service.store.datasets_dir().join(&new.file);
    let checksum = new.checksum;
    web::block(move || factory::read_dataset(&path, checksum)).await?.map_err(|error| Problem::bad_request(error.to_string()))?;
    let row = DatasetRow {
        id: DatasetId(0),
        imported_at: now(),
        by: by.0.clone(),
        file: new.file,
        checksum: new.checksum,
        products: new.products,
        items: new.items,
        bom_lines: new.bom_lines,
        refused_lines: new.refused_lines,
        active: false,
    };
    let id = blocking(move || {
        let id = service.store.add_dataset(row, &by, now())?;
        service.store.activate_dataset(id, &by, now())?;
        Ok(id)
    });
    Ok(HttpResponse::Created().json(json!({ "id": id.await? })))
}

async fn use_dataset(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>) -> Answer {
    let (id, by): (DatasetId, Actor) = (id.parse()?, actor(&request));
    let datasets: &Datasets = &service.datasets;
    if datasets.get(id)?.is_none() {
        return Err(Problem::not_found(format!("there is no dataset {id}: `lastbuy data list` shows which are")));
    }
    blocking(move || service.store.activate_dataset(id, &by, now())).await?;
    Ok(HttpResponse::Ok().json(json!({ "id": id })))
}
