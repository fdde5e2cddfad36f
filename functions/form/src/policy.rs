//! The policy page (個人情報保護法 §§21, 32): what is kept, what for and how long, what is
//! refused, the rights of the person and how to use them, and every version there was.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::Response,
};
use azukari::{
    domain::{
        definition::{Business, ChannelRules, PolicyDefinition, Text},
        id::ChannelName,
        language::Language,
    },
    host::{
        pages::{self, STYLE},
        published::{ChannelError, History},
    },
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::{
    Form,
    changes::{self, Line},
    markdown,
    rights::FOLDER,
};

/// What the query may say.
#[derive(Deserialize)]
pub(crate) struct Asked {
    lang: Option<String>,
}

#[derive(Template)]
#[template(path = "policy.html")]
struct Page<'a> {
    style: &'static str,
    language: Language,
    channel: &'a str,
    policy: &'a PolicyDefinition,
    body: String,
    rules: Option<&'a ChannelRules>,
    /// The address that opens the page of rights in LINE, beside the version in force.
    rights_url: Option<String>,
    business: Option<&'a Business>,
    version: u32,
    published: String,
    current: u32,
    /// Every version and its day, the newest first.
    versions: Vec<(u32, String)>,
    /// How it differs from the version before, if it is not the first.
    changes: Option<Vec<Line>>,
}

impl Page<'_> {
    /// The text in the language of the page.
    fn say<'t>(&self, ja: &'t str, en: &'t str) -> &'t str {
        match self.language {
            Language::Ja => ja,
            Language::En => en,
        }
    }

    fn of<'t>(&self, text: &'t Text) -> &'t str {
        self.language.of_text(text)
    }

    fn own(&self, text: Text) -> String {
        match self.language {
            Language::Ja => text.ja,
            Language::En => text.en,
        }
    }

    /// The lines of a text that is written with line breaks.
    fn lines_of<'t>(&self, text: &'t Text) -> Vec<&'t str> {
        self.of(text).lines().filter(|line| !line.trim().is_empty()).collect()
    }

    fn current_one(&self) -> bool {
        self.version == self.current
    }

    fn this(&self, version: &u32) -> bool {
        *version == self.version
    }
}

/// `GET /policy/{channel}`: the version in force.
pub(crate) async fn current(
    State(form): State<Arc<Form>>,
    channel: Result<Path<String>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let language = language_of(asked, &headers);
    match channel {
        Ok(Path(channel)) => show(&form, &channel, None, language).await,
        Err(_) => form.not_found(language),
    }
}

/// `GET /policy/{channel}/{version}`: one version, by its number.
pub(crate) async fn version(
    State(form): State<Arc<Form>>,
    path: Result<Path<(String, String)>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let language = language_of(asked, &headers);
    let Ok(Path((channel, version))) = path else { return form.not_found(language) };
    let plain = version.bytes().all(|byte| byte.is_ascii_digit()) && !version.starts_with('0');
    match version.parse::<u32>() {
        Ok(version) if plain => show(&form, &channel, Some(version), language).await,
        _ => form.not_found(language),
    }
}

/// A query that cannot be read asks for nothing.
fn language_of(asked: Result<Query<Asked>, QueryRejection>, headers: &HeaderMap) -> Language {
    let asked = asked.ok().and_then(|Query(asked)| asked.lang);
    pages::language(asked.as_deref(), headers)
}

async fn show(form: &Form, channel: &str, version: Option<u32>, language: Language) -> Response {
    let Ok(name) = ChannelName::parse(channel) else { return form.not_found(language) };
    let now = form.intake.ctx.now();
    let channel = match form.channels.channel(&form.intake.vault, &name, now).await {
        Ok(channel) => channel,
        Err(ChannelError::NotPublished) => return form.not_found(language),
        Err(error) => {
            let channel = form.configured(&name);
            tracing::error!(event = "channel_not_loaded", %error, channel, "a channel could not be loaded");
            return form.unavailable(language);
        }
    };
    let history = match form.histories.of(&form.intake.vault, &channel.policy, now).await {
        Ok(history) => history,
        Err(error) => {
            tracing::error!(
                event = "policy_not_loaded",
                %error,
                channel = %name,
                "the versions of a policy could not be loaded"
            );
            return form.unavailable(language);
        }
    };
    let current = channel.policy.version;
    let version = version.unwrap_or(current);
    let Some(mut page) = page(&history, name.as_str(), version, current, language) else {
        return form.not_found(language);
    };
    let liff_id = channel.definition.liff_id.as_deref().filter(|_| version == current);
    let base = &form.liff_base;
    page.rights_url = liff_id.map(|liff_id| format!("{base}/{liff_id}/{FOLDER}{name}?lang={}", language.tag()));
    form.page(StatusCode::OK, &page)
}

fn page<'a>(
    history: &'a History,
    channel: &'a str,
    version: u32,
    current: u32,
    language: Language,
) -> Option<Page<'a>> {
    let in_force = || history.versions().filter(|version| version.version <= current);
    let shown = in_force().find(|shown| shown.version == version)?;
    let earlier = in_force().filter(|earlier| earlier.version < version).max_by_key(|earlier| earlier.version);
    let policy = &shown.definition;
    let mut versions: Vec<(u32, String)> =
        in_force().map(|version| (version.version, version.published_at.tokyo_day().to_string())).collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    Some(Page {
        style: STYLE,
        language,
        channel,
        policy,
        body: markdown::render(language.of_text(&policy.body)),
        rights_url: None,
        rules: policy.channels.iter().find(|rules| rules.channel == channel),
        business: policy.business.as_ref(),
        version,
        published: shown.published_at.tokyo_day().to_string(),
        current,
        versions,
        changes: earlier.map(|earlier| changes::between(&earlier.definition, policy, channel, language)),
    })
}
