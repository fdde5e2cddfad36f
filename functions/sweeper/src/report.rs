//! What a run has found and done.

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
    /// Rows that must not be acted on, taken out for somebody to look at.
    pub set_aside: u64,
    /// Persons erased.
    pub persons: u64,
    /// Values whose time has moved on: consent came, or a newer contact.
    pub redated: u64,
    /// Unsent messages noted on the erasure list.
    pub unsent: u64,
    /// Links with member ids undone, as somebody wanted.
    pub unlinked: u64,
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
    /// Whether nothing was changed.
    pub dry_run: bool,
}

impl Report {
    /// Notes what one row came to.
    pub(crate) fn note(&mut self, handled: Handled, overdue_ms: i64) {
        match handled {
            Handled::Erased => self.erased += 1,
            Handled::Redated => self.redated += 1,
            Handled::Unsent => self.unsent += 1,
            Handled::PersonErased => self.persons += 1,
            Handled::Unlinked => self.unlinked += 1,
            Handled::Waiting => self.waiting += 1,
            Handled::Changed => {}
            Handled::SetAside => {
                self.set_aside += 1;
                self.overdue(overdue_ms);
            }
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
        self.persons += more.persons;
        self.redated += more.redated;
        self.unsent += more.unsent;
        self.unlinked += more.unlinked;
        self.waiting += more.waiting;
        self.failed += more.failed;
        self.overdue(more.oldest_overdue_ms);
        self.calls += more.calls;
        self.units += more.units;
        self.complete &= more.complete;
    }
}
