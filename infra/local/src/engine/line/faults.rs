//! Error answers of LINE that can be switched on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An endpoint that the functions call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /v2/bot/message/reply`.
    Reply,
    /// `POST /v2/bot/message/push`.
    Push,
    /// `GET /v2/bot/profile/{userId}`.
    Profile,
    /// `POST /oauth2/v2.1/token` and `POST /oauth2/v3/token`.
    Token,
    /// `POST /v2/bot/user/{userId}/linkToken`.
    LinkToken,
    /// `POST /user/v1/deauthorize`.
    Deauthorize,
    /// `POST /v2/bot/user/{userId}/richmenu/{richMenuId}`, and `GET` and `DELETE` of
    /// `/v2/bot/user/{userId}/richmenu`.
    RichMenu,
}

/// Method, path and query of an operation.
pub(super) fn parts(operation: &str) -> (&str, &str, &str) {
    let (method, address) = operation.split_once(' ').unwrap_or((operation, ""));
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    (method, path, query)
}

/// The endpoint of a method and path.
pub(super) fn endpoint(operation: &str) -> Option<Endpoint> {
    let (method, path, _) = parts(operation);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (method, segments.as_slice()) {
        ("POST", ["v2", "bot", "message", "reply"]) => Some(Endpoint::Reply),
        ("POST", ["v2", "bot", "message", "push"]) => Some(Endpoint::Push),
        ("GET", ["v2", "bot", "profile", _]) => Some(Endpoint::Profile),
        ("POST", ["oauth2", "v2.1" | "v3", "token"]) => Some(Endpoint::Token),
        ("POST", ["v2", "bot", "user", _, "linkToken"]) => Some(Endpoint::LinkToken),
        ("POST", ["user", "v1", "deauthorize"]) => Some(Endpoint::Deauthorize),
        ("POST", ["v2", "bot", "user", _, "richmenu", _]) => Some(Endpoint::RichMenu),
        ("GET" | "DELETE", ["v2", "bot", "user", _, "richmenu"]) => Some(Endpoint::RichMenu),
        _ => None,
    }
}

/// How an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Answer {
    /// As it should.
    #[default]
    #[serde(rename = "ok")]
    Ok,
    /// The request is not valid.
    #[serde(rename = "400")]
    BadRequest,
    /// The access token is not valid.
    #[serde(rename = "401")]
    Unauthorized,
    /// No such user, or blocked.
    #[serde(rename = "404")]
    NotFound,
    /// The retry key was accepted before.
    #[serde(rename = "409")]
    Conflict,
    /// Too many requests, or the monthly limit.
    #[serde(rename = "429")]
    TooManyRequests,
    /// LINE's own error.
    #[serde(rename = "500")]
    InternalError,
    /// No answer within any time that a webhook has.
    #[serde(rename = "timeout")]
    Timeout,
}

impl Answer {
    fn is_ok(&self) -> bool {
        *self == Self::Ok
    }
}

/// How late an answer is that is too late: longer than the functions wait.
pub(super) const LATE: Duration = Duration::from_secs(3);

/// How each endpoint answers. Those of linking are named only if they do not answer as
/// they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Replies.
    pub reply: Answer,
    /// Pushes.
    pub push: Answer,
    /// Profiles.
    pub profile: Answer,
    /// Tokens of LINE Login.
    #[serde(skip_serializing_if = "Answer::is_ok")]
    pub token: Answer,
    /// Link tokens.
    #[serde(skip_serializing_if = "Answer::is_ok")]
    pub link_token: Answer,
    /// Deauthorizing.
    #[serde(skip_serializing_if = "Answer::is_ok")]
    pub deauthorize: Answer,
    /// Rich menus of single users.
    #[serde(skip_serializing_if = "Answer::is_ok")]
    pub rich_menu: Answer,
}

impl Faults {
    /// How one endpoint answers.
    pub fn of(self, endpoint: Endpoint) -> Answer {
        match endpoint {
            Endpoint::Reply => self.reply,
            Endpoint::Push => self.push,
            Endpoint::Profile => self.profile,
            Endpoint::Token => self.token,
            Endpoint::LinkToken => self.link_token,
            Endpoint::Deauthorize => self.deauthorize,
            Endpoint::RichMenu => self.rich_menu,
        }
    }
}
