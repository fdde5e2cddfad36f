//! What must be erased again after a restore from backup, by what the erasure list says; and
//! the marks by which a restored vault is noticed.
//!
//! A mark is a number that only grows. Before anything goes onto the erasure list, the next
//! mark goes into the vault and then into the audit table. A vault that is brought back from
//! before an entry of the list lacks its mark, unless the order or the tombstone that led to
//! the entry is in it: then the sweeper carries it out once more by itself.

use std::collections::BTreeMap;

use crate::domain::{
    erasure::{Ground, UNSENT_MS},
    id::{DefinitionId, LineItemId, SubjectId},
    time::{DAY_MS, Day, UnixMs},
};

/// How far back the list is read at least: longer than any backup of the vault, by a margin
/// for what was listed late.
const LOOK_BACK_MS: i64 = UNSENT_MS + 5 * DAY_MS;

/// A mark, and when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its number.
    pub number: u64,
    /// When it was made.
    pub at: UnixMs,
}

/// What the list says of an order to erase a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// The person.
    pub subject: SubjectId,
    /// Why they were to be erased.
    pub ground: Ground,
    /// Only what is not newer was touched.
    pub as_of: UnixMs,
    /// When it was said.
    pub at: UnixMs,
}

/// A message that was unsent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsentMessage {
    /// The person.
    pub subject: SubjectId,
    /// The message.
    pub message: LineItemId,
    /// When it was unsent.
    pub event_at: UnixMs,
}

/// An entry of the erasure list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A step was about to be taken.
    Step(Said),
    /// The order was given up.
    Revoked(Said),
    /// A message was unsent.
    Unsent(UnsentMessage),
    /// A consent was taken back for one purpose.
    Withdrawn(Withdrawal),
}

/// A consent that was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// The person.
    pub subject: SubjectId,
    /// The purpose.
    pub purpose: DefinitionId,
    /// Only what is not newer was touched.
    pub as_of: UnixMs,
}

/// A person who must be erased again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// The person.
    pub subject: SubjectId,
    /// Why they were erased.
    pub ground: Ground,
    /// As of when.
    pub as_of: UnixMs,
}

/// What must not be in the vault any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Persons.
    pub persons: Vec<Again>,
    /// Messages of others: those of the persons above go with them.
    pub unsent: Vec<UnsentMessage>,
    /// Consents of others that were taken back: of each purpose the newest.
    pub withdrawn: Vec<Withdrawal>,
}

/// What follows from the list. A person is erased again if any step was listed for an order
/// that was not given up after it; the newest such order counts.
pub fn plan(entries: impl IntoIterator<Item = Entry>) -> Plan {
    let (mut steps, mut revoked) = (Vec::new(), Vec::new());
    let mut unsent = BTreeMap::new();
    let mut withdrawn: BTreeMap<(SubjectId, DefinitionId), Withdrawal> = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::Step(said) => steps.push(said),
            Entry::Revoked(said) => revoked.push(said),
            Entry::Unsent(message) => drop(unsent.insert((message.subject, message.message.clone()), message)),
            Entry::Withdrawn(new) => {
                let known = withdrawn.entry((new.subject, new.purpose.clone())).or_insert_with(|| new.clone());
                known.as_of = known.as_of.max(new.as_of);
            }
        }
    }
    let mut given_up: BTreeMap<SubjectId, Vec<Said>> = BTreeMap::new();
    for said in revoked {
        given_up.entry(said.subject).or_default().push(said);
    }
    let is_given_up = |step: &Said| {
        let of_person = given_up.get(&step.subject).map(Vec::as_slice).unwrap_or_default();
        of_person.iter().any(|end| (end.ground, end.as_of) == (step.ground, step.as_of) && end.at >= step.at)
    };
    let mut persons: BTreeMap<SubjectId, Again> = BTreeMap::new();
    for step in steps.iter().filter(|step| !is_given_up(step)) {
        let again = Again { subject: step.subject, ground: step.ground, as_of: step.as_of };
        let newest = persons.entry(step.subject).or_insert(again);
        if newest.as_of < again.as_of {
            *newest = again;
        }
    }
    let unsent = unsent.into_values().filter(|message| !persons.contains_key(&message.subject)).collect();
    let withdrawn = withdrawn.into_values().filter(|of| !persons.contains_key(&of.subject)).collect();
    Plan { persons: persons.into_values().collect(), unsent, withdrawn }
}

/// The days of the list that are to be read: from the one asked for, or an earlier one if the
/// oldest of `times` (now, and the marks that tell something) asks for it, to the newest.
pub fn days(asked: Option<Day>, now: UnixMs, marks: impl IntoIterator<Item = Mark>) -> impl Iterator<Item = Day> {
    let (mut oldest, mut newest) = (now, now);
    for mark in marks {
        oldest = oldest.min(mark.at);
        newest = newest.max(mark.at);
    }
    let needed = oldest.plus(-LOOK_BACK_MS).tokyo_day();
    let first = asked.map_or(needed, |asked| asked.min(needed));
    // Clocks differ.
    let last = newest.plus(DAY_MS).tokyo_day();
    let following = |day: &Day| Some(day.start().plus(DAY_MS).tokyo_day());
    std::iter::successors(Some(first), following).take_while(move |day| *day <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs::new(1_795_230_000_000);

    fn person(n: u8) -> SubjectId {
        SubjectId::new([n; 16])
    }

    fn said(n: u8, ground: Ground, as_of: i64, at: i64) -> Said {
        Said { subject: person(n), ground, as_of: UnixMs::new(as_of), at: UnixMs::new(at) }
    }

    fn unsent(n: u8, message: &str) -> UnsentMessage {
        UnsentMessage { subject: person(n), message: LineItemId::parse(message).unwrap(), event_at: NOW }
    }

    #[test]
    fn a_listed_person_is_erased_again_as_of_the_newest_order() {
        let steps = [said(1, Ground::Asked, 5, 10), said(1, Ground::Refused, 8, 12), said(1, Ground::Asked, 5, 20)];
        let plan = plan(steps.map(Entry::Step));
        let again = Again { subject: person(1), ground: Ground::Refused, as_of: UnixMs::new(8) };
        assert_eq!(plan, Plan { persons: vec![again], ..Plan::default() });
    }

    #[test]
    fn an_order_that_was_given_up_is_not_replayed_and_another_one_is() {
        let step = Entry::Step(said(1, Ground::Refused, 8, 10));
        let revoked = Entry::Revoked(said(1, Ground::Refused, 8, 10));
        assert_eq!(plan([step.clone(), revoked.clone()]), Plan::default());
        assert_eq!(plan([revoked.clone(), step.clone()]), Plan::default(), "whatever the order of the rows");
        let other = Entry::Step(said(1, Ground::Asked, 5, 9));
        assert_eq!(plan([step.clone(), revoked.clone(), other]).persons[0].ground, Ground::Asked);
        let later = Entry::Step(said(1, Ground::Refused, 8, 11));
        assert_eq!(plan([step, revoked, later]).persons.len(), 1, "taken after it was given up");
    }

    #[test]
    fn messages_of_others_are_unsent_again_once() {
        let entries = [
            Entry::Unsent(unsent(1, "1")),
            Entry::Unsent(unsent(2, "2")),
            Entry::Unsent(unsent(2, "2")),
            Entry::Step(said(1, Ground::Asked, 5, 9)),
        ];
        assert_eq!(plan(entries).unsent, [unsent(2, "2")]);
    }

    #[test]
    fn the_newest_withdrawal_of_each_purpose_counts_unless_the_person_is_gone() {
        let of = |n, purpose: &str, as_of| {
            let (purpose, as_of) = (DefinitionId::new(purpose), UnixMs::new(as_of));
            Withdrawal { subject: person(n), purpose, as_of }
        };
        let all = [of(1, "a", 5), of(1, "a", 9), of(1, "b", 7), of(2, "a", 3)].map(Entry::Withdrawn);
        let gone = Entry::Step(said(2, Ground::Asked, 5, 9));
        assert_eq!(plan(all.into_iter().chain([gone])).withdrawn, [of(1, "a", 9), of(1, "b", 7)]);
    }

    #[test]
    fn days_reach_from_before_every_backup_to_the_newest_mark() {
        let shown = |asked, marks: Vec<Mark>| {
            let days: Vec<String> = days(asked, NOW, marks).map(|day| day.to_string()).collect();
            (days[0].clone(), days[days.len() - 1].clone(), days.len())
        };
        let owned = |first: &str, last: &str, n| (first.to_owned(), last.to_owned(), n);
        assert_eq!(shown(None, Vec::new()), owned("2026-10-12", "2026-11-22", 42));
        assert_eq!(shown(Some(Day::parse("2026-11-20").unwrap()), Vec::new()), owned("2026-10-12", "2026-11-22", 42));
        assert_eq!(shown(Some(Day::parse("2026-10-01").unwrap()), Vec::new()), owned("2026-10-01", "2026-11-22", 53));
        let marks = [-10, 3].map(|days| Mark { number: 1, at: NOW.plus(days * DAY_MS) });
        assert_eq!(shown(None, marks.to_vec()), owned("2026-10-02", "2026-11-25", 55));
    }
}
