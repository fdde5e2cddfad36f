//! Messages that the account sends, in the shapes of LINE's OpenAPI
//! (`messaging-api.yml`, `Message`). They hold nothing personal.

use serde_json::{Value, json};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutgoingMessage {
    /// A text, with buttons above the keyboard that vanish with the next message.
    Text {
        /// The text, at most 5,000 UTF-16 code units.
        text: String,
        /// At most 13.
        quick_replies: Vec<Action>,
    },
    /// A text of at most 160 UTF-16 code units with buttons that stay.
    Buttons {
        /// Shown in the list of chats, and where buttons cannot be shown.
        alt: String,
        /// The text.
        text: String,
        /// At most 4.
        actions: Vec<Action>,
    },
}

/// What a button does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Sends a postback, and shows the label as if the person had written it.
    Postback {
        /// At most 20 characters.
        label: String,
        /// At most 300 characters.
        data: String,
    },
    /// Opens an address.
    Uri {
        /// At most 20 characters.
        label: String,
        /// At most 1,000 characters.
        uri: String,
    },
}

impl OutgoingMessage {
    /// A text without buttons.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), quick_replies: Vec::new() }
    }

    /// As LINE takes it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text { text, quick_replies } if quick_replies.is_empty() => json!({"type": "text", "text": text}),
            Self::Text { text, quick_replies } => {
                let items: Vec<Value> =
                    quick_replies.iter().map(|action| json!({"type": "action", "action": action.to_json()})).collect();
                json!({"type": "text", "text": text, "quickReply": {"items": items}})
            }
            Self::Buttons { alt, text, actions } => {
                let actions: Vec<Value> = actions.iter().map(Action::to_json).collect();
                let template = json!({"type": "buttons", "text": text, "actions": actions});
                json!({"type": "template", "altText": alt, "template": template})
            }
        }
    }
}

impl Action {
    fn to_json(&self) -> Value {
        match self {
            Self::Postback { label, data } => {
                json!({"type": "postback", "label": label, "data": data, "displayText": label})
            }
            Self::Uri { label, uri } => json!({"type": "uri", "label": label, "uri": uri}),
        }
    }
}
