//! Hold rows `S#<id>` / `Z#hold`: the person is being erased, and how far it has
//! come. The opener refuses a person with a hold.

use crate::domain::{erasure::Progress, id::SubjectId, receipt::Counts, time::UnixMs};
use crate::store::{
    Item, Outcome, StoreError, Vault,
    error::outcome,
    key::{self, HOLD},
    order::EraseOrder,
    vault::Condition,
};

/// A hold for an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// How far the erasure has come.
    pub progress: Progress,
    /// Which key versions are to be destroyed: 1 to this.
    pub key_version: u32,
    /// When the key was destroyed, and what was held then: kept for the receipt.
    pub unreachable: Option<(UnixMs, Counts)>,
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
        let counts = item.find_text("held").map(serde_json::from_str).transpose();
        let counts: Option<Counts> = counts.map_err(|_| StoreError::Row { attribute: "held" })?;
        let unreachable = item.find_time("unreachable_at").zip(counts);
        Ok(Some(Hold { progress, key_version, unreachable }))
    }

    /// Writes the hold that an order puts on a person, whole. [`Outcome::Already`] if
    /// the order is not there any more: another run has carried it out or revoked it, and
    /// a hold without an order would stay for good. Also if another order of the person has
    /// counted what was held before, or another run was at it at this very moment.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_hold(&self, order: &EraseOrder, hold: &Hold) -> Result<Outcome, StoreError> {
        let pk = key::subject(order.subject);
        let (unreachable_at, held) = hold.unreachable.as_ref().map(|(at, held)| (*at, held)).unzip();
        let item = Item::new(pk.clone(), HOLD, "hold")
            .text("why", "erasure")
            .number("key_version", hold.key_version.into())
            .time("restricted_at", hold.progress.restricted_at)
            .maybe_time("unmapped_at", hold.progress.unmapped_at)
            .maybe_time("unreachable_at", unreachable_at)
            .maybe_text("held", held.map(|held| serde_json::to_string(held).unwrap_or_default()))
            .vouched(self.origin());
        let still_there = Condition::that("attribute_exists(pk)");
        // What was held is counted once.
        let once = match hold.unreachable {
            Some(_) => Condition::that("attribute_not_exists(unreachable_at)"),
            None => Condition::none(),
        };
        let parts = vec![self.part_check(&pk, &key::order(&order.id), still_there), self.part_put(item, once)];
        match self.transact(parts).await {
            Ok(()) => Ok(Outcome::Written),
            Err(error) if error.part_failed(0) || error.part_failed(1) || error.conflict() => Ok(Outcome::Already),
            Err(error) => Err(error),
        }
    }

    /// Removes an order that has been carried out or revoked, together with its hold.
    /// [`Outcome::Already`] if another run has done so, or is at it.
    ///
    /// # Errors
    /// The call failed.
    pub async fn end_order(&self, order: &EraseOrder) -> Result<Outcome, StoreError> {
        let pk = key::subject(order.subject);
        let there = || Condition::that("attribute_exists(pk)");
        let parts = vec![
            self.part_delete(&pk, &key::order(&order.id), there()),
            self.part_delete(&pk, HOLD, Condition::none()),
        ];
        match self.transact(parts).await {
            Ok(()) => Ok(Outcome::Written),
            // Two orders to erase the same person, carried out at the same time, take each
            // other with them: the hold is then left to whoever comes last.
            Err(error) if error.part_failed(0) => outcome(self.delete(&pk, HOLD, there()).await),
            Err(error) if error.conflict() => Ok(Outcome::Already),
            Err(error) => Err(error),
        }
    }
}
