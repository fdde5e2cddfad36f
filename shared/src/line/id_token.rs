//! ID tokens: who is in front of a page in LIFF, or has signed in on the web (LINE Login
//! v2.1, "Verify ID token"; OpenID Connect Core 1.0 §3.1.3.7).
//!
//! A token of LIFF is signed by ES256, whatever its header says: what comes from elsewhere
//! is not looked at. The keys are fetched from LINE when they are first needed, kept for an
//! hour, and fetched again, at most once a minute, for a key that is not known.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, JwkSet},
};
use serde::Deserialize;
use serde_json::Value;

use crate::domain::{
    definition::ProfileItem,
    id::LineUserId,
    plain::Plain,
    time::{HOUR_MS, SECOND_MS, UnixMs},
};
use crate::line::client::{LineClient, LineError};

/// Who issues ID tokens.
pub const ISSUER: &str = "https://access.line.me";
/// How long keys are used without asking again.
const KEPT_MS: i64 = HOUR_MS;
/// How soon keys are fetched again for one that is not known.
const AGAIN_MS: i64 = 60 * SECOND_MS;
/// How far LINE's clock may be ahead of ours.
const LEEWAY_S: i64 = 60;
/// The longest token that is read.
const MAX_LEN: usize = 8 * 1024;
/// The same for web login: it may carry a name and an address.
const MAX_WEB_LEN: usize = 16 * 1024;
/// How long fetching the keys may take.
const WITHIN: Duration = Duration::from_secs(3);

/// A token that does not hold. It says nothing of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// It is no token, of another algorithm, issuer, audience or key, or was edited.
    #[error("the ID token does not hold")]
    Invalid,
    /// It held once.
    #[error("the ID token has expired")]
    Expired,
    /// The keys could not be fetched.
    #[error("the keys of LINE could not be fetched: {0}")]
    Keys(#[from] LineError),
}

/// Verifies ID tokens.
#[derive(Debug, Default)]
pub struct Verifier(Mutex<Keys>);

#[derive(Default)]
struct Keys {
    by_id: HashMap<String, DecodingKey>,
    fetched_at: Option<UnixMs>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.by_id.len())
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: Plain<String>,
    exp: i64,
    iat: i64,
}

impl Claims {
    /// Who it is, if the token holds now.
    fn user(&self, now: UnixMs) -> Result<LineUserId, NotVerified> {
        if self.iat > now.seconds() + LEEWAY_S || self.exp < self.iat {
            return Err(NotVerified::Invalid);
        }
        if now.seconds() >= self.exp {
            return Err(NotVerified::Expired);
        }
        LineUserId::parse(self.sub.reveal()).map_err(|_| NotVerified::Invalid)
    }
}

/// What an ID token of web login says.
#[derive(Debug)]
pub struct SignedIn {
    /// Who has signed in.
    pub user: LineUserId,
    /// Their display name, if they show it.
    pub name: Option<Plain<String>>,
    /// What else LINE tells of them, as it was asked for (LINE Profile+, PLATFORM.md §4.1).
    pub items: Vec<(ProfileItem, ToldClaims)>,
}

/// Claims of an ID token and what they say.
pub type ToldClaims = Vec<(&'static str, Plain<String>)>;

#[derive(Deserialize)]
struct WebClaims {
    #[serde(flatten)]
    claims: Claims,
    nonce: Option<String>,
    #[serde(flatten)]
    others: HashMap<String, Value>,
}

/// Verifies an ID token of web login. Such a token comes from LINE's token endpoint and is
/// signed by HS256 with the secret of the login channel, whatever its header says
/// (PLATFORM.md §3.3).
///
/// # Errors
/// See [`NotVerified`].
pub fn verify_web(
    token: &Plain<String>,
    channel: (&str, &Plain<String>),
    nonce: &str,
    wanted: &[ProfileItem],
    now: UnixMs,
) -> Result<SignedIn, NotVerified> {
    let (token, (audience, secret)) = (token.reveal(), channel);
    if token.len() > MAX_WEB_LEN {
        return Err(NotVerified::Invalid);
    }
    let key = DecodingKey::from_secret(secret.reveal().as_bytes());
    let validation = validation(Algorithm::HS256, audience);
    let token = decode::<WebClaims>(token, &key, &validation).map_err(|_| NotVerified::Invalid)?;
    let WebClaims { claims, nonce: said, mut others } = token.claims;
    if said.as_deref() != Some(nonce) {
        return Err(NotVerified::Invalid);
    }
    let user = claims.user(now)?;
    if let Some(Value::Object(address)) = others.remove("address") {
        others.extend(address);
    }
    let mut text = |claim: &str| match others.remove(claim) {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(Plain::new(text)),
        _ => None,
    };
    let name = text("name");
    let items = wanted.iter().map(|item| {
        let values = item.claims().iter().filter_map(|claim| Some((*claim, text(claim)?)));
        (*item, values.collect::<ToldClaims>())
    });
    let items = items.filter(|(_, values)| !values.is_empty()).collect();
    Ok(SignedIn { user, name, items })
}

impl Verifier {
    /// The user to whom a token was given for the login channel `audience`: no call once
    /// the keys are known.
    ///
    /// # Errors
    /// See [`NotVerified`].
    pub async fn verify(
        &self,
        line: &LineClient,
        token: &Plain<String>,
        audience: &str,
        now: UnixMs,
    ) -> Result<LineUserId, NotVerified> {
        let token = token.reveal();
        if token.len() > MAX_LEN {
            return Err(NotVerified::Invalid);
        }
        let header = decode_header(token).map_err(|_| NotVerified::Invalid)?;
        let id = header.kid.filter(|_| header.alg == Algorithm::ES256).ok_or(NotVerified::Invalid)?;
        let key = self.key(line, &id, now).await?.ok_or(NotVerified::Invalid)?;
        let claims =
            decode::<Claims>(token, &key, &validation(Algorithm::ES256, audience)).map_err(|error| {
                match error.kind() {
                    ErrorKind::ExpiredSignature => NotVerified::Expired,
                    _ => NotVerified::Invalid,
                }
            })?;
        claims.claims.user(now)
    }

    /// Forgets the keys, as a cold start does.
    pub fn forget(&self) {
        *self.keys() = Keys::default();
    }

    async fn key(&self, line: &LineClient, id: &str, now: UnixMs) -> Result<Option<DecodingKey>, NotVerified> {
        let (known, age) = {
            let keys = self.keys();
            (keys.by_id.get(id).cloned(), keys.fetched_at.map(|at| now.since(at)))
        };
        let fresh_for = if known.is_some() { KEPT_MS } else { AGAIN_MS };
        if age.is_some_and(|age| (0..fresh_for).contains(&age)) {
            return Ok(known);
        }
        let fetched = match line.certs(WITHIN).await {
            Ok(set) => set,
            // A key that was good an hour ago is better than no service.
            Err(_) if known.is_some() => return Ok(known),
            Err(error) => return Err(error.into()),
        };
        let mut keys = self.keys();
        keys.by_id = usable(&fetched);
        keys.fetched_at = Some(now);
        Ok(keys.by_id.get(id).cloned())
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys of a set that can verify ES256.
fn usable(set: &JwkSet) -> HashMap<String, DecodingKey> {
    let p256 = set.keys.iter().filter(
        |key| matches!(&key.algorithm, AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256),
    );
    p256.filter_map(|key| Some((key.common.key_id.clone()?, DecodingKey::from_jwk(key).ok()?))).collect()
}

fn validation(algorithm: Algorithm, audience: &str) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    // The library asks the machine's clock; ours is asked in [`Verifier::verify`].
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}
