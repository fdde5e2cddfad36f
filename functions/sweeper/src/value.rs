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
        key,
        value::Unsent,
    },
};

use crate::{
    link, person,
    sweep::{Handled, Run},
};

/// Erases a due value: one call, unless something speaks for it.
pub(crate) async fn due(run: &Run<'_>, row: &DueRow) -> Result<Handled, StoreError> {
    let leads_to_person = row.sk.starts_with(key::LOOKUP) || key::linked_member(&row.sk).is_some();
    if !leads_to_person && run.vault.delete_due(row).await? == Outcome::Written {
        return Ok(Handled::Erased);
    }
    match run.vault.special(row).await? {
        Special::Changed => Ok(Handled::Changed),
        Special::NotVouched => erase(run, row).await,
        Special::Unlisted(unsent) => keep_tombstone(run, row, &unsent).await,
        Special::Conditional { awaiting_consent, follows_contact, purpose, policy, event_at } => {
            let kept = Kept { awaiting_consent, follows_contact, purpose, policy, event_at };
            match kept.due(run, row).await?.filter(|due| *due > run.now) {
                Some(later) => redate(run, row, later).await,
                None => erase(run, row).await,
            }
        }
    }
}

/// A value for which something may speak.
struct Kept {
    awaiting_consent: bool,
    follows_contact: bool,
    purpose: DefinitionId,
    policy: VersionId,
    event_at: UnixMs,
}

impl Kept {
    /// When it is due by what is known now; `None` if nothing speaks for it: it waits
    /// for consent and none was given, or its terms are not to be found.
    async fn due(&self, run: &Run<'_>, row: &DueRow) -> Result<Option<UnixMs>, StoreError> {
        if self.awaiting_consent && run.vault.consent(row.subject, &self.purpose).await? != Consent::Given {
            return Ok(None);
        }
        let Some(terms) = run.policies.terms(&run.vault, &self.policy, &self.purpose).await? else { return Ok(None) };
        let own_day = self.event_at.tokyo_day().start();
        let last_contact = if self.follows_contact { person::last_contact(run, row.subject).await? } else { None };
        let facts = Facts { collected: self.event_at, last_contact: last_contact.unwrap_or(own_day) };
        Ok(Some(terms.retention.due(facts)))
    }
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
    // What leads to a person goes before the note of it.
    if row.sk.starts_with(key::LOOKUP) {
        run.vault.delete_lookup(row.subject, &row.sk).await?;
    }
    if !link::due(run, row).await? {
        return Ok(Handled::Changed);
    }
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
