//! Retention while serving: every hour the bytes of events that may go are given up, and what no record needs any more leaves the disk.

use std::time::Duration;

use super::{Stop, WorkError, go_on, now};
use crate::{
    limits,
    store::{Actor, Retention, Store},
};

/// Runs until told to stop; the first round is at once.
pub fn retain(store: &Store, retention: Retention, stop: &Stop) -> Result<(), WorkError> {
    let by = Actor("system: retention".to_owned());
    let mut next = now();
    while !stop.asked() {
        if now() >= next {
            next = now().plus_ms(limits::RETENTION_ROUND_MS);
            round(store, retention, &by, stop)?;
        }
        std::thread::sleep(Duration::from_millis(limits::WORK_WAIT_MS_MAX));
    }
    Ok(())
}

fn round(store: &Store, retention: Retention, by: &Actor, stop: &Stop) -> Result<(), WorkError> {
    let mut events = 0;
    while !stop.asked() {
        // A backup may be at work; the next hour will do.
        let Some(found) = go_on(store.expire(retention, by, now()))? else { return Ok(()) };
        events += found.events.len();
        if !found.more {
            break;
        }
    }
    if events > 0
        && let Some(collected) = go_on(store.collect_garbage(false, by, now()))?
    {
        tracing::info!(events, bodies = collected.bodies, bytes = collected.freed_bytes, "the bytes of old events were given up");
    }
    Ok(())
}
