//! Names in place of opaque ids. A definition's id is made once and its name never
//! changes, so what was read need not be read again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use azukari::{
    domain::{
        definition::PurposeTerms,
        id::{DefinitionId, VersionId},
    },
    host::published::{Forms, Policies},
    store::{StoreError, Vault, published::DefinitionKind},
};

/// Names that have been read.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) policies: Policies,
    pub(crate) forms: Forms,
    purposes: Mutex<HashMap<String, DefinitionId>>,
}

impl Names {
    /// The id of a purpose; `None` if none of this name is published.
    pub(crate) async fn purpose(&self, vault: &Vault, name: &str) -> Result<Option<DefinitionId>, StoreError> {
        if let Some(id) = self.known(name) {
            return Ok(Some(id));
        }
        let Some(version) = vault.current(DefinitionKind::Purpose, name).await? else { return Ok(None) };
        self.learn(name, &version.id);
        Ok(Some(version.id))
    }

    /// The name of a purpose; its id if nothing of the kind is published.
    pub(crate) async fn of_purpose(&self, vault: &Vault, id: &DefinitionId) -> Result<String, StoreError> {
        let known = self.purposes().iter().find(|(_, known)| *known == id).map(|(name, _)| name.clone());
        if let Some(name) = known {
            return Ok(name);
        }
        let first = VersionId { id: id.clone(), version: 1 };
        let text = vault.published(DefinitionKind::Purpose, &first).await?;
        match text.and_then(|text| serde_json::from_str::<PurposeTerms>(&text).ok()) {
            Some(terms) => {
                self.learn(&terms.name, id);
                Ok(terms.name)
            }
            None => Ok(id.to_string()),
        }
    }

    /// Name and number of a policy version; its id if nothing of the kind is published.
    pub(crate) async fn of_policy(&self, vault: &Vault, policy: &VersionId) -> Result<String, StoreError> {
        let definition = self.policies.version(vault, policy).await?;
        Ok(definition.map_or_else(|| policy.to_string(), |it| format!("{}.{}", it.name, policy.version)))
    }

    /// Name and number of a form version; its id if nothing of the kind is published.
    pub(crate) async fn of_form(&self, vault: &Vault, form: &VersionId) -> Result<String, StoreError> {
        let definition = self.forms.version(vault, form).await?;
        Ok(definition.map_or_else(|| form.to_string(), |it| format!("{}.{}", it.definition.name, form.version)))
    }

    fn known(&self, name: &str) -> Option<DefinitionId> {
        self.purposes().get(name).cloned()
    }

    fn learn(&self, name: &str, id: &DefinitionId) {
        self.purposes().insert(name.to_owned(), id.clone());
    }

    fn purposes(&self) -> std::sync::MutexGuard<'_, HashMap<String, DefinitionId>> {
        self.purposes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
