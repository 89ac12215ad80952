//! Damage planted in files: found, named, and survived or refused, never taken for a shorter truth.

use std::path::{Path, PathBuf};

use lastbuy::{
    domain::id::EventId,
    store::{OpenError, Store},
};

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

#[test]
fn a_flipped_bit_in_the_database_is_never_a_silent_loss() {
    let mut dice = dice("flipped bits in the database");
    let (_, found, refused) = plant("a flipped bit in the database", "db/db", tries(), &mut dice, |bytes, dice| {
        let at = dice.under(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << dice.under(8);
    });
    assert!(found + refused > 0, "no flipped bit did any harm: the test is blind");
}

#[test]
fn a_database_that_lost_its_end_is_refused() {
    let mut dice = dice("truncated databases");
    let (_, _, refused) = plant("a database without its end", "db/db", tries(), &mut dice, |bytes, dice| {
        bytes.truncate(dice.under(bytes.len() as u64) as usize);
    });
    assert!(refused > 0, "no truncated database was refused");
}

#[test]
fn a_flipped_bit_in_a_body_is_found_and_never_handed_out() {
    let mut dice = dice("flipped bits in a segment");
    // Heads are not read: the index has each body's place, so a flip there does no harm.
    let (whole, found, _) = plant("a flipped bit in a segment", "segments/00000001.seg", tries(), &mut dice, |bytes, dice| {
        let at = dice.under(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << dice.under(8);
    });
    assert!(found > whole, "{found} found, {whole} unharmed");
}

#[test]
fn a_segment_that_is_gone_is_named_and_the_rest_is_served() {
    let folder = tempfile::tempdir().expect("folder");
    let history = made(folder.path(), 12);
    std::fs::remove_file(folder.path().join("segments/00000001.seg")).expect("remove");
    assert!(matches!(fate(folder.path(), &history).expect("fate"), Fate::Found(why) if why.contains("body")));
    let store = Store::open(folder.path()).expect("open");
    assert!(store.event(EventId(1)).expect("event").is_some());
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
