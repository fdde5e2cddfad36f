//! Assertions: a JWS (RFC 7515) signed by ES256 with an operator's own key, carrying
//! the request itself, for one use within minutes.
//!
//! Header: `{"alg": "ES256", "typ": "operator+jwt"}` (explicit typing, RFC 8725 §3.11).
//! Claims (RFC 7519): `iss` the operator's name, `aud` the installation, `iat` and
//! `exp` in Unix seconds and at most 300 apart, `jti` 16 to 128 characters that are
//! never used again, and `request`.

use azukari::domain::{
    operator::{Operator, OperatorId},
    time::{SECOND_MS, UnixMs},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Code;

/// The `typ` of an assertion.
pub const TYPE: &str = "operator+jwt";
/// How long an assertion may be valid.
pub const MAX_LIFE_S: i64 = 300;
/// How far the issuer's clock may be ahead.
const LEEWAY_S: i64 = 30;
/// The longest assertion that is read.
const MAX_LEN: usize = 64 * 1024;

/// An assertion that holds. It has not been used up yet. No `Debug`: the request in it
/// names people.
pub(crate) struct Verified<'a> {
    pub(crate) operator: &'a Operator,
    /// Digest of its id: the same for no other assertion.
    pub(crate) id: String,
    /// When it ends.
    pub(crate) until: UnixMs,
    pub(crate) request: Value,
}

/// An assertion that does not hold.
#[derive(Debug)]
pub(crate) struct Refused<'a> {
    pub(crate) code: Code,
    /// Whom it says it is from, if there is such an operator. Not proven.
    pub(crate) claimed: Option<&'a OperatorId>,
    pub(crate) id: String,
}

#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

#[derive(Deserialize)]
struct Claims {
    iat: i64,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    jti: String,
    request: Value,
}

/// Verifies everything but that it is used for the first time.
pub(crate) fn verify<'a>(
    assertion: &str,
    operators: &'a [Operator],
    audience: &str,
    now: UnixMs,
) -> Result<Verified<'a>, Refused<'a>> {
    let of_text = || digest(assertion.as_bytes());
    let refused = |code, claimed| Refused { code, claimed, id: of_text() };
    if assertion.len() > MAX_LEN {
        return Err(refused(Code::Malformed, None));
    }
    let claimed = issuer(assertion).and_then(|iss| operators.iter().find(|operator| operator.id.as_str() == iss));
    let claimed_id = claimed.map(|operator| &operator.id);
    match decode_header(assertion) {
        Ok(header) if header.alg != Algorithm::ES256 => return Err(refused(Code::Algorithm, claimed_id)),
        Ok(header) if header.typ.as_deref() != Some(TYPE) => return Err(refused(Code::Malformed, claimed_id)),
        Ok(_) => {}
        // An algorithm that the library does not know, `none` among them.
        Err(error) => {
            let code = if has_header(assertion) && !matches!(error.kind(), ErrorKind::InvalidToken) {
                Code::Algorithm
            } else {
                Code::Malformed
            };
            return Err(refused(code, claimed_id));
        }
    }
    let operator = claimed.ok_or_else(|| refused(Code::UnknownOperator, None))?;
    let refused = |code| refused(code, Some(&operator.id));
    let claims = match decode::<Claims>(assertion, &key(operator), &validation(operator, audience)) {
        Ok(token) => token.claims,
        Err(error) => {
            return Err(refused(match error.kind() {
                ErrorKind::InvalidSignature => Code::Signature,
                ErrorKind::InvalidAudience => Code::Audience,
                ErrorKind::InvalidAlgorithm => Code::Algorithm,
                ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => Code::Audience,
                _ => Code::Malformed,
            }));
        }
    };
    let Claims { iat, exp, nbf, jti, request } = claims;
    let now_s = now.seconds();
    let life = exp.checked_sub(iat).filter(|life| *life >= 0 && iat >= 0);
    let (Some(life), true) = (life, (16..=128).contains(&jti.len())) else {
        return Err(refused(Code::Malformed));
    };
    if now_s >= exp {
        return Err(refused(Code::Expired));
    }
    if iat > now_s + LEEWAY_S || nbf.is_some_and(|nbf| nbf > now_s + LEEWAY_S) {
        return Err(refused(Code::NotYet));
    }
    if life > MAX_LIFE_S {
        return Err(refused(Code::TooLong));
    }
    let id = digest(format!("{}\n{jti}", operator.id).as_bytes());
    Ok(Verified { operator, id, until: UnixMs::new(exp.saturating_mul(SECOND_MS)), request })
}

/// The issuer as the assertion says it, unproven: it only chooses the key.
fn issuer(assertion: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Issuer>(&payload).ok().map(|issuer| issuer.iss)
}

fn has_header(assertion: &str) -> bool {
    let header = assertion.split('.').next().and_then(|header| URL_SAFE_NO_PAD.decode(header).ok());
    header.is_some_and(|header| serde_json::from_slice::<Value>(&header).is_ok_and(|header| header["alg"].is_string()))
}

fn key(operator: &Operator) -> DecodingKey {
    DecodingKey::from_ec_der(&operator.public_key)
}

fn validation(operator: &Operator, audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[operator.id.as_str()]);
    validation.set_required_spec_claims(&["exp", "aud", "iss"]);
    // The library asks the machine's clock; ours is asked in [`verify`].
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
