//! A single value that is due.

use azukari::{
    domain::{
        consent::Consent,
        erasure::UNSENT_MS,
        id::{DefinitionId, VersionId},
        retention::{Facts, Follows, Friendship},
        time::UnixMs,
    },
    store::{
        Outcome,
        due::{DueRow, Special},
        key,
        value::Unsent,
    },
};

use crate::{
    link, person,
    sweep::{Fault, Handled, Run},
};

/// Erases a due value: one call, unless something speaks for it.
pub(crate) async fn due(run: &Run<'_>, row: &DueRow) -> Result<Handled, Fault> {
    let leads_to_person = row.sk.starts_with(key::LOOKUP) || key::linked_member(&row.sk).is_some();
    if !leads_to_person && let Some(gone) = run.vault.delete_due(row).await? {
        return Ok(Handled::Erased(gone.purpose));
    }
    match run.vault.special(row).await? {
        Special::Changed => Ok(Handled::Changed),
        Special::NotVouched => erase(run, row, None).await,
        Special::Unlisted(unsent) => keep_tombstone(run, row, &unsent).await,
        Special::Conditional { awaiting_consent, follows, given, counted, purpose, policy, event_at } => {
            let kept = Kept { awaiting_consent, follows, given, purpose: purpose.clone(), policy, event_at };
            match (kept.due(run, row).await?, counted) {
                (Some(later), _) if later > run.now => redate(run, row, later, Some(purpose)).await,
                (Some(_), Some(counted)) => Ok(match run.vault.count_and_delete(row, &counted).await? {
                    Outcome::Written => Handled::Anonymised(Some(purpose)),
                    Outcome::Already => Handled::Changed,
                }),
                // What waited for a consent that did not come is not counted either.
                (Some(_) | None, _) => erase(run, row, Some(purpose)).await,
            }
        }
    }
}

/// A value for which something may speak.
struct Kept {
    awaiting_consent: bool,
    follows: Option<Follows>,
    given: Option<UnixMs>,
    purpose: DefinitionId,
    policy: VersionId,
    event_at: UnixMs,
}

impl Kept {
    /// When it is due by what is known now; `None` if nothing speaks for it: it waits
    /// for consent and none was given, or its terms are not to be found.
    async fn due(&self, run: &Run<'_>, row: &DueRow) -> Result<Option<UnixMs>, Fault> {
        if self.awaiting_consent && run.vault.consent(row.subject, &self.purpose).await? != Consent::Given {
            return Ok(None);
        }
        let Some(terms) = run.policies.terms(&run.vault, &self.policy, &self.purpose).await? else { return Ok(None) };
        let mut facts = Facts { given: self.given, ..Facts::on_arrival(self.event_at) };
        if let Some(follows) = self.follows {
            if follows == Follows::Friendship {
                facts.friendship = person::friendship(run, row.subject).await?;
            }
            if follows == Follows::Contact || facts.friendship == Friendship::Unknown {
                facts.last_contact = person::last_contact(run, row.subject).await?.unwrap_or(facts.last_contact);
            }
        }
        Ok(Some(terms.retention.due(facts)))
    }
}

/// The message is gone since it was unsent; its key goes onto the erasure list, and
/// the tombstone stays for as long as a backup could bring the message back.
async fn keep_tombstone(run: &Run<'_>, row: &DueRow, unsent: &Unsent) -> Result<Handled, Fault> {
    run.marked().await?;
    run.sweeper.audit.list_unsent(unsent, run.now, run.vault.origin()).await?;
    let until = run.now.plus(UNSENT_MS);
    Ok(match run.vault.keep_unsent(unsent, row.due_at, until, run.now).await? {
        Outcome::Written => Handled::Unsent,
        Outcome::Already => Handled::Changed,
    })
}

async fn erase(run: &Run<'_>, row: &DueRow, purpose: Option<DefinitionId>) -> Result<Handled, Fault> {
    // What leads to a person goes before the note of it.
    if row.sk.starts_with(key::LOOKUP) {
        run.vault.delete_lookup(row.subject, &row.sk).await?;
    }
    if !link::due(run, row).await? {
        return Ok(Handled::Changed);
    }
    Ok(match run.vault.delete_due_at(row).await? {
        Outcome::Written => Handled::Erased(purpose),
        Outcome::Already => Handled::Changed,
    })
}

pub(crate) async fn redate(
    run: &Run<'_>,
    row: &DueRow,
    later: UnixMs,
    purpose: Option<DefinitionId>,
) -> Result<Handled, Fault> {
    Ok(match run.vault.redate(row, later, run.now).await? {
        Outcome::Written => Handled::Redated(purpose),
        Outcome::Already => Handled::Changed,
    })
}
