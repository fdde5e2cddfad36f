//! LINE's side for tools and for pages: what was sent, error answers, ID tokens and the
//! keys that verify them, and a `liff` object of the shape of LINE's SDK.

use axum::{
    Json, Router,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use azukari::{domain::id::LineUserId, host::problem::Problem};
use bytes::Bytes;
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    engine::line::{Faults, Sent},
    serve::simulator::Local,
};

const LIFF: &str = include_str!("../../simulator/liff.js");
const LIFF_PROFILE: &str = include_str!("../../simulator/liff-profile.js");

const NO_USER: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "{\"user_id\":\"U…\"} のようなJSONを送ってください（channelも指定できます）。",
    "Send JSON such as {\"user_id\":\"U…\"}; channel may be given, too.",
);
const NO_FAULTS: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "{\"reply\":\"429\",\"push\":\"ok\",\"profile\":\"timeout\"} のようなJSONを送ってください（token、link_token、deauthorize、rich_menuも指定できます）。値はok、400、401、404、409、429、500、timeoutのどれかです。",
    "Send JSON such as {\"reply\":\"429\",\"push\":\"ok\",\"profile\":\"timeout\"}; token, link_token, deauthorize and rich_menu may be given, too. Each is one of ok, 400, 401, 404, 409, 429, 500, timeout.",
);
const NO_TOKEN: Problem = Problem::new(
    StatusCode::INTERNAL_SERVER_ERROR,
    "IDトークンを作れませんでした。",
    "The ID token could not be made.",
);

pub(super) fn router(local: Local) -> Router {
    Router::new()
        .route("/simulator/sent", get(sent))
        .route("/simulator/line", get(faults).post(set_faults))
        .route("/simulator/id-token", post(id_token))
        .route("/simulator/certs", get(certs))
        .route("/simulator/liff.js", get(async || script(LIFF)))
        .route("/simulator/liff-profile.js", get(async || script(LIFF_PROFILE)))
        .route("/simulator/liff/{app}/{*page}", get(open_in_liff))
        .with_state(local)
}

/// What `https://liff.line.me/{app}/{page}` does: LINE's in-app browser opens the folder
/// of the forms first, and the SDK leads on (PLATFORM.md §7). A page is a form, or a path
/// below it.
async fn open_in_liff(path: Result<Path<(String, String)>, PathRejection>, RawQuery(query): RawQuery) -> Response {
    match path {
        Ok(Path((_, page))) => {
            let state: String = {
                let query = query.map(|query| format!("?{query}")).unwrap_or_default();
                form_urlencoded::byte_serialize(format!("/{page}{query}").as_bytes()).collect()
            };
            Redirect::to(&format!("/forms?liff.state={state}")).into_response()
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn sent(State(local): State<Local>) -> Json<Vec<Sent>> {
    Json(local.installation.line().sent())
}

async fn faults(State(local): State<Local>) -> Json<Faults> {
    Json(local.installation.line().faults())
}

async fn set_faults(State(local): State<Local>, body: Bytes) -> Result<Json<Faults>, Problem> {
    let faults: Faults = serde_json::from_slice(&body).map_err(|_| NO_FAULTS)?;
    local.installation.line().set_faults(faults);
    Ok(Json(faults))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    user_id: String,
    channel: Option<String>,
}

/// An ID token for the login channel that goes with a channel; without `channel` that of
/// the user's phone, or the first one.
async fn id_token(State(local): State<Local>, body: Bytes) -> Result<Json<Value>, Problem> {
    let Whose { user_id, channel } = serde_json::from_slice(&body).map_err(|_| NO_USER)?;
    let user = LineUserId::parse(&user_id).map_err(|_| NO_USER)?;
    let installation = &local.installation;
    let channel = channel
        .or_else(|| installation.line().friend(user.reveal()).map(|friend| friend.channel))
        .or_else(|| installation.configuration().channels.keys().next().cloned())
        .unwrap_or_default();
    let audience = installation.channel_secret(&channel, "login_channel_id").ok_or(NO_USER)?;
    let id_token = installation.line().id_token(user.reveal(), audience).map_err(|_| NO_TOKEN)?;
    Ok(Json(json!({ "id_token": id_token })))
}

async fn certs(State(local): State<Local>) -> Result<Json<Value>, Problem> {
    local.installation.line().certs().map(Json).map_err(|_| NO_TOKEN)
}

fn script(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], text).into_response()
}
