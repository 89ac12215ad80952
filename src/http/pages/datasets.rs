//! The factory's data: every import, one more by upload with what it found line by line, and which is in force.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use askama::Template;

use super::{Shell, page, refused, see, visible};
use crate::{
    domain::{case::DatasetRow, id::DatasetId},
    factory::{Days, ImportReport, Mapping},
    http::{
        Caller, Service, now,
        problem::Problem,
        uploads::{self, Imported, Turned, TurnedPart},
    },
    limits,
};

struct Dataset {
    id: String,
    active: bool,
    imported: String,
    by: String,
    products: String,
    items: String,
    lines: String,
    refused: u32,
    checksum: String,
}

#[derive(Template)]
#[template(path = "datasets.html")]
struct Datasets {
    p: Shell,
    rows: Vec<Dataset>,
    mappings: Vec<&'static str>,
    days: [&'static str; 7],
}

pub async fn datasets(service: web::Data<Service>, request: HttpRequest) -> HttpResponse {
    page(service, request, "datasets", |service, p| {
        let rows = service.store.datasets()?;
        Ok(Datasets { rows: rows.iter().map(|row| dataset(row, &p)).collect(), mappings: Mapping::names(), days: Days::FORMS, p })
    })
    .await
}

fn dataset(row: &DatasetRow, p: &Shell) -> Dataset {
    let number = |count: u32| p.language.number(&count.to_string());
    Dataset {
        id: row.id.to_string(),
        active: row.active,
        imported: p.language.moment(row.imported_at),
        by: visible::line(&row.by),
        products: number(row.products),
        items: number(row.items),
        lines: number(row.bom_lines),
        refused: row.refused_lines,
        checksum: row.checksum.to_string().chars().take(12).collect(),
    }
}

/// A line that was refused or is doubtful.
struct Finding {
    file: String,
    line: String,
    column: String,
    refused: bool,
    what: String,
}

/// What an import found, as a page tells it.
#[derive(Template)]
#[template(path = "imported.html")]
struct Report {
    p: Shell,
    /// Stored under this number.
    id: Option<String>,
    /// It cannot be put in force: nothing of a file was taken that nothing can be computed without.
    unusable: Vec<String>,
    files: Vec<(String, String, String)>,
    refused: usize,
    doubtful: usize,
    findings: Vec<Finding>,
    /// Findings past those shown.
    more: usize,
    notes: Vec<String>,
    /// Parts of open cases that are known by it and were not, and the other way.
    known: Vec<String>,
    unknown: Vec<String>,
}

/// Reads uploaded factory files into a dataset that is looked at before it is put in force, or only checks them.
pub async fn upload(service: web::Data<Service>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let imported = match uploads::taken(&service, &request, payload).await {
        Ok(imported) => imported,
        Err(problem) => return refused(&request, &problem),
    };
    let status = imported.status();
    let mut response = page(service, request, "datasets", move |_, p| Ok(report(imported, p))).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    response
}

fn report(imported: Imported, p: Shell) -> Report {
    let Imported { id, report, turned } = imported;
    let ImportReport { files, problems, refused, doubtful, not_kept, notes, unusable } = report;
    let number = |count: u64| p.language.number(&count.to_string());
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let Turned { known, unknown, .. } = turned.unwrap_or_default();
    let told = |parts: Vec<TurnedPart>| {
        let told = parts.iter().map(|part| {
            let maker = part.maker.as_deref().map_or_else(String::new, |maker| format!("{} ", visible::line(maker)));
            format!("{}: {maker}{}", part.case, visible::line(&part.mpn))
        });
        told.collect()
    };
    Report {
        id: id.map(|id| id.to_string()),
        unusable: unusable.iter().map(|file| visible::line(file)).collect(),
        files: files.iter().map(|(file, read, taken)| (visible::line(file), number(*read), number(*taken))).collect(),
        refused: count(refused),
        doubtful: count(doubtful),
        more: problems.len().saturating_sub(limits::PAGE_FINDINGS_MAX) + count(not_kept.values().sum()),
        findings: problems
            .iter()
            .take(limits::PAGE_FINDINGS_MAX)
            .map(|problem| Finding {
                file: visible::line(&problem.file),
                line: if problem.line == 0 { String::new() } else { number(u64::from(problem.line)) },
                column: problem.column.as_deref().map_or_else(String::new, visible::line),
                refused: problem.refused,
                what: visible::line(&problem.what),
            })
            .collect(),
        notes: notes.iter().map(|note| visible::line(note)).collect(),
        known: told(known),
        unknown: told(unknown),
        p,
    }
}

/// Puts a dataset in force, a newer one or one of before; open cases are assessed on it by themselves.
pub async fn put_in_force(service: web::Data<Service>, request: HttpRequest, caller: Caller, id: web::Path<String>) -> HttpResponse {
    let by = caller.actor();
    let done = web::block(move || {
        let id: DatasetId = id.parse()?;
        // Opened once, so that a file that was damaged since is refused here and not at the next notice.
        if service.datasets.get(id)?.is_none() {
            return Err(Problem::not_found(format!("there is no dataset {id}")));
        }
        Ok(service.store.activate_dataset(id, &by, now())?)
    });
    match done.await.unwrap_or_else(|error| Err(error.into())) {
        Ok(()) => see("/datasets"),
        Err(problem) => refused(&request, &problem),
    }
}
