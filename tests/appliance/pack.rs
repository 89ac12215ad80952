//! Models in signed packs: taken once they have read a notice here, refused with the reason, and then nothing is changed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use minisign::KeyPair;

use crate::common::{json, model, ok, said};

/// A data directory with the default model in it, and keys.
struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let site = Site { dir: tempfile::tempdir().expect("folder") };
        fs::create_dir_all(site.models()).expect("folder");
        let file = site.models().join(model().file_name().expect("name"));
        let real = model().canonicalize().expect("model");
        if fs::hard_link(&real, &file).is_err() {
            fs::copy(&real, &file).expect("model");
        }
        for name in ["release", "stranger"] {
            let pair = KeyPair::generate_unencrypted_keypair().expect("key");
            fs::write(site.path(&format!("{name}.key")), pair.sk.to_box(None).expect("key").to_bytes()).expect("file");
            fs::write(site.path(&format!("{name}.pub")), pair.pk.to_box().expect("key").to_bytes()).expect("file");
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn models(&self) -> PathBuf {
        self.path("data/models")
    }

    fn run(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lastbuy"));
        command.env_remove("LASTBUY_MODEL").arg("--data-dir").arg(self.path("data")).args(words);
        command
    }

    fn pack(&self, version: &str, key: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let folder = self.path(&format!("pack-{version}"));
        for (name, bytes) in files {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().expect("folder")).expect("folder");
            fs::write(file, bytes).expect("file");
        }
        let pack = self.path(&format!("{version}.models"));
        let mut command = self.run(&["release", "bundle", "--models", "--of", version, "--key"]);
        ok(command.arg(self.path(&format!("{key}.key"))).arg("--to").arg(&pack).arg(&folder));
        pack
    }

    fn apply(&self, pack: &Path) -> Output {
        self.run(&["update", "apply", "--key"]).arg(self.path("release.pub")).arg(pack).output().expect("run")
    }

    /// Names and sizes of everything beside the models.
    fn state(&self) -> Vec<(String, u64)> {
        let entries = fs::read_dir(self.models()).expect("folder").map(|entry| entry.expect("entry"));
        let mut state: Vec<_> =
            entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.metadata().expect("file").len())).collect();
        state.sort();
        state
    }
}

/// The adapter that is shipped, and the name it has beside the default model.
fn adapter() -> (String, Vec<u8>) {
    let name = format!("{}.adapter.gguf", model().file_stem().expect("name").to_string_lossy());
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(&name)).expect("adapter");
    (name, bytes)
}

#[test]
fn a_pack_is_taken_once_its_adapter_has_read_a_notice_with_its_model() {
    let site = Site::new();
    let (name, bytes) = adapter();
    let pack = site.pack("1.1.0", "release", &[(&name, &bytes), ("card.md", b"# Card\n")]);
    let shown = json(site.run(&["update", "verify", "--json", "--key"]).arg(site.path("release.pub")).arg(&pack));
    assert_eq!((shown["ok"].as_bool(), shown["manifest"]["kind"].as_str()), (Some(true), Some("models")), "{shown}");
    let output = site.apply(&pack);
    assert!(output.status.success(), "{}", said(&output));
    let listed = json(&mut site.run(&["model", "list", "--json"]));
    assert_eq!(listed[0]["adapter"]["path"], site.models().join(&name).to_string_lossy().as_ref(), "{listed}");
    let taken = site.state();
    assert_eq!(taken.len(), 4, "the model, its adapter, the card, the version: {taken:?}");
    for version in ["1.1.0", "1.0.9"] {
        let output = site.apply(&site.pack(version, "release", &[(&name, &bytes)]));
        assert!(!output.status.success() && said(&output).contains("is not newer"), "{}", said(&output));
    }
    assert_eq!(site.state(), taken);
}

#[test]
fn a_pack_that_cannot_be_used_is_refused_and_changes_nothing() {
    let site = Site::new();
    let (name, bytes) = adapter();
    let before = site.state();
    let mut damaged = bytes.clone();
    damaged.truncate(bytes.len() / 2);
    for (pack, part) in [
        (site.pack("2.0.0", "stranger", &[(&name, &bytes)]), "not among those trusted"),
        (site.pack("2.1.0", "release", &[("card.md", b"# Card\n")]), "holds no model"),
        (site.pack("2.2.0", "release", &[("deeper/x.gguf", &bytes)]), "side by side"),
        (site.pack("2.2.1", "release", &[(&name, &bytes), ("carried.json", b"[]")]), "and nothing else"),
        (site.pack("2.3.0", "release", &[("other.adapter.gguf", &bytes)]), "neither in the pack nor in"),
        (site.pack("2.4.0", "release", &[(&name, &damaged)]), "nothing was changed"),
        (site.pack("2.5.0", "release", &[("site.gguf", b"GGUF and nothing behind it")]), "nothing was changed"),
    ] {
        let output = site.apply(&pack);
        assert_eq!(output.status.code(), Some(1), "{} was taken: {}", pack.display(), said(&output));
        assert!(said(&output).contains(part), "'{}' does not say '{part}'", said(&output));
        assert_eq!(site.state(), before, "{} changed something", pack.display());
    }
}
