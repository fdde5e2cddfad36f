//! The erasure list `E#<day>` in the audit table: it survives a restore of the
//! vault, so that what was erased can be erased again. Rows are only ever added.

use aws_sdk_dynamodb::Client;

use crate::domain::{
    erasure::{Ground, Step},
    id::{LineItemId, SubjectId},
    time::{Day, UnixMs},
};
use crate::store::{Item, StoreError, error::outcome, key};

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
        subject: SubjectId,
        step: Step,
        ground: Ground,
        as_of: UnixMs,
        now: UnixMs,
    ) -> Result<Listed, StoreError> {
        let item = Item::new(key::erasures(day), format!("{subject}#{}", step.as_str()), "erasure")
            .text("subject", subject.to_string())
            .text("step", step.as_str())
            .text("ground", ground.as_str())
            .time("as_of", as_of)
            .time("at", now);
        self.append(item).await
    }

    /// Lists that an erasure was given up because the person was in contact again.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list_revoked(&self, day: Day, subject: SubjectId, now: UnixMs) -> Result<Listed, StoreError> {
        let item = Item::new(key::erasures(day), format!("{subject}#revoked#{:015}", now.get()), "erasure")
            .text("subject", subject.to_string())
            .text("step", "revoked")
            .time("at", now);
        self.append(item).await
    }

    /// Lists the row key of an unsent message.
    ///
    /// # Errors
    /// The call failed.
    pub async fn list_unsent(
        &self,
        day: Day,
        subject: SubjectId,
        message: &LineItemId,
        now: UnixMs,
    ) -> Result<Listed, StoreError> {
        let row = key::record(message);
        let item = Item::new(key::erasures(day), format!("{subject}#{row}"), "unsent")
            .text("subject", subject.to_string())
            .text("row", row)
            .time("at", now);
        self.append(item).await
    }

    async fn append(&self, item: Item) -> Result<Listed, StoreError> {
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
