//! Webhook events: every type of PLATFORM.md §1.4, and whatever comes later.
//!
//! Wire shapes stop here. An event that is not known is counted, never an error;
//! one whose required member is missing can never succeed, and says which.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::domain::{
    id::{LineItemId, LineUserId},
    plain::Plain,
    time::UnixMs,
};
use crate::line::message::{self, Field, Message, Missing, json, string};

/// The body of a webhook.
#[derive(Deserialize)]
pub struct Webhook {
    /// The bot the events are for.
    pub destination: String,
    /// The events, each read on its own: one that is malformed, or that no reader of
    /// JSON can hold (half a surrogate pair, a number beyond all measure), does not
    /// spoil the others.
    pub events: Vec<Box<RawValue>>,
}

/// Reads one event as it was sent.
///
/// # Errors
/// As [`read`]; an event that is not a value any reader can hold lacks everything.
pub fn read_raw(event: &RawValue) -> Result<Event, Missing> {
    // What is missing of JSON that serde_json does not read, half of a surrogate pair say, is all of it.
    serde_json::from_str(event.get()).map_err(|_| Missing("event")).and_then(|event| read(&event))
}

/// One event.
#[derive(Debug, Clone)]
pub enum Event {
    /// Something a person did towards the account.
    Personal(Box<PersonalEvent>),
    /// Somebody else than the person whom it was for has followed the way to link: its
    /// nonce. LINE does not say who (PLATFORM.md §2).
    LinkFailed(Plain<String>),
    /// Anything else: nothing of it is stored.
    Other(Other),
}

/// Something a person did towards the account, in a one-to-one chat.
#[derive(Debug, Clone)]
pub struct PersonalEvent {
    /// LINE's id of the event.
    pub id: LineItemId,
    /// When it happened.
    pub at: UnixMs,
    /// Who.
    pub user: LineUserId,
    /// What.
    pub act: Act,
    /// The right to answer it, if LINE gave one.
    pub reply: Option<ReplyToken>,
}

/// The right to reply to an event, once and within a minute (PLATFORM.md §1.3).
#[derive(Debug, Clone)]
pub struct ReplyToken(pub(super) Plain<String>);

/// What a person did.
#[derive(Debug, Clone)]
pub enum Act {
    /// Sent a message.
    Message(Message),
    /// Replaced the text of a message.
    MessageEdited(Message),
    /// Took a message back.
    Unsend(LineItemId),
    /// Added or unblocked the account.
    Follow,
    /// Blocked the account.
    Unfollow,
    /// Tapped a button, watched a video to its end, came near a beacon, changed a
    /// membership: the fields to keep.
    Signal(Vec<Field>),
    /// Confirmed a link of accounts: its nonce.
    AccountLink(Plain<String>),
}

/// Why nothing of an event is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// It happened in a group or room, whose other members have not agreed to
    /// anything.
    GroupChat,
    /// LINE does not say who did it.
    Anonymous,
    /// It is about the account itself: modules, suspension, delivery notes.
    Control,
    /// Its type is not known.
    UnknownEvent,
    /// It is a message of a type that is not known.
    UnknownMessage,
}

impl Other {
    /// The word in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GroupChat => "group_chat",
            Self::Anonymous => "anonymous",
            Self::Control => "control",
            Self::UnknownEvent => "unknown_event",
            Self::UnknownMessage => "unknown_message",
        }
    }
}

impl Act {
    /// The word in metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::MessageEdited(_) => "message_edited",
            Self::Unsend(_) => "unsend",
            Self::Follow => "follow",
            Self::Unfollow => "unfollow",
            Self::Signal(_) => "signal",
            Self::AccountLink(_) => "account_link",
        }
    }
}

/// Reads one event.
///
/// # Errors
/// A member that this type of event always has is missing: no redelivery will
/// bring it.
pub fn read(event: &Value) -> Result<Event, Missing> {
    let kind = event["type"].as_str().ok_or(Missing("type"))?;
    let act = match kind {
        "message" | "messageEdited" | "unsend" | "follow" | "unfollow" | "postback" | "videoPlayComplete"
        | "beacon" | "accountLink" | "membership" => kind,
        "join" | "leave" | "memberJoined" | "memberLeft" => return Ok(Event::Other(Other::GroupChat)),
        "delivery" | "module" | "activated" | "deactivated" | "botSuspended" | "botResumed" => {
            return Ok(Event::Other(Other::Control));
        }
        _ => return Ok(Event::Other(Other::UnknownEvent)),
    };
    // A failed link has no source; whatever it carries, it is nobody's.
    if kind == "accountLink" && event["link"]["result"] != "ok" {
        let nonce = event["link"]["nonce"].as_str().ok_or(Missing("link.nonce"))?;
        return Ok(Event::LinkFailed(Plain::new(nonce.to_owned())));
    }
    let user = match user(&event["source"])? {
        Ok(user) => user,
        Err(other) => return Ok(Event::Other(other)),
    };
    let Some(act) = read_act(act, event)? else { return Ok(Event::Other(Other::UnknownMessage)) };
    let id = item_id(&event["webhookEventId"]).ok_or(Missing("webhookEventId"))?;
    let at = event["timestamp"].as_i64().map(UnixMs::new).ok_or(Missing("timestamp"))?;
    let reply = event["replyToken"].as_str().map(|token| ReplyToken(Plain::new(token.to_owned())));
    Ok(Event::Personal(Box::new(PersonalEvent { id, at, user, act, reply })))
}

/// Who acted, if it is a person in a one-to-one chat.
fn user(source: &Value) -> Result<Result<LineUserId, Other>, Missing> {
    match source["type"].as_str() {
        Some("user") => match &source["userId"] {
            Value::Null => Ok(Err(Other::Anonymous)),
            id => {
                let id = id.as_str().and_then(|id| LineUserId::parse(id).ok());
                Ok(Ok(id.ok_or(Missing("source.userId"))?))
            }
        },
        Some("group" | "room") => Ok(Err(Other::GroupChat)),
        // A new kind of source is nobody we could name.
        Some(_) | None => Ok(Err(Other::Anonymous)),
    }
}

fn read_act(kind: &str, event: &Value) -> Result<Option<Act>, Missing> {
    let act = match kind {
        "message" => match message::read(&event["message"])? {
            Some(message) => Act::Message(message),
            None => return Ok(None),
        },
        "messageEdited" => match message::read(&event["message"])? {
            Some(message) => Act::MessageEdited(message),
            None => return Ok(None),
        },
        "unsend" => Act::Unsend(item_id(&event["unsend"]["messageId"]).ok_or(Missing("unsend.messageId"))?),
        "follow" => Act::Follow,
        "unfollow" => Act::Unfollow,
        "accountLink" => {
            let nonce = event["link"]["nonce"].as_str().ok_or(Missing("link.nonce"))?;
            Act::AccountLink(Plain::new(nonce.to_owned()))
        }
        "postback" => Act::Signal(signal(
            kind,
            [
                Some(string("data", &event["postback"]["data"]).ok_or(Missing("postback.data"))?),
                json("params", &event["postback"]["params"]),
                None,
            ],
        )),
        "videoPlayComplete" => {
            let tracking = string("tracking_id", &event["videoPlayComplete"]["trackingId"]);
            Act::Signal(signal(kind, [Some(tracking.ok_or(Missing("videoPlayComplete.trackingId"))?), None, None]))
        }
        "beacon" => Act::Signal(signal(
            kind,
            [
                Some(string("hwid", &event["beacon"]["hwid"]).ok_or(Missing("beacon.hwid"))?),
                Some(string("beacon_type", &event["beacon"]["type"]).ok_or(Missing("beacon.type"))?),
                string("device_message", &event["beacon"]["dm"]),
            ],
        )),
        _ => Act::Signal(signal(
            "membership",
            [
                Some(string("membership_type", &event["membership"]["type"]).ok_or(Missing("membership.type"))?),
                json("membership_id", &event["membership"]["membershipId"]),
                None,
            ],
        )),
    };
    Ok(Some(act))
}

fn signal(kind: &str, fields: [Option<Field>; 3]) -> Vec<Field> {
    std::iter::once(("type", Plain::text(kind))).chain(fields.into_iter().flatten()).collect()
}

fn item_id(value: &Value) -> Option<LineItemId> {
    value.as_str().and_then(|id| LineItemId::parse(id).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, more: Value) -> Value {
        let mut event = json!({
            "type": kind, "timestamp": 5, "webhookEventId": "01E", "mode": "active",
            "source": {"type": "user", "userId": "U1"}, "deliveryContext": {"isRedelivery": false}
        });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    }

    fn names(fields: &[Field]) -> Vec<&str> {
        fields.iter().map(|(name, _)| *name).collect()
    }

    fn message_fields(message: Value) -> Vec<&'static str> {
        match read(&event("message", json!({ "message": message }))).unwrap() {
            Event::Personal(event) => match event.act {
                Act::Message(message) => message.fields.iter().map(|(name, _)| *name).collect(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_message_type_has_its_fields() {
        let provider = json!({"type": "external", "originalContentUrl": "https://a", "previewImageUrl": "https://b"});
        let cases = [
            (
                json!({"id": "1", "type": "text", "text": "a", "quoteToken": "q", "mention": {"mentionees": []}}),
                vec!["type", "text"],
            ),
            (
                json!({"id": "1", "type": "text", "text": "", "emojis": [], "quotedMessageId": "2"}),
                vec!["type", "text", "emojis", "quoted_message_id"],
            ),
            (
                json!({"id": "1", "type": "image", "contentProvider": {"type": "line"}, "imageSet": {"id": "s"}}),
                vec!["type", "provider", "image_set"],
            ),
            (
                json!({"id": "1", "type": "video", "duration": 6, "contentProvider": provider}),
                vec!["type", "provider", "original_content_url", "preview_image_url", "duration_ms"],
            ),
            (json!({"id": "1", "type": "audio", "contentProvider": {"type": "line"}}), vec!["type", "provider"]),
            (
                json!({"id": "1", "type": "file", "fileName": "a.pdf", "fileSize": 3}),
                vec!["type", "file_name", "file_size"],
            ),
            (
                json!({"id": "1", "type": "location", "latitude": 35.6, "longitude": 139.7, "title": "t"}),
                vec!["type", "latitude", "longitude", "title"],
            ),
            (
                json!({"id": "1", "type": "sticker", "packageId": "1", "stickerId": "2", "keywords": ["k"], "text": "t"}),
                vec!["type", "package_id", "sticker_id", "keywords", "text"],
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(message_fields(message.clone()), expected, "{message}");
        }
    }

    #[test]
    fn every_signal_has_its_fields() {
        let cases = [
            (
                "postback",
                json!({"postback": {"data": "d", "params": {"date": "2026-11-21"}}}),
                vec!["type", "data", "params"],
            ),
            ("videoPlayComplete", json!({"videoPlayComplete": {"trackingId": "t"}}), vec!["type", "tracking_id"]),
            (
                "beacon",
                json!({"beacon": {"hwid": "h", "type": "enter", "dm": "d"}}),
                vec!["type", "hwid", "beacon_type", "device_message"],
            ),
            (
                "membership",
                json!({"membership": {"type": "joined", "membershipId": 5}}),
                vec!["type", "membership_type", "membership_id"],
            ),
        ];
        for (kind, more, expected) in cases {
            match read(&event(kind, more)).unwrap() {
                Event::Personal(event) => match event.act {
                    Act::Signal(fields) => assert_eq!(names(&fields), expected),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_not_a_persons_is_told_apart() {
        let text = json!({"message": {"id": "1", "type": "text", "text": "a"}});
        let mut group = event("message", text.clone());
        group["source"] = json!({"type": "group", "groupId": "C1", "userId": "U1"});
        let mut room = event("unsend", json!({"unsend": {"messageId": "1"}}));
        room["source"] = json!({"type": "room", "roomId": "R1"});
        let mut nobody = event("accountLink", json!({"link": {"result": "ok", "nonce": "n"}}));
        nobody.as_object_mut().unwrap().remove("source");
        let mut pc = event("message", text);
        pc["source"] = json!({"type": "user"});
        let cases = [
            (group, Other::GroupChat),
            (room, Other::GroupChat),
            (nobody, Other::Anonymous),
            (pc, Other::Anonymous),
            (event("join", json!({})), Other::GroupChat),
            (event("memberLeft", json!({"left": {"members": []}})), Other::GroupChat),
            (json!({"type": "delivery", "delivery": {"data": "d"}}), Other::Control),
            (json!({"type": "module"}), Other::Control),
            (event("activated", json!({})), Other::Control),
            (event("botSuspended", json!({})), Other::Control),
            (json!({"type": "somethingNew"}), Other::UnknownEvent),
            (event("message", json!({"message": {"type": "hologram", "id": "1"}})), Other::UnknownMessage),
        ];
        for (event, expected) in cases {
            match read(&event) {
                Ok(Event::Other(other)) => assert_eq!(other, expected, "{event}"),
                result => panic!("{event}: {result:?}"),
            }
        }
    }

    #[test]
    fn a_link_is_confirmed_by_somebody_or_failed_by_nobody() {
        let link = |result: &str| event("accountLink", json!({"link": {"result": result, "nonce": "n"}}));
        match read(&link("ok")).unwrap() {
            Event::Personal(event) => assert!(matches!(event.act, Act::AccountLink(nonce) if nonce.reveal() == "n")),
            other => panic!("{other:?}"),
        }
        let mut nobody = link("failed");
        nobody.as_object_mut().unwrap().remove("source");
        // Old examples of LINE carry a source: it is not believed.
        for failed in [nobody, link("failed"), link("something new")] {
            assert!(matches!(read(&failed).unwrap(), Event::LinkFailed(nonce) if nonce.reveal() == "n"));
        }
        for bad in [json!({}), json!({"link": {"result": "ok"}}), json!({"link": {"result": "failed", "nonce": 1}})] {
            assert_eq!(read(&event("accountLink", bad)).unwrap_err(), Missing("link.nonce"));
        }
    }

    #[test]
    fn a_missing_member_is_named() {
        let text = json!({"id": "1", "type": "text", "text": "a"});
        let mut no_id = event("message", json!({ "message": text }));
        no_id.as_object_mut().unwrap().remove("webhookEventId");
        let mut no_time = event("follow", json!({}));
        no_time["timestamp"] = json!("5");
        let mut bad_user = event("follow", json!({}));
        bad_user["source"]["userId"] = json!(5);
        let cases = [
            (json!({}), "type"),
            (no_id, "webhookEventId"),
            (no_time, "timestamp"),
            (bad_user, "source.userId"),
            (event("message", json!({})), "message.type"),
            (event("message", json!({"message": {"type": "text", "text": "a"}})), "message.id"),
            (event("message", json!({"message": {"type": "text", "text": 1, "id": "1"}})), "message.text"),
            (
                event("message", json!({"message": {"type": "location", "id": "1", "latitude": "1"}})),
                "message.latitude",
            ),
            (event("unsend", json!({})), "unsend.messageId"),
            (event("unsend", json!({"unsend": {"messageId": "a#b"}})), "unsend.messageId"),
            (event("postback", json!({})), "postback.data"),
            (event("beacon", json!({"beacon": {"hwid": "h"}})), "beacon.type"),
        ];
        for (event, member) in cases {
            assert_eq!(read(&event).unwrap_err(), Missing(member), "{event}");
        }
    }
}
