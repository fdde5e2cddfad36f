//! `webhook`: LINE events in.
//!
//! `POST /webhook/{channel}`: the signature is checked over the raw bytes, each
//! event is read on its own, sealed under its person's key and stored before the
//! answer. Nothing that was stored can be read back from here.

mod arrival;
mod consent;
mod contact;
mod intake;
pub mod lambda;
mod linking;
mod profile;
mod receive;
mod reply;
mod rights;
mod service;
mod visit;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, routing::post};

pub use service::{NotReady, Parts, Webhook};

/// The largest body that is taken: 1 MiB. A larger one is answered with 413.
pub const MAX_BODY: usize = 1024 * 1024;

/// The routes of this function: the one list that Lambda, local mode, tests and the
/// template share.
pub const ROUTES: [(&str, &str); 1] = [("POST", "/webhook/{channel}")];

/// The function as a router: hosted by Lambda, by local mode and by tests.
pub fn router(webhook: Arc<Webhook>) -> Router {
    Router::new().route(ROUTES[0].1, post(receive::receive)).layer(DefaultBodyLimit::max(MAX_BODY)).with_state(webhook)
}
