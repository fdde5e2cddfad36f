//! LINE on one machine: its users and their chats, and the endpoints that the functions
//! call, in the shapes of LINE's OpenAPI (`messaging-api.yml`), signing in and linking. All
//! of it is in memory and ends with the process.

mod access;
mod account;
mod api;
mod chat;
mod check;
mod faults;
mod link;
mod login;
mod menu;
mod parameters;
#[cfg(test)]
mod tests;
mod token;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use azukari::{
    domain::time::UnixMs,
    host::{clock::Clock, mint::Mint},
};
use serde::Serialize;
use serde_json::Value;

pub use access::{Authorization, Grant, Granted, LoginChannel, Prompt, Refused};
pub use account::Delivery;
pub use chat::{Bubble, Friend, From};
pub use faults::{Answer, Faults};
pub use link::{Dialog, DialogError};
pub use login::{ISSUER, LoginError};

use crate::{
    clock::MovableClock,
    engine::wire::{Asked, Engine, Reply, Service, Touch},
};

/// LINE, as far as the functions and the simulator's page see it.
pub struct Line {
    clock: Arc<MovableClock>,
    mint: Arc<dyn Mint>,
    /// Which channel an access token belongs to.
    access_tokens: HashMap<String, String>,
    logins: Vec<LoginChannel>,
    login: login::Login,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Users that were made here, in the order in which they were made.
    friends: Vec<Friend>,
    /// What LINE shows of a user; `None`: nothing.
    profiles: HashMap<String, Option<Value>>,
    /// Rights to reply.
    reply_tokens: HashMap<String, ReplyRight>,
    /// Events whose reply tokens were registered.
    heard: HashSet<String>,
    /// Retry keys that were accepted, and what was answered.
    retry_keys: HashMap<String, (String, Value)>,
    sent: Vec<Sent>,
    exchanges: Vec<Exchange>,
    access: access::Access,
    link_tokens: HashMap<String, link::LinkToken>,
    /// Rich menus of single users, by channel and user.
    menus: HashMap<(String, String), String>,
    /// By channel.
    accounts: HashMap<String, account::Account>,
    /// How tests of webhooks are delivered.
    delivery: Option<Delivery>,
    faults: Faults,
    counter: u64,
}

/// A right to reply.
#[derive(Debug, Clone)]
struct ReplyRight {
    channel: String,
    user: String,
    used: bool,
}

/// A request as it came, and its answer.
#[derive(Clone)]
pub struct Exchange {
    /// Method and path, without the query: it may hold a token.
    pub operation: String,
    /// The body of the request.
    pub request: Vec<u8>,
    /// Its retry key.
    pub retry_key: Option<String>,
    /// HTTP status of the answer.
    pub status: u16,
    /// The body of the answer.
    pub answer: String,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Exchange({} {})", self.operation, self.status)
    }
}

/// How many exchanges are remembered.
const EXCHANGES: usize = 1_000;

/// Something that the account has sent.
#[derive(Debug, Clone, Serialize)]
pub struct Sent {
    /// When.
    pub at: UnixMs,
    /// The channel.
    pub channel: String,
    /// The LINE user id.
    pub to: String,
    /// `reply` or `push`.
    pub via: &'static str,
    /// Whether it reached the user: not one who has blocked the account.
    pub delivered: bool,
    /// The messages, as they were sent.
    pub messages: Vec<Value>,
}

impl Line {
    /// LINE with the channels of an installation, by access token, and the login channels
    /// that go with them.
    pub fn new(
        clock: Arc<MovableClock>,
        mint: Arc<dyn Mint>,
        access_tokens: HashMap<String, String>,
        logins: Vec<LoginChannel>,
    ) -> Self {
        Self { clock, mint, access_tokens, logins, login: login::Login::default(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what LINE shows of a user (`UserProfileResponse`), or that it shows
    /// nothing (`None`: blocked, no friend).
    pub fn set_profile(&self, user_id: &str, profile: Option<Value>) {
        self.state().profiles.insert(user_id.to_owned(), profile);
    }

    /// What has been sent, the oldest first.
    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    /// The last requests and their answers.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state().exchanges.clone()
    }

    /// How the endpoints answer.
    pub fn faults(&self) -> Faults {
        self.state().faults
    }

    /// Sets how the endpoints answer.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Hears a webhook of a channel: whoever sent it acts as LINE, so its reply tokens
    /// are good. One that was used is good again with another event.
    pub fn heard(&self, channel: &str, webhook: &Value) {
        let mut state = self.state();
        for event in webhook["events"].as_array().into_iter().flatten() {
            let (Some(token), Some(user)) = (event["replyToken"].as_str(), event["source"]["userId"].as_str()) else {
                continue;
            };
            let id = event["webhookEventId"].as_str().unwrap_or_default();
            if state.heard.insert(format!("{channel} {user} {id} {token}")) {
                let right = ReplyRight { channel: channel.to_owned(), user: user.to_owned(), used: false };
                state.reply_tokens.insert(token.to_owned(), right);
            }
        }
    }

    /// The users that were made here.
    pub fn friends(&self) -> Vec<Friend> {
        self.state().friends.clone()
    }

    fn now(&self) -> UnixMs {
        self.clock.now()
    }

    fn random_hex<const N: usize>(&self) -> String {
        self.mint.bytes::<N>().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl State {
    /// A number that no message or request has had: message ids are digits.
    fn next(&mut self) -> u64 {
        self.counter += 1;
        590_000_000_000_000_000 + self.counter
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Line")
    }
}

impl Engine for Line {
    fn service(&self) -> Service {
        Service::Line
    }

    fn touches(&self, _asked: &Asked) -> Vec<Touch> {
        Vec::new()
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let reply = self.call(asked);
        let exchange = Exchange {
            operation: asked.operation.split('?').next().unwrap_or_default().to_owned(),
            request: asked.body.clone(),
            retry_key: asked.retry_key.clone(),
            status: reply.status,
            answer: reply.body.clone(),
        };
        let mut state = self.state();
        if state.exchanges.len() == EXCHANGES {
            state.exchanges.remove(0);
        }
        state.exchanges.push(exchange);
        reply
    }

    fn delay(&self, asked: &Asked) -> Option<Duration> {
        let late = faults::endpoint(&asked.operation).map(|endpoint| self.faults().of(endpoint));
        (late == Some(Answer::Timeout)).then_some(faults::LATE)
    }

    fn throttled(&self) -> Reply {
        api::error(429, "The API rate limit has been exceeded. Try again later.")
    }
}
