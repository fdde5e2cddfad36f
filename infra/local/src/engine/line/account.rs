//! What LINE tells of an account, and its webhook (PLATFORM.md §1.1, §5): bot info, the
//! webhook's address, and a test of it.

use std::sync::Arc;

use azukari::{domain::plain::Plain, line::signature};
use serde_json::{Value, json};

use crate::engine::{
    line::{Line, api::error, faults},
    wire::{Asked, Reply},
};

/// An account, as LINE knows it.
#[derive(Clone)]
pub(super) struct Account {
    bot_user_id: String,
    channel_secret: Plain<String>,
    /// The webhook's address, if one was ever set.
    endpoint: Option<String>,
    active: bool,
}

/// Delivers a body and its signature to an address, and gives the HTTP status of the answer;
/// 0 if there was none.
pub type Delivery = Arc<dyn Fn(&str, &[u8], &str) -> u16 + Send + Sync>;

/// One of these calls.
#[derive(Clone, Copy)]
pub(super) enum Call {
    Info,
    Endpoint,
    SetEndpoint,
    Test,
}

impl Call {
    /// The call of a method and path.
    pub(super) fn of(operation: &str) -> Option<Self> {
        let (method, path, _) = faults::parts(operation);
        match (method, path) {
            ("GET", "/v2/bot/info") => Some(Self::Info),
            ("GET", "/v2/bot/channel/webhook/endpoint") => Some(Self::Endpoint),
            ("PUT", "/v2/bot/channel/webhook/endpoint") => Some(Self::SetEndpoint),
            ("POST", "/v2/bot/channel/webhook/test") => Some(Self::Test),
            _ => None,
        }
    }
}

impl Line {
    /// Makes the account of a channel known. Its webhook has no address yet and is in use.
    pub fn open_account(&self, channel: &str, bot_user_id: &str, channel_secret: &str) {
        let account = Account {
            bot_user_id: bot_user_id.to_owned(),
            channel_secret: Plain::new(channel_secret.to_owned()),
            endpoint: None,
            active: true,
        };
        self.state().accounts.insert(channel.to_owned(), account);
    }

    /// Sets the address of a webhook, and whether it is in use, as in the console.
    pub fn set_webhook(&self, channel: &str, endpoint: Option<&str>, active: bool) {
        if let Some(account) = self.state().accounts.get_mut(channel) {
            (account.endpoint, account.active) = (endpoint.map(str::to_owned), active);
        }
    }

    /// Sets how a test of a webhook is delivered. Without it nothing is reached.
    pub fn deliver_by(&self, delivery: Delivery) {
        self.state().delivery = Some(delivery);
    }

    /// Answers a call about the account of a channel.
    pub(super) fn account(&self, call: Call, channel: &str, asked: &Asked) -> Reply {
        let account = self.state().accounts.get(channel).cloned();
        let Some(account) = account else { return error(404, "Not found") };
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        match call {
            Call::Info => {
                let info = json!({
                    "userId": account.bot_user_id,
                    "basicId": format!("@{channel}"),
                    "displayName": channel,
                    "chatMode": "bot",
                    "markAsReadMode": "auto",
                });
                Reply::of(200, info.to_string())
            }
            Call::Endpoint => match account.endpoint {
                Some(endpoint) => Reply::of(200, json!({"endpoint": endpoint, "active": account.active}).to_string()),
                None => error(404, "Webhook endpoint not found"),
            },
            Call::SetEndpoint => match body["endpoint"].as_str().filter(|url| is_webhook(url)) {
                Some(url) => {
                    self.set_webhook(channel, Some(url), account.active);
                    Reply::of(200, json!({}).to_string())
                }
                None => error(400, "Invalid webhook endpoint URL"),
            },
            Call::Test => match body["endpoint"].as_str().or(account.endpoint.as_deref()) {
                Some(url) if is_webhook(url) => Reply::of(200, self.test(&account, url).to_string()),
                Some(_) => error(400, "Invalid webhook endpoint URL"),
                None => error(404, "Webhook endpoint not found"),
            },
        }
    }

    /// Sends a webhook without events.
    fn test(&self, account: &Account, url: &str) -> Value {
        let body = json!({"destination": account.bot_user_id, "events": []}).to_string();
        let signature = signature::sign(&account.channel_secret, body.as_bytes());
        // Not while the state is locked: the function may call LINE.
        let delivery = self.state().delivery.clone();
        let status = delivery.map_or(0, |deliver| deliver(url, body.as_bytes(), &signature));
        let (reason, detail) = match status {
            0 => ("COULD_NOT_CONNECT", "TLS handshake failure".to_owned()),
            200 => ("OK", "200".to_owned()),
            other => ("ERROR_STATUS_CODE", other.to_string()),
        };
        let at = jiff::Timestamp::from_millisecond(self.now().get()).map(|at| at.to_string()).unwrap_or_default();
        json!({
            "success": status == 200,
            "timestamp": at,
            "statusCode": status,
            "reason": reason,
            "detail": detail,
        })
    }
}

/// LINE takes HTTPS alone, and at most 500 characters.
fn is_webhook(url: &str) -> bool {
    url.starts_with("https://") && url.len() <= 500
}
