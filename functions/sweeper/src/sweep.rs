//! One run: slot by slot, page by page, row by row.

use std::sync::Arc;

use azukari::{
    domain::{
        sweep::{self, Slot},
        time::{Hour, UnixMs},
    },
    host::{deadline::Deadline, published::Policies},
    store::{
        StoreError, Vault,
        due::{DuePage, DueRow},
        key,
    },
};
use futures::{StreamExt, stream};

use crate::{Report, SweepError, Sweeper, person, value};

/// Slots that are read at the same time, and rows of each that are handled.
const SLOTS_AT_ONCE: usize = 8;
const ROWS_AT_ONCE: usize = 8;

/// What one row came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handled {
    Erased,
    Redated,
    Unsent,
    SetAside,
    PersonErased,
    Unlinked,
    Waiting,
    /// It was gone, or due at another time, when it was looked at.
    Changed,
}

/// One run.
pub(crate) struct Run<'a> {
    pub(crate) sweeper: &'a Sweeper,
    pub(crate) vault: Vault,
    pub(crate) now: UnixMs,
    pub(crate) policies: Policies,
}

impl Sweeper {
    /// Erases what is due and carries out orders, until everything up to now is done
    /// or the deadline comes. A dry run changes nothing and counts what is due.
    ///
    /// # Errors
    /// The cursor could not be read or written. What goes wrong with single rows is
    /// counted, and they are found again by the next run.
    pub async fn sweep(&self, deadline: Deadline, dry_run: bool) -> Result<Report, SweepError> {
        let usage = Arc::default();
        let run = Run {
            sweeper: self,
            vault: self.vault.clone().metered(Arc::clone(&usage)),
            now: self.ctx.now(),
            policies: Policies::default(),
        };
        let mut report = Report { dry_run, complete: true, ..Report::default() };
        let cursor = run.vault.cursor().await?.ok_or(SweepError::NoCursor)?;
        let mut unfinished: Option<Hour> = None;
        let slots = sweep::hours(cursor, run.now).flat_map(|hour| Slot::all(hour).map(move |slot| (hour, slot)));
        let mut reading =
            stream::iter(slots).map(|(hour, slot)| run.slot(hour, slot, deadline, dry_run)).buffered(SLOTS_AT_ONCE);
        while let Some(slot) = reading.next().await {
            if !slot.done {
                unfinished = unfinished.or(Some(slot.hour));
            }
            report.add(&slot.report);
        }
        drop(reading);
        if !dry_run {
            let next = sweep::cursor(unfinished, run.now);
            if next != cursor {
                run.vault.put_cursor(next).await?;
            }
        }
        report.calls = usage.calls();
        report.units = usage.units();
        self.publish(&report);
        Ok(report)
    }

    fn publish(&self, report: &Report) {
        let metrics = self.ctx.metrics();
        if !report.dry_run {
            let overdue = report.failed + report.set_aside;
            metrics.level("sweeper_overdue", "rows", overdue);
            let counts = [
                ("erased", report.erased),
                ("persons", report.persons),
                ("redated", report.redated),
                ("unsent", report.unsent),
                ("unlinked", report.unlinked),
                ("set_aside", report.set_aside),
                ("failed", report.failed),
            ];
            for (kind, n) in counts {
                metrics.add("sweeper", kind, n);
            }
        }
        tracing::info!(
            due = report.due,
            erased = report.erased,
            persons = report.persons,
            redated = report.redated,
            unsent = report.unsent,
            unlinked = report.unlinked,
            waiting = report.waiting,
            set_aside = report.set_aside,
            failed = report.failed,
            calls = report.calls,
            units = report.units,
            complete = report.complete,
            dry_run = report.dry_run,
            "sweep"
        );
    }
}

/// What became of one slot.
struct SlotDone {
    hour: Hour,
    report: Report,
    /// Whether it was read to its end and nothing in it is left to do.
    done: bool,
}

impl Run<'_> {
    async fn slot(&self, hour: Hour, slot: Slot, deadline: Deadline, dry_run: bool) -> SlotDone {
        let mut report = Report { dry_run, complete: true, ..Report::default() };
        let done = self.pages(slot, deadline, &mut report).await.unwrap_or_else(|error| {
            report.failed += 1;
            report.complete = false;
            tracing::error!(%error, "a slot could not be read");
            false
        });
        SlotDone { hour, report, done }
    }

    async fn pages(&self, slot: Slot, deadline: Deadline, report: &mut Report) -> Result<bool, StoreError> {
        let mut done = true;
        let mut after: Option<DuePage> = None;
        loop {
            if deadline.has_come() {
                report.complete = false;
                return Ok(false);
            }
            let page = self.vault.due_page(slot, self.now, after).await?;
            if page.strangers > 0 {
                report.failed += u64::try_from(page.strangers).unwrap_or(u64::MAX);
                tracing::error!(rows = page.strangers, "the due index holds rows that belong to nobody");
            }
            report.due += u64::try_from(page.rows.len()).unwrap_or_default();
            if !report.dry_run {
                done &= self.page(&page, report).await;
            }
            if !page.has_more() {
                return Ok(done);
            }
            after = Some(page);
        }
    }

    async fn page(&self, page: &DuePage, report: &mut Report) -> bool {
        let mut done = true;
        let handling: Vec<_> = page.rows.iter().map(|row| self.row(row)).collect();
        let mut results = stream::iter(handling).buffered(ROWS_AT_ONCE);
        for row in &page.rows {
            let Some(result) = results.next().await else { return false };
            let overdue_ms = self.now.since(row.due_at);
            match result {
                Ok(handled) => report.note(handled, overdue_ms),
                Err(error) => {
                    done = false;
                    report.failed += 1;
                    report.overdue(overdue_ms);
                    tracing::error!(subject = %row.subject, %error, "a due row could not be handled");
                }
            }
        }
        done
    }

    async fn row(&self, row: &DueRow) -> Result<Handled, StoreError> {
        if row.sk.starts_with(key::ORDER) {
            person::order(self, row).await
        } else if row.sk == key::ALONE {
            person::contact_due(self, row).await
        } else if row.sk == key::LINE_STATE {
            person::block_due(self, row).await
        } else {
            value::due(self, row).await
        }
    }
}
