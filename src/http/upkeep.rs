//! Care of the store while it serves: backup, holds, retention.

use std::{
    io::{self, BufWriter, Write},
    sync::Arc,
};

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    Service,
    admin::{actor, blocking},
    now,
    problem::Problem,
};
use crate::{
    domain::id::EventId,
    limits,
    store::{Collected, Expiring, WriteError},
};

type Answer = Result<HttpResponse, Problem>;

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/space", web::get().to(space))
        .route("/v1/holds", web::get().to(holds))
        .route("/v1/events/{id}/hold", web::post().to(hold))
        .route("/v1/events/{id}/release", web::post().to(release))
        .route("/v1/retention", web::post().to(retention));
}

/// A copy of everything, with what is kept of passwords: on the admin socket only.
pub fn socket_routes(config: &mut web::ServiceConfig) {
    config.route("/v1/backup", web::get().to(backup)).route("/v1/backup/size", web::get().to(backup_size));
}

/// How many bytes a backup would have, about; for a progress bar.
async fn backup_size(service: web::Data<Service>) -> Answer {
    let store = Arc::clone(&service.store);
    let about = web::block(move || store.stored_bytes()).await?;
    Ok(HttpResponse::Ok().json(json!({ "bytes_about": about })))
}

/// The room on the disk, how fast the store grows, and in how many days nothing new is taken any more; null where that is not known.
async fn space(service: web::Data<Service>) -> Answer {
    let store = Arc::clone(&service.store);
    let (growth, stored) = web::block(move || (store.growth(now()), store.stored_bytes())).await?;
    Ok(HttpResponse::Ok().json(json!({
        "stored_bytes": stored,
        "room_bytes": growth.room,
        "bytes_per_day": growth.bytes_per_day,
        "full_in_days": growth.days_left(),
    })))
}

/// The backup as it is made. It is whole when its manifest came; a client that gets less throws it away.
async fn backup(service: web::Data<Service>, request: HttpRequest) -> HttpResponse {
    let by = actor(&request);
    let (sender, receiver) = mpsc::channel(BACKUP_PIECES_WAITING);
    let store = Arc::clone(&service.store);
    // Not awaited: it ends when the backup is written, or when nobody takes it any more.
    drop(web::block(move || {
        let mut out = BufWriter::with_capacity(limits::BACKUP_PIECE_BYTES, Pieces(sender.clone()));
        match store.backup(&mut out, now()) {
            Ok(manifest) => {
                let detail = format!("{} records, {} bodies, BLAKE3 {}", manifest.records, manifest.bodies, manifest.digest);
                if let Err(error) = store.note("backup.made", "backup", &detail, &by, now()) {
                    tracing::warn!(by = by.0, detail, %error, "a backup was made, but it could not be put on record");
                }
            }
            Err(error) => {
                tracing::warn!(by = by.0, %error, "a backup was not made");
                // What is still buffered must not follow as if all was well.
                let _ = out.into_parts();
                let _ = sender.blocking_send(Err(io::Error::other(error.to_string())));
            }
        }
    }));
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) });
    HttpResponse::Ok().content_type("application/octet-stream").streaming(pieces)
}

/// Pieces of a backup that wait for the client; more would only take memory.
const BACKUP_PIECES_WAITING: usize = 4;

/// Hands what is written to a stream; blocks while the client is slow.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the backup any more")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Deserialize)]
struct HoldsAsked {
    after: Option<String>,
}

async fn holds(service: web::Data<Service>, asked: web::Query<HoldsAsked>) -> Answer {
    let after: Option<EventId> = asked.after.as_deref().map(str::parse).transpose()?;
    let rows = service.store.holds(after, limits::LIST_ROWS_MAX)?;
    let next = if rows.len() == limits::LIST_ROWS_MAX { rows.last().map(|hold| hold.event) } else { None };
    Ok(HttpResponse::Ok().json(json!({ "items": rows, "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewHold {
    reason: String,
}

async fn hold(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>, hold: web::Json<NewHold>) -> Answer {
    let (id, by, reason): (EventId, _, String) = (id.parse()?, actor(&request), hold.into_inner().reason);
    let store = Arc::clone(&service.store);
    blocking(move || store.hold(id, &reason, &by, now())).await?;
    Ok(HttpResponse::Ok().json(service.store.kept(id)?))
}

async fn release(service: web::Data<Service>, request: HttpRequest, id: web::Path<String>) -> Answer {
    let (id, by): (EventId, _) = (id.parse()?, actor(&request));
    let store = Arc::clone(&service.store);
    blocking(move || store.release(id, &by, now())).await?;
    Ok(HttpResponse::Ok().json(service.store.kept(id)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetentionAsked {
    dry_run: bool,
}

/// One round of the configured retention; without `dry_run` garbage is collected once no event is left to go. The client asks again while `more` is told.
async fn retention(service: web::Data<Service>, request: HttpRequest, asked: web::Json<RetentionAsked>) -> Answer {
    let (by, dry_run, retention) = (actor(&request), asked.dry_run, service.retention);
    let store = Arc::clone(&service.store);
    let (round, collected): (Expiring, Option<Collected>) = blocking(move || {
        if dry_run {
            return Ok((store.expiring(retention, now()).map_err(|error| WriteError::Busy(error.to_string()))?, None));
        }
        let round = store.expire(retention, &by, now())?;
        let collected = if round.more { None } else { Some(store.collect_garbage(false, &by, now())?) };
        Ok((round, collected))
    })
    .await?;
    Ok(HttpResponse::Ok().json(json!({
        "rules": { "days": retention.days, "bytes": retention.bytes },
        "dry_run": dry_run,
        "events": round.events,
        "more": round.more,
        "staying": round.staying,
        "garbage": collected,
    })))
}
