//! `/simulator/…`: what outside tools may rely on in local mode. Nothing of it
//! exists in the cloud.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use azukari::{
    domain::{access::Refusal, plain::Plain, time::UnixMs},
    host::{clock::Clock, problem::Problem},
    store::tables::Table,
};
use azukari_form::Form;
use azukari_link::Link;
use azukari_opener::{Answer, Opener, Status};
use azukari_webhook::Webhook;
use http::{StatusCode, header};
use jiff::{Span, Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::installation::{AUDIENCE, Installation};

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
const NO_OPENING: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "{\"user_id\":\"U…\",\"fields\":[\"*\"],\"purpose\":\"…\",\"reason\":\"…\"} のようなJSONを送ってください。",
    "Send JSON such as {\"user_id\":\"U…\",\"fields\":[\"*\"],\"purpose\":\"…\",\"reason\":\"…\"}.",
);
const NOTHING_HELD: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "お預かりしているものはありません（未登録・期限切れ・消去済み、またはその目的では保管していません）。",
    "Nothing is held: not known, due, erased, or not held for that purpose.",
);
const RESTRICTED: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "消去の手続き中か、利用停止中のため、開封できません。",
    "The person is being erased, or has asked to stop the use: opening is stopped.",
);
const REFUSED: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "ご本人が同意していないため、開封できません。",
    "The person has not agreed: nothing may be opened.",
);
const WITHDRAWN: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "この目的への同意は撤回されているため、開封できません。",
    "The consent for this purpose was withdrawn: nothing may be opened.",
);
const NOT_OPENED: Problem = Problem::new(
    StatusCode::INTERNAL_SERVER_ERROR,
    "開封できませんでした。ログを見てください。",
    "It could not be opened. See the log.",
);
const NOT_MOVED: Problem = Problem::new(
    StatusCode::INTERNAL_SERVER_ERROR,
    "時計は戻しましたが、掃除の位置を戻せませんでした。掃除を一度してください。",
    "The clock was set back, but not the place of the sweep. Sweep once.",
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
    pub(super) form: Arc<Form>,
    pub(super) link: Arc<Link>,
    pub(super) opener: Arc<Opener>,
    /// The functions' own routes, as LINE reaches them.
    pub(super) functions: Router,
    /// The last event of each phone, to be delivered again.
    pub(super) last: Arc<tokio::sync::Mutex<HashMap<String, Value>>>,
}

impl Local {
    /// What the functions remember was read at another time.
    fn forget(&self) {
        self.webhook.forget();
        self.form.forget();
        self.link.forget();
    }
}

pub(super) fn router(local: Local) -> Router {
    Router::new()
        .route("/simulator/metrics", get(metrics))
        .route("/simulator/rows", get(rows))
        .route("/simulator/clock", get(clock).post(advance).delete(reset))
        .route("/simulator/sweep", post(sweep))
        .route("/simulator/open", post(open))
        .route("/simulator/opener", post(invoke))
        .with_state(local)
}

async fn metrics(State(local): State<Local>) -> Json<Value> {
    let calls = calls(&local.installation);
    Json(json!({ "counters": local.installation.metrics().snapshot(), "calls": calls }))
}

/// The calls so far, by role, service and operation.
pub(super) fn calls(installation: &Installation) -> Vec<Value> {
    let calls = installation.wires().totals().into_iter().map(|((role, service, operation), n)| {
        json!({
            "role": role.map_or("none", azukari::host::roles::Role::as_str),
            "service": format!("{service:?}"),
            // Paths of calls to LINE hold user ids: only the operation's verb is shown.
            "operation": operation.split(' ').next().unwrap_or_default(),
            "calls": n,
        })
    });
    calls.collect()
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
    local.forget();
    if then < now.get() {
        local.installation.clock_went_back().await.map_err(|_| NOT_MOVED)?;
    }
    Ok(now_json(&local.installation))
}

async fn clock(State(local): State<Local>) -> Json<Value> {
    let now = local.installation.clock().now();
    Json(json!({ "now": now.to_string(), "now_ms": now }))
}

async fn reset(State(local): State<Local>) -> Result<Json<Value>, Problem> {
    local.installation.clock().reset();
    local.forget();
    local.installation.clock_went_back().await.map_err(|_| NOT_MOVED)?;
    Ok(now_json(&local.installation))
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
        tracing::error!(event = "sweep_not_begun", %error, "the sweep could not begin");
        NOT_SWEPT
    })?;
    Ok(Json(serde_json::to_value(report).unwrap_or_default()))
}

/// Opens as the operator of this machine: the request is signed and goes the way of
/// every other. A LINE user may be known in several channels; without `channel` all of
/// them are asked for.
async fn open(State(local): State<Local>, body: Bytes) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Open {
        user_id: Plain<String>,
        channel: Option<String>,
        #[serde(default)]
        fields: Vec<String>,
        purpose: Option<String>,
        #[serde(default)]
        reason: Plain<String>,
    }
    let wanted: Open = serde_json::from_slice(&body).map_err(|_| NO_OPENING)?;
    let channels = match wanted.channel {
        Some(channel) => vec![channel],
        None => local.installation.configuration().channels.keys().cloned().collect(),
    };
    let people: Vec<Value> =
        channels.iter().map(|channel| json!({"user_id": wanted.user_id.reveal(), "channel": channel})).collect();
    let mut request =
        json!({"act": "open", "people": people, "fields": wanted.fields, "reason": wanted.reason.reveal()});
    if let Some(purpose) = wanted.purpose {
        request["purpose"] = json!(purpose);
    }
    let now = local.installation.clock().now();
    let assertion = local.installation.local_operator().assertion(AUDIENCE, now, &request).map_err(|_| NOT_OPENED)?;
    let people = match local.opener.invoke(&json!({ "assertion": assertion })).await {
        Answer::Opened { people } => people,
        Answer::Problem { error } => return Ok(refusal(&error)),
        Answer::Listed { .. }
        | Answer::Requests { .. }
        | Answer::Counted { .. }
        | Answer::Erasing { .. }
        | Answer::ClosedRequest { .. }
        | Answer::Ledger(_) => return Err(NOT_OPENED),
    };
    if people.iter().any(|person| person.status == Status::Opened) {
        let bad: Vec<_> = people.iter().flat_map(|person| &person.bad).collect();
        let withheld: Vec<_> = people.iter().flat_map(|person| &person.withheld).collect();
        let more = people.iter().any(|person| person.more.is_some());
        let records: Vec<_> = people.iter().flat_map(|person| &person.records).collect();
        let consents: Vec<_> = people.iter().flat_map(|person| &person.consents).collect();
        let notices: std::collections::BTreeMap<_, _> = people.iter().flat_map(|person| &person.notices).collect();
        let body = json!({
            "records": records, "consents": consents, "notices": notices, "withheld": withheld, "bad": bad, "more": more,
        });
        return Ok(Json(body).into_response());
    }
    let mut statuses = people.iter().map(|person| person.status);
    Err(match statuses.find(|status| *status != Status::NotFound) {
        Some(Status::Refused(Refusal::Restricted)) => RESTRICTED,
        Some(Status::Refused(Refusal::Refused)) => REFUSED,
        Some(Status::Refused(Refusal::Withdrawn)) => WITHDRAWN,
        Some(Status::Failed(_)) => NOT_OPENED,
        Some(Status::Opened | Status::NotFound) | None => NOTHING_HELD,
    })
}

/// A refusal of the opener, as an HTTP answer.
fn refusal(error: &azukari_opener::Problem) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({
        "type": "about:blank",
        "status": status.as_u16(),
        "title": error.ja.join(" "),
        "detail": error.en.join(" "),
        "code": error.code,
    });
    let headers =
        [(header::CONTENT_TYPE, "application/problem+json; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

/// The private invocation of the opener, as Lambda's Invoke is in the cloud: for the
/// command line.
async fn invoke(State(local): State<Local>, body: Bytes) -> Result<Json<Answer>, Problem> {
    let payload: Value = serde_json::from_slice(&body).map_err(|_| NOT_JSON)?;
    Ok(Json(local.opener.invoke(&payload).await))
}
