//! Bundles that are right come through whole; every other one is refused, by what is wrong with it.

use std::{
    io::{Read, Write},
    path::PathBuf,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use jiff::Timestamp;
use minisign::KeyPair;
use tar::{Builder, EntryType, Header};

use super::*;

/// Its path in the bundle and its bytes.
type Member = (String, Vec<u8>);

struct Maker {
    dir: tempfile::TempDir,
    secret: SigningKey,
    keys: Keys,
}

fn maker() -> Maker {
    let dir = tempfile::tempdir().expect("folder");
    let pair = KeyPair::generate_unencrypted_keypair().expect("key");
    let secret = dir.path().join("release.key");
    std::fs::write(&secret, pair.sk.to_box(None).expect("key").to_bytes()).expect("file");
    let public = dir.path().join("release.pub");
    let secret = SigningKey::read(&secret, None).expect("key");
    std::fs::write(&public, secret.public().expect("key")).expect("file");
    Maker { secret, keys: Keys::read(&[public]).expect("keys"), dir }
}

impl Maker {
    fn bundle(&self, files: &[(&str, &[u8])]) -> Vec<u8> {
        let files: Vec<Source> = files.iter().map(|(path, bytes)| Source::Bytes { path: (*path).to_owned(), bytes: bytes.to_vec() }).collect();
        let mut out = Vec::new();
        make(Kind::Release, "1.2.3", "x86_64", Timestamp::UNIX_EPOCH, &files, &self.secret, &mut out).expect("bundle");
        out
    }

    fn check(&self, bundle: &[u8], keys: &Keys) -> Result<PathBuf, BundleError> {
        let path = self.dir.path().join("bundle");
        std::fs::write(&path, bundle).expect("file");
        let into = tempfile::tempdir_in(self.dir.path()).expect("folder").keep();
        unpack(&path, keys, Kind::Release, Some(&into)).map(|_| into)
    }

    fn refusal(&self, bundle: &[u8]) -> String {
        self.check(bundle, &self.keys).expect_err("it was taken").to_string()
    }
}

/// The entries of a bundle, to be put together otherwise.
fn entries(bundle: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(GzDecoder::new(bundle));
    let entry = |entry: std::io::Result<tar::Entry<'_, GzDecoder<&[u8]>>>| {
        let mut entry = entry.expect("entry");
        let (name, mut bytes) = (entry.path().expect("path").to_string_lossy().into_owned(), Vec::new());
        entry.read_to_end(&mut bytes).expect("bytes");
        (name, bytes)
    };
    archive.entries().expect("entries").map(entry).collect()
}

fn put(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Set by hand: the crate itself writes no name that leads out of the folder.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).expect("entry");
    }
    tar.into_inner().expect("tar").finish().expect("gzip")
}

const FILES: &[(&str, &[u8])] = &[("lastbuy", b"a program"), ("doc/notes.md", b"notes")];

#[test]
fn a_bundle_comes_through_whole_and_is_the_same_each_time_but_for_its_signature() {
    let maker = maker();
    let bundle = maker.bundle(FILES);
    let into = maker.check(&bundle, &maker.keys).expect("taken");
    assert_eq!(std::fs::read(into.join("lastbuy")).expect("file"), b"a program");
    assert_eq!(std::fs::read(into.join("doc/notes.md")).expect("file"), b"notes");
    assert_eq!(entries(&bundle)[1..], entries(&maker.bundle(FILES))[1..]);
}

#[test]
fn no_flipped_bit_and_no_cut_is_taken() {
    let maker = maker();
    let bundle = maker.bundle(FILES);
    let plain = put(&entries(&bundle));
    let mut tar = Vec::new();
    GzDecoder::new(plain.as_slice()).read_to_end(&mut tar).expect("tar");
    let whole = entries(&bundle);
    for at in (0..tar.len()).step_by(37) {
        let mut changed = tar.clone();
        changed[at] ^= 0x10;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&changed).expect("gzip");
        let changed = gzip.finish().expect("gzip");
        // What lies between the files, and modes and times, mean nothing; what is taken must be what was signed.
        if let Ok(into) = maker.check(&changed, &maker.keys) {
            for (name, bytes) in &whole[2..] {
                assert_eq!(std::fs::read(into.join(name)).expect("file"), *bytes, "flipped at {at}");
            }
        }
    }
    for length in (0..bundle.len() - 8).step_by(23) {
        assert!(maker.check(&bundle[..length], &maker.keys).is_err(), "cut to {length} of {}", bundle.len());
    }
}

#[test]
fn each_refusal_says_what_is_wrong() {
    let (ours, stranger) = (maker(), maker());
    let whole = entries(&ours.bundle(FILES));
    let with = |change: &dyn Fn(&mut Vec<Member>)| {
        let mut entries = whole.clone();
        change(&mut entries);
        ours.refusal(&put(&entries))
    };
    let theirs = entries(&stranger.bundle(FILES));
    for (said, part) in [
        (ours.refusal(&stranger.bundle(FILES)), "not among those trusted"),
        (with(&|entries| entries[0] = theirs[0].clone()), "not among those trusted"),
        (with(&|entries| drop(entries.remove(0))), "not signed"),
        (with(&|entries| entries[0].1.clear()), "not signed"),
        (with(&|entries| entries[1].1[10] ^= 1), "signature does not fit"),
        (with(&|entries| entries[2].1[0] ^= 1), "lastbuy in the bundle is not what was signed"),
        (with(&|entries| entries[2].1.push(b'!')), "lastbuy in the bundle is not what was signed"),
        (with(&|entries| entries[2].0 = "../lastbuy".to_owned()), "'../lastbuy' where lastbuy should be"),
        (with(&|entries| entries[2].0 = "/etc/passwd".to_owned()), "'/etc/passwd' where"),
        (with(&|entries| entries.push(("../../etc/cron.d/x".to_owned(), b"x".to_vec()))), "after the last one"),
        (with(&|entries| entries.swap(2, 3)), "where lastbuy should be"),
        (with(&|entries| drop(entries.pop())), "ends early: doc/notes.md is missing"),
        (ours.refusal(b"PK\x03\x04 a zip"), "no bundle"),
        (ours.refusal(&put(&[("readme.txt".to_owned(), b"hello".to_vec())])), "no bundle"),
    ] {
        assert!(said.contains(part), "'{said}' does not say '{part}'");
    }
}

#[test]
fn a_signed_manifest_may_not_name_what_leads_elsewhere() {
    let maker = maker();
    for path in ["../x", "/x", "a/../x", "a//x", "./x", "a/", "", "x\ny", "x\0y", "C:\\x"] {
        let file = Source::Bytes { path: path.to_owned(), bytes: Vec::new() };
        let made = make(Kind::Release, "1.2.3", "", Timestamp::UNIX_EPOCH, &[file], &maker.secret, Vec::new());
        assert!(made.is_err(), "{path:?} was taken");
        assert!(!is_plain(path), "{path:?}");
    }
    let bundle = maker.dir.path().join("other");
    std::fs::write(&bundle, maker.bundle(FILES)).expect("file");
    let said = unpack(&bundle, &maker.keys, Kind::Notices, None).expect_err("another kind").to_string();
    assert_eq!(said, "the bundle is for release, and notices was asked for");
    // An encrypted key needs its password, and the right one.
    let pair = KeyPair::generate_unencrypted_keypair().expect("key");
    let key = maker.dir.path().join("key");
    std::fs::write(&key, pair.pk.to_box().expect("key").to_bytes()).expect("file");
    assert!(SigningKey::read(&key, None).is_err(), "a public key signs nothing");
}
