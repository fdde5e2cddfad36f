//! What a form answers with, to people and to programs.

use axum::response::{IntoResponse, Response};
use azukari::domain::{
    form::{
        given::Fault,
        sheet::{About, Problem},
    },
    language::Language,
};
use azukari::seal::notice::NotShown;
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::sheet_words::Trouble;

/// Why a form was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The answers have problems.
    Problems(Vec<Problem>),
    /// Something about the sender or the moment.
    Trouble(Trouble),
    /// The body cannot be read, or is of neither type.
    NotRead,
    /// It comes from a page of somebody else.
    OtherSite,
    /// The notice is not one of ours.
    Forged,
}

impl From<NotShown> for Refusal {
    fn from(error: NotShown) -> Self {
        match error {
            NotShown::Forged => Self::Forged,
            NotShown::Expired => Self::Trouble(Trouble::NoticeExpired),
        }
    }
}

impl Refusal {
    /// As an HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Problems(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotRead | Self::Forged => StatusCode::BAD_REQUEST,
            Self::OtherSite => StatusCode::FORBIDDEN,
            Self::Trouble(trouble) => match trouble {
                Trouble::SignInExpired | Trouble::SignInMissing => StatusCode::UNAUTHORIZED,
                Trouble::NoticeExpired | Trouble::Erasing => StatusCode::CONFLICT,
                Trouble::TooOften => StatusCode::TOO_MANY_REQUESTS,
                Trouble::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                Trouble::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            },
        }
    }

    /// In one word, for programs and counters.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Problems(_) => "problems",
            Self::NotRead => "not_read",
            Self::OtherSite => "other_site",
            Self::Forged => "notice_forged",
            Self::Trouble(trouble) => match trouble {
                Trouble::SignInExpired => "id_token_expired",
                Trouble::SignInMissing => "id_token_invalid",
                Trouble::NoticeExpired => "notice_expired",
                Trouble::TooOften => "too_often",
                Trouble::Erasing => "erasing",
                Trouble::Unavailable => "unavailable",
                Trouble::TooLarge => "too_large",
            },
        }
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Problems(_) => {
                ("入力内容に直していただきたいところがあります。", "Some of the answers have to be corrected.")
            }
            Self::NotRead => (
                "フォームの形式（application/x-www-form-urlencoded）か、{\"notice\",\"answers\",\"consents\",\"step\"}のJSONで送ってください。",
                "Send it as application/x-www-form-urlencoded, or as JSON with notice, answers, consents and step.",
            ),
            Self::OtherSite => (
                "ほかのサイトからは送れません。LINEのトークからフォームを開いてください。",
                "A form cannot be sent from another site. Please open it from the LINE chat.",
            ),
            Self::Forged => (
                "フォームの内容を確かめられませんでした。フォームを開き直してください。",
                "It cannot be told what was shown to you. Please open the form again.",
            ),
            Self::Trouble(trouble) => words_of(*trouble),
        }
    }

    /// As `application/problem+json` (RFC 9457): every problem with its field, in both
    /// languages.
    pub(crate) fn to_problem(&self) -> Response {
        let status = self.status();
        let (ja, en) = self.words();
        let errors: Vec<Value> = match self {
            Self::Problems(problems) => problems.iter().map(error).collect(),
            _ => Vec::new(),
        };
        let mut body = json!({
            "type": "about:blank", "status": status.as_u16(), "title": ja, "detail": en, "code": self.code(),
        });
        if !errors.is_empty() {
            body["errors"] = Value::Array(errors);
        }
        let headers =
            [(header::CONTENT_TYPE, "application/problem+json; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        (status, headers, body.to_string()).into_response()
    }

    /// The same for a page that cannot be shown with what was filled in.
    pub(crate) fn text(&self, language: Language) -> &'static str {
        let (ja, en) = self.words();
        language.pick(ja, en)
    }
}

fn words_of(trouble: Trouble) -> (&'static str, &'static str) {
    match trouble {
        Trouble::SignInExpired => (
            "LINEのIDトークンの期限が切れています。新しいトークンで送ってください。",
            "The ID token has expired. Send it again with a fresh one.",
        ),
        Trouble::SignInMissing => (
            "LINEのIDトークンがないか、確かめられません。LINEからフォームを開いてください。",
            "The ID token is missing or does not hold. Please open the form in LINE.",
        ),
        Trouble::NoticeExpired => (
            "フォームを開いてから時間がたったか、内容が新しくなりました。フォームを開き直してください。",
            "The form was opened too long ago, or has changed since. Please open it again.",
        ),
        Trouble::TooOften => (
            "短いあいだに送られた数が多すぎます。1時間ほどたってから、もう一度お試しください。",
            "Too many were sent in a short time. Please try again in an hour.",
        ),
        Trouble::Erasing => (
            "お預かりしたものを消去しているところです。数分たってから、もう一度お試しください。",
            "What we hold is being erased. Please try again in a few minutes.",
        ),
        Trouble::Unavailable => (
            "ただいま受け付けられません。しばらくしてから、もう一度お試しください。",
            "It cannot be taken now. Please try again in a little while.",
        ),
        Trouble::TooLarge => (
            "ご記入の量が多すぎます。文章を短くしてください。",
            "There is too much in it. Please shorten what you wrote.",
        ),
    }
}

fn error(problem: &Problem) -> Value {
    let Fault { code, text, part } = &problem.fault;
    let mut error = json!({"code": code, "ja": text.ja, "en": text.en});
    match &problem.about {
        About::Field(name) => error["field"] = json!(name),
        About::Consent(name) => error["consent"] = json!(name),
        About::Sensitive(name) => error["consent"] = json!(format!("{name}.sensitive")),
        About::Form => {}
    }
    if let Some(part) = part {
        error["part"] = json!(part);
    }
    error
}

/// Answers a program.
pub(crate) fn json_answer(body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::OK, headers, body.to_string()).into_response()
}
