//! Lastbuy: what a discontinued component means for this factory. README.md draws the way of one notice and lists the layers; `tests/layers.rs` holds
//! them to it.

pub mod app;
pub mod bundle;
pub mod child;
pub mod cli;
pub mod clock;
pub mod config;
pub mod datasets;
pub mod document;
pub mod domain;
pub mod evidence;
pub mod factory;
pub mod handover;
pub mod http;
pub mod impact;
pub mod intake;
pub mod limits;
pub mod llm;
pub mod meter;
pub mod notify;
pub mod rate;
pub mod reading;
pub mod receive;
pub mod report;
pub mod store;
pub mod work;
