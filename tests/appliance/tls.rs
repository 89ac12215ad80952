//! The network face over TLS.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};

use crate::common::Server;

struct Made {
    certificate: String,
    key: String,
}

fn made(name: &str) -> Made {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("certificate");
    Made { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

/// GET over TLS by who trusts this certificate alone, and shows its own where it has one; the status line, or why there is none.
fn get(server: &Server, trusted: &str, own: Option<&Made>) -> Result<String, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).expect("PEM")).expect("root");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions().expect("versions");
    let builder = builder.with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).expect("PEM")];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("key")).expect("client certificate")
        }
    };
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").expect("name")).expect("connection");
    let stream = TcpStream::connect(server.url.trim_start_matches("https://")).map_err(|error| said(&error))?;
    let mut stream = StreamOwned::new(connection, stream);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").map_err(|error| said(&error))?;
    let mut line = String::new();
    let mut reader = BufReader::new(stream);
    reader.read_line(&mut line).map_err(|error| said(&error))?;
    // Ended without a farewell is well enough here.
    let _ = reader.read_to_end(&mut Vec::new());
    Ok(line.trim().to_owned())
}

fn configured(dir: &Path, more: &str) {
    std::fs::write(dir.join("lastbuy.toml"), format!("[tls]\n{more}")).expect("config");
}

#[test]
fn the_plants_certificate_is_used_and_read_anew_without_a_restart() {
    let dir = tempfile::tempdir().expect("folder");
    let (first, second) = (made("localhost"), made("localhost"));
    let (certificate, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
    let put = |made: &Made| {
        std::fs::write(&key, &made.key).expect("key");
        std::fs::write(&certificate, &made.certificate).expect("certificate");
    };
    put(&first);
    configured(dir.path(), &format!("certificate_file = {certificate:?}\nkey_file = {key:?}\n"));
    let server = Server::start(dir.path());
    assert!(server.url.starts_with("https://"), "{}", server.url);
    assert_eq!(get(&server, &first.certificate, None).as_deref(), Ok("HTTP/1.1 200 OK"));
    assert!(get(&server, &second.certificate, None).is_err(), "a certificate that is not there was shown");
    // What cannot be used leaves the old one in force.
    std::fs::write(&certificate, "half a certific").expect("file");
    server.signal(libc::SIGHUP);
    assert_eq!(get(&server, &first.certificate, None).as_deref(), Ok("HTTP/1.1 200 OK"));
    put(&second);
    server.signal(libc::SIGHUP);
    // The signal is handled when the server comes to it.
    let renewed = (0..10_000).any(|_| get(&server, &second.certificate, None).is_ok());
    assert!(renewed, "the new certificate is not shown");
}

#[test]
fn one_that_lastbuy_makes_stays_the_same_and_clients_show_theirs_where_asked() {
    let dir = tempfile::tempdir().expect("folder");
    let (client, stranger) = (made("sender"), made("stranger"));
    let authorities = dir.path().join("clients.pem");
    std::fs::write(&authorities, &client.certificate).expect("file");
    configured(dir.path(), &format!("self_signed_names = [\"localhost\", \"127.0.0.1\"]\nclient_authorities_file = {authorities:?}\n"));
    let mut server = Server::start(dir.path());
    let own = std::fs::read_to_string(dir.path().join("tls/certificate.pem")).expect("certificate");
    let mode = std::os::unix::fs::PermissionsExt::mode(&dir.path().join("tls/key.pem").metadata().expect("key").permissions());
    assert_eq!(mode & 0o077, 0, "others may read the key");
    assert_eq!(get(&server, &own, Some(&client)).as_deref(), Ok("HTTP/1.1 200 OK"));
    for (who, shown) in [("nothing", None), ("a stranger's", Some(&stranger))] {
        assert!(get(&server, &own, shown).is_ok_and(|line| line.is_empty()) || get(&server, &own, shown).is_err(), "{who} was let in");
    }
    server.kill();
    let server = Server::start(dir.path());
    assert_eq!(get(&server, &own, Some(&client)).as_deref(), Ok("HTTP/1.1 200 OK"));
}
