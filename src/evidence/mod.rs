//! Evidence packs: what a decision rests on as one file that can be checked without the store.
//!
//! ```text
//! manifest.json    what it is about, and of every other file its name, size and SHA-256
//! manifest.sig     Ed25519 over the bytes of manifest.json, base64
//! ...              the files, in the order of the manifest
//! ```
//! A pack is a tar archive. It is sound when the signature is that of the installation's public key (noted elsewhere beforehand: the key in the pack proves nothing
//! by itself), every file is there with its sum and none besides, and the lines of the audit trail in it hold their own links.

mod key;

use std::io::Read as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use key::{Key, public_key};

use crate::{
    domain::{id::CaseId, time::At},
    limits,
    store::AuditCheck,
};

const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";
/// Lines of the audit trail, oldest first.
pub const AUDIT: &str = "audit.jsonl";
const FORMAT: u32 = 1;

/// A pack cannot be made, or is not sound; a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EvidenceError(pub String);

fn broken(what: &str, error: impl std::fmt::Display) -> EvidenceError {
    EvidenceError(format!("{what}: {error}"))
}

/// One file of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
}

/// What a pack says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub program: String,
    pub case: CaseId,
    pub made_at: At,
    pub made_by: String,
    pub dataset: Option<String>,
    pub dataset_checksum: Option<String>,
    /// Of the readings; several where the case's notices were read by several.
    pub model_sha256: Vec<String>,
    pub adapter_sha256: Vec<String>,
    /// The last record of the log when it was made, and its link.
    pub log_record: u64,
    pub log_link: String,
    /// What belongs into the pack and is no longer kept, in sentences.
    pub missing: Vec<String>,
    pub public_key: String,
    pub files: Vec<Entry>,
}

/// Packs files under a signed manifest. `manifest.files` and `manifest.public_key` are filled in here.
pub fn pack(mut manifest: Manifest, files: &[(String, Vec<u8>)], key: &Key) -> Result<Vec<u8>, EvidenceError> {
    let total: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    if total > limits::EVIDENCE_BYTES_MAX || files.len() > limits::EVIDENCE_FILES_MAX {
        return Err(EvidenceError(format!("the evidence is {} files of {total} bytes, more than a pack holds", files.len())));
    }
    manifest.format = FORMAT;
    manifest.public_key = key.public();
    manifest.files = files
        .iter()
        .map(|(name, bytes)| Entry { name: name.clone(), bytes: bytes.len() as u64, sha256: hex::encode(Sha256::digest(bytes)) })
        .collect();
    let head = serde_json::to_vec_pretty(&manifest).map_err(|error| broken("the manifest cannot be written", error))?;
    let signature = BASE64_STANDARD.encode(key.sign(&head));
    let seconds = u64::try_from(manifest.made_at.0 / 1000).unwrap_or(0);
    let mut archive = tar::Builder::new(Vec::with_capacity(total + (files.len() + 4) * 1024));
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(seconds);
        archive.append_data(&mut header, name, bytes).map_err(|error| broken("the pack cannot be written", error))
    };
    add(MANIFEST, &head)?;
    add(SIGNATURE, signature.as_bytes())?;
    for (name, bytes) in files {
        add(name, bytes)?;
    }
    archive.into_inner().map_err(|error| broken("the pack cannot be written", error))
}

/// What a sound pack is.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    pub manifest: Manifest,
    pub audit: AuditCheck,
}

/// Checks a pack against the public key of the installation that is said to have made it.
pub fn verify(archive: &[u8], public_key: &[u8; 32]) -> Result<Verified, EvidenceError> {
    let files = unpack(archive)?;
    let [(first, head), (second, signature), rest @ ..] = files.as_slice() else {
        return Err(EvidenceError("the file is no evidence pack: it holds no manifest".to_owned()));
    };
    if first != MANIFEST || second != SIGNATURE {
        return Err(EvidenceError(format!("the file is no evidence pack: it begins with {first} and {second}")));
    }
    let signature = BASE64_STANDARD.decode(signature.trim_ascii()).map_err(|error| broken("the signature is not base64", error))?;
    UnparsedPublicKey::new(&ED25519, public_key)
        .verify(head, &signature)
        .map_err(|_| EvidenceError("the manifest was not signed with this key: it is another installation's, or was changed".to_owned()))?;
    let manifest: Manifest = serde_json::from_slice(head).map_err(|error| broken("the manifest cannot be read", error))?;
    if manifest.format != FORMAT {
        return Err(EvidenceError(format!("the pack has format {}, this program reads {FORMAT}", manifest.format)));
    }
    if manifest.files.len() != rest.len() {
        return Err(EvidenceError(format!("the manifest names {} files, the pack holds {}", manifest.files.len(), rest.len())));
    }
    for (entry, (name, bytes)) in manifest.files.iter().zip(rest) {
        if entry.name != *name {
            return Err(EvidenceError(format!("where {} should stand, the pack holds {name}", entry.name)));
        }
        if entry.bytes != bytes.len() as u64 || entry.sha256 != hex::encode(Sha256::digest(bytes)) {
            return Err(EvidenceError(format!("{name} is not what was packed: it was changed")));
        }
    }
    let mut audit = AuditCheck::default();
    if let Some((_, lines)) = rest.iter().find(|(name, _)| name == AUDIT) {
        let lines = std::str::from_utf8(lines).map_err(|error| broken(AUDIT, error))?;
        lines.lines().try_for_each(|line| audit.line(line)).map_err(|error| broken(AUDIT, error))?;
    }
    Ok(Verified { manifest, audit })
}

/// The files of an archive in order, under every bound there is.
fn unpack(archive: &[u8]) -> Result<Vec<(String, Vec<u8>)>, EvidenceError> {
    let damaged = |error: std::io::Error| broken("the file is no whole tar archive", error);
    let (mut files, mut total) = (Vec::new(), 0_usize);
    for entry in tar::Archive::new(archive).entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(EvidenceError("the pack holds something that is no plain file".to_owned()));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let size = usize::try_from(entry.size()).unwrap_or(usize::MAX);
        total = total.saturating_add(size);
        if total > limits::EVIDENCE_BYTES_MAX + (1 << 20) || files.len() > limits::EVIDENCE_FILES_MAX {
            return Err(EvidenceError("the pack is larger than any that is made".to_owned()));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(damaged)?;
        if bytes.len() != size {
            return Err(EvidenceError(format!("{name} is cut off")));
        }
        files.push((name, bytes));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(key: &Key) -> Vec<u8> {
        let manifest = Manifest {
            format: 0,
            program: "test".to_owned(),
            case: CaseId(1),
            made_at: At(1_700_000_000_000),
            made_by: "user:anna".to_owned(),
            dataset: None,
            dataset_checksum: None,
            model_sha256: Vec::new(),
            adapter_sha256: Vec::new(),
            log_record: 1,
            log_link: String::new(),
            missing: Vec::new(),
            public_key: String::new(),
            files: Vec::new(),
        };
        pack(manifest, &[("case.json".to_owned(), b"{}".to_vec()), ("notices/E-1/raw".to_owned(), vec![0, 255, 7])], key).expect("pack")
    }

    #[test]
    fn a_pack_is_sound_under_its_own_key_and_no_byte_of_it_can_be_changed() {
        let dir = tempfile::tempdir().expect("folder");
        let key = Key::of(dir.path()).expect("key");
        let again = Key::of(dir.path()).expect("the same key");
        assert_eq!(key.public(), again.public());
        let public = public_key(&key.public()).expect("public key");
        let pack = made(&key);
        assert_eq!(verify(&pack, &public).expect("sound").manifest.files.len(), 2);
        let other = Key::of(tempfile::tempdir().expect("folder").path()).expect("key");
        assert!(verify(&pack, &public_key(&other.public()).expect("public key")).is_err(), "another key");
        let sound = verify(&pack, &public).expect("sound").manifest;
        for at in (0..pack.len()).step_by(3) {
            let mut forged = pack.clone();
            forged[at] ^= 1;
            // A bit in what tar itself does not read (owner, padding) changes no file and nothing that is signed.
            if let Ok(found) = verify(&forged, &public) {
                assert_eq!(found.manifest, sound, "byte {at} changed the pack unseen");
            }
        }
        for cut in [0, 1, 511, 512, 1024, pack.len() / 2] {
            assert!(verify(&pack[..cut], &public).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn the_key_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("folder");
        Key::of(dir.path()).expect("key");
        let mode = std::fs::metadata(dir.path().join(key::FILE)).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(dir.path().join(key::FILE), b"nonsense").expect("write");
        assert!(Key::of(dir.path()).is_err(), "a damaged key is told, not replaced");
    }
}
