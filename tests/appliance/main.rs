//! What plant IT does with the program: install it, watch it, update it. By the program itself, as a release makes and runs it.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

mod care;
#[path = "../common/mod.rs"]
mod common;
mod diode;
mod pack;
mod release;
mod service;
mod tls;
mod update;
mod watching;
