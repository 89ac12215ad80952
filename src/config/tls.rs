//! The two sides of TLS, checked when the configuration is read: certificate and key of a server, authorities of a client.

use std::{io::Read, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig, crypto,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::limits;

/// A server's side of TLS 1.2 and 1.3; the sentence says which file is wrong and how.
pub fn server(certificate_file: &str, key_file: &str) -> Result<Arc<ServerConfig>, String> {
    let chain = CertificateDer::pem_slice_iter(&text(certificate_file)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{certificate_file} is no PEM certificate: {error}"))?;
    if chain.is_empty() {
        return Err(format!("{certificate_file} holds no certificate (BEGIN CERTIFICATE)"));
    }
    let key = PrivateKeyDer::from_pem_slice(&text(key_file)?).map_err(|error| format!("{key_file} holds no private key in PEM: {error}"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| format!("{certificate_file} and {key_file} cannot be used together: {error}"))?;
    Ok(Arc::new(config))
}

/// A client's side: the authorities in a file, or the system's own where none is named.
pub fn client(authorities_file: &str) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    if authorities_file.is_empty() {
        let (_, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        for certificate in CertificateDer::pem_slice_iter(&text(authorities_file)?) {
            let certificate = certificate.map_err(|error| format!("{authorities_file} is no PEM certificate: {error}"))?;
            roots.add(certificate).map_err(|error| format!("{authorities_file} holds no authority: {error}"))?;
        }
    }
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
