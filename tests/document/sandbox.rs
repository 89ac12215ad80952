//! The child that reads is confined, and its death costs one document.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use lastbuy::{
    child::{self, Program, Spec, Supervised},
    document::{ExtractError, Extractor},
    limits,
};

use super::{LETTER, read};

/// An extractor whose child runs under a name of its own: other tests have children too.
fn own(name: &str) -> (Extractor, PathBuf) {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).canonicalize().expect("folder").join(name);
    let _ = std::fs::remove_file(&program);
    std::fs::hard_link(env!("CARGO_BIN_EXE_lastbuy"), &program).expect("a second name");
    (Extractor::new(Program::at(&program)), program)
}

fn child_of(program: &Path) -> u32 {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    let running = all.filter(|entry| std::fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == program));
    running.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).next().expect("a child that stayed")
}

#[test]
fn the_child_is_confined_and_bounded() {
    let (extractor, program) = own("reader-confined");
    read(&extractor, "letter.txt", LETTER).expect("letter");
    let pid = child_of(&program);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).map(str::to_owned);
    // A filter of system calls is in force, and no program it could start would gain rights.
    assert_eq!((line("Seccomp:").as_deref(), line("NoNewPrivs:").as_deref()), (Some("2"), Some("1")));
    let bounds = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("limits");
    let soft =
        |name: &str| bounds.lines().find_map(|line| line.strip_prefix(name)).and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    assert_eq!(soft("Max address space"), Some(limits::DOCUMENT_CHILD_BYTES_MAX));
    assert_eq!(soft("Max cpu time"), Some(limits::DOCUMENT_CHILD_CPU_SECONDS_MAX));
    assert_eq!((soft("Max file size"), soft("Max core file size")), (Some(0), Some(0)));
}

/// Run by the test below as a confined child, as the one that reads documents is; by itself it has no parent to answer and ends at once.
#[test]
fn tries_what_a_child_must_not_do() {
    let _ = child::serve(|_| {
        let tried = [
            ("connect", std::net::TcpStream::connect("127.0.0.1:1").map(drop)),
            ("listen", std::net::TcpListener::bind("127.0.0.1:0").map(drop)),
            ("unix socket", std::os::unix::net::UnixDatagram::unbound().map(drop)),
            ("reading a file", std::fs::read("/etc/hostname").map(drop)),
            ("reading itself", std::fs::read("/proc/self/exe").map(drop)),
            ("writing a file", std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("written"), b"x")),
            ("listing a folder", std::fs::read_dir("/").map(drop)),
            ("program", Command::new("/bin/true").status().map(drop)),
        ];
        let told = tried.map(|(what, result)| match result {
            Ok(()) => format!("{what} worked"),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => String::new(),
            Err(error) => format!("{what} failed otherwise: {error}"),
        });
        Ok(told.concat().into_bytes())
    });
}

#[test]
fn a_sealed_child_opens_no_socket_and_no_file_and_starts_no_program() {
    let child = Supervised::new(Spec {
        program: Program::at(std::env::current_exe().expect("this test")),
        role: "sandbox::tries_what_a_child_must_not_do",
        args: ["--exact", "--nocapture", "--test-threads=1"].map(Into::into).to_vec(),
        address_space_bytes: None,
        cpu_seconds: Some(20),
        confined: true,
        sealed: true,
    });
    let told = child.ask(b"try", Duration::from_secs(20)).expect("an answer");
    assert_eq!(String::from_utf8_lossy(&told), "");
}

#[test]
fn a_killed_child_costs_one_document() {
    let (extractor, program) = own("reader-killed");
    read(&extractor, "letter.txt", LETTER).expect("letter");
    let pid = child_of(&program);
    let kill = || {
        let pid = libc::pid_t::try_from(pid).expect("pid");
        // SAFETY: sends a signal to a child of this process that has not been waited for.
        #[allow(unsafe_code, reason = "kill(2) has no safe form in std")]
        let sent = unsafe { libc::kill(pid, libc::SIGKILL) };
        assert_eq!(sent, 0);
    };
    // Midway: while it reads a long text.
    let long: Vec<u8> = b"Part      New\nAX100-3   AX200-3\n\n".repeat(1_000_000);
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            kill();
        });
        // A child dies with the thread that started it, so this one reads and the other kills.
        read(&extractor, "long.txt", &long)
    });
    assert!(matches!(&result, Err(ExtractError::Failed(why)) if why.contains("SIGKILL")), "{result:?}");
    assert_eq!(read(&extractor, "letter.txt", LETTER).expect("the next one").text.as_bytes(), LETTER);
}

#[test]
fn a_document_that_is_too_much_for_its_reader_is_tried_twice() {
    let dir = tempfile::tempdir().expect("folder");
    let file = dir.path().join("deep.pdf");
    let deep = format!("%PDF-1.4\n1 0 obj {} endobj\ntrailer<</Root 1 0 R/Size 9>>\nstartxref\n9\n%%EOF", "[".repeat(200_000));
    std::fs::write(&file, deep).expect("file");
    let lastbuy = |words: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_lastbuy")).arg("--data-dir").arg(dir.path().join("data")).args(words).output().expect("lastbuy");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    lastbuy(&["ingest", "--wait", file.to_str().expect("path")]);
    let job: serde_json::Value = serde_json::from_str(&lastbuy(&["jobs", "show", "J-1", "--json"])).expect("a job");
    let told = job.to_string();
    assert!(told.contains("nests so deep") && told.contains("tried twice"), "{told}");
    assert_eq!(told.matches("\"attempt\":").count(), 1, "{told}");
}
