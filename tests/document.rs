//! Documents as they come, read by the real child: what each gives stands beside it. And documents that are meant to do harm: they kill a child, not its parent.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use lastbuy::{
    child::{self, Program, Spec, Supervised},
    document::{CHILD_ROLE, ExtractError, Extractor, Input},
    domain::document::Document,
    limits,
};

fn extractor() -> Extractor {
    Extractor::new(Program::at(env!("CARGO_BIN_EXE_lastbuy")))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).expect(name)
}

fn read(extractor: &Extractor, name: &str, bytes: &[u8]) -> Result<Document, ExtractError> {
    extractor.extract(&Input { source: "file", content_type: "application/octet-stream", file_name: Some(name), bytes })
}

/// A document as a person checks it.
fn shown(result: &Result<Document, ExtractError>) -> String {
    let document = match result {
        Ok(document) => document,
        Err(error) => return format!("unreadable: {error}\n"),
    };
    let mut out = format!("format: {:?}\n", document.format).to_lowercase();
    if let Some(title) = document.title {
        _ = writeln!(out, "title: {}", document.slice(title));
    }
    for page in &document.pages {
        _ = write!(out, "=== {}\n{}", page.name, document.slice(page.span));
    }
    for (number, table) in document.tables.iter().enumerate() {
        _ = writeln!(out, "=== table {}", number + 1);
        for row in &table.rows {
            _ = writeln!(out, "{}", row.iter().map(|cell| document.slice(*cell)).collect::<Vec<_>>().join(" | "));
        }
    }
    for warning in &document.warnings {
        _ = writeln!(out, "warning: {warning}");
    }
    out
}

#[test]
fn each_document_gives_what_stands_beside_it() {
    let extractor = extractor();
    let is_expectation = |name: &str| name.contains(".expected.");
    let files = std::fs::read_dir(folder()).expect("folder").map(|entry| entry.expect("entry").path()).filter(|path| path.is_file());
    let mut names: Vec<String> = files.map(|path| path.file_name().expect("name").to_string_lossy().into_owned()).collect();
    names.sort();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for name in names.iter().filter(|name| !is_expectation(name)) {
        let found = shown(&read(&extractor, name, &file(name)));
        let expected = std::fs::read_to_string(folder().join(format!("{name}.expected.txt"))).unwrap_or_default();
        seen += 1;
        if found != expected {
            let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.expected.txt"));
            std::fs::write(&beside, &found).expect("what was found");
            wrong.push(format!("{name}: see {}", beside.display()));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
    assert!(seen >= 20 && names.len() == 2 * seen, "{seen} documents, {} files", names.len());
}

/// Children of this process that read documents.
fn children() -> Vec<u32> {
    let of = |entry: std::fs::DirEntry| -> Option<u32> {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent: u32 = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        let is_reader = line.split(|byte| *byte == 0).any(|argument| argument == CHILD_ROLE.as_bytes());
        (parent == std::process::id() && is_reader).then_some(pid)
    };
    std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(of).collect()
}

/// The one child that an extractor of this test started; other tests have theirs.
fn child_of(start: impl FnOnce()) -> u32 {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = children();
    start();
    *children().iter().find(|pid| !before.contains(pid)).expect("a child that stayed")
}

const LETTER: &[u8] = b"Acme ends AX100-3 on 31 March 2027.\n";

#[test]
fn the_child_is_confined_and_bounded() {
    let extractor = extractor();
    let pid = child_of(|| _ = read(&extractor, "letter.txt", LETTER).expect("letter"));
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
    let _ = child::serve(|request| {
        if request == b"write" {
            // The signal comes before the error.
            return Ok(format!("{:?}", std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("written"), b"x")).into_bytes());
        }
        let tried = [
            ("connect", std::net::TcpStream::connect("127.0.0.1:1").map(drop)),
            ("listen", std::net::TcpListener::bind("127.0.0.1:0").map(drop)),
            ("unix socket", std::os::unix::net::UnixDatagram::unbound().map(drop)),
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
fn a_confined_child_opens_no_socket_and_starts_no_program() {
    let child = Supervised::new(Spec {
        program: Program::at(std::env::current_exe().expect("this test")),
        role: "tries_what_a_child_must_not_do",
        args: ["--exact", "--nocapture", "--test-threads=1"].map(Into::into).to_vec(),
        address_space_bytes: None,
        cpu_seconds: Some(20),
        confined: true,
    });
    let told = child.ask(b"try", Duration::from_secs(20)).expect("an answer");
    assert_eq!(String::from_utf8_lossy(&told), "");
    let died = child.ask(b"write", Duration::from_secs(20)).expect_err("a file was written");
    assert!(died.to_string().contains("SIGXFSZ"), "{died}");
}

#[test]
fn a_killed_child_costs_one_document() {
    let extractor = extractor();
    let pid = child_of(|| _ = read(&extractor, "letter.txt", LETTER).expect("letter"));
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
        let reading = scope.spawn(|| read(&extractor, "long.txt", &long));
        std::thread::sleep(Duration::from_millis(20));
        kill();
        reading.join().expect("thread")
    });
    assert!(matches!(&result, Err(ExtractError::Failed(why)) if why.contains("SIGKILL")), "{result:?}");
    assert_eq!(read(&extractor, "letter.txt", LETTER).expect("the next one").text.as_bytes(), LETTER);
}

/// Resident memory of this process at its highest, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("number")
}

#[test]
fn bombs_cost_a_child_its_life_and_the_parent_nothing() {
    let extractor = extractor();
    let before = resident_kib();
    let page = |html: String| format!("<html><body>{html}");
    let bombs = [
        ("stream bomb", "bomb.pdf", file("hostile/stream-bomb.pdf")),
        ("page loop", "loop.pdf", file("hostile/page-loop.pdf")),
        ("open elements", "b.html", page("<b><i><p>".repeat(20_000)).into_bytes()),
        ("tables in tables", "t.html", page("<table><tr><td>x".repeat(10_000)).into_bytes()),
        ("columns", "c.html", page(format!("<table>{}</table>", "<tr><td colspan=1000 rowspan=65534>x<td>y".repeat(10_000))).into_bytes()),
        ("words", "w.txt", "a  b  c  d\n".repeat(1_000_000).into_bytes()),
        ("separators", "s.txt", "|".repeat(2_000_000).into_bytes()),
        ("fields", "f.eml", format!("From: a@b\r\nSubject: s\r\n{}\r\ntext", "X-A: =?utf-8?q?=00?=\r\n".repeat(400_000)).into_bytes()),
        (
            "boundaries",
            "m.eml",
            format!("From: a@b\r\nSubject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}", "--b\r\n\r\nx\r\n".repeat(400_000))
                .into_bytes(),
        ),
    ];
    for (what, name, bytes) in bombs {
        let begun = Instant::now();
        let result = read(&extractor, name, &bytes);
        let took = begun.elapsed();
        println!("{what}: {took:.1?}, {}", shown(&result).chars().take(300).collect::<String>().replace('\n', " / "));
        assert!(took < Duration::from_secs(limits::DOCUMENT_SECONDS_MAX + 5), "{what} took {took:?}");
        if let Ok(document) = &result {
            assert!(document.text.len() <= limits::DOCUMENT_TEXT_BYTES_MAX, "{what}");
        }
        assert_eq!(read(&extractor, "letter.txt", LETTER).expect("the next one").text.as_bytes(), LETTER, "after {what}");
    }
    let grown = resident_kib() - before;
    assert!(grown < 256 << 10, "this process grew by {grown} KiB");
}

#[test]
fn damaged_pdfs_get_an_answer() {
    let whole = file("twelve-parts.pdf");
    let extractor = extractor();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    let rounds = if std::env::var_os("LASTBUY_SOAK").is_some() { 2000 } else { 60 };
    let (mut read_well, mut refused, mut failed) = (0, 0, 0);
    for _ in 0..rounds {
        let mut damaged = whole.clone();
        for _ in 0..=next(6) {
            let at = next(damaged.len());
            damaged[at] = u8::try_from(next(256)).expect("byte");
        }
        if next(4) == 0 {
            damaged.truncate(next(damaged.len()) + 1);
        }
        match read(&extractor, "damaged.pdf", &damaged) {
            Ok(_) => read_well += 1,
            Err(ExtractError::Unreadable(why)) => {
                assert!(why.len() > 20 && !why.contains('\n'), "{why}");
                refused += 1;
            }
            Err(ExtractError::Failed(_)) => failed += 1,
        }
    }
    println!("{rounds} damaged PDFs: {read_well} read, {refused} refused, {failed} cost a child");
    assert_eq!(read(&extractor, "letter.txt", LETTER).expect("the next one").text.as_bytes(), LETTER);
    assert!(read_well > 0 && refused > 0);
}
