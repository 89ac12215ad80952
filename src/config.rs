//! What the operator decides. `Written` is the file as typed (unknown keys refused, defaults from the commented file inside the binary); `Config` is what is
//! in force (addresses parsed, secrets read, paths found). The border is `Config::load`.

mod access;
mod egress;
pub mod inbox;
mod notify;
pub mod poller;
pub mod smtp;
pub mod sns;
pub mod tls;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ipnet::IpNet;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{domain::job::AtOnce, limits};

pub use self::egress::Egress;
pub use self::notify::{Notify, Resolved as Notifications};

/// Documentation and defaults at once.
pub const DEFAULT: &str = include_str!("../assets/config.default.toml");

/// Name of the file looked for in the data directory.
pub const FILE_NAME: &str = "lastbuy.toml";

/// The system's own data directory, and the file that an installed package reads for it where it holds none.
pub const SYSTEM_DATA_DIR: &str = "/var/lib/lastbuy";
const SYSTEM_FILE: &str = "/etc/lastbuy/lastbuy.toml";

/// The configuration cannot be used. Sentences say which key and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path}: {source}; write it, or leave --config away for the defaults")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} is not a valid configuration: {message}")]
    Syntax { path: String, message: String },
    #[error("{key}: {message}")]
    Value { key: &'static str, message: String },
}

/// The file as typed, after the defaults.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub server: Server,
    pub tls: tls::Written,
    pub site: Site,
    pub intake: Intake,
    pub smtp: smtp::Written,
    pub inbox: inbox::Written,
    pub siliconexpert: poller::Written,
    pub sns: sns::Written,
    pub model: Model,
    pub work: Work,
    pub retention: Retention,
    pub notify: Notify,
    pub access: access::Access,
    pub decisions: access::Decisions,
    pub log: Log,
    pub update: Update,
    pub import: Import,
    pub backup: Backup,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: String,
    pub metrics_from: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    pub as_of: String,
    pub maker_aliases: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    pub sources: Vec<String>,
    pub keys_kept_days: u32,
    pub per_minute: u32,
    pub clock_tolerance_seconds: u32,
    pub mandrill_url: String,
    pub ses_topics: Vec<String>,
    pub ses_certificate_files: Vec<String>,
    pub cloudevents_batches: bool,
    pub cloudevents_origins: Vec<String>,
    pub secret_files: BTreeMap<String, String>,
    pub columns: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub file: String,
    pub threads: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    pub workers: usize,
    pub at_once: BTreeMap<String, u32>,
    pub drain_seconds: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    pub keep_days: u32,
    pub keep_mib: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub format: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    pub keys: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    pub keys: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    pub folder: String,
    pub every_hours: u32,
    pub keep: usize,
}

/// What is in force.
#[derive(Clone)]
pub struct Config {
    pub written: Written,
    /// Files that were read, in order; the defaults are not among them.
    pub files: Vec<PathBuf>,
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    /// Who may read the metrics over the network.
    pub metrics_from: Vec<IpNet>,
    /// What the network face is served with, where it is encrypted.
    pub tls: Option<tls::Tls>,
    /// `None`: the day of the clock.
    pub as_of: Option<Date>,
    /// Text of the site's own alias list.
    pub maker_aliases: Option<String>,
    /// How many jobs may be in each step at the same time.
    pub at_once: AtOnce,
    /// The mail receiver, where it is on.
    pub smtp: Option<smtp::Smtp>,
    /// The watched folder, where it is on.
    pub inbox: Option<inbox::Inbox>,
    /// The poller, where it is on.
    pub poller: Option<poller::Poller>,
    /// What confirms subscriptions of SNS, where that is on.
    pub sns: Option<sns::Sns>,
    /// By source. Never shown.
    pub secrets: BTreeMap<String, String>,
    /// Certificates of SNS in PEM, each with the name of its file.
    pub ses_certificates: Vec<(String, Vec<u8>)>,
    /// Who is told of what.
    pub notify: Notifications,
}

impl Config {
    /// Reads the configuration that is in force for `data_dir`; `file` is the one the operator named. `known_sources` are those this build takes.
    pub fn load(file: Option<&Path>, data_dir: PathBuf, known_sources: &[&str]) -> Result<Config, ConfigError> {
        let mut table = parse("the built-in default", DEFAULT)?;
        let mut files = Vec::new();
        let system = (data_dir == Path::new(SYSTEM_DATA_DIR)).then(|| PathBuf::from(SYSTEM_FILE));
        let found = [Some(data_dir.join(FILE_NAME)), system].into_iter().flatten().find(|path| path.exists());
        let chosen = file.map(Path::to_path_buf).or(found);
        if let Some(path) = chosen {
            let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
            let name = path.display().to_string();
            let over = parse(&name, &text)?;
            // Checked alone as well, so that a message points into the operator's own file and not into the merged one.
            let merged = merge(table, over);
            Written::deserialize(merged.clone()).map_err(|error| ConfigError::Syntax { path: name, message: error.message().to_owned() })?;
            table = merged;
            files.push(path);
        }
        let written = Written::deserialize(table)
            .map_err(|error| ConfigError::Syntax { path: "the built-in default".to_owned(), message: error.message().to_owned() })?;
        Config::resolve(written, files, data_dir, known_sources)
    }

    fn resolve(written: Written, files: Vec<PathBuf>, data_dir: PathBuf, known_sources: &[&str]) -> Result<Config, ConfigError> {
        let listen: SocketAddr = written.server.listen.parse().map_err(|_| ConfigError::Value {
            key: "server.listen",
            message: format!("'{}' is not an address with a port, for example 127.0.0.1:8787", written.server.listen),
        })?;
        let as_of = match written.site.as_of.as_str() {
            "today" => None,
            text => Some(text.parse::<Date>().map_err(|_| ConfigError::Value {
                key: "site.as_of",
                message: format!("'{text}' is neither \"today\" nor a date such as \"2026-11-23\""),
            })?),
        };
        let maker_aliases = match written.site.maker_aliases.as_str() {
            "" => None,
            path => Some(
                std::fs::read_to_string(path)
                    .map_err(|error| ConfigError::Value { key: "site.maker_aliases", message: format!("{path} cannot be read: {error}") })?,
            ),
        };
        let mut secrets = from_environment(known_sources, &written.intake.secret_files)?;
        for (source, path) in &written.intake.secret_files {
            known(known_sources, "intake.secret_files", source)?;
            let text = std::fs::read_to_string(path)
                .map_err(|error| ConfigError::Value { key: "intake.secret_files", message: format!("{source}: {path} cannot be read: {error}") })?;
            secrets.insert(source.clone(), secret(source, path, &text)?);
        }
        let ses_certificates = written.intake.ses_certificate_files.iter().map(|path| certificate(path)).collect::<Result<Vec<_>, _>>()?;
        for source in &written.intake.sources {
            known(known_sources, "intake.sources", source)?;
        }
        if !listen.ip().is_loopback()
            && let Some(open) = written.intake.sources.iter().find(|source| {
                // SNS signs with a key of its own: topics and certificates stand for a secret.
                let has_topics = *source == "ses" && !written.intake.ses_topics.is_empty() && !ses_certificates.is_empty();
                !has_topics && !secrets.contains_key(*source)
            })
        {
            let message = format!(
                "{listen} can be reached from other machines, but source '{open}' has no secret: name one in [intake.secret_files], or take '{open}' out of intake.sources"
            );
            return Err(ConfigError::Value { key: "server.listen", message });
        }
        if !(1..=64).contains(&written.work.workers) {
            return Err(ConfigError::Value { key: "work.workers", message: format!("{} is not between 1 and 64", written.work.workers) });
        }
        if !(1..=limits::KEYS_KEPT_DAYS_MAX).contains(&written.intake.keys_kept_days) {
            let message = format!("{} is not between 1 and {} days", written.intake.keys_kept_days, limits::KEYS_KEPT_DAYS_MAX);
            return Err(ConfigError::Value { key: "intake.keys_kept_days", message });
        }
        let mut at_once = AtOnce::default();
        for (step, most) in &written.work.at_once {
            let step = step.parse().map_err(|message| ConfigError::Value { key: "work.at_once", message })?;
            if *most == 0 {
                let message = "0 would leave the step undone; leave the line out for no limit".to_owned();
                return Err(ConfigError::Value { key: "work.at_once", message });
            }
            at_once.0.insert(step, *most);
        }
        if !matches!(written.log.format.as_str(), "text" | "json") {
            return Err(ConfigError::Value { key: "log.format", message: format!("'{}' is neither \"text\" nor \"json\"", written.log.format) });
        }
        let (smtp, inbox, poller) = (written.smtp.resolve()?, written.inbox.resolve()?, written.siliconexpert.resolve()?);
        written.access.always()?;
        let sns = written.sns.resolve(&written.intake.ses_topics)?;
        let notify = notify::resolve(&written.notify)?;
        let metrics_from = written.server.metrics_from.iter().map(|network| smtp::network("server.metrics_from", network));
        let metrics_from = metrics_from.collect::<Result<_, _>>()?;
        let tls = written.tls.resolve(&data_dir)?;
        if written.backup.every_hours > 0 && (!Path::new(&written.backup.folder).is_absolute() || written.backup.keep == 0) {
            let message = "scheduled backups need an absolute folder, best on another disk, and at least one to keep".to_owned();
            return Err(ConfigError::Value { key: "backup", message });
        }
        Ok(Config {
            smtp,
            inbox,
            poller,
            sns,
            written,
            files,
            data_dir,
            listen,
            metrics_from,
            tls,
            as_of,
            maker_aliases,
            at_once,
            secrets,
            ses_certificates,
            notify,
        })
    }

    /// The same with another address to listen on, checked as if it had been written in the file.
    pub fn with_listen(self, listen: SocketAddr, known_sources: &[&str]) -> Result<Config, ConfigError> {
        let mut written = self.written;
        written.server.listen = listen.to_string();
        Config::resolve(written, self.files, self.data_dir, known_sources)
    }

    /// The configuration in force as TOML. Secrets are files and only their names are shown.
    pub fn show(&self) -> String {
        toml::to_string_pretty(&self.written).unwrap_or_else(|error| format!("# cannot be shown: {error}\n"))
    }
}

/// `LASTBUY_SECRET_<SOURCE>`, in capitals with `_` for `-`, for those who keep secrets in the environment.
fn from_environment(sources: &[&str], files: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut secrets = BTreeMap::new();
    for source in sources {
        let name = format!("LASTBUY_SECRET_{}", source.to_uppercase().replace('-', "_"));
        let Ok(text) = std::env::var(&name) else { continue };
        if files.contains_key(*source) {
            let message = format!("{source} has a file here and {name} in the environment; leave one of them away");
            return Err(ConfigError::Value { key: "intake.secret_files", message });
        }
        secrets.insert((*source).to_owned(), secret(source, &name, &text)?);
    }
    Ok(secrets)
}

fn secret(source: &str, place: &str, text: &str) -> Result<String, ConfigError> {
    let secret = text.trim();
    if secret.len() >= 16 {
        return Ok(secret.to_owned());
    }
    let message = format!("{source}: the secret in {place} is shorter than 16 characters; make one with `openssl rand -base64 32`");
    Err(ConfigError::Value { key: "intake.secret_files", message })
}

/// A certificate of SNS with its file's name, by which a delivery asks for it.
fn certificate(path: &str) -> Result<(String, Vec<u8>), ConfigError> {
    let bytes = std::fs::read(path)
        .map_err(|error| ConfigError::Value { key: "intake.ses_certificate_files", message: format!("{path} cannot be read: {error}") })?;
    let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((name, bytes))
}

fn known(sources: &[&str], key: &'static str, source: &str) -> Result<(), ConfigError> {
    if sources.contains(&source) {
        return Ok(());
    }
    Err(ConfigError::Value { key, message: format!("'{source}' is not a source of this build: one of {}", sources.join(", ")) })
}

fn parse(name: &str, text: &str) -> Result<toml::Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax { path: name.to_owned(), message: error.to_string().trim().to_owned() })
}

/// Tables are merged key by key; every other value replaces the one below.
fn merge(mut below: toml::Table, over: toml::Table) -> toml::Table {
    for (key, value) in over {
        let merged = match (below.remove(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => toml::Value::Table(merge(old, new)),
            (_, new) => new,
        };
        below.insert(key, merged);
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCES: &[&str] = &[
        "siliconexpert",
        "accuris",
        "z2data",
        "sendgrid",
        "mailgun",
        "postmark",
        "ses",
        "mandrill",
        "cloudmailin",
        "email",
        "cloudevents",
        "standard-webhooks",
        "generic",
        "commercial-radar",
        "inbound-email",
        "component-alert",
        "email-forward",
    ];

    fn with(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().expect("folder");
        std::fs::write(dir.path().join(FILE_NAME), text).expect("file");
        Config::load(None, dir.path().to_path_buf(), SOURCES)
    }

    #[test]
    fn the_default_inside_the_binary_is_complete_and_valid() {
        let config = with("").expect("default");
        assert!(config.listen.ip().is_loopback());
        assert_eq!(config.as_of, None);
    }

    #[test]
    fn a_file_needs_only_what_differs() {
        let config = with("[site]\nas_of = \"2026-11-23\"\n").expect("config");
        assert_eq!(config.as_of, Some(jiff::civil::date(2026, 11, 23)));
        assert_eq!(config.written.work.workers, 2);
    }

    #[test]
    fn steps_can_be_limited() {
        let config = with("[work.at_once]\nreading = 1\n").expect("config");
        assert_eq!(config.at_once.of(crate::domain::job::Step::Reading), Some(1));
        assert_eq!(config.at_once.of(crate::domain::job::Step::Document), None);
    }

    #[test]
    fn every_kind_of_destination_is_taken() {
        let dir = tempfile::tempdir().expect("folder");
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("file");
            path.display().to_string()
        };
        let key = file("key", "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n");
        let chat = file("chat", "https://hooks.example/T0/B0/secret\n");
        let word = file("word", "open sesame\n");
        let text = format!(
            "[notify]\nlanguage = \"de\"\n[notify.destinations]\n\
             erp = {{ kind = \"webhook\", url = \"https://erp.example/in\", secrets = [\"file:{key}\", \"file:{key}\"] }}\n\
             a = {{ kind = \"teams\", url = \"file:{chat}\" }}\nb = {{ kind = \"slack\", url = \"file:{chat}\" }}\n\
             c = {{ kind = \"mattermost\", url = \"file:{chat}\", language = \"en\", quiet = {{ from = \"20:00\", to = \"06:00\", weekends = true }} }}\n\
             d = {{ kind = \"mail\", host = \"mail.example\", port = 587, tls = \"starttls\", user = \"u\", password = \"file:{word}\", from = \"a@b.example\", to = [\"c@b.example\"] }}\n\
             e = {{ kind = \"syslog\", host = \"log.example\", port = 601 }}\n\
             [[notify.rules]]\nname = \"late\"\non = [\"last_time_buy_nears\"]\nto = [\"d\"]\nescalate_days = [30, 7]\nmin_at_risk = \"10000 EUR\"\nmin_severity = \"warning\"\n"
        );
        let config = with(&text).expect("config");
        let languages: Vec<(&str, &str)> = config
            .notify
            .destinations
            .iter()
            .map(|destination| {
                (destination.name.as_str(), if destination.language == crate::domain::destination::Language::De { "de" } else { "en" })
            })
            .collect();
        assert_eq!(languages, [("a", "de"), ("b", "de"), ("c", "en"), ("d", "de"), ("e", "de"), ("erp", "de")]);
        assert_eq!(config.notify.rules.quiet.keys().collect::<Vec<_>>(), ["c"]);
        assert_eq!(config.notify.rules.rules[0].min_at_risk.map(|money| money.to_string()).as_deref(), Some("10000.00 EUR"));
        // What is secret is neither in what is shown nor in what may be logged.
        let told = format!("{}{:?}{:?}", config.show(), config.written, config.notify);
        assert!(!told.contains("sesame") && !told.contains("T0/B0") && !told.contains("AQEBAQ"), "{told}");
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("[server]\nlisen = \"x\"\n", "lisen"),
            ("[server]\nlisten = \"8787\"\n", "not an address"),
            ("[server]\nlisten = \"0.0.0.0:80\"\n", "has no secret"),
            ("[site]\nas_of = \"tomorrow\"\n", "neither"),
            ("[intake]\nsources = [\"fax\"]\n", "fax"),
            ("[intake]\nkeys_kept_days = 0\n", "between 1 and"),
            ("[work.at_once]\nprinting = 1\n", "not a step"),
            ("[work.at_once]\nreading = 0\n", "leave the line out"),
            ("[notify]\ntime_zone = \"Mars/Olympus\"\n", "no time zone"),
            ("[notify.destinations.ops]\nkind = \"fax\"\n", "fax"),
            ("[notify.destinations.ops]\nkind = \"syslog\"\nhost = \"log\"\nport = 514\ncolour = 1\n", "colour"),
            ("[notify.destinations.ops]\nkind = \"webhook\"\nurl = \"http://a.example\"\nsecrets = []\n", "allow_private"),
            ("[notify.destinations.ops]\nkind = \"webhook\"\nurl = \"https://a.example\"\nsecrets = []\n", "one secret"),
            ("[notify.destinations.ops]\nkind = \"webhook\"\nurl = \"https://a.example\"\nsecrets = [\"whsec_x\"]\n", "never written"),
            ("[notify.destinations.ops]\nkind = \"slack\"\nurl = \"https://hooks.slack.example/T0/B0/x\"\n", "is a secret"),
            (
                "[notify.destinations.ops]\nkind = \"mail\"\nhost = \"h\"\nport = 25\ntls = \"none\"\nuser = \"u\"\npassword = \"env:HOME\"\nfrom = \"a@b\"\nto = [\"c@d\"]\n",
                "without TLS",
            ),
            ("[[notify.rules]]\nname = \"r\"\non = [\"case_opened\"]\nto = [\"ops\"]\n", "no destination 'ops'"),
            ("[[notify.rules]]\nname = \"r\"\non = [\"rain\"]\nto = [\"ops\"]\n", "rain"),
            ("[work\n", "not a valid configuration"),
        ] {
            let message = with(text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(message.contains(part), "{text:?} gave {message:?}");
        }
    }
}
