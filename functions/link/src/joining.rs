//! `GET /link/{channel}/joining`: whoever has signed in reads what is joined with what, and
//! chooses what else is to be kept; `POST /link/{channel}/join` takes them to the member
//! site, which has yet to say which member they are.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use azukari::{
    domain::language::Language,
    host::{
        one_time::{self, Step},
        pages::STYLE,
    },
    seal::one_time::OneTimeSecret,
    store::Outcome,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::{
    Link, browser,
    login::{back_to_site, return_address},
    request::{ChannelPath, SentBody, TicketQuery, ticket_of},
    service::Linking,
    steps::{Asked, Code, Item, Way},
    words::{self, Trouble},
};

/// An item as the page offers it.
struct Offer<'a> {
    name: &'static str,
    title: String,
    value: String,
    item: &'a Item,
}

#[derive(Template)]
#[template(path = "joining.html")]
struct Joining<'a> {
    style: &'static str,
    language: Language,
    channel: &'a str,
    business: &'a str,
    site: &'a str,
    name: Option<&'a str>,
    lines: &'a [String],
    words: &'a str,
    offers: Vec<Offer<'a>>,
    ticket: &'a str,
}

/// `GET /link/{channel}/joining`.
pub(crate) async fn show(
    State(link): State<Arc<Link>>,
    channel: ChannelPath,
    ticket: TicketQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let (linking, language) = link.opened(channel, None, &headers).await?;
    let ticket = ticket_of(ticket);
    let asked = link.step::<Asked>(&ticket).await.map_err(|trouble| link.trouble(trouble, language, None))?;
    let language = asked.language;
    if asked.channel != linking.name().as_str() {
        return Err(link.trouble(Trouble::Expired, language, None));
    }
    if !browser::is(&headers, &asked.browser) {
        return Err(link.trouble(Trouble::OtherBrowser, language, None));
    }
    let site = link.site(linking.name(), Some(&asked.back.site));
    let (Some(site), Some(business)) = (site, link.business(&linking).await) else {
        return Err(link.trouble(Trouble::Unavailable, language, None));
    };
    let lines = words::notice(&linking, &business, site, language);
    let words = words::shown(&linking, &lines, language).words;
    let offers = asked.items.iter().map(|item| Offer {
        name: item.item.as_str(),
        title: language.of_text(&item.item.title()).to_owned(),
        value: item.values.iter().map(|(_, told)| told.0.reveal().as_str()).collect::<Vec<_>>().join(" "),
        item,
    });
    let page = Joining {
        style: STYLE,
        language,
        channel: linking.name().as_str(),
        business: language.of_text(&business),
        site: language.of_text(&site.title),
        name: asked.name.as_ref().map(|name| name.0.reveal().as_str()),
        lines: &lines,
        words: &words,
        offers: offers.filter(|offer| !offer.item.values.is_empty()).collect(),
        ticket: &ticket,
    };
    Ok(link.page(StatusCode::OK, &page))
}

#[derive(Deserialize)]
struct Answer {
    ticket: String,
    words: String,
    /// `join`, or anything else.
    choice: String,
    #[serde(flatten)]
    ticked: std::collections::BTreeMap<String, String>,
}

/// `POST /link/{channel}/join`.
pub(crate) async fn join(
    State(link): State<Arc<Link>>,
    channel: ChannelPath,
    headers: HeaderMap,
    body: SentBody,
) -> Result<Response, Response> {
    let (linking, language, answer) = link.sent::<Answer>(channel, &headers, body).await?;
    match link.answered(&linking, &answer, &headers).await {
        Ok(address) => Ok(link.see_other(&address, None)),
        Err((trouble, own)) => Err(link.trouble(trouble, own.unwrap_or(language), None)),
    }
}

impl Link {
    /// What a ticket stands for, without using it up.
    pub(crate) async fn step<S: Step>(&self, ticket: &str) -> Result<S, Trouble> {
        let secret = OneTimeSecret::parse(ticket).ok_or(Trouble::Expired)?;
        match one_time::look::<S>(&self.intake.vault, &secret, self.intake.ctx.now()).await {
            Ok(step) => step.ok_or(Trouble::Expired),
            Err(error) => {
                tracing::error!(event = "step_not_looked_up", %error, "a step could not be looked up");
                Err(Trouble::Unavailable)
            }
        }
    }

    /// Uses up a ticket that was looked at before: whoever comes second is too late.
    pub(crate) async fn use_up(&self, ticket: &str) -> Result<(), Trouble> {
        let secret = OneTimeSecret::parse(ticket).ok_or(Trouble::Expired)?;
        match self.intake.vault.use_content(&secret.digest()).await {
            Ok(Outcome::Written) => Ok(()),
            Ok(Outcome::Already) => Err(Trouble::Expired),
            Err(error) => {
                tracing::error!(event = "step_not_taken", %error, "a step could not be taken");
                Err(Trouble::Unavailable)
            }
        }
    }

    async fn answered(
        &self,
        linking: &Linking<'_>,
        answer: &Answer,
        headers: &HeaderMap,
    ) -> Result<String, (Trouble, Option<Language>)> {
        // Looked at first: whoever comes from another browser does not use it up.
        let asked: Asked = self.step(&answer.ticket).await.map_err(|trouble| (trouble, None))?;
        let language = asked.language;
        let refused = |trouble| (trouble, Some(language));
        if !browser::is(headers, &asked.browser) {
            return Err(refused(Trouble::OtherBrowser));
        }
        self.use_up(&answer.ticket).await.map_err(refused)?;
        if asked.channel != linking.name().as_str() {
            return Err(refused(Trouble::Expired));
        }
        if answer.choice != "join" {
            return Ok(back_to_site(&asked.back, language, &[("error", "access_denied")]).address);
        }
        let site = self.site(linking.name(), Some(&asked.back.site));
        let (Some(site), Some(business)) = (site, self.business(linking).await) else {
            return Err(refused(Trouble::Unavailable));
        };
        let lines = words::notice(linking, &business, site, language);
        let shown = words::shown(linking, &lines, language);
        // What they have read has changed since.
        if shown.words != answer.words {
            return Err(refused(Trouble::Expired));
        }
        let chosen =
            |item: &Item| answer.ticked.get(&format!("item.{}", item.item.as_str())).is_some_and(|v| v == "yes");
        let way = Way::Login {
            user: asked.user,
            name: asked.name,
            agreed: Some(shown),
            items: asked.items.into_iter().filter(chosen).collect(),
            friend_added: asked.friend_added,
        };
        let back = asked.back;
        let code = Code { channel: asked.channel, back: back.clone(), way, browser: asked.browser, begun: asked.begun };
        let now = self.intake.ctx.now();
        let code = one_time::leave(&self.intake.vault, self.intake.ctx.mint(), &code, now).await.map_err(|error| {
            tracing::error!(event = "code_not_left", %error, "a code could not be left");
            refused(Trouble::Unavailable)
        })?;
        Ok(return_address(&back, &[("code", &code.text())]))
    }
}
