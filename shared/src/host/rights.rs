//! What people ask of what is held about them, however they ask: what the chat and the page
//! of rights carry out in the same way.

use crate::domain::{
    definition::PurposeTerms,
    erasure::Ground,
    id::{DefinitionId, LineItemId},
    order::EventOrder,
    person::{Admission, admit},
    receipt::ReceiptId,
    time::UnixMs,
};
use crate::host::{
    log,
    people::{Known, PeopleError, Visit},
    published::{Channel, Policies},
};
use crate::store::{
    StoreError, Vault,
    order::{EraseOrder, WithdrawOrder},
};

/// How often the mapping is read again because somebody else changed it.
const ROUNDS: usize = 6;

/// Whom a wish meets.
#[derive(Debug)]
pub enum Met {
    /// Somebody of whom something is held.
    Known(Box<Known>),
    /// Nobody: nothing is held.
    NothingHeld,
    /// Somebody who was erased after it was made.
    Stale,
}

/// What became of a wish to take a consent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// It is taken back, now or before.
    Done,
    /// There is nobody who has given it.
    NothingHeld,
    /// The wish is older than an erasure.
    Stale,
}

/// The purposes for which consent can be taken back in a channel: all of the policy in force
/// but that of being reached, without which there is nobody to keep anything for.
///
/// # Errors
/// The store did not answer.
pub async fn purposes(policies: &Policies, vault: &Vault, channel: &Channel) -> Result<Vec<PurposeTerms>, StoreError> {
    let policy = policies.version(vault, &channel.policy).await?;
    let contact = &channel.definition.purposes.line_contact.id;
    let all = policy.iter().flat_map(|policy| &policy.purposes);
    Ok(all.filter(|terms| terms.id != *contact).cloned().collect())
}

impl Visit<'_> {
    /// Whom a wish meets that was made in answer to what was shown at `shown`: one call.
    ///
    /// # Errors
    /// See [`PeopleError`].
    pub async fn meet(&self, shown: UnixMs) -> Result<Met, PeopleError> {
        let (mapping, known) = self.mapping(true).await?;
        if admit(&mapping.standing, shown) == Admission::Stale {
            return Ok(Met::Stale);
        }
        Ok(known.map_or(Met::NothingHeld, |known| Met::Known(Box::new(known))))
    }

    /// Places the order to erase somebody: one call. Placed twice under the same id, it is
    /// one order with one receipt.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn order_erasure(&self, known: &Known, id: &LineItemId, at: UnixMs) -> Result<ReceiptId, PeopleError> {
        let vault = &self.intake.vault;
        let order =
            EraseOrder { subject: known.key.subject(), id: id.as_str().to_owned(), ground: Ground::Asked, as_of: at };
        vault.put_erase_order(&order, self.now).await?;
        log::order_placed("erase", &order.id, vault);
        Ok(ReceiptId::of(order.subject, &order.id, vault.origin()))
    }

    /// Takes the consent to a purpose back, by the event `event`, in answer to what was shown
    /// at `shown`; `how`: in the chat, or on the page. The same event takes it back once.
    ///
    /// # Errors
    /// See [`PeopleError`].
    pub async fn withdraw(
        &self,
        purpose: &DefinitionId,
        event: &EventOrder,
        shown: UnixMs,
        how: &'static str,
    ) -> Result<Withdrawn, PeopleError> {
        // A link is for one purpose: without it there is none.
        let mut linked = self.channel.definition.link.as_ref().is_some_and(|link| link.purpose.id == *purpose);
        for _ in 0..ROUNDS {
            let known = match self.meet(shown).await? {
                Met::Known(known) => known,
                Met::NothingHeld => return Ok(Withdrawn::NothingHeld),
                Met::Stale => return Ok(Withdrawn::Stale),
            };
            let same = known.person.withdrawn.get(purpose).is_some_and(|order| order.event == event.event);
            let Some(person) = known.person.withdrawing(purpose, event.clone()).filter(|_| !same) else {
                return Ok(Withdrawn::Done);
            };
            if linked {
                self.part(event.at, &format!("u-{}", event.event.as_str())).await?;
                linked = false;
                continue;
            }
            // One page may take back several consents, and ask for an erasure as well: none
            // of these orders may take the place of another.
            let order = WithdrawOrder {
                subject: known.key.subject(),
                id: format!("w-{}-{purpose}", event.event.as_str()),
                purpose: purpose.clone(),
                as_of: event.at,
                placed_at: self.now,
            };
            let vault = &self.intake.vault;
            let written =
                vault.put_withdrawal(&self.pk, &known.mapping, &person, event, &order, (how, self.now)).await?;
            if let Some(mapping) = written {
                log::order_placed("withdraw", &order.id, vault);
                self.known(&mapping)?;
                return Ok(Withdrawn::Done);
            }
            self.forget();
        }
        Err(PeopleError::Contended)
    }
}
