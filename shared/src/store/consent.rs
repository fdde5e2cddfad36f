//! Consent rows `S#<id>` / `C#<purpose>#<ms>`: what a person has said about one
//! purpose. They are only added to, and the newest counts; of two answers in the same
//! millisecond the later event stays.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use crate::domain::{
    consent::{Consent, Said},
    erasure::Ground,
    id::{DefinitionId, SubjectId},
    order::EventOrder,
    person::Person,
    time::UnixMs,
};
use crate::store::{
    Item, Outcome, StoreError, Vault,
    error::outcome,
    key,
    mapping::Mapping,
    order::{EraseOrder, WithdrawOrder},
    subject::SubjectRow,
    vault::Condition,
};

/// What somebody has answered to a notice.
#[derive(Debug, Clone)]
pub struct Answered<'a> {
    /// Who.
    pub subject: SubjectId,
    /// The purposes that the notice named.
    pub purposes: &'a [&'a DefinitionId],
    /// What they said.
    pub said: Said,
    /// The event.
    pub order: EventOrder,
    /// The notice that they answered to.
    pub notice: Notice,
}

/// The notice that somebody answered to.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Its policy version.
    pub shown: String,
    /// A digest of its words, if it is known.
    pub digest: Option<String>,
}

impl Vault {
    /// Appends what a person said about one purpose in answer to a notice.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_consent(
        &self,
        subject: SubjectId,
        purpose: &DefinitionId,
        said: Said,
        notice: &Notice,
        order: &EventOrder,
    ) -> Result<Outcome, StoreError> {
        outcome(self.put(self.consent_item(subject, purpose, (said, "chat"), notice, order), newer(order)).await)
    }

    /// Stores the newest answer that is known: mapping, subject row, one consent row for
    /// each purpose and, if it is 同意しない, the order to erase; all of it or nothing.
    /// `None` if the mapping has changed since it was read, or the person is gone: read
    /// it again.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_answer(
        &self,
        pk: &str,
        read: &Mapping,
        person: &Person,
        subject: SubjectRow,
        answered: &Answered<'_>,
        now: UnixMs,
    ) -> Result<Option<Mapping>, StoreError> {
        let item = self.mapping_item(pk, person);
        let written = Mapping::written(&item, person)?;
        let mut parts = vec![
            self.part_put(item, read.unchanged()),
            self.part_put(self.subject_item(subject, now), Condition::that("attribute_exists(pk)")),
        ];
        let Answered { subject, purposes, said, notice, order } = answered;
        let consents =
            purposes.iter().map(|purpose| self.consent_item(*subject, purpose, (*said, "chat"), notice, order));
        if *said == Said::Refused {
            let id = order.event.as_str().to_owned();
            let order = EraseOrder { subject: *subject, id, ground: Ground::Refused, as_of: order.at };
            parts.push(self.part_put(self.order_item(&order, now), Condition::none()));
        }
        match self.transact_with_consents(parts, consents.collect(), order).await {
            Ok(()) => Ok(Some(written)),
            Err(error) if error.part_failed(0) || error.part_failed(1) || error.conflict() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores that a consent is taken back: mapping, consent row and the order to erase what
    /// was kept for it; all of it or nothing. `how`: in the chat, or on the page. `None` if the mapping has changed since it was
    /// read: read it again.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_withdrawal(
        &self,
        pk: &str,
        read: &Mapping,
        person: &Person,
        event: &EventOrder,
        order: &WithdrawOrder,
        (how, now): (&str, UnixMs),
    ) -> Result<Option<Mapping>, StoreError> {
        let item = self.mapping_item(pk, person);
        let written = Mapping::written(&item, person)?;
        let notice = Notice { shown: person.shown.last().unwrap_or("none").to_owned(), digest: None };
        let consent = self.consent_item(order.subject, &order.purpose, (Said::Withdrawn, how), &notice, event);
        let parts = vec![
            self.part_put(item, read.unchanged()),
            self.part_put(self.withdraw_item(order, now), Condition::none()),
        ];
        match self.transact_with_consents(parts, vec![consent], event).await {
            Ok(()) => Ok(Some(written)),
            Err(error) if error.part_failed(0) || error.conflict() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes these parts, and of the consent rows those that no later event of the same
    /// millisecond has written: that one stays.
    async fn transact_with_consents(
        &self,
        parts: Vec<TransactWriteItem>,
        consents: Vec<Item>,
        order: &EventOrder,
    ) -> Result<(), StoreError> {
        let others = parts.len();
        let mut all = parts;
        all.extend(consents.into_iter().map(|consent| self.part_put(consent, newer(order))));
        match self.transact(all.clone()).await {
            Err(error)
                if (others..all.len()).any(|part| error.part_failed(part))
                    && !(0..others).any(|part| error.part_failed(part)) =>
            {
                let mut part = 0..;
                all.retain(|_| !part.next().is_some_and(|part| error.part_failed(part)));
                self.transact(all).await
            }
            done => done,
        }
    }

    fn consent_item(
        &self,
        subject: SubjectId,
        purpose: &DefinitionId,
        (said, how): (Said, &str),
        notice: &Notice,
        order: &EventOrder,
    ) -> Item {
        Item::new(key::subject(subject), key::consent(purpose, order.at), "consent")
            .text("purpose", purpose.as_str())
            .text("consent", said.as_str())
            .text("shown", &notice.shown)
            .maybe_text("notice", notice.digest.as_deref())
            .text("how", how)
            .time("event_at", order.at)
            .text("event_order", order.to_string())
            .vouched(self.origin())
    }

    /// The newest that a person said about one purpose: one call.
    ///
    /// # Errors
    /// The call failed, or the row is not vouched for or not well formed.
    pub async fn consent(&self, subject: SubjectId, purpose: &DefinitionId) -> Result<Consent, StoreError> {
        let answer = self
            .client()
            .query()
            .table_name(self.table())
            .key_condition_expression("pk = :pk AND begins_with(sk, :consents)")
            .expression_attribute_values(":pk", AttributeValue::S(key::subject(subject)))
            .expression_attribute_values(":consents", AttributeValue::S(key::consents(purpose)))
            .scan_index_forward(false)
            .limit(1)
            .consistent_read(true)
            .set_return_consumed_capacity(self.metering())
            .send()
            .await
            .map_err(|error| StoreError::call("Query", error))?;
        self.spent(answer.consumed_capacity());
        let Some(map) = answer.items.unwrap_or_default().into_iter().next() else { return Ok(Consent::None) };
        match Item::verified(map, self.origin())?.get_text("consent")? {
            "given" => Ok(Consent::Given),
            _ => Ok(Consent::Refused),
        }
    }
}

/// The condition of a consent row: nothing is there, or an earlier event of the same
/// millisecond.
fn newer(order: &EventOrder) -> Condition {
    Condition::that("attribute_not_exists(pk) OR event_order < :event_order")
        .with_text(":event_order", order.to_string())
}
