//! `POST /link/{channel}/site/…`: what the sites of the business may ask and do. They name
//! members; they never learn a LINE user id.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use azukari::{
    domain::{erasure::Ground, id::LineUserId, link::MemberDigest, plain::Plain, receipt::ReceiptId, site::MemberId},
    host::{
        linking::Vouched,
        log, one_time,
        people::{PeopleError, Visit},
        problem::Problem,
    },
    line::{client, outgoing::OutgoingMessage},
    seal::one_time::OneTimeSecret,
    store::{
        Outcome, StoreError,
        link::{MemberRow, holds},
        order::EraseOrder,
    },
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    Link,
    assertion::{Act, Call},
    refusal::Refusal,
    request::ChannelPath,
    service::{Linking, NoChannel},
    steps::{Code, Finish, How, Way},
};

/// How long telling the person in the chat, and changing their menu, may take.
pub(crate) const TELL_WITHIN: Duration = Duration::from_millis(800);

/// `POST …/site/login`: who has signed in, by the code that their browser has brought.
pub(crate) async fn login(State(link): State<Arc<Link>>, channel: ChannelPath, headers: HeaderMap) -> Response {
    answer(&link, Act::Login, async {
        let linking = linking(&link, channel).await?;
        let call = link.call(&linking, &headers, Act::Login).await?;
        let (secret, code) = link.code(&linking, &call).await?;
        let (user, friend_added) = match &code.way {
            Way::Login { user, friend_added, .. } => (user, *friend_added),
            // LINE has yet to say who they are.
            Way::Chat { .. } => return Ok(json!({"linked": false, "friend_added": false})),
        };
        let user = LineUserId::parse(user.reveal()).map_err(|_| Refusal::CodeUnknown)?;
        let visit = link.intake.visit(&linking.channel, &user, link.intake.ctx.now());
        let (_, known) = visit.mapping(true).await.map_err(|error| failed(&error))?;
        let known = known.filter(|known| known.person.link.link().is_some());
        let Some(known) = known else { return Ok(json!({"linked": false, "friend_added": friend_added})) };
        // Whoever did not begin at the site cannot be signed in there: a code from elsewhere
        // could be somebody else's.
        if code.back.state.is_none() {
            return Err(Refusal::CodeUnknown);
        }
        let used = link.intake.vault.use_content(&secret.digest()).await.map_err(|error| failed(&error.into()))?;
        // Of two that ask at the same moment one is told.
        if used == Outcome::Already {
            return Err(Refusal::CodeUnknown);
        }
        let subject = link.pairwise.subject(&call.site.name, known.key.subject());
        Ok(json!({"linked": true, "subject": subject, "friend_added": friend_added}))
    })
    .await
}

/// `POST …/site/link`: the business vouches for the member who is signed in where the code
/// was brought. The link is made once that browser has come back here: whoever was sent
/// somebody else's code does not get to join them.
pub(crate) async fn link(State(link): State<Arc<Link>>, channel: ChannelPath, headers: HeaderMap) -> Response {
    answer(&link, Act::Link, async {
        let linking = linking(&link, channel).await?;
        let call = link.call(&linking, &headers, Act::Link).await?;
        let member = call.member()?;
        let (secret, code) = link.code(&linking, &call).await?;
        let digest = link.digest(&linking, member).await?;
        let (vault, now) = (&link.intake.vault, link.intake.ctx.now());
        let left = |error: StoreError| failed(&error.into());
        if vault.use_content(&secret.digest()).await.map_err(left)? == Outcome::Already {
            return Err(Refusal::CodeUnknown);
        }
        let Code { channel, back, way, browser, begun } = code;
        let member = member.plain().clone();
        let how = match way {
            Way::Chat { link_token, shown } => {
                let vouched = Vouched { channel: channel.clone(), member, digest, shown, begun };
                let nonce = one_time::leave(vault, link.intake.ctx.mint(), &vouched, now).await.map_err(left)?;
                How::Dialog { link_token, nonce: Plain::new(nonce.text()) }
            }
            Way::Login { user, name, agreed: Some(shown), items, .. } => {
                How::Here { user, name, member, digest, items, shown, begun, back: Box::new(back) }
            }
            // They came to be recognised, and were not asked whether to join.
            Way::Login { agreed: None, .. } => return Err(Refusal::CodeUnknown),
        };
        let finish = Finish { channel, how, browser };
        let ticket = one_time::leave(vault, link.intake.ctx.mint(), &finish, now).await.map_err(left)?;
        let url = link.url(linking.name(), &format!("/finish?ticket={}", ticket.text()));
        Ok(json!({"status": "continue", "url": url}))
    })
    .await
}

/// `POST …/site/status`: whether a member is linked.
pub(crate) async fn status(State(link): State<Arc<Link>>, channel: ChannelPath, headers: HeaderMap) -> Response {
    answer(&link, Act::Status, async {
        let linking = linking(&link, channel).await?;
        let call = link.call(&linking, &headers, Act::Status).await?;
        let digest = link.digest(&linking, call.member()?).await?;
        let holder = link.holder(&linking, &digest).await.map_err(|error| failed(&error.into()))?;
        Ok(match holder {
            Some(led) => json!({"linked": true, "subject": link.pairwise.subject(&call.site.name, led.subject)}),
            None => json!({"linked": false}),
        })
    })
    .await
}

/// `POST …/site/unlink`: undoes the link of a member. Nobody is told in the chat: the
/// business has its own way to its members.
pub(crate) async fn unlink(State(link): State<Arc<Link>>, channel: ChannelPath, headers: HeaderMap) -> Response {
    answer(&link, Act::Unlink, async {
        let linking = linking(&link, channel).await?;
        let call = link.call(&linking, &headers, Act::Unlink).await?;
        let digest = link.digest(&linking, call.member()?).await?;
        let id = call.id.get(..32).unwrap_or_default();
        let freed = link.intake.free(linking.name(), &digest, id, link.intake.ctx.now()).await;
        freed.map_err(|error| failed(&error))?;
        Ok(json!({"status": "unlinked"}))
    })
    .await
}

/// `POST …/site/erase`: has whoever is joined with a member erased, as the business wishes or
/// the member has asked it to. Nobody is told in the chat; the receipt is for the site to hand
/// on. Asked again, with another assertion, while the erasure waits: a second order, which
/// ends with the first and has a receipt of its own.
pub(crate) async fn erase(State(link): State<Arc<Link>>, channel: ChannelPath, headers: HeaderMap) -> Response {
    answer(&link, Act::Erase, async {
        let linking = linking(&link, channel).await?;
        let call = link.call(&linking, &headers, Act::Erase).await?;
        let digest = link.digest(&linking, call.member()?).await?;
        let left = |error: StoreError| failed(&error.into());
        let Some(led) = link.holder(&linking, &digest).await.map_err(left)? else {
            return Ok(Reply::from(json!({"linked": false})));
        };
        let (vault, now) = (&link.intake.vault, link.intake.ctx.now());
        let id = call.id.get(..32).unwrap_or_default().to_owned();
        let order = EraseOrder { subject: led.subject, id, ground: Ground::Asked, as_of: now };
        vault.put_erase_order(&order, now).await.map_err(left)?;
        log::order_placed("erase", &order.id, vault);
        let receipt = ReceiptId::of(order.subject, &order.id, vault.origin());
        let receipt = format!("{}/receipts/{receipt}", link.addresses.public_url);
        Ok(Reply { status: StatusCode::ACCEPTED, body: json!({"receipt": receipt}) })
    })
    .await
}

/// What a site is answered.
struct Reply {
    status: StatusCode,
    body: Value,
}

impl From<Value> for Reply {
    fn from(body: Value) -> Self {
        Self { status: StatusCode::OK, body }
    }
}

async fn linking<'a>(link: &'a Link, channel: ChannelPath) -> Result<Linking<'a>, Refusal> {
    let Ok(Path(channel)) = channel else { return Err(Refusal::NoChannel) };
    link.channel(&channel).await.map_err(|no_channel| match no_channel {
        NoChannel::Unknown => Refusal::NoChannel,
        NoChannel::Unavailable => Refusal::Unavailable,
    })
}

async fn answer<T: Into<Reply>>(
    link: &Link,
    act: Act,
    answering: impl Future<Output = Result<T, Refusal>>,
) -> Response {
    let metrics = link.intake.ctx.metrics();
    match answering.await {
        Ok(answered) => {
            let Reply { status, body } = answered.into();
            metrics.count("link_site", act.as_str());
            let headers =
                [(header::CONTENT_TYPE, "application/json; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
            (status, headers, body.to_string()).into_response()
        }
        Err(refusal) => {
            metrics.count("link_site_refused", refusal.code());
            Problem::from(refusal).into_response()
        }
    }
}

pub(crate) fn failed(error: &PeopleError) -> Refusal {
    tracing::error!(event = "site_call_failed", %error, "a call of a site could not be carried out");
    Refusal::Unavailable
}

impl Link {
    /// What a code stands for, if it was made for this site.
    async fn code(&self, linking: &Linking<'_>, call: &Call<'_>) -> Result<(OneTimeSecret, Code), Refusal> {
        let secret = call.code()?;
        let code = one_time::look::<Code>(&self.intake.vault, secret, self.intake.ctx.now()).await;
        let code = code.map_err(|error| failed(&error.into()))?.ok_or(Refusal::CodeUnknown)?;
        if code.channel != linking.name().as_str() || code.back.site != call.site.name.as_str() {
            return Err(Refusal::CodeUnknown);
        }
        Ok((secret.clone(), code))
    }

    /// The keyed digest of a member id: one KMS call.
    async fn digest(&self, linking: &Linking<'_>, member: &MemberId) -> Result<MemberDigest, Refusal> {
        let digest = self.lookup.digest(linking.name(), "member", member.plain()).await;
        let digest = digest.map_err(|error| {
            tracing::error!(event = "digest_not_made", %error, "the digest of a member id could not be made");
            Refusal::Unavailable
        })?;
        MemberDigest::parse(&digest).map_err(|_| Refusal::Unavailable)
    }

    /// Whoever is joined with a member id.
    async fn holder(&self, linking: &Linking<'_>, member: &MemberDigest) -> Result<Option<MemberRow>, StoreError> {
        let vault = &self.intake.vault;
        let led = vault.member(linking.name(), member).await?;
        let Some(led) = led.filter(MemberRow::leads_somewhere) else { return Ok(None) };
        let mapping = vault.mapping(&led.mapping, self.intake.ctx.now()).await?;
        Ok(holds(&led, &mapping, member).then_some(led))
    }

    /// Says something in the chat: best effort, once for each secret.
    pub(crate) async fn tell(&self, linking: &Linking<'_>, visit: &Visit<'_>, text: Option<&str>, once: &str) {
        let Some(text) = text else { return };
        let policy_url = format!("{}/policy/{}", self.addresses.public_url, linking.name());
        let text = text.replace(azukari::domain::wording::POLICY_URL, &policy_url);
        let messages = [OutgoingMessage::text(text)];
        let token = &linking.secrets.access_token;
        let told = self.line.push(token, visit.user, &client::retry_key(once), &messages, TELL_WITHIN).await;
        self.intake.ctx.metrics().count("link_message", if told.is_ok() { "pushed" } else { "failed" });
        if let Err(error) = told {
            tracing::warn!(event = "message_not_taken", %error, "a message about a link was not taken");
        }
    }
}
