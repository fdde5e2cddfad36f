//! `/walk`: the first minute in a terminal, with commands to copy.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use azukari::{
    domain::plain::Plain,
    host::{clock::Clock, problem::Problem},
    line::signature,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use crate::installation::Installation;

const STYLE: &str = include_str!("../../templates/walk.css");
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const BROKEN: Problem =
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "ページを作れませんでした。", "The page could not be made.");

#[derive(Template)]
#[template(path = "walk.html")]
struct Walk {
    base: String,
    channel: String,
    commands: Vec<Command>,
}

/// A command to copy, and what it shows.
struct Command {
    ja: &'static str,
    en: &'static str,
    text: String,
}

pub(super) fn router(installation: Arc<Installation>) -> Router {
    Router::new().route("/walk", get(walk)).route("/walk.css", get(style)).with_state(installation)
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

async fn walk(State(installation): State<Arc<Installation>>, headers: HeaderMap) -> Result<Response, Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or(super::LISTEN);
    let base = format!("http://{host}");
    let channel = installation.configuration().channels.keys().next().cloned().unwrap_or_default();
    let commands = commands(&installation, &base, &channel).ok_or(BROKEN)?;
    let page = Walk { base, channel, commands }.render().map_err(|_| BROKEN)?;
    Ok(([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response())
}

fn commands(installation: &Installation, base: &str, channel: &str) -> Option<Vec<Command>> {
    let secret = Plain::new(installation.channel_secret(channel, "channel_secret")?.to_owned());
    let body = webhook(installation, channel)?;
    let signed = signature::sign(&secret, body.as_bytes());
    let command = |ja, en, text| Command { ja, en, text };
    Some(vec![
        command(
            "LINEになったつもりで、署名つきのWebhookを送ります（友だち追加とメッセージ）。200が返れば保存は済んでいます。",
            "Be LINE: send a signed webhook, a new friend and a message. 200 means that it is stored.",
            format!(
                "curl -i {base}/webhook/{channel} \\\n  -H 'x-line-signature: {signed}' \\\n  -H 'content-type: application/json' \\\n  -d '{body}'"
            ),
        ),
        command(
            "保管庫の中を見ます。envは、この人だけの鍵で封をした本文です。purposeは利用目的、due_atは消去の期限です。",
            "Look into the vault: env is the content, sealed under this person's own key; purpose says why, due_at until when.",
            format!("curl -s '{base}/simulator/rows?table=vault' | grep -e '\"S#'"),
        ),
        command(
            "時計を31日進めます。",
            "Move the clock 31 days on.",
            format!("curl -s {base}/simulator/clock -d '{{\"advance\":\"P31D\"}}'"),
        ),
        command(
            "期限の来たものを消去します。何を消したかが返ります。",
            "Sweep: what is due is erased, and counted in the answer.",
            format!("curl -s {base}/simulator/sweep -d '{{\"dry_run\":false}}'"),
        ),
        command(
            "もう一度、保管庫の中と、消去の記録を見ます。この人の行は0、記録には鍵を壊した時刻があります。",
            "Look again, and at the erasure list: 0 rows are left, and the key was destroyed.",
            format!(
                "curl -s '{base}/simulator/rows?table=vault' | grep -c -e '\"S#'; curl -s '{base}/simulator/rows?table=audit'"
            ),
        ),
        command("時計を戻します。", "Set the clock back.", format!("curl -s -X DELETE {base}/simulator/clock")),
    ])
}

/// A webhook of a person who never was here: fresh ids, the time of the installation.
fn webhook(installation: &Installation, channel: &str) -> Option<String> {
    let destination = installation.channel_secret(channel, "bot_user_id")?;
    let ctx = installation.ctx();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let user = format!("U{}", hex(&ctx.mint().bytes::<16>()));
    let id = || hex(&ctx.mint().bytes::<13>()).to_uppercase();
    let message = u64::from_be_bytes(ctx.mint().bytes::<8>()) >> 8;
    let now = installation.clock().now().get();
    let event = |kind: &str| {
        json!({
            "type": kind, "mode": "active", "timestamp": now, "webhookEventId": id(),
            "deliveryContext": {"isRedelivery": false}, "source": {"type": "user", "userId": user}
        })
    };
    let mut follow = event("follow");
    follow["follow"] = json!({"isUnblocked": false});
    follow["replyToken"] = json!(hex(&ctx.mint().bytes::<16>()));
    let mut text = event("message");
    text["message"] =
        json!({"id": message.to_string(), "type": "text", "text": "来週の土曜、体験レッスンを予約できますか？"});
    Some(json!({ "destination": destination, "events": [follow, text] }).to_string())
}
