//! What LINE refuses of the messages it is sent (PLATFORM.md §5.4). A test holds what is
//! sent against LINE's OpenAPI besides.

use serde_json::Value;

/// What is wrong with a request, as LINE says it.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) message: &'static str,
    pub(super) property: String,
}

/// The body of a reply or push, and its messages.
pub(super) fn messages(body: &[u8]) -> Result<(Value, Vec<Value>), Wrong> {
    let wrong = |message, property: &str| Wrong { message, property: property.to_owned() };
    let body: Value = serde_json::from_slice(body).map_err(|_| wrong("The request body is not JSON", ""))?;
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    if !(1..=5).contains(&messages.len()) {
        return Err(wrong("Size must be between 1 and 5", "messages"));
    }
    for (n, message) in messages.iter().enumerate() {
        check(message).map_err(|(message, property)| wrong(message, &format!("messages[{n}]{property}")))?;
    }
    Ok((body, messages))
}

/// `U` and 32 hexadecimal digits.
pub(super) fn is_user_id(text: &str) -> bool {
    text.strip_prefix('U').is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

const LENGTH: &str = "Length must be between 1 and the limit";

fn check(message: &Value) -> Result<(), (&'static str, &'static str)> {
    let within = |value: &Value, most: usize| {
        value.as_str().is_some_and(|text| (1..=most).contains(&text.encode_utf16().count()))
    };
    match message["type"].as_str() {
        Some("text") if within(&message["text"], 5_000) => {}
        Some("text") => return Err((LENGTH, ".text")),
        Some("template") => {
            let template = &message["template"];
            if !within(&message["altText"], 1_500) {
                return Err((LENGTH, ".altText"));
            }
            let (most_text, most_actions) = match template["type"].as_str() {
                Some("buttons") => (160, 4),
                Some("confirm") => (240, 2),
                _ => return Err(("must be one of the known templates", ".template.type")),
            };
            if !within(&template["text"], most_text) {
                return Err((LENGTH, ".template.text"));
            }
            let actions = template["actions"].as_array().map(Vec::as_slice).unwrap_or_default();
            if !(1..=most_actions).contains(&actions.len()) || !actions.iter().all(is_action) {
                return Err(("The actions are not valid", ".template.actions"));
            }
        }
        _ => return Err(("must be one of the known types", ".type")),
    }
    let items = message["quickReply"]["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.len() > 13 || !items.iter().all(|item| item["type"] == "action" && is_action(&item["action"])) {
        return Err(("The items are not valid", ".quickReply.items"));
    }
    Ok(())
}

fn is_action(action: &Value) -> bool {
    let chars =
        |value: &Value, most: usize| value.as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()));
    let target = match action["type"].as_str() {
        Some("postback") => chars(&action["data"], 300),
        Some("message") => chars(&action["text"], 300),
        Some("uri") => {
            let uri = action["uri"].as_str().unwrap_or_default();
            let scheme = ["https://", "http://", "line://", "tel:"].iter().any(|scheme| uri.starts_with(scheme));
            scheme && chars(&action["uri"], 1_000) && uri.is_ascii()
        }
        _ => false,
    };
    target && chars(&action["label"], 20)
}
