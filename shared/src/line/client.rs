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

/// The code of a sign-in, with what proves that it is ours.
pub struct Exchange<'a> {
    /// The code.
    pub code: &'a str,
    /// Where LINE sent it.
    pub redirect_uri: &'a str,
    /// The login channel.
    pub client_id: &'a str,
    /// Its secret.
    pub client_secret: &'a Plain<String>,
    /// Proof Key for Code Exchange (RFC 7636).
    pub verifier: &'a str,
}

/// What LINE gives for a code.
#[derive(Debug, Deserialize)]
pub struct Tokens {
    /// For calls in the name of the user.
    pub access_token: Plain<String>,
    /// Who they are.
    pub id_token: Option<Plain<String>>,
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

    /// A link token for a user (`POST /v2/bot/user/{userId}/linkToken`, PLATFORM.md §2):
    /// good for ten minutes and one use.
    ///
    /// # Errors
    /// See [`LineError`].
    pub async fn link_token(
        &self,
        access_token: &Plain<String>,
        user: &LineUserId,
        within: Duration,
    ) -> Result<Plain<String>, LineError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Issued {
            link_token: Plain<String>,
        }
        if !has_documented_form(user.reveal()) {
            return Err(LineError::Status(400));
        }
        let url = format!("{}/v2/bot/user/{}/linkToken", self.base, user.reveal());
        let body = self.ok(self.send(posted(None)?, &url, access_token), within).await?;
        serde_json::from_slice::<Issued>(&body).map(|issued| issued.link_token).map_err(|_| LineError::Answer)
    }

    /// Shows a user a rich menu of their own (`POST /v2/bot/user/{userId}/richmenu/{id}`), or
    /// takes it away (`DELETE /v2/bot/user/{userId}/richmenu`; PLATFORM.md §5.5).
    ///
    /// # Errors
    /// See [`LineError`].
    pub async fn rich_menu(
        &self,
        access_token: &Plain<String>,
        user: &LineUserId,
        menu: Option<&str>,
        within: Duration,
    ) -> Result<(), LineError> {
        if !has_documented_form(user.reveal()) {
            return Err(LineError::Status(400));
        }
        let own = format!("{}/v2/bot/user/{}/richmenu", self.base, user.reveal());
        let (method, url) = match menu {
            Some(menu) => ("POST", format!("{own}/{menu}")),
            None => ("DELETE", own),
        };
        let mut request = Request::new(SdkBody::empty());
        request.set_method(method).map_err(|_| LineError::NotReached)?;
        self.ok(self.send(request, &url, access_token), within).await.map(drop)
    }

    /// Exchanges the code of a sign-in for tokens (`POST /oauth2/v2.1/token`, PLATFORM.md
    /// §3.2).
    ///
    /// # Errors
    /// See [`LineError`]. `Status(400)`: the code was used, is too old, or is another's.
    pub async fn exchange(&self, code: &Exchange<'_>, within: Duration) -> Result<Tokens, LineError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code.code)
            .append_pair("redirect_uri", code.redirect_uri)
            .append_pair("client_id", code.client_id)
            .append_pair("client_secret", code.client_secret.reveal())
            .append_pair("code_verifier", code.verifier)
            .finish();
        let url = format!("{}/oauth2/v2.1/token", self.base);
        let body = self.ok(self.call(posted(Some(body))?, &url), within).await?;
        serde_json::from_slice(&body).map_err(|_| LineError::Answer)
    }

    /// Ends a user's tokens (`POST /oauth2/v2.1/revoke`, PLATFORM.md §3.2): what they have
    /// allowed stays allowed.
    ///
    /// # Errors
    /// See [`LineError`].
    pub async fn revoke(
        &self,
        client_id: &str,
        client_secret: &Plain<String>,
        user_access_token: &Plain<String>,
        within: Duration,
    ) -> Result<(), LineError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("access_token", user_access_token.reveal())
            .append_pair("client_id", client_id)
            .append_pair("client_secret", client_secret.reveal())
            .finish();
        let url = format!("{}/oauth2/v2.1/revoke", self.base);
        self.ok(self.call(posted(Some(body))?, &url), within).await.map(drop)
    }

    /// Ends what a user has allowed the login channel (`POST /user/v1/deauthorize`,
    /// PLATFORM.md §3.2, §6.2): two calls, the first for a token of the channel that lives a
    /// quarter of an hour (`POST /oauth2/v3/token`).
    ///
    /// # Errors
    /// See [`LineError`].
    pub async fn deauthorize(
        &self,
        client_id: &str,
        client_secret: &Plain<String>,
        user_access_token: &Plain<String>,
        within: Duration,
    ) -> Result<(), LineError> {
        #[derive(Deserialize)]
        struct Issued {
            access_token: Plain<String>,
        }
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", client_id)
            .append_pair("client_secret", client_secret.reveal())
            .finish();
        let url = format!("{}/oauth2/v3/token", self.base);
        let issued = self.ok(self.call(posted(Some(body))?, &url), within).await?;
        let issued: Issued = serde_json::from_slice(&issued).map_err(|_| LineError::Answer)?;
        let mut request = posted(None)?;
        request.headers_mut().insert("content-type", "application/json");
        *request.body_mut() = SdkBody::from(json!({"userAccessToken": user_access_token.reveal()}).to_string());
        let url = format!("{}/user/v1/deauthorize", self.base);
        self.ok(self.send(request, &url, &issued.access_token), within).await.map(drop)
    }

    /// Waits for an answer that says yes.
    async fn ok(
        &self,
        sending: impl Future<Output = Result<(StatusCode, bytes::Bytes), LineError>>,
        within: Duration,
    ) -> Result<bytes::Bytes, LineError> {
        let (status, body) = tokio::time::timeout(within, sending).await.unwrap_or(Err(LineError::NotReached))?;
        if status.is_success() { Ok(body) } else { Err(LineError::Status(status.as_u16())) }
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

/// A retry key (`X-Line-Retry-Key`) from at least 32 hexadecimal digits: a UUID of our own
/// making (RFC 9562, version 8), of which six bits are given. The same digits make the same
/// key, so that what is sent again is sent once.
pub fn retry_key(digits: &str) -> String {
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// A request to be posted: a form, or nothing.
fn posted(form: Option<String>) -> Result<Request, LineError> {
    let mut request = Request::new(form.as_deref().map_or_else(SdkBody::empty, SdkBody::from));
    request.set_method("POST").map_err(|_| LineError::NotReached)?;
    if form.is_some() {
        request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
    }
    Ok(request)
}

/// `U` and 32 hexadecimal digits: nothing else may become part of a path.
fn has_documented_form(user: &str) -> bool {
    user.strip_prefix('U').is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_retry_key_is_a_uuid() {
        let key = super::retry_key(&"0123456789abcdef".repeat(4));
        assert_eq!(key, "01234567-89ab-8def-8123-456789abcdef");
    }
}
