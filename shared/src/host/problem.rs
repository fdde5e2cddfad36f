//! What goes wrong, as an HTTP answer (RFC 9457): in Japanese, then in English.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

/// A problem to answer with. The texts are fixed: nothing that was sent can come
/// back in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// What it is, in Japanese.
    pub ja: &'static str,
    /// What it is, in English.
    pub en: &'static str,
    /// In one word, for programs.
    pub code: Option<&'static str>,
}

impl Problem {
    /// A problem with its two texts.
    pub const fn new(status: StatusCode, ja: &'static str, en: &'static str) -> Self {
        Self { status, ja, en, code: None }
    }

    /// The same with a word for programs.
    #[must_use]
    pub const fn with_code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = serde_json::json!({
            "type": "about:blank",
            "status": self.status.as_u16(),
            "title": self.ja,
            "detail": self.en,
        });
        if let Some(code) = self.code {
            body["code"] = code.into();
        }
        let headers =
            [(header::CONTENT_TYPE, "application/problem+json; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        (self.status, headers, body.to_string()).into_response()
    }
}
