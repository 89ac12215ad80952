//! The watched folder of a running server, and a kill between "on disk" and "moved away".

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{Server, common};

fn configure(dir: &Path) -> PathBuf {
    let folder = dir.join("drop");
    std::fs::create_dir(&folder).expect("drop");
    let text = format!("[inbox]\nfolder = \"{}\"\nsettle_seconds = 0\npoll_seconds = 1\n", folder.display());
    std::fs::write(dir.join("lastbuy.toml"), text).expect("configuration");
    folder
}

/// Waits until a file, or a link, is there.
fn until_there(path: &Path) {
    let until = Instant::now() + Duration::from_secs(60);
    while path.symlink_metadata().is_err() {
        assert!(Instant::now() < until, "{} did not come in a minute", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_file_is_moved_once_its_event_is_on_disk_and_a_kill_in_between_doubles_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    let folder = configure(dir.path());
    std::fs::write(folder.join("PDN-1.txt"), "Acme ends AX100-3. Last time buy date: 2027-03-31.").expect("file");
    // The first write notes that the server started; the second is the file's event, and then the process dies.
    let killed =
        common::lastbuy(dir.path()).args(["serve", "--listen", "127.0.0.1:0"]).env("LASTBUY_FAILPOINT", "answered:2").output().expect("serve");
    assert_eq!(killed.status.code(), None, "{}", common::said(&killed));
    assert!(folder.join("PDN-1.txt").exists() && !folder.join("done/PDN-1.txt").exists(), "it was moved before it was on disk");
    std::os::unix::fs::symlink("PDN-1.txt", folder.join("link.txt")).expect("link");
    let mut server = Server::start(dir.path());
    until_there(&folder.join("done/PDN-1.txt"));
    until_there(&folder.join("refused/link.txt"));
    assert!(folder.join("refused/link.txt.reason.txt").exists());
    let (_, events) = server.get("/v1/events");
    let events = events["items"].as_array().expect("items");
    assert_eq!((events.len(), events[0]["source"].as_str()), (1, Some("inbox")), "{events:?}");
    server.signal(libc::SIGTERM);
    assert_eq!(server.child.wait().expect("wait").code(), Some(0));
}
