//! A person's public key, once its origin has been checked.

use crate::domain::id::SubjectId;

/// Length of an uncompressed P-256 point (SEC 1 §2.3.3).
pub const PUBLIC_KEY_LEN: usize = 65;

/// The public key of one person, vouched for by the `enrol` key.
///
/// Only `keys::enrol` can make one, after it has verified the signature, so
/// sealing to a swapped key cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectKey {
    subject: SubjectId,
    version: u32,
    public_key: [u8; PUBLIC_KEY_LEN],
}

impl SubjectKey {
    pub(crate) fn vouched(subject: SubjectId, version: u32, public_key: [u8; PUBLIC_KEY_LEN]) -> Self {
        Self { subject, version, public_key }
    }

    /// Whose key it is.
    pub fn subject(&self) -> SubjectId {
        self.subject
    }

    /// Which of the person's keys, from 1.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The uncompressed point.
    pub fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.public_key
    }
}
