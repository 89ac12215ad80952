//! `POST /v1/datasets` as a form of files: imports what was uploaded and answers with the same report as `data import`. Fields: any number
//! of `file` with their names, one of which may be a ZIP of them, and `mapping`, `decimal`, `days` as on the command line; `check` to store nothing, and
//! `use=no` to store it and leave in force what is. The page of datasets takes the same form.
//!
//! A workbook is read in this process, as the command line reads it: who may post here owns the data directory or has signed in with the right to its data, and
//! what one unpacks to is bounded.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Semaphore;

use super::{
    Service, admin,
    form::{self, Form, Most},
    now,
    problem::Problem,
    unpacked,
};
use crate::{
    domain::{
        case::{Case, CaseState, DatasetRow},
        id::{CaseId, DatasetId},
    },
    factory::{self, Factory, ImportOptions, ImportReport, Mapping, PartMatch},
    limits,
    store::Actor,
};

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/v1/datasets", web::post().to(upload)).route("/v1/datasets/{id}/turned", web::get().to(turned));
}

static AT_ONCE: Semaphore = Semaphore::const_new(limits::IMPORTS_AT_ONCE_MAX);

const MOST: Most = Most { files: limits::UPLOAD_FILES_MAX, bytes: limits::UPLOAD_BYTES_MAX, instead: "use `lastbuy data import`" };

/// How the files are read and what is done with them.
struct Asked {
    options: ImportOptions,
    is_check: bool,
    is_used: bool,
}

async fn upload(service: web::Data<Service>, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let imported = taken(&service, &request, payload).await?;
    Ok(HttpResponse::build(imported.status()).json(json!({ "id": imported.id, "report": imported.report, "turned": imported.turned })))
}

/// Receives a form of factory files and imports them.
pub(super) async fn taken(service: &web::Data<Service>, request: &HttpRequest, payload: web::Payload) -> Result<Imported, Problem> {
    let by = admin::actor(request);
    let Ok(_turn) = AT_ONCE.try_acquire() else {
        return Err(Problem::busy(format!("{} imports are under way already; send it again in a moment", limits::IMPORTS_AT_ONCE_MAX)));
    };
    let form = form::receive(service, request, payload, MOST).await?;
    let asked = asked(&form)?;
    let service = service.clone();
    web::block(move || import(&service, &form, &asked, &by)).await?
}

/// What became of the files. Without an identifier nothing was stored: it was to be checked, or files are of no use.
pub(super) struct Imported {
    pub id: Option<DatasetId>,
    pub report: ImportReport,
    pub turned: Option<Turned>,
}

impl Imported {
    pub fn status(&self) -> StatusCode {
        match self.id {
            Some(_) => StatusCode::CREATED,
            None if self.report.unusable.is_empty() => StatusCode::OK,
            None => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

fn unwritable(error: std::io::Error) -> Problem {
    Problem::internal(format!("the upload cannot be kept: {error}"))
}

fn asked(form: &Form) -> Result<Asked, Problem> {
    let mut asked = Asked { options: ImportOptions::default(), is_check: false, is_used: true };
    let refused = |what: String| Problem::bad_request(what);
    for (name, text) in &form.fields {
        match name.as_str() {
            // Ours only: a path would name a file of this machine.
            "mapping" if text.chars().all(|c| c.is_ascii_lowercase()) => asked.options.mapping = Some(Mapping::named(text).map_err(refused)?),
            "mapping" => return Err(refused(format!("'{text}' is not a mapping of ours: {}", Mapping::names().join(", ")))),
            "decimal" => asked.options.decimal = Some(text.parse().map_err(refused)?),
            "days" => asked.options.days = Some(text.parse().map_err(refused)?),
            "check" => asked.is_check = text == "1" || text == "true" || text == "on",
            "use" => asked.is_used = text != "no",
            other => return Err(refused(format!("the form has a field '{}', which is not known", form::few(other)))),
        }
    }
    Ok(asked)
}

fn import(service: &Service, form: &Form, asked: &Asked, by: &Actor) -> Result<Imported, Problem> {
    unpacked::archives(form)?;
    let paths = [form.folder().to_owned()];
    let (data, report) = factory::import_with(&paths, &asked.options, &mut |_, _| {}).map_err(|error| {
        // The folder is ours and means nothing to who uploaded.
        Problem::bad_request(error.to_string().replace(&format!("{}/", form.folder().display()), ""))
    })?;
    if asked.is_check || !report.unusable.is_empty() {
        return Ok(Imported { id: None, report, turned: None });
    }
    let before = service.datasets.active()?;
    let dir = service.store.datasets_dir();
    let file = format!("{}-{}.dataset", now().0, std::process::id());
    let checksum = factory::write_dataset(&data, &dir.join(&file)).map_err(unwritable)?;
    let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
    let row = DatasetRow {
        id: DatasetId(0),
        imported_at: now(),
        by: by.0.clone(),
        file,
        checksum,
        products: count(data.products.len()),
        items: count(data.items.len()),
        bom_lines: count(data.bom.len()),
        refused_lines: u32::try_from(report.refused).unwrap_or(u32::MAX),
        active: false,
    };
    drop(data);
    let id = service.store.add_dataset(row, by, now())?;
    if asked.is_used {
        service.store.activate_dataset(id, by, now())?;
    }
    let after = service.datasets.get(id)?.ok_or_else(|| Problem::internal(format!("dataset {id} is not in the store")))?;
    let turned = parts_turned(service, before.as_ref().map(|opened| &*opened.factory), &after.factory)?;
    Ok(Imported { id: Some(id), report, turned: Some(turned) })
}

/// What another dataset means for the parts of open cases.
#[derive(Debug, Default, Serialize)]
pub(super) struct Turned {
    /// Parts that were unknown and are known by it, and the other way; at most `limits::PARTS_TURNED_MAX` each.
    pub known: Vec<TurnedPart>,
    pub unknown: Vec<TurnedPart>,
    pub known_in_all: usize,
    pub unknown_in_all: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct TurnedPart {
    pub case: CaseId,
    pub maker: Option<String>,
    pub mpn: String,
}

#[derive(Deserialize)]
struct Before {
    /// Without it the one imported before.
    before: Option<String>,
}

async fn turned(service: web::Data<Service>, id: web::Path<String>, asked: web::Query<Before>) -> Result<HttpResponse, Problem> {
    let after: DatasetId = id.parse()?;
    let named: Option<DatasetId> = asked.before.as_deref().map(str::parse).transpose()?;
    let turned = web::block(move || {
        let missing = |id: DatasetId| Problem::not_found(format!("there is no dataset {id}: `lastbuy data list` shows which are"));
        let opened = service.datasets.get(after)?.ok_or_else(|| missing(after))?;
        let before = match named {
            Some(named) => Some(service.datasets.get(named)?.ok_or_else(|| missing(named))?),
            None => service.datasets.get(DatasetId(after.0.saturating_sub(1)))?,
        };
        parts_turned(&service, before.as_ref().map(|before| &*before.factory), &opened.factory)
    });
    Ok(HttpResponse::Ok().json(turned.await??))
}

fn parts_turned(service: &Service, before: Option<&Factory>, after: &Factory) -> Result<Turned, Problem> {
    let is_known = |factory: &Factory, maker: Option<&str>, mpn: &str| matches!(factory.find_part(maker, mpn), PartMatch::Known(_));
    let mut turned = Turned::default();
    for case in open_cases(service)? {
        for part in &case.parts {
            let was = before.is_some_and(|before| is_known(before, case.maker.as_deref(), &part.mpn));
            let is = is_known(after, case.maker.as_deref(), &part.mpn);
            let (parts, count) = match (was, is) {
                (false, true) => (&mut turned.known, &mut turned.known_in_all),
                (true, false) => (&mut turned.unknown, &mut turned.unknown_in_all),
                _ => continue,
            };
            *count += 1;
            if parts.len() < limits::PARTS_TURNED_MAX {
                parts.push(TurnedPart { case: case.id, maker: case.maker.clone(), mpn: part.mpn.clone() });
            }
        }
    }
    Ok(turned)
}

fn open_cases(service: &Service) -> Result<Vec<Case>, Problem> {
    let (mut cases, mut before) = (Vec::new(), None);
    loop {
        let page = service.store.cases(before, limits::LIST_ROWS_MAX)?;
        let Some(last) = page.last() else { return Ok(cases) };
        before = Some(last.id);
        cases.extend(page.into_iter().filter(|case| case.state == CaseState::Open));
    }
}
