//! Every address outside this machine that the configuration allows a connection to. Nothing else in the program opens one.

use serde::Serialize;

use super::Config;
use crate::domain::destination::{Endpoint, Way};

/// An address that is connected to, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Egress {
    /// What it is for: `destination NAME`, `siliconexpert`.
    #[serde(rename = "for")]
    pub purpose: String,
    /// `host:port`, with `/udp` where it is that.
    pub address: String,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
}

impl Config {
    /// In the order of their names; empty: this appliance speaks to nobody by itself.
    pub fn egress(&self) -> Vec<Egress> {
        let mut all: Vec<Egress> = Vec::new();
        for destination in &self.notify.destinations {
            let (address, encrypted) = match &destination.way {
                Way::Webhook { endpoint, .. } | Way::Teams(endpoint) | Way::Slack(endpoint) => of_endpoint(endpoint),
                Way::Mail(relay) => (format!("{}:{}", relay.host, relay.port), relay.tls != crate::domain::destination::MailTls::None),
                Way::Syslog { host, port, udp } => (format!("{host}:{port}{}", if *udp { "/udp" } else { "" }), false),
            };
            all.push(Egress { purpose: format!("destination {}", destination.name), address, encrypted });
        }
        if let Some(poller) = &self.poller {
            all.push(Egress { purpose: "siliconexpert".to_owned(), address: format!("{}:{}", poller.host, poller.port), encrypted: poller.is_tls });
        }
        if let Some(sns) = &self.sns {
            let mut addresses: Vec<String> = match &sns.proxy {
                Some((host, port)) => vec![format!("{host}:{port}")],
                None => self.written.intake.ses_topics.iter().filter_map(|topic| sns_host(topic)).map(|host| format!("{host}:443")).collect(),
            };
            addresses.dedup();
            all.extend(addresses.into_iter().map(|address| Egress { purpose: "sns".to_owned(), address, encrypted: true }));
        }
        all.sort_by(|one, other| one.purpose.cmp(&other.purpose));
        all
    }
}

/// The host of SNS that a topic (`arn:aws:sns:eu-central-1:…`) belongs to.
fn sns_host(topic: &str) -> Option<String> {
    let mut fields = topic.split(':');
    let partition = fields.nth(1)?;
    let region = fields.nth(1)?;
    Some(format!("sns.{region}.amazonaws.com{}", if partition == "aws-cn" { ".cn" } else { "" }))
}

/// Host and port only: the rest of the address may be a secret.
fn of_endpoint(endpoint: &Endpoint) -> (String, bool) {
    let url = &endpoint.url.0;
    let port = url.port_or_known_default().map_or_else(String::new, |port| format!(":{port}"));
    (format!("{}{port}", url.host_str().unwrap_or("?")), url.scheme() == "https")
}
