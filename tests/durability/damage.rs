//! Damage planted in files: found, named, and survived or refused, never taken for a shorter truth.

use std::path::{Path, PathBuf};

use lastbuy::store::{OpenError, Store};

use crate::{Dice, dice, history::History, soak, victim::Plan};

/// A store with some history, closed in order or killed.
fn made(dir: &Path, events: u64) -> History {
    let mut history = History::new();
    history.begin_process(1);
    let plan = Plan { events: Some(events), ..Plan::new(dir) };
    let ended = plan.start(&history).end(&mut history).unwrap_or_else(|broken| panic!("{broken}"));
    assert!(ended.success(), "{ended}");
    history
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    for entry in std::fs::read_dir(from).expect("folder") {
        let entry = entry.expect("entry");
        if entry.file_type().expect("type").is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copy");
        }
    }
}

/// What became of a damaged store: refused with a reason, found by the check, or whole.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
enum Fate {
    Whole,
    Found(String),
    Refused(String),
}

/// An error is what must never happen: a loss nobody was told of.
fn fate(dir: &Path, history: &History) -> Result<Fate, String> {
    let store = match Store::open(dir) {
        Err(OpenError::Damaged { path, why }) if path == dir && !why.is_empty() => return Ok(Fate::Refused(why)),
        Err(error) => return Ok(Fate::Refused(error.to_string())),
        Ok(store) => store,
    };
    let check = store.check(true).map_err(|error| error.to_string());
    drop(store);
    match check {
        Err(why) => Ok(Fate::Found(why)),
        Ok(check) if !check.problems.is_empty() => Ok(Fate::Found(check.problems[0].clone())),
        Ok(_) => history.verify(dir).map(|()| Fate::Whole),
    }
}

/// Damages copies of one store in a file, and tells how many ended how.
fn plant(what: &str, file: &str, tries: u64, dice: &mut Dice, mut damage: impl FnMut(&mut Vec<u8>, &mut Dice)) -> (usize, usize, usize) {
    let folder = tempfile::tempdir().expect("folder");
    let whole = folder.path().join("whole");
    let history = made(&whole, 12);
    let mut fates = Vec::new();
    for attempt in 0..tries {
        let dir = folder.path().join(format!("damaged-{attempt}"));
        copy(&whole, &dir);
        let path = dir.join(file);
        let mut bytes = std::fs::read(&path).expect("file");
        damage(&mut bytes, dice);
        std::fs::write(&path, bytes).expect("damage");
        fates.push(fate(&dir, &history).unwrap_or_else(|broken| panic!("{what}, attempt {attempt}: lost without a word: {broken}")));
        std::fs::remove_dir_all(&dir).expect("remove");
    }
    let count = |of: fn(&Fate) -> bool| fates.iter().filter(|fate| of(fate)).count();
    let counts = (count(|fate| *fate == Fate::Whole), count(|fate| matches!(fate, Fate::Found(_))), count(|fate| matches!(fate, Fate::Refused(_))));
    println!("{what}: {} unharmed, {} found by the check, {} refused", counts.0, counts.1, counts.2);
    fates.sort();
    fates.dedup();
    fates.iter().take(4).for_each(|fate| println!("    {fate:?}"));
    counts
}

fn tries() -> u64 {
    if soak() { 200 } else { 12 }
}

/// Whatever happens to sled's file, the log has everything: the store opens, and nothing is lost.
fn harmless_to_the_log(what: &str, damage: impl FnMut(&mut Vec<u8>, &mut Dice)) {
    let mut dice = dice(what);
    let (_, _, refused) = plant(what, "db/db", tries(), &mut dice, damage);
    assert_eq!(refused, 0, "damage that follows from no record kept the store shut");
}

#[test]
fn a_flipped_bit_in_the_database_loses_nothing() {
    harmless_to_the_log("a flipped bit in the database", |bytes, dice| {
        let at = dice.under(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << dice.under(8);
    });
}

#[test]
fn a_database_that_lost_its_end_is_made_anew() {
    harmless_to_the_log("a database without its end", |bytes, dice| {
        bytes.truncate(dice.under(bytes.len() as u64) as usize);
    });
}

#[test]
fn a_database_of_nonsense_is_made_anew() {
    harmless_to_the_log("a database of nonsense", |bytes, dice| {
        bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&dice.roll().to_le_bytes()[..chunk.len()]));
    });
}

#[test]
fn a_flipped_bit_in_the_log_is_found_or_refused() {
    let mut dice = dice("flipped bits in the log");
    let (whole, found, refused) = plant("a flipped bit in the log", "log/00000001.log", tries(), &mut dice, |bytes, dice| {
        let at = dice.under(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << dice.under(8);
    });
    assert!(whole == 0 && found > 0, "{whole} unharmed, {found} found, {refused} refused");
}

#[test]
fn a_flipped_bit_in_a_group_s_head_or_table_is_refused() {
    let mut dice = dice("flipped bits in heads");
    let (whole, found, _) = plant("a flipped bit in a head", "log/00000001.log", tries(), &mut dice, |bytes, dice| {
        let heads: Vec<usize> = bytes.windows(4).enumerate().filter(|(_, window)| window == b"LBGR").map(|(at, _)| at).collect();
        let at = heads[dice.under(heads.len() as u64) as usize] + dice.under(60) as usize;
        bytes[at] ^= 1 << dice.under(8);
    });
    assert_eq!((whole, found), (0, 0));
}

#[test]
fn a_log_that_lost_its_end_is_refused() {
    let mut dice = dice("truncated logs");
    let (whole, found, _) = plant("a log without its end", "log/00000001.log", tries(), &mut dice, |bytes, dice| {
        bytes.truncate(dice.under(bytes.len() as u64) as usize);
    });
    assert_eq!((whole, found), (0, 0));
}

#[test]
fn what_was_never_acknowledged_is_cut_off() {
    let mut dice = dice("torn ends");
    let (whole, ..) = plant("a group that was being written", "log/00000001.log", tries(), &mut dice, |bytes, dice| {
        // As a kill leaves it: the head and some of what follows, or room that was made and never written.
        let begun = [&b"LBGR"[..], &[7; 300]].concat();
        bytes.extend(&begun[..dice.under(begun.len() as u64) as usize]);
        bytes.extend(vec![0; dice.under(5000) as usize]);
    });
    assert_eq!(whole as u64, tries());
}

#[test]
fn a_log_that_is_gone_is_refused() {
    let folder = tempfile::tempdir().expect("folder");
    let history = made(folder.path(), 12);
    std::fs::remove_file(folder.path().join("log/00000001.log")).expect("remove");
    assert!(matches!(fate(folder.path(), &history).expect("fate"), Fate::Refused(why) if why.contains("its log is gone")));
    // The whole folder as well: what follows from the log knows better.
    std::fs::remove_dir_all(folder.path().join("log")).expect("remove");
    assert!(matches!(fate(folder.path(), &history).expect("fate"), Fate::Refused(why) if why.contains("acknowledged")));
}

#[test]
fn a_snapshot_half_written_is_survived() {
    let folder = tempfile::tempdir().expect("folder");
    let history = made(folder.path(), 12);
    for name in ["snap.0000000000000000.generating", "snap.FFFFFFFFFFFFFFFF.generating"] {
        std::fs::write(folder.path().join("db").join(name), [7; 100]).expect("plant");
    }
    assert_eq!(fate(folder.path(), &history).expect("fate"), Fate::Whole);
}

#[test]
fn a_damaged_snapshot_is_rebuilt_and_the_folder_kept_aside() {
    let folder = tempfile::tempdir().expect("folder");
    let history = made(folder.path(), 12);
    // sled writes its snapshot when it opens what is there already.
    drop(Store::open(folder.path()).expect("open"));
    let snapshots: Vec<PathBuf> = std::fs::read_dir(folder.path().join("db"))
        .expect("db")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap.")))
        .collect();
    assert!(!snapshots.is_empty(), "sled wrote no snapshot");
    for path in snapshots {
        let mut bytes = std::fs::read(&path).expect("snapshot");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        std::fs::write(&path, bytes).expect("damage");
    }
    assert_eq!(fate(folder.path(), &history).expect("fate"), Fate::Whole);
    let aside =
        std::fs::read_dir(folder.path()).expect("folder").any(|entry| entry.expect("entry").file_name().to_string_lossy().starts_with("db.damaged-"));
    assert!(aside, "the damaged folder was not kept");
}
