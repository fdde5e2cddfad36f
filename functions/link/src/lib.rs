//! `link`: a person's LINE account and the member id of the business, joined and parted.
//!
//! Three ways lead to a link. From the chat: LINE's link token, the page that says what is
//! joined, the member site, LINE's own dialog, and at last LINE's word to `webhook`. By
//! LINE Login, from the account or from the member site: LINE's consent screen, the same
//! page, the member site, and the last step here. In each of them the business vouches for
//! the member by a signed assertion, LINE vouches for the person, and the browser that took
//! the first step takes the last: nobody gets to join somebody else.

pub mod assertion;
mod browser;
mod chat;
mod finish;
mod joining;
pub mod lambda;
mod login;
mod page;
mod refusal;
mod request;
mod service;
mod site;
mod steps;
mod unlink;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{MethodRouter, any, get, head, post},
};
use http::{StatusCode, header};

pub use browser::COOKIE;
pub use service::{Addresses, Link, NotReady, Parts};

/// The largest body that is taken: 16 KiB. A larger one is not read, and answered with 400.
pub const MAX_BODY: usize = 16 * 1024;

/// Method and path of every route, as API Gateway writes them.
pub const ROUTES: [(&str, &str); 16] = [
    ("GET", "/link/{channel}"),
    ("POST", "/link/{channel}/begin"),
    ("GET", "/link/{channel}/finish"),
    ("POST", "/link/{channel}/finish"),
    ("GET", "/link/{channel}/login"),
    ("GET", "/link/{channel}/callback"),
    ("GET", "/link/{channel}/joining"),
    ("POST", "/link/{channel}/join"),
    ("GET", "/link/{channel}/unlink"),
    ("POST", "/link/{channel}/unlink"),
    ("GET", "/link/{channel}/unlinking"),
    ("POST", "/link/{channel}/site/login"),
    ("POST", "/link/{channel}/site/link"),
    ("POST", "/link/{channel}/site/status"),
    ("POST", "/link/{channel}/site/unlink"),
    ("POST", "/link/{channel}/site/erase"),
];

/// The function as a router: hosted by Lambda, by local mode and by tests.
pub fn router(link: Arc<Link>) -> Router {
    Router::new()
        .route(ROUTES[0].1, get(chat::about))
        .route(ROUTES[1].1, post(chat::begin))
        .route(ROUTES[2].1, without_head("GET, POST").get(finish::show).post(finish::finish))
        .route(ROUTES[4].1, get(login::begin))
        .route(ROUTES[5].1, without_head("GET").get(login::callback))
        .route(ROUTES[6].1, get(joining::show))
        .route(ROUTES[7].1, post(joining::join))
        .route(ROUTES[8].1, get(unlink::about).post(unlink::unlink))
        .route(ROUTES[10].1, get(unlink::show))
        .route(ROUTES[11].1, post(site::login))
        .route(ROUTES[12].1, post(site::link))
        .route(ROUTES[13].1, post(site::status))
        .route(ROUTES[14].1, post(site::unlink))
        .route(ROUTES[15].1, post(site::erase))
        // API Gateway hands on nothing but the routes: this is for whatever else stands before.
        .route("/link/{channel}/", any(page::nowhere))
        .route("/link/{channel}/{*rest}", any(page::nowhere))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(link)
}

/// A page that uses something up when it is opened. axum would open it for `HEAD`, too.
fn without_head(allow: &'static str) -> MethodRouter<Arc<Link>> {
    head(move || async move { (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, allow)]) })
}
