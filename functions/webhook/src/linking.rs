//! Joining and parting in the chat: what LINE confirms of a link, the buttons and words
//! that ask for one or undo it, and what is said to that.

use azukari::{
    domain::{
        definition::{LinkTerms, keyword},
        id::{ChannelName, LineItemId},
        plain::Plain,
        site::MemberId,
        time::UnixMs,
    },
    host::{
        linking::{Joined, Parted, Vouched, Wish},
        one_time,
        people::{Known, PeopleError},
    },
    line::event::Act,
    seal::one_time::OneTimeSecret,
    store::StoreError,
};
use tokio::time::Instant;

use crate::{Webhook, arrival::Arrival, visit::Visit};

/// What a button sends back.
pub(crate) const LINK: &str = "azukari:link";
/// The same for undoing a link.
pub(crate) const UNLINK: &str = "azukari:unlink";

/// What somebody wants or LINE confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    /// LINE has confirmed a link, by this nonce.
    Confirmed(&'a Plain<String>),
    /// They want to be shown the way to link.
    Link,
    /// They want it undone.
    Unlink,
}

/// What is to be said about linking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinkNews {
    /// The way to link, with this link token.
    Offer(Plain<String>),
    /// The way cannot be shown now.
    Unavailable,
    /// They are joined.
    Linked,
    /// They were already.
    Already,
    /// Somebody or something else is joined there.
    Refused,
    /// It took too long.
    Expired,
    /// Whether it is to be undone.
    AskToUnlink,
    /// It is undone.
    Unlinked,
    /// There is none.
    NotLinked,
}

/// What an arrival commands, if it does not merely hold something to keep.
pub(crate) fn command(arrival: &Arrival) -> Option<Command<'_>> {
    match &arrival.event.act {
        Act::AccountLink(nonce) => Some(Command::Confirmed(nonce)),
        Act::Signal(_) => match arrival.data()? {
            LINK => Some(Command::Link),
            UNLINK => Some(Command::Unlink),
            _ => None,
        },
        _ => None,
    }
}

/// What came of the commands of one webhook.
#[derive(Debug, Default)]
pub(crate) struct Linking {
    /// What there is to say.
    pub(crate) news: Option<LinkNews>,
    /// Whether the way to link was asked for.
    pub(crate) asked: bool,
    /// Whether the mapping has changed.
    pub(crate) changed: bool,
}

/// Carries out what the arrivals command, in the order in which it happened.
pub(crate) async fn take(visit: &Visit<'_>, arrivals: &[Arrival]) -> Result<Linking, PeopleError> {
    let mut linking = Linking::default();
    let mut commands: Vec<(UnixMs, &LineItemId, Command<'_>)> = arrivals
        .iter()
        .filter_map(|arrival| Some((arrival.event.at.min(visit.now), &arrival.event.id, command(arrival)?)))
        .collect();
    commands.sort_by(|a, b| (a.0, a.1.as_str()).cmp(&(b.0, b.1.as_str())));
    for (at, id, command) in commands {
        match command {
            Command::Link => linking.asked = true,
            Command::Unlink => {
                linking.news = Some(match visit.part(at, id.as_str()).await? {
                    Parted::Now(_) => {
                        linking.changed = true;
                        visit.intake.ctx.metrics().count("webhook_link", "unlinked");
                        LinkNews::Unlinked
                    }
                    Parted::Nothing => LinkNews::NotLinked,
                });
            }
            Command::Confirmed(nonce) => {
                if let Some(news) = confirmed(visit, nonce, at).await? {
                    linking.changed |= news == LinkNews::Linked;
                    linking.news = Some(news);
                }
            }
        }
    }
    Ok(linking)
}

/// LINE has confirmed a link. `None` for a nonce that leads to nothing: made up, or used by
/// an earlier delivery.
async fn confirmed(visit: &Visit<'_>, nonce: &Plain<String>, at: UnixMs) -> Result<Option<LinkNews>, PeopleError> {
    let metrics = visit.intake.ctx.metrics();
    let unknown = || {
        metrics.count("webhook_link", "unknown_nonce");
        Ok(None)
    };
    let Some(secret) = OneTimeSecret::parse(nonce.reveal()) else { return unknown() };
    let vault = &visit.intake.vault;
    // What counts is when LINE has confirmed it, not when it could be told.
    let Some(vouched) = one_time::look::<Vouched>(vault, &secret, at).await? else { return unknown() };
    let (Some(terms), Ok(member)) = (&visit.channel.definition.link, MemberId::parse(vouched.member.reveal())) else {
        return unknown();
    };
    if vouched.channel != visit.channel.name.as_str() {
        return unknown();
    }
    let wish = Wish {
        terms,
        member: &member,
        digest: &vouched.digest,
        items: &[],
        shown: &vouched.shown,
        begun: vouched.begun,
        once: &secret.digest(),
        // This webhook notes the contact.
        contact: false,
    };
    let (word, news) = match visit.join(&wish).await? {
        Joined::Now(_) => ("linked", Some(LinkNews::Linked)),
        Joined::Already(_) => ("already", Some(LinkNews::Linked)),
        Joined::OtherMember => ("other_member", Some(LinkNews::Refused)),
        Joined::Taken => ("taken", Some(LinkNews::Refused)),
        Joined::Stale => ("stale", Some(LinkNews::Expired)),
        Joined::Erasing => ("erasing", Some(LinkNews::Expired)),
        Joined::Used => ("used", None),
    };
    metrics.count("webhook_link", word);
    Ok(news)
}

/// Voids the nonces of links that somebody else has followed.
pub(crate) async fn void(webhook: &Webhook, channel: &ChannelName, nonces: &[Plain<String>]) -> Result<(), StoreError> {
    let (vault, now) = (&webhook.intake.vault, webhook.intake.ctx.now());
    for nonce in nonces {
        webhook.intake.ctx.metrics().count("webhook_link", "failed");
        let Some(secret) = OneTimeSecret::parse(nonce.reveal()) else { continue };
        let vouched = one_time::look::<Vouched>(vault, &secret, now).await?;
        if vouched.is_some_and(|vouched| vouched.channel == channel.as_str()) {
            vault.use_content(&secret.digest()).await?;
        }
    }
    Ok(())
}

/// Whether anything of a webhook asks about a link.
pub(crate) fn is_about(visit: &Visit<'_>, linking: &Linking, arrivals: &[Arrival]) -> bool {
    let terms = visit.channel.definition.link.as_ref();
    linking.asked || terms.is_some_and(|terms| asked_by_words(terms, arrivals).is_some())
}

/// What is asked for by words in these messages.
pub(crate) fn asked_by_words<'a>(
    terms: &LinkTerms,
    arrivals: impl IntoIterator<Item = &'a Arrival>,
) -> Option<Command<'static>> {
    arrivals.into_iter().filter_map(Arrival::text).find_map(|text| {
        let text = keyword(text);
        if terms.unlink_words.contains(&text) {
            Some(Command::Unlink)
        } else if terms.words.contains(&text) {
            Some(Command::Link)
        } else {
            None
        }
    })
}

/// What to say about linking after everything is stored: what has happened, or the answer
/// to what was asked for.
pub(crate) async fn news<'a>(
    visit: &Visit<'_>,
    linking: Linking,
    known: Option<&Known>,
    arrivals: impl IntoIterator<Item = &'a Arrival>,
    access_token: &Plain<String>,
    until: Instant,
) -> Option<LinkNews> {
    if linking.news.is_some() {
        return linking.news;
    }
    let terms = visit.channel.definition.link.as_ref()?;
    let asked = if linking.asked { Some(Command::Link) } else { asked_by_words(terms, arrivals) };
    let linked = known.is_some_and(|known| known.person.link.link().is_some());
    match asked? {
        Command::Unlink if linked => Some(LinkNews::AskToUnlink),
        Command::Unlink => Some(LinkNews::NotLinked),
        _ if linked => Some(LinkNews::Already),
        _ => Some(link_token(visit, access_token, until).await.map_or(LinkNews::Unavailable, LinkNews::Offer)),
    }
}

async fn link_token(visit: &Visit<'_>, access_token: &Plain<String>, until: Instant) -> Option<Plain<String>> {
    let metrics = visit.intake.ctx.metrics();
    let Ok(Ok(_permit)) = tokio::time::timeout_at(until, visit.webhook.calls_to_line.acquire()).await else {
        metrics.count("webhook_link_token", "no_time");
        return None;
    };
    let within = until.saturating_duration_since(Instant::now());
    match visit.webhook.line.link_token(access_token, visit.user, within).await {
        Ok(token) => {
            metrics.count("webhook_link_token", "issued");
            Some(token)
        }
        Err(error) => {
            metrics.count("webhook_link_token", "failed");
            tracing::warn!(event = "link_token_not_issued", %error, "a link token was not issued");
            None
        }
    }
}
