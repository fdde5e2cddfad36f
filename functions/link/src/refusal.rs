//! Why a site does not get what it wants, as `application/problem+json` (RFC 9457).

use azukari::host::{assertion::Fault, problem::Problem};
use http::StatusCode;

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The assertion does not hold.
    Assertion(Fault),
    /// It was used before.
    Replayed,
    /// It was made for something else.
    OtherAct,
    /// The assertion lacks something, or its member id is not one.
    Malformed,
    /// There is no such channel, or it does not link.
    NoChannel,
    /// The code leads to nothing, or no more.
    CodeUnknown,
    /// The site has used up its hour.
    TooOften,
    /// Something below did not answer.
    Unavailable,
}

impl Refusal {
    /// In one word.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Assertion(Fault::Malformed) => "assertion_malformed",
            Self::Assertion(Fault::Algorithm) => "assertion_algorithm",
            Self::Assertion(Fault::UnknownIssuer) => "assertion_site",
            Self::Assertion(Fault::Signature) => "assertion_signature",
            Self::Assertion(Fault::Audience) => "assertion_audience",
            Self::Assertion(Fault::Expired) => "assertion_expired",
            Self::Assertion(Fault::NotYet) => "assertion_not_yet",
            Self::Assertion(Fault::TooLong) => "assertion_too_long",
            Self::Replayed => "assertion_replayed",
            Self::OtherAct => "assertion_act",
            Self::Malformed => "malformed",
            Self::NoChannel => "no_channel",
            Self::CodeUnknown => "code_unknown",
            Self::TooOften => "too_often",
            Self::Unavailable => "unavailable",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Assertion(_) | Self::Replayed | Self::OtherAct => StatusCode::UNAUTHORIZED,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::NoChannel => StatusCode::NOT_FOUND,
            Self::CodeUnknown => StatusCode::GONE,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Assertion(Fault::Malformed) => (
                "アサーションがないか、形が正しくありません（Authorization: Bearer、typはsite+jwt）。",
                "The assertion is missing or malformed (Authorization: Bearer, typ site+jwt).",
            ),
            Self::Assertion(Fault::Algorithm) => {
                ("アサーションの署名はES256だけです。", "An assertion must be signed by ES256.")
            }
            Self::Assertion(Fault::UnknownIssuer) => (
                "このチャネルに、その名前（iss）のサイトはありません。",
                "This channel has no site of that name (iss).",
            ),
            Self::Assertion(Fault::Signature) => (
                "署名が、登録されているサイトの鍵と合いません。",
                "The signature does not fit the key that is configured for the site.",
            ),
            Self::Assertion(Fault::Audience) => (
                "宛先（aud）が違います。PublicUrlに /link/チャネル名 を続けたものにしてください。",
                "The audience (aud) is wrong: it is PublicUrl followed by /link/ and the channel.",
            ),
            Self::Assertion(Fault::Expired) => {
                ("アサーションの期限が切れています（exp）。", "The assertion has expired (exp).")
            }
            Self::Assertion(Fault::NotYet) => (
                "アサーションの時刻（iat、nbf）が未来です。サーバーの時計をお確かめください。",
                "The assertion is of a time to come (iat, nbf): check the clock of the server.",
            ),
            Self::Assertion(Fault::TooLong) => (
                "アサーションの期間は120秒までです（expからiatまで）。",
                "An assertion is valid for 120 seconds at most (iat to exp).",
            ),
            Self::Replayed => (
                "このアサーションは使用済みです。jtiを新しくして作り直してください。",
                "The assertion was used before: make a new one, with a new jti.",
            ),
            Self::OtherAct => (
                "アサーションのactが、この宛先のものではありません。",
                "The act of the assertion is not that of this address.",
            ),
            Self::Malformed => (
                "会員ID（sub）がないか、使えない形です（1から128バイト、前後の空白、制御文字、目に見えない文字なし）。",
                "The member id (sub) is missing or unusable: 1 to 128 bytes, no control or invisible characters, no white space around it.",
            ),
            Self::NoChannel => {
                ("連携のできるチャネルではありません。", "There is no such channel, or it does not link.")
            }
            Self::CodeUnknown => (
                "codeがないか、期限（10分）が切れたか、すでに使われています。はじめからやり直してください。",
                "The code is missing, older than 10 minutes, or was used. Begin again.",
            ),
            Self::TooOften => (
                "1時間に受け付けられる数を超えました。次の1時間までお待ちください。",
                "The hour's number of calls is used up. Wait for the next hour.",
            ),
            Self::Unavailable => (
                "ただいま受け付けられません。しばらくしてから、もう一度お試しください。",
                "It cannot be taken now. Please try again in a little while.",
            ),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (ja, en) = refusal.words();
        Self::new(refusal.status(), ja, en).with_code(refusal.code())
    }
}
