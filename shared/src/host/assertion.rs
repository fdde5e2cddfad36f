//! Assertions: a JWS (RFC 7515) signed by ES256 with the key of whoever is known by its
//! issuer, for one use within minutes.
//!
//! Header: `{"alg": "ES256", "typ": …}` (explicit typing, RFC 8725 §3.11). Claims (RFC 7519):
//! `iss` who, `aud` for whom, `iat` and `exp` in Unix seconds, `jti` 16 to 128 characters
//! that are never used again, and what is asserted.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::{
    key::PUBLIC_KEY_LEN,
    operator::Operator,
    site::Site,
    time::{SECOND_MS, UnixMs},
};

/// How far the issuer's clock may be ahead.
const LEEWAY_S: i64 = 30;
/// The longest assertion that is read.
const MAX_LEN: usize = 64 * 1024;

/// Whoever may assert something.
pub trait Issuer {
    /// The name, as `iss` says it.
    fn name(&self) -> &str;
    /// The public key, an uncompressed P-256 point.
    fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN];
}

impl Issuer for Operator {
    fn name(&self) -> &str {
        self.id.as_str()
    }

    fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.public_key
    }
}

impl Issuer for Site {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.public_key
    }
}

/// What an assertion must be.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Its `typ`.
    pub kind: &'static str,
    /// For whom.
    pub audience: &'a str,
    /// How long it may be valid, in seconds.
    pub max_life_s: i64,
}

/// An assertion that holds. It has not been used up yet. No `Debug`: what it says may name
/// people.
pub struct Verified<'a, I, T> {
    /// Who asserts it.
    pub issuer: &'a I,
    /// Digest of its id: the same for no other assertion. 64 hexadecimal digits.
    pub id: String,
    /// When it ends.
    pub until: UnixMs,
    /// What it says.
    pub says: T,
}

/// An assertion that does not hold.
#[derive(Debug)]
pub struct Refused<'a, I> {
    /// Why.
    pub fault: Fault,
    /// Whom it says it is from, if there is such an issuer. Not proven.
    pub claimed: Option<&'a I>,
    /// Digest of its text.
    pub id: String,
}

/// Why an assertion does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is none, or lacks something.
    Malformed,
    /// It is not signed by ES256.
    Algorithm,
    /// It is from nobody who is known.
    UnknownIssuer,
    /// The signature does not fit.
    Signature,
    /// It is for somebody else.
    Audience,
    /// It is past its time.
    Expired,
    /// It is of a time to come.
    NotYet,
    /// It is valid for too long.
    TooLong,
}

#[derive(Deserialize)]
struct Named {
    iss: String,
}

#[derive(Deserialize)]
struct Claims<T> {
    iat: i64,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    jti: String,
    #[serde(flatten)]
    says: T,
}

/// Verifies everything but that it is used for the first time.
///
/// # Errors
/// See [`Fault`].
pub fn verify<'a, I: Issuer, T: DeserializeOwned>(
    assertion: &str,
    issuers: &'a [I],
    rules: Rules<'_>,
    now: UnixMs,
) -> Result<Verified<'a, I, T>, Refused<'a, I>> {
    let of_text = || digest(assertion.as_bytes());
    let refused = |fault, claimed| Refused { fault, claimed, id: of_text() };
    if assertion.len() > MAX_LEN {
        return Err(refused(Fault::Malformed, None));
    }
    let claimed = named(assertion).and_then(|iss| issuers.iter().find(|issuer| issuer.name() == iss));
    match decode_header(assertion) {
        Ok(header) if header.alg != Algorithm::ES256 => return Err(refused(Fault::Algorithm, claimed)),
        Ok(header) if header.typ.as_deref() != Some(rules.kind) => return Err(refused(Fault::Malformed, claimed)),
        // What it says must be understood is not understood here (RFC 7515 §4.1.11).
        Ok(_) if header_of(assertion).is_some_and(|header| header.get("crit").is_some()) => {
            return Err(refused(Fault::Malformed, claimed));
        }
        Ok(_) => {}
        // An algorithm that the library does not know, `none` among them.
        Err(error) => {
            let fault = if has_header(assertion) && !matches!(error.kind(), ErrorKind::InvalidToken) {
                Fault::Algorithm
            } else {
                Fault::Malformed
            };
            return Err(refused(fault, claimed));
        }
    }
    let issuer = claimed.ok_or_else(|| refused(Fault::UnknownIssuer, None))?;
    let refused = |fault| refused(fault, Some(issuer));
    let key = DecodingKey::from_ec_der(issuer.public_key());
    let claims = match decode::<Claims<T>>(assertion, &key, &validation(issuer.name(), rules.audience)) {
        Ok(token) => token.claims,
        Err(error) => {
            return Err(refused(match error.kind() {
                ErrorKind::InvalidSignature => Fault::Signature,
                ErrorKind::InvalidAudience => Fault::Audience,
                ErrorKind::InvalidAlgorithm => Fault::Algorithm,
                ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => Fault::Audience,
                _ => Fault::Malformed,
            }));
        }
    };
    let Claims { iat, exp, nbf, jti, says } = claims;
    let now_s = now.seconds();
    let life = exp.checked_sub(iat).filter(|life| *life >= 0 && iat >= 0);
    let (Some(life), true) = (life, (16..=128).contains(&jti.len())) else {
        return Err(refused(Fault::Malformed));
    };
    if now_s >= exp {
        return Err(refused(Fault::Expired));
    }
    if iat > now_s + LEEWAY_S || nbf.is_some_and(|nbf| nbf > now_s + LEEWAY_S) {
        return Err(refused(Fault::NotYet));
    }
    if life > rules.max_life_s {
        return Err(refused(Fault::TooLong));
    }
    let id = digest(format!("{}\n{}\n{jti}", rules.kind, issuer.name()).as_bytes());
    Ok(Verified { issuer, id, until: UnixMs::new(exp.saturating_mul(SECOND_MS)), says })
}

/// The issuer as the assertion says it, unproven: it only chooses the key.
fn named(assertion: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Named>(&payload).ok().map(|named| named.iss)
}

fn has_header(assertion: &str) -> bool {
    header_of(assertion).is_some_and(|header| header["alg"].is_string())
}

fn header_of(assertion: &str) -> Option<Value> {
    let header = URL_SAFE_NO_PAD.decode(assertion.split('.').next()?).ok()?;
    serde_json::from_slice(&header).ok()
}

fn validation(issuer: &str, audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["exp", "aud", "iss"]);
    // The library asks the machine's clock; ours is asked in [`verify`].
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
