//! `GET /link/{channel}`: what linking means. Whoever comes from the chat brings a link token
//! and goes on to the member site; others go on to LINE Login.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Response,
};
use azukari::{
    domain::{definition::Text, language::Language, plain::Plain, site::Site},
    host::{one_time, pages::STYLE},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::{
    Link,
    browser::Browser,
    page::with_query,
    request::{ChannelPath, SentBody},
    service::Linking,
    steps::{Code, Way, WayBack},
    words::{self, Trouble},
};

/// The longest link token that is taken: LINE says nothing of its length.
const MAX_TOKEN: usize = 1_024;

#[derive(Deserialize)]
pub(crate) struct Asked {
    lang: Option<String>,
    #[serde(rename = "linkToken")]
    link_token: Option<Plain<String>>,
}

/// One site, and what is said of joining its member ids.
struct Choice<'a> {
    name: &'a str,
    title: &'a str,
    lines: Vec<String>,
    words: String,
}

#[derive(Template)]
#[template(path = "about.html")]
struct About<'a> {
    style: &'static str,
    language: Language,
    channel: &'a str,
    business: &'a str,
    choices: Vec<Choice<'a>>,
    /// From the chat.
    link_token: Option<&'a str>,
}

impl About<'_> {
    /// What the address holds beside the language.
    fn more(&self) -> String {
        self.link_token.map(|token| with_query("", &[("linkToken", token)]).replacen('?', "&", 1)).unwrap_or_default()
    }
}

/// `GET /link/{channel}`.
pub(crate) async fn about(
    State(link): State<Arc<Link>>,
    channel: ChannelPath,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let asked = asked.ok().map(|Query(asked)| asked);
    let lang = asked.as_ref().and_then(|asked| asked.lang.as_deref());
    let (linking, language) = link.opened(channel, lang, &headers).await?;
    let Some(business) = link.business(&linking).await else {
        return Err(link.trouble(Trouble::Unavailable, language, None));
    };
    let choices: Vec<Choice<'_>> = link
        .sites_of(linking.name())
        .map(|site| {
            let lines = words::notice(&linking, &business, site, language);
            let words = words::shown(&linking, &lines, language).words;
            Choice { name: site.name.as_str(), title: language.of_text(&site.title), lines, words }
        })
        .collect();
    if choices.is_empty() {
        return Err(link.trouble(Trouble::NoSite, language, None));
    }
    let token = asked.as_ref().and_then(|asked| asked.link_token.as_ref()).map(|token| token.reveal().as_str());
    let token = token.filter(|token| is_token(token));
    let business = language.of_text(&business);
    let channel = linking.name().as_str();
    let about = About { style: STYLE, language, channel, business, choices, link_token: token };
    Ok(link.page(StatusCode::OK, &about))
}

fn is_token(text: &str) -> bool {
    (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[derive(Deserialize)]
struct Begun {
    lang: Option<String>,
    #[serde(rename = "linkToken")]
    link_token: Plain<String>,
    site: String,
    words: String,
}

/// `POST /link/{channel}/begin`: the person has read it and goes on to the member site.
pub(crate) async fn begin(
    State(link): State<Arc<Link>>,
    channel: ChannelPath,
    headers: HeaderMap,
    body: SentBody,
) -> Result<Response, Response> {
    let (linking, language, begun) = link.sent::<Begun>(channel, &headers, body).await?;
    let language = begun.lang.as_deref().and_then(Language::parse).unwrap_or(language);
    let site = link.site(linking.name(), Some(&begun.site)).filter(|_| is_token(begun.link_token.reveal()));
    let site = site.ok_or_else(|| link.trouble(Trouble::NotRead, language, None))?;
    link.leave_for_site(&linking, site, begun, language, &headers).await
}

impl Link {
    async fn leave_for_site(
        &self,
        linking: &Linking<'_>,
        site: &Site,
        begun: Begun,
        language: Language,
        headers: &HeaderMap,
    ) -> Result<Response, Response> {
        let unavailable = || self.trouble(Trouble::Unavailable, language, None);
        let business = self.business(linking).await.ok_or_else(unavailable)?;
        let lines = words::notice(linking, &business, site, language);
        let shown = words::shown(linking, &lines, language);
        // What they have read has changed since: they read it again.
        if shown.words != begun.words {
            return Err(self.trouble(Trouble::Expired, language, None));
        }
        let browser = Browser::of_or_new(headers, self.intake.ctx.mint());
        let now = self.intake.ctx.now();
        let code = Code {
            channel: linking.name().to_string(),
            back: WayBack { site: site.name.to_string(), address: site.login_url.clone(), state: None },
            way: Way::Chat { link_token: begun.link_token, shown },
            browser: browser.digest(),
            begun: now,
        };
        let secret =
            one_time::leave(&self.intake.vault, self.intake.ctx.mint(), &code, now).await.map_err(|error| {
                tracing::error!(event = "code_not_left", %error, "a code could not be left");
                unavailable()
            })?;
        self.intake.ctx.metrics().count("link_begun", "chat");
        let address = with_query(&site.login_url, &[("code", &secret.text()), ("lang", language.tag())]);
        Ok(self.see_other(&address, Some(&browser)))
    }

    /// The name of the business that publishes the policy of a channel.
    pub(crate) async fn business(&self, linking: &Linking<'_>) -> Option<Text> {
        let policy = self.policies.version(&self.intake.vault, &linking.channel.policy).await;
        let policy = policy
            .inspect_err(|error| tracing::error!(event = "policy_not_loaded", %error, "a policy could not be loaded"))
            .ok()??;
        let name = policy.business.as_ref().map(|business| business.name.clone());
        Some(name.unwrap_or_else(|| policy.title.clone()))
    }
}
