//! What takes notices without HTTP: a mail receiver. Sockets and files → intake → store; 250, or a file moved away, means that the event is on disk.

mod smtp;

use std::{io, net::SocketAddr, sync::Arc};

use tokio::sync::watch;

use crate::{config::Config, store::Store};

/// The receivers that are switched on, while they run.
pub struct Running {
    stop: watch::Sender<bool>,
    smtp: Option<smtp::Running>,
}

/// Starts what the configuration switches on. Call within a tokio runtime.
pub fn start(config: &Config, store: &Arc<Store>) -> io::Result<Running> {
    let (stop, stopping) = watch::channel(false);
    let smtp = config.smtp.clone().map(|smtp| smtp::start(smtp, Arc::clone(store), stopping.clone())).transpose()?;
    Ok(Running { stop, smtp })
}

impl Running {
    /// Where mails are taken.
    pub fn smtp_address(&self) -> Option<SocketAddr> {
        self.smtp.as_ref().map(smtp::Running::address)
    }

    /// Takes nothing new and lets what is coming in finish, within `limits::SMTP_DRAIN_SECONDS`.
    pub async fn stop(self) {
        // Nobody may be listening where nothing is switched on.
        let _ = self.stop.send(true);
        if let Some(smtp) = self.smtp {
            smtp.stopped().await;
        }
    }
}

/// Returns when the server stops, or when nobody is left to say so.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
