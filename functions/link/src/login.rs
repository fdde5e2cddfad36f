//! LINE Login: `GET /link/{channel}/login` sends the browser to LINE's consent screen, and
//! `GET /link/{channel}/callback` takes it back (LINE Login v2.1, PLATFORM.md §3; RFC 6749,
//! RFC 7636, OpenID Connect Core 1.0).

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use azukari::{
    domain::{language::Language, plain::Plain, site::SiteName},
    host::{one_time, pages},
    line::{
        client::{Exchange, LineError, Tokens},
        id_token::{self, SignedIn},
    },
    seal::one_time::OneTimeSecret,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    Link,
    browser::{self, Browser},
    page::{On, with_query},
    request::ChannelPath,
    service::Linking,
    steps::{Asked, Code, Intent, Item, Parting, SignIn, Told, Way, WayBack},
    words::Trouble,
};

/// How long LINE may take to answer.
const LINE_WITHIN: Duration = Duration::from_secs(5);
/// How long ending an access token that is not needed may take.
const REVOKE_WITHIN: Duration = Duration::from_secs(1);
/// The longest `state` of a site, and the longest code of LINE's.
const MAX_LEN: usize = 512;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    site: Option<String>,
    return_to: Option<String>,
    state: Option<String>,
    intent: Option<Intent>,
    lang: Option<String>,
}

/// `GET /link/{channel}/login`.
pub(crate) async fn begin(
    State(link): State<Arc<Link>>,
    channel: ChannelPath,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let Ok(Query(wanted)) = wanted else {
        return Err(link.trouble(Trouble::BadReturn, pages::language(None, &headers), None));
    };
    let (linking, language) = link.opened(channel, wanted.lang.as_deref(), &headers).await?;
    let told = |trouble| link.trouble(trouble, language, None);
    let intent = wanted.intent.unwrap_or(Intent::Link);
    let back = match intent {
        Intent::Unlink => None,
        Intent::Link => Some(link.way_back(&linking, &wanted).map_err(told)?),
    };
    let mint = link.intake.ctx.mint();
    let browser = Browser::of_or_new(&headers, mint);
    let (verifier, nonce) = (OneTimeSecret::new(mint.bytes()).text(), OneTimeSecret::new(mint.bytes()).text());
    let now = link.intake.ctx.now();
    let sign_in = SignIn {
        channel: linking.name().to_string(),
        intent,
        back,
        verifier: Plain::new(verifier.clone()),
        nonce: nonce.clone(),
        browser: browser.digest(),
        language,
        begun: now,
    };
    let state = one_time::leave(&link.intake.vault, mint, &sign_in, now).await.map_err(|error| {
        tracing::error!(event = "sign_in_not_begun", %error, "a sign-in could not be begun");
        told(Trouble::Unavailable)
    })?;
    link.intake.ctx.metrics().count("link_begun", "login");
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let callback = link.url(linking.name(), "/callback");
    let scope = scope(&linking, intent);
    let state = state.text();
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", linking.secrets.login_channel_id.as_str()),
        ("redirect_uri", &callback),
        ("state", &state),
        ("scope", &scope),
        ("nonce", &nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        (
            "ui_locales",
            match language {
                Language::Ja => "ja-JP",
                Language::En => "en-US",
            },
        ),
    ];
    if let (Some(prompt), Intent::Link) = (linking.terms().bot_prompt, intent) {
        pairs.push(("bot_prompt", prompt.as_str()));
    }
    let authorize = format!("{}/oauth2/v2.1/authorize", link.addresses.line_access);
    Ok(link.see_other(&with_query(&authorize, &pairs), Some(&browser)))
}

fn scope(linking: &Linking<'_>, intent: Intent) -> String {
    let items = linking.terms().profile_plus.iter().filter(|_| intent == Intent::Link);
    let words = ["openid", "profile"].into_iter().chain(items.map(|item| item.as_str()));
    words.collect::<Vec<_>>().join(" ")
}

#[derive(Deserialize)]
pub(crate) struct Back {
    state: Option<Plain<String>>,
    code: Option<Plain<String>>,
    error: Option<String>,
    friendship_status_changed: Option<String>,
}

/// `GET /link/{channel}/callback`.
pub(crate) async fn callback(
    State(link): State<Arc<Link>>,
    channel: ChannelPath,
    back: Result<Query<Back>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let (linking, language) = link.opened(channel, None, &headers).await?;
    let Ok(Query(back)) = back else { return Err(link.trouble(Trouble::NotVerified, language, None)) };
    let Some(state) = back.state.as_ref().and_then(|state| OneTimeSecret::parse(state.reveal())) else {
        return Err(link.trouble(Trouble::Expired, language, None));
    };
    let now = link.intake.ctx.now();
    // It is used up whatever comes of it: a state that turns up elsewhere is worth nothing.
    let sign_in = match one_time::take::<SignIn>(&link.intake.vault, &state, now).await {
        Ok(Some(sign_in)) if sign_in.channel == linking.name().as_str() => sign_in,
        Ok(_) => return Err(link.trouble(Trouble::Expired, language, None)),
        Err(error) => {
            tracing::error!(event = "sign_in_not_looked_up", %error, "a sign-in could not be looked up");
            return Err(link.trouble(Trouble::Unavailable, language, None));
        }
    };
    let language = sign_in.language;
    if !browser::is(&headers, &sign_in.browser) {
        return Err(link.trouble(Trouble::OtherBrowser, language, None));
    }
    let way_back = sign_in.back.clone();
    match link.signed_in(&linking, sign_in, &back).await {
        Ok(address) => Ok(link.see_other(&address, None)),
        Err(Trouble::AlreadyLinked) => {
            let undo = On {
                label: language.pick("連携を解除する", "Undo the link"),
                address: link.url(linking.name(), &format!("/unlink?lang={}", language.tag())),
            };
            Err(link.trouble(Trouble::AlreadyLinked, language, Some(&undo)))
        }
        Err(trouble) => {
            let on = way_back.map(|back| back_to_site(&back, language, &[("error", trouble.for_site())]));
            Err(link.trouble(trouble, language, on.as_ref()))
        }
    }
}

/// The way back to a site, with something for it.
pub(crate) fn back_to_site(back: &WayBack, language: Language, pairs: &[(&str, &str)]) -> On {
    let label = language.pick("会員サイトに戻る", "Back to the member site");
    On { label, address: return_address(back, pairs) }
}

/// The same as an address.
pub(crate) fn return_address(back: &WayBack, pairs: &[(&str, &str)]) -> String {
    let mut pairs = pairs.to_vec();
    pairs.extend(back.state.as_deref().map(|state| ("state", state)));
    with_query(&back.address, &pairs)
}

impl Link {
    /// Where somebody is to go back to: an address of a site, to the letter.
    fn way_back(&self, linking: &Linking<'_>, wanted: &Wanted) -> Result<WayBack, Trouble> {
        let named = match wanted.site.as_deref().map(SiteName::parse) {
            None => None,
            Some(Ok(name)) => Some(name),
            Some(Err(_)) => return Err(Trouble::BadReturn),
        };
        if self.site(linking.name(), None).is_none() {
            return Err(Trouble::NoSite);
        }
        let state = wanted.state.clone();
        if state.as_deref().is_some_and(|state| !is_opaque(state)) {
            return Err(Trouble::BadReturn);
        }
        let mut sites =
            self.sites_of(linking.name()).filter(|site| named.as_ref().is_none_or(|name| site.name == *name));
        let found = sites.find_map(|site| Some((site, site.return_address(wanted.return_to.as_deref())?)));
        let (site, address) = found.ok_or(Trouble::BadReturn)?;
        Ok(WayBack { site: site.name.to_string(), address: address.to_owned(), state })
    }

    /// Somebody has come back from LINE: verifies it, and says where they go on.
    async fn signed_in(&self, linking: &Linking<'_>, sign_in: SignIn, back: &Back) -> Result<String, Trouble> {
        if let Some(error) = &back.error {
            return Err(Trouble::of_line(error));
        }
        let code = back.code.as_ref().filter(|code| is_opaque(code.reveal())).ok_or(Trouble::NotVerified)?;
        let Tokens { access_token, id_token } = self.exchange(linking, &sign_in, code).await?;
        let id_token = id_token.ok_or(Trouble::NotVerified)?;
        let now = self.intake.ctx.now();
        let login = (linking.secrets.login_channel_id.as_str(), &linking.secrets.login_channel_secret);
        let wanted = &linking.terms().profile_plus;
        let signed_in = id_token::verify_web(&id_token, login, &sign_in.nonce, wanted, now).map_err(|error| {
            tracing::warn!(event = "id_token_not_held", %error, "an ID token does not hold");
            Trouble::NotVerified
        })?;
        let friend_added = back.friendship_status_changed.as_deref() == Some("true");
        if friend_added {
            self.intake.ctx.metrics().count("link_friend", "added");
        }
        match sign_in.intent {
            Intent::Unlink => self.leave_for_unlinking(linking, sign_in, signed_in, access_token).await,
            Intent::Link => {
                // Who they are is all that was wanted: nobody is to call LINE in their name.
                let revoking = self.line.revoke(login.0, login.1, &access_token, REVOKE_WITHIN);
                let (left, revoked) =
                    tokio::join!(self.leave_for_joining(linking, sign_in, signed_in, friend_added), revoking);
                self.intake.ctx.metrics().count("link_revoke", if revoked.is_ok() { "done" } else { "failed" });
                left
            }
        }
    }

    async fn exchange(&self, linking: &Linking<'_>, sign_in: &SignIn, code: &Plain<String>) -> Result<Tokens, Trouble> {
        let exchange = Exchange {
            code: code.reveal(),
            redirect_uri: &self.url(linking.name(), "/callback"),
            client_id: &linking.secrets.login_channel_id,
            client_secret: &linking.secrets.login_channel_secret,
            verifier: sign_in.verifier.reveal(),
        };
        self.line.exchange(&exchange, LINE_WITHIN).await.map_err(|error| {
            if error == LineError::Status(401) {
                tracing::error!(
                    event = "login_channel_refused",
                    channel = %linking.name(),
                    "LINE refused the login channel's id or secret"
                );
                return Trouble::Unavailable;
            }
            tracing::warn!(event = "code_not_exchanged", %error, "a code was not exchanged");
            match error {
                // Used, too old, or of another sign-in.
                LineError::Status(400) => Trouble::NotVerified,
                LineError::Status(_) | LineError::NotReached | LineError::Answer => Trouble::LineNotReached,
            }
        })
    }

    async fn leave_for_joining(
        &self,
        linking: &Linking<'_>,
        sign_in: SignIn,
        signed_in: SignedIn,
        friend_added: bool,
    ) -> Result<String, Trouble> {
        let back = sign_in.back.ok_or(Trouble::NotVerified)?;
        let (vault, mint, now) = (&self.intake.vault, self.intake.ctx.mint(), self.intake.ctx.now());
        let unavailable = |error: &dyn std::fmt::Display| {
            tracing::error!(event = "sign_in_not_continued", %error, "somebody who has signed in could not go on");
            Trouble::Unavailable
        };
        let visit = self.intake.visit(&linking.channel, &signed_in.user, now);
        let (_, known) = visit.mapping(true).await.map_err(|error| unavailable(&error))?;
        let user = Plain::new(signed_in.user.reveal().to_owned());
        let channel = linking.name().to_string();
        if known.is_some_and(|known| known.person.link.link().is_some()) {
            if back.state.is_none() {
                return Err(Trouble::AlreadyLinked);
            }
            // Whoever is joined already goes on as the member they are.
            let way = Way::Login { user, name: None, agreed: None, items: Vec::new(), friend_added };
            let code = Code { channel, back: back.clone(), way, browser: sign_in.browser, begun: sign_in.begun };
            let code = one_time::leave(vault, mint, &code, now).await.map_err(|error| unavailable(&error))?;
            return Ok(return_address(&back, &[("code", &code.text())]));
        }
        let items = signed_in.items.into_iter().map(|(item, values)| Item {
            item,
            values: values.into_iter().map(|(claim, value)| (claim.to_owned(), Told(value))).collect(),
        });
        let asked = Asked {
            channel,
            back,
            user,
            name: signed_in.name.map(Told),
            items: items.collect(),
            friend_added,
            browser: sign_in.browser,
            language: sign_in.language,
            begun: sign_in.begun,
        };
        let ticket = one_time::leave(vault, mint, &asked, now).await.map_err(|error| unavailable(&error))?;
        Ok(self.url(linking.name(), &format!("/joining?ticket={}", ticket.text())))
    }

    async fn leave_for_unlinking(
        &self,
        linking: &Linking<'_>,
        sign_in: SignIn,
        signed_in: SignedIn,
        access_token: Plain<String>,
    ) -> Result<String, Trouble> {
        let parting = Parting {
            channel: linking.name().to_string(),
            user: Plain::new(signed_in.user.reveal().to_owned()),
            access_token,
            browser: sign_in.browser,
            language: sign_in.language,
        };
        let (mint, now) = (self.intake.ctx.mint(), self.intake.ctx.now());
        let ticket = one_time::leave(&self.intake.vault, mint, &parting, now).await.map_err(|error| {
            tracing::error!(event = "sign_in_not_continued", %error, "somebody who has signed in could not go on");
            Trouble::Unavailable
        })?;
        Ok(self.url(linking.name(), &format!("/unlinking?ticket={}", ticket.text())))
    }
}

/// Something that is only handed on: visible ASCII, not too long.
fn is_opaque(text: &str) -> bool {
    (1..=MAX_LEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
