//! `[smtp]`: the mail receiver, off unless it is given an address.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ipnet::IpNet;
use rustls::ServerConfig;
use serde::{Deserialize, Serialize};

use super::{ConfigError, tls};

/// As typed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub listen: String,
    pub hostname: String,
    pub recipients: Vec<String>,
    pub peers: Vec<String>,
    pub certificate_file: String,
    pub key_file: String,
    pub require_tls: bool,
    pub connections: usize,
    pub connections_per_peer: usize,
    pub mails_per_minute: u32,
    pub idle_seconds: u64,
}

/// In force.
#[derive(Debug, Clone)]
pub struct Smtp {
    pub listen: SocketAddr,
    /// The name it greets with.
    pub hostname: String,
    /// Addresses in lower case, or `@domain` for every address of a domain; empty: any.
    pub recipients: Vec<String>,
    pub peers: Vec<IpNet>,
    pub tls: Option<Arc<ServerConfig>>,
    pub require_tls: bool,
    pub connections: usize,
    pub connections_per_peer: usize,
    /// Of one peer; 0: no limit.
    pub mails_per_minute: u32,
    /// How long a client may be silent.
    pub idle: Duration,
}

impl Written {
    /// `None`: it is off.
    pub fn resolve(&self) -> Result<Option<Smtp>, ConfigError> {
        if self.listen.is_empty() {
            return Ok(None);
        }
        let listen: SocketAddr = self
            .listen
            .parse()
            .map_err(|_| wrong("smtp.listen", format!("'{}' is not an address with a port, for example 127.0.0.1:2525", self.listen)))?;
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
        if !(1..=255).contains(&self.hostname.len()) || !self.hostname.bytes().all(is_name) {
            return Err(wrong("smtp.hostname", format!("'{}' is not the name of a host", self.hostname)));
        }
        let recipients = self.recipients.iter().map(|written| recipient(written)).collect::<Result<Vec<_>, _>>()?;
        let peers = self.peers.iter().map(|written| network("smtp.peers", written)).collect::<Result<Vec<IpNet>, _>>()?;
        let tls = match (self.certificate_file.as_str(), self.key_file.as_str()) {
            ("", "") => None,
            ("", _) => return Err(wrong("smtp.certificate_file", "smtp.key_file needs a certificate beside it")),
            (_, "") => return Err(wrong("smtp.key_file", "smtp.certificate_file needs its private key")),
            (certificate, key) => Some(tls::server(certificate, key).map_err(|message| wrong("smtp.certificate_file", message))?),
        };
        if self.require_tls && tls.is_none() {
            return Err(wrong("smtp.require_tls", "nothing could be sent: name smtp.certificate_file and smtp.key_file"));
        }
        for (key, value, most) in [
            ("smtp.connections", self.connections, 10_000),
            ("smtp.connections_per_peer", self.connections_per_peer, 10_000),
            ("smtp.idle_seconds", usize::try_from(self.idle_seconds).unwrap_or(usize::MAX), 3600),
        ] {
            if !(1..=most).contains(&value) {
                return Err(wrong(key, format!("{value} is not between 1 and {most}")));
            }
        }
        let smtp = Smtp {
            listen,
            hostname: self.hostname.clone(),
            recipients,
            peers,
            tls,
            require_tls: self.require_tls,
            connections: self.connections,
            connections_per_peer: self.connections_per_peer,
            mails_per_minute: self.mails_per_minute,
            idle: Duration::from_secs(self.idle_seconds),
        };
        smtp.refuse_open_relay()?;
        Ok(Some(smtp))
    }
}

impl Smtp {
    /// What other machines can reach takes mails for named recipients only, and from named networks only unless TLS is required.
    fn refuse_open_relay(&self) -> Result<(), ConfigError> {
        if self.listen.ip().is_loopback() {
            return Ok(());
        }
        if self.recipients.is_empty() {
            return Err(wrong(
                "smtp.recipients",
                format!("{} can be reached from other machines: list the addresses mails are taken for", self.listen),
            ));
        }
        let takes_anybody = self.peers.iter().any(|net| net.prefix_len() == 0);
        if takes_anybody && !self.require_tls {
            let message = "it admits every machine: name the mail server's own network, or set smtp.require_tls with a certificate";
            return Err(wrong("smtp.peers", message));
        }
        Ok(())
    }
}

fn wrong(key: &'static str, message: impl Into<String>) -> ConfigError {
    ConfigError::Value { key, message: message.into() }
}

fn recipient(written: &str) -> Result<String, ConfigError> {
    let address = written.trim().to_lowercase();
    let is_clean = address.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '<' && c != '>');
    match address.rsplit_once('@') {
        Some((_, domain)) if is_clean && !domain.is_empty() => Ok(address),
        _ => {
            Err(wrong("smtp.recipients", format!("'{written}' is neither an address such as pcn@plant.example nor a domain such as @plant.example")))
        }
    }
}

/// A network such as `10.1.0.0/16`, or one machine.
pub(super) fn network(key: &'static str, written: &str) -> Result<IpNet, ConfigError> {
    let written = written.trim();
    written
        .parse()
        .or_else(|_| written.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| wrong(key, format!("'{written}' is neither an address nor a network such as 10.1.0.0/16")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Written {
        Written {
            listen: "127.0.0.1:2525".to_owned(),
            hostname: "lastbuy.plant.example".to_owned(),
            recipients: vec!["PCN@Plant.example".to_owned()],
            peers: vec!["10.1.0.0/16".to_owned(), "::1".to_owned()],
            certificate_file: String::new(),
            key_file: String::new(),
            require_tls: false,
            connections: 10,
            connections_per_peer: 5,
            mails_per_minute: 60,
            idle_seconds: 300,
        }
    }

    fn said(change: impl FnOnce(&mut Written)) -> String {
        let mut written = written();
        change(&mut written);
        written.resolve().err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn is_off_without_an_address() {
        assert!(Written { listen: String::new(), ..written() }.resolve().expect("off").is_none());
        let smtp = written().resolve().expect("valid").expect("on");
        assert_eq!((smtp.recipients, smtp.peers.len()), (vec!["pcn@plant.example".to_owned()], 2));
    }

    #[test]
    fn mistakes_are_named() {
        let elsewhere = |written: &mut Written| written.listen = "0.0.0.0:25".to_owned();
        for (says, part) in [
            (said(|written| written.listen = "25".to_owned()), "smtp.listen"),
            (said(|written| written.hostname = "my host".to_owned()), "smtp.hostname"),
            (said(|written| written.recipients = vec!["pcn".to_owned()]), "smtp.recipients"),
            (said(|written| written.peers = vec!["10.1".to_owned()]), "smtp.peers"),
            (said(|written| written.require_tls = true), "smtp.require_tls"),
            (said(|written| written.key_file = "/x".to_owned()), "smtp.certificate_file"),
            (said(|written| written.connections = 0), "smtp.connections"),
            (
                said(|written| {
                    elsewhere(written);
                    written.recipients.clear();
                }),
                "list the addresses",
            ),
            (
                said(|written| {
                    elsewhere(written);
                    written.peers = vec!["0.0.0.0/0".to_owned()];
                }),
                "admits every machine",
            ),
            (
                said(|written| (written.certificate_file, written.key_file) = ("/nowhere/c.pem".to_owned(), "/nowhere/k.pem".to_owned())),
                "/nowhere/c.pem",
            ),
        ] {
            assert!(says.contains(part), "'{says}' does not say '{part}'");
        }
        assert_eq!(said(elsewhere), "", "a named network and a named recipient are enough");
    }
}
