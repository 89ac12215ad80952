//! SIGKILL: at every named point of the store, and at random from the first instruction of a process on.

use std::{collections::BTreeSet, os::unix::process::ExitStatusExt, path::Path, time::Duration};

use crate::{dice, history::History, soak, victim::Plan};

/// Processes on one data directory before a new one is begun; checking all of a store after each takes longer the more it holds.
const PROCESSES_A_DIR: usize = 20;

/// The points as the store's sources name them, so that a new one is attacked without being listed here.
fn points() -> BTreeSet<String> {
    let mut points = BTreeSet::new();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let sources = [dir.clone(), dir.join("log")].map(|dir| std::fs::read_dir(dir).expect("src/store"));
    for path in sources.into_iter().flatten().map(|entry| entry.expect("entry").path()).filter(|path| path.is_file()) {
        let source = std::fs::read_to_string(path).expect("source");
        points.extend(source.split("failpoint::pass(\"").skip(1).filter_map(|rest| rest.split('"').next()).map(ToOwned::to_owned));
    }
    // A victim tells nobody anything: `tests/notify` kills at these.
    points.retain(|point| !point.starts_with("message-"));
    assert!(points.len() >= 12, "the named points are gone: {points:?}");
    points
}

struct Attack {
    dir: tempfile::TempDir,
    history: History,
    processes: usize,
    kills: usize,
    acknowledged: usize,
    finished: usize,
}

impl Attack {
    fn new() -> Attack {
        Attack { dir: tempfile::tempdir().expect("folder"), history: History::new(), processes: 0, kills: 0, acknowledged: 0, finished: 0 }
    }

    /// The next data directory, when this one has seen enough.
    fn turn(&mut self) {
        self.processes += 1;
        if self.processes.is_multiple_of(PROCESSES_A_DIR) {
            self.begin_anew();
        }
    }

    fn begin_anew(&mut self) {
        self.total();
        self.dir = tempfile::tempdir().expect("folder");
        self.history = History::new();
    }

    fn total(&mut self) {
        self.acknowledged += self.history.acknowledged();
        self.finished += self.history.finished();
    }

    fn verify(&self, what: &str) {
        if let Err(broken) = self.history.verify(self.dir.path()) {
            panic!("{what}: {broken}");
        }
    }
}

#[test]
fn a_kill_at_every_named_point_loses_and_doubles_nothing() {
    let passes: &[u64] = if soak() { &[1, 2, 3, 5, 8, 13, 21, 34, 55, 89] } else { &[3] };
    let mut attack = Attack::new();
    for point in points() {
        // What an opening passes once is passed once.
        let passes = if point.starts_with("open-") || point == "new-file" { &[1][..] } else { passes };
        if point == "new-file" {
            attack.begin_anew();
        }
        for pass in passes {
            let what = format!("{point}:{pass}");
            let workers = 1 + attack.processes % 2;
            attack.history.begin_process(workers);
            let plan = Plan { workers, failpoint: Some(what.clone()), ..Plan::new(attack.dir.path()) };
            let ended = plan.start(&attack.history).end(&mut attack.history).unwrap_or_else(|broken| panic!("{what}: {broken}"));
            assert_eq!(
                ended.signal(),
                Some(libc::SIGKILL),
                "{what} was not reached: {ended}, {:?} {:?}",
                attack.history.shut,
                attack.history.poisoned
            );
            attack.kills += 1;
            attack.verify(&what);
            attack.turn();
        }
    }
    attack.total();
    println!(
        "{} kills at named points: {} events acknowledged, {} jobs finished, all there once",
        attack.kills, attack.acknowledged, attack.finished
    );
}

#[test]
fn a_kill_at_random_loses_and_doubles_nothing() {
    let mut dice = dice("kills at random");
    let kills = if soak() { 400 } else { 12 };
    let mut attack = Attack::new();
    while attack.kills < kills {
        let workers = 1 + dice.under(2) as usize;
        attack.history.begin_process(workers);
        let mut victim = Plan { workers, ..Plan::new(attack.dir.path()) }.start(&attack.history);
        // A third within the opening, the rest while it serves.
        let millis = if dice.under(3) == 0 { dice.under(60) } else { 60 + dice.under(400) };
        let what = format!("kill {} after {millis} ms", attack.kills);
        let heard = victim.run_for(Duration::from_millis(millis), &mut attack.history);
        victim.kill();
        let ended = heard.and_then(|()| victim.end(&mut attack.history)).unwrap_or_else(|broken| panic!("{what}: {broken}"));
        assert_eq!(
            ended.signal(),
            Some(libc::SIGKILL),
            "{what}: it ended by itself, {ended}, {:?} {:?}",
            attack.history.shut,
            attack.history.poisoned
        );
        attack.kills += 1;
        attack.verify(&what);
        attack.turn();
    }
    attack.total();
    assert!(attack.acknowledged > kills, "so few were acknowledged that nothing was tried: {}", attack.acknowledged);
    println!("{kills} kills at random: {} events acknowledged, {} jobs finished, all there once", attack.acknowledged, attack.finished);
}
