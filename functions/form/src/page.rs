//! Pages: their style, their headers, and the page for what is not there.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};

use azukari::{domain::language::Language, host::pages::STYLE};

use crate::{Form, sheet_page};

/// What the SDK calls (PLATFORM.md §7).
const LINE: &str = "https://api.line.me https://liffsdk.line-scdn.net";

/// The script that lets LINE's SDK lead on to a form.
pub(crate) const LEAD_ON: &str = include_str!("../templates/lead_on.js");

/// `Content-Security-Policy` of the pages.
#[derive(Debug)]
pub(crate) struct ContentPolicies {
    /// Of pages that are read: nothing but our own style, known by its digest.
    read: String,
    /// Of forms: our own script too, and LINE's SDK.
    form: String,
}

impl ContentPolicies {
    /// With the addresses of LINE's scripts that forms load.
    pub(crate) fn new(frame_ancestors: &str, sdk: &str, plugin: Option<&str>) -> Self {
        let digest = |text: &str| STANDARD.encode(Sha256::digest(text));
        let style = digest(STYLE);
        let line = plugin.map_or_else(|| sdk.to_owned(), |plugin| format!("{sdk} {plugin}"));
        let (fill, open) = (digest(sheet_page::SCRIPT), digest(LEAD_ON));
        Self {
            read: format!(
                "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors {frame_ancestors}"
            ),
            form: format!(
                "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{fill}' 'sha256-{open}' {line}; connect-src 'self' {LINE}; base-uri 'none'; form-action 'self'; frame-ancestors {frame_ancestors}"
            ),
        }
    }
}

/// A page that was asked for and is not there, or cannot be shown now.
#[derive(Template)]
#[template(path = "missing.html")]
struct Missing {
    style: &'static str,
    language: Language,
    title: &'static str,
    text: &'static str,
}

/// The page on which LINE's SDK leads on to a form.
#[derive(Template)]
#[template(path = "lead_on.html")]
struct LeadOn<'a> {
    style: &'static str,
    script: &'static str,
    sdk: &'a str,
    language: Language,
    liff_id: &'a str,
}

impl Form {
    /// Answers with a page that is the same for everybody.
    pub(crate) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let kept = if status.is_success() { "public, max-age=60" } else { "no-store" };
        self.read_page(status, page, kept)
    }

    /// Answers with a page that is for one reader, and may be another a moment later: it is
    /// kept nowhere.
    pub(crate) fn passing_page(&self, page: &impl Template) -> Response {
        self.read_page(StatusCode::OK, page, "no-store")
    }

    fn read_page(&self, status: StatusCode, page: &impl Template, kept: &'static str) -> Response {
        let Ok(page) = page.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let headers = [
            (header::CONTENT_SECURITY_POLICY, self.content_policies.read.as_str()),
            (header::CACHE_CONTROL, kept),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::VARY, "Accept-Language"),
        ];
        (status, headers, Html(page)).into_response()
    }

    /// Answers with a page of a form: it is one person's, and kept nowhere. Its address goes
    /// to ourselves alone: without any, a browser would not say where a form comes from.
    pub(crate) fn form_page(&self, status: StatusCode, page: Result<String, askama::Error>) -> Response {
        let Ok(page) = page else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let headers = [
            (header::CONTENT_SECURITY_POLICY, self.content_policies.form.as_str()),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "same-origin"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (status, headers, Html(page)).into_response()
    }

    /// The page on which LINE's SDK leads on to a form.
    pub(crate) fn lead_on(&self, language: Language, liff_id: &str) -> Response {
        let page = LeadOn { style: STYLE, script: LEAD_ON, sdk: &self.liff_sdk, language, liff_id };
        self.form_page(StatusCode::OK, page.render())
    }

    /// What was sent is not taken, and cannot be shown again.
    pub(crate) fn refused(&self, language: Language, status: StatusCode, text: &'static str) -> Response {
        let title = language.pick("送信できませんでした", "It could not be sent");
        self.page(status, &Missing { style: STYLE, language, title, text })
    }

    /// There is no such page.
    pub(crate) fn not_found(&self, language: Language) -> Response {
        let (title, text) = match language {
            Language::Ja => (
                "ページが見つかりません",
                "アドレスをお確かめください。LINEのトークに届いたボタンからもう一度お開きいただけます。",
            ),
            Language::En => (
                "There is no such page",
                "Please check the address, or open it again from the button in the LINE chat.",
            ),
        };
        self.page(StatusCode::NOT_FOUND, &Missing { style: STYLE, language, title, text })
    }

    /// The page cannot be shown now.
    pub(crate) fn unavailable(&self, language: Language) -> Response {
        let (title, text) = match language {
            Language::Ja => ("ただいま表示できません", "しばらくしてから、もう一度お試しください。"),
            Language::En => ("The page cannot be shown now", "Please try again in a little while."),
        };
        self.page(StatusCode::SERVICE_UNAVAILABLE, &Missing { style: STYLE, language, title, text })
    }
}
