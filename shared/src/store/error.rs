use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::domain::word::word;

/// A call to DynamoDB that did not do what it was asked to, or a row that is not
/// what it should be. It names operations, codes and attributes, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The condition of a write did not hold.
    #[error("{operation}: the condition did not hold")]
    Condition {
        /// The operation.
        operation: &'static str,
    },
    /// A transaction was cancelled; one code for each of its parts.
    #[error("TransactWriteItems: cancelled ({})", .reasons.join(", "))]
    Cancelled {
        /// `None`, `ConditionalCheckFailed`, `TransactionConflict`…
        reasons: Vec<String>,
    },
    /// Anything else: throttled, denied, not reached, not answered.
    #[error("{operation}: {code}")]
    Call {
        /// The operation.
        operation: &'static str,
        /// The service's code, or how the call broke off.
        code: String,
    },
    /// A row lacks an attribute or holds one of a wrong form.
    #[error("a row has no valid {attribute}")]
    Row {
        /// The attribute.
        attribute: &'static str,
    },
    /// The origin tag does not fit: planted, or edited.
    #[error("a row carries no valid origin tag")]
    NotVouched,
}

/// What a conditional write of a row that may be there already has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was written.
    Written,
    /// The same or something newer was there; nothing changed.
    Already,
}

impl StoreError {
    pub(super) fn call<E: ProvideErrorMetadata>(operation: &'static str, error: SdkError<E>) -> Self {
        let code = error.code().map(word).unwrap_or(match &error {
            SdkError::TimeoutError(_) => "timeout",
            SdkError::DispatchFailure(_) => "not reached",
            SdkError::ConstructionFailure(_) => "not sent",
            _ => "no answer",
        });
        if code == "ConditionalCheckFailedException" {
            Self::Condition { operation }
        } else {
            Self::Call { operation, code: code.to_owned() }
        }
    }

    /// Whether a part of a cancelled transaction failed its condition.
    pub(super) fn part_failed(&self, part: usize) -> bool {
        match self {
            Self::Cancelled { reasons } => reasons.get(part).is_some_and(|reason| reason == "ConditionalCheckFailed"),
            _ => false,
        }
    }

    /// Whether a transaction met another one on the same row and may be tried again.
    pub(super) fn conflict(&self) -> bool {
        match self {
            Self::Cancelled { reasons } => reasons.iter().any(|reason| reason == "TransactionConflict"),
            _ => false,
        }
    }
}

/// Turns a failed condition into [`Outcome::Already`].
pub(super) fn outcome(result: Result<(), StoreError>) -> Result<Outcome, StoreError> {
    match result {
        Ok(()) => Ok(Outcome::Written),
        Err(StoreError::Condition { .. }) => Ok(Outcome::Already),
        Err(error) => Err(error),
    }
}
