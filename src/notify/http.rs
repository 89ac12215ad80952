//! One POST, and what its answer means to a sender. No redirect is followed: it would lead past every check of the address.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime::Handle,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{network, tls};
use crate::{
    domain::{destination::Endpoint, time::At},
    limits,
    store::Delivery,
};

struct Answer {
    status: StatusCode,
    retry_after: Option<String>,
    /// How its body begins.
    said: String,
}

pub(super) fn deliver(endpoint: &Endpoint, headers: &[(&'static str, String)], body: Vec<u8>, now: At, runtime: &Handle) -> Delivery {
    let limit = Duration::from_secs(limits::DELIVERY_SECONDS_MAX);
    match runtime.block_on(async { tokio::time::timeout(limit, post(endpoint, headers, body)).await }) {
        Ok(Ok(answer)) => judge(&answer, now),
        Ok(Err(error)) => Delivery::Failed { error, wait_ms: None },
        Err(_) => Delivery::Failed { error: format!("no answer within {} seconds", limits::DELIVERY_SECONDS_MAX), wait_ms: None },
    }
}

fn judge(answer: &Answer, now: At) -> Delivery {
    let status = answer.status;
    if status.is_success() {
        return Delivery::Taken;
    }
    let said = if answer.said.is_empty() { String::new() } else { format!(": {}", answer.said) };
    let error = match status {
        _ if status.is_redirection() => {
            format!("the receiver answered {status}; redirects are not followed: write the new address into the configuration")
        }
        _ => format!("the receiver answered {status}{said}"),
    };
    let wanted = answer.retry_after.as_deref().and_then(|text| retry_after_ms(text, now));
    let overloaded =
        matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT);
    match status {
        StatusCode::GONE => Delivery::Gone { error },
        _ if overloaded => Delivery::Failed { error, wait_ms: Some(wanted.unwrap_or(0).max(limits::SLOW_DOWN_MS)) },
        _ => Delivery::Failed { error, wait_ms: wanted },
    }
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after_ms(text: &str, now: At) -> Option<i64> {
    if let Ok(seconds) = text.trim().parse::<u32>() {
        return Some(i64::from(seconds) * 1000);
    }
    let date = httpdate::parse_http_date(text.trim()).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(date.as_millis()).ok().map(|date| (date - now.0).max(0))
}

async fn post(endpoint: &Endpoint, headers: &[(&'static str, String)], body: Vec<u8>) -> Result<Answer, String> {
    let url = &endpoint.url.0;
    let host = url.host().ok_or("the url names no host")?;
    let port = url.port_or_known_default().ok_or("the url names no port")?;
    let name = host.to_string();
    let stream = connect(&host, port, &name, endpoint.allow_private).await?;
    let request = request(url, headers, body)?;
    if url.scheme() == "http" {
        return exchange(stream, request).await;
    }
    let server = match &host {
        Host::Domain(domain) => ServerName::try_from(domain.to_string()).map_err(|_| format!("{name} is no name for TLS"))?,
        Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::from(*ip)),
        Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::from(*ip)),
    };
    let connector = TlsConnector::from(Arc::new(tls::client(endpoint.ca.as_deref())?));
    let stream = connector.connect(server, stream).await.map_err(|error| format!("TLS with {name} fails: {error}"))?;
    exchange(stream, request).await
}

async fn connect(host: &Host<&str>, port: u16, name: &str, allow_private: bool) -> Result<TcpStream, String> {
    let found: Vec<_> = match host {
        Host::Domain(domain) => tokio::net::lookup_host((*domain, port)).await.map_err(|error| format!("{name} has no address: {error}"))?.collect(),
        Host::Ipv4(ip) => vec![(*ip, port).into()],
        Host::Ipv6(ip) => vec![(*ip, port).into()],
    };
    let mut last = String::new();
    for address in network::allowed(found.into_iter(), name, allow_private)? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = format!("{address} does not answer: {error}"),
        }
    }
    Err(last)
}

fn request(url: &Url, headers: &[(&'static str, String)], body: Vec<u8>) -> Result<Request<Full<Bytes>>, String> {
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut request = Request::post(path).header("host", authority).header("user-agent", concat!("Lastbuy/", env!("CARGO_PKG_VERSION")));
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(Full::new(Bytes::from(body))).map_err(|error| format!("no request can be made of it: {error}"))
}

async fn exchange(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, request: Request<Full<Bytes>>) -> Result<Answer, String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| format!("the connection fails: {error}"))?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| format!("no answer: {error}"));
    let answer = match answer {
        Ok(answer) => {
            let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
            let status = answer.status();
            // What was taken is taken, whatever more is said.
            let said = if status.is_success() { String::new() } else { beginning(answer.into_body()).await };
            Ok(Answer { status, retry_after, said })
        }
        Err(error) => Err(error),
    };
    connection.abort();
    answer
}

/// The first `limits::ANSWER_BYTES_MAX` bytes, in one line.
async fn beginning(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < limits::ANSWER_BYTES_MAX {
        let Some(Ok(frame)) = body.frame().await else { break };
        bytes.extend(frame.data_ref().into_iter().flatten());
    }
    bytes.truncate(limits::ANSWER_BYTES_MAX);
    String::from_utf8_lossy(&bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_name_a_pause_or_a_moment() {
        let now = At(1_416_000_000_000);
        assert_eq!(retry_after_ms("120", now), Some(120_000));
        assert_eq!(retry_after_ms("Fri, 14 Nov 2014 21:21:00 GMT", now), Some(1_416_000_060_000 - 1_416_000_000_000));
        assert_eq!(retry_after_ms("Fri, 14 Nov 2014 21:00:00 GMT", now), Some(0));
        assert_eq!(retry_after_ms("soon", now), None);
        assert_eq!(retry_after_ms("-5", now), None);
    }

    #[test]
    fn answers_mean_what_standard_webhooks_says() {
        let of = |status: u16, retry_after: Option<&str>| {
            let status = StatusCode::from_u16(status).expect("status");
            judge(&Answer { status, retry_after: retry_after.map(str::to_owned), said: "no".to_owned() }, At(0))
        };
        assert_eq!(of(204, None), Delivery::Taken);
        assert!(matches!(of(302, None), Delivery::Failed { error, wait_ms: None } if error.contains("not followed")));
        assert!(matches!(of(410, None), Delivery::Gone { .. }));
        assert!(matches!(of(500, None), Delivery::Failed { error, wait_ms: None } if error.ends_with(": no")));
        assert!(matches!(of(502, None), Delivery::Failed { wait_ms: Some(limits::SLOW_DOWN_MS), .. }));
        assert!(matches!(of(429, Some("600")), Delivery::Failed { wait_ms: Some(600_000), .. }));
        assert!(matches!(of(400, None), Delivery::Failed { .. }));
    }
}
