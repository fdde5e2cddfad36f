//! Whoever sends a signed webhook to one machine acts as LINE. The stand-in of LINE hears
//! it, too, so that it knows the reply tokens that LINE would have given out.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use azukari::{domain::plain::Plain, line::signature};
use azukari_webhook::MAX_BODY;
use http::header;
use serde_json::Value;

use crate::installation::Installation;

/// Hears a webhook on its way to the function, which gets it unchanged.
pub(super) async fn webhooks(State(installation): State<Arc<Installation>>, request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let channel = request.uri().path().strip_prefix("/webhook/").map(str::to_owned);
    // One without a length, or too long, is the function's own affair.
    let (Some(0..=MAX_BODY), Some(channel)) = (length, channel) else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let signed = parts.headers.get("x-line-signature").and_then(|value| value.to_str().ok());
    let secret = installation.channel_secret(&channel, "channel_secret");
    if let (Some(signed), Some(secret)) = (signed, secret)
        && signature::verify(&Plain::new(secret.to_owned()), &body, signed)
        && let Ok(webhook) = serde_json::from_slice(&body)
    {
        hear(&installation, &channel, &webhook);
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// Hears a webhook that LINE itself sends.
pub(super) fn hear(installation: &Installation, channel: &str, webhook: &Value) {
    installation.line().heard(channel, webhook);
}
