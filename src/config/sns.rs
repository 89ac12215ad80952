//! `[sns]`: whether subscriptions of Amazon SNS are confirmed by this program itself, off unless it is switched on, and how it gets out.

use std::sync::Arc;

use rustls::ClientConfig;
use serde::{Deserialize, Serialize};

use super::{ConfigError, tls};

/// As typed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub confirm: bool,
    pub proxy: String,
    pub authorities_file: String,
}

/// In force.
#[derive(Clone)]
pub struct Sns {
    /// Host and port of a proxy that takes CONNECT; `None`: directly.
    pub proxy: Option<(String, u16)>,
    pub tls: Arc<ClientConfig>,
}

impl Written {
    /// `None`: a person confirms. `topics` are those that may deliver.
    pub fn resolve(&self, topics: &[String]) -> Result<Option<Sns>, ConfigError> {
        if !self.confirm {
            return Ok(None);
        }
        if topics.is_empty() {
            let message = "only subscriptions of listed topics are confirmed: list them in intake.ses_topics".to_owned();
            return Err(ConfigError::Value { key: "sns.confirm", message });
        }
        let proxy = match self.proxy.as_str() {
            "" => None,
            text => Some(host_and_port(text).ok_or_else(|| ConfigError::Value {
                key: "sns.proxy",
                message: format!("'{text}' is no host with a port, for example proxy.plant.example:3128"),
            })?),
        };
        let tls = tls::client(&self.authorities_file).map_err(|message| ConfigError::Value { key: "sns.authorities_file", message })?;
        Ok(Some(Sns { proxy, tls }))
    }
}

fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    Some((host.to_owned(), port.parse().ok()?)).filter(|_| is_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_off_and_wants_topics_and_a_proxy_with_a_port() {
        let written = |confirm, proxy: &str| Written { confirm, proxy: proxy.to_owned(), authorities_file: String::new() };
        assert!(written(false, "nonsense").resolve(&[]).is_ok_and(|sns| sns.is_none()));
        let refused = |written: Written, topics: &[String]| written.resolve(topics).map(|_| ()).expect_err("refused").to_string();
        assert!(refused(written(true, ""), &[]).contains("intake.ses_topics"));
        for wrong in ["proxy", "http://proxy:3128", ":3128", "proxy:port", "user@proxy:1"] {
            assert!(refused(written(true, wrong), &["arn".to_owned()]).contains("sns.proxy"), "{wrong}");
        }
    }
}
