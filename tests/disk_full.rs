//! A disk that fills up: deliveries are put off, everything else goes on, nothing is half-written, and with room again it goes on by itself.
//! On small file systems of their own in memory, which only root may mount; elsewhere the tests say that they were skipped.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod common;
#[path = "common/stored.rs"]
mod stored;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use common::{Server, json, lastbuy};
use lastbuy::{
    domain::{event::Arrival, time::At},
    limits,
    store::{Store, WriteError},
};
use stored::{arrival, bytes, sound, work_off};

/// A file system of this many MiB; unmounted when dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None`, said aloud, where it cannot be mounted.
    fn mount(mib: u64) -> Option<Disk> {
        let dir = tempfile::tempdir().expect("folder");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"]).arg(dir.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Disk(dir)),
            Ok(output) => {
                eprintln!("SKIPPED: a tmpfs cannot be mounted here: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                eprintln!("SKIPPED: mount cannot be run: {error}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(self.path()).expect("statvfs");
        stat.f_bavail * stat.f_frsize
    }

    /// Takes room until only so many bytes are free.
    fn fill_to(&self, left: u64) -> PathBuf {
        let path = self.path().join("ballast");
        let mut file = fs::File::create(&path).expect("ballast");
        while self.free() > left {
            let piece = usize::try_from((self.free() - left).min(1 << 20)).expect("piece");
            if file.write_all(&vec![1; piece]).is_err() {
                break;
            }
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, so that a file still open somewhere does not keep it.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn notice(number: usize) -> Vec<u8> {
    let text = fs::read_to_string(common::sample("notices/pellworm-relay.generic.json")).expect("sample");
    format!("{text}{}", " ".repeat(number)).into_bytes()
}

#[test]
fn a_server_puts_deliveries_off_while_the_disk_is_nearly_full_and_goes_on_by_itself() {
    let Some(disk) = Disk::mount((limits::DISK_RESERVE_BYTES >> 20) + 150) else { return };
    let server = Server::start(&disk.path().join("data"));
    let post = |number| server.post("/v1/hooks/generic", "application/json", &notice(number));
    let (status, first) = post(0);
    assert_eq!(status, 202, "{first}");
    let ballast = disk.fill_to(limits::DISK_RESERVE_BYTES - (50 << 20));
    std::thread::sleep(Duration::from_millis(limits::SPACE_LOOK_MS.unsigned_abs() + 200));
    let refused = ureq::post(format!("{}/v1/hooks/generic", server.url))
        .config()
        .http_status_as_error(false)
        .build()
        .header("content-type", "application/json")
        .send(&notice(1)[..])
        .expect("an answer");
    assert_eq!(refused.status(), 503);
    let after: u32 = refused.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!(after > 0);
    let (status, problem) = post(1);
    assert_eq!((status, problem["code"].as_str()), (503, Some("busy")), "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("MiB are free")), "{problem}");
    // Reads, and the work in hand, go on.
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        let (status, jobs) = server.get("/v1/jobs");
        assert_eq!(status, 200);
        let jobs = jobs["items"].as_array().expect("items").clone();
        assert_eq!(jobs.len(), 1, "a refused delivery made a job");
        if ["done", "review", "dead"].iter().any(|state| jobs[0]["state"] == **state || jobs[0]["state"].get(state).is_some()) {
            break;
        }
        assert!(Instant::now() < until, "the work in hand did not go on: {}", jobs[0]);
        std::thread::sleep(Duration::from_millis(200));
    }
    let (status, ready) = server.get("/readyz");
    assert_eq!(status, 503, "{ready}");
    assert!(ready.to_string().contains("MiB are free"), "{ready}");
    fs::remove_file(ballast).expect("room");
    std::thread::sleep(Duration::from_millis(limits::SPACE_LOOK_MS.unsigned_abs() + 200));
    let (status, second) = post(1);
    assert_eq!((status, second["duplicate"].as_bool()), (202, Some(false)), "{second}");
    assert_ne!(second["event_id"], first["event_id"]);
    drop(server);
    assert_eq!(json(lastbuy(&disk.path().join("data")).args(["doctor", "--deep", "--json"]))["ok"], true);
}

/// The reserve is there so that this never happens; when another program takes it all within a second, it happens.
#[test]
fn a_disk_that_is_full_in_the_middle_of_a_group_poisons_the_store_and_loses_nothing() {
    let mut poisoned = 0;
    // Other amounts of room fail in other places: in a segment, in a file of its own, in sled's file.
    for (round, (left, length)) in
        [(0, 300), (8 << 10, 300), (64 << 10, 3000), (200 << 10, 300), (1 << 20, 100_000), (3 << 20, 2 << 20)].into_iter().enumerate()
    {
        let Some(disk) = Disk::mount((limits::DISK_RESERVE_BYTES >> 20) + 40) else { return };
        let data = disk.path().join("data");
        // Always the same moment: free space is looked at once and then believed.
        let now = At(1);
        let deliver = |store: &Store, number: u64| {
            store.accept(Arrival { ignored: Some("noise".to_owned()), ..arrival(&format!("key {number}"), &bytes(number, length)) }, now)
        };
        let store = Store::open(&data).expect("open");
        let mut acknowledged = Vec::new();
        for number in 0..5 {
            acknowledged.push((number, deliver(&store, number).expect("room").event));
        }
        let ballast = disk.fill_to(left);
        let error = (5..20_000).find_map(|number| match deliver(&store, number) {
            Ok(taken) => {
                acknowledged.push((number, taken.event));
                None
            }
            Err(error) => Some(error),
        });
        let error = error.unwrap_or_else(|| panic!("round {round}: the disk never filled"));
        assert!(matches!(error, WriteError::Poisoned(_)), "round {round}: {error}");
        poisoned += 1;
        // Nothing more is written, also with room again; what was acknowledged can be read.
        fs::remove_file(ballast).expect("room");
        assert!(matches!(deliver(&store, 99_999), Err(WriteError::Poisoned(_))));
        assert!(store.event(acknowledged[0].1).expect("read").is_some());
        assert!(store.close().is_err(), "a poisoned store closed as if all was well");
        drop(store);
        let store = Store::open(&data).unwrap_or_else(|error| panic!("round {round}: {error}"));
        for (number, event) in &acknowledged {
            let found = store.event(*event).expect("read").unwrap_or_else(|| panic!("round {round}: {event} was acknowledged and is gone"));
            assert_eq!(store.blob(found.body).expect("blob"), Some(bytes(*number, length)), "round {round}");
        }
        let events = store.events(None, 1).expect("events")[0].id.0;
        assert!(events <= acknowledged.len() as u64 + 1, "round {round}: more than one delivery in flight is in the log");
        sound(&store);
        store.accept(arrival("afterwards", b"x"), now).expect("it goes on");
        work_off(&store, 1, now);
        sound(&store);
    }
    assert_eq!(poisoned, 6);
}
