//! Updates without internet, by bundles that are made here. A release is a script that says its version and otherwise is the program under test, or is not well
//! in a way of its own.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use minisign::KeyPair;

use crate::common::{self, json, model, notice, ok, said};

/// A site: a program of its own, a data directory with one event, and the key of its releases.
struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let dir = tempfile::tempdir().expect("folder");
        let site = Site { dir };
        std::fs::create_dir(site.path("bin")).expect("folder");
        if std::fs::hard_link(env!("CARGO_BIN_EXE_lastbuy"), site.program()).is_err() {
            std::fs::copy(env!("CARGO_BIN_EXE_lastbuy"), site.program()).expect("program");
        }
        site.key("release");
        site.ingest(1);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn program(&self) -> PathBuf {
        self.path("bin/lastbuy")
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn key(&self, name: &str) {
        let pair = KeyPair::generate_unencrypted_keypair().expect("key");
        std::fs::write(self.path(&format!("{name}.key")), pair.sk.to_box(None).expect("key").to_bytes()).expect("file");
        std::fs::write(self.path(&format!("{name}.pub")), pair.pk.to_box().expect("key").to_bytes()).expect("file");
    }

    /// The program that is in force here, whichever it is.
    fn run(&self) -> Command {
        let mut command = Command::new(self.program());
        command.env("LASTBUY_MODEL", model()).arg("--data-dir").arg(self.data());
        command
    }

    fn ingest(&self, number: usize) {
        let file = self.path("notice.json");
        std::fs::write(&file, notice(number, &["AX100-3"]).to_string()).expect("file");
        ok(self.run().args(["ingest", "--source", "generic"]).arg(&file));
    }

    fn events(&self) -> usize {
        json(self.run().args(["events", "list", "--json"])).as_array().expect("events").len()
    }

    /// A bundle of a release whose program is this script.
    fn bundle(&self, version: &str, script: &str, key: &str) -> PathBuf {
        let folder = self.path(&format!("release-{version}-{key}"));
        std::fs::create_dir_all(&folder).expect("folder");
        let program = folder.join("lastbuy");
        std::fs::write(&program, script).expect("program");
        std::fs::write(folder.join("release-notes.md"), "# Notes\n").expect("notes");
        let bundle = self.path(&format!("{version}-{key}.lastbuy"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_lastbuy"));
        ok(command.args(["release", "bundle", "--of", version, "--key"]).arg(self.path(&format!("{key}.key"))).arg("--to").arg(&bundle).arg(&folder));
        bundle
    }

    fn apply(&self, bundle: &Path) -> Output {
        self.run().args(["update", "apply", "--key"]).arg(self.path("release.pub")).arg(bundle).output().expect("run")
    }

    /// What must not change when an update is refused: the program and the store.
    fn state(&self) -> (u64, usize, Vec<String>) {
        let mut names: Vec<String> = std::fs::read_dir(self.path("bin"))
            .expect("folder")
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        (self.program().metadata().expect("program").len(), self.events(), names)
    }
}

/// The bundle again, its member `name` under a name that leads out of the folder.
fn leading_out(bundle: &[u8], name: &str, out: &str) -> Vec<u8> {
    let mut archive = tar::Archive::new(GzDecoder::new(bundle));
    let mut made = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("entry");
        let mut header = entry.header().clone();
        if entry.path_bytes() == name.as_bytes() {
            // Set by hand: the crate itself writes no such name.
            header.as_mut_bytes()[..100].fill(0);
            header.as_mut_bytes()[..out.len()].copy_from_slice(out.as_bytes());
            header.set_cksum();
        }
        made.append(&header, &mut entry).expect("entry");
    }
    made.into_inner().expect("tar").finish().expect("gzip")
}

/// A release that is the program under test under another version; `otherwise` comes before that.
fn script(version: &str, otherwise: &str) -> String {
    let program = env!("CARGO_BIN_EXE_lastbuy");
    format!(
        "#!/bin/sh\nfor word; do last=$word; done\nif [ \"$last\" = --version ]; then echo lastbuy {version}; exit; fi\n{otherwise}\nexec {program} \"$@\"\n"
    )
}

#[test]
fn a_newer_release_takes_its_place_after_a_backup_and_a_trial() {
    let site = Site::new();
    let bundle = site.bundle("9.0.0", &script("9.0.0", ""), "release");
    let shown = json(site.run().args(["update", "verify", "--json", "--key"]).arg(site.path("release.pub")).arg(&bundle));
    assert_eq!((shown["ok"].as_bool(), shown["manifest"]["version"].as_str()), (Some(true), Some("9.0.0")), "{shown}");
    let output = site.apply(&bundle);
    assert!(output.status.success(), "{}", said(&output));
    assert!(std::fs::read_to_string(site.program()).expect("the script").contains("9.0.0"));
    assert_eq!(site.events(), 1);
    assert!(site.path("bin/lastbuy.previous").exists());
    let backup = site.data().join("updates/before-9.0.0.backup");
    ok(common::lastbuy(&site.data()).args(["backup", "verify"]).arg(backup));
}

#[test]
fn what_is_not_a_newer_release_of_a_trusted_key_is_refused_and_changes_nothing() {
    let site = Site::new();
    site.key("stranger");
    let good = site.bundle("9.0.0", &script("9.0.0", ""), "release");
    let bytes = std::fs::read(&good).expect("bundle");
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(site.path(name), bytes).expect("file");
        site.path(name)
    };
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let before = site.state();
    for (bundle, part) in [
        (site.bundle("9.0.0", &script("9.0.0", ""), "stranger"), "not among those trusted"),
        (site.bundle("0.0.1", &script("0.0.1", ""), "release"), "is not newer"),
        (site.bundle(env!("CARGO_PKG_VERSION"), &script(env!("CARGO_PKG_VERSION"), ""), "release"), "is not newer"),
        (site.bundle("9.1.0", &script("8.0.0", ""), "release"), "says 'lastbuy 8.0.0'"),
        (site.bundle("9.2.0", "#!/bin/sh\nexit 127\n", "release"), "does not run on this machine"),
        (file("flipped", &flipped), ""),
        (file("leads-out", &leading_out(&bytes, "lastbuy", "../../bin/lastbuy")), "'../../bin/lastbuy' where lastbuy should be"),
        (file("absolute", &leading_out(&bytes, "release-notes.md", "/tmp/lastbuy-notes")), "'/tmp/lastbuy-notes' where release-notes.md should be"),
        (file("cut", &bytes[..bytes.len() - 200]), "ends early"),
        (file("notes", b"no bundle at all"), "no bundle"),
    ] {
        let output = site.apply(&bundle);
        assert_eq!(output.status.code(), Some(1), "{} was taken: {}", bundle.display(), said(&output));
        assert!(said(&output).contains(part), "'{}' does not say '{part}'", said(&output));
        assert_eq!(site.state(), before, "{} changed something", bundle.display());
    }
}

#[test]
fn a_release_that_is_not_well_is_taken_back_with_its_store() {
    let site = Site::new();
    let before = site.state();
    // It does not come up, and left the store alone.
    let output = site.apply(&site.bundle("9.0.0", &script("9.0.0", "[ \"$last\" = --trial ] && { echo broken on purpose >&2; exit 1; }"), "release"));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("broken on purpose") && said(&output).contains("as it was"), "{}", said(&output));
    assert_eq!(site.state(), before);
    // It brought the store into a format that this program does not know, and then failed.
    let format = site.data().join("format");
    let migrate = format!(
        "[ \"$last\" = --trial ] && {{ echo 'lastbuy store 99' >{}; rm -rf {}; exit 1; }}",
        format.display(),
        site.data().join("log").display()
    );
    let output = site.apply(&site.bundle("9.1.0", &script("9.1.0", &migrate), "release"));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("put back from"), "{}", said(&output));
    assert_eq!(site.state(), before);
    assert!(site.data().join("updates/store-of-9.1.0/format").exists());
    site.ingest(2);
    assert_eq!(site.events(), 2);
}

/// A stand-in for systemctl that starts and stops the server of the site.
fn service(site: &Site) -> String {
    let folder = site.path("manager");
    std::fs::create_dir(&folder).expect("folder");
    let pid = folder.join("pid").display().to_string();
    let (program, data, model) = (site.program(), site.data(), model());
    let text = format!(
        "#!/bin/sh\ncase $1 in\nstart) LASTBUY_MODEL={} {} --data-dir {} serve --listen 127.0.0.1:0 >/dev/null 2>&1 & echo $! >{pid}
         until [ -S {socket} ]; do kill -0 $(cat {pid}) || exit 1; sleep 0.1; done ;;\n\
         stop) kill $(cat {pid}) 2>/dev/null; tail --pid=$(cat {pid}) -f /dev/null ;;\nesac\n",
        model.display(),
        program.display(),
        data.display(),
        socket = data.join("admin.sock").display()
    );
    let path = folder.join("systemctl");
    std::fs::write(&path, text).expect("script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
    format!("{}:{}", folder.display(), std::env::var("PATH").expect("PATH"))
}

#[test]
fn a_service_is_stopped_and_started_and_a_release_whose_service_is_not_ready_goes_back() {
    let site = Site::new();
    let path = service(&site);
    let manage = |what: &str| assert!(Command::new("systemctl").env("PATH", &path).args([what, "lastbuy"]).status().expect("run").success());
    let apply = |bundle: &Path| {
        let mut command = site.run();
        command.env("PATH", &path).args(["update", "apply", "--unit", "lastbuy", "--key"]).arg(site.path("release.pub")).arg(bundle);
        command.output().expect("run")
    };
    manage("start");
    // Ends at once when it is to serve, after a trial that went well; the old server comes back with what it had.
    let broken = script("9.0.0", "case \" $* \" in *' --trial '*) ;; *' serve '*) exit 1 ;; esac");
    let output = apply(&site.bundle("9.0.0", &broken, "release"));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("was taken back"), "{}", said(&output));
    let output = apply(&site.bundle("9.1.0", &script("9.1.0", ""), "release"));
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(site.events(), 1);
    manage("stop");
    assert!(std::fs::read_to_string(site.program()).expect("the script").contains("9.1.0"));
}
