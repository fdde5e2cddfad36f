//! Links with member ids: `S#<id>` / `M#<channel>#<digest>` holds the member id, sealed;
//! `X#member#<channel>#<digest>` leads from a member id to the person. The mapping of the
//! person says whether the link stands ([`crate::domain::link`]): whatever the other two
//! say, they are of something that was.

use crate::domain::{
    erasure::UnlinkGround,
    id::{ChannelName, DefinitionId, SubjectId, VersionId},
    link::{Linkage, MemberDigest},
    order::EventOrder,
    person::{Person, Standing},
    sweep::Slot,
    time::{HOUR_MS, UnixMs},
};
use crate::store::{
    Item, Outcome, StoreError, Vault,
    contact::NewPerson,
    error::outcome,
    key::{self, ALONE},
    mapping::Mapping,
    order::UnlinkOrder,
    subject::SubjectRow,
    value::ValueRow,
    vault::Condition,
};

/// Where a member id leads.
#[derive(Debug, Clone)]
pub struct MemberRow {
    /// To whom.
    pub subject: SubjectId,
    /// The partition of their mapping.
    pub mapping: String,
    /// Since when.
    pub since: UnixMs,
    /// The business has freed the member id at this time: what was begun before counts no
    /// more, whoever it has led to since.
    pub freed_at: Option<UnixMs>,
    tag: [u8; 32],
}

/// Who is joined.
#[derive(Debug, Clone)]
pub enum Joining<'a> {
    /// Somebody new, with a pair from the pool.
    New(Box<NewPerson>),
    /// Somebody known, whose mapping must still be as it was read.
    Known {
        /// Partition of the mapping.
        pk: &'a str,
        /// The mapping as it was read.
        read: &'a Mapping,
        /// As it is to be.
        person: Box<Person>,
        /// On the first contact of a day: the subject row as it then is.
        subject: Option<Box<SubjectRow>>,
    },
}

/// What the person was shown before they joined.
#[derive(Debug, Clone)]
pub struct LinkNotice {
    /// The policy version.
    pub policy: VersionId,
    /// SHA-256 of the words, in hexadecimal.
    pub words: String,
    /// Their language, as a tag (BCP 47).
    pub language: &'static str,
}

/// A link, all of it.
#[derive(Debug, Clone)]
pub struct NewLink<'a> {
    /// The channel.
    pub channel: &'a ChannelName,
    /// The partition of the person's mapping.
    pub mapping: &'a str,
    /// The member id's digest.
    pub member: &'a MemberDigest,
    /// What was shown.
    pub notice: LinkNotice,
    /// When it was begun, and its place among the events of the person.
    pub order: EventOrder,
    /// What the person has agreed to: what the member id is kept for, and being reached.
    pub purposes: [&'a DefinitionId; 2],
    /// The member id and what came with it, sealed.
    pub value: ValueRow,
    /// The digest of the one-time secret that it uses up.
    pub once: &'a str,
    /// Where the member id led when it was looked up.
    pub led: Option<MemberRow>,
}

/// A claim that was refused, all of it.
#[derive(Debug, Clone)]
pub struct RefusedLink<'a> {
    /// The member id, sealed.
    pub claim: ValueRow,
    /// Its digest.
    pub member: &'a MemberDigest,
    /// What was shown.
    pub notice: LinkNotice,
    /// When it was begun, and its place among the events of the person.
    pub order: EventOrder,
    /// What the person has agreed to.
    pub purposes: [&'a DefinitionId; 2],
    /// The digest of the one-time secret that it uses up.
    pub once: &'a str,
}

/// What became of a link.
#[derive(Debug, Clone)]
pub enum LinkOutcome {
    /// It is stored, and this is the mapping now.
    Stored(Mapping),
    /// Its one-time secret has been used.
    Used,
    /// The person or the member id has changed since they were read, or somebody else took
    /// the key pair: read again.
    Changed,
}

impl MemberRow {
    /// Whether it leads to anybody: not from the time when the business has freed the member
    /// id until somebody else is joined.
    pub fn leads_somewhere(&self) -> bool {
        self.subject != NOBODY
    }
}

impl Vault {
    /// Where a member id leads: one call.
    ///
    /// # Errors
    /// The call failed, or the row is not vouched for or not well formed.
    pub async fn member(&self, channel: &ChannelName, member: &MemberDigest) -> Result<Option<MemberRow>, StoreError> {
        let Some(item) = self.get_vouched(&key::member(channel, member), ALONE).await? else { return Ok(None) };
        let subject = SubjectId::parse(item.get_text("subject")?);
        Ok(Some(MemberRow {
            subject: subject.map_err(|_| StoreError::Row { attribute: "subject" })?,
            mapping: item.get_text("mapping")?.to_owned(),
            since: item.get_time("event_at")?,
            freed_at: item.find_time("freed_at"),
            tag: item.get_array("tag")?,
        }))
    }

    /// Frees a member id: it leads to nobody, and for an hour nothing counts that was begun
    /// before `now`. [`Outcome::Already`] if it leads elsewhere by now: read it again.
    ///
    /// # Errors
    /// The call failed.
    pub async fn free_member(
        &self,
        channel: &ChannelName,
        member: &MemberDigest,
        led: Option<&MemberRow>,
        now: UnixMs,
    ) -> Result<Outcome, StoreError> {
        outcome(self.put(self.freed_item(channel, member, now), still(led)).await)
    }

    fn freed_item(&self, channel: &ChannelName, member: &MemberDigest, freed_at: UnixMs) -> Item {
        Item::new(key::member(channel, member), ALONE, "freed")
            .text("subject", NOBODY.to_string())
            .text("mapping", "-")
            .time("event_at", freed_at)
            .time("freed_at", freed_at)
            .number("ttl", freed_at.plus(FREED_MS).seconds())
            .vouched(self.origin())
    }

    /// Stores a link and uses up its one-time secret: one call, all of it or nothing.
    ///
    /// # Errors
    /// The call failed.
    pub async fn link(&self, joining: Joining<'_>, link: NewLink<'_>, now: UnixMs) -> Result<LinkOutcome, StoreError> {
        let mut parts = vec![self.part_take(link.once)];
        let written;
        match joining {
            Joining::New(new) => {
                let (claim, mapping) = self.claim_parts(*new, now)?;
                parts.extend(claim);
                written = mapping;
            }
            Joining::Known { pk, read, person, subject } => {
                let item = self.mapping_item(pk, &person);
                written = Mapping::written(&item, &person)?;
                parts.push(self.part_put(item, read.unchanged()));
                if let Some(subject) = subject {
                    let there = Condition::that("attribute_exists(pk)");
                    parts.push(self.part_put(self.subject_item(*subject, now), there));
                }
            }
        }
        let NewLink { channel, mapping, member, notice, order, purposes, value, led, .. } = link;
        let subject = value.subject;
        // What was begun before the business has freed the member id stays void.
        let freed_at = led.as_ref().and_then(|row| row.freed_at).filter(|freed| now < freed.plus(FREED_MS));
        let leads = self.member_item(channel, member, (subject, mapping), order.at, freed_at);
        parts.push(self.part_put(leads, still(led.as_ref())));
        // A row that an earlier link left behind is replaced: the new one is newer.
        parts.push(self.part_put(self.value_item(value, now), Condition::none()));
        for item in self.link_consents(subject, member, &purposes, &notice, &order) {
            parts.push(self.part_put(item, Condition::none()));
        }
        let last = parts.len();
        match self.transact(parts).await {
            Ok(()) => Ok(LinkOutcome::Stored(written)),
            Err(error) if error.part_failed(0) => Ok(LinkOutcome::Used),
            Err(error) if (1..last).any(|part| error.part_failed(part)) || error.conflict() => Ok(LinkOutcome::Changed),
            Err(error) => Err(error),
        }
    }

    /// Notes a claim that was refused, with what was agreed to, and uses up its one-time
    /// secret: one call, all of it or nothing. `false` if the secret has been used.
    ///
    /// # Errors
    /// The call failed.
    pub async fn refuse_link(&self, refused: RefusedLink<'_>, now: UnixMs) -> Result<bool, StoreError> {
        let RefusedLink { claim, member, notice, order, purposes, once } = refused;
        let consents = self.link_consents(claim.subject, member, &purposes, &notice, &order);
        let mut parts = vec![self.part_take(once), self.part_put(self.value_item(claim, now), Condition::none())];
        parts.extend(consents.into_iter().map(|item| self.part_put(item, Condition::none())));
        match self.transact(parts).await {
            Ok(()) => Ok(true),
            Err(error) if error.part_failed(0) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn link_consents(
        &self,
        subject: SubjectId,
        member: &MemberDigest,
        purposes: &[&DefinitionId],
        notice: &LinkNotice,
        order: &EventOrder,
    ) -> Vec<Item> {
        let consents = purposes.iter().map(|purpose| {
            Item::new(key::subject(subject), key::link_consent(purpose, order.at, member), "consent")
                .text("purpose", purpose.as_str())
                .text("consent", "given")
                .text("policy", notice.policy.to_string())
                .text("shown", notice.policy.to_string())
                .text("notice", &notice.words)
                .text("language", notice.language)
                .text("how", "link")
                .time("event_at", order.at)
                .text("event_order", order.to_string())
                .vouched(self.origin())
        });
        consents.collect()
    }

    pub(super) fn member_item(
        &self,
        channel: &ChannelName,
        member: &MemberDigest,
        (subject, mapping): (SubjectId, &str),
        since: UnixMs,
        freed_at: Option<UnixMs>,
    ) -> Item {
        let item = Item::new(key::member(channel, member), ALONE, "member")
            .text("subject", subject.to_string())
            .text("mapping", mapping)
            .time("event_at", since);
        match freed_at {
            Some(freed_at) => item.time("freed_at", freed_at),
            None => item,
        }
        .vouched(self.origin())
    }

    /// Undoes a link: the mapping no longer says that there is one, and an order to erase
    /// what it needed is placed; both or neither. `None` if the mapping has changed since it
    /// was read: read it again.
    ///
    /// # Errors
    /// The call failed.
    pub async fn unlink(
        &self,
        pk: &str,
        read: &Mapping,
        person: &Person,
        order: &UnlinkOrder,
        now: UnixMs,
    ) -> Result<Option<Mapping>, StoreError> {
        let item = self.mapping_item(pk, person);
        let written = Mapping::written(&item, person)?;
        let parts =
            vec![self.part_put(item, read.unchanged()), self.part_put(self.unlink_item(order, now), Condition::none())];
        match self.transact(parts).await {
            Ok(()) => Ok(Some(written)),
            Err(error) if error.part_failed(0) || error.conflict() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn unlink_item(&self, order: &UnlinkOrder, now: UnixMs) -> Item {
        let due_at = order.as_of.min(now);
        Item::new(key::subject(order.subject), key::order(&order.id), "order")
            .text("what", "unlink")
            .text("ground", order.ground.as_str())
            .text("channel", order.channel.as_str())
            .text("member", order.member.as_str())
            .time("event_at", order.as_of)
            .time("due_at", due_at)
            .text("due_slot", Slot::of(order.subject, due_at, now).to_string())
            .vouched(self.origin())
    }

    pub(super) fn read_unlink_order(item: &Item, subject: SubjectId, id: String) -> Result<UnlinkOrder, StoreError> {
        let row = |attribute: &'static str| StoreError::Row { attribute };
        Ok(UnlinkOrder {
            subject,
            id,
            channel: ChannelName::parse(item.get_text("channel")?).map_err(|_| row("channel"))?,
            member: MemberDigest::parse(item.get_text("member")?).map_err(|_| row("member"))?,
            ground: UnlinkGround::parse(item.get_text("ground")?).ok_or(row("ground"))?,
            as_of: item.get_time("event_at")?,
        })
    }

    /// Deletes the look-up of a member id if it leads to this person by a link that is not
    /// newer than `as_of`: one call. Where the business has freed the member id before, two
    /// more, and the mark of that stays for its hour.
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete_member(
        &self,
        channel: &ChannelName,
        member: &MemberDigest,
        subject: SubjectId,
        as_of: UnixMs,
        now: UnixMs,
    ) -> Result<Outcome, StoreError> {
        let over = now.plus(-FREED_MS);
        let condition = Condition::that(
            "subject = :subject AND event_at <= :as_of AND (attribute_not_exists(freed_at) OR freed_at <= :over)",
        )
        .with_text(":subject", subject.to_string())
        .with_number(":as_of", as_of.get())
        .with_number(":over", over.get());
        let deleted = outcome(self.delete(&key::member(channel, member), ALONE, condition).await)?;
        if deleted == Outcome::Written {
            return Ok(deleted);
        }
        match self.member(channel, member).await? {
            Some(row) if row.subject == subject && row.since <= as_of => match row.freed_at {
                Some(freed_at) => {
                    outcome(self.put(self.freed_item(channel, member, freed_at), still(Some(&row))).await)
                }
                None => Ok(Outcome::Already),
            },
            _ => Ok(Outcome::Already),
        }
    }

    /// Deletes the row of a link that is not newer than `as_of`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete_link(
        &self,
        channel: &ChannelName,
        member: &MemberDigest,
        subject: SubjectId,
        as_of: UnixMs,
    ) -> Result<Outcome, StoreError> {
        let condition = Condition::that("event_at <= :as_of").with_number(":as_of", as_of.get());
        outcome(self.delete(&key::subject(subject), &key::link(channel, member), condition).await)
    }
}

/// Nobody: no person's id, 128 random bits, is all zeros.
const NOBODY: SubjectId = SubjectId::new([0; 16]);
/// How long what the business has freed stays freed of what was begun before: longer than
/// everything that can be begun.
const FREED_MS: i64 = HOUR_MS;

/// The condition that a member id still leads where it did.
fn still(led: Option<&MemberRow>) -> Condition {
    match led {
        Some(led) => Condition::that("tag = :tag").with_bytes(":tag", &led.tag),
        None => Condition::that("attribute_not_exists(pk)"),
    }
}

/// Whether the person whom a member id leads to is joined with it: what their mapping says.
pub fn holds(led: &MemberRow, mapping: &Mapping, member: &MemberDigest) -> bool {
    match &mapping.standing {
        Standing::Known(person) => person.key.subject == led.subject && person.link.is_with(member),
        Standing::Absent | Standing::Erased { .. } => false,
    }
}

/// The person of a mapping with another linkage.
pub fn with_linkage(person: &Person, link: Linkage) -> Person {
    Person { link, ..person.clone() }
}
