use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, ConditionCheck, ConsumedCapacity, Delete, Put, ReturnConsumedCapacity, ReturnValue,
        TransactWriteItem, Update,
    },
};

use crate::domain::{origin::OriginTag, word::word};
use crate::store::{Item, Outcome, StoreError};

/// The vault, as one function sees it: a client that signs with the function's
/// role, the table's name, and the key that vouches for rows.
#[derive(Clone)]
pub struct Vault {
    client: Client,
    table: String,
    origin: Arc<dyn OriginTag>,
    usage: Option<Arc<Usage>>,
}

/// How often a transaction is tried again that met another one at the same counter.
const COUNT_ATTEMPTS: usize = 8;

/// What a run has spent, as DynamoDB counts it.
#[derive(Debug, Default)]
pub struct Usage {
    calls: AtomicU64,
    half_units: AtomicU64,
}

impl Usage {
    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Capacity units so far, reads and writes together.
    pub fn units(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let half = self.half_units.load(Ordering::Relaxed) as f64;
        half / 2.0
    }

    fn add(&self, capacity: Option<&ConsumedCapacity>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let units = capacity.and_then(|capacity| capacity.capacity_units).unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "units are small multiples of 0.5"
        )]
        self.half_units.fetch_add((units * 2.0).round() as u64, Ordering::Relaxed);
    }
}

/// A condition with the values it names.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    expression: Option<&'static str>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Condition {
    /// No condition.
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// A condition in DynamoDB's expression language.
    pub(super) fn that(expression: &'static str) -> Self {
        Self { expression: Some(expression), ..Self::default() }
    }

    /// A stand-in for an attribute name that DynamoDB reserves.
    pub(super) fn with_name(mut self, name: &str, attribute: &str) -> Self {
        self.names.insert(name.to_owned(), attribute.to_owned());
        self
    }

    pub(super) fn with_text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.values.insert(name.to_owned(), AttributeValue::S(value.into()));
        self
    }

    pub(super) fn with_number(mut self, name: &str, value: i64) -> Self {
        self.values.insert(name.to_owned(), AttributeValue::N(value.to_string()));
        self
    }

    pub(super) fn with_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.values.insert(name.to_owned(), AttributeValue::B(value.to_vec().into()));
        self
    }

    fn expression(&self) -> Option<String> {
        self.expression.map(str::to_owned)
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        Some(self.names.clone()).filter(|names| !names.is_empty())
    }

    fn values(self) -> Option<HashMap<String, AttributeValue>> {
        Some(self.values).filter(|values| !values.is_empty())
    }
}

impl Vault {
    /// A vault whose vouched rows carry the tag of `origin`.
    pub fn new(client: Client, table: impl Into<String>, origin: Arc<dyn OriginTag>) -> Self {
        Self { client, table: table.into(), origin, usage: None }
    }

    /// The same vault, counting what it spends.
    pub fn metered(mut self, usage: Arc<Usage>) -> Self {
        self.usage = Some(usage);
        self
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn table(&self) -> &str {
        &self.table
    }

    /// What vouches for rows.
    pub fn origin(&self) -> &dyn OriginTag {
        &*self.origin
    }

    pub(super) fn metering(&self) -> Option<ReturnConsumedCapacity> {
        self.usage.as_ref().map(|_| ReturnConsumedCapacity::Total)
    }

    pub(super) fn spent(&self, capacity: Option<&ConsumedCapacity>) {
        if let Some(usage) = &self.usage {
            usage.add(capacity);
        }
    }

    /// Reads one row as it is, consistently.
    pub(super) async fn get(&self, pk: &str, sk: &str) -> Result<Option<HashMap<String, AttributeValue>>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .consistent_read(true)
            .set_return_consumed_capacity(self.metering())
            .send()
            .await
            .map_err(|error| StoreError::call("GetItem", error))?;
        self.spent(answer.consumed_capacity());
        Ok(answer.item)
    }

    /// Reads every row of a partition as it is: a call for each megabyte.
    pub(super) async fn partition(&self, pk: &str) -> Result<Vec<HashMap<String, AttributeValue>>, StoreError> {
        let mut found = Vec::new();
        let mut from = None;
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
                .set_exclusive_start_key(from)
                .set_return_consumed_capacity(self.metering())
                .send()
                .await
                .map_err(|error| StoreError::call("Query", error))?;
            self.spent(answer.consumed_capacity());
            found.extend(answer.items.unwrap_or_default());
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(found);
            }
        }
    }

    /// Reads one vouched row.
    pub(super) async fn get_vouched(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        self.get(pk, sk).await?.map(|map| Item::verified(map, self.origin())).transpose()
    }

    /// Writes one row whole.
    pub(super) async fn put(&self, item: Item, condition: Condition) -> Result<(), StoreError> {
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.into_map()))
            .set_condition_expression(condition.expression())
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .set_return_consumed_capacity(self.metering())
            .send()
            .await
            .map_err(|error| StoreError::call("PutItem", error))?;
        self.spent(answer.consumed_capacity());
        Ok(())
    }

    /// Deletes one row.
    pub(super) async fn delete(&self, pk: &str, sk: &str, condition: Condition) -> Result<(), StoreError> {
        self.delete_returning(pk, sk, condition, None).await.map(drop)
    }

    /// Deletes one row and gives back what it was.
    pub(super) async fn delete_and_tell(&self, pk: &str, sk: &str, condition: Condition) -> Result<Item, StoreError> {
        self.delete_returning(pk, sk, condition, Some(ReturnValue::AllOld)).await
    }

    async fn delete_returning(
        &self,
        pk: &str,
        sk: &str,
        condition: Condition,
        values: Option<ReturnValue>,
    ) -> Result<Item, StoreError> {
        let answer = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .set_return_values(values)
            .set_condition_expression(condition.expression())
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .set_return_consumed_capacity(self.metering())
            .send()
            .await
            .map_err(|error| StoreError::call("DeleteItem", error))?;
        self.spent(answer.consumed_capacity());
        Ok(Item::read(answer.attributes.unwrap_or_default()))
    }

    /// A put as part of a transaction.
    pub(super) fn part_put(&self, item: Item, condition: Condition) -> TransactWriteItem {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item.into_map()))
            .set_condition_expression(condition.expression())
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .build()
            .expect("a put with a table and an item is complete");
        TransactWriteItem::builder().put(put).build()
    }

    /// A delete as part of a transaction.
    pub(super) fn part_delete(&self, pk: &str, sk: &str, condition: Condition) -> TransactWriteItem {
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .set_condition_expression(condition.expression())
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .build()
            .expect("a delete with a table and a key is complete");
        TransactWriteItem::builder().delete(delete).build()
    }

    /// An update as part of a transaction. The values of the update are given with
    /// the condition.
    pub(super) fn part_update(&self, pk: &str, sk: &str, update: &str, condition: Condition) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .update_expression(update)
            .set_condition_expression(condition.expression())
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .build()
            .expect("an update with a table, a key and an expression is complete");
        TransactWriteItem::builder().update(update).build()
    }

    /// A look at a row as part of a transaction.
    pub(super) fn part_check(&self, pk: &str, sk: &str, condition: Condition) -> TransactWriteItem {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .set_condition_expression(condition.expression())
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .build()
            .expect("a check with a table, a key and a condition is complete");
        TransactWriteItem::builder().condition_check(check).build()
    }

    /// Adds one to a counter of this kind, as part of a transaction.
    pub(super) fn part_count(&self, pk: &str, sk: &str, kind: &str) -> TransactWriteItem {
        let one = Condition::none()
            .with_name("#n", "n")
            .with_name("#kind", "kind")
            .with_number(":one", 1)
            .with_text(":kind", kind);
        self.part_update(pk, sk, "SET #kind = :kind ADD #n :one", one)
    }

    /// Counts together with the first part. [`Outcome::Already`] if the condition of that one
    /// does not hold: it was counted before.
    pub(super) async fn transact_counting(&self, parts: Vec<TransactWriteItem>) -> Result<Outcome, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.transact(parts.clone()).await {
                Ok(()) => return Ok(Outcome::Written),
                Err(error) if error.part_failed(0) => return Ok(Outcome::Already),
                // Others add to the same counters.
                Err(error) if error.conflict() && attempt < COUNT_ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Commits all parts or none. The SDK sends one token with every attempt, so
    /// an attempt whose answer was lost does not count twice.
    pub(super) async fn transact(&self, parts: Vec<TransactWriteItem>) -> Result<(), StoreError> {
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(parts))
            .set_return_consumed_capacity(self.metering())
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => StoreError::Cancelled {
                    reasons: cancelled
                        .cancellation_reasons()
                        .iter()
                        .map(|reason| reason.code().map_or("None", word).to_owned())
                        .collect(),
                },
                _ => StoreError::call("TransactWriteItems", error),
            })?;
        self.spent(answer.consumed_capacity().first());
        Ok(())
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({})", self.table)
    }
}
