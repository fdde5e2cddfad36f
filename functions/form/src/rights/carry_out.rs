//! Carrying out what somebody asks, once LINE has said who it is: everything is a blind write
//! of a row of theirs, and of whom nothing is held, nothing is written.

use azukari::{
    domain::{
        consent::Consent,
        definition::PurposeTerms,
        id::{LineItemId, LineUserId, SubjectId},
        order::EventOrder,
        origin::OriginTag,
        plain::Plain,
        receipt::ReceiptId,
        request::RequestKind,
        time::UnixMs,
    },
    host::{
        people::{Known, PeopleError, Visit},
        rights::{Met, Withdrawn},
    },
    seal::{self, notice::Shown, place::RowPlace},
    store::{Outcome, key, one_time::Spend, request::RequestRow},
};

use super::{Place, questions::Wish};
use crate::{
    Form,
    answer::Refusal,
    sheet_words::Trouble,
    submit::{PER_HOUR, budget_digest},
};

/// What has become of a wish.
#[derive(Debug)]
pub(crate) enum Done {
    /// Everything is being erased, and this is the receipt.
    Erasing(ReceiptId),
    /// The consent is taken back.
    Withdrawn(Box<PurposeTerms>),
    /// The request is stored: now, or before.
    Requested(RequestKind, Outcome),
    /// Nothing is held.
    NothingHeld,
}

impl Done {
    /// In one word, for programs.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::Requested(_, Outcome::Already) => "already_accepted",
            Self::NothingHeld => "nothing_held",
            Self::Erasing(_) | Self::Withdrawn(_) | Self::Requested(_, Outcome::Written) => "accepted",
        }
    }
}

/// A wish on its way.
pub(super) struct Asking<'a> {
    pub(super) function: &'a Form,
    pub(super) place: &'a Place,
    pub(super) shown: &'a Shown,
    pub(super) user: &'a LineUserId,
    pub(super) wish: &'a Wish,
    pub(super) now: UnixMs,
}

impl Asking<'_> {
    /// Whether somebody is there of whom something is held, and may ask this now: one call.
    /// Nothing is stored. `None` if nothing is held.
    pub(super) async fn admitted(&self) -> Result<Option<Box<Known>>, Refusal> {
        let known = match self.visit().meet(self.shown.at).await.map_err(|error| self.unavailable(&error))? {
            Met::Known(known) => known,
            Met::NothingHeld => return Ok(None),
            Met::Stale => return Err(self.stale()),
        };
        // An order to erase them is on its way; and who asks for that now has a receipt of it.
        if known.person.consent == Consent::Refused && !matches!(self.wish, Wish::Erase) {
            return Err(Refusal::Trouble(Trouble::Erasing));
        }
        Ok(Some(known))
    }

    /// Carries it out.
    pub(super) async fn carry_out(&self) -> Result<Done, Refusal> {
        let Some(known) = self.admitted().await? else { return Ok(Done::NothingHeld) };
        // The id of what was shown is that of what comes of it: sent twice, it is one.
        let id = LineItemId::parse(&self.shown.id).map_err(|_| Refusal::Forged)?;
        let visit = self.visit();
        match self.wish {
            Wish::Erase => {
                let receipt = visit.order_erasure(&known, &id, self.now).await;
                receipt.map(Done::Erasing).map_err(|error| self.unavailable(&error))
            }
            Wish::Withdraw(terms) => {
                let event = EventOrder { at: self.now, event: id };
                let withdrawn = visit.withdraw(&terms.id, &event, self.shown.at, "page").await;
                match withdrawn.map_err(|error| self.unavailable(&error))? {
                    Withdrawn::Done => Ok(Done::Withdrawn(terms.clone())),
                    Withdrawn::NothingHeld => Ok(Done::NothingHeld),
                    Withdrawn::Stale => Err(self.stale()),
                }
            }
            Wish::Request(kind, details) => {
                self.spend(&known).await?;
                let stored = self.request(&visit, &known, *kind, details.as_ref()).await;
                stored.map(|outcome| Done::Requested(*kind, outcome)).map_err(|error| self.unavailable(&error))
            }
        }
    }

    /// Requests are kept for a year, and somebody has to answer each: nobody can make them
    /// without end. Erasing and taking back wait for nothing.
    async fn spend(&self, known: &Known) -> Result<(), Refusal> {
        let spend = format!("rights#{}", budget_digest("rights", known.key.subject()));
        let spend = Spend { what: &spend, hour: self.now.hour(), n: 1, limit: PER_HOUR };
        let within = self.function.intake.vault.spend(spend).await;
        if within.map_err(|error| self.unavailable(&error.into()))? {
            Ok(())
        } else {
            Err(Refusal::Trouble(Trouble::TooOften))
        }
    }

    /// Stores a request, what was written in it sealed for the person.
    async fn request(
        &self,
        visit: &Visit<'_>,
        known: &Known,
        kind: RequestKind,
        details: Option<&Plain<String>>,
    ) -> Result<Outcome, PeopleError> {
        let (channel, shown) = (&self.place.channel, self.shown);
        let subject = known.key.subject();
        // It serves to answer them, as being able to reach them does.
        let purpose = &channel.definition.purposes.line_contact.id;
        let id = request_id(subject, shown, details, visit.intake.vault.origin());
        let sk = key::request(kind, &id);
        let place = RowPlace { channel: &channel.name, subject, row: &sk, purpose, policy: &shown.policy, form: None };
        let owner = visit.index_key().owner(&channel.name, self.user);
        let sealed = |details: &Plain<String>| {
            seal::seal(&known.key, &place, &owner, &[("details", Plain::text(details.reveal()))])
        };
        let row = RequestRow {
            subject,
            kind,
            id,
            purpose: purpose.clone(),
            policy: shown.policy.clone(),
            shown: Some(shown.policy.to_string()),
            event_at: self.now,
            env: details.map(sealed).transpose()?,
        };
        Ok(visit.intake.vault.put_request(row, self.now).await?)
    }

    fn visit(&self) -> Visit<'_> {
        self.function.intake.visit(&self.place.channel, self.user, self.now)
    }

    /// It was shown before the person was erased.
    fn stale(&self) -> Refusal {
        self.function.intake.ctx.metrics().count("form_dropped", "older_than_erasure");
        Refusal::Trouble(Trouble::NoticeExpired)
    }

    fn unavailable(&self, error: &PeopleError) -> Refusal {
        self.function.intake.ctx.metrics().count("form_transient_fault", "rights");
        tracing::error!(
            event = "wish_not_carried_out",
            %error,
            channel = %self.place.channel.name,
            "a wish could not be carried out"
        );
        Refusal::Trouble(Trouble::Unavailable)
    }
}

/// The id of a request: of the page and of what was written, so that the same sent twice is
/// one, and other words on the same page are another. A tag, because what was written must
/// not be guessed from it.
fn request_id(subject: SubjectId, shown: &Shown, details: Option<&Plain<String>>, origin: &dyn OriginTag) -> String {
    let words = details.map(|details| details.reveal().as_str()).unwrap_or_default();
    let tag = origin.tag(format!("azukari request v1 {subject} {} {words}", shown.id).as_bytes());
    tag[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
