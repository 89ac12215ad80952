//! `[notify]`: who is told of what and how, as typed and as resolved.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::ConfigError;
use crate::{
    domain::{
        destination::{Destination, Endpoint, Language, MailTls, Relay, Secret, Way},
        message::{On, Severity},
        money::{Currency, Money},
        rule::{Digest, Quiet, Rule, Rules},
    },
    limits,
};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    pub language: Language,
    pub time_zone: String,
    pub destinations: BTreeMap<String, WrittenDestination>,
    pub rules: Vec<WrittenRule>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum WrittenDestination {
    Webhook(Webhook),
    Teams(Chat),
    Slack(Chat),
    Mattermost(Chat),
    Mail(Mail),
    Syslog(Syslog),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub url: String,
    pub secrets: Vec<String>,
    #[serde(default)]
    pub allow_private: bool,
    #[serde(default)]
    pub ca_file: String,
    pub language: Option<Language>,
    pub quiet: Option<WrittenQuiet>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// The address is a secret itself.
    pub url: String,
    #[serde(default)]
    pub allow_private: bool,
    #[serde(default)]
    pub ca_file: String,
    pub language: Option<Language>,
    pub quiet: Option<WrittenQuiet>,
    pub digest: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    #[serde(default)]
    pub user: String,
    #[serde(default)]
    pub password: String,
    pub from: String,
    pub to: Vec<String>,
    #[serde(default)]
    pub ca_file: String,
    pub language: Option<Language>,
    pub quiet: Option<WrittenQuiet>,
    pub digest: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Syslog {
    pub host: String,
    pub port: u16,
    #[serde(default)]
    pub udp: bool,
    pub language: Option<Language>,
    pub quiet: Option<WrittenQuiet>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenQuiet {
    pub from: String,
    pub to: String,
    #[serde(default)]
    pub weekends: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenRule {
    pub name: String,
    pub on: Vec<On>,
    pub to: Vec<String>,
    pub min_severity: Option<Severity>,
    pub min_at_risk: Option<String>,
    #[serde(default)]
    pub escalate_days: Vec<u32>,
}

/// What is in force.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub destinations: Vec<Destination>,
    pub rules: Rules,
    pub zone: TimeZone,
}

type Result<T> = std::result::Result<T, String>;

pub fn resolve(written: &Notify) -> std::result::Result<Resolved, ConfigError> {
    let wrong = |key: &'static str| move |message: String| ConfigError::Value { key, message };
    let zone = zone(&written.time_zone).map_err(wrong("notify.time_zone"))?;
    if written.destinations.len() > limits::DESTINATIONS_MAX {
        let message = format!("{} are more than {}", written.destinations.len(), limits::DESTINATIONS_MAX);
        return Err(wrong("notify.destinations")(message));
    }
    let (mut destinations, mut quiet, mut digests) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for (name, destination) in &written.destinations {
        let named = |message: String| wrong("notify.destinations")(format!("{name}: {message}"));
        if !is_name(name) {
            return Err(named("a name has letters, digits, '-' and '_', at most 40".to_owned()));
        }
        let (way, language, hours) = way(destination).map_err(named)?;
        if let Some(hours) = hours {
            quiet.insert(name.clone(), quiet_hours(hours, &zone).map_err(named)?);
        }
        if let Some(written) = digest(destination) {
            let hour = time("a digest", written).map_err(named)?;
            if quiet.get(name).is_some_and(|quiet: &Quiet| quiet.covers(hour)) {
                return Err(named(format!("the digest of {written} lies in the quiet hours: choose an hour outside of them")));
            }
            digests.insert(name.clone(), Digest { hour, zone: zone.clone() });
        }
        destinations.push(Destination { name: name.clone(), language: language.unwrap_or(written.language), way });
    }
    let mut rules: Vec<Rule> = Vec::new();
    for rule in &written.rules {
        let named = |message: String| wrong("notify.rules")(format!("{}: {message}", rule.name));
        if rules.iter().any(|other| other.name == rule.name) {
            return Err(named("two rules have this name".to_owned()));
        }
        rules.push(resolve_rule(rule, written).map_err(named)?);
    }
    Ok(Resolved { destinations, rules: Rules { rules, quiet, digests }, zone })
}

fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn zone(name: &str) -> Result<TimeZone> {
    // The default must be there on a machine without tzdata too.
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| {
        format!("this machine knows no time zone '{name}': write one such as \"Europe/Berlin\", and install the package tzdata where it is missing")
    })
}

fn resolve_rule(rule: &WrittenRule, written: &Notify) -> Result<Rule> {
    if !is_name(&rule.name) {
        return Err("a name has letters, digits, '-' and '_', at most 40".to_owned());
    }
    if rule.to.is_empty() || rule.on.is_empty() {
        return Err("it needs at least one destination in 'to' and one occasion in 'on'".to_owned());
    }
    if let Some(unknown) = rule.to.iter().find(|name| !written.destinations.contains_key(*name)) {
        return Err(format!("there is no destination '{unknown}' in [notify.destinations]"));
    }
    if rule.on.contains(&On::Test) {
        return Err("a test goes out by `lastbuy notify test`, not by a rule".to_owned());
    }
    if rule.on.contains(&On::Digest) {
        return Err("a digest is asked for at its destination (digest = \"07:00\"), not by a rule".to_owned());
    }
    if rule.on.contains(&On::LastTimeBuyNears) == rule.escalate_days.is_empty() {
        return Err("escalate_days belong to last_time_buy_nears, and it needs at least one".to_owned());
    }
    if let Some(days) = rule.escalate_days.iter().find(|days| **days > limits::ESCALATE_DAYS_MAX) {
        return Err(format!("{days} days are more than {}", limits::ESCALATE_DAYS_MAX));
    }
    let min_at_risk = rule.min_at_risk.as_deref().map(money).transpose()?;
    Ok(Rule {
        name: rule.name.clone(),
        on: rule.on.clone(),
        min_severity: rule.min_severity.unwrap_or(Severity::Info),
        min_at_risk,
        escalate_days: rule.escalate_days.clone(),
        to: rule.to.clone(),
    })
}

fn money(text: &str) -> Result<Money> {
    let wrong = || format!("'{text}' is not an amount with its currency, such as \"10000 EUR\"");
    let (amount, currency) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let currency: Currency = currency.parse().map_err(|_| wrong())?;
    Money::round(amount.parse().map_err(|_| wrong())?, currency).map_err(|error| error.to_string())
}

fn time(what: &str, text: &str) -> Result<Time> {
    text.parse().map_err(|_| format!("{what}: '{text}' is not a time such as \"20:00\""))
}

/// The hour at which people want one message a day. What a machine reads comes one by one.
fn digest(written: &WrittenDestination) -> Option<&str> {
    match written {
        WrittenDestination::Teams(chat) | WrittenDestination::Slack(chat) | WrittenDestination::Mattermost(chat) => chat.digest.as_deref(),
        WrittenDestination::Mail(mail) => mail.digest.as_deref(),
        WrittenDestination::Webhook(_) | WrittenDestination::Syslog(_) => None,
    }
}

fn quiet_hours(written: &WrittenQuiet, zone: &TimeZone) -> Result<Quiet> {
    let (from, to) = (time("quiet hours", &written.from)?, time("quiet hours", &written.to)?);
    if from == to && !written.weekends {
        return Err("quiet hours begin and end at the same time".to_owned());
    }
    Ok(Quiet { from, to, weekends: written.weekends, zone: zone.clone() })
}

type Chosen<'a> = (Way, Option<Language>, Option<&'a WrittenQuiet>);

fn way(written: &WrittenDestination) -> Result<Chosen<'_>> {
    Ok(match written {
        WrittenDestination::Webhook(webhook) => {
            let endpoint = endpoint(&webhook.url, webhook.allow_private, &webhook.ca_file)?;
            if !(1..=2).contains(&webhook.secrets.len()) {
                return Err("a webhook is signed with one secret, or with two while one takes the other's place".to_owned());
            }
            let keys = webhook.secrets.iter().map(|secret| key(&read_secret(secret)?).map_err(|why| format!("{secret} {why}")));
            (Way::Webhook { endpoint, keys: Secret(keys.collect::<Result<_>>()?) }, webhook.language, webhook.quiet.as_ref())
        }
        WrittenDestination::Teams(chat) => (Way::Teams(chat_endpoint(chat)?), chat.language, chat.quiet.as_ref()),
        WrittenDestination::Slack(chat) | WrittenDestination::Mattermost(chat) => {
            (Way::Slack(chat_endpoint(chat)?), chat.language, chat.quiet.as_ref())
        }
        WrittenDestination::Mail(mail) => (Way::Mail(relay(mail)?), mail.language, mail.quiet.as_ref()),
        WrittenDestination::Syslog(syslog) => {
            let Syslog { host, port, udp, .. } = syslog;
            (Way::Syslog { host: host.clone(), port: *port, udp: *udp }, syslog.language, syslog.quiet.as_ref())
        }
    })
}

fn chat_endpoint(chat: &Chat) -> Result<Endpoint> {
    if !chat.url.starts_with("file:") && !chat.url.starts_with("env:") {
        return Err("the address of a chat is a secret: write it into a file or a variable, and url = \"file:/path\" or \"env:NAME\"".to_owned());
    }
    endpoint(&read_secret(&chat.url)?, chat.allow_private, &chat.ca_file).map_err(|why| format!("{}: {why}", chat.url))
}

fn endpoint(text: &str, allow_private: bool, ca_file: &str) -> Result<Endpoint> {
    // The text is not repeated: it may be a secret.
    let url = Url::parse(text).map_err(|error| format!("the url is not one: {error}"))?;
    match (url.scheme(), url.host()) {
        (_, None) => return Err("the url names no host".to_owned()),
        ("https", Some(Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_))) => {}
        ("http", Some(_)) if allow_private => {}
        ("http", Some(_)) => return Err("http:// is only for receivers in the own network: write https://, or allow_private = true".to_owned()),
        (other, _) => return Err(format!("'{other}:' is neither https: nor http:")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a url with a name or password in it is not taken".to_owned());
    }
    Ok(Endpoint { url: Secret(url), allow_private, ca: authorities(ca_file)? })
}

fn relay(mail: &Mail) -> Result<Relay> {
    if mail.to.is_empty() || mail.to.len() > limits::MAIL_RECIPIENTS_MAX {
        return Err(format!("mail goes to at least one and at most {} addresses", limits::MAIL_RECIPIENTS_MAX));
    }
    if let Some(wrong) = mail.to.iter().chain([&mail.from]).find(|address| !address.contains('@')) {
        return Err(format!("'{wrong}' is not an address"));
    }
    let login = match (mail.user.as_str(), mail.password.as_str()) {
        ("", "") => None,
        ("", _) | (_, "") => return Err("user and password belong together".to_owned()),
        _ if mail.tls == MailTls::None => return Err("a password is not sent without TLS: choose tls = \"starttls\" or \"implicit\"".to_owned()),
        (user, password) => Some((user.to_owned(), Secret(read_secret(password)?))),
    };
    let Mail { host, port, tls, from, to, .. } = mail.clone();
    Ok(Relay { host, port, tls, login, from, to, ca: authorities(&mail.ca_file)? })
}

fn authorities(file: &str) -> Result<Option<Vec<u8>>> {
    if file.is_empty() {
        return Ok(None);
    }
    std::fs::read(file).map(Some).map_err(|error| format!("{file} cannot be read: {error}"))
}

/// What `file:/path` or `env:NAME` holds.
fn read_secret(reference: &str) -> Result<String> {
    let text = if let Some(path) = reference.strip_prefix("file:") {
        std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?
    } else if let Some(name) = reference.strip_prefix("env:") {
        std::env::var(name).map_err(|_| format!("the environment holds no text under {name}"))?
    } else {
        return Err("a secret is named as \"file:/path\" or \"env:NAME\" and never written into the configuration".to_owned());
    };
    match text.trim() {
        "" => Err(format!("{reference} is empty")),
        secret => Ok(secret.to_owned()),
    }
}

/// A key of Standard Webhooks: `whsec_` and base64 of 24 to 64 random bytes.
fn key(secret: &str) -> Result<Vec<u8>> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok().filter(|key| (24..=64).contains(&key.len()));
    key.ok_or_else(|| "holds no key: whsec_ and the base64 of 24 to 64 random bytes, for example from `openssl rand -base64 32`".to_owned())
}
