use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::*;
use crate::store::{AuditFilter, AuditFrom};

struct Case {
    _dir: tempfile::TempDir,
    watch: Watch,
    folder: PathBuf,
    now: Instant,
}

impl Case {
    fn new() -> Case {
        let dir = tempfile::tempdir().expect("folder");
        let folder = dir.path().join("inbox");
        fs::create_dir(&folder).expect("inbox");
        let store = Store::open(&dir.path().join("data")).expect("store");
        let config = Inbox { folder: folder.clone(), settle: Duration::from_secs(5), poll: Duration::from_secs(1) };
        Case { watch: Watch::new(config, store), folder, now: Instant::now(), _dir: dir }
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.join(name), bytes).expect("file");
    }

    /// A look, so many seconds later.
    fn later(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.watch.round(self.now);
    }

    fn names(&self, under: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.join(under))
            .expect("folder")
            .map(|entry| entry.expect("entry"))
            .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()))
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Records of the log.
    fn records(&self) -> usize {
        self.watch.store.audit(&AuditFilter::default(), AuditFrom::After(0), 100).expect("audit").entries.len()
    }

    fn events(&self) -> usize {
        self.watch.store.events(None, 100).expect("events").len()
    }
}

#[test]
fn a_file_is_taken_when_it_stayed_as_it_is() {
    let mut case = Case::new();
    case.put("PDN-1.txt", b"Acme ends");
    case.later(0);
    case.later(4);
    assert_eq!(case.events(), 0, "it is not old enough");
    case.put("PDN-1.txt", b"Acme ends AX100-3.");
    case.later(4);
    case.later(4);
    assert_eq!(case.events(), 0, "it grew meanwhile");
    case.later(1);
    assert_eq!((case.events(), case.names(""), case.names("done")), (1, vec![], vec!["PDN-1.txt".to_owned()]));
    let event = case.watch.store.events(None, 1).expect("events").remove(0);
    assert_eq!((event.source.as_str(), event.file_name.as_deref(), event.content_type.as_str()), ("inbox", Some("PDN-1.txt"), "text/plain"));
    // The same bytes under another name are known, and another file of the same name is not put over the first.
    case.put("copy.txt", b"Acme ends AX100-3.");
    case.put("PDN-1.txt", b"Acme ends AX100-4.");
    case.later(0);
    case.later(5);
    assert_eq!((case.events(), case.names("done")), (2, ["2-PDN-1.txt", "PDN-1.txt", "copy.txt"].map(str::to_owned).to_vec()));
}

#[test]
fn what_is_unfinished_or_no_file_is_left_alone() {
    let mut case = Case::new();
    for name in [".PDN.pdf", "PDN.pdf.part", "~$PDN.docx", "PDN.pdf.CRDOWNLOAD", "PDN.txt~", "upload.tmp"] {
        case.put(name, b"half");
    }
    fs::create_dir_all(case.folder.join("2026/october")).expect("folder");
    case.put("2026/PDN-2.txt", b"Acme ends AX100-3.");
    let fifo = std::process::Command::new("mkfifo").arg(case.folder.join("pipe")).status().expect("mkfifo");
    assert!(fifo.success());
    let locked = fs::File::create(case.folder.join("locked.txt")).expect("file");
    fs::write(case.folder.join("locked.txt"), "Acme ends AX100-3.").expect("text");
    locked.lock().expect("lock");
    for _ in 0..3 {
        case.later(10);
    }
    assert_eq!((case.events(), case.names("").len(), case.names("done").len()), (0, 8, 0));
    assert!(case.watch.told.iter().any(|told| told.contains("2026 is a folder")), "{:?}", case.watch.told);
    assert!(case.watch.told.iter().any(|told| told.contains("pipe") && told.contains("no file")), "{:?}", case.watch.told);
    drop(locked);
    case.later(10);
    assert_eq!(case.names("done"), ["locked.txt"]);
}

#[test]
fn what_never_will_be_taken_is_refused_with_its_reason() {
    let mut case = Case::new();
    case.put("empty.pdf", b"");
    std::os::unix::fs::symlink("/etc/passwd", case.folder.join("link.txt")).expect("link");
    let large = fs::File::create(case.folder.join("large.bin")).expect("file");
    large.set_len(limits::BODY_BYTES_MAX as u64 + 1).expect("size");
    case.later(0);
    case.later(5);
    assert_eq!(case.names(""), ["empty.pdf"], "an empty file may still be coming");
    case.later(60);
    assert_eq!((case.events(), case.names("")), (0, vec![]));
    assert_eq!(case.names("refused"), ["empty.pdf", "empty.pdf.reason.txt", "large.bin", "large.bin.reason.txt", "link.txt", "link.txt.reason.txt"]);
    let reason = |name: &str| fs::read_to_string(case.folder.join("refused").join(name)).expect("reason");
    assert!(reason("empty.pdf.reason.txt").contains("empty"));
    assert!(reason("link.txt.reason.txt").contains("symbolic link"));
    assert!(reason("large.bin.reason.txt").contains("over the limit"));
    assert!(case.folder.join("refused/link.txt").is_symlink() && Path::new("/etc/passwd").exists());
}

#[test]
fn what_cannot_be_moved_is_taken_once() {
    let mut case = Case::new();
    case.put("PDN-1.txt", b"Acme ends AX100-3.");
    case.later(0);
    // A file where the folder should be: moving fails for everybody, root too.
    fs::remove_dir(case.folder.join("done")).expect("done");
    std::os::unix::fs::symlink("/proc/self", case.folder.join("done")).expect("link");
    for _ in 0..3 {
        case.later(10);
    }
    let records = case.records();
    assert_eq!((case.events(), case.names("")), (1, vec!["PDN-1.txt".to_owned(), "done".to_owned()]));
    assert!(case.watch.told.iter().any(|told| told.contains("cannot be moved away")), "{:?}", case.watch.told);
    fs::remove_file(case.folder.join("done")).expect("link");
    case.later(10);
    assert_eq!((case.names("done"), case.events()), (vec!["PDN-1.txt".to_owned()], 1));
    assert_eq!(case.records(), records, "it was handed in again");
}

#[test]
fn a_share_that_is_gone_is_told_once_and_found_again() {
    let mut case = Case::new();
    case.put("PDN-1.txt", b"Acme ends AX100-3.");
    let aside = case.folder.with_extension("unmounted");
    fs::rename(&case.folder, &aside).expect("unmount");
    fs::write(&case.folder, "a file in its place").expect("file");
    case.later(0);
    case.later(10);
    assert_eq!(case.watch.told.len(), 1);
    fs::remove_file(&case.folder).expect("file");
    fs::rename(&aside, &case.folder).expect("mount");
    case.later(1);
    case.later(5);
    assert_eq!((case.events(), case.names("done").len(), case.watch.told.len()), (1, 1, 0));
}

#[test]
fn another_file_system_gets_a_whole_copy() {
    let (dir, shm) = (tempfile::tempdir().expect("folder"), Path::new("/dev/shm"));
    let Ok(other) = tempfile::tempdir_in(shm) else { return };
    fs::write(dir.path().join("a.txt"), "whole").expect("file");
    fs::set_permissions(dir.path().join("a.txt"), fs::Permissions::from_mode(0o640)).expect("mode");
    let moved = moving::away(dir.path(), OsStr::new("a.txt"), other.path()).expect("moved");
    assert_eq!((fs::read_to_string(moved).expect("text"), dir.path().join("a.txt").exists()), ("whole".to_owned(), false));
}
