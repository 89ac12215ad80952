//! The certificate in force, which can be replaced while connections go on: a connection keeps the one it began with.

use std::{
    fmt,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::SystemTime,
};

use rustls::{
    crypto,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::pair;

/// When both files were changed last.
type Changed = [Option<SystemTime>; 2];

pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
    seen: Mutex<Changed>,
}

impl Certificates {
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Certificates, String> {
        let seen = changed(certificate, key);
        let current = RwLock::new(Arc::new(load(certificate, key)?));
        Ok(Certificates { certificate: certificate.to_path_buf(), key: key.to_path_buf(), current, seen: Mutex::new(seen) })
    }

    /// Reads the files anew. What cannot be used leaves the present certificate in force.
    pub fn reload(&self) -> Result<(), String> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = changed(&self.certificate, &self.key);
        let new = Arc::new(load(&self.certificate, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Reads them anew if they were changed since; `None`: they were not.
    pub fn reload_if_changed(&self) -> Option<Result<(), String>> {
        let is_same = *self.seen.lock().unwrap_or_else(PoisonError::into_inner) == changed(&self.certificate, &self.key);
        if is_same { None } else { Some(self.reload()) }
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn changed(certificate: &Path, key: &Path) -> Changed {
    [certificate, key].map(|path| path.metadata().and_then(|metadata| metadata.modified()).ok())
}

fn load(certificate: &Path, key: &Path) -> Result<CertifiedKey, String> {
    let (chain, private) = pair(&certificate.to_string_lossy(), &key.to_string_lossy())?;
    CertifiedKey::from_der(chain, private, &crypto::ring::default_provider())
        .map_err(|error| format!("{} and {} cannot be used together: {error}", certificate.display(), key.display()))
}

/// Makes a certificate for these names and addresses that vouches for itself, and its key, which only this user can read. It does not expire: whoever trusts it
/// trusts this one file.
pub(super) fn make(names: &[String], certificate: &Path, key: &Path) -> Result<(), String> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| format!("{path} cannot be made: {error}")
    };
    let made =
        rcgen::generate_simple_self_signed(names).map_err(|error| format!("a certificate for {} cannot be made: {error}", names.join(", ")))?;
    if let Some(dir) = certificate.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed(dir))?;
    }
    // The key first: a certificate is only there when both are.
    for (path, text, mode) in [(key, made.signing_key.serialize_pem(), 0o600), (certificate, made.cert.pem(), 0o644)] {
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all())).map_err(failed(path))?;
    }
    Ok(())
}
