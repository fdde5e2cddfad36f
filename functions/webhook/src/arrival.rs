//! An event as it has passed the guard: what must not be collected has been taken out
//! of it before anything else looks at it.

use azukari::{
    domain::{
        consent::Answer,
        guard::{self, Found},
        id::VersionId,
        plain::Plain,
    },
    line::{
        event::{Act, PersonalEvent},
        message::Field,
    },
};

/// Fields in which people write what they like. Others hold ids and numbers of LINE's,
/// in which a card number cannot be told from an id.
const WRITTEN_BY_PEOPLE: [&str; 9] =
    ["text", "title", "address", "data", "params", "file_name", "keywords", "display_name", "status_message"];

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
            Act::Signal(fields) => screen(fields),
            Act::Unsend(_) | Act::Follow | Act::Unfollow | Act::AccountLink => Vec::new(),
        };
        Self { event, found }
    }

    /// The answer to a notice of `policy`, if the event is one.
    pub(crate) fn answer(&self, policy: &VersionId) -> Option<Answer> {
        let Act::Signal(fields) = &self.event.act else { return None };
        let data = fields.iter().find(|(name, _)| *name == "data")?;
        Answer::parse(std::str::from_utf8(data.1.reveal()).ok()?, policy)
    }

    /// Whether somebody wrote something that they will expect to be read.
    pub(crate) fn is_message(&self) -> bool {
        matches!(self.event.act, Act::Message(_) | Act::MessageEdited(_))
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
    all
}
