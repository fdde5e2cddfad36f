//! `POST /forms/{form}`: who sends it and what they were shown is verified; every problem
//! is named; what can be taken is sealed for the sender and stored, all of it or nothing.

use std::time::Duration;

use azukari::{
    domain::{
        consent::Consent,
        form::sheet::{Accepted, Record},
        id::{ChannelName, LineItemId, LineUserId},
        order::EventOrder,
        person::{Admission, Person, admit},
        plain::Plain,
        retention::Facts,
        time::{Day, UnixMs},
        trace::TraceId,
    },
    host::{
        people::{Known, Newcomer, Pair, PeopleError, Visit},
        published::{self, Channel},
    },
    keys::KeyError,
    line::{client, id_token::NotVerified, outgoing::OutgoingMessage},
    seal::{self, notice::Shown, place::RowPlace},
    store::{
        Outcome, key,
        one_time::Spend,
        submission::{FormConsent, FormNotice, LookupRow, MARK_MS, Sender, Submission, Submitted, Tally},
        value::{ValueKind, ValueRow},
    },
};

use futures::future;
use sha2::{Digest, Sha256};

use crate::{Form, answer::Refusal, sheet_words::Trouble};

/// Submissions that are taken from one person in an hour, over all forms.
pub(crate) const PER_HOUR: u32 = 20;
/// How often the sender is read again because somebody else changed them.
const ROUNDS: usize = 6;
/// How long telling the sender in the chat may take.
const REPLY_WITHIN: Duration = Duration::from_millis(800);

/// What has become of a form that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is stored, or counted.
    Now,
    /// It was stored before.
    Before,
}

impl Form {
    /// Who sends it: the user to whom LINE gave the token.
    pub(crate) async fn sender(
        &self,
        channel: &ChannelName,
        token: Option<&Plain<String>>,
        now: UnixMs,
    ) -> Result<LineUserId, Refusal> {
        let Some(token) = token else { return Err(Refusal::Trouble(Trouble::SignInMissing)) };
        let Some(secrets) = self.channel_secrets.get(channel) else {
            tracing::error!(event = "channel_without_secrets", %channel, "a form belongs to a channel without secrets");
            return Err(Refusal::Trouble(Trouble::Unavailable));
        };
        let verified = self.verifier.verify(&self.line, token, &secrets.login_channel_id, now).await;
        verified.map_err(|error| match error {
            NotVerified::Invalid => Refusal::Trouble(Trouble::SignInMissing),
            NotVerified::Expired => Refusal::Trouble(Trouble::SignInExpired),
            NotVerified::Keys(error) => {
                self.intake.ctx.metrics().count("form_alarm", "line_keys");
                tracing::error!(event = "line_keys_not_fetched", %error, "the keys of LINE could not be fetched");
                Refusal::Trouble(Trouble::Unavailable)
            }
        })
    }

    /// Takes a form that has no problems.
    pub(crate) async fn take(
        &self,
        form: &published::Form,
        shown: &Shown,
        user: &LineUserId,
        accepted: Accepted,
        now: UnixMs,
    ) -> Result<Taken, Refusal> {
        if form.definition.anonymous {
            return self.count(form, user, &accepted, now).await;
        }
        let channel = self.channels.channel(&self.intake.vault, &form.channel, now).await.map_err(|error| {
            tracing::error!(
                event = "channel_not_loaded",
                %error,
                channel = %form.channel,
                "a channel could not be loaded"
            );
            Refusal::Trouble(Trouble::Unavailable)
        })?;
        let unavailable = |error: PeopleError| {
            self.intake.ctx.metrics().count("form_transient_fault", "person");
            tracing::error!(
                event = "submission_not_stored",
                %error,
                channel = %form.channel,
                "a submission could not be stored"
            );
            Refusal::Trouble(Trouble::Unavailable)
        };
        let delivery = Delivery { function: self, form, shown, channel: &channel, user, accepted: &accepted, now };
        let taken = delivery.deliver().await.map_err(|error| match error {
            NotTaken::Refused(trouble) => Refusal::Trouble(trouble),
            NotTaken::Failed(error) => unavailable(error),
            NotTaken::Digest(error) => {
                tracing::error!(event = "digest_not_made", %error, "a look-up digest could not be made");
                Refusal::Trouble(Trouble::Unavailable)
            }
        })?;
        if taken == Taken::Now {
            self.reply(form, shown, user).await;
        }
        Ok(taken)
    }

    /// Adds the answers to an anonymous form to its counters.
    async fn count(
        &self,
        form: &published::Form,
        user: &LineUserId,
        accepted: &Accepted,
        now: UnixMs,
    ) -> Result<Taken, Refusal> {
        let mark = self.intake.keys.user_index.answered(&form.channel, &form.version.id, user);
        let day = now.tokyo_day().to_string();
        let tally = Tally {
            form: &form.version.id,
            month: day.get(..7).unwrap_or(&day),
            choices: &accepted.counted,
            mark: &mark,
            // By the day: when somebody answered is nobody's business.
            until: now.plus(MARK_MS).tokyo_day().start(),
        };
        match self.intake.vault.tally(&tally, now).await {
            Ok(Outcome::Written) => Ok(Taken::Now),
            Ok(Outcome::Already) => Ok(Taken::Before),
            Err(error) => {
                tracing::error!(event = "answer_not_counted", %error, "an anonymous answer could not be counted");
                Err(Refusal::Trouble(Trouble::Unavailable))
            }
        }
    }

    /// Says in the chat that it has arrived: best effort, once for each submission.
    async fn reply(&self, form: &published::Form, shown: &Shown, user: &LineUserId) {
        let Some(text) = &form.definition.reply else { return };
        let Some(channel) = self.channel_secrets.get(&form.channel) else { return };
        let messages = [OutgoingMessage::text(text.clone())];
        let key = client::retry_key(&shown.id);
        let result = self.line.push(&channel.access_token, user, &key, &messages, REPLY_WITHIN).await;
        let word = if result.is_ok() { "pushed" } else { "failed" };
        self.intake.ctx.metrics().count("form_reply", word);
        if let Err(error) = result {
            tracing::warn!(event = "message_not_taken", %error, "a message about a submission was not taken");
        }
    }
}

/// Why a submission was not taken.
#[derive(Debug)]
enum NotTaken {
    Refused(Trouble),
    Failed(PeopleError),
    /// A digest could not be made.
    Digest(KeyError),
}

impl<E: Into<PeopleError>> From<E> for NotTaken {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// One submission on its way into the vault.
struct Delivery<'a> {
    function: &'a Form,
    form: &'a published::Form,
    shown: &'a Shown,
    channel: &'a Channel,
    user: &'a LineUserId,
    accepted: &'a Accepted,
    now: UnixMs,
}

impl Delivery<'_> {
    /// The digests by which the sender can be found: a KMS call for each such answer, side
    /// by side.
    async fn lookups(&self) -> Result<Vec<LookupRow>, NotTaken> {
        let answers = self.accepted.records.iter();
        let answers =
            answers.flat_map(|record| record.lookups.iter().map(move |(kind, answer)| (record, kind, answer)));
        let mut making = Vec::new();
        for (record, kind, answer) in answers {
            making.push(async move {
                let terms = &record.purpose.terms;
                let digest = self.function.lookup.digest(&self.form.channel, kind.as_str(), answer).await;
                Ok(LookupRow {
                    kind: kind.as_str(),
                    digest: digest.map_err(NotTaken::Digest)?,
                    purpose: terms.id.clone(),
                    due_at: self.due_at(record),
                    follows: terms.retention.follows(),
                    given: given_day(record),
                })
            });
        }
        future::try_join_all(making).await
    }

    fn due_at(&self, record: &Record) -> UnixMs {
        let facts = Facts { given: given_day(record), ..Facts::on_arrival(self.now) };
        record.purpose.terms.retention.due(facts)
    }

    async fn deliver(&self) -> Result<Taken, NotTaken> {
        let mut made: Option<Vec<LookupRow>> = None;
        let visit = self.function.intake.visit(self.channel, self.user, self.now);
        let metrics = self.function.intake.ctx.metrics();
        for round in 0..ROUNDS {
            let (mapping, known) = visit.mapping(round > 0).await?;
            let not_before = match admit(&mapping.standing, self.shown.at) {
                Admission::Stale => return Err(NotTaken::Refused(Trouble::NoticeExpired)),
                Admission::New { not_before } => not_before,
                Admission::Known => None,
            };
            // An order to erase them is on its way, and would take this with it.
            if known.as_ref().is_some_and(|known| known.person.consent == Consent::Refused) {
                return Err(NotTaken::Refused(Trouble::Erasing));
            }
            let lookups = match made.take() {
                Some(lookups) => lookups,
                None => self.lookups().await?,
            };
            let result = match known {
                Some(known) => self.of_known(&visit, &known, &lookups).await?,
                None => self.of_stranger(&visit, visit.pair().await?, not_before, &lookups).await?,
            };
            match result {
                Submitted::Stored(written) => {
                    let trace = TraceId::of(&self.shown.id, visit.intake.vault.origin());
                    tracing::info!(
                        event = "submission_kept",
                        %trace,
                        records = self.accepted.records.len(),
                        "a submission is kept"
                    );
                    if let Some(mapping) = written {
                        visit.known(&mapping)?;
                    }
                    return Ok(Taken::Now);
                }
                Submitted::Already => return Ok(Taken::Before),
                Submitted::OverBudget => return Err(NotTaken::Refused(Trouble::TooOften)),
                Submitted::Changed => {
                    metrics.count("form_again", "changed");
                    visit.forget();
                    made = Some(lookups);
                }
            }
        }
        Err(NotTaken::Failed(PeopleError::Contended))
    }

    async fn of_known(&self, visit: &Visit<'_>, known: &Known, lookups: &[LookupRow]) -> Result<Submitted, NotTaken> {
        let today = self.now.tokyo_day();
        let newer = if known.person.last_contact < today {
            let person = Person { last_contact: today, ..known.person.clone() };
            let subject = visit.subject_row(&known.key, &person)?;
            Some(Box::new((person, subject)))
        } else {
            None
        };
        let sender = Sender::Known { pk: &visit.pk, read: &known.mapping, newer };
        let spend = spend_key(known.key.subject());
        let submission = self.submission(visit, &known.key, lookups, &spend)?;
        Ok(visit.intake.vault.submit(sender, submission, self.now).await?)
    }

    async fn of_stranger(
        &self,
        visit: &Visit<'_>,
        pair: Pair,
        not_before: Option<UnixMs>,
        lookups: &[LookupRow],
    ) -> Result<Submitted, NotTaken> {
        let spend = spend_key(pair.key().subject());
        let submission = self.submission(visit, pair.key(), lookups, &spend)?;
        let newcomer = Newcomer {
            // What was shown before an erasure starts nobody anew.
            first_event: self.shown.at,
            last_contact: self.now.tokyo_day(),
            not_before,
            attempt: None,
        };
        let new = Box::new(visit.newcomer(pair, newcomer)?);
        let submitted = visit.intake.vault.submit(Sender::New(new), submission, self.now).await?;
        if let Submitted::Stored(_) = submitted {
            visit.intake.ctx.metrics().count(visit.intake.metrics.person, "new");
        }
        Ok(submitted)
    }

    fn submission<'s>(
        &'s self,
        visit: &Visit<'_>,
        to: &azukari::domain::key::SubjectKey,
        lookups: &[LookupRow],
        spend: &'s str,
    ) -> Result<Submission<'s>, NotTaken> {
        let (form, shown) = (self.form, self.shown);
        let owner = visit.index_key().owner(&self.channel.name, self.user);
        let mut values = Vec::with_capacity(self.accepted.records.len());
        for record in &self.accepted.records {
            let terms = &record.purpose.terms;
            let sk = key::submission(&shown.id, &terms.id);
            let place = RowPlace {
                channel: &self.channel.name,
                subject: to.subject(),
                row: &sk,
                purpose: &terms.id,
                policy: &shown.policy,
                form: Some(&form.version),
            };
            let answers: Vec<(&str, Plain<Vec<u8>>)> =
                record.answers.iter().map(|(name, answer)| (name.as_str(), answer.clone())).collect();
            let env = seal::seal(to, &place, &owner, &answers)?;
            values.push(ValueRow {
                subject: to.subject(),
                kind: ValueKind::Submission,
                purpose: terms.id.clone(),
                policy: shown.policy.clone(),
                shown: Some(shown.policy.to_string()),
                form: Some(form.version.clone()),
                event_at: self.now,
                due_at: self.due_at(record),
                awaiting_consent: false,
                follows: terms.retention.follows(),
                given: given_day(record),
                then: terms.retention.then,
                edit: None,
                env,
                sk,
            });
        }
        let event = LineItemId::parse(&shown.id).map_err(|_| NotTaken::Refused(Trouble::NoticeExpired))?;
        let submission = Submission {
            subject: to.subject(),
            id: &shown.id,
            order: EventOrder { at: self.now, event },
            notice: FormNotice {
                form: form.version.clone(),
                policy: shown.policy.clone(),
                words: shown.words.clone(),
                language: shown.language.tag(),
                shown_at: shown.at,
            },
            values,
            consents: self.accepted.decisions.iter().map(consent).collect(),
            lookups: lookups.to_vec(),
            spend: Spend { what: spend, hour: self.now.hour(), n: 1, limit: PER_HOUR },
        };
        submission.check_size().map_err(|_| NotTaken::Refused(Trouble::TooLarge))?;
        Ok(submission)
    }
}

/// The day from which the retention of a record is counted, if the person gave one.
fn given_day(record: &Record) -> Option<UnixMs> {
    record.given.map(Day::start)
}

fn consent(decision: &azukari::domain::form::sheet::Decision) -> FormConsent {
    FormConsent { purpose: decision.purpose.clone(), given: decision.given, sensitive: decision.sensitive }
}

/// The counter of a person. It outlives them by hours, and must not lead to them.
fn spend_key(subject: azukari::domain::id::SubjectId) -> String {
    format!("form#{}", budget_digest("form", subject))
}

/// What names the budget of a person for something, and does not lead to them.
pub(crate) fn budget_digest(what: &str, subject: azukari::domain::id::SubjectId) -> String {
    let digest = Sha256::digest(format!("azukari {what} budget v1 {subject}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
