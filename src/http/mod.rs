//! The HTTP face, and the only folder that names actix_web: hooks that take notices, reads, admin acts, pages.
//!
//! One API with two faces. The network face takes hooks from those who show who they are, and answers everybody else by what they may do (`access`, `routes`). The admin
//! face is a Unix socket in the data directory that only its owner may open; every act on it is on record under the peer's user id. Every error is `application/problem+json` (`problem`).

mod access;
mod admin;
mod audit;
mod body;
mod calendar;
mod decisions;
mod dropin;
mod etag;
mod form;
mod handover;
mod history;
mod hooks;
mod messages;
mod models;
mod once;
mod openapi;
mod pack;
mod pages;
mod problem;
mod quarantine;
mod reads;
mod replay;
mod reviews;
pub mod routes;
mod schema;
mod spent;
mod start;
mod stream;
mod unpacked;
mod unread;
mod upkeep;
mod uploads;
mod watching;
mod where_used;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use ipnet::IpNet;
use tokio::sync::{Semaphore, watch};

pub use access::{AccessSettings, Caller};
pub use start::{Running, start};

use crate::{
    clock,
    datasets::Datasets,
    domain::time::At,
    evidence::Key,
    intake::Gate,
    limits,
    llm::Shelf,
    rate::Rate,
    store::{ReadError, Retention, Store},
};

/// What the handlers share.
pub struct Service {
    store: Arc<Store>,
    datasets: Arc<Datasets>,
    gate: Gate,
    /// Tokens that were good for one mail.
    spent: spent::Spent,
    /// Deliveries a minute that one machine may send as one source; 0: no limit.
    per_minute: u32,
    rates: Mutex<Rate<(String, IpAddr)>>,
    /// Origins whose CloudEvents handshake is answered.
    origins: Vec<String>,
    /// Sources taken over the network.
    sources: Vec<String>,
    /// The installation's models.
    shelf: Arc<Shelf>,
    /// Bodies that may be in memory at once.
    bodies: Semaphore,
    /// How long bodies are kept, for those who ask for it now.
    retention: Retention,
    /// Names of those whom the site tells.
    destinations: Vec<String>,
    /// Who signed in.
    access: access::Access,
    /// A decision needs a second person.
    four_eyes: bool,
    /// What evidence packs are signed with.
    evidence: Option<Key>,
    /// Machines that may read the metrics over the network.
    watchers: Vec<IpNet>,
    /// Streams of events that may be open at once.
    streams: Arc<Semaphore>,
    /// Set when the server stops, so that nothing that has no end holds it up.
    stopping: watch::Sender<bool>,
    /// Cases as the pages saw them last.
    board: pages::Board,
}

impl Service {
    pub fn new(store: Arc<Store>, datasets: Arc<Datasets>, gate: Gate, sources: Vec<String>, shelf: Arc<Shelf>) -> Result<Service, ReadError> {
        let (bodies, retention) = (Semaphore::new(limits::BODIES_IN_FLIGHT_MAX), Retention::default());
        // Only who signs a token and not the mail has tokens to remember.
        let spent = if gate.has_secret("mailgun") { spent::Spent::of(&store, clock::now_ms())? } else { spent::Spent::default() };
        let (per_minute, rates, origins) = (0, Mutex::new(Rate::new(0)), Vec::new());
        let access = access::Access::new(AccessSettings::default());
        let destinations = Vec::new();
        Ok(Service {
            store,
            datasets,
            gate,
            spent,
            per_minute,
            rates,
            origins,
            sources,
            shelf,
            bodies,
            retention,
            destinations,
            access,
            four_eyes: false,
            board: pages::Board::default(),
            evidence: None,
            watchers: Vec::new(),
            streams: Arc::new(Semaphore::new(limits::STREAMS_MAX)),
            stopping: watch::Sender::new(false),
        })
    }

    /// Bounds what one machine may send as one source a minute; 0: no limit.
    pub fn with_rate(self, per_minute: u32) -> Service {
        Service { per_minute, rates: Mutex::new(Rate::new(per_minute)), ..self }
    }

    /// Origins that may send CloudEvents; `*` is everybody.
    pub fn with_origins(self, origins: Vec<String>) -> Service {
        Service { origins, ..self }
    }

    pub fn with_retention(self, retention: Retention) -> Service {
        Service { retention, ..self }
    }

    /// Who must sign in.
    pub fn with_access(self, settings: AccessSettings) -> Service {
        Service { access: access::Access::new(settings), ..self }
    }

    /// Whether a decision needs a second person.
    pub fn with_four_eyes(self, four_eyes: bool) -> Service {
        Service { four_eyes, ..self }
    }

    /// What evidence packs are signed with.
    pub fn with_evidence_key(self, key: Key) -> Service {
        Service { evidence: Some(key), ..self }
    }

    /// Machines and networks that may read the metrics.
    pub fn with_watchers(self, watchers: Vec<IpNet>) -> Service {
        Service { watchers, ..self }
    }

    pub fn with_destinations(self, destinations: Vec<String>) -> Service {
        Service { destinations, ..self }
    }
}

fn now() -> At {
    At(clock::now_ms())
}
