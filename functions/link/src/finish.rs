//! `GET /link/{channel}/finish`: the last step, in the browser that took the first. The
//! business has vouched for the member by now. Whoever came from the chat goes on to LINE's
//! own dialog; whoever has signed in sees once more who is joined with what, and says so
//! with `POST`.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use azukari::{
    domain::{id::LineUserId, language::Language, link::MemberDigest, site::MemberId},
    host::{
        linking::{Joined, Wish},
        pages::STYLE,
        people::{PeopleError, Visit},
    },
    seal::one_time::OneTimeSecret,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::{
    Link, browser,
    login::{back_to_site, return_address},
    page::with_query,
    request::{ChannelPath, SentBody, TicketQuery, ticket_of},
    service::Linking,
    site::TELL_WITHIN,
    steps::{Finish, How},
    words::Trouble,
};

#[derive(Template)]
#[template(path = "finish.html")]
struct Page<'a> {
    style: &'static str,
    language: Language,
    channel: &'a str,
    business: &'a str,
    site: &'a str,
    name: Option<&'a str>,
    member: &'a str,
    ticket: &'a str,
}

/// `GET /link/{channel}/finish`.
pub(crate) async fn show(
    State(link): State<Arc<Link>>,
    channel: ChannelPath,
    ticket: TicketQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let (linking, language) = link.opened(channel, None, &headers).await?;
    let ticket = ticket_of(ticket);
    let told = |trouble| link.trouble(trouble, language, None);
    let finish = link.finishing(&linking, &ticket, &headers).await.map_err(told)?;
    match finish.how {
        How::Dialog { link_token, nonce } => {
            link.use_up(&ticket).await.map_err(told)?;
            let dialog = format!("{}/dialog/bot/accountLink", link.addresses.line_access);
            let pairs = [("linkToken", link_token.reveal().as_str()), ("nonce", nonce.reveal().as_str())];
            Ok(link.see_other(&with_query(&dialog, &pairs), None))
        }
        How::Here { name, member, shown, back, .. } => {
            let language = shown.language;
            let site = link.site(linking.name(), Some(&back.site));
            let (Some(site), Some(business)) = (site, link.business(&linking).await) else {
                return Err(link.trouble(Trouble::Unavailable, language, None));
            };
            let page = Page {
                style: STYLE,
                language,
                channel: linking.name().as_str(),
                business: language.of_text(&business),
                site: language.of_text(&site.title),
                name: name.as_ref().map(|name| name.0.reveal().as_str()),
                member: member.reveal(),
                ticket: &ticket,
            };
            Ok(link.page(StatusCode::OK, &page))
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    ticket: String,
    /// `link`, or anything else.
    choice: String,
}

/// `POST /link/{channel}/finish`.
pub(crate) async fn finish(
    State(link): State<Arc<Link>>,
    channel: ChannelPath,
    headers: HeaderMap,
    body: SentBody,
) -> Result<Response, Response> {
    let (linking, language, Answer { ticket, choice }) = link.sent(channel, &headers, body).await?;
    let finish = link.finishing(&linking, &ticket, &headers).await;
    let how = finish.map_err(|trouble| link.trouble(trouble, language, None))?.how;
    let (language, back) = match &how {
        How::Here { shown, back, .. } => (shown.language, back.clone()),
        How::Dialog { .. } => return Err(link.trouble(Trouble::NotRead, language, None)),
    };
    let finished = match choice.as_str() {
        "link" => link.finish_here(&linking, &how, &ticket).await.map(|()| ("linked", "true")),
        _ => link.use_up(&ticket).await.map(|()| ("error", "access_denied")),
    };
    match finished {
        Ok(said) => Ok(link.see_other(&return_address(&back, &[said]), None)),
        Err(trouble) => {
            let pairs = [("linked", "false"), ("error", trouble.code())];
            Err(link.trouble(trouble, language, Some(&back_to_site(&back, language, &pairs))))
        }
    }
}

impl Link {
    /// What a ticket stands for, if it is this browser's. Whoever brings it in another was
    /// sent it, or sent it on: it is worth nothing from then on.
    async fn finishing(&self, linking: &Linking<'_>, ticket: &str, headers: &HeaderMap) -> Result<Finish, Trouble> {
        let finish: Finish = self.step(ticket).await?;
        if finish.channel != linking.name().as_str() {
            return Err(Trouble::Expired);
        }
        if browser::is(headers, &finish.browser) {
            return Ok(finish);
        }
        match self.use_up(ticket).await {
            Ok(()) | Err(Trouble::Expired) => Err(Trouble::OtherBrowser),
            Err(trouble) => Err(trouble),
        }
    }

    async fn is_joined(&self, visit: &Visit<'_>, member: &MemberDigest) -> Result<bool, Trouble> {
        let (_, known) = visit.mapping(true).await.map_err(|error| {
            tracing::error!(event = "person_not_looked_up", %error, "somebody could not be looked up");
            Trouble::Unavailable
        })?;
        Ok(known.is_some_and(|known| known.person.link.is_with(member)))
    }

    async fn finish_here(&self, linking: &Linking<'_>, how: &How, ticket: &str) -> Result<(), Trouble> {
        let How::Here { user, member, digest, items, shown, begun, .. } = how else { return Err(Trouble::NotRead) };
        let user = LineUserId::parse(user.reveal()).map_err(|_| Trouble::Expired)?;
        let member = MemberId::parse(member.reveal()).map_err(|_| Trouble::Expired)?;
        let secret = OneTimeSecret::parse(ticket).ok_or(Trouble::Expired)?;
        let items = items.iter().flat_map(|item| &item.values);
        let items: Vec<_> = items.map(|(claim, told)| (claim.clone(), told.0.clone())).collect();
        let once = secret.digest();
        let wish = Wish {
            terms: linking.terms(),
            member: &member,
            digest,
            items: &items,
            shown,
            begun: *begun,
            once: &once,
            contact: true,
        };
        let visit = self.intake.visit(&linking.channel, &user, self.intake.ctx.now());
        let joined = visit.join(&wish).await.map_err(|error: PeopleError| {
            tracing::error!(event = "link_not_stored", %error, "a link could not be stored");
            Trouble::Unavailable
        })?;
        let (word, result) = match joined {
            Joined::Now(known) => ("linked", Ok(Some(known))),
            Joined::Already(_) => ("already", Ok(None)),
            Joined::OtherMember => ("other_member", Err(Trouble::OtherMember)),
            Joined::Taken => ("taken", Err(Trouble::MemberTaken)),
            Joined::Stale => ("stale", Err(Trouble::Expired)),
            Joined::Erasing => ("erasing", Err(Trouble::Erasing)),
            // Pressed twice: whoever comes second is told what has come of it.
            Joined::Used if self.is_joined(&visit, digest).await? => ("twice", Ok(None)),
            Joined::Used => ("used", Err(Trouble::Expired)),
        };
        self.intake.ctx.metrics().count("link_joined", word);
        let Some(known) = result? else { return Ok(()) };
        let wording = linking.channel.definition.wording.as_ref().map(|wording| wording.link.linked.as_str());
        self.tell(linking, &visit, wording, &once).await;
        let token = &linking.secrets.access_token;
        if let Err(error) = visit.show_menu(known, &self.line, token, TELL_WITHIN).await {
            tracing::warn!(event = "rich_menu_not_noted", %error, "that a rich menu is shown could not be noted");
        }
        Ok(())
    }
}
