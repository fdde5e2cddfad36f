//! What every function of Azukari shares, in six rooms.
//!
//! | room | holds | deliberately absent |
//! |---|---|---|
//! | [`domain`] | words and decisions | async, I/O, clock, randomness, cipher text |
//! | [`seal`] | envelopes, places, blind index, origin tag | HTTP, rows |
//! | [`keys`] | KMS calls and what they sign | plain personal data |
//! | [`store`] | tables, rows, transactions | plain text, rules |
//! | [`line`] | LINE's signature, events, client | our rules |
//! | [`host`] | clients, clock, settings, roles, logging | business words |
//!
//! Arrows: `functions → host → {line, store, keys, seal} → domain`, and
//! `store → seal` for the envelope type alone. `tests/it/tidy.rs` holds them.

pub mod domain;
pub mod host;
pub mod keys;
pub mod line;
pub mod seal;
pub mod store;
