//! The receivers as a plant's mail server and its people meet them: the real program, a real mail client library, raw sockets where no client would do.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a skipped test says so, and a soak says what it saw")]

#[path = "../common/mod.rs"]
mod common;

#[path = "../common/damage.rs"]
mod damage;
mod inbox;
mod killed;
mod mutated;
mod poller;
mod protocol;

use std::path::Path;

use common::Server;

/// A file of the test authority that signed the server's certificate for localhost.
fn tls(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/receive/tls").join(name).display().to_string()
}

/// Writes the configuration of a server that takes mails on `port` (0: any) with a certificate; `more` are further keys of `[smtp]`.
fn configure(dir: &Path, port: u16, more: &str) {
    let (certificate, key) = (tls("certificate.pem"), tls("key.pem"));
    let text = format!(
        "[smtp]\nlisten = \"127.0.0.1:{port}\"\nrecipients = [\"pcn@plant.example\", \"@notices.example\"]\ncertificate_file = \"{certificate}\"\nkey_file = \"{key}\"\n{more}\n"
    );
    std::fs::write(dir.join("lastbuy.toml"), text).expect("configuration");
}

/// Where a server takes mails.
fn smtp_address(server: &Server) -> String {
    let (_, after) = server.said.split_once("takes mails on ").expect("the server says where");
    after.split_whitespace().next().expect("an address").to_owned()
}
