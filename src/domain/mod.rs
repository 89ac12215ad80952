//! Pure types of the field: what arrived, what it says, what the factory has, what follows. No clock, no store, no sockets, no float in money.

pub mod access;
pub mod case;
pub mod decision;
pub mod destination;
pub mod document;
pub mod event;
pub mod export;
pub mod factory;
pub mod id;
pub mod job;
pub mod lifecycle;
pub mod maker;
pub mod message;
pub mod money;
pub mod notice;
pub mod part;
pub mod review;
pub mod revision;
pub mod rule;
pub mod scenario;
pub mod time;
