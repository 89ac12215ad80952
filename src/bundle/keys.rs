//! Keys in minisign's own files.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

use minisign::{PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};

use super::BundleError;
use crate::limits;

/// Keys whose bundles are taken.
pub struct Keys(Vec<PublicKey>);

/// A key's number as minisign shows it.
fn number(key: &[u8]) -> String {
    key.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}

fn text(path: &Path) -> Result<String, BundleError> {
    let length = path.metadata().map_err(BundleError::io(format!("the key file {}", path.display())))?.len();
    if length > limits::KEY_FILE_BYTES_MAX {
        return Err(BundleError::Key(format!("{} is too long for a key of minisign", path.display())));
    }
    std::fs::read_to_string(path).map_err(BundleError::io(format!("the key file {}", path.display())))
}

impl Keys {
    /// From public key files (`minisign -G`); at least one.
    pub fn read(files: &[PathBuf]) -> Result<Keys, BundleError> {
        if files.is_empty() {
            return Err(BundleError::Key("none is trusted here: name the maker's public key in [update] keys, or with --key".to_owned()));
        }
        let read = |path: &PathBuf| {
            let said = |error: minisign::PError| BundleError::Key(format!("{} is no public key of minisign: {error}", path.display()));
            PublicKeyBox::from_string(&text(path)?).and_then(PublicKeyBox::into_public_key).map_err(said)
        };
        files.iter().map(read).collect::<Result<_, _>>().map(Keys)
    }

    /// Numbers of the keys, for people to compare.
    pub fn numbers(&self) -> String {
        self.0.iter().map(|key| number(key.keynum())).collect::<Vec<_>>().join(", ")
    }

    /// The number of the key that signed, if it is one of these and the signature is right.
    pub(super) fn verify(&self, signature: &str, signed: &[u8]) -> Result<String, BundleError> {
        // The reader of signatures takes what a file holds; what it cannot use is no signature.
        let signature = SignatureBox::from_string(signature).map_err(|_| BundleError::Unsigned)?;
        let theirs = number(signature.keynum());
        let Some(key) = self.0.iter().find(|key| key.keynum() == signature.keynum()) else {
            return Err(BundleError::OtherKey { theirs, ours: self.numbers() });
        };
        minisign::verify(key, &signature, Cursor::new(signed), true, false, false).map_err(|_| BundleError::BadSignature)?;
        Ok(theirs)
    }
}

/// The key that bundles are signed with.
pub struct SigningKey(SecretKey);

impl SigningKey {
    /// From a secret key file; `password_file` opens one that is encrypted.
    pub fn read(path: &Path, password_file: Option<&Path>) -> Result<SigningKey, BundleError> {
        let boxed = || SecretKeyBox::from_string(&text(path)?).map_err(|error| BundleError::Key(format!("{}: {error}", path.display())));
        let key = match password_file {
            None => boxed()?.into_unencrypted_secret_key(),
            Some(file) => boxed()?.into_secret_key(Some(text(file)?.trim_end_matches(['\r', '\n']).to_owned())),
        };
        let hint = if password_file.is_none() { "; one that is encrypted needs its password in a file" } else { "" };
        key.map(SigningKey)
            .map_err(|error| BundleError::Key(format!("{} is no secret key of minisign that can be used: {error}{hint}", path.display())))
    }

    /// Text of the public key file that belongs to it.
    pub fn public(&self) -> Result<String, BundleError> {
        let said = |error: minisign::PError| BundleError::Key(error.to_string());
        Ok(PublicKey::from_secret_key(&self.0).and_then(|key| key.to_box()).map_err(said)?.into_string())
    }

    pub(super) fn sign(&self, bytes: &[u8], comment: &str) -> Result<String, BundleError> {
        let said = |error: minisign::PError| BundleError::Key(error.to_string());
        let public = PublicKey::from_secret_key(&self.0).map_err(said)?;
        let signature =
            minisign::sign(Some(&public), &self.0, Cursor::new(bytes), Some(comment), Some("signature of a Lastbuy bundle")).map_err(said)?;
        Ok(signature.into_string())
    }
}
