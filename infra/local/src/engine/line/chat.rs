//! Users of LINE that were made here, and their chats with an account.

use azukari::domain::time::UnixMs;
use serde::Serialize;
use serde_json::{Value, json};

use crate::engine::line::Line;

/// A LINE user with a phone of their own, and their chat with one account.
#[derive(Debug, Clone)]
pub struct Friend {
    /// LINE's id of them.
    pub user_id: String,
    /// Their display name.
    pub name: String,
    /// The channel of the account.
    pub channel: String,
    /// Whether they have added the account.
    pub following: bool,
    /// Whether they have blocked it.
    pub blocked: bool,
    /// The chat, the oldest first.
    pub chat: Vec<Bubble>,
}

/// Who wrote something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// The person.
    Friend,
    /// The account.
    Account,
}

/// Something in a chat.
#[derive(Debug, Clone, Serialize)]
pub struct Bubble {
    /// LINE's id of the message.
    pub id: String,
    /// Who wrote it.
    pub from: From,
    /// When.
    pub at: UnixMs,
    /// Whether it was taken back.
    pub unsent: bool,
    /// Whether it reached the other side.
    pub delivered: bool,
    /// The message.
    pub message: Value,
}

impl Friend {
    /// The account's messages arrive, unless it is blocked.
    pub(super) fn receive(&mut self, ids: &[String], messages: &[Value], delivered: bool, at: UnixMs) {
        for (id, message) in ids.iter().zip(messages) {
            let (id, message) = (id.clone(), message.clone());
            self.chat.push(Bubble { id, from: From::Account, at, unsent: false, delivered, message });
        }
    }
}

impl Line {
    /// A new user of LINE, who has not added the account yet.
    pub fn new_friend(&self, channel: &str, name: &str) -> String {
        let user_id = format!("U{}", self.random_hex::<16>());
        let friend = Friend {
            user_id: user_id.clone(),
            name: name.to_owned(),
            channel: channel.to_owned(),
            following: false,
            blocked: false,
            chat: Vec::new(),
        };
        self.state().friends.push(friend);
        user_id
    }

    /// One of the users that were made here.
    pub fn friend(&self, user_id: &str) -> Option<Friend> {
        self.state().friends.iter().find(|friend| friend.user_id == user_id).cloned()
    }

    /// Changes one of the users.
    pub fn change_friend<T>(&self, user_id: &str, change: impl FnOnce(&mut Friend) -> T) -> Option<T> {
        self.state().friends.iter_mut().find(|friend| friend.user_id == user_id).map(change)
    }

    /// The person writes something: it stands in their chat, with a fresh id.
    pub fn write(&self, user_id: &str, message: Value) -> Option<String> {
        let id = self.state().next().to_string();
        let bubble =
            Bubble { id: id.clone(), from: From::Friend, at: self.now(), unsent: false, delivered: true, message };
        self.change_friend(user_id, |friend| friend.chat.push(bubble))?;
        Some(id)
    }

    /// The person takes back a message of theirs; `false` if there is none of this id.
    pub fn take_back(&self, user_id: &str, message: &str) -> bool {
        let taken = self.change_friend(user_id, |friend| {
            let own = |bubble: &&mut Bubble| bubble.id == message && bubble.from == From::Friend && !bubble.unsent;
            friend.chat.iter_mut().find(own).map(|bubble| {
                bubble.unsent = true;
                bubble.message = json!({"type": "unsent"});
            })
        });
        taken.flatten().is_some()
    }

    /// A fresh id of an event, and a fresh reply token. Ids sort as events happened, as
    /// LINE's ULIDs do: two taps in one millisecond have an order.
    pub fn event_ids(&self) -> (String, String) {
        let number = self.state().next();
        (format!("{number:016X}{}", self.random_hex::<5>().to_uppercase()), self.random_hex::<16>())
    }
}
