//! Wrapped private keys, in a table of their own: `<subject id>` / `<version>`.

use aws_sdk_dynamodb::{Client, types::AttributeValue};

use crate::domain::{id::SubjectId, person::KeyRow};
use crate::store::{Item, Outcome, StoreError, error::outcome};

/// The table of wrapped private keys, as one function sees it.
#[derive(Debug, Clone)]
pub struct WrappedKeys {
    client: Client,
    table: String,
}

impl WrappedKeys {
    /// The table by its name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Stores the wrapped half of a new pair, once.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put(&self, row: &KeyRow, wrapped: &[u8]) -> Result<Outcome, StoreError> {
        let item = Item::new(row.subject.to_string(), row.version.to_string(), "wrapped")
            .bytes("wrapped", wrapped)
            .bytes("public_key", row.public_key)
            .bytes("signature", row.signature.clone());
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.into_map()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        outcome(result.map(drop).map_err(|error| StoreError::call("PutItem", error)))
    }

    /// Destroys one version of a person's key. From here on nothing of theirs opens.
    /// [`Outcome::Already`] if it was not there.
    ///
    /// # Errors
    /// The call failed.
    pub async fn destroy(&self, subject: SubjectId, version: u32) -> Result<Outcome, StoreError> {
        let result = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(subject.to_string()))
            .key("sk", AttributeValue::S(version.to_string()))
            .condition_expression("attribute_exists(pk)")
            .send()
            .await;
        outcome(result.map(drop).map_err(|error| StoreError::call("DeleteItem", error)))
    }

    /// Reads the wrapped half of a person's key; `None` once it is destroyed.
    ///
    /// # Errors
    /// The call failed, or the row is not well formed.
    #[cfg(feature = "opening")]
    pub async fn get(&self, subject: SubjectId, version: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", AttributeValue::S(subject.to_string()))
            .key("sk", AttributeValue::S(version.to_string()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::call("GetItem", error))?;
        answer.item.map(|map| Item::read(map).get_bytes("wrapped").map(<[u8]>::to_vec)).transpose()
    }
}
