//! KMS calls: the persons' key pairs and what vouches for them. No personal data
//! in the clear passes through here.

pub mod enrol;
pub mod pair;

#[cfg(feature = "opening")]
pub mod unwrap;

use aws_sdk_kms::error::DisplayErrorContext;

/// A KMS call that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The service refused or did not answer; the text is the SDK's own.
    #[error("KMS {operation}: {detail}")]
    Call {
        /// The operation.
        operation: &'static str,
        /// What the SDK says.
        detail: String,
    },
    /// The answer lacks a member or has one of a wrong form.
    #[error("KMS {0} answered without what was asked for")]
    Answer(&'static str),
}

impl KeyError {
    fn call(operation: &'static str, error: impl std::error::Error) -> Self {
        Self::Call { operation, detail: DisplayErrorContext(&error).to_string() }
    }
}
