//! Consent rows `S#<id>` / `C#<purpose>#<ms>`: what a person has said about one
//! purpose, never changed, the newest counts.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::{
    consent::{Consent, Said},
    id::{DefinitionId, SubjectId},
    time::UnixMs,
};
use crate::store::{Item, Outcome, StoreError, Vault, error::outcome, key, vault::Condition};

impl Vault {
    /// Appends what a person said at `at` about one purpose, having been shown the
    /// policy version `shown`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_consent(
        &self,
        subject: SubjectId,
        purpose: &DefinitionId,
        said: Said,
        shown: &str,
        at: UnixMs,
    ) -> Result<Outcome, StoreError> {
        let item = Item::new(key::subject(subject), key::consent(purpose, at), "consent")
            .text("purpose", purpose.as_str())
            .text("consent", said.as_str())
            .text("shown", shown)
            .time("event_at", at)
            .vouched(self.origin());
        outcome(self.put(item, Condition::that("attribute_not_exists(pk)")).await)
    }

    /// The newest that a person said about one purpose: one call.
    ///
    /// # Errors
    /// The call failed, or the row is not vouched for or not well formed.
    pub async fn consent(&self, subject: SubjectId, purpose: &DefinitionId) -> Result<Consent, StoreError> {
        let answer = self
            .client()
            .query()
            .table_name(self.table())
            .key_condition_expression("pk = :pk AND begins_with(sk, :consents)")
            .expression_attribute_values(":pk", AttributeValue::S(key::subject(subject)))
            .expression_attribute_values(":consents", AttributeValue::S(key::consents(purpose)))
            .scan_index_forward(false)
            .limit(1)
            .consistent_read(true)
            .set_return_consumed_capacity(self.metering())
            .send()
            .await
            .map_err(|error| StoreError::call("Query", error))?;
        self.spent(answer.consumed_capacity());
        let Some(map) = answer.items.unwrap_or_default().into_iter().next() else { return Ok(Consent::None) };
        match Item::verified(map, self.origin())?.get_text("consent")? {
            "given" => Ok(Consent::Given),
            _ => Ok(Consent::Refused),
        }
    }
}
