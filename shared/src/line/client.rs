//! The calls we make to LINE. They go over the HTTP client that the AWS SDK brings,
//! so that a function carries one TLS stack.

use std::time::Duration;

use aws_smithy_runtime_api::{
    client::http::{HttpConnector, SharedHttpConnector},
    http::{Request, StatusCode},
};
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::{id::LineUserId, plain::Plain};
use crate::line::{event::ReplyToken, message::Field, outgoing::OutgoingMessage};

/// LINE's own address.
pub const LINE_API: &str = "https://api.line.me";

/// The largest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// A client for one LINE API address.
#[derive(Debug, Clone)]
pub struct LineClient {
    http: SharedHttpConnector,
    base: String,
}

/// A call to LINE that brought nothing. It carries no text of LINE's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Not reached, or no answer in time.
    #[error("LINE was not reached in time")]
    NotReached,
    /// An answer that says no.
    #[error("LINE answered {0}")]
    Status(u16),
    /// An answer that cannot be read.
    #[error("LINE's answer cannot be read")]
    Answer,
}

/// What LINE tells of a user (`UserProfileResponse`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    display_name: Plain<String>,
    picture_url: Option<Plain<String>>,
    status_message: Option<Plain<String>>,
    language: Option<Plain<String>>,
}

impl Profile {
    /// The fields to be sealed.
    pub fn fields(&self) -> Vec<Field> {
        let optional = [
            ("picture_url", &self.picture_url),
            ("status_message", &self.status_message),
            ("language", &self.language),
        ];
        let optional = optional.into_iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
        std::iter::once(("display_name", &self.display_name))
            .chain(optional)
            .map(|(name, value)| (name, Plain::text(value.reveal())))
            .collect()
    }
}

impl LineClient {
    /// A client that calls `base` through `http`.
    pub fn new(http: SharedHttpConnector, base: impl Into<String>) -> Self {
        Self { http, base: base.into() }
    }

    /// Reads a user's profile (`GET /v2/bot/profile/{userId}`). `None` if LINE does
    /// not show it: no such user, no friend, blocked (PLATFORM.md §5.3).
    ///
    /// # Errors
    /// See [`LineError`]. There is one attempt: a missing profile is fetched at the
    /// next event.
    pub async fn profile(
        &self,
        access_token: &Plain<String>,
        user: &LineUserId,
        within: Duration,
    ) -> Result<Option<Profile>, LineError> {
        if !has_documented_form(user.reveal()) {
            return Ok(None);
        }
        let url = format!("{}/v2/bot/profile/{}", self.base, user.reveal());
        let call = async {
            let (status, body) = self.get(&url, access_token).await?;
            match status.as_u16() {
                200 => serde_json::from_slice(&body).map(Some).map_err(|_| LineError::Answer),
                404 => Ok(None),
                other => Err(LineError::Status(other)),
            }
        };
        tokio::time::timeout(within, call).await.unwrap_or(Err(LineError::NotReached))
    }

    /// Replies to an event (`POST /v2/bot/message/reply`): free of charge, once. At most
    /// five messages.
    ///
    /// # Errors
    /// See [`LineError`]. `Status(400)`: the token was used, or is too old.
    pub async fn reply(
        &self,
        access_token: &Plain<String>,
        token: &ReplyToken,
        messages: &[OutgoingMessage],
        within: Duration,
    ) -> Result<(), LineError> {
        let messages: Vec<Value> = messages.iter().map(OutgoingMessage::to_json).collect();
        let body = json!({"replyToken": token.0.reveal(), "messages": messages});
        self.post("reply", access_token, &body, None, within).await
    }

    /// Sends somebody messages (`POST /v2/bot/message/push`): they count as one of the
    /// channel's monthly messages. The same retry key sends once within 24 hours.
    ///
    /// # Errors
    /// See [`LineError`].
    pub async fn push(
        &self,
        access_token: &Plain<String>,
        user: &LineUserId,
        retry_key: &str,
        messages: &[OutgoingMessage],
        within: Duration,
    ) -> Result<(), LineError> {
        let messages: Vec<Value> = messages.iter().map(OutgoingMessage::to_json).collect();
        let body = json!({"to": user.reveal(), "messages": messages});
        match self.post("push", access_token, &body, Some(retry_key), within).await {
            // Accepted before, under the same retry key (PLATFORM.md §5.2).
            Err(LineError::Status(409)) => Ok(()),
            result => result,
        }
    }

    async fn post(
        &self,
        call: &str,
        access_token: &Plain<String>,
        body: &Value,
        retry_key: Option<&str>,
        within: Duration,
    ) -> Result<(), LineError> {
        let mut request = Request::new(SdkBody::from(body.to_string()));
        request.set_method("POST").map_err(|_| LineError::NotReached)?;
        request.headers_mut().insert("content-type", "application/json");
        if let Some(key) = retry_key {
            request.headers_mut().try_insert("x-line-retry-key", key.to_owned()).map_err(|_| LineError::NotReached)?;
        }
        let url = format!("{}/v2/bot/message/{call}", self.base);
        let sending = self.send(request, &url, access_token);
        let (status, _) = tokio::time::timeout(within, sending).await.unwrap_or(Err(LineError::NotReached))?;
        if status.is_success() { Ok(()) } else { Err(LineError::Status(status.as_u16())) }
    }

    /// The keys that verify ID tokens (`GET /oauth2/v2.1/certs`, PLATFORM.md §3.3).
    ///
    /// # Errors
    /// See [`LineError`].
    pub async fn certs(&self, within: Duration) -> Result<JwkSet, LineError> {
        let url = format!("{}/oauth2/v2.1/certs", self.base);
        let call = async {
            let (status, body) = self.call(Request::new(SdkBody::empty()), &url).await?;
            match status.as_u16() {
                200 => serde_json::from_slice(&body).map_err(|_| LineError::Answer),
                other => Err(LineError::Status(other)),
            }
        };
        tokio::time::timeout(within, call).await.unwrap_or(Err(LineError::NotReached))
    }

    async fn get(&self, url: &str, access_token: &Plain<String>) -> Result<(StatusCode, bytes::Bytes), LineError> {
        self.send(Request::new(SdkBody::empty()), url, access_token).await
    }

    async fn send(
        &self,
        mut request: Request,
        url: &str,
        access_token: &Plain<String>,
    ) -> Result<(StatusCode, bytes::Bytes), LineError> {
        let authorization = format!("Bearer {}", access_token.reveal());
        request.headers_mut().try_insert("authorization", authorization).map_err(|_| LineError::NotReached)?;
        self.call(request, url).await
    }

    async fn call(&self, mut request: Request, url: &str) -> Result<(StatusCode, bytes::Bytes), LineError> {
        request.set_uri(url).map_err(|_| LineError::NotReached)?;
        let answer = self.http.call(request).await.map_err(|_| LineError::NotReached)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(|_| LineError::Answer)?;
        Ok((status, body.to_bytes()))
    }
}

/// `U` and 32 hexadecimal digits: nothing else may become part of a path.
fn has_documented_form(user: &str) -> bool {
    user.strip_prefix('U').is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}
