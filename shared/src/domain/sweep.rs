//! Which slots of the `due` index a sweep reads, and how far its cursor goes.
//!
//! A slot is an hour and a shard. Its rows may be written up to two hours late
//! (clocks differ, requests hang), so it closes no sooner than two hours after
//! its hour, and the last 48 hours are always read again.

use crate::domain::{
    id::SubjectId,
    time::{Hour, UnixMs},
};

/// Shards of each hour, so that no index partition takes all writes of an hour.
pub const SHARDS: u8 = 2;

/// Hours that are read in every run, however far the cursor is.
pub const REREAD_HOURS: i64 = 48;

/// Whole hours after which a slot may close.
const CLOSING_HOURS: i64 = 2;

/// One partition of the `due` index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    hour: Hour,
    shard: u8,
}

impl Slot {
    /// The slot of a row of this person that is due at `due`. A time already
    /// past goes into the current slot, because older slots may have closed.
    pub fn of(subject: SubjectId, due: UnixMs, now: UnixMs) -> Self {
        Self { hour: due.max(now).hour(), shard: subject.as_bytes()[0] % SHARDS }
    }

    /// All slots of one hour.
    pub fn all(hour: Hour) -> impl Iterator<Item = Self> {
        (0..SHARDS).map(move |shard| Self { hour, shard })
    }
}

impl std::fmt::Display for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.hour, self.shard)
    }
}

/// The slot of a row of this person that is set aside: no hour's, so that no run handles
/// it, and every run finds it.
pub fn aside(subject: SubjectId) -> String {
    format!("aside#{}", subject.as_bytes()[0] % SHARDS)
}

/// Every slot of rows that are set aside.
pub fn asides() -> impl Iterator<Item = String> {
    (0..SHARDS).map(|shard| format!("aside#{shard}"))
}

/// The hours a sweep at `now` reads, oldest first.
pub fn hours(cursor: Hour, now: UnixMs) -> impl Iterator<Item = Hour> {
    let last = now.hour();
    let first = cursor.min(last.plus(-REREAD_HOURS));
    (0..=last.count() - first.count()).map(move |n| first.plus(n))
}

/// The cursor after a sweep at `now` that left something undone in `unfinished`
/// (the oldest such hour). It never passes `now`, so it moves back with a clock
/// that was wrong.
pub fn cursor(unfinished: Option<Hour>, now: UnixMs) -> Hour {
    let closed = now.hour().plus(-CLOSING_HOURS);
    unfinished.map_or(closed, |hour| hour.min(closed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs::new(1_795_186_800_000);

    #[test]
    fn the_last_48_hours_are_always_read() {
        let read: Vec<Hour> = hours(NOW.hour(), NOW).collect();
        assert_eq!(read.len(), 49);
        assert_eq!(read.first(), Some(&NOW.hour().plus(-48)));
        assert_eq!(read.last(), Some(&NOW.hour()));
    }

    #[test]
    fn a_sweeper_that_was_down_reads_from_its_cursor() {
        assert_eq!(hours(NOW.hour().plus(-1_000), NOW).count(), 1_001);
    }

    #[test]
    fn the_cursor_never_passes_now_and_goes_back_with_the_clock() {
        assert_eq!(cursor(None, NOW), NOW.hour().plus(-2));
        assert_eq!(cursor(Some(NOW.hour().plus(-30)), NOW), NOW.hour().plus(-30));
        assert_eq!(cursor(Some(NOW.hour().plus(9)), NOW), NOW.hour().plus(-2));
        assert_eq!(hours(NOW.hour().plus(5_000), NOW).count(), 49);
    }

    #[test]
    fn a_slot_closes_no_sooner_than_two_hours_after_its_hour() {
        let hour = NOW.hour();
        let one_before = hour.plus(3).start().plus(-1);
        assert!(cursor(None, one_before) <= hour);
        assert!(cursor(None, hour.plus(3).start()) > hour);
    }

    #[test]
    fn a_past_due_time_goes_into_the_current_slot() {
        let subject = SubjectId::new([7; 16]);
        let past = Slot::of(subject, NOW.plus(-90 * 86_400_000), NOW);
        assert_eq!(past.to_string(), format!("{}#1", NOW.hour()));
        let future = Slot::of(subject, NOW.plus(86_400_000), NOW);
        assert_eq!(future.to_string(), "2026-11-21T15#1");
    }
}
