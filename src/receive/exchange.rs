//! One request over one connection to the outside.

use bytes::Bytes;
use http_body_util::{Empty, Full};
use hyper::{Method, Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// Sends a request and gives the answer's head; the connection ends with its body.
pub(super) async fn send<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<Incoming>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the answer, or with the sender when nobody waits any more.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the outside ended");
        }
    });
    sender.send_request(request).await
}

/// A way through a proxy to `host:port` (CONNECT, RFC 9110 section 9.3.6); the sentence says why there is none.
pub(super) async fn tunnel<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    host: &str,
    port: u16,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, String> {
    let failed = |error: &dyn std::fmt::Display| format!("the proxy makes no connection to {host}: {error}");
    let request = Request::builder().method(Method::CONNECT).uri(format!("{host}:{port}")).header(hyper::header::HOST, format!("{host}:{port}"));
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| failed(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a connection to the proxy ended");
        }
    });
    let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
    if !response.status().is_success() {
        return Err(failed(&response.status()));
    }
    hyper::upgrade::on(response).await.map(TokioIo::new).map_err(|error| failed(&error))
}
