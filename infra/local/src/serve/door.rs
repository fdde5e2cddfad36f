//! Who may come in: browsers and tools of this machine that mean to talk to us. A
//! page on the internet that points a name of its own at 127.0.0.1 does not.

use std::net::SocketAddr;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use azukari::host::problem::Problem;
use http::{HeaderValue, StatusCode, header};

const OTHER_HOST: Problem = Problem::new(
    StatusCode::MISDIRECTED_REQUEST,
    "Hostヘッダーがこのサービスのものではありません。",
    "The Host header does not name this service.",
);
const OTHER_ORIGIN: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "ほかのサイトからは使えません（Origin）。",
    "Requests from other sites are refused (Origin).",
);

/// Refuses requests that were sent to another name.
pub(super) async fn this_host(
    State(address): State<SocketAddr>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    if !host.is_some_and(|host| names(address).contains(&host.to_ascii_lowercase())) {
        return Err(OTHER_HOST);
    }
    Ok(with_headers(next.run(request).await))
}

/// Refuses what a page of another site sends.
pub(super) async fn same_origin(
    State(address): State<SocketAddr>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Some(origin) = request.headers().get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        let own = origin.strip_prefix("http://").is_some_and(|host| names(address).iter().any(|name| name == host));
        if !own {
            return Err(OTHER_ORIGIN);
        }
    }
    Ok(next.run(request).await)
}

fn names(address: SocketAddr) -> [String; 2] {
    [address.to_string(), format!("localhost:{}", address.port())]
}

fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    response
}
