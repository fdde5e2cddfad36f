//! The calls we make to LINE. They go over the HTTP client that the AWS SDK brings,
//! so that a function carries one TLS stack.

use std::time::Duration;

use aws_smithy_runtime_api::{
    client::http::{HttpConnector, SharedHttpConnector},
    http::{Request, StatusCode},
};
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;

use crate::domain::{id::LineUserId, plain::Plain};
use crate::line::message::Field;

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

    async fn get(&self, url: &str, access_token: &Plain<String>) -> Result<(StatusCode, bytes::Bytes), LineError> {
        let mut request = Request::new(SdkBody::empty());
        request.set_uri(url).map_err(|_| LineError::NotReached)?;
        let authorization = format!("Bearer {}", access_token.reveal());
        request.headers_mut().try_insert("authorization", authorization).map_err(|_| LineError::NotReached)?;
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
