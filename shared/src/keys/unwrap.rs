//! Unwrapping a person's private key: compiled for the opener and tests alone.

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    encoding::{AsBigEndian, EcPrivateKeyBin},
};
use aws_sdk_kms::{Client, primitives::Blob};
use zeroize::Zeroizing;

use crate::domain::{id::SubjectId, key::SubjectKey, plain::Plain};
use crate::keys::{KeyError, pair};

/// Unwraps the private key of one person (KMS `Decrypt`: one call) and checks
/// that it belongs to the public key that was vouched for.
///
/// # Errors
/// The KMS call failed, or the key is not the one in the key row.
pub async fn unwrap(kms: &Client, wrap: &str, key: &SubjectKey, wrapped: &[u8]) -> Result<Plain<Vec<u8>>, KeyError> {
    let der = decrypt(kms, wrap, key.subject(), key.version(), wrapped).await?;
    let private = PrivateKey::from_private_key_der(&ECDH_P256, &der).map_err(|_| KeyError::Answer("Decrypt"))?;
    let derived = private.compute_public_key().map_err(|_| KeyError::Answer("Decrypt"))?;
    if derived.as_ref() != key.public_key() {
        return Err(KeyError::Answer("Decrypt"));
    }
    let scalar: EcPrivateKeyBin<'_> = private.as_be_bytes().map_err(|_| KeyError::Answer("Decrypt"))?;
    Ok(Plain::new(scalar.as_ref().to_vec()))
}

async fn decrypt(
    kms: &Client,
    wrap: &str,
    subject: SubjectId,
    version: u32,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let answer = kms
        .decrypt()
        .key_id(wrap)
        .ciphertext_blob(Blob::new(wrapped))
        .set_encryption_context(Some(pair::context(subject, version)))
        .send()
        .await
        .map_err(|error| KeyError::call("Decrypt", error))?;
    let plaintext = answer.plaintext.ok_or(KeyError::Answer("Decrypt"))?;
    Ok(Zeroizing::new(plaintext.into_inner()))
}
