//! Joining and parting of a person and a member id, as `webhook` and `link` do it: what
//! the domain decides ([`crate::domain::link`]), stored in one transaction.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{
    consent::Consent,
    definition::LinkTerms,
    erasure::UnlinkGround,
    id::{ChannelName, DefinitionId, LineItemId, VersionId},
    language::Language,
    link::{CLAIM_MS, Join, Linkage, MemberDigest, Part},
    order::EventOrder,
    person::{Admission, Person, Standing, admit},
    plain::Plain,
    retention::{Facts, Then},
    site::MemberId,
    time::UnixMs,
};
use crate::host::{
    log,
    one_time::{self, Step},
    people::{Intake, Known, Newcomer, PeopleError, Visit},
};
use crate::line::client::LineClient;
use crate::seal::{self, place::RowPlace};
use crate::store::{
    Outcome, key,
    link::{Joining, LinkNotice, LinkOutcome, NewLink, RefusedLink, holds, with_linkage},
    mapping::Mapping,
    order::UnlinkOrder,
    value::{ValueKind, ValueRow},
};

/// How often the person is read again because somebody else changed them.
const ROUNDS: usize = 6;

/// What a nonce of LINE's account link stands for (PLATFORM.md §2): made by `link` when the
/// business has vouched for the member, used up by `webhook` when LINE has vouched for the
/// person.
#[derive(Serialize, Deserialize)]
pub struct Vouched {
    /// The channel.
    pub channel: String,
    /// The member id.
    #[serde(serialize_with = "one_time::reveal")]
    pub member: Plain<String>,
    /// Its digest, so that `webhook` needs no key for it.
    pub digest: MemberDigest,
    /// What the person was shown.
    pub shown: Shown,
    /// When the link was begun.
    pub begun: UnixMs,
}

impl Step for Vouched {
    const WHAT: &'static str = "account link nonce";
}

/// What somebody was shown before they joined.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shown {
    /// The policy version, as `id.n`.
    pub policy: String,
    /// SHA-256 of the words, in hexadecimal.
    pub words: String,
    /// Their language.
    pub language: Language,
}

/// A wish to be joined.
#[derive(Debug)]
pub struct Wish<'a> {
    /// The terms of the channel.
    pub terms: &'a LinkTerms,
    /// With which member id.
    pub member: &'a MemberId,
    /// Its digest.
    pub digest: &'a MemberDigest,
    /// What else is to be kept, each with the person's consent: name and value.
    pub items: &'a [(String, Plain<String>)],
    /// What was shown.
    pub shown: &'a Shown,
    /// When it was begun.
    pub begun: UnixMs,
    /// The digest of the one-time secret that it uses up.
    pub once: &'a str,
    /// Whether this is a contact of the person that nobody else notes.
    pub contact: bool,
}

/// What became of it.
#[derive(Debug)]
pub enum Joined {
    /// They are joined.
    Now(Known),
    /// They were already.
    Already(Known),
    /// The person is joined with another member id. The claim is noted.
    OtherMember,
    /// The member id is joined with another person. The claim is noted.
    Taken,
    /// It was begun before they were erased, or before they last unlinked.
    Stale,
    /// An order to erase them is on its way.
    Erasing,
    /// Its one-time secret has been used.
    Used,
}

/// What became of a wish to part.
#[derive(Debug)]
pub enum Parted {
    /// The link is undone, and this is the mapping now.
    Now(Mapping),
    /// There was none, or a newer one.
    Nothing,
}

impl Visit<'_> {
    /// Joins the person with a member id, or notes why not.
    ///
    /// # Errors
    /// See [`PeopleError`]: it may be tried again, and nothing is half done.
    pub async fn join(&self, wish: &Wish<'_>) -> Result<Joined, PeopleError> {
        for _ in 0..ROUNDS {
            let (mapping, known) = self.mapping(true).await?;
            let not_before = match admit(&mapping.standing, wish.begun) {
                Admission::Stale => return self.given_up(wish, Joined::Stale).await,
                Admission::New { not_before } => not_before,
                Admission::Known => None,
            };
            let linkage = known.as_ref().map_or(&Linkage::Never, |known| &known.person.link);
            match (linkage.join(wish.digest, wish.begun), &known) {
                (Join::Already, Some(known)) => return self.given_up(wish, Joined::Already(known.clone())).await,
                (Join::OtherMember, Some(known)) => return self.claim_refused(wish, known, Joined::OtherMember).await,
                (Join::Stale, _) => return self.given_up(wish, Joined::Stale).await,
                (Join::Link(_) | Join::Already | Join::OtherMember, _) => {}
            }
            // An order to erase them is on its way, and would take this with it.
            if known.as_ref().is_some_and(|known| known.person.consent == Consent::Refused) {
                return self.given_up(wish, Joined::Erasing).await;
            }
            let channel = &self.channel.name;
            let led = self.intake.vault.member(channel, wish.digest).await?;
            // The business has ended whatever was begun for this member id by then.
            if led.as_ref().and_then(|row| row.freed_at).is_some_and(|freed| wish.begun <= freed) {
                return self.given_up(wish, Joined::Stale).await;
            }
            if let Some(row) = &led
                && row.leads_somewhere()
                && row.mapping != self.pk
                && holds(row, &self.intake.vault.mapping(&row.mapping, self.now).await?, wish.digest)
            {
                // Somebody must be there to note it with.
                let known = match known {
                    Some(known) => Some(known),
                    None => self.claim(&self.newcomer_for(wish, not_before)).await?,
                };
                match known {
                    Some(known) => return self.claim_refused(wish, &known, Joined::Taken).await,
                    None => continue,
                }
            }
            let joined = match known {
                Some(known) => self.join_known(wish, &known, led).await?,
                None => self.join_stranger(wish, not_before, led).await?,
            };
            match joined {
                LinkOutcome::Stored(mapping) => match self.known(&mapping)? {
                    Some(known) => return Ok(Joined::Now(known)),
                    None => return Err(PeopleError::KeyNotVouched),
                },
                LinkOutcome::Used => return Ok(Joined::Used),
                LinkOutcome::Changed => self.forget(),
            }
        }
        Err(PeopleError::Contended)
    }

    /// Uses up the secret of a wish that leads to nothing.
    async fn given_up(&self, wish: &Wish<'_>, joined: Joined) -> Result<Joined, PeopleError> {
        self.intake.vault.use_content(wish.once).await?;
        Ok(joined)
    }

    fn newcomer_for(&self, wish: &Wish<'_>, not_before: Option<UnixMs>) -> Newcomer {
        let last_contact = if wish.contact { self.now } else { wish.begun };
        Newcomer { first_event: wish.begun, last_contact: last_contact.tokyo_day(), not_before, attempt: None }
    }

    async fn join_known(
        &self,
        wish: &Wish<'_>,
        known: &Known,
        led: Option<crate::store::link::MemberRow>,
    ) -> Result<LinkOutcome, PeopleError> {
        let today = self.now.tokyo_day();
        let new_day = wish.contact && known.person.last_contact < today;
        let link = crate::domain::link::Link { member: wish.digest.clone(), since: wish.begun };
        let person = Person {
            last_contact: if new_day { today } else { known.person.last_contact },
            ..with_linkage(&known.person, Linkage::Linked(link))
        };
        let subject = if new_day { Some(Box::new(self.subject_row(&known.key, &person)?)) } else { None };
        let joining = Joining::Known { pk: &self.pk, read: &known.mapping, person: Box::new(person), subject };
        let link = self.new_link(wish, &known.key, led)?;
        Ok(self.intake.vault.link(joining, link, self.now).await?)
    }

    async fn join_stranger(
        &self,
        wish: &Wish<'_>,
        not_before: Option<UnixMs>,
        led: Option<crate::store::link::MemberRow>,
    ) -> Result<LinkOutcome, PeopleError> {
        let pair = self.pair().await?;
        let link = self.new_link(wish, pair.key(), led)?;
        let mut new = self.newcomer(pair, self.newcomer_for(wish, not_before))?;
        let standing = crate::domain::link::Link { member: wish.digest.clone(), since: wish.begun };
        new.person.link = Linkage::Linked(standing);
        let outcome = self.intake.vault.link(Joining::New(Box::new(new)), link, self.now).await?;
        if let LinkOutcome::Stored(_) = outcome {
            self.intake.ctx.metrics().count(self.intake.metrics.person, "new");
        }
        Ok(outcome)
    }

    fn new_link<'w>(
        &'w self,
        wish: &'w Wish<'_>,
        to: &crate::domain::key::SubjectKey,
        led: Option<crate::store::link::MemberRow>,
    ) -> Result<NewLink<'w>, PeopleError> {
        let value =
            self.member_row(wish, to, key::link(&self.channel.name, wish.digest), ValueKind::Link, wish.items)?;
        Ok(NewLink {
            channel: &self.channel.name,
            mapping: &self.pk,
            member: wish.digest,
            notice: self.link_notice(wish),
            order: event_order(wish.begun, wish.once)?,
            purposes: self.link_purposes(wish),
            value,
            once: wish.once,
            led,
        })
    }

    /// Notes a claim, for somebody to look into, and uses up its secret. A claim that comes
    /// twice is noted once.
    async fn claim_refused(&self, wish: &Wish<'_>, known: &Known, joined: Joined) -> Result<Joined, PeopleError> {
        let sk = key::claim(&self.channel.name, wish.digest, wish.once.get(..32).unwrap_or_default());
        let row = self.member_row(wish, &known.key, sk, ValueKind::Claim, &[])?;
        let refused = RefusedLink {
            claim: row,
            member: wish.digest,
            notice: self.link_notice(wish),
            order: event_order(wish.begun, wish.once)?,
            purposes: self.link_purposes(wish),
            once: wish.once,
        };
        let noted = self.intake.vault.refuse_link(refused, self.now).await?;
        Ok(if noted { joined } else { Joined::Used })
    }

    fn link_notice(&self, wish: &Wish<'_>) -> LinkNotice {
        LinkNotice {
            policy: policy_of(wish, &self.channel.policy),
            words: wish.shown.words.clone(),
            language: wish.shown.language.tag(),
        }
    }

    /// What the page has asked consent for: without being able to reach them, nothing can be
    /// kept of anybody.
    fn link_purposes<'w>(&'w self, wish: &Wish<'w>) -> [&'w DefinitionId; 2] {
        [&wish.terms.purpose.id, &self.channel.definition.purposes.line_contact.id]
    }

    /// A row with the member id, sealed.
    fn member_row(
        &self,
        wish: &Wish<'_>,
        to: &crate::domain::key::SubjectKey,
        sk: String,
        kind: ValueKind,
        items: &[(String, Plain<String>)],
    ) -> Result<ValueRow, PeopleError> {
        let terms = &wish.terms.purpose;
        let policy = policy_of(wish, &self.channel.policy);
        let place = RowPlace {
            channel: &self.channel.name,
            subject: to.subject(),
            row: &sk,
            purpose: &terms.id,
            policy: &policy,
            form: None,
        };
        let owner = self.index_key().owner(&self.channel.name, self.user);
        let member = ("member_id", Plain::text(wish.member.plain().reveal()));
        let items = items.iter().map(|(name, value)| (name.as_str(), Plain::text(value.reveal())));
        let fields: Vec<(&str, Plain<Vec<u8>>)> = std::iter::once(member).chain(items).collect();
        let env = seal::seal(to, &place, &owner, &fields)?;
        let claim = kind == ValueKind::Claim;
        let facts = Facts::on_arrival(wish.begun);
        Ok(ValueRow {
            subject: to.subject(),
            sk,
            kind,
            purpose: terms.id.clone(),
            shown: Some(policy.to_string()),
            policy,
            form: None,
            event_at: wish.begun,
            due_at: if claim { wish.begun.plus(CLAIM_MS) } else { terms.retention.due(facts) },
            awaiting_consent: false,
            follows: terms.retention.follows().filter(|_| !claim),
            given: None,
            then: Then::Erase,
            edit: None,
            env,
        })
    }

    /// Shows the rich menu of linked people to whoever is linked, and takes it from whoever
    /// is not any more: no call if LINE was told before. Best effort: what fails is tried
    /// again at the next occasion.
    ///
    /// # Errors
    /// That LINE was told could not be noted.
    pub async fn show_menu(
        &self,
        known: Known,
        line: &LineClient,
        access_token: &Plain<String>,
        within: Duration,
    ) -> Result<Known, PeopleError> {
        let menu = self.channel.definition.link.as_ref().and_then(|terms| terms.rich_menu.as_deref());
        let menu = menu.filter(|_| known.person.link.link().is_some());
        if menu.is_some() == known.person.linked_menu || within.is_zero() {
            return Ok(known);
        }
        let told = line.rich_menu(access_token, self.user, menu, within).await;
        self.intake.ctx.metrics().count("rich_menu", if told.is_ok() { "told" } else { "failed" });
        if let Err(error) = told {
            tracing::warn!(event = "rich_menu_not_changed", %error, "a rich menu was not changed");
            return Ok(known);
        }
        let person = Person { linked_menu: menu.is_some(), ..known.person.clone() };
        let written = self.intake.vault.put_mapping(&self.pk, &known.mapping, &person).await?;
        match written.map(|mapping| self.known(&mapping)).transpose()?.flatten() {
            Some(known) => Ok(known),
            // Somebody else has changed it: the next occasion sees to it.
            None => {
                self.forget();
                Ok(known)
            }
        }
    }

    /// Undoes the link of the person, as of `at`.
    ///
    /// # Errors
    /// See [`PeopleError`].
    pub async fn part(&self, at: UnixMs, id: &str) -> Result<Parted, PeopleError> {
        let wish = PartWish { member: None, at, id, ground: UnlinkGround::Person };
        let parted = self.intake.part(&self.channel.name, &self.pk, &wish, self.now).await;
        self.forget();
        parted
    }
}

/// A wish to undo a link.
#[derive(Debug)]
pub struct PartWish<'a> {
    /// Only a link with this member id; `None`: whatever there is.
    pub member: Option<&'a MemberDigest>,
    /// As of when.
    pub at: UnixMs,
    /// The id of the order.
    pub id: &'a str,
    /// Why.
    pub ground: UnlinkGround,
}

impl Intake {
    /// Undoes whatever link there is with a member id, as the business wants it: also what has
    /// been begun and is not finished yet.
    ///
    /// # Errors
    /// See [`PeopleError`].
    pub async fn free(
        &self,
        channel: &ChannelName,
        member: &MemberDigest,
        id: &str,
        now: UnixMs,
    ) -> Result<(), PeopleError> {
        for _ in 0..ROUNDS {
            let led = self.vault.member(channel, member).await?;
            if let Some(row) = led.as_ref().filter(|row| row.leads_somewhere()) {
                let wish = PartWish { member: Some(member), at: now, id, ground: UnlinkGround::Business };
                self.part(channel, &row.mapping, &wish, now).await?;
            }
            if self.vault.free_member(channel, member, led.as_ref(), now).await? == Outcome::Written {
                return Ok(());
            }
        }
        Err(PeopleError::Contended)
    }

    /// Undoes the link of whoever a mapping belongs to.
    ///
    /// # Errors
    /// See [`PeopleError`].
    pub async fn part(
        &self,
        channel: &ChannelName,
        pk: &str,
        wish: &PartWish<'_>,
        now: UnixMs,
    ) -> Result<Parted, PeopleError> {
        for _ in 0..ROUNDS {
            let mapping = self.vault.mapping(pk, now).await?;
            let Standing::Known(person) = &mapping.standing else { return Ok(Parted::Nothing) };
            if wish.member.is_some_and(|member| !person.link.is_with(member)) {
                return Ok(Parted::Nothing);
            }
            // What the business ends has ended, whatever the clock of another host has said.
            let at = match (wish.ground, person.link.link()) {
                (UnlinkGround::Business, Some(link)) => wish.at.max(link.since),
                _ => wish.at,
            };
            let written = match person.link.part(at) {
                Part::Unlink { was, now: linkage } => {
                    let order = UnlinkOrder {
                        subject: person.key.subject,
                        id: wish.id.to_owned(),
                        channel: channel.clone(),
                        member: was.member,
                        ground: wish.ground,
                        as_of: at,
                    };
                    let person = with_linkage(person, linkage);
                    let parted = self.vault.unlink(pk, &mapping, &person, &order, now).await?;
                    if parted.is_some() {
                        log::order_placed("unlink", &order.id, &self.vault);
                    }
                    parted.map(Parted::Now)
                }
                // So that what was begun before does not come after.
                Part::Nothing(Some(linkage)) => {
                    let person = with_linkage(person, linkage);
                    self.vault.put_mapping(pk, &mapping, &person).await?.map(|_| Parted::Nothing)
                }
                Part::Nothing(None) | Part::Stale => Some(Parted::Nothing),
            };
            if let Some(parted) = written {
                return Ok(parted);
            }
        }
        Err(PeopleError::Contended)
    }
}

/// The policy version that was shown; that of the channel if it cannot be read.
fn policy_of(wish: &Wish<'_>, current: &VersionId) -> VersionId {
    VersionId::parse(&wish.shown.policy).unwrap_or_else(|_| current.clone())
}

/// The place of a link among the events of the person.
fn event_order(at: UnixMs, once: &str) -> Result<EventOrder, PeopleError> {
    let event = LineItemId::parse(once).map_err(|_| crate::store::StoreError::Row { attribute: "event_order" })?;
    Ok(EventOrder { at, event })
}
