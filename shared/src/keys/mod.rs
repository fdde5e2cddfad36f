//! KMS calls: the persons' key pairs, what vouches for them, and the digests by which
//! people are found. No personal data in the clear passes through here but what is to be
//! digested.

pub mod enrol;
pub mod evidence;
pub mod lookup;
pub mod pair;

#[cfg(feature = "opening")]
pub mod unwrap;

use aws_sdk_kms::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::{MessageType, SigningAlgorithmSpec},
};

use crate::domain::word::word;

/// A KMS call that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The service refused or did not answer.
    #[error("KMS {operation}: {code}")]
    Call {
        /// The operation.
        operation: &'static str,
        /// The service's code, or how the call broke off.
        code: String,
    },
    /// The answer lacks a member or has one of a wrong form.
    #[error("KMS {0} answered without what was asked for")]
    Answer(&'static str),
}

impl KeyError {
    fn call<E: ProvideErrorMetadata>(operation: &'static str, error: SdkError<E>) -> Self {
        let code = error.code().map(word).unwrap_or(match &error {
            SdkError::TimeoutError(_) => "timeout",
            SdkError::DispatchFailure(_) => "not reached",
            _ => "no answer",
        });
        Self::Call { operation, code: code.to_owned() }
    }
}

/// Signs with a KMS key (`ECDSA_SHA_256` over at most 4,096 bytes): one call.
///
/// # Errors
/// The KMS call failed.
pub async fn sign(kms: &Client, key: &str, message: Vec<u8>) -> Result<Vec<u8>, KeyError> {
    let answer = kms
        .sign()
        .key_id(key)
        .message(Blob::new(message))
        .message_type(MessageType::Raw)
        .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
        .send()
        .await
        .map_err(|error| KeyError::call("Sign", error))?;
    Ok(answer.signature.ok_or(KeyError::Answer("Sign"))?.into_inner())
}

/// Reads the public half of a KMS key that signs, as a `SubjectPublicKeyInfo` in DER:
/// for bootstrap, whose result goes into the functions' settings.
///
/// # Errors
/// The KMS call failed.
pub async fn public_key(kms: &Client, key: &str) -> Result<Vec<u8>, KeyError> {
    let answer =
        kms.get_public_key().key_id(key).send().await.map_err(|error| KeyError::call("GetPublicKey", error))?;
    Ok(answer.public_key.ok_or(KeyError::Answer("GetPublicKey"))?.into_inner())
}
