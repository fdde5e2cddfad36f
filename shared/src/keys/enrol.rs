//! Key rows: signed by `locksmith` with the KMS key `enrol`, checked by everyone
//! who seals. A swapped public key is refused before anything is sealed to it.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use aws_sdk_kms::Client;
use sha2::{Digest, Sha256};

use crate::domain::{
    id::{Malformed, SubjectId},
    key::{PUBLIC_KEY_LEN, SubjectKey},
    person::KeyRow,
};
use crate::keys::{self, KeyError};

/// The public half of the `enrol` key: a `SubjectPublicKeyInfo` in DER, as KMS
/// `GetPublicKey` gives it.
#[derive(Clone)]
pub struct EnrolKey(UnparsedPublicKey<Vec<u8>>);

/// A key row whose signature does not fit: planted, edited, or signed by another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key row is not signed by the enrol key")]
pub struct NotVouched;

impl EnrolKey {
    /// From the DER bytes.
    ///
    /// # Errors
    /// Not a P-256 public key.
    pub fn new(spki: &[u8]) -> Result<Self, Malformed> {
        let malformed = Malformed("enrol public key");
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, spki.to_vec());
        aws_lc_rs::signature::ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, spki).map_err(|_| malformed)?;
        Ok(Self(key))
    }

    /// Checks the signature of a key row.
    ///
    /// # Errors
    /// [`NotVouched`]: nothing may be sealed to this key.
    pub fn verify(&self, row: &KeyRow) -> Result<SubjectKey, NotVouched> {
        let message = message(row.subject, row.version, &row.public_key, &row.wrapped_sha256);
        self.0.verify(&message, &row.signature).map_err(|_| NotVouched)?;
        Ok(SubjectKey::vouched(row.subject, row.version, row.public_key))
    }
}

impl std::fmt::Debug for EnrolKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnrolKey")
    }
}

/// What is signed: a label, subject (16 bytes), version (4, big endian), public
/// key (65) and SHA-256 of the wrapped private key (32). All lengths are fixed.
pub fn message(
    subject: SubjectId,
    version: u32,
    public_key: &[u8; PUBLIC_KEY_LEN],
    wrapped_sha256: &[u8; 32],
) -> Vec<u8> {
    let version = version.to_be_bytes();
    let parts: [&[u8]; 5] = [b"azukari key row v1", subject.as_bytes(), &version, public_key, wrapped_sha256];
    parts.concat()
}

/// Signs a new key pair with the KMS key `enrol` (`ECDSA_SHA_256`): one call.
///
/// # Errors
/// The KMS call failed.
pub async fn sign(
    kms: &Client,
    enrol: &str,
    subject: SubjectId,
    version: u32,
    public_key: [u8; PUBLIC_KEY_LEN],
    wrapped: &[u8],
) -> Result<KeyRow, KeyError> {
    let wrapped_sha256: [u8; 32] = Sha256::digest(wrapped).into();
    let message = message(subject, version, &public_key, &wrapped_sha256);
    let signature = keys::sign(kms, enrol, message).await?;
    Ok(KeyRow { subject, version, public_key, wrapped_sha256, signature })
}
