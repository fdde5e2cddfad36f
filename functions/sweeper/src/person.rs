//! Erasing a person, step by step (`domain::erasure`). Each step is on the erasure
//! list before it is taken, and may be taken again.

use azukari::{
    domain::{
        consent::{Consent, Custody},
        erasure::{Ground, Next, Progress, Step, next},
        id::SubjectId,
        person::{Person, Standing},
        retention::{self, Friendship},
        time::{Day, UnixMs},
    },
    store::{
        Outcome, StoreError,
        audit::Listed,
        due::{DueRow, OwnRow},
        hold::Hold,
        key,
        mapping::Mapping,
        order::{EraseOrder, Order},
        subject::SubjectFacts,
    },
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    link,
    proof::{self, Receipts},
    sweep::{Fault, Handled, Run},
    value::redate,
    withdraw,
};

/// Rows of a person that are deleted at the same time.
const AT_ONCE: usize = 16;

/// A subject row is due: unless the person was in contact since, or gave consent, an
/// order to erase them is placed and begun.
pub(crate) async fn contact_due(run: &Run<'_>, row: &DueRow) -> Result<Handled, Fault> {
    let facts = match run.vault.subject(row.subject).await {
        Ok(Some(facts)) if facts.due_at == row.due_at => facts,
        Ok(_) => return Ok(Handled::Changed),
        Err(error) => return Err(error.into()),
    };
    let mapping = run.vault.mapping(&facts.mapping, run.now).await?;
    if let Some(person) = theirs(&mapping, row.subject) {
        let due = due_again(run, row.subject, &facts, person).await?;
        if due > run.now {
            return redate(run, row, due, None).await;
        }
    } else if believed(run, row.subject).await?.is_some() || run.vault.subject(row.subject).await?.is_none() {
        // An erasure is under way, or has just ended: its own order sees to it.
        return Ok(Handled::Changed);
    }
    let order = EraseOrder {
        subject: row.subject,
        id: format!("contact-{:015}", row.due_at.get()),
        ground: Ground::ContactDue,
        as_of: run.now,
    };
    begin(run, &order).await
}

/// Somebody has blocked the account and did not come back in time: an order to erase
/// them is placed and begun.
pub(crate) async fn block_due(run: &Run<'_>, row: &DueRow) -> Result<Handled, Fault> {
    match run.vault.blocked_until(row.subject).await {
        Ok(Some(until)) if until <= run.now => {}
        // Its place in the index was edited.
        Ok(Some(until)) => return redate(run, row, until, None).await,
        Ok(None) => return Ok(Handled::Changed),
        Err(error) => return Err(error.into()),
    }
    if believed(run, row.subject).await?.is_some() {
        // An erasure is under way: its own order sees to it.
        return Ok(Handled::Changed);
    }
    let order = EraseOrder {
        subject: row.subject,
        id: format!("block-{:015}", row.due_at.get()),
        ground: Ground::Blocked,
        as_of: run.now,
    };
    begin(run, &order).await
}

/// Places an order of the sweeper's own, and takes its first steps.
async fn begin(run: &Run<'_>, order: &EraseOrder) -> Result<Handled, Fault> {
    run.vault.put_erase_order(order, run.now).await?;
    let placed = DueRow { subject: order.subject, sk: key::order(&order.id), due_at: run.now };
    self::order(run, &placed).await
}

/// An order is due: it is carried out, or the next step of an erasure is taken.
pub(crate) async fn order(run: &Run<'_>, row: &DueRow) -> Result<Handled, Fault> {
    let order = match run.vault.order(row.subject, &row.sk).await {
        Ok(Some(Order::Erase(order))) => order,
        Ok(Some(Order::Unlink(order))) => return link::order(run, &order).await,
        Ok(Some(Order::Withdraw(order))) => return withdraw::order(run, row, &order).await,
        Ok(None) => return Ok(Handled::Changed),
        Err(error) => return Err(error.into()),
    };
    let mut hold = believed(run, row.subject).await?;
    let mut told = false;
    loop {
        match next(hold.as_ref().map(|hold| hold.progress), run.now) {
            Next::WaitUntil(ready) => {
                // A second order waits with the first.
                if let Some(hold) = hold.filter(|_| !told) {
                    raise(run, &order).await?;
                    Receipts::of(run, &order).restricted(&hold).await?;
                }
                return wait(run, row, ready).await;
            }
            Next::Take(Step::Restrict) => match restrict(run, &order).await? {
                Some(restricted) => hold = Some(restricted),
                None => return Ok(Handled::Changed),
            },
            Next::Take(Step::Unmap) => {
                let Some(restricted) = hold else { return Ok(Handled::Changed) };
                Receipts::of(run, &order).restricted(&restricted).await?;
                told = true;
                match unmap(run, &order, &restricted).await? {
                    Unmap::Done(unmapped) => hold = Some(unmapped),
                    Unmap::Revoked => return revoke(run, &order, &restricted).await,
                    Unmap::Contact => return Ok(Handled::Waiting),
                    Unmap::Ended => return Ok(Handled::Changed),
                }
            }
            Next::Take(Step::DestroyKey | Step::EraseRows) => {
                let Some(unmapped) = hold else { return Ok(Handled::Changed) };
                destroy_key(run, &order, &unmapped).await?;
                return erase_rows(run, &order, unmapped).await;
            }
        }
    }
}

/// The hold of a person. One that nobody vouches for was planted or edited, and keeps no
/// order waiting: every step is taken anew, and the hold written whole.
async fn believed(run: &Run<'_>, subject: SubjectId) -> Result<Option<Hold>, Fault> {
    match run.vault.hold(subject).await {
        Ok(hold) => Ok(hold),
        Err(StoreError::NotVouched | StoreError::Row { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// `None` if another run has ended the order.
async fn restrict(run: &Run<'_>, order: &EraseOrder) -> Result<Option<Hold>, Fault> {
    // A subject row that is gone or edited tells no key version; every person has the first.
    let key_version = match run.vault.subject(order.subject).await {
        Ok(facts) => facts.map_or(1, |facts| facts.key_version),
        Err(StoreError::NotVouched) => 1,
        Err(error) => return Err(error.into()),
    };
    let progress = Progress { restricted_at: run.now, unmapped_at: None };
    let hold = Hold { progress, key_version, unreachable: None };
    list(run, order, &hold, Step::Restrict).await?;
    Ok(match run.vault.put_hold(order, &hold).await? {
        Outcome::Written => Some(hold),
        Outcome::Already => None,
    })
}

/// How turning a mapping into a tombstone ended.
enum Unmap {
    Done(Hold),
    /// Something newer revokes the order.
    Revoked,
    /// A contact came at this very moment: the next run sees it.
    Contact,
    /// Another run has ended the order.
    Ended,
}

async fn unmap(run: &Run<'_>, order: &EraseOrder, hold: &Hold) -> Result<Unmap, Fault> {
    let facts = match run.vault.subject(order.subject).await {
        Ok(facts) => facts,
        Err(StoreError::NotVouched) => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(facts) = facts {
        let mapping = run.vault.mapping(&facts.mapping, run.now).await?;
        if let Some(person) = theirs(&mapping, order.subject) {
            if overtaken(run, order, &facts, person).await? {
                return Ok(Unmap::Revoked);
            }
            list(run, order, hold, Step::Unmap).await?;
            let (pk, as_of, now) = (&facts.mapping, order.as_of, run.now);
            match order.ground {
                Ground::Asked => {
                    if run.vault.put_tombstone(pk, order.subject, as_of, now).await? == Outcome::Already {
                        // Another run, or another order of theirs, was quicker.
                        raise(run, order).await?;
                    }
                }
                Ground::Refused | Ground::Blocked | Ground::ContactDue => {
                    if run.vault.put_tombstone_unchanged(pk, &mapping, as_of, now).await? == Outcome::Already {
                        return Ok(Unmap::Contact);
                    }
                }
            }
        } else {
            raise(run, order).await?;
        }
    }
    let unmapped = Hold { progress: Progress { unmapped_at: Some(run.now), ..hold.progress }, ..hold.clone() };
    Ok(match run.vault.put_hold(order, &unmapped).await? {
        Outcome::Written => Unmap::Done(unmapped),
        Outcome::Already => Unmap::Ended,
    })
}

/// Of several orders of a person the latest says up to when nothing may come back, whichever
/// of them has made the tombstone.
async fn raise(run: &Run<'_>, order: &EraseOrder) -> Result<(), Fault> {
    let facts = match run.vault.subject(order.subject).await {
        Ok(Some(facts)) => facts,
        Ok(None) | Err(StoreError::NotVouched) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let (pk, as_of) = (&facts.mapping, order.as_of);
    loop {
        let mapping = run.vault.mapping(pk, run.now).await?;
        let raised = match mapping.standing {
            Standing::Erased { at } if at < as_of => {
                run.vault.put_tombstone_unchanged(pk, &mapping, as_of, run.now).await?
            }
            // Somebody new is there, or it says so already.
            Standing::Erased { .. } | Standing::Known(_) | Standing::Absent => return Ok(()),
        };
        if raised == Outcome::Written {
            return Ok(());
        }
    }
}

/// Whether something newer than the order speaks against it.
async fn overtaken(run: &Run<'_>, order: &EraseOrder, facts: &SubjectFacts, person: &Person) -> Result<bool, Fault> {
    Ok(match order.ground {
        Ground::Asked => false,
        Ground::Refused => person.consent == Consent::Given,
        Ground::Blocked => match run.vault.blocked_until(order.subject).await {
            Ok(until) => until.is_none_or(|due_at| due_at > run.now),
            // A state that nobody vouches for speaks for nobody.
            Err(StoreError::NotVouched) => false,
            Err(error) => return Err(error.into()),
        },
        Ground::ContactDue => due_again(run, order.subject, facts, person).await? > run.now,
    })
}

async fn wait(run: &Run<'_>, row: &DueRow, ready: UnixMs) -> Result<Handled, Fault> {
    // The order keeps its place in the index at the time when it can go on. If it
    // was moved there before, the condition does not hold and nothing changes.
    run.vault.redate(row, ready, run.now).await?;
    Ok(Handled::Waiting)
}

pub(crate) async fn destroy_key(run: &Run<'_>, order: &EraseOrder, hold: &Hold) -> Result<(), Fault> {
    list(run, order, hold, Step::DestroyKey).await?;
    proof::enter(run, order.subject, order.ground, run.now).await?;
    for version in 1..=hold.key_version {
        run.sweeper.keys.destroy(order.subject, version).await?;
    }
    Ok(())
}

/// Deletes every row of the person, looks once more for stragglers, and last of all
/// removes order and hold together, so that a run that breaks off is taken up again.
pub(crate) async fn erase_rows(run: &Run<'_>, order: &EraseOrder, mut hold: Hold) -> Result<Handled, Fault> {
    list(run, order, &hold, Step::EraseRows).await?;
    let mut rows = all_rows(run, order.subject).await?;
    if hold.unreachable.is_none() {
        // Counted before the first is deleted, so that a run that breaks off does not make
        // it less.
        let counts = proof::counts(rows.iter().map(|row| row.kind.as_str()));
        hold.unreachable = Some((run.now, counts));
        if run.vault.put_hold(order, &hold).await? == Outcome::Already {
            hold = match believed(run, order.subject).await? {
                Some(counted) if counted.unreachable.is_some() => counted,
                _ => return Ok(Handled::Changed),
            };
        }
    }
    Receipts::of(run, order).unreachable(&hold).await?;
    loop {
        // Orders go last, because receipts were given for them.
        let values = rows.iter().filter(|row| row.sk != key::HOLD && !key::is_order(&row.sk));
        let doomed: Vec<_> = values.map(|row| erase_row(run, order.subject, &row.sk)).collect();
        if doomed.is_empty() {
            break;
        }
        stream::iter(doomed).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        rows = all_rows(run, order.subject).await?;
    }
    let own = key::order(&order.id);
    let others: Vec<&str> =
        rows.iter().map(|row| row.sk.as_str()).filter(|sk| *sk != key::HOLD && *sk != own).collect();
    Receipts::with_others(run, order, &others).await?.erased(&hold).await?;
    for other in others {
        erase_row(run, order.subject, other).await?;
    }
    Ok(match run.vault.end_order(order).await? {
        Outcome::Written => Handled::PersonErased,
        Outcome::Already => Handled::Changed,
    })
}

/// What is known of every row of a person, and no content.
pub(crate) async fn all_rows(run: &Run<'_>, subject: SubjectId) -> Result<Vec<OwnRow>, Fault> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map(|row: &OwnRow| row.sk.clone());
        let rows = run.vault.rows_of(subject, after.as_deref()).await?;
        if rows.is_empty() {
            return Ok(all);
        }
        all.extend(rows);
    }
}

/// Deletes a row of a person, and first what it says leads to them.
async fn erase_row(run: &Run<'_>, subject: SubjectId, sk: &str) -> Result<(), Fault> {
    if sk.starts_with(key::LOOKUP) {
        run.vault.delete_lookup(subject, sk).await?;
    }
    link::forget(run, subject, sk).await?;
    Ok(run.vault.delete_row(subject, sk).await?)
}

/// The person was in contact again, came back or agreed before the mapping was gone:
/// nothing has been lost, the restriction is lifted and the order withdrawn.
async fn revoke(run: &Run<'_>, order: &EraseOrder, hold: &Hold) -> Result<Handled, Fault> {
    Receipts::of(run, order).revoked(hold).await?;
    run.sweeper.audit.list_revoked(run.now.tokyo_day(), order, run.now, run.vault.origin()).await?;
    run.vault.end_order(order).await?;
    Ok(Handled::Changed)
}

/// Puts a step on the erasure list.
pub(crate) async fn list(run: &Run<'_>, order: &EraseOrder, hold: &Hold, step: Step) -> Result<Listed, Fault> {
    run.marked().await?;
    let day: Day = hold.progress.restricted_at.tokyo_day();
    Ok(run.sweeper.audit.list_step(day, order, step, run.now, run.vault.origin()).await?)
}

/// Whether the person is a friend of the account now.
pub(crate) async fn friendship(run: &Run<'_>, subject: SubjectId) -> Result<Friendship, Fault> {
    match run.vault.friendship(subject).await {
        // A friend is one still.
        Ok(Friendship::Friend(_)) => Ok(Friendship::Friend(run.now)),
        Ok(other) => Ok(other),
        // A state that nobody vouches for speaks for nobody.
        Err(StoreError::NotVouched) => Ok(Friendship::Unknown),
        Err(error) => Err(error.into()),
    }
}

/// The start of the person's last day of contact: two calls. `None` if they are being
/// erased.
pub(crate) async fn last_contact(run: &Run<'_>, subject: SubjectId) -> Result<Option<UnixMs>, Fault> {
    let facts = match run.vault.subject(subject).await {
        Ok(Some(facts)) => facts,
        Ok(None) | Err(StoreError::NotVouched) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mapping = run.vault.mapping(&facts.mapping, run.now).await?;
    Ok(theirs(&mapping, subject).map(|person| person.last_contact.start()))
}

/// The person behind a mapping, if it is still this one.
fn theirs(mapping: &Mapping, subject: SubjectId) -> Option<&Person> {
    match &mapping.standing {
        Standing::Known(person) if person.key.subject == subject => Some(person),
        Standing::Known(_) | Standing::Absent | Standing::Erased { .. } => None,
    }
}

/// When the person is due, given their last contact and what they have said since.
async fn due_again(run: &Run<'_>, subject: SubjectId, facts: &SubjectFacts, person: &Person) -> Result<UnixMs, Fault> {
    let given = person.consent == Consent::Given
        || (facts.awaiting_consent && run.vault.consent(subject, &facts.purpose).await? == Consent::Given);
    let custody = if facts.awaiting_consent && !given { Custody::UntilConsent } else { Custody::ByPurpose };
    let terms = run.policies.terms(&run.vault, &facts.policy, &facts.purpose).await?;
    Ok(terms.map_or(facts.due_at, |terms| retention::contact_due(custody, terms.retention, person.last_contact)))
}
