//! LINE Login in LIFF: its ID tokens, signed with ES256, and the keys that verify them
//! (PLATFORM.md §3.3). The key is made with the process: whoever keeps the old one learns
//! to fetch the new one.

use std::sync::OnceLock;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use azukari::host::clock::Clock;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::engine::line::Line;

/// Who issues ID tokens.
pub const ISSUER: &str = "https://access.line.me";
/// How long an ID token is valid: an hour.
pub(super) const LIFE_S: i64 = 3_600;

/// The name of a user who was not made here.
pub(super) const STRANGER: &str = "シミュレーターの友だち";

/// A token could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token could not be made")]
pub struct LoginError;

#[derive(Default)]
pub(super) struct Login(OnceLock<Key>);

struct Key {
    private: EncodingKey,
    public: Vec<u8>,
    id: String,
}

impl Login {
    fn key(&self) -> Result<&Key, LoginError> {
        if self.0.get().is_none() {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| LoginError)?;
            let der = pair.to_pkcs8v1().map_err(|_| LoginError)?;
            let public = pair.public_key().as_ref().to_vec();
            let id = URL_SAFE_NO_PAD.encode(&Sha256::digest(&public)[..16]);
            let key = Key { private: EncodingKey::from_ec_der(der.as_ref()), public, id };
            return Ok(self.0.get_or_init(|| key));
        }
        self.0.get().ok_or(LoginError)
    }

    /// What verifies the tokens.
    pub(super) fn verifying(&self) -> Result<DecodingKey, LoginError> {
        Ok(DecodingKey::from_ec_der(&self.key()?.public))
    }
}

impl Line {
    /// An ID token of a user, for the login channel `audience`, as LIFF hands it out.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub fn id_token(&self, user_id: &str, audience: &str) -> Result<String, LoginError> {
        let key = self.login.key()?;
        let now = self.clock.now().seconds();
        let claims = json!({
            "iss": ISSUER,
            "sub": user_id,
            "aud": audience,
            "exp": now + LIFE_S,
            "iat": now,
            "amr": ["linesso"],
            "name": self.name_of(user_id),
        });
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &key.private).map_err(|_| LoginError)
    }

    /// The display name of a user.
    pub(super) fn name_of(&self, user_id: &str) -> String {
        self.friend(user_id).map_or_else(|| STRANGER.to_owned(), |friend| friend.name)
    }

    /// The keys that verify ID tokens (RFC 7517), as `/oauth2/v2.1/certs` shows them.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub fn certs(&self) -> Result<Value, LoginError> {
        let key = self.login.key()?;
        // An uncompressed point: 4, x, y.
        let (x, y) = (key.public.get(1..33), key.public.get(33..65));
        let (x, y) = (x.ok_or(LoginError)?, y.ok_or(LoginError)?);
        let encoded = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        Ok(json!({"keys": [{
            "kty": "EC", "alg": "ES256", "use": "sig", "crv": "P-256", "kid": key.id, "x": encoded(x), "y": encoded(y),
        }]}))
    }
}
