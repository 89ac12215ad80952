//! Who may do what, over real HTTP: every route for every role, sessions and what attacks them, tokens; then a reading corrected, a case decided with four eyes, and
//! the evidence checked; and the API as its own description says it is.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up must fail at once")]

#[path = "../common/mod.rs"]
mod common;

mod api;
mod attacked;
mod browser;
mod flow;
mod handed_in;
mod matrix;
mod sessions;
mod tokens;
