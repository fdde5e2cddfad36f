//! A request of a person that is due: what was written in it goes, and if nobody has answered
//! it, that is an alarm. A stop that nobody has answered stays in force without its words:
//! time does not take back what a person has asked for.

use azukari::{
    domain::request::{self, Outcome as Answer, RequestKind},
    store::{
        Outcome, StoreError,
        due::DueRow,
        request::{Closing, StoredRequest},
    },
};

use crate::{
    sweep::{Fault, Handled, Run},
    value::redate,
};

/// Erases a request, answered or not.
pub(crate) async fn due(run: &Run<'_>, row: &DueRow) -> Result<Handled, Fault> {
    let Some(found) = run.vault.request(row.subject, &row.sk).await? else { return Ok(Handled::Changed) };
    let Some(terms) = &found.terms else {
        if found.kind == RequestKind::Stop {
            // Nobody lifts a stop by editing it: it is set aside as it is, and restricts
            // until an officer has ended it.
            return Err(StoreError::NotVouched.into());
        }
        // Due means gone, whoever has written it; nobody has answered it.
        return Ok(match run.vault.delete_due_at(row).await? {
            Outcome::Written => Handled::Unanswered(None),
            Outcome::Already => Handled::Changed,
        });
    };
    let purpose = Some(terms.purpose.clone());
    // Its due time lies outside the origin tag; what it follows from does not.
    match request::due_at(found.kind, terms.event_at, found.closed) {
        Some(due_at) if due_at > run.now => return redate(run, row, due_at, purpose).await,
        Some(_) if found.kind == RequestKind::Stop && found.is_open() => {
            let closing =
                Closing { subject: row.subject, request: &found, terms, at: run.now, outcome: Answer::Unanswered };
            return Ok(match run.vault.close_request(&closing, run.now).await? {
                Outcome::Written => Handled::Unanswered(purpose),
                Outcome::Already => Handled::Changed,
            });
        }
        Some(_) => {}
        None => return keep(run, row, &found).await,
    }
    Ok(match run.vault.delete_due_at(row).await? {
        Outcome::Written if found.is_open() => Handled::Unanswered(purpose),
        Outcome::Written => Handled::Erased(purpose),
        Outcome::Already => Handled::Changed,
    })
}

/// A stop that is in force has no due time: somebody has edited one into it, and it is
/// written again as it was.
async fn keep(run: &Run<'_>, row: &DueRow, found: &StoredRequest) -> Result<Handled, Fault> {
    let (Some(terms), Some((at, outcome))) = (&found.terms, found.closed) else { return Ok(Handled::Changed) };
    let closing = Closing { subject: row.subject, request: found, terms, at, outcome };
    Ok(match run.vault.close_request(&closing, run.now).await? {
        Outcome::Written => Handled::Redated(Some(terms.purpose.clone())),
        Outcome::Already => Handled::Changed,
    })
}
