//! Published definitions: `P#<kind>#<id>` / `V#<n>`, never changed, and the pointer
//! to the current version, `P#index` / `<kind>#<name>`.

use sha2::{Digest, Sha256};

use crate::domain::{
    id::{DefinitionId, VersionId},
    time::UnixMs,
};
use crate::store::{
    Item, StoreError, Vault,
    key::{self, PUBLISHED_INDEX},
    vault::Condition,
};

/// What kind of definition it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefinitionKind {
    /// A channel.
    Channel,
    /// A policy.
    Policy,
    /// A purpose.
    Purpose,
    /// A form.
    Form,
}

impl DefinitionKind {
    /// The word in keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Policy => "policy",
            Self::Purpose => "purpose",
            Self::Form => "form",
        }
    }
}

/// A version of a definition as it was published.
#[derive(Debug, Clone)]
pub struct PublishedText {
    /// Which version, from 1.
    pub version: u32,
    /// Its text.
    pub text: String,
    /// When it was published.
    pub published_at: UnixMs,
}

impl Vault {
    /// The current version of a definition, by its name: one call.
    ///
    /// # Errors
    /// The call failed, or the row is not well formed.
    pub async fn current(&self, kind: DefinitionKind, name: &str) -> Result<Option<VersionId>, StoreError> {
        let Some(map) = self.get(PUBLISHED_INDEX, &pointer(kind, name)).await? else { return Ok(None) };
        let item = Item::read(map);
        let version = u32::try_from(item.get_number("n")?).map_err(|_| StoreError::Row { attribute: "n" })?;
        Ok(Some(VersionId { id: DefinitionId::new(item.get_text("id")?), version }))
    }

    /// The text of a published version: one call.
    ///
    /// # Errors
    /// The call failed, or the row is not well formed.
    pub async fn published(&self, kind: DefinitionKind, version: &VersionId) -> Result<Option<String>, StoreError> {
        let pk = key::published(kind.as_str(), &version.id);
        let Some(map) = self.get(&pk, &key::version(version.version)).await? else { return Ok(None) };
        Item::read(map).get_text("text").map(|text| Some(text.to_owned()))
    }

    /// Every version of a definition, in no order: a call for each megabyte.
    ///
    /// # Errors
    /// A call failed, or a row is not well formed.
    pub async fn versions(&self, kind: DefinitionKind, id: &DefinitionId) -> Result<Vec<PublishedText>, StoreError> {
        let rows = self.partition(&key::published(kind.as_str(), id)).await?;
        let versions = rows.into_iter().map(|map| {
            let item = Item::read(map);
            let version = item.get_text("sk")?.strip_prefix("V#").and_then(|n| n.parse().ok());
            Ok(PublishedText {
                version: version.ok_or(StoreError::Row { attribute: "sk" })?,
                text: item.get_text("text")?.to_owned(),
                published_at: item.get_time("published_at")?,
            })
        });
        versions.collect()
    }

    /// Publishes a text as the next version and points to it, both or neither.
    ///
    /// # Errors
    /// The call failed, or somebody else published at the same moment.
    pub async fn publish(
        &self,
        kind: DefinitionKind,
        name: &str,
        version: &VersionId,
        text: &str,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let hash: [u8; 32] = Sha256::digest(text).into();
        let row = Item::new(key::published(kind.as_str(), &version.id), key::version(version.version), "published")
            .text("text", text)
            .bytes("hash", hash)
            .time("published_at", now);
        let pointer = Item::new(PUBLISHED_INDEX, pointer(kind, name), "current")
            .text("id", version.id.as_str())
            .number("n", version.version.into());
        let unchanged = if version.version == 1 {
            Condition::that("attribute_not_exists(pk)")
        } else {
            Condition::that("n = :previous").with_number(":previous", i64::from(version.version) - 1)
        };
        self.transact(vec![
            self.part_put(row, Condition::that("attribute_not_exists(pk)")),
            self.part_put(pointer, unchanged),
        ])
        .await
    }
}

fn pointer(kind: DefinitionKind, name: &str) -> String {
    format!("{}#{name}", kind.as_str())
}
