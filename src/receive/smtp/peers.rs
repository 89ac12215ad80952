//! Who may connect, how many at once, and how many mails a minute each may send.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::{
    config::smtp::Smtp,
    rate::{Rate, counted_as},
};

pub(super) struct Peers {
    allowed: Vec<ipnet::IpNet>,
    connections_max: usize,
    per_peer_max: usize,
    /// Connections by peer, where there are any.
    connected: Mutex<HashMap<IpAddr, usize>>,
    mails: Mutex<Rate<IpAddr>>,
}

/// A connection that counts, as long as this is kept.
pub(super) struct Place<'a> {
    peers: &'a Peers,
    peer: IpAddr,
}

impl Peers {
    pub(super) fn new(config: &Smtp) -> Peers {
        Peers {
            allowed: config.peers.clone(),
            connections_max: config.connections,
            per_peer_max: config.connections_per_peer,
            connected: Mutex::default(),
            mails: Mutex::new(Rate::new(config.mails_per_minute)),
        }
    }

    /// Counts a connection, or says what it is told instead.
    pub(super) fn admit(&self, peer: IpAddr) -> Result<Place<'_>, String> {
        if !self.allowed.iter().any(|net| net.contains(&peer)) {
            return Err(format!("554 5.7.1 {} may not connect; smtp.peers names who may", counted_as(peer)));
        }
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if connected.values().sum::<usize>() >= self.connections_max {
            return Err("421 4.3.2 too many connections; come again in a moment".to_owned());
        }
        let peer = counted_as(peer);
        let own = connected.entry(peer).or_default();
        if *own >= self.per_peer_max {
            return Err(format!("421 4.7.0 {own} connections are open from {peer} already; close one first"));
        }
        *own += 1;
        Ok(Place { peers: self, peer })
    }

    /// Counts a mail, or says after how many seconds there is room again.
    pub(super) fn mail(&self, peer: IpAddr, now_ms: i64) -> Result<(), u64> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).take(&counted_as(peer), now_ms)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut connected = self.peers.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = connected.get_mut(&self.peer) {
            *own -= 1;
            if *own == 0 {
                connected.remove(&self.peer);
            }
        }
    }
}
