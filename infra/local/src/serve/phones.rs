//! The phones of the simulator: people on LINE, what they do, and how LINE tells the
//! webhook function of it: signed, over its own route.

use axum::{
    Json, Router,
    body::Body,
    extract::{Query, State},
    routing::{get, post},
};
use azukari::{
    domain::plain::Plain,
    host::{clock::Clock, problem::Problem},
    line::signature,
};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    engine::line::Friend,
    serve::{overheard, simulator::Local},
};

const NO_FRIEND: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "この電話はありません。ページを開き直してください。",
    "There is no such phone. Reload the page.",
);
const NO_NAME: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "名前を1文字から20文字で入れてください。チャネルは設定にある名前にしてください。",
    "Give a name of 1 to 20 characters, and a channel that is configured.",
);
const NO_ACT: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "{\"user_id\":\"U…\",\"act\":\"text\",\"text\":\"…\"} のようなJSONを送ってください。",
    "Send JSON such as {\"user_id\":\"U…\",\"act\":\"text\",\"text\":\"…\"}.",
);
const NO_TEXT: Problem =
    Problem::new(StatusCode::BAD_REQUEST, "本文は1文字から5000文字です。", "A text has 1 to 5000 characters.");
const NOT_POSSIBLE: Problem = Problem::new(
    StatusCode::CONFLICT,
    "いまはできません（友だちでないか、ブロックしています）。",
    "Not possible now: the account is not added, or is blocked.",
);
const NOT_THERE: Problem =
    Problem::new(StatusCode::NOT_FOUND, "そのメッセージはありません。", "There is no such message.");
const NOTHING_YET: Problem =
    Problem::new(StatusCode::CONFLICT, "まだ何も届けていません。", "Nothing has been delivered yet.");

pub(super) fn router(local: Local) -> Router {
    Router::new()
        .route("/simulator/friends", post(new_friend))
        .route("/simulator/act", post(act))
        .route("/simulator/chat", get(chat))
        .with_state(local)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFriend {
    channel: String,
    name: String,
}

async fn new_friend(State(local): State<Local>, body: Bytes) -> Result<(StatusCode, Json<Value>), Problem> {
    let new: NewFriend = serde_json::from_slice(&body).map_err(|_| NO_NAME)?;
    let name = new.name.trim();
    let known = local.installation.configuration().channels.contains_key(&new.channel);
    if !known || !(1..=20).contains(&name.chars().count()) {
        return Err(NO_NAME);
    }
    let user_id = local.installation.line().new_friend(&new.channel, name);
    Ok((StatusCode::CREATED, Json(json!({ "user_id": user_id }))))
}

#[derive(Deserialize)]
struct Which {
    user: String,
}

async fn chat(State(local): State<Local>, Query(which): Query<Which>) -> Result<Json<Value>, Problem> {
    let Friend { user_id, name, channel, following, blocked, chat } =
        local.installation.line().friend(&which.user).ok_or(NO_FRIEND)?;
    Ok(Json(json!({
        "user_id": user_id, "name": name, "channel": channel, "following": following, "blocked": blocked,
        "messages": chat,
    })))
}

/// Something that a person does on their phone.
#[derive(Deserialize)]
struct Wanted {
    user_id: String,
    #[serde(flatten)]
    act: Act,
}

#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "lowercase")]
enum Act {
    Follow,
    Block,
    Unblock,
    Text {
        text: String,
    },
    Sticker {
        #[serde(default)]
        sticker: String,
    },
    Image,
    Location {
        #[serde(default)]
        title: String,
        #[serde(default)]
        address: String,
        latitude: f64,
        longitude: f64,
    },
    Unsend {
        message: String,
    },
    Postback {
        data: String,
        display_text: Option<String>,
    },
    Redeliver,
}

async fn act(State(local): State<Local>, body: Bytes) -> Result<Json<Value>, Problem> {
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|_| NO_ACT)?;
    let line = local.installation.line();
    let friend = line.friend(&wanted.user_id).ok_or(NO_FRIEND)?;
    if matches!(wanted.act, Act::Redeliver) {
        let last = local.last.lock().await.get(&friend.user_id).cloned();
        let mut event = last.ok_or(NOTHING_YET)?;
        event["deliveryContext"]["isRedelivery"] = json!(true);
        let status = deliver(&local, &friend.channel, event).await?;
        return Ok(Json(json!({ "status": status, "message_id": null })));
    }
    let (message_id, event) = happens(&local, &friend, wanted.act)?;
    let before = too_old(&local);
    let status = tell(&local, &friend.channel, &friend.user_id, event).await?;
    // Somebody who was erased in what is now the future.
    let dropped = too_old(&local) > before;
    Ok(Json(json!({ "status": status, "message_id": message_id, "dropped": dropped })))
}

/// How many events were dropped so far because they are older than an erasure.
fn too_old(local: &Local) -> u64 {
    local.installation.metrics().get("webhook_dropped", "older_than_erasure")
}

/// What LINE makes of it: the chat changes, and an event is to be told.
fn happens(local: &Local, friend: &Friend, act: Act) -> Result<(Option<String>, Value), Problem> {
    let line = local.installation.line();
    let user = friend.user_id.as_str();
    let reachable = friend.following && !friend.blocked;
    let told = |kind: &str, more: Value| event(local, Some(user), kind, more);
    let message = |message: Value| -> Result<(Option<String>, Value), Problem> {
        if !reachable {
            return Err(NOT_POSSIBLE);
        }
        let id = line.write(user, message.clone()).ok_or(NO_FRIEND)?;
        let mut message = message;
        message["id"] = json!(id);
        let told = told("message", json!({ "message": message }));
        Ok((Some(id), told))
    };
    let following = |following: bool, blocked: bool| {
        line.change_friend(user, |friend| (friend.following, friend.blocked) = (following, blocked));
    };
    match act {
        Act::Follow if !friend.following => {
            following(true, false);
            Ok((None, told("follow", json!({"follow": {"isUnblocked": false}}))))
        }
        Act::Block if reachable => {
            following(true, true);
            Ok((None, told("unfollow", json!({}))))
        }
        Act::Unblock if friend.blocked => {
            following(true, false);
            Ok((None, told("follow", json!({"follow": {"isUnblocked": true}}))))
        }
        Act::Follow | Act::Block | Act::Unblock => Err(NOT_POSSIBLE),
        Act::Text { text } => {
            if !(1..=5_000).contains(&text.encode_utf16().count()) {
                return Err(NO_TEXT);
            }
            message(json!({"type": "text", "text": text, "quoteToken": "q"}))
        }
        Act::Sticker { sticker } => message(json!({
            "type": "sticker", "packageId": "446", "stickerId": "1988", "stickerResourceType": "STATIC",
            "keywords": [sticker], "quoteToken": "q",
        })),
        Act::Image => message(json!({"type": "image", "contentProvider": {"type": "line"}, "quoteToken": "q"})),
        Act::Location { title, address, latitude, longitude } => message(json!({
            "type": "location", "title": title, "address": address, "latitude": latitude, "longitude": longitude,
        })),
        Act::Unsend { message } => {
            if !line.take_back(user, &message) {
                return Err(NOT_THERE);
            }
            Ok((None, told("unsend", json!({"unsend": {"messageId": message}}))))
        }
        Act::Postback { data, display_text } => {
            if !reachable {
                return Err(NOT_POSSIBLE);
            }
            if let Some(text) = display_text {
                // LINE shows it in the chat and tells nobody of it as a message.
                line.write(user, json!({"type": "text", "text": text}));
            }
            Ok((None, told("postback", json!({"postback": {"data": data}}))))
        }
        Act::Redeliver => Err(NO_ACT),
    }
}

/// An event as LINE words it; without a user it says nothing of who it was, and nobody can
/// be replied to.
pub(super) fn event(local: &Local, user_id: Option<&str>, kind: &str, more: Value) -> Value {
    let (id, token) = local.installation.line().event_ids();
    let mut event = json!({
        "type": kind, "mode": "active", "timestamp": local.installation.clock().now(), "webhookEventId": id,
        "deliveryContext": {"isRedelivery": false},
    });
    if let Some(user_id) = user_id {
        event["source"] = json!({"type": "user", "userId": user_id});
        if ["message", "follow", "postback", "accountLink"].contains(&kind) {
            event["replyToken"] = json!(token);
        }
    }
    if let (Value::Object(event), Value::Object(more)) = (&mut event, more) {
        event.extend(more);
    }
    event
}

/// Tells the webhook function what somebody has done, and remembers it for their phone, if
/// they have one that talks to this channel.
pub(super) async fn tell(local: &Local, channel: &str, user_id: &str, event: Value) -> Result<u16, Problem> {
    let phone = local.installation.line().friend(user_id).filter(|friend| friend.channel == channel);
    if let Some(Friend { user_id, .. }) = phone {
        local.last.lock().await.insert(user_id, event.clone());
    }
    deliver(local, channel, event).await
}

/// Tells the webhook function, and gives the status it answered with.
async fn deliver(local: &Local, channel: &str, event: Value) -> Result<u16, Problem> {
    let installation = &local.installation;
    let secret = |member: &str| installation.channel_secret(channel, member).unwrap_or_default().to_owned();
    let webhook = json!({"destination": secret("bot_user_id"), "events": [event]});
    overheard::hear(installation, channel, &webhook);
    let body = webhook.to_string();
    let signed = signature::sign(&Plain::new(secret("channel_secret")), body.as_bytes());
    let request = Request::post(format!("/webhook/{channel}"))
        .header("x-line-signature", signed)
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .body(Body::from(body))
        .map_err(|_| NO_ACT)?;
    let response = local.functions.clone().oneshot(request).await;
    Ok(response.map_or(500, |response| response.status().as_u16()))
}
