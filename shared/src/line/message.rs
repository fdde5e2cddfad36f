//! The content of a message, as named fields to be sealed.
//!
//! Kept is what staff need to understand and answer. Left out: reply, quote and
//! read tokens (rights to act, short-lived or useless to us) and mentions (they
//! occur in groups only and name other people).

use serde_json::Value;

use crate::domain::{id::LineItemId, plain::Plain};

/// A field of a record: its name and its content as UTF-8.
pub type Field = (&'static str, Plain<Vec<u8>>);

/// A message that a person sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// LINE's id of it.
    pub id: LineItemId,
    /// Its content.
    pub fields: Vec<Field>,
}

/// A member that LINE says is always there is missing or has another type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is missing or has another type")]
pub struct Missing(pub &'static str);

/// Reads a message object; `None` for a type that is not known.
///
/// # Errors
/// A required member is missing (LINE's OpenAPI, `MessageContent`).
pub fn read(message: &Value) -> Result<Option<Message>, Missing> {
    let kind = message["type"].as_str().ok_or(Missing("message.type"))?;
    let fields = match kind {
        "text" => text(message),
        "image" | "video" | "audio" => media(message),
        "file" => file(message),
        "location" => location(message),
        "sticker" => sticker(message),
        _ => return Ok(None),
    }?;
    let id = message["id"].as_str().and_then(|id| LineItemId::parse(id).ok()).ok_or(Missing("message.id"))?;
    let fields = std::iter::once(("type", Plain::text(kind))).chain(fields).collect();
    Ok(Some(Message { id, fields }))
}

fn text(message: &Value) -> Result<Vec<Field>, Missing> {
    let text = message["text"].as_str().ok_or(Missing("message.text"))?;
    let mut fields = vec![("text", Plain::text(text))];
    fields.extend(json("emojis", &message["emojis"]));
    fields.extend(string("quoted_message_id", &message["quotedMessageId"]));
    Ok(fields)
}

fn media(message: &Value) -> Result<Vec<Field>, Missing> {
    let provider = &message["contentProvider"];
    let kind = provider["type"].as_str().ok_or(Missing("message.contentProvider.type"))?;
    let mut fields = vec![("provider", Plain::text(kind))];
    fields.extend(string("original_content_url", &provider["originalContentUrl"]));
    fields.extend(string("preview_image_url", &provider["previewImageUrl"]));
    fields.extend(json("duration_ms", &message["duration"]));
    fields.extend(json("image_set", &message["imageSet"]));
    Ok(fields)
}

fn file(message: &Value) -> Result<Vec<Field>, Missing> {
    let name = message["fileName"].as_str().ok_or(Missing("message.fileName"))?;
    let size = message["fileSize"].as_u64().ok_or(Missing("message.fileSize"))?;
    Ok(vec![("file_name", Plain::text(name)), ("file_size", Plain::text(&size.to_string()))])
}

fn location(message: &Value) -> Result<Vec<Field>, Missing> {
    let number = |name: &'static str, member: &'static str, value: &Value| match value {
        Value::Number(number) => Ok((name, Plain::text(&number.to_string()))),
        _ => Err(Missing(member)),
    };
    let mut fields = vec![
        number("latitude", "message.latitude", &message["latitude"])?,
        number("longitude", "message.longitude", &message["longitude"])?,
    ];
    fields.extend(string("title", &message["title"]));
    fields.extend(string("address", &message["address"]));
    Ok(fields)
}

fn sticker(message: &Value) -> Result<Vec<Field>, Missing> {
    let package = message["packageId"].as_str().ok_or(Missing("message.packageId"))?;
    let sticker = message["stickerId"].as_str().ok_or(Missing("message.stickerId"))?;
    let mut fields = vec![("package_id", Plain::text(package)), ("sticker_id", Plain::text(sticker))];
    fields.extend(string("sticker_resource_type", &message["stickerResourceType"]));
    fields.extend(json("keywords", &message["keywords"]));
    fields.extend(string("text", &message["text"]));
    fields.extend(string("quoted_message_id", &message["quotedMessageId"]));
    Ok(fields)
}

/// A member that is a string, if it is there.
pub(super) fn string(name: &'static str, value: &Value) -> Option<Field> {
    value.as_str().map(|text| (name, Plain::text(text)))
}

/// A member of any type, as JSON, if it is there.
pub(super) fn json(name: &'static str, value: &Value) -> Option<Field> {
    (!value.is_null()).then(|| (name, Plain::text(&value.to_string())))
}
