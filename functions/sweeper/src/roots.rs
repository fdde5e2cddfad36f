//! Sealing a day (`domain::day_root`): what was entered into the audit log since the last day
//! root goes under a new one.
//!
//! A log that is not whole is not sealed: a root over it would vouch for the gap. That is
//! said as an error, counted, and makes the run fail; every hour it is tried again. What is
//! sealed already stays sealed, and `azukari audit verify` names what is wrong.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use azukari::{
    domain::{
        day_root::{self, DayRoot, Ends},
        time::{Day, HOUR_MS, UnixMs},
        word::word,
    },
    host::ledger::NotRecorded,
    store::{
        Outcome, StoreError,
        audit::Audit,
        day_root::{NotWhole, ROOT_MESSAGE, SignedRoot, fingerprint, over},
        key,
    },
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{Sweeper, sweep::Fault};

/// Chains that are read at the same time.
const AT_ONCE: usize = 8;

/// From when on there may be a day to seal, as far as a warm function knows: an ordinary
/// minute costs no call.
#[derive(Debug, Default)]
pub struct Roots(Mutex<Option<UnixMs>>);

impl Roots {
    fn rest_at(&self, now: UnixMs) -> bool {
        self.until().is_some_and(|until| now < until)
    }

    fn rest_until(&self, until: UnixMs) {
        *self.until() = Some(until);
    }

    fn until(&self) -> MutexGuard<'_, Option<UnixMs>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a day that was to be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sealing {
    /// It is sealed.
    Sealed,
    /// The log is not whole.
    Broken,
}

/// Seals the day before this one, if that is not done. `None` if it is.
pub(crate) async fn seal(sweeper: &Sweeper, now: UnixMs) -> Result<Option<Sealing>, Fault> {
    let (roots, audit) = (&sweeper.roots, &sweeper.audit);
    if roots.rest_at(now) {
        return Ok(None);
    }
    let day = day_root::due(now);
    let previous = audit.last_root().await?;
    if let Some(sealed) = previous.as_ref().map(|previous| previous.root.day).filter(|sealed| *sealed >= day) {
        roots.rest_until(day_root::next_due(sealed));
        return Ok(None);
    }
    let root = match read(audit, previous.as_ref(), day, now).await {
        Ok(root) => root,
        Err(NotWhole::Store(error)) => return Err(error.into()),
        Err(NotWhole::Broken { writer, sequence, fault }) => {
            // Under the name of the crate: lines under that of this file are kept as evidence.
            tracing::error!(
                target: "azukari_sweeper",
                event = "audit_not_whole",
                writer = word(&writer),
                sequence,
                ?fault,
                "the audit log is not whole and the day is not sealed"
            );
            sweeper.ctx.metrics().count("day_root", "broken");
            roots.rest_until(now.plus(HOUR_MS));
            return Ok(Some(Sealing::Broken));
        }
    };
    let message = day_root::message(day, &fingerprint(&root));
    let signature = sweeper.ledger.sign(message).await.map_err(NotRecorded::from)?;
    let signed = SignedRoot { root, signature };
    let stored = match audit.put_root(&signed).await? {
        Outcome::Written => Some(signed),
        // Another run was quicker, or an answer was lost: nobody may have logged it.
        Outcome::Already => audit.last_root().await?,
    };
    if let Some(stored) = stored {
        say(&stored);
    }
    sweeper.ctx.metrics().count("day_root", "sealed");
    roots.rest_until(day_root::next_due(day));
    Ok(Some(Sealing::Sealed))
}

/// Into the log, out of reach of whoever gets at the table.
fn say(signed: &SignedRoot) {
    let logged = signed.logged();
    tracing::info!(
        event = "day_root",
        day = logged.day.to_string(),
        digest = logged.digest.to_string(),
        signature = logged.signature_text(),
        "{ROOT_MESSAGE}"
    );
}

/// The statement over everything that the last one does not cover.
async fn read(audit: &Audit, previous: Option<&SignedRoot>, day: Day, now: UnixMs) -> Result<DayRoot, NotWhole> {
    let chains = chains(audit, previous.map(|previous| &previous.root)).await?;
    let reading: Vec<_> = chains.iter().map(|(writer, covered)| audit.tail(writer, *covered)).collect();
    let tails: Vec<_> = stream::iter(reading).buffered(AT_ONCE).try_collect().await?;
    let tails = chains.into_keys().zip(tails).filter_map(|(writer, tail)| Some((writer, tail?)));
    Ok(over(day, now, previous, tails.collect::<BTreeMap<_, _>>()))
}

/// How far each chain that may have grown is covered: those that the last root names, and
/// those that have begun since. A clock of theirs may be as far behind as a chain may rest:
/// until then every chain is named.
async fn chains(audit: &Audit, previous: Option<&DayRoot>) -> Result<Ends, StoreError> {
    let mut chains = previous.map(|root| root.ends.clone()).unwrap_or_default();
    let mut after = previous.map(|root| key::writer(day_root::rested_before(root.day), "")).unwrap_or_default();
    loop {
        let page = audit.writers(&after).await?;
        let Some((last, _)) = page.last() else { return Ok(chains) };
        after.clone_from(last);
        for (_, writer) in page {
            chains.entry(writer).or_insert(0);
        }
    }
}
