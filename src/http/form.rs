//! Forms of files, received under every bound into a folder of their own, which goes when the form does. Files are written as they come, so none is in memory.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::Duration,
};

use actix_web::{HttpRequest, http::header, web};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use multer::{Field, Multipart};
use tokio::io::AsyncWriteExt as _;

use super::{Service, problem::Problem};
use crate::limits;

/// Pieces of a body that are received before they are written.
const CHUNKS_AHEAD: usize = 4;
/// Characters of a name that a sentence repeats.
const NAME_CHARS_SHOWN: usize = 40;

/// What one form may bring.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    pub files: usize,
    /// Bytes of all files together.
    pub bytes: usize,
    /// What to do with more than that, for a sentence.
    pub instead: &'static str,
}

/// What came.
pub struct Form {
    folder: tempfile::TempDir,
    /// Names of the files in the folder, in the order in which they came. None came twice, whatever its case.
    pub files: Vec<String>,
    /// The short fields, in the order in which they came; those that were left empty are left out.
    pub fields: Vec<(String, String)>,
}

impl Form {
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Receives a form (`multipart/form-data`). A field of files in which nothing was chosen, which browsers send empty, is passed over.
pub async fn receive(service: &Service, request: &HttpRequest, mut payload: web::Payload, most: Most) -> Result<Form, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(unread)?;
    let Ok(_permit) = service.bodies.try_acquire() else {
        return Err(Problem::busy(format!("{} bodies are being received already; send it again in a moment", limits::BODIES_IN_FLIGHT_MAX)));
    };
    // Beside the datasets, so on the disk whose room is watched.
    let folder = tempfile::Builder::new().prefix(".upload-").tempdir_in(service.store.datasets_dir()).map_err(unwritable)?;
    // The reader of forms wants a stream that may change threads, and actix's payload may not.
    let (send, mut receive) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(CHUNKS_AHEAD);
    let pump = async move {
        while let Some(chunk) = payload.next().await {
            if send.send(chunk.map_err(|error| std::io::Error::other(error.to_string()))).await.is_err() {
                break;
            }
        }
    };
    let parts = Multipart::new(stream::poll_fn(move |context| receive.poll_recv(context)), boundary);
    let form = Form { folder, files: Vec::new(), fields: Vec::new() };
    let gathered = async { tokio::join!(gather(parts, form, most), pump).0 };
    match tokio::time::timeout(Duration::from_secs(limits::UPLOAD_SECONDS_MAX), gathered).await {
        Ok(form) => form,
        Err(_) => Err(Problem::timeout(format!("the upload was not complete within {} seconds", limits::UPLOAD_SECONDS_MAX))),
    }
}

fn unread(error: multer::Error) -> Problem {
    Problem::bad_request(format!("the form cannot be read: {error}"))
}

fn unwritable(error: std::io::Error) -> Problem {
    Problem::internal(format!("the upload cannot be kept: {error}"))
}

/// The beginning of a name, for a sentence about it.
pub fn few(name: &str) -> String {
    name.chars().take(NAME_CHARS_SHOWN).collect()
}

async fn gather(mut parts: Multipart<'_>, mut form: Form, most: Most) -> Result<Form, Problem> {
    let (mut known, mut left) = (HashSet::new(), most.bytes);
    while let Some(field) = parts.next_field().await.map_err(unread)? {
        let Some(name) = field.file_name().map(str::to_owned) else {
            let name = field.name().unwrap_or_default().to_owned();
            let text = said(field).await?;
            if form.fields.len() >= limits::FORM_FIELDS_MAX {
                return Err(Problem::bad_request(format!("more than {} fields in one form", limits::FORM_FIELDS_MAX)));
            }
            if !text.is_empty() {
                form.fields.push((name, text));
            }
            continue;
        };
        if name.is_empty() {
            continue;
        }
        let name = plain(&name)?;
        if !known.insert(name.to_lowercase()) {
            return Err(Problem::bad_request(format!("{name} was uploaded twice: give each file once")));
        }
        if known.len() > most.files {
            return Err(Problem::bad_request(format!("more than {} files in one upload", most.files)));
        }
        left = keep(field, form.folder().join(&name), left, most).await?;
        form.files.push(name);
    }
    if form.files.is_empty() { Err(Problem::bad_request("the form holds no file: choose at least one")) } else { Ok(form) }
}

/// A file's own name, without the folders that some browsers tell; one that is fit to be a file's here.
fn plain(name: &str) -> Result<String, Problem> {
    let own = name.rsplit(['/', '\\']).next().unwrap_or_default();
    if own.is_empty() || own.starts_with('.') || own.chars().any(char::is_control) || own.len() > limits::FILE_NAME_BYTES_MAX {
        return Err(Problem::bad_request(format!("'{}' is not the name of a file", few(own))));
    }
    Ok(own.to_owned())
}

/// A short field.
async fn said(mut field: Field<'_>) -> Result<String, Problem> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(unread)? {
        text.extend_from_slice(&chunk);
        if text.len() > limits::PART_NUMBER_CHARS_MAX {
            return Err(Problem::bad_request("a field of the form is too long"));
        }
    }
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}

/// Writes a file as it comes; returns the bytes that may still come.
async fn keep(mut field: Field<'_>, path: PathBuf, mut left: usize, most: Most) -> Result<usize, Problem> {
    let mut file = tokio::fs::File::create_new(&path).await.map_err(unwritable)?;
    while let Some(chunk) = field.chunk().await.map_err(unread)? {
        left = left
            .checked_sub(chunk.len())
            .ok_or_else(|| Problem::too_large(format!("the files are larger than the {} bytes taken here: {}", most.bytes, most.instead)))?;
        file.write_all(&chunk).await.map_err(unwritable)?;
    }
    file.flush().await.map_err(unwritable)?;
    Ok(left)
}
