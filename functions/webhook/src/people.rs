//! Who is behind a LINE user id: known, or new and given a key pair from the pool.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use azukari::{
    domain::{
        consent::{Consent, Custody, custody},
        id::LineUserId,
        key::SubjectKey,
        notice::Shown,
        person::{Person, Standing},
        plain::Plain,
        retention::contact_due,
        time::{Day, SECOND_MS, UnixMs},
    },
    host::published::Channel,
    seal::{self, SealError, index::IndexKey, place::RowPlace},
    store::{
        StoreError,
        contact::{Claim, NewPerson},
        key,
        mapping::Mapping,
        pool::PoolPick,
        subject::SubjectRow,
    },
};

use crate::{Webhook, reply};

/// How long a mapping that was read may be used by a warm function. Erasing a
/// person waits longer than that before it destroys the key.
const KEPT_MS: i64 = 30 * SECOND_MS;

/// Mappings that are kept at most.
const KEPT: usize = 4_096;

/// How often a claim is tried when others take the same pair.
const ATTEMPTS: usize = 10;

/// A person who can be sealed to.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// The mapping as it was read or written.
    pub(crate) mapping: Mapping,
    /// What it says.
    pub(crate) person: Person,
    /// Their key, vouched for.
    pub(crate) key: SubjectKey,
}

/// Why a person could not be found or made. All of these pass, or are repaired:
/// the event is to be delivered again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeopleError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the pool of key pairs is empty")]
    PoolEmpty,
    #[error("the mapping names a key that is not vouched for")]
    KeyNotVouched,
    #[error("no pair could be claimed in {ATTEMPTS} attempts")]
    Contended,
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The person as one request meets them.
pub(crate) struct Visit<'a> {
    pub(crate) webhook: &'a Webhook,
    pub(crate) channel: &'a Channel,
    pub(crate) user: &'a LineUserId,
    /// Partition of the mapping.
    pub(crate) pk: String,
    pub(crate) now: UnixMs,
}

impl Visit<'_> {
    /// The mapping: from memory if it was read within the last 30 seconds and a
    /// fresh one is not asked for, otherwise one call.
    pub(crate) async fn mapping(&self, fresh: bool) -> Result<(Mapping, Option<Known>), PeopleError> {
        if !fresh && let Some(known) = self.webhook.people.find(&self.pk, self.now) {
            return Ok((known.mapping.clone(), Some(known)));
        }
        let mut mapping = self.webhook.vault.mapping(&self.pk, self.now).await?;
        if mapping.standing == Standing::Absent && self.webhook.secrets.user_index_previous.is_some() {
            mapping = self.mapping_under_previous_key(mapping).await?;
        }
        let known = self.known(&mapping)?;
        Ok((mapping, known))
    }

    /// Remembers a person, and checks that their key is vouched for.
    pub(crate) fn known(&self, mapping: &Mapping) -> Result<Option<Known>, PeopleError> {
        let Standing::Known(person) = &mapping.standing else { return Ok(None) };
        let key = self.webhook.enrol.verify(&person.key).map_err(|_| PeopleError::KeyNotVouched)?;
        let known = Known { mapping: mapping.clone(), person: (**person).clone(), key };
        self.webhook.people.keep(&self.pk, known.clone(), self.now);
        Ok(Some(known))
    }

    /// While the index key is being changed: finds the mapping under the old digest
    /// and moves it to the new one.
    async fn mapping_under_previous_key(&self, absent: Mapping) -> Result<Mapping, PeopleError> {
        let Some(previous) = &self.webhook.secrets.user_index_previous else { return Ok(absent) };
        let old_pk = key::mapping(&self.channel.name, &previous.user(&self.channel.name, self.user));
        let old = self.webhook.vault.mapping(&old_pk, self.now).await?;
        let Standing::Known(person) = &old.standing else { return Ok(old_tombstone(absent, old)) };
        let key = self.webhook.enrol.verify(&person.key).map_err(|_| PeopleError::KeyNotVouched)?;
        let person = Person { index_key: self.index_key().id(), ..(**person).clone() };
        let subject = self.subject_row(&key, &person)?;
        self.webhook.vault.move_mapping((&old_pk, &old), &self.pk, &person, subject, self.now).await?;
        // Moved now, or by somebody else at the same moment.
        Ok(self.webhook.vault.mapping(&self.pk, self.now).await?)
    }

    /// Makes a new person: claims a pair from the pool. With `notice_follows` the attempt
    /// to show them the notice is stored with it. `None` if somebody else made one
    /// meanwhile: read the mapping again.
    pub(crate) async fn claim(
        &self,
        first_event: UnixMs,
        last_contact: Day,
        not_before: Option<UnixMs>,
        notice_follows: bool,
    ) -> Result<Option<Known>, PeopleError> {
        let metrics = self.webhook.ctx.metrics();
        for _ in 0..ATTEMPTS {
            let [shard, pair] = self.webhook.ctx.mint().bytes();
            let Some((pool_shard, row)) = self.webhook.vault.pooled_key(PoolPick { shard, pair }).await? else {
                metrics.count("webhook_alarm", "pool_empty");
                return Err(PeopleError::PoolEmpty);
            };
            let Ok(key) = self.webhook.enrol.verify(&row) else {
                metrics.count("webhook_alarm", "key_not_vouched");
                tracing::error!(subject = %row.subject, "a key row in the pool is not vouched for");
                continue;
            };
            let person = Person {
                key: row,
                index_key: self.index_key().id(),
                last_contact,
                consent: Consent::None,
                consent_order: None,
                shown: Shown::default(),
                attempt: notice_follows.then(|| reply::attempt(self)),
                profile_day: None,
                not_before,
            };
            let new = NewPerson {
                pool_shard,
                mapping: self.pk.clone(),
                subject: self.subject_row(&key, &person)?,
                person,
                event_at: first_event,
            };
            match self.webhook.vault.claim(new, self.now).await? {
                Claim::Done(mapping) => {
                    metrics.count("webhook_person", "new");
                    return self.known(&mapping);
                }
                Claim::MappingTaken => return Ok(None),
                Claim::PairTaken => {}
            }
        }
        Err(PeopleError::Contended)
    }

    /// The subject row of a person, their LINE user id sealed.
    pub(crate) fn subject_row(&self, key: &SubjectKey, person: &Person) -> Result<SubjectRow, SealError> {
        let definition = &self.channel.definition;
        let terms = &definition.purposes.line_contact;
        let custody = custody(definition.before_consent, person.consent);
        let place = RowPlace {
            channel: &self.channel.name,
            subject: key.subject(),
            row: key::ALONE,
            purpose: &terms.id,
            policy: &self.channel.policy,
            form: None,
        };
        let owner = self.index_key().owner(&self.channel.name, self.user);
        let env = seal::seal(key, &place, &owner, &[("line_user_id", Plain::text(self.user.reveal()))])?;
        Ok(SubjectRow {
            subject: key.subject(),
            channel: self.channel.name.to_string(),
            mapping: self.pk.clone(),
            key_version: key.version(),
            purpose: terms.id.clone(),
            policy: self.channel.policy.clone(),
            shown: shown_with(person).map(str::to_owned),
            event_at: person.last_contact.start(),
            due_at: contact_due(custody, terms.retention, person.last_contact),
            awaiting_consent: custody == Custody::UntilConsent,
            env,
        })
    }

    pub(crate) fn index_key(&self) -> &IndexKey {
        &self.webhook.secrets.user_index
    }

    pub(crate) fn forget(&self) {
        self.webhook.people.forget(&self.pk);
    }
}

/// The policy version that goes with the contact: what they had been shown when its day
/// began, and once they have agreed, what they agreed to.
fn shown_with(person: &Person) -> Option<&str> {
    if person.consent == Consent::Given {
        return person.shown.last();
    }
    person.shown.by(person.last_contact.start())
}

/// A tombstone under the old digest still speaks; what a later write must find is
/// that nobody is under the new one.
fn old_tombstone(mut absent: Mapping, old: Mapping) -> Mapping {
    absent.standing = old.standing;
    absent
}

/// Mappings that this function has read lately.
#[derive(Debug, Default)]
pub(crate) struct People(Mutex<HashMap<String, (UnixMs, Known)>>);

impl People {
    fn find(&self, pk: &str, now: UnixMs) -> Option<Known> {
        let people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, known) = people.get(pk)?;
        (0..KEPT_MS).contains(&now.since(*at)).then(|| known.clone())
    }

    fn keep(&self, pk: &str, known: Known, now: UnixMs) {
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= KEPT {
            people.retain(|_, (at, _)| (0..KEPT_MS).contains(&now.since(*at)));
        }
        if people.len() < KEPT {
            people.insert(pk.to_owned(), (now, known));
        }
    }

    pub(crate) fn forget_all(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn forget(&self, pk: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(pk);
    }
}
