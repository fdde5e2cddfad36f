//! Linking accounts: link tokens, and the dialog in which LINE asks (PLATFORM.md §2).

use std::fmt;

use azukari::domain::time::{SECOND_MS, UnixMs};
use serde_json::json;

use crate::engine::{
    line::{Line, api::error, check},
    wire::Reply,
};

/// How long a link token is good: ten minutes.
const LIFE_MS: i64 = 600 * SECOND_MS;

/// For whom a link token was issued.
pub(super) struct LinkToken {
    channel: String,
    user: String,
    expires: UnixMs,
}

/// What the dialog leads to: an `accountLink` event of this channel.
#[derive(Clone, PartialEq, Eq)]
pub struct Dialog {
    /// The channel.
    pub channel: String,
    /// Whose account is linked; `None` if it was opened by somebody else than the person
    /// for whom the token was issued: then the link has failed.
    pub user: Option<String>,
    /// The nonce.
    pub nonce: String,
}

impl fmt::Debug for Dialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialog({}, {})", self.channel, if self.user.is_some() { "ok" } else { "failed" })
    }
}

/// The dialog shows an error, and no event is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DialogError {
    /// The nonce has not 10 to 255 characters.
    #[error("the nonce is too short or too long")]
    Nonce,
    /// The link token is not known, was used, or is too old.
    #[error("the link token is not good")]
    Token,
}

impl Line {
    /// `POST /v2/bot/user/{userId}/linkToken`.
    pub(super) fn issue_link_token(&self, channel: &str, user: &str) -> Reply {
        if !check::is_user_id(user) {
            return error(400, "The value for the 'userId' parameter is invalid");
        }
        let link_token = self.random_hex::<16>();
        let expires = self.now().plus(LIFE_MS);
        let token = LinkToken { channel: channel.to_owned(), user: user.to_owned(), expires };
        self.state().link_tokens.insert(link_token.clone(), token);
        Reply::of(200, json!({"linkToken": link_token}).to_string())
    }

    /// The channel whose account a link token would link, as long as it is good.
    pub fn link_channel(&self, link_token: &str) -> Option<String> {
        let now = self.now();
        let state = self.state();
        state.link_tokens.get(link_token).filter(|token| now < token.expires).map(|token| token.channel.clone())
    }

    /// A person confirms the dialog on their phone. The token is used up by it.
    ///
    /// # Errors
    /// See [`DialogError`].
    pub fn link_dialog(&self, link_token: &str, nonce: &str, user_id: &str) -> Result<Dialog, DialogError> {
        if !(10..=255).contains(&nonce.chars().count()) {
            return Err(DialogError::Nonce);
        }
        let now = self.now();
        let token = self.state().link_tokens.remove(link_token);
        let LinkToken { channel, user, .. } = token.filter(|token| now < token.expires).ok_or(DialogError::Token)?;
        Ok(Dialog { channel, user: Some(user).filter(|user| user == user_id), nonce: nonce.to_owned() })
    }
}
