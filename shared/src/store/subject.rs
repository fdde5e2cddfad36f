//! Subject rows `S#<id>` / `-`: that a person exists, where their mapping lies, and
//! their LINE user id, sealed.

use crate::domain::{
    id::{DefinitionId, SubjectId, VersionId},
    sweep::Slot,
    time::UnixMs,
};
use crate::seal::envelope::Envelope;
use crate::store::{
    Item, StoreError, Vault,
    key::{self, ALONE},
};

/// A subject row to be written.
#[derive(Debug, Clone)]
pub struct SubjectRow {
    /// The person.
    pub subject: SubjectId,
    /// The name of the channel.
    pub channel: String,
    /// The partition of their mapping.
    pub mapping: String,
    /// Which of their keys is in use.
    pub key_version: u32,
    /// The purpose `line_contact`.
    pub purpose: DefinitionId,
    /// The policy version in force.
    pub policy: VersionId,
    /// The policy version they were shown.
    pub shown: Option<String>,
    /// The start of the last day of contact.
    pub event_at: UnixMs,
    /// When the person is to be forgotten if nothing more comes.
    pub due_at: UnixMs,
    /// Whether it is held only until consent.
    pub awaiting_consent: bool,
    /// The sealed LINE user id.
    pub env: Envelope,
}

/// What a sweep needs to know of a subject row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectFacts {
    /// The partition of the mapping.
    pub mapping: String,
    /// Which key versions exist: 1 to this.
    pub key_version: u32,
    /// The purpose `line_contact`.
    pub purpose: DefinitionId,
    /// The policy version in force when it was written.
    pub policy: VersionId,
    /// Whether it is held only until consent.
    pub awaiting_consent: bool,
    /// When it is due.
    pub due_at: UnixMs,
}

impl Vault {
    pub(super) fn subject_item(&self, row: SubjectRow, now: UnixMs) -> Item {
        Item::new(key::subject(row.subject), ALONE, "subject")
            .text("channel", row.channel)
            .text("mapping", row.mapping)
            .number("key_version", row.key_version.into())
            .text("purpose", row.purpose.as_str())
            .text("policy", row.policy.to_string())
            .text("shown", row.shown.as_deref().unwrap_or("none"))
            .time("event_at", row.event_at)
            .maybe_text("awaiting", row.awaiting_consent.then_some("consent"))
            .bytes("env", row.env.to_bytes())
            .time("due_at", row.due_at)
            .text("due_slot", Slot::of(row.subject, row.due_at, now).to_string())
            .vouched(self.origin())
    }

    /// Reads the facts of a subject row: one call. `None` if the person is gone.
    ///
    /// # Errors
    /// The call failed, or the row is not vouched for or not well formed.
    pub async fn subject(&self, subject: SubjectId) -> Result<Option<SubjectFacts>, StoreError> {
        let Some(item) = self.get_vouched(&key::subject(subject), ALONE).await? else { return Ok(None) };
        Ok(Some(SubjectFacts {
            mapping: item.get_text("mapping")?.to_owned(),
            key_version: u32::try_from(item.get_number("key_version")?)
                .map_err(|_| StoreError::Row { attribute: "key_version" })?,
            purpose: DefinitionId::new(item.get_text("purpose")?),
            policy: VersionId::parse(item.get_text("policy")?).map_err(|_| StoreError::Row { attribute: "policy" })?,
            awaiting_consent: item.find_text("awaiting").is_some(),
            due_at: item.get_time("due_at")?,
        }))
    }
}
