//! One run: slot by slot, page by page, row by row.

use std::sync::Arc;

use azukari::{
    domain::{
        id::DefinitionId,
        sweep::{self, Slot},
        time::{Hour, UnixMs},
        word::word,
    },
    host::{deadline::Deadline, ledger::NotRecorded, log, published::Policies},
    store::{
        Outcome, StoreError, Vault,
        due::{DuePage, DueRow},
        key,
    },
};
use futures::{StreamExt, stream};
use tokio::sync::OnceCell;

use crate::{
    Report, SweepError, Sweeper, person,
    report::Cost,
    request,
    roots::{self, Sealing},
    value,
};

/// Slots that are read at the same time, and rows of each that are handled.
const SLOTS_AT_ONCE: usize = 8;
const ROWS_AT_ONCE: usize = 8;

/// Why a row could not be handled this time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
}

impl Fault {
    /// Whether it would be the same however often it is tried: the row itself is wrong.
    fn is_of_the_row(&self) -> bool {
        let (Self::Store(error) | Self::NotRecorded(NotRecorded::Store(error))) = self else { return false };
        matches!(error, StoreError::Row { .. } | StoreError::NotVouched)
    }
}

/// What one row came to. Of a value that is told with its purpose, if it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Handled {
    Erased(Option<DefinitionId>),
    Anonymised(Option<DefinitionId>),
    Redated(Option<DefinitionId>),
    SetAside(Option<DefinitionId>),
    /// A dry run has found it due.
    WouldGo(Option<DefinitionId>),
    Unsent,
    PersonErased,
    /// A consent was taken back, and so many values are erased.
    Withdrawn(u64),
    Unlinked,
    Waiting,
    /// A request that nobody has answered in time has lost its words.
    Unanswered(Option<DefinitionId>),
    /// It was gone, or due at another time, when it was looked at.
    Changed,
}

impl Handled {
    /// What was done, in a word of the log. `None` if nothing was: it waits, was gone, or a
    /// dry run has looked at it.
    fn done(&self) -> Option<&'static str> {
        match self {
            Self::Erased(_) => Some("erased"),
            Self::Anonymised(_) => Some("anonymised"),
            Self::Redated(_) => Some("redated"),
            Self::SetAside(_) => Some("set_aside"),
            Self::Unsent => Some("unsent"),
            Self::PersonErased => Some("person_erased"),
            Self::Withdrawn(_) => Some("withdrawn"),
            Self::Unlinked => Some("unlinked"),
            Self::Unanswered(_) => Some("unanswered"),
            Self::WouldGo(_) | Self::Waiting | Self::Changed => None,
        }
    }
}

/// One run.
pub(crate) struct Run<'a> {
    pub(crate) sweeper: &'a Sweeper,
    pub(crate) vault: Vault,
    pub(crate) now: UnixMs,
    pub(crate) policies: Arc<Policies>,
    /// Whether there is a mark that is newer than the rows at hand.
    pub(crate) mark: Arc<OnceCell<()>>,
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
            policies: Arc::default(),
            mark: Arc::default(),
        };
        let mut report = Report { dry_run, complete: true, ..Report::default() };
        if self.has_returned(&run.vault).await? {
            tracing::error!(
                event = "vault_restored",
                "the vault was brought back from a backup: the restore check must run first"
            );
            report = Report { restored: true, complete: false, calls: usage.calls(), units: usage.units(), ..report };
            self.publish(&report);
            return Ok(report);
        }
        let cursor = run.vault.cursor().await?.ok_or(SweepError::NoCursor)?;
        if !dry_run {
            report.unsealed = match roots::seal(self, run.now).await {
                Ok(sealing) => sealing == Some(Sealing::Broken),
                Err(error) => {
                    self.ctx.metrics().count("day_root", "failed");
                    tracing::error!(event = "day_not_sealed", %error, "the day could not be sealed");
                    true
                }
            };
        }
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
        let (aside, oldest) = run.vault.set_aside_rows().await?;
        report.aside = aside;
        report.overdue(oldest.map_or(0, |due| run.now.since(due)));
        report.calls += usage.calls();
        report.units += usage.units();
        self.publish(&report);
        Ok(report)
    }

    fn publish(&self, report: &Report) {
        let metrics = self.ctx.metrics();
        if !report.dry_run {
            metrics.level("sweeper_overdue", "rows", report.due_but_not_erased());
            metrics.level("sweeper_aside", "rows", report.aside);
            metrics.level("sweeper_restored", "vault", report.restored.into());
            let counts = [
                ("erased", report.erased),
                ("anonymised", report.anonymised),
                ("persons", report.persons),
                ("redated", report.redated),
                ("unsent", report.unsent),
                ("unlinked", report.unlinked),
                ("withdrawn", report.withdrawn),
                ("set_aside", report.set_aside),
                ("unanswered", report.unanswered),
                ("failed", report.failed),
            ];
            for (kind, n) in counts {
                metrics.add("sweeper", kind, n);
            }
        }
        tracing::info!(
            event = "sweep",
            due = report.due,
            erased = report.erased,
            anonymised = report.anonymised,
            persons = report.persons,
            redated = report.redated,
            unsent = report.unsent,
            unlinked = report.unlinked,
            withdrawn = report.withdrawn,
            unanswered = report.unanswered,
            waiting = report.waiting,
            set_aside = report.set_aside,
            aside = report.aside,
            oldest_overdue_ms = report.oldest_overdue_ms,
            failed = report.failed,
            calls = report.calls,
            units = report.units,
            complete = report.complete,
            restored = report.restored,
            dry_run = report.dry_run,
            "sweep"
        );
        for (purpose, own) in &report.purposes {
            tracing::info!(
                event = "sweep_of_purpose",
                purpose = word(purpose.as_str()),
                due = own.due,
                erased = own.erased,
                anonymised = own.anonymised,
                redated = own.redated,
                set_aside = own.set_aside,
                failed = own.failed,
                oldest_overdue_ms = own.oldest_overdue_ms,
                calls = own.calls,
                units = own.units,
                dry_run = report.dry_run,
                "sweep of a purpose"
            );
        }
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
            tracing::error!(event = "slot_not_read", %error, "a slot could not be read");
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
                tracing::error!(
                    event = "due_index_strangers",
                    rows = page.strangers,
                    "the due index holds rows that belong to nobody"
                );
            }
            report.due += u64::try_from(page.rows.len()).unwrap_or_default();
            done &= self.page(&page, report).await;
            if !page.has_more() {
                return Ok(done);
            }
            after = Some(page);
        }
    }

    async fn page(&self, page: &DuePage, report: &mut Report) -> bool {
        let dry_run = report.dry_run;
        let mut done = true;
        // A mark that is made from here on is newer than every row of the page.
        let mark = Arc::default();
        let handling: Vec<_> = page.rows.iter().map(|row| self.metered(row, dry_run, &mark)).collect();
        let mut results = stream::iter(handling).buffered(ROWS_AT_ONCE);
        for row in &page.rows {
            let Some((result, cost)) = results.next().await else { return false };
            report.calls += cost.calls;
            report.units += cost.units;
            let overdue_ms = self.now.since(row.due_at);
            match result {
                Ok(handled) => {
                    report.note(&handled, overdue_ms);
                    report.note_value(Some(&handled), overdue_ms, cost);
                    if let Some(outcome) = handled.done() {
                        let trace = log::trace(&row.sk, &self.vault);
                        tracing::info!(
                            event = "row_handled",
                            subject = %row.subject,
                            trace,
                            outcome,
                            "a due row was handled"
                        );
                    }
                }
                Err(error) => {
                    done = false;
                    report.failed += 1;
                    report.overdue(overdue_ms);
                    if is_value(row) {
                        report.note_value(None, overdue_ms, cost);
                    }
                    let trace = log::trace(&row.sk, &self.vault);
                    tracing::error!(
                        event = "row_not_handled",
                        subject = %row.subject,
                        trace,
                        %error,
                        "a due row could not be handled"
                    );
                }
            }
        }
        done
    }

    /// Handles one row, and says what it has cost.
    async fn metered(&self, row: &DueRow, dry_run: bool, mark: &Arc<OnceCell<()>>) -> (Result<Handled, Fault>, Cost) {
        let usage = Arc::default();
        let own = Run {
            sweeper: self.sweeper,
            vault: self.vault.clone().metered(Arc::clone(&usage)),
            now: self.now,
            policies: Arc::clone(&self.policies),
            mark: Arc::clone(mark),
        };
        let result = if dry_run { own.look(row).await } else { own.row_or_aside(row).await };
        (result, Cost { calls: usage.calls(), units: usage.units() })
    }

    /// Only looks.
    async fn look(&self, row: &DueRow) -> Result<Handled, Fault> {
        if !is_value(row) {
            return Ok(Handled::Waiting);
        }
        Ok(Handled::WouldGo(self.vault.purpose_of(row).await?))
    }

    /// Handles one row. One that is itself wrong would be found again for ever, and keep its
    /// slot open: it is set aside.
    async fn row_or_aside(&self, row: &DueRow) -> Result<Handled, Fault> {
        match self.row(row).await {
            Err(error) if error.is_of_the_row() => {
                let trace = log::trace(&row.sk, &self.vault);
                tracing::error!(
                    event = "row_set_aside",
                    subject = %row.subject,
                    trace,
                    %error,
                    "a due row is set aside"
                );
                Ok(match self.vault.set_aside(row).await? {
                    Outcome::Written => Handled::SetAside(self.vault.purpose_of(row).await.unwrap_or_default()),
                    Outcome::Already => Handled::Changed,
                })
            }
            result => result,
        }
    }

    async fn row(&self, row: &DueRow) -> Result<Handled, Fault> {
        if key::requested(&row.sk).is_some() {
            request::due(self, row).await
        } else if key::is_order(&row.sk) {
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

/// Whether a row is a single value, not an order or the record of a person.
fn is_value(row: &DueRow) -> bool {
    !key::is_order(&row.sk) && row.sk != key::ALONE && row.sk != key::LINE_STATE
}
