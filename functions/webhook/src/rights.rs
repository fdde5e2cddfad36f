//! What people ask in the chat of what is held about them: to have it erased, once they
//! have been asked again.

use azukari::{
    domain::{
        definition::keyword,
        erasure::Ground,
        id::LineItemId,
        person::{Admission, admit},
        receipt::ReceiptId,
        rights::{Wish, in_time},
        time::UnixMs,
    },
    host::people::PeopleError,
    line::event::Act,
    store::order::EraseOrder,
};

use crate::{arrival::Arrival, visit::Visit};

/// What is to be said to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RightsNews {
    /// Whether everything is to be erased.
    AskToErase,
    /// It is being erased, and this is the receipt.
    Erasing(ReceiptId),
    /// Nothing is erased.
    Kept,
    /// Nothing is held.
    NothingHeld,
}

/// What a button asks for.
pub(crate) fn wish(arrival: &Arrival) -> Option<Wish> {
    let Act::Signal(fields) = &arrival.event.act else { return None };
    let (_, data) = fields.iter().find(|(name, _)| *name == "data")?;
    Wish::parse(std::str::from_utf8(data.reveal()).ok()?)
}

/// Whether a message asks to have everything erased.
fn asks_to_erase(visit: &Visit<'_>, arrival: &Arrival) -> bool {
    arrival.text().is_some_and(|text| visit.channel.definition.erase_words.contains(&keyword(text)))
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
        };
        let word = match news {
            Some(RightsNews::AskToErase) => "asked_again",
            Some(RightsNews::Erasing(_)) => "erase",
            Some(RightsNews::Kept) => "keep",
            Some(RightsNews::NothingHeld) => "nothing_held",
            None => "older_than_erasure",
        };
        metrics.count("webhook_rights", word);
    }
    Ok(news)
}

/// What is to be said to these messages, if one of them asks.
pub(crate) async fn news<'a>(
    visit: &Visit<'_>,
    arrivals: impl IntoIterator<Item = &'a Arrival>,
) -> Result<Option<RightsNews>, PeopleError> {
    if arrivals.into_iter().any(|arrival| asks_to_erase(visit, arrival)) {
        ask(visit).await.map(Some)
    } else {
        Ok(None)
    }
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
