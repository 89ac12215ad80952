//! The installation's own key, made once and kept beside the store. It is in no backup of the store: a restored installation signs with its own.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};

use super::EvidenceError;

/// Name of the file in the data directory: PKCS#8, readable by its owner only.
pub(super) const FILE: &str = "evidence.key";

pub struct Key(Ed25519KeyPair);

impl Key {
    /// The key of a data directory; made where there is none.
    pub fn of(data_dir: &Path) -> Result<Key, EvidenceError> {
        let path = data_dir.join(FILE);
        let failed = |error: std::io::Error| EvidenceError(format!("{}: {error}", path.display()));
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
                    .map_err(|_| EvidenceError("the machine gives no random numbers for a key".to_owned()))?;
                // Whole under its own name or not there: a half key would be taken for a damaged one.
                let aside = data_dir.join(format!("{FILE}.new"));
                let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside).map_err(failed)?;
                file.write_all(made.as_ref()).and_then(|()| file.sync_all()).map_err(failed)?;
                std::fs::rename(&aside, &path).and_then(|()| File::open(data_dir)?.sync_all()).map_err(failed)?;
                made.as_ref().to_vec()
            }
            Err(error) => return Err(failed(error)),
        };
        let pair = Ed25519KeyPair::from_pkcs8(&bytes).map_err(|error| {
            EvidenceError(format!("{} is no Ed25519 key ({error}): put the right one back, or move it away for a new one", path.display()))
        })?;
        Ok(Key(pair))
    }

    /// The public half, base64 of its 32 bytes: note it elsewhere.
    pub fn public(&self) -> String {
        BASE64_STANDARD.encode(self.0.public_key())
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).as_ref().to_vec()
    }
}

/// A public key from its text.
pub fn public_key(text: &str) -> Result<[u8; 32], EvidenceError> {
    let bytes = BASE64_STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| EvidenceError("the key is not 32 bytes in base64, as `lastbuy cases evidence-key` prints them".to_owned()))
}
