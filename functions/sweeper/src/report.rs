//! What a run has found and done.

use std::collections::BTreeMap;

use azukari::domain::id::DefinitionId;
use serde::Serialize;

use crate::sweep::Handled;

/// The result of one run. Counts and times only.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Rows found due: values, orders, and the records of persons. One that waits is
    /// found again by the next run.
    pub due: u64,
    /// Values erased.
    pub erased: u64,
    /// Values counted and erased.
    pub anonymised: u64,
    /// Rows that could not be acted on, taken out for somebody to look at.
    pub set_aside: u64,
    /// All rows that are set aside by now, of this run and of earlier ones (up to 200).
    pub aside: u64,
    /// Persons erased.
    pub persons: u64,
    /// Values whose time has moved on: consent came, or a newer contact.
    pub redated: u64,
    /// Unsent messages noted on the erasure list.
    pub unsent: u64,
    /// Links with member ids undone, as somebody wanted.
    pub unlinked: u64,
    /// Consents that were taken back and carried out; what was erased for them counts as
    /// erased.
    pub withdrawn: u64,
    /// Requests that nobody has answered in time; what was written in them counts as erased.
    pub unanswered: u64,
    /// Erasures that wait for their 120 seconds.
    pub waiting: u64,
    /// Rows that could not be handled this time.
    pub failed: u64,
    /// Due but not erased when the run ended, in milliseconds since the oldest was
    /// due. 0 when nothing is overdue.
    pub oldest_overdue_ms: i64,
    /// Calls to the vault.
    pub calls: u64,
    /// Capacity units of those calls.
    pub units: f64,
    /// Whether every slot up to now was read to its end.
    pub complete: bool,
    /// Whether the day before could not be sealed.
    pub unsealed: bool,
    /// Whether nothing was done, because the vault was brought back from a backup and the
    /// erasure list is to be replayed first.
    pub restored: bool,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// The same for single values, by the opaque id of their purpose. Orders, and the records
    /// of persons, belong to none; a row that could not be read stands under `?`.
    pub purposes: BTreeMap<String, OfPurpose>,
}

/// What a run has found and done for one purpose.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OfPurpose {
    /// Values found due.
    pub due: u64,
    /// Erased.
    pub erased: u64,
    /// Counted and erased.
    pub anonymised: u64,
    /// Whose time has moved on.
    pub redated: u64,
    /// Taken out for somebody to look at.
    pub set_aside: u64,
    /// Not handled this time.
    pub failed: u64,
    /// Due but not erased, in milliseconds since the oldest was due.
    pub oldest_overdue_ms: i64,
    /// Calls to the vault for these values.
    pub calls: u64,
    /// Capacity units of those calls.
    pub units: f64,
}

/// What handling one row has cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    pub(crate) calls: u64,
    pub(crate) units: f64,
}

impl Report {
    /// How many rows are due and not erased, but for erasures that wait for their 120
    /// seconds: it must be zero.
    pub fn due_but_not_erased(&self) -> u64 {
        self.failed + self.aside + u64::from(!self.complete)
    }

    /// Notes what one row came to.
    pub(crate) fn note(&mut self, handled: &Handled, overdue_ms: i64) {
        match handled {
            Handled::Erased(_) => self.erased += 1,
            Handled::Anonymised(_) => self.anonymised += 1,
            Handled::Redated(_) => self.redated += 1,
            Handled::Unsent => self.unsent += 1,
            Handled::PersonErased => self.persons += 1,
            Handled::Unlinked => self.unlinked += 1,
            Handled::Withdrawn(erased) => {
                self.withdrawn += 1;
                self.erased += erased;
            }
            Handled::Unanswered(_) => {
                self.unanswered += 1;
                self.erased += 1;
            }
            Handled::Waiting => self.waiting += 1,
            Handled::Changed | Handled::WouldGo(_) => {}
            Handled::SetAside(_) => {
                self.set_aside += 1;
                self.overdue(overdue_ms);
            }
        }
    }

    /// Notes what one value came to under its purpose; `None` for a failure.
    pub(crate) fn note_value(&mut self, handled: Option<&Handled>, overdue_ms: i64, cost: Cost) {
        let purpose = match handled {
            Some(
                Handled::Erased(purpose)
                | Handled::Anonymised(purpose)
                | Handled::Redated(purpose)
                | Handled::SetAside(purpose)
                | Handled::Unanswered(purpose)
                | Handled::WouldGo(purpose),
            ) => purpose.as_ref(),
            None => None,
            Some(
                Handled::Unsent
                | Handled::PersonErased
                | Handled::Unlinked
                | Handled::Withdrawn(_)
                | Handled::Waiting
                | Handled::Changed,
            ) => return,
        };
        let own = self.purposes.entry(purpose.map_or("?", DefinitionId::as_str).to_owned()).or_default();
        own.due += 1;
        own.calls += cost.calls;
        own.units += cost.units;
        match handled {
            Some(Handled::Erased(_) | Handled::Unanswered(_)) => own.erased += 1,
            Some(Handled::Anonymised(_)) => own.anonymised += 1,
            Some(Handled::Redated(_)) => own.redated += 1,
            Some(Handled::SetAside(_)) => own.set_aside += 1,
            None => own.failed += 1,
            Some(_) => {}
        }
        if matches!(handled, None | Some(Handled::SetAside(_) | Handled::WouldGo(_))) {
            own.oldest_overdue_ms = own.oldest_overdue_ms.max(overdue_ms);
        }
    }

    /// Notes a row that stays although it is due.
    pub(crate) fn overdue(&mut self, by_ms: i64) {
        self.oldest_overdue_ms = self.oldest_overdue_ms.max(by_ms);
    }

    /// Adds the counts of another part of the work, or of another run.
    pub fn add(&mut self, more: &Self) {
        self.due += more.due;
        self.erased += more.erased;
        self.anonymised += more.anonymised;
        self.set_aside += more.set_aside;
        self.aside = self.aside.max(more.aside);
        self.persons += more.persons;
        self.redated += more.redated;
        self.unsent += more.unsent;
        self.unlinked += more.unlinked;
        self.withdrawn += more.withdrawn;
        self.unanswered += more.unanswered;
        self.waiting += more.waiting;
        self.failed += more.failed;
        self.overdue(more.oldest_overdue_ms);
        self.calls += more.calls;
        self.units += more.units;
        self.complete &= more.complete;
        self.unsealed |= more.unsealed;
        self.restored |= more.restored;
        for (purpose, more) in &more.purposes {
            let own = self.purposes.entry(purpose.clone()).or_default();
            own.due += more.due;
            own.erased += more.erased;
            own.anonymised += more.anonymised;
            own.redated += more.redated;
            own.set_aside += more.set_aside;
            own.failed += more.failed;
            own.oldest_overdue_ms = own.oldest_overdue_ms.max(more.oldest_overdue_ms);
            own.calls += more.calls;
            own.units += more.units;
        }
    }
}
