//! What came in: keys and times from the `inbox` index, nothing of the content.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::{
    id::SubjectId,
    sweep::SHARDS,
    time::{Day, UnixMs},
};
use crate::store::{Item, StoreError, Vault, key, tables::Index, value::ValueKind};

/// One row that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Whose it is.
    pub subject: SubjectId,
    /// Its sort key.
    pub sk: String,
    /// What it is.
    pub kind: ValueKind,
    /// When it happened.
    pub at: UnixMs,
}

impl Vault {
    /// What came in on a day, of one kind, newest first, at most `limit` rows: one call
    /// a shard and page.
    ///
    /// # Errors
    /// A call failed.
    pub async fn arrivals(&self, day: Day, kind: ValueKind, limit: usize) -> Result<Vec<Arrival>, StoreError> {
        let mut arrivals = Vec::new();
        for shard in 0..SHARDS {
            let mut from = None;
            let mut found = 0;
            loop {
                let answer = self
                    .client()
                    .query()
                    .table_name(self.table())
                    .index_name(Index::Inbox.as_str())
                    .key_condition_expression("inbox_slot = :slot")
                    .expression_attribute_values(":slot", AttributeValue::S(key::inbox(day, kind.as_str(), shard)))
                    .scan_index_forward(false)
                    .limit(1_000)
                    .set_exclusive_start_key(from)
                    .set_return_consumed_capacity(self.metering())
                    .send()
                    .await
                    .map_err(|error| StoreError::call("Query", error))?;
                self.spent(answer.consumed_capacity());
                for map in answer.items.unwrap_or_default() {
                    arrivals.extend(arrival(&Item::read(map), kind));
                    found += 1;
                }
                from = answer.last_evaluated_key;
                if from.is_none() || found > limit {
                    break;
                }
            }
        }
        arrivals.sort_by(|a, b| (b.at, &b.sk).cmp(&(a.at, &a.sk)));
        arrivals.truncate(limit);
        Ok(arrivals)
    }
}

fn arrival(item: &Item, kind: ValueKind) -> Option<Arrival> {
    let subject = key::subject_of(item.find_text("pk")?)?;
    Some(Arrival { subject, sk: item.find_text("sk")?.to_owned(), kind, at: item.find_time("at")? })
}
