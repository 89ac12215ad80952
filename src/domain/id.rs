//! Numbers people can say on the telephone: `E-1042`, `C-17`. Each is given out by the log in order and never reused.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not an id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{text}' is not {article} {noun} id: expected {prefix}-NUMBER, for example {prefix}-12")]
pub struct IdError {
    text: String,
    article: &'static str,
    noun: &'static str,
    prefix: char,
}

/// Digits of an id; the description of the API says so too.
const DIGITS_MAX: usize = 19;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $article:literal, $noun:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}-{}", $prefix, self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Takes `E-12`, `e-12` and plain `12`.
            fn from_str(text: &str) -> Result<Self, IdError> {
                let trimmed = text.trim();
                let digits = trimmed
                    .strip_prefix(concat!($prefix, "-"))
                    .or_else(|| trimmed.strip_prefix(&concat!($prefix, "-").to_ascii_lowercase()))
                    .unwrap_or(trimmed);
                // A number may have a sign, an id has none, nor more digits than any file has room for.
                let number = (digits.len() <= DIGITS_MAX && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok()).flatten();
                number.map($name).ok_or_else(|| IdError {
                    text: trimmed.chars().take(40).collect(),
                    article: $article,
                    noun: $noun,
                    prefix: $prefix,
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
                } else {
                    u64::deserialize(deserializer).map($name)
                }
            }
        }
    };
}

id!(
    /// What arrived.
    EventId, 'E', "an", "event"
);
id!(
    /// The work on one event, or on one case that must be assessed again.
    JobId, 'J', "a", "job"
);
id!(
    /// One obsolescence matter.
    CaseId, 'C', "a", "case"
);
id!(
    /// One profit-and-loss statement of one case on one dataset.
    AssessmentId, 'A', "an", "assessment"
);
id!(
    /// What one destination is told of one thing.
    MessageId, 'N', "a", "message"
);
id!(
    /// A key by which a program acts for a user.
    TokenId, 'T', "a", "token"
);
id!(
    /// One immutable import of the factory's data.
    DatasetId, 'D', "a", "dataset"
);
