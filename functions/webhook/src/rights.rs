//! What people ask in the chat of what is held about them: to have all of it erased, or to
//! take back their consent to one purpose; once they have been asked again.

use azukari::{
    domain::{
        definition::{PurposeTerms, keyword},
        erasure::Ground,
        id::{DefinitionId, LineItemId},
        order::EventOrder,
        person::{Admission, admit},
        receipt::ReceiptId,
        rights::{Wish, in_time},
        time::UnixMs,
    },
    host::people::PeopleError,
    line::event::Act,
    store::order::{EraseOrder, WithdrawOrder},
};

use crate::{arrival::Arrival, visit::Visit};

/// What is to be said to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RightsNews {
    /// Whether everything is to be erased.
    AskToErase,
    /// It is being erased, and this is the receipt.
    Erasing(ReceiptId),
    /// Nothing is erased.
    Kept,
    /// Nothing is held.
    NothingHeld,
    /// The purposes for which consent can be taken back.
    Purposes(Vec<PurposeTerms>),
    /// Whether consent to this one is taken back.
    AskToWithdraw(Box<PurposeTerms>),
    /// It is taken back.
    Withdrawn(Box<PurposeTerms>),
}

/// What a button asks for.
pub(crate) fn wish(arrival: &Arrival) -> Option<Wish> {
    let Act::Signal(fields) = &arrival.event.act else { return None };
    let (_, data) = fields.iter().find(|(name, _)| *name == "data")?;
    Wish::parse(std::str::from_utf8(data.reveal()).ok()?)
}

/// What a message asks for.
fn asked_by_words(visit: &Visit<'_>, arrival: &Arrival) -> Option<Wish> {
    let text = keyword(arrival.text()?);
    let definition = &visit.channel.definition;
    if definition.erase_words.contains(&text) {
        Some(Wish::AskToErase)
    } else if definition.withdraw_words.contains(&text) {
        Some(Wish::ListPurposes)
    } else {
        None
    }
}

/// Carries out what the buttons ask for, in the order in which it happened, and says what
/// is to be said to the last of it.
pub(crate) async fn take(visit: &Visit<'_>, arrivals: &[Arrival]) -> Result<Option<RightsNews>, PeopleError> {
    let mut wishes: Vec<(UnixMs, &LineItemId, Wish)> = arrivals
        .iter()
        .filter_map(|arrival| Some((arrival.event.at.min(visit.now), &arrival.event.id, wish(arrival)?)))
        .collect();
    wishes.sort_by(|a, b| (a.0, a.1.as_str()).cmp(&(b.0, b.1.as_str())));
    let mut news = None;
    for (at, id, wish) in wishes {
        let metrics = visit.intake.ctx.metrics();
        news = match wish {
            Wish::Keep => Some(RightsNews::Kept),
            Wish::Erase(asked_at) if in_time(asked_at, at) => erase(visit, at, id).await?,
            // Of an old chat, or made up: they are asked.
            Wish::Erase(_) | Wish::AskToErase => Some(ask(visit).await?),
            Wish::ListPurposes => Some(list(visit).await?),
            Wish::Withdraw(purpose, asked_at) if in_time(asked_at, at) => withdraw(visit, &purpose, at, id).await?,
            Wish::Withdraw(purpose, _) | Wish::AskToWithdraw(purpose) => Some(ask_to_withdraw(visit, &purpose).await?),
        };
        let word = match &news {
            Some(RightsNews::AskToErase) => "asked_again",
            Some(RightsNews::Erasing(_)) => "erase",
            Some(RightsNews::Kept) => "keep",
            Some(RightsNews::NothingHeld) => "nothing_held",
            Some(RightsNews::Purposes(_)) => "purposes",
            Some(RightsNews::AskToWithdraw(_)) => "asked_to_withdraw",
            Some(RightsNews::Withdrawn(_)) => "withdraw",
            None => "older_than_erasure",
        };
        metrics.count("webhook_rights", word);
    }
    Ok(news)
}

/// What these messages ask for.
pub(crate) fn asked_in_words<'a>(visit: &Visit<'_>, arrivals: impl IntoIterator<Item = &'a Arrival>) -> Option<Wish> {
    arrivals.into_iter().find_map(|arrival| asked_by_words(visit, arrival))
}

/// What is to be said to what was asked for in words.
pub(crate) async fn news(visit: &Visit<'_>, asked: Option<Wish>) -> Result<Option<RightsNews>, PeopleError> {
    match asked {
        Some(Wish::ListPurposes) => list(visit).await.map(Some),
        Some(_) => ask(visit).await.map(Some),
        None => Ok(None),
    }
}

/// Quick replies that LINE shows at most, but for one that erases everything.
const MOST_PURPOSES: usize = 12;

/// The purposes for which consent can be taken back: all of the policy in force but that of
/// being reached, without which there is nobody to keep anything for.
async fn purposes(visit: &Visit<'_>) -> Result<Vec<PurposeTerms>, PeopleError> {
    let policy = visit.webhook.policies.version(&visit.intake.vault, &visit.channel.policy).await?;
    let contact = &visit.channel.definition.purposes.line_contact.id;
    let all = policy.iter().flat_map(|policy| &policy.purposes).filter(|terms| terms.id != *contact);
    Ok(all.take(MOST_PURPOSES).cloned().collect())
}

async fn list(visit: &Visit<'_>) -> Result<RightsNews, PeopleError> {
    if visit.mapping(false).await?.1.is_none() {
        return Ok(RightsNews::NothingHeld);
    }
    Ok(RightsNews::Purposes(purposes(visit).await?))
}

async fn ask_to_withdraw(visit: &Visit<'_>, purpose: &DefinitionId) -> Result<RightsNews, PeopleError> {
    if visit.mapping(false).await?.1.is_none() {
        return Ok(RightsNews::NothingHeld);
    }
    let all = purposes(visit).await?;
    // One that is not there any more: they see those that are.
    Ok(match all.iter().find(|terms| terms.id == *purpose) {
        Some(terms) => RightsNews::AskToWithdraw(Box::new(terms.clone())),
        None => RightsNews::Purposes(all),
    })
}

/// How often the mapping is read again because somebody else changed it.
const ROUNDS: usize = 6;

/// Takes a consent back. `None` if that is older than an erasure.
async fn withdraw(
    visit: &Visit<'_>,
    purpose: &DefinitionId,
    at: UnixMs,
    id: &LineItemId,
) -> Result<Option<RightsNews>, PeopleError> {
    let all = purposes(visit).await?;
    let Some(terms) = all.iter().find(|terms| terms.id == *purpose).cloned() else {
        return Ok(Some(RightsNews::Purposes(all)));
    };
    // A link is for one purpose: without it there is none.
    if visit.channel.definition.link.as_ref().is_some_and(|link| link.purpose.id == *purpose) {
        visit.part(at, id.as_str()).await?;
    }
    let event = EventOrder { at, event: id.clone() };
    for _ in 0..ROUNDS {
        let (mapping, known) = visit.mapping(true).await?;
        if admit(&mapping.standing, at) == Admission::Stale {
            return Ok(None);
        }
        let Some(known) = known else { return Ok(Some(RightsNews::NothingHeld)) };
        let Some(person) = known.person.withdrawing(purpose, event.clone()) else {
            return Ok(Some(RightsNews::Withdrawn(Box::new(terms))));
        };
        let subject = known.key.subject();
        let order = WithdrawOrder { subject, id: format!("w{}", id.as_str()), purpose: purpose.clone(), as_of: at };
        let vault = &visit.intake.vault;
        let written = vault.put_withdrawal(&visit.pk, &mapping, &person, &event, &order, visit.now).await?;
        if let Some(mapping) = written {
            visit.known(&mapping)?;
            return Ok(Some(RightsNews::Withdrawn(Box::new(terms))));
        }
        visit.forget();
    }
    Err(PeopleError::Contended)
}

async fn ask(visit: &Visit<'_>) -> Result<RightsNews, PeopleError> {
    let (_, known) = visit.mapping(false).await?;
    Ok(if known.is_some() { RightsNews::AskToErase } else { RightsNews::NothingHeld })
}

/// Places the order. `None` if it is older than an erasure.
async fn erase(visit: &Visit<'_>, at: UnixMs, id: &LineItemId) -> Result<Option<RightsNews>, PeopleError> {
    let (mapping, known) = visit.mapping(true).await?;
    if admit(&mapping.standing, at) == Admission::Stale {
        return Ok(None);
    }
    let Some(known) = known else { return Ok(Some(RightsNews::NothingHeld)) };
    let vault = &visit.intake.vault;
    let order =
        EraseOrder { subject: known.key.subject(), id: id.as_str().to_owned(), ground: Ground::Asked, as_of: at };
    // Delivered again, it is there, and the same is said.
    vault.put_erase_order(&order, visit.now).await?;
    Ok(Some(RightsNews::Erasing(ReceiptId::of(order.subject, &order.id, vault.origin()))))
}
