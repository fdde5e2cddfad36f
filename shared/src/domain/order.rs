//! Which of two events of one person is newer.

use std::fmt;

use crate::domain::{
    id::{LineItemId, Malformed},
    time::UnixMs,
};

/// The place of an event among the events of one person: its time, then its id.
///
/// LINE does not promise an order of arrival, but an event's `timestamp` and
/// `webhookEventId` never change (PLATFORM.md §1.3). Comparing them makes the end
/// state the same whatever came first. Its text form sorts as it does, so that a
/// DynamoDB condition can compare it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventOrder {
    /// When the event happened.
    pub at: UnixMs,
    /// LINE's id of the event.
    pub event: LineItemId,
}

impl EventOrder {
    /// Reads the text form.
    ///
    /// # Errors
    /// It is not one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("event order");
        let (at, event) = text.split_once('#').ok_or(malformed)?;
        let at = at.parse().map(UnixMs::new).map_err(|_| malformed)?;
        Ok(Self { at, event: LineItemId::parse(event)? })
    }
}

impl fmt::Display for EventOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:015}#{}", self.at.get(), self.event.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(at: i64, event: &str) -> EventOrder {
        EventOrder { at: UnixMs::new(at), event: LineItemId::parse(event).unwrap() }
    }

    #[test]
    fn text_sorts_like_the_value() {
        let mut all = [order(9, "B"), order(10, "A"), order(1_795_186_800_000, "A"), order(9, "A")];
        all.sort();
        let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert!(texts.is_sorted(), "{texts:?}");
        assert_eq!(all[0], order(9, "A"));
        for order in all {
            assert_eq!(EventOrder::parse(&order.to_string()), Ok(order));
        }
        assert!(EventOrder::parse("9").is_err() && EventOrder::parse("a#b").is_err());
    }
}
