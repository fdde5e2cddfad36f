//! Order rows `S#<id>` / `O#<id>`: what somebody entitled has asked for. Intake may
//! place one and never carries it out.

use crate::domain::{
    erasure::{Ground, UnlinkGround},
    id::{ChannelName, DefinitionId, SubjectId},
    link::MemberDigest,
    sweep::Slot,
    time::UnixMs,
};
use crate::store::{Item, Outcome, StoreError, Vault, error::outcome, key, vault::Condition};

/// An order to erase a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EraseOrder {
    /// The person.
    pub subject: SubjectId,
    /// Its id: of the event that gave it, or made by the sweeper.
    pub id: String,
    /// Why.
    pub ground: Ground,
    /// Only what is not newer is touched.
    pub as_of: UnixMs,
}

/// An order to erase what only a link with a member id needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnlinkOrder {
    /// The person.
    pub subject: SubjectId,
    /// Its id: of the event that gave it, or made for it.
    pub id: String,
    /// The channel.
    pub channel: ChannelName,
    /// The digest of the member id.
    pub member: MemberDigest,
    /// Why.
    pub ground: UnlinkGround,
    /// Only what is not newer is touched.
    pub as_of: UnixMs,
}

/// An order to erase what was kept for a purpose alone, because the consent to it was taken
/// back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawOrder {
    /// The person.
    pub subject: SubjectId,
    /// Its id: of the event that gave it.
    pub id: String,
    /// The purpose.
    pub purpose: DefinitionId,
    /// Only what is not newer is touched.
    pub as_of: UnixMs,
    /// When it was placed: for a while from then on, a warm function may know nothing of it.
    pub placed_at: UnixMs,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// To erase a person.
    Erase(EraseOrder),
    /// To erase what a link needed.
    Unlink(UnlinkOrder),
    /// To erase what was kept for a purpose.
    Withdraw(WithdrawOrder),
}

impl Vault {
    /// Places an order, due now; once.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_erase_order(&self, order: &EraseOrder, now: UnixMs) -> Result<Outcome, StoreError> {
        outcome(self.put(self.order_item(order, now), Condition::that("attribute_not_exists(pk)")).await)
    }

    pub(super) fn order_item(&self, order: &EraseOrder, now: UnixMs) -> Item {
        Item::new(key::subject(order.subject), key::order(&order.id), "order")
            .text("what", "erase")
            .text("ground", order.ground.as_str())
            .time("event_at", order.as_of)
            .time("due_at", order.as_of.min(now))
            .text("due_slot", Slot::of(order.subject, order.as_of.min(now), now).to_string())
            .vouched(self.origin())
    }

    /// Reads an order: one call. `None` if it is done.
    ///
    /// # Errors
    /// The call failed; or the order was planted or edited ([`StoreError::NotVouched`])
    /// and must not be carried out.
    pub async fn order(&self, subject: SubjectId, sk: &str) -> Result<Option<Order>, StoreError> {
        let Some(item) = self.get_vouched(&key::subject(subject), sk).await? else { return Ok(None) };
        let id = sk.strip_prefix(key::ORDER).ok_or(StoreError::Row { attribute: "sk" })?.to_owned();
        Ok(Some(match item.get_text("what")? {
            "erase" => {
                let ground = Ground::parse(item.get_text("ground")?).ok_or(StoreError::Row { attribute: "ground" })?;
                Order::Erase(EraseOrder { subject, id, ground, as_of: item.get_time("event_at")? })
            }
            "withdraw" => {
                let purpose = DefinitionId::new(item.get_text("purpose")?);
                let (as_of, placed_at) = (item.get_time("event_at")?, item.get_time("placed_at")?);
                Order::Withdraw(WithdrawOrder { subject, id, purpose, as_of, placed_at })
            }
            "unlink" => Order::Unlink(Self::read_unlink_order(&item, subject, id)?),
            _ => return Err(StoreError::Row { attribute: "what" }),
        }))
    }

    pub(super) fn withdraw_item(&self, order: &WithdrawOrder, now: UnixMs) -> Item {
        Item::new(key::subject(order.subject), key::order(&order.id), "order")
            .text("what", "withdraw")
            .text("purpose", order.purpose.as_str())
            .time("event_at", order.as_of)
            .time("placed_at", order.placed_at)
            .time("due_at", order.as_of.min(now))
            .text("due_slot", Slot::of(order.subject, order.as_of.min(now), now).to_string())
            .vouched(self.origin())
    }

    /// Removes an order to withdraw that has been carried out.
    ///
    /// # Errors
    /// The call failed.
    pub async fn end_withdrawal(&self, order: &WithdrawOrder) -> Result<(), StoreError> {
        self.delete(&key::subject(order.subject), &key::order(&order.id), Condition::none()).await
    }

    /// Removes an order to unlink that has been carried out.
    ///
    /// # Errors
    /// The call failed.
    pub async fn end_unlink(&self, order: &UnlinkOrder) -> Result<(), StoreError> {
        self.delete(&key::subject(order.subject), &key::order(&order.id), Condition::none()).await
    }
}
