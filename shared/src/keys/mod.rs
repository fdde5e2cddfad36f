//! KMS calls: the persons' key pairs and what vouches for them. No personal data
//! in the clear passes through here.

pub mod enrol;
pub mod pair;

#[cfg(feature = "opening")]
pub mod unwrap;

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};

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
        let code = error.code().unwrap_or(match &error {
            SdkError::TimeoutError(_) => "timeout",
            SdkError::DispatchFailure(_) => "not reached",
            _ => "no answer",
        });
        Self::Call { operation, code: code.to_owned() }
    }
}
