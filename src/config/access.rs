//! Who must sign in, and how decisions are made.

use serde::{Deserialize, Serialize};

use super::ConfigError;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    pub sign_in: String,
    pub behind_tls: bool,
}

impl Access {
    /// Whether everybody signs in.
    pub fn always(&self) -> Result<bool, ConfigError> {
        match self.sign_in.as_str() {
            "auto" => Ok(false),
            "always" => Ok(true),
            other => Err(ConfigError::Value { key: "access.sign_in", message: format!("'{other}' is neither \"auto\" nor \"always\"") }),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    pub four_eyes: bool,
}
