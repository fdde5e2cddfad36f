//! Request rows `S#<id>` / `O#<kind>~<id>`: what a person has asked somebody of the business
//! for. Intake may place one; the opener writes how it has ended, and with that what was
//! written in it is gone.

use crate::domain::{
    id::{DefinitionId, SubjectId, VersionId},
    request::{self, REQUEST_KEPT_MS, RequestKind},
    sweep::{SHARDS, Slot},
    time::UnixMs,
};
use crate::seal::envelope::Envelope;
use crate::store::{Item, Outcome, StoreError, Vault, error::outcome, key, value::ValueKind, vault::Condition};

/// A request to be stored.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// The person.
    pub subject: SubjectId,
    /// What is asked for.
    pub kind: RequestKind,
    /// Its id, made for it.
    pub id: String,
    /// Why it is kept.
    pub purpose: DefinitionId,
    /// The policy version in force.
    pub policy: VersionId,
    /// The policy version the person was shown.
    pub shown: Option<String>,
    /// When it was asked for.
    pub event_at: UnixMs,
    /// What was written, in the field `details`; a stop needs no words.
    pub env: Option<Envelope>,
}

/// What a request says under its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestTerms {
    /// Why it is kept.
    pub purpose: DefinitionId,
    /// The policy version in force.
    pub policy: VersionId,
    /// The policy version the person was shown.
    pub shown: Option<String>,
    /// When it was asked for.
    pub event_at: UnixMs,
}

/// A request as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRequest {
    /// What is asked for.
    pub kind: RequestKind,
    /// Its id.
    pub id: String,
    /// What it says; `None` if nobody vouches for it, or it is not well formed.
    pub terms: Option<RequestTerms>,
    /// When and how it has ended; `None` while it is open.
    pub closed: Option<(UnixMs, request::Outcome)>,
    tag: Option<[u8; 32]>,
}

impl StoredRequest {
    /// One that nobody vouches for: it counts as open, whatever it says.
    pub(super) fn unproven(kind: RequestKind, id: &str) -> Self {
        Self { kind, id: id.to_owned(), terms: None, closed: None, tag: None }
    }

    /// One that is vouched for.
    pub(super) fn read(kind: RequestKind, id: &str, item: &Item) -> Result<Self, StoreError> {
        let policy = VersionId::parse(item.get_text("policy")?).map_err(|_| StoreError::Row { attribute: "policy" })?;
        let terms = RequestTerms {
            purpose: DefinitionId::new(item.get_text("purpose")?),
            policy,
            shown: item.find_text("shown").filter(|shown| *shown != "none").map(str::to_owned),
            event_at: item.get_time("event_at")?,
        };
        let closed = match item.find_text("outcome") {
            Some(word) => {
                let outcome = request::Outcome::parse(word).ok_or(StoreError::Row { attribute: "outcome" })?;
                Some((item.get_time("closed_at")?, outcome))
            }
            None => None,
        };
        Ok(Self { kind, id: id.to_owned(), terms: Some(terms), closed, tag: Some(item.get_array("tag")?) })
    }

    /// Whether nobody has answered it yet.
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Whether it restricts the person.
    pub fn restricts(&self) -> bool {
        request::restricts(self.kind, self.closed.map(|(_, outcome)| outcome))
    }

    /// How operators name it: kind and id.
    pub fn name(&self) -> String {
        key::request_name(self.kind, &self.id)
    }

    fn unchanged(&self) -> Condition {
        match &self.tag {
            Some(tag) => Condition::that("tag = :tag").with_bytes(":tag", tag),
            None => Condition::that("attribute_exists(pk)"),
        }
    }
}

/// How a request ends.
#[derive(Debug, Clone)]
pub struct Closing<'a> {
    /// The person.
    pub subject: SubjectId,
    /// The request as it was read.
    pub request: &'a StoredRequest,
    /// What it says from now on.
    pub terms: &'a RequestTerms,
    /// When it has ended.
    pub at: UnixMs,
    /// How.
    pub outcome: request::Outcome,
}

impl Vault {
    /// Stores a request once: the same id twice is [`Outcome::Already`].
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_request(&self, row: RequestRow, now: UnixMs) -> Result<Outcome, StoreError> {
        let due_at = row.event_at.plus(REQUEST_KEPT_MS);
        let shard = row.subject.as_bytes()[0] % SHARDS;
        let kind = ValueKind::Request.as_str();
        let mut item = Item::new(key::subject(row.subject), key::request(row.kind, &row.id), kind)
            .text("purpose", row.purpose.as_str())
            .text("policy", row.policy.to_string())
            .text("shown", row.shown.as_deref().unwrap_or("none"))
            .time("event_at", row.event_at)
            .time("at", row.event_at)
            .text("inbox_slot", key::inbox(row.event_at.tokyo_day(), kind, shard))
            .time("due_at", due_at)
            .text("due_slot", Slot::of(row.subject, due_at, now).to_string());
        if let Some(env) = &row.env {
            item = item.bytes("env", env.to_bytes());
        }
        let item = item.vouched(self.origin());
        outcome(self.put(item, Condition::that("attribute_not_exists(pk)")).await)
    }

    /// Reads a request: one call. `None` if it is gone.
    ///
    /// # Errors
    /// The call failed, or the sort key is not that of a request.
    pub async fn request(&self, subject: SubjectId, sk: &str) -> Result<Option<StoredRequest>, StoreError> {
        let (kind, id) = key::requested(sk).ok_or(StoreError::Row { attribute: "sk" })?;
        match self.get_vouched(&key::subject(subject), sk).await {
            Ok(item) => Ok(item.map(|item| {
                StoredRequest::read(kind, id, &item).unwrap_or_else(|_| StoredRequest::unproven(kind, id))
            })),
            Err(StoreError::NotVouched) => Ok(Some(StoredRequest::unproven(kind, id))),
            Err(error) => Err(error),
        }
    }

    /// Writes how a request has ended, whole and without what was written in it, and out of
    /// the inbox. [`Outcome::Already`] if it has changed since it was read, or is gone.
    ///
    /// # Errors
    /// The call failed.
    pub async fn close_request(&self, closing: &Closing<'_>, now: UnixMs) -> Result<Outcome, StoreError> {
        let Closing { subject, request: read, terms, at, outcome: how } = closing;
        let sk = key::request(read.kind, &read.id);
        let mut item = Item::new(key::subject(*subject), sk, ValueKind::Request.as_str())
            .text("purpose", terms.purpose.as_str())
            .text("policy", terms.policy.to_string())
            .text("shown", terms.shown.as_deref().unwrap_or("none"))
            .time("event_at", terms.event_at)
            .time("closed_at", *at)
            .text("outcome", how.as_str());
        if let Some(due_at) = request::due_at(read.kind, terms.event_at, Some((*at, *how))) {
            item = item.time("due_at", due_at).text("due_slot", Slot::of(*subject, due_at, now).to_string());
        }
        outcome(self.put(item.vouched(self.origin()), read.unchanged()).await)
    }
}
