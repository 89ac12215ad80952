//! Receivers on loopback that take what is sent and answer as they are told.
#![allow(dead_code, reason = "each test file uses its own part of this module")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

pub fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/notify/tls").join(name)
}

pub fn authority(name: &str) -> Vec<u8> {
    std::fs::read(tls_file(name)).expect("certificate")
}

/// A server's side of TLS with one of the certificates.
pub fn accept_tls(certificate: &str, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    let chain = vec![CertificateDer::from_pem_file(tls_file(certificate)).expect("certificate")];
    let key = PrivateKeyDer::from_pem_file(tls_file("server.key")).expect("key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_no_client_auth().with_single_cert(chain, key).expect("config");
    StreamOwned::new(ServerConnection::new(Arc::new(config)).expect("connection"), stream)
}

/// Serves every connection in a thread of its own, until the test ends.
pub fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let (address, serve) = (listener.local_addr().expect("address"), Arc::new(serve));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

#[derive(Debug, Clone)]
pub struct Posted {
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// What an HTTP receiver was sent.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<Vec<Posted>>>);

impl Inbox {
    pub fn all(&self) -> Vec<Posted> {
        self.0.lock().expect("inbox").clone()
    }

    /// Takes one request and answers with these lines of a head, and a body. `None`: the sender went away.
    pub fn take(&self, stream: impl Stream, answer: &str) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut posted = Posted { path, headers, body: Vec::new() };
        posted.body = vec![0; posted.header("content-length").parse().ok()?];
        reader.read_exact(&mut posted.body).ok()?;
        self.0.lock().expect("inbox").push(posted);
        reader.get_mut().write_all(answer.as_bytes()).ok()?;
        reader.get_mut().flush().ok()
    }
}

/// An HTTP receiver that always answers the same.
pub fn http(answer: &'static str) -> (SocketAddr, Inbox) {
    let inbox = Inbox::default();
    let takes = inbox.clone();
    (
        listen(move |stream| {
            takes.take(stream, answer);
        }),
        inbox,
    )
}

pub fn https(certificate: &'static str, answer: &'static str) -> (SocketAddr, Inbox) {
    let inbox = Inbox::default();
    let takes = inbox.clone();
    (
        listen(move |stream| {
            takes.take(accept_tls(certificate, stream), answer);
        }),
        inbox,
    )
}

pub const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";
