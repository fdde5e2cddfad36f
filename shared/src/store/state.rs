//! State rows `S#<id>` / `Z#line`: whether the person follows or has blocked the
//! account.

use crate::domain::{id::SubjectId, order::EventOrder};
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
    /// Blocked.
    Blocked,
}

impl LineState {
    /// The word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Following => "following",
            Self::Blocked => "blocked",
        }
    }
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
    ) -> Result<Outcome, StoreError> {
        let item = Item::new(key::subject(subject), LINE_STATE, "state")
            .text("state", state.as_str())
            .time("event_at", order.at)
            .text("event_order", order.to_string())
            .vouched(self.origin());
        let condition = Condition::that("attribute_not_exists(pk) OR event_order < :event_order")
            .with_text(":event_order", order.to_string());
        outcome(self.put(item, condition).await)
    }
}
