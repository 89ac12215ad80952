//! Errors from the kernel, put in from outside with strace: a sync that fails, a full disk, a disk that cannot be read. Nothing is acknowledged after a failed
//! sync, the process ends with an error, and the next one finds everything that was acknowledged.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use crate::{
    common::{self, Server},
    history::History,
    skipped, soak,
    victim::{FORKING, POISONED, Plan},
};

/// Whether strace is there and may trace; the reason if not.
fn strace_works() -> Result<(), String> {
    let forking = FORKING.write();
    let tried = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stdin(Stdio::null()).output();
    drop(forking);
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("strace may not trace here: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("strace does not start ({error}); apt-get install strace")),
    }
}

/// `strace` with one error put into calls on some files.
fn strace(call: &str, error: &str, when: &str, paths: &[PathBuf]) -> Vec<String> {
    let mut words: Vec<String> = ["strace", "-f", "-qq", "-o", "/dev/null", "-e"].map(ToOwned::to_owned).to_vec();
    words.extend([format!("trace={call}"), "-e".to_owned(), format!("inject={call}:error={error}:when={when}")]);
    for path in paths {
        words.extend(["-P".to_owned(), path.display().to_string()]);
    }
    words
}

fn database(dir: &Path) -> PathBuf {
    dir.join("db/db")
}

fn log(dir: &Path) -> PathBuf {
    dir.join("log/00000001.log")
}

/// Runs a victim with an error put in, and checks what it did and left. Returns how it ended.
fn put_in(what: &str, call: &str, error: &str, when: &str, path: fn(&Path) -> PathBuf) -> ExitStatus {
    let folder = tempfile::tempdir().expect("folder");
    let dir = folder.path().canonicalize().expect("path");
    let mut history = History::new();
    // strace knows files by the names they have when they are opened: a store that is there already has them.
    history.begin_process(1);
    let made = Plan { events: Some(2), ..Plan::new(&dir) }.start(&history).end(&mut history).unwrap_or_else(|broken| panic!("{what}: {broken}"));
    assert!(made.success(), "{what}: {made}");
    let before = history.acknowledged();
    history.begin_process(1);
    let plan = Plan { under: strace(call, error, when, &[path(&dir)]), events: Some(30), ..Plan::new(&dir) };
    let ended = plan.start(&history).end(&mut history).unwrap_or_else(|broken| panic!("{what}: {broken}"));
    let said = history.poisoned.clone().or(history.shut.clone());
    assert!(ended.success() || ended.code() == Some(POISONED), "{what}: it ended otherwise: {ended}, {said:?}");
    if !ended.success() {
        let is_told = said.as_ref().is_some_and(|said| said.contains("os error") || said.contains("Os {") || said.contains("panic"));
        assert!(is_told, "{what}: the reason is not told: {said:?}");
    }
    history.verify(&dir).unwrap_or_else(|broken| panic!("{what}: {broken}"));
    println!("{what}: {} events acknowledged before, then: {}", history.acknowledged() - before, said.unwrap_or_else(|| "it went on".to_owned()));
    ended
}

/// An error of the log: nothing is acknowledged after it, and the process ends.
fn ends(what: &str, call: &str, error: &str, when: &str) {
    assert_eq!(put_in(what, call, error, when, log).code(), Some(POISONED), "{what}: it went on");
}

#[test]
fn a_failed_sync_ends_the_process_and_loses_nothing() {
    if let Err(why) = strace_works() {
        return skipped("failed syncs", &why);
    }
    let times: &[&str] = if soak() { &["1", "2", "3", "5", "8", "13", "20"] } else { &["1", "4"] };
    for when in times {
        ends(&format!("EIO on sync {when} of the log"), "fdatasync", "EIO", when);
    }
}

#[test]
fn a_full_disk_ends_the_process_and_loses_nothing() {
    if let Err(why) = strace_works() {
        return skipped("a full disk", &why);
    }
    let times: &[&str] = if soak() { &["1", "2", "3", "5+", "8", "13+", "20"] } else { &["2", "5+"] };
    for when in times {
        ends(&format!("ENOSPC on write {when} of the log"), "pwrite64", "ENOSPC", when);
        // What sled cannot write costs the time of making it anew.
        put_in(&format!("ENOSPC on write {when} of the database"), "pwrite64", "ENOSPC", when, database);
    }
}

/// A log that cannot be read is refused at the opening, which changes nothing, or ends the process; a read that fails is never taken for its end. A database that
/// cannot be read is made anew, or ends the process.
#[test]
fn reads_that_fail_lose_nothing() {
    if let Err(why) = strace_works() {
        return skipped("reads that fail", &why);
    }
    let times: &[&str] = if soak() { &["1", "1+", "2", "3", "5", "8+", "13", "21+"] } else { &["1", "3", "2+"] };
    for when in times {
        ends(&format!("EIO on read {when} of the log"), "pread64", "EIO", when);
        put_in(&format!("EIO on read {when} of the database"), "pread64", "EIO", when, database);
    }
}

/// The program itself: senders are told 5xx from the failed sync on, and it ends by itself with an error.
#[test]
fn the_server_ends_after_a_failed_sync() {
    if let Err(why) = strace_works() {
        return skipped("the server's failed sync", &why);
    }
    let folder = tempfile::tempdir().expect("folder");
    let dir = folder.path().canonicalize().expect("path");
    History::new().verify(&dir).expect("a store whose log strace can name");
    let forking = FORKING.write();
    let mut server = Server::start_under(&strace("fdatasync", "EIO", "6", &[log(&dir)]), &dir);
    drop(forking);
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for number in 0..40 {
        let body = common::notice(number, &["ACME-1"]).to_string();
        let (status, answer) = server.post("/v1/hooks/generic", "application/json", body.as_bytes());
        match status {
            202 if refused == 0 => acknowledged.push(answer["event_id"].as_str().expect("event").to_owned()),
            202 => panic!("delivery {number} was acknowledged after the failed sync"),
            // 0: it was gone before it could answer.
            0 | 500.. => refused += 1,
            _ => panic!("delivery {number}: {status} {answer}"),
        }
        if refused == 3 {
            break;
        }
    }
    assert!(refused > 0, "no sync failed");
    let until = std::time::Instant::now() + Duration::from_secs(30);
    let ended = loop {
        if let Some(ended) = server.child.try_wait().expect("wait") {
            break ended;
        }
        assert!(std::time::Instant::now() < until, "the server goes on after a failed sync");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(ended.code(), Some(1), "{ended}");
    let listed = common::json(common::lastbuy(&dir).args(["events", "list", "--json"])).to_string();
    assert!(acknowledged.iter().all(|id| listed.contains(&format!("\"{id}\""))), "{acknowledged:?} in {listed}");
    println!("{} acknowledged before the failed sync, {refused} refused after it", acknowledged.len());
}
