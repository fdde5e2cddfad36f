//! Opening one person, step by step. Every step that could show something takes what
//! the step before has proven.

use std::collections::BTreeMap;

use azukari::{
    domain::{
        access::{self, Facts as AccessFacts, Refusal},
        consent::{Consent, Custody},
        form::notice,
        id::{ChannelName, LineUserId, SubjectId},
        key::SubjectKey,
        language::Language,
        person::{Person as Known, Standing},
        plain::Plain,
        request::REQUEST_KEPT_MS,
        retention::{Facts, Friendship, contact_due, due_on_arrival},
        time::UnixMs,
    },
    host::{ledger::Recorded, log},
    keys::unwrap,
    seal::{
        index::OwnerCheck,
        notice::digest,
        opening::{self, OpenError},
        place::RowPlace,
    },
    store::{
        StoreError,
        holding::{ContactRow, FormConsentRow, Holding, SealedRow, Window},
        key,
        request::StoredRequest,
        value::ValueKind,
    },
};
use sha2::{Digest, Sha256};

use crate::{
    Opener, Person, Record, Status,
    answer::{Fields, FormConsent, Notice},
    open::{Resolved, Wanted},
};

/// The field of the contact row that says whose records these are.
const LINE_USER_ID: &str = "line_user_id";

impl Person {
    /// Somebody who is not known.
    pub(crate) fn nobody() -> Self {
        Self::ended(None, None, Status::NotFound)
    }

    fn ended(subject: Option<SubjectId>, channel: Option<&ChannelName>, status: Status) -> Self {
        Self {
            person: subject.map(|subject| subject.to_string()),
            channel: channel.map(ToString::to_string),
            status,
            records: Vec::new(),
            consents: Vec::new(),
            notices: BTreeMap::new(),
            stops: Vec::new(),
            withheld: BTreeMap::new(),
            bad: BTreeMap::new(),
            more: None,
        }
    }
}

/// What ends an opening before its end.
enum Stop {
    Status(Status),
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Status(Status::Refused(refusal))
    }
}

fn failed(why: &'static str) -> Stop {
    Stop::Status(Status::Failed(why))
}

const NOT_FOUND: Stop = Stop::Status(Status::NotFound);

/// A person whose key is in hand for the time of this request.
struct Unlocked<'a> {
    contact: &'a ContactRow,
    subject: SubjectId,
    secret: Plain<Vec<u8>>,
    key_version: u32,
    owners: Vec<OwnerCheck>,
}

impl Opener {
    /// Opens one person whom an entry names: their rows, the mapping unless it has led to
    /// them, the wrapped key, and one KMS call.
    pub(crate) async fn person(
        &self,
        recorded: &Recorded,
        resolved: &Resolved,
        wanted: Wanted<'_>,
        window: Window<'_>,
        now: UnixMs,
    ) -> Person {
        let subject = resolved.subject;
        let mut answer = Person::ended(Some(subject), None, Status::Opened);
        if !recorded.names(subject) {
            answer.status = Status::Failed("not_recorded");
            return answer;
        }
        match self.try_person(&mut answer, resolved, wanted, window, now).await {
            Ok(()) => {}
            Err(Stop::Status(status)) => answer.status = status,
            Err(Stop::Store(error)) => {
                tracing::error!(event = "person_not_read", %subject, %error, "a person could not be read");
                answer.status = Status::Failed("store");
            }
        }
        if answer.status != Status::Opened {
            answer.records.clear();
            answer.consents.clear();
            answer.notices.clear();
        }
        answer
    }

    async fn try_person(
        &self,
        answer: &mut Person,
        resolved: &Resolved,
        wanted: Wanted<'_>,
        window: Window<'_>,
        now: UnixMs,
    ) -> Result<(), Stop> {
        let subject = resolved.subject;
        let holding = self.vault.holding(subject, window).await?;
        for row in &holding.bad {
            answer.bad.insert(row.sk.clone(), row.why);
        }
        if wanted.answering {
            let stops = holding.requests.iter().filter(|request| request.restricts());
            answer.stops = stops.map(StoredRequest::name).collect();
        }
        let Some(contact) = &holding.contact else {
            return Err(match (holding.held, answer.bad.contains_key(key::ALONE)) {
                (true, _) => Refusal::Restricted.into(),
                (false, true) => failed("contact_row"),
                (false, false) => NOT_FOUND,
            });
        };
        answer.channel = Some(contact.channel.to_string());
        let standing = match &resolved.mapping {
            Some((pk, standing)) if *pk == contact.mapping => standing.clone(),
            // A mapping to a person whose own row names another mapping was planted.
            Some(_) => return Err(failed("mapping")),
            None => match self.vault.mapping(&contact.mapping, now).await {
                Ok(mapping) => mapping.standing,
                Err(StoreError::NotVouched | StoreError::Row { .. }) => return Err(failed("mapping")),
                Err(error) => return Err(error.into()),
            },
        };
        let facts = AccessFacts {
            held: holding.held,
            erase_ordered: holding.erase_ordered,
            stopped: holding.stopped(),
            answering: wanted.answering,
            consents: &holding.consents,
            standing: &standing,
        };
        access::person(&facts)?;
        let known = match &standing {
            Standing::Known(known) if known.key.subject == subject => known,
            Standing::Known(_) | Standing::Absent | Standing::Erased { .. } => return Err(NOT_FOUND),
        };
        if !self.contact_kept(&holding, contact, known, now).await? {
            return Err(NOT_FOUND);
        }
        if let Some(purpose) = wanted.purpose {
            access::purpose(&facts, purpose)?;
        }
        let rows = self.rows(answer, &holding, contact, known, &facts, wanted, window, now).await?;
        answer.more.clone_from(&holding.more);
        if rows.is_empty() && (holding.more.is_some() || window.after.is_some()) {
            // Everything on this page is withheld or due: there are others before or
            // behind it.
            return Ok(());
        }
        if rows.is_empty() {
            let withdrawn = !answer.withheld.is_empty();
            return Err(if withdrawn { Refusal::Withdrawn.into() } else { NOT_FOUND });
        }
        let key = self.enrol.verify(&known.key).map_err(|_| failed("key_row"))?;
        let unlocked = self.unlock(contact, &key, known).await?;
        for row in rows {
            self.record(answer, &unlocked, row, wanted).await?;
        }
        let first = window.after.is_none();
        for row in holding.form_consents.iter().filter(|_| first) {
            if wanted.purpose.is_none_or(|purpose| *purpose == row.purpose) {
                self.consent(answer, subject, row).await?;
            }
        }
        Ok(())
    }

    /// What the person said in a form, and the words that they were shown.
    async fn consent(&self, answer: &mut Person, subject: SubjectId, row: &FormConsentRow) -> Result<(), StoreError> {
        if !answer.notices.contains_key(&row.notice) {
            let form = self.names.forms.version(&self.vault, &row.form).await?;
            let words = form.zip(Language::parse(&row.language));
            let words = words.map(|(form, language)| notice::words(&form.definition, language)).unwrap_or_default();
            let as_shown = digest(&words) == row.notice;
            let shown = Notice { language: row.language.clone(), words, as_shown };
            answer.notices.insert(row.notice.clone(), shown);
        }
        answer.consents.push(FormConsent {
            submission: format!("{subject}-{}", row.submission),
            purpose: self.names.of_purpose(&self.vault, &row.purpose).await?,
            consent: row.consent.clone(),
            sensitive: row.sensitive.clone(),
            form: self.names.of_form(&self.vault, &row.form).await?,
            policy: self.names.of_policy(&self.vault, &row.policy).await?,
            notice: row.notice.clone(),
            shown_at: row.shown_at,
            sent_at: row.sent_at,
        });
        Ok(())
    }

    /// The rows that may be opened: of the purpose, not withdrawn, not due.
    #[expect(clippy::too_many_arguments, reason = "all that a decision about a row depends on")]
    async fn rows<'a>(
        &self,
        answer: &mut Person,
        holding: &'a Holding,
        contact: &'a ContactRow,
        known: &Known,
        facts: &AccessFacts<'_>,
        wanted: Wanted<'_>,
        window: Window<'_>,
        now: UnixMs,
    ) -> Result<Vec<&'a SealedRow>, StoreError> {
        // The contact row comes with the first page, and not with a submission.
        let first = window.after.is_none() && window.submission.is_none();
        let mut rows = Vec::new();
        for row in first.then_some(&contact.row).into_iter().chain(&holding.values) {
            if wanted.purpose.is_some_and(|purpose| *purpose != row.purpose) {
                continue;
            }
            if row.sk != key::ALONE && !self.value_kept(holding, row, known, now).await? {
                continue;
            }
            match access::purpose(facts, &row.purpose) {
                Ok(()) => rows.push(row),
                Err(refusal) => {
                    let name = self.names.of_purpose(&self.vault, &row.purpose).await?;
                    answer.withheld.insert(name, refusal.as_str());
                }
            }
        }
        Ok(rows)
    }

    /// Whether the person is still to be known. Due is gone, swept or not; a newer
    /// contact or a consent moves the time on, as the sweeper will find.
    async fn contact_kept(
        &self,
        holding: &Holding,
        contact: &ContactRow,
        known: &Known,
        now: UnixMs,
    ) -> Result<bool, StoreError> {
        let row = &contact.row;
        let given = known.consent == Consent::Given || holding.consents.get(&row.purpose) == Some(&Consent::Given);
        let custody = if row.awaiting_consent && !given { Custody::UntilConsent } else { Custody::ByPurpose };
        let terms = self.names.policies.terms(&self.vault, &row.policy, &row.purpose).await?;
        let due = terms.map_or(row.due_at, |terms| contact_due(custody, terms.retention, known.last_contact));
        let awaited = holding.blocked_until.is_none_or(|until| access::still_kept(until, now));
        Ok(access::still_kept(due, now) && awaited)
    }

    /// Whether a value is still to be seen. Its due time lies outside the origin tag, so
    /// that a sweep can move it: what it says is believed only within the terms under
    /// which the value came, whose every part lies under the tag.
    async fn value_kept(
        &self,
        holding: &Holding,
        row: &SealedRow,
        known: &Known,
        now: UnixMs,
    ) -> Result<bool, StoreError> {
        if row.kind == ValueKind::Request.as_str() {
            let due = row.event_at.plus(REQUEST_KEPT_MS);
            return Ok(access::still_kept(due, now) && access::still_kept(row.due_at, now));
        }
        let given = holding.consents.get(&row.purpose) == Some(&Consent::Given);
        let custody = if row.awaiting_consent && !given { Custody::UntilConsent } else { Custody::ByPurpose };
        let friendship = match holding.friendship {
            // A friend is one still.
            Some(Friendship::Friend(_)) => Friendship::Friend(now),
            Some(other) => other,
            None => Friendship::Unknown,
        };
        let last_contact = known.last_contact.start();
        let facts = Facts { collected: row.event_at, last_contact, given: row.given, friendship };
        let terms = self.names.policies.terms(&self.vault, &row.policy, &row.purpose).await?;
        let Some(due) = terms.and_then(|terms| due_on_arrival(custody, terms.retention, facts)) else {
            return Ok(access::still_kept(row.due_at, now));
        };
        // What a sweep would re-date may be past the time in the row.
        let moves = row.follows.is_some() || (row.awaiting_consent && given);
        Ok(access::still_kept(due, now) && (moves || access::still_kept(row.due_at, now)))
    }

    /// Unwraps the person's key, and finds out whose records these are.
    async fn unlock<'a>(&self, contact: &'a ContactRow, key: &SubjectKey, known: &Known) -> Result<Unlocked<'a>, Stop> {
        let wrapped = self.keys.get(key.subject(), key.version()).await?.ok_or(NOT_FOUND)?;
        if <[u8; 32]>::from(Sha256::digest(&wrapped)) != known.key.wrapped_sha256 {
            return Err(failed("wrapped_key"));
        }
        let secret = unwrap::unwrap(&self.kms, &self.wrap, key, &wrapped).await.map_err(|error| {
            tracing::error!(
                event = "key_not_unwrapped",
                subject = %key.subject(),
                %error,
                "a key could not be unwrapped"
            );
            failed("key")
        })?;
        let mut unlocked =
            Unlocked { contact, subject: key.subject(), secret, key_version: key.version(), owners: Vec::new() };
        let mut sealed_by = None;
        let owner = |owner: &OwnerCheck| {
            sealed_by = Some(owner.clone());
            true
        };
        let opened = unlocked.open(&contact.row, owner, |name| name == LINE_USER_ID).map_err(failed)?;
        let user = opened.0.first().and_then(|(_, plain)| std::str::from_utf8(plain.reveal()).ok());
        let user = user.and_then(|user| LineUserId::parse(user).ok()).ok_or_else(|| failed("malformed"))?;
        unlocked.owners = self.secrets.user_index.iter().map(|index| index.owner(&contact.channel, &user)).collect();
        match sealed_by.filter(|owner| unlocked.owners.contains(owner)) {
            Some(_) => Ok(unlocked),
            None => Err(failed("other_owner")),
        }
    }

    async fn record(
        &self,
        answer: &mut Person,
        unlocked: &Unlocked<'_>,
        row: &SealedRow,
        wanted: Wanted<'_>,
    ) -> Result<(), StoreError> {
        let is_answer = row.kind == ValueKind::Submission.as_str();
        let fields =
            unlocked.open(row, |owner| unlocked.owners.contains(owner), |name| wanted.fields.wants(name, is_answer));
        let fields = match fields {
            Ok(fields) if fields.0.is_empty() => return Ok(()),
            Ok(fields) => fields,
            Err(why) => {
                let trace = log::trace(&row.sk, &self.vault);
                tracing::error!(
                    event = "record_not_opened",
                    subject = %unlocked.subject,
                    trace,
                    why,
                    "a record does not open"
                );
                answer.bad.insert(row.sk.clone(), why);
                return Ok(());
            }
        };
        let shown = match &row.shown {
            Some(shown) => self.names.of_policy(&self.vault, shown).await?,
            None => "none".to_owned(),
        };
        answer.records.push(Record {
            id: row.sk.clone(),
            kind: if row.sk == key::ALONE { "contact".to_owned() } else { row.kind.clone() },
            purpose: self.names.of_purpose(&self.vault, &row.purpose).await?,
            policy: self.names.of_policy(&self.vault, &row.policy).await?,
            shown,
            form: match &row.form {
                Some(form) => Some(self.names.of_form(&self.vault, form).await?),
                None => None,
            },
            at: row.event_at,
            due_at: row.due_at,
            fields,
        });
        let trace = log::trace(&row.sk, &self.vault);
        tracing::info!(event = "record_opened", subject = %unlocked.subject, trace, "a record was opened");
        Ok(())
    }
}

impl Unlocked<'_> {
    fn open(
        &self,
        row: &SealedRow,
        owner: impl FnOnce(&OwnerCheck) -> bool,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Fields, &'static str> {
        if row.env.key_version() != self.key_version {
            return Err("key_version");
        }
        let place = RowPlace {
            channel: &self.contact.channel,
            subject: self.subject,
            row: &row.sk,
            purpose: &row.purpose,
            policy: &row.policy,
            form: row.form.as_ref(),
        };
        opening::open(&self.secret, &place, owner, &row.env, wanted).map(Fields).map_err(|error| match error {
            OpenError::Refused => "does_not_open",
            OpenError::Malformed => "malformed",
            OpenError::OtherOwner => "other_owner",
        })
    }
}
