//! Hold rows `S#<id>` / `Z#hold`: the person is being erased, and how far it has
//! come. The opener refuses a person with a hold.

use crate::domain::{erasure::Progress, id::SubjectId};
use crate::store::{
    Item, StoreError, Vault,
    key::{self, HOLD},
    vault::Condition,
};

/// A hold for an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// How far the erasure has come.
    pub progress: Progress,
    /// Which key versions are to be destroyed: 1 to this.
    pub key_version: u32,
}

impl Vault {
    /// Reads the hold of a person: one call.
    ///
    /// # Errors
    /// The call failed, or the row is not vouched for or not well formed.
    pub async fn hold(&self, subject: SubjectId) -> Result<Option<Hold>, StoreError> {
        let Some(item) = self.get_vouched(&key::subject(subject), HOLD).await? else { return Ok(None) };
        let key_version =
            u32::try_from(item.get_number("key_version")?).map_err(|_| StoreError::Row { attribute: "key_version" })?;
        let progress =
            Progress { restricted_at: item.get_time("restricted_at")?, unmapped_at: item.find_time("unmapped_at") };
        Ok(Some(Hold { progress, key_version }))
    }

    /// Writes the hold of a person whole.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_hold(&self, subject: SubjectId, hold: Hold) -> Result<(), StoreError> {
        let item = Item::new(key::subject(subject), HOLD, "hold")
            .text("why", "erasure")
            .number("key_version", hold.key_version.into())
            .time("restricted_at", hold.progress.restricted_at)
            .maybe_time("unmapped_at", hold.progress.unmapped_at)
            .vouched(self.origin());
        self.put(item, Condition::none()).await
    }

    /// Lifts a hold.
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete_hold(&self, subject: SubjectId) -> Result<(), StoreError> {
        self.delete(&key::subject(subject), HOLD, Condition::none()).await
    }
}
