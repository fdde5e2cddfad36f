//! The act `close_request`: entry first, then how a person's request has ended. Nothing is
//! opened; with it goes what was written in the request.

use azukari::{
    domain::request::{Outcome as Answered, can_close},
    store::{
        Outcome, StoreError,
        holding::{Holding, Window},
        key,
        request::{Closing, RequestTerms, StoredRequest},
    },
};

use crate::{
    Answer, Opener,
    answer::{Closed, ClosedRequest},
    request::Close,
    service::{Asking, Unavailable},
};

/// No values: only what they have asked for.
const NO_VALUES: Window<'static> = Window { after: None, submission: None, purpose: None, bytes: 0 };

impl Opener {
    pub(crate) async fn close_request(&self, asking: &Asking<'_>, close: Close) -> Result<Answer, Unavailable> {
        let note = self.sealed_note(asking, close.note.as_ref())?;
        let holding = self.vault.holding(close.subject, NO_VALUES).await?;
        let found = Found::of(&holding, &close);
        let mut entry = asking.entry("close_request");
        entry.subjects = vec![close.subject];
        let name = key::request_name(close.kind, &close.id);
        entry.fields = vec![format!("request:{name}"), format!("outcome:{}", close.outcome.as_str())];
        entry.reason = Some("request");
        entry.note = note;
        let answer = |status, outcome: Option<Answered>| {
            let person = close.subject.to_string();
            let outcome = outcome.map(Answered::as_str);
            Answer::from(ClosedRequest { person, request: name.clone(), status, outcome })
        };
        let (request, terms) = match found {
            Found::Closable(request, terms) => (request, terms),
            Found::Ended(outcome) => {
                entry.act = "refuse";
                entry.refusal = Some("closed_before");
                self.ledger.record(&entry).await?;
                return Ok(answer(Closed::Already, Some(outcome)));
            }
            Found::No(status, why) => {
                entry.act = "refuse";
                entry.refusal = Some(why);
                self.ledger.record(&entry).await?;
                return Ok(answer(status, None));
            }
        };
        let recorded = self.ledger.record(&entry).await?;
        if !recorded.names(close.subject) {
            return Ok(answer(Closed::Failed("not_recorded"), None));
        }
        let closing =
            Closing { subject: close.subject, request, terms: &terms, at: asking.now, outcome: close.outcome };
        let written = self.vault.close_request(&closing, asking.now).await?;
        Ok(match written {
            Outcome::Written => answer(Closed::Now, Some(close.outcome)),
            Outcome::Already => {
                // Somebody else has changed it; or the answer to the write was lost, and its
                // repetition has met what is written.
                let ended = self.ended(&close).await?;
                match ended {
                    Some(outcome) if outcome == close.outcome => answer(Closed::Now, ended),
                    _ => answer(Closed::Failed("changed"), ended),
                }
            }
        })
    }

    /// How a request has ended by now.
    async fn ended(&self, close: &Close) -> Result<Option<Answered>, StoreError> {
        let holding = self.vault.holding(close.subject, NO_VALUES).await?;
        let now = holding.requests.iter().find(|request| is_meant(request, close));
        Ok(now.and_then(|request| request.closed).map(|(_, outcome)| outcome))
    }
}

/// The request that is to be closed.
enum Found<'a> {
    /// It can be closed, and is kept as this.
    Closable(&'a StoredRequest, RequestTerms),
    /// It has ended.
    Ended(Answered),
    /// It cannot be closed, and why.
    No(Closed, &'static str),
}

impl<'a> Found<'a> {
    fn of(holding: &'a Holding, close: &Close) -> Self {
        let Some(request) = holding.requests.iter().find(|request| is_meant(request, close)) else {
            return Self::No(Closed::NotFound, "not_found");
        };
        let before = request.closed.map(|(_, outcome)| outcome);
        if !can_close(request.kind, before, close.outcome) {
            return match before {
                Some(outcome) => Self::Ended(outcome),
                None => Self::No(Closed::Failed("outcome"), "outcome"),
            };
        }
        // Nobody knows what a planted request was kept for: it is kept as the person is.
        let terms = request.terms.clone().or_else(|| {
            let row = &holding.contact.as_ref()?.row;
            let shown = row.shown.as_ref().map(ToString::to_string);
            let (purpose, policy) = (row.purpose.clone(), row.policy.clone());
            Some(RequestTerms { purpose, policy, shown, event_at: row.event_at })
        });
        match terms {
            Some(terms) => Self::Closable(request, terms),
            None => Self::No(Closed::Failed("contact_row"), "contact_row"),
        }
    }
}

fn is_meant(request: &StoredRequest, close: &Close) -> bool {
    request.kind == close.kind && request.id == close.id
}
