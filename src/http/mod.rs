//! The HTTP face, and the only folder that names actix_web: hooks that take notices, reads, admin acts, pages.
//!
//! One API with two faces. The network face takes hooks and answers reads and pages. The admin face is a Unix socket in the data directory that only its
//! owner may open; it answers everything, and every act is on record under the peer's user id. Every error is `application/problem+json` (`problem`).

mod admin;
mod audit;
mod body;
mod dropin;
mod hooks;
mod pages;
mod problem;
mod reads;
mod replay;
mod schema;
mod start;
mod upkeep;
mod where_used;

use std::{path::PathBuf, sync::Arc};

use tokio::sync::Semaphore;

pub use start::{Running, start};

use crate::{
    clock,
    datasets::Datasets,
    domain::time::At,
    intake::Secrets,
    limits,
    store::{Retention, Store},
};

/// What the handlers share.
pub struct Service {
    store: Arc<Store>,
    datasets: Arc<Datasets>,
    secrets: Secrets,
    /// Sources taken over the network.
    sources: Vec<String>,
    /// Where models are looked for.
    model_dirs: Vec<PathBuf>,
    /// Bodies that may be in memory at once.
    bodies: Semaphore,
    /// How long bodies are kept, for those who ask for it now.
    retention: Retention,
}

impl Service {
    pub fn new(store: Arc<Store>, datasets: Arc<Datasets>, secrets: Secrets, sources: Vec<String>, model_dirs: Vec<PathBuf>) -> Service {
        let (bodies, retention) = (Semaphore::new(limits::BODIES_IN_FLIGHT_MAX), Retention::default());
        Service { store, datasets, secrets, sources, model_dirs, bodies, retention }
    }

    pub fn with_retention(self, retention: Retention) -> Service {
        Service { retention, ..self }
    }
}

fn now() -> At {
    At(clock::now_ms())
}
