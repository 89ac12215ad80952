//! Starts the two faces in a thread of their own, which runs actix's system; whoever started it stays free of actix.

use std::{
    any::Any,
    io,
    net::TcpListener,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::{Extensions, Server, ServerHandle},
    middleware::{DefaultHeaders, from_fn},
    web,
};
use rustls::ServerConfig;

use super::{
    Service, access, admin, calendar, decisions, dropin, etag, handover, hooks, messages, models, once, openapi, pages, problem::Problem, quarantine,
    reads, reviews, schema, stream, unread, upkeep, uploads, watching, where_used,
};
use crate::limits;

/// Threads that answer, for each face.
const WORKERS: usize = 2;
/// How long a sender whose body was not read to its end may take for the answer.
const LINGER: Duration = Duration::from_secs(limits::HTTP_LINGER_SECONDS);
const HEAD_TIMEOUT: Duration = Duration::from_secs(limits::REQUEST_HEAD_SECONDS_MAX);

/// Who connected to the admin socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    pub uid: u32,
}

/// The faces while they serve.
pub struct Running {
    service: Arc<Service>,
    handles: Vec<ServerHandle>,
    thread: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

impl Running {
    /// Takes no more connections, lets requests in hand finish within `limits::HTTP_DRAIN_SECONDS`, and ends.
    pub async fn stop(&self) {
        self.service.stopping.send_replace(true);
        for handle in &self.handles {
            handle.stop(true).await;
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            match tokio::task::spawn_blocking(move || thread.join()).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => tracing::error!(%error, "the server ended with an error"),
                Ok(Err(_)) | Err(_) => tracing::error!("the server ended by a panic"),
            }
        }
    }
}

/// Serves the network face on `tcp`, encrypted where `tls` says how, and the admin face on `admin`, whichever are given.
pub fn start(service: Arc<Service>, tcp: Option<TcpListener>, tls: Option<ServerConfig>, admin: Option<UnixListener>) -> io::Result<Running> {
    if let Some(path) = admin.as_ref().and_then(|admin| admin.local_addr().ok()).and_then(|address| address.as_pathname().map(ToOwned::to_owned)) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    let (started, has_started) = std::sync::mpsc::channel();
    let served = Arc::clone(&service);
    let thread = std::thread::Builder::new().name("http".to_owned()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let mut servers = Vec::new();
            if let Some(tcp) = tcp {
                // Read now, so that the first who opens a page need not wait for it. What fails here is told to whoever asks.
                let board = Arc::clone(&service);
                drop(web::block(move || pages::known_cases(&board)));
                servers.push(network(Arc::clone(&service), tcp, tls)?);
            }
            if let Some(admin) = admin {
                servers.push(admin_face(service, admin)?);
            }
            // Whoever started us may be gone; then there is nobody to stop us but the end of the process.
            let _ = started.send(servers.iter().map(|server| server.handle()).collect::<Vec<_>>());
            futures_util::future::try_join_all(servers).await.map(|_| ())
        })
    })?;
    match has_started.recv() {
        Ok(handles) => Ok(Running { service: served, handles, thread: Mutex::new(Some(thread)) }),
        Err(_) => Err(thread.join().map_or_else(
            |_| io::Error::other("the server's thread ended by a panic"),
            |ended| ended.err().unwrap_or_else(|| io::Error::other("the server ended at once")),
        )),
    }
}

fn network(service: Arc<Service>, tcp: TcpListener, tls: Option<ServerConfig>) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::from(Arc::clone(&service)))
            .configure(extractors)
            .wrap(from_fn(once::once))
            .wrap(from_fn(etag::tag))
            .wrap(from_fn(access::guard))
            .wrap(headers())
            .wrap(from_fn(unread::hold))
            .configure(shared)
            .default_service(web::to(nothing_here))
    });
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(tcp, tls)?,
        None => server.listen(tcp)?,
    };
    Ok(server
        .workers(WORKERS)
        .max_connections(limits::CONNECTIONS_MAX)
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(LINGER)
        .shutdown_timeout(limits::HTTP_DRAIN_SECONDS)
        .disable_signals()
        .run())
}

fn admin_face(service: Arc<Service>, admin: UnixListener) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::from(Arc::clone(&service)))
            .configure(extractors)
            .wrap(from_fn(once::once))
            .wrap(from_fn(etag::tag))
            .wrap(headers())
            .wrap(from_fn(unread::hold))
            .configure(admin::socket_routes)
            .configure(upkeep::socket_routes)
            .configure(models::socket_routes)
            .configure(shared)
            .default_service(web::to(nothing_here))
    });
    Ok(server
        .on_connect(remember_peer)
        .listen_uds(admin)?
        .workers(WORKERS)
        .max_connections(limits::CONNECTIONS_MAX)
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(LINGER)
        .shutdown_timeout(limits::HTTP_DRAIN_SECONDS)
        .disable_signals()
        .run())
}

/// What both faces answer.
fn shared(config: &mut web::ServiceConfig) {
    config
        .configure(watching::routes)
        .configure(hooks::routes)
        .configure(dropin::routes)
        .configure(reads::routes)
        .configure(where_used::routes)
        .configure(calendar::routes)
        .configure(schema::routes)
        .configure(admin::routes)
        .configure(reviews::routes)
        .configure(decisions::routes)
        .configure(handover::routes)
        .configure(messages::routes)
        .configure(models::routes)
        .configure(upkeep::routes)
        .configure(quarantine::routes)
        .configure(uploads::routes)
        .configure(access::routes)
        .configure(stream::routes)
        .configure(openapi::routes)
        .configure(pages::routes);
}

fn remember_peer(connection: &dyn Any, data: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<actix_web::rt::net::UnixStream>()
        && let Ok(peer) = stream.peer_cred()
    {
        data.insert(Peer { uid: peer.uid() });
    }
}

/// A request that an extractor refuses is a problem as any other.
fn extractors(config: &mut web::ServiceConfig) {
    config
        .app_data(
            web::JsonConfig::default().limit(limits::JSON_BODY_BYTES_MAX).error_handler(|error, _| Problem::bad_request(error.to_string()).into()),
        )
        .app_data(web::FormConfig::default().limit(limits::FORM_BYTES_MAX).error_handler(|error, _| Problem::bad_request(error.to_string()).into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| Problem::bad_request(error.to_string()).into()))
        .app_data(web::PathConfig::default().error_handler(|error, _| Problem::bad_request(error.to_string()).into()));
}

/// Nothing from elsewhere, nothing inline, no guessing of types.
fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ))
        .add(("X-Content-Type-Options", "nosniff"))
        // Not "no-referrer": a browser then hides from us as well which site a form comes from.
        .add(("Referrer-Policy", "same-origin"))
        .add(("Cache-Control", "no-store"))
}

async fn nothing_here(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let problem = Problem::not_found(format!("{} {} is not a route here", request.method(), request.path()));
    if access::is_page(&request) { Ok(pages::refused(&request, &problem)) } else { Err(problem) }
}
