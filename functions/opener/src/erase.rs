//! The act `erase`: entry first, then the order to erase one person. Nothing is opened; the
//! sweeper carries the order out.

use azukari::{
    domain::{erasure::Ground, id::SubjectId, receipt::ReceiptId},
    host::log,
    store::{
        Outcome, StoreError,
        holding::{Holding, Window},
        key,
        order::EraseOrder,
    },
};

use crate::{
    Answer, Opener,
    answer::{Erasing, Erasure},
    open::Resolved,
    request::{Erase, Who},
    service::{Asking, Unavailable},
};

/// The id of an operator's order. A person is erased once: whoever asks again, with another
/// assertion because an answer was lost, meets the same order and has the same receipt.
const ORDER: &str = "operator";

/// No values: only whether somebody is held, and what else waits.
const NO_VALUES: Window<'static> = Window { after: None, submission: None, purpose: None, bytes: 0 };

/// Whom a request is about.
enum Found {
    /// Somebody of whom something is held.
    Held { subject: SubjectId, holding: Box<Holding> },
    /// Nobody, or nobody any more; who was named by their id is known by it.
    Nobody(Option<SubjectId>),
    /// Somebody whose rows do not say who they are.
    Unproven { subject: SubjectId, why: &'static str },
}

impl Opener {
    pub(crate) async fn erase(&self, asking: &Asking<'_>, erase: Erase) -> Result<Answer, Unavailable> {
        let note = self.sealed_note(asking, erase.note.as_ref())?;
        let found = self.find(asking, &erase.who).await?;
        let mut entry = asking.entry("order_erasure");
        entry.reason = Some(erase.reason.as_str());
        entry.note = note;
        let (subject, status, why) = match found {
            Found::Held { subject, holding } => {
                entry.subjects = vec![subject];
                let recorded = self.ledger.record(&entry).await?;
                if recorded.names(subject) {
                    return Ok(self.order(asking, subject, &holding).await?.into());
                }
                return Ok(Erasure::none(Some(subject), Erasing::Failed("not_recorded")).into());
            }
            Found::Nobody(subject) => (subject, Erasing::NotFound, "not_found"),
            Found::Unproven { subject, why } => (Some(subject), Erasing::Failed(why), why),
        };
        entry.act = "refuse";
        entry.unknown = usize::from(subject.is_none());
        entry.subjects = subject.into_iter().collect();
        entry.refusal = Some(why);
        self.ledger.record(&entry).await?;
        Ok(Erasure::none(subject, status).into())
    }

    /// Who somebody is, and what waits for them. As where people are opened, a mapping to
    /// somebody whose own row names another mapping was planted: it erases nobody.
    async fn find(&self, asking: &Asking<'_>, who: &Who) -> Result<Found, StoreError> {
        let Some(Resolved { subject, mapping }) = self.resolve(who, asking).await? else {
            return Ok(Found::Nobody(None));
        };
        let holding = Box::new(self.vault.holding(subject, NO_VALUES).await?);
        let Some(contact) = &holding.contact else {
            let unusable = holding.bad.iter().any(|row| row.sk == key::ALONE);
            return Ok(match (holding.held, unusable) {
                // The rows are being deleted: an order that is placed now ends with the others.
                (true, _) => Found::Held { subject, holding },
                (false, true) => Found::Unproven { subject, why: "contact_row" },
                (false, false) => Found::Nobody(Some(subject)),
            });
        };
        match mapping {
            Some((pk, _)) if pk != contact.mapping => Ok(Found::Unproven { subject, why: "mapping" }),
            Some(_) | None => Ok(Found::Held { subject, holding }),
        }
    }

    /// Places the order that the entry names.
    async fn order(&self, asking: &Asking<'_>, subject: SubjectId, holding: &Holding) -> Result<Erasure, StoreError> {
        // A row in its place that nobody vouches for is never carried out: this one is.
        let planted = holding.bad.iter().any(|row| row.sk == key::order(ORDER));
        let id = if planted { asking.id.get(..32).unwrap_or(asking.id) } else { ORDER };
        let order = EraseOrder { subject, id: id.to_owned(), ground: Ground::Asked, as_of: asking.now };
        let placed = self.vault.put_erase_order(&order, asking.now).await?;
        if placed == Outcome::Written {
            log::order_placed("erase", &order.id, &self.vault);
        }
        let before = placed == Outcome::Already || holding.held || holding.erase_ordered;
        Ok(Erasure {
            person: Some(subject.to_string()),
            status: if before { Erasing::UnderWay } else { Erasing::Ordered },
            receipt: Some(ReceiptId::of(subject, &order.id, self.vault.origin())),
        })
    }
}

impl Erasure {
    /// There is no order.
    fn none(subject: Option<SubjectId>, status: Erasing) -> Self {
        Self { person: subject.map(|subject| subject.to_string()), status, receipt: None }
    }
}
