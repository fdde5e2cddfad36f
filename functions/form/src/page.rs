//! Pages: their style, their headers, and the page for what is not there.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};

use crate::{Form, language::Language};

/// The style of every page. It stands in the page itself, so that a page is one request.
pub(crate) const STYLE: &str = include_str!("../templates/page.css");

/// `Content-Security-Policy`: nothing but our own style, known by its digest.
pub(crate) fn content_policy(frame_ancestors: &str) -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors {frame_ancestors}"
    )
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

impl Form {
    /// Answers with a page.
    pub(crate) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let Ok(page) = page.render() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let kept = if status.is_success() { "public, max-age=60" } else { "no-store" };
        let headers = [
            (header::CONTENT_SECURITY_POLICY, self.content_policy.as_str()),
            (header::CACHE_CONTROL, kept),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::VARY, "Accept-Language"),
        ];
        (status, headers, Html(page)).into_response()
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
