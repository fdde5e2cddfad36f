//! State rows `S#<id>` / `Z#line`: whether the person follows or has blocked the
//! account.

use crate::domain::{id::SubjectId, order::EventOrder, retention::Friendship, sweep::Slot, time::UnixMs};
use crate::store::{
    Item, Outcome, StoreError, Vault,
    error::outcome,
    key::{self, LINE_STATE},
    vault::Condition,
};

/// Whether messages reach the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// Added, or unblocked.
    Following,
    /// Blocked. Unless they come back, everything about them is due then.
    Blocked {
        /// When.
        due_at: UnixMs,
    },
}

impl LineState {
    /// The word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Following => "following",
            Self::Blocked { .. } => "blocked",
        }
    }
}

/// When somebody is due who has blocked the account, as their vouched state row says.
pub(super) fn blocked_until(item: &Item) -> Option<UnixMs> {
    if item.find_text("state") == Some("blocked") { item.find_time("until") } else { None }
}

/// Whether somebody is a friend of the account, as their vouched state row says.
pub(super) fn friendship(item: &Item) -> Result<Friendship, StoreError> {
    let since = item.get_time("event_at")?;
    Ok(if item.find_text("state") == Some("blocked") { Friendship::Blocked(since) } else { Friendship::Friend(since) })
}

impl Vault {
    /// Notes a state, unless a newer one is known: one call, whatever the order of
    /// arrival.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_state(
        &self,
        subject: SubjectId,
        state: LineState,
        order: &EventOrder,
        now: UnixMs,
    ) -> Result<Outcome, StoreError> {
        let mut item = Item::new(key::subject(subject), LINE_STATE, "state")
            .text("state", state.as_str())
            .time("event_at", order.at)
            .text("event_order", order.to_string());
        if let LineState::Blocked { due_at } = state {
            // Once under the tag, once where a sweep finds it.
            item = item
                .time("until", due_at)
                .time("due_at", due_at)
                .text("due_slot", Slot::of(subject, due_at, now).to_string());
        }
        let item = item.vouched(self.origin());
        let condition = Condition::that("attribute_not_exists(pk) OR event_order < :event_order")
            .with_text(":event_order", order.to_string());
        outcome(self.put(item, condition).await)
    }

    /// Whether somebody is a friend of the account, and since when: one call.
    ///
    /// # Errors
    /// The call failed, or the row is not vouched for or not well formed.
    pub async fn friendship(&self, subject: SubjectId) -> Result<Friendship, StoreError> {
        match self.get_vouched(&key::subject(subject), LINE_STATE).await? {
            Some(item) => friendship(&item),
            None => Ok(Friendship::Unknown),
        }
    }

    /// When somebody who has blocked the account is due: one call. `None` if they have
    /// not, or came back.
    ///
    /// # Errors
    /// The call failed, or the row is not vouched for or not well formed.
    pub async fn blocked_until(&self, subject: SubjectId) -> Result<Option<UnixMs>, StoreError> {
        let Some(item) = self.get_vouched(&key::subject(subject), LINE_STATE).await? else { return Ok(None) };
        Ok(blocked_until(&item))
    }
}
