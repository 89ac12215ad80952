//! `[inbox]`: the watched folder, off unless it is named.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// As typed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub folder: String,
    pub settle_seconds: u64,
    pub poll_seconds: u64,
}

/// In force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    pub folder: PathBuf,
    /// How long size and time of a file must stay as they are before it is taken.
    pub settle: Duration,
    /// How long between two looks.
    pub poll: Duration,
}

impl Written {
    /// `None`: it is off. The folder need not be there yet: a share may be mounted later than the server starts.
    pub fn resolve(&self) -> Result<Option<Inbox>, ConfigError> {
        if self.folder.is_empty() {
            return Ok(None);
        }
        let folder = PathBuf::from(&self.folder);
        if !folder.is_absolute() {
            return Err(ConfigError::Value { key: "inbox.folder", message: format!("'{}' is no absolute path", self.folder) });
        }
        if folder.symlink_metadata().is_ok_and(|there| !there.is_dir() && !there.is_symlink()) {
            return Err(ConfigError::Value { key: "inbox.folder", message: format!("{} is not a folder", self.folder) });
        }
        for (key, seconds, least) in [("inbox.settle_seconds", self.settle_seconds, 0), ("inbox.poll_seconds", self.poll_seconds, 1)] {
            if !(least..=3600).contains(&seconds) {
                return Err(ConfigError::Value { key, message: format!("{seconds} is not between {least} and 3600") });
            }
        }
        Ok(Some(Inbox { folder, settle: Duration::from_secs(self.settle_seconds), poll: Duration::from_secs(self.poll_seconds) }))
    }
}
