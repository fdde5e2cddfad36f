//! The terms under which a value was stored, from its policy version.

use std::collections::HashMap;

use azukari::{
    domain::{
        definition::{PolicyDefinition, PurposeTerms},
        id::{DefinitionId, VersionId},
    },
    store::{StoreError, Vault, published::DefinitionKind},
};
use tokio::sync::Mutex;

/// Policy versions that this run has read. A published version never changes.
#[derive(Debug, Default)]
pub(crate) struct Terms(Mutex<HashMap<VersionId, Option<PolicyDefinition>>>);

impl Terms {
    /// The terms of a purpose in a policy version; `None` if nothing of the kind was
    /// published.
    pub(crate) async fn of(
        &self,
        vault: &Vault,
        policy: &VersionId,
        purpose: &DefinitionId,
    ) -> Result<Option<PurposeTerms>, StoreError> {
        let mut read = self.0.lock().await;
        if !read.contains_key(policy) {
            let text = vault.published(DefinitionKind::Policy, policy).await?;
            let definition = text.and_then(|text| serde_json::from_str(&text).ok());
            read.insert(policy.clone(), definition);
        }
        let definition = read.get(policy).and_then(Option::as_ref);
        Ok(definition.and_then(|definition| definition.terms(purpose)).cloned())
    }
}
