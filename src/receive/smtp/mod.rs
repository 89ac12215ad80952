//! The mail receiver (RFC 5321 with STARTTLS, SIZE, 8BITMIME, SMTPUTF8, PIPELINING, CHUNKING). It is the last station of a mail: it relays nothing, and its 250
//! is an acknowledgement like HTTP's 202: the mail is on disk. In every doubt (the store is busy, the disk nearly full, the server stopping) it answers 4xx and
//! the mail server keeps the mail; 5xx is for what never will be right.
//!
//! `input` cuts what arrives into lines, `body` finds the end of a mail, `dialogue` decides what each command is answered, `session` does the talking,
//! `peers` counts who is there. smtp-proto reads the commands. Its reader of mail bodies is not used: it takes `CR LF . CR CR LF` for the end of a mail, which
//! no other server does, and such differences are what smuggled mails are made of.

mod body;
mod dialogue;
mod input;
mod peers;
mod session;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
};

use self::peers::Peers;
use super::stopped;
use crate::{config::smtp::Smtp, limits, store::Store};

/// What every session uses.
struct Shared {
    config: Smtp,
    store: Arc<Store>,
    peers: Peers,
    /// Mails that may be in memory at once.
    mails: Semaphore,
    stopping: watch::Receiver<bool>,
}

pub struct Running {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end, which comes soon after `stopping` turned true.
    pub async fn stopped(self) {
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "the mail receiver ended by a panic");
        }
    }
}

pub fn start(config: Smtp, store: Arc<Store>, stopping: watch::Receiver<bool>) -> io::Result<Running> {
    let listener = std::net::TcpListener::bind(config.listen)?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let peers = Peers::new(&config);
    let shared = Arc::new(Shared { peers, mails: Semaphore::new(limits::SMTP_MAILS_IN_FLIGHT_MAX), config, store, stopping });
    Ok(Running { address, accepting: tokio::spawn(accept(listener, shared)) })
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut stopping = shared.stopping.clone();
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stopping) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => drop(sessions.spawn(converse(stream, from, Arc::clone(&shared)))),
                Err(error) => {
                    // Out of file descriptors, most likely; at once again would spin.
                    tracing::warn!(%error, "a mail connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            },
            Some(ended) = sessions.join_next(), if !sessions.is_empty() => note_panic(ended),
        }
    }
    drop(listener);
    let drained = tokio::time::timeout(Duration::from_secs(limits::SMTP_DRAIN_SECONDS), async {
        while let Some(ended) = sessions.join_next().await {
            note_panic(ended);
        }
    });
    if drained.await.is_err() {
        // None of these was told that its mail is taken; their servers send it again.
        tracing::warn!(sessions = sessions.len(), "mails that were coming in are cut off");
        sessions.shutdown().await;
    }
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a mail session ended by a panic");
    }
}

async fn converse(stream: TcpStream, from: SocketAddr, shared: Arc<Shared>) {
    let peer = from.ip().to_canonical();
    // An answer is small and the client waits for it.
    let _ = stream.set_nodelay(true);
    match shared.peers.admit(peer) {
        Ok(_place) => session::run(stream, peer, &shared).await,
        Err(refusal) => {
            tracing::warn!(%peer, %refusal, "a mail connection is refused");
            session::turn_away(stream, &refusal).await;
        }
    }
}
