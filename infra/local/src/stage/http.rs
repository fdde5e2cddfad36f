//! Calls that are not AWS': one request, one answer, and what the answer says the time is.

use std::time::Duration;

use aws_smithy_runtime_api::{
    client::http::{HttpConnector, SharedHttpConnector},
    http::Request,
};
use aws_smithy_types::body::SdkBody;
use azukari::domain::{plain::Plain, time::UnixMs};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

/// The largest answer that is read.
const MAX_ANSWER: usize = 1024 * 1024;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
pub(super) struct Answer {
    /// Its status.
    pub(super) status: u16,
    /// Its body, if it is JSON.
    pub(super) body: Value,
    /// What time it was at the other end, to the second.
    pub(super) date: Option<UnixMs>,
}

/// What is sent.
pub(super) enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// A form, encoded.
    Form(String),
}

/// Not reached, or no answer in time.
pub(super) struct NotReached;

/// Calls an address.
pub(super) async fn call(
    http: &SharedHttpConnector,
    method: &str,
    url: &str,
    bearer: Option<&Plain<String>>,
    body: Body,
) -> Result<Answer, NotReached> {
    let (kind, body) = match body {
        Body::Empty => (None, SdkBody::empty()),
        Body::Json(body) => (Some("application/json"), SdkBody::from(body.to_string())),
        Body::Form(body) => (Some("application/x-www-form-urlencoded"), SdkBody::from(body)),
    };
    let mut request = Request::new(body);
    request.set_method(method).map_err(|_| NotReached)?;
    request.set_uri(url).map_err(|_| NotReached)?;
    if let Some(kind) = kind {
        request.headers_mut().insert("content-type", kind);
    }
    if let Some(token) = bearer {
        let authorization = format!("Bearer {}", token.reveal());
        request.headers_mut().try_insert("authorization", authorization).map_err(|_| NotReached)?;
    }
    let answering = async {
        let answer = http.call(request).await.map_err(|_| NotReached)?;
        let status = answer.status().as_u16();
        let date = answer.headers().get("date").and_then(date);
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(|_| NotReached)?;
        Ok(Answer { status, body: serde_json::from_slice(&body.to_bytes()).unwrap_or_default(), date })
    };
    tokio::time::timeout(PATIENCE, answering).await.unwrap_or(Err(NotReached))
}

/// An HTTP date (RFC 9110 §5.6.7).
fn date(text: &str) -> Option<UnixMs> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(UnixMs::new(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer() {
        assert_eq!(date("Sat, 21 Nov 2026 03:00:00 GMT"), Some(UnixMs::new(1_795_230_000_000)));
        assert_eq!(date("noon"), None);
    }
}
