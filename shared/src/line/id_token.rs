//! ID tokens of LIFF: who is in front of the page (LINE Login v2.1, "Verify ID token";
//! OpenID Connect Core 1.0 §3.1.3.7).
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

use crate::domain::{
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
        let claims = decode::<Claims>(token, &key, &validation(audience)).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => NotVerified::Expired,
            _ => NotVerified::Invalid,
        })?;
        let Claims { sub, exp, iat } = claims.claims;
        if iat > now.seconds() + LEEWAY_S || exp < iat {
            return Err(NotVerified::Invalid);
        }
        if now.seconds() >= exp {
            return Err(NotVerified::Expired);
        }
        LineUserId::parse(sub.reveal()).map_err(|_| NotVerified::Invalid)
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

fn validation(audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    // The library asks the machine's clock; ours is asked in [`Verifier::verify`].
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}
