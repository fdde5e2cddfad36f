//! A single value that is due.

use azukari::{
    domain::{
        consent::Consent,
        erasure::UNSENT_MS,
        id::{DefinitionId, VersionId},
        retention::Facts,
        time::UnixMs,
    },
    store::{
        Outcome, StoreError,
        due::{DueRow, Special},
        value::Unsent,
    },
};

use crate::sweep::{Handled, Run};

/// Erases a due value: one call, unless something speaks for it.
pub(crate) async fn due(run: &Run<'_>, row: &DueRow) -> Result<Handled, StoreError> {
    if run.vault.delete_due(row).await? == Outcome::Written {
        return Ok(Handled::Erased);
    }
    match run.vault.special(row).await? {
        Special::Changed => Ok(Handled::Changed),
        Special::NotVouched => erase(run, row).await,
        Special::Unlisted(unsent) => keep_tombstone(run, row, &unsent).await,
        Special::AwaitingConsent { purpose, policy, event_at } => {
            match due_with_consent(run, row, &purpose, &policy, event_at).await? {
                Some(later) => redate(run, row, later).await,
                None => erase(run, row).await,
            }
        }
    }
}

/// Under `keep_24h`: when the value is due by its purpose, if consent was given
/// meanwhile and that is still to come.
async fn due_with_consent(
    run: &Run<'_>,
    row: &DueRow,
    purpose: &DefinitionId,
    policy: &VersionId,
    event_at: UnixMs,
) -> Result<Option<UnixMs>, StoreError> {
    if run.vault.consent(row.subject, purpose).await? != Consent::Given {
        return Ok(None);
    }
    let Some(terms) = run.terms.of(&run.vault, policy, purpose).await? else { return Ok(None) };
    let facts = Facts { collected: event_at, last_contact: event_at.tokyo_day().start() };
    Ok(Some(terms.retention.due(facts)).filter(|due| *due > run.now))
}

/// The message is gone since it was unsent; its key goes onto the erasure list, and
/// the tombstone stays for as long as a backup could bring the message back.
async fn keep_tombstone(run: &Run<'_>, row: &DueRow, unsent: &Unsent) -> Result<Handled, StoreError> {
    let day = unsent.event_at.tokyo_day();
    run.sweeper.audit.list_unsent(day, row.subject, &unsent.message, run.now).await?;
    let until = run.now.plus(UNSENT_MS);
    Ok(match run.vault.keep_unsent(unsent, row.due_at, until, run.now).await? {
        Outcome::Written => Handled::Unsent,
        Outcome::Already => Handled::Changed,
    })
}

async fn erase(run: &Run<'_>, row: &DueRow) -> Result<Handled, StoreError> {
    Ok(match run.vault.delete_due_at(row).await? {
        Outcome::Written => Handled::Erased,
        Outcome::Already => Handled::Changed,
    })
}

pub(crate) async fn redate(run: &Run<'_>, row: &DueRow, later: UnixMs) -> Result<Handled, StoreError> {
    Ok(match run.vault.redate(row, later, run.now).await? {
        Outcome::Written => Handled::Redated,
        Outcome::Already => Handled::Changed,
    })
}
