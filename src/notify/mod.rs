//! Telling people: takes messages out of the store's outbox and delivers them, one thread a destination, so that a receiver that hangs holds up nobody else.
//!
//! ```text
//! store: message ──claim──▶ text, from the message's own data ──▶ webhook · chat · mail · syslog ──▶ settle
//! ```
//! No connection goes out but to a destination that the site configured. What an attempt comes to is decided here, when the next one is due in `domain::message`.

mod chat;
mod http;
mod mail;
mod network;
mod remind;
mod syslog;
mod text;
mod tls;
mod webhook;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use jiff::{civil::Date, tz::TimeZone};
use tokio::runtime::Handle;

pub use text::Text;

use crate::{
    clock,
    domain::{
        destination::{Destination, Way},
        message::Message,
        rule::Rules,
        time::At,
    },
    limits, meter,
    store::{Delivery, Store, WriteError},
};

/// What is told to whom, as the site decided.
#[derive(Debug, Clone)]
pub struct Settings {
    pub destinations: Vec<Destination>,
    pub rules: Rules,
    /// In which a day begins.
    pub zone: TimeZone,
    /// The day figures are computed for; `None`: the day of the clock.
    pub as_of: Option<Date>,
}

/// The threads that deliver.
pub struct Running {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Starts delivering. Without destinations there is nothing to start.
pub fn start(store: &Arc<Store>, settings: Settings, runtime: &Handle) -> std::io::Result<Running> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    let mut spawn = |name: String, work: Box<dyn FnOnce() -> Result<(), WriteError> + Send>| {
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            // A poisoned store ends the process; this thread has nothing more to do.
            if let Err(error) = work() {
                tracing::error!(%error, "messages are no longer delivered");
            }
        });
        thread.map(|thread| threads.push(thread))
    };
    let names: Vec<String> = settings.destinations.iter().map(|destination| destination.name.clone()).collect();
    match store.bury_messages_except(&names, now()) {
        Ok(0) => {}
        Ok(buried) => {
            tracing::warn!(buried, "messages wait for destinations that the configuration no longer names; `lastbuy notify list --state dead`");
        }
        Err(error) => tracing::warn!(%error, "messages for destinations that are no longer configured could not be looked at"),
    }
    for destination in settings.destinations.clone() {
        let (store, stop, runtime) = (Arc::clone(store), Arc::clone(&stop), runtime.clone());
        spawn(format!("notify-{}", destination.name), Box::new(move || deliver_all(&store, &destination, &stop, &runtime)))?;
    }
    if settings.rules.escalates() {
        let (store, stop, runtime) = (Arc::clone(store), Arc::clone(&stop), runtime.clone());
        spawn("notify-remind".to_owned(), Box::new(move || remind::run(&store, &settings, &stop, &runtime)))?;
    }
    Ok(Running { stop, threads })
}

impl Running {
    /// No further message is taken in hand; an attempt that is under way ends.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    pub fn is_over(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }
}

fn now() -> At {
    At(clock::now_ms())
}

fn deliver_all(store: &Store, destination: &Destination, stop: &AtomicBool, runtime: &Handle) -> Result<(), WriteError> {
    let mut seen = 0;
    while !stop.load(Ordering::Acquire) {
        match store.claim_message(&destination.name, now()) {
            Ok(Some(lease)) => {
                let message = &lease.message;
                let delivery = send(destination, message, now(), runtime);
                match &delivery {
                    Delivery::Taken => tracing::info!(message = %message.id, destination = destination.name, "delivered"),
                    other => tracing::warn!(message = %message.id, destination = destination.name, ?other, "not delivered"),
                }
                meter::attempt(&destination.name, if matches!(delivery, Delivery::Taken) { "taken" } else { "failed" });
                match store.settle_message(&lease, delivery, now()) {
                    Err(error @ WriteError::Poisoned(_)) => return Err(error),
                    // The lease lapses, and the message goes out again under its id.
                    Err(error) => tracing::warn!(message = %message.id, %error, "what an attempt came to could not be recorded"),
                    Ok(_) => {}
                }
                continue;
            }
            Ok(None) => {}
            Err(error @ WriteError::Poisoned(_)) => return Err(error),
            Err(error) => tracing::warn!(%error, "the outbox could not be looked at"),
        }
        let wait = Duration::from_millis(limits::WORK_WAIT_MS_MAX);
        seen = runtime.block_on(async { tokio::time::timeout(wait, store.changed(seen)).await }).unwrap_or(seen);
    }
    Ok(())
}

/// One attempt. Blocks for at most some `limits::DELIVERY_SECONDS_MAX`; must not be called within async code.
pub fn send(destination: &Destination, message: &Message, now: At, runtime: &Handle) -> Delivery {
    let text = Text::of(message, destination.language);
    match &destination.way {
        Way::Webhook { endpoint, keys } => match webhook::request(message, &text, &keys.0, now) {
            Ok((headers, body)) => http::deliver(endpoint, &headers, body, now, runtime),
            Err(error) => Delivery::Hopeless { error },
        },
        Way::Teams(endpoint) => http::deliver(endpoint, &chat::HEADERS, chat::teams(&text), now, runtime),
        Way::Slack(endpoint) => http::deliver(endpoint, &chat::HEADERS, chat::slack(&text), now, runtime),
        Way::Mail(relay) => mail::deliver(relay, message, &text),
        Way::Syslog { host, port, udp } => syslog::deliver(host, *port, *udp, message, &text, now),
    }
}
