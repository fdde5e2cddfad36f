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
}

/// The endpoint of a method and path.
pub(super) fn endpoint(operation: &str) -> Option<Endpoint> {
    match operation {
        "POST /v2/bot/message/reply" => Some(Endpoint::Reply),
        "POST /v2/bot/message/push" => Some(Endpoint::Push),
        _ if operation.starts_with("GET /v2/bot/profile/") => Some(Endpoint::Profile),
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

/// How late an answer is that is too late: longer than the functions wait.
pub(super) const LATE: Duration = Duration::from_secs(3);

/// How each endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Replies.
    pub reply: Answer,
    /// Pushes.
    pub push: Answer,
    /// Profiles.
    pub profile: Answer,
}

impl Faults {
    /// How one endpoint answers.
    pub fn of(self, endpoint: Endpoint) -> Answer {
        match endpoint {
            Endpoint::Reply => self.reply,
            Endpoint::Push => self.push,
            Endpoint::Profile => self.profile,
        }
    }
}
