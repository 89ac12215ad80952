//! What people are told: made with its cause, kept until it is delivered, and delivered to real receivers.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/stored.rs"]
mod stored;

mod mail;
mod outbox;
#[path = "../common/receiver.rs"]
mod receiver;
mod server;
mod syslog;
mod webhook;
