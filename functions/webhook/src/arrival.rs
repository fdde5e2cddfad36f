//! An event as it has passed the guard: what must not be collected has been taken out
//! of it before anything else looks at it.

use azukari::{
    domain::{
        consent::Answer,
        guard::{self, Found},
        plain::Plain,
        rights::Wish,
    },
    line::{
        event::{Act, PersonalEvent},
        message::Field,
    },
};
use serde_json::Value;

/// Fields in which people write what they like. Others hold ids and numbers of LINE's,
/// in which a card number cannot be told from an id.
const WRITTEN_BY_PEOPLE: [&str; 7] =
    ["text", "title", "address", "data", "file_name", "display_name", "status_message"];

/// Fields that are JSON, with texts in it.
const WRITTEN_IN_JSON: [&str; 2] = ["params", "keywords"];

/// An event and what was taken out of it.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) event: PersonalEvent,
    pub(crate) found: Vec<Found>,
}

impl Arrival {
    /// Takes an event in.
    pub(crate) fn new(mut event: PersonalEvent) -> Self {
        let found = match &mut event.act {
            Act::Message(message) | Act::MessageEdited(message) => screen(&mut message.fields),
            // A button of ours says what it said, and nothing of it is kept: a time and a
            // digest may look like a card.
            Act::Signal(fields) if data(fields).is_some_and(is_ours) => Vec::new(),
            Act::Signal(fields) => screen(fields),
            Act::Unsend(_) | Act::Follow | Act::Unfollow | Act::AccountLink(_) => Vec::new(),
        };
        Self { event, found }
    }

    /// The answer to a notice, if the event is one.
    pub(crate) fn answer(&self) -> Option<Answer> {
        Answer::parse(self.data()?)
    }

    /// What the button says that was pressed, if one was.
    pub(crate) fn data(&self) -> Option<&str> {
        let Act::Signal(fields) = &self.event.act else { return None };
        data(fields)
    }

    /// What somebody wrote in a message.
    pub(crate) fn text(&self) -> Option<&str> {
        let Act::Message(message) = &self.event.act else { return None };
        let (_, text) = message.fields.iter().find(|(name, _)| *name == "text")?;
        std::str::from_utf8(text.reveal()).ok()
    }

    /// Whether somebody wrote something that they will expect to be read.
    pub(crate) fn is_message(&self) -> bool {
        matches!(self.event.act, Act::Message(_) | Act::MessageEdited(_))
    }
}

fn data(fields: &[Field]) -> Option<&str> {
    let (_, data) = fields.iter().find(|(name, _)| *name == "data")?;
    std::str::from_utf8(data.reveal()).ok()
}

fn is_ours(data: &str) -> bool {
    Answer::parse(data).is_some() || Wish::parse(data).is_some()
}

/// The same for every text and number in a value of JSON: an escape (`\n`) would hide there
/// what stands between two digits.
fn screen_json(value: &mut Value, all: &mut Vec<Found>) {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(list) => return list.iter_mut().for_each(|value| screen_json(value, all)),
        Value::Object(members) => return members.values_mut().for_each(|value| screen_json(value, all)),
        Value::Null | Value::Bool(_) => return,
    };
    let guarded = guard::guard(&text);
    if !guarded.found.is_empty() {
        *value = Value::String(guarded.text.into_owned());
        all.extend(guarded.found);
    }
}

/// Takes out of fields what must not be collected, and says what it was.
pub(crate) fn screen(fields: &mut [Field]) -> Vec<Found> {
    let mut all = Vec::new();
    for (_, value) in fields.iter_mut().filter(|(name, _)| WRITTEN_BY_PEOPLE.contains(name)) {
        let Ok(text) = std::str::from_utf8(value.reveal()) else { continue };
        let guarded = guard::guard(text);
        if guarded.found.is_empty() {
            continue;
        }
        let clean = Plain::text(&guarded.text);
        all.extend(guarded.found);
        *value = clean;
    }
    for (_, value) in fields.iter_mut().filter(|(name, _)| WRITTEN_IN_JSON.contains(name)) {
        let Ok(mut json) = serde_json::from_slice::<Value>(value.reveal()) else { continue };
        let before = all.len();
        screen_json(&mut json, &mut all);
        if all.len() > before {
            *value = Plain::text(&json.to_string());
        }
    }
    all
}
