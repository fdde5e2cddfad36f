//! What a check after a restore from backup reads and writes: marks `W#restore` in the vault
//! and `E#mark` in the audit table (`domain::restore`), messages that are back, the pool.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::{
    id::{DefinitionId, VersionId},
    origin::OriginTag,
    restore::{Mark, UnsentMessage},
    time::UnixMs,
};
use crate::store::{
    Item, Outcome, StoreError, Vault,
    audit::Audit,
    error::outcome,
    key::{self, ALONE, MARKS, POOL_SHARDS, RESTORE},
    value::Unsent,
    vault::Condition,
};

/// Marks that the audit table has and the vault has not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Missed {
    /// The oldest.
    pub first: Option<Mark>,
    /// The newest.
    pub last: Option<Mark>,
    /// Rows that nobody vouches for.
    pub strangers: u64,
}

/// An unsent message that is in the vault.
#[derive(Debug)]
pub enum Returned {
    /// What its tombstone says.
    Message(Box<Unsent>),
    /// A row that nobody vouches for, or that is not well formed.
    Spoilt,
}

impl Vault {
    /// The last mark that this vault has seen: one call. One that nobody vouches for is none.
    ///
    /// # Errors
    /// The call failed, or the row is not well formed.
    pub async fn mark(&self) -> Result<Option<Mark>, StoreError> {
        match self.get_vouched(RESTORE, ALONE).await {
            Ok(item) => item.map(|item| read_mark(&item)).transpose(),
            Err(StoreError::NotVouched) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the next mark: two calls. If another run is at it at this very moment, its mark
    /// is as good.
    ///
    /// # Errors
    /// A call failed; or the mark that is there is not vouched for.
    pub async fn next_mark(&self, now: UnixMs) -> Result<Mark, StoreError> {
        let seen = self.mark().await?.map_or(0, |mark| mark.number);
        let mark = Mark { number: seen + 1, at: now };
        let newer = Condition::that("attribute_not_exists(pk) OR mark < :mark").with_number(":mark", stored(&mark));
        let item = mark_item(RESTORE, ALONE, &mark).vouched(self.origin());
        match outcome(self.put(item, newer).await)? {
            Outcome::Written => Ok(mark),
            Outcome::Already => self.mark().await?.filter(|there| there.number > seen).ok_or(StoreError::NotVouched),
        }
    }

    /// Sets the mark, whatever is there: the vault has seen everything by now.
    ///
    /// # Errors
    /// The call failed.
    pub async fn set_mark(&self, mark: &Mark) -> Result<(), StoreError> {
        self.put(mark_item(RESTORE, ALONE, mark).vouched(self.origin()), Condition::none()).await
    }

    /// An unsent message that is in the vault all the same: one call. `None` if it is gone,
    /// or its tombstone is there.
    ///
    /// # Errors
    /// The call failed.
    pub async fn returned(&self, unsent: &UnsentMessage) -> Result<Option<Returned>, StoreError> {
        let row = self.get(&key::subject(unsent.subject), &key::record(&unsent.message)).await?;
        let Some(map) = row.filter(|map| !is_tombstone(map)) else { return Ok(None) };
        let item = Item::verified(map, self.origin()).ok();
        Ok(Some(item.and_then(|item| tombstone(&item, unsent)).unwrap_or(Returned::Spoilt)))
    }

    /// Empties the pool of key pairs, and says how many there were. A backup of the vault has
    /// pairs that were claimed since, of persons who were perhaps erased since; after one of
    /// the keys some have no private half.
    ///
    /// # Errors
    /// A call failed, or a row is not well formed.
    pub async fn empty_pool(&self) -> Result<u64, StoreError> {
        let mut gone = 0;
        for shard in 0..POOL_SHARDS {
            let pk = key::pool(shard);
            for map in self.partition(&pk).await? {
                let pair = Item::read(map);
                self.delete(&pk, pair.get_text("sk")?, Condition::none()).await?;
                gone += 1;
            }
        }
        Ok(gone)
    }
}

impl Audit {
    /// Stores a mark that the vault has; once.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_mark(&self, mark: &Mark, origin: &dyn OriginTag) -> Result<(), StoreError> {
        let item = mark_item(MARKS, key::sequence(mark.number), mark).vouched(origin);
        self.append(item).await.map(drop)
    }

    /// The marks behind the one that the vault has: one call if there is none, otherwise one
    /// for each megabyte.
    ///
    /// # Errors
    /// A call failed.
    pub async fn marks_after(&self, seen: u64, origin: &dyn OriginTag) -> Result<Missed, StoreError> {
        let mut missed = Missed::default();
        let mut from = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND sk > :seen")
                .expression_attribute_values(":pk", AttributeValue::S(MARKS.to_owned()))
                .expression_attribute_values(":seen", AttributeValue::S(key::sequence(seen)))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| StoreError::call("Query", error))?;
            for map in answer.items.unwrap_or_default() {
                match Item::verified(map, origin).and_then(|item| read_mark(&item)) {
                    Ok(mark) => {
                        missed.first = missed.first.or(Some(mark));
                        missed.last = Some(mark);
                    }
                    Err(_) => missed.strangers += 1,
                }
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(missed);
            }
        }
    }
}

fn is_tombstone(row: &HashMap<String, AttributeValue>) -> bool {
    row.get("kind").and_then(|kind| kind.as_s().ok()).is_some_and(|kind| kind == "tombstone")
}

fn stored(mark: &Mark) -> i64 {
    i64::try_from(mark.number).unwrap_or(i64::MAX)
}

fn mark_item(pk: &str, sk: impl Into<String>, mark: &Mark) -> Item {
    Item::new(pk, sk, "mark").number("mark", stored(mark)).time("at", mark.at)
}

fn read_mark(item: &Item) -> Result<Mark, StoreError> {
    let number = u64::try_from(item.get_number("mark")?).map_err(|_| StoreError::Row { attribute: "mark" })?;
    Ok(Mark { number, at: item.get_time("at")? })
}

/// The tombstone that belongs over a message.
fn tombstone(item: &Item, unsent: &UnsentMessage) -> Option<Returned> {
    Some(Returned::Message(Box::new(Unsent {
        subject: unsent.subject,
        message: unsent.message.clone(),
        purpose: DefinitionId::new(item.find_text("purpose")?),
        policy: VersionId::parse(item.find_text("policy")?).ok()?,
        shown: item.find_text("shown").filter(|shown| *shown != "none").map(str::to_owned),
        event_at: unsent.event_at,
    })))
}
