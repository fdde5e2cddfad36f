//! A consent was taken back (同意の撤回): what was kept for its purpose alone is erased, and
//! nothing that is newer than that.

use azukari::store::{
    Outcome,
    due::{DueRow, OwnRow},
    key,
    order::WithdrawOrder,
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    link,
    person::all_rows,
    sweep::{Fault, Handled, Run},
};

/// Rows that are deleted at the same time.
const AT_ONCE: usize = 16;

/// An order to withdraw is due: what was kept for the purpose goes, then the order, so that
/// a run that breaks off is taken up again.
pub(crate) async fn order(run: &Run<'_>, order: &WithdrawOrder) -> Result<Handled, Fault> {
    run.marked().await?;
    run.sweeper.audit.list_withdrawn(order, run.now, run.vault.origin()).await?;
    let meant = meant(run, order).await?;
    let doomed: Vec<_> = meant.iter().map(|row| erase(run, order, &row.sk)).collect();
    let erased: Vec<Erased> = stream::iter(doomed).buffer_unordered(AT_ONCE).try_collect().await?;
    if erased.contains(&Erased::Busy) {
        return Ok(Handled::Waiting);
    }
    run.vault.end_withdrawal(order).await?;
    let gone = erased.into_iter().filter(|erased| *erased == Erased::Now).count();
    Ok(Handled::Withdrawn(u64::try_from(gone).unwrap_or_default()))
}

/// The rows that an order is about.
pub(crate) async fn meant(run: &Run<'_>, order: &WithdrawOrder) -> Result<Vec<OwnRow>, Fault> {
    let mut rows = all_rows(run, order.subject).await?;
    rows.retain(|row| is_meant(row, order));
    Ok(rows)
}

/// Whether a row was kept for the purpose, and is not newer. What was said about purposes
/// stays as evidence, the person as long as they can be reached, and the mark of an unsent
/// message as long as a backup could bring it back.
fn is_meant(row: &OwnRow, order: &WithdrawOrder) -> bool {
    row.purpose.as_ref() == Some(&order.purpose)
        && row.event_at.is_none_or(|at| at <= order.as_of)
        && !matches!(row.kind.as_str(), "consent" | "subject" | "state" | "hold" | "order" | "tombstone")
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

async fn erase(run: &Run<'_>, order: &WithdrawOrder, sk: &str) -> Result<Erased, Fault> {
    if sk.starts_with(key::LOOKUP) {
        run.vault.delete_lookup(order.subject, sk).await?;
    }
    let row = DueRow { subject: order.subject, sk: sk.to_owned(), due_at: run.now };
    if !link::due(run, &row).await? {
        return Ok(Erased::Busy);
    }
    Ok(match run.vault.delete_row_until(order.subject, sk, order.as_of).await? {
        Outcome::Written => Erased::Now,
        Outcome::Already => Erased::Already,
    })
}
