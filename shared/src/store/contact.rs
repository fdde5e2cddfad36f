//! The transactions around a contact: a new person claims a key pair; a known
//! person's first event of a day moves their last contact on.

use aws_sdk_dynamodb::types::TransactWriteItem;

use crate::domain::{id::ChannelName, person::Person, time::UnixMs};
use crate::store::{
    Outcome, StoreError, Vault,
    error::outcome,
    key,
    mapping::{Mapping, vacant},
    subject::SubjectRow,
    value::ValueRow,
    vault::Condition,
};

/// How a claim ended.
#[derive(Debug, Clone)]
pub enum Claim {
    /// The person is new; this is their mapping.
    Done(Mapping),
    /// Somebody else took that pair, or two transactions met: try another pair.
    PairTaken,
    /// Somebody else made the person meanwhile: read the mapping again.
    MappingTaken,
}

/// A claim, all of it or nothing.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// The shard the pair was found in.
    pub pool_shard: u8,
    /// The partition of the mapping.
    pub mapping: String,
    /// The content of the mapping.
    pub person: Person,
    /// The subject row.
    pub subject: SubjectRow,
    /// When the event happened that starts the person.
    pub event_at: UnixMs,
}

/// A newer contact of a known person.
#[derive(Debug, Clone, Default)]
pub struct NewerContact {
    /// The subject row with its new due time, if the day is a new one.
    pub subject: Option<SubjectRow>,
    /// The profile, if it was fetched.
    pub profile: Option<ValueRow>,
}

impl Vault {
    /// Claims a pair for a new person: one transaction over pool, mapping and
    /// subject.
    ///
    /// # Errors
    /// The call failed.
    pub async fn claim(&self, new: NewPerson, now: UnixMs) -> Result<Claim, StoreError> {
        let (parts, written) = self.claim_parts(new, now)?;
        match self.transact(parts.into()).await {
            Ok(()) => Ok(Claim::Done(written)),
            Err(error) if error.part_failed(0) => Ok(Claim::MappingTaken),
            Err(error) if error.part_failed(1) || error.part_failed(2) || error.conflict() => Ok(Claim::PairTaken),
            Err(error) => Err(error),
        }
    }

    /// The parts of a claim: mapping, pool, subject.
    pub(super) fn claim_parts(
        &self,
        new: NewPerson,
        now: UnixMs,
    ) -> Result<([TransactWriteItem; 3], Mapping), StoreError> {
        let pool_row = self.part_delete(
            &key::pool(new.pool_shard),
            &new.person.key.subject.to_string(),
            Condition::that("attribute_exists(pk)"),
        );
        let item = self.mapping_item(&new.mapping, &new.person);
        let written = Mapping::written(&item, &new.person)?;
        let mapping = self.part_put(item, vacant(new.event_at, now));
        let subject = self.part_put(self.subject_item(new.subject, now), Condition::that("attribute_not_exists(pk)"));
        Ok(([mapping, pool_row, subject], written))
    }

    /// Moves a mapping to the digest of a new index key, with the subject row that
    /// names it: one transaction. `false` if something changed meanwhile: read both
    /// again.
    ///
    /// # Errors
    /// The call failed.
    pub async fn move_mapping(
        &self,
        from: (&str, &Mapping),
        to: &str,
        person: &Person,
        subject: SubjectRow,
        now: UnixMs,
    ) -> Result<bool, StoreError> {
        let mut parts = vec![
            self.part_put(self.mapping_item(to, person), Condition::that("attribute_not_exists(pk)")),
            self.part_delete(from.0, key::ALONE, from.1.unchanged()),
        ];
        if let Some(link) = person.link.link() {
            let channel = ChannelName::parse(&subject.channel).map_err(|_| StoreError::Row { attribute: "channel" })?;
            // The member id leads to the mapping: it must lead to the new place.
            let led = self.member_item(&channel, &link.member, (subject.subject, to), link.since, None);
            parts.push(self.part_put(led, Condition::none()));
        }
        parts.push(self.part_put(self.subject_item(subject, now), Condition::that("attribute_exists(pk)")));
        let all = parts.len();
        match self.transact(parts).await {
            Ok(()) => Ok(true),
            Err(error) if (0..all).any(|part| error.part_failed(part)) || error.conflict() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes a mapping as it now is: one call. `None` if it has changed since it was
    /// read: read it again.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_mapping(&self, pk: &str, read: &Mapping, person: &Person) -> Result<Option<Mapping>, StoreError> {
        let item = self.mapping_item(pk, person);
        let written = Mapping::written(&item, person)?;
        match outcome(self.put(item, read.unchanged()).await)? {
            Outcome::Written => Ok(Some(written)),
            Outcome::Already => Ok(None),
        }
    }

    /// Writes a newer contact: the mapping as it now is, and what comes with it.
    /// `None` if the mapping has changed since it was read, the person has been
    /// erased, or another transaction was in the way: read it again.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_contact(
        &self,
        pk: &str,
        read: &Mapping,
        person: &Person,
        contact: NewerContact,
        now: UnixMs,
    ) -> Result<Option<Mapping>, StoreError> {
        let item = self.mapping_item(pk, person);
        let written = Mapping::written(&item, person)?;
        let mut parts = vec![self.part_put(item, read.unchanged())];
        if let Some(subject) = contact.subject {
            parts.push(self.part_put(self.subject_item(subject, now), Condition::that("attribute_exists(pk)")));
        }
        if let Some(profile) = contact.profile {
            parts.push(self.part_put(self.value_item(profile, now), Condition::none()));
        }
        match self.transact(parts).await {
            Ok(()) => Ok(Some(written)),
            Err(error) if error.part_failed(0) || error.part_failed(1) || error.conflict() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
