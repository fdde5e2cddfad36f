//! From events to rows: whose they are, whether they count, how long they may be
//! kept; sealed; stored.

use std::{collections::HashMap, time::Duration};

use azukari::{
    domain::{
        consent::{Consent, Custody, custody},
        definition::PurposeTerms,
        id::ChannelName,
        order::EventOrder,
        person::{Admission, Standing, admit},
        plain::Plain,
        retention::{After, Facts, due_on_arrival},
        time::UnixMs,
    },
    host::published::Channel,
    line::{
        event::{Act, PersonalEvent},
        message::Field,
    },
    seal::{self, padding, place::RowPlace},
    store::{
        Outcome, key,
        state::LineState,
        value::{MAX_ROW, Unsent, ValueKind, ValueRow},
    },
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use crate::{
    Webhook, contact,
    people::{Known, PeopleError, Visit},
};

/// Persons of one webhook that are worked on at the same time, and rows of each.
const PERSONS_AT_ONCE: usize = 16;
const ROWS_AT_ONCE: usize = 16;

/// All calls to LINE of one request end within this time of its arrival.
const BUDGET: Duration = Duration::from_millis(800);

/// At least one event could not be stored. It has been logged and counted.
#[derive(Debug)]
pub(crate) struct NotStored;

/// Stores the events of one webhook. Events of different persons go side by side;
/// what fails for one does not stop the others.
pub(crate) async fn take(
    webhook: &Webhook,
    name: &ChannelName,
    access_token: &Plain<String>,
    mut events: Vec<PersonalEvent>,
) -> Result<(), NotStored> {
    events.retain(|event| has_effect(&event.act));
    if events.is_empty() {
        return Ok(());
    }
    let now = webhook.ctx.now();
    let line_until = Instant::now() + BUDGET;
    let channel = webhook.channels.channel(&webhook.vault, name, now).await.map_err(|error| {
        tracing::error!(%error, channel = %name, "the channel could not be loaded");
        NotStored
    })?;
    let channel = &*channel;
    let results: Vec<Result<(), PeopleError>> = stream::iter(by_person(webhook, name, events))
        .map(|(pk, events)| async move {
            let visit = Visit { webhook, channel, user: &events[0].user, pk, now };
            one_person(&visit, &events, access_token, line_until).await
        })
        .buffer_unordered(PERSONS_AT_ONCE)
        .collect()
        .await;
    let mut all_stored = Ok(());
    for error in results.into_iter().filter_map(Result::err) {
        webhook.ctx.metrics().count("webhook_transient_fault", "person");
        tracing::error!(%error, channel = %name, "events of a person could not be stored");
        all_stored = Err(NotStored);
    }
    all_stored
}

/// Groups events by the partition of their person's mapping, in order of arrival.
fn by_person(webhook: &Webhook, name: &ChannelName, events: Vec<PersonalEvent>) -> Vec<(String, Vec<PersonalEvent>)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(String, Vec<PersonalEvent>)> = Vec::new();
    for event in events {
        let pk = key::mapping(name, &webhook.secrets.user_index.user(name, &event.user));
        let place = *places.entry(pk.clone()).or_insert_with(|| {
            groups.push((pk, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(event);
    }
    groups
}

/// How often the mapping is read again because somebody else changed it.
const ROUNDS: usize = 6;

async fn one_person(
    visit: &Visit<'_>,
    events: &[PersonalEvent],
    access_token: &Plain<String>,
    line_until: Instant,
) -> Result<(), PeopleError> {
    let metrics = visit.webhook.ctx.metrics();
    let mut fresh = events.iter().any(|event| matches!(event.act, Act::Follow));
    for _ in 0..ROUNDS {
        let (mapping, known) = visit.mapping(fresh).await?;
        let mut stale = 0;
        let mut counting: Vec<(&PersonalEvent, UnixMs)> = Vec::with_capacity(events.len());
        for event in events {
            let at = event.at.min(visit.now);
            match admit(&mapping.standing, at) {
                Admission::Stale => stale += 1,
                Admission::New { .. } | Admission::Known => counting.push((event, at)),
            }
        }
        let consent = known.as_ref().map_or(Consent::None, |known| known.person.consent);
        let custody = custody(visit.channel.definition.before_consent, consent);
        let (Some(first), Some(last)) =
            (counting.iter().map(|(_, at)| *at).min(), counting.iter().map(|(_, at)| *at).max())
        else {
            metrics.add("webhook_dropped", "older_than_erasure", stale);
            return Ok(());
        };
        if custody == Custody::Nothing {
            metrics.add("webhook_dropped", "older_than_erasure", stale);
            metrics.add("webhook_dropped", "no_consent", u64::try_from(counting.len()).unwrap_or_default());
            return Ok(());
        }
        let known = match known {
            Some(known) => known,
            None => match visit.claim(first, last.tokyo_day(), erased_at(&mapping.standing)).await? {
                Some(known) => known,
                None => {
                    fresh = true;
                    continue;
                }
            },
        };
        metrics.add("webhook_dropped", "older_than_erasure", stale);
        store_all(visit, &known, custody, &counting).await?;
        return contact::note(visit, known, custody, last.tokyo_day(), access_token, line_until).await;
    }
    Err(PeopleError::Contended)
}

/// Whether an event leaves a trace. A link of accounts is completed elsewhere.
fn has_effect(act: &Act) -> bool {
    match act {
        Act::Message(_) | Act::MessageEdited(_) | Act::Unsend(_) | Act::Follow | Act::Unfollow | Act::Signal(_) => true,
        Act::AccountLink => false,
    }
}

/// Whether the content can become a row. What cannot must not start a person either.
pub(crate) fn fits(act: &Act) -> bool {
    let fields = match act {
        Act::Message(message) | Act::MessageEdited(message) => &message.fields,
        Act::Signal(fields) => fields,
        Act::Unsend(_) | Act::Follow | Act::Unfollow | Act::AccountLink => return true,
    };
    // A margin for tags, lengths and the other attributes of the row.
    const MARGIN: usize = 8_192;
    let padded: usize = fields.iter().map(|(_, plain)| padding::bucket(plain.reveal().len())).sum();
    padded + MARGIN <= MAX_ROW
}

fn erased_at(standing: &Standing) -> Option<UnixMs> {
    match standing {
        Standing::Erased { at } => Some(*at),
        Standing::Absent | Standing::Known(_) => None,
    }
}

async fn store_all(
    visit: &Visit<'_>,
    known: &Known,
    custody: Custody,
    events: &[(&PersonalEvent, UnixMs)],
) -> Result<(), PeopleError> {
    let rows: Vec<_> = events.iter().map(|(event, at)| store_one(visit, known, custody, event, *at)).collect();
    stream::iter(rows).buffer_unordered(ROWS_AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(())
}

async fn store_one(
    visit: &Visit<'_>,
    known: &Known,
    custody: Custody,
    event: &PersonalEvent,
    at: UnixMs,
) -> Result<(), PeopleError> {
    let vault = &visit.webhook.vault;
    let purposes = &visit.channel.definition.purposes;
    let order = || EventOrder { at, event: event.id.clone() };
    let outcome = match &event.act {
        Act::Message(message) => {
            let row = Record { sk: key::record(&message.id), kind: ValueKind::Message, at, edit: None };
            row.store(visit, known, custody, &purposes.message, &message.fields).await?
        }
        Act::MessageEdited(message) => {
            let row = Record { sk: key::record(&message.id), kind: ValueKind::Message, at, edit: Some(order()) };
            row.store(visit, known, custody, &purposes.message, &message.fields).await?
        }
        Act::Signal(fields) => {
            let row = Record { sk: key::record(&event.id), kind: ValueKind::Event, at, edit: None };
            row.store(visit, known, custody, &purposes.event, fields).await?
        }
        Act::Unsend(message) => {
            let unsent = Unsent {
                subject: known.key.subject(),
                message: message.clone(),
                purpose: purposes.message.id.clone(),
                policy: visit.channel.policy.clone(),
                shown: known.person.shown.clone(),
                event_at: at,
            };
            vault.put_unsent(unsent, visit.now).await.map(|()| Outcome::Written)?
        }
        Act::Follow => vault.put_state(known.key.subject(), LineState::Following, &order()).await?,
        Act::Unfollow => vault.put_state(known.key.subject(), LineState::Blocked, &order()).await?,
        Act::AccountLink => Outcome::Already,
    };
    let word = match outcome {
        Outcome::Written => "written",
        Outcome::Already => "already",
    };
    visit.webhook.ctx.metrics().count("webhook_row", word);
    Ok(())
}

/// A value row before it is sealed.
pub(crate) struct Record {
    pub(crate) sk: String,
    pub(crate) kind: ValueKind,
    pub(crate) at: UnixMs,
    pub(crate) edit: Option<EventOrder>,
}

impl Record {
    async fn store(
        self,
        visit: &Visit<'_>,
        known: &Known,
        custody: Custody,
        terms: &PurposeTerms,
        fields: &[Field],
    ) -> Result<Outcome, PeopleError> {
        let Some(row) = self.seal(visit, known, custody, terms, fields)? else { return Ok(Outcome::Already) };
        if row.check_size().is_err() {
            visit.webhook.ctx.metrics().count("webhook_permanent_fault", "too_large");
            tracing::error!(subject = %row.subject, "an event is too large to be stored");
            return Ok(Outcome::Already);
        }
        Ok(visit.webhook.vault.put_value(row, visit.now).await?)
    }

    /// Seals a record; `None` if it may not be kept at all.
    pub(crate) fn seal(
        self,
        visit: &Visit<'_>,
        known: &Known,
        custody: Custody,
        terms: &PurposeTerms,
        fields: &[Field],
    ) -> Result<Option<ValueRow>, PeopleError> {
        let Channel { name, policy, .. } = visit.channel;
        let facts = Facts { collected: self.at, last_contact: self.at.tokyo_day().start() };
        let Some(due_at) = due_on_arrival(custody, terms.retention, facts) else { return Ok(None) };
        let subject = known.key.subject();
        let place = RowPlace { channel: name, subject, row: &self.sk, purpose: &terms.id, policy, form: None };
        let owner = visit.index_key().owner(name, visit.user);
        let env = seal::seal(&known.key, &place, &owner, fields)?;
        Ok(Some(ValueRow {
            subject,
            sk: self.sk,
            kind: self.kind,
            purpose: terms.id.clone(),
            policy: policy.clone(),
            shown: known.person.shown.clone(),
            form: None,
            event_at: self.at,
            due_at,
            awaiting_consent: custody == Custody::UntilConsent,
            follows_contact: terms.retention.after == After::LastContact,
            edit: self.edit,
            env,
        }))
    }
}
