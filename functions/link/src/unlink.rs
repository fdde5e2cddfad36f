//! `GET /link/{channel}/unlink`: how a link is undone. Whoever has signed in to LINE does it
//! here, and LINE is told that they no longer allow us anything (PLATFORM.md §6.2).

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use azukari::{
    domain::{id::LineUserId, language::Language},
    host::{linking::Parted, pages::STYLE, people::PeopleError},
    seal::one_time::OneTimeSecret,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::{
    Link, browser,
    request::{ChannelPath, SentBody, TicketQuery, ticket_of},
    service::Linking,
    site::TELL_WITHIN,
    steps::Parting,
    words::Trouble,
};

/// How long LINE may take to end what somebody has allowed.
const DEAUTHORIZE_WITHIN: Duration = Duration::from_secs(3);

#[derive(Deserialize)]
pub(crate) struct Asked {
    lang: Option<String>,
}

#[derive(Template)]
#[template(path = "unlink.html")]
struct Page<'a> {
    style: &'static str,
    language: Language,
    channel: &'a str,
    business: &'a str,
    /// The word that does it in the chat.
    word: &'a str,
    /// Set once they have signed in.
    signed_in: Option<SignedIn<'a>>,
}

struct SignedIn<'a> {
    ticket: &'a str,
    /// Whether there is a link.
    linked: bool,
}

/// `GET /link/{channel}/unlink`.
pub(crate) async fn about(
    State(link): State<Arc<Link>>,
    channel: ChannelPath,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let lang = asked.ok().and_then(|Query(asked)| asked.lang);
    let (linking, language) = link.opened(channel, lang.as_deref(), &headers).await?;
    Ok(link.unlink_page(&linking, language, None).await)
}

/// `GET /link/{channel}/unlinking`: the same for whoever has signed in.
pub(crate) async fn show(
    State(link): State<Arc<Link>>,
    channel: ChannelPath,
    ticket: TicketQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let (linking, language) = link.opened(channel, None, &headers).await?;
    let ticket = ticket_of(ticket);
    let parting = link.parting(&linking, &ticket, &headers, language).await?;
    let language = parting.language;
    match link.is_linked(&linking, &parting).await {
        Ok(linked) => Ok(link.unlink_page(&linking, language, Some(SignedIn { ticket: &ticket, linked })).await),
        Err(trouble) => Err(link.trouble(trouble, language, None)),
    }
}

#[derive(Deserialize)]
struct Answer {
    ticket: String,
}

/// `POST /link/{channel}/unlink`.
pub(crate) async fn unlink(
    State(link): State<Arc<Link>>,
    channel: ChannelPath,
    headers: HeaderMap,
    body: SentBody,
) -> Result<Response, Response> {
    let (linking, language, Answer { ticket }) = link.sent(channel, &headers, body).await?;
    let parting = link.parting(&linking, &ticket, &headers, language).await?;
    let language = parting.language;
    match link.part(&linking, &parting, &ticket).await {
        Ok(ended) => Ok(link.message(StatusCode::OK, language, done(language, &ended), None)),
        Err(trouble) => Err(link.trouble(trouble, language, None)),
    }
}

/// What has come of it.
struct Ended {
    /// Whether there was a link.
    linked: bool,
    /// Whether LINE has taken it.
    told_line: bool,
}

fn done(language: Language, ended: &Ended) -> (&'static str, &'static str) {
    if !ended.linked {
        let title = language.pick("連携している会員IDはありません", "No membership is linked");
        let text = if ended.told_line {
            language.pick(
                "LINEログインの連動は解除し、LINEヤフー株式会社に知らせました。この画面は閉じていただいて大丈夫です。",
                "Your permission for LINE Login has been withdrawn, and LY Corporation has been told. You can close this page.",
            )
        } else {
            language.pick(
                "LINEの側の連動が残っているときは、LINEアプリの「設定」→「アカウント」→「連動アプリ」から解除してください。",
                "If your permission is still there in LINE, withdraw it under Settings, Account, Authorized apps.",
            )
        };
        return (title, text);
    }
    let title = language.pick("連携を解除しました", "The link is undone");
    let text = if ended.told_line {
        language.pick(
            "連携のためにお預かりしたものは、数分のうちに消去します。LINEログインの連動も解除し、LINEヤフー株式会社に知らせました。この画面は閉じていただいて大丈夫です。",
            "What was kept for the link is erased within minutes. Your permission for LINE Login has been withdrawn, and LY Corporation has been told. You can close this page.",
        )
    } else {
        language.pick(
            "連携のためにお預かりしたものは、数分のうちに消去します。LINEの側の連動は解除できませんでした。お手数ですが、LINEアプリの「設定」→「アカウント」→「連動アプリ」から解除してください。",
            "What was kept for the link is erased within minutes. Your permission could not be withdrawn at LINE: please do it in LINE under Settings, Account, Authorized apps.",
        )
    };
    (title, text)
}

impl Link {
    async fn unlink_page(
        &self,
        linking: &Linking<'_>,
        language: Language,
        signed_in: Option<SignedIn<'_>>,
    ) -> Response {
        let Some(business) = self.business(linking).await else {
            return self.trouble(Trouble::Unavailable, language, None);
        };
        let page = Page {
            style: STYLE,
            language,
            channel: linking.name().as_str(),
            business: language.of_text(&business),
            word: linking.terms().unlink_words.first().map(String::as_str).unwrap_or_default(),
            signed_in,
        };
        self.page(StatusCode::OK, &page)
    }

    /// What a ticket stands for, if it is this browser's. Otherwise the page that says why
    /// not: in `language`, unless they had another when they began.
    async fn parting(
        &self,
        linking: &Linking<'_>,
        ticket: &str,
        headers: &HeaderMap,
        language: Language,
    ) -> Result<Parting, Response> {
        let parting: Parting = self.step(ticket).await.map_err(|trouble| self.trouble(trouble, language, None))?;
        if parting.channel != linking.name().as_str() {
            return Err(self.trouble(Trouble::Expired, parting.language, None));
        }
        if !browser::is(headers, &parting.browser) {
            return Err(self.trouble(Trouble::OtherBrowser, parting.language, None));
        }
        Ok(parting)
    }

    async fn is_linked(&self, linking: &Linking<'_>, parting: &Parting) -> Result<bool, Trouble> {
        let user = LineUserId::parse(parting.user.reveal()).map_err(|_| Trouble::Expired)?;
        let visit = self.intake.visit(&linking.channel, &user, self.intake.ctx.now());
        let (_, known) = visit.mapping(true).await.map_err(|error| unavailable(&error))?;
        Ok(known.is_some_and(|known| known.person.link.link().is_some()))
    }

    /// Undoes the link, and tells LINE.
    async fn part(&self, linking: &Linking<'_>, parting: &Parting, ticket: &str) -> Result<Ended, Trouble> {
        let user = LineUserId::parse(parting.user.reveal()).map_err(|_| Trouble::Expired)?;
        let secret = OneTimeSecret::parse(ticket).ok_or(Trouble::Expired)?;
        let once = secret.digest();
        let now = self.intake.ctx.now();
        let visit = self.intake.visit(&linking.channel, &user, now);
        // Undone first: a ticket that was used up with nothing done would be a promise broken.
        // What fails after it is not told as if nothing had been done.
        let id = once.get(..32).unwrap_or_default();
        let parted = visit.part(now, id).await.map_err(|error| unavailable(&error))?;
        if let Err(trouble) = self.use_up(ticket).await {
            // Sent twice, or the store did not answer: it has been undone all the same.
            tracing::warn!(event = "ticket_not_used_up", why = trouble.code(), "a ticket was not used up");
        }
        let linked = matches!(parted, Parted::Now(_));
        let metrics = self.intake.ctx.metrics();
        metrics.count("link_parted", if linked { "unlinked" } else { "nothing" });
        let login = linking.secrets;
        let token = &parting.access_token;
        let (id, secret) = (&login.login_channel_id, &login.login_channel_secret);
        let told = self.line.deauthorize(id, secret, token, DEAUTHORIZE_WITHIN).await;
        metrics.count("link_deauthorize", if told.is_ok() { "done" } else { "failed" });
        if let Err(error) = &told {
            tracing::warn!(
                event = "line_consent_not_ended",
                %error,
                "what somebody has allowed in LINE could not be ended"
            );
        }
        if let Parted::Now(mapping) = parted {
            let wording = linking.channel.definition.wording.as_ref().map(|wording| wording.link.unlinked.as_str());
            self.tell(linking, &visit, wording, &once).await;
            if let Ok(Some(known)) = visit.known(&mapping) {
                let menu = visit.show_menu(known, &self.line, &login.access_token, TELL_WITHIN).await;
                if let Err(error) = menu {
                    tracing::warn!(
                        event = "rich_menu_not_noted",
                        %error,
                        "that a rich menu is gone could not be noted"
                    );
                }
            }
        }
        Ok(Ended { linked, told_line: told.is_ok() })
    }
}

fn unavailable(error: &PeopleError) -> Trouble {
    tracing::error!(event = "link_not_undone", %error, "a link could not be undone");
    Trouble::Unavailable
}
