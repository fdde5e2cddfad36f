//! Who is behind a LINE user id: known, or new and given a key pair from the pool.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::domain::{
    consent::{Consent, Custody, custody},
    id::LineUserId,
    key::SubjectKey,
    link::Linkage,
    notice::{Attempt, Shown},
    person::{KeyRow, Person, Standing},
    plain::Plain,
    retention::contact_due,
    time::{Day, SECOND_MS, UnixMs},
};
use crate::host::{ctx::Ctx, published::Channel, secrets::IntakeKeys};
use crate::keys::enrol::EnrolKey;
use crate::seal::{self, SealError, index::IndexKey, place::RowPlace};
use crate::store::{
    StoreError, Vault,
    contact::{Claim, NewPerson},
    key,
    mapping::Mapping,
    pool::PoolPick,
    subject::SubjectRow,
};

/// How long a mapping that was read may be used by a warm function. Erasing a
/// person waits longer than that before it destroys the key.
const KEPT_MS: i64 = 30 * SECOND_MS;

/// Mappings that are kept at most.
const KEPT: usize = 4_096;

/// How often a claim is tried when others take the same pair.
const ATTEMPTS: usize = 10;

/// A person who can be sealed to.
#[derive(Debug, Clone)]
pub struct Known {
    /// The mapping as it was read or written.
    pub mapping: Mapping,
    /// What it says.
    pub person: Person,
    /// Their key, vouched for.
    pub key: SubjectKey,
}

/// Why a person could not be found or made. All of these pass, or are repaired:
/// the event is to be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no key pair for somebody new.
    #[error("the pool of key pairs is empty")]
    PoolEmpty,
    /// A key row was edited or planted.
    #[error("the mapping names a key that is not vouched for")]
    KeyNotVouched,
    /// Others were quicker each time.
    #[error("no pair could be claimed in {ATTEMPTS} attempts")]
    Contended,
    /// A record could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What an intake function meets people with.
#[derive(Debug)]
pub struct Intake {
    /// Clock, mint, metrics.
    pub ctx: Ctx,
    /// The store, signing as the function.
    pub vault: Vault,
    /// Finds mappings and makes owner checks.
    pub keys: IntakeKeys,
    /// Checks key rows.
    pub enrol: EnrolKey,
    /// The name of its alarms and of its counts of people.
    pub metrics: IntakeMetrics,
    people: People,
}

/// Names of counters.
#[derive(Debug, Clone, Copy)]
pub struct IntakeMetrics {
    /// What somebody has to look at.
    pub alarm: &'static str,
    /// People.
    pub person: &'static str,
}

/// The person as one request meets them.
#[derive(Debug)]
pub struct Visit<'a> {
    /// The function.
    pub intake: &'a Intake,
    /// Where they are met.
    pub channel: &'a Channel,
    /// Who.
    pub user: &'a LineUserId,
    /// Partition of the mapping.
    pub pk: String,
    /// When.
    pub now: UnixMs,
}

/// A key pair from the pool, vouched for.
#[derive(Debug, Clone)]
pub struct Pair {
    shard: u8,
    row: KeyRow,
    key: SubjectKey,
}

impl Pair {
    /// The key of whoever takes it.
    pub fn key(&self) -> &SubjectKey {
        &self.key
    }
}

/// What is known of somebody new.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// When the event happened that starts them.
    pub first_event: UnixMs,
    /// The day of their last event.
    pub last_contact: Day,
    /// Events up to this time belong to an erased predecessor.
    pub not_before: Option<UnixMs>,
    /// An attempt to show them the notice that begins now.
    pub attempt: Option<Attempt>,
}

impl Intake {
    /// From its parts.
    pub fn new(ctx: Ctx, vault: Vault, keys: IntakeKeys, enrol: EnrolKey, metrics: IntakeMetrics) -> Self {
        Self { ctx, vault, keys, enrol, metrics, people: People::default() }
    }

    /// A visit of a user of a channel.
    pub fn visit<'a>(&'a self, channel: &'a Channel, user: &'a LineUserId, now: UnixMs) -> Visit<'a> {
        let pk = key::mapping(&channel.name, &self.keys.user_index.user(&channel.name, user));
        Visit { intake: self, channel, user, pk, now }
    }

    /// Forgets the people it has met lately, as a cold start does.
    pub fn forget_all(&self) {
        self.people.forget_all();
    }
}

impl Visit<'_> {
    /// The mapping: from memory if it was read within the last 30 seconds and a
    /// fresh one is not asked for, otherwise one call.
    ///
    /// # Errors
    /// See [`PeopleError`].
    pub async fn mapping(&self, fresh: bool) -> Result<(Mapping, Option<Known>), PeopleError> {
        if !fresh && let Some(known) = self.intake.people.find(&self.pk, self.now) {
            return Ok((known.mapping.clone(), Some(known)));
        }
        let mut mapping = self.intake.vault.mapping(&self.pk, self.now).await?;
        if mapping.standing == Standing::Absent && self.intake.keys.user_index_previous.is_some() {
            mapping = self.mapping_under_previous_key(mapping).await?;
        }
        let known = self.known(&mapping)?;
        Ok((mapping, known))
    }

    /// Remembers a person, and checks that their key is vouched for.
    ///
    /// # Errors
    /// It is not.
    pub fn known(&self, mapping: &Mapping) -> Result<Option<Known>, PeopleError> {
        let Standing::Known(person) = &mapping.standing else { return Ok(None) };
        let key = self.intake.enrol.verify(&person.key).map_err(|_| PeopleError::KeyNotVouched)?;
        let known = Known { mapping: mapping.clone(), person: (**person).clone(), key };
        self.intake.people.keep(&self.pk, known.clone(), self.now);
        Ok(Some(known))
    }

    /// While the index key is being changed: finds the mapping under the old digest
    /// and moves it to the new one.
    async fn mapping_under_previous_key(&self, absent: Mapping) -> Result<Mapping, PeopleError> {
        let Some(previous) = &self.intake.keys.user_index_previous else { return Ok(absent) };
        let old_pk = key::mapping(&self.channel.name, &previous.user(&self.channel.name, self.user));
        let old = self.intake.vault.mapping(&old_pk, self.now).await?;
        let Standing::Known(person) = &old.standing else { return Ok(old_tombstone(absent, old)) };
        let key = self.intake.enrol.verify(&person.key).map_err(|_| PeopleError::KeyNotVouched)?;
        let person = Person { index_key: self.index_key().id(), ..(**person).clone() };
        let subject = self.subject_row(&key, &person)?;
        self.intake.vault.move_mapping((&old_pk, &old), &self.pk, &person, subject, self.now).await?;
        // Moved now, or by somebody else at the same moment.
        Ok(self.intake.vault.mapping(&self.pk, self.now).await?)
    }

    /// A pair from the pool for somebody new: one call. It is theirs once a claim with it
    /// has been written.
    ///
    /// # Errors
    /// The pool is empty, or the store did not answer.
    pub async fn pair(&self) -> Result<Pair, PeopleError> {
        let (metrics, names) = (self.intake.ctx.metrics(), self.intake.metrics);
        for _ in 0..ATTEMPTS {
            let [shard, pair] = self.intake.ctx.mint().bytes();
            let Some((shard, row)) = self.intake.vault.pooled_key(PoolPick { shard, pair }).await? else {
                metrics.count(names.alarm, "pool_empty");
                return Err(PeopleError::PoolEmpty);
            };
            if let Ok(key) = self.intake.enrol.verify(&row) {
                return Ok(Pair { shard, row, key });
            }
            metrics.count(names.alarm, "key_not_vouched");
            tracing::error!(
                event = "key_not_vouched",
                subject = %row.subject,
                "a key row in the pool is not vouched for"
            );
        }
        Err(PeopleError::Contended)
    }

    /// What is written when somebody new takes a pair.
    ///
    /// # Errors
    /// Their LINE user id cannot be sealed.
    pub fn newcomer(&self, pair: Pair, new: Newcomer) -> Result<NewPerson, SealError> {
        let person = Person {
            key: pair.row,
            index_key: self.index_key().id(),
            last_contact: new.last_contact,
            consent: Consent::None,
            consent_order: None,
            shown: Shown::default(),
            attempt: new.attempt,
            profile_day: None,
            not_before: new.not_before,
            link: Linkage::Never,
            // Whoever was erased may still see the menu of linked people: the next occasion
            // takes it away.
            linked_menu: new.not_before.is_some()
                && self.channel.definition.link.as_ref().is_some_and(|terms| terms.rich_menu.is_some()),
            withdrawn: std::collections::BTreeMap::new(),
        };
        Ok(NewPerson {
            pool_shard: pair.shard,
            mapping: self.pk.clone(),
            subject: self.subject_row(&pair.key, &person)?,
            person,
            event_at: new.first_event,
        })
    }

    /// Makes a new person: claims a pair from the pool. `None` if somebody else made one
    /// meanwhile: read the mapping again.
    ///
    /// # Errors
    /// See [`PeopleError`].
    pub async fn claim(&self, new: &Newcomer) -> Result<Option<Known>, PeopleError> {
        for _ in 0..ATTEMPTS {
            let person = self.newcomer(self.pair().await?, new.clone())?;
            match self.intake.vault.claim(person, self.now).await? {
                Claim::Done(mapping) => {
                    self.intake.ctx.metrics().count(self.intake.metrics.person, "new");
                    return self.known(&mapping);
                }
                Claim::MappingTaken => return Ok(None),
                Claim::PairTaken => {}
            }
        }
        Err(PeopleError::Contended)
    }

    /// The subject row of a person, their LINE user id sealed.
    ///
    /// # Errors
    /// It cannot be sealed.
    pub fn subject_row(&self, key: &SubjectKey, person: &Person) -> Result<SubjectRow, SealError> {
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

    /// The key that finds people.
    pub fn index_key(&self) -> &IndexKey {
        &self.intake.keys.user_index
    }

    /// Forgets what was read of this person.
    pub fn forget(&self) {
        self.intake.people.forget(&self.pk);
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

    fn forget_all(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn forget(&self, pk: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(pk);
    }
}
