//! The erasure list `E#<day>` in the audit table: it survives a restore of the
//! vault, so that what was erased can be erased again. Rows are only ever added, and carry
//! an origin tag: what somebody has planted there is not believed.

use aws_sdk_dynamodb::{Client, types::AttributeValue};

use crate::domain::{
    erasure::{Ground, Step},
    id::{DefinitionId, LineItemId, SubjectId},
    origin::OriginTag,
    restore::{Entry, Said, UnsentMessage, Withdrawal},
    time::{Day, UnixMs},
};
use crate::store::{
    Item, StoreError,
    error::outcome,
    key,
    order::{EraseOrder, WithdrawOrder},
    value::Unsent,
};

/// The audit table, as one function sees it.
#[derive(Debug, Clone)]
pub struct Audit {
    pub(super) client: Client,
    pub(super) table: String,
}

/// Proof that a step is on the erasure list. Whoever takes the step asks for one,
/// so it cannot be taken unlisted.
#[derive(Debug)]
pub struct Listed(());

/// The erasure list of a day.
#[derive(Debug, Default)]
pub struct Erasures {
    /// What it says.
    pub entries: Vec<Entry>,
    /// Rows that nobody vouches for, or that say nothing that is known.
    pub strangers: u64,
}

/// The step that stands for an order that was given up.
const REVOKED: &str = "revoked";

impl Audit {
    /// The table by its name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Lists a step of an erasure before it is taken. Listing it again changes
    /// nothing: the first time stays.
    ///
    /// # Errors
    /// The call failed: the step must not be taken.
    pub async fn list_step(
        &self,
        day: Day,
        order: &EraseOrder,
        step: Step,
        now: UnixMs,
        origin: &dyn OriginTag,
    ) -> Result<Listed, StoreError> {
        let (subject, ground) = (order.subject, order.ground.as_str());
        let place = format!("{subject}#{}#{:015}#{ground}", step.as_str(), order.as_of.get());
        self.append(said(day, place, order, step.as_str(), now).vouched(origin)).await
    }

    /// Lists that an erasure was given up because the person was in contact again.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list_revoked(
        &self,
        day: Day,
        order: &EraseOrder,
        now: UnixMs,
        origin: &dyn OriginTag,
    ) -> Result<Listed, StoreError> {
        let place = format!("{}#{REVOKED}#{:015}", order.subject, now.get());
        self.append(said(day, place, order, REVOKED, now).vouched(origin)).await
    }

    /// Lists the row key of an unsent message.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list_unsent(
        &self,
        unsent: &Unsent,
        now: UnixMs,
        origin: &dyn OriginTag,
    ) -> Result<Listed, StoreError> {
        let (subject, row) = (unsent.subject, key::record(&unsent.message));
        let day = unsent.event_at.tokyo_day();
        let item = Item::new(key::erasures(day), format!("{subject}#{row}"), "unsent")
            .text("subject", subject.to_string())
            .text("row", row)
            .time("event_at", unsent.event_at)
            .time("at", now);
        self.append(item.vouched(origin)).await
    }

    /// Lists that a consent was taken back, before anything is erased for it.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list_withdrawn(
        &self,
        order: &WithdrawOrder,
        now: UnixMs,
        origin: &dyn OriginTag,
    ) -> Result<Listed, StoreError> {
        let WithdrawOrder { subject, purpose, as_of, .. } = order;
        let place = format!("{subject}#C#{purpose}#{:015}", as_of.get());
        let item = Item::new(key::erasures(as_of.tokyo_day()), place, "withdrawal")
            .text("subject", subject.to_string())
            .text("purpose", purpose.as_str())
            .time("as_of", *as_of)
            .time("at", now);
        self.append(item.vouched(origin)).await
    }

    /// Reads the erasure list of a day: a call for each megabyte.
    ///
    /// # Errors
    /// A call failed.
    pub async fn erasures(&self, day: Day, origin: &dyn OriginTag) -> Result<Erasures, StoreError> {
        let mut list = Erasures::default();
        let mut from = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(key::erasures(day)))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| StoreError::call("Query", error))?;
            for map in answer.items.unwrap_or_default() {
                match Item::verified(map, origin).ok().and_then(|item| entry(&item)) {
                    Some(entry) => list.entries.push(entry),
                    None => list.strangers += 1,
                }
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(list);
            }
        }
    }

    pub(super) async fn append(&self, item: Item) -> Result<Listed, StoreError> {
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.into_map()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        outcome(result.map(drop).map_err(|error| StoreError::call("PutItem", error)))?;
        Ok(Listed(()))
    }
}

fn said(day: Day, place: String, order: &EraseOrder, word: &str, now: UnixMs) -> Item {
    Item::new(key::erasures(day), place, "erasure")
        .text("subject", order.subject.to_string())
        .text("step", word)
        .text("ground", order.ground.as_str())
        .time("as_of", order.as_of)
        .time("at", now)
}

fn entry(item: &Item) -> Option<Entry> {
    let subject = SubjectId::parse(item.find_text("subject")?).ok()?;
    match item.find_text("kind")? {
        "unsent" => {
            let id = item.find_text("row")?.strip_prefix("R#")?;
            let (message, event_at) = (LineItemId::parse(id).ok()?, item.find_time("event_at")?);
            Some(Entry::Unsent(UnsentMessage { subject, message, event_at }))
        }
        "withdrawal" => {
            let purpose = DefinitionId::new(item.find_text("purpose")?);
            Some(Entry::Withdrawn(Withdrawal { subject, purpose, as_of: item.find_time("as_of")? }))
        }
        "erasure" => {
            let ground = Ground::parse(item.find_text("ground")?)?;
            let said = Said { subject, ground, as_of: item.find_time("as_of")?, at: item.find_time("at")? };
            let word = item.find_text("step")?;
            if word == REVOKED {
                return Some(Entry::Revoked(said));
            }
            let steps = [Step::Restrict, Step::Unmap, Step::DestroyKey, Step::EraseRows];
            steps.iter().any(|step| step.as_str() == word).then_some(Entry::Step(said))
        }
        _ => None,
    }
}
