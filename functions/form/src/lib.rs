//! `form`: people's pages.
//!
//! `GET /policy/{channel}` shows what is kept, what for and how long, in the version in
//! force; `GET /policy/{channel}/{version}` any version there ever was, and what it
//! changed. The function reads published definitions and nothing about any person.

mod changes;
pub mod lambda;
mod language;
mod markdown;
mod page;
mod policy;
mod service;

use std::sync::Arc;

use axum::{Router, routing::get};

pub use service::{Form, NotReady, Parts};

/// Method and path of every route, as API Gateway writes them.
pub const ROUTES: [(&str, &str); 2] = [("GET", "/policy/{channel}"), ("GET", "/policy/{channel}/{version}")];

/// The function as a router: hosted by Lambda, by local mode and by tests.
pub fn router(form: Arc<Form>) -> Router {
    Router::new().route(ROUTES[0].1, get(policy::current)).route(ROUTES[1].1, get(policy::version)).with_state(form)
}
