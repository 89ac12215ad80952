//! What people are told: made with its cause, kept until it is delivered, and delivered to real receivers.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

#[path = "../common/stored.rs"]
mod stored;

mod outbox;
