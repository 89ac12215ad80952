//! `POST /v1/datasets` as a form of files: imports what was uploaded and answers with the same report as `data import`. Fields: any number
//! of `file` with their names, and before them `mapping`, `decimal`, `days` as on the command line, and `check` to store nothing.
//!
//! A workbook is read in this process, as the command line reads it: who may post here owns the data directory or has signed in with the right to its data, and
//! what one unpacks to is bounded.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use multer::{Field, Multipart};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::{Service, admin, now, problem::Problem};
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

/// Pieces of a body that are received before they are written.
const CHUNKS_AHEAD: usize = 4;

/// What came, in a folder that goes when this does.
struct Upload {
    dir: tempfile::TempDir,
    options: ImportOptions,
    is_check: bool,
}

async fn upload(service: web::Data<Service>, request: HttpRequest, mut payload: web::Payload) -> Result<HttpResponse, Problem> {
    let by = admin::actor(&request);
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(|error| Problem::bad_request(format!("the form cannot be read: {error}")))?;
    let Ok(_permit) = service.bodies.try_acquire() else {
        return Err(Problem::busy(format!("{} bodies are being received already; send it again in a moment", limits::BODIES_IN_FLIGHT_MAX)));
    };
    let dir = tempfile::Builder::new().prefix(".upload-").tempdir_in(service.store.datasets_dir()).map_err(unwritable)?;
    let wait = Duration::from_secs(limits::UPLOAD_SECONDS_MAX);
    // The reader of forms wants a stream that may change threads, and actix's payload may not.
    let (send, mut receive) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(CHUNKS_AHEAD);
    let pump = async move {
        while let Some(chunk) = payload.next().await {
            if send.send(chunk.map_err(|error| std::io::Error::other(error.to_string()))).await.is_err() {
                break;
            }
        }
    };
    let form = Multipart::new(stream::poll_fn(move |context| receive.poll_recv(context)), boundary);
    let gathered = async { tokio::join!(gather(form, dir), pump).0 };
    let upload = match tokio::time::timeout(wait, gathered).await {
        Ok(upload) => upload?,
        Err(_) => return Err(Problem::timeout(format!("the upload was not complete within {} seconds", limits::UPLOAD_SECONDS_MAX))),
    };
    let Imported { id, report, turned } = {
        let service = service.clone();
        web::block(move || import(&service, upload, &by)).await??
    };
    let mut status = match id {
        Some(_) => HttpResponse::Created(),
        None if report.unusable.is_empty() => HttpResponse::Ok(),
        None => HttpResponse::UnprocessableEntity(),
    };
    Ok(status.json(json!({ "id": id, "report": report, "turned": turned })))
}

/// Without an identifier nothing was stored: it was to be checked, or files are of no use.
struct Imported {
    id: Option<DatasetId>,
    report: ImportReport,
    turned: Option<Turned>,
}

fn unwritable(error: std::io::Error) -> Problem {
    Problem::internal(format!("the upload cannot be kept: {error}"))
}

async fn gather(mut form: Multipart<'_>, dir: tempfile::TempDir) -> Result<Upload, Problem> {
    let broken = |error: multer::Error| Problem::bad_request(format!("the form cannot be read: {error}"));
    let mut upload = Upload { dir, options: ImportOptions::default(), is_check: false };
    let (mut names, mut left) = (HashSet::new(), limits::UPLOAD_BYTES_MAX);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let (name, file) = (field.name().unwrap_or_default().to_owned(), field.file_name().map(str::to_owned));
        if let Some(file) = file {
            let file = file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            if file.is_empty() || file.starts_with('.') || file.chars().any(char::is_control) || file.len() > limits::FACTORY_TEXT_CHARS_MAX / 2 {
                return Err(Problem::bad_request(format!("'{}' is not the name of a file", file.chars().take(40).collect::<String>())));
            }
            if !names.insert(file.to_lowercase()) {
                return Err(Problem::bad_request(format!("{file} was uploaded twice: give each file once")));
            }
            if names.len() > limits::UPLOAD_FILES_MAX {
                return Err(Problem::bad_request(format!("more than {} files in one upload", limits::UPLOAD_FILES_MAX)));
            }
            left = keep(field, upload.dir.path().join(file), left).await?;
            continue;
        }
        let text = said(field).await?;
        let refused = |what: String| Problem::bad_request(what);
        match name.as_str() {
            _ if text.is_empty() => {}
            // Ours only: a path would name a file of this machine.
            "mapping" if text.chars().all(|c| c.is_ascii_lowercase()) => upload.options.mapping = Some(Mapping::named(&text).map_err(refused)?),
            "mapping" => return Err(refused(format!("'{text}' is not a mapping of ours: {}", Mapping::names().join(", ")))),
            "decimal" => upload.options.decimal = Some(text.parse().map_err(refused)?),
            "days" => upload.options.days = Some(text.parse().map_err(refused)?),
            "check" => upload.is_check = text == "1" || text == "true" || text == "on",
            other => return Err(refused(format!("the form has a field '{}', which is not known", other.chars().take(40).collect::<String>()))),
        }
    }
    if names.is_empty() { Err(Problem::bad_request("the form holds no file")) } else { Ok(upload) }
}

/// A short field.
async fn said(mut field: Field<'_>) -> Result<String, Problem> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| Problem::bad_request(format!("the form cannot be read: {error}")))? {
        text.extend_from_slice(&chunk);
        if text.len() > limits::PART_NUMBER_CHARS_MAX {
            return Err(Problem::bad_request("a field of the form is too long"));
        }
    }
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}

/// Writes a file as it comes; returns the bytes that may still come.
async fn keep(mut field: Field<'_>, path: PathBuf, mut left: usize) -> Result<usize, Problem> {
    let mut file = tokio::fs::File::create_new(&path).await.map_err(unwritable)?;
    while let Some(chunk) = field.chunk().await.map_err(|error| Problem::bad_request(format!("the form cannot be read: {error}")))? {
        left = left.checked_sub(chunk.len()).ok_or_else(|| {
            Problem::too_large(format!("the files are larger than the {} bytes taken here: use `lastbuy data import`", limits::UPLOAD_BYTES_MAX))
        })?;
        file.write_all(&chunk).await.map_err(unwritable)?;
    }
    file.flush().await.map_err(unwritable)?;
    Ok(left)
}

fn import(service: &Service, upload: Upload, by: &Actor) -> Result<Imported, Problem> {
    let paths = [upload.dir.path().to_owned()];
    let (data, report) = factory::import_with(&paths, &upload.options, &mut |_, _| {}).map_err(|error| {
        // The folder is ours and means nothing to who uploaded.
        Problem::bad_request(error.to_string().replace(&format!("{}/", upload.dir.path().display()), ""))
    })?;
    drop(upload.dir);
    if upload.is_check || !report.unusable.is_empty() {
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
    service.store.activate_dataset(id, by, now())?;
    let after = service.datasets.get(id)?.ok_or_else(|| Problem::internal(format!("dataset {id} is not in the store")))?;
    let turned = parts_turned(service, before.as_ref().map(|opened| &*opened.factory), &after.factory)?;
    Ok(Imported { id: Some(id), report, turned: Some(turned) })
}

/// What another dataset means for the parts of open cases.
#[derive(Debug, Default, Serialize)]
struct Turned {
    /// Parts that were unknown and are known now, and the other way; at most `limits::PARTS_TURNED_MAX` each.
    known: Vec<TurnedPart>,
    unknown: Vec<TurnedPart>,
    known_in_all: usize,
    unknown_in_all: usize,
}

#[derive(Debug, Serialize)]
struct TurnedPart {
    case: CaseId,
    maker: Option<String>,
    mpn: String,
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
