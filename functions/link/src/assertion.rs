//! Assertions of sites: what the business says of a member, signed with the site's own key,
//! for one use within two minutes ([`azukari::host::assertion`]).
//!
//! Claims beside the usual ones: `act`, which must be that of the address it is sent to;
//! `sub`, the member id; `code`, which the person's browser has brought.

use azukari::{
    domain::{plain::Plain, site::MemberId},
    host::assertion::{self, Fault, Rules},
    seal::one_time::OneTimeSecret,
    store::one_time::{Redeemed, Spend},
};
use http::{HeaderMap, header};
use serde::Deserialize;

use crate::{Link, refusal::Refusal, service::Linking};

/// The `typ` of an assertion.
pub const TYPE: &str = "site+jwt";
/// How long an assertion may be valid.
pub const MAX_LIFE_S: i64 = 120;

/// What a site wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// To know who has signed in.
    Login,
    /// To link a member.
    Link,
    /// To know whether a member is linked.
    Status,
    /// To undo a link.
    Unlink,
    /// To have whoever is linked erased.
    Erase,
}

impl Act {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Link => "link",
            Self::Status => "status",
            Self::Unlink => "unlink",
            Self::Erase => "erase",
        }
    }
}

#[derive(Deserialize)]
struct Says {
    act: String,
    #[serde(default)]
    sub: Option<Plain<String>>,
    #[serde(default)]
    code: Option<Plain<String>>,
}

/// A call of a site that may be answered.
pub(crate) struct Call<'a> {
    pub(crate) site: &'a azukari::domain::site::Site,
    /// Digest of the assertion's id.
    pub(crate) id: String,
    member: Option<MemberId>,
    code: Option<OneTimeSecret>,
}

impl Call<'_> {
    pub(crate) fn member(&self) -> Result<&MemberId, Refusal> {
        self.member.as_ref().ok_or(Refusal::Malformed)
    }

    pub(crate) fn code(&self) -> Result<&OneTimeSecret, Refusal> {
        self.code.as_ref().ok_or(Refusal::CodeUnknown)
    }
}

impl Link {
    /// Verifies an assertion and uses it up, with a part of how often the site may do this in
    /// an hour.
    pub(crate) async fn call(&self, linking: &Linking<'_>, headers: &HeaderMap, act: Act) -> Result<Call<'_>, Refusal> {
        let assertion = bearer(headers).ok_or(Refusal::Assertion(Fault::Malformed))?;
        let audience = self.url(linking.name(), "");
        let rules = Rules { kind: TYPE, audience: &audience, max_life_s: MAX_LIFE_S };
        let now = self.intake.ctx.now();
        let verified = assertion::verify::<_, Says>(assertion, &self.sites, rules, now)
            .map_err(|refused| Refusal::Assertion(refused.fault))?;
        // A site speaks for the channel whose people are its members, and for no other.
        if verified.issuer.channel != *linking.name() {
            return Err(Refusal::Assertion(Fault::UnknownIssuer));
        }
        if verified.says.act != act.as_str() {
            return Err(Refusal::OtherAct);
        }
        let member = match &verified.says.sub {
            Some(sub) => Some(MemberId::parse(sub.reveal()).map_err(|_| Refusal::Malformed)?),
            None => None,
        };
        let code = verified.says.code.as_ref().and_then(|code| OneTimeSecret::parse(code.reveal()));
        let site = verified.issuer;
        // Each act has its own: visitors who bring codes do not use up what ends links.
        let what = format!("site#{}.{}", site.name, act.as_str());
        let spend = Spend { what: &what, hour: now.hour(), n: 1, limit: site.calls_per_hour };
        match self.intake.vault.redeem(&verified.id, verified.until, Some(spend)).await {
            Ok(Redeemed::Taken) => Ok(Call { site, id: verified.id, member, code }),
            Ok(Redeemed::Replayed) => Err(Refusal::Replayed),
            Ok(Redeemed::OverBudget) => Err(Refusal::TooOften),
            Err(error) => {
                tracing::error!(
                    event = "assertion_not_used_up",
                    %error,
                    site = %site.name,
                    "an assertion could not be used up"
                );
                Err(Refusal::Unavailable)
            }
        }
    }
}

/// The token of `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
