//! From events to rows: whose they are, whether they count, how long they may be
//! kept; sealed; stored.

use std::collections::HashMap;

use azukari::{
    domain::{
        consent::{Consent, Custody, custody, custody_of_event},
        definition::PurposeTerms,
        id::{ChannelName, DefinitionId},
        notice::{self, NoticeKind},
        order::EventOrder,
        person::{Admission, Person, Standing, admit},
        plain::Plain,
        retention::{Facts, due_on_arrival},
        rights::Wish,
        time::UnixMs,
        trace::TraceId,
    },
    host::{
        people::{self, Known, Newcomer, PeopleError},
        published::Channel,
    },
    line::{
        event::{Act, ReplyToken},
        message::Field,
    },
    seal::{self, padding, place::RowPlace},
    store::{
        Outcome, key,
        mapping::Mapping,
        state::LineState,
        value::{MAX_ROW, Unsent, ValueKind, ValueRow},
    },
};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use crate::{
    Webhook,
    arrival::Arrival,
    consent::{self, Given, Taken},
    contact::{self, Contact},
    linking::{self, Linking},
    reply::{self, ToSay},
    rights::{self, RightsNews},
    visit::Visit,
};

/// Persons of one webhook that are worked on at the same time, and rows of each.
const PERSONS_AT_ONCE: usize = 16;
const ROWS_AT_ONCE: usize = 16;

/// At least one event could not be stored. It has been logged and counted.
#[derive(Debug)]
pub(crate) struct NotStored;

/// Stores the events of one webhook. Events of different persons go side by side;
/// what fails for one does not stop the others.
pub(crate) async fn take(
    webhook: &Webhook,
    name: &ChannelName,
    access_token: &Plain<String>,
    arrivals: Vec<Arrival>,
) -> Result<(), NotStored> {
    if arrivals.is_empty() {
        return Ok(());
    }
    let now = webhook.intake.ctx.now();
    let line_until = Instant::now() + webhook.line_budget;
    let channel = webhook.channels.channel(&webhook.intake.vault, name, now).await.map_err(|error| {
        tracing::error!(event = "channel_not_loaded", %error, channel = %name, "the channel could not be loaded");
        NotStored
    })?;
    let channel = &*channel;
    let results: Vec<Result<(), PeopleError>> = stream::iter(by_person(webhook, name, arrivals))
        .map(|(pk, arrivals)| async move {
            let person = people::Visit { intake: &webhook.intake, channel, user: &arrivals[0].event.user, pk, now };
            let visit = Visit { webhook, person };
            one_person(&visit, &arrivals, access_token, line_until).await
        })
        .buffer_unordered(PERSONS_AT_ONCE)
        .collect()
        .await;
    let mut all_stored = Ok(());
    for error in results.into_iter().filter_map(Result::err) {
        webhook.intake.ctx.metrics().count("webhook_transient_fault", "person");
        tracing::error!(event = "events_not_stored", %error, channel = %name, "events of a person could not be stored");
        all_stored = Err(NotStored);
    }
    all_stored
}

/// Groups events by the partition of their person's mapping, in order of arrival.
fn by_person(webhook: &Webhook, name: &ChannelName, arrivals: Vec<Arrival>) -> Vec<(String, Vec<Arrival>)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(String, Vec<Arrival>)> = Vec::new();
    for arrival in arrivals {
        let pk = key::mapping(name, &webhook.intake.keys.user_index.user(name, &arrival.event.user));
        let place = *places.entry(pk.clone()).or_insert_with(|| {
            groups.push((pk, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(arrival);
    }
    groups
}

/// How often the mapping is read again because somebody else changed it.
const ROUNDS: usize = 6;

/// What counts of the events of one person.
#[derive(Default)]
struct Counting<'a> {
    /// What may be stored, with its time.
    events: Vec<(&'a Arrival, UnixMs)>,
    /// Answers to a notice.
    answers: Vec<Given>,
    /// How many are older than an erasure.
    stale: u64,
}

fn counting<'a>(visit: &Visit<'_>, mapping: &Mapping, arrivals: &'a [Arrival]) -> Counting<'a> {
    let mut counting = Counting::default();
    for arrival in arrivals.iter().filter(|arrival| holds_something(arrival)) {
        let at = arrival.event.at.min(visit.now);
        match (admit(&mapping.standing, at), arrival.answer()) {
            (Admission::Stale, _) => counting.stale += 1,
            (Admission::New { .. } | Admission::Known, Some(answer)) => {
                counting.answers.push(Given { answer, order: EventOrder { at, event: arrival.event.id.clone() } });
            }
            (Admission::New { .. } | Admission::Known, None) => counting.events.push((arrival, at)),
        }
    }
    counting
}

/// Whether an arrival is something to keep or an answer to the notice, not a command.
fn holds_something(arrival: &Arrival) -> bool {
    linking::command(arrival).is_none() && rights::wish(arrival).is_none()
}

async fn one_person(
    visit: &Visit<'_>,
    arrivals: &[Arrival],
    access_token: &Plain<String>,
    line_until: Instant,
) -> Result<(), PeopleError> {
    let metrics = visit.intake.ctx.metrics();
    let token = reply::token(arrivals);
    // An answer and a new follow are rare, and decided by what is stored now.
    let mut fresh =
        arrivals.iter().any(|arrival| matches!(arrival.event.act, Act::Follow) || arrival.answer().is_some());
    // 同意しない of somebody of whom nothing was held.
    let mut nothing_held = false;
    let mut linking = linking::take(visit, arrivals).await?;
    let asked = rights::take(visit, arrivals).await?;
    // Whether somebody is linked may have changed elsewhere a moment ago.
    fresh |= linking.changed || linking::is_about(visit, &linking, arrivals);
    for _ in 0..ROUNDS {
        let (mapping, known) = visit.mapping(fresh).await?;
        let Counting { events, answers, stale } = counting(visit, &mapping, arrivals);
        let all = answers.len();
        let answers = consent::that_count(visit, answers).await?;
        let outdated = answers.len() < all;
        if let (None, Some(refused)) = (&known, consent::newest(&answers).filter(|given| !given.answer.agreed)) {
            // Nobody is known, and nobody is to be. What is older than the refusal and
            // comes late must not start them.
            let at = refused.order.at;
            visit.intake.vault.put_tombstone_unchanged(&visit.pk, &mapping, at, visit.now).await?;
            (nothing_held, fresh) = (true, true);
            continue;
        }
        if events.is_empty() && answers.is_empty() && !outdated {
            metrics.add("webhook_dropped", "older_than_erasure", stale);
            let link = match token {
                Some(_) => linking::news(visit, linking, known.as_ref(), [], access_token, line_until).await,
                None => None,
            };
            let to_say = ToSay { nothing_held, link, rights: asked, ..ToSay::default() };
            reply::say(visit, &to_say, token, None, access_token, line_until).await;
            return match known {
                Some(known) => only_commands(visit, known, arrivals, access_token, line_until).await,
                None => Ok(()),
            };
        }
        let agrees = consent::agrees(&answers);
        let rule = visit.channel.definition.before_consent;
        let nothing_to_keep =
            answers.is_empty() && (events.is_empty() || custody(rule, Consent::None) == Custody::Nothing);
        if known.is_none() && nothing_to_keep {
            metrics.add("webhook_dropped", "older_than_erasure", stale);
            let asked = Asked { nothing_held, link: std::mem::take(&mut linking), rights: asked };
            return stranger(visit, &events, asked, token, access_token, line_until).await;
        }
        let times = events.iter().map(|(_, at)| *at).chain(answers.iter().map(|given| given.order.at));
        let (first, last) = (times.clone().min().unwrap_or(visit.now), times.max().unwrap_or(visit.now));
        let (mapping, known, new) = match known {
            Some(known) => (mapping, known, false),
            None => {
                let notice_follows = token.is_some() && visit.channel.definition.wording.is_some();
                let newcomer = Newcomer {
                    first_event: first,
                    last_contact: last.tokyo_day(),
                    not_before: erased_at(&mapping.standing),
                    attempt: notice_follows.then(|| reply::attempt(visit)),
                };
                match visit.claim(&newcomer).await? {
                    Some(known) => (known.mapping.clone(), known, true),
                    None => {
                        fresh = true;
                        continue;
                    }
                }
            }
        };
        let Taken::Stored { known, now: answered } = consent::take(visit, &mapping, known, &answers).await? else {
            fresh = true;
            continue;
        };
        metrics.add("webhook_dropped", "older_than_erasure", stale);
        let (kept, dropped) = divide(visit, &known.person, events);
        metrics.add("webhook_dropped", "no_consent", u64::try_from(dropped.len()).unwrap_or_default());
        let written = store_all(visit, &known, &kept).await?;
        let news = || written.iter().chain(&dropped).copied();
        let mut to_say = ToSay {
            answered: agrees.filter(|_| answered),
            nothing_held,
            receipt: consent::refusal(visit, &known, &answers).filter(|_| answered),
            // Whoever has just answered knows.
            not_kept: !answered && dropped.iter().any(|arrival| arrival.is_message()),
            found: news().flat_map(|arrival| arrival.found.clone()).collect(),
            form: reply::asked_form(visit, news()),
            ..ToSay::default()
        };
        if token.is_some() {
            to_say.link = linking::news(visit, linking, Some(&known), news(), access_token, line_until).await;
            let in_words = rights::asked_in_words(visit, news());
            to_say.rights = rights_news(visit, asked, in_words).await?;
        }
        let known = if token.is_some() && visit.channel.definition.wording.is_some() {
            let (known, notice) = if new {
                // The attempt was stored with the person.
                let due = notice::due_now(&known.person, &visit.channel.policy);
                (*known, due)
            } else {
                reply::attempt_notice(visit, *known).await?
            };
            to_say.notice = notice;
            known
        } else {
            *known
        };
        let retry_key = to_say.notice.map(|_| reply::retry_key(visit, &known));
        let shown = reply::say(visit, &to_say, token, retry_key.as_deref(), access_token, line_until).await;
        let contact = Contact { day: last.tokyo_day(), shown: shown.then(|| visit.channel.policy.to_string()) };
        let known = menu(visit, known, access_token, line_until).await?;
        return contact::note(visit, known, contact, access_token, line_until).await;
    }
    Err(PeopleError::Contended)
}

/// What there is to say to what somebody asks of what is held: to buttons first, then to
/// words.
async fn rights_news(
    visit: &Visit<'_>,
    asked: Option<RightsNews>,
    in_words: Option<Wish>,
) -> Result<Option<RightsNews>, PeopleError> {
    match asked {
        Some(asked) => Ok(Some(asked)),
        None => rights::news(visit, in_words).await,
    }
}

/// Nothing but commands came of somebody who is known: it is a contact all the same.
async fn only_commands(
    visit: &Visit<'_>,
    known: Known,
    arrivals: &[Arrival],
    access_token: &Plain<String>,
    line_until: Instant,
) -> Result<(), PeopleError> {
    let commands = arrivals.iter().filter(|arrival| !holds_something(arrival));
    let last = commands.map(|arrival| arrival.event.at.min(visit.now)).max();
    let Some(last) = last.filter(|at| known.person.not_before.is_none_or(|erased| *at > erased)) else {
        return Ok(());
    };
    let known = menu(visit, known, access_token, line_until).await?;
    contact::note(visit, known, Contact { day: last.tokyo_day(), shown: None }, access_token, line_until).await
}

/// Shows the rich menu of linked people to whoever is linked, and takes it from whoever is
/// not any more.
async fn menu(
    visit: &Visit<'_>,
    known: Known,
    access_token: &Plain<String>,
    line_until: Instant,
) -> Result<Known, PeopleError> {
    let within = line_until.saturating_duration_since(Instant::now());
    visit.show_menu(known, &visit.webhook.line, access_token, within).await
}

/// What the buttons of somebody of whom nothing is held have come to.
struct Asked {
    nothing_held: bool,
    link: Linking,
    rights: Option<RightsNews>,
}

/// Events of somebody of whom nothing is held, and nothing is to be: nothing is stored,
/// and they are told.
async fn stranger(
    visit: &Visit<'_>,
    events: &[(&Arrival, UnixMs)],
    asked: Asked,
    token: Option<&ReplyToken>,
    access_token: &Plain<String>,
    line_until: Instant,
) -> Result<(), PeopleError> {
    let metrics = visit.intake.ctx.metrics();
    let Asked { nothing_held, link, rights } = asked;
    let written = events.iter().map(|(arrival, _)| *arrival);
    let link = match token {
        Some(_) => linking::news(visit, link, None, written, access_token, line_until).await,
        None => None,
    };
    metrics.add("webhook_dropped", "no_consent", u64::try_from(events.len()).unwrap_or_default());
    let in_words = rights::asked_in_words(visit, events.iter().map(|(arrival, _)| *arrival));
    let to_say = ToSay {
        nothing_held,
        not_kept: events.iter().any(|(arrival, _)| arrival.is_message()),
        found: events.iter().flat_map(|(arrival, _)| arrival.found.clone()).collect(),
        form: reply::asked_form(visit, events.iter().map(|(arrival, _)| *arrival)),
        link,
        rights: rights_news(visit, rights, in_words).await?,
        notice: Some(NoticeKind::First),
        ..ToSay::default()
    };
    reply::say(visit, &to_say, token, None, access_token, line_until).await;
    Ok(())
}

/// Divides events into those that may be kept, and how long, and those that may not.
fn divide<'a>(
    visit: &Visit<'_>,
    person: &Person,
    events: Vec<(&'a Arrival, UnixMs)>,
) -> (Vec<Kept<'a>>, Vec<&'a Arrival>) {
    let rule = visit.channel.definition.before_consent;
    let answered_at = person.consent_order.as_ref().map(|order| order.at);
    let mut kept = Vec::with_capacity(events.len());
    let mut dropped = Vec::new();
    for (arrival, at) in events {
        let withdrawn = purpose_of(visit, &arrival.event.act).is_some_and(|purpose| person.has_withdrawn(purpose, at));
        let custody = match withdrawn {
            true => Custody::Nothing,
            false => custody_of_event(rule, person.consent, answered_at, at),
        };
        match custody {
            // What takes something back, and whether the account is blocked, holds nothing
            // that would need consent, and counts whatever was answered.
            Custody::Nothing if holds_nothing(&arrival.event.act) => {
                kept.push(Kept { arrival, at, custody: Custody::Nothing });
            }
            Custody::Nothing => dropped.push(arrival),
            custody => kept.push(Kept { arrival, at, custody }),
        }
    }
    (kept, dropped)
}

/// What the content of an event is kept for.
fn purpose_of<'a>(visit: &'a Visit<'_>, act: &Act) -> Option<&'a DefinitionId> {
    let purposes = &visit.channel.definition.purposes;
    match act {
        Act::Message(_) | Act::MessageEdited(_) => Some(&purposes.message.id),
        Act::Signal(_) => Some(&purposes.event.id),
        Act::Unsend(_) | Act::Follow | Act::Unfollow | Act::AccountLink(_) => None,
    }
}

fn holds_nothing(act: &Act) -> bool {
    matches!(act, Act::Unsend(_) | Act::Follow | Act::Unfollow)
}

/// An event that may be kept.
struct Kept<'a> {
    arrival: &'a Arrival,
    at: UnixMs,
    custody: Custody,
}

/// Whether the content can become a row. What cannot must not start a person either.
pub(crate) fn fits(act: &Act) -> bool {
    let fields = match act {
        Act::Message(message) | Act::MessageEdited(message) => &message.fields,
        Act::Signal(fields) => fields,
        Act::Unsend(_) | Act::Follow | Act::Unfollow | Act::AccountLink(_) => return true,
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

/// Stores events; gives back those that were not stored before.
async fn store_all<'a>(visit: &Visit<'_>, known: &Known, kept: &[Kept<'a>]) -> Result<Vec<&'a Arrival>, PeopleError> {
    let rows: Vec<_> = kept.iter().map(|kept| store_one(visit, known, kept)).collect();
    let outcomes: Vec<Outcome> = stream::iter(rows).buffered(ROWS_AT_ONCE).try_collect().await?;
    let written = kept.iter().zip(outcomes).filter(|(_, outcome)| *outcome == Outcome::Written);
    Ok(written.map(|(kept, _)| kept.arrival).collect())
}

async fn store_one(visit: &Visit<'_>, known: &Known, kept: &Kept<'_>) -> Result<Outcome, PeopleError> {
    let Kept { arrival, at, custody } = *kept;
    let event = &arrival.event;
    let vault = &visit.intake.vault;
    let definition = &visit.channel.definition;
    let purposes = &definition.purposes;
    let order = || EventOrder { at, event: event.id.clone() };
    let subject = known.key.subject();
    // The part of the row's key that is an id.
    let id = match &event.act {
        Act::Message(message) | Act::MessageEdited(message) => Some(&message.id),
        Act::Unsend(message) => Some(message),
        Act::Signal(_) => Some(&event.id),
        Act::Follow | Act::Unfollow | Act::AccountLink(_) => None,
    };
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
                subject,
                message: message.clone(),
                purpose: purposes.message.id.clone(),
                policy: visit.channel.policy.clone(),
                shown: known.person.shown.by(at).map(str::to_owned),
                event_at: at,
            };
            vault.put_unsent(unsent, visit.now).await.map(|()| Outcome::Written)?
        }
        Act::Follow => vault.put_state(subject, LineState::Following, &order(), visit.now).await?,
        Act::Unfollow => {
            let state = LineState::Blocked { due_at: definition.after_block.after(at) };
            vault.put_state(subject, state, &order(), visit.now).await?
        }
        // Carried out before ([`linking`]).
        Act::AccountLink(_) => Outcome::Already,
    };
    let word = match outcome {
        Outcome::Written => "written",
        Outcome::Already => "already",
    };
    visit.intake.ctx.metrics().count("webhook_row", word);
    if let Some(id) = id {
        let trace = TraceId::of(id.as_str(), vault.origin());
        tracing::info!(event = "event_kept", %trace, act = event.act.as_str(), outcome = word, "an event is kept");
    }
    Ok(outcome)
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
            visit.intake.ctx.metrics().count("webhook_permanent_fault", "too_large");
            tracing::error!(event = "event_too_large", subject = %row.subject, "an event is too large to be stored");
            return Ok(Outcome::Already);
        }
        Ok(visit.intake.vault.put_value(row, visit.now).await?)
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
        let Some(due_at) = due_on_arrival(custody, terms.retention, Facts::on_arrival(self.at)) else {
            return Ok(None);
        };
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
            shown: known.person.shown.by(self.at).map(str::to_owned),
            form: None,
            event_at: self.at,
            due_at,
            awaiting_consent: custody == Custody::UntilConsent,
            follows: terms.retention.follows(),
            given: None,
            then: terms.retention.then,
            edit: self.edit,
            env,
        }))
    }
}
