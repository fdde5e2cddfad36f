//! What the site's server asks of the function `link`: the API for sites, and nothing else.
//! Every call carries an assertion of its own, signed with the site's key.

use axum::{
    Router,
    body::{Body, to_bytes},
};
use azukari::domain::{
    site::{MemberId, Site},
    time::UnixMs,
};
use http::{Request, StatusCode, header};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use tower::ServiceExt;

use crate::site_key::SiteKey;

/// The largest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// One site's way to the function.
pub(super) struct Calls<'a> {
    /// The functions, as the site reaches them.
    pub(super) functions: &'a Router,
    pub(super) key: &'a SiteKey,
    pub(super) site: &'a Site,
    /// Where the function's pages are: a part of the audience.
    pub(super) public_url: &'a str,
    pub(super) now: UnixMs,
}

/// Whether somebody is linked.
#[derive(Debug, Deserialize)]
pub(super) struct Standing {
    pub(super) linked: bool,
    /// The name by which this site knows the person.
    pub(super) subject: Option<String>,
}

/// How a wish to link goes on.
#[derive(Debug, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(super) enum Linking {
    /// The browser takes the last step, at this address: LINE asks the person, or the function
    /// sees that it is the browser that took the first.
    Continue {
        /// Where the browser is to go.
        url: String,
    },
}

/// What came of a wish to have somebody erased.
#[derive(Debug, Deserialize)]
struct Erasing {
    /// Where the receipt is; `None` if nobody was linked.
    receipt: Option<String>,
}

/// A call that was not answered as hoped.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// HTTP status.
    pub(super) status: StatusCode,
    /// What it is, in Japanese.
    pub(super) ja: String,
    /// What it is, in English.
    pub(super) en: String,
    /// What it is, for programs.
    pub(super) code: String,
}

impl Refusal {
    fn unavailable() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            ja: "LINE連携のサービスから、返事がありませんでした。".to_owned(),
            en: "The service that links with LINE did not answer.".to_owned(),
            code: "unavailable".to_owned(),
        }
    }

    /// A problem (RFC 9457) as the function words it.
    fn told(status: StatusCode, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Told {
            title: String,
            detail: String,
            code: String,
        }
        serde_json::from_slice(body).map_or_else(
            |_| Self::unavailable(),
            |Told { title, detail, code }| Self { status, ja: title, en: detail, code },
        )
    }

    /// Whether the same call may be answered in a while.
    pub(super) fn will_pass(&self) -> bool {
        matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    }
}

impl Calls<'_> {
    /// Who has come with this code: the name by which this site knows them, if they are
    /// linked.
    pub(super) async fn login(&self, code: &str) -> Result<Option<String>, Refusal> {
        let standing: Standing = self.ask("login", None, Some(code)).await?;
        match (standing.linked, standing.subject) {
            (true, Some(subject)) => Ok(Some(subject)),
            (true, None) => Err(Refusal::unavailable()),
            (false, _) => Ok(None),
        }
    }

    /// Links a member with the person who has come with this code.
    pub(super) async fn link(&self, member: &MemberId, code: &str) -> Result<Linking, Refusal> {
        self.ask("link", Some(member), Some(code)).await
    }

    /// Whether a member is linked.
    pub(super) async fn status(&self, member: &MemberId) -> Result<Standing, Refusal> {
        self.ask("status", Some(member), None).await
    }

    /// Undoes a member's link, if there is one.
    pub(super) async fn unlink(&self, member: &MemberId) -> Result<(), Refusal> {
        self.ask::<IgnoredAny>("unlink", Some(member), None).await.map(|IgnoredAny| ())
    }

    /// Has whoever is linked with a member erased: the address of the receipt, if somebody is.
    pub(super) async fn erase(&self, member: &MemberId) -> Result<Option<String>, Refusal> {
        let erasing: Erasing = self.ask("erase", Some(member), None).await?;
        Ok(erasing.receipt)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        act: &str,
        member: Option<&MemberId>,
        code: Option<&str>,
    ) -> Result<T, Refusal> {
        let channel = &self.site.channel;
        let audience = format!("{}/link/{channel}", self.public_url);
        let sub = member.map(|member| member.plain().reveal().as_str());
        let assertion = self.key.assertion(&self.site.name, &audience, act, sub, code, self.now);
        let assertion = assertion.map_err(|_| Refusal::unavailable())?;
        // Over the network this is a POST to {public_url}/link/{channel}/site/{act}.
        let request = Request::post(format!("/link/{channel}/site/{act}"))
            .header(header::AUTHORIZATION, format!("Bearer {assertion}"))
            .body(Body::empty())
            .map_err(|_| Refusal::unavailable())?;
        let answer = self.functions.clone().oneshot(request).await.map_err(|_| Refusal::unavailable())?;
        let status = answer.status();
        let body = to_bytes(answer.into_body(), MAX_ANSWER).await.map_err(|_| Refusal::unavailable())?;
        if !status.is_success() {
            return Err(Refusal::told(status, &body));
        }
        serde_json::from_slice(&body).map_err(|_| Refusal::unavailable())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_function() {
        let body = r#"{"type":"about:blank","status":410,"title":"題","detail":"what","code":"code_unknown"}"#;
        let refusal = Refusal::told(StatusCode::GONE, body.as_bytes());
        assert_eq!((refusal.ja.as_str(), refusal.en.as_str(), refusal.code.as_str()), ("題", "what", "code_unknown"));
        assert!(!refusal.will_pass());
        assert_eq!(Refusal::told(StatusCode::NOT_FOUND, b""), Refusal::unavailable());
        assert!(Refusal::unavailable().will_pass());
    }

    #[test]
    fn linking_goes_on_in_the_browser() {
        let linking = |text: &str| serde_json::from_str::<Linking>(text);
        let on = linking(r#"{"status":"continue","url":"http://127.0.0.1:8080/link/demo/finish?ticket=t"}"#);
        assert!(matches!(on, Ok(Linking::Continue { .. })));
        assert!(linking(r#"{"status":"linked"}"#).is_err());
    }
}
