//! What takes notices without a webhook: a mail receiver, a watched folder, a poller; and what answers SNS when it asks whether it may send. Sockets and files → intake → store; 250, or a file moved away, means that the event is on disk.

mod exchange;
mod inbox;
mod poller;
mod smtp;
mod sns;

use std::{io, net::SocketAddr, sync::Arc};

use tokio::sync::watch;

use crate::{config::Config, store::Store};

/// The receivers that are switched on, while they run.
pub struct Running {
    stop: watch::Sender<bool>,
    smtp: Option<smtp::Running>,
    inbox: Option<inbox::Running>,
    poller: Option<tokio::task::JoinHandle<()>>,
    sns: Option<tokio::task::JoinHandle<()>>,
}

/// Starts what the configuration switches on. Call within a tokio runtime.
pub fn start(config: &Config, store: &Arc<Store>) -> io::Result<Running> {
    let (stop, stopping) = watch::channel(false);
    let smtp = config.smtp.clone().map(|smtp| smtp::start(smtp, Arc::clone(store), stopping.clone())).transpose()?;
    let inbox = config.inbox.clone().map(|inbox| inbox::start(inbox, Arc::clone(store))).transpose()?;
    let poller = config.poller.clone().map(|poller| poller::start(poller, Arc::clone(store), stopping.clone()));
    let sns = config.sns.clone().map(|sns| sns::start(sns, Arc::clone(store), stopping));
    Ok(Running { stop, smtp, inbox, poller, sns })
}

impl Running {
    /// Where mails are taken.
    pub fn smtp_address(&self) -> Option<SocketAddr> {
        self.smtp.as_ref().map(smtp::Running::address)
    }

    /// Takes nothing new and lets what is coming in finish, within `limits::SMTP_DRAIN_SECONDS` and `INBOX_DRAIN_SECONDS`.
    pub async fn stop(self) {
        // Nobody may be listening where nothing is switched on.
        let _ = self.stop.send(true);
        let smtp = async {
            if let Some(smtp) = self.smtp {
                smtp.stopped().await;
            }
        };
        let inbox = async {
            if let Some(inbox) = self.inbox {
                inbox.stop().await;
            }
        };
        let asking = async {
            for task in [self.poller, self.sns].into_iter().flatten() {
                if let Err(error) = task.await {
                    tracing::error!(%error, "what asks the outside ended by a panic");
                }
            }
        };
        tokio::join!(smtp, inbox, asking);
    }
}

/// Returns when the server stops, or when nobody is left to say so.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
