//! Pool rows `K#<shard>` / `<subject id>`: public halves of key pairs that wait for
//! a person. They are vouched for by the `enrol` signature, not by an origin tag.

use aws_sdk_dynamodb::types::{AttributeValue, Select};

use crate::domain::person::KeyRow;
use crate::store::{
    Item, Outcome, StoreError, Vault,
    error::outcome,
    key::{self, POOL_SHARDS},
    mapping::key_row,
    vault::Condition,
};

/// Which pair to reach for: random, so that functions that start at the same moment
/// do not all reach for the same one.
#[derive(Debug, Clone, Copy)]
pub struct PoolPick {
    /// Where to begin: taken modulo the number of shards.
    pub shard: u8,
    /// Which of the pairs found there: taken modulo their number.
    pub pair: u8,
}

/// Pairs that are looked at: a few kilobytes, and enough for many to choose from.
const CHOICE: i32 = 16;

impl Vault {
    /// A pair that nobody has claimed yet, not yet verified, and the shard it is in;
    /// `None` if the pool is empty. One call as long as no shard is empty.
    ///
    /// # Errors
    /// A call failed, or a row is not well formed.
    pub async fn pooled_key(&self, pick: PoolPick) -> Result<Option<(u8, KeyRow)>, StoreError> {
        for turn in 0..POOL_SHARDS {
            let shard = pick.shard.wrapping_add(turn) % POOL_SHARDS;
            let found = self.pairs_of_shard(shard).await?;
            if let Some(item) = found.get(usize::from(pick.pair) % found.len().max(1)) {
                return Ok(Some((shard, key_row(item, item.get_text("sk")?)?)));
            }
        }
        Ok(None)
    }

    async fn pairs_of_shard(&self, shard: u8) -> Result<Vec<Item>, StoreError> {
        let answer = self
            .client()
            .query()
            .table_name(self.table())
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(key::pool(shard)))
            .consistent_read(true)
            .limit(CHOICE)
            .send()
            .await
            .map_err(|error| StoreError::call("Query", error))?;
        Ok(answer.items.unwrap_or_default().into_iter().map(Item::read).collect())
    }

    /// How many pairs wait in a shard.
    ///
    /// # Errors
    /// A call failed.
    pub async fn pool_level(&self, shard: u8) -> Result<usize, StoreError> {
        let mut level = 0;
        let mut from = None;
        loop {
            let answer = self
                .client()
                .query()
                .table_name(self.table())
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(key::pool(shard)))
                .select(Select::Count)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| StoreError::call("Query", error))?;
            level += usize::try_from(answer.count).unwrap_or_default();
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(level);
            }
        }
    }

    /// Puts a signed pair into the pool.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_pooled_key(&self, shard: u8, row: &KeyRow) -> Result<Outcome, StoreError> {
        let item = Item::new(key::pool(shard), row.subject.to_string(), "pool")
            .number("key_version", row.version.into())
            .bytes("public_key", row.public_key)
            .bytes("wrapped_sha256", row.wrapped_sha256)
            .bytes("signature", row.signature.clone());
        outcome(self.put(item, Condition::that("attribute_not_exists(pk)")).await)
    }
}
