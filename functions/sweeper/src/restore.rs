//! After a restore from backup: what is on the erasure list is erased again before anything
//! else runs (`domain::restore`).
//!
//! No erasure waits its 120 seconds here, because nothing is served: no warm function knows
//! the old mapping. The check may break off anywhere and be run again; the vault counts as
//! brought back until one has ended well.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use azukari::{
    domain::{
        erasure::{Progress, Step},
        id::LineItemId,
        order::EventOrder,
        person::Standing,
        restore::{self, Again, Mark, UnsentMessage, Withdrawal},
        time::Day,
    },
    store::{
        Outcome, StoreError, Vault,
        due::OwnRow,
        hold::Hold,
        key,
        order::{EraseOrder, Order, WithdrawOrder},
        restore::{Missed, Returned},
    },
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::{
    SweepError, Sweeper,
    person::{all_rows, destroy_key, erase_rows, list},
    proof,
    sweep::{Fault, Run},
    withdraw,
};

/// Persons, and messages, that are looked at at the same time.
const AT_ONCE: usize = 8;

/// The mark of the vault, as far as a warm function knows: as long as it stays, an ordinary
/// minute costs no call to the audit table.
#[derive(Debug, Default)]
pub struct Marks(Mutex<Option<u64>>);

impl Marks {
    fn known(&self) -> MutexGuard<'_, Option<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Persons and unsent messages that were looked at.
    pub done: u64,
    /// All that are on the list.
    pub total: u64,
}

/// What a check has found and done. Counts only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreReport {
    /// From which day on the list was read.
    pub since: String,
    /// Whether the vault was brought back: it lacked marks.
    pub restored: bool,
    /// Persons on the list.
    pub listed: u64,
    /// Persons of whom something was there: a row, or a wrapped key. Somebody who is being
    /// erased anyway counts, too. A dry run does not see keys.
    pub back: u64,
    /// Their rows.
    pub rows: u64,
    /// Wrapped keys that were there although nothing else was.
    pub keys: u64,
    /// Unsent messages on the list, but for those of these persons.
    pub unsent: u64,
    /// Unsent messages that were there as messages.
    pub messages: u64,
    /// Consents on the list that were taken back, but for those of these persons.
    pub withdrawn: u64,
    /// Values that were there for them.
    pub values: u64,
    /// Rows of the list that nobody vouches for: planted, or edited. They were not believed,
    /// and somebody has to look into them.
    pub strangers: u64,
    /// Persons and messages that could not be erased.
    pub failed: u64,
    /// Whether nothing was changed.
    pub dry_run: bool,
}

impl RestoreReport {
    /// Whether nothing of what is on the list is left, and all of the list can be believed.
    pub fn sound(&self) -> bool {
        let left = self.dry_run && self.back + self.messages + self.values > 0;
        self.failed == 0 && self.strangers == 0 && !left
    }
}

/// What was there of a person.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    rows: u64,
    key: bool,
    /// Whether something is there still.
    left: bool,
}

impl Sweeper {
    /// Whether the vault was brought back from a backup and no check has ended well since.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn is_restored(&self) -> Result<bool, SweepError> {
        Ok(self.has_returned(&self.vault).await?)
    }

    /// The same: one call, and another one if the mark is not the one that is known.
    pub(crate) async fn has_returned(&self, vault: &Vault) -> Result<bool, StoreError> {
        let seen = number(vault.mark().await?);
        if *self.marks.known() == Some(seen) {
            return Ok(false);
        }
        let missed = self.audit.marks_after(seen, vault.origin()).await?;
        if missed.strangers > 0 {
            tracing::error!(
                event = "erasure_list_strangers",
                rows = missed.strangers,
                "marks on the erasure list are vouched for by nobody"
            );
            self.ctx.metrics().add("erasure_list", "stranger", missed.strangers);
        }
        let returned = missed.first.is_some();
        if !returned {
            *self.marks.known() = Some(seen);
        }
        Ok(returned)
    }

    /// Erases again who and what is on the erasure list and has come back with a backup of
    /// the vault, of the keys, or of both; empties the pool of key pairs. The list is read
    /// from a day on, or from an earlier one where a backup may need it. A dry run only
    /// looks. `tell` hears after each person and message how far it has come.
    ///
    /// # Errors
    /// The marks, the list or the pool could not be read or written. What goes wrong with
    /// single persons and messages is counted.
    pub async fn restore_check(
        &self,
        since: Option<Day>,
        dry_run: bool,
        tell: &(dyn Fn(Done) + Sync),
    ) -> Result<RestoreReport, SweepError> {
        let run = Run {
            sweeper: self,
            vault: self.vault.clone(),
            now: self.ctx.now(),
            policies: Arc::default(),
            // No mark is made before the end: the vault would count as whole.
            mark: Arc::new(OnceCell::new_with(Some(()))),
        };
        let mark = run.vault.mark().await?;
        let missed = self.audit.marks_after(number(mark), run.vault.origin()).await?;
        let mut report = RestoreReport {
            restored: missed.first.is_some(),
            strangers: missed.strangers,
            dry_run,
            ..Default::default()
        };
        let mut entries = Vec::new();
        for day in restore::days(since, run.now, [mark, missed.first, missed.last].into_iter().flatten()) {
            if report.since.is_empty() {
                report.since = day.to_string();
            }
            let page = self.audit.erasures(day, run.vault.origin()).await?;
            report.strangers += page.strangers;
            entries.extend(page.entries);
        }
        let plan = restore::plan(entries);
        report.listed = count(plan.persons.len());
        report.unsent = count(plan.unsent.len());
        report.withdrawn = count(plan.withdrawn.len());
        let mut done = Done { done: 0, total: report.listed + report.unsent + report.withdrawn };

        let persons: Vec<_> = plan.persons.iter().map(|again| person(&run, again, dry_run)).collect();
        let mut persons = stream::iter(persons).buffered(AT_ONCE);
        for again in &plan.persons {
            let Some(found) = persons.next().await else { break };
            match found {
                Ok(found) => report.note(found),
                Err(error) => {
                    report.failed += 1;
                    tracing::error!(
                        event = "person_not_erased_again",
                        subject = %again.subject,
                        %error,
                        "a person could not be erased again"
                    );
                }
            }
            done.done += 1;
            tell(done);
        }
        drop(persons);
        let messages: Vec<_> = plan.unsent.iter().map(|unsent| message(&run, unsent, dry_run)).collect();
        let mut messages = stream::iter(messages).buffered(AT_ONCE);
        for unsent in &plan.unsent {
            let Some(was_there) = messages.next().await else { break };
            match was_there {
                Ok(was_there) => report.messages += u64::from(was_there),
                Err(error) => {
                    report.failed += 1;
                    tracing::error!(
                        event = "message_not_erased_again",
                        subject = %unsent.subject,
                        %error,
                        "a message could not be erased again"
                    );
                }
            }
            done.done += 1;
            tell(done);
        }
        drop(messages);
        for withdrawal in &plan.withdrawn {
            match withdraw_again(&run, withdrawal, dry_run).await {
                Ok(values) => report.values += values,
                Err(error) => {
                    report.failed += 1;
                    tracing::error!(
                        event = "consent_not_taken_back_again",
                        subject = %withdrawal.subject,
                        %error,
                        "a consent could not be taken back again"
                    );
                }
            }
            done.done += 1;
            tell(done);
        }
        if !dry_run {
            run.vault.empty_pool().await?;
            if report.sound() {
                settle(&run, number(mark), &missed).await?;
            }
        }
        tracing::info!(
            event = "restore_check",
            restored = report.restored,
            listed = report.listed,
            back = report.back,
            rows = report.rows,
            keys = report.keys,
            unsent = report.unsent,
            messages = report.messages,
            withdrawn = report.withdrawn,
            values = report.values,
            strangers = report.strangers,
            failed = report.failed,
            dry_run,
            "restore check"
        );
        Ok(report)
    }
}

impl RestoreReport {
    fn note(&mut self, found: Found) {
        self.back += u64::from(found.key || found.rows > 0);
        self.rows += found.rows;
        self.keys += u64::from(found.key);
        self.failed += u64::from(found.left);
    }
}

impl Run<'_> {
    /// Sees to it that a mark is made, after what is to be listed was found and before it is
    /// listed: in the vault, then in the audit table, so that one that breaks off between the
    /// two does not look like a restore.
    pub(crate) async fn marked(&self) -> Result<(), StoreError> {
        let make = || async {
            let mark = self.vault.next_mark(self.now).await?;
            self.sweeper.audit.put_mark(&mark, self.vault.origin()).await
        };
        self.mark.get_or_try_init(make).await.copied()
    }
}

fn number(mark: Option<Mark>) -> u64 {
    mark.map_or(0, |mark| mark.number)
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

/// The vault has seen everything on the list by now.
async fn settle(run: &Run<'_>, seen: u64, missed: &Missed) -> Result<(), StoreError> {
    let Some(last) = missed.last else { return Ok(()) };
    let mark = Mark { number: last.number.max(seen) + 1, at: run.now };
    run.vault.set_mark(&mark).await?;
    run.sweeper.audit.put_mark(&mark, run.vault.origin()).await
}

/// Takes a consent back again, in the mapping too, and erases what was kept for it. Gives the
/// number of values that were there.
async fn withdraw_again(run: &Run<'_>, again: &Withdrawal, dry_run: bool) -> Result<u64, Fault> {
    let Withdrawal { subject, purpose, as_of } = again;
    let id = format!("restore-{:015}", as_of.get());
    let order = WithdrawOrder { subject: *subject, id, purpose: purpose.clone(), as_of: *as_of, placed_at: *as_of };
    let meant = withdraw::meant(run, &order, *as_of).await?;
    if dry_run {
        return Ok(count(meant.len()));
    }
    if let Some(facts) = unless_spoilt(run.vault.subject(*subject).await)? {
        let mapping = run.vault.mapping(&facts.mapping, run.now).await?;
        let event = LineItemId::parse("restored").map_err(|_| StoreError::Row { attribute: "event" })?;
        let event = EventOrder { at: *as_of, event };
        if let Standing::Known(known) = &mapping.standing
            && known.key.subject == *subject
            && known.withdrawn.get(purpose).is_none_or(|known| known.at < *as_of)
            && let Some(person) = known.withdrawing(purpose, event.clone())
        {
            run.vault.put_withdrawal(&facts.mapping, &mapping, &person, &event, &order, ("restore", run.now)).await?;
        }
    }
    match withdraw::carry_out(run, &order, *as_of).await? {
        Some(values) => {
            run.vault.end_withdrawal(&order).await?;
            Ok(values)
        }
        // Nothing else is at it here.
        None => Ok(count(meant.len())),
    }
}

/// Looks whether anything of a person is there, and erases it.
async fn person(run: &Run<'_>, again: &Again, dry_run: bool) -> Result<Found, Fault> {
    let rows = all_rows(run, again.subject).await?;
    let found = Found { rows: count(rows.len()), ..Found::default() };
    if dry_run {
        return Ok(found);
    }
    if rows.is_empty() {
        return Ok(Found { key: stray_key(run, again).await?, ..found });
    }
    erase_again(run, again, &rows).await?;
    Ok(Found { left: !all_rows(run, again.subject).await?.is_empty(), ..found })
}

/// Destroys a key that is there without a row of its person. Nothing tells its version;
/// every person has the first.
async fn stray_key(run: &Run<'_>, again: &Again) -> Result<bool, Fault> {
    if run.sweeper.keys.destroy(again.subject, 1).await? == Outcome::Already {
        return Ok(false);
    }
    // The step is on the list since the first time.
    proof::enter(run, again.subject, again.ground, run.now).await?;
    Ok(true)
}

/// The steps after the first, one after the other, each on the list again before it is taken.
async fn erase_again(run: &Run<'_>, again: &Again, rows: &[OwnRow]) -> Result<(), Fault> {
    let order = order_for(run, again, rows).await?;
    let facts = unless_spoilt(run.vault.subject(again.subject).await)?;
    let known = unless_spoilt(run.vault.hold(again.subject).await)?;
    let begun = Hold {
        progress: Progress { restricted_at: run.now, unmapped_at: None },
        key_version: facts.as_ref().map_or(1, |facts| facts.key_version),
        unreachable: None,
    };
    let mut hold = known.unwrap_or(begun);
    hold.progress.unmapped_at = hold.progress.unmapped_at.or(Some(run.now));
    if let Some(facts) = &facts {
        // Whatever a restored mapping says of consent or contact is older than the erasure.
        list(run, &order, &hold, Step::Unmap).await?;
        run.vault.put_tombstone(&facts.mapping, again.subject, again.as_of, run.now).await?;
    }
    destroy_key(run, &order, &hold).await?;
    erase_rows(run, &order, hold).await?;
    Ok(())
}

/// An order that has come back with the person, so that its receipt goes on; otherwise a new
/// one, whose receipt nobody has.
async fn order_for(run: &Run<'_>, again: &Again, rows: &[OwnRow]) -> Result<EraseOrder, Fault> {
    for row in rows.iter().filter(|row| key::is_order(&row.sk)) {
        if let Some(Order::Erase(order)) = unless_spoilt(run.vault.order(again.subject, &row.sk).await)? {
            return Ok(order);
        }
    }
    let id = format!("restore-{:015}", again.as_of.get());
    let order = EraseOrder { subject: again.subject, id, ground: again.ground, as_of: again.as_of };
    run.vault.put_erase_order(&order, run.now).await?;
    Ok(order)
}

/// A row that nobody vouches for, or that is not well formed, speaks for nobody.
fn unless_spoilt<T>(read: Result<Option<T>, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Err(StoreError::NotVouched | StoreError::Row { .. }) => Ok(None),
        read => read,
    }
}

/// Whether an unsent message is there as a message: then its tombstone goes over it, due at
/// once, and the next sweep keeps it for as long as the first.
async fn message(run: &Run<'_>, unsent: &UnsentMessage, dry_run: bool) -> Result<bool, Fault> {
    let Some(returned) = run.vault.returned(unsent).await? else { return Ok(false) };
    if !dry_run {
        match returned {
            Returned::Message(tombstone) => run.vault.put_unsent(*tombstone, run.now).await?,
            Returned::Spoilt => run.vault.delete_row(unsent.subject, &key::record(&unsent.message)).await?,
        }
    }
    Ok(true)
}
