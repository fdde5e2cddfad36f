//! The one operation: a webhook comes in.

use std::sync::Arc;

use axum::extract::{
    Path, State,
    rejection::{BytesRejection, PathRejection},
};
use azukari::{
    domain::{id::ChannelName, plain::Plain},
    host::problem::Problem,
    line::{
        event::{self, Event},
        signature,
    },
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::{Webhook, arrival::Arrival, intake, linking};

const UNKNOWN_CHANNEL: Problem =
    Problem::new(StatusCode::NOT_FOUND, "このチャネルは登録されていません。", "There is no such channel.");
const TOO_LARGE: Problem =
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "本文が大きすぎます（上限1 MiB）。", "The body is larger than 1 MiB.");
const NOT_READ: Problem =
    Problem::new(StatusCode::BAD_REQUEST, "本文を受信できませんでした。", "The body could not be received.");
const NOT_SIGNED: Problem = Problem::new(
    StatusCode::UNAUTHORIZED,
    "署名（x-line-signature）がないか、本文と一致しません。",
    "The signature (x-line-signature) is missing or does not belong to the body.",
);
const NOT_A_WEBHOOK: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "本文がLINEのWebhookの形式ではありません（destinationとeventsが必要です）。",
    "The body is not a LINE webhook: a JSON object with destination and events.",
);
const OTHER_DESTINATION: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "destinationがこのチャネルのボットではありません。",
    "The destination is not the bot of this channel.",
);
const NOT_STORED: Problem = Problem::new(
    StatusCode::INTERNAL_SERVER_ERROR,
    "保存できなかったイベントがあります。再送してください。",
    "Not every event could be stored. Please deliver again.",
);

/// Takes a webhook. `200` means that every event is stored, or counted as one that
/// never can be; on `500` LINE may deliver again, and nothing is stored twice.
pub(crate) async fn receive(
    State(webhook): State<Arc<Webhook>>,
    channel: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let result = match &channel {
        Ok(Path(channel)) => accept(&webhook, channel, &headers, body).await,
        Err(_) => Err(UNKNOWN_CHANNEL),
    };
    let status = result.as_ref().map_or_else(|problem| problem.status, |()| StatusCode::OK);
    webhook.intake.ctx.metrics().count("webhook_answer", answer_word(status));
    result.map(|()| StatusCode::OK)
}

async fn accept(
    webhook: &Webhook,
    channel: &str,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(), Problem> {
    let (name, secrets) = ChannelName::parse(channel)
        .ok()
        .and_then(|name| webhook.channel_secrets.get_key_value(&name))
        .ok_or(UNKNOWN_CHANNEL)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => TOO_LARGE,
        _ => NOT_READ,
    })?;
    let signed = headers
        .get("x-line-signature")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| signature::verify(&secrets.channel_secret, &body, value));
    if !signed {
        return Err(NOT_SIGNED);
    }
    let received: event::Webhook = serde_json::from_slice(&body).map_err(|_| NOT_A_WEBHOOK)?;
    drop(body);
    if received.destination != secrets.bot_user_id {
        return Err(OTHER_DESTINATION);
    }
    let (personal, failed_links) = personal_events(webhook, &received);
    linking::void(webhook, name, &failed_links).await.map_err(|error| {
        tracing::error!(event = "failed_link_not_voided", %error, channel = %name, "a failed link could not be voided");
        NOT_STORED
    })?;
    intake::take(webhook, name, &secrets.access_token, personal).await.map_err(|_| NOT_STORED)
}

/// Reads the events one by one and sends them past the guard; counts those that hold
/// nothing to store, and those that never can be stored. The nonces of links that failed
/// are nobody's.
fn personal_events(webhook: &Webhook, received: &event::Webhook) -> (Vec<Arrival>, Vec<Plain<String>>) {
    let metrics = webhook.intake.ctx.metrics();
    let mut personal = Vec::with_capacity(received.events.len());
    let mut failed_links = Vec::new();
    for event in &received.events {
        match event::read_raw(event) {
            Ok(Event::Personal(event)) => {
                metrics.count("webhook_event", event.act.as_str());
                let arrival = Arrival::new(*event);
                for found in &arrival.found {
                    metrics.count("guard", found.as_str());
                }
                if intake::fits(&arrival.event.act) {
                    personal.push(arrival);
                } else {
                    metrics.count("webhook_permanent_fault", "too_large");
                    tracing::error!(event = "event_too_large", "an event is too large to be stored");
                }
            }
            Ok(Event::LinkFailed(nonce)) => {
                metrics.count("webhook_event", "account_link");
                failed_links.push(nonce);
            }
            Ok(Event::Other(other)) => metrics.count("webhook_event", other.as_str()),
            Err(missing) => {
                metrics.count("webhook_permanent_fault", "malformed");
                tracing::error!(
                    event = "event_malformed",
                    member = missing.0,
                    "an event lacks a member and cannot be stored"
                );
            }
        }
    }
    (personal, failed_links)
}

fn answer_word(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200 => "200",
        400 => "400",
        401 => "401",
        404 => "404",
        413 => "413",
        _ => "500",
    }
}
