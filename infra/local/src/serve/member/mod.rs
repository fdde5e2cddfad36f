//! `/simulator/member/{channel}`: a complete example of a business' own member site. It
//! plays the business' server, and shows how to take part in linking: sign up, sign in with
//! a password or with LINE, link, unlink, leave.
//!
//! It knows of the function `link` what any site knows: its pages, to which it sends
//! browsers, and its API ([`calls`]), which it asks with assertions under its own key. It
//! never learns a LINE user id.
//!
//! - A code that comes in an address goes into the session at once, and the browser to an
//!   address without it.
//! - Nothing is linked by opening an address: it takes the button of a page of the session.
//! - Whoever is sent to LINE takes a random `state` along that has to come back, once.
//! - Signing in makes a new session.

mod calls;
mod members;
mod pages;
mod sessions;
mod visit;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, Request, State, rejection::QueryRejection},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use azukari::{
    domain::{plain::Plain, site::Site},
    host::{clock::Clock, problem::Problem},
};
use http::{HeaderMap, Method, StatusCode, header};
use serde::Deserialize;

use crate::{installation::Installation, serve::simulator::Local, site_key};

use members::Members;
use pages::{Doors, NO_CODE, NOT_THIS_SESSION, Welcome};
use sessions::{Code, Sessions};
use visit::Visit;

const STYLE: &str = include_str!("../../../templates/member.css");

/// The largest form that is taken.
const MAX_BODY: usize = 16 * 1024;

/// The longest code that is kept.
const MAX_CODE: usize = 256;

const NO_SITE: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "この会員サイトはありません。LINE連携の設定があるチャネルにだけ、見本があります。",
    "There is no such member site: only channels that link have an example.",
);
const BROKEN: Problem =
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "ページを作れませんでした。", "The page could not be made.");

/// Whether a channel has an example site.
fn takes_part(installation: &Installation, channel: &str) -> bool {
    installation.links(channel)
}

/// The example sites, with the pages of this server at `public_url`.
pub(super) fn router(local: Local, public_url: &str) -> Router {
    let server = Arc::new(Server::new(local, public_url));
    Router::new()
        .route("/simulator/member/{channel}", get(home))
        .route("/simulator/member/{channel}/line", get(line))
        .route("/simulator/member/{channel}/back", get(back))
        .route("/simulator/member/{channel}/{act}", get(first_page).post(act))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&server), one_name))
        .route("/simulator/member.css", get(style))
        .with_state(server)
}

/// The server of the business.
struct Server {
    local: Local,
    /// Where the pages of local mode are, without a slash at its end.
    public_url: String,
    content_policy: String,
    /// By channel.
    examples: BTreeMap<String, Example>,
}

/// The site of one channel.
struct Example {
    site: Site,
    /// Its path, without a slash at its end.
    path: String,
    members: Members,
    sessions: Sessions,
}

/// What an address of the site brings.
#[derive(Default, Deserialize)]
struct Coming {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// What a form of the site sends.
#[derive(Default)]
struct Sent {
    csrf: String,
    id: String,
    password: Plain<String>,
}

impl Sent {
    fn read(body: &[u8]) -> Self {
        let mut sent = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "csrf" => sent.csrf = value.into_owned(),
                "id" => sent.id = value.into_owned(),
                "password" => sent.password = Plain::new(value.into_owned()),
                _ => {}
            }
        }
        sent
    }
}

impl Server {
    fn new(local: Local, public_url: &str) -> Self {
        let installation = &local.installation;
        let key = installation.site_key().public();
        let channels = installation.configuration().channels.keys().filter(|channel| takes_part(installation, channel));
        let example = |channel: &String| {
            let site = site_key::example(channel, public_url, key)?;
            let path = site_key::path(channel);
            let example = Example { site, path, members: Members::default(), sessions: Sessions::default() };
            Some((channel.clone(), example))
        };
        let examples = channels.filter_map(example).collect();
        Self { local, public_url: public_url.to_owned(), content_policy: content_policy(public_url), examples }
    }

    /// The site of a channel, and the session that the request comes in.
    fn visit(&self, channel: &str, headers: &HeaderMap) -> Result<Visit<'_>, Problem> {
        let example = self.examples.get(channel).ok_or(NO_SITE)?;
        let now = self.local.installation.clock().now();
        let brought = sessions::of_request(headers, channel);
        let (name, session) = example.sessions.enter(brought.as_deref(), now);
        let is_new = brought.as_deref() != Some(name.as_str());
        Ok(Visit { server: self, example, name, is_new, session, now })
    }
}

/// `Content-Security-Policy` of the pages. Their buttons lead on to LINE, by way of Azukari:
/// browsers hold every redirect after a form against `form-action`. On one machine all of
/// that is HTTP.
fn content_policy(public_url: &str) -> String {
    let http = if public_url.starts_with("http://") { " http:" } else { "" };
    format!(
        "default-src 'none'; style-src 'self'; form-action 'self' https:{http}; base-uri 'none'; frame-ancestors 'self'"
    )
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// The site has one name: its addresses are registered to the letter, and its cookies stay
/// with it. Whoever opens it as `localhost` goes on there.
async fn one_name(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let own = server.public_url.split_once("://").map_or("", |(_, host)| host);
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let is_elsewhere = host.is_some_and(|host| !host.eq_ignore_ascii_case(own));
    if is_elsewhere && request.method() == Method::GET {
        let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        return Redirect::temporary(&format!("{}{path}", server.public_url)).into_response();
    }
    next.run(request).await
}

async fn home(
    State(server): State<Arc<Server>>,
    Path(channel): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let visit = server.visit(&channel, &headers)?;
    let page = match &visit.session.member {
        Some(member) => visit.member_home(member).await,
        None => visit.page(StatusCode::OK, &Welcome { frame: visit.frame(), doors: &Doors::default() }),
    };
    Ok(visit.answer(page))
}

/// Where people come from the chat or from the account, with a code. It goes into the
/// session, and out of the address.
async fn line(
    State(server): State<Arc<Server>>,
    Path(channel): Path<String>,
    query: Result<Query<Coming>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let visit = server.visit(&channel, &headers)?;
    let coming = query.map(|Query(coming)| coming).unwrap_or_default();
    let page = match coming {
        Coming { error: Some(error), .. } => visit.note(StatusCode::OK, pages::ended(&error)),
        Coming { code: Some(code), .. } if (1..=MAX_CODE).contains(&code.len()) => {
            visit.keep(Code { text: Plain::new(code), since: visit.now, state: None });
            visit.go("/line")
        }
        Coming { .. } if visit.session.has_code(visit.now) => visit.who(StatusCode::OK, &Doors::default()),
        // The link has been finished, or somebody has come back to this page.
        Coming { .. } if visit.session.member.is_some() => visit.go(""),
        Coming { .. } => visit.note(StatusCode::GONE, NO_CODE),
    };
    Ok(visit.answer(page))
}

/// Where people come back to who were sent to LINE from here: with a code, and again when a
/// link is finished.
async fn back(
    State(server): State<Arc<Server>>,
    Path(channel): Path<String>,
    query: Result<Query<Coming>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut visit = server.visit(&channel, &headers)?;
    let coming = query.map(|Query(coming)| coming).unwrap_or_default();
    let page = visit.come_back(coming).await;
    Ok(visit.answer(page))
}

/// Somebody who opens the address of a form goes to the first page.
async fn first_page(
    State(server): State<Arc<Server>>,
    Path((channel, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let visit = server.visit(&channel, &headers)?;
    Ok(visit.answer(visit.go("")))
}

/// Everything that changes something.
async fn act(
    State(server): State<Arc<Server>>,
    Path((channel, act)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let mut visit = server.visit(&channel, &headers)?;
    let sent = Sent::read(&body);
    let page = if sent.csrf == visit.session.csrf {
        match act.as_str() {
            "sign-up" => visit.sign_up(&sent).await,
            "sign-in" => visit.sign_in(&sent).await,
            "sign-out" => visit.sign_out(),
            "with-line" => visit.with_line(),
            "link" => visit.link().await,
            "unlink" => visit.unlink().await,
            "leave" => visit.ask_to_leave(),
            "left" => visit.leave().await,
            _ => return Err(NO_SITE),
        }
    } else {
        visit.note(StatusCode::FORBIDDEN, NOT_THIS_SESSION)
    };
    Ok(visit.answer(page))
}

#[cfg(test)]
mod tests {
    use super::content_policy;

    #[test]
    fn forms_lead_on_over_http_only_on_a_machine_without_tls() {
        for (public_url, action) in [
            ("https://pages.example.com", "; form-action 'self' https:;"),
            ("http://127.0.0.1:8080", "; form-action 'self' https: http:;"),
        ] {
            assert!(content_policy(public_url).contains(action), "{public_url}");
        }
    }
}
