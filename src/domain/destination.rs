//! Where people are told: a destination of the site as it is in force, with its secrets read.

use std::fmt;

use url::Url;

/// What must never be shown. Its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T = String>(pub T);

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Whom a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    En,
    De,
}

/// Where an HTTP request goes. Chat services put their secret into the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub url: Secret<Url>,
    /// Whether it may be in a private network, and without TLS.
    pub allow_private: bool,
    /// PEM of the only authorities trusted for it; `None`: those of the machine.
    pub ca: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// From the first byte, usually on port 465.
    Implicit,
    /// By STARTTLS, and never without it, usually on port 587.
    Starttls,
    /// In the clear: only for a relay on the same machine or network, and never with a password.
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    pub login: Option<(String, Secret)>,
    pub from: String,
    pub to: Vec<String>,
    /// As for an endpoint.
    pub ca: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Standard Webhooks 1.0.0, signed with each of the keys: two while one takes the other's place.
    Webhook {
        endpoint: Endpoint,
        keys: Secret<Vec<Vec<u8>>>,
    },
    /// A Microsoft Teams workflow that takes an Adaptive Card.
    Teams(Endpoint),
    /// An incoming webhook of Slack or Mattermost.
    Slack(Endpoint),
    Mail(Relay),
    /// RFC 5424 over TCP, framed by octet counting (RFC 6587), or over UDP (RFC 5426).
    Syslog {
        host: String,
        port: u16,
        udp: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub name: String,
    pub language: Language,
    pub way: Way,
}
