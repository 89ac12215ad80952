//! Signed bundles: one file that crosses an air gap. A bundle is a gzip-compressed tar of, in this order, `manifest.minisig`, `manifest.json`, and the files that
//! the manifest lists with their sizes and SHA-256. The signature (minisign, Ed25519) is the manifest's, so that common tools can check one too:
//!
//! ```text
//! tar xzf BUNDLE && minisign -V -p release.pub -m manifest.json -x manifest.minisig
//! jq -r '.files[] | "\(.sha256)  \(.path)"' manifest.json | sha256sum -c
//! ```
//!
//! Nothing in a bundle is believed before the signature is: until then only sizes are looked at. An entry that is not the next one that the manifest names ends
//! the reading, so neither a path that leads elsewhere nor a link nor a second file of one name can come out.

mod check;
mod keys;
mod make;

pub use check::unpack;
pub use keys::{Keys, SigningKey};
pub use make::{Source, make};

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

const PRODUCT: &str = "lastbuy";
/// Of the manifest; a newer one is refused.
const FORMAT: u32 = 1;
const SIGNATURE_NAME: &str = "manifest.minisig";
const MANIFEST_NAME: &str = "manifest.json";

/// What a bundle is for; one of another kind is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A release of the program.
    Release,
    /// Models and adapters.
    Models,
    /// Deliveries, as they arrived elsewhere.
    Notices,
    /// Statements and evidence of an appliance.
    Reports,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Release => "release",
            Kind::Models => "models",
            Kind::Notices => "notices",
            Kind::Reports => "reports",
        }
    }
}

/// What a bundle says of itself; signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: u32,
    pub product: String,
    pub kind: Kind,
    /// Of the program that is in it, or that made it.
    pub version: String,
    /// Of the processor a release is for, as Rust names it; empty for the other kinds.
    pub arch: String,
    /// RFC 3339.
    pub made_at: String,
    pub files: Vec<Listed>,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Relative, with `/`.
    pub path: String,
    pub bytes: u64,
    /// In lower-case hexadecimal.
    pub sha256: String,
}

/// A bundle is refused or cannot be made; each sentence says why.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error("a key cannot be used: {0}")]
    Key(String),
    #[error("this is no bundle of Lastbuy: {0}")]
    Foreign(String),
    #[error("the bundle is not signed: one from a release begins with {SIGNATURE_NAME}")]
    Unsigned,
    #[error("the bundle is signed with the key {theirs}, which is not among those trusted here ({ours})")]
    OtherKey { theirs: String, ours: String },
    #[error("the signature does not fit: the bundle was changed after it was signed, or damaged")]
    BadSignature,
    #[error("the bundle is for {}, and {} was asked for", theirs.as_str(), ours.as_str())]
    OtherKind { theirs: Kind, ours: Kind },
    #[error("the bundle ends early: {0}")]
    Truncated(String),
    #[error("the bundle holds something that its manifest does not name there: {0}")]
    Unlisted(String),
    #[error("{0} in the bundle is not what was signed: it was changed or damaged")]
    Changed(String),
    #[error("the bundle is larger than is taken: {0}")]
    TooLarge(String),
}

impl BundleError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> BundleError {
        let what = what.into();
        move |source| BundleError::Io { what, source }
    }
}

/// Whether a name stays in the folder it is put into, and means the same to everybody.
fn is_plain(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let components: Vec<Component<'_>> = Path::new(path).components().collect();
    parts.len() == components.len()
        && components.iter().all(|component| matches!(component, Component::Normal(_)))
        && path.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-+~".contains(letter))
}

#[cfg(test)]
mod tests;
