//! What the service manager is told (sd_notify): that the server is ready, that it lives, that it stops. Nothing is sent where none listens.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use bytes::Bytes;
use hyper::Method;
use sd_notify::NotifyState;

use super::client;

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

pub fn ready(address: &SocketAddr) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("serving on {address}"))]);
}

pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("lets what is in hand finish")]);
}

/// Answers the watchdog, where one is set, as long as the server answers `/healthz` on its own socket: what hangs is killed and started again. Never ends.
pub async fn watch(socket: PathBuf) {
    let Some(within) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    // Three times within it, so that one late answer does not end the server.
    let pause = (within / 3).max(Duration::from_millis(1));
    loop {
        match tokio::time::timeout(pause, client::exchange(&socket, Method::GET, "/healthz", "application/json", Bytes::new())).await {
            Ok(Ok((status, _))) if status.is_success() => tell(&[NotifyState::Watchdog]),
            Ok(Ok((status, _))) => tracing::error!(%status, "the server says that it is not well: the watchdog is not answered"),
            Ok(Err(error)) => tracing::error!(%error, "the server does not answer itself: the watchdog is not answered"),
            Err(_) => tracing::error!("the server does not answer itself in time: the watchdog is not answered"),
        }
        tokio::time::sleep(pause).await;
    }
}
