//! `/simulator/…`: what outside tools may rely on in local mode. Nothing of it
//! exists in the cloud.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use azukari::{
    domain::time::UnixMs,
    host::{clock::Clock, problem::Problem},
    store::tables::Table,
};
use azukari_webhook::Webhook;
use http::{StatusCode, header};
use jiff::{Span, Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::installation::Installation;

const NO_TABLE: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "tableにはvault、keys、auditのどれかを指定してください。",
    "table must be vault, keys or audit.",
);
const NO_DURATION: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "{\"advance\":\"P31D\"} のように、ISO 8601の期間を送ってください（1970年から9998年まで）。",
    "Send {\"advance\":\"P31D\"}: an ISO 8601 duration that stays between 1970 and 9998.",
);
const NOT_JSON: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "{\"dry_run\":false} のようなJSONを送ってください。",
    "Send JSON such as {\"dry_run\":false}.",
);
const NOT_SWEPT: Problem = Problem::new(
    StatusCode::INTERNAL_SERVER_ERROR,
    "消去を始められませんでした。ログを見てください。",
    "The sweep could not begin. See the log.",
);

/// What the simulator's routes work with.
#[derive(Clone)]
pub(super) struct Local {
    pub(super) installation: Arc<Installation>,
    pub(super) webhook: Arc<Webhook>,
}

pub(super) fn router(local: Local) -> Router {
    Router::new()
        .route("/simulator/metrics", get(metrics))
        .route("/simulator/rows", get(rows))
        .route("/simulator/clock", post(advance).delete(reset))
        .route("/simulator/sweep", post(sweep))
        .with_state(local)
}

async fn metrics(State(local): State<Local>) -> Json<Value> {
    let calls = local.installation.wires().totals().into_iter().map(|((role, service, operation), n)| {
        json!({
            "role": role.map_or("none", azukari::host::roles::Role::as_str),
            "service": format!("{service:?}"),
            // Paths of calls to LINE hold user ids: only the operation's verb is shown.
            "operation": operation.split(' ').next().unwrap_or_default(),
            "calls": n,
        })
    });
    let calls: Vec<Value> = calls.collect();
    Json(json!({ "counters": local.installation.metrics().snapshot(), "calls": calls }))
}

#[derive(Deserialize)]
struct Which {
    table: Option<String>,
}

async fn rows(State(local): State<Local>, Query(which): Query<Which>) -> Result<Response, Problem> {
    let table = which.table.as_deref();
    let table = Table::ALL.into_iter().find(|known| Some(known.as_str()) == table).ok_or(NO_TABLE)?;
    let rows = tokio::task::spawn_blocking(move || local.installation.rows(table)).await.unwrap_or_default();
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    Ok(([(header::CONTENT_TYPE, "application/jsonl; charset=utf-8")], lines).into_response())
}

async fn advance(State(local): State<Local>, body: Bytes) -> Result<Json<Value>, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Advance {
        advance: Span,
    }
    let wanted: Advance = serde_json::from_slice(&body).map_err(|_| NO_DURATION)?;
    let now = local.installation.clock().now();
    let then = Timestamp::from_millisecond(now.get())
        .and_then(|at| at.to_zoned(TimeZone::UTC).checked_add(wanted.advance))
        .map_err(|_| NO_DURATION)?
        .timestamp()
        .as_millisecond();
    if UnixMs::new(then).get() != then {
        return Err(NO_DURATION);
    }
    local.installation.clock().advance(then - now.get());
    local.webhook.forget();
    Ok(now_json(&local.installation))
}

async fn reset(State(local): State<Local>) -> Json<Value> {
    local.installation.clock().reset();
    local.webhook.forget();
    now_json(&local.installation)
}

fn now_json(installation: &Installation) -> Json<Value> {
    Json(json!({ "now": installation.clock().now().to_string() }))
}

async fn sweep(State(local): State<Local>, body: Bytes) -> Result<Json<Value>, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sweep {
        #[serde(default)]
        dry_run: bool,
    }
    let wanted = if body.is_empty() { Ok(Sweep { dry_run: false }) } else { serde_json::from_slice(&body) };
    let wanted = wanted.map_err(|_| NOT_JSON)?;
    let report = local.installation.sweep_now(wanted.dry_run).await.map_err(|error| {
        tracing::error!(%error, "the sweep could not begin");
        NOT_SWEPT
    })?;
    Ok(Json(serde_json::to_value(report).unwrap_or_default()))
}
