//! The store's promises, attacked: killed at random and at every named point, cut off from power over a disk that loses what was not synced, given errors by the
//! kernel, damaged, and held against a plain model. `LASTBUY_SOAK=1` runs the long forms.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what was done and what was skipped is told with the test")]

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod engine;
mod faults;
mod history;
mod kills;
mod lossy;
mod model;
mod power;
mod victim;

/// Whether the long forms are asked for.
fn soak() -> bool {
    std::env::var_os("LASTBUY_SOAK").is_some()
}

/// Says in one line why a test was not run.
fn skipped(test: &str, why: &str) {
    println!("SKIPPED {test}: {why}");
}

/// A counter-based generator: the same seed attacks at the same places.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0, under `end`.
    fn under(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }
}

/// The seed of a run: `LASTBUY_SEED` to repeat one, otherwise another one each time. It is printed, so a failure can be repeated.
fn dice(test: &str) -> Dice {
    let given = std::env::var("LASTBUY_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("clock");
        since.as_secs() ^ u64::from(since.subsec_nanos())
    });
    println!("{test}: LASTBUY_SEED={seed}");
    Dice(seed)
}
