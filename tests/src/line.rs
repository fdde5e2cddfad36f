//! LINE's side: people, and the events they cause.

use azukari::{
    domain::{id::LineItemId, order::EventOrder, time::UnixMs},
    store::consent::Notice,
};
use serde_json::{Value, json};

/// A person on LINE.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Someone(pub String);

impl Someone {
    /// Nobody else has this number.
    pub fn numbered(number: u128) -> Self {
        Self(format!("U{number:032x}"))
    }

    /// An event of theirs.
    pub fn event(&self, kind: &str, id: &str, at: i64, more: Value) -> Value {
        let mut event = json!({
            "type": kind,
            "mode": "active",
            "timestamp": at,
            "webhookEventId": id,
            "deliveryContext": { "isRedelivery": false },
            "source": { "type": "user", "userId": self.0 },
        });
        if let (Value::Object(event), Value::Object(more)) = (&mut event, more) {
            event.extend(more);
        }
        event
    }

    /// They send a text.
    pub fn text(&self, message: &str, at: i64, text: &str) -> Value {
        self.message(at, json!({"id": message, "type": "text", "text": text, "quoteToken": "q3Plxr4AgKd"}))
    }

    /// They send a message.
    pub fn message(&self, at: i64, message: Value) -> Value {
        let id = format!("EM{}", message["id"].as_str().unwrap_or_default());
        let reply = "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA";
        self.event("message", &id, at, json!({"replyToken": reply, "message": message}))
    }

    /// They replace the text of a message.
    pub fn edit(&self, message: &str, at: i64, text: &str) -> Value {
        let message = json!({"id": message, "type": "text", "text": text, "quoteToken": "q"});
        let id = format!("EE{at}");
        self.event("messageEdited", &id, at, json!({ "message": message }))
    }

    /// They take a message back.
    pub fn unsend(&self, message: &str, at: i64) -> Value {
        self.event("unsend", &format!("EU{message}"), at, json!({"unsend": {"messageId": message}}))
    }

    /// They add the account.
    pub fn follow(&self, at: i64) -> Value {
        self.event("follow", &format!("EF{at}"), at, json!({"follow": {"isUnblocked": false}, "replyToken": "r"}))
    }

    /// They block the account.
    pub fn unfollow(&self, at: i64) -> Value {
        self.event("unfollow", &format!("EB{at}"), at, json!({}))
    }

    /// They tap a button.
    pub fn postback(&self, id: &str, at: i64, data: &str) -> Value {
        self.event("postback", id, at, json!({"postback": {"data": data}, "replyToken": "r"}))
    }
}

/// The place of an event at this time among those of its person.
pub fn order_at(at: i64) -> EventOrder {
    EventOrder { at: UnixMs::new(at), event: LineItemId::parse(&format!("E{at}")).expect("an id") }
}

/// A notice that somebody may have answered to.
pub fn some_notice() -> Notice {
    Notice { shown: "x.1".to_owned(), digest: None }
}

/// The same events as LINE delivers them again.
pub fn redelivered(events: &[Value]) -> Vec<Value> {
    let again = |event: &Value| {
        let mut event = event.clone();
        event["deliveryContext"]["isRedelivery"] = json!(true);
        event
    };
    events.iter().map(again).collect()
}
