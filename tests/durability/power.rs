//! Power cuts: the store over a disk that keeps what was synced and loses, reorders or tears the rest.

use std::{collections::BTreeMap, time::Duration};

use lastbuy::{domain::id::EventId, store::Store};

use crate::{
    Dice,
    common::{self, Server},
    dice,
    history::History,
    lossy::Lossy,
    skipped, soak,
    victim::{FORKING, Plan},
};

/// Cuts after which a new disk is begun.
const CUTS_A_DISK: u64 = 10;

struct Figures {
    cuts: u64,
    acknowledged: usize,
    finished: usize,
    syncs: u64,
}

/// Cuts the power of a victim again and again; after each cut the store is opened, checked and compared with what was acknowledged. `Ok(None)` where it
/// cannot be tried here; an error is a broken promise, with the cut it showed at.
fn attack(test: &str, cuts: u64, failpoint: Option<&str>, dice: &mut Dice) -> Result<Option<Figures>, String> {
    let mut figures = Figures { cuts: 0, acknowledged: 0, finished: 0, syncs: 0 };
    while figures.cuts < cuts {
        let at = tempfile::tempdir().expect("folder");
        let lossy = match Lossy::mount(at.path()) {
            Ok(lossy) => lossy,
            Err(why) => {
                skipped(test, &why);
                return Ok(None);
            }
        };
        let dir = lossy.path().join("data");
        let mut history = History::new();
        for _ in 0..CUTS_A_DISK.min(cuts - figures.cuts) {
            figures.cuts += 1;
            let what = |broken: String| format!("cut {}: {broken}", figures.cuts);
            let workers = 1 + dice.under(2) as usize;
            history.begin_process(workers);
            let mut victim = Plan { workers, failpoint: failpoint.map(ToOwned::to_owned), ..Plan::new(&dir) }.start(&history);
            let millis = if dice.under(4) == 0 { dice.under(100) } else { 100 + dice.under(500) };
            victim.run_for(Duration::from_millis(millis), &mut history).map_err(what)?;
            lossy.cut();
            // What it answers from now on, it had synced before or it lies.
            victim.run_for(Duration::from_millis(dice.under(30)), &mut history).map_err(what)?;
            victim.kill();
            victim.end(&mut history).map_err(what)?;
            lossy.restore(dice);
            // Sometimes the next process finds it as it is, so that a recovery is cut as well.
            if dice.under(4) != 0 {
                history.verify(&dir).map_err(what)?;
            }
        }
        history.verify(&dir)?;
        figures.acknowledged += history.acknowledged();
        figures.finished += history.finished();
        figures.syncs += lossy.syncs();
    }
    Ok(Some(figures))
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let test = "power cuts";
    let cuts = if soak() { 200 } else { 10 };
    let figures = attack(test, cuts, None, &mut dice(test)).unwrap_or_else(|broken| panic!("{broken}"));
    if let Some(figures) = figures {
        assert!(figures.acknowledged as u64 > cuts, "so few were acknowledged that nothing was tried: {}", figures.acknowledged);
        println!(
            "{} power cuts: {} events acknowledged, {} jobs finished, {} syncs; all there once",
            figures.cuts, figures.acknowledged, figures.finished, figures.syncs
        );
    }
}

/// The attack sees what it is for: with a sync left out it must find a loss.
fn shows_a_loss_without(sync: &str) {
    let test = format!("power cuts without {sync}");
    match attack(&test, 30, Some(&format!("skip-{sync}:0")), &mut dice(&test)) {
        Ok(None) => {}
        Ok(Some(figures)) => panic!("{} cuts without {sync} lost nothing: the attack is blind", figures.cuts),
        Err(broken) => println!("without {sync}: {broken}"),
    }
}

#[test]
fn without_the_barrier_the_same_cuts_lose_events() {
    shows_a_loss_without("barrier");
}

/// The program itself on such a disk: what was answered 202 is there after every cut, with its bytes.
#[test]
fn a_power_cut_of_the_server_loses_nothing_that_was_answered() {
    let test = "power cuts of the server";
    let mut dice = dice(test);
    let cuts = if soak() { 60 } else { 2 };
    let at = tempfile::tempdir().expect("folder");
    let lossy = match Lossy::mount(at.path()) {
        Ok(lossy) => lossy,
        Err(why) => return skipped(test, &why),
    };
    let dir = lossy.path().join("data");
    let mut answered: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    for cut in 0..cuts {
        let forking = FORKING.write();
        let mut server = Server::start(&dir);
        drop(forking);
        let millis = dice.under(600);
        let taken = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..4)
                .map(|client| {
                    scope.spawn({
                        let server = &server;
                        move || post(server, (cut * 4 + client) * 100_000)
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(100 + millis));
            lossy.cut();
            clients.into_iter().map(|client| client.join().expect("client")).collect::<Vec<_>>()
        });
        answered.extend(taken.into_iter().flatten());
        server.kill();
        drop(server);
        lossy.restore(&mut dice);
        let _open = FORKING.read();
        let store = Store::open(&dir).unwrap_or_else(|error| panic!("cut {cut}: {error}"));
        let problems = store.check(true).expect("check").problems;
        assert!(problems.is_empty(), "cut {cut}: {problems:?}");
        for (id, body) in &answered {
            let event = store.event(EventId(*id)).expect("event").unwrap_or_else(|| panic!("cut {cut}: event {id} is gone"));
            assert_eq!(store.blob(event.body).expect("body").as_ref(), Some(body), "cut {cut}: event {id} has other bytes");
        }
    }
    assert!(!answered.is_empty(), "nothing was answered before any cut");
    println!("{cuts} power cuts of the server: {} events answered 202, all there", answered.len());
}

/// Posts one after the other until the server fails; the events that were answered 202, with their bytes.
fn post(server: &Server, first: usize) -> Vec<(u64, Vec<u8>)> {
    let mut taken = Vec::new();
    for number in first.. {
        let body = common::notice(number, &["ACME-1"]).to_string().into_bytes();
        let (status, answer) = server.post("/v1/hooks/generic", "application/json", &body);
        if status != 202 {
            break;
        }
        let id: EventId = answer["event_id"].as_str().and_then(|id| id.parse().ok()).expect("event id");
        taken.push((id.0, body));
    }
    taken
}
