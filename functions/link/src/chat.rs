//! `GET /link/{channel}`: what linking means. Whoever comes from the chat brings a link token
//! and goes on to the member site; others go on to LINE Login.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{
        Path, Query, State,
        rejection::{BytesRejection, PathRejection, QueryRejection},
    },
    response::Response,
};
use azukari::{
    domain::{definition::Text, language::Language, plain::Plain, site::Site},
    host::{
        one_time,
        pages::{self, STYLE},
    },
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::{
    Link,
    browser::Browser,
    page::with_query,
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
    channel: Result<Path<String>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let asked = asked.ok().map(|Query(asked)| asked);
    let language = pages::language(asked.as_ref().and_then(|asked| asked.lang.as_deref()), &headers);
    let Ok(Path(channel)) = channel else { return link.trouble(Trouble::NotFound, language, None) };
    let linking = match link.channel(&channel).await {
        Ok(linking) => linking,
        Err(no_channel) => return link.no_channel(&no_channel, language),
    };
    let Some(business) = link.business(&linking).await else {
        return link.trouble(Trouble::Unavailable, language, None);
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
        return link.trouble(Trouble::NoSite, language, None);
    }
    let token = asked.as_ref().and_then(|asked| asked.link_token.as_ref()).map(|token| token.reveal().as_str());
    let token = token.filter(|token| is_token(token));
    let business = language.of_text(&business);
    let channel = linking.name().as_str();
    link.page(StatusCode::OK, &About { style: STYLE, language, channel, business, choices, link_token: token })
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
    channel: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let language = pages::language(None, &headers);
    let Ok(Path(channel)) = channel else { return link.trouble(Trouble::NotFound, language, None) };
    let linking = match link.channel(&channel).await {
        Ok(linking) => linking,
        Err(no_channel) => return link.no_channel(&no_channel, language),
    };
    if pages::comes_from_elsewhere(&headers, &link.origin) {
        return link.trouble(Trouble::OtherSite, language, None);
    }
    let Some(begun) = body.ok().and_then(|body| read::<Begun>(&body)) else {
        return link.trouble(Trouble::NotRead, language, None);
    };
    let language = begun.lang.as_deref().and_then(Language::parse).unwrap_or(language);
    let site = link.site(linking.name(), Some(&begun.site)).filter(|_| is_token(begun.link_token.reveal()));
    let Some(site) = site else { return link.trouble(Trouble::NotRead, language, None) };
    match link.leave_for_site(&linking, site, begun, language, &headers).await {
        Ok(response) | Err(response) => response,
    }
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
                tracing::error!(%error, "a code could not be left");
                unavailable()
            })?;
        self.intake.ctx.metrics().count("link_begun", "chat");
        let address = with_query(&site.login_url, &[("code", &secret.text()), ("lang", language.tag())]);
        Ok(self.see_other(&address, Some(&browser)))
    }

    /// The name of the business that publishes the policy of a channel.
    pub(crate) async fn business(&self, linking: &Linking<'_>) -> Option<Text> {
        let policy = self.policies.version(&self.intake.vault, &linking.channel.policy).await;
        let policy = policy.inspect_err(|error| tracing::error!(%error, "a policy could not be loaded")).ok()??;
        let name = policy.business.as_ref().map(|business| business.name.clone());
        Some(name.unwrap_or_else(|| policy.title.clone()))
    }
}

/// Reads what a form of ours sends.
pub(crate) fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Option<T> {
    std::str::from_utf8(body).ok()?;
    let pairs = form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned().into()));
    serde_json::from_value(serde_json::Value::Object(pairs.collect())).ok()
}
