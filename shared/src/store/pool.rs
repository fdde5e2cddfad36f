//! Pool rows `K#<shard>` / `<subject id>`: public halves of key pairs that wait for
//! a person. They are vouched for by the `enrol` signature, not by an origin tag.

use aws_sdk_dynamodb::types::{AttributeValue, Select};

use crate::domain::{id::SubjectId, person::KeyRow};
use crate::store::{
    Item, Outcome, StoreError, Vault,
    error::outcome,
    key::{self, POOL_SHARDS},
    mapping::key_row,
    vault::Condition,
};

/// Where to begin looking in the pool: random, so that functions that start at
/// the same moment do not all reach for the same pair.
#[derive(Debug, Clone, Copy)]
pub struct PoolStart {
    /// Any number: taken modulo the number of shards.
    pub shard: u8,
    /// A place in the shard.
    pub place: SubjectId,
}

impl Vault {
    /// A pair that nobody has claimed yet, not yet verified; `None` if the pool is
    /// empty. One call while the pool is well filled.
    ///
    /// # Errors
    /// A call failed, or a row is not well formed.
    pub async fn pooled_key(&self, start: PoolStart) -> Result<Option<(u8, KeyRow)>, StoreError> {
        for turn in 0..POOL_SHARDS {
            let shard = start.shard.wrapping_add(turn) % POOL_SHARDS;
            for from in [Some(start.place), None] {
                if let Some(item) = self.first_of_shard(shard, from).await? {
                    let subject = item.get_text("sk")?.to_owned();
                    return Ok(Some((shard, key_row(&item, &subject)?)));
                }
            }
        }
        Ok(None)
    }

    async fn first_of_shard(&self, shard: u8, from: Option<SubjectId>) -> Result<Option<Item>, StoreError> {
        let mut request = self
            .client()
            .query()
            .table_name(self.table())
            .key_condition_expression(if from.is_some() { "pk = :pk AND sk >= :place" } else { "pk = :pk" })
            .expression_attribute_values(":pk", AttributeValue::S(key::pool(shard)))
            .consistent_read(true)
            .limit(1);
        if let Some(place) = from {
            request = request.expression_attribute_values(":place", AttributeValue::S(place.to_string()));
        }
        let answer = request.send().await.map_err(|error| StoreError::call("Query", error))?;
        Ok(answer.items.unwrap_or_default().into_iter().next().map(Item::read))
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
