//! The two sides of TLS, checked when the configuration is read: certificate and key of a server, authorities of a client. `[tls]` is the network face's own; its
//! certificate can be replaced while it serves (`certificates`).

mod certificates;

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig, crypto,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use serde::{Deserialize, Serialize};

pub use certificates::Certificates;

use super::ConfigError;
use crate::limits;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub certificate_file: String,
    pub key_file: String,
    pub self_signed_names: Vec<String>,
    pub client_authorities_file: String,
}

/// What the network face is encrypted with.
#[derive(Debug, Clone)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    /// Names in the certificate that is made where there is none; empty: the plant has its own.
    made_for: Vec<String>,
    client_authorities: Option<PathBuf>,
}

impl Written {
    /// `None`: not encrypted. The plant's own files are tried here; one that is made is made when it is needed.
    pub fn resolve(&self, data_dir: &Path) -> Result<Option<Tls>, ConfigError> {
        let wrong = |key: &'static str, message: String| ConfigError::Value { key, message };
        let is_made = !self.self_signed_names.is_empty();
        let (certificate, key) = match (self.certificate_file.as_str(), self.key_file.as_str()) {
            ("", "") if is_made => (data_dir.join("tls/certificate.pem"), data_dir.join("tls/key.pem")),
            ("", "") if self.client_authorities_file.is_empty() => return Ok(None),
            (_, _) if is_made => {
                return Err(wrong("tls.self_signed_names", "leave it empty where tls.certificate_file and tls.key_file are named".to_owned()));
            }
            (certificate, key) if !certificate.is_empty() && !key.is_empty() => (PathBuf::from(certificate), PathBuf::from(key)),
            _ => return Err(wrong("tls.certificate_file", "certificate and private key are needed, each in its file".to_owned())),
        };
        let client_authorities = (!self.client_authorities_file.is_empty()).then(|| PathBuf::from(&self.client_authorities_file));
        let tls = Tls { certificate, key, made_for: self.self_signed_names.clone(), client_authorities };
        if !is_made {
            server(&self.certificate_file, &self.key_file).map_err(|message| wrong("tls.certificate_file", message))?;
        }
        if let Some(file) = &tls.client_authorities {
            roots(&file.to_string_lossy()).map_err(|message| wrong("tls.client_authorities_file", message))?;
        }
        Ok(Some(tls))
    }
}

impl Tls {
    /// Whether the files can be used, for people.
    pub fn described(&self) -> Result<String, String> {
        let clients = if self.client_authorities.is_some() { ", client certificates are asked for" } else { "" };
        if !self.made_for.is_empty() && !self.certificate.exists() {
            return Ok(format!("a certificate for {} is made at the first start{clients}", self.made_for.join(", ")));
        }
        Certificates::read(&self.certificate, &self.key)?;
        Ok(format!("TLS with {}{clients}", self.certificate.display()))
    }

    /// A server's side, and the certificates behind it, which can be read anew. Makes the certificate first where one is to be made and is not there.
    pub fn server(&self) -> Result<(ServerConfig, Arc<Certificates>), String> {
        if !self.made_for.is_empty() && !self.certificate.exists() {
            certificates::make(&self.made_for, &self.certificate, &self.key)?;
        }
        let certificates = Arc::new(Certificates::read(&self.certificate, &self.key)?);
        let builder = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let builder = match &self.client_authorities {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let roots = Arc::new(roots(&file.to_string_lossy())?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::new(crypto::ring::default_provider())).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| format!("{}: {error}", file.display()))?)
            }
        };
        Ok((builder.with_cert_resolver(Arc::clone(&certificates) as _), certificates))
    }
}

/// A server's side of TLS 1.2 and 1.3; the sentence says which file is wrong and how.
pub fn server(certificate_file: &str, key_file: &str) -> Result<Arc<ServerConfig>, String> {
    let (chain, key) = pair(certificate_file, key_file)?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| format!("{certificate_file} and {key_file} cannot be used together: {error}"))?;
    Ok(Arc::new(config))
}

/// A certificate chain and its private key.
fn pair(certificate_file: &str, key_file: &str) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain = CertificateDer::pem_slice_iter(&text(certificate_file)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{certificate_file} is no PEM certificate: {error}"))?;
    if chain.is_empty() {
        return Err(format!("{certificate_file} holds no certificate (BEGIN CERTIFICATE)"));
    }
    let key = PrivateKeyDer::from_pem_slice(&text(key_file)?).map_err(|error| format!("{key_file} holds no private key in PEM: {error}"))?;
    Ok((chain, key))
}

/// Authorities in a file.
fn roots(authorities_file: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text(authorities_file)?) {
        let certificate = certificate.map_err(|error| format!("{authorities_file} is no PEM certificate: {error}"))?;
        roots.add(certificate).map_err(|error| format!("{authorities_file} holds no authority: {error}"))?;
    }
    if roots.is_empty() { Err(format!("{authorities_file} holds no certificate (BEGIN CERTIFICATE)")) } else { Ok(roots) }
}

/// A client's side: the authorities in a file, or the system's own where none is named.
pub fn client(authorities_file: &str) -> Result<Arc<ClientConfig>, String> {
    let roots = if authorities_file.is_empty() {
        let mut roots = RootCertStore::empty();
        let (_, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    } else {
        roots(authorities_file)?
    };
    if roots.is_empty() {
        return Err("no authority is known; name a file of certificates in PEM".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn text(path: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| format!("{path} cannot be opened: {error}"))?;
    file.take(limits::PEM_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| format!("{path} cannot be read: {error}"))?;
    Ok(bytes)
}
