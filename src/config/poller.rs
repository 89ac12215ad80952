//! `[siliconexpert]`: the poller of SiliconExpert's session API, off unless it is given an address. The one thing here that speaks to the outside by itself.

use std::{path::PathBuf, sync::Arc, time::Duration};

use rustls::ClientConfig;
use serde::{Deserialize, Serialize};

use super::{ConfigError, tls};

/// As typed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub url: String,
    pub credentials_file: String,
    pub com_ids_file: String,
    pub authorities_file: String,
    pub poll_minutes: u64,
}

/// In force.
#[derive(Clone)]
pub struct Poller {
    /// Scheme, host, port, and the path up to the operation, with its slash.
    pub is_tls: bool,
    pub host: String,
    pub port: u16,
    pub path: String,
    /// Never shown.
    pub login: String,
    pub api_key: String,
    /// One id a line; read anew at every round.
    pub com_ids_file: PathBuf,
    pub tls: Arc<ClientConfig>,
    pub poll: Duration,
}

impl Written {
    /// `None`: it is off.
    pub fn resolve(&self) -> Result<Option<Poller>, ConfigError> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let wrong = |key: &'static str, message: String| ConfigError::Value { key, message };
        let (is_tls, host, port, path) = parts(&self.url).ok_or_else(|| {
            wrong("siliconexpert.url", format!("'{}' is no address such as https://api.siliconexpert.com/ProductAPI/search/", self.url))
        })?;
        if !is_tls && !matches!(host.as_str(), "127.0.0.1" | "localhost") {
            return Err(wrong("siliconexpert.url", "the key would be sent unencrypted: write https://".to_owned()));
        }
        let text = std::fs::read_to_string(&self.credentials_file)
            .map_err(|error| wrong("siliconexpert.credentials_file", format!("'{}' cannot be read: {error}", self.credentials_file)))?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let (Some(login), Some(api_key), None) = (lines.next(), lines.next(), lines.next()) else {
            return Err(wrong("siliconexpert.credentials_file", format!("{} does not hold two lines, login and API key", self.credentials_file)));
        };
        if !PathBuf::from(&self.com_ids_file).is_file() {
            return Err(wrong("siliconexpert.com_ids_file", format!("'{}' is no file with one ComID a line", self.com_ids_file)));
        }
        if !(15..=60 * 24 * 30).contains(&self.poll_minutes) {
            return Err(wrong("siliconexpert.poll_minutes", format!("{} is not between 15 and 43200", self.poll_minutes)));
        }
        let tls = tls::client(&self.authorities_file).map_err(|message| wrong("siliconexpert.authorities_file", message))?;
        Ok(Some(Poller {
            is_tls,
            host,
            port,
            path,
            login: login.to_owned(),
            api_key: api_key.to_owned(),
            com_ids_file: PathBuf::from(&self.com_ids_file),
            tls,
            poll: Duration::from_secs(self.poll_minutes * 60),
        }))
    }
}

fn parts(url: &str) -> Option<(bool, String, u16, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let is_tls = match scheme {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    let (authority, path) = rest.split_once('/')?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, if is_tls { 443 } else { 80 }),
    };
    let is_clean = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte));
    let path = if path.is_empty() || path.ends_with('/') { format!("/{path}") } else { format!("/{path}/") };
    (!host.is_empty() && is_clean(host) && is_clean(&path)).then(|| (is_tls, host.to_owned(), port, path))
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn an_address_is_taken_apart() {
        let of = |is_tls, host: &str, port, path: &str| Some((is_tls, host.to_owned(), port, path.to_owned()));
        assert_eq!(parts("https://api.siliconexpert.com/ProductAPI/search"), of(true, "api.siliconexpert.com", 443, "/ProductAPI/search/"));
        assert_eq!(parts("http://127.0.0.1:8080/"), of(false, "127.0.0.1", 8080, "/"));
        for wrong in
            ["api.siliconexpert.com/", "ftp://a/", "https://a", "https:///x", "https://a b/", "https://a/?x=1", "https://user@a/", "https://a:x/"]
        {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
