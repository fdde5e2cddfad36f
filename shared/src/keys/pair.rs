//! Key pairs of persons, made in advance. The private half leaves KMS wrapped and
//! is never seen in the clear by the function that asks for it.

use std::collections::HashMap;

use aws_sdk_kms::{Client, types::DataKeyPairSpec};
use spki::SubjectPublicKeyInfoRef;

use crate::domain::{id::SubjectId, key::PUBLIC_KEY_LEN};
use crate::keys::KeyError;

/// A fresh key pair.
#[derive(Debug, Clone)]
pub struct WrappedPair {
    /// The uncompressed point.
    pub public_key: [u8; PUBLIC_KEY_LEN],
    /// The private key as KMS wrapped it, bound to its person by the context.
    pub wrapped: Vec<u8>,
}

/// The KMS encryption context that binds a wrapped key to its person.
pub fn context(subject: SubjectId, version: u32) -> HashMap<String, String> {
    HashMap::from([("azukari:subject".to_owned(), subject.to_string()), ("azukari:v".to_owned(), version.to_string())])
}

/// Makes a P-256 pair (KMS `GenerateDataKeyPairWithoutPlaintext`): one call.
///
/// # Errors
/// The KMS call failed, or answered with something else than a P-256 key.
pub async fn generate(kms: &Client, wrap: &str, subject: SubjectId, version: u32) -> Result<WrappedPair, KeyError> {
    const OPERATION: &str = "GenerateDataKeyPairWithoutPlaintext";
    let answer = kms
        .generate_data_key_pair_without_plaintext()
        .key_id(wrap)
        .key_pair_spec(DataKeyPairSpec::EccNistP256)
        .set_encryption_context(Some(context(subject, version)))
        .send()
        .await
        .map_err(|error| KeyError::call(OPERATION, error))?;
    let spki = answer.public_key.ok_or(KeyError::Answer(OPERATION))?.into_inner();
    let wrapped = answer.private_key_ciphertext_blob.ok_or(KeyError::Answer(OPERATION))?.into_inner();
    let public_key = uncompressed_point(&spki).ok_or(KeyError::Answer(OPERATION))?;
    Ok(WrappedPair { public_key, wrapped })
}

/// The point inside a `SubjectPublicKeyInfo` (RFC 5480 §2.2).
fn uncompressed_point(spki: &[u8]) -> Option<[u8; PUBLIC_KEY_LEN]> {
    let info = SubjectPublicKeyInfoRef::try_from(spki).ok()?;
    let point = info.subject_public_key.as_bytes()?;
    <[u8; PUBLIC_KEY_LEN]>::try_from(point).ok().filter(|point| point[0] == 0x04)
}
