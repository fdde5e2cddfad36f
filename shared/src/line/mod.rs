//! LINE's side of the wire: the signature of a webhook, its events, the calls we
//! make. None of our rules.

pub mod client;
pub mod event;
pub mod id_token;
pub mod message;
pub mod outgoing;
pub mod signature;
