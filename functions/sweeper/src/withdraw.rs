//! A consent was taken back (同意の撤回): what was kept for its purpose alone is erased, and
//! nothing that is newer than that.

use azukari::{
    domain::{consent::Consent, erasure::SETTLE_MS, time::UnixMs},
    store::{
        Outcome, StoreError,
        due::{DueRow, OwnRow},
        key,
        order::WithdrawOrder,
    },
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    link,
    person::all_rows,
    sweep::{Fault, Handled, Run},
};

/// Rows that are deleted at the same time.
const AT_ONCE: usize = 16;

/// An order to withdraw is due: what was kept for the purpose goes. The order goes with a
/// second look, when no warm function can know the mapping any more as it was before: what
/// one of them has stored meanwhile goes, too. A run that breaks off is taken up again.
pub(crate) async fn order(run: &Run<'_>, row: &DueRow, order: &WithdrawOrder) -> Result<Handled, Fault> {
    let settled = order.placed_at.plus(SETTLE_MS);
    let last = run.now >= settled;
    let late = if last { late_until(run, order, settled).await? } else { order.as_of };
    let Some(gone) = carry_out(run, order, late).await? else { return Ok(Handled::Waiting) };
    if last {
        run.vault.end_withdrawal(order).await?;
        return Ok(if gone > 0 { Handled::Withdrawn(gone) } else { Handled::Changed });
    }
    run.vault.redate(row, settled, run.now).await?;
    Ok(Handled::Withdrawn(gone))
}

/// Up to when what came in without being asked anew goes: not if they have agreed anew.
async fn late_until(run: &Run<'_>, order: &WithdrawOrder, settled: UnixMs) -> Result<UnixMs, Fault> {
    match run.vault.consent(order.subject, &order.purpose).await {
        Ok(Consent::Refused) => Ok(settled),
        // A consent that nobody vouches for decides nothing.
        Ok(Consent::Given | Consent::None) | Err(StoreError::NotVouched | StoreError::Row { .. }) => Ok(order.as_of),
        Err(error) => Err(error.into()),
    }
}

/// Erases what an order is about, and of what came in the chat what is not newer than
/// `late`. Gives how many values went; `None` if their person has changed at this very moment.
pub(crate) async fn carry_out(run: &Run<'_>, order: &WithdrawOrder, late: UnixMs) -> Result<Option<u64>, Fault> {
    run.marked().await?;
    run.sweeper.audit.list_withdrawn(order, run.now, run.vault.origin()).await?;
    let meant = meant(run, order, late).await?;
    let doomed: Vec<_> = meant.iter().map(|row| erase(run, order, row, late)).collect();
    let erased: Vec<Erased> = stream::iter(doomed).buffer_unordered(AT_ONCE).try_collect().await?;
    if erased.contains(&Erased::Busy) {
        return Ok(None);
    }
    let gone = erased.into_iter().filter(|erased| *erased == Erased::Now).count();
    Ok(Some(u64::try_from(gone).unwrap_or_default()))
}

/// The rows that an order is about.
pub(crate) async fn meant(run: &Run<'_>, order: &WithdrawOrder, late: UnixMs) -> Result<Vec<OwnRow>, Fault> {
    let mut rows = all_rows(run, order.subject).await?;
    rows.retain(|row| is_meant(row, order, late));
    Ok(rows)
}

/// Whether a row was kept for the purpose, and is not newer. What was said about purposes
/// stays as evidence, the person as long as they can be reached, what they have asked for
/// until it is answered, and the mark of an unsent message as long as a backup could bring it
/// back.
fn is_meant(row: &OwnRow, order: &WithdrawOrder, late: UnixMs) -> bool {
    row.purpose.as_ref() == Some(&order.purpose)
        && row.event_at.is_none_or(|at| at <= up_to(row, order, late))
        && !matches!(row.kind.as_str(), "consent" | "subject" | "state" | "hold" | "order" | "request" | "tombstone")
}

/// Up to when a row of this kind goes: who sends a form, or links, has just been asked.
fn up_to(row: &OwnRow, order: &WithdrawOrder, late: UnixMs) -> UnixMs {
    if matches!(row.kind.as_str(), "message" | "event" | "profile") { late } else { order.as_of }
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Erased {
    Now,
    /// It was gone, or is newer.
    Already,
    /// Its person has changed at this very moment: the next run sees to it.
    Busy,
}

async fn erase(run: &Run<'_>, order: &WithdrawOrder, row: &OwnRow, late: UnixMs) -> Result<Erased, Fault> {
    let (sk, up_to) = (row.sk.as_str(), up_to(row, order, late));
    if sk.starts_with(key::LOOKUP) {
        run.vault.delete_lookup(order.subject, sk).await?;
    }
    let row = DueRow { subject: order.subject, sk: sk.to_owned(), due_at: run.now };
    if !link::due(run, &row).await? {
        return Ok(Erased::Busy);
    }
    Ok(match run.vault.delete_row_until(order.subject, sk, up_to).await? {
        Outcome::Written => Erased::Now,
        Outcome::Already => Erased::Already,
    })
}
