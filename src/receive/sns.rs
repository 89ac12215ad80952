//! Confirms subscriptions of Amazon SNS, where the site switched that on: a topic that is listed asks once, by a signed delivery, whether it may deliver here, and is
//! answered by opening the address it names. The delivery lies in the log; it is looked for there, so that none is missed by a restart, and confirming twice changes nothing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, header};
use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

use super::{
    exchange::{send, tunnel},
    stopped,
};
use crate::{
    clock,
    config::sns::Sns,
    domain::{event::Event, id::EventId, time::At},
    intake, limits,
    store::{Actor, Store},
};

pub(super) fn start(config: Sns, store: Arc<Store>, mut stopping: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut confirming = Confirming { config, store, seen: EventId(0), open: HashMap::new() };
        loop {
            tokio::select! {
                () = stopped(&mut stopping) => return,
                () = tokio::time::sleep(Duration::from_secs(limits::SNS_LOOK_SECONDS)) => {}
            }
            if let Err(why) = confirming.look() {
                tracing::warn!(why, "subscriptions of SNS could not be looked for");
            }
            tokio::select! {
                () = stopped(&mut stopping) => return,
                () = confirming.confirm() => {}
            }
        }
    })
}

/// A subscription that is not confirmed yet.
struct Open {
    url: String,
    failures: u32,
    /// When it is tried again.
    due: Instant,
}

struct Confirming {
    config: Sns,
    store: Arc<Store>,
    /// The newest event that was looked at.
    seen: EventId,
    open: HashMap<EventId, Open>,
}

impl Confirming {
    /// Looks through the events that came since the last look; at first, through those whose token may still be good.
    fn look(&mut self) -> Result<(), String> {
        let oldest = clock::now_ms() - limits::SNS_TOKEN_DAYS * 24 * 3600 * 1000;
        let (mut before, mut newest) = (None, self.seen);
        loop {
            let page = self.store.events(before, limits::LIST_ROWS_MAX).map_err(|error| error.to_string())?;
            let new: Vec<&Event> = page.iter().take_while(|event| event.id > self.seen && event.received_at.0 > oldest).collect();
            for event in &new {
                newest = newest.max(event.id);
                if let Some(url) = intake::subscription(event) {
                    self.open.insert(event.id, Open { url: url.to_owned(), failures: 0, due: Instant::now() });
                }
            }
            if new.len() < limits::LIST_ROWS_MAX {
                break;
            }
            before = page.last().map(|event| event.id);
        }
        self.seen = newest;
        Ok(())
    }

    async fn confirm(&mut self) {
        let due: Vec<EventId> = self.open.iter().filter(|(_, open)| open.due <= Instant::now()).map(|(id, _)| *id).collect();
        for id in due {
            let Some(mut open) = self.open.remove(&id) else { continue };
            let wait = Duration::from_secs(limits::POLL_SECONDS_MAX);
            let opened = timeout(wait, get(&self.config, &open.url)).await;
            match opened.unwrap_or_else(|_| Err(format!("no answer within {} seconds", limits::POLL_SECONDS_MAX))) {
                Ok(()) => {
                    tracing::info!(event = %id, "a subscription of SNS is confirmed");
                    let noted =
                        self.store.note("sns.confirmed", &id.to_string(), "SNS may deliver here", &Actor("server".to_owned()), At(clock::now_ms()));
                    if let Err(error) = noted {
                        tracing::warn!(%error, "that a subscription is confirmed could not be noted");
                    }
                }
                Err(why) => {
                    open.failures += 1;
                    if open.failures >= limits::SNS_TRIES_MAX {
                        tracing::error!(event = %id, why, url = open.url, "a subscription of SNS could not be confirmed; open the address yourself");
                        continue;
                    }
                    let again = Duration::from_secs(limits::POLL_RETRY_SECONDS << open.failures.min(10));
                    tracing::warn!(event = %id, why, again_in_s = again.as_secs(), "a subscription of SNS is not confirmed yet");
                    open.due = Instant::now() + again;
                    self.open.insert(id, open);
                }
            }
        }
    }
}

/// Opens an address of SNS; any answer but a success is a sentence.
async fn get(config: &Sns, url: &str) -> Result<(), String> {
    let (host, path) = intake::subscription_address(url).ok_or("its address is none of SNS")?;
    let failed = |error: &dyn std::fmt::Display| format!("{host}: {error}");
    let request = Request::get(path).header(header::HOST, host).body(Full::new(Bytes::new())).map_err(|error| failed(&error))?;
    let name = host.to_owned().try_into().map_err(|_| failed(&"this is no name of a host"))?;
    let connector = TlsConnector::from(Arc::clone(&config.tls));
    let response = match &config.proxy {
        Some((proxy, port)) => {
            let stream = TcpStream::connect((proxy.as_str(), *port)).await.map_err(|error| format!("{proxy}: {error}"))?;
            let stream = tunnel(stream, host, 443).await?;
            send(connector.connect(name, stream).await.map_err(|error| failed(&error))?, request).await
        }
        None => {
            let stream = TcpStream::connect((host, 443)).await.map_err(|error| failed(&error))?;
            send(connector.connect(name, stream).await.map_err(|error| failed(&error))?, request).await
        }
    }
    .map_err(|error| failed(&error))?;
    let status = response.status();
    Limited::new(response.into_body(), limits::JSON_BODY_BYTES_MAX).collect().await.map_err(|error| failed(&error))?;
    if status.is_success() { Ok(()) } else { Err(failed(&format!("HTTP status {status}"))) }
}
