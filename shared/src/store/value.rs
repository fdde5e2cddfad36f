//! Value rows `S#<id>` / `R#…`: messages, other events, the profile; the tombstones of
//! unsent messages at the same keys; `F#<submission>#<purpose>`: answers to a form; and
//! `M#<channel>#<digest>`: member ids.

use crate::domain::{
    id::{DefinitionId, LineItemId, SubjectId, VersionId},
    order::EventOrder,
    retention::{Follows, Then},
    sweep::{SHARDS, Slot},
    time::UnixMs,
};
use crate::seal::envelope::Envelope;
use crate::store::{Item, Outcome, StoreError, Vault, error::outcome, key, vault::Condition};

/// What a value row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A chat message.
    Message,
    /// A postback, beacon, membership or the like.
    Event,
    /// Display name, picture, status message.
    Profile,
    /// Answers given in a form.
    Submission,
    /// The member id that a person is joined with, and what came with it.
    Link,
    /// The member id that a person wanted to be joined with and was refused.
    Claim,
    /// A request to correct what is held, or to stop its use (`store::request`).
    Request,
}

impl ValueKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Message, Self::Event, Self::Profile, Self::Submission, Self::Link, Self::Claim, Self::Request];

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Event => "event",
            Self::Profile => "profile",
            Self::Submission => "submission",
            Self::Link => "link",
            Self::Claim => "claim",
            Self::Request => "request",
        }
    }
}

/// A value row to be written.
#[derive(Debug, Clone)]
pub struct ValueRow {
    /// The person.
    pub subject: SubjectId,
    /// The sort key.
    pub sk: String,
    /// What it holds.
    pub kind: ValueKind,
    /// Why it is kept.
    pub purpose: DefinitionId,
    /// The policy version in force.
    pub policy: VersionId,
    /// The policy version the person was shown.
    pub shown: Option<String>,
    /// The form version it was given in, if any.
    pub form: Option<VersionId>,
    /// When it happened.
    pub event_at: UnixMs,
    /// When it is to be erased.
    pub due_at: UnixMs,
    /// Whether it is held only until consent.
    pub awaiting_consent: bool,
    /// What moves its due time on.
    pub follows: Option<Follows>,
    /// The day that the person gave, from which its due time is counted.
    pub given: Option<UnixMs>,
    /// Whether it is counted when it is due.
    pub then: Then,
    /// Set when it replaces an earlier text (`messageEdited`).
    pub edit: Option<EventOrder>,
    /// The content.
    pub env: Envelope,
}

/// The largest row that is written. DynamoDB takes 400 KB (409,600 bytes) with
/// names; what is left covers the tag and a later re-dating.
pub const MAX_ROW: usize = 400_000;

/// A row that can never be stored, however often it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed record has more than {MAX_ROW} bytes")]
pub struct TooLarge;

/// A tombstone of an unsent message.
#[derive(Debug, Clone)]
pub struct Unsent {
    /// The person.
    pub subject: SubjectId,
    /// The message.
    pub message: LineItemId,
    /// The purpose the message was kept for.
    pub purpose: DefinitionId,
    /// The policy version in force.
    pub policy: VersionId,
    /// The policy version the person was shown.
    pub shown: Option<String>,
    /// When it was unsent.
    pub event_at: UnixMs,
}

impl ValueRow {
    /// Checks that DynamoDB will take the row.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn check_size(&self) -> Result<(), TooLarge> {
        const ATTRIBUTES: usize = 1_024;
        if self.env.to_bytes().len() + ATTRIBUTES > MAX_ROW { Err(TooLarge) } else { Ok(()) }
    }
}

impl Vault {
    pub(super) fn value_item(&self, row: ValueRow, now: UnixMs) -> Item {
        let shard = row.subject.as_bytes()[0] % SHARDS;
        let inbox = key::inbox(row.event_at.tokyo_day(), row.kind.as_str(), shard);
        Item::new(key::subject(row.subject), row.sk, row.kind.as_str())
            .text("purpose", row.purpose.as_str())
            .text("policy", row.policy.to_string())
            .text("shown", row.shown.as_deref().unwrap_or("none"))
            .maybe_text("form", row.form.map(|form| form.to_string()))
            .time("event_at", row.event_at)
            .time("at", row.event_at)
            .text("inbox_slot", inbox)
            .maybe_text("awaiting", row.awaiting_consent.then_some("consent"))
            .maybe_text("follows", row.follows.map(Follows::as_str))
            .maybe_time("given", row.given)
            .maybe_text("anonymise", (row.then == Then::Anonymise).then_some("count"))
            .maybe_text("edited", row.edit.map(|order| order.to_string()))
            .bytes("env", row.env.to_bytes())
            .time("due_at", row.due_at)
            .text("due_slot", Slot::of(row.subject, row.due_at, now).to_string())
            .vouched(self.origin())
    }

    /// Writes a value once: a redelivery finds it there, and so does the message of
    /// an unsent one. An edit replaces what is older, and never a tombstone.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_value(&self, row: ValueRow, now: UnixMs) -> Result<Outcome, StoreError> {
        let condition = match &row.edit {
            None => Condition::that("attribute_not_exists(pk)"),
            Some(order) => Condition::that(
                "attribute_not_exists(pk) OR (kind = :message AND (attribute_not_exists(edited) OR edited < :edited))",
            )
            .with_text(":message", ValueKind::Message.as_str())
            .with_text(":edited", order.to_string()),
        };
        outcome(self.put(self.value_item(row, now), condition).await)
    }

    /// Puts the tombstone of an unsent message over it, or where it would be. It is
    /// due at once: a sweep copies it to the erasure list and keeps it for as long
    /// as a backup could bring the message back.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_unsent(&self, unsent: Unsent, now: UnixMs) -> Result<(), StoreError> {
        let item = self.unsent_item(&unsent, unsent.event_at, None, now);
        self.put(item, Condition::none()).await
    }

    fn unsent_item(&self, unsent: &Unsent, due_at: UnixMs, listed: Option<UnixMs>, now: UnixMs) -> Item {
        Item::new(key::subject(unsent.subject), key::record(&unsent.message), "tombstone")
            .text("purpose", unsent.purpose.as_str())
            .text("policy", unsent.policy.to_string())
            .text("shown", unsent.shown.as_deref().unwrap_or("none"))
            .time("event_at", unsent.event_at)
            .maybe_time("listed_at", listed)
            .time("due_at", due_at)
            .text("due_slot", Slot::of(unsent.subject, due_at, now).to_string())
            .vouched(self.origin())
    }

    /// Keeps a tombstone that is now on the erasure list until `due_at`.
    /// [`Outcome::Already`] if the row has changed since it was found due at
    /// `was_due`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn keep_unsent(
        &self,
        unsent: &Unsent,
        was_due: UnixMs,
        due_at: UnixMs,
        now: UnixMs,
    ) -> Result<Outcome, StoreError> {
        let condition = Condition::that("due_at = :was_due").with_number(":was_due", was_due.get());
        outcome(self.put(self.unsent_item(unsent, due_at, Some(now), now), condition).await)
    }
}
