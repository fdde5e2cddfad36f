//! Mapping rows `L#<channel>#<digest>`: from a LINE user to a person, or the
//! tombstone of an erased one.

use std::collections::BTreeMap;

use crate::domain::{
    consent::Consent,
    erasure::TOMBSTONE_MS,
    id::{DefinitionId, SubjectId},
    key::PUBLIC_KEY_LEN,
    link::{Link, Linkage, MemberDigest},
    notice::{Attempt, Shown},
    order::EventOrder,
    person::{KeyRow, Person, Standing},
    time::{Day, UnixMs},
};
use crate::store::{Item, Outcome, StoreError, Vault, error::outcome, key::ALONE, vault::Condition};

/// A mapping row that was read: what it says, and its tag, which a later write
/// must find unchanged.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// What it says.
    pub standing: Standing,
    pub(super) tag: Option<[u8; 32]>,
}

impl Mapping {
    pub(super) fn written(item: &Item, person: &Person) -> Result<Self, StoreError> {
        Ok(Self { standing: Standing::Known(Box::new(person.clone())), tag: Some(item.get_array("tag")?) })
    }

    pub(super) fn unchanged(&self) -> Condition {
        match &self.tag {
            Some(tag) => Condition::that("tag = :tag").with_bytes(":tag", tag),
            None => Condition::that("attribute_not_exists(pk)"),
        }
    }
}

impl Vault {
    /// Reads a mapping: one call.
    ///
    /// # Errors
    /// The call failed, or the row is not vouched for or not well formed.
    pub async fn mapping(&self, pk: &str, now: UnixMs) -> Result<Mapping, StoreError> {
        let Some(item) = self.get_vouched(pk, ALONE).await? else {
            return Ok(Mapping { standing: Standing::Absent, tag: None });
        };
        let tag = Some(item.get_array("tag")?);
        let standing = if item.expired(now) { Standing::Absent } else { read(&item)? };
        Ok(Mapping { standing, tag })
    }

    /// Puts the tombstone of an erased person where their mapping was.
    /// [`Outcome::Already`] if the mapping is no longer theirs.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_tombstone(
        &self,
        pk: &str,
        subject: SubjectId,
        erased_at: UnixMs,
        now: UnixMs,
    ) -> Result<Outcome, StoreError> {
        let condition = Condition::that("subject = :subject").with_text(":subject", subject.to_string());
        outcome(self.put(self.tombstone(pk, erased_at, now), condition).await)
    }

    /// The same, only if the mapping is still as it was read.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_tombstone_unchanged(
        &self,
        pk: &str,
        read: &Mapping,
        erased_at: UnixMs,
        now: UnixMs,
    ) -> Result<Outcome, StoreError> {
        outcome(self.put(self.tombstone(pk, erased_at, now), read.unchanged()).await)
    }

    fn tombstone(&self, pk: &str, erased_at: UnixMs, now: UnixMs) -> Item {
        Item::new(pk, ALONE, "erased")
            .time("erased_at", erased_at)
            .number("ttl", now.plus(TOMBSTONE_MS).seconds())
            .vouched(self.origin())
    }

    pub(super) fn mapping_item(&self, pk: &str, person: &Person) -> Item {
        Item::new(pk, ALONE, "mapping")
            .text("subject", person.key.subject.to_string())
            .number("key_version", person.key.version.into())
            .bytes("public_key", person.key.public_key)
            .bytes("wrapped_sha256", person.key.wrapped_sha256)
            .bytes("signature", person.key.signature.clone())
            .text("index_key", &person.index_key)
            .text("last_contact", person.last_contact.to_string())
            .text("consent", consent_word(person.consent))
            .maybe_text("consent_order", person.consent_order.as_ref().map(ToString::to_string))
            .text("shown", person.shown.last().unwrap_or("none"))
            .maybe_text("notices", Some(person.shown.to_text()).filter(|text| !text.is_empty()))
            .maybe_text("greeted", person.attempt.as_ref().map(|attempt| attempt.policy.clone()))
            .maybe_time("greeted_at", person.attempt.as_ref().map(|attempt| attempt.at))
            .maybe_text("profile_day", person.profile_day.map(|day| day.to_string()))
            .maybe_time("not_before", person.not_before)
            .maybe_text("member", person.link.link().map(|link| link.member.as_str()))
            .maybe_time("linked_at", person.link.link().map(|link| link.since))
            .maybe_time("unlinked_at", unlinked_at(&person.link))
            .maybe_text("menu", person.linked_menu.then_some("linked"))
            .maybe_text("withdrawn", Some(withdrawn_text(person)).filter(|text| !text.is_empty()))
            .vouched(self.origin())
    }
}

/// The condition under which a new person may take the mapping: nobody is there,
/// or the tombstone of somebody erased before the event, or one past its time.
pub(super) fn vacant(event_at: UnixMs, now: UnixMs) -> Condition {
    Condition::that("attribute_not_exists(pk) OR (kind = :erased AND (erased_at < :event_at OR #ttl <= :now))")
        .with_name("#ttl", "ttl")
        .with_text(":erased", "erased")
        .with_number(":event_at", event_at.get())
        .with_number(":now", now.seconds())
}

fn read(item: &Item) -> Result<Standing, StoreError> {
    match item.get_text("kind")? {
        "erased" => Ok(Standing::Erased { at: item.get_time("erased_at")? }),
        "mapping" => {
            let day =
                |name: &'static str, text: &str| Day::parse(text).map_err(|_| StoreError::Row { attribute: name });
            Ok(Standing::Known(Box::new(Person {
                key: key_row(item, item.get_text("subject")?)?,
                index_key: item.get_text("index_key")?.to_owned(),
                last_contact: day("last_contact", item.get_text("last_contact")?)?,
                consent: consent_of(item.get_text("consent")?)?,
                consent_order: consent_order(item)?,
                shown: Shown::parse(item.find_text("notices").unwrap_or_default())
                    .map_err(|_| StoreError::Row { attribute: "notices" })?,
                attempt: attempt(item),
                profile_day: item.find_text("profile_day").map(|text| day("profile_day", text)).transpose()?,
                not_before: item.find_time("not_before"),
                link: linkage(item)?,
                linked_menu: item.has("menu"),
                withdrawn: withdrawn(item)?,
            })))
        }
        _ => Err(StoreError::Row { attribute: "kind" }),
    }
}

fn unlinked_at(link: &Linkage) -> Option<UnixMs> {
    match link {
        Linkage::Unlinked { at } => Some(*at),
        Linkage::Never | Linkage::Linked(_) => None,
    }
}

fn linkage(item: &Item) -> Result<Linkage, StoreError> {
    if let Some(at) = item.find_time("unlinked_at") {
        return Ok(Linkage::Unlinked { at });
    }
    let Some(member) = item.find_text("member") else { return Ok(Linkage::Never) };
    let member = MemberDigest::parse(member).map_err(|_| StoreError::Row { attribute: "member" })?;
    Ok(Linkage::Linked(Link { member, since: item.get_time("linked_at")? }))
}

fn consent_order(item: &Item) -> Result<Option<EventOrder>, StoreError> {
    let order = item.find_text("consent_order").map(EventOrder::parse).transpose();
    order.map_err(|_| StoreError::Row { attribute: "consent_order" })
}

/// Purposes and places among the events: `<purpose> <order>`, parted by line breaks.
fn withdrawn_text(person: &Person) -> String {
    let lines: Vec<String> = person.withdrawn.iter().map(|(purpose, order)| format!("{purpose} {order}")).collect();
    lines.join("\n")
}

fn withdrawn(item: &Item) -> Result<BTreeMap<DefinitionId, EventOrder>, StoreError> {
    let malformed = StoreError::Row { attribute: "withdrawn" };
    let lines = item.find_text("withdrawn").unwrap_or_default().lines();
    let entry = |line: &str| {
        let (purpose, order) = line.split_once(' ')?;
        Some((DefinitionId::new(purpose), EventOrder::parse(order).ok()?))
    };
    lines.map(|line| entry(line).ok_or(malformed.clone())).collect()
}

fn attempt(item: &Item) -> Option<Attempt> {
    let policy = item.find_text("greeted")?.to_owned();
    Some(Attempt { policy, at: item.find_time("greeted_at")? })
}

pub(super) fn key_row(item: &Item, subject: &str) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        subject: SubjectId::parse(subject).map_err(|_| StoreError::Row { attribute: "subject" })?,
        version: u32::try_from(item.get_number("key_version")?)
            .map_err(|_| StoreError::Row { attribute: "key_version" })?,
        public_key: item.get_array::<PUBLIC_KEY_LEN>("public_key")?,
        wrapped_sha256: item.get_array("wrapped_sha256")?,
        signature: item.get_bytes("signature")?.to_vec(),
    })
}

fn consent_word(consent: Consent) -> &'static str {
    match consent {
        Consent::None => "none",
        Consent::Given => "given",
        Consent::Refused => "refused",
    }
}

fn consent_of(word: &str) -> Result<Consent, StoreError> {
    match word {
        "none" => Ok(Consent::None),
        "given" => Ok(Consent::Given),
        "refused" => Ok(Consent::Refused),
        _ => Err(StoreError::Row { attribute: "consent" }),
    }
}
