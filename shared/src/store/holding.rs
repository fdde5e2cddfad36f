//! Everything that is held of a person, as it is stored: read by the opener alone.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::{
    consent::Consent,
    id::{ChannelName, DefinitionId, SubjectId, VersionId},
    retention::{Follows, Friendship},
    time::UnixMs,
};
use crate::seal::envelope::Envelope;
use crate::store::{
    Item, StoreError, Vault,
    key::{self, ALONE, HOLD, LINE_STATE, ORDER},
    request::StoredRequest,
    state,
};

/// A sealed row whose origin tag fits.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// The sort key.
    pub sk: String,
    /// What it holds.
    pub kind: String,
    /// Why it is kept.
    pub purpose: DefinitionId,
    /// The policy version in force when it came.
    pub policy: VersionId,
    /// The policy version the person was shown.
    pub shown: Option<VersionId>,
    /// The form version it was given in, if any.
    pub form: Option<VersionId>,
    /// When it happened.
    pub event_at: UnixMs,
    /// When it is to be erased.
    pub due_at: UnixMs,
    /// Whether it is held only until consent.
    pub awaiting_consent: bool,
    /// What moves its due time on.
    pub follows: Option<Follows>,
    /// The day that the person gave, from which its due time is counted.
    pub given: Option<UnixMs>,
    /// The content.
    pub env: Envelope,
}

/// The row of the person themselves.
#[derive(Debug, Clone)]
pub struct ContactRow {
    /// The channel they are known in.
    pub channel: ChannelName,
    /// The partition of their mapping.
    pub mapping: String,
    /// Their LINE user id, sealed.
    pub row: SealedRow,
}

/// A row that cannot be used, and why: `origin_tag` if it was planted or edited,
/// `malformed` if it is vouched for and yet not well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The sort key.
    pub sk: String,
    /// Why.
    pub why: &'static str,
}

/// What somebody said about a purpose in a form, and what they were shown.
#[derive(Debug, Clone)]
pub struct FormConsentRow {
    /// The submission.
    pub submission: String,
    /// The purpose.
    pub purpose: DefinitionId,
    /// `given` or `refused`.
    pub consent: String,
    /// The same for sensitive answers, if any are asked for.
    pub sensitive: Option<String>,
    /// The form version.
    pub form: VersionId,
    /// The policy version.
    pub policy: VersionId,
    /// SHA-256 of the words that were shown, in hexadecimal.
    pub notice: String,
    /// Their language.
    pub language: String,
    /// When they were shown.
    pub shown_at: UnixMs,
    /// When the form was sent.
    pub sent_at: UnixMs,
}

/// What is held of a person.
#[derive(Debug, Default)]
pub struct Holding {
    /// The person; `None` if they are gone, or their row cannot be used.
    pub contact: Option<ContactRow>,
    /// The values, in the order of their sort keys.
    pub values: Vec<SealedRow>,
    /// The newest that they said about each purpose. A row that is not vouched for
    /// counts as a withdrawal.
    pub consents: BTreeMap<DefinitionId, Consent>,
    /// What they said about each purpose in forms.
    pub form_consents: Vec<FormConsentRow>,
    /// Whether a hold lies on them, vouched for or not.
    pub held: bool,
    /// Whether a vouched order to erase them waits.
    pub erase_ordered: bool,
    /// What they have asked for, vouched for or not.
    pub requests: Vec<StoredRequest>,
    /// Rows that cannot be used.
    pub bad: Vec<BadRow>,
    /// When everything is due, if the person has blocked the account.
    pub blocked_until: Option<UnixMs>,
    /// Whether they are a friend of the account, if it is known.
    pub friendship: Option<Friendship>,
    /// Set if not all values are here: the sort key behind which to go on.
    pub more: Option<String>,
}

impl Holding {
    /// Whether they have asked to stop the use, and that is not over. A request that somebody
    /// has tampered with stops it all the same.
    pub fn stopped(&self) -> bool {
        self.requests.iter().any(StoredRequest::restricts)
    }
}

/// Which values are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// Only behind this sort key.
    pub after: Option<&'a str>,
    /// Only of this submission.
    pub submission: Option<&'a str>,
    /// Only for this purpose.
    pub purpose: Option<&'a DefinitionId>,
    /// At most so many bytes of sealed values, one value at least.
    pub bytes: usize,
}

impl Vault {
    /// Reads what is held of a person, consistently: one call for each 1 MB.
    ///
    /// # Errors
    /// A call failed. Rows that cannot be used are reported, not fatal.
    pub async fn holding(&self, subject: SubjectId, window: Window<'_>) -> Result<Holding, StoreError> {
        let mut reading = Reading {
            holding: Holding::default(),
            unlinked: Vec::new(),
            withdrawn: Vec::new(),
            left: window.bytes,
            last: None,
            window,
        };
        let mut from = None;
        loop {
            let answer = self
                .client()
                .query()
                .table_name(self.table())
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(key::subject(subject)))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .set_return_consumed_capacity(self.metering())
                .send()
                .await
                .map_err(|error| StoreError::call("Query", error))?;
            self.spent(answer.consumed_capacity());
            for map in answer.items.unwrap_or_default() {
                reading.row(self, map);
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(reading.finish());
            }
        }
    }
}

struct Reading<'a> {
    holding: Holding,
    /// Links that are undone, and until when what belongs to them is meant.
    unlinked: Vec<(String, UnixMs)>,
    /// Purposes whose consent was taken back, and until when what was kept for them is meant.
    withdrawn: Vec<(DefinitionId, UnixMs)>,
    left: usize,
    last: Option<String>,
    window: Window<'a>,
}

impl Reading<'_> {
    /// What is left: of a link that is undone, and of what was kept for a purpose whose
    /// consent was taken back, nothing, though it may not be erased yet.
    fn finish(self) -> Holding {
        let Self { mut holding, unlinked, withdrawn, .. } = self;
        holding.values.retain(|row| !unlinked.iter().any(|(sk, as_of)| row.sk == *sk && row.event_at <= *as_of));
        let gone = |row: &SealedRow| withdrawn.iter().any(|(of, as_of)| row.purpose == *of && row.event_at <= *as_of);
        holding.values.retain(|row| !gone(row));
        holding
    }

    fn row(&mut self, vault: &Vault, map: HashMap<String, AttributeValue>) {
        let sk = map.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
        // A hold stops everything even if somebody has tampered with it.
        self.holding.held |= sk == HOLD;
        let item = match Item::verified(map, vault.origin()) {
            Ok(item) => item,
            Err(_) => {
                if let Some(purpose) = sk.strip_prefix("C#").and_then(|rest| rest.split('#').next()) {
                    self.holding.consents.insert(DefinitionId::new(purpose), Consent::Refused);
                }
                self.unproven(&sk);
                return self.bad(sk, "origin_tag");
            }
        };
        if self.vouched(&sk, &item).is_err() {
            self.unproven(&sk);
            self.bad(sk, "malformed");
        }
    }

    /// Keeps that there is a request which says nothing that can be believed.
    fn unproven(&mut self, sk: &str) {
        let request = key::requested(sk).map(|(kind, id)| StoredRequest::unproven(kind, id));
        self.holding.requests.extend(request);
    }

    fn bad(&mut self, sk: String, why: &'static str) {
        self.holding.bad.push(BadRow { sk, why });
    }

    fn vouched(&mut self, sk: &str, item: &Item) -> Result<(), StoreError> {
        if sk == ALONE {
            let malformed = StoreError::Row { attribute: "channel" };
            let channel = ChannelName::parse(item.get_text("channel")?).map_err(|_| malformed)?;
            let mapping = item.get_text("mapping")?.to_owned();
            self.holding.contact = Some(ContactRow { channel, mapping, row: sealed(sk, item)? });
        } else if sk == LINE_STATE {
            self.holding.blocked_until = state::blocked_until(item);
            self.holding.friendship = Some(state::friendship(item)?);
        } else if let Some((kind, id)) = key::requested(sk) {
            let request = StoredRequest::read(kind, id, item)?;
            if item.has("env") {
                self.value(sealed(sk, item)?);
            }
            self.holding.requests.push(request);
        } else if sk.starts_with(ORDER) {
            match item.get_text("what")? {
                "erase" => self.holding.erase_ordered = true,
                "withdraw" => {
                    let purpose = DefinitionId::new(item.get_text("purpose")?);
                    self.withdrawn.push((purpose, item.get_time("event_at")?));
                }
                "unlink" => {
                    let (channel, member) = (item.get_text("channel")?, item.get_text("member")?);
                    self.unlinked.push((format!("{}{channel}#{member}", key::LINK), item.get_time("event_at")?));
                }
                _ => return Err(StoreError::Row { attribute: "what" }),
            }
        } else if sk.starts_with("C#") {
            if item.find_text("how") == Some("form") {
                self.shown(item)?;
            }
            if sk.contains('~') {
                return Ok(());
            }
            // Sort keys end in the time: a later row of the same purpose is newer. One
            // that could not be read stays a refusal.
            let purpose = DefinitionId::new(item.get_text("purpose")?);
            let given = item.find_text("consent") == Some("given");
            let said = if given { Consent::Given } else { Consent::Refused };
            let tampered = self.holding.bad.iter().any(|bad| bad.sk.starts_with(&key::consents(&purpose)));
            self.holding.consents.insert(purpose, if tampered { Consent::Refused } else { said });
        } else if item.has("env") {
            self.value(sealed(sk, item)?);
        }
        Ok(())
    }

    /// Keeps what a form's consent row says was shown.
    fn shown(&mut self, item: &Item) -> Result<(), StoreError> {
        let version = |name: &'static str| {
            VersionId::parse(item.get_text(name)?).map_err(|_| StoreError::Row { attribute: name })
        };
        let submission = item.get_text("submission")?;
        if self.window.submission.is_some_and(|wanted| wanted != submission) {
            return Ok(());
        }
        self.holding.form_consents.push(FormConsentRow {
            submission: submission.to_owned(),
            purpose: DefinitionId::new(item.get_text("purpose")?),
            consent: item.get_text("consent")?.to_owned(),
            sensitive: item.find_text("sensitive").map(str::to_owned),
            form: version("form")?,
            policy: version("policy")?,
            notice: item.get_text("notice")?.to_owned(),
            language: item.get_text("language")?.to_owned(),
            shown_at: item.get_time("shown_at")?,
            sent_at: item.get_time("event_at")?,
        });
        Ok(())
    }

    fn value(&mut self, row: SealedRow) {
        let of_another =
            |id: &str| row.sk.strip_prefix(key::SUBMISSION).is_none_or(|sk| sk.split('#').next() != Some(id));
        let for_another = self.window.purpose.is_some_and(|purpose| *purpose != row.purpose);
        if for_another
            || self.window.after.is_some_and(|after| row.sk.as_str() <= after)
            || self.window.submission.is_some_and(of_another)
        {
            return;
        }
        let size = row.env.fields().iter().map(Vec::len).sum::<usize>();
        if self.holding.more.is_some() || (size > self.left && !self.holding.values.is_empty()) {
            self.holding.more = self.last.clone();
            return;
        }
        self.left = self.left.saturating_sub(size);
        self.last = Some(row.sk.clone());
        self.holding.values.push(row);
    }
}

fn sealed(sk: &str, item: &Item) -> Result<SealedRow, StoreError> {
    let version =
        |name: &'static str, text: &str| VersionId::parse(text).map_err(|_| StoreError::Row { attribute: name });
    let shown = item.find_text("shown").filter(|shown| *shown != "none");
    Ok(SealedRow {
        sk: sk.to_owned(),
        kind: item.get_text("kind")?.to_owned(),
        purpose: DefinitionId::new(item.get_text("purpose")?),
        policy: version("policy", item.get_text("policy")?)?,
        shown: shown.map(|shown| version("shown", shown)).transpose()?,
        form: item.find_text("form").map(|form| version("form", form)).transpose()?,
        event_at: item.get_time("event_at")?,
        due_at: item.get_time("due_at")?,
        awaiting_consent: item.find_text("awaiting").is_some(),
        follows: item.find_text("follows").and_then(Follows::parse),
        given: item.find_time("given"),
        env: Envelope::parse(item.get_bytes("env")?).map_err(|_| StoreError::Row { attribute: "env" })?,
    })
}
