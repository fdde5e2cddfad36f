//! What people ask in the chat of what is held about them: to have all of it erased, or to
//! take back their consent to one purpose; once they have been asked again.

use azukari::{
    domain::{
        definition::{PurposeTerms, keyword},
        id::{DefinitionId, LineItemId},
        order::EventOrder,
        receipt::ReceiptId,
        rights::{Wish, in_time},
        time::UnixMs,
    },
    host::{
        people::PeopleError,
        rights::{self, Met, Withdrawn},
    },
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
    /// The way to the page on which something can be corrected or stopped.
    Page,
}

/// What a button asks for.
pub(crate) fn wish(arrival: &Arrival) -> Option<Wish> {
    Wish::parse(arrival.data()?)
}

/// What a message asks for.
fn asked_by_words(visit: &Visit<'_>, arrival: &Arrival) -> Option<Wish> {
    let text = keyword(arrival.text()?);
    let definition = &visit.channel.definition;
    if definition.erase_words.contains(&text) {
        Some(Wish::AskToErase)
    } else if definition.withdraw_words.contains(&text) {
        Some(Wish::ListPurposes)
    } else if definition.page_words.contains(&text) {
        Some(Wish::ShowPage)
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
            Wish::ShowPage => Some(page(visit).await?),
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
            Some(RightsNews::Page) => "page",
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
        Some(Wish::ShowPage) => page(visit).await.map(Some),
        Some(_) => ask(visit).await.map(Some),
        None => Ok(None),
    }
}

/// Quick replies that LINE shows at most, but for one that erases everything.
const MOST_PURPOSES: usize = 12;

/// The purposes for which consent can be taken back.
async fn purposes(visit: &Visit<'_>) -> Result<Vec<PurposeTerms>, PeopleError> {
    let mut all = rights::purposes(&visit.webhook.policies, &visit.intake.vault, visit.channel).await?;
    all.truncate(MOST_PURPOSES);
    Ok(all)
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
    let event = EventOrder { at, event: id.clone() };
    Ok(match visit.withdraw(purpose, &event, at, "chat").await? {
        Withdrawn::Done => Some(RightsNews::Withdrawn(Box::new(terms))),
        Withdrawn::NothingHeld => Some(RightsNews::NothingHeld),
        Withdrawn::Stale => None,
    })
}

async fn ask(visit: &Visit<'_>) -> Result<RightsNews, PeopleError> {
    let (_, known) = visit.mapping(false).await?;
    Ok(if known.is_some() { RightsNews::AskToErase } else { RightsNews::NothingHeld })
}

async fn page(visit: &Visit<'_>) -> Result<RightsNews, PeopleError> {
    let (_, known) = visit.mapping(false).await?;
    Ok(if known.is_some() { RightsNews::Page } else { RightsNews::NothingHeld })
}

/// Places the order. `None` if it is older than an erasure. Delivered again, it is there, and
/// the same is said.
async fn erase(visit: &Visit<'_>, at: UnixMs, id: &LineItemId) -> Result<Option<RightsNews>, PeopleError> {
    Ok(match visit.meet(at).await? {
        Met::Known(known) => Some(RightsNews::Erasing(visit.order_erasure(&known, id, at).await?)),
        Met::NothingHeld => Some(RightsNews::NothingHeld),
        Met::Stale => None,
    })
}
