//! A client of one HTTP API with a session cookie: a connection a request, TLS to named or the system's authorities, no redirects, bounded answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, header};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{config::poller::Poller, limits, receive::exchange::send};

/// A sentence; it never holds the key.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failed(pub(super) String);

pub(super) struct Client {
    config: Poller,
    /// `name=value` of each cookie of the session.
    cookies: Option<String>,
}

impl Client {
    pub(super) fn new(config: Poller) -> Client {
        Client { config, cookies: None }
    }

    pub(super) fn has_session(&self) -> bool {
        self.cookies.is_some()
    }

    pub(super) async fn authenticate(&mut self) -> Result<(), Failed> {
        self.cookies = None;
        let (login, api_key) = (self.config.login.clone(), self.config.api_key.clone());
        let (cookies, answer) = self.post("authenticateUser", &[("login", &login), ("apiKey", &api_key), ("fmt", "json")]).await?;
        let is_in = answer["Status"]["Success"].as_str().is_some_and(|success| success.eq_ignore_ascii_case("true"));
        if !is_in || cookies.is_empty() {
            return Err(Failed("it does not let us in: look at siliconexpert.credentials_file".to_owned()));
        }
        self.cookies = Some(cookies.join("; "));
        Ok(())
    }

    pub(super) async fn ask(&self, operation: &str, form: &[(&str, &str)]) -> Result<Value, Failed> {
        Ok(self.post(operation, form).await?.1)
    }

    async fn post(&self, operation: &str, form: &[(&str, &str)]) -> Result<(Vec<String>, Value), Failed> {
        let wait = Duration::from_secs(limits::POLL_SECONDS_MAX);
        let asked = tokio::time::timeout(wait, self.exchange(operation, form)).await;
        asked.unwrap_or_else(|_| Err(Failed(format!("{operation} was not answered within {} seconds", limits::POLL_SECONDS_MAX))))
    }

    async fn exchange(&self, operation: &str, form: &[(&str, &str)]) -> Result<(Vec<String>, Value), Failed> {
        let broken = |error: &dyn std::fmt::Display| Failed(format!("{}, {operation}: {error}", self.config.host));
        let stream = TcpStream::connect((self.config.host.as_str(), self.config.port)).await.map_err(|error| broken(&error))?;
        let mut request = Request::post(format!("{}{operation}", self.config.path))
            .header(header::HOST, &self.config.host)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        if let Some(cookies) = &self.cookies {
            request = request.header(header::COOKIE, cookies);
        }
        let request = request.body(Full::new(Bytes::from(encode(form)))).map_err(|error| broken(&error))?;
        let response = if self.config.is_tls {
            let name = self.config.host.clone().try_into().map_err(|_| broken(&"this is no name of a host"))?;
            let connector = TlsConnector::from(Arc::clone(&self.config.tls));
            send(connector.connect(name, stream).await.map_err(|error| broken(&error))?, request).await
        } else {
            send(stream, request).await
        }
        .map_err(|error| broken(&error))?;
        let status = response.status();
        let cookies =
            response.headers().get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()?.split(';').next().map(str::to_owned));
        let cookies = cookies.take(limits::POLL_COOKIES_MAX).collect();
        let body = Limited::new(response.into_body(), limits::JSON_BODY_BYTES_MAX).collect().await.map_err(|error| broken(&error))?.to_bytes();
        if !status.is_success() {
            return Err(broken(&format!("HTTP status {status}")));
        }
        let answer = serde_json::from_slice(&body).map_err(|_| broken(&"the answer is no JSON"))?;
        Ok((cookies, answer))
    }
}

fn encode(form: &[(&str, &str)]) -> String {
    let escape = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    form.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect::<Vec<_>>().join("&")
}
