//! What a sweep does with the `due` index and with the rows it finds there.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::{
    id::{DefinitionId, LineItemId, SubjectId, VersionId},
    retention::Follows,
    sweep::{self, Slot},
    time::{Hour, UnixMs},
};
use crate::store::{
    Item, Outcome, StoreError, Vault,
    error::outcome,
    key::{self, ALONE},
    tables::Index,
    value::Unsent,
    vault::Condition,
};

/// A row that the index calls due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRow {
    /// The person.
    pub subject: SubjectId,
    /// The sort key.
    pub sk: String,
    /// When it is due.
    pub due_at: UnixMs,
}

/// A row of a person who is being erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRow {
    /// The sort key.
    pub sk: String,
    /// What it says that it holds.
    pub kind: String,
    /// What it says that it is kept for.
    pub purpose: Option<DefinitionId>,
    /// When it happened.
    pub event_at: Option<UnixMs>,
}

/// A page of due rows.
#[derive(Debug, Default)]
pub struct DuePage {
    /// The rows, oldest first.
    pub rows: Vec<DueRow>,
    /// Index entries whose partition is not a person's: nothing of ours writes
    /// such a row.
    pub strangers: usize,
    next: Option<HashMap<String, AttributeValue>>,
}

impl DuePage {
    /// Whether there is more in the slot.
    pub fn has_more(&self) -> bool {
        self.next.is_some()
    }
}

/// A value that was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// What it was kept for, as the row said.
    pub purpose: Option<DefinitionId>,
}

impl Gone {
    fn of(item: &Item) -> Self {
        Self { purpose: item.find_text("purpose").map(DefinitionId::new) }
    }
}

/// What a value is counted under when it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The form, by its opaque id; of what came otherwise its kind.
    pub form: String,
    /// The purpose.
    pub purpose: DefinitionId,
    /// The month in Japan in which it came, as `2026-11`.
    pub month: String,
}

impl Counted {
    fn of(item: &Item, purpose: &DefinitionId, event_at: UnixMs) -> Result<Self, StoreError> {
        let malformed = |_| StoreError::Row { attribute: "form" };
        let form = match item.find_text("form").map(VersionId::parse).transpose().map_err(malformed)? {
            Some(form) => form.id.as_str().to_owned(),
            None => item.get_text("kind")?.to_owned(),
        };
        Ok(Self { form, purpose: purpose.clone(), month: event_at.tokyo_month() })
    }

    fn partition(&self) -> String {
        key::anonymous(&self.form, &self.purpose, &self.month)
    }
}

/// Why a due value was not simply deleted.
#[derive(Debug, Clone)]
pub enum Special {
    /// It is gone, or due at another time now.
    Changed,
    /// A value that is held until consent, whose due time moves on with the person, or
    /// that is counted.
    Conditional {
        /// Whether it is held until consent.
        awaiting_consent: bool,
        /// What moves its due time on.
        follows: Option<Follows>,
        /// The day that the person gave, from which it is counted.
        given: Option<UnixMs>,
        /// What it is counted under when it goes, if it is.
        counted: Option<Counted>,
        /// Its purpose.
        purpose: DefinitionId,
        /// The policy version in force when it came.
        policy: VersionId,
        /// When it happened.
        event_at: UnixMs,
    },
    /// The tombstone of an unsent message that is not on the erasure list yet.
    Unlisted(Box<Unsent>),
    /// A row without a valid tag. Due means gone all the same.
    NotVouched,
}

impl Vault {
    /// A page of what is due in a slot: one call. It finds at most 100 rows.
    ///
    /// # Errors
    /// The call failed.
    pub async fn due_page(&self, slot: Slot, now: UnixMs, after: Option<DuePage>) -> Result<DuePage, StoreError> {
        let answer = self
            .client()
            .query()
            .table_name(self.table())
            .index_name(Index::Due.as_str())
            .key_condition_expression("due_slot = :slot AND due_at <= :now")
            .expression_attribute_values(":slot", AttributeValue::S(slot.to_string()))
            .expression_attribute_values(":now", AttributeValue::N(now.get().to_string()))
            .limit(100)
            .set_exclusive_start_key(after.and_then(|page| page.next))
            .set_return_consumed_capacity(self.metering())
            .send()
            .await
            .map_err(|error| StoreError::call("Query", error))?;
        self.spent(answer.consumed_capacity());
        let mut page = DuePage { next: answer.last_evaluated_key, ..DuePage::default() };
        for map in answer.items.unwrap_or_default() {
            match due_row(&Item::read(map)) {
                Some(row) => page.rows.push(row),
                None => page.strangers += 1,
            }
        }
        Ok(page)
    }

    /// Deletes a due value that nothing speaks for, and says for which purpose it was kept:
    /// one call. `None` means that it needs a closer look: [`Vault::special`].
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete_due(&self, row: &DueRow) -> Result<Option<Gone>, StoreError> {
        let condition = Condition::that(
            "due_at = :due_at AND attribute_not_exists(awaiting) AND attribute_not_exists(follows) AND attribute_not_exists(anonymise) AND (kind <> :tombstone OR attribute_exists(listed_at))",
        )
        .with_number(":due_at", row.due_at.get())
        .with_text(":tombstone", "tombstone");
        match self.delete_and_tell(&key::subject(row.subject), &row.sk, condition).await {
            Ok(item) => Ok(Some(Gone::of(&item))),
            Err(StoreError::Condition { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Counts a due value by form, purpose and month, and deletes it: both or neither.
    /// [`Outcome::Already`] if it is gone, or due at another time.
    ///
    /// # Errors
    /// The call failed.
    pub async fn count_and_delete(&self, row: &DueRow, counted: &Counted) -> Result<Outcome, StoreError> {
        let still_due = Condition::that("due_at = :due_at").with_number(":due_at", row.due_at.get());
        let shard = key::anonymous_shard(row.subject);
        let parts = vec![
            self.part_delete(&key::subject(row.subject), &row.sk, still_due),
            self.part_count(&counted.partition(), &shard, "anonymous"),
        ];
        self.transact_counting(parts).await
    }

    /// How many values of a form, or of a kind, were counted for a purpose and a month when
    /// they were due.
    ///
    /// # Errors
    /// The call failed.
    pub async fn anonymous(&self, counted: &Counted) -> Result<u64, StoreError> {
        let rows = self.partition(&counted.partition()).await?;
        rows.into_iter().try_fold(0, |sum, map| {
            let n = Item::read(map).get_number("n")?;
            Ok(sum + u64::try_from(n).map_err(|_| StoreError::Row { attribute: "n" })?)
        })
    }

    /// Deletes a due value whatever it is, as long as it is due at the same time.
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete_due_at(&self, row: &DueRow) -> Result<Outcome, StoreError> {
        let condition = Condition::that("due_at = :due_at").with_number(":due_at", row.due_at.get());
        outcome(self.delete(&key::subject(row.subject), &row.sk, condition).await)
    }

    /// Looks closer at a due value: one call.
    ///
    /// # Errors
    /// The call failed, or the row is vouched for and not well formed.
    pub async fn special(&self, row: &DueRow) -> Result<Special, StoreError> {
        let item = match self.get_vouched(&key::subject(row.subject), &row.sk).await {
            Ok(Some(item)) => item,
            Ok(None) => return Ok(Special::Changed),
            Err(StoreError::NotVouched) => return Ok(Special::NotVouched),
            Err(error) => return Err(error),
        };
        if item.find_time("due_at") != Some(row.due_at) {
            return Ok(Special::Changed);
        }
        let purpose = DefinitionId::new(item.get_text("purpose")?);
        let policy = VersionId::parse(item.get_text("policy")?).map_err(|_| StoreError::Row { attribute: "policy" })?;
        let event_at = item.get_time("event_at")?;
        if item.get_text("kind")? == "tombstone" {
            let message = row.sk.strip_prefix("R#").and_then(|id| LineItemId::parse(id).ok());
            return Ok(Special::Unlisted(Box::new(Unsent {
                subject: row.subject,
                message: message.ok_or(StoreError::Row { attribute: "sk" })?,
                purpose,
                policy,
                shown: item.find_text("shown").filter(|shown| *shown != "none").map(str::to_owned),
                event_at,
            })));
        }
        Ok(Special::Conditional {
            awaiting_consent: item.find_text("awaiting").is_some(),
            follows: item.find_text("follows").and_then(Follows::parse),
            given: item.find_time("given"),
            counted: item.has("anonymise").then(|| Counted::of(&item, &purpose, event_at)).transpose()?,
            purpose,
            policy,
            event_at,
        })
    }

    /// Moves a due time: one call. [`Outcome::Already`] if it has changed meanwhile.
    ///
    /// # Errors
    /// The call failed.
    pub async fn redate(&self, row: &DueRow, due_at: UnixMs, now: UnixMs) -> Result<Outcome, StoreError> {
        let answer = self
            .client()
            .update_item()
            .table_name(self.table())
            .key("pk", AttributeValue::S(key::subject(row.subject)))
            .key("sk", AttributeValue::S(row.sk.clone()))
            .update_expression("SET due_at = :new, due_slot = :slot")
            .condition_expression("due_at = :old")
            .expression_attribute_values(":new", AttributeValue::N(due_at.get().to_string()))
            .expression_attribute_values(":old", AttributeValue::N(row.due_at.get().to_string()))
            .expression_attribute_values(":slot", AttributeValue::S(Slot::of(row.subject, due_at, now).to_string()))
            .set_return_consumed_capacity(self.metering())
            .send()
            .await
            .map_err(|error| StoreError::call("UpdateItem", error));
        outcome(answer.map(|answer| self.spent(answer.consumed_capacity())))
    }

    /// Takes a row that cannot be acted on out of its slot, for somebody to look at: it
    /// keeps everything else, and stays in the index under a slot of its own, where every
    /// run counts it.
    ///
    /// # Errors
    /// The call failed.
    pub async fn set_aside(&self, row: &DueRow) -> Result<Outcome, StoreError> {
        let answer = self
            .client()
            .update_item()
            .table_name(self.table())
            .key("pk", AttributeValue::S(key::subject(row.subject)))
            .key("sk", AttributeValue::S(row.sk.clone()))
            .update_expression("SET due_slot = :aside")
            .condition_expression("due_at = :old")
            .expression_attribute_values(":aside", AttributeValue::S(sweep::aside(row.subject)))
            .expression_attribute_values(":old", AttributeValue::N(row.due_at.get().to_string()))
            .set_return_consumed_capacity(self.metering())
            .send()
            .await
            .map_err(|error| StoreError::call("UpdateItem", error));
        outcome(answer.map(|answer| self.spent(answer.consumed_capacity())))
    }

    /// How many rows are set aside, and when the oldest of them was due: one call a shard.
    /// Counts at most 100 of each.
    ///
    /// # Errors
    /// A call failed.
    pub async fn set_aside_rows(&self) -> Result<(u64, Option<UnixMs>), StoreError> {
        let (mut rows, mut oldest) = (0, None);
        for slot in sweep::asides() {
            let answer = self
                .client()
                .query()
                .table_name(self.table())
                .index_name(Index::Due.as_str())
                .key_condition_expression("due_slot = :slot")
                .expression_attribute_values(":slot", AttributeValue::S(slot))
                .limit(100)
                .set_return_consumed_capacity(self.metering())
                .send()
                .await
                .map_err(|error| StoreError::call("Query", error))?;
            self.spent(answer.consumed_capacity());
            let items = answer.items.unwrap_or_default();
            rows += u64::try_from(items.len()).unwrap_or_default();
            let first = items.into_iter().next().and_then(|map| Item::read(map).find_time("due_at"));
            oldest = [oldest, first].into_iter().flatten().min();
        }
        Ok((rows, oldest))
    }

    /// For which purpose a due row is kept, as it says itself: one call, and no more than
    /// that is read.
    ///
    /// # Errors
    /// The call failed.
    pub async fn purpose_of(&self, row: &DueRow) -> Result<Option<DefinitionId>, StoreError> {
        let item = self.get(&key::subject(row.subject), &row.sk).await?.map(Item::read);
        Ok(item.and_then(|item| item.find_text("purpose").map(DefinitionId::new)))
    }

    /// Keys and kinds of a person's rows, a page of at most 500 at a time, beginning
    /// behind `after`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn rows_of(&self, subject: SubjectId, after: Option<&str>) -> Result<Vec<OwnRow>, StoreError> {
        let pk = AttributeValue::S(key::subject(subject));
        let mut request = self
            .client()
            .query()
            .table_name(self.table())
            .key_condition_expression(if after.is_some() { "pk = :pk AND sk > :after" } else { "pk = :pk" })
            .expression_attribute_values(":pk", pk)
            .projection_expression("sk, kind, purpose, event_at")
            .consistent_read(true)
            .limit(500)
            .set_return_consumed_capacity(self.metering());
        if let Some(after) = after {
            request = request.expression_attribute_values(":after", AttributeValue::S(after.to_owned()));
        }
        let answer = request.send().await.map_err(|error| StoreError::call("Query", error))?;
        self.spent(answer.consumed_capacity());
        let items = answer.items.unwrap_or_default();
        let row = |map| {
            let item = Item::read(map);
            let kind = item.find_text("kind").unwrap_or("unknown").to_owned();
            let purpose = item.find_text("purpose").map(DefinitionId::new);
            Ok(OwnRow { sk: item.get_text("sk")?.to_owned(), kind, purpose, event_at: item.find_time("event_at") })
        };
        items.into_iter().map(row).collect()
    }

    /// Deletes one row of a person if what it holds is not newer. [`Outcome::Already`] if it
    /// is, or is gone.
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete_row_until(&self, subject: SubjectId, sk: &str, as_of: UnixMs) -> Result<Outcome, StoreError> {
        let condition = Condition::that("event_at <= :as_of").with_number(":as_of", as_of.get());
        outcome(self.delete(&key::subject(subject), sk, condition).await)
    }

    /// Deletes one row of a person.
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete_row(&self, subject: SubjectId, sk: &str) -> Result<(), StoreError> {
        self.delete(&key::subject(subject), sk, Condition::none()).await
    }

    /// Deletes the look-up that a back reference of a person names.
    ///
    /// # Errors
    /// The call failed, or the sort key is not that of a back reference.
    pub async fn delete_lookup(&self, subject: SubjectId, back_reference: &str) -> Result<(), StoreError> {
        let (pk, submission) = back_reference.rsplit_once('#').ok_or(StoreError::Row { attribute: "sk" })?;
        self.delete(pk, &key::found(subject, submission), Condition::none()).await
    }

    /// The oldest hour that is not closed. `None` before the first publication.
    ///
    /// # Errors
    /// The call failed, or the row is not well formed.
    pub async fn cursor(&self) -> Result<Option<Hour>, StoreError> {
        let item = self.get(key::SWEEP, ALONE).await?.map(Item::read);
        item.map(|item| item.get_number("hour").map(Hour::new)).transpose()
    }

    /// Sets the cursor.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_cursor(&self, hour: Hour) -> Result<(), StoreError> {
        self.put(cursor_item(hour), Condition::none()).await
    }

    /// Sets the cursor if there is none: done at publication, because nothing can
    /// be stored, and so nothing be due, before the first one.
    ///
    /// # Errors
    /// The call failed.
    pub async fn begin_cursor(&self, hour: Hour) -> Result<Outcome, StoreError> {
        outcome(self.put(cursor_item(hour), Condition::that("attribute_not_exists(pk)")).await)
    }
}

fn cursor_item(hour: Hour) -> Item {
    Item::new(key::SWEEP, ALONE, "cursor").number("hour", hour.count())
}

fn due_row(item: &Item) -> Option<DueRow> {
    let subject = key::subject_of(item.find_text("pk")?)?;
    Some(DueRow { subject, sk: item.find_text("sk")?.to_owned(), due_at: item.find_time("due_at")? })
}
