//! What proves an erasure: the receipt of whoever asked for it, step by step, and an entry
//! in the ledger for everybody.

use azukari::{
    domain::{
        erasure::Ground,
        id::SubjectId,
        receipt::{Counts, Receipt, ReceiptId, counted},
        time::UnixMs,
    },
    host::ledger::NotRecorded,
    store::{
        StoreError,
        entry::Entry,
        hold::Hold,
        order::{EraseOrder, Order},
        receipt::SignedReceipt,
    },
};

use crate::sweep::{Fault, Run};

/// Whether somebody was given a receipt for an order: whoever asked, and whoever said
/// 同意しない. What ends by a term ends without one.
fn has_receipt(ground: Ground) -> bool {
    match ground {
        Ground::Asked | Ground::Refused => true,
        Ground::Blocked | Ground::ContactDue => false,
    }
}

/// Orders of a person for which receipts were given.
pub(crate) struct Receipts<'a> {
    run: &'a Run<'a>,
    orders: Vec<EraseOrder>,
}

impl<'a> Receipts<'a> {
    /// The order that is carried out, by itself.
    pub(crate) fn of(run: &'a Run<'_>, order: &EraseOrder) -> Self {
        let orders = [order].into_iter().filter(|order| has_receipt(order.ground)).cloned().collect();
        Self { run, orders }
    }

    /// The same with the other orders of the person, by their sort keys: they all end with
    /// this one.
    pub(crate) async fn with_others(run: &'a Run<'_>, order: &EraseOrder, others: &[&str]) -> Result<Self, StoreError> {
        let mut all = Self::of(run, order);
        for sk in others {
            match run.vault.order(order.subject, sk).await {
                Ok(Some(Order::Erase(other))) if has_receipt(other.ground) => all.orders.push(other),
                Ok(_) | Err(StoreError::NotVouched) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Opening is refused.
    pub(crate) async fn restricted(&self, hold: &Hold) -> Result<(), Fault> {
        self.each(hold, |receipt| receipt).await
    }

    /// The key is destroyed.
    pub(crate) async fn unreachable(&self, hold: &Hold) -> Result<(), Fault> {
        let Some((at, held)) = &hold.unreachable else { return Ok(()) };
        self.each(hold, |receipt| receipt.unreachable(*at, held.clone())).await
    }

    /// Everything is deleted.
    pub(crate) async fn erased(&self, hold: &Hold) -> Result<(), Fault> {
        let Some((at, held)) = &hold.unreachable else { return Ok(()) };
        let now = self.run.now;
        self.each(hold, |receipt| receipt.unreachable(*at, held.clone()).erased(now)).await
    }

    /// It was taken back.
    pub(crate) async fn revoked(&self, hold: &Hold) -> Result<(), Fault> {
        let now = self.run.now;
        self.each(hold, |receipt| receipt.revoked(now)).await
    }

    async fn each(&self, hold: &Hold, step: impl Fn(Receipt) -> Receipt) -> Result<(), Fault> {
        let (ledger, vault) = (&self.run.sweeper.ledger, &self.run.vault);
        for order in &self.orders {
            let id = ReceiptId::of(order.subject, &order.id, vault.origin());
            let restricted_at = hold.progress.restricted_at;
            let receipt = step(Receipt::restricted(id, order.ground, order.as_of, restricted_at));
            let signature = ledger.sign(receipt.message()).await.map_err(NotRecorded::from)?;
            self.run.sweeper.audit.put_receipt(&SignedReceipt { receipt, signature }, self.run.now).await?;
        }
        Ok(())
    }
}

/// What is held of a person now, by kind.
pub(crate) fn counts<'a>(kinds: impl IntoIterator<Item = &'a str>) -> Counts {
    let mut counts = Counts::new();
    for kind in kinds.into_iter().filter_map(counted) {
        *counts.entry(kind.to_owned()).or_default() += 1;
    }
    counts
}

/// Enters into the ledger that the key of a person is destroyed. A run that breaks off
/// after it enters it again.
pub(crate) async fn enter(run: &Run<'_>, subject: SubjectId, ground: Ground, at: UnixMs) -> Result<(), NotRecorded> {
    let mut entry = Entry::new("erase", at, "sweeper".to_owned(), String::new());
    entry.subjects.push(subject);
    entry.reason = Some(ground.as_str());
    run.sweeper.ledger.record(&entry).await.map(drop)
}
