//! Speaks the appliance's own HTTP API over its Unix socket. Where no server runs, one is started in this process, without a network face, for the time of
//! the command; it owns the data directory meanwhile.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::UnixStream, runtime::Runtime};

use super::Context;
use crate::app::{self, ADMIN_SOCKET};

/// The server said no; a `problem+json`.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    pub status: u16,
    pub code: String,
    pub detail: String,
    /// Nearest names, where something was not found.
    pub suggestions: Vec<String>,
}

/// Exit code of an error: 3 where something was not found, 1 otherwise.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Problem>() {
        Some(problem) if problem.status == 404 => 3,
        _ => 1,
    }
}

pub struct Client {
    runtime: Runtime,
    socket: PathBuf,
    /// The server in this process, where no other runs.
    own: Option<app::Running>,
}

impl Client {
    /// To the running server, or to one started here. `work` also starts the workers of the one started here.
    fn connect(context: &Context, work: bool) -> anyhow::Result<Client> {
        let runtime = runtime()?;
        let socket = context.data_dir.join(ADMIN_SOCKET);
        let runs = runtime.block_on(async { UnixStream::connect(&socket).await.is_ok() });
        let own = if runs {
            None
        } else {
            // A store opened by another user gets files that its service cannot write to.
            if let Ok(metadata) = context.data_dir.metadata()
                && metadata.uid() != rustix::process::geteuid().as_raw()
            {
                let dir = context.data_dir.display();
                anyhow::bail!(
                    "{dir} belongs to user {}: start its server, or run this as that user (runuser -u USER -- lastbuy ...)",
                    metadata.uid()
                );
            }
            let config = context.config()?;
            Some(runtime.block_on(async { app::start(&config, None, work) })?)
        };
        Ok(Client { runtime, socket, own })
    }

    /// Connects, acts, and closes however the act ended, so that a server started here stops in order also after an error.
    pub fn during<T>(context: &Context, work: bool, act: impl FnOnce(&Client) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let client = Client::connect(context, work)?;
        let ended = act(&client);
        let closed = client.close();
        let ended = ended?;
        closed?;
        Ok(ended)
    }

    /// A client of a server that runs in this process already.
    pub fn of(runtime: Runtime, context: &Context, own: app::Running) -> Client {
        Client { runtime, socket: context.data_dir.join(ADMIN_SOCKET), own: Some(own) }
    }

    /// Whether the server is part of this process, so that work goes on only while this command lasts.
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    pub fn get(&self, path: &str) -> anyhow::Result<Value> {
        json(&self.send(Method::GET, path, "application/json", Bytes::new())?)
    }

    pub fn get_bytes(&self, path: &str) -> anyhow::Result<Bytes> {
        self.send(Method::GET, path, "application/json", Bytes::new())
    }

    /// A large answer, piece by piece as it comes.
    pub fn download(&self, path: &str, mut take: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let stream = UnixStream::connect(&self.socket).await.with_context(|| format!("the server behind {} is gone", self.socket.display()))?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            let connection = tokio::spawn(connection);
            let request = Request::get(path).header("host", "lastbuy").body(Full::<Bytes>::default())?;
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let mut body = answer.into_body();
            if !status.is_success() {
                return Err(problem(status, &body.collect().await?.to_bytes()).into());
            }
            while let Some(frame) = body.frame().await {
                let frame = frame.context("the server ended in the middle; its log says why")?;
                if let Some(piece) = frame.data_ref() {
                    take(piece)?;
                }
            }
            connection.abort();
            Ok(())
        })
    }

    pub fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        json(&self.send(Method::POST, path, "application/json", Bytes::from(body.to_string()))?)
    }

    pub fn post_bytes(&self, path: &str, content_type: &str, body: Vec<u8>) -> anyhow::Result<Value> {
        json(&self.send(Method::POST, path, content_type, Bytes::from(body))?)
    }

    /// All rows of a list, page by page, up to `limit`.
    pub fn list(&self, path: &str, limit: usize) -> anyhow::Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut before: Option<String> = None;
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = (limit - rows.len()).clamp(1, crate::limits::LIST_ROWS_MAX);
            let from = before.as_deref().map(|id| format!("&before={id}")).unwrap_or_default();
            let mut answer = self.get(&format!("{path}{joint}limit={page}{from}"))?;
            if let Some(Value::Array(items)) = answer.get_mut("items").map(Value::take) {
                rows.extend(items);
            }
            match answer.get("next").and_then(Value::as_str) {
                Some(next) if rows.len() < limit => before = Some(next.to_owned()),
                _ => return Ok(rows),
            }
        }
    }

    pub fn pause(&self, pause: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(pause).await });
    }

    /// Waits for a signal to stop, or for trouble of the server in this process.
    pub fn wait_for_stop(&self) -> anyhow::Result<()> {
        match &self.own {
            Some(own) => self.runtime.block_on(super::serve::until_stopped(own)),
            None => Ok(()),
        }
    }

    /// Ends the server in this process in order; a running appliance goes on.
    pub fn close(self) -> anyhow::Result<()> {
        if let Some(own) = self.own {
            self.runtime.block_on(own.stop())?;
        }
        Ok(())
    }

    fn send(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> anyhow::Result<Bytes> {
        let (status, bytes) = self.runtime.block_on(exchange(&self.socket, method, path, content_type, body))?;
        if status.is_success() { Ok(bytes) } else { Err(problem(status, &bytes).into()) }
    }
}

/// One request over the admin socket and its answer.
pub async fn exchange(socket: &Path, method: Method, path: &str, content_type: &str, body: Bytes) -> anyhow::Result<(StatusCode, Bytes)> {
    let stream = UnixStream::connect(socket).await.with_context(|| format!("the server behind {} is gone", socket.display()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", "lastbuy").header("content-type", content_type).body(Full::new(body))?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let bytes = answer.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok((status, bytes))
}

/// The runtime a command's server and requests share.
pub fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// A value for use in a query.
pub fn escape(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn json(bytes: &[u8]) -> anyhow::Result<Value> {
    serde_json::from_slice(bytes).context("the server's answer is not JSON")
}

fn problem(status: StatusCode, bytes: &[u8]) -> Problem {
    let value: Value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let suggestions = value.get("suggestions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Problem {
        status: status.as_u16(),
        code: text("code").unwrap_or_default(),
        detail: text("detail").or_else(|| text("title")).unwrap_or_else(|| format!("the server answered {status}")),
        suggestions: suggestions.iter().map(suggestion).collect(),
    }
}

fn suggestion(value: &Value) -> String {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    match value.as_str() {
        Some(plain) => plain.to_owned(),
        None => format!("{} {} (item {}): {}", text("maker"), text("mpn"), text("item"), text("why")),
    }
}
