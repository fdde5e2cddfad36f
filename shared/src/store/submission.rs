//! A form that somebody has sent: `S#<id>` / `F#<submission>#<purpose>` for each purpose,
//! `C#<purpose>#<ms>` for what they said about it, and the look-ups `X#<kind>#<digest>` with
//! their back references; all of it, with whatever it changes about the person, or nothing.
//!
//! A look-up and its back reference name the submission they were made for, and go with
//! it: another one that gives the same phone number keeps its own.

use aws_sdk_dynamodb::types::TransactWriteItem;
use sha2::{Digest, Sha256};

use crate::domain::{
    id::{DefinitionId, SubjectId, VersionId},
    order::EventOrder,
    person::Person,
    retention::Follows,
    sweep::Slot,
    time::{HOUR_MS, UnixMs},
};
use crate::store::{
    Item, Outcome, StoreError, Vault,
    contact::NewPerson,
    key::{self, ALONE},
    mapping::Mapping,
    one_time::Spend,
    subject::SubjectRow,
    value::{TooLarge, ValueRow},
    vault::Condition,
};

/// Most rows of one transaction (DynamoDB).
const MAX_PARTS: usize = 100;
/// Most bytes of one transaction: 4 MB, with room for keys and tags.
const MAX_BYTES: usize = 3_900_000;

/// Whose submission it is.
#[derive(Debug, Clone)]
pub enum Sender<'a> {
    /// Somebody new, with a pair from the pool.
    New(Box<NewPerson>),
    /// Somebody known, whose mapping must still be as it was read.
    Known {
        /// Partition of the mapping.
        pk: &'a str,
        /// The mapping as it was read.
        read: &'a Mapping,
        /// On the first contact of a day: the mapping and the subject row as they now are.
        newer: Option<Box<(Person, SubjectRow)>>,
    },
}

/// What was said about one purpose.
#[derive(Debug, Clone)]
pub struct FormConsent {
    /// The purpose.
    pub purpose: DefinitionId,
    /// Whether the person agreed.
    pub given: bool,
    /// Whether they agreed to sensitive answers, if any are asked for.
    pub sensitive: Option<bool>,
}

/// What somebody was shown.
#[derive(Debug, Clone)]
pub struct FormNotice {
    /// The form version.
    pub form: VersionId,
    /// The policy version.
    pub policy: VersionId,
    /// SHA-256 of the words, in hexadecimal.
    pub words: String,
    /// Their language, as a tag (BCP 47).
    pub language: &'static str,
    /// When they were shown.
    pub shown_at: UnixMs,
}

/// Somebody can be found by an answer.
#[derive(Debug, Clone)]
pub struct LookupRow {
    /// What kind of answer: `email`, `phone`, `member_id`.
    pub kind: &'static str,
    /// Its keyed digest.
    pub digest: String,
    /// What the answer is kept for.
    pub purpose: DefinitionId,
    /// Until when: as long as the answer itself is kept.
    pub due_at: UnixMs,
    /// What moves that on.
    pub follows: Option<Follows>,
    /// The day that the person gave, from which it is counted.
    pub given: Option<UnixMs>,
}

/// A submission, all of it. With it goes a mark, `Q#sent#<digest>`: one notice is answered
/// once, whatever the answers.
#[derive(Debug, Clone)]
pub struct Submission<'a> {
    /// The person.
    pub subject: SubjectId,
    /// Its id: 32 hexadecimal digits.
    pub id: &'a str,
    /// When it was sent, and its place among the events of the person.
    pub order: EventOrder,
    /// What was shown.
    pub notice: FormNotice,
    /// Answers by purpose, sealed.
    pub values: Vec<ValueRow>,
    /// What was said about each purpose.
    pub consents: Vec<FormConsent>,
    /// By what the person can be found.
    pub lookups: Vec<LookupRow>,
    /// Its part of what one person may send in an hour.
    pub spend: Spend<'a>,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum Submitted {
    /// It is stored; the mapping of the person, if it was written.
    Stored(Option<Mapping>),
    /// It was stored before.
    Already,
    /// The person has sent too many in this hour.
    OverBudget,
    /// The person has changed since they were read, or somebody else took the key pair:
    /// read again.
    Changed,
}

impl Submission<'_> {
    /// Checks that DynamoDB will take it, before anything is written.
    ///
    /// # Errors
    /// A row or the whole is too large, or there are too many rows.
    pub fn check_size(&self) -> Result<(), TooLarge> {
        // The rows of the person, the budget, and the mark.
        const OTHERS: usize = 5;
        const ATTRIBUTES: usize = 1_024;
        let rows = self.values.len() + self.consents.len() + 2 * self.lookups.len() + OTHERS;
        let mut bytes = rows * ATTRIBUTES;
        for row in &self.values {
            row.check_size()?;
            bytes += row.env.to_bytes().len();
        }
        if rows > MAX_PARTS || bytes > MAX_BYTES { Err(TooLarge) } else { Ok(()) }
    }
}

impl Vault {
    /// Stores a submission: one call.
    ///
    /// # Errors
    /// The call failed.
    pub async fn submit(
        &self,
        sender: Sender<'_>,
        submission: Submission<'_>,
        now: UnixMs,
    ) -> Result<Submitted, StoreError> {
        let mut parts = Vec::with_capacity(16);
        let mut written = None;
        // Parts of the person; if one of them fails, the person is read again.
        match sender {
            Sender::New(new) => {
                let (claim, mapping) = self.claim_parts(*new, now)?;
                parts.extend(claim);
                written = Some(mapping);
            }
            Sender::Known { pk, read, newer: None } => parts.push(self.part_check(pk, ALONE, read.unchanged())),
            Sender::Known { pk, read, newer: Some(newer) } => {
                let (person, subject) = *newer;
                let item = self.mapping_item(pk, &person);
                written = Some(Mapping::written(&item, &person)?);
                parts.push(self.part_put(item, read.unchanged()));
                parts.push(self.part_put(self.subject_item(subject, now), Condition::that("attribute_exists(pk)")));
            }
        }
        let of_person = parts.len();
        parts.push(self.part_spend(submission.spend));
        let sent = Item::new(key::sent(&mark(submission.subject, submission.id)), ALONE, "sent")
            .number("ttl", submission.notice.shown_at.plus(SENT_MS).seconds())
            .vouched(self.origin());
        let once = parts.len();
        parts.push(self.part_put(sent, Condition::that("attribute_not_exists(pk)")));
        parts.extend(self.submission_parts(submission, now));
        match self.transact(parts).await {
            Ok(()) => Ok(Submitted::Stored(written)),
            // Whoever sends twice has written the person and taken the budget with the
            // first: what says that it was stored goes before all else.
            Err(error) if error.part_failed(once) => Ok(Submitted::Already),
            Err(error) if (0..of_person).any(|part| error.part_failed(part)) || error.conflict() => {
                Ok(Submitted::Changed)
            }
            Err(error) if error.part_failed(of_person) => Ok(Submitted::OverBudget),
            Err(error) => Err(error),
        }
    }

    /// The rows of a submission.
    fn submission_parts(&self, submission: Submission<'_>, now: UnixMs) -> Vec<TransactWriteItem> {
        let mut parts = Vec::new();
        let pk = key::subject(submission.subject);
        for consent in &submission.consents {
            let order = &submission.order;
            let notice = &submission.notice;
            let word = |given: bool| if given { "given" } else { "refused" };
            let place = if consent.given { key::form_consent } else { key::form_refusal };
            let sk = place(&consent.purpose, order.at, submission.id);
            let item = Item::new(pk.clone(), sk, "consent")
                .text("purpose", consent.purpose.as_str())
                .text("consent", word(consent.given))
                .maybe_text("sensitive", consent.sensitive.map(word))
                .text("policy", notice.policy.to_string())
                .text("shown", notice.policy.to_string())
                .text("form", notice.form.to_string())
                .text("submission", submission.id)
                .text("notice", &notice.words)
                .text("language", notice.language)
                .time("shown_at", notice.shown_at)
                .text("how", "form")
                .time("event_at", order.at)
                .text("event_order", order.to_string())
                .vouched(self.origin());
            parts.push(self.part_put(item, Condition::none()));
        }
        for lookup in submission.lookups {
            let LookupRow { kind, digest, purpose, due_at, follows, given } = lookup;
            let found = key::lookup(kind, &digest);
            let item = Item::new(found.clone(), key::found(submission.subject, submission.id), "lookup")
                .text("subject", submission.subject.to_string())
                .time("event_at", submission.order.at)
                .vouched(self.origin());
            parts.push(self.part_put(item, Condition::none()));
            let back = Item::new(pk.clone(), format!("{found}#{}", submission.id), "found_by")
                .text("purpose", purpose.as_str())
                .text("policy", submission.notice.policy.to_string())
                .time("event_at", submission.order.at)
                .maybe_text("follows", follows.map(Follows::as_str))
                .maybe_time("given", given)
                .time("due_at", due_at)
                .text("due_slot", Slot::of(submission.subject, due_at, now).to_string())
                .vouched(self.origin());
            parts.push(self.part_put(back, Condition::none()));
        }
        let new = || Condition::that("attribute_not_exists(pk)");
        parts.extend(submission.values.into_iter().map(|row| self.part_put(self.value_item(row, now), new())));
        parts
    }
}

/// One answer of somebody to a form that only counts.
#[derive(Debug, Clone)]
pub struct Tally<'a> {
    /// The form.
    pub form: &'a DefinitionId,
    /// The month, as `2026-11`.
    pub month: &'a str,
    /// Fields and choices.
    pub choices: &'a [(String, String)],
    /// The mark of who has answered: a keyed digest that tells nothing else.
    pub mark: &'a str,
    /// Until when the mark is kept.
    pub until: UnixMs,
}

impl Vault {
    /// Adds an answer to the counters, once for each person: one call.
    ///
    /// # Errors
    /// The call failed.
    pub async fn tally(&self, tally: &Tally<'_>, now: UnixMs) -> Result<Outcome, StoreError> {
        let answered = Item::new(key::once(tally.form, tally.mark), ALONE, "answered")
            .number("ttl", tally.until.seconds())
            .vouched(self.origin());
        let free = Condition::that("attribute_not_exists(pk) OR #ttl <= :now")
            .with_name("#ttl", "ttl")
            .with_number(":now", now.seconds());
        let mut parts = vec![self.part_put(answered, free)];
        let pk = key::tally(tally.form, tally.month);
        let total = std::iter::once(key::TOTAL.to_owned());
        let choices = tally.choices.iter().map(|(field, choice)| format!("{field}#{choice}"));
        for sk in total.chain(choices) {
            parts.push(self.part_count(&pk, &sk, "count"));
        }
        self.transact_counting(parts).await
    }

    /// The counters of a form in one month: field and choice, or `total`, and how many.
    ///
    /// # Errors
    /// The call failed.
    pub async fn tallies(&self, form: &DefinitionId, month: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = self.partition(&key::tally(form, month)).await?;
        let counters = rows.into_iter().map(|map| {
            let item = Item::read(map);
            let n = u64::try_from(item.get_number("n")?).map_err(|_| StoreError::Row { attribute: "n" })?;
            Ok((item.get_text("sk")?.to_owned(), n))
        });
        counters.collect()
    }
}

/// What the mark of a submission is found by. It leads to nobody: once the person is
/// erased, their id is nowhere to try it with.
fn mark(subject: SubjectId, submission: &str) -> String {
    let digest = Sha256::digest(format!("azukari sent v1 {subject} {submission}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How long the mark that a notice was answered is kept: longer than the notice holds.
const SENT_MS: i64 = 48 * HOUR_MS;

/// How long the mark of who has answered is kept: a year.
pub const MARK_MS: i64 = 365 * 24 * HOUR_MS;
