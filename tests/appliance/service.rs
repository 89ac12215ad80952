//! The server under a service manager.

use std::{os::unix::net::UnixDatagram, time::Duration};

use crate::common::Server;

#[test]
fn the_service_manager_is_told_that_the_server_is_ready_lives_and_stops() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("notify.sock");
    let manager = UnixDatagram::bind(&path).expect("socket");
    manager.set_read_timeout(Some(Duration::from_secs(60))).expect("timeout");
    let words = ["env".to_owned(), format!("NOTIFY_SOCKET={}", path.display()), "WATCHDOG_USEC=600000".to_owned()];
    let mut server = Server::start_under(&words, &dir.path().join("data"));
    let told = |wanted: &str| {
        let mut buffer = [0; 1024];
        for _ in 0..20 {
            let read = manager.recv(&mut buffer).expect("a word from the server");
            let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
            if text.lines().any(|line| line == wanted) {
                return text;
            }
        }
        panic!("{wanted} was not among 20 words");
    };
    let ready = told("READY=1");
    assert!(ready.contains(server.url.trim_start_matches("http://")), "{ready}");
    told("WATCHDOG=1");
    told("WATCHDOG=1");
    server.signal(libc::SIGTERM);
    told("STOPPING=1");
    assert_eq!(server.child.wait().expect("wait").code(), Some(0));
}
