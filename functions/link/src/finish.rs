//! `GET /link/{channel}/finish`: the last step, in the browser that took the first. The
//! business has vouched for the member by now.

use std::sync::Arc;

use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::Response,
};
use azukari::{
    domain::{id::LineUserId, link::MemberDigest, plain::Plain, site::MemberId, time::UnixMs},
    host::{
        linking::{Joined, Shown, Wish},
        pages,
        people::PeopleError,
    },
    seal::one_time::OneTimeSecret,
};
use http::HeaderMap;

use crate::{
    Link, browser,
    joining::Ticket,
    login::{back_to_site, return_address},
    page::with_query,
    service::Linking,
    site::TELL_WITHIN,
    steps::{Finish, How, Item},
    words::Trouble,
};

/// `GET /link/{channel}/finish`.
pub(crate) async fn finish(
    State(link): State<Arc<Link>>,
    channel: Result<Path<String>, PathRejection>,
    ticket: Result<Query<Ticket>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let language = pages::language(None, &headers);
    let Ok(Path(channel)) = channel else { return link.trouble(Trouble::NotFound, language, None) };
    let linking = match link.channel(&channel).await {
        Ok(linking) => linking,
        Err(no_channel) => return link.no_channel(&no_channel, language),
    };
    let ticket = ticket.ok().map(|Query(ticket)| ticket.ticket).unwrap_or_default();
    let finish: Finish = match link.step(&ticket).await {
        Ok(finish) => finish,
        Err(trouble) => return link.trouble(trouble, language, None),
    };
    if finish.channel != linking.name().as_str() {
        return link.trouble(Trouble::Expired, language, None);
    }
    if !browser::is(&headers, &finish.browser) {
        // Somebody was sent this, or sent it on: it is worth nothing from now on.
        return match link.use_up(&ticket).await {
            Ok(()) | Err(Trouble::Expired) => link.trouble(Trouble::OtherBrowser, language, None),
            Err(trouble) => link.trouble(trouble, language, None),
        };
    }
    match finish.how {
        How::Dialog { link_token, nonce } => match link.use_up(&ticket).await {
            Ok(()) => {
                let dialog = format!("{}/dialog/bot/accountLink", link.addresses.line_access);
                let pairs = [("linkToken", link_token.reveal().as_str()), ("nonce", nonce.reveal().as_str())];
                link.see_other(&with_query(&dialog, &pairs), None)
            }
            Err(trouble) => link.trouble(trouble, language, None),
        },
        How::Here { user, member, digest, items, shown, begun, back } => {
            let language = shown.language;
            let here = Here { user, member, digest, items, shown, begun };
            match link.finish_here(&linking, &here, &ticket).await {
                Ok(()) => link.see_other(&return_address(&back, &[("linked", "true")]), None),
                Err(trouble) => {
                    let pairs = [("linked", "false"), ("error", trouble.code())];
                    link.trouble(trouble, language, Some(&back_to_site(&back, language, &pairs)))
                }
            }
        }
    }
}

/// A link that is finished here.
struct Here {
    user: Plain<String>,
    member: Plain<String>,
    digest: MemberDigest,
    items: Vec<Item>,
    shown: Shown,
    begun: UnixMs,
}

impl Link {
    async fn finish_here(&self, linking: &Linking<'_>, here: &Here, ticket: &str) -> Result<(), Trouble> {
        let user = LineUserId::parse(here.user.reveal()).map_err(|_| Trouble::Expired)?;
        let member = MemberId::parse(here.member.reveal()).map_err(|_| Trouble::Expired)?;
        let secret = OneTimeSecret::parse(ticket).ok_or(Trouble::Expired)?;
        let items = here.items.iter().flat_map(|item| &item.values);
        let items: Vec<_> = items.map(|(claim, told)| (claim.clone(), told.0.clone())).collect();
        let once = secret.digest();
        let wish = Wish {
            terms: linking.terms(),
            member: &member,
            digest: &here.digest,
            items: &items,
            shown: &here.shown,
            begun: here.begun,
            once: &once,
            contact: true,
        };
        let visit = self.intake.visit(&linking.channel, &user, self.intake.ctx.now());
        let joined = visit.join(&wish).await.map_err(|error: PeopleError| {
            tracing::error!(%error, "a link could not be stored");
            Trouble::Unavailable
        })?;
        let (word, result) = match joined {
            Joined::Now(known) => ("linked", Ok(Some(known))),
            Joined::Already(_) => ("already", Ok(None)),
            Joined::OtherMember => ("other_member", Err(Trouble::OtherMember)),
            Joined::Taken => ("taken", Err(Trouble::MemberTaken)),
            Joined::Stale => ("stale", Err(Trouble::Expired)),
            Joined::Erasing => ("erasing", Err(Trouble::Erasing)),
            Joined::Used => ("used", Err(Trouble::Expired)),
        };
        self.intake.ctx.metrics().count("link_joined", word);
        let Some(known) = result? else { return Ok(()) };
        let wording = linking.channel.definition.wording.as_ref().map(|wording| wording.link.linked.as_str());
        self.tell(linking, &visit, wording, &once).await;
        let token = &linking.secrets.access_token;
        if let Err(error) = visit.show_menu(known, &self.line, token, TELL_WITHIN).await {
            tracing::warn!(%error, "that a rich menu is shown could not be noted");
        }
        Ok(())
    }
}
