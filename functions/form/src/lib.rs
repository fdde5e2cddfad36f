//! `form`: people's pages.
//!
//! `GET /policy/{channel}` shows what is kept, what for and how long, in the version in
//! force; `GET /policy/{channel}/{version}` any version there ever was, and what it
//! changed. `GET /forms/{form}` asks, and `POST /forms/{form}` takes what was answered:
//! it is sealed for the person and stored before the answer. Nothing that was stored can
//! be read back from here. `GET /receipts/{id}` tells whoever holds the id of a receipt how
//! far the erasure has come, and nothing of whom it is about. `GET` and
//! `POST /forms/rights/{channel}` take what people ask of what is held about them: to have
//! all of it erased, a consent taken back, something corrected or its use stopped.

mod answer;
mod changes;
mod form;
pub mod lambda;
mod markdown;
mod page;
mod policy;
mod receipt;
mod rights;
mod sent;
mod service;
mod sheet_page;
mod sheet_words;
mod submit;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, routing::get};

pub use service::{Addresses, Form, NotReady, Parts};

/// The largest body that is taken: 256 KiB. A larger one is answered with 413.
pub const MAX_BODY: usize = 256 * 1024;

/// Method and path of every route, as API Gateway writes them.
pub const ROUTES: [(&str, &str); 8] = [
    ("GET", "/policy/{channel}"),
    ("GET", "/policy/{channel}/{version}"),
    ("GET", "/forms"),
    ("GET", "/forms/{form}"),
    ("POST", "/forms/{form}"),
    ("GET", "/receipts/{id}"),
    ("GET", "/forms/rights/{channel}"),
    ("POST", "/forms/rights/{channel}"),
];

/// The function as a router: hosted by Lambda, by local mode and by tests.
pub fn router(form: Arc<Form>) -> Router {
    Router::new()
        .route(ROUTES[0].1, get(policy::current))
        .route(ROUTES[1].1, get(policy::version))
        .route(ROUTES[2].1, get(form::open))
        .route(ROUTES[3].1, get(form::show).post(form::send))
        .route(ROUTES[5].1, get(receipt::show))
        .route(ROUTES[6].1, get(rights::show).post(rights::send))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(form)
}
